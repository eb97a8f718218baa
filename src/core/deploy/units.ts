/**
 * From single requests to units of evidence (counts.ts): for streams that were recorded, or that come from a world which does
 * not count for us. The built-in gateway counts by itself.
 *
 * A stream cannot wait to see whether a session comes back to a step, because evidence would arrive late by as much: a good
 * answer counts at once, and a session that fails at that step afterwards counts as failed too, once. A session's arm is the
 * one its first request met. When it turns up in the other arm later, it was moved and gives no more evidence, whichever way
 * it went. Where many sessions wander (no stickiness at all), each unit belongs to the arm that answered it.
 */
import type { Instant } from '../time.ts'
import type { Arm, StepCounts, Visitor } from './counts.ts'

/** One answered request, checked. */
export interface Request {
  readonly t: Instant
  readonly session: string
  readonly arm: Arm
  readonly journey: string
  readonly step: string
  /** Right status, success marker present. */
  readonly ok: boolean
  /** Time to the last byte, ms. */
  readonly ms: number
  readonly kind: Visitor
  readonly segment: string
}

/** A session that returns after this is another one. */
const FORGET_MS = 30 * 60_000
const SESSIONS_MAX = 200_000
/** Steps of one session that are remembered; more are counted anew, which only a robot comes to. */
const STEPS_MAX = 100
/** Share of wandering sessions from which the stream counts as not sticky, and how many sessions must be seen first. */
const WANDER_SHARE = 0.2
const WANDER_SESSIONS = 200

interface Session {
  readonly arm: Arm
  readonly share: number
  readonly kind: Visitor
  readonly segment: string
  moved: boolean
  lastAt: Instant
  /** Steps that this session has passed, and those at which it failed. */
  readonly passed: string[]
  readonly failed: string[]
}

type Row = { -readonly [K in keyof StepCounts]: StepCounts[K] }

/** Sessions in, closed units out. Memory is bounded by 200,000 sessions; the longest silent are forgotten first. */
export class SessionUnits {
  /** Citizen sessions seen so far, and all that were met in both arms. */
  sessions = 0
  moved = 0
  /** Two halves, so that forgetting the longest silent costs nothing: the old half is dropped when the young one is full. */
  private young = new Map<string, Session>()
  private old = new Map<string, Session>()
  private readonly rows = new Map<string, Row>()
  private readonly limitMsOf: (journey: string, step: string) => number

  constructor(limitMsOf: (journey: string, step: string) => number) {
    this.limitMsOf = limitMsOf
  }

  /** True when the stream sends one session's requests to both arms as a rule. */
  get wandering(): boolean {
    return this.sessions >= WANDER_SESSIONS && this.moved > WANDER_SHARE * this.sessions
  }

  /** Sessions in memory. */
  get size(): number {
    return this.young.size + this.old.size
  }

  /** One request. `share`: the new release's share of sessions that start now. */
  add(request: Request, share: number): void {
    const session = this.sessionOf(request, share)
    if (session.arm !== request.arm && !session.moved) {
      session.moved = true
      this.moved++
    }
    if (session.moved && !this.wandering) return
    const slow = request.ok && request.ms > this.limitMsOf(request.journey, request.step)
    const key = `${request.journey}\n${request.step}`
    if (request.ok && !slow) {
      if (session.passed.includes(key) || session.failed.includes(key)) return
      if (session.passed.length < STEPS_MAX) session.passed.push(key)
      this.row(request, session).ok++
      return
    }
    const row = this.row(request, session)
    if (session.failed.includes(key)) {
      row.retries++
      return
    }
    if (session.failed.length < STEPS_MAX) session.failed.push(key)
    row.failed++
    if (slow) row.slow++
  }

  /** The counts closed since the last call. */
  take(): StepCounts[] {
    const rows = [...this.rows.values()]
    this.rows.clear()
    return rows
  }

  private sessionOf(request: Request, share: number): Session {
    const id = request.session
    const known = this.young.get(id) ?? this.old.get(id)
    if (known && known.lastAt > request.t - FORGET_MS) {
      known.lastAt = request.t
      this.keep(id, known)
      return known
    }
    if (request.kind === 'citizen') this.sessions++
    const { arm, kind, segment, t } = request
    const session: Session = { arm, share, kind, segment, moved: false, lastAt: t, passed: [], failed: [] }
    this.keep(id, session)
    return session
  }

  private keep(id: string, session: Session): void {
    this.young.set(id, session)
    if (this.young.size < SESSIONS_MAX / 2) return
    this.old = this.young
    this.young = new Map()
  }

  private row({ journey, step, arm }: Request, { kind, segment, share }: Session): Row {
    const key = `${journey}\n${step}\n${arm}\n${kind}\n${share}\n${segment}`
    let row = this.rows.get(key)
    if (!row) {
      row = { journey, step, arm, share, generation: 0, segment, visitor: kind, ok: 0, failed: 0, slow: 0, retries: 0 }
      this.rows.set(key, row)
    }
    return row
  }
}
