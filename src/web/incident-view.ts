/** An incident as a person reads it. Pure. */
import type { Tone } from '../core/deploy/view.ts'
import { type WordingFinding, lintWording } from '../core/respond/comms.ts'
import type { IncidentState, Page, PageStatus } from '../core/respond/state.ts'
import { durationOf, type Instant } from '../core/time.ts'
import { agoOf } from './moment.ts'
import { plural } from '../core/words.ts'

export interface IncidentView {
  readonly id: string
  readonly service: string
  readonly serviceName: string
  readonly severity: string
  readonly severityRule: string
  readonly word: string
  readonly tone: Tone
  readonly says: string
  readonly since: Instant
  /** "It goes on, and 7 citizens have been stopped so far." */
  readonly citizens: string
  /** Who has it, and who is asked next. */
  readonly next: string
  readonly holder: string | null
  readonly manualStep: string | null
  /** The deployment it is about. */
  readonly deployment: string | null
  readonly pages: readonly PageRow[]
  readonly drafts: readonly DraftRow[]
  readonly updateDueAt: Instant | null
  readonly offers: Readonly<Record<'ack' | 'mitigated' | 'resolved' | 'close', boolean>>
}

export interface PageRow {
  readonly role: string
  readonly route: string
  readonly at: Instant
  readonly word: string
  readonly says: string
}

export interface DraftRow {
  readonly id: string
  readonly who: string
  readonly stage: string
  readonly title: string
  readonly text: string
  readonly version: number
  readonly writtenBy: string
  readonly word: string
  readonly tone: Tone
  readonly open: boolean
  readonly publishedAt: Instant | null
  readonly approvedBy: string | null
  readonly wrong: readonly WordingFinding[]
}

const PHASES: Readonly<Record<IncidentState['phase'], { readonly word: string; readonly tone: Tone }>> = {
  active: { word: 'Harm goes on', tone: 'bad' },
  stable: { word: 'Citizens safe again', tone: 'watch' },
  resolved: { word: 'Resolved', tone: 'good' },
  closed: { word: 'Closed', tone: 'over' },
}

const PAGES: Readonly<Record<PageStatus, string>> = {
  due: 'being sent',
  accepted: 'taken by the next system',
  failed: 'failed',
  unknown: 'may not have arrived',
  expired: 'given up',
  suppressed: 'not sent',
}

const AUDIENCES: Readonly<Record<string, string>> = {
  citizens: 'Citizens',
  'front-line': 'Front-line staff',
  minister: 'The minister’s office',
}

export function viewIncident(state: IncidentState, now: Instant): IncidentView {
  const { phase, paging, times, comms } = state
  return {
    id: state.id,
    service: state.service,
    serviceName: comms.facts.serviceName,
    severity: state.severity,
    severityRule: state.severityRule,
    ...PHASES[phase],
    says: state.says,
    since: times.faultStarted,
    citizens: citizensOf(state, now),
    next: nextOf(state, now),
    holder: paging.phase === 'held' ? paging.by : null,
    manualStep: state.manualStep,
    deployment: state.trigger.kind === 'deployment' ? state.trigger.id : null,
    pages: state.pages.map(pageRow),
    drafts: comms.drafts.map(draftRow),
    updateDueAt: comms.dueAt,
    offers: {
      ack: paging.phase === 'climbing' || paging.phase === 'exhausted',
      mitigated: phase === 'active',
      resolved: phase === 'active' || phase === 'stable',
      close: phase === 'resolved',
    },
  }
}

function citizensOf(state: IncidentState, now: Instant): string {
  const { harmed, phase, times } = state
  const many =
    harmed === 0
      ? 'How many citizens are affected is not known yet.'
      : `${plural(harmed, 'citizen has', 'citizens have')} been stopped.`
  if (phase === 'active') return `It has gone on for ${durationOf(Math.max(0, now - times.faultStarted))}. ${many}`
  const ended = times.mitigated ?? times.resolved
  const lasted = ended === null ? '' : `It lasted ${durationOf(Math.max(0, ended - times.faultStarted))}. `
  return `${lasted}${many}`
}

function nextOf(state: IncidentState, now: Instant): string {
  const { paging, phase } = state
  if (phase === 'closed') return 'It is closed.'
  switch (paging.phase) {
    case 'held':
      return `${paging.by} took it ${agoOf(paging.at, now)}. Nobody else is paged.`
    case 'exhausted':
      return 'Everybody on the ladder was paged, and nobody answered. Somebody has to take it now.'
    case 'over':
      return phase === 'resolved'
        ? 'It is resolved. Close it when the closing words are out.'
        : 'Nobody is paged any more.'
    case 'climbing': {
      const asked = state.pages.filter(({ about, status }) => about === 'incident' && status === 'accepted')
      const last = asked[asked.length - 1]
      const left = paging.nextAt - now
      const then = left > 0 ? ` The next page goes out in ${durationOf(left)}.` : ' The next page goes out now.'
      return last
        ? `Nobody has it yet. The ${last.role} was paged ${agoOf(last.dueAt, now)}.${then}`
        : `Nobody has it yet.${then}`
    }
  }
}

function pageRow(page: Page): PageRow {
  const words = PAGES[page.status]
  return {
    role: page.role,
    route: page.route,
    at: page.dueAt,
    word: page.mayBeRepeat ? `${words} (may be a repeat)` : words,
    says: page.says ?? '',
  }
}

function draftRow(draft: IncidentState['comms']['drafts'][number]): DraftRow {
  const { id, stage, title, text, version, writtenBy, status, publishedAt, approvedBy } = draft
  const words = {
    draft: 'Waiting for approval',
    approved: 'Being published',
    published: 'Published',
    failed: 'Not published',
  }
  const tones = { draft: 'watch', approved: 'calm', published: 'good', failed: 'bad' } as const
  const open = status === 'draft' || status === 'failed'
  return {
    id,
    who: AUDIENCES[draft.audience] ?? draft.audience,
    stage,
    title,
    text,
    version,
    writtenBy,
    word: words[status],
    tone: tones[status],
    open,
    publishedAt,
    approvedBy,
    wrong: open ? lintWording(draft) : [],
  }
}
