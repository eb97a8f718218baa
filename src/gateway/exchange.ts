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
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Seat } from '../core/traffic/seat.ts'
import type { WorkerOptions } from '../ports/gateway.ts'
import type { Attempt } from './attempt.ts'
import type { Member, Pick, Pool } from './backends.ts'
import { answerHeaders } from './headers.ts'
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
  readonly path: string
  readonly headers: readonly string[]
  readonly body: boolean
  readonly attempt: Attempt | undefined
  readonly shadow: ((answering: Member) => ShadowCopy | undefined) | undefined
}

const RETRIES_MAX = 2

// Methods are `private` rather than `#`: Node 20 pays for the latter with each object made, and one is made for each request.
export class Exchange {
  readonly #host: Host
  readonly #plan: Plan
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #tried: Member[] = []
  #picked: Pick | undefined
  #upstream: ClientRequest | undefined
  #copy: ShadowCopy | undefined
  /** Place among the unanswered; -1: not there. */
  #place = -1
  #waitingSinceMs = 0
  #retries = 0
  #ownFailed = false
  #answered = false
  #sending = false
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
    if (!this.#plan.body) this.#plan.attempt?.asked(performance.now())
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
    const safe = this.#req.method === 'GET' || this.#req.method === 'HEAD'
    if (!safe) member.dropIdle(performance.now())
    let left = false
    const leave = () => {
      if (!left) this.#host.pool.leave(member)
      left = true
    }
    const upstream = this.request(member, leave)
    this.#upstream = upstream
    upstream.on('close', leave)
    upstream.on('socket', (socket: Socket) => this.connect(upstream, socket, member))
    upstream.on('continue', () => this.#res.writeContinue())
    upstream.on('response', (answer) => this.answer(upstream, answer))
    upstream.on('error', (error: NodeJS.ErrnoException) => this.broken(upstream, error, member, safe))
    // Nobody asked for an upgrade here; a backend that switches protocols all the same has broken the exchange.
    upstream.on('upgrade', (_, socket) => {
      socket.destroy()
      this.broken(upstream, new Error('switched protocols unasked'), member, false)
    })
    if (this.#plan.body) upstream.flushHeaders()
    else {
      upstream.end()
      this.waits()
    }
  }

  private request(member: Member, leave: () => void): ClientRequest {
    try {
      return request({
        agent: member.agent,
        host: member.backend.host,
        port: member.backend.port,
        method: this.#req.method!,
        path: this.#plan.path,
        headers: this.#plan.headers as unknown as Record<string, string>,
        setHost: false,
      })
    } catch (thrown) {
      leave()
      throw thrown
    }
  }

  private connect(upstream: ClientRequest, socket: Socket, member: Member): void {
    const ready = () => {
      if (upstream !== this.#upstream || this.#over) return
      this.#copy ??= this.#plan.shadow?.(member)
      if (this.#plan.body) this.send(upstream)
    }
    if (!socket.connecting) {
      ready()
      return
    }
    const deadline = setTimeout(() => {
      upstream.destroy(Object.assign(new Error('no connection in time'), { code: 'ECONNREFUSED' }))
    }, this.#host.options.connectMs)
    socket.once('close', () => clearTimeout(deadline))
    socket.once('connect', () => {
      clearTimeout(deadline)
      ready()
    })
  }

  private send(upstream: ClientRequest): void {
    if (this.#sending) return
    this.#sending = true
    const req = this.#req
    const { attempt } = this.#plan
    let held = false
    req.on('data', (chunk: Buffer) => {
      if (upstream.destroyed || upstream.write(chunk)) return
      held = true
      req.pause()
      attempt?.holdUpload(performance.now())
      upstream.once('drain', () => {
        held = false
        attempt?.resumeUpload(performance.now())
        req.resume()
      })
    })
    req.on('end', () => {
      req.socket.setTimeout(0)
      attempt?.asked(performance.now())
      if (upstream.destroyed) return
      if (req.rawTrailers.length > 0) upstream.addTrailers(trailersOf(req))
      upstream.end()
      if (!this.#answered && !this.#over) this.waits()
    })
    req.on('error', () => this.clientGone())
    // Slow uploads are welcome as long as they move. While the release keeps us waiting, the client is not to blame.
    req.socket.setTimeout(this.#host.options.uploadIdleMs)
    req.on('timeout', () => {
      if (!held && !req.complete) this.stalled(upstream)
    })
  }

  private stalled(upstream: ClientRequest): void {
    this.#over = true
    this.#plan.attempt?.drop()
    upstream.destroy()
    this.page(PAGES.stalled, true)
  }

  private answer(upstream: ClientRequest, answer: IncomingMessage): void {
    if (this.#over) return void answer.resume()
    this.#answered = true
    this.waitsNoMore()
    const { attempt, cookie } = this.#plan
    const res = this.#res
    const status = answer.statusCode ?? 502
    const headers = answerHeaders(answer.rawHeaders, answer.headers.connection)
    // An answer for everybody must not carry one citizen's seat into a shared cache.
    if (cookie && !(isShared(answer) && !attempt)) headers.push('Set-Cookie', cookie)
    if (this.#host.draining) headers.push('Connection', 'close')
    const judged = this.#picked?.own ? attempt : undefined
    judged?.answered(status, this.#req.method!, answer.headers['content-encoding'])
    res.writeHead(status, answer.statusMessage ?? '', headers)
    let begun = false
    answer.on('data', (chunk: Buffer) => {
      begun = true
      judged?.push(chunk)
      this.#copy?.push(chunk)
      if (res.write(chunk)) return
      answer.pause()
      judged?.holdAnswer(performance.now())
      res.once('drain', () => {
        judged?.resumeAnswer(performance.now())
        answer.resume()
      })
    })
    answer.on('end', () => {
      if (this.#over) return
      this.#over = true
      if (answer.complete) judged?.ended(performance.now())
      this.#copy?.end(status)
      if (answer.rawTrailers.length > 0) res.addTrailers(trailersOf(answer))
      res.end()
      this.discardRest(upstream)
    })
    answer.on('error', () => this.cut())
    answer.on('close', () => {
      if (!answer.complete) this.cut()
    })
    // Server-sent events may send their head long before their first event; a body of known length follows at once.
    if (answer.headers['content-length'] !== undefined) return
    setImmediate(() => {
      if (!begun && !this.#over && !res.destroyed) res.flushHeaders()
    })
  }

  /** The release answered before it had read the whole request: the rest is read and thrown away. */
  private discardRest(upstream: ClientRequest): void {
    if (this.#req.complete || !this.#plan.body) return
    upstream.destroy()
    this.#req.resume()
  }

  /** The answer broke off half-way. The client's connection is cut too, so that it cannot take half for whole. */
  private cut(): void {
    if (this.#over) return
    this.#over = true
    this.#plan.attempt?.failed()
    this.#copy?.drop()
    this.#res.destroy()
  }

  private broken(upstream: ClientRequest, error: NodeJS.ErrnoException, member: Member, safe: boolean): void {
    if (upstream !== this.#upstream || this.#over || this.#answered) return
    const refused = !this.#sending && CONNECT_FAILURES.has(error.code ?? '') && !upstream.reusedSocket
    if (refused) this.#host.pool.refused(member)
    const closedOnUs = upstream.reusedSocket && safe && !this.#plan.body && RESETS.has(error.code ?? '')
    // A reused connection that closes says nothing about its backend, so that one may be asked again.
    if (closedOnUs) this.#tried.pop()
    else if (this.#picked?.own) this.#ownFailed = true
    if ((refused || closedOnUs) && this.#retries < RETRIES_MAX) {
      this.#retries++
      this.try()
    } else this.giveUp(refused ? PAGES.unavailable : PAGES.broken)
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
    this.#upstream?.destroy()
  }

  private giveUp(page: Page): void {
    this.waitsNoMore()
    if (this.#over) return
    this.#over = true
    // Nobody there, or nobody connected: the traffic layer could not place the request. A release that broke it is its own fault.
    if (page === PAGES.unavailable && !this.#plan.probe) this.#host.failedByUs()
    this.#plan.attempt?.failed()
    this.#copy?.drop()
    this.page(page, this.#plan.body && !this.#req.complete)
  }

  private page(page: Page, close: boolean): void {
    if (!this.#res.headersSent && this.#plan.cookie) this.#res.appendHeader('Set-Cookie', this.#plan.cookie)
    sendPage(this.#res, page, close || this.#host.draining)
    if (this.#plan.body) this.#req.resume()
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
    this.#upstream?.destroy()
  }
}

const CONNECT_FAILURES = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
])
const RESETS = new Set(['ECONNRESET', 'EPIPE'])

function trailersOf({ rawTrailers }: IncomingMessage): [string, string][] {
  return rawTrailers.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, rawTrailers[i + 1]!]] : []))
}

function isShared(answer: IncomingMessage): boolean {
  return /\bpublic\b|\bs-maxage\b/i.test(answer.headers['cache-control'] ?? '')
}
