/** Tries every alert of a tree on every fault, at the quietest and the busiest hour, and says which of them it sees, and when. */
import type { Spot } from '../formats/node.ts'
import { type Promql, promqlWithin } from '../formats/promql.ts'
import { type AlertRule, type AlertRules, alertRules, pages, type Recording } from '../models/alert.ts'
import { firing, rangeOf } from '../models/attainable.ts'
import type { World } from '../world.ts'
import { Evaluation } from './evaluate.ts'
import { notesOn } from './notes.ts'
import { databaseOf, FAULTS, type Fault, type Scenario, type Shapes, shapesFor } from './scenario.ts'
import { Unsupported } from './series.ts'
import { drops, firstFiring, isFiringAt, type Timeline, timelineOf } from './timeline.ts'

export interface Demand {
  /** Requests per minute in the quietest and in the busiest hour. */
  readonly low: number
  readonly peak: number
}

export const DEMAND: Demand = { low: 2, peak: 600 }

/** Minutes within which a page should be out: the rollback that follows was promised for 15 (playbook). */
export const WITHIN_MINUTES = 15

export interface Trial {
  readonly fault: Fault
  readonly demand: 'low' | 'peak'
  /** Minutes from the beginning of the fault until the alert fires; absent when it never does within six hours. */
  readonly minutes?: number
  /** Requests that met the fault until then: an upper bound for citizens harmed. */
  readonly harmed?: number
  /** False when it still fires once every window has passed over the end of the fault. */
  readonly clears?: boolean
  /** How often it stopped firing although the fault went on. */
  readonly flaps?: number
  /** How often its condition was lost, and `for` started again, before it fired. */
  readonly resets?: number
}

/** The least that makes an alert fire. */
export interface Smallest {
  readonly demand: 'low' | 'peak'
  /** Share of requests failing, for six hours; rounded up to two significant figures. */
  readonly share?: number
  /** Minutes of a total outage. */
  readonly minutes?: number
}

export interface Proof {
  readonly alert: string
  readonly at: Spot
  readonly expr: string
  readonly verdict: 'fires' | 'never' | 'always' | 'latches' | 'unknown'
  readonly why: string
  readonly trials: readonly Trial[]
  /** Where it came from; `cloudwatch` for alarms. */
  readonly source?: AlertRule['source'] | 'cloudwatch'
  readonly smallest?: readonly Smallest[]
  /** True when it wakes somebody, and a total outage is seen later than promised at some hour. */
  readonly late?: boolean
  /** Windows, units, names and routes that look wrong. */
  readonly notes?: readonly string[]
}

const HOUR_S = 3_600
/** How long a fault may last until an alert counts as not seeing it. */
const HORIZON_S = 6 * HOUR_S
const ALERTS_MAX = 1_000

/** What a trial's clock looks like: long windows need a long past, and are looked at less often. */
export interface Pace {
  readonly scrapeS: number
  readonly stepS: number
  readonly fromS: number
  /** The longest window of the alert. */
  readonly windowS: number
}

/**
 * One proof for each alert. Pure; bounded by 1,000 alerts. `within`: minutes after which a page is late; `only`: the name of the alerts that
 * are wanted, all by default.
 */
export function proveAlerts(
  world: World,
  demand: Demand = DEMAND,
  within = WITHIN_MINUTES,
  only?: string,
): readonly Proof[] {
  const rules = alertRules(world)
  const wanted = only === undefined ? rules.alerts : rules.alerts.filter(({ name }) => name === only)
  return wanted.slice(0, ALERTS_MAX).map((alert) => proveAlert(world, alert, rules, demand, within))
}

