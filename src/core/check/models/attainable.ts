/**
 * Which values an expression can take at all, whatever happens to the service. A share lies between 0 and 1, `up` is 0 or 1, a rate
 * is never negative; a threshold outside the range can never be crossed.
 */
import type { Matcher, Promql } from '../formats/promql.ts'

export interface Range {
  readonly low: number
  readonly high: number
  /** Why the range is bounded, for the sentence; '' when nothing bounds it. */
  readonly because: string
}

const ANY: Range = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, because: '' }
const SHARE: Range = { low: 0, high: 1, because: 'a share lies between 0 and 1' }
const POSITIVE: Range = { low: 0, high: Number.POSITIVE_INFINITY, because: 'a count is never negative' }

export type Recorded = ReadonlyMap<string, Promql>

const DEPTH_MAX = 80

/** The range of values of an expression. Comparisons give the range of their left side (they filter). */
export function rangeOf(expr: Promql, recorded: Recorded, depth = 0): Range {
  if (depth > DEPTH_MAX) return ANY
  const inner = (part: Promql) => rangeOf(part, recorded, depth + 1)
  switch (expr.kind) {
    case 'number':
      return { low: expr.value, high: expr.value, because: '' }
    case 'string':
      return ANY
    case 'selector':
      return rangeOfSelector(expr.metric, recorded, depth)
    case 'negate': {
      const of = inner(expr.of)
      return { low: -of.high, high: -of.low, because: of.because }
    }
    case 'subquery':
      return inner(expr.of)
    case 'aggregate':
      if (expr.op === 'count' || expr.op === 'group') return POSITIVE
      if (expr.op === 'sum') {
        const of = inner(expr.of)
        return of.low >= 0 ? { ...POSITIVE, because: of.because } : ANY
      }
      return expr.op === 'stddev' || expr.op === 'stdvar'
        ? POSITIVE
        : expr.op === 'count_values'
          ? POSITIVE
          : inner(expr.of)
    case 'call':
      return rangeOfCall(expr.name, expr.args, inner)
    case 'binary':
      return rangeOfBinary(expr, recorded, depth)
  }
}

function rangeOfSelector(metric: string, recorded: Recorded, depth: number): Range {
  if (metric === 'up' || metric === 'probe_success') return { low: 0, high: 1, because: `${metric} is 0 or 1` }
  const known = recorded.get(metric)
  if (known) return rangeOf(known, recorded, depth + 1)
  if (/_(total|count|bucket|sum|bytes|seconds)$/.test(metric)) return POSITIVE
  if (/(^|[_:])(error|success|failure|availability)?_?ratio(_|$|\d)/.test(metric) || /:ratio(_rate)?\w*$/.test(metric))
    return SHARE
  return ANY
}

function rangeOfCall(name: string, args: readonly Promql[], inner: (part: Promql) => Range): Range {
  const first = args[0]
  const number = (index: number) => (args[index]?.kind === 'number' ? args[index].value : undefined)
  if (
    /^(rate|irate|increase|resets|changes|count_over_time|histogram_quantile|stddev_over_time|absent_over_time|absent)$/.test(
      name,
    )
  )
    return name.startsWith('absent') ? { low: 1, high: 1, because: 'absent() is 1 or nothing' } : POSITIVE
  if (/^(avg|min|max|last|quantile)_over_time$/.test(name))
    return inner(name === 'quantile_over_time' ? (args[1] ?? first!) : first!)
  if (name === 'sum_over_time') return first && inner(first).low >= 0 ? POSITIVE : ANY
  if (
    name === 'vector' ||
    name === 'scalar' ||
    name === 'sort' ||
    name === 'sort_desc' ||
    name === 'label_replace' ||
    name === 'label_join'
  )
    return first ? inner(first) : ANY
  if (name === 'abs' || name === 'sqrt') return POSITIVE
  const [low, high] =
    name === 'clamp'
      ? [number(1), number(2)]
      : name === 'clamp_max'
        ? [undefined, number(1)]
        : name === 'clamp_min'
          ? [number(1), undefined]
          : []
  if (first && (low !== undefined || high !== undefined)) {
    const of = inner(first)
    return {
      low: Math.max(of.low, low ?? of.low),
      high: Math.min(of.high, high ?? of.high),
      because: of.because || 'it is clamped',
    }
  }
  return ANY
}

function rangeOfBinary(expr: Extract<Promql, { kind: 'binary' }>, recorded: Recorded, depth: number): Range {
  const left = rangeOf(expr.left, recorded, depth + 1)
  const right = rangeOf(expr.right, recorded, depth + 1)
  const because = left.because || right.because
  const corners = (calculate: (a: number, b: number) => number): Range => {
    const values = [
      calculate(left.low, right.low),
      calculate(left.low, right.high),
      calculate(left.high, right.low),
      calculate(left.high, right.high),
    ]
    return values.some(Number.isNaN) ? ANY : { low: Math.min(...values), high: Math.max(...values), because }
  }
  switch (expr.op) {
    case '+':
      return { low: left.low + right.low, high: left.high + right.high, because }
    case '-':
      return { low: left.low - right.high, high: left.high - right.low, because }
    case '*':
      return corners((a, b) => (a === 0 || b === 0 ? 0 : a * b))
    case '/':
      if (isShare(expr.left, expr.right, recorded)) return SHARE
      if (right.low === right.high && right.low !== 0) return corners((a, b) => a / b)
      return left.low >= 0 && right.low >= 0 ? { ...POSITIVE, because: '' } : ANY
    case 'or':
      return { low: Math.min(left.low, right.low), high: Math.max(left.high, right.high), because }
    case 'and':
    case 'unless':
      return left
    default:
      return expr.bool && /[<>=]/.test(expr.op)
        ? { low: 0, high: 1, because: 'bool gives 0 or 1' }
        : /[<>=]/.test(expr.op)
          ? left
          : ANY
  }
}

