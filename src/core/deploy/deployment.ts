/**
 * One deployment, from "start it" to "citizens are on exactly one release again". Pure: the engine performs the effects.
 *
 *   gating ─► awaiting-approval ─► gating          (gating.ts; nothing has moved: every way out of it but on is `refused`)
 *                                    │
 *       ┌────────────────────────────┘
 *       ▼
 *   expanding ─► starting ─► attaching ─► verifying (─► shadowing) ─► on-trial ◄─► finishing ─► contracting ─► promoted
 *       │            │            │            │         │    ▲         │            │
 *       │            │            │            │         ▼    │         │            └─ failed: a person is paged, and it is promoted
 *       │            │            │            │        halted          │   (a person's rollback works from here too)
 *       ▼            ▼            ▼            ▼         │              ▼
 *    refused   ◄── nothing had moved ──┴──── rolling-back ◄─────────────┘
 *                                              │
 *                                              └─► rolled-back        (not confirmed in time: a person is paged, and we go on trying)
 *
 * finishing goes moving ─► draining ─► warm ─► detaching ─► stopping. While the old release is warm, going back is instant; an alarm
 * there puts the new release back on trial. The old data is copied in batches (backfill.ts) beside on-trial or warm, as the definition
 * says. contracting comes only after the rollback window closed and the old release stopped. Rolling replaces replicas in batches under
 * on-trial (rolling.ts); rings of tenants are proven one after the other there (rings.ts).
 *
 * Terms. *stable* is the release that was running, *canary* the one on trial, whatever the strategy. *Steering* is what we last
 * asked of traffic; it counts only when the traffic layer has said "applied". Every wait has a deadline stored as an instant, so a
 * restart needs no repair: the next tick sees that it has passed.
 */
import type { Json } from '../json.ts'
import type { Spawn } from '../machine.ts'
import type { Sums } from '../shadow/tally.ts'
import type { Instant } from '../time.ts'
import type { Approval, ApprovalPlan } from './approval.ts'
import type { Backfill, BackfillPlan } from './backfill.ts'
import type { Arm, CountBatch } from './counts.ts'
import { asksBefore, type GatePlan, type GateResult } from './gate.ts'
import type { IncidentPlan } from './harm.ts'
import type { PartPlan } from './parts.ts'
import type { Rings, RingsPlan, TenantRule } from './rings.ts'
import type { Rolling, RollingPlan } from './rolling.ts'
import type { Shadowing, ShadowingPlan } from './shadowing.ts'
import type { Trial, TrialPlan } from './trial.ts'

/** A release as the runtime starts it. The epoch is added when the effect is performed. */
export interface ReleasePlan {
  readonly release: string
  readonly replicas: number
  readonly command: readonly string[]
  readonly folder: string
  /** Names of environment variables whose values are read when the release is started; values never enter the state. */
  readonly envNames: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly readyPath: string
  readonly startMsMax: number
  readonly stopMsMax: number
  /** Its replicas are containers of this image, by digest (ports/runtime.ts, ContainerSpec). Absent: processes. */
  readonly container?: {
    readonly image: string
    readonly memoryMb?: number
    readonly cpus?: number
    readonly network?: 'host' | 'published'
    readonly mounts?: readonly { readonly from: string; readonly to: string; readonly readOnly?: boolean }[]
    readonly writable?: readonly string[]
    readonly user?: string
  }
}

/** A rule that is left out on one person's word: loud, logged, and looked at afterwards. */
export interface Waiver {
  /** `break-glass`: the window, approvals and named gates. `emergency`: the window alone, and more people agree instead. */
  readonly kind: 'break-glass' | 'emergency'
  readonly who: string
  readonly why: string
  /** Gates that are not asked; the right target and the schema are always asked. */
  readonly gates: readonly string[]
  readonly approvals: boolean
}

/** What a release is, byte for byte, as its runtime told before the start; or why nobody can tell. */
export type Artefact = { readonly digest: string } | { readonly why: string }

/** One statement of a release, as its declaration names it. */
export interface NamedQuery {
  readonly name: string
  readonly sql: string
}

export interface ArmBackends {
  readonly release: string
  readonly backends: readonly { readonly id: string; readonly host: string; readonly port: number }[]
}

