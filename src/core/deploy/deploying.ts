/** How a deployment reacts to what happens. Phases and terms are drawn in deployment.ts. */
import type { Json } from '../json.ts'
import type { Event, Machine, Reaction } from '../machine.ts'
import { type Instant, SECOND } from '../time.ts'
import { percentOf } from '../words.ts'
import { planHash } from './approval.ts'
import { otherThanPlanned, type Running } from './artefact.ts'
import { backfillAnswered } from './backfill.ts'
import { contractAnswered, contractingTick, fixOf, fixWords } from './contract.ts'
import {
  BLIND_MS,
  CONFIRM_MS,
  DEAD_MS,
  type DeploymentSeen,
  type DeploymentState,
  type PhaseName,
} from './deployment.ts'
import { Draft } from './draft.ts'
import { expandingTick, firstReplicas, refuse, schemaAnswered, schemaTried, widen } from './expanding.ts'
import {
  closeByHand,
  finishingTick,
  HINT_MS,
  isWarm,
  oldStopped,
  promote,
  startDraining,
  supersede,
} from './finishing.ts'
import { beginGating, type Gated, gateAnswered, gatingMessage, gatingTick, glassTold } from './gating.ts'
import { onTrialTick, openNextTrial } from './on-trial.ts'
import { openRing } from './rings.ts'
import { moveAnswered, oldCanCarry, placesIn } from './rolling.ts'
import {
  calmUnconfirmed,
  confirmRollback,
  lateBatch,
  pageUnconfirmed,
  refill,
  refilled,
  restored,
  rollBack,
  rollingBackTick,
} from './rolling-back.ts'
import { openShadow, shadowingTick } from './shadowing.ts'

const ATTACH_MS = 30 * SECOND
const VERIFY_MS = 60 * SECOND
/** How often a deployment looks while something moves. Detection adds at most this to the gateway's batch time. */
export const TICK_MS = 100
const RETRY_MS = 500

export const deploymentMachine: Machine<DeploymentState, DeploymentSeen> = { kind: 'deployment', react }

export function isOver(state: DeploymentState): boolean {
  const { name } = state.phase
  return name === 'promoted' || name === 'rolled-back' || name === 'refused'
}

function react(state: DeploymentState, event: Event<DeploymentSeen>, now: Instant): Reaction<DeploymentState> {
  const draft = new Draft(state, now)
  if (!isOver(state)) {
    // The request is the first entry of every deployment, also when a person's message comes before the first look.
    const isFirst = state.history.length === 1
    if (isFirst) begin(draft)
    if (event.kind === 'tick') {
      if (!isFirst) onTick(draft, event.seen)
    } else if (event.kind === 'outcome') onOutcome(draft, event.effect, event.of, event.outcome)
    else if (isBefore(draft))
      goOn(draft, gatingMessage(draft, event.name, event.who, reasonOf(event.payload), event.payload))
    else onMessage(draft, event.name, event.who, reasonOf(event.payload))
  }
  const done = isOver(draft.state)
  return draft.reaction(done ? null : wakeAt(draft), done)
}

const WAITS: ReadonlySet<PhaseName> = new Set([
  'gating',
  'awaiting-approval',
  'expanding',
  'starting',
  'halted',
  'shadowing',
  'contracting',
])

function wakeAt(draft: Draft): Instant {
  // Waiting on an effect needs no fast tick, only its deadline's; watching citizens does.
  const { phase } = draft.state
  const isWarm = phase.name === 'finishing' && phase.stage === 'warm'
  return draft.now + (isWarm || WAITS.has(phase.name) ? SECOND : TICK_MS)
}

