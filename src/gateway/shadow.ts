/**
 * Copies of requests, sent to the arm that did not answer. The citizen never waits for a copy, and nothing of its answer goes back:
 * it is compared with what the citizen got, and only sums are kept. Copies carry `X-Shadow: 1`, so that a release can leave out
 * side effects such as its own counters. Safe requests are copied; others only at steps that the order names.
 */
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import type { Answered } from '../core/shadow/compare.ts'
import { loadManifest, type Manifest, NO_MANIFEST } from '../core/shadow/manifest.ts'
import { addSums, CANNOT_TELL, NO_SUMS, type Sums, sumsOfPair } from '../core/shadow/tally.ts'
import type { ShadowOrder } from '../ports/traffic.ts'
import type { AnswerHead } from './answer.ts'
import type { Member, Pool } from './backends.ts'
import { type Asker, type Failure, IDLE_MS, type Question, UNSAFE_IDLE_MS } from './line.ts'
import type { ShadowSums } from './messages.ts'

/** Follows the citizen's request and answer, to send the one on and compare the other. */
export interface ShadowCopy {
  /** A part of the citizen's upload, and its end. */
  upload(chunk: Buffer): void
  uploaded(): void
  answered(head: AnswerHead): void
  push(chunk: Buffer): void
  end(): void
  /** The citizen's answer never ended: there is nothing to compare with. */
  drop(): void
}

export interface ShadowTolls {
  shadowSent: number
  shadowShed: number
}

// A copy that takes longer is of no use, and must not hold a place for ever.
const COPY_MS_MAX = 30_000
// Forms and pages are smaller; what is larger is told as "cannot tell".
const BODY_MAX = 64 * 1_024
const DECODED_MAX = 256 * 1_024

interface InForce {
  readonly order: ShadowOrder
  readonly manifest: Manifest
  readonly unsafe: ReadonlySet<string>
}

export class Shadows {
  readonly #pool: Pool
  readonly #tolls: ShadowTolls
  #inForce: InForce | undefined
  #sums: Sums = NO_SUMS
  #inFlight = 0
  /** Pairs under way, by the session of the citizen. */
  readonly #pairs = new Map<string, Set<Pair>>()

  constructor(pool: Pool, tolls: ShadowTolls) {
    this.#pool = pool
    this.#tolls = tolls
  }

