/** Alerting and recording rules of a tree: Prometheus rule files, PrometheusRule objects, ConfigMaps, SLO sources, Grafana. */
import { embeddedSource } from '../formats/embedded.ts'
import { allText, child, fields, items, type Node, type Spot, spotOf, text } from '../formats/node.ts'
import { type Promql, parsePromql } from '../formats/promql.ts'
import { readYaml } from '../formats/yaml.ts'
import type { World } from '../world.ts'
import { grafanaRules, type NoData } from './grafana.ts'
import { type GeneratedRule, sloRules } from './slo.ts'
import { secondsOf } from './value.ts'

export interface AlertRule {
  readonly name: string
  readonly expr: Promql
  /** The expression as written, on one line. */
  readonly written: string
  readonly forS: number
  readonly labels: ReadonlyMap<string, string>
  readonly annotations: ReadonlyMap<string, string>
  readonly at: Spot
  readonly exprAt: Spot
  readonly node: Node
  /** What it was made from; `prometheus` for a rule that is written out. */
  readonly source: 'prometheus' | 'slo' | 'grafana'
  /** Grafana only: what becomes of an empty result. */
  readonly noData?: NoData
}

export interface Recording {
  readonly name: string
  readonly expr: Promql
  /** The expression as text, for rules that are written anew. */
  readonly written: string
  /** Labels that the rule adds to its series. */
  readonly labels: Readonly<Record<string, string>>
}

export interface AlertRules {
  readonly alerts: readonly AlertRule[]
  /** What a recorded name stands for; the last rule of that name, for ranges of values. */
  readonly recorded: ReadonlyMap<string, Promql>
  /** All recording rules in order; several may give series to one name. */
  readonly recordings: readonly Recording[]
  /** Expressions that could not be read. */
  readonly unread: readonly { readonly at: Spot; readonly name: string; readonly problem: string }[]
}

// A dozen rules ask for the same; a world never changes.
const known = new WeakMap<World, AlertRules>()

export function alertRules(world: World): AlertRules {
  const before = known.get(world)
  if (before) return before
  const rules = readRules(world)
  known.set(world, rules)
  return rules
}

/** All rule groups of a tree, wherever they are written out. */
export function ruleGroups(world: World): readonly Node[] {
  return [
    ...world.documents('prometheus').flatMap(({ root }) => items(child(root, 'groups'))),
    ...world.kube
      .filter((object) => object.kind === 'PrometheusRule')
      .flatMap((object) => items(child(object.node, 'spec', 'groups'))),
    ...world.kube.filter((object) => object.kind === 'ConfigMap').flatMap((object) => configMapGroups(object.node)),
  ]
}

/** Rules in the text of a ConfigMap, as the Prometheus chart mounts them. */
function configMapGroups(node: Node): readonly Node[] {
  return fields(child(node, 'data')).flatMap(([key, value]) => {
    if (value.kind !== 'scalar' || !/\.ya?ml$|rules/.test(key) || !/^groups:/m.test(value.text)) return []
    return readYaml(embeddedSource(value)).documents.flatMap((root) => items(child(root, 'groups')))
  })
}

function readRules(world: World): AlertRules {
  const alerts: AlertRule[] = []
  const recorded = new Map<string, Promql>()
  const recordings: Recording[] = []
  const unread: AlertRules['unread'][number][] = []
  const ids = new Set<string>()
  const add = (rule: GeneratedRule, source: AlertRule['source'], noData?: NoData) => {
    const parsed = parsePromql(rule.expr)
    const name = rule.alert ?? rule.record ?? ''
    if ('problem' in parsed) {
      unread.push({ at: spotOf(rule.exprNode), name, problem: parsed.problem })
      return
    }
    const written = rule.expr.replace(/\s+/g, ' ').trim()
    if (rule.record !== undefined) {
      recorded.set(name, parsed.expr)
      recordings.push({ name, expr: parsed.expr, written, labels: rule.labels })
      if (rule.labels.sloth_id) ids.add(rule.labels.sloth_id)
    } else
      alerts.push({
        name,
        expr: parsed.expr,
        written,
        forS: rule.forS,
        labels: new Map(Object.entries(rule.labels)),
        annotations: new Map(Object.entries(rule.annotations)),
        at: spotOf(rule.node),
        exprAt: spotOf(rule.exprNode),
        node: rule.node,
        source,
        ...(noData ? { noData } : {}),
      })
  }
  for (const rule of ruleGroups(world).flatMap((group) => items(child(group, 'rules')))) {
    const written = writtenRule(rule)
    if (written) add(written, 'prometheus')
  }
  const slo = sloRules(world.documents('slo'), ids)
  for (const rule of slo.rules) add(rule, 'slo')
  const grafana = grafanaRules(world.documents('grafana-alerts'))
  for (const rule of grafana.rules) add(rule, 'grafana', rule.noData)
  for (const { node, name, problem } of [...slo.unread, ...grafana.unread])
    unread.push({ at: spotOf(node), name, problem })
  return { alerts, recorded, recordings, unread }
}

function writtenRule(rule: Node): GeneratedRule | undefined {
  const exprNode = child(rule, 'expr')
  const alert = text(child(rule, 'alert'))
  const record = text(child(rule, 'record'))
  if (!exprNode || (alert === undefined && record === undefined)) return undefined
  const map = (key: string) =>
    Object.fromEntries(fields(child(rule, key)).map(([label, value]) => [label, text(value) ?? '']))
  return {
    ...(alert === undefined ? { record: record! } : { alert }),
    expr: allText(exprNode),
    forS: secondsOf(text(child(rule, 'for'))) ?? 0,
    labels: map('labels'),
    annotations: map('annotations'),
    node: rule,
    exprNode,
  }
}

/** Does the alert wake somebody? */
export function pages(alert: AlertRule): boolean {
  const severity = `${alert.labels.get('severity') ?? ''} ${alert.labels.get('priority') ?? ''} ${alert.labels.get('page') ?? ''} ${alert.labels.get('sloth_severity') ?? ''}`
  return /critical|page|p1|p2|sev1|sev2|true|high/i.test(severity)
}