function onTick(draft: Draft, seen: DeploymentSeen): void {
  const { phase, steering } = draft.state
  if (seen.status) {
    const before = draft.state.measured.failedByUsBefore ?? seen.status.failedByUs
    draft.measure({ failedByUsBefore: before, failedByUs: Math.max(0, seen.status.failedByUs - before) })
  }
  if (steering?.retryAt && steering.retryAt <= draft.now) {
    draft.set({ steering: { ...steering, attempt: steering.attempt + 1, retryAt: null } })
    draft.askTraffic()
  }
  switch (phase.name) {
    case 'gating':
    case 'awaiting-approval':
      return goOn(draft, gatingTick(draft))
    case 'expanding':
      return expandingTick(draft)
    case 'starting':
      if (phase.deadline <= draft.now) refuse(draft, `Release ${release(draft)} did not become ready in time.`)
      return
    case 'attaching':
      return attachingTick(draft, seen, phase.deadline)
    case 'verifying':
      if (phase.deadline <= draft.now) rollBack(draft, 'The private verification journey did not finish in time.')
      return
    case 'shadowing':
      return shadowingTick(draft, seen)
    case 'on-trial':
      return onTrialTick(draft, seen, { blindMs: BLIND_MS, deadMs: DEAD_MS })
    case 'halted':
      return haltedTick(draft, seen)
    case 'finishing':
      return finishingTick(draft, seen)
    case 'contracting':
      return contractingTick(draft, seen)
    case 'rolling-back':
      return rollingBackTick(draft, seen)
    default:
      return
  }
}

function begin(draft: Draft): void {
  const { plan } = draft.state
  draft.entry(
    'deployment.requested',
    `${plan.requestedBy} asked for release ${plan.next.release} of ${plan.serviceName}: ${plan.reason}`,
    {
      strategy: plan.strategy,
      reason: plan.reason,
      alpha: plan.trial.alpha,
      confirmMs: CONFIRM_MS,
      approvals: plan.approvals,
      plan: planHash(plan),
      artefact: (plan.artefact ?? null) as Json,
      environment: plan.environment ?? null,
    },
    plan.requestedBy,
  )
  goOn(draft, beginGating(draft))
}

/** True while nothing has been started, told or moved. */
function isBefore({ state }: Draft): boolean {
  return state.phase.name === 'gating' || state.phase.name === 'awaiting-approval'
}

/** Lets the deployment move its first thing, once every gate has passed and everybody has agreed. */
function goOn(draft: Draft, gated: Gated): void {
  if (gated === 'waiting') return
  widen(draft)
}

function onOutcome(draft: Draft, effect: string, of: string, outcome: Json): void {
  const answer = (outcome ?? {}) as Readonly<Record<string, Json>>
  switch (of) {
    case 'gate.run':
      return goOn(draft, gateAnswered(draft, effect, outcome))
    case 'glass.tell':
      return glassTold(draft, answer)
    case 'schema.expand':
      return schemaAnswered(draft, answer)
    case 'runtime.start':
      if (draft.state.phase.name === 'starting') return startAnswered(draft, answer)
      return replicasAnswered(draft, effect, answer)
    case 'runtime.stop-replicas':
      return replicasAnswered(draft, effect, answer)
    case 'schema.backfill':
      return backfillAnswered(draft, answer)
    case 'schema.contract':
      return contractAnswered(draft, answer)
    case 'traffic.apply':
      return trafficAnswered(draft, answer)
    case 'probe.verify':
      return verifyAnswered(draft, answer)
    case 'runtime.stop':
      return stopAnswered(draft, answer)
    case 'traffic.close-upgraded':
      return hintAnswered(draft, answer)
    default:
      return
  }
}

