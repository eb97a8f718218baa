/** What the two halves of the gateway tell each other over their channel, as JSON. */
import type { Arm } from '../core/deploy/counts.ts'
import type { Sums } from '../core/shadow/tally.ts'
import type { Answer } from '../core/traffic/ledger.ts'
import type { WorkerOptions } from '../ports/gateway.ts'
import type { TrafficConfig } from '../ports/traffic.ts'

/** One backend as one worker sees it; the primary adds the workers up. */
export interface BackendSight {
  readonly id: string
  readonly arm: Arm
  readonly healthy: boolean
  readonly inFlight: number
  readonly upgraded: number
  /** Epoch ms; 0: none yet. */
  readonly lastRequestAt: number
}

export interface Tolls {
  readonly requests: number
  readonly failedByUs: number
  readonly shadowSent: number
  readonly shadowShed: number
}

/** What copies compared since the last report came to. */
export interface ShadowSums {
  readonly run: string
  readonly sums: Sums
}

export const NO_TOLLS: Tolls = { requests: 0, failedByUs: 0, shadowSent: 0, shadowShed: 0 }

export type ToWorker =
  /** Goes with the listening socket. `key` is hex. */
  | {
      readonly kind: 'serve'
      readonly config: TrafficConfig | null
      readonly key: string
      readonly options: WorkerOptions
    }
  | { readonly kind: 'config'; readonly ask: number; readonly config: TrafficConfig }
  | { readonly kind: 'sight'; readonly ask: number }
  | { readonly kind: 'close-upgraded'; readonly ask: number; readonly arm: Arm; readonly overMs: number }
  /** Take no new connections, finish what is there, then go. */
  | { readonly kind: 'drain' }

export type ToPrimary =
  | { readonly kind: 'hello' }
  | { readonly kind: 'serving'; readonly port: number }
  | { readonly kind: 'cannot-listen'; readonly code: string }
  | { readonly kind: 'done'; readonly ask: number; readonly sights?: readonly BackendSight[] }
  /** What happened since the last report: sums to add, answers to judge. */
  | {
      readonly kind: 'report'
      readonly tolls: Tolls
      readonly answers: readonly Answer[]
      readonly shadow?: ShadowSums
    }

export const WORKER_OPTIONS: WorkerOptions = {
  checkEveryMs: 1_000,
  checkTimeoutMs: 2_000,
  fallAfter: 3,
  riseAfter: 2,
  // Linux asks again 1, 3 and 7 s after a connection that a full backlog has dropped: three more tries. A machine that is starved
  // then makes its citizens wait, where 3 s lost them.
  connectMs: 10_000,
  uploadIdleMs: 60_000,
  // The longest citizen limit that a step may have.
  answerMs: 600_000,
  headMs: 30_000,
  keepAliveMs: 70_000,
  drainIdleMs: 30_000,
}
