/**
 * From the decision that the new release stays, to the old one stopped.
 *
 *   moving ─► draining ─► warm ─► detaching ─► stopping ─► contracting, or promoted
 *
 * Until `stopping` the old release is there, and going back is instant: by a person's word, when the new one dies, or when an alarm on its
 * counts rings, which puts it back on trial. `warm` is the rollback window: a stored instant says when it closes, and it stays open while
 * old data is still being copied. The next deployment ends it (docs/adr/0016): from then on the way back is to this release. In `stopping` and `contracting` there is nothing to go back to at once, so a person is told instead.
 */
import { durationOf, londonOf } from '../time.ts'
import { backfillAgain, backfillTick, isBackfilled } from './backfill.ts'
import { contract } from './contract.ts'
import type { Arm } from './counts.ts'
import { BLIND_MS, DEAD_MS, type DeploymentSeen, type DeploymentState } from './deployment.ts'
import type { Draft } from './draft.ts'
import { blindIncident, lateIncident } from './harm.ts'
import { backOnTrial } from './on-trial.ts'
import { oldArm } from './rolling.ts'
import { rollBack } from './rolling-back.ts'
import { openOn } from './sight.ts'
import { observe } from './trial.ts'
import { QUIET } from './trial-step.ts'

/** How upgraded connections are spread while they are told to reconnect. */
export const HINT_MS = 5_000
/** How long the traffic layer has to confirm a promotion; later the release is taken back, which pages a person after CONFIRM_MS. */
const ORDER_MS = 25_000
/** How long stopping the old release may take before we leave it to a person. */
const STOP_MS = 90_000
/** How long a promotion may be blind until a person is told. The releases serve on meanwhile, as they were last told. */
const BLIND_PAGE_MS = 3 * BLIND_MS

/** From proof that the new release is as good, to the old one stopped. */
export function promote(draft: Draft, why: string, who = 'holdfast'): void {
  const { steering, plan, rings } = draft.state
  draft.entry('promoted', why, { weight: steering?.weight ?? 0 }, who)
  draft.measure({ decidedAt: draft.now })
  draft.set({ serving: plan.next.release, blindSince: null, ...(rings ? { rings: { ...rings, since: null } } : {}) })
  draft.enter({ name: 'finishing', stage: 'moving', deadline: draft.now + ORDER_MS, deadSince: null }, why)
  draft.steer({ weight: 1, moveFrom: 'stable', generation: steering!.generation + 1 })
}

export function finishingTick(draft: Draft, seen: DeploymentSeen): void {
  const { phase, steering, plan, canary } = draft.state
  if (phase.name !== 'finishing') return
  const { release } = plan.next
  const late = phase.deadline <= draft.now
  const alone = phase.stage === 'stopping'
  const called: Arm = alone || (phase.stage === 'detaching' && steering?.applied) ? 'stable' : 'canary'
  const dead = isDead(draft, seen, called)
  const fails = listen(draft, seen, called)
  tellBlind(draft, seen)
  if (alone) {
    if (dead || fails) tellLate(draft, dead ? `Release ${release} has no healthy replica left.` : fails!)
    if (late) finish(draft, 'The old release could not be stopped in time; it gets no traffic. Stop it by hand.')
    return
  }
  // The old release is warm until it is told to stop: a new one that dies meanwhile must not be left alone with the citizens.
  if (dead) return rollBack(draft, `Release ${release} has no healthy replica left.`)
  if (fails) return backOnTrial(draft, fails)
  if (phase.stage === 'draining') {
    const open = openOn(seen, 'stable')
    if (open !== 0 && !late) return
    draft.measure({ drainedAt: draft.now })
    keepWarm(
      draft,
      open === 0 ? 'The old release has no request left.' : 'The time for draining the old release is over.',
    )
  } else if (phase.stage === 'warm') {
    backfillTick(draft)
    // Nothing is stopped while we cannot see how the new release fares.
    if (!late || !seen.status || !mayClose(draft)) return
    closeWindow(draft, 'The rollback window is closed.')
  } else if (phase.stage === 'detaching' && steering?.applied) {
    if (!seen.status?.backends.some(({ arm, healthy }) => arm === 'stable' && healthy)) return
    draft.effect('runtime.stop', { service: plan.service, release: plan.previous!.release })
    draft.enter(
      { name: 'finishing', stage: 'stopping', deadline: draft.now + STOP_MS, deadSince: null },
      'The old release is being stopped.',
    )
  } else if (late && canary) {
    rollBack(draft, `The traffic layer did not confirm that release ${release} has every citizen.`)
  }
}

/** Every citizen is on the new release; the old one waits, without traffic, until the window closes. */
function keepWarm(draft: Draft, why: string): void {
  const { plan } = draft.state
  const until = draft.now + (plan.warmMs ?? 0)
  if (until <= draft.now && isBackfilled(draft)) return closeWindow(draft, why)
  const old = oldArm(draft.state).release
  const says = `${why} Release ${old} stays warm until ${londonOf(until)}: until then going back is instant.`
  draft.entry('window.opened', says, { until })
  draft.enter({ name: 'finishing', stage: 'warm', deadline: until, deadSince: null }, says)
  backfillAgain(draft)
  backfillTick(draft)
}

/** Copying that failed, or is done, holds nothing open. */
function mayClose(draft: Draft): boolean {
  return isBackfilled(draft) || draft.state.backfill?.failed != null
}

