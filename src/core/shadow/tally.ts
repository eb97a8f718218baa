/** What comparing in the shadow came to so far: sums that add up over workers, batches and restarts. No answer's words are kept. */
import type { Answered } from './compare.ts'
import { compareAnswers } from './compare.ts'
import { cohortOf, explain, isWorseOff, type Manifest, normalOf } from './manifest.ts'

export interface Sums {
  /** Pairs of answers that were compared. */
  readonly compared: number
  readonly same: number
  /** Pairs in which every difference is intended, by the intended difference's id (a pair may count for several). */
  readonly explained: Readonly<Record<string, number>>
  /** Pairs with a difference that nobody intended, and their weight: double where the citizen would be worse off. */
  readonly unexplained: number
  readonly weight: number
  /** Pairs that could not be compared. */
  readonly cannotTell: number
  /** By cohort; '' for cases of none. */
  readonly cohorts: Readonly<Record<string, CohortSums>>
  /** Where unexplained differences stand, the most frequent first kept: "decide/outcome $.award". Places only, never values. */
  readonly places: Readonly<Record<string, number>>
}

export interface CohortSums {
  readonly compared: number
  readonly unexplained: number
}

export const NO_SUMS: Sums = {
  compared: 0,
  same: 0,
  explained: {},
  unexplained: 0,
  weight: 0,
  cannotTell: 0,
  cohorts: {},
  places: {},
}

/** A pair whose second answer nobody has. */
export const CANNOT_TELL: Sums = { ...NO_SUMS, cannotTell: 1 }

const PLACES_MAX = 30
const WORSE_OFF_WEIGHT = 2

/** What one pair of answers to the same request came to. `page`: "journey/step" of the route asked, by whatever method; '' for others. */
export function sumsOfPair(
  manifest: Manifest,
  tolerance: number,
  page: string,
  before: Answered,
  after: Answered,
): Sums {
  const compared = compareAnswers(before, after, normalOf(manifest, tolerance))
  if (compared.kind === 'cannot-tell') return CANNOT_TELL
  const cohort = manifest.cohorts.length > 0 ? cohortOf(manifest, jsonOf(before)) : ''
  const one = (unexplained: 0 | 1) => ({ compared: 1, cohorts: { [cohort]: { compared: 1, unexplained } } })
  if (compared.kind === 'same') return { ...NO_SUMS, ...one(0), same: 1 }
  const ids = explain(manifest, compared, page, cohort)
  if (ids) return { ...NO_SUMS, ...one(0), explained: Object.fromEntries(ids.map((id) => [id, 1])) }
  const weight = isWorseOff(manifest, compared.differences) ? WORSE_OFF_WEIGHT : 1
  const places = Object.fromEntries(
    compared.differences.slice(0, PLACES_MAX).map(({ at }) => [page ? `${page} ${at}` : at, 1]),
  )
  return { ...NO_SUMS, ...one(1), unexplained: 1, weight, places }
}

function jsonOf({ body, type }: Answered): unknown {
  if (!type.endsWith('json')) return undefined
  try {
    return JSON.parse(body ?? '')
  } catch {
    return undefined
  }
}

export function addSums(a: Sums, b: Sums): Sums {
  return {
    compared: a.compared + b.compared,
    same: a.same + b.same,
    explained: plus(a.explained, b.explained),
    unexplained: a.unexplained + b.unexplained,
    weight: a.weight + b.weight,
    cannotTell: a.cannotTell + b.cannotTell,
    cohorts: cohorts(a.cohorts, b.cohorts),
    places: most(plus(a.places, b.places)),
  }
}

function plus(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sums: Record<string, number> = { ...a }
  for (const [key, n] of Object.entries(b)) sums[key] = (Object.hasOwn(sums, key) ? sums[key]! : 0) + n
  return sums
}

function cohorts(a: Sums['cohorts'], b: Sums['cohorts']): Record<string, CohortSums> {
  const sums: Record<string, CohortSums> = { ...a }
  for (const [key, { compared, unexplained }] of Object.entries(b)) {
    const old = Object.hasOwn(sums, key) ? sums[key]! : { compared: 0, unexplained: 0 }
    sums[key] = { compared: old.compared + compared, unexplained: old.unexplained + unexplained }
  }
  return sums
}

function most(places: Record<string, number>): Record<string, number> {
  const rows = Object.entries(places)
  if (rows.length <= PLACES_MAX) return places
  return Object.fromEntries(rows.sort(([, x], [, y]) => y - x).slice(0, PLACES_MAX))
}
