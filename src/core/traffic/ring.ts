/**
 * The last ten minutes of closed batches, for readers that come back and ask again. What a reader did not fetch within that
 * time, and what died with a process, is answered as a gap, never as silence.
 */
import type { CountBatch, StepCounts } from '../deploy/counts.ts'
import { type Instant, MINUTE } from '../time.ts'

/** As ports/traffic.ts promises it: `gap` when batches between the asked number and the first one are gone. */
export interface Unread {
  readonly batches: readonly CountBatch[]
  readonly gap: boolean
}

/** Ten minutes outlast any restart of the engine; at ten batches a second that is 6,000 of them. */
export const KEEP_MS = 10 * MINUTE
const BATCHES_MAX = 6_000
const ANSWER_MAX = 1_000

export class Ring {
  #batches: CountBatch[] = []
  #seq: number
  readonly #keepMs: number

  /** `seq` is the highest number that may have been used before. */
  constructor(seq = 0, keepMs = KEEP_MS, batches: readonly CountBatch[] = []) {
    this.#seq = seq
    this.#keepMs = keepMs
    this.#batches = [...batches]
  }

  get seq(): number {
    return this.#seq
  }

  get batches(): readonly CountBatch[] {
    return this.#batches
  }

  /** Adds a batch, unless nothing closed. True when it did. */
  close(counts: readonly StepCounts[], from: Instant, to: Instant): boolean {
    if (counts.length === 0) return false
    this.#seq++
    this.#batches.push({ seq: this.#seq, from, to, counts })
    const gone = this.#batches.findIndex((batch) => to - batch.to <= this.#keepMs)
    const excess = Math.max(gone, this.#batches.length - BATCHES_MAX)
    if (excess > 0) this.#batches.splice(0, excess)
    return true
  }

  /** Evidence was lost: a number passes without a batch, and readers will find the hole. */
  skip(): void {
    this.#seq++
  }

  after(seq: number): Unread {
    const start = this.#batches.findIndex((batch) => batch.seq > seq)
    // A reader ahead of us has read batches of a life that we no longer remember.
    if (start < 0) return { batches: [], gap: seq > this.#seq }
    const first = this.#batches[start]!.seq
    const batches: CountBatch[] = []
    for (let i = start; i < this.#batches.length && batches.length < ANSWER_MAX; i++) {
      const batch = this.#batches[i]!
      // Stops before a hole, so that the hole is told to the reader when it asks on from here.
      if (batch.seq !== first + batches.length) break
      batches.push(batch)
    }
    return { batches, gap: first !== seq + 1 }
  }
}
