/** When would we have paged? The watch of the engine, driven by a recorded stream of requests instead of by the traffic layer. */
import type { Entry } from '../machine.ts'
import type { Instant } from '../time.ts'
import { type Request, SessionUnits } from '../deploy/units.ts'
import type { WatchPlan } from './plan.ts'
import { LOOK_MS, newWatch, type WatchSeen, type WatchState, watchMachine } from './watching.ts'

/** One line of `watch replay --json` (DESIGN, "Interfaces that stay put"). A ticket is a step that fails beside one that has paged. */
export interface WatchEvent {
  readonly t: Instant
  readonly event: 'page' | 'ticket' | 'clear'
  readonly journey: string
  readonly step: string
  readonly why: string
  readonly harmedSoFar: number
  readonly since: Instant
}

const EVENTS: Readonly<Record<string, WatchEvent['event']>> = {
  'watch.paged': 'page',
  'watch.also': 'ticket',
  'watch.cleared': 'clear',
}
/** A silence of the recording is walked through in looks; longer ones change nothing any more, so they are jumped over. */
const LOOKS_MAX = 1_000

export class WatchReplay {
  readonly #units: SessionUnits
  readonly #plan: WatchPlan
  #state: WatchState | undefined
  #next = 0
  #last = 0
  #seq = 0

  constructor(plan: WatchPlan, limitMsOf: (journey: string, step: string) => number) {
    this.#plan = plan
    this.#units = new SessionUnits(limitMsOf)
  }

  /** Requests in order of time. Gives what happened before this one. */
  add(request: Request): WatchEvent[] {
    const events = this.#lookUntil(request.t)
    // A recording has no trial whose deployment would judge the new release: both arms are the service.
    this.#units.add({ ...request, arm: 'stable' }, 0)
    return events
  }

  /** What is left when the recording ends. */
  end(): WatchEvent[] {
    return this.#state ? this.#look(this.#next) : []
  }

  #lookUntil(t: Instant): WatchEvent[] {
    if (!this.#state) {
      this.#state = newWatch(this.#plan, t).state as unknown as WatchState
      this.#next = t
      // The first look only takes note of where the counts stand.
      this.#look(t)
      return []
    }
    const events: WatchEvent[] = []
    for (let looks = 0; this.#next <= t; looks++) {
      if (looks === LOOKS_MAX) this.#next = t
      events.push(...this.#look(this.#next))
    }
    return events
  }

  #look(now: Instant): WatchEvent[] {
    const counts = this.#units.take()
    const batches = counts.length > 0 ? [{ seq: ++this.#seq, from: this.#last, to: now, counts }] : []
    const seen: WatchSeen = { counts: { batches, gap: false }, seq: this.#seq, why: null, ended: false }
    const { state, entries, wakeAt } = watchMachine.react(this.#state!, { kind: 'tick', seen }, now)
    this.#state = state
    this.#last = now
    this.#next = wakeAt ?? now + LOOK_MS
    return entries.flatMap((entry) => eventOf(entry, now))
  }
}

function eventOf({ kind, why, data }: Entry, t: Instant): WatchEvent[] {
  const event = EVENTS[kind]
  if (!event) return []
  const { journey, step, failed, since } = data as unknown as {
    journey: string
    step: string
    failed: number
    since: Instant
  }
  return [{ t, event, journey, step, why, harmedSoFar: failed, since }]
}
