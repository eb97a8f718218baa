/**
 * What CloudWatch would hold of a metric while a service is well and while a fault lasts, for the metrics whose meaning AWS documents
 * (Elastic Load Balancing, API Gateway, Lambda, CloudFront, Synthetics, SQS, Route 53) and for counts of our own whose name says what
 * they count. Counts of load balancers have no data point where there was nothing to count.
 */
import type { Metric } from '../models/alarm.ts'
import type { Fault } from './scenario.ts'
import { Unsupported } from './series.ts'

export interface CloudScenario {
  readonly fault: Fault | 'healthy'
  /** The share of requests that a partial fault fails. */
  readonly share: number
  readonly perSecond: number
  readonly fromS: number
  readonly untilS: number
  readonly endS: number
}

/** One value a period; undefined where CloudWatch has no data point. */
export type Points = readonly (number | undefined)[]

/** What happened in one tick: how many requests, how many of them failed, how long each took. */
interface Tick {
  readonly requests: number
  readonly failed: number
  readonly seconds: number
  readonly hurt: Fault | undefined
  /** Seconds since the fault began. */
  readonly since: number
}

/** Samples of a metric in one tick: how many, their sum, the least and the greatest. */
interface Samples {
  readonly n: number
  readonly sum: number
  readonly low: number
  readonly high: number
}

const HEALTHY_SECONDS = 0.2
/** Slower than any front waits: HTTP APIs give up after 30 s. */
const SLOW_SECONDS = 30
const NOISE = 1e-5
const HOSTS = 2

type Behaviour = (tick: Tick) => Samples | undefined

const NOTHING: Samples | undefined = undefined
const gauge = (value: number): Samples => ({ n: 1, sum: value, low: value, high: value })
/** A count that is only reported when there is something to count. */
const counted = (value: number): Samples | undefined => (value > 0 ? gauge(value) : NOTHING)
/** One sample a request: 1 where it failed. */
const flags = ({ requests, failed }: Tick): Samples | undefined =>
  requests > 0 ? { n: requests, sum: failed, low: failed === requests ? 1 : 0, high: failed > 0 ? 1 : 0 } : NOTHING
const times =
  (unit: number): Behaviour =>
  ({ requests, seconds }) =>
    requests > 0 ? { n: requests, sum: requests * seconds * unit, low: seconds * unit, high: seconds * unit } : NOTHING

const down = ({ hurt }: Tick) => hurt === 'total' || hurt === 'lost'

/** Counts and times of our own, told by their names. */
const FAILS = /error|fail|5xx|exception|reject|timeout|fault|denied|unavailable|(^|[_.-])bad([_.-]|$)/i
/** What is wrong at this moment, and how old the newest is: reported all the time, the same as in Prometheus's files (scenario.ts). */
const WRONG_NOW = /(^|_)(violations?|unmatched|mismatch(es)?|breach(es)?|stuck|orphans?)$/i
const AGES = /(^|_)(age|lag|staleness)_seconds$/i
const FRESH_S = 60
const STALE_S = 7 * 86_400
const TAKES = /latency|duration|time$|seconds|millis/i
const COUNTS = /count|requests?|invocations|total|success|completed|submitted|received|ok$/i

