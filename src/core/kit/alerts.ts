/**
 * Prometheus rules that page from citizens harmed, staged as bad and total per journey step, with promtool tests made from the
 * same numbers, and the routes. Windows are sums of whole minutes, so nothing is lost between scrapes and nothing becomes NaN.
 */
import type { FailureMode, Journey, Service, Sli } from '../define/schema.ts'
import { METRICS } from '../traffic/metrics.ts'
import { alertTests } from './alert-tests.ts'
import { type KitFile, single } from './file.ts'
import { measuresText, scrapeText } from './measures.ts'
import { allowedShare, syntheticWindow, type Threshold, thresholdOf, walkedJourneys } from './numbers.ts'
import { routesText } from './routes.ts'
import { sheetHtml, sheetText } from './sheet.ts'
import { alertName, journeysOf, lower, modesOf, runbookPath, type Source, sliOf } from './source.ts'

/** Where whoever is woken by a silence or by lost telemetry reads on. */
export const ONCALL_GUIDE = 'ops/docs/on-call.md'
/** What the service has to export, with the code. */
const MEASURES = 'ops/alerts/metrics.md'

export interface Alert {
  readonly name: string
  readonly expr: string
  readonly forMinutes: number
  readonly page: boolean
  readonly summary: string
  readonly runbook?: string
  readonly journey?: string
  readonly step?: string
  readonly mode?: string
  /** The indicator that it watches by itself, because no failure mode is seen by it. */
  readonly indicator?: string
  /** The number whose absence it tells. */
  readonly missing?: { readonly metric: string; readonly sli: string }
  readonly arithmetic: readonly string[]
  /** What the test feeds to it: series while healthy and while broken. */
  readonly probe: Probe
}

/** Input of a promtool test: the alert is silent on `healthy` and fires `afterMinutes` into `broken`. */
export interface Probe {
  readonly series: readonly { readonly name: string; readonly healthy: string; readonly broken: string }[]
  readonly afterMinutes: number
}

export function alertFiles(source: Source): KitFile[] {
  const { service } = source
  const from = [['harmBudget'], ['failureModes'], ['slis'], ['watch'], ['journeys']]
  return [
    single('alerts', `ops/alerts/${service.service.id}.rules.yml`, from, rulesText(service)),
    single('alerts', `ops/alerts/${service.service.id}.test.yml`, from, alertTests(service, alertsOf(service))),
    single('alerts', 'ops/alerts/alertmanager.yml', [['oncall', 'ladder']], routesText(service)),
    single('alerts', 'ops/alerts/prometheus.yml', [['tooling'], ['environments']], scrapeText(service)),
    single('alerts', 'ops/alerts/metrics.md', from, measuresText(service)),
    single('alerts', 'ops/alerts/thresholds.md', [...from, ['sources']], sheetText(service)),
    single('alerts', 'ops/alerts/thresholds.html', [...from, ['sources']], sheetHtml(service)),
  ]
}

export function jobOf(service: Service): string {
  return service.tooling.metricsJob ?? service.service.id
}

/** Steps that are counted, in pairs of journey and step. */
export function stagedPairs(service: Service): readonly { readonly journey: Journey; readonly step: string }[] {
  return service.journeys.flatMap((journey) => journey.steps.map((step) => ({ journey, step: step.id })))
}

/** Alerts by definition: nearly every file of a kit asks for them. */
const derived = new WeakMap<Service, readonly Alert[]>()

/** Every alert of the service, those that page first. */
export function alertsOf(service: Service): readonly Alert[] {
  const known = derived.get(service)
  if (known) return known
  const alerts = deriveAlerts(service)
  derived.set(service, alerts)
  return alerts
}

function deriveAlerts(service: Service): readonly Alert[] {
  const steps = stagedPairs(service).flatMap(({ journey, step }) => {
    const threshold = thresholdOf(service, journey, step)
    return threshold ? [harmAlert(service, journey, threshold)] : []
  })
  const measured = [
    ...modesOf(service).flatMap((mode) => modeAlert(service, mode) ?? []),
    ...service.slis.flatMap((sli) => indicatorAlert(service, sli) ?? []),
  ]
  const all = [
    ...steps,
    ...walkedJourneys(service).map((journey) => syntheticAlert(service, journey)),
    ...measured,
    ...unmeasuredAlerts(service, measured),
    ...silenceAlerts(service),
    telemetryAlert(service),
    ...nobodyWalks(service),
  ]
  return [...all.filter((alert) => alert.page), ...all.filter((alert) => !alert.page)]
}

