/** Tries every CloudWatch alarm of a tree on every fault, at the quietest and the busiest hour, and says which of them it sees. */
import { nearest } from '../../words.ts'
import { items, type Node, num, text } from '../formats/node.ts'
import { type Alarm, alarmsOf, type MetricQuery } from '../models/alarm.ts'
import { field, fieldOf } from '../models/cloud.ts'
import type { World } from '../world.ts'
import { namesIn, ruleHolds, type State, statesOf } from './alarm-state.ts'
import { type CloudScenario, type Emitters, mostOf, type Points, pointsOf } from './cloud-metrics.ts'
import { metricMath } from './metric-math.ts'
import type { Demand, Proof, Smallest, Trial } from './prove.ts'
import { DEMAND, WITHIN_MINUTES } from './prove.ts'
import { FAULTS, type Fault } from './scenario.ts'
import { Unsupported } from './series.ts'

const HOUR_S = 3_600
const HORIZON_S = 6 * HOUR_S
const PARTIAL = 0.3
const ALARMS_MAX = 1_000

/** One proof for each alarm. Pure. */
export function proveAlarms(world: World, demand: Demand = DEMAND, within = WITHIN_MINUTES): readonly Proof[] {
  const alarms = alarmsOf(world.cloud).slice(0, ALARMS_MAX)
  const emitters = emittersOf(world)
  const parents = new Set(alarms.flatMap((alarm) => namesIn(alarm.rule ?? '')))
  return alarms.map((alarm) => proveAlarm(alarm, alarms, emitters, parents, demand, within))
}

/** Metrics that log filters of the tree emit. */
function emittersOf(world: World): Emitters {
  const found = new Map<string, { readonly fallback?: number }>()
  for (const filter of world.cloud.filter((resource) => resource.type === 'metric-filter')) {
    const change = field(filter, 'MetricTransformations', 'metric_transformation')
    const of = (path: string) => fieldOf(filter, change?.kind === 'list' ? change.items[0] : change, path)
    const name = text(of('MetricName')) ?? text(of('name'))
    const space = text(of('MetricNamespace')) ?? text(of('namespace'))
    const fallback = num(of('DefaultValue'))
    if (name && space) found.set(`${space} ${name}`, fallback === undefined ? {} : { fallback })
  }
  return found
}

function proveAlarm(
  alarm: Alarm,
  alarms: readonly Alarm[],
  emitters: Emitters,
  parents: ReadonlySet<string>,
  demand: Demand,
  within: number,
): Proof {
  const notes = notesOn(alarm, emitters, parents)
  const base = {
    alert: alarm.name,
    at: alarm.thresholdAt,
    expr: writtenOf(alarm),
    source: 'cloudwatch' as const,
    ...(notes.length > 0 ? { notes } : {}),
  }
  const open = undecidedIn(alarm)
  const flaw = open ? undefined : flawOf(alarm)
  if (flaw) return { ...base, verdict: 'never', why: flaw, trials: [] }
  if (alarm.open || open)
    return { ...base, verdict: 'unknown', why: `We cannot make up ${alarm.open || open}.`, trials: [] }
  try {
    return { ...base, ...judged(new Bench(alarm, alarms, emitters, demand), alarm, within) }
  } catch (thrown) {
    if (thrown instanceof Unsupported)
      return { ...base, verdict: 'unknown', why: `We cannot make up ${thrown.message}.`, trials: [] }
    throw thrown
  }
}

