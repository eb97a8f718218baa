/** From the decision that the new release stays, to the old one stopped. Until then going back is instant. */
import { CONFIRM_MS, type DeploymentSeen } from './deployment.ts'
import type { Draft } from './draft.ts'

/** How upgraded connections are spread while they are told to reconnect. */
export const HINT_MS = 5_000

/** From proof that the new release is as good, to the old one stopped. */
export function promote(draft: Draft, why: string, who = 'holdfast'): void {
  const { steering } = draft.state
  draft.entry('promoted', why, { weight: steering?.weight ?? 0 }, who)
  draft.measure({ decidedAt: draft.now })
  draft.set({ serving: draft.state.plan.next.release })
  draft.enter({ name: 'finishing', stage: 'moving', deadline: draft.now + CONFIRM_MS }, why)
  draft.steer({ weight: 1, moveFrom: 'stable', generation: steering!.generation + 1 })
}

export function finishingTick(draft: Draft, seen: DeploymentSeen): void {
  const { phase, steering, plan, canary } = draft.state
  if (phase.name !== 'finishing') return
  const late = phase.deadline <= draft.now
  if (phase.stage === 'draining') {
    const left = seen.status?.backends
      .filter(({ arm }) => arm === 'stable')
      .reduce((sum, { inFlight }) => sum + inFlight, 0)
    if (left !== 0 && !late) return
    draft.measure({ drainedAt: draft.now })
    draft.enter(
      { name: 'finishing', stage: 'detaching', deadline: draft.now + CONFIRM_MS },
      'The old release has no request left.',
    )
    draft.steer({ stable: canary!, canary: null, weight: 0, moveFrom: 'canary', generation: steering!.generation + 1 })
  } else if (phase.stage === 'detaching' && steering?.applied) {
    draft.effect('runtime.stop', { service: plan.service, release: plan.previous!.release })
    draft.enter(
      { name: 'finishing', stage: 'stopping', deadline: draft.now + CONFIRM_MS },
      'The old release is being stopped.',
    )
  } else if (phase.stage === 'stopping' && late) {
    finish(draft, 'The old release could not be stopped in time; it gets no traffic. Stop it by hand.')
  }
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
    { name: 'finishing', stage: 'draining', deadline: draft.now + plan.drainMsMax },
    'Requests that the old release has begun are being finished there.',
  )
}
