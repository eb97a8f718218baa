/**
 * A drill: a release is made bad on purpose, in a sandbox, and taken back. Here is what a drill came to, whether that is a pass, and the
 * words and the log entry for it. Terms: *decision*, the moment at which it was decided to take the release back; *act*, from the
 * decision to the last request that the bad release got; *whole*, from the decision until everything was drained and the journeys
 * were walked on the old release.
 */
import type { Json } from '../json.ts'
import type { Entry } from '../machine.ts'
import { durationOf, MINUTE } from '../time.ts'
import { plural } from '../words.ts'
import type { DrillFault } from './fault.ts'

/** What one drill measured. Times in ms; null: it never came to that. */
export interface DrillFigures {
  readonly fault: string
  /** Phase in which the deployment ended, e.g. "rolled-back". */
  readonly end: string
  /** True when Holdfast decided by itself; false: it had to be ended by hand, because nothing was noticed. */
  readonly noticed: boolean
  /** First bad answer that a citizen got, to the decision. */
  readonly detectMs: number | null
  readonly actMs: number | null
  /** Decision, to the last request finished on the bad release. */
  readonly drainMs: number | null
  readonly wholeMs: number | null
  /** Citizens who met the bad release, and those whom it failed: counted by the citizens themselves. */
  readonly sessions: number
  readonly harmed: number
  /** Of the harmed: first failed by an answer that came after the decision. */
  readonly harmedAfter: number
  /** Failing answers of the old release meanwhile: none of them the drill's. */
  readonly failedByOld: number
  /** Requests failed by the deployment itself: no answer, half an answer, or nobody there to answer. */
  readonly failedByDeployment: number
  /** Release that answered everybody before, and the one that does afterwards, as the traffic layer says; null: it does not say. */
  readonly old: string | null
  readonly serving: string | null
  /** The journeys on the old release afterwards; `why` is what was wrong, or how many steps were tried. */
  readonly journeys: { readonly ok: boolean; readonly why: string }
  /** Sentence of the decision. */
  readonly why: string
}

export interface DrillJudged {
  readonly passed: boolean
  /** What was not as promised, each a sentence. */
  readonly misses: readonly string[]
}

/** Whether a drill came to what is promised of every rollback. `wholeMsMax`: `deployment.rollback.maxMinutes` of the definition, in ms. */
export function judgeRehearsal(figures: DrillFigures, wholeMsMax: number): DrillJudged {
  const { end, noticed, wholeMs, old, serving, journeys, failedByDeployment } = figures
  const misses = [
    ...(end === 'rolled-back' ? [] : [`The deployment ended as "${end}", not as "rolled-back".`]),
    ...(noticed ? [] : ['Nothing was noticed; the release had to be taken back by hand.']),
    ...(serving !== null && serving === old
      ? []
      : [`${serving ?? 'Nobody knows what'} answers citizens; it should be ${old ?? 'what did before'}.`]),
    ...(journeys.ok ? [] : [`The journeys do not work afterwards: ${journeys.why}`]),
    ...(wholeMs !== null && wholeMs > wholeMsMax
      ? [`It took ${durationOf(wholeMs)}; ${durationOf(wholeMsMax)} are promised.`]
      : []),
    ...(failedByDeployment === 0
      ? []
      : [`${plural(failedByDeployment, 'request')} failed because of the deployment itself; none may.`]),
  ]
  return { passed: misses.length === 0, misses }
}

/** Smallest, middle and largest of what was measured; null where nothing was. */
export interface Spread {
  readonly median: number
  readonly worst: number
}

export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((one): one is number => one !== null).sort((a, b) => a - b)
  if (known.length === 0) return null
  const middle = known.length >> 1
  const median = known.length % 2 === 1 ? known[middle]! : (known[middle - 1]! + known[middle]!) / 2
  return { median, worst: known[known.length - 1]! }
}

/** A whole rehearsal: what was rehearsed, and every drill of it. */
export interface Rehearsal {
  readonly release: string
  /** Drills that were asked for; fewer are there when it was interrupted or could not go on. */
  readonly wanted: number
  readonly drills: readonly (DrillFigures & DrillJudged)[]
  /** Why it ended early; null: it did not. */
  readonly aborted: string | null
  /** The promise that the drills were held against, in ms. */
  readonly wholeMsMax: number
}

/** Only a rehearsal in which every drill that was asked for came to its end, and passed, is a pass. */
export function rehearsalPassed({ wanted, drills, aborted }: Rehearsal): boolean {
  return aborted === null && wanted > 0 && drills.length === wanted && drills.every(({ passed }) => passed)
}

