/**
 * SLO sources (Sloth, Pyrra, OpenSLO) as the Prometheus rules that they would generate: the recordings that alerts read, and the
 * alerts. Each rule stands where its SLO does. Windows and factors are the generators' own defaults.
 */
import { child, fields, items, type Node, num, text } from '../formats/node.ts'
import type { Document } from '../world.ts'
import { secondsOf } from './value.ts'

/** A rule as text, with the node that it was made from. */
export interface GeneratedRule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly forS: number
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly node: Node
  readonly exprNode: Node
}

export interface SloRules {
  readonly rules: readonly GeneratedRule[]
  /** SLOs whose rules we cannot work out. */
  readonly unread: readonly { readonly node: Node; readonly name: string; readonly problem: string }[]
}

const SLOS_MAX = 2_000

/** Pure. `generated` are Sloth ids whose rules lie in the tree already; those SLOs are left to them. */
export function sloRules(documents: readonly Document[], generated: ReadonlySet<string> = new Set()): SloRules {
  const rules: GeneratedRule[] = []
  const unread: SloRules['unread'][number][] = []
  const out = { rules, unread }
  for (const { root } of documents) {
    const version = text(child(root, 'apiVersion')) ?? text(child(root, 'version')) ?? ''
    if (/^prometheus\/v1/.test(version)) sloth(root, generated, out)
    else if (/^sloth\./.test(version)) sloth(child(root, 'spec') ?? root, generated, out)
    else if (/^pyrra\.dev/.test(version)) pyrra(root, out)
  }
  openSlo(
    documents.filter(({ root }) => /^openslo/.test(text(child(root, 'apiVersion')) ?? '')).map(({ root }) => root),
    out,
  )
  return { rules: rules.slice(0, SLOS_MAX * 20), unread }
}

interface Out {
  readonly rules: GeneratedRule[]
  readonly unread: SloRules['unread'][number][]
}

function labelsOf(node: Node | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(fields(node).map(([key, value]) => [key, text(value) ?? '']))
}

