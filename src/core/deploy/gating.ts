/**
 * Everything before the first thing moves: gates are asked, people agree, and what may have changed meanwhile is asked again.
 *
 *   gating: checks ─► commands ─► awaiting-approval ─► gating: last ─► (the deployment goes on)
 *      │                │               │                  │
 *      └────────────────┴───────────────┴──────────────────┴──► refused, with nothing moved
 *
 * Checks are asked all at once, commands one after the other, because two test suites in one folder get in each other's way. A gate
 * that fails does not stop those beside it: a person wants to hear everything that is wrong at once.
 */
import type { Json } from '../json.ts'
import { durationOf, MINUTE } from '../time.ts'
import { listOf, plural } from '../words.ts'
import { approvalWords, judgeAgreement, missingApprovals, planHash, shortHash, whoMay } from './approval.ts'
import type { DeploymentPlan, DeploymentState, Phase } from './deployment.ts'
import type { Draft } from './draft.ts'
import {
  answerIn,
  asksBefore,
  type GateAnswer,
  type GatePlan,
  type GateResult,
  stageOf,
  TAIL_MAX,
  WINDOW_GATE,
  waivedGates,
} from './gate.ts'
import { endRollback } from './rolling-back.ts'

/** Beyond a gate's own longest time: until its answer must be written down, another engine's take-over included. */
const GRACE_MS = MINUTE
/** Answers about the window that are older than this are asked for again before the first thing moves. */
const FRESH_MS = MINUTE
/** How long a page about broken glass is tried for, and how often. */
const TELL_RETRY_MS = 15_000
const TELL_TRIES = 40

/** `through`: everything that must be so is so, and the caller lets the deployment go on. */
export type Gated = 'through' | 'waiting'

type Gating = Extract<Phase, { name: 'gating' }>

export function gatesOfState(state: DeploymentState): readonly GateResult[] {
  return state.gates ?? []
}

/** The first thing that a deployment does. */
export function beginGating(draft: Draft): Gated {
  const { plan } = draft.state
  if (plan.waiver) sayWaiver(draft)
  return asksBefore(plan) ? enterStage(draft, 'checks') : 'through'
}

function sayWaiver(draft: Draft): void {
  const { plan } = draft.state
  const { kind, who, why, approvals } = plan.waiver!
  const gates = waivedGates(plan)
  const skipped = [...gates.map(({ name }) => name.toLowerCase()), ...(approvals ? ['approvals'] : [])]
  const data = { reason: why, gates: gates.map(({ id }) => id), approvals }
  if (kind === 'emergency') {
    const says = `${who} asked to release ${plan.next.release} outside of the window, if ${plural(plan.approval?.people ?? 0, 'person', 'people')} agree: ${why}`
    return draft.entry('emergency', says, data, who)
  }
  const says = `${who} broke the glass for release ${plan.next.release}, so that it goes out without ${listOf(skipped)}: ${why}`
  draft.entry('break-glass', says, data, who)
  tell(draft, says)
}

function tell(draft: Draft, says: string, dueAt?: number): void {
  const { plan } = draft.state
  const { ladder, fallback } = plan.incident
  // The last rung first: whoever answers for the service should hear of it, not only who is on call.
  const rungs = [fallback, ...[...ladder].reverse()].map(({ role, route, to }) => ({ role, route, to }))
  const payload = { service: plan.service, serviceName: plan.serviceName, deployment: plan.id, says, rungs }
  draft.effect('glass.tell', payload, dueAt)
}

/** Somebody was told that the glass is broken, or nobody could be. The release does not wait for it. */
export function glassTold(draft: Draft, answer: Readonly<Record<string, Json>>): void {
  const { waiver } = draft.state.plan
  if (!waiver || draft.state.glassTold) return
  if (answer.told === true) {
    draft.set({ glassTold: String(answer.to) })
    return draft.entry('break-glass.told', `The ${String(answer.to)} was told that the glass was broken.`)
  }
  const tries = (draft.state.glassTries ?? 0) + 1
  draft.set({ glassTries: tries })
  const why = String(answer.why ?? 'no route answered').slice(0, 500)
  if (tries === 1 || tries === TELL_TRIES) {
    draft.entry('break-glass.untold', `Nobody could be told yet that the glass was broken: ${why}`)
  }
  const says = `${waiver.who} broke the glass for release ${draft.state.plan.next.release}: ${waiver.why}`
  if (tries < TELL_TRIES) tell(draft, says, draft.now + TELL_RETRY_MS)
}

function enterStage(draft: Draft, stage: Gating['stage']): Gated {
  const { plan } = draft.state
  const gates = gatesIn(plan, stage, draft)
  const open = gates.filter((gate) => !excuse(draft, gate))
  if (open.length === 0) return afterStage(draft, stage)
  const now = stage === 'commands' ? open.slice(0, 1) : open
  ask(draft, stage, now, stageWords(stage, open))
  return 'waiting'
}

