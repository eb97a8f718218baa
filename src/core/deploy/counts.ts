import type { Instant } from '../time.ts'

/** Which of the two releases answered: the one that was running, or the one on trial. */
export type Arm = 'stable' | 'canary'

/** What the verdict looks at: citizens count; probes and bots are carried along, never mixed in. */
export type Visitor = 'citizen' | 'probe' | 'bot'

/**
 * Closed units of one arm at one journey step. A unit is one citizen's session at one step: it closes as failed at its
 * first failing answer (wrong status, success marker missing, slower than the citizen limit), and as ok when the session
 * goes on to another step or stays without failure for the settle time. A session-step counts once, whatever the retries.
 */
export interface StepCounts {
  readonly journey: string
  readonly step: string
  readonly arm: Arm
  /** Share of new sessions the canary was getting when these sessions' coin was thrown, 0 to 1. */
  readonly share: number
  /**
   * Raised each time sessions are moved between the arms. Units of sessions that were moved carry the old number and
   * are left out of the verdict, in both arms alike.
   */
  readonly generation: number
  /** A group of citizens that may be hurt alone, e.g. a browser family; '' when unknown. At most 16 values a journey. */
  readonly segment: string
  readonly visitor: Visitor
  readonly ok: number
  readonly failed: number
  /** Of the failed: how many had the right answer, but later than the citizen limit. */
  readonly slow: number
  /** Failing answers that came after the unit had closed: retries of the same citizen. Harm to watch, not evidence. */
  readonly retries: number
}

/** What closed between two moments. `seq` rises by one a batch, so a reader that crashed asks for what it has not committed. */
export interface CountBatch {
  readonly seq: number
  readonly from: Instant
  readonly to: Instant
  readonly counts: readonly StepCounts[]
}
