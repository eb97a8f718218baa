/** Tries every alert of a tree on every fault, at the quietest and the busiest hour, and says which of them it sees, and when. */
import type { Spot } from '../formats/node.ts'
import { type Promql, promqlWithin } from '../formats/promql.ts'
import { type AlertRule, alertRules, type Recording } from '../models/alert.ts'
import { firing, rangeOf } from '../models/attainable.ts'
import type { World } from '../world.ts'
import { type Database, evaluate, record, Unsupported } from './evaluate.ts'
import { FAULTS, type Fault, type Scenario, seriesFor } from './scenario.ts'

export interface Demand {
  /** Requests per minute in the quietest and in the busiest hour. */
  readonly low: number
  readonly peak: number
}

export const DEMAND: Demand = { low: 2, peak: 600 }

export interface Trial {
  readonly fault: Fault
  readonly demand: 'low' | 'peak'
  /** Minutes from the beginning of the fault until the alert fires; absent when it never does within an hour. */
  readonly minutes?: number
  /** Requests that met the fault until then: an upper bound for citizens harmed. */
  readonly harmed?: number
  /** False when it still fires two hours after the fault has ended. */
  readonly clears?: boolean
}

export interface Proof {
  readonly alert: string
  readonly at: Spot
  readonly expr: string
  readonly verdict: 'fires' | 'never' | 'always' | 'latches' | 'unknown'
  readonly why: string
  readonly trials: readonly Trial[]
}

// An hour well, an hour of fault, two hours to clear: longer than every usual window but the six-hour ones.
const SCRAPE_S = 30
const FROM_S = 7_200
const UNTIL_S = FROM_S + 3_600
const END_S = UNTIL_S + 7_200
const STEP_S = 60

/** One proof for each alert. Pure; bounded by 300 alerts. */
export function proveAlerts(world: World, demand: Demand = DEMAND): readonly Proof[] {
  const { alerts, recorded, recordings } = alertRules(world)
  const exprs = [...alerts, ...recordings].map((rule) => rule.expr)
  const databases = databasesFor(exprs, recordings, demand)
  return alerts.slice(0, 300).map((alert) => proofOf(alert, recorded, databases))
}

interface Case {
  readonly fault: Fault | 'healthy'
  readonly demand: 'low' | 'peak'
  readonly perSecond: number
  readonly db: Database
}

export function scenarioOf(fault: Fault | 'healthy', perSecond: number): Scenario {
  return { fault, perSecond, scrapeS: SCRAPE_S, fromS: FROM_S, untilS: UNTIL_S, endS: END_S }
}

function databasesFor(exprs: readonly Promql[], recordings: readonly Recording[], demand: Demand): readonly Case[] {
  const names = new Set(recordings.map((rule) => rule.name))
  return (['low', 'peak'] as const).flatMap((name) =>
    (['healthy', ...Object.keys(FAULTS)] as (Fault | 'healthy')[]).map((fault) => {
      const perSecond = demand[name] / 60
      const raw = { scrapeS: SCRAPE_S, series: seriesFor(exprs, names, scenarioOf(fault, perSecond)) }
      return { fault, demand: name, perSecond, db: record(raw, recordings, END_S) }
    }),
  )
}

