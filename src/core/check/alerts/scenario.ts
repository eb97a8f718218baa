/**
 * A service that never existed, to try alerts on: for each metric that the rules read, series of a healthy hour, a fault, and a
 * recovery. Labels are taken from the rules' own matchers; a metric whose meaning cannot be read from its name and matchers is left
 * out, and the alerts that read it stay undecided.
 */
import { type Matcher, type Promql, promqlWithin } from '../formats/promql.ts'
import type { Database, Series } from './series.ts'

export const FAULTS = {
  total: 'every request fails',
  partial: 'three in ten requests fail',
  slow: 'every request takes longer than the slowest bucket',
  silent: 'nobody arrives',
  lost: 'the process is gone or its measurements stop',
} as const
export type Fault = keyof typeof FAULTS

export interface Scenario {
  readonly fault: Fault | 'healthy'
  /** The share of requests that a partial fault fails. */
  readonly share: number
  /** Requests per second. */
  readonly perSecond: number
  readonly scrapeS: number
  /** The fault begins here and ends there; then the service is well again until `endS`. */
  readonly fromS: number
  readonly untilS: number
  readonly endS: number
}

/** Requests that fail although nothing is wrong. */
const NOISE = 1e-5

const FAILING =
  /(^|[^a-z0-9])(5\d\d|5xx|5\.\.|errors?|fail(ed|ures?|ing)?|bad|reject(ed)?|timeout|exception|dropped|aborted|false|unavailable)([^a-z0-9]|$)/i
const WELL =
  /(^|[^a-z0-9])(2\d\d|2xx|2\.\.|ok|success(ful)?|succeeded|completed?|good|passed|accepted|true|delivered)([^a-z0-9]|$)/i

/** Label values that some matcher of a metric wants, each told as failing, well, or neither. */
export interface Shape {
  readonly metric: string
  readonly well: Readonly<Record<string, string>>
  readonly failing: Readonly<Record<string, string>>
}

export type Shapes = ReadonlyMap<string, readonly Shape[]>

/** The shapes of every metric that these expressions read; recorded names are left to their rules. */
export function shapesFor(exprs: readonly Promql[], recorded: ReadonlySet<string>): Shapes {
  const selectors = new Map<string, (readonly Matcher[])[]>()
  for (const expr of exprs) {
    for (const part of promqlWithin(expr)) {
      if (part.kind !== 'selector' || !part.metric || recorded.has(part.metric)) continue
      const known = selectors.get(part.metric)
      if (known) known.push(part.matchers)
      else selectors.set(part.metric, [part.matchers])
    }
  }
  return new Map([...selectors].map(([metric, lists]) => [metric, shapesOf(metric, lists)]))
}

/** The world of a scenario. Series are made when they are asked for. */
export function databaseOf(shapes: Shapes, scenario: Scenario): Database {
  const made = new Map<string, readonly Series[] | { readonly missing: string }>()
  return {
    scrapeS: scenario.scrapeS,
    seriesOf(metric) {
      const known = made.get(metric)
      if (known) return known
      const list = shapes.get(metric)?.map((shape) => make(shape, scenario)) ?? []
      const result =
        list.length > 0 && list.length < SHAPES_MAX && list.every((one) => one !== undefined)
          ? list.flat()
          : { missing: `the metric ${metric || '(by label only)'}` }
      made.set(metric, result)
      return result
    },
  }
}

const SHAPES_MAX = 40

/**
 * One shape for each set of plain labels (a journey's steps, for example) that the rules ask for; labels that tell failing from well
 * are the same in all.
 */
function shapesOf(metric: string, lists: readonly (readonly Matcher[])[]): readonly Shape[] {
  const read = lists.map((list) => shapeOf(metric, list))
  const telling = Object.assign(
    {},
    ...read.map(({ well, failing }) =>
      Object.fromEntries(
        Object.keys(failing).flatMap((label) =>
          failing[label] === well[label] ? [] : [[label, [well[label], failing[label]]]],
        ),
      ),
    ),
  ) as Record<string, [string, string]>
  const plain = read.map(({ well }) =>
    Object.fromEntries(Object.entries(well).filter(([label]) => !(label in telling))),
  )
  const distinct = [...new Map(plain.map((labels) => [JSON.stringify(Object.entries(labels).sort()), labels])).values()]
  // A selector that asks for less than another is answered by the other's series.
  const wanted = distinct.filter(
    (labels) =>
      !distinct.some(
        (other) =>
          other !== labels &&
          Object.keys(other).length > Object.keys(labels).length &&
          Object.entries(labels).every(([label, value]) => other[label] === value),
      ),
  )
  return wanted.slice(0, SHAPES_MAX).map((labels) => ({
    metric,
    well: { ...labels, ...Object.fromEntries(Object.entries(telling).map(([label, [well]]) => [label, well])) },
    failing: {
      ...labels,
      ...Object.fromEntries(Object.entries(telling).map(([label, [, failing]]) => [label, failing])),
    },
  }))
}