/** A setting that is written but not decided by the files (a parameter, a variable), for which no default may stand in; '' when none. */
function undecidedIn({ kind, resource }: Alarm): string {
  if (kind === 'composite') return ''
  const open = (of: (path: string) => Node | undefined, paths: readonly string[], read: (node: Node) => unknown) =>
    paths.find((path) => {
      const node = of(path)
      return node !== undefined && read(node) === undefined
    })
  const own = (path: string) => field(resource, path)
  const found =
    open(own, ['Period', 'EvaluationPeriods', 'DatapointsToAlarm'], num) ??
    open(own, ['Statistic', 'ExtendedStatistic', 'TreatMissingData', 'ComparisonOperator'], text)
  if (found) return `the setting ${found}, which the files leave open`
  for (const item of items(field(resource, 'Metrics', 'metric_query'))) {
    const query = (path: string) => fieldOf(resource, resource.resolve(item), path)
    const inner =
      open(query, ['MetricStat.Period', 'metric.Period'], num) ??
      open(query, ['MetricStat.Stat', 'metric.Stat', 'Expression'], text)
    if (inner) return `the setting ${inner} of a query, which the files leave open`
  }
  return ''
}

/** The alarm in one line, for a report. */
function writtenOf(alarm: Alarm): string {
  if (alarm.rule !== undefined) return alarm.rule.slice(0, 400)
  const returned = alarm.queries.find((query) => query.returned) ?? alarm.queries[0]
  const value =
    returned?.expression ??
    (returned?.metric ? `${returned.metric.statistic}(${returned.metric.namespace} ${returned.metric.name})` : '')
  return `${value} ${alarm.operator} ${alarm.threshold ?? '?'}, ${alarm.datapoints ?? '?'} of ${alarm.evaluationPeriods ?? '?'} × ${periodOf(alarm)} s, ${alarm.missing}`
}

function periodOf(alarm: Alarm): number {
  return Math.max(...alarm.queries.map((query) => query.metric?.periodS ?? 0), 0) || 60
}

/** What keeps an alarm from ever firing, by its numbers alone. */
function flawOf(alarm: Alarm): string | undefined {
  const { evaluationPeriods: periods, datapoints, threshold, operator } = alarm
  if (alarm.kind === 'composite') return undefined
  if (periods !== undefined && datapoints !== undefined && datapoints > periods)
    return `It asks for ${datapoints} bad data points among ${periods}.`
  const metric = alarm.queries.length === 1 ? alarm.queries[0]!.metric : undefined
  if (!metric || threshold === undefined) return undefined
  const most = mostOf(metric)
  if (
    most &&
    (operator === 'GreaterThanThreshold'
      ? threshold >= most.value
      : operator === 'GreaterThanOrEqualToThreshold' && threshold > most.value)
  )
    return `The value is at most ${most.value}, and more than ${threshold} is asked: ${most.because}.`
  if (operator === 'LessThanThreshold' && threshold <= 0) return 'The value is never below 0.'
  return undefined
}

type Judged = Pick<Proof, 'verdict' | 'why' | 'trials' | 'smallest' | 'late'>

function judged(bench: Bench, alarm: Alarm, within: number): Judged {
  const hours = ['low', 'peak'] as const
  if (hours.every((hour) => bench.firesWhenWell(hour)))
    return {
      verdict: 'always',
      why: 'It is in alarm at the quietest and at the busiest hour, although nothing is wrong.',
      trials: [],
    }
  const trials = hours.flatMap((hour) => (Object.keys(FAULTS) as Fault[]).map((fault) => bench.trial(fault, hour)))
  const seen = trials.filter((trial) => trial.minutes !== undefined)
  if (seen.length === 0)
    return {
      verdict: 'unknown',
      why: 'It stays silent in every fault that was tried, each for six hours; it may need more demand, or another kind of fault.',
      trials,
    }
  if (seen.some((trial) => trial.clears === false))
    return { verdict: 'latches', why: 'It is still in alarm two hours after the fault has ended.', trials }
  const faults = [...new Set(seen.map((trial) => trial.fault))]
  const total = trials.filter((trial) => trial.fault === 'total')
  const late = alarm.actions.length > 0 && total.some((trial) => trial.minutes !== undefined && trial.minutes > within)
  const smallest = hours.flatMap((hour) => bench.smallest(hour))
  return {
    verdict: 'fires',
    why: `It sees: ${faults.map((fault) => FAULTS[fault]).join('; ')}.${total.some((trial) => trial.minutes === undefined) && faults.includes('total') ? ' It misses a total outage in the quietest hour.' : ''}`,
    trials,
    ...(smallest.length > 0 ? { smallest } : {}),
    ...(late ? { late } : {}),
  }
}

