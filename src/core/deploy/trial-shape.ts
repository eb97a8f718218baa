/** The shapes of a trial: what it is given, what it keeps, what it answers. All plain JSON. */
import type { Instant } from '../time.ts'
import type { Pace } from './pace.ts'
import type { Cells } from './verdict-evidence.ts'

export interface TrialStep {
  readonly journey: string
  readonly step: string
  /** Share of α spent on this step, above 0; all steps together at most 1. A harmful step may get more. */
  readonly omega: number
  /** Failure rate of the running release in the recent past, same hour class, 0 to 0.5. A bet: a wrong one costs time only. */
  readonly p0: number
  /** How many units that rate rests on. Under 200 it is learned anew from the first stable units of the trial. */
  readonly p0Units: number
  /** The citizen limit, for the sentences only: the counts already treat slower answers as failed. */
  readonly limitMs: number
}

export interface TrialPlan {
  /** Names of the releases, as people know them. */
  readonly stable: string
  readonly canary: string
  /** Chance that a good release is rolled back, per deployment, above 0 and below 0.5. */
  readonly alpha: number
  readonly strategy: 'canary' | 'blue-green'
  /** In the order citizens walk them; the first step of the first journey is used to check the split. */
  readonly steps: readonly TrialStep[]
  /** Shares of new sessions, rising. Blue-green has one: everything but the hold-back. */
  readonly rungs: readonly number[]
  /** Least time on a rung. Not shorter than the slowest step of a journey in production. */
  readonly rungMsMin: number
  /** Unproven extra failures per citizen session that are acceptable while climbing and at promotion, above 0 (h). */
  readonly margin: number
  /** Chance that the climb believes a worse rate to be excluded although it is not (b). */
  readonly miss: number
  /** Share of sessions that stays on the old release until the bake ends: live control. Above 0, at most 0.5. */
  readonly holdBack: number
  /** Time at the top rung before promotion. */
  readonly bakeMs: number
  /** Share while suspected, and how long suspicion lasts without proof. */
  readonly holdWeight: number
  readonly suspicionMs: number
  /** How long the ramp stands still after both releases began to fail. */
  readonly outageMs: number
  /** Synthetic journeys that must pass on the new release before any citizen; 0: none. After `msMax` it is given up. */
  readonly warmUp: { readonly probes: number; readonly msMax: number }
  /** Low traffic: our synthetic journeys, sent half and half, count as evidence too (as a stream with a split of its own). */
  readonly synthetic: boolean
  /** True when `share` in the counts is the coin that was really thrown: a missing arm can then be told. */
  readonly splitKnown: boolean
  /** True for a recorded stream: its shares are not ours, and no ramp is spoken of. */
  readonly recorded?: boolean
  /** True when the steps are learned from the citizens: more may come. */
  readonly learns?: boolean
  /** True when no smaller share can be had (the old release has too few replicas left): no slow start. */
  readonly atOnce?: boolean
  /** Lowest session generation that counts; absent: 0. A second trial leaves out the sessions that the first one moved. */
  readonly generation?: number
}

/** What production uses unless the definition says otherwise; sources in facts: "The test, to implement". */
export const TRIAL_DEFAULTS = {
  alpha: 0.001,
  strategy: 'canary',
  rungs: [0.01, 0.05, 0.1, 0.25, 0.5, 0.95],
  rungMsMin: 60_000,
  margin: 0.005,
  miss: 0.05,
  holdBack: 0.05,
  bakeMs: 2 * 3_600_000,
  holdWeight: 0.05,
  suspicionMs: 180_000,
  outageMs: 60_000,
  warmUp: { probes: 0, msMax: 120_000 },
  synthetic: false,
  splitKnown: true,
} as const satisfies Omit<TrialPlan, 'stable' | 'canary' | 'steps'>

/** Units and failures of one arm. */
export interface Tally {
  readonly units: number
  readonly failed: number
}

/** Counts that wait until their batch is big enough to say something about the split. */
export interface Pending extends Cells {
  /** Failure rate that was expected when the batch was opened. */
  readonly p: number
  readonly share: number
  readonly visitor: 'citizen' | 'probe'
}