function proveAlert(world: World, alert: AlertRule, rules: AlertRules, demand: Demand, within: number): Proof {
  const notes = notesOn(world, alert, rules)
  const base = {
    alert: alert.name,
    at: alert.exprAt,
    expr: alert.written,
    source: alert.source,
    ...(notes.length > 0 ? { notes } : {}),
  }
  const ranges = firing(alert.expr, rules.recorded)
  if (ranges.can === 'never' && !alert.noData) return { ...base, verdict: 'never', why: ranges.why, trials: [] }
  try {
    return { ...base, ...judged(new Bench(alert, rules, demand), alert, rules, within) }
  } catch (thrown) {
    if (thrown instanceof Unsupported)
      return { ...base, verdict: 'unknown', why: `We cannot make up ${thrown.message}.`, trials: [] }
    throw thrown
  }
}

type Judged = Pick<Proof, 'verdict' | 'why' | 'trials' | 'smallest' | 'late'>

function judged(bench: Bench, alert: AlertRule, rules: AlertRules, within: number): Judged {
  const healthy = (['low', 'peak'] as const).filter((hour) => bench.firesWhenWell(hour))
  if (healthy.length === 2)
    return {
      verdict: 'always',
      why: 'It fires at the quietest and at the busiest hour, although nothing is wrong.',
      trials: [],
    }
  const trials = (['low', 'peak'] as const).flatMap((hour) =>
    (Object.keys(FAULTS) as Fault[]).map((fault) => bench.trial(fault, hour)),
  )
  const seen = trials.filter((trial) => trial.minutes !== undefined)
  if (seen.length === 0) return { ...silence(alert, rules, bench.pace), trials }
  if (seen.some((trial) => trial.clears === false))
    return {
      verdict: 'latches',
      why: 'It still fires after the fault has ended and every window has passed over it.',
      trials,
    }
  const faults = [...new Set(seen.map((trial) => trial.fault))]
  const total = trials.filter((trial) => trial.fault === 'total')
  const missed =
    total.some((trial) => trial.minutes === undefined) && total.some((trial) => trial.minutes !== undefined)
  const late = pages(alert) && total.some((trial) => trial.minutes !== undefined && trial.minutes > within)
  const said = [`It sees: ${faults.map((fault) => FAULTS[fault]).join('; ')}.`]
  if (missed) said.push('It misses a total outage in the quietest hour.')
  const smallest = (['low', 'peak'] as const).flatMap((hour) => bench.smallest(hour))
  return {
    verdict: 'fires',
    why: said.join(' '),
    trials,
    ...(smallest.length > 0 ? { smallest } : {}),
    ...(late ? { late } : {}),
  }
}

/** Nothing fired. A bounded value (a share) will not be larger elsewhere; a plain number may well be, under more demand. */
function silence(alert: AlertRule, rules: AlertRules, pace: Pace): Pick<Proof, 'verdict' | 'why'> {
  const bounded = [...promqlWithin(alert.expr)].some(
    (part) =>
      part.kind === 'binary' && /^[<>]=?$/.test(part.op) && Number.isFinite(rangeOf(part.left, rules.recorded).high),
  )
  if (bounded && pace.windowS <= HORIZON_S)
    return { verdict: 'never', why: 'It stays silent in every fault that was tried, each for six hours.' }
  return {
    verdict: 'unknown',
    why: 'It stays silent in every fault that was tried; it may need more demand or a longer fault.',
  }
}

/** Runs trials of one alert. */
class Bench {
  readonly pace: Pace
  private readonly alert: AlertRule
  private readonly recordings: readonly Recording[]
  private readonly shapes: Shapes
  private readonly demand: Demand

  constructor(alert: AlertRule, rules: AlertRules, demand: Demand) {
    this.alert = alert
    this.demand = demand
    this.recordings = neededBy(alert.expr, rules.recordings)
    this.pace = paceOf(alert.expr, rules.recorded)
    this.shapes = shapesOfAlert(alert.expr, this.recordings)
  }

