/** What the built-in gateway's control socket tells and takes beyond ports/traffic.ts. */
import type { TrafficStatus } from './traffic.ts'

/** What `GET /status` tells. */
export interface GatewayStatus extends TrafficStatus {
  readonly pid: number
  readonly port: number
  readonly workers: readonly { readonly pid: number; readonly state: string }[]
  readonly sessions: number
}

/** Numbers that production leaves alone and tests make small. All in ms unless named otherwise. */
export interface WorkerOptions {
  /** Between two health checks of a backend. */
  readonly checkEveryMs: number
  readonly checkTimeoutMs: number
  /** Failed checks in a row until a backend gets no more requests. */
  readonly fallAfter: number
  /** Good checks in a row until one that fell gets requests again. */
  readonly riseAfter: number
  /** Until a connection to a backend must stand. */
  readonly connectMs: number
  /** An upload in which nothing arrives for so long is given up. Slow ones that keep moving are not. */
  readonly uploadIdleMs: number
  /** Until a backend must have begun its answer. */
  readonly answerMs: number
  /** Until a client must have sent its request's head. */
  readonly headMs: number
  /** How long an idle client connection is kept open; above the 60 s that balancers in front usually keep theirs. */
  readonly keepAliveMs: number
  /** In a worker that is being replaced: idle connections are closed after so long. Requests are never cut. */
  readonly drainIdleMs: number
}
