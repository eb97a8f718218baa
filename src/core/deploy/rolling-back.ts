/**
 * Taking a release back: move every session, wait until the traffic layer says so, drain, forget the release, stop it. The incident
 * is opened with the decision, not with its success, because the person should be awake if the rest goes wrong.
 *
 *   (restoring ─►) moving ─► draining ─► detaching ─► stopping (─► refilling) ─► rolled-back
 *
 * A rolling deployment may have stopped old replicas. Are those that are left too few for the peak, no new citizen gets the bad release,
 * and the others stay until enough old replicas were started again (restoring): a service that breaks down under its load helps nobody.
 * What is missing after that is started when the bad release is gone (refilling).
 */
import type { Json } from '../json.ts'
import { durationOf, type Instant } from '../time.ts'
import { plural } from '../words.ts'
import { CONFIRM_MS, type DeploymentSeen } from './deployment.ts'
import type { Draft } from './draft.ts'
import { HINT_MS } from './finishing.ts'
import { capacityIncident, harmIncident, harmIncidentId, unconfirmedIncident, unconfirmedIncidentId } from './harm.ts'
import { beginMove, dropMove, moveTick, oldArm, oldCanCarry, oldFleet, oldMissing, placesIn } from './rolling.ts'
import { openOn } from './sight.ts'

/** `who` is the person who asked, or holdfast on evidence. */
export function rollBack(draft: Draft, because: string, who = 'holdfast'): void {
  const { plan, steering, measured } = draft.state
  draft.entry(
    'rollback.decided',
    because,
    { weight: steering?.weight ?? 0, sessionsFailed: measured.canaryFailed },
    who,
  )
  draft.measure({ decidedAt: draft.now })
  draft.set({ serving: plan.previous?.release ?? null })
  const confirmBy: Instant = draft.now + CONFIRM_MS
  draft.enter({ name: 'rolling-back', stage: 'moving', because, deadline: confirmBy, confirmBy, paged: false }, because)
  const carries = oldCanCarry(draft.state)
  // A batch that is starting at this moment takes room that old replicas need: its answer is waited for.
  if (carries || !isStartingNext(draft)) dropMove(draft)
  // A person who takes back a release that hurt nobody knows already: waking another one would teach people to ignore pages.
  const isNews = who === 'holdfast' || measured.canaryFailed > 0
  if (measured.trialAt !== null && isNews) draft.spawn(harmIncident(draft.state, because, draft.now))
  const generation = steering?.generation ?? 0
  if (!carries) {
    draft.enter({ ...phaseOf(draft), stage: 'restoring' }, because)
    draft.steer({ stable: oldArm(draft.state), canary: draft.state.canary, weight: 0, moveFrom: null, generation })
    return
  }
  moveBack(draft)
}

/**
 * Weight and sessions together: sticky sessions would go on meeting the bad release otherwise. The arms are named again, because a
 * promotion that was under way may have called the new release stable already (simulated world 121).
 */
function moveBack(draft: Draft): void {
  const { canary, steering } = draft.state
  const generation = (steering?.generation ?? 0) + 1
  draft.steer({ stable: oldArm(draft.state), canary, weight: 0, moveFrom: 'canary', generation })
}

function phaseOf(draft: Draft) {
  const { phase } = draft.state
  if (phase.name !== 'rolling-back') throw new Error('only a release that is being taken back has these stages')
  return phase
}

/** One more batch of old replicas, until they carry the peak. Never more than all replicas and one batch run. */
function restore(draft: Draft, seen: DeploymentSeen): void {
  const { plan, steering, canary, rolling } = draft.state
  if (!steering?.applied && !rolling?.move) return
  const starts = isStartingNext(draft)
  const moved = moveTick(draft, seen)
  if (moved === 'busy') return
  if (starts) return dropMove(draft)
  if (typeof moved !== 'object' && !oldCanCarry(draft.state)) {
    const { replicas, batches } = plan.rolling!
    const old = Math.min(oldFleet(plan.rolling!), draft.state.rolling!.old.backends.length + batches[0]!)
    return beginMove(draft, {
      old,
      next: Math.max(0, Math.min(canary?.backends.length ?? 0, replicas + batches[0]! - old)),
    })
  }
  restored(draft, typeof moved === 'object' ? moved.failed : null)
}

