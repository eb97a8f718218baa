/** Operators and aggregations of PromQL over columns. */
import type { Promql } from '../formats/promql.ts'
import { type Column, type Grid, keyOf, type Labels, nameless, Unsupported } from './series.ts'
import { quantile } from './window.ts'

/** A scalar: one column without labels that is always there. */
export function scalarColumn(grid: Grid, value: (i: number) => number): Column {
  const values = new Float64Array(grid.n)
  for (let i = 0; i < grid.n; i++) values[i] = value(i)
  return { labels: {}, values, present: new Uint8Array(grid.n).fill(1) }
}

export function mapped(column: Column, change: (value: number, i: number) => number): Column {
  const values = new Float64Array(column.values.length)
  for (let i = 0; i < values.length; i++) if (column.present[i]) values[i] = change(column.values[i]!, i)
  return { labels: nameless(column.labels), values, present: column.present }
}

type Aggregate = Extract<Promql, { kind: 'aggregate' }>

export function aggregated(
  expr: Aggregate,
  columns: readonly Column[],
  param: Column | undefined,
  grid: Grid,
): readonly Column[] {
  const groups = new Map<string, { labels: Labels; members: Column[] }>()
  for (const column of columns) {
    const labels = grouped(expr, nameless(column.labels))
    const key = keyOf(labels)
    const group = groups.get(key)
    if (group) group.members.push(column)
    else groups.set(key, { labels, members: [column] })
  }
  if (expr.op === 'topk' || expr.op === 'bottomk')
    return [...groups.values()].flatMap(({ members }) => ranked(expr.op, members, param))
  if (expr.op === 'sum') return [...groups.values()].map(({ labels, members }) => summed(labels, members, grid))
  const combine =
    COMBINE[expr.op] ??
    (expr.op === 'quantile' && param ? (list: number[], i: number) => quantile(param.values[i]!, list) : undefined)
  if (!combine) throw new Unsupported(`the aggregation ${expr.op}`)
  return [...groups.values()].map(({ labels, members }) => {
    const values = new Float64Array(grid.n)
    const present = new Uint8Array(grid.n)
    for (let i = 0; i < grid.n; i++) {
      const list: number[] = []
      for (const member of members) if (member.present[i]) list.push(member.values[i]!)
      if (list.length === 0) continue
      values[i] = combine(list, i)
      present[i] = 1
    }
    return { labels, values, present }
  })
}

/** The commonest aggregation, without a list for each instant. */
function summed(labels: Labels, members: readonly Column[], grid: Grid): Column {
  const values = new Float64Array(grid.n)
  const present = new Uint8Array(grid.n)
  for (const member of members) {
    for (let i = 0; i < grid.n; i++) {
      if (!member.present[i]) continue
      values[i] = values[i]! + member.values[i]!
      present[i] = 1
    }
  }
  return { labels, values, present }
}

function grouped(expr: Aggregate, labels: Labels): Labels {
  if (!expr.by && !expr.without) return {}
  return Object.fromEntries(
    Object.entries(labels).filter(([label]) => (expr.by ? expr.by.includes(label) : !expr.without!.includes(label))),
  )
}

const total = (list: readonly number[]) => {
  let sum = 0
  for (const value of list) sum += value
  return sum
}
const spread = (list: readonly number[]) => {
  const mean = total(list) / list.length
  return total(list.map((value) => (value - mean) ** 2)) / list.length
}

const COMBINE: Readonly<Record<string, (list: number[], i: number) => number>> = {
  avg: (list) => total(list) / list.length,
  min: (list) => Math.min(...list),
  max: (list) => Math.max(...list),
  count: (list) => list.length,
  group: () => 1,
  stdvar: spread,
  stddev: (list) => Math.sqrt(spread(list)),
}

