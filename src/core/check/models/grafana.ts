/** Grafana: alert rules as they are provisioned, brought to one PromQL condition where that is possible, and dashboards' queries. */
import { child, fields, flag, items, type Node, num, text } from '../formats/node.ts'
import type { Document } from '../world.ts'
import type { GeneratedRule } from './slo.ts'
import { secondsOf } from './value.ts'

/** What Grafana does when the query gives nothing. Default: NoData, an alert of its own (Grafana, "Configure no data handling"). */
export type NoData = 'Alerting' | 'OK' | 'NoData' | 'KeepLast'

export interface GrafanaRule extends GeneratedRule {
  readonly noData: NoData
}

export interface GrafanaRules {
  readonly rules: readonly GrafanaRule[]
  readonly unread: readonly { readonly node: Node; readonly name: string; readonly problem: string }[]
}

/** Alert rules of provisioning files and exports. A paused rule is left out. */
export function grafanaRules(documents: readonly Document[]): GrafanaRules {
  const rules: GrafanaRule[] = []
  const unread: GrafanaRules['unread'][number][] = []
  for (const { root } of documents)
    for (const rule of items(child(root, 'groups')).flatMap((group) => items(child(group, 'rules')))) {
      const name = text(child(rule, 'title')) ?? ''
      if (flag(child(rule, 'isPaused')) === true || !child(rule, 'data')) continue
      const condition = conditionOf(rule)
      if ('problem' in condition) {
        unread.push({ node: rule, name, problem: condition.problem })
        continue
      }
      const noData = text(child(rule, 'noDataState'))
      rules.push({
        alert: name,
        expr: condition.expr,
        forS: secondsOf(text(child(rule, 'for'))) ?? 0,
        labels: words(child(rule, 'labels')),
        annotations: words(child(rule, 'annotations')),
        node: rule,
        exprNode: condition.node,
        noData:
          noData === 'Alerting' || noData === 'OK' || noData === 'KeepLast'
            ? noData
            : noData === 'KeepLastState'
              ? 'KeepLast'
              : 'NoData',
      })
    }
  return { rules, unread }
}

function words(node: Node | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(fields(node).map(([key, value]) => [key, text(value) ?? '']))
}

const DEPTH_MAX = 12
const EVALUATORS: Readonly<Record<string, string>> = { gt: '>', lt: '<', gte: '>=', lte: '<=', eq: '==', ne: '!=' }

type Condition = { readonly expr: string; readonly node: Node } | { readonly problem: string }

function conditionOf(rule: Node): Condition {
  const parts = new Map(items(child(rule, 'data')).map((node) => [text(child(node, 'refId')) ?? '', node]))
  const wanted = text(child(rule, 'condition')) ?? ''
  const node = parts.get(wanted)
  if (!node) return { problem: `Its condition ${wanted || '(none)'} is not among its queries.` }
  const expr = exprOf(wanted, parts, 0)
  return 'problem' in expr ? expr : { expr: expr.expr, node: queryNode(wanted, parts, 0) ?? node }
}

type Parts = ReadonlyMap<string, Node>

function exprOf(ref: string, parts: Parts, depth: number): { readonly expr: string } | { readonly problem: string } {
  const node = parts.get(ref)
  const model = child(node, 'model')
  if (!node || !model || depth > DEPTH_MAX) return { problem: `The query ${ref} is missing.` }
  const query = text(child(model, 'expr'))
  if (query !== undefined) return { expr: `(${query})` }
  const type = text(child(model, 'type'))
  const of = text(child(model, 'expression')) ?? ''
  const source = text(child(node, 'datasourceUid')) ?? ''
  if (source !== '__expr__' && source !== '-100' && !type) return { problem: `The query ${ref} is not PromQL.` }
  switch (type) {
    case 'reduce': {
      const inner = exprOf(of, parts, depth + 1)
      if ('problem' in inner) return inner
      return reduced(text(child(model, 'reducer')) ?? 'last', inner.expr, child(parts.get(of), 'relativeTimeRange'))
    }
    case 'resample':
      return exprOf(of, parts, depth + 1)
    case 'threshold': {
      const inner = exprOf(of, parts, depth + 1)
      if ('problem' in inner) return inner
      return compared(inner.expr, items(child(model, 'conditions'))[0])
    }
    case 'classic_conditions': {
      const conditions = items(child(model, 'conditions'))
      const sides = conditions.map((condition) => {
        const inner = exprOf(text(child(condition, 'query', 'params', 0)) ?? '', parts, depth + 1)
        if ('problem' in inner) return inner
        const [reducer] = [text(child(condition, 'reducer', 'type')) ?? 'last']
        const value = reduced(
          reducer,
          inner.expr,
          child(parts.get(text(child(condition, 'query', 'params', 0)) ?? ''), 'relativeTimeRange'),
        )
        return 'problem' in value ? value : compared(value.expr, condition)
      })
      const broken = sides.find((side) => 'problem' in side)
      if (broken) return broken
      const joined = sides
        .map((side, i) => {
          const op = i === 0 ? '' : text(child(conditions[i], 'operator', 'type')) === 'or' ? ' or ' : ' and '
          return `${op}(${'expr' in side ? side.expr : ''})`
        })
        .join('')
      return joined ? { expr: joined } : { problem: 'It has no condition.' }
    }
    case 'math':
      return math(of, parts, depth)
    default:
      return { problem: `The expression ${ref} (${type ?? 'of no type'}) is one that we do not know.` }
  }
}

