/**
 * How long it takes until the old release serves everybody again: the sum that a rolling platform has to work off.
 *
 *   T = batches × (pull + start + health [+ minimum ready] [+ drain, where it holds the batch up]) + detection, when it is automatic
 *
 * Pull and start times are not in the files. They are assumed, said so, and halved and doubled for the low and high estimate;
 * a drill replaces them.
 */
import type { Spot } from './formats/node.ts'
import { cannotTell, fail, pass, type Verdict } from './rule.ts'

/** The playbook's promise, in seconds. */
export const ROLLBACK_PROMISE_S = 900
/** Assumed until a drill has measured them, in seconds: image pull and process start. */
export const PULL_S = 30
export const START_S = 60
/** Assumed for moving traffic back to a release that still runs, in seconds: one call and its spreading. */
export const SWITCH_S = 30

/** One term of the sum. `from` are the lines it was read from; none when it is assumed or a platform default. */
export interface Part {
  readonly name: string
  /** Seconds. */
  readonly low: number
  readonly likely: number
  readonly high: number
  /** How the likely value comes about: "3 × 240". */
  readonly sum: string
  readonly from: readonly Spot[]
}

export interface Estimate {
  /** Seconds. */
  readonly low: number
  readonly likely: number
  readonly high: number
  readonly parts: readonly Part[]
  /** The sum, one line a step, for people. */
  readonly arithmetic: string
}

/** The way back of one thing that is deployed, as one platform walks it. */
export interface WayBack extends Estimate {
  /** The service, rollout, function or group. */
  readonly what: string
  readonly platform:
    | 'ECS'
    | 'CodeDeploy'
    | 'Kubernetes'
    | 'Argo Rollouts'
    | 'Flagger'
    | 'Lambda'
    | 'auto scaling'
    | 'compose'
  /** Which way back is meant: "a rolling deployment of the old revision", "traffic back to the old release, still warm". */
  readonly how: string
  /** Where a finding points. */
  readonly at: Spot
  /** True when something outside the file may replace a value. */
  readonly soft: boolean
}

/** A platform whose way back hangs on a value that is not in the files. */
export interface Unsettled {
  readonly what: string
  readonly platform: WayBack['platform']
  readonly at: Spot
  readonly says: string
  readonly needs: string
}

export type Answer = { readonly way: WayBack } | { readonly unsettled: Unsettled }

export interface Rolling {
  readonly count: number
  /** How many tasks or pods may be replaced at once. */
  readonly atOnce: number
  /** Seconds from start until the platform believes it is healthy. */
  readonly healthS: number
  readonly healthSum: string
  readonly minReadyS?: number
  /** Seconds that each batch waits for the old ones to leave; 0 when new ones come first. */
  readonly drainS: number
  readonly drainSum?: string
  /** Seconds until the platform notices by itself; absent when a person decides. */
  readonly detectS?: number
  readonly detectSum?: string
  /** Assumed seconds to pull and start one; default PULL_S + START_S. */
  readonly bootS?: number
  readonly bootSum?: string
  /** The lines that the numbers were read from, by what they say. */
  readonly from?: {
    readonly batches?: readonly Spot[]
    readonly one?: readonly Spot[]
    readonly detect?: readonly Spot[]
  }
}

export function estimate(rolling: Rolling): Estimate {
  const batches = Math.ceil(rolling.count / rolling.atOnce)
  const fixed = rolling.healthS + (rolling.minReadyS ?? 0) + rolling.drainS
  const boot = rolling.bootS ?? PULL_S + START_S
  const work = (factor: number) => batches * (factor * boot + fixed)
  const parts = [rolling.bootSum ?? `pull ${PULL_S} + start ${START_S} (assumed)`, `health ${rolling.healthSum}`]
  if (rolling.minReadyS) parts.push(`minimum ready ${rolling.minReadyS}`)
  if (rolling.drainS > 0) parts.push(`drain ${rolling.drainSum ?? rolling.drainS}`)
  const one = boot + fixed
  const detect = rolling.detectS ?? 0
  const total = detect + batches * one
  const lines = [
    `batches = ⌈${rolling.count} ÷ ${rolling.atOnce}⌉ = ${batches}${placesOf(rolling.from?.batches)}`,
    `one batch = ${parts.join(' + ')} = ${one} s${placesOf(rolling.from?.one)}`,
    rolling.detectS === undefined
      ? `${batches} × ${one} = ${total} s, from the moment a person decides`
      : `notice ${rolling.detectSum ?? rolling.detectS} + ${batches} × ${one} = ${total} s${placesOf(rolling.from?.detect)}`,
  ]
  const sumOf: Part[] = [
    ...(rolling.detectS === undefined
      ? []
      : [exactly('notice', detect, rolling.detectSum ?? `${detect}`, rolling.from?.detect)]),
    {
      name: `${batches} ${batches === 1 ? 'batch' : 'batches'}`,
      low: work(0.5),
      likely: work(1),
      high: work(2),
      sum: `${batches} × ${one}`,
      from: [...(rolling.from?.batches ?? []), ...(rolling.from?.one ?? [])],
    },
  ]
  return added(sumOf, lines)
}

