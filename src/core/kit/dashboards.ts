/** Dashboards that begin with citizens, and the objectives in OpenSLO, both on the counters of the alert rules. */
import type { Journey, Service } from '../define/schema.ts'
import { jobOf, yamlText } from './alerts.ts'
import { type KitFile, single } from './file.ts'
import { durationDays } from './numbers.ts'
import { durationWords, modesOf, runbookPath, type Source } from './source.ts'

export function dashboardFiles({ service }: Source): KitFile[] {
  const objectives = openSlo(service)
  return [
    single(
      'dashboards',
      `ops/dashboards/${service.service.id}.json`,
      [['journeys'], ['failureModes'], ['slis']],
      `${JSON.stringify(grafana(service), null, 1)}\n`,
    ),
    ...(objectives
      ? [single('dashboards', `ops/dashboards/${service.service.id}.openslo.yml`, [['slis']], objectives)]
      : []),
  ]
}

interface Panel {
  readonly title: string
  readonly description: string
  readonly type: 'stat' | 'timeseries' | 'text' | 'alertlist'
  readonly height: number
  readonly width: number
  readonly targets?: readonly { readonly expr: string; readonly legend: string }[]
  readonly unit?: 'short' | 'percentunit'
  readonly content?: string
  readonly threshold?: number
  /** Bad is below the threshold, not above it. */
  readonly below?: boolean
}

/** Panels from left to right, top to bottom; 24 columns. Citizens first, servers last and only if a journey is hurt. */
function panelsOf(service: Service): readonly Panel[] {
  const journeys = service.journeys.filter((journey) => journey.steps.length > 0)
  const { citizens } = service.harmBudget
  const job = jobOf(service)
  return [
    {
      title: 'Citizens who could not go on, last hour',
      description: `Somebody is woken at ${citizens}. One citizen counts once for each step.`,
      type: 'stat',
      height: 5,
      width: 8,
      targets: [{ expr: 'sum(sum_over_time(journey_step:bad:inc1m[1h]))', legend: 'citizens' }],
      threshold: citizens,
    },
    { title: 'Open pages', description: 'Each leads to its runbook.', type: 'alertlist', height: 5, width: 8 },
    {
      title: 'Can we see?',
      description: 'Red: telemetry is lost, and nothing else on this page is true.',
      type: 'stat',
      height: 5,
      width: 8,
      targets: [{ expr: `sum(up{job="${job}"}) or vector(0)`, legend: 'sources that answer' }],
      threshold: 1,
      below: true,
    },
    ...journeys.flatMap((journey) => journeyPanels(service, journey)),
    ...(journeys.length > 0
      ? [
          {
            title: 'Which release fails: share of citizens, last 5 minutes',
            description:
              'The release on trial beside the running one. Holdfast decides on the same counts, with far fewer citizens.',
            type: 'timeseries',
            height: 8,
            width: 12,
            unit: 'percentunit',
            targets: [
              {
                expr: `sum by (arm) (rate(journey_step_bad_total{job="${job}"}[5m])) / (sum by (arm) (rate(journey_step_total{job="${job}"}[5m])) > 0)`,
                legend: '{{arm}}',
              },
            ],
          } satisfies Panel,
        ]
      : []),
    ...budgetPanels(service),
    ...silentPanels(service),
    {
      title: 'What to do',
      description: 'Failure modes, worst first.',
      type: 'text',
      height: 8,
      width: 12,
      content: modesOf(service)
        .map(
          (mode) =>
            `${mode.rank}. **${mode.name}**: ${mode.citizenSees}. First: ${mode.act.first.says}. \`${runbookPath(mode)}\``,
        )
        .join('\n'),
    },
  ]
}