function ranked(op: string, members: readonly Column[], param: Column | undefined): readonly Column[] {
  const kept = members.map((member) => ({ ...member, present: new Uint8Array(member.present.length) }))
  const sign = op === 'topk' ? -1 : 1
  for (let i = 0; i < (members[0]?.values.length ?? 0); i++) {
    const there = members
      .map((member, index) => ({ index, value: member.values[i]! }))
      .filter(({ index }) => members[index]!.present[i])
    there.sort((a, b) => (a.value - b.value) * sign)
    for (const { index } of there.slice(0, Math.max(0, param?.values[i] ?? 0))) kept[index]!.present[i] = 1
  }
  return kept
}

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
  atan2: Math.atan2,
}

const COMPARISON: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
}

type Binary = Extract<Promql, { kind: 'binary' }>

export function binaryOf(
  expr: Binary,
  left: readonly Column[],
  right: readonly Column[],
  grid: Grid,
): readonly Column[] {
  if (expr.op === 'and' || expr.op === 'or' || expr.op === 'unless') return sets(expr, left, right, grid)
  const [leftScalar, rightScalar] = [isScalar(expr.left), isScalar(expr.right)]
  if (leftScalar && rightScalar)
    return left[0] && right[0] ? [combined(expr, left[0], [right[0]], grid, false, {})] : []
  if (rightScalar)
    return right[0] ? left.map((column) => combined(expr, column, [right[0]!], grid, false, column.labels)) : []
  if (leftScalar)
    return left[0] ? right.map((column) => combined(expr, column, [left[0]!], grid, true, column.labels)) : []
  const many = expr.matching?.group === 'right' ? right : left
  const one = many === left ? right : left
  const candidates = new Map<string, Column[]>()
  for (const column of one) {
    const key = matchKey(expr, column.labels)
    candidates.set(key, [...(candidates.get(key) ?? []), column])
  }
  if (!expr.matching?.group) noDoubles(expr, many, grid)
  return many.flatMap((column) => {
    const found = candidates.get(matchKey(expr, column.labels))
    return found ? [combined(expr, column, found, grid, many === right, resultLabels(expr, column.labels))] : []
  })
}

/** Two series on the left for one on the right, without group_left, is an error in Prometheus: the rule is never evaluated. */
function noDoubles(expr: Binary, columns: readonly Column[], grid: Grid): void {
  const groups = new Map<string, Column[]>()
  for (const column of columns) {
    const key = matchKey(expr, column.labels)
    groups.set(key, [...(groups.get(key) ?? []), column])
  }
  for (const members of groups.values()) {
    if (members.length < 2) continue
    for (let i = 0; i < grid.n; i++)
      if (members.filter((member) => member.present[i]).length > 1)
        throw new Unsupported('several series for one match, which Prometheus refuses')
  }
}

function matchKey({ matching }: Binary, labels: Labels): string {
  const plain = nameless(labels)
  if (!matching) return keyOf(plain)
  return keyOf(
    Object.fromEntries(Object.entries(plain).filter(([label]) => matching.labels.includes(label) === matching.on)),
  )
}

function resultLabels(expr: Binary, labels: Labels): Labels {
  const { matching } = expr
  if (!matching || matching.group) return labels
  return Object.fromEntries(
    Object.entries(labels).filter(([label]) => label === '__name__' || matching.labels.includes(label) === matching.on),
  )
}

/** One column with whichever of the others is there at each instant. `swapped`: the column stands on the right of the operator. */
function combined(
  expr: Binary,
  column: Column,
  others: readonly Column[],
  grid: Grid,
  swapped: boolean,
  labels: Labels,
): Column {
  const compare = COMPARISON[expr.op]
  const calculate = ARITHMETIC[expr.op]
  if (!compare && !calculate) throw new Unsupported(`the operator ${expr.op}`)
  const values = new Float64Array(grid.n)
  const present = new Uint8Array(grid.n)
  const only = others.length === 1 ? others[0]! : undefined
  for (let i = 0; i < grid.n; i++) {
    if (!column.present[i]) continue
    const other = only ?? theOne(others, i)
    if (!other?.present[i]) continue
    const own = column.values[i]!
    const a = swapped ? other.values[i]! : own
    const b = swapped ? own : other.values[i]!
    if (!compare) values[i] = calculate!(a, b)
    else if (expr.bool) values[i] = compare(a, b) ? 1 : 0
    else if (compare(a, b)) values[i] = own
    else continue
    present[i] = 1
  }
  return { labels: compare && !expr.bool ? labels : nameless(labels), values, present }
}

