/** What a person reads about gates, approvals and broken glass: part of the view of a deployment (view.ts). */
import { durationOf, type Instant, londonOf } from '../time.ts'
import { approvalWords, missingApprovals, planHash, shortHash, whoMay } from './approval.ts'
import { shortDigest } from './artefact.ts'
import type { DeploymentState } from './deployment.ts'
import { type GatePlan, waivedGates } from './gate.ts'
import type { Offer } from './view.ts'

export type GateWord = 'passed' | 'failed' | 'skipped' | 'asked' | 'waiting' | 'not asked'

export interface GateRow {
  readonly id: string
  readonly name: string
  readonly word: GateWord
  readonly says: string
  /** How long it took; null: no answer yet. */
  readonly ms: number | null
  /** Last lines of a failed command; '' otherwise. */
  readonly tail: string
}

export interface ApprovalView {
  readonly people: number
  readonly missing: number
  readonly words: string
  readonly askedBy: string
  readonly whoMay: string
  readonly given: readonly { readonly who: string; readonly at: Instant; readonly why: string; readonly how: string }[]
  /** What is agreed to, for people: name and value. */
  readonly what: readonly { readonly name: string; readonly value: string }[]
  /** Hash of the plan that is agreed to, whole and as people compare it. */
  readonly plan: string
  readonly short: string
  /** Until when the deployment waits; null: it does not wait now. */
  readonly until: Instant | null
}

export interface WaiverView {
  readonly kind: 'break-glass' | 'emergency'
  readonly who: string
  readonly why: string
  /** What was left out, for people. */
  readonly left: readonly string[]
  /** Who was told; null: nobody yet, or nobody needs to be. */
  readonly told: string | null
}

export function gateRows(state: DeploymentState): GateRow[] {
  return (state.plan.gates ?? []).map((gate) => rowOf(state, gate))
}

function rowOf(state: DeploymentState, gate: GatePlan): GateRow {
  const base = { id: gate.id, name: gate.name, ms: null, tail: '' }
  if (gate.how === 'private') return { ...base, ...privateWords(state, gate) }
  const result = state.gates?.find((one) => one.gate === gate.id)
  if (result) {
    const word = result.passed ? 'passed' : result.excused ? 'skipped' : 'failed'
    return { ...base, word, says: result.says, ms: result.ms, tail: result.tail }
  }
  const { phase } = state
  const isAsked = phase.name === 'gating' && phase.asked.some((one) => one.gate === gate.id)
  if (isAsked) return { ...base, word: 'asked', says: `It has at most ${durationOf(gate.msMax)}.` }
  if (phase.name === 'gating') return { ...base, word: 'waiting', says: gate.pass ?? '' }
  return { ...base, word: 'not asked', says: 'The release had been refused before its turn came.' }
}

/** What is tried on the started release, before any citizen meets it: synthetic journeys, and answers in the shadow. */
function privateWords(state: DeploymentState, { kind }: GatePlan): Pick<GateRow, 'word' | 'says'> {
  const { history, phase, measured } = state
  const [name, what] = kind === 'shadow' ? (['shadowing', SHADOW] as const) : (['verifying', JOURNEYS] as const)
  if (phase.name === name) return { word: 'asked', says: what.asked }
  // A first release has no other beside it, and whatever was looked at ended well when citizens met the release.
  const looked = history.some((one) => one.phase === name)
  if (measured.trialAt !== null && (looked || kind !== 'shadow')) return { word: 'passed', says: what.passed }
  if (looked) return { word: 'failed', says: what.failed }
  const over = phase.name === 'refused' || phase.name === 'promoted' || phase.name === 'rolled-back'
  if (over) return { word: 'not asked', says: 'The release was never started beside another one.' }
  return { word: 'waiting', says: 'Once the release has started, before any citizen meets it.' }
}

const JOURNEYS = {
  asked: 'A synthetic citizen is trying the release in private.',
  passed: 'A synthetic citizen completed them in private.',
  failed: 'The synthetic citizen could not use the release, or no answer came in time.',
}
const SHADOW = {
  asked: 'Copies of requests are answered by both releases, and their answers compared.',
  passed: 'The answers of both releases were compared, and nothing speaks against it.',
  failed: 'The answers differ in ways that nobody intended, or too few could be compared.',
}

export function approvalView(state: DeploymentState): ApprovalView | null {
  const { plan, approvals = [], phase } = state
  if (!plan.approval) return null
  const hash = planHash(plan)
  return {
    people: plan.approval.people,
    missing: plan.waiver?.approvals ? 0 : missingApprovals(plan, approvals),
    words: plan.waiver?.approvals ? 'Approvals were skipped by breaking the glass.' : approvalWords(plan, approvals),
    askedBy: plan.requestedBy,
    whoMay: whoMay(plan),
    given: approvals.map(({ who, at, why, how }) => ({ who, at, why, how })),
    what: whatIsAgreedTo(state),
    plan: hash,
    short: shortHash(hash),
    until: phase.name === 'awaiting-approval' ? phase.deadline : null,
  }
}

function whatIsAgreedTo(state: DeploymentState): ApprovalView['what'] {
  const { plan } = state
  const files = [...plan.migrations, ...(plan.contract ?? [])].map(({ file }) => file)
  return [
    { name: 'Asked for by', value: `${plan.requestedBy}: ${plan.reason}` },
    { name: 'What it is', value: artefactWords(state) },
    { name: 'Where', value: plan.environment ?? 'the definition names no environment' },
    { name: 'Database changes', value: files.length > 0 ? files.join(', ') : 'none' },
  ]
}

export function approveOffer(state: DeploymentState): Offer {
  const { plan, phase } = state
  if (!plan.approval) return { open: false, why: 'Nobody’s approval is asked for.' }
  if (phase.name !== 'gating' && phase.name !== 'awaiting-approval') {
    return { open: false, why: 'Approvals are given before the release starts.' }
  }
  if (plan.waiver?.approvals) return { open: false, why: 'Approvals were skipped by breaking the glass.' }
  return missingApprovals(plan, state.approvals ?? []) > 0
    ? { open: true }
    : { open: false, why: 'Everybody who is needed has agreed.' }
}

export function waiverView({ plan, glassTold }: DeploymentState): WaiverView | null {
  const { waiver } = plan
  if (!waiver) return null
  const left = waivedGates(plan).map(({ name }) => name)
  if (waiver.approvals) left.push('Approvals')
  return { kind: waiver.kind, who: waiver.who, why: waiver.why, left, told: glassTold ?? null }
}

/** What happens next while nothing has moved. */
export function beforeWords(state: DeploymentState, now: Instant): string {
  const { phase, plan } = state
  const served = plan.previous
    ? `Citizens are on release ${plan.previous.release}, and nothing has moved.`
    : 'Nothing has moved.'
  if (phase.name === 'awaiting-approval') {
    const left = durationOf(Math.max(0, phase.deadline - now))
    return `${approvalWords(plan, state.approvals ?? [])} ${served} Without them it is refused ${londonOf(phase.deadline)}, in ${left}.`
  }
  const total = (plan.gates ?? []).filter(({ how }) => how !== 'private').length
  const done = state.gates?.length ?? 0
  return `${done} of ${total} gates have answered. ${served} A gate that fails refuses the release.`
}

/** "sha256:0a1b2c3d4e5f", or why nobody can tell. */
export function artefactWords({ plan }: DeploymentState): string {
  if (!plan.artefact) return 'no digest was taken'
  return 'digest' in plan.artefact ? shortDigest(plan.artefact.digest) : `cannot tell, because ${plan.artefact.why}`
}
