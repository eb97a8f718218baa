/**
 * What an incident is, as data. One incident is one thing that is wrong for citizens, from the moment a machine or a person
 * saw it until it is closed.
 *
 *   active ── mitigated ──► stable ── resolved ──► resolved ── close ──► closed
 *   (harm goes on)          (harm has stopped)     (cause is gone)       (nothing more is accepted)
 *
 *   paging:  climbing ── ack ──► held ── quiet too long ──► climbing …
 *            climbing ── nobody left to call ──► exhausted
 *            any ── resolved ──► over
 */
import type { Instant } from '../time.ts'
import type { CommsFacts, Draft } from './comms.ts'

/** P1 is the worst. The words behind each are the preset's (gds-way: complete outage, substantial, intermittent, minor). */
export type IncidentSeverity = 'P1' | 'P2' | 'P3' | 'P4'
export const SEVERITIES: readonly IncidentSeverity[] = ['P1', 'P2', 'P3', 'P4']

/** One step of the escalation ladder. `afterMs` is how long this person has to answer, 1 s to 24 h. */
export type Rung = {
  /** The role, never a name: "on-call". */
  readonly role: string
  /** The notifier's route: "email", "webhook". */
  readonly route: string
  /** Address, or the webhook's name. */
  readonly to: string
  readonly afterMs: number
}

export type PageStatus =
  /** Decided, and handed to the notifier. */
  | 'due'
  /** The next system has it. */
  | 'accepted'
  /** It will never get there. */
  | 'failed'
  /** The answer was lost: it may have arrived. */
  | 'unknown'
  /** Nobody said what came of it in time; it is not sent any more. */
  | 'expired'
  /** Not sent, because somebody had already answered. */
  | 'suppressed'

export type Page = {
  /** Unique over all incidents: idempotency key of the notifier, and what an acknowledgement link names. */
  readonly id: string
  readonly about: 'incident' | 'update-due'
  readonly role: string
  readonly route: string
  readonly to: string
  readonly dueAt: Instant
  readonly status: PageStatus
  readonly settledAt: Instant | null
  /** The other side's receipt, or why it failed. */
  readonly says: string | null
  /** An earlier page may have arrived: the text says so. */
  readonly mayBeRepeat: boolean
}

/**
 * `position` counts pages that arrived, along ladder, ladder again (repeats), fall-back role. `fruitless`: pages in a row that did
 * not arrive.
 */
export type Paging =
  | {
      readonly phase: 'climbing'
      readonly position: number
      readonly nextAt: Instant
      readonly fruitless: number
      readonly mayBeRepeat: boolean
    }
  | { readonly phase: 'held'; readonly by: string; readonly at: Instant; readonly until: Instant }
  | { readonly phase: 'exhausted'; readonly since: Instant }
  | { readonly phase: 'over' }

export type IncidentPhase = 'active' | 'stable' | 'resolved' | 'closed'

export type StepResult = 'done' | 'failed' | 'skipped' | 'approved'

export type StepProgress = {
  readonly step: string
  readonly result: StepResult
  readonly who: string
  readonly at: Instant
  /** What was seen, or why the step was skipped. */
  readonly says: string
}

/** Moments that the review and the auditor ask for; null: it has not happened. */
export type IncidentTimes = {
  readonly faultStarted: Instant
  readonly detected: Instant
  readonly opened: Instant
  readonly paged: Instant | null
  readonly acked: Instant | null
  readonly declared: Instant | null
  readonly firstPublished: Instant | null
  readonly mitigated: Instant | null
  readonly resolved: Instant | null
  readonly closed: Instant | null
}

export type TimelineEvent = {
  readonly at: Instant
  readonly kind: string
  readonly who: string
  readonly says: string
}

export type Trigger = {
  readonly kind: 'deployment' | 'slo' | 'person'
  /** The deployment's machine id, the alert's id, or the person's account. */
  readonly id: string
}

export type CommsAudience = { readonly id: 'citizens' | 'front-line' | 'minister'; readonly channel: string }

export type IncidentComms = {
  readonly audiences: readonly CommsAudience[]
  readonly facts: CommsFacts
  /** Who is paged ten minutes before a public update is due; null: nobody, the timeline says so. */
  readonly lead: Rung | null
  readonly drafts: readonly Draft[]
  /** When the next public update is due; null: none is. */
  readonly dueAt: Instant | null
  /** True when the reminder for this `dueAt` has gone. */
  readonly reminded: boolean
}

export type IncidentState = {
  readonly id: string
  readonly service: string
  readonly phase: IncidentPhase
  readonly openedBy: string
  readonly trigger: Trigger
  readonly severity: IncidentSeverity
  /** The rule, or the person's reason, that gave this severity. */
  readonly severityRule: string
  readonly journey: string | null
  readonly step: string | null
  readonly harmed: number
  /** One sentence for the person who is woken: what citizens cannot do. */
  readonly says: string
  /** The one thing to do by hand when we could not do it ourselves; null: nothing special. */
  readonly manualStep: string | null
  readonly runbook: { readonly id: string; readonly progress: readonly StepProgress[] } | null
  readonly ladder: readonly Rung[]
  readonly fallback: Rung
  readonly repeats: number
  readonly paging: Paging
  /** The newest pages, oldest first, at most 40; `pageCount` has counted all. */
  readonly pages: readonly Page[]
  readonly pageCount: number
  /** Pages whose acknowledgement link has been used. */
  readonly usedAcks: readonly string[]
  readonly comms: IncidentComms
  readonly times: IncidentTimes
  /** At most 200 events; `timelineDropped` counts what only the log still has. */
  readonly timeline: readonly TimelineEvent[]
  readonly timelineDropped: number
  /** False until the first tick, which writes the opening entry. */
  readonly begun: boolean
}
