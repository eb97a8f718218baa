/**
 * From draft to published, inside an incident. A person reads one version of the words and approves exactly that; only then does an
 * effect publish it. Holdfast writes drafts and never approves.
 */
import { durationOf, type Instant, londonOf, MINUTE } from '../time.ts'
import { listOf } from '../words.ts'
import { type CommsFacts, type Draft, draftOf, lintWording, STAGES, type Stage } from './comms.ts'
import { remindOfUpdate } from './paging.ts'
import type { IncidentSeverity } from './state.ts'
import { HOLDFAST, note, refuse, type Turn } from './turn.ts'

// First word and then the interval of updates, from the gds-way preset: P1 every hour, P2 every two. The first words are earlier,
// because silence is what people remember: the Australian census of 2016 was down at 19:33 and said so at 20:38.
const UPDATE_MS: Readonly<Record<IncidentSeverity, { readonly first: number; readonly every: number } | null>> = {
  P1: { first: 15 * MINUTE, every: 60 * MINUTE },
  P2: { first: 30 * MINUTE, every: 120 * MINUTE },
  P3: null,
  P4: null,
}
// Ten minutes are enough to read a draft and approve it (2 minutes), and to be found first.
const REMIND_MS = 10 * MINUTE
export const DRAFT_MAX = 4_000

/** When the first public words are due; null for a severity that promises none. */
export function firstUpdateDueAt(severity: IncidentSeverity, declaredAt: Instant): Instant | null {
  const preset = UPDATE_MS[severity]
  return preset ? declaredAt + preset.first : null
}

/** Writes the drafts of a stage for every audience. Words that a person already edited at this stage are kept. Gives their ids. */
export function draftStage(
  turn: Turn,
  stage: Stage,
  who: string,
  changed: Partial<CommsFacts> = {},
): readonly string[] {
  const { state } = turn
  const facts: CommsFacts = { ...state.comms.facts, harmed: state.harmed, nextUpdateAt: nextUpdate(turn), ...changed }
  const drafts = [...state.comms.drafts]
  const written: string[] = []
  for (const { id: audience, channel } of state.comms.audiences) {
    const id = `${audience}-${stage}`
    const at = drafts.findIndex((draft) => draft.id === id)
    const known = drafts[at]
    if (known && (known.writtenBy !== HOLDFAST || known.status !== 'draft')) continue
    const { title, text } = draftOf(facts, audience, stage)
    if (known?.text === text) continue
    const draft: Draft = {
      id,
      audience,
      channel,
      stage,
      title,
      text,
      version: (known?.version ?? 0) + 1,
      writtenBy: HOLDFAST,
      status: 'draft',
      approvedBy: null,
      publishedAt: null,
    }
    if (known) drafts[at] = draft
    else drafts.push(draft)
    written.push(id)
  }
  turn.state = { ...state, comms: { ...state.comms, facts, drafts } }
  if (written.length > 0) {
    note(turn, 'comms.drafted', who, `Words for ${listOf(written)} are drafted and wait for a person's approval.`, {
      drafts: written,
    })
  }
  return written
}

export function editDraft(turn: Turn, who: string, id: string, text: string): undefined {
  const draft = find(turn, id)
  if (!draft) return refuse(turn, 'comms-draft-edited', who, `There is no draft "${id}".`)
  if (draft.status === 'published' || draft.status === 'approved') {
    return refuse(turn, 'comms-draft-edited', who, `"${id}" is ${draft.status}: write the next stage instead.`)
  }
  if (!text) return refuse(turn, 'comms-draft-edited', who, 'The new words are empty.')
  set(turn, { ...draft, text, version: draft.version + 1, writtenBy: who, status: 'draft', approvedBy: null })
  note(turn, 'comms.edited', who, `${who} changed the words of ${id}.`, { draft: id, version: draft.version + 1 })
}

