/**
 * Evaluates PromQL over made-up series for a whole grid of instants at once, as Prometheus 2 would at each: five minutes of look-back,
 * ranges with both ends, counter resets, recording rules in place of the names that they record. What it does not know it refuses by
 * throwing Unsupported; nothing is guessed.
 */
import type { Promql } from '../formats/promql.ts'
import type { Recording } from '../models/alert.ts'
import { aggregated, binaryOf, mapped, quantiles, scalarColumn } from './operators.ts'
import {
  type Column,
  type Database,
  type Grid,
  matches,
  nameless,
  packed,
  type Series,
  safePattern,
  Unsupported,
} from './series.ts'
import { isOverWindow, overWindows } from './window.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

// Prometheus' default look-back.
const LOOKBACK_S = 300
const DEPTH_MAX = 80
const STEPS_MAX = 30_000
const COLUMNS_MAX = 400
// Prometheus' default for the step of a sub-query and for recording rules.
const EVERY_S = 60

/** The instant vector of an expression at one time. A scalar is one sample without labels. */
export function evaluate(
  expr: Promql,
  atS: number,
  db: Database,
  recordings: readonly Recording[] = [],
): readonly Sample[] {
  return new Evaluation(db, recordings)
    .columns(expr, { startS: atS, stepS: EVERY_S, n: 1 })
    .flatMap(({ labels, values, present }) => (present[0] ? [{ labels, value: values[0]! }] : []))
}

/** Evaluates expressions over one database. Keeps what it has worked out, so that windows shared by expressions cost once. */
export class Evaluation {
  private readonly db: Database
  private readonly recordings = new Map<string, Recording[]>()
  private readonly open = new Set<string>()
  private readonly known = new Map<string, readonly Column[]>()

  constructor(db: Database, recordings: readonly Recording[]) {
    this.db = db
    for (const rule of recordings) this.recordings.set(rule.name, [...(this.recordings.get(rule.name) ?? []), rule])
  }

  columns(expr: Promql, grid: Grid, depth = 0): readonly Column[] {
    if (depth > DEPTH_MAX) throw new Unsupported('expressions nested that deep')
    if (grid.n > STEPS_MAX) throw new Unsupported('a range of that many steps')
    if (expr.kind === 'number') return [scalarColumn(grid, () => expr.value)]
    const key = `${textOf(expr)}\0${grid.startS},${grid.stepS},${grid.n}`
    const before = this.known.get(key)
    if (before) return before
    const made = this.worked(expr, grid, depth)
    if (made.length > COLUMNS_MAX) throw new Unsupported('a result of more than 400 series')
    this.known.set(key, made)
    return made
  }

  private worked(expr: Promql, grid: Grid, depth: number): readonly Column[] {
    switch (expr.kind) {
      case 'number':
        return [scalarColumn(grid, () => expr.value)]
      case 'string':
        return []
      case 'negate':
        return this.columns(expr.of, grid, depth + 1).map((column) => mapped(column, (value) => -value))
      case 'selector':
        return this.instant(expr, grid, depth)
      case 'aggregate':
        return aggregated(
          expr,
          this.columns(expr.of, grid, depth + 1),
          expr.param ? this.columns(expr.param, grid, depth + 1)[0] : undefined,
          grid,
        )
      case 'binary':
        return binaryOf(expr, this.columns(expr.left, grid, depth + 1), this.columns(expr.right, grid, depth + 1), grid)
      case 'call':
        return this.call(expr, grid, depth)
      case 'subquery':
        throw new Unsupported('a sub-query outside a function')
    }
  }

  private instant(expr: Extract<Promql, { kind: 'selector' }>, grid: Grid, depth: number): readonly Column[] {
    if (expr.range !== undefined) throw new Unsupported('a range outside a function')
    if (expr.fixed) throw new Unsupported('a query at one fixed moment (@)')
    const offset = expr.offset ?? 0
    if (this.recordings.has(expr.metric)) {
      const shifted = offset === 0 ? grid : { ...grid, startS: grid.startS - offset }
      return this.recorded(expr.metric, shifted, depth).filter((column) =>
        expr.matchers.every((matcher) => matches(column.labels, matcher)),
      )
    }
    return this.selected(expr).map((series) => looked(series, this.db.scrapeS, grid, offset))
  }