  /** One trial, looked at from an hour before the fault until its end or, when `lookS` is given, that long after it began. */
  private run(
    fault: Fault | 'healthy',
    share: number,
    hour: 'low' | 'peak',
    faultS: number,
    afterS: number,
    lookS = faultS + afterS,
  ): Timeline {
    const { fromS } = this.pace
    const scenario = scenarioOf(this.pace, fault, this.demand[hour] / 60, share, faultS, afterS)
    const evaluation = new Evaluation(databaseOf(this.shapes, scenario), this.recordings)
    const startS = fromS - HOUR_S
    const n = Math.floor((fromS + lookS - startS) / this.pace.stepS) + 1
    return timelineOf(this.alert, evaluation, { startS, stepS: this.pace.stepS, n })
  }

  firesWhenWell(hour: 'low' | 'peak'): boolean {
    return firstFiring(this.run('healthy', 0, hour, 0, 60), this.pace.fromS - HOUR_S, this.pace.fromS) !== undefined
  }

  trial(fault: Fault, hour: 'low' | 'peak'): Trial {
    const { fromS } = this.pace
    const line = this.run(fault, PARTIAL, hour, HORIZON_S, 0)
    const at = this.noticed(line)
    if (at === undefined) return { fault, demand: hour }
    const minutes = Math.round((at - fromS) / 60)
    const share = fault === 'partial' ? PARTIAL : fault === 'lost' ? 0 : 1
    const flaps = drops(line.firing, line.grid, at, fromS + HORIZON_S)
    const resets = drops(line.active, line.grid, fromS, at)
    const clears = this.clears(fault, hour, at)
    return {
      fault,
      demand: hour,
      minutes,
      harmed: Math.round(((at - fromS) * this.demand[hour] * share) / 60),
      ...(clears === undefined ? {} : { clears }),
      ...(flaps > 0 ? { flaps } : {}),
      ...(resets > 0 ? { resets } : {}),
    }
  }

  /** What already fired before the fault has not noticed it. */
  private noticed(line: Timeline): number | undefined {
    const { fromS, stepS } = this.pace
    if (firstFiring(line, fromS - 2 * stepS, fromS) !== undefined) return undefined
    return firstFiring(line, fromS + stepS, fromS + HORIZON_S)
  }

  /** Whether it ends after a fault of an hour; undefined when it takes longer to notice one, or its windows are too long to wait for. */
  private clears(fault: Fault, hour: 'low' | 'peak', at: number): boolean | undefined {
    const { fromS, windowS, stepS } = this.pace
    if (at > fromS + HOUR_S || windowS > HORIZON_S) return undefined
    const afterS = windowS + 2 * HOUR_S
    return !isFiringAt(this.run(fault, PARTIAL, hour, HOUR_S, afterS), fromS + HOUR_S + afterS - stepS)
  }

  /** Bisects the least share of failing requests, and the shortest total outage. */
  smallest(hour: 'low' | 'peak'): readonly Smallest[] {
    const noticed = (share: number, faultS: number) => {
      // Most fire soon: only the others are looked at to the end.
      const first = Math.min(faultS, HOUR_S)
      return (
        this.noticed(this.run('partial', share, hour, first, HOUR_S - first)) ??
        this.noticed(this.run('partial', share, hour, faultS, HORIZON_S - faultS))
      )
    }
    const fires = (share: number, faultS: number) => noticed(share, faultS) !== undefined
    const total = noticed(1, HORIZON_S)
    if (total === undefined) return []
    // A thousandth is as little as anybody would notice; seven halvings of three decades are exact to 5 %.
    let [low, high] = [0.001, 1]
    if (fires(low, HORIZON_S)) high = low
    for (let i = 0; i < 7 && high > low; i++) {
      const middle = Math.sqrt(low * high)
      if (fires(middle, HORIZON_S)) high = middle
      else low = middle
    }
    let [short, long] = [0, Math.round((total - this.pace.fromS) / 60)]
    for (let i = 0; i < 9 && long - short > 1; i++) {
      const middle = Math.floor((short + long) / 2)
      if (fires(1, middle * 60)) long = middle
      else short = middle
    }
    return [{ demand: hour, share: roundedUp(high), minutes: long }]
  }
}

/** Three in ten: what FAULTS promises. */
const PARTIAL = 0.3

