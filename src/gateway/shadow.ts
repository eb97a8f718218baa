/**
 * Copies of safe requests, sent to the arm that did not answer. The citizen never waits for a copy, and nothing of its answer
 * goes back: its status and a hash of its body are compared with what the citizen got, and counted. Copies carry
 * `X-Shadow: 1`, so that a release can leave out side effects such as its own counters.
 */
import { createHash } from 'node:crypto'
import type { TrafficConfig } from '../ports/traffic.ts'
import type { AnswerHead } from './answer.ts'
import type { Member, Pool } from './backends.ts'
import { type Asker, IDLE_MS, type Line, type Question } from './line.ts'

/** Follows the citizen's answer, to compare it with the copy's. */
export interface ShadowCopy {
  push(chunk: Buffer): void
  end(status: number): void
  /** The citizen's answer never ended: there is nothing to compare with. */
  drop(): void
}

export interface ShadowTolls {
  shadowSent: number
  shadowShed: number
  shadowDifferent: number
}

// A copy that takes longer is of no use, and must not hold a place for ever.
const COPY_MS_MAX = 30_000

export class Shadows {
  readonly #pool: Pool
  readonly #tolls: ShadowTolls
  #inFlight = 0

  constructor(pool: Pool, tolls: ShadowTolls) {
    this.#pool = pool
    this.#tolls = tolls
  }

  /** Starts the copy of a bodyless GET or HEAD that `answering` has just been given; undefined when none is wanted. */
  begin(shadow: NonNullable<TrafficConfig['shadow']>, answering: Member, asked: Question): ShadowCopy | undefined {
    if (answering.arm === shadow.to) return undefined
    const picked = this.#inFlight < shadow.inFlightMax ? this.#pool.pick(shadow.to, true) : undefined
    if (!picked) {
      this.#tolls.shadowShed++
      return undefined
    }
    this.#tolls.shadowSent++
    this.#inFlight++
    const ours = createHash('sha256')
    let wanted: string | undefined
    let got: string | undefined
    let dropped = false
    const compare = () => {
      if (!dropped && wanted !== undefined && got !== undefined && wanted !== got) this.#tolls.shadowDifferent++
    }
    const copy = new Copy((result) => {
      this.#inFlight--
      this.#pool.leave(picked.member)
      got = result
      compare()
    })
    copy.send(picked.member, asked)
    return {
      push: (chunk) => void ours.update(chunk),
      end: (status) => {
        wanted = `${status} ${ours.digest('hex')}`
        compare()
      },
      drop: () => {
        dropped = true
      },
    }
  }
}

/** One copy and its answer, of which nothing but a hash is kept. */
class Copy implements Asker {
  readonly #done: (result: string) => void
  readonly #hash = createHash('sha256')
  #deadline: NodeJS.Timeout | undefined
  #result = 'no answer'
  #status = 0

  /** `done` is called once, when the copy's connection is free. */
  constructor(done: (result: string) => void) {
    this.#done = done
  }

  send(member: Member, asked: Question): void {
    const line: Line = member.lines.take(performance.now(), IDLE_MS)
    this.#deadline = setTimeout(() => line.close(), COPY_MS_MAX)
    line.ask({ ...asked, headers: [...asked.headers, 'X-Shadow', '1'] }, this)
  }

  answered({ status }: AnswerHead): void {
    this.#status = status
    this.#result = 'half an answer'
  }

  push(chunk: Buffer): void {
    this.#hash.update(chunk)
  }

  ended(): void {
    this.#result = `${this.#status} ${this.#hash.digest('hex')}`
  }

  left(): void {
    clearTimeout(this.#deadline)
    this.#done(this.#result)
  }

  connected(): void {}
  goOn(): void {}
  drained(): void {}
  broken(): void {}
}
