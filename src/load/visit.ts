/**
 * One visit from its first request to its last.
 *
 *   think ──► ask ──► good? ── yes ──► next step
 *                      │ no
 *                      └──► wait, ask again once, as a person does ── good? ── yes ──► next step
 *                                                                       └── no ──► gives up
 */
import type { Visitor as Kind } from '../core/deploy/counts.ts'
import type { Instant } from '../core/time.ts'
import type { Browser, Got } from './browser.ts'
import type { Answer, Step, Visit } from './script.ts'

/**
 * Why an answer was not good. connection, truncated, gateway (502, 503, 504): failed by what stands between the citizen and
 * the release. status, marker, redirect: failed by the release. timeout: nobody waits that long. slow: right, but later than
 * the citizen limit. generator: we ourselves could not ask; nobody was harmed, and the figures of such a run are worth less.
 */
export type Trouble =
  | 'connection'
  | 'truncated'
  | 'gateway'
  | 'status'
  | 'marker'
  | 'redirect'
  | 'timeout'
  | 'slow'
  | 'generator'

/** One request, when its answer is there. */
export interface Seen {
  /** When the answer had come, so that a stream of these is in order. */
  readonly t: Instant
  readonly session: string
  readonly journey: string
  readonly step: string
  readonly counted: boolean
  readonly kind: Kind
  readonly segment: string
  /** Right status, marker and end; a slow answer is ok here, and `trouble` says slow. */
  readonly ok: boolean
  readonly ms: number
  readonly trouble: Trouble | null
  /** Status of the answer; 0: there was none. */
  readonly status: number
  /** What the connection said, where there was no whole answer; '' otherwise. */
  readonly why: string
  /** True for the second try of the same step. */
  readonly again: boolean
  readonly reconnected: boolean
  /** The answer's x-release header, where the service sends one; '' otherwise. */
  readonly release: string
}

/** How a visit ended. */
export interface Ended {
  readonly session: string
  readonly kind: Kind
  readonly segment: string
  readonly requests: number
  /** First failing answer of the visit, first tries and slow ones included; null: unharmed. */
  readonly harmed: {
    readonly journey: string
    readonly step: string
    readonly trouble: Trouble
    readonly t: Instant
  } | null
  /** done: walked to the end. gave-up: two failures at one step. cut: we stopped the crowd. */
  readonly end: 'done' | 'gave-up' | 'cut'
}

export interface Walk {
  readonly session: string
  readonly visit: Visit
  readonly browser: Browser
  /** Wall time in ms that never goes back. */
  readonly now: () => Instant
  readonly pause: (ms: number) => Promise<void>
  readonly stopped: () => boolean
  /** Wait before the second try, in ms. */
  readonly againMs: number
  /** Citizen limits in ms by "journey/step". */
  readonly limitsMs: Readonly<Record<string, number>>
  readonly onRequest: (seen: Seen) => void
}

export async function walk(of: Walk): Promise<Ended> {
  const { kind, segment } = of.visit
  let requests = 0
  let harmed: Ended['harmed'] = null
  const ended = (end: Ended['end']): Ended => ({ session: of.session, kind, segment, requests, harmed, end })
  const attempt = async (step: Step, path: string, again: boolean): Promise<boolean> => {
    const got = await of.browser.ask({ method: step.method, path, ...(step.form && { form: step.form }) })
    requests++
    const seen = judge(of, step, got, again)
    if (!harmed && seen.trouble && seen.trouble !== 'generator')
      harmed = { journey: step.journey, step: step.step, trouble: seen.trouble, t: seen.t }
    of.onRequest(seen)
    if (seen.ok && got.got === 'answer') step.learn?.(got.answer)
    return seen.ok
  }
  for (const step of of.visit.steps) {
    await of.pause(step.thinkMs)
    if (of.stopped()) return ended('cut')
    const path = typeof step.path === 'string' ? step.path : step.path()
    if (path === undefined || (await attempt(step, path, false))) continue
    await of.pause(of.againMs)
    if (of.stopped()) return ended('cut')
    if (!(await attempt(step, path, true))) return ended('gave-up')
  }
  return ended('done')
}

function judge(of: Walk, step: Step, got: Got, again: boolean): Seen {
  const failed = got.got === 'answer' ? troubleWith(step, got.answer) : got.got
  const limit = of.limitsMs[`${step.journey}/${step.step}`]
  const slow = !failed && step.counted && limit !== undefined && got.ms > limit
  return {
    t: of.now(),
    session: of.session,
    journey: step.journey,
    step: step.step,
    counted: step.counted,
    kind: of.visit.kind,
    segment: of.visit.segment,
    ok: failed === null,
    ms: Math.round(got.ms * 10) / 10,
    trouble: failed ?? (slow ? 'slow' : null),
    status: got.got === 'answer' ? got.answer.status : 0,
    why: got.got === 'answer' ? '' : got.why,
    again,
    reconnected: got.got === 'answer' && got.reconnected,
    release: got.got === 'answer' ? String(got.answer.headers['x-release'] ?? '') : '',
  }
}

/** What is wrong with an answer; null: nothing. */
export function troubleWith(step: Step, answer: Answer): Trouble | null {
  if (!step.okStatus.includes(answer.status)) return [502, 503, 504].includes(answer.status) ? 'gateway' : 'status'
  if (step.leadsTo !== undefined && answer.headers.location !== step.leadsTo) return 'redirect'
  // A redirect has no page to search.
  const isPage = answer.status < 300 || answer.status >= 400
  if (step.marker !== undefined && isPage && !answer.body.includes(step.marker)) return 'marker'
  return null
}