/**
 * Where somebody reads on who knows only that a journey fails: the mode that is seen in its failures, else its worst. A silent one shows no
 * failure to anybody, so its runbook would mislead.
 */
export function runbookOfJourney(service: Service, journey: string): string {
  const modes = modesOf(service).filter((mode) => mode.journeys.includes(journey) && !mode.silent)
  const mode = modes.find((known) => known.detect.kind === 'ratio' || known.detect.kind === 'synthetic') ?? modes[0]
  return mode ? runbookPath(mode) : ONCALL_GUIDE
}

function harmAlert(service: Service, journey: Journey, threshold: Threshold): Alert {
  const step = journey.steps.find((known) => known.id === threshold.step)!
  const runbook = runbookOfJourney(service, journey.id)
  const labels = `{journey="${journey.id}",step="${step.id}"}`
  const night = threshold.demands.find((demand) => demand.name === 'night')!
  return {
    name: `CitizensFail${alertName(journey.id)}${alertName(step.id)}`,
    expr: `sum_over_time(journey_step:bad:inc1m${labels}[${threshold.windowMinutes}m]) >= ${threshold.failures}`,
    forMinutes: 0,
    page: true,
    summary: `{{ $value }} citizens could not ${lower(step.name)} in the last ${threshold.windowMinutes} minutes`,
    runbook,
    journey: journey.id,
    step: step.id,
    arithmetic: [
      ...threshold.arithmetic,
      night.share > 1
        ? `at night ${night.perMinute} a minute cannot reach ${threshold.failures} in ${threshold.windowMinutes} min: ${walkedJourneys(service).includes(journey) ? 'the synthetic journey pages instead' : 'nothing pages then, because no synthetic citizen can begin this journey'}`
        : `at night ${Math.round(night.share * 100)} % must fail`,
    ],
    probe: {
      series: [
        {
          name: `journey_step_bad_total${`{job="${jobOf(service)}",journey="${journey.id}",step="${step.id}"}`}`,
          healthy: '0',
          broken: String(threshold.failures),
        },
      ],
      afterMinutes: threshold.windowMinutes + 1,
    },
  }
}

function syntheticAlert(service: Service, journey: Journey): Alert {
  const { everySeconds, failures, minutes } = syntheticWindow(service)
  const modes = modesOf(service).filter((known) => known.journeys.includes(journey.id) && !known.silent)
  const mode = modes.find((known) => known.detect.kind === 'synthetic') ?? modes[0]
  return {
    name: `Synthetic${alertName(journey.id)}Fails`,
    expr: `sum(increase(synthetic_journey_bad_total{job="${jobOf(service)}",journey="${journey.id}"}[${minutes}m])) >= ${failures - 0.5}`,
    forMinutes: 0,
    page: true,
    summary: `our own walk through "${journey.name}" failed ${failures} times in ${minutes} minutes`,
    runbook: mode ? runbookPath(mode) : ONCALL_GUIDE,
    journey: journey.id,
    arithmetic: [
      `${failures} failures of a run every ${everySeconds} s, and one run more: ${minutes} min; works at any hour, whatever the demand`,
    ],
    probe: {
      series: [
        {
          name: `synthetic_journey_bad_total{job="${jobOf(service)}",journey="${journey.id}"}`,
          healthy: '0',
          broken: '1',
        },
      ],
      afterMinutes: minutes + failures,
    },
  }
}