function roundedUp(share: number): number {
  if (share >= 1) return 1
  const scale = 10 ** (1 - Math.floor(Math.log10(share)))
  return Math.ceil(share * scale - 1e-9) / scale
}

/** A scenario at an alert's pace; the fault begins at `pace.fromS`. */
export function scenarioOf(
  pace: Pace,
  fault: Fault | 'healthy',
  perSecond: number,
  share: number,
  faultS: number,
  afterS: number,
): Scenario {
  const untilS = pace.fromS + faultS
  return { fault, share, perSecond, scrapeS: pace.scrapeS, fromS: pace.fromS, untilS, endS: untilS + afterS }
}

export function shapesOfAlert(expr: Promql, recordings: readonly Recording[]): Shapes {
  return shapesFor([expr, ...recordings.map((rule) => rule.expr)], new Set(recordings.map((rule) => rule.name)))
}

/** The recording rules that an expression needs, and those that they need. */
export function neededBy(expr: Promql, recordings: readonly Recording[]): readonly Recording[] {
  const byName = new Map<string, Recording[]>()
  for (const rule of recordings) {
    const list = byName.get(rule.name)
    if (list) list.push(rule)
    else byName.set(rule.name, [rule])
  }
  const needed = new Map<string, readonly Recording[]>()
  const open: Promql[] = [expr]
  while (open.length > 0) {
    for (const part of promqlWithin(open.pop()!)) {
      if (part.kind !== 'selector' || needed.has(part.metric)) continue
      const rules = (byName.get(part.metric) ?? []).filter((rule) =>
        part.matchers.every((matcher) => couldMatch(rule, matcher)),
      )
      if (rules.length === 0 && !byName.has(part.metric)) continue
      needed.set(part.metric, rules)
      open.push(...rules.map((rule) => rule.expr))
    }
  }
  return [...needed.values()].flat()
}

/** A label that a rule sets itself decides; any other may come from its series. */
function couldMatch(
  rule: Recording,
  matcher: { readonly label: string; readonly op: string; readonly value: string },
): boolean {
  const own = rule.labels[matcher.label]
  return own === undefined || matcher.op !== '=' || own === matcher.value
}

/** A window of up to six hours is tried at the usual pace; days need fewer looks, or the trial would outlast the reader. */
export function paceOf(expr: Promql, recorded: ReadonlyMap<string, Promql>): Pace {
  const { longest, shortest } = windowsOf(expr, recorded, 0)
  const DAY_S = 24 * HOUR_S
  // Three days, and the windows of the rules that are recorded below them.
  if (longest > 3 * DAY_S + HOUR_S) throw new Unsupported(`a past of ${Math.round(longest / DAY_S)} days`)
  if (longest <= HORIZON_S)
    return { scrapeS: 30, stepS: 60, fromS: Math.max(2 * HOUR_S, longest + HOUR_S), windowS: longest }
  const scrapeS = Math.max(30, Math.min(300, Math.floor(shortest / 8 / 30) * 30))
  return { scrapeS, stepS: 300, fromS: longest + 2 * HOUR_S, windowS: longest }
}

function windowsOf(
  expr: Promql,
  recorded: ReadonlyMap<string, Promql>,
  depth: number,
): { longest: number; shortest: number } {
  let [longest, shortest] = [0, Number.POSITIVE_INFINITY]
  const take = (window: number) => {
    longest = Math.max(longest, window)
    if (window > 0) shortest = Math.min(shortest, window)
  }
  for (const part of promqlWithin(expr)) {
    if (part.kind === 'subquery') take(part.range + Math.max(0, part.offset ?? 0))
    if (part.kind !== 'selector') continue
    take((part.range ?? 0) + Math.max(0, part.offset ?? 0))
    const rule = depth < 5 ? recorded.get(part.metric) : undefined
    if (!rule) continue
    const inner = windowsOf(rule, recorded, depth + 1)
    longest = Math.max(longest, inner.longest + (part.range ?? 0))
    shortest = Math.min(shortest, inner.shortest)
  }
  return { longest, shortest }
}
