import type { Ended, Seen, Trouble } from './visit.ts'

/** Where a crowd stands. Counts citizens unless it says otherwise. */
export interface Summary {
  readonly seconds: number
  readonly sessions: {
    /** Citizens who came. */
    readonly arrived: number
    readonly done: number
    readonly gaveUp: number
    /** Met at least one failing answer, slow ones included. */
    readonly harmed: number
    /** Under way when the crowd was stopped. */
    readonly cut: number
    readonly bots: number
    /** Did not come, because too many were there already: the load was then lower than asked for. */
    readonly shed: number
  }
  readonly requests: {
    readonly sent: number
    readonly ok: number
    readonly failed: number
    readonly slow: number
    /** Second tries among the sent. */
    readonly again: number
    /** GETs that a browser repeated by itself, because the kept connection had been closed. */
    readonly reconnected: number
    readonly perSecond: number
  }
  /** No answer, half an answer, or 502, 503, 504: failed by the deployment, not by the release. */
  readonly failedByDeployment: number
  readonly troubles: Readonly<Partial<Record<Trouble, number>>>
  /** Answers by release, where the service says which one answered. */
  readonly releases: Readonly<Record<string, number>>
  readonly ms: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number }
  /** The most that an arrival came later than its time, in ms: high means that the generator itself was too slow. */
  readonly lateMsMax: number
}

const MS_MAX = 60_000
/** Release names that are told apart; a service that sends more is not believed. */
const RELEASES_MAX = 20

export interface Tally {
  arrived(kind: 'citizen' | 'probe' | 'bot', lateMs: number): void
  shed(): void
  seen(seen: Seen): void
  ended(ended: Ended): void
  summary(seconds: number): Summary
}

export function newTally(): Tally {
  const sessions = { arrived: 0, done: 0, gaveUp: 0, harmed: 0, cut: 0, bots: 0, shed: 0 }
  const requests = { sent: 0, ok: 0, failed: 0, slow: 0, again: 0, reconnected: 0 }
  const troubles: Partial<Record<Trouble, number>> = {}
  const releases: Record<string, number> = {}
  const histogram = new Uint32Array(MS_MAX + 1)
  let lateMsMax = 0
  return {
    arrived: (kind, lateMs) => {
      if (kind === 'citizen') sessions.arrived++
      else sessions.bots++
      lateMsMax = Math.max(lateMsMax, lateMs)
    },
    shed: () => {
      sessions.shed++
    },
    seen: (seen) => {
      requests.sent++
      if (seen.ok) requests.ok++
      else requests.failed++
      if (seen.trouble === 'slow') requests.slow++
      if (seen.again) requests.again++
      if (seen.reconnected) requests.reconnected++
      if (seen.trouble) troubles[seen.trouble] = (troubles[seen.trouble] ?? 0) + 1
      if (seen.release && (seen.release in releases || Object.keys(releases).length < RELEASES_MAX))
        releases[seen.release] = (releases[seen.release] ?? 0) + 1
      histogram[Math.min(MS_MAX, Math.round(seen.ms))]!++
    },
    ended: (ended) => {
      if (ended.kind !== 'citizen') return
      if (ended.end === 'done') sessions.done++
      else if (ended.end === 'gave-up') sessions.gaveUp++
      else sessions.cut++
      if (ended.harmed) sessions.harmed++
    },
    summary: (seconds) => ({
      seconds,
      sessions: { ...sessions },
      requests: { ...requests, perSecond: seconds > 0 ? Math.round((requests.sent / seconds) * 10) / 10 : 0 },
      failedByDeployment: (troubles.connection ?? 0) + (troubles.truncated ?? 0) + (troubles.gateway ?? 0),
      troubles: { ...troubles },
      releases: { ...releases },
      ms: {
        p50: quantileOf(histogram, requests.sent, 0.5),
        p95: quantileOf(histogram, requests.sent, 0.95),
        p99: quantileOf(histogram, requests.sent, 0.99),
        max: quantileOf(histogram, requests.sent, 1),
      },
      lateMsMax: Math.round(lateMsMax),
    }),
  }
}

/** The smallest number of ms that this share of the answers needed at most. */
function quantileOf(histogram: Uint32Array, total: number, share: number): number {
  const wanted = Math.ceil(total * share)
  let counted = 0
  for (let ms = 0; ms < histogram.length; ms++) {
    counted += histogram[ms]!
    if (counted >= wanted) return ms
  }
  return MS_MAX
}
