/**
 * Rings of tenants (docs/adr/0013): the release reaches one group of departments after the other, each on evidence of its own.
 *
 *   waits (a person's word) ─► on trial: split by the coin ─► proven: every session of the ring on the new release ─► next ring
 *                                  └──────────── proof of harm in any ring, also a proven one ────────────► whole release back
 *
 * A tenant is split only while its ring is on trial. A ring is proven when its shortest hold is over, the sessions that the definition
 * asks for were seen, and no evidence speaks against the new release there. Proven rings stay watched: an alarm there takes their traffic
 * away at once, as in any trial. Each ring may spend an equal share of the false-rollback budget.
 */
import type { Instant } from '../time.ts'
import { durationOf, londonOf } from '../time.ts'
import { ringSegment, segmentInRing, type TenantPlace, type TenantRule } from '../traffic/tenant.ts'
import { percentOf, plural } from '../words.ts'
import type { CountBatch } from './counts.ts'
import type { DeploymentPlan, DeploymentSeen, DeploymentState } from './deployment.ts'
import type { Draft } from './draft.ts'
import { isPaced } from './ramp.ts'
import { explainTrial, observe, openTrial, type Trial, type TrialPlan, type Verdict } from './trial.ts'
import { worstRate } from './verdict-bounds.ts'

export type { TenantRule } from '../traffic/tenant.ts'

export interface RingPlan {
  readonly id: string
  /** Who is in it, as people say it. */
  readonly says: string
  /** Null: every tenant that no other ring names. */
  readonly tenants: readonly string[] | null
  /** What has to be so before its turn, which only a person can tell; null: nothing. */
  readonly when: string | null
  /** Share of its new sessions on the new release while it is on trial, above 0 and below 1. */
  readonly share: number
  /** Shortest time on trial without suspicion, in ms. */
  readonly holdMs: number
  /** Sessions of the new release that must have been seen; `step` null: at the ring's busiest step. */
  readonly evidence: readonly { readonly what: string; readonly step: string | null; readonly count: number }[]
}

export interface RingsPlan {
  readonly where: TenantPlace
  /** In the order of their turns. */
  readonly rings: readonly RingPlan[]
}

export interface Rings {
  /** The ring whose turn it is. */
  readonly index: number
  /** Since when it is on trial; null: it waits for a person's word. */
  readonly since: Instant | null
  readonly proven: readonly ProvenRing[]
}

export interface ProvenRing {
  readonly id: string
  readonly at: Instant
  readonly trial: Trial
}

/** How much of the ring's own share of alpha its first trial may spend; as for a deployment without rings. */
const FIRST_TRIAL = 0.8

/** The trial of one ring: one rung, kept until the ring's own conditions hold. */
export function ringTrial(
  plan: DeploymentPlan,
  ring: RingPlan,
  tries: number,
  generation: number,
  now: Instant,
): Trial {
  const alpha = (plan.trial.alpha / plan.rings!.rings.length) * (tries === 0 ? FIRST_TRIAL : 0.2 / 2 ** tries)
  const holdBack = Math.min(0.5, 1 - ring.share)
  const own: Partial<TrialPlan> = {
    strategy: 'canary',
    rungs: [ring.share],
    holdBack,
    rungMsMin: ring.holdMs,
    bakeMs: ring.holdMs,
  }
  return openTrial({ ...plan.trial, ...own, alpha, generation }, now)
}

/** Opens the ring whose turn it is, or says what it waits for. True: it is on trial. `word`: a person has given theirs. */
export function openRing(draft: Draft, index: number, word: boolean): boolean {
  const { plan, rings, trials, steering } = draft.state
  const ring = plan.rings!.rings[index]!
  const proven = rings?.proven ?? []
  if (ring.when !== null && !word) {
    const why = `Ring ${ring.id} (${ring.says}) waits until ${ring.when}. Open it: holdfast deploy resume ${plan.id}`
    draft.set({ rings: { index, since: null, proven }, trial: null, lastWhy: why })
    draft.entry('ring.waits', why, { ring: ring.id })
    return false
  }
  const trial = ringTrial(
    plan,
    ring,
    trials === 0 || rings?.index !== index ? 0 : trials,
    steering?.generation ?? 0,
    draft.now,
  )
  const why = `Ring ${ring.id} meets the new release: ${ring.says}, ${percentOf(ring.share)} of their new sessions.`
  draft.set({ rings: { index, since: draft.now, proven }, trial, lastWhy: why })
  draft.entry('ring.opened', why, {
    ring: ring.id,
    tenants: ring.tenants ? [...ring.tenants] : null,
    weight: ring.share,
  })
  return true
}

/** The batch as one ring sees it: its own counts, with the segment within the ring. */
export function batchOfRing(batch: CountBatch, ring: string): CountBatch {
  const counts = batch.counts.flatMap((row) => {
    const segment = segmentInRing(row.segment, ring)
    return segment === undefined ? [] : [{ ...row, segment }]
  })
  return { ...batch, counts }
}

