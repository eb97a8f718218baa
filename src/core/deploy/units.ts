/**
 * From single requests to units of evidence (counts.ts): for streams that were recorded, or that come from a world which does
 * not count for us. The built-in gateway counts by itself.
 *
 * A session's arm is the one its first request met. When it turns up in the other arm later, it was moved: its unit that is
 * open closes as it stands and it gives no more, whichever way it was moved. Where many sessions wander (no stickiness at
 * all), each unit belongs to the arm of its own first attempt instead.
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

/** A unit that succeeded closes when its session has been silent for this long. */
const SETTLE_MS = 30_000
/** A session that returns after this is another one. */
const FORGET_MS = 30 * 60_000
const SESSIONS_MAX = 200_000
/** Settled entries at the head of the queue before it is cut. */
const QUEUE_SLACK = 10_000
/** Share of wandering sessions from which the stream counts as not sticky, and how many sessions must be seen first. */
const WANDER_SHARE = 0.2
const WANDER_SESSIONS = 200

interface Session {
  arm: Arm
  share: number
  moved: boolean
  kind: Visitor
  segment: string
  lastAt: Instant
  /** Steps whose unit has closed. */
  closed: string[]
  open: { key: string; journey: string; step: string; arm: Arm; at: Instant } | null
}

type Row = { -readonly [K in keyof StepCounts]: StepCounts[K] }

/** Sessions in, closed units out. Memory is bounded by 200,000 sessions; the longest silent one is forgotten first. */
export class SessionUnits {
  /** Sessions seen so far, and those that were met in both arms. */
  sessions = 0
  moved = 0
  /** Two halves, so that forgetting the longest silent costs nothing: the old half is dropped when the young one is full. */
  private young = new Map<string, Session>()
  private old = new Map<string, Session>()
  /** Open units in the order of their last attempt; an entry is stale when its unit has moved on. */
  private queue: { session: Session; at: Instant; key: string }[] = []
  private head = 0
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
    this.settle(request.t)
    const session = this.sessionOf(request, share)
    if (session.arm !== request.arm && !session.moved) {
      session.moved = true
      this.moved++
      this.closeOk(session)
    }
    if (session.moved && !this.wandering) return
    const key = `${request.journey}\n${request.step}`
    if (session.open && session.open.key !== key) this.closeOk(session)
    this.attempt(request, session, key)
  }

  /** Closes what has been silent long enough at `now`. */
  settle(now: Instant): void {
    const waiting = () => this.queue.length - this.head
    while (waiting() > 0 && (this.queue[this.head]!.at <= now - SETTLE_MS || waiting() > 2 * SESSIONS_MAX)) {
      const { session, at, key } = this.queue[this.head]!
      this.head++
      if (session.open?.key === key && session.open.at === at) this.closeOk(session)
    }
    if (this.head < QUEUE_SLACK) return
    this.queue = this.queue.slice(this.head)
    this.head = 0
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
    if (known) this.closeOk(known)
    if (request.kind === 'citizen') this.sessions++
    const { arm, kind, segment } = request
    const session: Session = { arm, share, moved: false, kind, segment, lastAt: request.t, closed: [], open: null }
    this.keep(id, session)
    return session
  }

  private keep(id: string, session: Session): void {
    this.young.set(id, session)
    if (this.young.size < SESSIONS_MAX / 2) return
    for (const [one, gone] of this.old) if (!this.young.has(one)) this.closeOk(gone)
    this.old = this.young
    this.young = new Map()
  }

  private attempt(request: Request, session: Session, key: string): void {
    const slow = request.ok && request.ms > this.limitMsOf(request.journey, request.step)
    const failed = !request.ok || slow
    const arm = session.open?.arm ?? request.arm
    if (session.closed.includes(key)) {
      if (failed) this.row(request.journey, request.step, arm, session).retries++
      return
    }
    if (failed) {
      const row = this.row(request.journey, request.step, arm, session)
      row.failed++
      if (slow) row.slow++
      this.end(session, key)
      return
    }
    session.open = { key, journey: request.journey, step: request.step, arm, at: request.t }
    this.queue.push({ session, at: request.t, key })
  }

  private closeOk(session: Session): void {
    const { open } = session
    if (!open) return
    this.row(open.journey, open.step, open.arm, session).ok++
    this.end(session, open.key)
  }

  private end(session: Session, key: string): void {
    if (session.closed.length < 100) session.closed.push(key)
    session.open = null
  }

  private row(journey: string, step: string, arm: Arm, { kind, segment, share }: Session): Row {
    const key = `${journey}\n${step}\n${arm}\n${kind}\n${share}\n${segment}`
    let row = this.rows.get(key)
    if (!row) {
      row = { journey, step, arm, share, generation: 0, segment, visitor: kind, ok: 0, failed: 0, slow: 0, retries: 0 }
      this.rows.set(key, row)
    }
    return row
  }
}