/** States of an alarm once a minute (or once a period, when that is shorter). */
interface Line {
  readonly stepS: number
  readonly firing: readonly boolean[]
}

class Bench {
  private readonly alarm: Alarm
  private readonly alarms: readonly Alarm[]
  private readonly emitters: Emitters
  private readonly demand: Demand
  private readonly fromS: number
  private readonly lookS: number

  constructor(alarm: Alarm, alarms: readonly Alarm[], emitters: Emitters, demand: Demand) {
    this.alarm = alarm
    this.alarms = alarms
    this.emitters = emitters
    this.demand = demand
    this.lookS = this.lookBack(alarm, 0)
    if (this.lookS > 48 * HOUR_S) throw new Unsupported(`periods of ${Math.round(this.lookS / HOUR_S)} hours`)
    // A minute into a period: the worst that a fault usually does.
    this.fromS = Math.ceil((2 * HOUR_S + this.lookS) / 3_600) * 3_600 + 60
  }

  private lookBack(alarm: Alarm, depth: number): number {
    if (alarm.kind === 'metric') return periodOf(alarm) * (alarm.evaluationPeriods ?? 1)
    if (depth > 8) return 0
    return Math.max(
      0,
      ...namesIn(alarm.rule ?? '')
        .map((name) => this.named(name))
        .flatMap((child) => (child ? [this.lookBack(child, depth + 1)] : [])),
    )
  }

  private named(name: string): Alarm | undefined {
    return this.alarms.find((other) => other.name === name || other.resource.id === name)
  }

  private run(fault: Fault | 'healthy', share: number, hour: 'low' | 'peak', faultS: number, afterS: number): Line {
    const untilS = this.fromS + faultS
    const scenario: CloudScenario = {
      fault,
      share,
      perSecond: this.demand[hour] / 60,
      fromS: this.fromS,
      untilS,
      endS: untilS + afterS,
    }
    return this.lineOf(this.alarm, scenario, 0)
  }

  private lineOf(alarm: Alarm, scenario: CloudScenario, depth: number): Line {
    if (alarm.open) throw new Unsupported(alarm.open)
    if (alarm.kind === 'metric') {
      const { states, periodS } = this.states(alarm, scenario)
      return { stepS: periodS, firing: states.map((state) => state === 'ALARM') }
    }
    if (depth > 8) throw new Unsupported('composite alarms that name each other')
    const stepS = 60
    const children = new Map<string, (atS: number) => State>()
    const stateAt = (name: string) => {
      const known = children.get(name)
      if (known) return known
      const child = this.named(name)
      if (!child) throw new Unsupported(`the alarm ${name.slice(0, 80)}, which is not in this tree`)
      const made = this.childState(child, scenario, depth + 1)
      children.set(name, made)
      return made
    }
    const firing: boolean[] = []
    for (let at = stepS; at <= scenario.endS; at += stepS)
      firing.push(ruleHolds(alarm.rule ?? '', (name) => stateAt(name)(at)))
    return { stepS, firing }
  }

  private childState(child: Alarm, scenario: CloudScenario, depth: number): (atS: number) => State {
    if (child.kind === 'composite') {
      const line = this.lineOf(child, scenario, depth)
      return (at) => (line.firing[Math.floor(at / line.stepS) - 1] ? 'ALARM' : 'OK')
    }
    const { states, periodS } = this.states(child, scenario)
    return (at) => states[Math.floor(at / periodS) - 1] ?? 'INSUFFICIENT_DATA'
  }