/** The sentence for somebody at 3am: does going back work, and how long does it take? */
export function rehearsalSays(rehearsal: Rehearsal): string {
  const { release, drills, aborted, wholeMsMax } = rehearsal
  const bad = drills.find(({ passed }) => !passed)
  const times = drills.length === 1 ? '' : ` ${plural(drills.length, 'time')}`
  if (aborted !== null) return `Not rehearsed: ${aborted} This counts as no rehearsal.`
  if (bad) return `Taking release ${release} back does not work as promised. ${bad.misses.join(' ')}`
  const act = spreadOf(drills.map(({ actMs }) => actMs))
  const whole = spreadOf(drills.map(({ wholeMs }) => wholeMs))
  const harmed = spreadOf(drills.map((one) => one.harmed))
  return (
    `Taking a release back works: release ${release} was made bad${times} and taken back. ` +
    `${act ? `It got its last request at most ${durationOf(act.worst)} after the decision; e` : 'E'}verything was done within ` +
    `${durationOf(whole?.worst ?? 0)}, where ${durationOf(wholeMsMax)} are promised. ` +
    `${plural(harmed?.worst ?? 0, 'citizen session')} harmed${drills.length > 1 ? ' at most' : ''}, no request failed by the deployment.`
  )
}

/** Drills that an entry of the log tells one by one; the sums tell of all. */
const TOLD_MAX = 100

/** What goes into the log of the real service: the drill gate and evidence packs read it. An aborted rehearsal never counts as passed. */
export function rehearsalEntry(rehearsal: Rehearsal, who: string): Entry {
  const { release, drills, wanted, aborted, wholeMsMax } = rehearsal
  const passed = rehearsalPassed(rehearsal)
  const sum = (of: (drill: DrillFigures) => number) => drills.reduce((total, one) => total + of(one), 0)
  const spread = (of: (drill: DrillFigures) => number | null) => spreadOf(drills.map(of)) as unknown as Json
  return {
    kind: passed ? 'drill.passed' : 'drill.failed',
    subject: release,
    who,
    why: rehearsalSays(rehearsal),
    data: {
      release,
      wanted,
      done: drills.length,
      passed: drills.filter((one) => one.passed).length,
      aborted,
      promisedMs: wholeMsMax,
      detectMs: spread(({ detectMs }) => detectMs),
      actMs: spread(({ actMs }) => actMs),
      wholeMs: spread(({ wholeMs }) => wholeMs),
      harmed: spread(({ harmed }) => harmed),
      failedByDeployment: sum((one) => one.failedByDeployment),
      drills: drills.slice(0, TOLD_MAX).map(toldOf),
    },
  }
}

function toldOf({
  fault,
  end,
  passed,
  detectMs,
  actMs,
  drainMs,
  wholeMs,
  sessions,
  harmed,
  misses,
}: DrillFigures & DrillJudged): Json {
  return { fault, end, passed, detectMs, actMs, drainMs, wholeMs, sessions, harmed, misses }
}

/** Lines for a person after each drill. */
export function drillLines(figures: DrillFigures & DrillJudged, release: string): string[] {
  const { sessions, harmed, harmedAfter, detectMs, actMs, drainMs, wholeMs, journeys, failedByDeployment } = figures
  const timed = (says: string, ms: number | null) => (ms === null ? [] : [`${says}: ${durationOf(ms)}`])
  const after = harmedAfter > 0 ? `, ${harmedAfter} of them after the decision` : ''
  return [
    figures.why,
    `${plural(sessions, 'citizen session')} met ${release}; ${harmed} were harmed${after}.`,
    ...timed('First bad answer to decision', detectMs),
    ...timed(`Decision to the last request on ${release}`, actMs),
    ...timed(`Decision to its last request finished`, drainMs),
    ...timed('Decision to journeys checked on the old release', wholeMs),
    `Journeys afterwards: ${journeys.ok ? 'they work' : 'THEY DO NOT WORK'} (${journeys.why}). Requests failed by the deployment: ${failedByDeployment}.`,
    ...figures.misses,
  ]
}

/** Cycles through what was asked for. */
export function faultOf(faults: readonly DrillFault[], drill: number): DrillFault {
  return faults[drill % faults.length]!
}

/** How long a drill waits for a decision before it ends the deployment by hand, in ms: the slowest fault of the facts at little traffic. */
export const NOTICE_MS_MAX = 15 * MINUTE