function proofOf(alert: AlertRule, recorded: ReadonlyMap<string, Promql>, cases: readonly Case[]): Proof {
  const base = { alert: alert.name, at: alert.exprAt, expr: alert.written }
  const ranges = firing(alert.expr, recorded)
  if (ranges.can === 'never') return { ...base, verdict: 'never', why: ranges.why, trials: [] }
  try {
    const healthy = cases.filter(
      (one) => one.fault === 'healthy' && firstFiring(alert, one.db, FROM_S - 3_600, FROM_S) !== undefined,
    )
    if (healthy.length === 2)
      return {
        ...base,
        verdict: 'always',
        why: 'It fires at the quietest and at the busiest hour, although nothing is wrong.',
        trials: [],
      }
    const trials = cases.flatMap((one) =>
      one.fault === 'healthy' ? [] : [trialOf(alert, one, one.fault, windowOf(alert.expr, recorded))],
    )
    const seen = trials.filter((trial) => trial.minutes !== undefined)
    if (seen.length === 0) return { ...base, ...silence(alert, recorded), trials }
    if (seen.some((trial) => trial.clears === false))
      return { ...base, verdict: 'latches', why: 'It still fires two hours after the fault has ended.', trials }
    const total = trials.find((trial) => trial.fault === 'total' && trial.demand === 'low')
    const faults = [...new Set(seen.map((trial) => trial.fault))]
    const late =
      total && total.minutes === undefined && faults.includes('total')
        ? ' It misses a total outage in the quietest hour.'
        : ''
    return {
      ...base,
      verdict: 'fires',
      why: `It sees: ${faults.map((fault) => FAULTS[fault]).join('; ')}.${late}`,
      trials,
    }
  } catch (thrown) {
    if (thrown instanceof Unsupported)
      return { ...base, verdict: 'unknown', why: `We cannot make up ${thrown.message}.`, trials: [] }
    throw thrown
  }
}

/** Nothing fired. A bounded value (a share) will not be larger elsewhere; a plain number may well be, under more demand. */
function silence(alert: AlertRule, recorded: ReadonlyMap<string, Promql>): Pick<Proof, 'verdict' | 'why'> {
  const bounded = [...promqlWithin(alert.expr)].some(
    (part) => part.kind === 'binary' && /^[<>]=?$/.test(part.op) && Number.isFinite(rangeOf(part.left, recorded).high),
  )
  if (bounded && windowOf(alert.expr, recorded) <= UNTIL_S - FROM_S)
    return { verdict: 'never', why: 'It stays silent in every fault that was tried, each for an hour.' }
  return {
    verdict: 'unknown',
    why: 'It stays silent in every fault that was tried; it may need more demand or a longer fault.',
  }
}

/** The longest window that an expression looks back over. */
function windowOf(expr: Promql, recorded: ReadonlyMap<string, Promql>, depth = 0): number {
  let longest = 0
  for (const part of promqlWithin(expr)) {
    if (part.kind === 'selector')
      longest = Math.max(
        longest,
        part.range ?? 0,
        depth < 5 && recorded.has(part.metric) ? windowOf(recorded.get(part.metric)!, recorded, depth + 1) : 0,
      )
    if (part.kind === 'subquery') longest = Math.max(longest, part.range)
  }
  return longest
}

function trialOf(alert: AlertRule, one: Case, fault: Fault, windowS: number): Trial {
  // What already fired before the fault has not noticed it.
  const before = firstFiring(alert, one.db, FROM_S - alert.forS - 2 * STEP_S, FROM_S)
  const at = before === undefined ? firstFiring(alert, one.db, FROM_S, UNTIL_S) : undefined
  if (at === undefined) return { fault, demand: one.demand }
  const minutes = Math.round((at - FROM_S) / 60)
  const share = fault === 'partial' ? 0.3 : fault === 'silent' || fault === 'lost' ? 0 : 1
  const clears = firstFiring({ ...alert, forS: 0 }, one.db, END_S - STEP_S, END_S) === undefined
  const trial = { fault, demand: one.demand, minutes, harmed: Math.round((at - FROM_S) * one.perSecond * share) }
  // A window longer than the recovery still holds the fault: that it fires on says nothing yet.
  return windowS > END_S - UNTIL_S ? trial : { ...trial, clears }
}

/** When the alert has been true long enough, in seconds; evaluated once a minute. One false look starts `for` again. */
export function firstFiring(
  alert: Pick<AlertRule, 'expr' | 'forS'>,
  db: Database,
  fromS: number,
  untilS: number,
): number | undefined {
  let since: number | undefined
  for (let at = fromS; at <= untilS; at += STEP_S) {
    const active = evaluate(alert.expr, at, db).some((sample) => !Number.isNaN(sample.value))
    since = active ? (since ?? at) : undefined
    if (since !== undefined && at - since >= alert.forS) return at
  }
  return undefined
}