/** A part whose three values are one, because it stands in a file. */
export function exactly(name: string, seconds: number, sum: string, from: readonly Spot[] = []): Part {
  return { name, low: seconds, likely: seconds, high: seconds, sum, from }
}

/** Adds parts up. `lines` replace the one line a part that is made otherwise. */
export function added(parts: readonly Part[], lines?: readonly string[]): Estimate {
  const sum = (key: 'low' | 'likely' | 'high') => parts.reduce((total, part) => total + part[key], 0)
  const [low, likely, high] = [sum('low'), sum('likely'), sum('high')]
  const said = lines ?? [
    ...parts.map(
      (part) =>
        `${part.name}: ${part.sum === String(part.likely) ? '' : `${part.sum} = `}${part.likely} s${placesOf(part.from)}`,
    ),
    ...(parts.length > 1 ? [`${parts.map((part) => part.likely).join(' + ')} = ${likely} s`] : []),
  ]
  return {
    low,
    likely,
    high,
    parts,
    arithmetic: [
      ...said,
      `low ${minutes(low)}, likely ${minutes(likely)}, high ${minutes(high)}; promised ${minutes(ROLLBACK_PROMISE_S)}`,
    ].join('\n'),
  }
}

/** " (web.tf:4, web.tf:9)", or nothing. */
function placesOf(from: readonly Spot[] | undefined): string {
  const places = [...new Set((from ?? []).map((spot) => `${spot.file}:${spot.line}`))]
  return places.length === 0 ? '' : ` (${places.slice(0, 4).join(', ')})`
}

/** The verdict on one way back: over the promise when likely (the rule's severity), a note when only the high estimate is. */
export function judgeWay(answer: Answer): Verdict {
  if ('unsettled' in answer) {
    const { at, says, needs } = answer.unsettled
    return cannotTell(at, says, needs)
  }
  const { way } = answer
  if (way.likely > ROLLBACK_PROMISE_S)
    return fail(way.at, `Taking ${way.what} back takes about ${minutes(way.likely)}; 15 min are promised.`, {
      arithmetic: way.arithmetic,
      soft: way.soft,
    })
  if (way.high > ROLLBACK_PROMISE_S)
    return fail(
      way.at,
      `Taking ${way.what} back may take ${minutes(way.high)} when start is slow; 15 min are promised.`,
      {
        arithmetic: way.arithmetic,
        severity: 'info',
      },
    )
  return pass(way.at)
}

/** 2,640 s is "44 min"; below two minutes seconds are kept. */
export function minutes(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Number((seconds / 60).toFixed(1))} min`
}

/** ECS: how many tasks a rolling deployment may add and take away at once (percentages of the desired count). */
export function ecsSlots(
  desired: number,
  minPercent: number,
  maxPercent: number,
): { readonly up: number; readonly down: number } {
  return {
    up: Math.max(0, Math.floor((desired * maxPercent) / 100) - desired),
    down: Math.max(0, desired - Math.ceil((desired * minPercent) / 100)),
  }
}

/** Kubernetes: surge rounds up, unavailable rounds down; when both come to nothing, unavailable is 1. */
export function kubeSlots(
  replicas: number,
  surge: number | string,
  unavailable: number | string,
): { readonly surge: number; readonly unavailable: number } {
  const share = (value: number | string, round: (n: number) => number) =>
    typeof value === 'number' ? value : round((replicas * Number.parseFloat(value)) / 100)
  const up = share(surge, Math.ceil)
  const down = share(unavailable, Math.floor)
  return up === 0 && down === 0 ? { surge: 0, unavailable: 1 } : { surge: up, unavailable: down }
}