/** What a stage asks. The last one asks again only what time can change. */
function gatesIn(plan: DeploymentPlan, stage: Gating['stage'], draft: Draft): readonly GatePlan[] {
  const gates = plan.gates ?? []
  if (stage !== 'last') return gates.filter((gate) => stageOf(gate) === stage)
  const seen = gatesOfState(draft.state).find(({ gate }) => gate === WINDOW_GATE)
  const stale = seen !== undefined && !seen.excused && draft.now - seen.at > FRESH_MS
  return stale ? gates.filter(({ how }) => how === 'window' || how === 'target') : []
}

/** Broken glass: the gate is not asked, and the log says that it was not. */
function excuse(draft: Draft, gate: GatePlan): boolean {
  const { waiver } = draft.state.plan
  if (!waiver || !waivedGates(draft.state.plan).includes(gate)) return false
  const why = waiver.kind === 'emergency' ? 'people are asked to agree to it instead' : `${waiver.who} broke the glass`
  const says = `Not asked for, because ${why}: ${waiver.why}`
  write(draft, gate, { ...answerIn({ says }), passed: false }, true)
  return true
}

function ask(draft: Draft, stage: Gating['stage'], gates: readonly GatePlan[], why: string): void {
  const { plan } = draft.state
  const asked = gates.map((gate) => ({
    gate: gate.id,
    effect: draft.effect('gate.run', {
      service: plan.service,
      release: plan.next.release,
      folder: plan.next.folder,
      environment: plan.environment ?? null,
      gate: gate as unknown as Json,
      migrations: gate.how === 'migration' ? (plan.migrations as unknown as Json) : [],
    }),
  }))
  const deadline = draft.now + Math.max(...gates.map(({ msMax }) => msMax)) + GRACE_MS
  draft.enter({ name: 'gating', stage, asked, deadline }, why)
}

function stageWords(stage: Gating['stage'], gates: readonly GatePlan[]): string {
  if (stage === 'last') return 'Everybody has agreed. What may have changed meanwhile is asked once more.'
  if (stage === 'commands')
    // Whoever names a gate chooses its number: "Unit tests", "Payment file". So no verb leans on the name.
    return `Now running: ${gates[0]!.name}, at most ${durationOf(gates[0]!.msMax)}. Nothing has moved.`
  return `${plural(gates.length, 'check')} before anything moves: ${listOf(gates.map(({ name }) => name.toLowerCase()))}.`
}

/** An answer to a gate that was asked. */
export function gateAnswered(draft: Draft, effect: string, outcome: Json): Gated {
  const { phase, plan } = draft.state
  if (phase.name !== 'gating') return 'waiting'
  const mine = phase.asked.find((one) => one.effect === effect)
  const gate = plan.gates?.find(({ id }) => id === mine?.gate)
  if (!mine || !gate) return 'waiting'
  write(draft, gate, answerIn(outcome), false)
  const asked = phase.asked.filter((one) => one !== mine)
  draft.set({ phase: { ...phase, asked } })
  if (asked.length > 0) return 'waiting'
  return phase.stage === 'commands' ? nextCommand(draft, gate) : afterStage(draft, phase.stage)
}

function nextCommand(draft: Draft, last: GatePlan): Gated {
  const commands = (draft.state.plan.gates ?? []).filter((gate) => stageOf(gate) === 'commands')
  const rest = commands.slice(commands.indexOf(last) + 1).filter((gate) => !isAnswered(draft, gate))
  const next = rest[0]
  if (!next) return afterStage(draft, 'commands')
  ask(draft, 'commands', [next], stageWords('commands', [next]))
  return 'waiting'
}

function isAnswered(draft: Draft, { id }: GatePlan): boolean {
  return gatesOfState(draft.state).some(({ gate }) => gate === id)
}

function afterStage(draft: Draft, stage: Gating['stage']): Gated {
  const bad = gatesOfState(draft.state).filter(({ passed, excused }) => !passed && !excused)
  if (bad.length > 0) {
    const which = bad.map(({ name, says }) => `${name}: ${says}`).join(' ')
    return refuseUntouched(draft, `${plural(bad.length, 'gate')} did not pass. ${which}`.slice(0, 1_500))
  }
  if (stage === 'checks') return enterStage(draft, 'commands')
  if (stage === 'commands') return awaitApproval(draft)
  return 'through'
}

function awaitApproval(draft: Draft): Gated {
  const { plan } = draft.state
  if (!plan.approval || plan.waiver?.approvals) return enterStage(draft, 'last')
  if (missingApprovals(plan, draft.state.approvals ?? []) === 0) return enterStage(draft, 'last')
  const deadline = draft.now + plan.approval.waitMs
  draft.entry(
    'approval.awaited',
    `Release ${plan.next.release} waits until ${plural(missingApprovals(plan, draft.state.approvals ?? []), 'more person', 'more people')} agree. Who may: ${whoMay(plan, draft.state.approvals)}.`,
    { plan: planHash(plan), people: plan.approval.people, until: deadline },
  )
  draft.enter({ name: 'awaiting-approval', deadline }, approvalWords(plan, draft.state.approvals ?? []))
  return 'waiting'
}