function shapeOf(metric: string, matchers: readonly Matcher[]): Shape {
  const well: Record<string, string> = {}
  const failing: Record<string, string> = {}
  for (const { label, op, value } of matchers) {
    const positive = op === '=' || op === '=~'
    const sample = op === '=' || op === '!=' ? value : sampleOf(value)
    const bad = FAILING.test(value) || /^\^?5/.test(value)
    const good = WELL.test(value) || /^\^?2/.test(value)
    // "le" counts up to a bound; it never tells failing from well.
    if (label === 'le' || (!bad && !good)) {
      if (positive) {
        well[label] ??= sample
        failing[label] ??= sample
      }
      continue
    }
    failing[label] = bad ? sample : counterpart(label, sample, true)
    well[label] = bad ? counterpart(label, sample, false) : sample
  }
  return { metric, well, failing }
}

/** One value that a pattern accepts: alternatives give their first, "." any digit. Good enough for 5.., 5xx, GET|POST. */
function sampleOf(pattern: string): string {
  const [first = ''] = pattern
    .replace(/^\^|\$$/g, '')
    .replace(/^\((?:\?:)?(.*)\)$/, '$1')
    .split('|')
  return first
    .replace(/\[\^?([^\]])[^\]]*\]/g, '$1')
    .replace(/\.[*+]/g, 'x')
    .replace(/\\d|\./g, '0')
    .replace(/[*+?{}()]/g, '')
    .replace(/\\/g, '')
}

function counterpart(label: string, sample: string, failing: boolean): string {
  if (/^\d{3}$/.test(sample) || /code|status/i.test(label))
    return /^\d/.test(sample) || !/[a-z]/i.test(sample) ? (failing ? '500' : '200') : failing ? 'failed' : 'ok'
  if (sample === 'true' || sample === 'false') return failing ? 'false' : 'true'
  return failing ? 'failed' : 'ok'
}

function make(shape: Shape, scenario: Scenario): readonly Series[] | undefined {
  const { metric, well, failing } = shape
  const named = (labels: Readonly<Record<string, string>>) => ({ __name__: metric, ...labels })
  if (metric === 'up' || metric === 'probe_success') {
    // A process that answers nothing but errors is still scraped: only lost measurements turn `up` to 0.
    const gone =
      metric === 'up'
        ? scenario.fault === 'lost'
          ? 0
          : 1
        : scenario.fault === 'lost'
          ? Number.NaN
          : scenario.fault === 'total'
            ? 0
            : 1
    return [{ labels: named(well), values: gauge(scenario, 1, gone) }]
  }
  if (/(last|latest)\w*_(success|completion|run)\w*(time|timestamp|seconds)|_timestamp_seconds$/.test(metric))
    return [{ labels: named(well), values: lastSuccess(scenario) }]
  const isMs = /_(ms|milliseconds|millis)(_|$)/.test(metric) || Number(well.le) > 60
  const unit = isMs ? 1_000 : 1
  if (/_bucket$/.test(metric)) {
    const bounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10].map((bound) => String(bound * unit)).concat('+Inf')
    const wanted = well.le !== undefined && !bounds.includes(well.le) ? [well.le, ...bounds] : bounds
    return wanted.map((le) => {
      // Healthy answers take at most 0.25 s, except one in a hundred that takes up to 1 s.
      const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le) / unit
      const share = bound >= 1 ? 1 : bound >= 0.25 ? 0.99 : bound >= 0.1 ? 0.8 : 0.3
      return {
        labels: named({ ...well, le }),
        values: counter(scenario, share, scenario.fault === 'slow' ? (le === '+Inf' ? 1 : 0) : share),
      }
    })
  }
  // The time that answers took, all together: 0.1 s each, 30 s each when they are slow.
  if (/_(seconds|milliseconds|ms|duration|latency|time)_sum$/.test(metric))
    return [
      {
        labels: named(well),
        values: counter(scenario, 0.1 * unit, scenario.fault === 'slow' ? 30 * unit : 0.1 * unit),
      },
    ]
  const told = gaugeOf(metric, scenario.fault, scenario.share, unit)
  if (told) return [{ labels: named(well), values: gauge(scenario, told.healthy, told.faulty) }]
  if (!/_(total|count)$/.test(metric)) return undefined
  const bad = scenario.fault === 'total' ? 1 : scenario.fault === 'partial' ? scenario.share : NOISE
  const onlyBad = FAILING.test(metric.replace(/_/g, ' '))
  const onlyGood = WELL.test(metric.replace(/_/g, ' '))
  const tells = Object.keys(failing).some((label) => failing[label] !== well[label])
  if (onlyBad && !tells) return [{ labels: named(failing), values: counter(scenario, NOISE, bad) }]
  if (onlyGood && !tells) return [{ labels: named(well), values: counter(scenario, 1 - NOISE, 1 - bad) }]
  if (!tells) return [{ labels: named(well), values: counter(scenario, 1, 1) }]
  return [
    { labels: named(well), values: counter(scenario, 1 - NOISE, 1 - bad) },
    { labels: named(failing), values: counter(scenario, NOISE, bad) },
  ]
}

