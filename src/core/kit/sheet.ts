/** The threshold sheet: why each number of the alerts is what it is, from harm to citizens; as Markdown, and as a page to print. */
import type { FailureMode, Service } from '../define/schema.ts'
import { escapeHtml as html } from '../words.ts'
import { type Alert, alertsFor, alertsOf, ONCALL_GUIDE, UNMEASURED } from './alerts.ts'
import { owedBy } from './measures.ts'
import { type Threshold, thresholdOf, walkedJourneys } from './numbers.ts'
import { modesOf } from './source.ts'

interface StepRow {
  readonly name: string
  readonly demand: string
  readonly perMinute: string
  readonly complaint: string
  readonly pages: string
}

/** Steps with the same numbers share their rows. */
function stepRows(service: Service): readonly StepRow[] {
  return service.journeys.flatMap((journey) => {
    const groups = new Map<string, { steps: string[]; threshold: Threshold | undefined }>()
    for (const { id } of journey.steps) {
      const threshold = thresholdOf(service, journey, id)
      const key = threshold ? `${threshold.failures}/${threshold.windowMinutes}` : 'none'
      const group = groups.get(key) ?? { steps: [], threshold }
      group.steps.push(id)
      groups.set(key, group)
    }
    const isWalked = walkedJourneys(service).includes(journey)
    return [...groups.values()].flatMap(({ steps, threshold }): StepRow[] => {
      const name = `${journey.id}: ${steps.join(', ')}`
      if (!threshold)
        return [
          {
            name,
            demand: 'not known',
            perMinute: '',
            complaint: '',
            pages: isWalked ? 'only the synthetic journey' : 'nothing',
          },
        ]
      return threshold.demands.map((demand, i) => ({
        name: i === 0 ? name : '',
        demand: demand.name,
        perMinute: String(demand.perMinute),
        complaint: `${demand.complaintMinutes} min`,
        pages:
          demand.share > 1
            ? `cannot: ${demand.share} > 1, ${isWalked ? 'so the synthetic journey pages' : 'and no synthetic citizen can begin this journey'}`
            : `${Math.round(demand.share * 100)} %, i.e. ${threshold.failures} in ${threshold.windowMinutes} min`,
      }))
    })
  })
}

function introduction(service: Service): readonly string[] {
  const { harmBudget } = service
  return [
    `Somebody is woken when ${harmBudget.citizens} citizens were harmed, or earlier. ${harmBudget.kinds.map((kind) => `For ${kind.what}: ${kind.beforePage}.`).join(' ')}`.trim(),
    `Of failed attempts, ${harmBudget.contactRate * 100} % end in a complaint${harmBudget.contactSource ? ` (${harmBudget.contactSource})` : ''}. From page to first useful action: ${harmBudget.responseMinutes} minutes.`,
  ]
}

const STEP_HEADS = ['journey, step', 'demand', 'a minute', 'first complaint of a total failure', 'share that pages']
const ALERT_HEADS = ['alert', 'wakes', 'when', 'arithmetic', 'runbook']

/** Arithmetic that an alert above has told already is not told again. */
function told(alerts: readonly Alert[], alert: Alert): string {
  const text = alert.arithmetic.join('; ')
  const first = alerts.find((other) => other.arithmetic.join('; ') === text)!
  return first === alert ? text : `as ${first.name}`
}

function modeLine(service: Service, mode: FailureMode): string {
  return `${mode.rank}. ${mode.name}: ${alertsFor(service, mode).join(', ')}`
}

/** Numbers that only the service has, and the alerts that are blind without them. */
function owedLines(service: Service): readonly string[] {
  return owedBy(service).map(
    ({ metric, label, value, alerts }) =>
      `${metric}{${label}="${value}"}: ${alerts.filter((name) => !name.startsWith(UNMEASURED)).join(', ')}`,
  )
}

const OWED_TITLE = 'What nobody watches until the service exports it'
const owedSays = () =>
  `Holdfast cannot measure these. While one is missing, its alert cannot fire, whatever happens to citizens; ${UNMEASURED}… (a ticket) and Silent… (a page) say so. ops/alerts/metrics.md has the code.`

