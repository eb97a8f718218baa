/**
 * One request of a citizen and its answer, streamed both ways with backpressure.
 *
 *   pick backend ─► connect ─► send body ─► answer's head ─► answer's body ─► judged
 *        ▲            │ refused: at most two more tries, nothing has been sent
 *        └────────────┤
 *                     └ reset on a reused connection, GET or HEAD, nothing answered: the same
 *
 * A body is read only once a connection stands, so a refused connection never costs a byte of it, and no POST is sent twice.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Seat } from '../core/traffic/seat.ts'
import type { WorkerOptions } from '../ports/gateway.ts'
import type { AnswerHead } from './answer.ts'
import type { Attempt } from './attempt.ts'
import type { Member, Pick, Pool } from './backends.ts'
import { answerHeaders } from './headers.ts'
import { type Asker, type Failure, IDLE_MS, type Line, type Question, UNSAFE_IDLE_MS } from './line.ts'
import { PAGES, type Page, sendPage } from './pages.ts'
import type { ShadowCopy } from './shadow.ts'
import type { Slots } from './slots.ts'

/** What an exchange needs of the worker it runs in. */
export interface Host {
  readonly pool: Pool
  readonly options: WorkerOptions
  /** A worker that is being replaced asks its clients to come back on a new connection. */
  readonly draining: boolean
  failedByUs(): void
  /** Exchanges whose request is with a release that has not begun its answer. */
  readonly unanswered: Slots<Exchange>
}

export interface Plan {
  readonly seat: Seat
  /** `Set-Cookie` line to send with the answer, when the seat is new or has changed. */
  readonly cookie: string | undefined
  readonly probe: boolean
  /** Only the seat's arm will do. */
  readonly alone: boolean
  readonly question: Question
  readonly attempt: Attempt | undefined
  readonly shadow: ((answering: Member) => ShadowCopy | undefined) | undefined
}

const RETRIES_MAX = 2

// Methods are `private` rather than `#`: Node 20 pays for the latter with each object made, and one is made for each request.
export class Exchange implements Asker {
  readonly #host: Host
  readonly #plan: Plan
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #tried: Member[] = []
  #picked: Pick | undefined
  /** The connection to the release, for as long as it is ours. */
  #line: Line | undefined
  #copy: ShadowCopy | undefined
  /** Judges the answer, where that is the own arm's. */
  #judged: Attempt | undefined
  /** The only part of an answer that came whole at once: it leaves together with its head. */
  #held: Buffer | undefined
  /** Bytes of the answer's body where they are known beforehand. */
  #length: number | undefined
  /** Place among the unanswered; -1: not there. */
  #place = -1
  #waitingSinceMs = 0
  #retries = 0
  #ownFailed = false
  #answered = false
  #sending = false
  /** The release takes no more of the upload for now: since then nobody can blame the client. */
  #uploadHeld = false
  #answerHeld = false
  #over = false

  constructor(host: Host, plan: Plan, req: IncomingMessage, res: ServerResponse) {
    this.#host = host
    this.#plan = plan
    this.#req = req
    this.#res = res
  }

  start(): void {
    this.#res.on('close', () => {
      if (!this.#res.writableFinished) this.clientGone()
    })
    if (!this.#plan.question.body) this.#plan.attempt?.asked(performance.now())
    this.try()
  }

