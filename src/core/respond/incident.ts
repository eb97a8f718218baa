/**
 * The incident machine: pages people until one answers, keeps the runbook's progress, holds drafted words until a person approves
 * them, and writes every decision down. Its phases are drawn in state.ts.
 *
 * Messages (payload in braces; whoever posts them has checked the sender's role):
 *   ack {page?}   declare {because, impact}   severity {severity, because}   harm {harmed, says?}
 *   step-done | step-failed | step-skipped | step-approved {step, says}
 *   comms-draft {stage, cause?, answers?, instead?}   comms-draft-edited {draft, text}   comms-approve {draft, version}
 *   mitigated {how}   relapsed {because, manualStep?}   resolved {because}   close {because?}   note {text}
 */
import { invariant } from '../errors.ts'
import type { Json } from '../json.ts'
import type { Event, Machine, Reaction, Spawn } from '../machine.ts'
import { durationOf, type Instant } from '../time.ts'
import { listOf } from '../words.ts'
import type { CommsFacts } from './comms.ts'
import { acknowledge, pageSettled, pageWhatIsDue, pagingWakeAt, present, stopPaging } from './paging.ts'
import {
  approveDraft,
  channelsLeftOpen,
  commsWakeAt,
  DRAFT_MAX,
  draftStage,
  editDraft,
  firstUpdateDueAt,
  published,
  remindWhatIsDue,
  stageIn,
} from './publication.ts'
import {
  type CommsAudience,
  type IncidentSeverity,
  type IncidentState,
  type Rung,
  SEVERITIES,
  type StepResult,
  type Trigger,
} from './state.ts'
import { HOLDFAST, note, numberIn, refuse, type Turn, textIn } from './turn.ts'

export const INCIDENT = 'incident'

/** An incident looks at nothing in the world: it lives on messages, outcomes and the clock. */
export type IncidentSeen = null

export interface IncidentDetails {
  /** Machine id, unique for ever: "inc-heating-payment-r3-1". */
  readonly id: string
  /** The definition's service id. */
  readonly service: string
  /** The machine or account that opened it. */
  readonly openedBy: string
  readonly trigger: Trigger
  readonly severity: IncidentSeverity
  /** The rule that gave the severity, as a sentence. */
  readonly severityRule: string
  readonly journey?: string
  readonly step?: string
  /** First bad answer, as far as it is known. */
  readonly faultStartedAt: Instant
  readonly detectedAt: Instant
  /** Citizen sessions known to be harmed. */
  readonly harmed: number
  /** One sentence, harm first: "Citizens cannot submit their application." */
  readonly says: string
  /** What to do by hand at once, e.g. when a rollback could not be confirmed. */
  readonly manualStep?: string
  /** The runbook's id; absent: there is none, and the page says so. */
  readonly runbook?: string
  /** At least one rung, or the fall-back role alone. `afterMs` 1 s to 24 h. */
  readonly ladder: readonly Rung[]
  /** Who is asked when the ladder has not answered. Cannot be empty: a due page is never dropped. */
  readonly fallback: Rung
  /** How often the ladder is climbed again before the fall-back role, 0 to 5; default 1. */
  readonly repeats?: number
  readonly comms: {
    readonly audiences: readonly CommsAudience[]
    readonly facts: Omit<CommsFacts, 'harmed' | 'nextUpdateAt' | 'endedAt' | 'sinceAt' | 'cause'> & {
      readonly cause?: string
    }
    readonly lead?: Rung
  }
  /** False when the harm had already stopped, e.g. a release was taken back: one round of pages, no public deadline. */
  readonly ongoing: boolean
}

/** The new machine. Its first tick, at once, writes the opening entry and the first page. */
export function openIncident(details: IncidentDetails, now: Instant): Spawn {
  invariant(details.fallback.to !== '', 'an incident has a fall-back role that can be reached')
  const { comms } = details
  const state: IncidentState = {
    id: details.id,
    service: details.service,
    phase: details.ongoing ? 'active' : 'stable',
    openedBy: details.openedBy,
    trigger: details.trigger,
    severity: details.severity,
    severityRule: details.severityRule,
    journey: details.journey ?? null,
    step: details.step ?? null,
    harmed: details.harmed,
    says: details.says,
    manualStep: details.manualStep ?? null,
    runbook: details.runbook === undefined ? null : { id: details.runbook, progress: [] },
    ladder: details.ladder,
    fallback: details.fallback,
    repeats: Math.min(5, Math.max(0, details.repeats ?? 1)),
    paging: { phase: 'climbing', position: 0, nextAt: now, fruitless: 0, mayBeRepeat: false },
    pages: [],
    pageCount: 0,
    usedAcks: [],
    comms: {
      audiences: comms.audiences,
      facts: {
        ...comms.facts,
        cause: comms.facts.cause ?? null,
        sinceAt: details.faultStartedAt,
        harmed: details.harmed,
        nextUpdateAt: null,
        endedAt: details.ongoing ? null : now,
      },
      lead: comms.lead ?? null,
      drafts: [],
      dueAt: details.ongoing ? firstUpdateDueAt(details.severity, now) : null,
      reminded: false,
    },
    times: {
      faultStarted: details.faultStartedAt,
      detected: details.detectedAt,
      opened: now,
      paged: null,
      acked: null,
      declared: null,
      firstPublished: null,
      mitigated: details.ongoing ? null : now,
      resolved: null,
      closed: null,
    },
    timeline: [],
    timelineDropped: 0,
    begun: false,
  }
  return { id: details.id, kind: INCIDENT, state: state as unknown as Json, wakeAt: now }
}