function theOne(others: readonly Column[], i: number): Column | undefined {
  const there = others.filter((other) => other.present[i])
  if (there.length > 1) throw new Unsupported('several series for one match, which Prometheus refuses')
  return there[0]
}

function sets(expr: Binary, left: readonly Column[], right: readonly Column[], grid: Grid): readonly Column[] {
  const presence = (columns: readonly Column[]) => {
    const found = new Map<string, Uint8Array>()
    for (const column of columns) {
      const key = matchKey(expr, column.labels)
      const known = found.get(key)
      if (!known) found.set(key, Uint8Array.from(column.present))
      else for (let i = 0; i < grid.n; i++) if (column.present[i]) known[i] = 1
    }
    return found
  }
  const masked = (columns: readonly Column[], mask: ReadonlyMap<string, Uint8Array>, wanted: 0 | 1) =>
    columns.map((column) => {
      const other = mask.get(matchKey(expr, column.labels))
      const present = new Uint8Array(grid.n)
      for (let i = 0; i < grid.n; i++) present[i] = column.present[i] && (other?.[i] ?? 0) === wanted ? 1 : 0
      return { ...column, present }
    })
  if (expr.op === 'and') return masked(left, presence(right), 1)
  if (expr.op === 'unless') return masked(left, presence(right), 0)
  return [...left, ...masked(right, presence(left), 0)]
}

/** Scalars in PromQL's sense: they match anything. */
export function isScalar(expr: Promql): boolean {
  if (expr.kind === 'number') return true
  if (expr.kind === 'call') return expr.name === 'scalar' || expr.name === 'time'
  if (expr.kind === 'negate') return isScalar(expr.of)
  return expr.kind === 'binary' && isScalar(expr.left) && isScalar(expr.right)
}

/** histogram_quantile: linear inside a bucket, the highest finite bound above it. */
export function quantiles(share: (i: number) => number, buckets: readonly Column[], grid: Grid): readonly Column[] {
  const groups = new Map<string, { labels: Labels; list: { bound: number; column: Column }[] }>()
  for (const column of buckets) {
    const { le, ...rest } = nameless(column.labels)
    if (le === undefined) continue
    const key = keyOf(rest)
    const group = groups.get(key) ?? { labels: rest, list: [] }
    group.list.push({ bound: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), column })
    groups.set(key, group)
  }
  return [...groups.values()].map(({ labels, list }) => {
    const sorted = list.sort((a, b) => a.bound - b.bound)
    const values = new Float64Array(grid.n)
    const present = new Uint8Array(grid.n)
    for (let i = 0; i < grid.n; i++) {
      const there = sorted.filter(({ column }) => column.present[i])
      if (there.length === 0) continue
      values[i] = bucketQuantile(
        share(i),
        there.map(({ bound, column }) => [bound, column.values[i]!] as const),
      )
      present[i] = 1
    }
    return { labels, values, present }
  })
}

function bucketQuantile(share: number, sorted: readonly (readonly [bound: number, count: number])[]): number {
  const total = sorted.at(-1)![1]
  if (!(total > 0) || sorted.at(-1)![0] !== Number.POSITIVE_INFINITY || sorted.length < 2) return Number.NaN
  const rank = share * total
  const index = sorted.findIndex(([, count]) => count >= rank)
  if (index < 0) return Number.NaN
  const [bound, count] = sorted[index]!
  if (bound === Number.POSITIVE_INFINITY) return sorted.at(-2)![0]
  const [lower, below] = index > 0 ? sorted[index - 1]! : [0, 0]
  return count === below ? bound : lower + ((bound - lower) * (rank - below)) / (count - below)
}
