/**
 * Evaluates PromQL over made-up series, as Prometheus 2 would: samples at every scrape, five minutes of look-back, ranges with both
 * ends, counter resets, extrapolation in rate() and increase(). What it does not know it refuses by throwing Unsupported; nothing
 * is guessed.
 */
import { type Matcher, type Promql, promqlWithin } from '../formats/promql.ts'
import type { Recording } from '../models/alert.ts'

export interface Series {
  readonly labels: Readonly<Record<string, string>>
  /** One value a step, from time 0; NaN where there is none. */
  readonly values: Float64Array
  /** Seconds between values, where they differ from the scrape interval (recorded series). */
  readonly stepS?: number
}

export interface Database {
  /** Seconds between scrapes. */
  readonly scrapeS: number
  readonly series: ReadonlyMap<string, readonly Series[]>
  /** Why a recorded name has no series: what its expression needs and we cannot make up. */
  readonly missing?: ReadonlyMap<string, string>
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export class Unsupported extends Error {}

// Prometheus' default look-back.
const LOOKBACK_S = 300
const SUBQUERY_STEPS_MAX = 400

/** The instant vector of an expression at a time in seconds. A scalar is one sample without labels. */
export function evaluate(expr: Promql, atS: number, db: Database): readonly Sample[] {
  return vector(expr, atS, db, 0)
}

function vector(expr: Promql, at: number, db: Database, depth: number): readonly Sample[] {
  if (depth > 60) throw new Unsupported('expressions nested more than 60 deep')
  switch (expr.kind) {
    case 'number':
      return [{ labels: {}, value: expr.value }]
    case 'string':
      return []
    case 'negate':
      return vector(expr.of, at, db, depth + 1).map((sample) => ({ ...sample, value: -sample.value }))
    case 'selector':
      return instant(expr, at, db)
    case 'aggregate':
      return aggregate(expr, at, db, depth)
    case 'binary':
      return binary(expr, at, db, depth)
    case 'call':
      return call(expr, at, db, depth)
    case 'subquery':
      throw new Unsupported('a sub-query outside a function')
  }
}

function instant(expr: Extract<Promql, { kind: 'selector' }>, at: number, db: Database): readonly Sample[] {
  const when = at - (expr.offset ?? 0)
  return selected(expr, db).flatMap((series) => {
    const step = series.stepS ?? db.scrapeS
    for (let i = Math.floor(when / step); i >= 0 && when - i * step <= LOOKBACK_S; i--) {
      const value = series.values[i]
      if (value !== undefined && !Number.isNaN(value)) return [{ labels: series.labels, value }]
    }
    return []
  })
}

function selected(expr: Extract<Promql, { kind: 'selector' }>, db: Database): readonly Series[] {
  const all = db.series.get(expr.metric)
  if (!all) throw new Unsupported(db.missing?.get(expr.metric) ?? `the metric ${expr.metric || '(by label only)'}`)
  return all.filter((series) => expr.matchers.every((matcher) => matches(series.labels, matcher)))
}

/** Regular expressions come from a file: only those that cannot backtrack for long are run. */
export function matches(labels: Readonly<Record<string, string>>, matcher: Matcher): boolean {
  const value = labels[matcher.label] ?? ''
  if (matcher.op === '=') return value === matcher.value
  if (matcher.op === '!=') return value !== matcher.value
  if (matcher.value.length > 200 || /[*+}]\)?[*+{]|\([^)]*[*+|][^)]*\)[*+{]/.test(matcher.value))
    throw new Unsupported(`the pattern ${matcher.value.slice(0, 40)}`)
  let hit: boolean
  try {
    hit = new RegExp(`^(?:${matcher.value})$`).test(value.slice(0, 200))
  } catch {
    throw new Unsupported(`the pattern ${matcher.value.slice(0, 40)}`)
  }
  return matcher.op === '=~' ? hit : !hit
}

interface Window {
  readonly labels: Readonly<Record<string, string>>
  readonly points: readonly (readonly [time: number, value: number])[]
}