const BEHAVIOURS: readonly (readonly [namespace: RegExp, name: RegExp, behaviour: Behaviour])[] = [
  [
    /^AWS\/ApplicationELB$/,
    /^HTTPCode_(Target|ELB)_5XX_Count$|^(TargetConnectionError|RejectedConnection)Count$/,
    ({ failed }) => counted(failed),
  ],
  [/^AWS\/ApplicationELB$/, /^HTTPCode_Target_2XX_Count$/, ({ requests, failed }) => counted(requests - failed)],
  [/^AWS\/ApplicationELB$/, /^RequestCount(PerTarget)?$/, ({ requests }) => counted(requests)],
  [/^AWS\/ApplicationELB$/, /^TargetResponseTime$/, times(1)],
  [/^AWS\/(Application|Network)ELB$/, /^HealthyHostCount$/, (tick) => gauge(down(tick) ? 0 : HOSTS)],
  [/^AWS\/(Application|Network)ELB$/, /^UnHealthyHostCount$/, (tick) => gauge(down(tick) ? HOSTS : 0)],
  [/^AWS\/ApiGateway$/, /^(5XXError|5xx)$/, flags],
  [
    /^AWS\/ApiGateway$/,
    /^Count$/,
    ({ requests }) => (requests > 0 ? { n: requests, sum: requests, low: 1, high: 1 } : NOTHING),
  ],
  [/^AWS\/ApiGateway$/, /^(Integration)?Latency$/, times(1_000)],
  [/^AWS\/Lambda$/, /^Errors$/, flags],
  [
    /^AWS\/Lambda$/,
    /^Invocations$/,
    ({ requests }) => (requests > 0 ? { n: requests, sum: requests, low: 1, high: 1 } : NOTHING),
  ],
  [/^AWS\/Lambda$/, /^Duration$/, times(1_000)],
  [
    /^AWS\/CloudFront$/,
    /^5xxErrorRate$|^TotalErrorRate$/,
    ({ requests, failed }) => (requests > 0 ? gauge((failed / requests) * 100) : NOTHING),
  ],
  [/^AWS\/CloudFront$/, /^Requests$/, ({ requests }) => counted(requests)],
  [/^AWS\/CloudFront$/, /^OriginLatency$/, times(1_000)],
  [
    /^CloudWatchSynthetics$/,
    /^SuccessPercent(WithRetries)?$/,
    ({ hurt, failed, requests }) => gauge(hurt === 'total' ? 0 : requests > 0 ? (1 - failed / requests) * 100 : 100),
  ],
  [/^CloudWatchSynthetics$/, /^Failed/, ({ hurt }) => gauge(hurt === 'total' ? 1 : 0)],
  [/^CloudWatchSynthetics$/, /^Duration$/, ({ seconds }) => gauge(seconds * 1_000)],
  [/^AWS\/Route53$/, /^HealthCheckStatus$/, (tick) => gauge(down(tick) ? 0 : 1)],
  [/^AWS\/SQS$/, /^ApproximateAgeOfOldestMessage$/, (tick) => gauge(down(tick) ? tick.since : 0)],
  [/^(AWS\/ECS|ECS\/ContainerInsights)$/, /^RunningTaskCount$/, ({ hurt }) => gauge(hurt === 'lost' ? 0 : HOSTS)],
]

/** Emitters of the tree: `namespace name`, with the value that stands in where nothing matches. */
export type Emitters = ReadonlyMap<string, { readonly fallback?: number }>

