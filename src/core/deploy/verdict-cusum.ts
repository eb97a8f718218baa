import { guessesOf } from './verdict-evidence.ts'

/**
 * The quick alarm: a cumulative sum against the known failure rate of one arm. On the new release it raises suspicion (traffic
 * goes away at once, nothing is decided); on the running one it tells an outage that both share. It never convicts by itself,
 * because a shared outage would trip it too.
 */

/** 6 guesses from 4p (at least 2 %) up: coarser than the evidence, because it only has to be quick. */
export const ALARM_GUESSES = 6
const ALARM_GUESS_MIN = 0.02
/** ln 1e5: about one false suspicion in 1e5 units a guess, and each costs a few minutes at low weight (facts/delivery). */
export const ALARM_NATS = Math.log(1e5)

export function alarmGuesses(p: number): number[] {
  return guessesOf(Math.max(4 * p, ALARM_GUESS_MIN), ALARM_GUESSES)
}

/**
 * Adds units of one arm. The order inside a batch is unknown, so failures are spread evenly among the successes: all failures
 * last would ring for any big batch, all first would never.
 */
export function addAlarm(sums: readonly number[], failed: number, ok: number, p: number): readonly number[] {
  // Quiet already, and nothing failed: most batches of most services.
  if (failed === 0 && (ok === 0 || sums.every((sum) => sum === 0))) return sums
  const guesses = alarmGuesses(p)
  const groups = Math.min(failed, GROUPS_MAX)
  return sums.map((sum, i) => {
    const guess = guesses[i]!
    // What a success adds for this guess, and below what a failure does.
    const falls = Math.log((1 - guess) / (1 - p))
    if (failed === 0) return sum === 0 ? 0 : Math.max(0, sum + ok * falls)
    const fall = (ok / groups) * falls
    const rise = (failed / groups) * Math.log(guess / p)
    let now = sum
    for (let k = 0; k < groups && now < ALARM_NATS; k++) now = Math.max(0, now + fall) + rise
    return now
  })
}

/** Bounds the work for a batch with very many failures. */
const GROUPS_MAX = 100

export function noAlarm(): number[] {
  return new Array<number>(ALARM_GUESSES).fill(0)
}

/** The rate that a lattice CUSUM with steps +(m − 1) and −1 is tuned to, found by bisection: r1/r2 = 1/m. */
export function latticeRate(p0: number, m: number): number {
  let low = p0
  let high = 1 - 1e-12
  for (let i = 0; i < 100; i++) {
    const p1 = (low + high) / 2
    const down = -Math.log((1 - p1) / (1 - p0))
    const up = Math.log((p1 * (1 - p0)) / (p0 * (1 - p1)))
    if (down / up < 1 / m) low = p1
    else high = p1
  }
  return (low + high) / 2
}

/**
 * Mean units until a lattice CUSUM (+(m − 1) on failure, −1 on success, floor 0, alarm at `limit`) rings when the rate is `p`,
 * solved exactly. With the rate before a fault this is the time between false alarms, with the rate after it the delay.
 */
export function latticeDelay(p: number, m: number, limit: number): number {
  // E[s] = 1 + (1 − p) E[max(0, s − 1)] + p E[s + m − 1]: written as E[s] = a_s + b_s E[0] from s = 0 up is not possible
  // (it reaches forward), so we eliminate from the top: every E[s] as a_s + b_s E[s − 1].
  const a = new Float64Array(limit)
  const b = new Float64Array(limit)
  // Row s of the system: E[s] − (1 − p) E[s − 1] − p E[s + m − 1] = 1. Substituting E[s + m − 1] down the chain to E[s]:
  for (let s = limit - 1; s >= 1; s--) {
    let constant = 0
    let factor = 1
    const up = s + m - 1
    if (up >= limit) factor = 0
    else
      for (let k = up; k > s; k--) {
        constant += factor * a[k]!
        factor *= b[k]!
      }
    const scale = 1 - p * factor
    a[s] = (1 + p * constant) / scale
    b[s] = (1 - p) / scale
  }
  let constant = 0
  let factor = 1
  if (m - 1 >= limit) factor = 0
  else
    for (let k = m - 1; k > 0; k--) {
      constant += factor * a[k]!
      factor *= b[k]!
    }
  return (1 + p * constant) / (1 - (1 - p) - p * factor)
}