function journeyPanels(service: Service, journey: Journey): Panel[] {
  const chart = (title: string, description: string, kind: 'bad' | 'total', threshold?: number): Panel => ({
    title: `${journey.name}: ${title}`,
    description,
    type: 'timeseries',
    height: 8,
    width: 12,
    targets: journey.steps.map((step) => ({
      expr: `journey_step:${kind}:inc1m{journey="${journey.id}",step="${step.id}"}`,
      legend: step.name,
    })),
    ...(threshold === undefined ? {} : { threshold }),
  })
  const { demand } = journey
  return [
    chart(
      'citizens who failed, a minute',
      `${journey.harmClass}; must work again within ${journey.tolerance.recoverMinutes} minutes. If not: ${journey.harmIfFails}.`,
      'bad',
      service.harmBudget.citizens,
    ),
    chart(
      'citizens who tried, a minute',
      demand
        ? `Usual: ${demand.normalPerMinute} by day, ${demand.nightPerMinute} at night, ${demand.peakPerMinute} in the worst peak.`
        : 'The usual demand is not stated in the definition.',
      'total',
    ),
  ]
}

/** The budget of an objective in citizens, which is what it is about. */
function budgetPanels(service: Service): Panel[] {
  const ratios = service.slis.flatMap((sli) =>
    sli.kind === 'ratio' && sli.journey !== undefined && sli.step !== undefined ? [sli] : [],
  )
  if (ratios.length === 0) return []
  return [
    {
      title: 'Budget left, in citizens',
      description: 'How many more may fail in the window of the objective. Below zero: it is missed.',
      type: 'stat',
      height: 8,
      width: 12,
      threshold: 0,
      below: true,
      targets: ratios.map((sli) => {
        const labels = `{journey="${sli.journey}",step="${sli.step}"}`
        const days = durationDays(sli.window)
        const over = (kind: string) => `sum_over_time(journey_step:${kind}:inc1m${labels}[${days}d])`
        const share = Number((1 - sli.targetPercent / 100).toFixed(6))
        return { expr: `${share} * ${over('total')} - ${over('bad')}`, legend: sli.name ?? sli.id }
      }),
    },
  ]
}

function silentPanels(service: Service): Panel[] {
  const silent = service.slis.flatMap((sli) => (sli.kind === 'invariant' || sli.kind === 'reconciliation' ? [sli] : []))
  if (silent.length === 0) return []
  return [
    {
      title: 'What shows no error: must be zero',
      description: silent
        .map((sli) => (sli.kind === 'invariant' ? sli.counts : `${sli.left} = ${sli.right}`))
        .join('; '),
      type: 'timeseries',
      height: 8,
      width: 12,
      targets: silent.map((sli) => ({
        expr: `max(${sli.kind === 'invariant' ? 'invariant_violations' : 'reconciliation_unmatched'}{job="${jobOf(service)}",sli="${sli.id}"})`,
        legend: sli.name ?? sli.id,
      })),
      threshold: 1,
    },
  ]
}

const SOURCE = { type: 'prometheus', uid: '$source' }

function grafana(service: Service): Record<string, unknown> {
  let x = 0
  let y = 0
  let row = 0
  const panels = panelsOf(service).map((panel, i) => {
    if (x + panel.width > 24) {
      x = 0
      y += row
      row = 0
    }
    const place = { x, y, w: panel.width, h: panel.height }
    x += panel.width
    row = Math.max(row, panel.height)
    return panelJson(service, panel, i + 1, place)
  })
  return {
    uid: service.service.id.slice(0, 40),
    title: `${service.service.name}: how citizens are doing`,
    description: 'Made by holdfast kit from service.yaml.',
    tags: [service.service.id, 'citizens'],
    timezone: service.service.timezone,
    schemaVersion: 39,
    version: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    annotations: {
      list: [
        {
          name: 'A release is on trial',
          datasource: SOURCE,
          enable: true,
          iconColor: 'blue',
          expr: `holdfast_canary_share{job="${jobOf(service)}"} > 0`,
          titleFormat: 'release on trial',
        },
      ],
    },
    templating: { list: [{ name: 'source', type: 'datasource', query: 'prometheus', label: 'Metrics' }] },
    panels,
  }
}

