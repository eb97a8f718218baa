/**
 * Citizens of every kind at once, each of whom knows what a whole answer is: quick pages on kept connections with and without
 * a seat, pages on a new connection each, answers that take long, uploads slow and fast with their hash, events in sequence,
 * and websockets that stay. Everything that goes wrong is written down.
 */
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'

export interface Tally {
  requests: number
  readonly byKind: Record<string, number>
  /** One line each, the first hundred. */
  readonly wrong: string[]
  failed: number
  truncated: number
  /** Ids of uploads that were answered well. */
  readonly uploaded: string[]
  /** Uploads that were begun, answered or not. */
  uploadsBegun: number
  /** Websockets that were closed otherwise than by "come back". */
  websocketsCut: number
  websocketsMoved: number
  websocketMessages: number
  /** Of sessions begun while a weight was in force: how many, and how many of them the canary answered. */
  readonly fresh: Map<number, { sessions: number; canary: number }>
}

export interface Mix {
  readonly port: number
  /** The weight in force, and the release that is on trial; undefined while they change. */
  readonly trial: () => { readonly weight: number; readonly canary: string } | undefined
  readonly seated: number
  readonly fresh: number
  readonly newConnections: number
  readonly slow: { readonly clients: number; readonly ms: number }
  readonly uploads: number
  readonly slowUploads: number
  readonly events: number
  readonly websockets: number
  /** How long everybody thinks between two requests, in ms; 0: the next one leaves when the answer is there. Default 0. */
  readonly thinkMs?: number
  /** True while a proxy that cannot say "come back" has been told to move its websockets: one that it cuts then was moved. */
  readonly movesByCutting?: () => boolean
}

const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

export class Load {
  readonly tally: Tally = {
    requests: 0,
    byKind: {},
    wrong: [],
    failed: 0,
    truncated: 0,
    uploaded: [],
    uploadsBegun: 0,
    websocketsCut: 0,
    websocketsMoved: 0,
    websocketMessages: 0,
    fresh: new Map(),
  }
  readonly #mix: Mix
  readonly #agent = new Agent({ keepAlive: true })
  readonly #loops: Promise<void>[] = []
  #on = true