  private states(alarm: Alarm, scenario: CloudScenario): { states: readonly State[]; periodS: number } {
    const open = alarm.open || undecidedIn(alarm)
    if (open) throw new Unsupported(open)
    const { evaluationPeriods: periods, datapoints, threshold, operator, missing } = alarm
    if (periods === undefined || datapoints === undefined || threshold === undefined)
      throw new Unsupported('an alarm without periods or threshold')
    const periodS = periodOf(alarm)
    if (periodS < 10 || periods > 1_440) throw new Unsupported(`${periods} periods of ${periodS} s`)
    const points = valuesOf(alarm, scenario, this.emitters, periodS)
    return { states: statesOf(points, { operator, threshold, periods, datapoints, missing }), periodS }
  }

  firesWhenWell(hour: 'low' | 'peak'): boolean {
    const line = this.run('healthy', 0, hour, 0, 600)
    return line.firing.slice(Math.floor((this.fromS - HOUR_S) / line.stepS)).some(Boolean)
  }

  private noticed(line: Line): number | undefined {
    const from = Math.floor(this.fromS / line.stepS)
    if (line.firing[from - 1]) return undefined
    const index = line.firing.findIndex((firing, i) => i >= from && firing)
    return index < 0 ? undefined : (index + 1) * line.stepS
  }

  trial(fault: Fault, hour: 'low' | 'peak'): Trial {
    const line = this.run(fault, PARTIAL, hour, HORIZON_S, 0)
    const at = this.noticed(line)
    if (at === undefined) return { fault, demand: hour }
    const share = fault === 'partial' ? PARTIAL : fault === 'lost' ? 0 : 1
    const flaps = line.firing.filter((firing, i) => i * line.stepS > at && !firing && line.firing[i - 1]).length
    const clears = this.clears(fault, hour, at)
    return {
      fault,
      demand: hour,
      minutes: Math.max(1, Math.round((at - this.fromS) / 60)),
      harmed: Math.round(((at - this.fromS) * this.demand[hour] * share) / 60),
      ...(clears === undefined ? {} : { clears }),
      ...(flaps > 0 ? { flaps } : {}),
    }
  }

  private clears(fault: Fault, hour: 'low' | 'peak', at: number): boolean | undefined {
    if (at > this.fromS + HOUR_S || this.lookS > HORIZON_S) return undefined
    const line = this.run(fault, PARTIAL, hour, HOUR_S, 2 * HOUR_S + this.lookS)
    return !line.firing.at(-1)
  }

  smallest(hour: 'low' | 'peak'): readonly Smallest[] {
    const noticed = (share: number, faultS: number) =>
      this.noticed(this.run('partial', share, hour, faultS, HORIZON_S - faultS))
    const total = noticed(1, HORIZON_S)
    if (total === undefined) return []
    let [low, high] = [0.001, 1]
    if (noticed(low, HORIZON_S) !== undefined) high = low
    for (let i = 0; i < 7 && high > low; i++) {
      const middle = Math.sqrt(low * high)
      if (noticed(middle, HORIZON_S) !== undefined) high = middle
      else low = middle
    }
    let [short, long] = [0, Math.max(1, Math.round((total - this.fromS) / 60))]
    for (let i = 0; i < 9 && long - short > 1; i++) {
      const middle = Math.floor((short + long) / 2)
      if (noticed(1, middle * 60) !== undefined) long = middle
      else short = middle
    }
    const scale = 10 ** (1 - Math.floor(Math.log10(high)))
    return [{ demand: hour, share: high >= 1 ? 1 : Math.ceil(high * scale - 1e-9) / scale, minutes: long }]
  }
}

