/**
 * Pages that keep themselves up to date. A stream renders its page again when the store says that something was written (or every
 * two seconds, for durations), and sends only the regions that changed. One loop serves all streams.
 *
 *   event: regions   {"title": …, "announce": …, "regions": [{"id": …, "html": …}]}
 *   event: beat      {"at": "05:30:42"}          nothing changed; the page knows that it is not looking at the past
 *   event: trouble   {"says": …}                 the database does not answer; what is shown is old
 *   event: ended     {}                          the session is over
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf } from '../core/errors.ts'
import type { Instant } from '../core/time.ts'
import type { Desk } from './desk.ts'
import { Region, type Screen, titleOf } from './layout.ts'
import { clockText } from './moment.ts'
import { pause } from './pause.ts'
import type { Session } from './session.ts'

export const STREAMS_MAX = 100
export const STREAMS_PER_SESSION_MAX = 8
const LOOK_MS = 2_000
/** Not more often than this, however much is written. */
const REST_MS = 400
/** Looking takes at most a fifth of the time, because the engine may live in this process. */
const REST_SHARE = 4
const BEAT_MS = 8_000
const SESSION_CHECK_MS = 20_000
/** A reader that takes nothing for this long is gone. */
const STUCK_MS = 30_000

interface Stream {
  readonly cookie: string | undefined
  readonly session: Session
  readonly response: ServerResponse
  readonly render: (now: Instant) => Promise<Screen | null>
  readonly sent: Map<string, string>
  title: string
  announce: string
  saidAt: number
  checkedAt: number
}

export class Live {
  private readonly desk: Desk
  private readonly streams = new Set<Stream>()
  private readonly stop = new AbortController()
  private running = false

  constructor(desk: Desk) {
    this.desk = desk
  }

  get size(): number {
    return this.streams.size
  }

  hasRoomFor(session: Session): boolean {
    let mine = 0
    for (const stream of this.streams) if (stream.session.key === session.key) mine++
    return this.streams.size < STREAMS_MAX && mine < STREAMS_PER_SESSION_MAX
  }

  /** Takes the connection over. The caller has checked who is asking and that there is room. */
  open(
    request: IncomingMessage,
    response: ServerResponse,
    session: Session,
    cookie: string | undefined,
    render: Stream['render'],
  ): void {
    const now = performance.now()
    const stream: Stream = {
      cookie,
      session,
      response,
      render,
      sent: new Map(),
      title: '',
      announce: '',
      saidAt: now,
      checkedAt: now,
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      connection: 'keep-alive',
      // Asks nginx in front of us not to hold events back.
      'x-accel-buffering': 'no',
    })
    response.write('retry: 2000\n\n')
    request.on('close', () => this.streams.delete(stream))
    response.on('error', () => this.streams.delete(stream))
    this.streams.add(stream)
    // At once: the page may have changed since it was loaded.
    void this.look(stream)
    void this.run()
  }

  /** The person signed out: pages of that session stop at once. Other consoles notice at their next check. */
  signedOut(session: Session): void {
    for (const stream of this.streams) if (stream.session.key === session.key) this.end(stream)
  }

  close(): void {
    this.stop.abort()
    for (const stream of this.streams) stream.response.end()
    this.streams.clear()
  }

  private async run(): Promise<void> {
    if (this.running) return
    this.running = true
    try {
      while (this.streams.size > 0 && !this.stop.signal.aborted) {
        const began = performance.now()
        for (const stream of [...this.streams]) await this.look(stream)
        const spent = performance.now() - began
        await Promise.all([this.change(), pause(Math.max(REST_MS, spent * REST_SHARE), this.stop.signal)])
      }
    } finally {
      this.running = false
    }
  }

  private async change(): Promise<void> {
    try {
      await this.desk.store()?.wait(LOOK_MS, this.stop.signal)
    } catch {
      // The next look says what is wrong.
      await pause(LOOK_MS, this.stop.signal)
    }
  }

  private async look(stream: Stream): Promise<void> {
    const now = performance.now()
    if (stream.response.writableNeedDrain) {
      if (now - stream.saidAt > STUCK_MS) this.drop(stream)
      return
    }
    try {
      if (now - stream.checkedAt > SESSION_CHECK_MS) {
        if (!(await this.desk.sessions.read(stream.cookie))) return this.end(stream)
        stream.checkedAt = now
      }
      const screen = await stream.render(this.desk.options.clock.now())
      if (screen) this.sendChanges(stream, screen)
      if (now - stream.saidAt > BEAT_MS) this.send(stream, 'beat', {})
    } catch (thrown) {
      this.desk.options.log(`console: a live page could not be rendered: ${messageOf(thrown)}`)
      this.send(stream, 'trouble', { says: 'Holdfast cannot reach its database. This page may be out of date.' })
    }
  }

  private sendChanges(stream: Stream, screen: Screen): void {
    const regions = []
    for (const part of screen.body) {
      if (!(part instanceof Region) || stream.sent.get(part.id) === part.body.text) continue
      stream.sent.set(part.id, part.body.text)
      regions.push({ id: part.id, html: part.body.text })
    }
    const title = titleOf(screen)
    const announce = screen.announce ?? ''
    if (regions.length === 0 && title === stream.title && announce === stream.announce) return
    stream.title = title
    stream.announce = announce
    this.send(stream, 'regions', { title, announce, regions })
  }

  private send(stream: Stream, event: string, data: Readonly<Record<string, unknown>>): void {
    stream.saidAt = performance.now()
    const at = clockText(this.desk.options.clock.now())
    stream.response.write(`event: ${event}\ndata: ${JSON.stringify({ at, ...data })}\n\n`)
  }

  private end(stream: Stream): void {
    this.send(stream, 'ended', {})
    this.drop(stream)
  }

  private drop(stream: Stream): void {
    this.streams.delete(stream)
    stream.response.end()
  }
}
