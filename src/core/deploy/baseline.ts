/** The failure rate that a service usually has, learned from one deployment for the next. A bet: a wrong one costs time and citizens, never a good release. */
import type { Tally } from './trial-shape.ts'

/** Failure rate of the running release at one step in the recent past; see TrialStep. */
export interface Baseline {
  readonly p0: number
  readonly units: number
}

/** Before anything was measured: half a percent, resting on nothing, so that the trial learns it from its own stable arm. */
export const UNKNOWN: Baseline = { p0: 0.005, units: 0 }

/** Units remembered at most: about the facts' 30,000 of the recent past, so that old hours fade. */
const UNITS_MAX = 30_000
/** History that is no guess any more; see HISTORY_UNITS_MIN of the trial. */
const UNITS_KNOWN = 200
/** A running release that fails this many times more often than it usually does has an outage, not another habit. */
const OUTAGE_FACTOR = 4
/** Rates below this are as good as none; four times nothing would call every failure an outage. */
const RATE_LEAST = 0.005

/**
 * What is expected next, after a deployment in which `tally` was counted. An outage teaches nothing: one drill on an overloaded machine
 * had made failing look usual, and the next bad releases harmed 16 and 11 citizens instead of 5 (bench/drills.ts). Should a service
 * fail more often for good, the trial finds that out from its own running release.
 */
export function learned(before: Baseline | undefined, tally: Tally): Baseline {
  const old = before ?? { p0: 0, units: 0 }
  const { units, failed } = tally
  if (units === 0) return before ?? UNKNOWN
  const isKnown = old.units >= UNITS_KNOWN
  if (isKnown && failed / units > OUTAGE_FACTOR * Math.max(old.p0, RATE_LEAST)) return old
  const all = old.units + units
  // p = (f + 0.5) / (n + 1): facts on delivery, "Prior".
  return { p0: (old.p0 * old.units + failed + 0.5) / (all + 1), units: Math.min(all, UNITS_MAX) }
}