  apply(order: ShadowOrder | undefined): void {
    if (this.#inForce?.order.run !== order?.run) this.#sums = NO_SUMS
    const manifest = order && (loadManifest(order.manifest, 'manifest').manifest ?? NO_MANIFEST)
    this.#inForce = order && { order, manifest: manifest!, unsafe: new Set(order.unsafe) }
  }

  /** Whether a request is one that is copied. `step`: "journey/step", where it is one. */
  copies(method: string, body: boolean, step: string | undefined): boolean {
    if (!this.#inForce) return false
    const safe = (method === 'GET' || method === 'HEAD') && !body
    return safe || (step !== undefined && this.#inForce.unsafe.has(step))
  }

  /**
   * A citizen sends something: what the releases answer may be another from now on. A copy that is still on its way would be answered
   * after that, and the citizen's own request was answered before it, so the two are no pair.
   */
  changes(session: string): void {
    for (const pair of this.#pairs.get(session) ?? []) pair.spoil()
  }

  /** Begins the copy of a request that `answering` has just been given; undefined when none is wanted. `page`: "journey/step" of its route. */
  begin(answering: Member, question: Question, session: string, page = ''): ShadowCopy | undefined {
    const now = this.#inForce
    if (!now || answering.arm === now.order.to) return undefined
    const picked = this.#inFlight < now.order.inFlightMax ? this.#pool.pick(now.order.to, true) : undefined
    if (!picked) {
      this.#tolls.shadowShed++
      return undefined
    }
    this.#inFlight++
    const leave = () => {
      this.#inFlight--
      this.forget(session, pair)
      this.#pool.leave(picked.member)
    }
    const compare = (before: Answered, after: Answered | null) => {
      // Answers of a run that has ended are no evidence for the next.
      if (this.#inForce?.order.run !== now.order.run) return
      const { manifest, order } = now
      const pair = after ? sumsOfPair(manifest, order.tolerance, page, before, after) : CANNOT_TELL
      this.#sums = addSums(this.#sums, pair)
    }
    const pair = new Pair({ leave, compare, sent: () => this.#tolls.shadowSent++ })
    const others = this.#pairs.get(session)
    if (others) others.add(pair)
    else this.#pairs.set(session, new Set([pair]))
    pair.begin(picked.member, question)
    return pair
  }

  private forget(session: string, pair: Pair): void {
    const pairs = this.#pairs.get(session)
    pairs?.delete(pair)
    if (pairs?.size === 0) this.#pairs.delete(session)
  }

  /** What was compared since the last call; undefined: nothing. */
  take(): ShadowSums | undefined {
    if (!this.#inForce || this.#sums === NO_SUMS) return undefined
    const sums = this.#sums
    this.#sums = NO_SUMS
    return { run: this.#inForce.order.run, sums }
  }
}

interface Ends {
  readonly leave: () => void
  /** `after` null: nobody can tell what the release would have answered. */
  readonly compare: (before: Answered, after: Answered | null) => void
  readonly sent: () => void
}

/** One request, its copy, and both answers until they are compared. */
class Pair implements ShadowCopy {
  #member!: Member
  #question!: Question
  readonly #ends: Ends
  readonly #ours = new Kept()
  /** What the citizen has sent so far; undefined: more than is copied. */
  #upload: Buffer[] | undefined = []
  #uploadBytes = 0
  #asked = false
  #before: Answered | undefined
  #after: Answered | null | undefined
  #dropped = false
  #spoilt = false

  constructor(ends: Ends) {
    this.#ends = ends
  }

  begin(member: Member, question: Question): void {
    this.#member = member
    this.#question = question
    if (!question.body) this.send()
  }

  /** Nothing can be told from this pair any more. */
  spoil(): void {
    if (this.#asked && this.#after === undefined) this.#spoilt = true
  }

  upload(chunk: Buffer): void {
    this.#uploadBytes += chunk.length
    if (this.#uploadBytes > BODY_MAX) this.#upload = undefined
    this.#upload?.push(chunk)
  }

  uploaded(): void {
    if (this.#asked || this.#dropped) return
    if (this.#upload) this.send()
    else this.drop()
  }

  answered(head: AnswerHead): void {
    this.#ours.head(head)
  }

  push(chunk: Buffer): void {
    this.#ours.push(chunk)
  }

  end(): void {
    // The release answered before it had the whole request, which was never copied then.
    if (!this.#asked) return this.drop()
    this.#before = this.#ours.whole()
    this.compare()
  }

  drop(): void {
    if (this.#dropped) return
    this.#dropped = true
    if (!this.#asked) this.#ends.leave()
  }

  private send(): void {
    this.#asked = true
    this.#ends.sent()
    const copy = new Copy((after) => {
      this.#ends.leave()
      this.#after = this.#spoilt ? null : after
      this.compare()
    })
    copy.send(this.#member, this.#question, this.#upload ?? [])
  }

  private compare(): void {
    if (this.#dropped || !this.#before || this.#after === undefined) return
    this.#dropped = true
    this.#ends.compare(this.#before, this.#after)
  }
}

/**
 * The copy's way to the release under trial. A kept connection that the release was just closing says nothing about the release: a copy
 * without a body goes out again on a new one, and one with a body, which may have arrived, is not compared.
 */
class Copy implements Asker {
  readonly #done: (answer: Answered | null) => void
  #kept = new Kept()
  #member!: Member
  #question!: Question
  #deadline: NodeJS.Timeout | undefined
  #answer: Answered | undefined
  #late = false

  /** `done` is called once, when the copy's connection is free. Null: nobody can tell what the release would have answered. */
  constructor(done: (answer: Answered | null) => void) {
    this.#done = done
  }

  send(member: Member, question: Question, upload: readonly Buffer[]): void {
    this.#member = member
    this.#question = { ...question, headers: [...question.headers, 'X-Shadow', '1'] }
    this.ask(question.body ? UNSAFE_IDLE_MS : IDLE_MS, upload)
  }

  private ask(idleMsMax: number, upload: readonly Buffer[]): void {
    const line = this.#member.lines.take(performance.now(), idleMsMax)
    this.#deadline = setTimeout(() => {
      this.#late = true
      line.close()
    }, COPY_MS_MAX)
    line.ask(this.#question, this)
    for (const chunk of upload) line.write(chunk)
    if (this.#question.body) line.finish([])
  }

  answered(head: AnswerHead): void {
    this.#kept.head(head)
  }

  push(chunk: Buffer): void {
    this.#kept.push(chunk)
  }

  ended(): void {
    this.#answer = this.#kept.whole()
  }

  left(): void {
    clearTimeout(this.#deadline)
    if (this.#answer) this.#done(this.#answer)
    else if (this.#late) this.#done(NO_ANSWER)
  }

  /** Comes right after `left`. A new connection is never stale, so this ends. */
  broken(failure: Failure): void {
    if (failure !== 'stale') this.#done(NO_ANSWER)
    else if (this.#question.body) this.#done(null)
    else {
      this.#kept = new Kept()
      this.ask(NONE_IDLE, [])
    }
  }

  connected(): void {}
  goOn(): void {}
  drained(): void {}
}

/** No connection has been idle for less than this: a new one is taken. */
const NONE_IDLE = -1

/** A release that gives no whole answer differs from one that does. */
const NO_ANSWER: Answered = { status: 0, type: '', location: '', body: '' }

/** One answer, as far as it is compared. */
class Kept {
  #status = 0
  #type = ''
  #location = ''
  #encoding = ''
  #bytes = 0
  #chunks: Buffer[] | undefined = []

  head({ status, headers }: AnswerHead): void {
    this.#status = status
    for (let i = 0; i < headers.length; i += 2) {
      const value = headers[i + 1]!
      switch (headers[i]!.toLowerCase()) {
        case 'content-type':
          this.#type = value.split(';', 1)[0]!.trim().toLowerCase()
          break
        case 'location':
          this.#location = value
          break
        case 'content-encoding':
          this.#encoding = value.trim().toLowerCase()
      }
    }
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > BODY_MAX) this.#chunks = undefined
    this.#chunks?.push(chunk)
  }

  whole(): Answered {
    const body = this.#chunks ? textOf(Buffer.concat(this.#chunks), this.#encoding) : null
    return { status: this.#status, type: this.#type, location: this.#location, body }
  }
}

/** Null: it cannot be read, or grows too large. */
function textOf(bytes: Buffer, encoding: string): string | null {
  const decode = { '': (all: Buffer) => all, identity: (all: Buffer) => all, ...DECODERS }[encoding]
  try {
    return decode ? decode(bytes).toString('utf8') : null
  } catch {
    return null
  }
}

const LIMIT = { maxOutputLength: DECODED_MAX }
const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gunzipSync(bytes, LIMIT),
  br: (bytes) => brotliDecompressSync(bytes, LIMIT),
  deflate: (bytes) => inflateSync(bytes, LIMIT),
}
