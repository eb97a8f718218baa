/**
 * Connections to one backend, each of which carries one request at a time.
 *
 *   connecting ─► asked ─► answered ─► idle ─► asked …
 *       │           │          └ Connection: close, bytes too many, request cut short ─► closed
 *       │           └ closed: 'stale' on a kept line before a byte of the answer, else 'broken'
 *       └ 'refused', 'late': nothing of the request can have arrived
 *
 * Node's own client does the same at three times the cost, most of it for streams and events that a gateway has no use for.
 */
import { connect, type Socket } from 'node:net'
import { type AnswerHead, AnswerReader, type AnswerSink, BadAnswer } from './answer.ts'

// 64 idle connections cover a busy backend's turnover.
const IDLE_LINES_MAX = 64
// Idle connections are not used after 3 s: Node's own servers close theirs at 5 s, and a request on a connection that is being
// closed is lost. Where the release tells its own limit, we stay a second below that.
export const IDLE_MS = 3_000
const HINT_MARGIN_MS = 1_000
// A POST that meets a closing connection can never be sent again, so it rides on none that has been idle for so long. At the
// traffic where this happens, a new connection costs nothing that matters.
export const UNSAFE_IDLE_MS = 1_000

// A stream of events may be silent for hours. The system asks whether its other end is still there, so that a machine which has
// lost its power does not hold a citizen for ever.
const PROBE_MS = 60_000

export interface Question {
  readonly method: string
  /** Path and query, as they shall be written. */
  readonly path: string
  /** Name, value, name, value… They frame the body, where there is one. */
  readonly headers: readonly string[]
  /** The body follows by `write` and `finish`. */
  readonly body: boolean
  /** The headers announce chunks. */
  readonly chunked: boolean
}

/**
 * - refused: no connection came about;
 * - late: none came about in time, which says less: on a machine that is starved every connection is late;
 * - stale: a kept connection closed without a byte of an answer, as happens when the other side had just given it up;
 * - broken: anything else.
 */
export type Failure = 'refused' | 'late' | 'stale' | 'broken'

/** Who asks. Hears nothing more after `left`, but for one `broken`. */
export interface Asker {
  /** The connection stands. */
  connected(): void
  /** The release is ready for a body that waited for its word. */
  goOn(): void
  /** `more`: bytes of the body came together with the head. */
  answered(head: AnswerHead, more: boolean): void
  push(chunk: Buffer): void
  /** The answer is whole. */
  ended(trailers: readonly string[]): void
  /** There is room again, after `write` said that there was none. */
  drained(): void
  /** Request and answer are through, or the line is lost: exactly once for each question. */
  left(): void
  /** The line is lost before the answer was whole. Comes after `left`. */
  broken(failure: Failure): void
}

export class Lines {
  readonly #host: string
  readonly #port: number
  readonly #connectMs: number
  readonly #idle: Line[] = []

  constructor(host: string, port: number, connectMs: number) {
    this.#host = host
    this.#port = port
    this.#connectMs = connectMs
  }