/** The alert of a failure mode; those seen in ratios of steps have theirs already, and only name their runbook there. */
function modeAlert(service: Service, mode: FailureMode): Alert | undefined {
  const sli = sliOf(service, mode.detect.sli)
  if (
    mode.detect.kind === 'ratio' &&
    sli?.kind === 'ratio' &&
    sli.step !== undefined &&
    service.journeys.some(
      (journey) => journey.id === sli.journey && journey.demand && journey.steps.some((step) => step.id === sli.step),
    )
  )
    return undefined
  // The synthetic journey of its own alert names this runbook already.
  if (sli?.kind === 'synthetic' && walkedJourneys(service).some((journey) => journey.id === mode.journeys[0]))
    return undefined
  const { kind, forMinutes = 0, breach, says } = mode.detect
  const words = breach ?? says ?? sli?.name ?? mode.citizenSees
  const measured = measureOf({ id: mode.id, kind, forMinutes, words }, sli, jobOf(service))
  const page = sli ? sli.pages : true
  const journeys = journeysOf(service, mode).map((journey) => journey.name)
  return {
    name: alertName(mode.id),
    expr: measured.expr,
    forMinutes: measured.forMinutes,
    page,
    summary: `${lower(mode.name)}; citizens see: ${mode.citizenSees} (${journeys.join('; ')})`,
    runbook: runbookPath(mode),
    mode: mode.id,
    ...(mode.journeys[0] ? { journey: mode.journeys[0] } : {}),
    arithmetic: measured.arithmetic,
    probe: {
      series: [{ name: measured.series, healthy: measured.healthy, broken: measured.broken }],
      afterMinutes: measured.forMinutes + 1,
    },
  }
}

interface Measure {
  readonly expr: string
  readonly series: string
  readonly forMinutes: number
  readonly healthy: string
  readonly broken: string
  readonly arithmetic: readonly string[]
}

/** An indicator that may wake somebody and by which no failure mode is seen: without an alert of its own nobody would look at it. */
function indicatorAlert(service: Service, sli: Sli): Alert | undefined {
  if (!sli.pages || service.failureModes.some((mode) => mode.detect.sli === sli.id)) return undefined
  const journey = service.journeys.find((known) => known.id === sli.journey)
  // Steps and walks have alerts of their own.
  if (sli.kind === 'ratio' && sli.step !== undefined) return undefined
  if (sli.kind === 'synthetic' && walkedJourneys(service).some(({ id }) => id === journey?.id)) return undefined
  const words = sli.name ?? wordsOf(sli)
  const watched = { id: sli.id, kind: sli.kind, forMinutes: 0, words: `not kept: ${words}` }
  const measured = measureOf(watched, sli, jobOf(service))
  return {
    name: alertName(sli.id),
    expr: measured.expr,
    forMinutes: measured.forMinutes,
    page: true,
    summary: `not as promised: ${words}${journey ? ` (${journey.name})` : ''}`,
    runbook: journey ? runbookOfJourney(service, journey.id) : ONCALL_GUIDE,
    indicator: sli.id,
    ...(journey ? { journey: journey.id } : {}),
    arithmetic: measured.arithmetic,
    probe: {
      series: [{ name: measured.series, healthy: measured.healthy, broken: measured.broken }],
      afterMinutes: measured.forMinutes + 1,
    },
  }
}

/** What an indicator is about, where it has no name. */
export function wordsOf(sli: Sli): string {
  switch (sli.kind) {
    case 'reconciliation':
      return `${sli.left} equal ${sli.right}`
    case 'invariant':
      return `no ${sli.counts}`
    case 'by-time':
      return `${sli.good}${sli.by ? ` by ${sli.by}` : ''}`
    case 'ratio':
      return `${sli.targetPercent} % ${sli.good ?? 'good'}`
    case 'latency':
      return `${sli.percentile} of 100 ${sli.of ? `of ${sli.of} ` : ''}within ${sli.limitMs} ms`
    case 'synthetic':
      return sli.of.join(', ')
    default:
      return sli.of
  }
}

/** What is watched: a failure mode, or an indicator by itself. */
interface Watched {
  readonly id: string
  readonly kind: string
  readonly forMinutes: number
  readonly words: string
}

/** Kinds of detectors that Prometheus itself could compute, if it were said of what. */
const COUNTED_KINDS: ReadonlySet<string> = new Set(['ratio', 'latency', 'saturation', 'freshness', 'synthetic'])

