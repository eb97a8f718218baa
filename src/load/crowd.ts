/**
 * An open-loop crowd: citizens arrive by a Poisson process, whether or not the service answers those who are there already.
 * That is what a public service meets; a closed loop would go easy on a slow release by waiting for it.
 */
import type { Instant } from '../core/time.ts'
import { openBrowser } from './browser.ts'
import { chanceOf } from './chance.ts'
import type { Script } from './script.ts'
import { newTally, type Summary } from './tally.ts'
import { type Ended, type Seen, walk } from './visit.ts'

export interface CrowdOptions {
  /** Where the service is, e.g. "http://127.0.0.1:8080". Plain HTTP only. */
  readonly url: string
  /** Requests a second that the crowd aims at, 0.1 to 10,000: visits a second times the script's mean of requests. */
  readonly ratePerSecond: number
  readonly script: Script
  /** The same seed sends the same people at the same moments. */
  readonly seed: number
  /** Ends by itself after so many visits; absent: no end. */
  readonly sessionsMax?: number
  /** Ends by itself after this long, in ms; absent: no end. */
  readonly durationMs?: number
  /** Visits under way at once, default 2,000. Beyond it arrivals are shed, and counted. */
  readonly underWayMax?: number
  /** Nobody waits longer for an answer, in ms, default 30,000. */
  readonly timeoutMs?: number
  /** Multiplies every pause of a person; 0 for tests. Default 1. */
  readonly pace?: number
  /** Wait before the second try of a failed step, in ms, before `pace`. Default 1,500. */
  readonly againMs?: number
  /** Citizen limits in ms by "journey/step". A right answer after it harms, too. */
  readonly limitsMs?: Readonly<Record<string, number>>
  readonly onRequest?: (seen: Seen) => void
  readonly onSession?: (ended: Ended) => void
}

export interface Crowd {
  /** Nobody new arrives; those under way may finish for `graceMs` (default 5,000), then they are cut. */
  stop(graceMs?: number): Promise<Summary>
  /** Settles when the crowd has ended by itself or by `stop`. */
  readonly done: Promise<Summary>
  summary(): Summary
}

const UNDER_WAY_MAX = 2_000
const TIMEOUT_MS = 30_000
const AGAIN_MS = 1_500
const GRACE_MS = 5_000

export function startCrowd(options: CrowdOptions): Crowd {
  const url = new URL(options.url)
  const chance = chanceOf(options.seed)
  const arrivals = chance.fork(-1)
  const gapMs = (1_000 * options.script.requestsMean) / options.ratePerSecond
  const tally = newTally()
  const sleepers = new Set<() => void>()
  const underWay = new Set<Promise<void>>()
  const begun = performance.now()
  // Wall time once, then a clock that never goes back: the stream is promised to be in order.
  const origin = Date.now() - begun
  const now = (): Instant => Math.round(origin + performance.now())
  let arrivalTimer: NodeJS.Timeout | undefined
  let arriving = true
  let cut = false
  let count = 0
  let nextMs = arrivals.exponential(gapMs)
  let settle: (summary: Summary) => void = () => {}
  const done = new Promise<Summary>((resolve) => {
    settle = resolve
  })

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      if (cut) return resolve()
      const wake = () => {
        clearTimeout(timer)
        sleepers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms * (options.pace ?? 1))
      sleepers.add(wake)
    })

  const arrive = (lateMs: number) => {
    const n = count++
    if (underWay.size >= (options.underWayMax ?? UNDER_WAY_MAX)) return tally.shed()
    const visit = options.script.visit(n, chance.fork(n))
    tally.arrived(visit.kind, lateMs)
    const { userAgent, keepAlive } = visit
    const browser = openBrowser({ url, userAgent, keepAlive, timeoutMs: options.timeoutMs ?? TIMEOUT_MS })
    const going = walk({
      session: `s${options.seed}-${n}`,
      visit,
      browser,
      now,
      pause,
      stopped: () => cut,
      againMs: options.againMs ?? AGAIN_MS,
      limitsMs: options.limitsMs ?? {},
      onRequest: (seen) => {
        tally.seen(seen)
        options.onRequest?.(seen)
      },
    }).then((ended) => {
      tally.ended(ended)
      options.onSession?.(ended)
      browser.close()
      underWay.delete(going)
      if (!arriving && underWay.size === 0) settle(summary())
    })
    underWay.add(going)
  }

  const endArrivals = () => {
    arriving = false
    clearTimeout(arrivalTimer)
    if (underWay.size === 0) settle(summary())
  }

  const tick = () => {
    const elapsed = performance.now() - begun
    while (arriving && nextMs <= elapsed) {
      if (count >= (options.sessionsMax ?? Infinity) || nextMs >= (options.durationMs ?? Infinity)) return endArrivals()
      arrive(elapsed - nextMs)
      nextMs += arrivals.exponential(gapMs)
    }
    arrivalTimer = setTimeout(tick, Math.max(1, nextMs - (performance.now() - begun)))
  }

  const summary = () => tally.summary(Math.round(performance.now() - begun) / 1_000)

  const stop = async (graceMs = GRACE_MS) => {
    if (arriving) endArrivals()
    const timer = setTimeout(() => {
      cut = true
      for (const wake of [...sleepers]) wake()
    }, graceMs)
    const last = await done
    clearTimeout(timer)
    return last
  }
  tick()
  return { stop, done, summary }
}