  /** The line that went idle last, or a new one. `idleMsMax`: for how long it may have been idle. */
  take(nowMs: number, idleMsMax: number): Line {
    for (let line = this.#idle.pop(); line; line = this.#idle.pop()) {
      if (!line.isClosed && nowMs - line.idleSinceMs <= Math.min(idleMsMax, line.idleMsMax)) return line
      line.close()
    }
    const socket = connect({
      host: this.#host,
      port: this.#port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: PROBE_MS,
    })
    return new Line(this, socket, this.#connectMs)
  }

  /** Closes what has been idle for too long. */
  dropIdle(nowMs: number): void {
    // Those that went idle first stand first.
    while (this.#idle.length > 0 && nowMs - this.#idle[0]!.idleSinceMs > IDLE_MS) this.#idle.shift()!.close()
  }

  close(): void {
    for (const line of this.#idle.splice(0)) line.close()
  }

  /** For Line: takes back one that can carry another request. */
  give(line: Line): void {
    if (this.#idle.length < IDLE_LINES_MAX) this.#idle.push(line)
    else line.close()
  }

  /** For Line: an idle one has been closed. */
  forget(line: Line): void {
    const at = this.#idle.indexOf(line)
    if (at >= 0) this.#idle.splice(at, 1)
  }
}

// Methods are `private` rather than `#`, as in exchange.ts.
export class Line implements AnswerSink {
  idleSinceMs = 0
  idleMsMax = IDLE_MS
  isClosed = false
  readonly #lines: Lines
  readonly #socket: Socket
  readonly #reader = new AnswerReader(this)
  #asker: Asker | undefined
  #chunked = false
  #connected = false
  #reused = false
  /** A byte of an answer has arrived. */
  #heard = false
  /** The request has wholly been written. */
  #sent = false
  #whole = false
  #keeps = false

  constructor(lines: Lines, socket: Socket, connectMs: number) {
    this.#lines = lines
    this.#socket = socket
    // Whoever waits for an answer keeps the process awake; an idle connection shall not.
    socket.unref()
    const deadline = setTimeout(() => this.lost('ETIMEDOUT'), connectMs)
    socket.on('connect', () => {
      clearTimeout(deadline)
      this.#connected = true
      this.#asker?.connected()
    })
    socket.on('data', (chunk: Buffer) => this.hear(chunk))
    socket.on('drain', () => this.#asker?.drained())
    socket.on('end', () => {
      if (!this.#asker || this.#whole || !this.#reader.end()) this.lost('ECONNRESET')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => this.lost(error.code ?? ''))
    socket.on('close', () => {
      clearTimeout(deadline)
      this.lost('ECONNRESET')
    })
  }

  /** Writes the head of a request. The asker hears of everything else; at once, where the connection stands already. */
  ask(question: Question, asker: Asker): void {
    this.#asker = asker
    this.#chunked = question.chunked
    this.#heard = false
    this.#sent = !question.body
    this.#whole = false
    this.#keeps = false
    this.#reader.expect(question.method)
    this.#socket.write(textOf(question), 'latin1')
    if (this.#connected) asker.connected()
  }

  /** Sends a part of the body. False: wait for `drained` with the next. */
  write(chunk: Buffer): boolean {
    if (this.isClosed) return true
    const socket = this.#socket
    if (!this.#chunked) return socket.write(chunk)
    socket.cork()
    socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1')
    socket.write(chunk)
    const room = socket.write('\r\n', 'latin1')
    socket.uncork()
    return room
  }

  /** Ends the body. Trailers go with chunks only. */
  finish(trailers: readonly string[]): void {
    if (this.#sent || this.isClosed) return
    this.#sent = true
    if (this.#chunked) this.#socket.write(`0\r\n${linesOf(trailers)}\r\n`, 'latin1')
    if (this.#whole) this.leave()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Cuts the line. The asker hears `left`, and nothing more. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    const asker = this.#asker
    this.#asker = undefined
    this.#socket.destroy()
    if (asker) asker.left()
    else this.#lines.forget(this)
  }

  goOn(): void {
    this.#asker?.goOn()
  }

  head(head: AnswerHead, more: boolean): void {
    this.#keeps = head.keepAlive
    this.idleMsMax = head.keepAliveS === undefined ? IDLE_MS : head.keepAliveS * 1_000 - HINT_MARGIN_MS
    this.#asker?.answered(head, more)
  }

  data(chunk: Buffer): void {
    this.#asker?.push(chunk)
  }

  whole(trailers: readonly string[]): void {
    this.#whole = true
    this.#asker?.ended(trailers)
    if (this.#sent) this.leave()
  }

  private hear(chunk: Buffer): void {
    this.#heard = true
    if (!this.#asker) return this.close()
    let over: number
    try {
      over = this.#reader.push(chunk)
    } catch (thrown) {
      if (!(thrown instanceof BadAnswer)) throw thrown
      return this.lost('EPROTO')
    }
    // Nobody asked for what comes behind an answer, and nobody may take it for the next one.
    if (over > 0) this.close()
  }

  /** Request and answer are through. */
  private leave(): void {
    const asker = this.#asker
    if (!asker) return
    this.#asker = undefined
    if (this.#keeps) {
      this.#reused = true
      this.idleSinceMs = performance.now()
      // The reader of the last answer may have been slow.
      if (this.#socket.isPaused()) this.#socket.resume()
      this.#lines.give(this)
    } else {
      this.isClosed = true
      this.#socket.destroy()
    }
    asker.left()
  }

  private lost(code: string): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#socket.destroy()
    const asker = this.#asker
    this.#asker = undefined
    if (!asker) return this.#lines.forget(this)
    asker.left()
    if (this.#whole) return
    if (!this.#connected && code === 'ETIMEDOUT') asker.broken('late')
    else if (!this.#connected && CONNECT_FAILURES.has(code)) asker.broken('refused')
    else asker.broken(this.#reused && !this.#heard && RESETS.has(code) ? 'stale' : 'broken')
  }
}

const CONNECT_FAILURES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
])
const RESETS = new Set(['ECONNRESET', 'EPIPE'])

// Names, values and trailers come from Node's strict parser or are made by headers.ts: none holds a line end. HTTP/1.1 keeps
// connections by itself; older servers wait for the word.
function textOf({ method, path, headers }: Question): string {
  return `${method} ${path} HTTP/1.1\r\n${linesOf(headers)}Connection: keep-alive\r\n\r\n`
}

function linesOf(fields: readonly string[]): string {
  let text = ''
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`
  return text
}