/** The points that the threshold is held against. */
function valuesOf(alarm: Alarm, scenario: CloudScenario, emitters: Emitters, periodS: number): Points {
  const known = new Map<string, Points>()
  const open = new Set<string>()
  const metrics = alarm.queries.filter((query) => query.metric).map((query) => query.id)
  const n = Math.floor(scenario.endS / periodS)
  const of = (query: MetricQuery): Points => {
    const before = known.get(query.id)
    if (before) return before
    if (open.has(query.id)) throw new Unsupported('metric math that rests on itself')
    open.add(query.id)
    if (query.metric && query.metric.periodS !== periodS) throw new Unsupported('metric math over different periods')
    const made = query.metric
      ? pointsOf(query.metric, scenario, emitters)
      : metricMath(query.expression ?? '', metrics, byId, n)
    known.set(query.id, made)
    open.delete(query.id)
    return made
  }
  const byId = (id: string): Points => {
    const query = alarm.queries.find((one) => one.id === id)
    if (!query) throw new Unsupported(`the query ${id}`)
    return of(query)
  }
  const returned = alarm.queries.filter((query) => query.returned)
  if (returned.length !== 1 && alarm.queries.length > 1) throw new Unsupported('an alarm that returns several values')
  return of(returned[0] ?? alarm.queries[0]!)
}

function notesOn(alarm: Alarm, emitters: Emitters, parents: ReadonlySet<string>): readonly string[] {
  const notes: string[] = []
  const isChild = parents.has(alarm.name) || parents.has(alarm.resource.id)
  if (!isChild && (alarm.actions.length === 0 || !alarm.actionsOn))
    notes.push(alarm.actionsOn ? 'It acts on nothing: no alarm action is set.' : 'Its actions are switched off.')
  for (const { metric } of alarm.queries) {
    if (!metric) continue
    if (
      !/^AWS\/|^CloudWatchSynthetics$|^ECS\//.test(metric.namespace) &&
      emitters.size > 0 &&
      !emitters.has(`${metric.namespace} ${metric.name}`)
    ) {
      const near = nearest(`${metric.namespace} ${metric.name}`, [...emitters.keys()])
      notes.push(
        `No log filter of this tree emits ${metric.namespace} ${metric.name}${near ? `; one emits ${near}` : ''}.`,
      )
    }
    notes.push(...dimensionNotes(metric.namespace, metric.name, metric.dimensions))
    if (metric.periodS % 60 !== 0 && ![10, 20, 30].includes(metric.periodS))
      notes.push(`CloudWatch refuses a period of ${metric.periodS} s.`)
  }
  return notes
}

/** Dimensions without which a metric has no series (AWS, metrics of each service). */
function dimensionNotes(namespace: string, name: string, dimensions: ReadonlyMap<string, string>): readonly string[] {
  const has = (dimension: string) => dimensions.has(dimension)
  if (dimensions.size === 0) return []
  if (namespace === 'AWS/ApplicationELB' && !has('LoadBalancer'))
    return [`${name} has no series without the dimension LoadBalancer.`]
  if (namespace === 'AWS/ApplicationELB' && /HostCount$/.test(name) && !has('TargetGroup'))
    return [`${name} has no series without the dimension TargetGroup.`]
  if (namespace === 'AWS/ApiGateway' && has('ApiId') && /^[45]XXError$/.test(name))
    return [`${name} belongs to REST APIs (ApiName); an HTTP API (ApiId) calls it ${name.slice(0, 1)}xx.`]
  if (namespace === 'AWS/ApiGateway' && has('ApiName') && /^[45]xx$/.test(name))
    return [`${name} belongs to HTTP APIs (ApiId); a REST API (ApiName) calls it ${name.slice(0, 1)}XXError.`]
  if (namespace === 'AWS/ECS' && has('ServiceName') && !has('ClusterName'))
    return [`${name} of a service has no series without the dimension ClusterName.`]
  if (namespace === 'CloudWatchSynthetics' && !has('CanaryName'))
    return [`${name} of one canary has no series without the dimension CanaryName.`]
  return []
}
