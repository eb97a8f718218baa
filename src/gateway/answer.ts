/**
 * Reads an HTTP/1.1 answer as it arrives (RFC 9112), as strictly as Node's own parser or more so: what two readers could take
 * for different things is refused, because the next answer on the connection would then be given to the wrong citizen.
 *
 *   head ─┬─ 1xx ─► head                                  ┌─ a chunk's size ◄─► its data
 *         ├─ no body ─► done                              │        └ size 0 ─► trailers ─► done
 *         ├─ Content-Length ─► data ─► done               │
 *         ├─ chunked ─────────────────────────────────────┘
 *         └─ neither ─► data, until the connection ends
 */

/** A release's answer cannot be read, or is one that nobody asked for. */
export class BadAnswer extends Error {}

export interface AnswerHead {
  readonly status: number
  readonly message: string
  /** Name, value, name, value… as they were sent. */
  readonly headers: readonly string[]
  /** Bytes of the body where that is known beforehand. */
  readonly length: number | undefined
  /** What `Connection` says, in lower case. */
  readonly connection: string | undefined
  /** The connection may carry another request afterwards. */
  readonly keepAlive: boolean
  /** Seconds that the release says it keeps an idle connection. */
  readonly keepAliveS: number | undefined
}

/** Who hears what is read. */
export interface AnswerSink {
  /** 100: the body may be sent. Other 1xx answers are left out, as Node does. */
  goOn(): void
  /** `more`: bytes of the body arrived together with the head. */
  head(head: AnswerHead, more: boolean): void
  data(chunk: Buffer): void
  /** The answer is whole. Trailers as name, value, name, value… */
  whole(trailers: readonly string[]): void
}

// Node's own limit for the heads that its client reads (http.maxHeaderSize).
export const HEAD_BYTES_MAX = 16_384
// A chunk's size and whatever extensions come with it.
const SIZE_LINE_MAX = 1_024