function measureOf(watched: Watched, sli: Sli | undefined, job: string): Measure {
  const id = sli?.id ?? watched.id
  const labels = `{job="${job}",sli="${id}"}`
  const { forMinutes } = watched
  const gauge = (name: string, above: number, minutes: number, why: string): Measure => ({
    expr: `max(${name}${labels}) > ${above}`,
    series: `${name}${labels}`,
    forMinutes: minutes,
    healthy: String(above),
    broken: String(above + 1),
    arithmetic: [why],
  })
  if (sli?.kind === 'reconciliation')
    return gauge(
      'reconciliation_unmatched',
      sli.allowed,
      sli.graceMinutes,
      `${sli.left} must equal ${sli.right}; ${sli.allowed} may differ, for ${sli.graceMinutes} min of grace`,
    )
  if (sli?.kind === 'invariant')
    return gauge(
      'invariant_violations',
      sli.allowed,
      0,
      `${sli.counts}: ${sli.allowed} are allowed, so the first one counts`,
    )
  if (sli?.kind === 'freshness' && sli.ageMinutesMax !== undefined)
    return gauge(
      'freshness_age_seconds',
      sli.ageMinutesMax * 60,
      forMinutes,
      `${sli.of}: ${sli.ageMinutesMax} min × 60 = ${sli.ageMinutesMax * 60} s`,
    )
  if (sli?.kind === 'latency')
    return gauge(
      'latency_percentile_ms',
      sli.limitMs,
      Math.max(1, forMinutes),
      `${sli.percentile} of 100 within ${sli.limitMs} ms`,
    )
  return gauge(
    'sli_breach',
    0,
    forMinutes,
    sli === undefined && COUNTED_KINDS.has(watched.kind)
      ? `the definition names no indicator for it (detect: sli), so whoever computes it (${watched.kind}) exports it: ${watched.words}; 1 while it is so`
      : `computed outside of Prometheus (${watched.kind}), because it needs calendars, tenants or a second calculation: ${watched.words}; 1 while it is so`,
  )
}

/** How the names of alerts begin that tell of a number nobody exports. */
export const UNMEASURED = 'NobodyMeasures'
/** Minutes without a number until that is a ticket: a restart, and one run of whatever computes it, are no reason for one. */
const UNMEASURED_MINUTES = 60
/** However seldom it is computed, somebody hears of it within hours. */
const UNMEASURED_MINUTES_MAX = 180

/** Alerts on the service's own numbers are silent while nobody exports those, and silence looks like health. */
function unmeasuredAlerts(service: Service, measured: readonly Alert[]): Alert[] {
  const series = new Map<string, readonly Alert[]>()
  for (const alert of measured) {
    const { name } = alert.probe.series[0]!
    series.set(name, [...(series.get(name) ?? []), alert])
  }
  return [...series].map(([name, alerts]) => {
    const every = Math.max(
      0,
      ...alerts.map(({ mode }) => service.failureModes.find(({ id }) => id === mode)?.detect.everyMinutes ?? 0),
    )
    const minutes = Math.min(UNMEASURED_MINUTES_MAX, Math.max(UNMEASURED_MINUTES, 2 * every))
    const [first] = alerts as readonly [Alert]
    const names = alerts.map((alert) => alert.name).join(' and ')
    const [, metric, sli] = /^(\w+)\{.*sli="([^"]+)"/.exec(name) as unknown as [string, string, string]
    return {
      name: `${UNMEASURED}${first.name}`,
      expr: `max(absent(${name}))`,
      forMinutes: minutes,
      page: false,
      summary: `nobody exports ${metric} of ${sli}: ${names} cannot fire, and nobody would see it`,
      runbook: MEASURES,
      missing: { metric, sli },
      arithmetic: [
        every > 0
          ? `computed every ${every} min; twice that, from ${UNMEASURED_MINUTES} to ${UNMEASURED_MINUTES_MAX} min: ${minutes} min`
          : `${minutes} min: longer than a restart`,
      ],
      // A sample stands for five minutes after it was the last (Prometheus, "Staleness").
      probe: { series: [{ name, healthy: '0', broken: 'absent' }], afterMinutes: minutes + 6 },
    }
  })
}