/** Deadlines of gates and of people. */
export function gatingTick(draft: Draft): Gated {
  const { phase } = draft.state
  if (phase.name === 'gating') {
    if (phase.deadline > draft.now) return 'waiting'
    for (const { gate: id } of phase.asked) {
      const gate = draft.state.plan.gates?.find((one) => one.id === id)
      if (gate) write(draft, gate, answerIn({ says: `It gave no answer within ${durationOf(gate.msMax)}.` }), false)
    }
    draft.set({ phase: { ...phase, asked: [] } })
    const last = draft.state.plan.gates?.find(({ id }) => id === phase.asked[0]?.gate)
    return phase.stage === 'commands' && last ? nextCommand(draft, last) : afterStage(draft, phase.stage)
  }
  if (phase.name !== 'awaiting-approval') return 'waiting'
  expireApprovals(draft)
  if (phase.deadline > draft.now) return 'waiting'
  const { plan, approvals = [] } = draft.state
  const how = approvalWords(plan, approvals)
  const says = `Nobody agreed in time. It waited ${durationOf(plan.approval?.waitMs ?? 0)}; ${how.replace(/^N/, 'n')}`
  return refuseUntouched(
    draft,
    approvals.length === 0 ? says : says.replace('Nobody agreed', 'Not enough people agreed'),
  )
}

function expireApprovals(draft: Draft): void {
  const { plan, approvals = [] } = draft.state
  const valid = approvals.filter(({ at }) => draft.now - at <= (plan.approval?.validMs ?? 0))
  if (valid.length === approvals.length) return
  for (const { who } of approvals.filter((one) => !valid.includes(one))) {
    draft.entry(
      'approval.expired',
      `The approval by ${who} has expired before the others agreed: ${who} must agree again.`,
    )
  }
  draft.set({ approvals: valid, lastWhy: approvalWords(plan, valid) })
}

/** What people ask for while nothing has moved. */
export function gatingMessage(draft: Draft, name: string, who: string, reason: string, payload: Json): Gated {
  const { plan, phase } = draft.state
  if (name === 'approve') return approve(draft, who, reason, payload)
  if (name === 'rollback' || name === 'halt') {
    return refuseUntouched(
      draft,
      `${who} called off release ${plan.next.release} before anything had moved: ${reason}`,
      who,
    )
  }
  const says = `${who} asked to ${name}, which a deployment that is ${phase.name} cannot do.`
  draft.entry('message.refused', says, { reason }, who)
  return 'waiting'
}

function approve(draft: Draft, who: string, reason: string, payload: Json): Gated {
  const { plan, approvals = [], phase } = draft.state
  expireApprovals(draft)
  const given = (payload ?? {}) as Readonly<Record<string, Json>>
  const text = (value: Json | undefined, max: number) => (typeof value === 'string' ? value.slice(0, max) : '')
  const wish = { who, why: reason, plan: text(given.plan, 128), how: text(given.how, 100) || 'not said' }
  const judged = judgeAgreement(plan, draft.state.approvals ?? approvals, wish, draft.now)
  if ('why' in judged) {
    draft.entry('approval.refused', judged.why, { reason, plan: wish.plan, how: wish.how }, who)
    if (phase.name === 'awaiting-approval') draft.set({ lastWhy: judged.why })
    return 'waiting'
  }
  const all = [...(draft.state.approvals ?? []), judged.approval]
  draft.set({ approvals: all })
  draft.entry(
    'approval.given',
    `${who} agreed to release ${plan.next.release} (plan ${shortHash(wish.plan)}): ${reason}`,
    {
      plan: wish.plan,
      artefact: plan.artefact && 'digest' in plan.artefact ? plan.artefact.digest : null,
      how: wish.how,
      reason,
    },
    who,
  )
  if (phase.name !== 'awaiting-approval') return 'waiting'
  if (missingApprovals(plan, all) === 0) return enterStage(draft, 'last')
  draft.enter(phase, approvalWords(plan, all))
  return 'waiting'
}

/** One gate's entry in the log, with its evidence, and the short form that pages show. */
function write(draft: Draft, gate: GatePlan, answer: GateAnswer, excused: boolean): void {
  const { passed, says, ms, exit, digest, scanned, tail, figures } = answer
  const word = passed ? ' passed' : excused ? ': skipped' : ' failed'
  draft.entry('gate.result', `${gate.name}${word}. ${says}`, {
    gate: gate.id,
    kind: gate.kind,
    passed,
    excused,
    pass: gate.pass,
    ms,
    exit,
    digest,
    scanned,
    tail,
    figures,
  })
  const result: GateResult = {
    gate: gate.id,
    name: gate.name,
    passed,
    excused,
    says,
    at: draft.now,
    ms,
    tail: passed ? '' : tail.slice(-TAIL_MAX),
  }
  draft.set({ gates: [...gatesOfState(draft.state).filter((one) => one.gate !== gate.id), result] })
}

/** Nothing was started, told or moved, so there is nothing to take back. */
function refuseUntouched(draft: Draft, why: string, who?: string): Gated {
  draft.entry('refused', why, {}, who)
  endRollback(draft, why)
  return 'waiting'
}