/** Every open ring's trial with the new counts. */
export function observeRings(draft: Draft, seen: DeploymentSeen): void {
  const { plan, rings, trial, cursor } = draft.state
  if (!rings || !seen.counts) return
  const fresh = seen.counts.batches.filter(({ seq }) => seq > cursor)
  if (fresh.length === 0) return
  const after = (before: Trial, id: string) =>
    fresh.reduce((known, batch) => observe(known, batchOfRing(batch, id)), before)
  const id = plan.rings!.rings[rings.index]!.id
  draft.set({
    trial: trial && after(trial, id),
    rings: { ...rings, proven: rings.proven.map((one) => ({ ...one, trial: after(one.trial, one.id) })) },
  })
}

/** Why the ring on trial is not proven yet; null: it is. */
export function ringMisses(ring: RingPlan, since: Instant, judged: Verdict, now: Instant): string | null {
  if (judged.decision === 'suspect' || judged.decision === 'hold') return judged.why
  if (isPaced(judged.trial))
    return `Its share grows to ${percentOf(ring.share)} as its first citizens are served: ${percentOf(judged.weight)} now.`
  const left = since + ring.holdMs - now
  if (left > 0) return `It is held for ${durationOf(left)} more.`
  for (const { what, step, count } of ring.evidence) {
    const have = unitsAt(judged, step)
    if (have < count) return `${have} of ${count} ${what} have been seen.`
  }
  // Odds above 1 : 1 for being worse: a small number of sessions, but they speak against it.
  return judged.evidence > 1 ? judged.why : null
}

/** What the sessions of a ring show, in one sentence: what was seen, and what rate of failure that rules out. */
export function ringProof(ring: RingPlan, judged: Verdict): string {
  const units = Math.max(0, ...judged.steps.map(({ canary }) => canary.units))
  const failed = Math.max(0, ...judged.steps.map(({ canary }) => canary.failed))
  const limit = units === 0 ? 1 : worstRate(units, failed, 0.005, 0.05)
  const shown = `a failure rate above ${percentOf(limit)} is ruled out (95 % sure)`
  return `Ring ${ring.id} is proven: ${plural(units, 'session')} at its busiest step, ${failed} failed; ${shown}.`
}

/** The rule for the traffic layer; undefined: rings are not in force. `weight` is that of the ring on trial; proven ones are told by `held`. */
export function tenantRule(
  plan: RingsPlan,
  rings: Rings,
  weight: number,
  held: Readonly<Record<string, number>>,
): TenantRule {
  const weightOf = ({ id }: RingPlan, i: number) => (i > rings.index ? 0 : i < rings.index ? (held[id] ?? 1) : weight)
  const weighed = plan.rings.map((ring, i) => ({ ...ring, weight: weightOf(ring, i) }))
  const rest = weighed.find(({ tenants }) => tenants === null)
  return {
    where: plan.where,
    rings: weighed.flatMap(({ id, tenants, weight: share }) =>
      tenants === null ? [] : [{ id, tenants, weight: share }],
    ),
    ...(rest ? { rest: { id: rest.id, weight: rest.weight } } : {}),
  }
}

/** One row a ring, for people: who, where it stands, and what its own citizens met. */
export interface RingRow {
  readonly id: string
  readonly says: string
  readonly state: 'waiting' | 'on-trial' | 'proven'
  readonly since: Instant | null
  readonly sessions: number
  readonly failed: number
  /** Odds that the new release is worse for this ring. */
  readonly odds: number
}

export function ringRows(state: DeploymentState): RingRow[] {
  const { plan, rings, trial, serving } = state
  if (!plan.rings || !rings) return []
  const all = serving === plan.next.release
  return plan.rings.rings.map(({ id, says }, i) => {
    const proven = rings.proven.find((one) => one.id === id)
    const own = proven?.trial ?? (i === rings.index ? trial : null)
    const steps = own ? explainTrial(own) : []
    return {
      id,
      says,
      state: proven || all ? 'proven' : own ? 'on-trial' : 'waiting',
      since: proven?.at ?? (own ? rings.since : null),
      sessions: Math.max(0, ...steps.map(({ canary }) => canary.units)),
      failed: steps.reduce((sum, { canary }) => sum + canary.failed, 0),
      odds: Math.max(0, ...steps.map(({ evidence }) => evidence)),
    }
  })
}

/** "volunteers: 3 of 80 sessions failed; test: none of 12", for the sentence of a rollback. */
export function ringHarm(state: DeploymentState): string {
  const told = ringRows(state).filter(({ sessions }) => sessions > 0)
  return told.map(({ id, sessions, failed }) => `${id}: ${failed} of ${plural(sessions, 'session')} failed`).join('; ')
}

/** When the ring on trial could be proven at the earliest, for the status. */
export function ringUntil(state: DeploymentState): string | null {
  const { plan, rings } = state
  if (!plan.rings || !rings || rings.since === null) return null
  return londonOf(rings.since + plan.rings.rings[rings.index]!.holdMs)
}

function unitsAt(judged: Verdict, step: string | null): number {
  const rows = judged.steps.filter((row) => step === null || `${row.journey}/${row.step}` === step)
  return Math.max(0, ...rows.map(({ canary }) => canary.units))
}

export { ringSegment }