function silenceAlerts(service: Service): Alert[] {
  return service.watch.silence.map((beat) => {
    const series = `heartbeat_timestamp_seconds{job="${jobOf(service)}",heartbeat="${beat.id}"}`
    return {
      name: `Silent${alertName(beat.id)}`,
      expr: `(time() - max(${series}) > ${beat.withinMinutes * 60}) or absent(${series})`,
      forMinutes: 2,
      page: true,
      summary: `nothing was heard of ${beat.what} for ${beat.withinMinutes} minutes: what it looks for would not be seen`,
      runbook: ONCALL_GUIDE,
      arithmetic: [`${beat.withinMinutes} min × 60 = ${beat.withinMinutes * 60} s; absent counts as silent`],
      // Test time starts at 0: a beat that follows the clock is healthy, one from before the beginning is old enough at once.
      probe: {
        series: [{ name: series, healthy: 'clock', broken: String(-beat.withinMinutes * 60) }],
        afterMinutes: 4,
      },
    }
  })
}

function telemetryAlert(service: Service): Alert {
  const job = jobOf(service)
  const counted = stagedPairs(service).length > 0
  return {
    name: 'TelemetryLost',
    // The counters are there from the start, at 0: where they are absent, nobody counts citizens.
    expr: `max(absent(up{job="${job}"}) or (sum(up{job="${job}"}) == 0)${counted ? ` or absent(journey_step_total{job="${job}"})` : ''})`,
    forMinutes: 2,
    page: true,
    summary: `we cannot see how citizens of "${service.service.name}" are doing; this is not the same as well`,
    runbook: ONCALL_GUIDE,
    arithmetic: ['a lost measurement is never read as healthy'],
    probe: { series: [{ name: `up{job="${job}",instance="a"}`, healthy: '1', broken: '0' }], afterMinutes: 4 },
  }
}

/** Walks that nobody makes find nothing: their alerts would be silent for ever, and look healthy. */
function nobodyWalks(service: Service): Alert[] {
  const walked = walkedJourneys(service)
  const [first] = walked
  if (!first) return []
  const { everySeconds } = syntheticWindow(service)
  const minutes = walkMinutes(service)
  const job = jobOf(service)
  return [
    {
      name: 'NobodyWalks',
      expr: `min(sum by (journey) (increase(${METRICS.walks.name}{job="${job}",journey=~"${walked.map(({ id }) => id).join('|')}"}[${minutes}m]))) == 0`,
      forMinutes: 5,
      page: true,
      summary: `nobody has walked through a journey of "${service.service.name}" for ${minutes} minutes: at night nothing else would see that it fails`,
      runbook: ONCALL_GUIDE,
      arithmetic: [`a walk every ${everySeconds} s; three missed, and 10 min at least: ${minutes} min`],
      probe: {
        series: [{ name: `${METRICS.walks.name}{job="${job}",journey="${first.id}"}`, healthy: 'rising', broken: '' }],
        afterMinutes: minutes + 7,
      },
    },
  ]
}

/** Minutes without a walk that are too many: three of them missed, ten minutes at least. */
export function walkMinutes(service: Service): number {
  return Math.max(10, Math.ceil((3 * syntheticWindow(service).everySeconds) / 60))
}

export function rulesText(service: Service): string {
  const job = jobOf(service)
  const staged = stagedPairs(service).flatMap(({ journey, step }) => [
    ...(['bad', 'total'] as const).flatMap((kind) => {
      const metric = kind === 'bad' ? 'journey_step_bad_total' : 'journey_step_total'
      const x = `${metric}{job="${job}",journey="${journey.id}",step="${step}"}`
      return [
        `      - record: journey_step:${kind}:inc1m`,
        '        expr: >-',
        `          (sum(((${x} - (${x} offset 1m)) >= 0) or (${x} and (${x} offset 1m))) or vector(0)) and on() (sum(up{job="${job}"}) > 0)`,
        `        labels: { journey: ${journey.id}, step: ${step} }`,
      ]
    }),
  ])
  const groups = [
    `# Rules for "${service.service.name}". Counters that must be exported at 0 from the start:`,
    '#   journey_step_bad_total, journey_step_total {journey,step}: one per citizen and step, retries not counted again',
    '#   synthetic_journey_bad_total {journey}; gauges reconciliation_unmatched, invariant_violations, freshness_age_seconds,',
    '#   latency_percentile_ms and sli_breach {sli}; heartbeat_timestamp_seconds {heartbeat}',
    'groups:',
    ...(staged.length > 0
      ? [`  - name: ${service.service.id}-staged`, '    interval: 1m', '    rules:', ...staged]
      : []),
    `  - name: ${service.service.id}-pages`,
    '    interval: 1m',
    '    rules:',
    ...alertsOf(service).flatMap((alert) => ruleLines(service, alert)),
    ...burnLines(service),
  ]
  return groups.join('\n')
}

