/**
 * Copies of safe requests, sent to the arm that did not answer. The citizen never waits for a copy, and nothing of its answer
 * goes back: its status and a hash of its body are compared with what the citizen got, and counted. Copies carry
 * `X-Shadow: 1`, so that a release can leave out side effects such as its own counters.
 */
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import type { TrafficConfig } from '../ports/traffic.ts'
import type { Member, Pool } from './backends.ts'

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
  begin(
    shadow: NonNullable<TrafficConfig['shadow']>,
    answering: Member,
    asked: { readonly method: string; readonly path: string; readonly headers: readonly string[] },
  ): ShadowCopy | undefined {
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
    this.#send(picked.member, asked, (result) => {
      this.#inFlight--
      got = result
      compare()
    })
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

  #send(
    member: Member,
    asked: { readonly method: string; readonly path: string; readonly headers: readonly string[] },
    done: (result: string) => void,
  ): void {
    let over = false
    const finish = (result: string) => {
      if (over) return
      over = true
      clearTimeout(deadline)
      done(result)
    }
    const copy = request({
      agent: member.agent,
      host: member.backend.host,
      port: member.backend.port,
      method: asked.method,
      path: asked.path,
      headers: [...asked.headers, 'X-Shadow', '1'] as unknown as Record<string, string>,
      setHost: false,
    })
    const deadline = setTimeout(() => copy.destroy(new Error('too slow')), COPY_MS_MAX)
    let left = false
    copy.on('close', () => {
      if (!left) this.#pool.leave(member)
      left = true
      finish('no answer')
    })
    copy.on('error', (error) => finish(`no answer: ${error.message}`))
    copy.on('response', (answer) => {
      const hash = createHash('sha256')
      answer.on('data', (chunk: Buffer) => hash.update(chunk))
      answer.on('end', () => finish(answer.complete ? `${answer.statusCode} ${hash.digest('hex')}` : 'half an answer'))
      answer.on('error', () => finish('half an answer'))
    })
    copy.end()
  }
}