/** Everything decided before the start, frozen: a definition edited half way does not change a running deployment. */
export interface DeploymentPlan {
  readonly id: string
  readonly service: string
  readonly serviceName: string
  /** Release that runs now; null: the service's first deployment, which has nothing to go back to and no trial. */
  readonly previous: ArmBackends | null
  readonly next: ReleasePlan
  readonly strategy: 'canary' | 'blue-green' | 'rolling'
  readonly trial: TrialPlan
  /** Numbered SQL files of the expand step, in order; none: no such step. */
  readonly migrations: readonly { readonly file: string; readonly sql: string }[]
  /** How long one schema step may take, in ms; absent: EXPAND_MS. Longer, and the release is refused before anything starts. */
  readonly schemaMsMax?: number
  /** What removes the old shape; applied only when the rollback window has closed and the old release is stopped. */
  readonly contract?: readonly { readonly file: string; readonly sql: string }[]
  /** Copying old data into the new shape, in batches. */
  readonly backfill?: BackfillPlan
  /** Statements that the running and the new release declare; each schema step proves that they still work. */
  readonly queries?: { readonly old: readonly NamedQuery[]; readonly next: readonly NamedQuery[] }
  /** How long the old release stays warm, without traffic, after every citizen has left it, in ms; absent: 0. The rollback window. */
  readonly warmMs?: number
  /** The release is proven in the shadow before its trial; absent: it is not. */
  readonly shadow?: ShadowingPlan
  /** Strategy rolling only. */
  readonly rolling?: RollingPlan
  /** Tenants get the release ring after ring; absent: shares of all citizens. */
  readonly rings?: RingsPlan
  /** What is deployed, when it is not the application itself: a rule set, a template, data. */
  readonly part?: PartPlan
  /** The application's release, when replicas are named after more than that; absent: `next.release`. */
  readonly application?: string
  /** Release of each artefact that is in force when this deployment is done, by the artefact's id. */
  readonly parts?: Readonly<Record<string, string>>
  /** Journey steps as the traffic layer recognises them, and what our synthetic citizen types into their forms. */
  readonly steps: readonly { readonly [key: string]: Json }[]
  readonly healthPath: string
  /** How long requests may take to leave a release before it is stopped all the same, in ms. */
  readonly drainMsMax: number
  readonly requestedBy: string
  /** People who must agree besides the one who asked. */
  readonly approvals: number
  /** What must be so before anything moves, in order. Absent: nothing, as for a release that is started again after a reboot. */
  readonly gates?: readonly GatePlan[]
  /** Who must agree, and for how long that holds; absent: nobody. */
  readonly approval?: ApprovalPlan
  readonly waiver?: Waiver
  /** Id of the environment that is meant; absent: the definition names none. */
  readonly environment?: string
  readonly artefact?: Artefact
  readonly reason: string
  /** Who is woken and what is said when the release is taken back. */
  readonly incident: IncidentPlan
}

/** A rollback that is not confirmed after this long pages a person: playbook promise of 2 minutes, with half a minute to spare. */
export const CONFIRM_MS = 90_000
/** How long traffic may be blind (no counts, no status) before we try to take the new release out. */
export const BLIND_MS = 20_000
/** How long the canary may have no healthy backend before that alone is proof. Longer than one restart of a replica. */
export const DEAD_MS = 3_000
/** How long a schema step may take where the plan says nothing; its statements have shorter time-outs of their own. */
export const EXPAND_MS = 30 * 60_000

export type Phase =
  /** `asked`: gates whose answer is waited for, by the effect that asks. */
  | {
      readonly name: 'gating'
      readonly stage: 'checks' | 'commands' | 'last'
      readonly asked: readonly { readonly gate: string; readonly effect: string }[]
      readonly deadline: Instant
    }
  | { readonly name: 'awaiting-approval'; readonly deadline: Instant }
  | {
      readonly name: 'expanding'
      readonly deadline: Instant
      /** `checking`: our synthetic citizen tries the running release on the widened schema. Absent: being applied. */
      readonly stage?: 'checking'
    }
  | { readonly name: 'starting' | 'attaching' | 'verifying'; readonly deadline: Instant }
  /** Copies of what citizens ask are answered and compared; nobody sees the answers. */
  | { readonly name: 'shadowing'; readonly since: Instant; readonly deadline: Instant }
  | { readonly name: 'contracting'; readonly deadline: Instant; readonly deadSince: Instant | null }
  | { readonly name: 'on-trial'; readonly deadSince: Instant | null }
  /** `confirmBy`: until then the traffic layer should have said that everybody is on the old release; null: it has. */
  | {
      readonly name: 'halted'
      readonly who: string
      readonly why: string
      readonly confirmBy: Instant | null
      readonly paged: boolean
    }
  | {
      readonly name: 'finishing'
      readonly stage: 'moving' | 'draining' | 'warm' | 'detaching' | 'stopping'
      /** Of `warm`: the instant at which the rollback window closes. */
      readonly deadline: Instant
      /** Since when no replica of the new release is healthy; null: one is. */
      readonly deadSince: Instant | null
    }
  | {
      readonly name: 'rolling-back'
      /** `restoring` and `refilling`: old replicas that a rolling deployment had stopped are started again. */
      readonly stage: 'restoring' | 'moving' | 'draining' | 'detaching' | 'stopping' | 'refilling'
      readonly because: string
      readonly deadline: Instant
      /** Null once traffic was confirmed on the old release. */
      readonly confirmBy: Instant | null
      readonly paged: boolean
    }
  | { readonly name: 'promoted' | 'rolled-back' | 'refused'; readonly why: string }
export type PhaseName = Phase['name']