  private selected(expr: Extract<Promql, { kind: 'selector' }>): readonly Series[] {
    const all = this.db.seriesOf(expr.metric)
    if ('missing' in all) throw new Unsupported(all.missing)
    return all.filter((series) => expr.matchers.every((matcher) => matches(series.labels, matcher)))
  }

  /** A recorded name is its rules, evaluated at the same instants. */
  private recorded(name: string, grid: Grid, depth: number): readonly Column[] {
    if (this.open.has(name)) throw new Unsupported(`${name}, which is recorded from itself`)
    this.open.add(name)
    try {
      return this.recordings.get(name)!.flatMap((rule) =>
        this.columns(rule.expr, grid, depth + 1).map((column) => ({
          ...column,
          labels: { ...nameless(column.labels), ...rule.labels, __name__: name },
        })),
      )
    } finally {
      this.open.delete(name)
    }
  }

  private call(expr: Extract<Promql, { kind: 'call' }>, grid: Grid, depth: number): readonly Column[] {
    const { name, args } = expr
    if (isOverWindow(name) || name === 'absent_over_time') return this.overTime(expr, grid, depth)
    const inner = (index: number) => (args[index] ? this.columns(args[index]!, grid, depth + 1) : [])
    const scalar = (index: number): ((i: number) => number) => {
      const [column] = inner(index)
      return (i) => (column && column.present[i] ? column.values[i]! : Number.NaN)
    }
    const each = (change: (value: number, i: number) => number) => inner(0).map((column) => mapped(column, change))
    switch (name) {
      case 'absent':
        return [absent(inner(0), grid, labelsAsked(args[0]))]
      case 'vector': {
        const value = scalar(0)
        return [scalarColumn(grid, value)]
      }
      case 'scalar': {
        const columns = inner(0)
        return [
          scalarColumn(grid, (i) => {
            const present = columns.filter((column) => column.present[i])
            return present.length === 1 ? present[0]!.values[i]! : Number.NaN
          }),
        ]
      }
      case 'time':
        return [scalarColumn(grid, (i) => grid.startS + i * grid.stepS)]
      case 'timestamp':
        return each((_, i) => grid.startS + i * grid.stepS)
      case 'clamp_max': {
        const high = scalar(1)
        return each((value, i) => Math.min(value, high(i)))
      }
      case 'clamp_min': {
        const low = scalar(1)
        return each((value, i) => Math.max(value, low(i)))
      }
      case 'clamp': {
        const [low, high] = [scalar(1), scalar(2)]
        return each((value, i) => Math.min(Math.max(value, low(i)), high(i)))
      }
      case 'round': {
        const to = args.length > 1 ? scalar(1) : () => 1
        return each((value, i) => Math.round(value / to(i)) * to(i))
      }
      case 'sort':
      case 'sort_desc':
        return inner(0)
      case 'label_replace':
        return this.relabelled(expr, inner(0))
      case 'histogram_quantile': {
        const share = scalar(0)
        return quantiles(share, inner(1), grid)
      }
      default: {
        const plain = MATHS[name]
        if (!plain) throw new Unsupported(`the function ${name}`)
        return each(plain)
      }
    }
  }

  private overTime(expr: Extract<Promql, { kind: 'call' }>, grid: Grid, depth: number): readonly Column[] {
    const isQuantile = expr.name === 'quantile_over_time'
    const range = expr.args[isQuantile ? 1 : 0]
    const param = isQuantile ? (this.columns(expr.args[0]!, grid, depth + 1)[0]?.values[0] ?? Number.NaN) : 0
    const name = expr.name === 'absent_over_time' ? 'present_over_time' : expr.name
    const columns = this.ranged(range, grid, depth).map(({ labels, data, rangeS, offsetS }) => ({
      labels: name === 'last_over_time' ? labels : nameless(labels),
      ...overWindows(name, data, grid, rangeS, offsetS, param),
    }))
    return expr.name === 'absent_over_time' ? [absent(columns, grid, labelsAsked(range))] : columns
  }