function ruleLines(service: Service, alert: Alert): string[] {
  return [
    ...alert.arithmetic.map((line) => `      # ${line}`),
    `      - alert: ${alert.name}`,
    `        expr: ${yamlText(alert.expr)}`,
    ...(alert.forMinutes > 0 ? [`        for: ${alert.forMinutes}m`] : []),
    `        labels: ${labelsText(service, alert)}`,
    '        annotations:',
    `          summary: ${yamlText(alert.summary)}`,
    ...(alert.runbook ? [`          runbook: ${yamlText(alert.runbook)}`] : []),
  ]
}

export function labelsOf(service: Service, alert: Alert): Readonly<Record<string, string>> {
  return {
    service: service.service.id,
    severity: alert.page ? 'page' : 'ticket',
    ...(alert.journey ? { journey: alert.journey } : {}),
    ...(alert.step ? { step: alert.step } : {}),
    ...(alert.mode ? { failure_mode: alert.mode } : {}),
  }
}

function labelsText(service: Service, alert: Alert): string {
  return `{ ${Object.entries(labelsOf(service, alert))
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')} }`
}

/** Slow burns of the objective are tickets. A pair that no traffic can reach is left out, and said. */
function burnLines(service: Service): string[] {
  const lines = stagedPairs(service).flatMap(({ journey, step }) => {
    const { share, sli } = allowedShare(service, journey.id, step)
    if (sli?.kind !== 'ratio' || sli.step !== step) return []
    return [
      { factor: 6, long: '6h', short: '30m' },
      { factor: 1, long: '3d', short: '6h' },
    ].flatMap(({ factor, long, short }) => {
      const limit = Number((factor * share).toPrecision(4))
      if (limit >= 1)
        return [
          `      # ${sli.id}: ${factor} × ${share} = ${limit} cannot be exceeded by a share, so there is no rule for it`,
        ]
      const labels = `{journey="${journey.id}",step="${step}"}`
      const ratio = (window: string) =>
        `sum_over_time(journey_step:bad:inc1m${labels}[${window}]) / (sum_over_time(journey_step:total:inc1m${labels}[${window}]) > 0) > ${limit}`
      return [
        `      # ${factor} × (1 − ${sli.targetPercent} %) = ${limit}: the budget of ${sli.window} is spent ${factor === 1 ? 'just in its window' : `${factor} times too fast`}`,
        `      - alert: BudgetBurns${alertName(sli.id)}${long}`,
        `        expr: ${yamlText(`(${ratio(long)}) and (${ratio(short)})`)}`,
        `        labels: { service: ${service.service.id}, severity: ticket, journey: ${journey.id}, step: ${step} }`,
        '        annotations:',
        `          summary: ${yamlText(`more people fail at "${step}" than "${sli.id}" allows`)}`,
      ]
    })
  })
  return lines.some((line) => line.includes('- alert'))
    ? [`  - name: ${service.service.id}-tickets`, '    interval: 5m', '    rules:', ...lines]
    : []
}

/** JSON strings are YAML, whatever they hold. */
export function yamlText(text: string): string {
  return JSON.stringify(text)
}

/** Names of the alerts that show a failure mode, the one that it is seen by first. */
export function alertsFor(service: Service, mode: FailureMode): readonly string[] {
  const path = runbookPath(mode)
  const sli = sliOf(service, mode.detect.sli)
  const isSeenBy = (alert: Alert) =>
    alert.mode === mode.id ||
    (sli !== undefined &&
      'step' in sli &&
      sli.step !== undefined &&
      alert.step === sli.step &&
      alert.journey === sli.journey) ||
    (sli?.kind === 'synthetic' && alert.name.startsWith('Synthetic'))
  const found = alertsOf(service).filter(
    (alert) => alert.mode === mode.id || (alert.runbook === path && alert.indicator === undefined),
  )
  return [...found.filter(isSeenBy), ...found.filter((alert) => !isSeenBy(alert))].map((alert) => alert.name)
}
