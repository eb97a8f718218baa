import type { Arm, CountBatch } from '../core/deploy/counts.ts'
import type { Sums } from '../core/shadow/tally.ts'
import type { Instant } from '../core/time.ts'
import type { TenantRule } from '../core/traffic/tenant.ts'
import type { Refused, Unreachable } from './unreachable.ts'

/** One address that answers for a release. `id` is unique within the configuration and stays the same across changes. */
export interface Backend {
  readonly id: string
  readonly host: string
  readonly port: number
}

export interface ArmConfig {
  /** The release's name as the definition and the log know it. */
  readonly release: string
  readonly backends: readonly Backend[]
}

/** How a request is recognised as an attempt at a journey step, and what makes its answer good. */
export interface StepMatch {
  readonly journey: string
  readonly step: string
  readonly method: string
  /** Path without query; `:name` matches one segment, a trailing `*` the rest: `/apply/:id/answers`. */
  readonly route: string
  /** Statuses that are an answer to the citizen: their own validation error (422) is one, a 500 is not. */
  readonly okStatus: readonly number[]
  /** Text that a good HTML answer contains (first 64 KiB looked at); absent: any. Redirects are not searched. */
  readonly marker?: string
  /** Time after which the citizen has given up, in ms, 1 to 600,000, to the last byte of the answer. */
  readonly limitMs: number
}

export interface ShadowOrder {
  readonly to: Arm
  /** Copies under way at once, 1 to 1,000; what comes beyond is shed, and counted. */
  readonly inFlightMax: number
  /** Sums begin anew with each new name, e.g. the deployment's id. */
  readonly run: string
  /** Text of the manifest of intended differences (core/shadow/manifest.ts); '' for none. At most 256 KiB. */
  readonly manifest: string
  /** Largest difference of two figures that is none, 0 or more. */
  readonly tolerance: number
  /**
   * Steps ("journey/step") whose unsafe requests are copied too. Only for releases that change nothing when they see `X-Shadow: 1`.
   * All GET and HEAD requests are copied.
   */
  readonly unsafe: readonly string[]
}

export interface TrafficConfig {
  /** Epoch of the engine that orders this. Implementations MUST refuse a lower one than the highest they have obeyed. */
  readonly epoch: number
  /** Rises with every change; the same version twice is one change. */
  readonly version: number
  readonly stable: ArmConfig
  /** Absent: there is one release, and it gets everything. */
  readonly canary?: ArmConfig
  /** Share of new sessions that the canary gets, 0 to 1. 0 and sessionsFrom 'canary' together is a rollback. */
  readonly weight: number
  /**
   * Raised to move sessions. When it is higher than before, sessions that hold a seat in `moveFrom` are seated anew in
   * the other arm at their next request, and units open at that moment close as they stand.
   */
  readonly generation: number
  readonly moveFrom?: Arm
  /**
   * Seats sessions by the ring of their tenant instead of by `weight`, which then is the highest of the rings'. Counts carry the ring
   * before their segment. An implementation that cannot tell tenants apart MUST NOT accept a configuration with it. Absent: no rings.
   */
  readonly tenants?: TenantRule
  /** Copies of requests to the arm that did not answer; the copies' answers are compared and dropped. */
  readonly shadow?: ShadowOrder
  readonly steps: readonly StepMatch[]
  /**
   * Header and secret that mark our own synthetic journeys. The value is the secret, or `SECRET;arm=canary` (or `stable`) to
   * verify a release in private.
   */
  readonly probe: { readonly header: string; readonly secret: string }
  readonly healthPath: string
}

export interface BackendHealth {
  readonly id: string
  readonly arm: Arm
  readonly healthy: boolean
  readonly inFlight: number
  /** Open upgraded connections (websockets), which drain only by order. */
  readonly upgraded: number
  /** Moment of the last citizen request that this backend was given; absent: none yet. */
  readonly lastRequestAt?: Instant
}

export interface TrafficStatus {
  readonly epoch: number
  readonly version: number
  readonly weight: number
  readonly generation: number
  readonly backends: readonly BackendHealth[]
  /** Highest batch number closed so far; 0: none. */
  readonly seq: number
  /**
   * Answers that failed because of the traffic layer itself, since its start: no healthy backend, connection refused after
   * retries, cut by a drain. A deployment promises that this does not rise.
   */
  readonly failedByUs: number
  readonly requests: number
  /** `run` and `sums`: what the comparison of the run in force came to; null: none is ordered. */
  readonly shadow: { readonly sent: number; readonly shed: number; readonly run: string | null; readonly sums: Sums }
}

export interface CountsAnswer {
  /** Oldest first, all with `seq` above the one asked for. At most 1,000. */
  readonly batches: readonly CountBatch[]
  /** True when batches between the asked one and the first returned are gone: evidence was lost, and we say so. */
  readonly gap: boolean
}

/**
 * Traffic decides which release answers a citizen's request. Implementations:
 * - MUST treat the same configuration (epoch and version) twice as one change.
 * - MUST answer 'applied' without a change to a version below the one in force at the same epoch: it came late.
 * - MUST refuse an epoch lower than the highest obeyed, and keep that number over a restart.
 * - MUST NOT cut a request that has already reached a release, nor send one request to two releases
 *   (shadow copies aside).
 * - MUST go on serving the last configuration while the engine and the store are dead, and after a restart of their own.
 * - MUST keep a session on its arm until it is moved, and throw its coin once.
 * - answer within 5 s; longer is Unreachable.
 */
export interface Traffic {
  apply(config: TrafficConfig): Promise<'applied' | Refused | Unreachable>
  status(): Promise<TrafficStatus | Unreachable>
  counts(afterSeq: number): Promise<CountsAnswer | Unreachable>
  /** Close upgraded connections of an arm with a reconnect hint, spread over `overMs`. */
  closeUpgraded(arm: Arm, overMs: number, epoch: number): Promise<'closing' | Refused | Unreachable>
}