function windows(
  expr: Promql | undefined,
  at: number,
  db: Database,
  depth: number,
): { readonly list: readonly Window[]; readonly range: number; readonly end: number } {
  if (expr?.kind === 'subquery') {
    const step = expr.step ?? 60
    const end = at - (expr.offset ?? 0)
    if (!(step > 0) || expr.range / step > SUBQUERY_STEPS_MAX) throw new Unsupported('a sub-query of so many steps')
    const found = new Map<string, { labels: Window['labels']; points: [number, number][] }>()
    for (let time = Math.ceil((end - expr.range) / step) * step; time <= end; time += step) {
      for (const sample of vector(expr.of, time, db, depth + 1)) {
        const key = keyOf(sample.labels)
        const known = found.get(key) ?? { labels: sample.labels, points: [] }
        known.points.push([time, sample.value])
        found.set(key, known)
      }
    }
    return { list: [...found.values()], range: expr.range, end }
  }
  if (expr?.kind !== 'selector' || expr.range === undefined) throw new Unsupported('a function without a range')
  const { range } = expr
  const end = at - (expr.offset ?? 0)
  const list = selected(expr, db).flatMap((series) => {
    const points: [number, number][] = []
    const step = series.stepS ?? db.scrapeS
    for (let i = Math.max(0, Math.ceil((end - range) / step)); i * step <= end; i++) {
      const value = series.values[i]
      if (value !== undefined && !Number.isNaN(value)) points.push([i * step, value])
    }
    return points.length > 0 ? [{ labels: series.labels, points }] : []
  })
  return { list, range, end }
}

/** The growth of a counter over a window, extrapolated to its ends as Prometheus does. */
function increase(points: Window['points'], range: number, end: number, counter: boolean): number | undefined {
  const first = points[0]
  const last = points.at(-1)
  if (!first || !last || points.length < 2) return undefined
  let growth = last[1] - first[1]
  if (counter)
    for (let i = 1; i < points.length; i++) if (points[i]![1] < points[i - 1]![1]) growth += points[i - 1]![1]
  const sampled = last[0] - first[0]
  const average = sampled / (points.length - 1)
  let toStart = first[0] - (end - range)
  const toEnd = end - last[0]
  if (counter && growth > 0 && first[1] >= 0) toStart = Math.min(toStart, sampled * (first[1] / growth))
  const reach = (gap: number) => (gap < average * 1.1 ? gap : average / 2)
  return growth * ((sampled + reach(toStart) + reach(toEnd)) / sampled)
}

const OVER_TIME: Readonly<Record<string, (values: readonly number[]) => number>> = {
  sum_over_time: (values) => values.reduce((a, b) => a + b, 0),
  avg_over_time: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  min_over_time: (values) => Math.min(...values),
  max_over_time: (values) => Math.max(...values),
  count_over_time: (values) => values.length,
  last_over_time: (values) => values.at(-1)!,
  present_over_time: () => 1,
}

function call(expr: Extract<Promql, { kind: 'call' }>, at: number, db: Database, depth: number): readonly Sample[] {
  const [first, second, third] = expr.args
  const inner = (part: Promql | undefined) => (part ? vector(part, at, db, depth + 1) : [])
  const scalar = (part: Promql | undefined) => inner(part)[0]?.value ?? Number.NaN
  const each = (change: (value: number) => number) =>
    inner(first).map(({ labels, value }) => ({ labels: nameless(labels), value: change(value) }))
  if (expr.name === 'rate' || expr.name === 'increase' || expr.name === 'delta') {
    const { list, range, end } = windows(first, at, db, depth)
    return list.flatMap(({ labels, points }) => {
      const growth = increase(points, range, end, expr.name !== 'delta')
      return growth === undefined
        ? []
        : [{ labels: nameless(labels), value: expr.name === 'rate' ? growth / range : growth }]
    })
  }
  if (expr.name === 'irate') {
    return windows(first, at, db, depth).list.flatMap(({ labels, points }) => {
      const [a, b] = points.slice(-2)
      return a && b ? [{ labels: nameless(labels), value: Math.max(0, b[1] - a[1]) / (b[0] - a[0]) }] : []
    })
  }
  const over = OVER_TIME[expr.name]
  if (over)
    return windows(first, at, db, depth).list.map(({ labels, points }) => ({
      labels: nameless(labels),
      value: over(points.map((point) => point[1])),
    }))
  switch (expr.name) {
    case 'absent':
      return inner(first).length > 0 ? [] : [{ labels: {}, value: 1 }]
    case 'absent_over_time':
      return windows(first, at, db, depth).list.length > 0 ? [] : [{ labels: {}, value: 1 }]
    case 'vector':
      return [{ labels: {}, value: scalar(first) }]
    case 'scalar': {
      const values = inner(first)
      return [{ labels: {}, value: values.length === 1 ? values[0]!.value : Number.NaN }]
    }
    case 'time':
      return [{ labels: {}, value: at }]
    case 'abs':
      return each(Math.abs)
    case 'sqrt':
      return each(Math.sqrt)
    case 'ceil':
      return each(Math.ceil)
    case 'floor':
      return each(Math.floor)
    case 'round':
      return each(Math.round)
    case 'clamp_max':
      return each((value) => Math.min(value, scalar(second)))
    case 'clamp_min':
      return each((value) => Math.max(value, scalar(second)))
    case 'clamp':
      return each((value) => Math.min(Math.max(value, scalar(second)), scalar(third)))
    case 'sort':
    case 'sort_desc':
    case 'label_replace':
      return inner(first)
    case 'histogram_quantile':
      return quantiles(scalar(first), inner(second))
    default:
      throw new Unsupported(`the function ${expr.name}`)
  }
}

