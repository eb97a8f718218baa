/** Functions over a range of samples, for every instant of a grid at once, as Prometheus 2 computes them (both ends included). */
import { type Grid, type Packed, Unsupported } from './series.ts'

export interface Result {
  readonly values: Float64Array
  readonly present: Uint8Array
}

/** The value of a function for the samples from index `from` to `to` (both included), of a window that ends at `endS`. */
type OverWindow = (data: Packed, from: number, to: number, endS: number, rangeS: number) => number | undefined

/** Applies a function to the window `[t − range, t]` at each instant t of the grid, shifted back by `offset`. */
export function overWindows(
  name: string,
  data: Packed,
  grid: Grid,
  rangeS: number,
  offsetS: number,
  param: number,
): Result {
  const values = new Float64Array(grid.n)
  const present = new Uint8Array(grid.n)
  const how = FUNCTIONS[name] ?? withParam(name, param)
  let low = 0
  let high = 0
  const { times } = data
  for (let i = 0; i < grid.n; i++) {
    const endS = grid.startS + i * grid.stepS - offsetS
    while (low < times.length && times[low]! < endS - rangeS) low++
    if (high < low) high = low
    while (high < times.length && times[high]! <= endS) high++
    if (high <= low) continue
    const value = how(data, low, high - 1, endS, rangeS)
    if (value === undefined) continue
    values[i] = value
    present[i] = 1
  }
  return { values, present }
}

export function isOverWindow(name: string): boolean {
  return Object.hasOwn(FUNCTIONS, name) || name === 'quantile_over_time'
}

/** The growth of a series over a window, extrapolated to its ends as Prometheus does. */
function growth(
  data: Packed,
  from: number,
  to: number,
  endS: number,
  rangeS: number,
  counter: boolean,
): number | undefined {
  if (to <= from) return undefined
  const { times, values, drops } = data
  const first = values[from]!
  const raw = values[to]! - first + (counter ? drops[to]! - drops[from]! : 0)
  const sampled = times[to]! - times[from]!
  const average = sampled / (to - from)
  let toStart = times[from]! - (endS - rangeS)
  const toEnd = endS - times[to]!
  if (counter && raw > 0 && first >= 0) toStart = Math.min(toStart, sampled * (first / raw))
  const before = toStart < average * 1.1 ? toStart : average / 2
  const after = toEnd < average * 1.1 ? toEnd : average / 2
  return raw * ((sampled + before + after) / sampled)
}

function extreme(sign: 1 | -1): OverWindow {
  return ({ values }, from, to) => {
    let best = values[from]!
    for (let i = from + 1; i <= to; i++) if ((values[i]! - best) * sign > 0) best = values[i]!
    return best
  }
}

function counted(test: (value: number, before: number) => boolean): OverWindow {
  return ({ values }, from, to) => {
    let n = 0
    for (let i = from + 1; i <= to; i++) if (test(values[i]!, values[i - 1]!)) n++
    return n
  }
}

const FUNCTIONS: Readonly<Record<string, OverWindow>> = {
  increase: (data, from, to, endS, rangeS) => growth(data, from, to, endS, rangeS, true),
  rate: (data, from, to, endS, rangeS) => {
    const grown = growth(data, from, to, endS, rangeS, true)
    return grown === undefined ? undefined : grown / rangeS
  },
  delta: (data, from, to, endS, rangeS) => growth(data, from, to, endS, rangeS, false),
  irate: ({ times, values }, from, to) => {
    if (to <= from) return undefined
    const change = values[to]! - values[to - 1]!
    return (change < 0 ? values[to]! : change) / (times[to]! - times[to - 1]!)
  },
  idelta: ({ values }, from, to) => (to <= from ? undefined : values[to]! - values[to - 1]!),
  deriv: ({ times, values }, from, to) => {
    if (to <= from) return undefined
    let [sx, sy, sxy, sxx] = [0, 0, 0, 0]
    const n = to - from + 1
    for (let i = from; i <= to; i++) {
      const x = times[i]! - times[from]!
      sx += x
      sy += values[i]!
      sxy += x * values[i]!
      sxx += x * x
    }
    return (sxy - (sx * sy) / n) / (sxx - (sx * sx) / n)
  },
  sum_over_time: ({ sums }, from, to) => sums[to + 1]! - sums[from]!,
  avg_over_time: ({ sums }, from, to) => (sums[to + 1]! - sums[from]!) / (to - from + 1),
  count_over_time: (_, from, to) => to - from + 1,
  last_over_time: ({ values }, _, to) => values[to]!,
  present_over_time: () => 1,
  min_over_time: extreme(-1),
  max_over_time: extreme(1),
  changes: counted((value, before) => value !== before),
  resets: counted((value, before) => value < before),
  stddev_over_time: (data, from, to) => Math.sqrt(variance(data, from, to)),
  stdvar_over_time: variance,
}

function variance({ values, sums }: Packed, from: number, to: number): number {
  const mean = (sums[to + 1]! - sums[from]!) / (to - from + 1)
  let total = 0
  for (let i = from; i <= to; i++) total += (values[i]! - mean) ** 2
  return total / (to - from + 1)
}

function withParam(name: string, param: number): OverWindow {
  if (name !== 'quantile_over_time') throw new Unsupported(`the function ${name}`)
  return ({ values }, from, to) => quantile(param, Array.from(values.subarray(from, to + 1)))
}

/** Prometheus' quantile of values: linear between the two nearest. */
export function quantile(share: number, list: number[]): number {
  if (list.length === 0 || Number.isNaN(share)) return Number.NaN
  if (share < 0) return Number.NEGATIVE_INFINITY
  if (share > 1) return Number.POSITIVE_INFINITY
  list.sort((a, b) => a - b)
  const rank = share * (list.length - 1)
  const low = Math.floor(rank)
  const high = Math.min(low + 1, list.length - 1)
  return list[low]! + (list[high]! - list[low]!) * (rank - low)
}
