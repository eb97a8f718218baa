import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Asker, type Failure, IDLE_MS, Lines, type Question } from './line.ts'

interface Release {
  readonly lines: Lines
  readonly port: number
  /** Connections in the order in which they came, each with what it has heard. */
  readonly wires: { readonly socket: Socket; heard: string }[]
}

/** A release that answers only what the test tells it to. */
async function release(context: TestContext, answer: (socket: Socket, heard: string) => void): Promise<Release> {
  const wires: Release['wires'] = []
  const server = createServer((socket) => {
    const wire = { socket, heard: '' }
    wires.push(wire)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      wire.heard += chunk.toString('latin1')
      answer(socket, wire.heard)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const lines = new Lines('127.0.0.1', port, 5_000)
  context.after(() => {
    lines.close()
    for (const { socket } of wires) socket.destroy()
    server.close()
  })
  return { lines, port, wires }
}

/** Writes down what it hears; `over` resolves when it will hear no more. */
class Listener implements Asker {
  told = ''
  readonly over: Promise<string>
  #done: (told: string) => void = () => {}
  #failed = false

  constructor() {
    this.over = new Promise((done) => {
      this.#done = done
    })
  }

  connected(): void {
    this.told += 'connected '
  }
  goOn(): void {
    this.told += '100 '
  }
  answered({ status }: { status: number }): void {
    this.told += `${status} `
  }
  push(chunk: Buffer): void {
    this.told += `"${chunk}" `
  }
  ended(): void {
    this.told += 'ended '
  }
  drained(): void {}
  left(): void {
    this.told += 'left '
    // `broken` follows at once, where it does.
    queueMicrotask(() => this.#failed || this.#done(this.told.trim()))
  }
  broken(failure: Failure): void {
    this.#failed = true
    this.told += failure
    this.#done(this.told.trim())
  }
}

const GET: Question = { method: 'GET', path: '/', headers: ['Host', 'a'], body: false, chunked: false }

function ask(lines: Lines, question = GET, nowMs = performance.now(), idleMs = IDLE_MS): Promise<string> {
  const listener = new Listener()
  lines.take(nowMs, idleMs).ask(question, listener)
  return listener.over
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'
const asked = (heard: string) => heard.split('\r\n\r\n').length - 1

test('one connection carries one request after the other, written as it came', async (context) => {
  const { lines, wires } = await release(context, (socket) => socket.write(OK))
  const question = { ...GET, path: '/a?b', headers: ['hOST', 'x', 'X', '1', 'x', '\xe9'] }
  for (let i = 0; i < 3; i++) assert.equal(await ask(lines, question), 'connected 200 "hi" ended left')
  const text = 'GET /a?b HTTP/1.1\r\nhOST: x\r\nX: 1\r\nx: \xe9\r\nConnection: keep-alive\r\n\r\n'
  assert.deepEqual(
    wires.map(({ heard }) => heard),
    [text.repeat(3)],
  )
})

test('a connection carries nothing more after close, a hint of its end, too long a rest, or bytes that nobody asked for', async (context) => {
  const heads: readonly (readonly [says: string, answer: string, afterMs: number, idleMs: number])[] = [
    ['Connection: close', OK.replace('Content', 'Connection: close\r\nContent'), 0, IDLE_MS],
    ['a second is all the release promises', OK.replace('Content', 'Keep-Alive: timeout=1\r\nContent'), 1, IDLE_MS],
    ['a rest beyond our own limit', OK, IDLE_MS + 1_000, IDLE_MS],
    ['a rest beyond what this request allows', OK, 600, 500],
    ['an answer that nobody asked for', OK + OK, 0, IDLE_MS],
  ]
  for (const [says, answer, afterMs, idleMs] of heads) {
    const { lines, wires } = await release(context, (socket) => socket.write(answer))
    assert.equal(await ask(lines), 'connected 200 "hi" ended left', says)
    assert.equal(await ask(lines, GET, performance.now() + afterMs, idleMs), 'connected 200 "hi" ended left', says)
    assert.equal(wires.length, 2, says)
  }
})

test('a failure tells whether the request may be asked again', async (context) => {
  const dead = createServer().listen(0, '127.0.0.1')
  await once(dead, 'listening')
  const nobody = new Lines('127.0.0.1', (dead.address() as AddressInfo).port, 5_000)
  dead.close()
  await once(dead, 'close')
  assert.equal(await ask(nobody), 'left refused', 'nothing was sent')

  const rude = await release(context, (socket) => socket.destroy())
  assert.equal(await ask(rude.lines), 'connected left broken', 'a new connection that closes is no accident')

  const tired = await release(context, (socket, heard) => (asked(heard) < 2 ? socket.write(OK) : socket.destroy()))
  await ask(tired.lines)
  assert.equal(await ask(tired.lines), 'connected left stale')

  const torn = await release(context, (socket, heard) => {
    if (asked(heard) < 2) socket.write(OK)
    else socket.write('HTTP/1.1 2', () => socket.destroy())
  })
  await ask(torn.lines)
  assert.equal(await ask(torn.lines), 'connected left broken', 'it had begun to answer')

  const half = await release(context, (socket) => socket.end(OK.slice(0, -1)))
  assert.equal(await ask(half.lines), 'connected 200 "h" left broken')

  const noise = await release(context, (socket) => socket.write('220 smtp ready\r\n'))
  assert.equal(await ask(noise.lines), 'connected left broken', 'without waiting for more')
})

test('a connection that does not come about in time is a refused one', async () => {
  // 192.0.2.0/24 belongs to nobody (RFC 5737): a packet there is lost or refused, both of which are meant.
  const lines = new Lines('192.0.2.1', 9, 20)
  assert.equal(await ask(lines), 'left refused')
})

test('an answer without a length is whole when the connection ends', async (context) => {
  const { lines } = await release(context, (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nall'))
  assert.equal(await ask(lines), 'connected 200 "all" ended left')
})

test('a body is sent in the chunks that its headers announce, trailers behind it', async (context) => {
  const { lines, wires } = await release(context, (socket, heard) => heard.endsWith('1\r\n\r\n') && socket.write(OK))
  const listener = new Listener()
  const line = lines.take(performance.now(), IDLE_MS)
  line.ask({ ...GET, method: 'POST', headers: ['Transfer-Encoding', 'chunked'], body: true, chunked: true }, listener)
  line.write(Buffer.alloc(17, 'a'))
  line.write(Buffer.from('b'))
  line.finish(['X-Sum', '1'])
  assert.equal(await listener.over, 'connected 200 "hi" ended left')
  assert.match(wires[0]!.heard, /\r\n\r\n11\r\na{17}\r\n1\r\nb\r\n0\r\nX-Sum: 1\r\n\r\n$/)
})

test('an early answer lets the rest of the body go out before the connection is used again', async (context) => {
  const { lines, wires } = await release(context, (socket, heard) => {
    if (heard.endsWith('\r\n\r\n') || heard.endsWith('GET')) socket.write(OK)
  })
  const listener = new Listener()
  const line = lines.take(performance.now(), IDLE_MS)
  line.ask({ ...GET, method: 'POST', headers: ['Content-Length', '4'], body: true }, listener)
  while (!listener.told.includes('ended')) await new Promise((next) => setImmediate(next))
  assert.equal(listener.told, 'connected 200 "hi" ended ', 'still on its way')
  line.write(Buffer.from('abcd'))
  line.finish([])
  assert.equal(await listener.over, 'connected 200 "hi" ended left')
  assert.equal(await ask(lines), 'connected 200 "hi" ended left')
  assert.equal(wires.length, 1)
  assert.match(wires[0]!.heard, /\r\n\r\nabcdGET /)
})

test('whoever hangs up hears no more, and nobody gets the rest of the answer', async (context) => {
  const { lines, wires } = await release(context, (socket, heard) => {
    if (asked(heard) === 1) socket.write(wires.length === 1 ? 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf' : OK)
  })
  const listener = new Listener()
  const line = lines.take(performance.now(), IDLE_MS)
  line.ask(GET, listener)
  while (!listener.told.includes('half')) await new Promise((next) => setImmediate(next))
  line.close()
  line.close()
  assert.equal(await listener.over, 'connected 200 "half" left')
  assert.equal(await ask(lines), 'connected 200 "hi" ended left')
  assert.equal(wires.length, 2)
})