export interface StepTrial {
  /** Rate and weight of history in force; learned anew when history is thin or turned out wrong. */
  readonly p: number
  readonly pUnits: number
  /** Since the trial began: what the sentences and the harm count use. */
  readonly canary: Tally
  readonly stable: Tally
  readonly slow: number
  readonly retries: number
  /** Since the last reset (an outage, a suspicion): what the climb rests on. */
  readonly canaryNow: Tally
  readonly stableNow: Tally
  /** Of the new release, since the trial began or an alarm rang last: what the pace rests on. */
  readonly shown: Tally
  /** Log evidence of each guess since the beginning, and since the suspicion that is open. */
  readonly main: readonly number[]
  readonly fresh: readonly number[] | null
  /** ln of the weighted evidence that closed suspicions left behind; null: none. */
  readonly kept: number | null
  readonly canaryAlarm: readonly number[]
  readonly stableAlarm: readonly number[]
  readonly pending: readonly Pending[]
}

export type Phase =
  | { readonly phase: 'warm-up'; readonly since: Instant }
  /** `ms` is the time counted on this rung up to `at`; time under suspicion or outage does not count. */
  | { readonly phase: 'ramp'; readonly rung: number; readonly ms: number; readonly at: Instant }
  | {
      readonly phase: 'outage'
      readonly rung: number
      readonly ms: number
      readonly until: Instant
      readonly step: number
    }
  /** `alarm`: a fresh process runs on a slice of α. `evidence`: the running one is high, no slice is spent. */
  | {
      readonly phase: 'suspect'
      readonly by: 'alarm' | 'evidence'
      readonly rung: number
      readonly until: Instant
      readonly step: number
    }
  | { readonly phase: 'rolled-back'; readonly at: Instant; readonly step: number | null }
  | { readonly phase: 'promoted'; readonly at: Instant }

export interface Trial {
  readonly plan: TrialPlan
  readonly openedAt: Instant
  /** Last batch that was counted; lower ones are ignored. */
  readonly seq: number
  /** Batches that never came: evidence lost for both arms alike. */
  readonly lost: number
  /** Sessions moved before this generation are left out. */
  readonly generation: number
  readonly lastSeenAt: Instant | null
  readonly phase: Phase
  /** Suspicions that were paid for with a slice of α so far. */
  readonly slices: number
  readonly steps: readonly StepTrial[]
  /** Latched between two decisions: the step that proved, alarmed on the new, or alarmed on the running release. */
  readonly proven: number | null
  readonly alarmed: number | null
  readonly outage: number | null
  /** Outages in a row; after five, what we called an outage is the service's normal. */
  readonly outages: number
  /** Slow start: what share the loop allows. */
  readonly pace: Pace
  /** Highest share in force since sessions were moved last: so many may still sit on the new release, whatever it gets now. */
  readonly sat: number
  /** Split check: units at the first step under the present share. */
  readonly split: { readonly share: number; readonly canary: number; readonly stable: number }
  readonly probes: Tally
  readonly stableProbes: Tally
  /** Units of the new release by group of citizens, to say who is hurt. */
  readonly segments: Readonly<Record<string, Tally>>
}

export interface StepVerdict {
  readonly journey: string
  readonly step: string
  readonly canary: Tally
  readonly stable: Tally
  /** Of the new release's failures: right answer, later than the limit. */
  readonly slow: number
  /** Failing answers after the unit had closed: the same citizens trying again. */
  readonly retries: number
  /** Odds that the new release is worse here, after paying for looking at every step; rolled back at `threshold`. */
  readonly evidence: number
  readonly threshold: number
  /** Share of the deployment's α that this step may spend. */
  readonly omega: number
}

export interface Verdict {
  readonly trial: Trial
  readonly decision: 'continue' | 'suspect' | 'hold' | 'rollback' | 'promote'
  /** Share of new sessions that the new release should get from now on, 0 to 1 − holdBack. */
  readonly weight: number
  /** True when sessions that sit on the new release should be moved off it too. Always at a rollback. */
  readonly moveSessions: boolean
  /** True when this call changed the phase or the rung: the moments worth a log entry. `why` itself changes with every count. */
  readonly changed: boolean
  /** One sentence for a reader who is not technical. */
  readonly why: string
  /** Highest odds of any step, and where a rollback follows: 1/α. */
  readonly evidence: number
  readonly threshold: number
  /** Sessions (the busiest step of each journey, added up) and failed units of all steps. */
  readonly canary: { readonly sessions: number; readonly failed: number }
  readonly stable: { readonly sessions: number; readonly failed: number }
  readonly steps: readonly StepVerdict[]
}
