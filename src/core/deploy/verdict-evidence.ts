/**
 * The two-sample sequential test: is the new release worse than the running one, whatever happens to both?
 *
 * For each guess g of the new release's failure rate, against the running release's rate p and the share v of units that went
 * to the new release, the factor of a unit is its likelihood under "g and p" over its likelihood under "one common rate", the
 * mixture m = v·g + (1 − v)·p. Under any common rate the expected product is at most 1, even while that rate moves (both arms in
 * an outage), so by Ville's inequality it exceeds 1/α with probability at most α, however often we look. p and g are bets,
 * never the null: bad ones cost time, not false alarms. v is the share that really happened in the batch: with a believed
 * share of 5 % and a real one of 2 %, 99.8 % of good releases convicted themselves (facts/delivery).
 */

/** Guesses of a failing release's rate. 8 spans 1 % to 98 % with a factor of 1.9 between neighbours. */
export const GUESSES = 8
/** Below this share a rise is not sought by itself: it would take thousands of citizens to see. */
const GUESS_MIN = 0.01
const GUESS_MAX = 0.98

/** Closed units of one batch at one step. */
export interface Cells {
  readonly canaryFailed: number
  readonly canaryOk: number
  readonly stableFailed: number
  readonly stableOk: number
}

/** `count` rates spread evenly on a log scale from `low` to 98 %. */
export function guessesOf(low: number, count: number): number[] {
  const from = Math.min(low, 0.49)
  const ratio = (GUESS_MAX / from) ** (1 / (count - 1))
  const guesses = [from]
  for (let i = 1; i < count; i++) guesses.push(i === count - 1 ? GUESS_MAX : guesses[i - 1]! * ratio)
  return guesses
}

/** The guesses that fit a running release failing at `p`: from twice that (at least 1 %) up. */
export function evidenceGuesses(p: number): number[] {
  return guessesOf(Math.max(2 * p, GUESS_MIN), GUESSES)
}

/** Adds a batch to the log evidence of each guess, and gives the new numbers. A batch with one arm only says nothing. */
export function addEvidence(log: readonly number[], cells: Cells, p: number, guesses: readonly number[]): number[] {
  const canary = cells.canaryFailed + cells.canaryOk
  const stable = cells.stableFailed + cells.stableOk
  if (canary === 0 || stable === 0) return [...log]
  const v = canary / (canary + stable)
  return log.map((sum, i) => {
    const g = guesses[i]!
    const m = v * g + (1 - v) * p
    return (
      sum +
      cells.canaryFailed * Math.log(g / m) +
      cells.canaryOk * Math.log((1 - g) / (1 - m)) +
      cells.stableFailed * Math.log(p / m) +
      cells.stableOk * Math.log((1 - p) / (1 - m))
    )
  })
}

/** ln of the mean of exp(log_i): the evidence of equally weighted guesses. */
export function meanLog(log: readonly number[]): number {
  let top = Number.NEGATIVE_INFINITY
  for (const one of log) if (one > top) top = one
  let sum = 0
  for (const one of log) sum += Math.exp(one - top)
  return top + Math.log(sum / log.length)
}

/**
 * True when a batch may be closed: at least half as many units as it takes on average to meet one of the smaller arm (10 to
 * 100), and at least one of each arm. Rests on counts per arm only, never on outcomes, so that the evidence stays honest; a
 * batch with one arm would say nothing and throw away what its units know.
 */
export function isFull(cells: Cells, share: number): boolean {
  const canary = cells.canaryFailed + cells.canaryOk
  const stable = cells.stableFailed + cells.stableOk
  const least = Math.min(100, Math.max(10, 0.5 / Math.max(Math.min(share, 1 - share), 0.001)))
  return canary > 0 && stable > 0 && canary + stable >= least
}

/**
 * Evidence from shadow pairs (the same safe request answered by both releases): only pairs that disagree count, `canaryOnly`
 * where just the new release failed, `stableOnly` the reverse. Which copy goes first must be random. Mean over a rate θ in
 * (½, 1) of (2θ)^c (2(1−θ))^s; returns nats. At α = 0.1 % it takes 13 disagreements, all against the new release, to convict.
 */
export function pairEvidence(canaryOnly: number, stableOnly: number): number {
  const points = 400
  const logs = Array.from({ length: points }, (_, i) => {
    const theta = 0.5 + (0.5 * (i + 0.5)) / points
    return canaryOnly * Math.log(2 * theta) + stableOnly * Math.log(2 * (1 - theta))
  })
  return meanLog(logs)
}
