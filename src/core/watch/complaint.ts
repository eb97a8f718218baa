/**
 * When would the first citizen complain? Complaints are a thinned, delayed Poisson process: nobody complains within five minutes of
 * failing, then with a mean of ten minutes more (default model of the facts on watching, section 3).
 */
import { type Instant, MINUTE } from '../time.ts'

const SILENT_MIN = 5
const MEAN_MIN = 10
const HORIZON_MIN = 24 * 60

/**
 * Minutes from the fault's beginning to the moment before which half of all such faults have been complained of.
 * `perMinute`: citizens failed a minute, constant from the beginning; `contactRate`: share of them that complains.
 * Null: not within a day.
 */
export function firstComplaintMinutes(perMinute: number, contactRate: number): number | null {
  const rate = perMinute * contactRate
  if (!(rate > 0)) return null
  // Λ(t) = rate · ∫ F(a) da with F(a) = 1 − e^(−(a−5)/10) above 5 min: closed form, so half a minute of steps is exact enough.
  for (let t = SILENT_MIN; t <= HORIZON_MIN; t += 0.5) {
    const a = t - SILENT_MIN
    if (rate * (a - MEAN_MIN * (1 - Math.exp(-a / MEAN_MIN))) >= Math.LN2) return t
  }
  return null
}

export function firstComplaintAt(since: Instant, perMinute: number, contactRate: number): Instant | null {
  const minutes = firstComplaintMinutes(perMinute, contactRate)
  return minutes === null ? null : since + minutes * MINUTE
}