/** Assumptions that numbers rest on, with what would replace them. */
function assumptions(service: Service): readonly string[] {
  return service.sources
    .filter((source) => source.kind === 'assumption' && /demand|harmBudget|tolerance|slis|detect/.test(source.about))
    .map(
      (source) =>
        `${source.about}: ${source.says}${source.replaceWith ? `; to be replaced by ${source.replaceWith}` : ''}`,
    )
}

export function sheetText(service: Service): string {
  const alerts = alertsOf(service)
  const assumed = assumptions(service)
  const owed = owedLines(service)
  const head = (names: readonly string[]) => [`| ${names.join(' | ')} |`, `|${names.map(() => '---').join('|')}|`]
  return [
    `# Why these numbers: ${service.service.name}`,
    '',
    ...introduction(service),
    '',
    '## Steps',
    '',
    ...head(STEP_HEADS),
    ...stepRows(service).map((row) => `| ${Object.values(row).join(' | ')} |`),
    '',
    '## Alerts',
    '',
    ...head(ALERT_HEADS),
    ...alerts.map(
      (alert) =>
        `| ${alert.name} | ${alert.page ? 'yes' : 'no, a ticket'} | \`${alert.expr.replaceAll('|', '\\|')}\` | ${told(alerts, alert)} | ${alert.runbook ?? ONCALL_GUIDE} |`,
    ),
    '',
    '## Failure modes and their alerts',
    '',
    ...modesOf(service).map((mode) => `- ${modeLine(service, mode)}`),
    ...(owed.length > 0 ? ['', `## ${OWED_TITLE}`, '', owedSays(), '', ...owed.map((line) => `- ${line}`)] : []),
    ...(assumed.length > 0 ? ['', '## What is assumed', '', ...assumed.map((line) => `- ${line}.`)] : []),
  ].join('\n')
}

const STYLE = `body{margin:0 auto;max-width:60em;padding:0 1em;font:18px/1.45 arial,sans-serif;color:#0b0c0c;background:#fff;overflow-wrap:anywhere}
h1{border-top:6px solid #1d70b8;padding-top:.5em}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:16px}
caption{text-align:left;font-weight:bold;padding:.5em 0}
td,th{border-bottom:1px solid #505a5f;padding:.3em;text-align:left;vertical-align:top}
code{font-size:14px}
@media print{body{max-width:none;font-size:12px}}`

export function sheetHtml(service: Service): string {
  const alerts = alertsOf(service)
  const assumed = assumptions(service)
  const owed = owedLines(service)
  const table = (caption: string, heads: readonly string[], rows: readonly (readonly string[])[]) =>
    [
      `<div class="wide" tabindex="0" role="region" aria-label="${html(caption)}">`,
      `<table><caption>${html(caption)}</caption>`,
      `<thead><tr>${heads.map((name) => `<th scope="col">${html(name)}</th>`).join('')}</tr></thead>`,
      '<tbody>',
      ...rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`),
      '</tbody></table>',
      '</div>',
    ].join('\n')
  const list = (lines: readonly string[]) => `<ul>\n${lines.map((line) => `<li>${html(line)}</li>`).join('\n')}\n</ul>`
  const title = `Why these numbers – ${service.service.name}`
  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${html(title)}</title>`,
    `<style>\n${STYLE}\n</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<h1>${html(title)}</h1>`,
    ...introduction(service).map((line) => `<p>${html(line)}</p>`),
    table(
      'When each step pages',
      STEP_HEADS,
      stepRows(service).map((row) => Object.values(row).map(html)),
    ),
    table(
      'Every alert, and its arithmetic',
      ALERT_HEADS,
      alerts.map((alert) => [
        html(alert.name),
        alert.page ? 'yes' : 'no, a ticket',
        `<code>${html(alert.expr)}</code>`,
        html(told(alerts, alert)),
        html(alert.runbook ?? ONCALL_GUIDE),
      ]),
    ),
    '<h2>Failure modes and their alerts</h2>',
    list(modesOf(service).map((mode) => modeLine(service, mode))),
    ...(owed.length > 0 ? [`<h2>${html(OWED_TITLE)}</h2>`, `<p>${html(owedSays())}</p>`, list(owed)] : []),
    ...(assumed.length > 0 ? ['<h2>What is assumed</h2>', list(assumed)] : []),
    '</main>',
    '</body>',
    '</html>',
  ].join('\n')
}