/** How a metric behaves; throws Unsupported for one whose meaning we do not know. */
function behaviourOf({ namespace, name }: Metric, emitters: Emitters): Behaviour {
  const known = BEHAVIOURS.find(([space, metric]) => space.test(namespace) && metric.test(name))
  if (known) return known[2]
  if (/^AWS\//.test(namespace)) throw new Unsupported(`the metric ${namespace} ${name}`)
  const fallback = emitters.get(`${namespace} ${name}`)?.fallback
  const own = (value: number): Samples | undefined =>
    value > 0 ? gauge(value) : fallback === undefined ? NOTHING : gauge(fallback)
  if (WRONG_NOW.test(name)) return ({ hurt }) => gauge(hurt === 'total' ? 100 : hurt === 'partial' ? 1 : 0)
  if (AGES.test(name)) return ({ hurt }) => gauge(hurt === 'total' || hurt === 'silent' ? STALE_S : FRESH_S)
  // What the service counts itself is lost with it.
  if (FAILS.test(name)) return ({ failed }) => own(failed)
  if (TAKES.test(name)) return times(/second/i.test(name) && !/milli/i.test(name) ? 1 : 1_000)
  if (COUNTS.test(name))
    return ({ requests, failed }) => own(/success|completed|ok$/i.test(name) ? requests - failed : requests)
  throw new Unsupported(`the metric ${namespace} ${name}`.trim())
}

/** Data points of a metric, one for each period from time 0 to the end of the scenario. */
export function pointsOf(metric: Metric, scenario: CloudScenario, emitters: Emitters): Points {
  const behaviour = behaviourOf(metric, emitters)
  const { periodS } = metric
  const tickS = Math.min(60, periodS)
  const statistic = statisticOf(metric.statistic)
  const periods: (number | undefined)[] = []
  const perPeriod = Math.round(periodS / tickS)
  let exact = 0
  let failing = 0
  for (let start = 0; start + periodS <= scenario.endS; start += periodS) {
    const samples: Samples[] = []
    for (let i = 0; i < perPeriod; i++) {
      const at = start + i * tickS
      const hurt =
        at >= scenario.fromS && at < scenario.untilS && scenario.fault !== 'healthy' ? scenario.fault : undefined
      // Whole requests: fractions add up until there is one.
      const before = Math.floor(exact + 1e-9)
      if (hurt !== 'silent') exact += scenario.perSecond * tickS
      const requests = Math.floor(exact + 1e-9) - before
      const share = hurt === 'total' ? 1 : hurt === 'partial' ? scenario.share : NOISE
      const failedBefore = Math.floor(failing + 1e-9)
      failing += requests * share
      const failed = Math.min(requests, Math.floor(failing + 1e-9) - failedBefore)
      if (hurt === 'lost' && !/HostCount|HealthCheckStatus|RunningTaskCount|AgeOfOldest/.test(metric.name)) continue
      const seconds = hurt === 'slow' ? SLOW_SECONDS : HEALTHY_SECONDS
      const one = behaviour({ requests, failed, seconds, hurt, since: at - scenario.fromS })
      if (one) samples.push(one)
    }
    periods.push(samples.length > 0 ? statistic(samples) : undefined)
  }
  return periods
}

function statisticOf(name: string): (samples: readonly Samples[]) => number {
  const total = (samples: readonly Samples[], of: (one: Samples) => number) =>
    samples.reduce((sum, one) => sum + of(one), 0)
  switch (name) {
    case 'Sum':
      return (samples) => total(samples, (one) => one.sum)
    case 'SampleCount':
      return (samples) => total(samples, (one) => one.n)
    case 'Average':
      return (samples) => total(samples, (one) => one.sum) / total(samples, (one) => one.n)
    case 'Minimum':
      return (samples) => Math.min(...samples.map((one) => one.low))
    case 'Maximum':
      return (samples) => Math.max(...samples.map((one) => one.high))
    default:
      // All samples of a tick are alike, so a high percentile is the greatest and a low one the least.
      if (/^(p|tm|TM|wm|P)\d/.test(name)) {
        const share = Number(name.replace(/^\D+/, ''))
        return (samples) =>
          share >= 50 ? Math.max(...samples.map((one) => one.high)) : Math.min(...samples.map((one) => one.low))
      }
      throw new Unsupported(`the statistic ${name.slice(0, 40)}`)
  }
}

/** The greatest value that a statistic of a metric can take, and why; undefined where nothing bounds it. */
export function mostOf({
  namespace,
  name,
  statistic,
}: Metric): { readonly value: number; readonly because: string } | undefined {
  if (statistic === 'SampleCount') return undefined
  if (/^(Success)?Percent|Utilization$|ErrorRate$|^SuccessPercent/.test(name) && statistic !== 'Sum')
    return { value: 100, because: 'it is a percentage' }
  if (namespace === 'AWS/ApplicationELB' && name === 'TargetResponseTime' && statistic !== 'Sum')
    return { value: 300, because: 'it is in seconds, and the balancer gives up long before' }
  if (namespace === 'AWS/Lambda' && name === 'Duration' && statistic !== 'Sum')
    return { value: 900_000, because: 'it is in milliseconds, and a function ends after 15 minutes' }
  if (namespace === 'AWS/ApiGateway' && /Latency$/.test(name) && statistic !== 'Sum')
    return { value: 300_000, because: 'it is in milliseconds, and the gateway gives up long before' }
  if (
    statistic === 'Average' &&
    ((namespace === 'AWS/ApiGateway' && /^5/.test(name)) || (namespace === 'AWS/Lambda' && name === 'Errors'))
  )
    return { value: 1, because: 'its average is the share of requests that failed' }
  if (namespace === 'AWS/Route53' && name === 'HealthCheckStatus') return { value: 1, because: 'it is 0 or 1' }
  return undefined
}