function quantiles(share: number, buckets: readonly Sample[]): readonly Sample[] {
  const groups = new Map<string, { labels: Sample['labels']; list: [number, number][] }>()
  for (const { labels, value } of buckets) {
    const { le, ...rest } = labels
    if (le === undefined) continue
    const key = keyOf(rest)
    const group = groups.get(key) ?? { labels: rest, list: [] }
    group.list.push([le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), value])
    groups.set(key, group)
  }
  return [...groups.values()].map(({ labels, list }) => {
    const sorted = list.sort((a, b) => a[0] - b[0])
    const total = sorted.at(-1)![1]
    if (!(total > 0)) return { labels, value: Number.NaN }
    const rank = share * total
    const index = sorted.findIndex(([, count]) => count >= rank)
    const [bound, count] = sorted[index]!
    if (bound === Number.POSITIVE_INFINITY) return { labels, value: sorted.at(-2)?.[0] ?? Number.NaN }
    const [lower, below] = index > 0 ? sorted[index - 1]! : [0, 0]
    return { labels, value: count === below ? bound : lower + ((bound - lower) * (rank - below)) / (count - below) }
  })
}

function aggregate(
  expr: Extract<Promql, { kind: 'aggregate' }>,
  at: number,
  db: Database,
  depth: number,
): readonly Sample[] {
  const groups = new Map<string, { labels: Sample['labels']; values: number[] }>()
  for (const { labels, value } of vector(expr.of, at, db, depth + 1)) {
    const kept = Object.fromEntries(
      Object.entries(nameless(labels)).filter(([label]) =>
        expr.by ? expr.by.includes(label) : expr.without ? !expr.without.includes(label) : false,
      ),
    )
    const key = keyOf(kept)
    const group = groups.get(key) ?? { labels: kept, values: [] }
    group.values.push(value)
    groups.set(key, group)
  }
  const combine: Readonly<Record<string, (values: readonly number[]) => number>> = {
    sum: OVER_TIME.sum_over_time!,
    avg: OVER_TIME.avg_over_time!,
    min: OVER_TIME.min_over_time!,
    max: OVER_TIME.max_over_time!,
    count: (values) => values.length,
    group: () => 1,
  }
  const how = combine[expr.op]
  if (!how) throw new Unsupported(`the aggregation ${expr.op}`)
  return [...groups.values()].map(({ labels, values }) => ({ labels, value: how(values) }))
}

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
}

const COMPARISON: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
}

