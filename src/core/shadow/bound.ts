/** How small must the share of differences be, given what was seen? The exact one-sided Poisson bound. */
import { invariant } from '../errors.ts'

/** Of the shares that are tolerated, this many in a hundred would have shown more differences than were seen. */
export const CONFIDENCE = 0.95

/**
 * The largest mean number of differences that is still believable when `seen` were found: P(X ≤ seen | mean) = 1 − confidence.
 * 2.996 for none, 4.744 for one, 6.296 for two (Garwood 1936; facts on five services). `seen` may be a fraction where some differences
 * weigh more than others; it is rounded up, which only makes the answer more careful.
 */
export function poissonUpper(seen: number, confidence = CONFIDENCE): number {
  invariant(seen >= 0 && confidence > 0 && confidence < 1, 'differences are counted, and nothing is certain')
  const whole = Math.ceil(seen)
  let low = whole
  let high = 2 * whole + 20
  for (let i = 0; i < 100 && high - low > 1e-9 * high; i++) {
    const mean = (low + high) / 2
    if (chanceOfAtMost(whole, mean) > 1 - confidence) low = mean
    else high = mean
  }
  return high
}

/** P(X ≤ n) of a Poisson variable, by logarithms so that thousands of differences do not overflow. */
function chanceOfAtMost(n: number, mean: number): number {
  let term = -mean
  let sum = Math.exp(term)
  for (let k = 1; k <= n; k++) {
    term += Math.log(mean / k)
    sum += Math.exp(term)
  }
  return Math.min(1, sum)
}

/** Upper bound of the share of differences, 0 to 1; 1 while nothing was compared. */
export function shareUpper(seen: number, compared: number): number {
  return compared <= 0 ? 1 : Math.min(1, poissonUpper(seen) / compared)
}

/** Comparisons that are needed before `seen` differences can pass for at most `shareMax`. Infinity when none are tolerated. */
export function sampleFor(seen: number, shareMax: number): number {
  return shareMax > 0 ? Math.ceil(poissonUpper(seen) / shareMax) : Infinity
}
