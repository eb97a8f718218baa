/**
 * Slow start: how many citizens may meet a new release before anybody can have answered for them.
 *
 * Between a citizen's failure and the order that sends the next one elsewhere lies the loop: settling, batch, look, order. Whoever
 * arrives within it is harmed whatever the evidence says, so a share of a busy service harms more citizens than the same share of a
 * quiet one. The pace bounds them: at every step, arrivals within one loop × the chance that the release fails them, as far as its own
 * citizens have shown, stay below HARM_IN_LOOP. That chance is (failed + 1) / (units + 1): 1 before anybody came,
 * halved by the first good answer, 1 for as long as everybody fails. The share it allows doubles about each loop while all goes well
 * (a quiet service never notices), and stays where it is while citizens fail, however high the first rung and however busy the hour.
 */
import type { Instant } from '../time.ts'
import { WALK_MS } from './ramp.ts'
import type { Trial } from './trial-shape.ts'

/** Citizens, in expectation, that may be harmed within one loop by a fault that nobody has shown yet. A choice. */
const HARM_IN_LOOP = 0.5
/** The loop of the built-in gateway, in ms: 250 of settling, half a batch, a look, and the order (bench/drills.ts measures it). */
const LOOP_MS = 400
/** Counts of less time than this say nothing about how many citizens come; until then the share is at most START_SHARE. */
const KNOWN_MS = 500
const START_SHARE = 0.002
/** No share is asked for that a balancer could not set. */
const SHARE_LEAST = 0.001
/** Units after which the gates of the climb and the alarm know more than the pace does. */
const UNITS_MAX = 200
/** How fast old arrivals fade, in ms. */
const FADE_MS = 10_000
/** A step whose first citizen took t to come has seen most of those who come when three times t are over. A choice. */
const RIPE = 3
/** Where the steps are learned, citizens who walk this long have shown most of them. */
const LEARN_MS = 60_000
/** One look that is late (an engine that died) makes the loop at most this much longer. */
const LATE = 4
/** A share is changed when the new one differs from it by this factor: each change opens a batch of evidence of its own. */
const FACTOR = 1.5

export interface Pace {
  /** Highest share of new sessions allowed now, above 0 to 1. */
  readonly cap: number
  /** The step that allows no more; null: it is not known yet how many come, or which steps there are. */
  readonly step: number | null
  /** Units at each step, both arms, fading; in `ms` of time that fades likewise. */
  readonly units: readonly number[]
  readonly ms: number
  /** Where the last batch ended: a quiet moment makes no batch, and counts all the same. Null: none yet. */
  readonly until: Instant | null
  /** For each step: ms from the trial's beginning to its first citizen, in either arm; null: nobody has been there. */
  readonly met: readonly (number | null)[]
  /** Length of the loop as seen from the looks, in ms (0: not seen yet), and the last look. */
  readonly loopMs: number
  readonly lookedAt: Instant | null
}

export const STANDING: Pace = {
  cap: START_SHARE,
  step: null,
  units: [],
  ms: 0,
  until: null,
  met: [],
  loopMs: 0,
  lookedAt: null,
}

/** The share at which a new release begins that nobody has shown anything of, when sessions come at `perMs`: `share`, or what the loop allows. */
export function firstShare(share: number, perMs: number): number {
  return Math.min(share, HARM_IN_LOOP / Math.max(1e-12, perMs * LOOP_MS))
}

/** The pace with one more batch, in which `units` closed at each step, at `to`. `openedAt`: when the trial began. */
export function paceOf(before: Pace, openedAt: Instant, to: Instant, units: readonly number[]): Pace {
  const ms = Math.max(0, to - (before.until ?? openedAt))
  const fades = Math.exp(-ms / FADE_MS)
  return {
    ...before,
    // A counter's clock that was set back counts on from where it is: else no time would pass, and citizens all the same.
    until: to,
    units: units.map((count, i) => rounded((before.units[i] ?? 0) * fades + count)),
    ms: rounded(before.ms * fades + ms),
    met: units.map((count, i) => before.met[i] ?? (count > 0 ? Math.max(0, to - openedAt) : null)),
  }
}

/** The pace at a look. A loop that is once longer (an engine that died) counts in part, a short one at once brings no haste. */
export function paced(trial: Trial, now: Instant): Pace {
  const { pace, plan } = trial
  // An instant switch is what blue-green is chosen for; a suspicion takes its share away like any other.
  const instant = plan.strategy === 'blue-green' && trial.phase.phase !== 'suspect'
  if (plan.recorded || plan.atOnce || instant) return { ...pace, lookedAt: now, cap: 1 }
  const loopMs = loopOf(pace, now)
  const { cap, step } = capOf({ ...trial, pace: { ...pace, loopMs: Math.max(LOOP_MS, loopMs) } }, now)
  const moves = cap >= 1 || cap >= pace.cap * FACTOR || cap * FACTOR <= pace.cap
  return { ...pace, loopMs, lookedAt: now, step, cap: moves ? cap : pace.cap }
}

function loopOf({ loopMs, lookedAt }: Pace, now: Instant): number {
  if (lookedAt === null) return 0
  const gap = Math.max(LOOP_MS, now - lookedAt)
  return loopMs === 0 ? gap : Math.max(LOOP_MS, Math.min(Math.round((loopMs + gap) / 2), loopMs * LATE))
}

function capOf(trial: Trial, now: Instant): Pick<Pace, 'cap' | 'step'> {
  const { pace, plan, steps, openedAt } = trial
  if (pace.ms < KNOWN_MS) return { cap: START_SHARE, step: null }
  // What share `units` in `pace.ms` allow, when each of them fails with the chance `fails`.
  const allows = (units: number, fails: number) => (HARM_IN_LOOP * pace.ms) / (units * pace.loopMs * fails)
  let cap = plan.learns && now - openedAt < LEARN_MS ? Math.min(1, allows(Math.max(0, ...pace.units), 1)) : 1
  let step: number | null = null
  for (const [i, { shown }] of steps.entries()) {
    if (shown.units >= UNITS_MAX) continue
    // Until it is known how many come to a step, everybody who began its journey may still be on the way.
    const comes = isRipe(trial, i, now) ? (pace.units[i] ?? 0) : busiest(trial, i)
    const here = allows(comes, (shown.failed + 1) / (shown.units + 1))
    if (here >= cap) continue
    cap = here
    step = i
  }
  return { cap: Math.max(SHARE_LEAST, Number(cap.toPrecision(2))), step }
}

/** True when the counts of step `index` say how many come there. A step that is learned late is one that few have come to. */
function isRipe({ pace, plan, openedAt }: Trial, index: number, now: Instant): boolean {
  const age = now - openedAt
  const met = pace.met[index] ?? Number.POSITIVE_INFINITY
  return age >= WALK_MS || age >= RIPE * met || (plan.learns === true && met > LEARN_MS)
}

/** Units at the busiest step of the journey that step `index` belongs to. */
function busiest({ pace, plan }: Trial, index: number): number {
  const { journey } = plan.steps[index]!
  return Math.max(0, ...pace.units.filter((_, i) => plan.steps[i]?.journey === journey))
}

/** Stored with the trial at each tick. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