function startAnswered(draft: Draft, answer: Readonly<Record<string, Json>>): void {
  const { phase } = draft.state
  if (phase.name !== 'starting') return
  if (answer.unreachable) {
    draft.effect('runtime.start', firstReplicas(draft), draft.now + RETRY_MS)
    return
  }
  if (answer.started !== true) {
    draft.entry('release.not-started', `Release ${release(draft)} never became ready: ${String(answer.why)}`, {
      logTail: String(answer.logTail ?? '').slice(-2_000),
    })
    return refuse(
      draft,
      `Release ${release(draft)} never became ready, so no citizen ever met it: ${String(answer.why)}`,
    )
  }
  const wrong = otherThanPlanned(draft.state.plan, answer.instances as unknown as readonly Running[])
  if (wrong) {
    draft.entry('release.not-planned', wrong)
    // After a reboot nothing else can serve: better a release that differs, and a line in the log, than no service.
    if (draft.state.plan.gates !== undefined || draft.state.plan.previous) return refuse(draft, wrong)
  }
  const backends = placesIn(answer)
  draft.set({ canary: { release: release(draft), backends } })
  const { previous, rolling } = draft.state.plan
  if (rolling && previous) draft.set({ rolling: { batch: 0, old: previous, move: null } })
  draft.entry(
    'release.started',
    `Release ${release(draft)} is ready on ${backends.length} replica(s), without traffic.`,
    {
      replicas: backends.length,
    },
  )
  draft.enter(
    { name: 'attaching', deadline: draft.now + ATTACH_MS },
    `Release ${release(draft)} is ready. The traffic layer is being told where it is.`,
  )
}

function attachingTick(draft: Draft, seen: DeploymentSeen, deadline: Instant): void {
  const { steering, canary, plan } = draft.state
  if (!steering) {
    if (seen.status && canary) {
      // A generation of its own: sessions that began before this deployment threw no coin, so they are no evidence.
      const generation = seen.status.generation + 1
      draft.set({ cursor: seen.status.seq })
      if (plan.previous) draft.steer({ stable: plan.previous, canary, weight: 0, generation, moveFrom: null })
      else draft.steer({ stable: canary, canary: null, weight: 0, generation, moveFrom: null })
      return
    }
  } else if (steering.applied && seen.status && isAttached(draft, seen.status)) {
    if (!plan.previous) return promoteFirst(draft)
    draft.effect('probe.verify', { service: plan.service, release: release(draft), steps: plan.steps })
    draft.enter(
      { name: 'verifying', deadline: draft.now + VERIFY_MS },
      `Our own synthetic citizen is trying release ${release(draft)} in private.`,
    )
    return
  }
  if (deadline > draft.now) return
  giveUp(draft, seen.why ?? `The traffic layer found no healthy replica of release ${release(draft)}.`)
}

function isAttached(draft: Draft, status: NonNullable<DeploymentSeen['status']>): boolean {
  const arm = draft.state.plan.previous ? 'canary' : 'stable'
  const backends = status.backends.filter((backend) => backend.arm === arm)
  return (
    status.version === draft.state.steering?.version && backends.length > 0 && backends.every(({ healthy }) => healthy)
  )
}

function promoteFirst(draft: Draft): void {
  draft.set({ serving: release(draft) })
  draft.measure({ endedAt: draft.now })
  draft.entry('promoted', `Release ${release(draft)} is the first of this service, and now answers its citizens.`)
  draft.enter({ name: 'promoted', why: 'first release' }, `Release ${release(draft)} answers all citizens.`)
}

function verifyAnswered(draft: Draft, answer: Readonly<Record<string, Json>>): void {
  const { phase } = draft.state
  if (phase.name === 'expanding') return schemaTried(draft, answer)
  if (phase.name !== 'verifying') return
  if (answer.ok !== true) {
    return rollBack(draft, `Our own synthetic citizen could not use release ${release(draft)}: ${String(answer.why)}`)
  }
  draft.entry(
    'verified',
    `A synthetic citizen completed ${String(answer.steps)} steps on release ${release(draft)} in private.`,
    {
      steps: answer.steps ?? 0,
    },
  )
  if (draft.state.plan.shadow) return openShadow(draft)
  draft.measure({ trialAt: draft.now })
  openNextTrial(draft)
}