  constructor(mix: Mix) {
    this.#mix = mix
    const start = (clients: number, body: (client: number) => Promise<void>) => {
      for (let i = 0; i < clients; i++) this.#loops.push(body(i))
    }
    start(mix.seated, () => this.#pages('seated', true, Number.POSITIVE_INFINITY))
    start(mix.fresh, () => this.#pages('fresh', false, Number.POSITIVE_INFINITY))
    start(mix.newConnections, () => this.#pages('new connection', false, 1))
    start(mix.slow.clients, () => this.#over('slow', () => this.#get(`/slow?ms=${mix.slow.ms}`)))
    start(mix.uploads, () => this.#over('upload', () => this.#upload(5_000, 0)))
    start(mix.slowUploads, () => this.#over('slow upload', () => this.#upload(1_000_000, 20)))
    start(mix.events, () => this.#over('events', () => this.#events()))
    start(mix.websockets, () => this.#websocket())
  }

  /** Lets everybody finish what they have begun. */
  async stop(): Promise<Tally> {
    this.#on = false
    await Promise.all(this.#loops)
    this.#agent.destroy()
    return this.tally
  }

  async #over(kind: string, one: () => Promise<void>): Promise<void> {
    while (this.#on) {
      try {
        await one()
      } catch (thrown) {
        this.#wrong(kind, thrown instanceof Error ? thrown.message : String(thrown))
        await pause(50)
      }
      this.#count(kind)
      await pause(this.#mix.thinkMs ?? 0)
    }
  }

  #count(kind: string): void {
    this.tally.requests++
    this.tally.byKind[kind] = (this.tally.byKind[kind] ?? 0) + 1
  }

  #wrong(kind: string, says: string): void {
    if (says.startsWith('truncated')) this.tally.truncated++
    else this.tally.failed++
    if (this.tally.wrong.length < 100) this.tally.wrong.push(`${kind}: ${says}`)
  }

  async #ask(path: string, options: { method?: string; id?: string } = {}) {
    const headers = { 'user-agent': USER_AGENT, ...(options.id ? { 'x-id': options.id } : {}) }
    const asked = request({
      port: this.#mix.port,
      host: '127.0.0.1',
      path,
      agent: this.#agent,
      headers,
      method: options.method ?? 'GET',
    })
    // Attached before the first byte leaves, so that no answer can come unseen.
    const answer = once(asked, 'response') as Promise<[IncomingMessage]>
    answer.catch(() => {})
    return { asked, answer }
  }

  async #get(path: string): Promise<void> {
    const { asked, answer } = await this.#ask(path)
    asked.end()
    const text = await whole((await answer)[0])
    if (!text.endsWith('</p>\n')) throw new Error(`truncated after ${text.length} bytes`)
  }

  async #upload(bytes: number, pauseMs: number): Promise<void> {
    const id = randomUUID()
    const hash = createHash('sha256')
    const { asked, answer } = await this.#ask('/upload', { method: 'POST', id })
    this.tally.uploadsBegun++
    const pieces = pauseMs > 0 ? 20 : 1
    for (let i = 0; i < pieces; i++) {
      const piece = Buffer.alloc(bytes / pieces, id[i] ?? 'x')
      hash.update(piece)
      asked.write(piece)
      if (pauseMs > 0) await pause(pauseMs)
    }
    asked.end()
    const told = await whole((await answer)[0])
    if (told !== hash.digest('hex')) throw new Error(`the upload's hash came back as ${told.slice(0, 80)}`)
    this.tally.uploaded.push(id)
  }

  async #events(): Promise<void> {
    const { asked, answer } = await this.#ask('/events?n=30&ms=20')
    asked.end()
    const text = await whole((await answer)[0])
    const wanted = [...Array.from({ length: 30 }, (_, i) => `data: ${i}`), 'data: end'].join('\n\n')
    if (text.trim() !== wanted) throw new Error(`truncated events: ${text.length} bytes`)
  }

  /** Pages over plain sockets, which cost the load little. `perConnection`: pages until a new connection is opened. */
  async #pages(kind: string, seated: boolean, perConnection: number): Promise<void> {
    while (this.#on) await this.#connection(kind, seated, perConnection)
  }

  #connection(kind: string, seated: boolean, perConnection: number): Promise<void> {
    return new Promise((closed) => {
      const socket = connect(this.#mix.port, '127.0.0.1')
      let cookie = ''
      let heard = Buffer.alloc(0)
      let asked = 0
      let waiting = false
      let trial: ReturnType<Mix['trial']>
      const ask = () => {
        if (!this.#on || asked >= perConnection || socket.destroyed || socket.readableEnded) {
          socket.end()
          return
        }
        asked++
        waiting = true
        trial = this.#mix.trial()
        socket.write(`GET /page HTTP/1.1\r\nHost: swaps.test\r\nUser-Agent: ${USER_AGENT}\r\n${cookie}\r\n`)
      }
      socket.on('connect', ask)
      socket.on('data', (chunk) => {
        heard = heard.length === 0 ? chunk : Buffer.concat([heard, chunk])
        const end = heard.indexOf('\r\n\r\n')
        if (end < 0) return
        const head = heard.toString('latin1', 0, end)
        const size = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
        if (heard.length < end + 4 + size) return
        waiting = false
        this.#count(kind)
        if (!head.startsWith('HTTP/1.1 200') || heard.length !== end + 4 + size)
          this.#wrong(kind, head.split('\r\n')[0]!)
        else if (!cookie) this.#seat(trial, /x-release: (\S+)/i.exec(head)?.[1])
        if (seated && !cookie) cookie = `Cookie: ${/set-cookie: ([^;]+)/i.exec(head)?.[1]}\r\n`
        heard = Buffer.alloc(0)
        if (/connection: close/i.test(head)) socket.end()
        else if (this.#mix.thinkMs) setTimeout(ask, this.#mix.thinkMs)
        else ask()
      })
      socket.on('error', (error) => {
        if (!waiting) return
        waiting = false
        this.#count(kind)
        this.#wrong(kind, error.message)
      })
      socket.on('close', () => {
        if (waiting) {
          this.#count(kind)
          this.#wrong(kind, heard.length > 0 ? 'truncated: closed in the middle of an answer' : 'closed unanswered')
        }
        closed()
      })
    })
  }

  #seat(before: ReturnType<Mix['trial']>, release: string | undefined): void {
    const after = this.#mix.trial()
    if (!before || before !== after) return
    const row = this.tally.fresh.get(before.weight) ?? { sessions: 0, canary: 0 }
    row.sessions++
    if (release === before.canary) row.canary++
    this.tally.fresh.set(before.weight, row)
  }

  async #websocket(): Promise<void> {
    while (this.#on) {
      const socket = new WebSocket(`ws://127.0.0.1:${this.#mix.port}/`, { headers: { 'user-agent': USER_AGENT } })
      const closed = new Promise<number>((done) => {
        socket.on('close', done)
      })
      socket.on('error', () => {})
      this.#count('websocket')
      if (await opened(socket)) await this.#talk(socket)
      else this.#wrong('websocket', 'was not opened')
      if (!this.#on) socket.close()
      const code = await closed
      const moved = code === 1012 || (code === 1006 && this.#mix.movesByCutting?.() === true)
      if (moved) this.tally.websocketsMoved++
      else if (this.#on) this.tally.websocketsCut++
    }
  }

  async #talk(socket: WebSocket): Promise<void> {
    let hear: (text: string) => void = () => {}
    socket.on('message', (data) => hear(String(data)))
    socket.on('close', () => hear('closed'))
    for (let i = 0; this.#on && socket.readyState === WebSocket.OPEN; i++) {
      const heard = new Promise<string>((done) => {
        hear = done
      })
      socket.send(`message ${i}`)
      const text = await heard
      if (text === 'closed') return
      if (text !== `message ${i}`) this.#wrong('websocket', `wanted message ${i}, heard ${text.slice(0, 40)}`)
      this.tally.websocketMessages++
      await pause(Math.max(20, this.#mix.thinkMs ?? 0))
    }
  }
}

function opened(socket: WebSocket): Promise<boolean> {
  return new Promise((done) => {
    socket.on('open', () => done(true))
    socket.on('close', () => done(false))
  })
}

async function whole(answer: IncomingMessage): Promise<string> {
  if (answer.statusCode !== 200) {
    answer.resume()
    throw new Error(`status ${answer.statusCode}`)
  }
  const chunks: Buffer[] = []
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch {
    throw new Error('truncated')
  }
  return Buffer.concat(chunks).toString('utf8')
}
