/** When an alert is active and when it fires, over a grid of evaluations, with `for` kept for each of its series. */
import type { AlertRule } from '../models/alert.ts'
import type { Evaluation } from './evaluate.ts'
import type { Grid } from './series.ts'

export interface Timeline {
  readonly grid: Grid
  /** 1 where the condition holds for some series. */
  readonly active: Uint8Array
  /** 1 where it has held long enough. */
  readonly firing: Uint8Array
}

/** Evaluates an alert at every instant of a grid. One false look starts `for` again. Throws Unsupported. */
export function timelineOf(
  alert: Pick<AlertRule, 'expr' | 'forS' | 'noData'>,
  evaluation: Evaluation,
  grid: Grid,
): Timeline {
  const columns = evaluation.columns(alert.expr, grid)
  const active = new Uint8Array(grid.n)
  const firing = new Uint8Array(grid.n)
  for (const { present } of columns) hold(present, alert.forS, grid.stepS, active, firing)
  // Grafana may take an empty result for an alert. NoData raises one of its own, which is routed alike.
  if (alert.noData === 'Alerting' || alert.noData === 'NoData') {
    const empty = emptyOf(alert, evaluation, grid)
    if (empty) hold(empty, alert.forS, grid.stepS, active, firing)
  }
  return { grid, active, firing }
}

function hold(present: Uint8Array, forS: number, stepS: number, active: Uint8Array, firing: Uint8Array): void {
  let since = -1
  for (let i = 0; i < present.length; i++) {
    if (!present[i]) {
      since = -1
      continue
    }
    if (since < 0) since = i
    active[i] = 1
    if ((i - since) * stepS >= forS) firing[i] = 1
  }
}

/** Where the query below the threshold gives nothing; undefined when the condition is not a plain comparison. */
function emptyOf(alert: Pick<AlertRule, 'expr'>, evaluation: Evaluation, grid: Grid): Uint8Array | undefined {
  const { expr } = alert
  if (expr.kind !== 'binary' || !/^([<>]=?|[=!]=)$/.test(expr.op)) return undefined
  const columns = evaluation.columns(expr.left, grid)
  const empty = new Uint8Array(grid.n)
  for (let i = 0; i < grid.n; i++) empty[i] = columns.some((column) => column.present[i]) ? 0 : 1
  return empty
}

/** The first instant from `fromS` on at which it fires, in seconds. */
export function firstFiring({ grid, firing }: Timeline, fromS: number, untilS: number): number | undefined {
  for (let i = indexAt(grid, fromS); i < grid.n; i++) {
    const at = grid.startS + i * grid.stepS
    if (at > untilS) return undefined
    if (firing[i]) return at
  }
  return undefined
}

/** How often a row of zeros and ones goes from 1 to 0 between two instants. */
export function drops(row: Uint8Array, grid: Grid, fromS: number, untilS: number): number {
  let n = 0
  for (let i = Math.max(1, indexAt(grid, fromS)); i < grid.n && grid.startS + i * grid.stepS <= untilS; i++)
    if (row[i - 1] && !row[i]) n++
  return n
}

export function isFiringAt({ grid, firing }: Timeline, atS: number): boolean {
  return firing[Math.min(indexAt(grid, atS), grid.n - 1)] === 1
}

function indexAt(grid: Grid, atS: number): number {
  return Math.max(0, Math.ceil((atS - grid.startS) / grid.stepS))
}
