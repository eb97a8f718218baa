/** From the decision that the new release stays, to the old one stopped. Until then going back is instant, and is done if need be. */
import type { Arm } from './counts.ts'
import { DEAD_MS, type DeploymentSeen } from './deployment.ts'
import type { Draft } from './draft.ts'
import { rollBack } from './rolling-back.ts'
import { openOn } from './sight.ts'

/** How upgraded connections are spread while they are told to reconnect. */
export const HINT_MS = 5_000
/** How long the traffic layer has to confirm a promotion; later the release is taken back, which pages a person after CONFIRM_MS. */
const ORDER_MS = 30_000
/** How long stopping the old release may take before we leave it to a person. */
const STOP_MS = 90_000

/** From proof that the new release is as good, to the old one stopped. */
export function promote(draft: Draft, why: string, who = 'holdfast'): void {
  const { steering, plan } = draft.state
  draft.entry('promoted', why, { weight: steering?.weight ?? 0 }, who)
  draft.measure({ decidedAt: draft.now })
  draft.set({ serving: plan.next.release })
  draft.enter({ name: 'finishing', stage: 'moving', deadline: draft.now + ORDER_MS, deadSince: null }, why)
  draft.steer({ weight: 1, moveFrom: 'stable', generation: steering!.generation + 1 })
}

export function finishingTick(draft: Draft, seen: DeploymentSeen): void {
  const { phase, steering, plan, canary } = draft.state
  if (phase.name !== 'finishing') return
  const { release } = plan.next
  const late = phase.deadline <= draft.now
  if (phase.stage === 'stopping') {
    if (late) finish(draft, 'The old release could not be stopped in time; it gets no traffic. Stop it by hand.')
    return
  }
  // The old release is warm until it is told to stop: a new one that dies meanwhile must not be left alone with the citizens.
  const called: Arm = phase.stage === 'detaching' && steering?.applied ? 'stable' : 'canary'
  if (isDead(draft, seen, called)) return rollBack(draft, `Release ${release} has no healthy replica left.`)
  if (phase.stage === 'draining') {
    const open = openOn(seen, 'stable')
    if (open !== 0 && !late) return
    draft.measure({ drainedAt: draft.now })
    draft.enter(
      { name: 'finishing', stage: 'detaching', deadline: draft.now + ORDER_MS, deadSince: null },
      open === 0 ? 'The old release has no request left.' : 'The time for draining the old release is over.',
    )
    draft.steer({ stable: canary!, canary: null, weight: 0, moveFrom: 'canary', generation: steering!.generation + 1 })
  } else if (phase.stage === 'detaching' && steering?.applied) {
    if (!seen.status?.backends.some(({ arm, healthy }) => arm === 'stable' && healthy)) return
    draft.effect('runtime.stop', { service: plan.service, release: plan.previous!.release })
    draft.enter(
      { name: 'finishing', stage: 'stopping', deadline: draft.now + STOP_MS, deadSince: null },
      'The old release is being stopped.',
    )
  } else if (late) {
    rollBack(draft, `The traffic layer did not confirm that release ${release} has every citizen.`)
  }
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