  /** The samples that a range looks at: raw series, recorded ones, or a sub-query's results. */
  private ranged(expr: Promql | undefined, grid: Grid, depth: number) {
    if (expr?.kind === 'selector' && expr.range !== undefined) {
      if (expr.fixed) throw new Unsupported('a query at one fixed moment (@)')
      const { range: rangeS, offset: offsetS = 0, ...rest } = expr
      if (!this.recordings.has(expr.metric))
        return this.selected(expr).map((series) => ({
          labels: series.labels,
          data: packedSeries(series, this.db.scrapeS),
          rangeS,
          offsetS,
        }))
      return this.sampled(rest, EVERY_S, rangeS, offsetS, grid, depth)
    }
    if (expr?.kind === 'subquery') {
      if (expr.fixed) throw new Unsupported('a query at one fixed moment (@)')
      return this.sampled(expr.of, expr.step ?? EVERY_S, expr.range, expr.offset ?? 0, grid, depth)
    }
    throw new Unsupported('a function without a range')
  }

  /** Results of an expression at every multiple of `stepS` that the grid's ranges can see. */
  private sampled(expr: Promql, stepS: number, rangeS: number, offsetS: number, grid: Grid, depth: number) {
    if (!(stepS > 0)) throw new Unsupported('a sub-query without a step')
    const first = Math.max(0, Math.ceil((grid.startS - offsetS - rangeS) / stepS) * stepS)
    const last = grid.startS + (grid.n - 1) * grid.stepS - offsetS
    const n = Math.max(0, Math.floor((last - first) / stepS) + 1)
    return this.columns(expr, { startS: first, stepS, n }, depth + 1).map((column) => ({
      labels: column.labels,
      data: packed(column.values, column.present, first, stepS),
      rangeS,
      offsetS,
    }))
  }

  private relabelled(expr: Extract<Promql, { kind: 'call' }>, columns: readonly Column[]): readonly Column[] {
    const words = expr.args.slice(1).map((arg) => (arg.kind === 'string' ? arg.value : undefined))
    const [target, replacement, source, pattern] = words
    if (target === undefined || replacement === undefined || source === undefined || pattern === undefined)
      throw new Unsupported('a label_replace of that kind')
    return columns.map((column) => {
      const match = safePattern(pattern).exec(column.labels[source] ?? '')
      if (!match) return column
      const value = replacement.replace(/\$\{?(\d)\}?/g, (_, index: string) => match[Number(index)] ?? '')
      return { ...column, labels: { ...column.labels, [target]: value } }
    })
  }
}

const MATHS: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  sqrt: Math.sqrt,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sgn: Math.sign,
}

const texts = new WeakMap<Promql, string>()

function textOf(expr: Promql): string {
  const known = texts.get(expr)
  if (known !== undefined) return known
  const made = JSON.stringify(expr)
  texts.set(expr, made)
  return made
}

const packs = new WeakMap<Series, ReturnType<typeof packed>>()

function packedSeries(series: Series, scrapeS: number) {
  const known = packs.get(series)
  if (known) return known
  const made = packed(series.values, undefined, 0, scrapeS)
  packs.set(series, made)
  return made
}

/** The newest sample within the look-back, at each instant. */
function looked(series: Series, scrapeS: number, grid: Grid, offsetS: number): Column {
  const { times, values } = packedSeries(series, scrapeS)
  const found = { labels: series.labels, values: new Float64Array(grid.n), present: new Uint8Array(grid.n) }
  let next = 0
  for (let i = 0; i < grid.n; i++) {
    const at = grid.startS + i * grid.stepS - offsetS
    while (next < times.length && times[next]! <= at) next++
    if (next === 0 || at - times[next - 1]! > LOOKBACK_S) continue
    found.values[i] = values[next - 1]!
    found.present[i] = 1
  }
  return found
}

function absent(columns: readonly Column[], grid: Grid, labels: Column['labels']): Column {
  const found = { labels, values: new Float64Array(grid.n).fill(1), present: new Uint8Array(grid.n) }
  for (let i = 0; i < grid.n; i++) found.present[i] = columns.some((column) => column.present[i]) ? 0 : 1
  return found
}

/** absent() gives its result the labels that its selector asks for by equality. */
function labelsAsked(expr: Promql | undefined): Column['labels'] {
  const selector = expr?.kind === 'subquery' ? expr.of : expr
  if (selector?.kind !== 'selector') return {}
  return Object.fromEntries(
    selector.matchers.filter((matcher) => matcher.op === '=').map(({ label, value }) => [label, value]),
  )
}
