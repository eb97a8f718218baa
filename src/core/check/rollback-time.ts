/**
 * How long it takes until the old release serves everybody again: the sum that a rolling platform has to work off.
 *
 *   T = batches × (pull + start + health [+ minimum ready] [+ drain, where it holds the batch up]) + detection, when it is automatic
 *
 * Pull and start times are not in the files. They are assumed, said so, and halved and doubled for the low and high estimate;
 * a drill replaces them.
 */

/** The playbook's promise, in seconds. */
export const ROLLBACK_PROMISE_S = 900
/** Assumed until a drill has measured them, in seconds: image pull and process start. */
export const PULL_S = 30
export const START_S = 60

export interface Estimate {
  /** Seconds. */
  readonly low: number
  readonly likely: number
  readonly high: number
  /** The sum, one line a step, for people. */
  readonly arithmetic: string
}

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
}

export function estimate(rolling: Rolling): Estimate {
  const batches = Math.ceil(rolling.count / rolling.atOnce)
  const fixed = rolling.healthS + (rolling.minReadyS ?? 0) + rolling.drainS
  const at = (factor: number) => (rolling.detectS ?? 0) + batches * (factor * (PULL_S + START_S) + fixed)
  const likely = at(1)
  const parts = [`pull ${PULL_S} + start ${START_S} (assumed)`, `health ${rolling.healthSum}`]
  if (rolling.minReadyS) parts.push(`minimum ready ${rolling.minReadyS}`)
  if (rolling.drainS > 0) parts.push(`drain ${rolling.drainSum ?? rolling.drainS}`)
  const one = PULL_S + START_S + fixed
  const lines = [
    `batches = ⌈${rolling.count} ÷ ${rolling.atOnce}⌉ = ${batches}`,
    `one batch = ${parts.join(' + ')} = ${one} s`,
    rolling.detectS === undefined
      ? `${batches} × ${one} = ${likely} s, from the moment a person decides`
      : `notice ${rolling.detectSum ?? rolling.detectS} + ${batches} × ${one} = ${likely} s`,
    `low ${minutes(at(0.5))}, likely ${minutes(likely)}, high ${minutes(at(2))}; promised ${minutes(ROLLBACK_PROMISE_S)}`,
  ]
  return { low: at(0.5), likely, high: at(2), arithmetic: lines.join('\n') }
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