/** `version` is what the approver has read. Words that changed meanwhile are not approved by it. */
export function approveDraft(turn: Turn, who: string, id: string, version: number | null): undefined {
  const draft = find(turn, id)
  if (!draft) return refuse(turn, 'comms-approve', who, `There is no draft "${id}".`)
  if (who === HOLDFAST || who === '') return refuse(turn, 'comms-approve', who, 'Only a person can approve words.')
  if (draft.status === 'published' || draft.status === 'approved') {
    return refuse(turn, 'comms-approve', who, `"${id}" is already ${draft.status}.`)
  }
  if (version !== draft.version) {
    return refuse(
      turn,
      'comms-approve',
      who,
      `The words of ${id} changed after ${who} read them: version ${draft.version} is to be read.`,
    )
  }
  const wrong = lintWording(draft).filter((finding) => finding.severity === 'error')
  if (wrong.length > 0) {
    return refuse(
      turn,
      'comms-approve',
      who,
      `${id} cannot be published as it is: ${wrong.map((finding) => finding.says).join(' ')}`,
    )
  }
  set(turn, { ...draft, status: 'approved', approvedBy: who })
  const own = draft.writtenBy === who
  turn.effects.push({
    id: `${turn.state.id}.comms.${id}.${draft.version}`,
    kind: 'comms.publish',
    payload: {
      incident: turn.state.id,
      service: turn.state.service,
      draft: id,
      audience: draft.audience,
      channel: draft.channel,
      stage: draft.stage,
      title: draft.title,
      text: draft.text,
      approvedBy: who,
      approvedAt: turn.now,
      nextUpdateAt: draft.stage === 'resolved' ? null : nextUpdate(turn),
    },
  })
  const why = `${who} read and approved the words of ${id}${own ? ', which they had written themselves' : ''}. They go to ${draft.channel}.`
  note(turn, 'comms.approved', who, why, { draft: id, version: draft.version, writtenBy: draft.writtenBy, own })
}

/** What came of publishing. Words that did not get out can be approved again. */
export function published(turn: Turn, effect: string, failedBecause: string | null): undefined {
  const draft = turn.state.comms.drafts.find((one) => effect === `${turn.state.id}.comms.${one.id}.${one.version}`)
  if (draft?.status !== 'approved') return
  if (failedBecause !== null) {
    // A new version, so that the next approval is a new effect.
    set(turn, { ...draft, status: 'failed', version: draft.version + 1 })
    return note(
      turn,
      'comms.failed',
      HOLDFAST,
      `${draft.id} is NOT published: ${failedBecause}. Approve it again to try again.`,
      {
        draft: draft.id,
      },
    )
  }
  set(turn, { ...draft, status: 'published', publishedAt: turn.now })
  const { state } = turn
  const first = state.times.firstPublished ?? turn.now
  const then = UPDATE_MS[state.severity]?.every ?? null
  const dueAt =
    draft.audience !== 'citizens'
      ? state.comms.dueAt
      : draft.stage === 'resolved' || then === null
        ? null
        : turn.now + then
  turn.state = {
    ...state,
    times: { ...state.times, firstPublished: first },
    comms: { ...state.comms, dueAt, reminded: state.comms.reminded && dueAt === state.comms.dueAt },
  }
  note(turn, 'comms.published', HOLDFAST, `${draft.id} is published, as ${draft.approvedBy} approved it.`, {
    draft: draft.id,
    version: draft.version,
    sinceFault: durationOf(turn.now - state.times.faultStarted),
  })
}

/** Tells the communications lead ten minutes ahead, once for each update. */
export function remindWhatIsDue(turn: Turn): undefined {
  const { comms } = turn.state
  if (comms.dueAt === null || comms.reminded || turn.now < comms.dueAt - REMIND_MS) return
  const { dueAt, lead } = comms
  turn.state = { ...turn.state, comms: { ...comms, reminded: true } }
  if (lead) remindOfUpdate(turn, lead, dueAt)
  else
    note(
      turn,
      'comms.due',
      HOLDFAST,
      `A public update is due at ${londonOf(dueAt)}. The definition names nobody to remind.`,
    )
}

export function commsWakeAt(turn: Turn): Instant | null {
  const { dueAt, reminded } = turn.state.comms
  return dueAt === null || reminded ? null : dueAt - REMIND_MS
}

/** Channels that have been told of the problem and not yet that it is over. */
export function channelsLeftOpen(turn: Turn): string[] {
  const told = turn.state.comms.drafts.filter((draft) => draft.status === 'published')
  const closed = new Set(told.filter((draft) => draft.stage === 'resolved').map((draft) => draft.channel))
  return [...new Set(told.map((draft) => draft.channel))].filter((channel) => !closed.has(channel))
}

export function stageIn(text: string): Stage | undefined {
  return STAGES.find((stage) => stage === text)
}

function nextUpdate(turn: Turn): Instant | null {
  const then = UPDATE_MS[turn.state.severity]?.every
  return turn.state.comms.dueAt ?? (then === undefined ? null : turn.now + then)
}

function find(turn: Turn, id: string): Draft | undefined {
  return turn.state.comms.drafts.find((draft) => draft.id === id)
}

function set(turn: Turn, changed: Draft): undefined {
  const drafts = turn.state.comms.drafts.map((draft) => (draft.id === changed.id ? changed : draft))
  turn.state = { ...turn.state, comms: { ...turn.state.comms, drafts } }
}