/** What goes wrong without a request failing: the newest of what is looked at is a week old, as when an old file is loaded again. */
const STALE_S = 7 * 86_400

/** Gauges that say by their name what they count: what is wrong at this moment, how old the newest is, how slow a percentile is. */
function gaugeOf(
  metric: string,
  fault: Scenario['fault'],
  share: number,
  unit: number,
): { readonly healthy: number; readonly faulty: number } | undefined {
  const lost = fault === 'lost' ? Number.NaN : undefined
  const wrong = fault === 'total' ? 100 : fault === 'partial' ? Math.ceil(100 * share) : 0
  if (/(^|_)(violations?|unmatched|mismatch(es)?|breach(es)?|stuck|orphans?)$/.test(metric))
    return { healthy: 0, faulty: lost ?? wrong }
  if (/(^|_)(age|lag|staleness)_(seconds|ms|milliseconds)$/.test(metric))
    return {
      healthy: 60 * unit,
      faulty: lost ?? (fault === 'total' || fault === 'silent' ? STALE_S * unit : 60 * unit),
    }
  if (/(^|_)(percentile|p\d{2,3})_(seconds|ms|milliseconds)$/.test(metric))
    return { healthy: 0.25 * unit, faulty: lost ?? (fault === 'slow' ? 30 * unit : 0.25 * unit) }
  return undefined
}

/** A stamp that moves on while work succeeds: once a minute. */
function lastSuccess(scenario: Scenario): Float64Array {
  const { scrapeS, fromS, untilS, endS, fault } = scenario
  const stands = fault === 'total' || fault === 'silent' || fault === 'lost'
  return Float64Array.from({ length: Math.floor(endS / scrapeS) + 1 }, (_, i) => {
    const time = i * scrapeS
    const hurt = time > fromS && time <= untilS
    if (hurt && fault === 'lost') return Number.NaN
    return Math.floor((hurt && stands ? fromS : time) / 60) * 60
  })
}

/** A counter of whole events: `share` of the demand while healthy, `faulty` of it during the fault. */
function counter(scenario: Scenario, share: number, faulty: number): Float64Array {
  const { scrapeS, fromS, untilS, endS, perSecond, fault } = scenario
  const values = new Float64Array(Math.floor(endS / scrapeS) + 1)
  let exact = 0
  for (let i = 0; i < values.length; i++) {
    const time = i * scrapeS
    const hurt = time > fromS && time <= untilS
    const rate = hurt ? (fault === 'silent' ? 0 : faulty) : share
    if (i > 0) exact += rate * perSecond * scrapeS
    values[i] = hurt && fault === 'lost' ? Number.NaN : Math.floor(exact + 1e-9)
  }
  return values
}

function gauge(scenario: Scenario, healthy: number, faulty: number): Float64Array {
  const { scrapeS, fromS, untilS, endS } = scenario
  return Float64Array.from({ length: Math.floor(endS / scrapeS) + 1 }, (_, i) =>
    i * scrapeS > fromS && i * scrapeS <= untilS ? faulty : healthy,
  )
}