/** Is this a part divided by its whole? Same counter with more matchers above, or "bad" divided by "all" of one family. */
export function isShare(part: Promql, whole: Promql, recorded: Recorded): boolean {
  const above = counterOf(part, recorded)
  const below = counterOf(whole, recorded)
  if (!above || !below || above.shape !== below.shape) return false
  if (above.metric === below.metric)
    return below.matchers.every((matcher) => above.matchers.some((other) => same(matcher, other)))
  const family = (metric: string) =>
    metric
      .replace(/_(total|count|sum)$/, '')
      .replace(
        /(^|_)(errors?|fail(?:ed|ures?)?|bad|success(?:es|ful)?|good|rejected|5xx|requests?|responses?|all|total|handled|started|seen|events?)(?=_|$)/g,
        '',
      )
  const partWord = /(^|_|:)(errors?|fail|bad|success|good|rejected|5xx)/.test(above.metric)
  return partWord && family(above.metric) === family(below.metric)
}

interface Counter {
  readonly metric: string
  readonly matchers: readonly Matcher[]
  /** What is done to the counter: part and whole must be treated alike. */
  readonly shape: string
}

function counterOf(expr: Promql, recorded: Recorded): Counter | undefined {
  if (expr.kind === 'aggregate' && expr.op === 'sum') {
    const of = counterOf(expr.of, recorded)
    return of && { ...of, shape: `sum ${of.shape}` }
  }
  if (expr.kind === 'call' && /^(rate|increase|irate|sum_over_time)$/.test(expr.name)) {
    const [of] = expr.args
    if (of?.kind !== 'selector') return undefined
    return { metric: of.metric, matchers: of.matchers, shape: `${expr.name} ${of.range} ${of.offset ?? 0}` }
  }
  // A denominator guarded against zero is still the whole: (total > 0).
  if (expr.kind === 'binary' && /^[<>]=?$/.test(expr.op) && !expr.bool && expr.right.kind === 'number')
    return counterOf(expr.left, recorded)
  if (expr.kind === 'binary' && expr.op === 'or') return counterOf(expr.left, recorded)
  if (expr.kind === 'call' && /^clamp_min|clamp_max$/.test(expr.name) && expr.args[0])
    return counterOf(expr.args[0], recorded)
  return undefined
}

function same(a: Matcher, b: Matcher): boolean {
  return a.label === b.label && a.op === b.op && a.value === b.value
}

export type Firing = { readonly can: 'yes' | 'unknown' } | { readonly can: 'never' | 'always'; readonly why: string }

/** Whether a condition can ever be true, as far as the ranges of its values tell. */
export function firing(expr: Promql, recorded: Recorded, depth = 0): Firing {
  if (depth > DEPTH_MAX) return { can: 'unknown' }
  if (expr.kind !== 'binary') return { can: 'unknown' }
  if (expr.op === 'and') {
    const sides = [firing(expr.left, recorded, depth + 1), firing(expr.right, recorded, depth + 1)]
    return sides.find((side) => side.can === 'never') ?? { can: 'unknown' }
  }
  if (expr.op === 'or') {
    const sides = [firing(expr.left, recorded, depth + 1), firing(expr.right, recorded, depth + 1)]
    return (
      sides.find((side) => side.can === 'always') ??
      (sides.every((side) => side.can === 'never') ? sides[0]! : { can: 'unknown' })
    )
  }
  if (expr.op === 'unless') return firing(expr.left, recorded, depth + 1)
  return /^(==|!=|[<>]=?)$/.test(expr.op) ? comparison(expr, recorded, depth) : { can: 'unknown' }
}

function comparison(expr: Extract<Promql, { kind: 'binary' }>, recorded: Recorded, depth: number): Firing {
  const left = rangeOf(expr.left, recorded, depth + 1)
  const right = rangeOf(expr.right, recorded, depth + 1)
  const why = (says: string): string => {
    const bound = left.because || right.because
    return bound ? `${says}: ${bound}` : says
  }
  const most = shown(left.high)
  const least = shown(left.low)
  const impossible =
    (expr.op === '>' && left.high <= right.low) || (expr.op === '>=' && left.high < right.low)
      ? `at most ${most}, and ${expr.op} ${shown(right.low)} is asked`
      : (expr.op === '<' && left.low >= right.high) || (expr.op === '<=' && left.low > right.high)
        ? `at least ${least}, and ${expr.op} ${shown(right.high)} is asked`
        : expr.op === '==' && (left.high < right.low || left.low > right.high)
          ? `between ${least} and ${most}, and == ${shown(right.low)} is asked`
          : undefined
  if (impossible) return { can: 'never', why: why(`The value is ${impossible}`) }
  const certain =
    (expr.op === '>' && left.low > right.high) ||
    (expr.op === '>=' && left.low >= right.high) ||
    (expr.op === '<' && left.high < right.low) ||
    (expr.op === '<=' && left.high <= right.low)
  if (certain && Number.isFinite(right.low))
    return { can: 'always', why: why(`The value is always between ${least} and ${most}`) }
  return { can: 'yes' }
}

function shown(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(6))) : value > 0 ? 'any number' : 'minus any number'
}