export const incident: Machine<IncidentState, IncidentSeen> = {
  kind: INCIDENT,
  react(state, event, now) {
    const turn: Turn = { now, state, effects: [], entries: [] }
    if (state.phase !== 'closed') {
      if (!state.begun) begin(turn)
      take(turn, event)
      // Whatever came in, what is due is done in the same turn, so a restart needs no repair.
      pageWhatIsDue(turn)
      remindWhatIsDue(turn)
    }
    return reaction(turn)
  },
}

function reaction(turn: Turn): Reaction<IncidentState> {
  const { state, effects, entries } = turn
  const done = state.phase === 'closed'
  const moments = [pagingWakeAt(turn), commsWakeAt(turn)].filter((moment) => moment !== null)
  const wakeAt = done || moments.length === 0 ? null : Math.min(...moments)
  return { state, effects, entries, spawn: [], post: [], wakeAt, done }
}

function begin(turn: Turn): undefined {
  const { state } = turn
  turn.state = { ...state, begun: true }
  note(turn, 'incident.opened', state.openedBy, `${state.severity}: ${state.says} ${state.severityRule}`, {
    severity: state.severity,
    severityRule: state.severityRule,
    journey: state.journey,
    step: state.step,
    harmed: state.harmed,
    faultStarted: state.times.faultStarted,
    detected: state.times.detected,
    runbook: state.runbook?.id ?? null,
    ongoing: state.phase === 'active',
    ladder: state.ladder.map(({ role, route, afterMs }) => ({ role, route, afterMs })),
  })
  draftStage(turn, state.phase === 'active' ? 'investigating' : 'resolved', HOLDFAST)
}

function take(turn: Turn, event: Event<IncidentSeen>): undefined {
  switch (event.kind) {
    case 'tick':
      return
    case 'outcome':
      return takeOutcome(turn, event.effect, event.of, event.outcome)
    case 'message': {
      const { name, who, payload } = event
      // The link of a page is the one message whose sender may not be signed in; it still names a role.
      if (who === '') return refuse(turn, name, HOLDFAST, `Nobody was named for "${name}".`)
      present(turn, who)
      return takeMessage(turn, name, who, payload)
    }
  }
}