/** Promoted, with every citizen on the new release, while the old one is kept for the way back. */
export function isWarm({ phase }: Pick<DeploymentState, 'phase'>): boolean {
  return phase.name === 'finishing' && phase.stage === 'warm'
}

/** A person's word closes the window early, unless data is still being copied: the old shape could not be removed then. */
export function closeByHand(draft: Draft, who: string, reason: string): void {
  if (mayClose(draft)) return closeWindow(draft, `${who} closed the rollback window: ${reason}`, who)
  const why = `${who} asked to close the rollback window, but old data is still being copied: ${draft.state.backfill?.says}`
  draft.entry('message.refused', why, { reason }, who)
}

/**
 * The next deployment does not wait until the window has passed: a fix for citizens must go out within seconds. Copying and contracting
 * are no part of an urgent release: their files are still pending, and belong to the next one.
 */
export function supersede(draft: Draft, who: string, reason: string): void {
  draft.set({ superseded: true })
  closeWindow(draft, `${who} ended the rollback window, because ${reason}`, who)
}

function closeWindow(draft: Draft, why: string, who = 'holdfast'): void {
  const { canary, steering, plan, trial } = draft.state
  // From here on the new release's answers come as the stable arm's: what was heard of the old one must not be held against it.
  if (trial) draft.set({ trial: { ...trial, outage: null, steps: trial.steps.map((step) => ({ ...step, ...QUIET })) } })
  if (plan.warmMs) draft.entry('window.closed', why, {}, who)
  draft.enter({ name: 'finishing', stage: 'detaching', deadline: draft.now + ORDER_MS, deadSince: null }, why)
  draft.steer({ stable: canary!, canary: null, weight: 0, moveFrom: 'canary', generation: steering!.generation + 1 })
}

/** The old release is gone. What it needed may go as well. */
export function oldStopped(draft: Draft): void {
  const { plan } = draft.state
  const done = `Release ${plan.next.release} answers all citizens. The old one is stopped.`
  if (!plan.contract || plan.contract.length === 0) return finish(draft, done)
  if (draft.state.superseded) {
    return finish(
      draft,
      `${done} The old shape of the database stays; the contract step belongs to the next release now.`,
    )
  }
  if (!isBackfilled(draft)) {
    return finish(draft, `${done} The old shape of the database stays, because its data was not copied to the end.`)
  }
  contract(draft)
}

/** Keeps since when no replica of the new release is healthy. Blind is not dead: the release may be well. */
function isDead(draft: Draft, seen: DeploymentSeen, called: Arm): boolean {
  const { phase } = draft.state
  if (phase.name !== 'finishing' || !seen.status) return false
  const alive = seen.status.backends.some(({ arm, healthy }) => arm === called && healthy)
  const deadSince = alive ? null : (phase.deadSince ?? draft.now)
  if (deadSince !== phase.deadSince) draft.set({ phase: { ...phase, deadSince } })
  return deadSince !== null && draft.now - deadSince >= DEAD_MS
}

/** Why the new release seems to fail citizens now; undefined: it does not. Everybody is on it, so its known rate is all there is to compare. */
export function listen(draft: Draft, seen: DeploymentSeen, called: Arm): string | undefined {
  const { plan } = draft.state
  if (!draft.state.trial || !seen.counts) return undefined
  let { trial, cursor } = draft.state
  for (const batch of seen.counts.batches) {
    if (batch.seq <= cursor) continue
    trial = observe(trial, batch)
    cursor = batch.seq
  }
  draft.set({ trial, cursor })
  const step = called === 'canary' ? trial.alarmed : trial.outage
  if (step === null) return undefined
  const { journey, step: name } = trial.plan.steps[step]!
  return `Since release ${plan.next.release} has every citizen, more of them fail at ${journey}/${name} than was usual.`
}

export function tellBlind(draft: Draft, seen: DeploymentSeen): void {
  const { blindSince, plan } = draft.state
  if (seen.status) {
    if (blindSince !== null) draft.set({ blindSince: null })
    return
  }
  const since = blindSince ?? draft.now
  if (blindSince === null) draft.set({ blindSince: since })
  if (draft.now - since < BLIND_PAGE_MS || draft.state.lateHarm) return
  const why = `We have been blind for ${durationOf(draft.now - since)} while ${plan.next.release} was promoted: ${seen.why ?? 'no status arrives'}.`
  draft.entry('promotion.blind', why)
  draft.spawn(blindIncident(draft.state, why, draft.now))
  draft.set({ lateHarm: true })
}

/** The old release cannot be brought back at once any more: somebody has to decide, and is woken. */
export function tellLate(draft: Draft, why: string): void {
  if (draft.state.lateHarm) return
  draft.entry('late-harm', why)
  draft.spawn(lateIncident(draft.state, why, draft.now))
  draft.set({ lateHarm: true, lastWhy: why })
}

export function finish(draft: Draft, why: string): void {
  draft.measure({ endedAt: draft.now })
  draft.entry('finished', why, { failedByDeployment: draft.state.measured.failedByUs })
  draft.enter({ name: 'promoted', why }, why)
}

export function startDraining(draft: Draft): void {
  const { plan } = draft.state
  draft.effect('traffic.close-upgraded', { service: plan.service, arm: 'stable', overMs: HINT_MS })
  draft.enter(
    { name: 'finishing', stage: 'draining', deadline: draft.now + plan.drainMsMax, deadSince: null },
    'Requests that the old release has begun are being finished there.',
  )
}
