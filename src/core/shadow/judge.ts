/** Has the shadow proven enough? Time and sample and bound and every expected difference: all of them, or it has not passed. */
import { durationOf, type Instant } from '../time.ts'
import { countOf, listOf, percentOf, plural } from '../words.ts'
import { poissonUpper, sampleFor, shareUpper } from './bound.ts'
import type { Manifest } from './manifest.ts'
import type { Sums } from './tally.ts'

export interface ShadowPlan {
  /** Shortest time, in ms. */
  readonly msMin: number
  /** Smallest number of pairs compared. */
  readonly sampleMin: number
  /** Share of unexplained differences that is tolerated, 0 to 1. */
  readonly unintendedShareMax: number
}

export type ShadowVerdict =
  | { readonly decision: 'passed'; readonly why: string }
  | { readonly decision: 'failed'; readonly why: string }
  | { readonly decision: 'not-yet'; readonly why: string }

/** A cohort is looked at by itself from so many pairs on; below, a share says nothing. */
const COHORT_MIN = 100
/** A cohort may have twice the average share of unexplained differences (facts on five services: equality). */
const COHORT_TIMES = 2
/** Differences that are this unlikely under the tolerated share prove that it is exceeded. */
const PROOF = 0.001

export function judgeShadow(
  plan: ShadowPlan,
  manifest: Manifest,
  sums: Sums,
  startedAt: Instant,
  now: Instant,
): ShadowVerdict {
  const failed = failure(plan, sums)
  if (failed) return { decision: 'failed', why: failed }
  const missing = missingOf(plan, manifest, sums, startedAt, now)
  if (missing.length > 0) return { decision: 'not-yet', why: `Not proven yet: ${listOf(missing)}.` }
  const { compared, unexplained } = sums
  return {
    decision: 'passed',
    why: `${countOf(compared)} pairs of answers were compared for ${durationOf(now - startedAt)}: ${plural(unexplained, 'unexplained difference')}${boundWords(plan, sums)}, and every intended difference was seen.`,
  }
}

function boundWords({ unintendedShareMax }: ShadowPlan, sums: Sums): string {
  if (unintendedShareMax === 0) return ''
  return `, at most ${percentOf(shareUpper(sums.weight, sums.compared))} with 95 % confidence (${percentOf(unintendedShareMax)} is tolerated)`
}

function failure({ unintendedShareMax }: ShadowPlan, sums: Sums): string | null {
  const { compared, unexplained, weight } = sums
  const where = placesOf(sums)
  if (unintendedShareMax === 0 && unexplained > 0)
    return `${plural(unexplained, 'answer')} of ${countOf(compared)} differ in a way that nobody intended${where}.`
  if (weight > 0 && chanceOfAtLeast(Math.ceil(weight), unintendedShareMax * compared) < PROOF)
    return `${plural(unexplained, 'answer')} of ${countOf(compared)} differ in a way that nobody intended${where}: more than the ${percentOf(unintendedShareMax)} that are tolerated.`
  const unfair = unfairCohorts(sums)
  if (unfair.length > 0) return `One group would be hit harder than the rest: ${listOf(unfair)}.`
  return null
}

function placesOf({ places }: Sums): string {
  const rows = Object.entries(places).sort(([, a], [, b]) => b - a)
  return rows.length === 0
    ? ''
    : ` (at ${listOf(rows.slice(0, 3).map(([place, n]) => `${place.slice(0, 60)}, ${countOf(n)} times`))})`
}

/** Cohorts whose share of unexplained differences is proven to be above twice the average of the others. */
export function unfairCohorts({ cohorts }: Sums): string[] {
  const rows = Object.entries(cohorts).filter(([id, { compared }]) => id !== '' && compared >= COHORT_MIN)
  return rows.flatMap(([id, mine]) => {
    const others = rows.filter(([other]) => other !== id)
    const compared = others.reduce((sum, [, row]) => sum + row.compared, 0)
    const unexplained = others.reduce((sum, [, row]) => sum + row.unexplained, 0)
    if (compared === 0) return []
    const average = (unexplained + 0.5) / (compared + 1)
    const expected = COHORT_TIMES * average * mine.compared
    if (mine.unexplained === 0 || chanceOfAtLeast(mine.unexplained, expected) >= PROOF) return []
    return [`${id} has ${percentOf(mine.unexplained / mine.compared)}, the others ${percentOf(unexplained / compared)}`]
  })
}

function missingOf(plan: ShadowPlan, manifest: Manifest, sums: Sums, startedAt: Instant, now: Instant): string[] {
  const { compared, weight, cannotTell } = sums
  const left = startedAt + plan.msMin - now
  const needed = Math.max(plan.sampleMin, plan.unintendedShareMax > 0 ? sampleFor(weight, plan.unintendedShareMax) : 0)
  const missing: string[] = []
  if (left > 0) missing.push(`${durationOf(left)} are left of the shortest time`)
  if (compared < needed)
    missing.push(`${countOf(compared)} of ${countOf(needed)} pairs were compared${arithmetic(plan, weight)}`)
  for (const one of manifest.intended) {
    const seen = sums.explained[one.id] ?? 0
    if (seen < one.expectedMin)
      missing.push(`the intended difference ${one.id} was seen ${countOf(seen)} of ${countOf(one.expectedMin)} times`)
  }
  if (cannotTell > compared) missing.push(`${countOf(cannotTell)} pairs could not be compared, more than could`)
  return missing
}

function arithmetic({ unintendedShareMax }: ShadowPlan, weight: number): string {
  if (unintendedShareMax === 0) return ''
  return ` (exact Poisson, 95 %: ${poissonUpper(weight).toFixed(3)} ÷ ${unintendedShareMax})`
}

/** P(X ≥ n) of a Poisson variable. */
function chanceOfAtLeast(n: number, mean: number): number {
  if (mean <= 0) return n > 0 ? 0 : 1
  let term = -mean
  let below = Math.exp(term)
  for (let k = 1; k < n; k++) {
    term += Math.log(mean / k)
    below += Math.exp(term)
  }
  return Math.max(0, 1 - below)
}