/** Grafana reduces the range that the panel would show; over Prometheus that is a function over time. */
function reduced(
  reducer: string,
  expr: string,
  range: Node | undefined,
): { readonly expr: string } | { readonly problem: string } {
  const from = num(child(range, 'from')) ?? 600
  const over: Readonly<Record<string, string>> = {
    mean: 'avg',
    avg: 'avg',
    max: 'max',
    min: 'min',
    sum: 'sum',
    count: 'count',
  }
  if (reducer === 'last') return { expr }
  const how = over[reducer]
  if (!how || from < 60 || from > 86_400) return { problem: `The reducer ${reducer} is one that we do not know.` }
  return { expr: `(${how}_over_time(${expr}[${Math.round(from)}s:60s]))` }
}

function compared(expr: string, condition: Node | undefined): { readonly expr: string } | { readonly problem: string } {
  const type = text(child(condition, 'evaluator', 'type')) ?? 'gt'
  const params = items(child(condition, 'evaluator', 'params')).map((node) => num(node))
  const [low, high] = params
  const op = EVALUATORS[type]
  if (op && low !== undefined) return { expr: `${expr} ${op} ${low}` }
  if (type === 'within_range' && low !== undefined && high !== undefined)
    return { expr: `(${expr} > ${low}) < ${high}` }
  if (type === 'outside_range' && low !== undefined && high !== undefined)
    return { expr: `${expr} < ${low} or ${expr} > ${high}` }
  if (type === 'no_value') return { expr: `absent(${expr})` }
  return { problem: `The evaluator ${type} is one that we do not know.` }
}

/** `$A / $B > 0.1`, with other queries by name. A comparison gives 0 or 1 in Grafana; as the condition it filters. */
function math(written: string, parts: Parts, depth: number): { readonly expr: string } | { readonly problem: string } {
  let problem: string | undefined
  const expr = written
    .replace(/&&/g, ' and ')
    .replace(/\|\|/g, ' or ')
    .replace(/\$\{?([A-Za-z]\w*)\}?/g, (_, name: string) => {
      const inner = exprOf(name, parts, depth + 1)
      if ('problem' in inner) problem ??= inner.problem
      return 'expr' in inner ? inner.expr : ''
    })
  if (/\b(is_number|is_nan|is_null|is_inf|log|abs|round|ceil|floor|null|nan|inf)\b/.test(written))
    problem ??= 'Its math uses functions that we do not know.'
  if (expr.length > 20_000) problem ??= 'Its math is longer than 20,000 characters.'
  return problem ? { problem } : { expr }
}

/** The node of the query that a condition rests on, for places. */
function queryNode(ref: string, parts: Parts, depth: number): Node | undefined {
  const node = parts.get(ref)
  const model = child(node, 'model')
  const query = child(model, 'expr')
  if (query || depth > DEPTH_MAX) return query
  const next =
    text(child(model, 'expression'))?.replace(/^\$\{?(\w+).*$/s, '$1') ??
    text(child(model, 'conditions', 0, 'query', 'params', 0))
  return next && next !== ref ? queryNode(next, parts, depth + 1) : node
}

export interface PanelQuery {
  readonly panel: string
  readonly expr: string
  readonly node: Node
}

/** PromQL of a dashboard's panels, rows included. */
export function panelQueries(root: Node): readonly PanelQuery[] {
  const found: PanelQuery[] = []
  const visit = (node: Node, depth: number) => {
    if (depth > 6 || found.length > 5_000) return
    for (const panel of items(child(node, 'panels'))) {
      for (const target of items(child(panel, 'targets'))) {
        const expr = child(target, 'expr')
        const written = text(expr)
        if (expr && written) found.push({ panel: text(child(panel, 'title')) ?? '', expr: written, node: expr })
      }
      visit(panel, depth + 1)
    }
  }
  visit(child(root, 'dashboard') ?? root, 0)
  return found
}
