/** Samples of one metric over time, packed so that a window's growth and sum are found without walking through it. */
import type { Matcher } from '../formats/promql.ts'

export type Labels = Readonly<Record<string, string>>

export interface Series {
  readonly labels: Labels
  /** One value a scrape, from time 0; NaN where there is none. */
  readonly values: Float64Array
}

/** What a query may read. `seriesOf` gives the series of a metric, or says why there are none to be had. */
export interface Database {
  /** Seconds between scrapes. */
  readonly scrapeS: number
  seriesOf(metric: string): readonly Series[] | { readonly missing: string }
}

/** What cannot be evaluated here; nothing is guessed. */
export class Unsupported extends Error {}

/** Instants at which an expression is evaluated: `startS + i × stepS`. */
export interface Grid {
  readonly startS: number
  readonly stepS: number
  readonly n: number
}

/** One series of a result: a value at each instant of the grid where `present` is 1. */
export interface Column {
  readonly labels: Labels
  readonly values: Float64Array
  readonly present: Uint8Array
}

/** Samples without gaps: their times, their values, and running sums of values and of what counter resets swallowed. */
export interface Packed {
  readonly times: Float64Array
  readonly values: Float64Array
  /** `sums[i]` is the sum of the first i values. */
  readonly sums: Float64Array
  /** `drops[i]` is what resets have swallowed up to and with sample i. */
  readonly drops: Float64Array
}

export function packed(values: Float64Array, present: Uint8Array | undefined, startS: number, stepS: number): Packed {
  let n = 0
  for (let i = 0; i < values.length; i++) if (present ? present[i] === 1 : !Number.isNaN(values[i]!)) n++
  const result = {
    times: new Float64Array(n),
    values: new Float64Array(n),
    sums: new Float64Array(n + 1),
    drops: new Float64Array(n),
  }
  let k = 0
  for (let i = 0; i < values.length; i++) {
    if (present ? present[i] !== 1 : Number.isNaN(values[i]!)) continue
    const value = values[i]!
    result.times[k] = startS + i * stepS
    result.values[k] = value
    result.sums[k + 1] = result.sums[k]! + value
    const before = k > 0 ? result.values[k - 1]! : value
    result.drops[k] = (k > 0 ? result.drops[k - 1]! : 0) + (value < before ? before : 0)
    k++
  }
  return result
}

export function nameless(labels: Labels): Labels {
  if (!('__name__' in labels)) return labels
  const { __name__: _, ...rest } = labels
  return rest
}

export function keyOf(labels: Labels): string {
  return Object.keys(labels)
    .sort()
    .map((label) => `${label}=${labels[label]}`)
    .join('\0')
}

/** Regular expressions come from a file: only those that cannot backtrack for long are run. */
export function matches(labels: Labels, matcher: Matcher): boolean {
  const value = labels[matcher.label] ?? ''
  if (matcher.op === '=') return value === matcher.value
  if (matcher.op === '!=') return value !== matcher.value
  const hit = safePattern(matcher.value).test(value.slice(0, 200))
  return matcher.op === '=~' ? hit : !hit
}

const patterns = new Map<string, RegExp>()

/** Anchored, as Prometheus anchors. Throws Unsupported for a pattern that may take long. */
export function safePattern(source: string): RegExp {
  const known = patterns.get(source)
  if (known) return known
  if (source.length > 300 || /[*+}]\)?[*+{]|\([^)]*[*+|][^)]*\)[*+{]/.test(source))
    throw new Unsupported(`the pattern ${source.slice(0, 40)}`)
  try {
    const made = new RegExp(`^(?:${source.replace(/^\(\?i\)/, '')})$`, source.startsWith('(?i)') ? 'i' : '')
    if (patterns.size > 2_000) patterns.clear()
    patterns.set(source, made)
    return made
  } catch {
    throw new Unsupported(`the pattern ${source.slice(0, 40)}`)
  }
}
