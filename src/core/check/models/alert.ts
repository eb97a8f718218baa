/** Prometheus alerting and recording rules of a tree, from rule files and PrometheusRule objects. */
import { allText, child, fields, items, type Node, type Spot, spotOf, text } from '../formats/node.ts'
import { type Promql, parsePromql } from '../formats/promql.ts'
import type { World } from '../world.ts'
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
}

export interface Recording {
  readonly name: string
  readonly expr: Promql
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

function readRules(world: World): AlertRules {
  const groups = [
    ...world.documents('prometheus').flatMap(({ root }) => items(child(root, 'groups'))),
    ...world.kube
      .filter((object) => object.kind === 'PrometheusRule')
      .flatMap((object) => items(child(object.node, 'spec', 'groups'))),
  ]
  const alerts: AlertRule[] = []
  const recorded = new Map<string, Promql>()
  const recordings: Recording[] = []
  const unread: AlertRules['unread'][number][] = []
  for (const rule of groups.flatMap((group) => items(child(group, 'rules')))) {
    const exprNode = child(rule, 'expr')
    const written = exprNode ? allText(exprNode).replace(/\s+/g, ' ').trim() : ''
    const name = text(child(rule, 'alert')) ?? text(child(rule, 'record'))
    if (!exprNode || name === undefined) continue
    const parsed = parsePromql(allText(exprNode))
    if ('problem' in parsed) {
      unread.push({ at: spotOf(exprNode), name, problem: parsed.problem })
      continue
    }
    const map = (key: string) => new Map(fields(child(rule, key)).map(([label, value]) => [label, text(value) ?? '']))
    if (child(rule, 'record')) {
      recorded.set(name, parsed.expr)
      recordings.push({ name, expr: parsed.expr, labels: Object.fromEntries(map('labels')) })
    } else {
      alerts.push({
        name,
        expr: parsed.expr,
        written,
        forS: secondsOf(text(child(rule, 'for'))) ?? 0,
        labels: map('labels'),
        annotations: map('annotations'),
        at: spotOf(rule),
        exprAt: spotOf(exprNode),
        node: rule,
      })
    }
  }
  return { alerts, recorded, recordings, unread }
}

/** Does the alert wake somebody? */
export function pages(alert: AlertRule): boolean {
  const severity = `${alert.labels.get('severity') ?? ''} ${alert.labels.get('priority') ?? ''} ${alert.labels.get('page') ?? ''}`
  return /critical|page|p1|p2|sev1|sev2|true|high/i.test(severity)
}