export interface Steering {
  readonly version: number
  readonly generation: number
  readonly weight: number
  readonly moveFrom: Arm | null
  readonly stable: ArmBackends
  readonly canary: ArmBackends | null
  /** Which tenants may meet the canary; absent: all. */
  readonly tenants?: TenantRule
  /** The canary gets copies, as the plan says. */
  readonly shadow?: true
  readonly attempt: number
  /** When to ask again, after the traffic layer did not answer; null: answered, or still asking. */
  readonly retryAt: Instant | null
  readonly applied: boolean
}

/** The four clocks and two counts of facts on delivery: detect, act, drain, verify; failed requests, harmed sessions. */
export interface Measured {
  readonly startedAt: Instant
  readonly trialAt: Instant | null
  readonly firstFailedAt: Instant | null
  readonly decidedAt: Instant | null
  readonly appliedAt: Instant | null
  /** Last request that the release taken back was given, as its traffic layer measured. */
  readonly lastRequestAt: Instant | null
  readonly drainedAt: Instant | null
  readonly endedAt: Instant | null
  /** Answers failed by the traffic layer itself since the deployment began: promised to stay 0. */
  readonly failedByUsBefore: number | null
  readonly failedByUs: number
  readonly canarySessions: number
  readonly canaryFailed: number
}

export interface DeploymentState {
  readonly plan: DeploymentPlan
  readonly phase: Phase
  readonly history: readonly { readonly at: Instant; readonly phase: PhaseName; readonly why: string }[]
  readonly steering: Steering | null
  readonly canary: ArmBackends | null
  readonly trial: Trial | null
  /** Trials opened so far; see openNextTrial for how they share the false-rollback budget. */
  readonly trials: number
  /** Highest count batch taken into account. */
  readonly cursor: number
  /** Journey step with the strongest evidence against the canary; `slow`: mostly right answers that came too late. */
  readonly worst: { readonly journey: string; readonly step: string; readonly slow: boolean } | null
  /** The verdict holds the canary at low weight until it is cleared or proven. */
  readonly suspected: boolean
  readonly blindSince: Instant | null
  readonly lastWhy: string
  readonly chart: readonly { readonly at: Instant; readonly evidence: number; readonly weight: number }[]
  readonly measured: Measured
  /** Strategy rolling: how far the batches are. */
  readonly rolling?: Rolling
  /** Rings of tenants: which is on trial, and which are proven. */
  readonly rings?: Rings
  readonly backfill?: Backfill
  readonly shadow?: Shadowing
  /** The next deployment has ended the rollback window: what was still to be done to the schema is left to it. */
  readonly superseded?: boolean
  /** Somebody was already told that the release fails citizens while no old one is warm. */
  readonly lateHarm?: boolean
  /** Counts effects, so that each has an id of its own for ever. */
  readonly effects: number
  /** The release that serves citizens when this deployment is done. */
  readonly serving: string | null
  /** What came of each gate so far; absent: none was asked. */
  readonly gates?: readonly GateResult[]
  /** Who has agreed so far. */
  readonly approvals?: readonly Approval[]
  /** Who was told that the glass is broken, and how often that was tried. */
  readonly glassTold?: string
  readonly glassTries?: number
}

/** What the engine saw through the ports. `null` parts: the port did not answer, or was not asked in this phase. */
export interface DeploymentSeen {
  readonly status: {
    readonly version: number
    readonly generation: number
    /** Highest count batch closed so far. */
    readonly seq: number
    readonly failedByUs: number
    readonly backends: readonly {
      readonly arm: Arm
      readonly healthy: boolean
      readonly inFlight: number
      readonly upgraded: number
      readonly lastRequestAt?: Instant
      /** Absent where nothing asks for it. */
      readonly id?: string
    }[]
    /** What comparing copies came to; absent where nothing asks for it. */
    readonly shadow?: { readonly run: string | null; readonly sums: Sums }
  } | null
  readonly counts: { readonly batches: readonly CountBatch[]; readonly gap: boolean } | null
  /** Why a part is missing, in one sentence. */
  readonly why: string | null
}

export function newDeployment(plan: DeploymentPlan, now: Instant): Spawn {
  const deadline = now + EXPAND_MS
  const phase: Phase = asksBefore(plan)
    ? { name: 'gating', stage: 'checks', asked: [], deadline }
    : { name: 'expanding', deadline }
  const state: DeploymentState = {
    plan,
    phase,
    history: [{ at: now, phase: phase.name, why: plan.reason }],
    steering: null,
    canary: null,
    trial: null,
    trials: 0,
    cursor: -1,
    worst: null,
    suspected: false,
    blindSince: null,
    lastWhy: 'The deployment is about to start.',
    chart: [],
    measured: {
      startedAt: now,
      trialAt: null,
      firstFailedAt: null,
      decidedAt: null,
      appliedAt: null,
      lastRequestAt: null,
      drainedAt: null,
      endedAt: null,
      failedByUsBefore: null,
      failedByUs: 0,
      canarySessions: 0,
      canaryFailed: 0,
    },
    effects: 0,
    serving: plan.previous?.release ?? null,
  }
  return {
    id: plan.id,
    kind: 'deployment',
    state: state as unknown as Json,
    wakeAt: now,
    exclusive: `deployment:${plan.service}`,
  }
}