function panelJson(
  service: Service,
  panel: Panel,
  id: number,
  gridPos: Record<string, number>,
): Record<string, unknown> {
  const base = { id, type: panel.type, title: panel.title, description: panel.description, gridPos }
  if (panel.type === 'text') return { ...base, options: { mode: 'markdown', content: panel.content } }
  if (panel.type === 'alertlist')
    return {
      ...base,
      options: {
        alertInstanceLabelFilter: `{service="${service.service.id}"}`,
        stateFilter: { firing: true, pending: false },
        viewMode: 'list',
      },
    }
  const [first, second] = panel.below ? ['red', 'green'] : ['green', 'red']
  const steps =
    panel.threshold === undefined
      ? [{ color: 'blue', value: null }]
      : [
          { color: first, value: null },
          { color: second, value: panel.threshold },
        ]
  const drawn = panel.type === 'timeseries' && panel.threshold !== undefined
  return {
    ...base,
    datasource: SOURCE,
    fieldConfig: {
      defaults: {
        unit: panel.unit ?? 'short',
        ...(panel.below ? {} : { min: 0 }),
        ...(panel.unit === 'percentunit' ? {} : { decimals: 0 }),
        // An empty panel must not look like a good one.
        noValue: 'nothing is measured: look at "Can we see?"',
        thresholds: { mode: 'absolute', steps },
        ...(drawn ? { custom: { thresholdsStyle: { mode: 'line' } } } : {}),
      },
      overrides: [],
    },
    targets: panel.targets!.map((target, i) => ({
      refId: refId(i),
      datasource: SOURCE,
      expr: target.expr,
      legendFormat: target.legend,
    })),
  }
}

/** A to Z, then AA: a journey may have more than 26 steps. */
function refId(i: number): string {
  return i < 26 ? String.fromCharCode(65 + i) : `${refId(Math.floor(i / 26) - 1)}${refId(i % 26)}`
}

/** OpenSLO v1 for the ratios of steps; other kinds have no form there. Undefined when there is none. */
function openSlo(service: Service): string | undefined {
  const ratios = service.slis.flatMap((sli) =>
    sli.kind === 'ratio' &&
    sli.journey !== undefined &&
    sli.step !== undefined &&
    sli.window !== 'parliamentary-session'
      ? [sli]
      : [],
  )
  if (ratios.length === 0) return undefined
  return ratios
    .map((sli) => {
      const labels = `{job="${jobOf(service)}",journey="${sli.journey}",step="${sli.step}"}`
      const source = (query: string) => [
        '          metricSource:',
        '            type: Prometheus',
        `            spec: { query: ${yamlText(query)} }`,
      ]
      const days = durationDays(sli.window)
      return [
        `# ${sli.good ?? 'good'} ÷ ${sli.total ?? 'all'}: ${sli.targetPercent} % in ${durationWords(sli.window)}`,
        'apiVersion: openslo/v1',
        'kind: SLO',
        `metadata: { name: ${sli.id}, displayName: ${yamlText(sli.name ?? sli.id)} }`,
        'spec:',
        `  service: ${service.service.id}`,
        `  description: ${yamlText(`${sli.good ?? 'good'} of ${sli.total ?? 'all'}`)}`,
        '  budgetingMethod: Occurrences',
        `  timeWindow: [{ duration: ${days}d, isRolling: true }]`,
        `  objectives: [{ target: ${Number((sli.targetPercent / 100).toFixed(6))} }]`,
        '  indicator:',
        `    metadata: { name: ${sli.id}-ratio }`,
        '    spec:',
        '      ratioMetric:',
        '        counter: true',
        '        bad:',
        ...source(`sum(journey_step_bad_total${labels})`),
        '        total:',
        ...source(`sum(journey_step_total${labels})`),
      ].join('\n')
    })
    .join('\n---\n')
}