function binary(expr: Extract<Promql, { kind: 'binary' }>, at: number, db: Database, depth: number): readonly Sample[] {
  const left = vector(expr.left, at, db, depth + 1)
  const right = vector(expr.right, at, db, depth + 1)
  const { matching } = expr
  const keyFor = (labels: Sample['labels']) => {
    const entries = Object.entries(nameless(labels))
    return keyOf(
      Object.fromEntries(
        matching ? entries.filter(([label]) => matching.labels.includes(label) === matching.on) : entries,
      ),
    )
  }
  const there = new Map(right.map((sample) => [keyFor(sample.labels), sample]))
  if (expr.op === 'and') return left.filter((sample) => there.has(keyFor(sample.labels)))
  if (expr.op === 'unless') return left.filter((sample) => !there.has(keyFor(sample.labels)))
  if (expr.op === 'or') {
    const here = new Set(left.map((sample) => keyFor(sample.labels)))
    return [...left, ...right.filter((sample) => !here.has(keyFor(sample.labels)))]
  }
  const pairs = scalarLike(expr.right)
    ? left.map((sample) => [sample, right[0]] as const)
    : scalarLike(expr.left)
      ? right.map((sample) => [sample, left[0]] as const)
      : matching?.group === 'right'
        ? right.map((sample) => [sample, left.find((other) => keyFor(other.labels) === keyFor(sample.labels))] as const)
        : left.map((sample) => [sample, there.get(keyFor(sample.labels))] as const)
  const swapped = !scalarLike(expr.right) && (scalarLike(expr.left) || matching?.group === 'right')
  return pairs.flatMap(([sample, other]) => {
    if (!other) return []
    const [a, b] = swapped ? [other.value, sample.value] : [sample.value, other.value]
    const compare = COMPARISON[expr.op]
    if (compare && expr.bool) return [{ labels: nameless(sample.labels), value: compare(a, b) ? 1 : 0 }]
    if (compare) return compare(a, b) ? [sample] : []
    const calculate = ARITHMETIC[expr.op]
    if (!calculate) throw new Unsupported(`the operator ${expr.op}`)
    return [{ labels: nameless(sample.labels), value: calculate(a, b) }]
  })
}

function scalarLike(expr: Promql): boolean {
  if (expr.kind === 'number') return true
  if (expr.kind === 'call') return expr.name === 'scalar' || expr.name === 'time'
  if (expr.kind === 'negate') return scalarLike(expr.of)
  return expr.kind === 'binary' && scalarLike(expr.left) && scalarLike(expr.right)
}

function nameless(labels: Sample['labels']): Sample['labels'] {
  if (!('__name__' in labels)) return labels
  const { __name__: _, ...rest } = labels
  return rest
}

function keyOf(labels: Sample['labels']): string {
  return Object.keys(labels)
    .sort()
    .map((label) => `${label}=${labels[label]}`)
    .join('\0')
}

/**
 * Evaluates recording rules as Prometheus does, once a minute from 0 to `endS`, and gives the database with their series. A rule may
 * read others, whatever their order; one that reads itself, or something unknown, is left out with the reason.
 */
export function record(db: Database, rules: readonly Recording[], endS: number): Database {
  const series = new Map(db.series)
  const missing = new Map(db.missing)
  const grown: Database = { scrapeS: db.scrapeS, series, missing }
  const byName = new Map<string, Recording[]>()
  for (const rule of rules) byName.set(rule.name, [...(byName.get(rule.name) ?? []), rule])
  const open = new Set<string>()
  const make = (name: string): undefined => {
    if (series.has(name) || missing.has(name)) return
    open.add(name)
    const list = byName.get(name)!
    try {
      for (const part of list.flatMap((rule) => [...promqlWithin(rule.expr)])) {
        if (part.kind !== 'selector' || !byName.has(part.metric)) continue
        if (open.has(part.metric)) throw new Unsupported(`${part.metric}, which is recorded from itself`)
        make(part.metric)
      }
      series.set(
        name,
        list.flatMap((rule) => recordedSeries(rule, grown, endS)),
      )
    } catch (thrown) {
      if (!(thrown instanceof Unsupported)) throw thrown
      missing.set(name, thrown.message)
    }
    open.delete(name)
  }
  for (const name of byName.keys()) make(name)
  return grown
}

const RECORD_S = 60

function recordedSeries({ name, expr, labels: added }: Recording, db: Database, endS: number): readonly Series[] {
  const length = Math.floor(endS / RECORD_S) + 1
  const found = new Map<string, { labels: Sample['labels']; values: Float64Array; stepS: number }>()
  for (let i = 0; i < length; i++) {
    for (const { labels, value } of evaluate(expr, i * RECORD_S, db)) {
      const key = keyOf(nameless(labels))
      let one = found.get(key)
      if (!one) {
        if (found.size >= 200) throw new Unsupported(`${name}, which has more than 200 series`)
        one = {
          labels: { ...nameless(labels), ...added, __name__: name },
          values: new Float64Array(length).fill(Number.NaN),
          stepS: RECORD_S,
        }
        found.set(key, one)
      }
      one.values[i] = value
    }
  }
  return [...found.values()]
}