function takeOutcome(turn: Turn, effect: string, of: string, outcome: Json): undefined {
  const sent = textIn(outcome, 'sent')
  const why = (textIn(outcome, 'why', 300) || textIn(outcome, 'reference', 300)).trim()
  if (of === 'page.send') {
    // Addresses that a mail server echoes are personal data, and the log is for ever.
    const says = why.replace(/[^\s<>"']{1,64}@[^\s<>"']{1,255}/g, '(address)')
    if (sent === 'accepted' || sent === 'failed' || sent === 'unknown' || sent === 'suppressed') {
      return pageSettled(turn, effect, sent, says)
    }
    return pageSettled(turn, effect, 'failed', says || 'the notifier could not be reached')
  }
  if (of === 'comms.publish') {
    const ok = textIn(outcome, 'published') !== '' || sent === 'accepted'
    return published(turn, effect, ok ? null : why || 'the channel could not be reached')
  }
}

function takeMessage(turn: Turn, name: string, who: string, payload: Json): undefined {
  switch (name) {
    case 'ack':
      return takeAck(turn, who, textIn(payload, 'page', 200) || null)
    case 'declare':
      return declare(turn, who, textIn(payload, 'because'), textIn(payload, 'impact'))
    case 'severity':
      return changeSeverity(turn, who, textIn(payload, 'severity'), textIn(payload, 'because'))
    case 'harm':
      return takeHarm(turn, who, numberIn(payload, 'harmed'), textIn(payload, 'says', 300))
    case 'step-done':
    case 'step-failed':
    case 'step-skipped':
    case 'step-approved':
      return takeStep(turn, who, name.slice('step-'.length) as StepResult, payload)
    case 'comms-draft':
      return takeDraft(turn, who, payload)
    case 'comms-draft-edited':
      return editDraft(turn, who, textIn(payload, 'draft', 100), textIn(payload, 'text', DRAFT_MAX))
    case 'comms-approve':
      return approveDraft(turn, who, textIn(payload, 'draft', 100), numberIn(payload, 'version'))
    case 'mitigated':
      return mitigate(turn, who, textIn(payload, 'how'))
    case 'relapsed':
      return relapse(turn, who, textIn(payload, 'because'), textIn(payload, 'manualStep'))
    case 'resolved':
      return resolve(turn, who, textIn(payload, 'because'))
    case 'close':
      return close(turn, who, textIn(payload, 'because'))
    case 'note':
      return note(turn, 'incident.note', who, textIn(payload, 'text') || 'An empty note.')
    default:
      return refuse(turn, name.slice(0, 60), who, `An incident does not know "${name.slice(0, 60)}".`)
  }
}

function takeAck(turn: Turn, who: string, page: string | null): undefined {
  const { state } = turn
  if (page !== null && state.usedAcks.includes(page))
    return refuse(turn, 'ack', who, 'This link was used before. It works once.')
  const { paging } = state
  if (paging.phase === 'over') return refuse(turn, 'ack', who, 'The incident is already resolved.')
  if (paging.phase === 'held' && paging.by === who && page === null)
    return refuse(turn, 'ack', who, 'You have it already.')
  acknowledge(turn, who, page)
}

function declare(turn: Turn, who: string, because: string, impact: string): undefined {
  if (turn.state.times.declared !== null) return refuse(turn, 'declare', who, 'The incident is already declared.')
  if (!because || !impact) return refuse(turn, 'declare', who, 'Say because of what, and what the impact is.')
  turn.state = { ...turn.state, times: { ...turn.state.times, declared: turn.now } }
  note(turn, 'incident.declared', who, `I am declaring an incident because ${because} The impact is that ${impact}`)
}

function changeSeverity(turn: Turn, who: string, wanted: string, because: string): undefined {
  const severity = SEVERITIES.find((one) => one === wanted)
  if (!severity)
    return refuse(turn, 'severity', who, `"${wanted.slice(0, 20)}" is not a severity: ${listOf(SEVERITIES)} are.`)
  if (severity === turn.state.severity) return refuse(turn, 'severity', who, `It is ${severity} already.`)
  const { state } = turn
  const lower = severity > state.severity
  if (lower && !because) return refuse(turn, 'severity', who, 'Lowering a severity needs a reason.')
  const due = firstUpdateDueAt(severity, turn.now)
  const { comms } = state
  const dueAt = state.phase !== 'active' || due === null ? comms.dueAt : Math.min(comms.dueAt ?? due, due)
  turn.state = {
    ...state,
    severity,
    severityRule: because || `${who} raised it.`,
    comms: { ...comms, dueAt, reminded: comms.reminded && dueAt === comms.dueAt },
  }
  note(
    turn,
    'incident.severity',
    who,
    `${who} ${lower ? 'lowered' : 'raised'} it from ${state.severity} to ${severity}. ${because}`.trim(),
    {
      from: state.severity,
      to: severity,
    },
  )
}

function takeHarm(turn: Turn, who: string, harmed: number | null, says: string): undefined {
  if (harmed === null || harmed < 0) return refuse(turn, 'harm', who, 'The number of citizens harmed is missing.')
  const { state } = turn
  if (harmed === state.harmed && (!says || says === state.says)) return
  turn.state = { ...state, harmed, says: says || state.says }
  note(turn, 'incident.harm', who, `${harmed} citizens are known to be harmed; it was ${state.harmed}.`, { harmed })
}

function takeStep(turn: Turn, who: string, result: StepResult, payload: Json): undefined {
  const { state } = turn
  const step = textIn(payload, 'step', 100)
  const says = textIn(payload, 'says', 500)
  if (state.runbook === null) return refuse(turn, `step-${result}`, who, 'This incident has no runbook.')
  if (!step) return refuse(turn, `step-${result}`, who, 'Which step is missing.')
  if (result === 'skipped' && !says) return refuse(turn, 'step-skipped', who, `Skipping ${step} needs a reason.`)
  const progress = [...state.runbook.progress, { step, result, who, at: turn.now, says }].slice(-200)
  turn.state = { ...state, runbook: { ...state.runbook, progress } }
  const words = {
    done: 'did',
    failed: 'tried, without the expected result,',
    skipped: 'skipped',
    approved: 'approved',
  }[result]
  note(turn, 'runbook.step', who, `${who} ${words} step ${step}${says ? `: ${says}` : '.'}`, {
    runbook: state.runbook.id,
    step,
    result,
    says,
  })
}

function takeDraft(turn: Turn, who: string, payload: Json): undefined {
  const stage = stageIn(textIn(payload, 'stage', 40))
  if (!stage) return refuse(turn, 'comms-draft', who, 'Stages are investigating, identified, monitoring and resolved.')
  const changed: { -readonly [K in keyof CommsFacts]?: CommsFacts[K] } = {}
  for (const key of ['cause', 'answers', 'instead'] as const) {
    const value = textIn(payload, key, 500)
    if (value) changed[key] = value
  }
  const written = draftStage(turn, stage, who, changed)
  if (written.length === 0) refuse(turn, 'comms-draft', who, `The words for "${stage}" already stand as they are.`)
}

function mitigate(turn: Turn, who: string, how: string): undefined {
  const { state } = turn
  if (state.phase !== 'active') return refuse(turn, 'mitigated', who, `The incident is ${state.phase}.`)
  turn.state = {
    ...state,
    phase: 'stable',
    manualStep: null,
    times: { ...state.times, mitigated: turn.now },
    comms: { ...state.comms, facts: { ...state.comms.facts, endedAt: turn.now } },
  }
  const after = durationOf(turn.now - state.times.faultStarted)
  note(turn, 'incident.mitigated', who, `Citizens are safe again, ${after} after the first failure. ${how}`.trim())
  draftStage(turn, 'monitoring', HOLDFAST)
}

function relapse(turn: Turn, who: string, because: string, manualStep: string): undefined {
  const { state } = turn
  turn.state = {
    ...state,
    phase: 'active',
    manualStep: manualStep || state.manualStep,
    times: { ...state.times, mitigated: null, resolved: null },
    comms: {
      ...state.comms,
      facts: { ...state.comms.facts, endedAt: null },
      dueAt: state.comms.dueAt ?? firstUpdateDueAt(state.severity, turn.now),
    },
    paging: { phase: 'climbing', position: 0, nextAt: turn.now, fruitless: 0, mayBeRepeat: false },
  }
  note(turn, 'incident.relapsed', who, `It is wrong again: ${because || 'no reason given.'}`)
}

function resolve(turn: Turn, who: string, because: string): undefined {
  const { state } = turn
  if (state.phase === 'resolved') return refuse(turn, 'resolved', who, 'The incident is already resolved.')
  if (!because) return refuse(turn, 'resolved', who, 'Say why it is resolved.')
  turn.state = {
    ...state,
    phase: 'resolved',
    manualStep: null,
    times: { ...state.times, mitigated: state.times.mitigated ?? turn.now, resolved: turn.now },
    comms: { ...state.comms, facts: { ...state.comms.facts, endedAt: state.comms.facts.endedAt ?? turn.now } },
  }
  stopPaging(turn)
  note(turn, 'incident.resolved', who, `I am declaring this incident resolved because ${because}`)
  draftStage(turn, 'resolved', HOLDFAST)
}

function close(turn: Turn, who: string, because: string): undefined {
  const { state } = turn
  if (state.phase !== 'resolved') return refuse(turn, 'close', who, `The incident is ${state.phase}: resolve it first.`)
  const open = channelsLeftOpen(turn)
  if (open.length > 0 && !because) {
    return refuse(
      turn,
      'close',
      who,
      `${listOf(open)} still says that there is a problem. Publish the closing words, or give a reason.`,
    )
  }
  turn.state = { ...state, phase: 'closed', times: { ...state.times, closed: turn.now } }
  const left = open.length > 0 ? ` ${listOf(open)} was left without closing words.` : ''
  note(turn, 'incident.closed', who, `${who} closed the incident.${left} ${because}`.trim(), durationsOf(turn.state))
}

/** How long each part took, in ms of wall-clock time from the first failure; null: it did not happen. */
export function durationsOf(state: IncidentState): Record<string, number | null> {
  const from = state.times.faultStarted
  const after = (at: Instant | null) => (at === null ? null : at - from)
  const { detected, paged, acked, declared, firstPublished, mitigated, resolved, closed } = state.times
  return {
    detectedMs: after(detected),
    pagedMs: after(paged),
    ackedMs: after(acked),
    declaredMs: after(declared),
    firstPublishedMs: after(firstPublished),
    mitigatedMs: after(mitigated),
    resolvedMs: after(resolved),
    closedMs: after(closed),
  }
}