function trafficAnswered(draft: Draft, answer: Readonly<Record<string, Json>>): void {
  const { steering } = draft.state
  // An answer without a version says that nobody obeyed; one to an older version was overtaken.
  if (!steering || (answer.version !== undefined && answer.version !== steering.version)) return
  if (answer.result !== 'applied') {
    draft.set({
      steering: { ...steering, retryAt: draft.now + RETRY_MS },
      lastWhy: String(answer.why ?? 'The traffic layer did not answer.'),
    })
    return
  }
  draft.set({ steering: { ...steering, applied: true, retryAt: null } })
  const { phase } = draft.state
  if (phase.name === 'rolling-back' && phase.stage === 'moving') confirmRollback(draft)
  if (phase.name === 'finishing' && phase.stage === 'moving') startDraining(draft)
}

/** A reconnect hint that did not get through is given again while the release drains. */
function hintAnswered(draft: Draft, answer: Readonly<Record<string, Json>>): void {
  const { phase, plan } = draft.state
  if (!answer.unreachable || !('stage' in phase) || phase.stage !== 'draining') return
  const arm = phase.name === 'finishing' ? 'stable' : 'canary'
  draft.effect('traffic.close-upgraded', { service: plan.service, arm, overMs: HINT_MS }, draft.now + RETRY_MS)
}

/** A halt is a promise, too: while traffic is not confirmed on the old release, a person is told. */
function haltedTick(draft: Draft, seen: DeploymentSeen): void {
  const { phase, steering, plan } = draft.state
  if (phase.name !== 'halted' || phase.confirmBy === null) return
  if (steering?.applied) {
    if (phase.paged) calmUnconfirmed(draft)
    draft.enter(
      { ...phase, confirmBy: null },
      `Citizens are on ${plan.previous?.release}. ${phase.who} halted it: ${phase.why}`,
    )
  } else if (phase.confirmBy <= draft.now && !phase.paged) {
    pageUnconfirmed(draft, seen)
    draft.set({ phase: { ...phase, paged: true } })
  }
}

function stopAnswered(draft: Draft, answer: Readonly<Record<string, Json>>): void {
  const { phase, plan } = draft.state
  if (answer.unreachable) {
    // Nothing depends on the release being gone: it has no traffic. The phase's deadline ends the trying.
    if (phase.name === 'finishing' && phase.stage === 'stopping') {
      draft.effect('runtime.stop', { service: plan.service, release: plan.previous!.release }, draft.now + RETRY_MS)
    } else if (phase.name === 'rolling-back' && phase.stage === 'stopping') {
      draft.effect('runtime.stop', { service: plan.service, release: release(draft) }, draft.now + RETRY_MS)
    }
    return
  }
  if (phase.name === 'finishing' && phase.stage === 'stopping') {
    oldStopped(draft)
  } else if (phase.name === 'rolling-back' && phase.stage === 'stopping') {
    refill(draft)
  }
}

/** Replicas of a rolling deployment came, left, or did not come. */
function replicasAnswered(draft: Draft, effect: string, answer: Readonly<Record<string, Json>>): void {
  const { phase } = draft.state
  if (phase.name === 'rolling-back' && lateBatch(draft, effect, answer)) return
  const failed = moveAnswered(draft, effect, answer)
  if (!failed) return
  if (phase.name === 'on-trial') rollBack(draft, failed.failed)
  else if (phase.name === 'rolling-back' && phase.stage === 'restoring') restored(draft, failed.failed)
  else if (phase.name === 'rolling-back' && phase.stage === 'refilling') refilled(draft, failed.failed)
}

/** A first release has nothing to go back to, and nobody uses it yet. */
function giveUp(draft: Draft, why: string): void {
  // Without steering the traffic layer has never heard of the release: there is nothing to take back.
  if (draft.state.plan.previous && draft.state.steering) rollBack(draft, why)
  else refuse(draft, why)
}