const LINE_END = Buffer.from('\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')
// RFC 9110 section 5.5: no control characters in a head; and CR or LF only as a pair.
const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?:^|[^\r])\n/
const START = 'HTTP/1.'
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const LENGTH = /^\d{1,15}$/
const CHUNK_SIZE = /^([0-9a-fA-F]{1,12})(?:;[!#$%&'*+\-.^_`|~\w]+(?:=(?:[!#$%&'*+\-.^_`|~\w]+|"[ !#-[\]-~]*"))?)*$/
const FRAMING = /^(?:content-length|transfer-encoding)$/i
const NOTHING: readonly string[] = []

type State = 'head' | 'sized' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'open' | 'done'

export class AnswerReader {
  readonly #sink: AnswerSink
  #state: State = 'done'
  #toHead = false
  /** Bytes of the body or chunk that are still to come. */
  #left = 0
  #rest: Buffer | undefined

  constructor(sink: AnswerSink) {
    this.#sink = sink
  }

  /** Awaits the answer to a request of this method. */
  expect(method: string): void {
    this.#state = 'head'
    this.#toHead = method === 'HEAD'
    this.#rest = undefined
  }

  /** Gives how many of these bytes lie behind the answer's end. Throws BadAnswer. */
  push(chunk: Buffer): number {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#rest = undefined
    let at = 0
    while (at < bytes.length && this.#state !== 'done') {
      const next = this.read(bytes, at)
      if (next < 0) {
        this.#rest = bytes.subarray(at)
        return 0
      }
      at = next
    }
    return bytes.length - at
  }

  /** The connection has ended. True when that was the end of the answer, too. */
  end(): boolean {
    if (this.#state !== 'open') return false
    this.done(NOTHING)
    return true
  }

  /** Gives the place up to which all is read; -1: more bytes are needed. */
  private read(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.readHead(bytes, at)
      case 'sized':
      case 'chunk':
        return this.readData(bytes, at)
      case 'size':
        return this.readSize(bytes, at)
      case 'chunk-end':
        return this.readChunkEnd(bytes, at)
      case 'trailers':
        return this.readTrailers(bytes, at)
      case 'open':
        this.#sink.data(at === 0 ? bytes : bytes.subarray(at))
        return bytes.length
      case 'done':
        return at
    }
  }

  private readHead(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(HEAD_END, at)
    const size = (end < 0 ? bytes.length : end) - at
    if (size > HEAD_BYTES_MAX) throw new BadAnswer('a head that is too large')
    const text = bytes.toString('latin1', at, at + size)
    if (end < 0) {
      // What cannot become a good head any more shall not keep a citizen waiting for its end.
      if (!START.startsWith(text.slice(0, START.length))) throw new BadAnswer('no status line')
      refuseBroken(text, false)
      return -1
    }
    const { head, chunked } = headOf(text, this.#toHead)
    const next = end + HEAD_END.length
    if (head.status < 200) {
      if (head.status === 101) throw new BadAnswer('a switch of protocols that nobody asked for')
      if (head.status === 100) this.#sink.goOn()
      return next
    }
    const bodyless = this.#toHead || head.status === 204 || head.status === 304
    this.#sink.head(head, next < bytes.length)
    if (bodyless || head.length === 0) this.done(NOTHING)
    else if (chunked) this.#state = 'size'
    else if (head.length === undefined) this.#state = 'open'
    else {
      this.#state = 'sized'
      this.#left = head.length
    }
    return next
  }

  private readData(bytes: Buffer, at: number): number {
    const next = Math.min(bytes.length, at + this.#left)
    this.#left -= next - at
    this.#sink.data(bytes.subarray(at, next))
    if (this.#left === 0) {
      if (this.#state === 'chunk') this.#state = 'chunk-end'
      else this.done(NOTHING)
    }
    return next
  }

  private readSize(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LINE_END, at)
    if ((end < 0 ? bytes.length : end) - at > SIZE_LINE_MAX) throw new BadAnswer('a chunk size that is too long')
    if (end < 0) return -1
    const size = CHUNK_SIZE.exec(bytes.toString('latin1', at, end))
    if (!size) throw new BadAnswer('a chunk size that is no number')
    this.#left = Number.parseInt(size[1]!, 16)
    this.#state = this.#left === 0 ? 'trailers' : 'chunk'
    return end + LINE_END.length
  }

  private readChunkEnd(bytes: Buffer, at: number): number {
    if (bytes[at] !== 13 || (at + 1 < bytes.length && bytes[at + 1] !== 10)) throw new BadAnswer('an overlong chunk')
    if (at + 1 === bytes.length) return -1
    this.#state = 'size'
    return at + 2
  }

  private readTrailers(bytes: Buffer, at: number): number {
    const none = bytes[at] === 13 && (at + 1 === bytes.length || bytes[at + 1] === 10)
    if (none) {
      if (at + 1 === bytes.length) return -1
      this.done(NOTHING)
      return at + 2
    }
    const end = bytes.indexOf(HEAD_END, at)
    const size = (end < 0 ? bytes.length : end) - at
    if (size > HEAD_BYTES_MAX) throw new BadAnswer('trailers that are too large')
    const text = bytes.toString('latin1', at, at + size)
    refuseBroken(text, end >= 0)
    if (end < 0) return -1
    const trailers: string[] = []
    for (const line of text.split('\r\n')) {
      pushField(trailers, line)
      if (FRAMING.test(trailers[trailers.length - 2]!)) throw new BadAnswer('a length behind the body')
    }
    this.done(trailers)
    return end + HEAD_END.length
  }

  private done(trailers: readonly string[]): void {
    this.#state = 'done'
    this.#sink.whole(trailers)
  }
}

/** `ended`: the text is complete. One that is not may end between CR and LF. */
function refuseBroken(text: string, ended: boolean): void {
  const lines = !ended && text.endsWith('\r') ? text.slice(0, -1) : text
  if (FORBIDDEN.test(lines)) throw new BadAnswer('a broken line')
}

/** Reads a whole head, without its closing empty line. Throws BadAnswer. */
function headOf(text: string, toHead: boolean): { head: AnswerHead; chunked: boolean } {
  refuseBroken(text, true)
  let end = text.indexOf('\r\n')
  const first = STATUS_LINE.exec(end < 0 ? text : text.slice(0, end))
  if (!first) throw new BadAnswer('no status line')
  const headers: string[] = []
  let length: string | undefined
  let encoding: string | undefined
  let connection: string | undefined
  let kept: string | undefined
  while (end >= 0) {
    const start = end + 2
    end = text.indexOf('\r\n', start)
    const line = end < 0 ? text.slice(start) : text.slice(start, end)
    const value = pushField(headers, line)
    // Most names are told from these by their length alone.
    const name = headers[headers.length - 2]!
    if (name.length === 10) {
      const lower = name.toLowerCase()
      if (lower === 'connection') connection = joined(connection, value.toLowerCase())
      else if (lower === 'keep-alive') kept = value
    } else if ((name.length === 14 || name.length === 17) && FRAMING.test(name)) {
      // Some readers take a tab for a part of the value.
      if (line.includes('\t')) throw new BadAnswer('a tab in what frames the body')
      if (name.length === 14) length = joined(length, value)
      else encoding = joined(encoding, value)
    }
  }
  const old = first[1] === '0'
  const chunked = encoding !== undefined
  if (chunked && (old || length !== undefined || encoding!.toLowerCase() !== 'chunked')) {
    throw new BadAnswer('a Transfer-Encoding that could be read in two ways')
  }
  if (length !== undefined && !LENGTH.test(length)) throw new BadAnswer('a Content-Length that is no number')
  const status = Number(first[2])
  if (status < 200 && old) throw new BadAnswer('an interim answer that HTTP/1.0 does not know')
  const lasts = old ? says(connection, 'keep-alive') : !says(connection, 'close')
  const bounded = chunked || toHead || length !== undefined || status === 204 || status === 304 || status < 200
  const hint = kept === undefined ? undefined : /(?:^|[,;\s])timeout=(\d{1,6})/i.exec(kept)?.[1]
  const head = {
    status,
    message: first[3] ?? '',
    headers,
    length: length === undefined ? undefined : Number(length),
    connection,
    keepAlive: lasts && bounded,
    keepAliveS: hint === undefined ? undefined : Number(hint),
  }
  return { head, chunked }
}

/** Adds a field line's name and value, and gives the value. */
function pushField(list: string[], line: string): string {
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(0, colon))
  if (!NAME.test(name)) throw new BadAnswer('a line that is no header')
  let from = colon + 1
  let to = line.length
  // Not trim(): it would take away letters of other scripts that are spaces there.
  while (from < to && isBlank(line, from)) from++
  while (to > from && isBlank(line, to - 1)) to--
  const value = line.slice(from, to)
  list.push(name, value)
  return value
}

function isBlank(line: string, at: number): boolean {
  const code = line.charCodeAt(at)
  return code === 32 || code === 9
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`
}

function says(connection: string | undefined, word: string): boolean {
  if (connection === undefined || connection === word) return connection === word
  return connection.split(',').some((each) => each.trim() === word)
}