function isStartingNext({ state: { rolling } }: Draft): boolean {
  return rolling?.move?.stage === 'starting' && rolling.move.of === 'next'
}

/** What came of a batch that was starting when the release was taken back: those that run are counted, and stopped with the others. */
export function lateBatch(draft: Draft, effect: string, answer: Readonly<Record<string, Json>>): boolean {
  const { plan, rolling } = draft.state
  if (!isStartingNext(draft) || rolling!.move!.effect !== effect || answer.unreachable) return false
  if (answer.started === true) draft.set({ canary: { release: plan.next.release, backends: placesIn(answer) } })
  dropMove(draft)
  return true
}

/** Enough old replicas run, or no more can be had: better busy pages than wrong ones, and somebody is told. */
export function restored(draft: Draft, failed: string | null): void {
  if (failed !== null) tellCapacity(draft, failed)
  dropMove(draft)
  draft.enter(
    { ...phaseOf(draft), stage: 'moving' },
    `Citizens are being moved back to ${oldArm(draft.state).release}.`,
  )
  moveBack(draft)
}

/** The bad release is gone; the old one gets its missing replicas. */
export function refill(draft: Draft): void {
  const { plan } = draft.state
  const phase = phaseOf(draft)
  if (oldMissing(draft.state) === 0 || !draft.state.steering) return endRollback(draft, phase.because)
  const deadline = draft.now + plan.rolling!.previous.startMsMax + CONFIRM_MS
  draft.set({ canary: null })
  draft.enter(
    { ...phase, stage: 'refilling', deadline },
    'The replicas that the old release lost are being started again.',
  )
  beginMove(draft, { old: oldFleet(plan.rolling!), next: 0 })
}

export function refilled(draft: Draft, failed: string | null): void {
  if (failed !== null) tellCapacity(draft, failed)
  dropMove(draft)
  endRollback(draft, phaseOf(draft).because)
}

function tellCapacity(draft: Draft, failed: string): void {
  const { plan, rolling } = draft.state
  const left = plural(rolling?.old.backends.length ?? 0, 'replica')
  const why = `Release ${oldArm(draft.state).release} serves with ${left} of ${plan.rolling ? oldFleet(plan.rolling) : left}: ${failed}`
  draft.entry('capacity.missing', why)
  draft.spawn(capacityIncident(draft.state, why, draft.now))
}

/** The traffic layer has the order: no request begins on the bad release any more. */
export function confirmRollback(draft: Draft): void {
  const { phase, plan } = draft.state
  if (phase.name !== 'rolling-back') return
  draft.measure({ appliedAt: draft.now })
  if (draft.state.measured.trialAt !== null) calm(draft, harmIncidentId(plan.id))
  if (phase.paged) calmUnconfirmed(draft)
  draft.effect('traffic.close-upgraded', { service: plan.service, arm: 'canary', overMs: HINT_MS })
  draft.enter(
    { ...phase, stage: 'draining', deadline: draft.now + plan.drainMsMax, confirmBy: null },
    `Citizens are on ${plan.previous?.release}. Requests that ${plan.next.release} has begun are being finished.`,
  )
}