  private try(): void {
    // The last try goes to the other arm where that may stand in: an arm that refused twice will hardly take the third.
    const elsewhere = this.#retries === RETRIES_MAX && this.#ownFailed
    const picked = this.#host.pool.pick(this.#plan.seat.arm, this.#plan.alone, this.#tried, elsewhere)
    if (!picked) {
      this.giveUp(PAGES.unavailable)
      return
    }
    this.#picked = picked
    if (!picked.own) this.standIn()
    const { member } = picked
    this.#tried.push(member)
    if (!this.#plan.probe) member.lastRequestAt = Date.now()
    const line = member.lines.take(performance.now(), this.isSafe ? IDLE_MS : UNSAFE_IDLE_MS)
    this.#line = line
    if (!this.#plan.question.body) this.waits()
    line.ask(this.#plan.question, this)
  }

  private get isSafe(): boolean {
    const { method } = this.#plan.question
    return method === 'GET' || method === 'HEAD'
  }

  connected(): void {
    if (this.#over) return
    this.#copy ??= this.#plan.shadow?.(this.#picked!.member)
    if (this.#plan.question.body) this.send()
  }

  goOn(): void {
    if (!this.#answered && !this.#over) this.#res.writeContinue()
  }

  private send(): void {
    if (this.#sending) return
    this.#sending = true
    const req = this.#req
    req.on('data', (chunk: Buffer) => {
      this.#copy?.upload(chunk)
      if (!this.#line || this.#line.write(chunk)) return
      this.#uploadHeld = true
      req.pause()
      this.#plan.attempt?.holdUpload(performance.now())
    })
    req.on('end', () => {
      req.socket.setTimeout(0)
      this.#plan.attempt?.asked(performance.now())
      this.#copy?.uploaded()
      if (!this.#line) return
      this.#line.finish(req.rawTrailers)
      if (!this.#answered && !this.#over) this.waits()
    })
    req.on('error', () => this.clientGone())
    // What is left of an upload goes on after an early answer; it ends with its client at the latest.
    req.on('close', () => this.#over && !req.readableEnded && this.hangUp())
    // Slow uploads are welcome as long as they move.
    req.socket.setTimeout(this.#host.options.uploadIdleMs)
    req.on('timeout', () => {
      if (!this.#uploadHeld && !req.complete) this.stalled()
    })
  }

  drained(): void {
    if (!this.#uploadHeld) return
    this.#uploadHeld = false
    this.#plan.attempt?.resumeUpload(performance.now())
    this.#req.resume()
  }

  private stalled(): void {
    this.#over = true
    this.#plan.attempt?.drop()
    this.hangUp()
    this.page(PAGES.stalled, true)
  }

  answered(head: AnswerHead, more: boolean): void {
    if (this.#over) return
    this.#answered = true
    this.waitsNoMore()
    const { attempt, cookie, question } = this.#plan
    const res = this.#res
    const { status, length } = head
    // Node sends such an answer in chunks, where the client knows them.
    const open = length === undefined && question.method !== 'HEAD' && status !== 204 && status !== 304
    const chunked = open && this.#req.httpVersionMinor === 1
    this.#copy?.answered(head)
    const { headers, encoding, shared } = answerHeaders(head.headers, head.connection, chunked)
    // An answer for everybody must not carry one citizen's seat into a shared cache.
    if (cookie && !(shared && !attempt)) headers.push('Set-Cookie', cookie)
    if (this.#host.draining) headers.push('Connection', 'close')
    this.#judged = this.#picked?.own ? attempt : undefined
    this.#judged?.answered(status, question.method, encoding)
    this.#length = length
    res.writeHead(status, head.message, headers)
    // Server-sent events may send their head long before their first event; a body of known length follows at once.
    if (open && !more) res.flushHeaders()
  }

  push(chunk: Buffer): void {
    if (this.#over) return
    this.#judged?.push(chunk)
    this.#copy?.push(chunk)
    if (chunk.length === this.#length) {
      this.#held = chunk
      return
    }
    const res = this.#res
    if (res.write(chunk) || this.#answerHeld) return
    this.#answerHeld = true
    this.#line?.pause()
    this.#judged?.holdAnswer(performance.now())
    res.once('drain', () => {
      this.#answerHeld = false
      this.#judged?.resumeAnswer(performance.now())
      this.#line?.resume()
    })
  }

  ended(trailers: readonly string[]): void {
    if (this.#over) return
    this.#over = true
    this.#judged?.ended(performance.now())
    this.#copy?.end()
    if (trailers.length > 0) this.#res.addTrailers(pairsOf(trailers))
    this.#res.end(this.#held)
    // The release answered before it had read the whole request: the rest is read and thrown away.
    if (this.#plan.question.body && !this.#req.complete) {
      this.hangUp()
      this.#req.resume()
    }
  }

  left(): void {
    this.#line = undefined
    this.#host.pool.leave(this.#picked!.member)
  }

  broken(failure: Failure): void {
    if (this.#over) return
    if (this.#answered) {
      this.cut()
      return
    }
    const { member, own } = this.#picked!
    const refused = failure === 'refused' || failure === 'late'
    if (refused) this.#host.pool.refused(member, failure === 'late')
    const closedOnUs = failure === 'stale' && this.isSafe && !this.#plan.question.body
    // A reused connection that closes says nothing about its backend, so that one may be asked again.
    if (closedOnUs) this.#tried.pop()
    else if (own) this.#ownFailed = true
    if ((refused || closedOnUs) && this.#retries < RETRIES_MAX) {
      this.#retries++
      this.try()
    } else this.giveUp(refused ? PAGES.unavailable : PAGES.broken)
  }

  /** The answer broke off half-way. The client's connection is cut too, so that it cannot take half for whole. */
  private cut(): void {
    this.#over = true
    this.#plan.attempt?.failed()
    this.#copy?.drop()
    this.#res.destroy()
  }

  private hangUp(): void {
    this.#line?.close()
  }

  private waits(): void {
    if (this.#place < 0) this.#place = this.#host.unanswered.enter(this)
    this.#waitingSinceMs = performance.now()
  }

  private waitsNoMore(): void {
    if (this.#place >= 0) this.#host.unanswered.leave(this.#place)
    this.#place = -1
  }

  /** Gives up when the release has said nothing for too long. Once an answer has begun, it may pause as long as it likes. */
  giveUpWhenLate(nowMs: number): void {
    if (nowMs - this.#waitingSinceMs < this.#host.options.answerMs) return
    this.giveUp(PAGES.late)
    this.hangUp()
  }

  private giveUp(page: Page): void {
    this.waitsNoMore()
    if (this.#over) return
    this.#over = true
    // Nobody there, or nobody connected: the traffic layer could not place the request. A release that broke it is its own fault.
    if (page === PAGES.unavailable && !this.#plan.probe) this.#host.failedByUs()
    this.#plan.attempt?.failed()
    this.#copy?.drop()
    this.page(page, this.#plan.question.body && !this.#req.complete)
  }

  private page(page: Page, close: boolean): void {
    if (!this.#res.headersSent && this.#plan.cookie) this.#res.appendHeader('Set-Cookie', this.#plan.cookie)
    sendPage(this.#res, page, close || this.#host.draining)
    if (this.#plan.question.body) this.#req.resume()
  }

  /** The stand-in's answer closes no unit; an own backend that would not take the request has failed it. */
  private standIn(): void {
    if (this.#ownFailed) this.#plan.attempt?.failed()
    else this.#plan.attempt?.drop()
  }

  private clientGone(): void {
    this.waitsNoMore()
    if (this.#over) return
    this.#over = true
    this.#plan.attempt?.abandoned(performance.now())
    this.#copy?.drop()
    this.hangUp()
  }
}

function pairsOf(fields: readonly string[]): [string, string][] {
  return fields.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, fields[i + 1]!]] : []))
}