function onMessage(draft: Draft, name: string, who: string, reason: string): void {
  const { phase, plan } = draft.state
  if (name === 'rollback' || (name === 'halt' && !mayHalt(draft))) return rollBackByHand(draft, who, reason)
  if (name === 'halt' && phase.name === 'on-trial') {
    draft.entry('halted', `${who} halted the deployment: ${reason}`, { reason }, who)
    draft.enter(
      { name: 'halted', who, why: reason, confirmBy: draft.now + CONFIRM_MS, paged: false },
      `${who} halted it: ${reason}. Citizens are being sent to ${plan.previous?.release}.`,
    )
    draft.steer({ weight: 0, moveFrom: 'canary', generation: draft.state.steering!.generation + 1 })
  } else if (name === 'resume' && phase.name === 'halted') {
    draft.entry('resumed', `${who} resumed the deployment: ${reason}`, { reason }, who)
    openNextTrial(draft)
  } else if (name === 'resume' && isWaitingRing(draft)) {
    openWaitingRing(draft, who, reason)
  } else if (name === 'promote' && isWarm(draft.state)) {
    closeByHand(draft, who, reason)
  } else if (name === 'supersede' && isWarm(draft.state)) {
    supersede(draft, who, reason)
  } else if (name === 'promote' && phase.name === 'on-trial' && phase.deadSince === null && mayPromote(draft)) {
    promote(
      draft,
      `${who} promoted release ${release(draft)} by hand at ${percentOf(draft.state.steering!.weight)}: ${reason}`,
      who,
    )
  } else {
    draft.entry(
      'message.refused',
      `${who} asked to ${name}, which a deployment that is ${phase.name} cannot do.`,
      { reason },
      who,
    )
  }
}

/** Halting sends everybody to the old release at once. Where that cannot carry them, it is taken back in its own order instead. */
function mayHalt({ state }: Draft): boolean {
  const { name } = state.phase
  return name === 'halted' || (name === 'on-trial' && oldCanCarry(state))
}

/** Strategy rolling: every citizen on half of the replicas would be a failure of ours. */
function mayPromote({ state }: Draft): boolean {
  const { rolling, plan } = state
  return !rolling || !plan.rolling || rolling.batch === plan.rolling.batches.length - 1
}

function isWaitingRing({ state }: Draft): boolean {
  return state.phase.name === 'on-trial' && state.rings !== undefined && state.rings.since === null
}

function openWaitingRing(draft: Draft, who: string, reason: string): void {
  const { index } = draft.state.rings!
  draft.entry('resumed', `${who} opened ring ${draft.state.plan.rings!.rings[index]!.id}: ${reason}`, { reason }, who)
  openRing(draft, index, true)
}

function rollBackByHand(draft: Draft, who: string, reason: string): void {
  const { phase, plan } = draft.state
  if (phase.name === 'rolling-back') return
  if (phase.name === 'contracting') {
    const fix = fixWords(fixOf(draft.state, plan.previous!.release))
    return draft.entry('message.refused', `${who} asked to take ${release(draft)} back. ${fix}`, { reason }, who)
  }
  if (phase.name === 'finishing' && phase.stage === 'stopping') {
    const why = `${who} asked to take release ${release(draft)} back, but ${plan.previous?.release} is already being stopped.`
    return draft.entry(
      'message.refused',
      `${why} Start a deployment of ${plan.previous?.release} instead.`,
      { reason },
      who,
    )
  }
  if (!draft.state.steering)
    return refuse(draft, `${who} took release ${release(draft)} back before it had started: ${reason}`)
  rollBack(draft, `${who} took release ${release(draft)} back: ${reason}`, who)
}

function release(draft: Draft): string {
  return draft.state.plan.next.release
}

function reasonOf(payload: Json): string {
  const reason = (payload as { reason?: unknown } | null)?.reason
  return typeof reason === 'string' && reason.trim() ? reason.trim().slice(0, 500) : 'no reason given'
}