export function rollingBackTick(draft: Draft, seen: DeploymentSeen): void {
  const { phase, steering, plan, measured } = draft.state
  if (phase.name !== 'rolling-back') return
  const late = phase.deadline <= draft.now
  if (phase.stage === 'moving' || phase.stage === 'restoring') {
    if (late && !phase.paged) {
      pageUnconfirmed(draft, seen)
      // We go on trying: the deadline moves, the page is out.
      draft.enter({ ...phase, paged: true, deadline: draft.now + CONFIRM_MS }, draft.state.lastWhy)
    }
    if (phase.stage === 'restoring') restore(draft, seen)
  } else if (phase.stage === 'refilling') {
    const moved = moveTick(draft, seen)
    if (typeof moved === 'object') refilled(draft, moved.failed)
    else if (moved !== 'busy') refilled(draft, null)
    else if (late) refilled(draft, 'they were not ready in time')
  } else if (phase.stage === 'draining') {
    const open = openOn(seen, 'canary')
    if (!late && open !== 0) return
    const bad = seen.status?.backends.filter(({ arm }) => arm === 'canary')
    const lastRequestAt = bad?.reduce((last, { lastRequestAt: at }) => Math.max(last, at ?? 0), 0) || null
    draft.measure({ drainedAt: draft.now, lastRequestAt })
    draft.entry('rollback.confirmed', confirmedWhy(draft, open, lastRequestAt), {
      decidedAt: measured.decidedAt,
      appliedAt: measured.appliedAt,
      lastRequestAt,
      drainedAt: draft.now,
      stillOpen: open ?? null,
    })
    const why = open === 0 ? 'The bad release has no request left.' : 'The time for draining the bad release is over.'
    draft.enter({ ...phase, stage: 'detaching', deadline: draft.now + CONFIRM_MS }, why)
    draft.steer({ canary: null, weight: 0, moveFrom: 'canary', generation: steering!.generation + 1 })
  } else if (phase.stage === 'detaching') {
    if (!steering?.applied && !late) return
    draft.effect('runtime.stop', { service: plan.service, release: plan.next.release })
    draft.enter({ ...phase, stage: 'stopping', deadline: draft.now + CONFIRM_MS }, 'The bad release is being stopped.')
  } else if (late) {
    if (oldMissing(draft.state) > 0) return refill(draft)
    endRollback(draft, `${phase.because} It could not be stopped in time and gets no traffic: stop it by hand.`)
  }
}

function confirmedWhy(draft: Draft, open: number | undefined, lastRequestAt: Instant | null): string {
  const { plan, measured } = draft.state
  const { release } = plan.next
  const back = `Every citizen is on ${plan.previous?.release} again.`
  if (open === undefined)
    return `${back} We cannot tell whether requests were still open on ${release}: the traffic layer did not say.`
  const left = open > 0 ? ` ${plural(open, 'request')} were still open when the time for draining was over.` : ''
  if (lastRequestAt === null) return `${back} No request reached ${release}.${left}`
  const after = Math.max(0, lastRequestAt - measured.decidedAt!)
  return `${back} ${release}: its last request came ${durationOf(after)} after the decision.${left}`
}

/** The harm of an incident is over; the person who was woken need not act by hand any more. */
function calm(draft: Draft, incident: string): void {
  const { plan } = draft.state
  const how = `Every citizen is on ${plan.previous?.release} again.`
  draft.post({ to: incident, id: `mitigated:${incident}`, name: 'mitigated', who: 'holdfast', payload: { how } })
}

export function calmUnconfirmed(draft: Draft): void {
  calm(draft, unconfirmedIncidentId(draft.state.plan.id))
}

/** Traffic could not be confirmed on the old release in time: a person is woken, with what to do by hand. */
export function pageUnconfirmed(draft: Draft, seen: DeploymentSeen): void {
  const why = `We cannot confirm that ${draft.state.plan.next.release} is out of traffic: ${seen.why ?? draft.state.lastWhy}`
  draft.entry('rollback.unconfirmed', why)
  draft.spawn(unconfirmedIncident(draft.state, why, draft.now))
  draft.set({ lastWhy: why })
}

export function endRollback(draft: Draft, because: string): void {
  const { plan, measured } = draft.state
  const wasSeen = measured.trialAt !== null
  const { release } = plan.next
  const safe = plan.previous ? ` Citizens are on ${plan.previous.release}.` : ''
  const why = wasSeen
    ? `Release ${release} was taken back.${safe} ${because}`
    : `Release ${release} was refused before any citizen met it.${safe} ${because}`
  draft.measure({ endedAt: draft.now })
  draft.entry('finished', why, { failedByDeployment: measured.failedByUs })
  draft.enter({ name: wasSeen ? 'rolled-back' : 'refused', why }, why)
}
