/**
 * Turns answers into units of evidence (see core/deploy/counts.ts for what a unit is).
 *
 *                     failing answer                      failing answer
 *   ──good answer──► open ────────────► closed: failed ──────────────────► one more retry
 *                     │ another step, or settleMs without failure
 *                     └───────────────► closed: ok
 *
 * Pure but for its own memory: time arrives as an argument. Memory is bounded: sessions seen once and sessions that came back
 * are kept apart, so that a flood of clients without cookies cannot push out citizens in the middle of a journey. A session
 * that is pushed out, or idle for idleMs, has its open units closed as they stand; should it return, its steps count anew.
 */
import type { Arm, StepCounts, Visitor } from '../deploy/counts.ts'
import { MINUTE } from '../time.ts'

/** What one attempt came to. 'slow' is a failure of time alone: later than the citizen limit. */
export type Outcome = 'ok' | 'failed' | 'slow'

export interface Answer {
  readonly session: string
  readonly journey: string
  readonly step: string
  readonly arm: Arm
  readonly share: number
  readonly generation: number
  readonly segment: string
  readonly visitor: Visitor
  readonly outcome: Outcome
}

interface Session {
  /** By journey and step: the open unit's first answer, or null once it has closed. */
  readonly units: Map<string, Answer | null>
  lastMs: number
}

type Tally = { -readonly [Key in keyof StepCounts]: StepCounts[Key] }

export interface LedgerLimits {
  /** How long a unit stays open without failure before it counts as ok, in ms. */
  readonly settleMs: number
  /** Sessions remembered of each of the two kinds. About 400 bytes each. */
  readonly sessionsMax: number
  readonly idleMs: number
}

// 250 ms: a second press of a button, or a reload that a browser makes by itself, comes within that. Failures close at once and weigh
// nothing before good units stand beside them, so every ms of settling is a ms of citizens who meet a bad release: with 2 s, a release
// that failed everybody from its first citizen harmed 9 at 50 citizens a second and 22 at 200 (bench/drills.ts).
export const LEDGER_LIMITS: LedgerLimits = { settleMs: 250, sessionsMax: 50_000, idleMs: 30 * MINUTE }

export class Ledger {
  readonly #limits: LedgerLimits
  readonly #once = new Map<string, Session>()
  readonly #returning = new Map<string, Session>()
  #settling: { readonly dueMs: number; readonly session: string; readonly unit: string; readonly first: Answer }[] = []
  #settled = 0
  #tallies = new Map<string, Tally>()

  constructor(limits: LedgerLimits = LEDGER_LIMITS) {
    this.#limits = limits
  }

  /** Takes one judged answer into account. `nowMs` from any clock that never goes back. */
  note(answer: Answer, nowMs: number): void {
    const session = this.#sessionOf(answer.session, nowMs)
    const unit = `${answer.journey}\n${answer.step}`
    for (const [key, open] of session.units) if (open && key !== unit) this.#close(session, key, open, 'ok')
    const known = session.units.get(unit)
    if (known === null) {
      if (answer.outcome !== 'ok') this.#tallyOf(answer).retries++
    } else if (answer.outcome !== 'ok') {
      this.#close(session, unit, known ?? answer, answer.outcome)
    } else if (!known) {
      session.units.set(unit, answer)
      this.#settling.push({ dueMs: nowMs + this.#limits.settleMs, session: answer.session, unit, first: answer })
    }
  }

  /** Closes what has settled, and forgets sessions that went away. Call it a few times a second. */
  tick(nowMs: number): void {
    const queue = this.#settling
    for (; this.#settled < queue.length && queue[this.#settled]!.dueMs <= nowMs; this.#settled++) {
      const { session: id, unit, first } = queue[this.#settled]!
      const session = this.#returning.get(id) ?? this.#once.get(id)
      if (session?.units.get(unit) === first) this.#close(session, unit, first, 'ok')
    }
    if (this.#settled > 1_000 && this.#settled * 2 > queue.length) {
      this.#settling = queue.slice(this.#settled)
      this.#settled = 0
    }
    for (const table of [this.#once, this.#returning]) this.#forgetIdle(table, nowMs)
  }

  /** Closes every open unit as it stands: without a failure so far, so ok. Sessions are being moved. */
  closeAll(): void {
    for (const table of [this.#once, this.#returning]) {
      for (const session of table.values()) this.#closeSession(session)
    }
  }

  /** What has closed since the last call. */
  take(): StepCounts[] {
    const counts = [...this.#tallies.values()]
    this.#tallies = new Map()
    return counts
  }

  get sessions(): number {
    return this.#once.size + this.#returning.size
  }

  // Maps keep insertion order, so the first entry of a table is the one that has been silent longest.
  #sessionOf(id: string, nowMs: number): Session {
    const again = this.#returning.get(id) ?? this.#once.get(id)
    const session = again ?? { units: new Map<string, Answer | null>(), lastMs: nowMs }
    session.lastMs = nowMs
    this.#once.delete(id)
    this.#returning.delete(id)
    const table = again ? this.#returning : this.#once
    table.set(id, session)
    if (table.size > this.#limits.sessionsMax) this.#forget(table, table.keys().next().value!)
    return session
  }

  #forgetIdle(table: Map<string, Session>, nowMs: number): void {
    for (const [id, session] of table) {
      if (nowMs - session.lastMs < this.#limits.idleMs) return
      this.#forget(table, id)
    }
  }

  #forget(table: Map<string, Session>, id: string): void {
    this.#closeSession(table.get(id)!)
    table.delete(id)
  }

  #closeSession(session: Session): void {
    for (const [unit, open] of session.units) if (open) this.#close(session, unit, open, 'ok')
  }

  #close(session: Session, unit: string, first: Answer, outcome: Outcome): void {
    session.units.set(unit, null)
    const tally = this.#tallyOf(first)
    if (outcome === 'ok') tally.ok++
    else tally.failed++
    if (outcome === 'slow') tally.slow++
  }

  #tallyOf({ journey, step, arm, share, generation, segment, visitor }: Answer): Tally {
    const key = `${journey}\n${step}\n${arm}\n${share}\n${generation}\n${segment}\n${visitor}`
    let tally = this.#tallies.get(key)
    if (!tally) {
      tally = { journey, step, arm, share, generation, segment, visitor, ok: 0, failed: 0, slow: 0, retries: 0 }
      this.#tallies.set(key, tally)
    }
    return tally
  }
}
