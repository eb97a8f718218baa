/** What the text of an alert says against itself: windows too short for the scrape, units that disagree, names nobody records, a page that goes nowhere. */
import { nearest } from '../../words.ts'
import { child, items, type Node, text } from '../formats/node.ts'
import { type Promql, promqlWithin } from '../formats/promql.ts'
import { type AlertRule, type AlertRules, pages } from '../models/alert.ts'
import { secondsOf } from '../models/value.ts'
import type { World } from '../world.ts'
import { receiversOf } from './route.ts'

export function notesOn(world: World, alert: AlertRule, rules: AlertRules): readonly string[] {
  return [...windowNotes(world, alert), ...unitNotes(alert), ...nameNotes(alert, rules), ...routeNotes(world, alert)]
}

function windowNotes(world: World, alert: AlertRule): readonly string[] {
  const interval = scrapeInterval(world)
  const windows = [...promqlWithin(alert.expr)].flatMap((part) =>
    part.kind === 'call' && /^(rate|irate|increase|delta|deriv)$/.test(part.name) && part.args[0]?.kind === 'selector'
      ? [part.args[0].range ?? 0]
      : [],
  )
  const shortest = Math.min(...windows)
  if (windows.length === 0 || interval === undefined || shortest >= 4 * interval) return []
  return shortest < 2 * interval
    ? [`A window of ${shortest} s is empty at most looks: the scrape interval is ${interval} s.`]
    : [`A window of ${shortest} s holds fewer than four scrapes of ${interval} s: one lost scrape empties it.`]
}

/** The scrape interval where the tree names exactly one. */
export function scrapeInterval(world: World): number | undefined {
  const monitors = world.kube
    .filter((object) => /^(Service|Pod)Monitor$/.test(object.kind))
    .flatMap((object) =>
      items(child(object.node, 'spec', 'endpoints') ?? child(object.node, 'spec', 'podMetricsEndpoints')),
    )
  const said = new Set(
    monitors.map((endpoint) => secondsOf(text(child(endpoint, 'interval')))).filter((value) => value !== undefined),
  )
  return said.size === 1 ? [...said][0] : undefined
}

/** A threshold that reads like milliseconds on a metric in seconds, or like percent on a share. */
function unitNotes(alert: AlertRule): readonly string[] {
  const notes: string[] = []
  for (const part of promqlWithin(alert.expr)) {
    if (part.kind !== 'binary' || !/^[<>]=?$/.test(part.op) || part.right.kind !== 'number') continue
    const unit = unitOf(part.left)
    const limit = part.right.value
    if (unit === 'seconds' && limit >= 100)
      notes.push(`The threshold ${limit} is held against seconds; it reads like milliseconds.`)
    if (unit === 'milliseconds' && limit > 0 && limit <= 10)
      notes.push(`The threshold ${limit} is held against milliseconds; it reads like seconds.`)
    const told = `${alert.annotations.get('summary') ?? ''} ${alert.annotations.get('description') ?? ''} ${alert.name}`
    const seconds = /(?:^|[^\d.])(\d+(?:\.\d+)?)\s?(ms|milliseconds|s|sec|seconds)\b/i.exec(told)
    if (seconds && unit && limit > 0) {
      const meant = Number(seconds[1]) * (/^m/i.test(seconds[2]!) ? 0.001 : 1)
      const have = unit === 'milliseconds' ? limit / 1_000 : limit
      if (meant > 0 && (have / meant >= 100 || meant / have >= 100))
        notes.push(`Its text says ${seconds[1]} ${seconds[2]}, its threshold ${limit} ${unit}.`)
    }
  }
  return notes
}

function unitOf(expr: Promql): 'seconds' | 'milliseconds' | undefined {
  // A quotient, a count or a comparison has a unit of its own.
  const inner = expr.kind === 'call' && expr.name === 'histogram_quantile' ? expr.args[1] : expr
  if (!inner || inner.kind === 'binary') return undefined
  const metrics = [...promqlWithin(inner)].flatMap((part) => (part.kind === 'selector' ? [part.metric] : []))
  if (expr !== inner || inner.kind === 'selector') {
    if (metrics.some((metric) => /_(milliseconds|ms)(_bucket)?$/.test(metric))) return 'milliseconds'
    if (metrics.some((metric) => /_seconds(_bucket)?$/.test(metric) && !/timestamp/.test(metric))) return 'seconds'
  }
  return undefined
}

function nameNotes(alert: AlertRule, rules: AlertRules): readonly string[] {
  const names = [...rules.recorded.keys()]
  const asked = new Set(
    [...promqlWithin(alert.expr)].flatMap((part) => (part.kind === 'selector' ? [part.metric] : [])),
  )
  return [...asked].flatMap((metric) => {
    if (!metric.includes(':') || rules.recorded.has(metric)) return []
    const near = nearest(metric, names)
    return [`Nobody in this tree records ${metric}${near ? `; ${near} is recorded` : ''}.`]
  })
}

function routeNotes(world: World, alert: AlertRule): readonly string[] {
  const configs = world.documents('alertmanager')
  if (configs.length !== 1) return []
  const { root } = configs[0]!
  const labels = new Map<string, string>([...alert.labels, ['alertname', alert.name]])
  const names = receiversOf(child(root, 'route'), labels)
  const silent = names.filter((name) => !sends(root, name))
  if (pages(alert) && silent.length === names.length)
    return [`It goes to ${names.join(', ') || 'nobody'}, which sends to nobody.`]
  return []
}

function sends(root: Node, name: string): boolean {
  const receiver = items(child(root, 'receivers')).find((node) => text(child(node, 'name')) === name)
  return (
    receiver?.kind === 'map' &&
    [...receiver.entries].some(([key, { value }]) => key.endsWith('_configs') && items(value).length > 0)
  )
}
