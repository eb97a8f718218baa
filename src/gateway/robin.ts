/**
 * Smooth weighted round robin: over any run of choices each candidate gets its share, and the choices of one candidate are
 * spread out rather than bunched. (The rule that nginx made known; equal weights give plain turns.)
 */
export interface Turn {
  /** Standing of this candidate; kept between choices, starts at 0. */
  credit: number
  /** Share relative to the others; 0 or less is never chosen. */
  readonly weight: number
}

/** Chooses and books the choice, both in one synchronous step. Undefined when nobody can be chosen. */
export function nextTurn<Candidate extends Turn>(candidates: readonly Candidate[]): Candidate | undefined {
  let best: Candidate | undefined
  let total = 0
  for (const candidate of candidates) {
    if (candidate.weight <= 0) continue
    total += candidate.weight
    candidate.credit += candidate.weight
    if (!best || candidate.credit > best.credit) best = candidate
  }
  if (best) best.credit -= total
  return best
}