function selector(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(',')}}`
}

/** A query with its window in place of `{{.window}}`. */
function windowed(query: string, window: string): string {
  return query.replace(/\{\{\s*\.?window\s*\}\}|\$\{?window\}?/g, window)
}

function hasWindow(query: string): boolean {
  return /\{\{\s*\.?window\s*\}\}|\$\{?window\}?/.test(query)
}

// ── Sloth ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

// Of the default 30-day period: 2 % of the budget in 1 h, 5 % in 6 h, 10 % in 1 d and in 3 d (Sloth, default alert windows).
const SLOTH_PAGE = [
  ['5m', '1h', 14.4],
  ['30m', '6h', 6],
] as const
const SLOTH_TICKET = [
  ['2h', '1d', 3],
  ['6h', '3d', 1],
] as const

function sloth(spec: Node, generated: ReadonlySet<string>, out: Out): void {
  const service = text(child(spec, 'service')) ?? ''
  for (const slo of items(child(spec, 'slos')).slice(0, SLOS_MAX)) {
    const name = text(child(slo, 'name')) ?? ''
    const id = `${service}-${name}`
    if (generated.has(id)) continue
    const objective = num(child(slo, 'objective'))
    const sli = child(slo, 'sli')
    const errors = child(sli, 'events', 'error_query') ?? child(sli, 'events', 'errorQuery')
    const total = child(sli, 'events', 'total_query') ?? child(sli, 'events', 'totalQuery')
    const raw = child(sli, 'raw', 'error_ratio_query') ?? child(sli, 'raw', 'errorRatioQuery')
    const queryNode = errors ?? raw
    const ratio = (window: string) =>
      raw
        ? `(${windowed(text(raw) ?? '', window)})`
        : `(${windowed(text(errors) ?? '', window)}) / (${windowed(text(total) ?? '', window)})`
    if (objective === undefined || !queryNode || (!raw && !total)) {
      const problem = child(sli, 'plugin')
        ? `It uses the plugin ${text(child(sli, 'plugin', 'id')) ?? ''}.`
        : 'It has no objective or no queries.'
      out.unread.push({ node: slo, name: id, problem })
      continue
    }
    const identity = { sloth_id: id, sloth_service: service, sloth_slo: name }
    const own = { ...labelsOf(child(spec, 'labels')), ...labelsOf(child(slo, 'labels')) }
    for (const window of ['5m', '30m', '1h', '2h', '6h', '1d', '3d'])
      out.rules.push({
        record: `slo:sli_error:ratio_rate${window}`,
        expr: ratio(window),
        forS: 0,
        labels: { ...own, ...identity, sloth_window: window },
        annotations: {},
        node: slo,
        exprNode: queryNode,
      })
    const alerting = child(slo, 'alerting')
    // The same floating-point number that Sloth prints: (100 − objective) ÷ 100.
    const budget = (100 - objective) / 100
    for (const [kinds, windows] of [
      [['page_alert', 'pageAlert'], SLOTH_PAGE],
      [['ticket_alert', 'ticketAlert'], SLOTH_TICKET],
    ] as const) {
      const settings = child(alerting, kinds[0]) ?? child(alerting, kinds[1])
      if (text(child(settings, 'disable')) === 'true') continue
      const series = (window: string, factor: number) =>
        `max(slo:sli_error:ratio_rate${window}${selector(identity)} > (${factor} * ${budget})) without (sloth_window)`
      const pairs = windows.map(([short, long, factor]) => `(${series(short, factor)} and ${series(long, factor)})`)
      out.rules.push({
        alert: text(child(alerting, 'name')) ?? `${id}-${kinds[0]}`,
        expr: pairs.join(' or '),
        forS: 0,
        labels: {
          ...labelsOf(child(alerting, 'labels')),
          ...labelsOf(child(settings, 'labels')),
          sloth_severity: kinds[0].startsWith('page') ? 'page' : 'ticket',
        },
        annotations: { ...labelsOf(child(alerting, 'annotations')), ...labelsOf(child(settings, 'annotations')) },
        node: child(slo, 'alerting') ?? slo,
        exprNode: child(slo, 'objective') ?? slo,
      })
    }
  }
}

// ── Pyrra ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

// Shares of the window, and factors, as Pyrra's own table has them: 28 d gives 1 h and 5 m for 2 m at 14, and so on.
const PYRRA = [
  { long: 672, short: 8_064, hold: 20_160, factor: 14, severity: 'critical' },
  { long: 112, short: 1_344, hold: 2_688, factor: 7, severity: 'critical' },
  { long: 28, short: 336, hold: 672, factor: 2, severity: 'warning' },
  { long: 7, short: 112, hold: 224, factor: 1, severity: 'warning' },
] as const

function pyrra(root: Node, out: Out): void {
  const name = text(child(root, 'metadata', 'name')) ?? ''
  const spec = child(root, 'spec')
  const target = num(child(spec, 'target'))
  const windowS = secondsOf(text(child(spec, 'window')))
  const sli = indicatorOf(child(spec, 'indicator'))
  if (target === undefined || windowS === undefined || windowS <= 0 || !sli) {
    out.unread.push({
      node: spec ?? root,
      name,
      problem: 'It has no target, no window, or an indicator that we do not know.',
    })
    return
  }
  const alerting = child(spec, 'alerting')
  const off = (key: string) => text(child(alerting, key)) === 'false'
  if (text(child(alerting, 'disabled')) === 'true') return
  const minutes = (share: number) => Math.max(1, Math.round(windowS / share / 60))
  const base = { ...labelsOf(child(root, 'metadata', 'labels')), slo: name }
  const labels = Object.fromEntries(
    Object.entries(base)
      .filter(([key]) => key === 'slo' || key.startsWith('pyrra.dev/'))
      .map(([key, value]) => [key.replace(/^pyrra\.dev\//, ''), value]),
  )
  const recorded = (share: number) => `${sli.metric}:burnrate${minutes(share)}m`
  for (const share of new Set(PYRRA.flatMap(({ long, short }) => [long, short])))
    out.rules.push({
      record: recorded(share),
      expr: sli.ratio(`${minutes(share)}m`),
      forS: 0,
      labels,
      annotations: {},
      node: spec!,
      exprNode: sli.node,
    })
  const budget = `(1 - ${target / 100})`
  for (const { long, short, hold, factor, severity } of off('burnrates') ? [] : PYRRA) {
    const side = (share: number) => `${recorded(share)}${selector({ slo: name })} > (${factor} * ${budget})`
    out.rules.push({
      alert: text(child(alerting, 'name')) ?? 'ErrorBudgetBurn',
      expr: `${side(short)} and ${side(long)}`,
      forS: minutes(hold) * 60,
      labels: { ...labels, severity, long: `${minutes(long)}m`, short: `${minutes(short)}m` },
      annotations: labelsOf(child(root, 'metadata', 'annotations')),
      node: spec!,
      exprNode: child(spec, 'target')!,
    })
  }
  if (!off('absent') && sli.total)
    out.rules.push({
      alert: text(child(alerting, 'absentName')) ?? 'SLOMetricAbsent',
      expr: `absent(${sli.total}) == 1`,
      forS: minutes(20_160) * 60,
      labels: { ...labels, severity: 'critical' },
      annotations: {},
      node: spec!,
      exprNode: sli.node,
    })
}

interface Indicator {
  readonly metric: string
  /** The selector of everything, where the indicator counts. */
  readonly total?: string
  readonly node: Node
  ratio(window: string): string
}

function indicatorOf(node: Node | undefined): Indicator | undefined {
  const of = (...path: string[]) => text(child(node, ...path))
  const grouping = (kind: string) => items(child(node, kind, 'grouping')).map((item) => text(item) ?? '')
  const summed = (kind: string) => {
    const by = grouping(kind)
    return by.length > 0 ? `sum by (${by.join(', ')})` : 'sum'
  }
  const [errors, all] = [of('ratio', 'errors', 'metric'), of('ratio', 'total', 'metric')]
  if (errors && all)
    return {
      metric: bareMetric(all),
      total: all,
      node: child(node, 'ratio')!,
      ratio: (window) => `${summed('ratio')}(rate(${errors}[${window}])) / ${summed('ratio')}(rate(${all}[${window}]))`,
    }
  const [success, count] = [of('latency', 'success', 'metric'), of('latency', 'total', 'metric')]
  if (success && count)
    return {
      metric: bareMetric(count),
      total: count,
      node: child(node, 'latency')!,
      ratio: (window) =>
        `(${summed('latency')}(rate(${count}[${window}])) - ${summed('latency')}(rate(${success}[${window}]))) / ${summed('latency')}(rate(${count}[${window}]))`,
    }
  const gauge = of('bool_gauge', 'metric')
  if (gauge)
    return {
      metric: bareMetric(gauge),
      total: gauge,
      node: child(node, 'bool_gauge')!,
      ratio: (window) =>
        `(sum(count_over_time(${gauge}[${window}])) - sum(sum_over_time(${gauge}[${window}]))) / sum(count_over_time(${gauge}[${window}]))`,
    }
  return undefined
}

function bareMetric(query: string): string {
  return (/^\s*([A-Za-z_:][\w:]*)/.exec(query)?.[1] ?? 'slo').replace(/_(total|count|bucket)$/, '')
}

// ── OpenSLO ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const OPERATORS: Readonly<Record<string, string>> = { lt: '<', lte: '<=', gt: '>', gte: '>=', eq: '==' }

/** SLOs with the indicators, policies and conditions that they name; these may stand in files of their own. */
function openSlo(documents: readonly Node[], out: Out): void {
  const byKind = (kind: string) =>
    new Map(
      documents
        .filter((root) => text(child(root, 'kind')) === kind)
        .map((root) => [text(child(root, 'metadata', 'name')) ?? '', root]),
    )
  const [indicators, policies, conditions] = [byKind('SLI'), byKind('AlertPolicy'), byKind('AlertCondition')]
  for (const root of documents.filter((document) => text(child(document, 'kind')) === 'SLO')) {
    const name = text(child(root, 'metadata', 'name')) ?? ''
    const spec = child(root, 'spec')
    const indicator =
      child(spec, 'indicator', 'spec') ??
      child(spec, 'indicator') ??
      child(indicators.get(text(child(spec, 'indicatorRef')) ?? ''), 'spec')
    const ratio = ratioOf(indicator)
    const objective = items(child(spec, 'objectives'))[0]
    const target = num(child(objective, 'target')) ?? percent(num(child(objective, 'targetPercent')))
    if (!ratio || target === undefined) {
      out.unread.push({
        node: spec ?? root,
        name,
        problem: 'Its indicator has no Prometheus ratio, or its objective no target.',
      })
      continue
    }
    for (const listed of items(child(spec, 'alertPolicies'))) {
      const policy = child(listed, 'spec')
        ? listed
        : policies.get(text(child(listed, 'alertPolicyRef')) ?? text(listed) ?? '')
      for (const entry of items(child(policy, 'spec', 'conditions'))) {
        const condition = child(entry, 'spec') ? entry : conditions.get(text(child(entry, 'conditionRef')) ?? '')
        conditionRule(name, condition, ratio, target, out)
      }
    }
  }
}

function percent(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / 100
}

function conditionRule(
  slo: string,
  entry: Node | undefined,
  ratio: (window: string) => string,
  target: number,
  out: Out,
): void {
  const spec = child(entry, 'spec')
  const condition = child(spec, 'condition')
  const threshold = num(child(condition, 'threshold'))
  const window = text(child(condition, 'lookbackWindow'))
  if (!entry || !condition || threshold === undefined || !window) {
    if (entry) out.unread.push({ node: entry, name: slo, problem: 'Its condition has no threshold or no window.' })
    return
  }
  const op = OPERATORS[text(child(condition, 'op')) ?? 'gt'] ?? '>'
  out.rules.push({
    alert: `${slo}: ${text(child(entry, 'metadata', 'name')) ?? 'burn'}`,
    expr: `(${ratio(window)}) / (1 - ${target}) ${op} ${threshold}`,
    forS: secondsOf(text(child(condition, 'alertAfter'))) ?? 0,
    labels: { severity: text(child(spec, 'severity')) ?? '', slo },
    annotations: { description: text(child(spec, 'description')) ?? '' },
    node: entry,
    exprNode: child(condition, 'threshold') ?? condition,
  })
}

/** The share of bad events over a window. */
function ratioOf(indicator: Node | undefined): ((window: string) => string) | undefined {
  const metric = child(indicator, 'ratioMetric')
  const query = (kind: string) =>
    text(child(metric, kind, 'metricSource', 'spec', 'query')) ??
    text(child(metric, kind, 'metricSource', 'spec', 'promql')) ??
    text(child(metric, kind, 'query'))
  const [good, bad, total, raw] = [query('good'), query('bad'), query('total'), query('raw')]
  const over = (written: string, window: string) =>
    hasWindow(written) ? windowed(written, window) : /\[/.test(written) ? written : `sum(rate(${written}[${window}]))`
  // Queries with a window of their own would not look over the one that the condition asks for.
  if ([good, bad, total, raw].some((written) => written !== undefined && !hasWindow(written) && /\[/.test(written)))
    return undefined
  if (raw) {
    const success = text(child(metric, 'rawType')) === 'success'
    return (window) => (success ? `1 - (${over(raw, window)})` : `(${over(raw, window)})`)
  }
  if (!total) return undefined
  if (bad) return (window) => `(${over(bad, window)}) / (${over(total, window)})`
  return good ? (window) => `1 - (${over(good, window)}) / (${over(total, window)})` : undefined
}
