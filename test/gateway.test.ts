import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { SEAT_COOKIE } from '../src/core/traffic/seat.ts'
import { probeValue } from '../src/core/traffic/visitor.ts'
import type { StepMatch } from '../src/ports/traffic.ts'
import { CITIZEN, configOf, deadPort, openWorld, Raw, SHADOW, serve, until } from './gateway-world.ts'

const FETCH = { headers: { 'user-agent': CITIZEN } }
const STEP: StepMatch = { journey: 'j', step: 's', method: 'GET', route: '/', okStatus: [200], limitMs: 60_000 }
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const echo = async (req: IncomingMessage, res: ServerResponse) => {
  const body = await bodyOf(req)
  res.setHeader('x-method', `${req.method}`).setHeader('x-url', `${req.url}`)
  res.end(JSON.stringify({ headers: req.headers, raw: req.rawHeaders, sha: sha(body), bytes: body.length }))
}

test('requests and answers arrive as they were sent', async (context) => {
  const { port } = await serve(context, (req, res) => {
    res.setHeader('set-cookie', ['a=1', 'b=2']).setHeader('x-url', `${req.method} ${req.url}`).writeHead(201, 'Made')
    res.end(String(req.headers['x-from-citizen']))
  })
  const { url } = await openWorld(context, configOf([port]))
  const answer = await fetch(`${url}/a%20b?c=d&e`, { method: 'PUT', body: 'x', headers: { 'x-from-citizen': 'é' } })
  assert.equal(answer.status, 201)
  assert.equal(answer.statusText, 'Made')
  assert.equal(answer.headers.get('x-url'), 'PUT /a%20b?c=d&e')
  assert.deepEqual(answer.headers.getSetCookie().slice(0, 2), ['a=1', 'b=2'])
  assert.match(answer.headers.getSetCookie()[2] ?? '', /^holdfast_seat=/)
})

test('an upload of 32 MB and its download keep every byte', async (context) => {
  const sent = Buffer.alloc(32_000_000, 'holdfast')
  const { port } = await serve(context, async (req, res) => res.end(await bodyOf(req)))
  const { url } = await openWorld(context, configOf([port]))
  const answer = await fetch(url, { method: 'POST', body: sent })
  assert.equal(sha(new Uint8Array(await answer.arrayBuffer())), sha(sent))
})

test('a client that does not read holds the release back, not our memory', async (context) => {
  let written = 0
  let full = false
  const { port } = await serve(context, (req, res) => {
    if (req.url === '/health') return void res.end()
    const chunk = Buffer.alloc(1_000_000)
    const more = () => {
      for (;;) {
        written += chunk.length
        if (!res.write(chunk)) break
      }
      full = true
      res.once('drain', more)
    }
    more()
  })
  const world = await openWorld(context, configOf([port]))
  const raw = new Raw(context, world.port)
  raw.socket.pause()
  raw.say('GET / HTTP/1.1', 'Host: a', '', '')
  await until(() => full)
  let before = -1
  // It stops growing: everything between here and there is full.
  await until(async () => {
    const still = written === before
    before = written
    await new Promise((next) => setTimeout(next, 100))
    return still
  })
  assert.ok(written < 64_000_000, `${written} bytes were taken in`)
  assert.equal(world.door.pool.members()[0]?.inFlight, 1)
  raw.socket.destroy()
  await until(() => world.door.pool.members()[0]?.inFlight === 0)
})

test('HEAD, 204 and 304 have no body, and keep their headers', async (context) => {
  const { port } = await serve(context, (req, res) => {
    if (req.method === 'HEAD') return void res.setHeader('content-length', '7').end()
    res.writeHead(req.url === '/304' ? 304 : 204, { etag: '"x"' }).end()
  })
  const { url } = await openWorld(context, configOf([port]))
  const head = await fetch(url, { method: 'HEAD' })
  assert.equal(head.headers.get('content-length'), '7')
  for (const status of [204, 304]) {
    const answer = await fetch(`${url}/${status}`)
    assert.deepEqual([answer.status, answer.headers.get('etag'), await answer.text()], [status, '"x"', ''])
  }
})

test('trailers pass both ways', async (context) => {
  const { port } = await serve(context, async (req, res) => {
    await bodyOf(req)
    res.writeHead(200, { trailer: 'X-Sum' })
    res.write('a')
    res.addTrailers({ 'X-Sum': `got ${req.trailers['x-check']}` })
    res.end()
  })
  const world = await openWorld(context, configOf([port]))
  const raw = new Raw(context, world.port)
  raw.say(
    'POST / HTTP/1.1',
    'Host: a',
    'Transfer-Encoding: chunked',
    'Trailer: X-Check',
    '',
    '1',
    'a',
    '0',
    'X-Check: 9',
    '',
    '',
  )
  assert.match(await raw.hears(/\r\n0\r\n(.+\r\n)?\r\n/), /X-Sum: got 9/)
})

test('Expect: 100-continue waits for the release to say go on', async (context) => {
  const { server, port } = await serve(context, echo)
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
    if (req.headers['content-length'] === '5') {
      res.writeContinue()
      void echo(req, res)
    } else res.writeHead(413, { connection: 'close' }).end('no')
  })
  const world = await openWorld(context, configOf([port]))
  const wanted = new Raw(context, world.port)
  wanted.say('POST / HTTP/1.1', 'Host: a', 'Expect: 100-continue', 'Content-Length: 5', '', '')
  await wanted.hears(/^HTTP\/1.1 100 Continue\r\n\r\n$/)
  wanted.say('hello')
  await wanted.hears(/"bytes":5/)
  const unwanted = new Raw(context, world.port)
  unwanted.say('POST / HTTP/1.1', 'Host: a', 'Expect: 100-continue', 'Content-Length: 6', '', '')
  assert.match(await unwanted.hears(/no/), /^HTTP\/1.1 413/)
})

test('server-sent events arrive one by one, the head before the first', async (context) => {
  let release: ServerResponse | undefined
  const { port } = await serve(context, (req, res) => {
    if (req.url === '/health') return void res.end()
    release = res
    res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  })
  const { port: gateway } = await openWorld(context, configOf([port]))
  const raw = new Raw(context, gateway)
  raw.say('GET /events HTTP/1.1', 'Host: a', '', '')
  await raw.hears(/text\/event-stream/)
  release?.write('data: one\n\n')
  await raw.hears(/data: one/)
  release?.write('data: two\n\n')
  await raw.hears(/data: two/)
})

test('a client that goes away takes its request with it', async (context) => {
  let gone = false
  let asked = false
  const { port } = await serve(context, (req, res) => {
    if (req.url === '/health') return void res.end()
    asked = true
    res.on('close', () => {
      gone = true
    })
  })
  const world = await openWorld(context, configOf([port], { steps: [STEP] }))
  const raw = new Raw(context, world.port)
  raw.say('GET / HTTP/1.1', 'Host: a', `User-Agent: ${CITIZEN}`, '', '')
  await until(() => asked)
  raw.socket.destroy()
  await until(() => gone)
  await until(() => world.door.pool.members()[0]?.inFlight === 0)
  assert.deepEqual(world.seen().answers, [], 'leaving early says nothing about the service')
})

test('a citizen who leaves after the limit was failed by slowness', async (context) => {
  const { port } = await serve(context, (req, res) => void (req.url === '/health' && res.end()))
  const world = await openWorld(context, configOf([port], { steps: [{ ...STEP, limitMs: 20 }] }))
  const raw = new Raw(context, world.port).say('GET / HTTP/1.1', 'Host: a', `User-Agent: ${CITIZEN}`, '', '')
  await until(() => world.seen().answers.length > 0)
  raw.socket.destroy()
  assert.deepEqual(
    world.seen().answers.map(({ outcome }) => outcome),
    ['slow'],
  )
})

test('pipelined requests are answered in their order', async (context) => {
  const slow: ServerResponse[] = []
  let others = 0
  const { port } = await serve(context, (req, res) => {
    if (req.url === '/slow') slow.push(res)
    else {
      if (req.url !== '/health') others++
      res.end(`answer ${req.url}`)
    }
  })
  const world = await openWorld(context, configOf([port]))
  const raw = new Raw(context, world.port)
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
  raw.say(get('/slow') + Array.from({ length: 99 }, (_, i) => get(`/${i}`)).join(''))
  await until(() => slow.length === 1 && others >= 16)
  assert.equal(raw.heard, '')
  slow[0]?.end('answer /slow')
  await raw.hears(/answer \/98$/)
  assert.deepEqual(
    [...raw.heard.matchAll(/answer \/(slow|\d+)/g)].map(([, name]) => name),
    ['slow', ...Array.from({ length: 99 }, (_, i) => String(i))],
  )
})

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
const AMBIGUOUS: readonly (readonly [says: string, lines: readonly string[]])[] = [
  [
    'Content-Length and Transfer-Encoding',
    ['Host: a', 'Content-Length: 4', 'Transfer-Encoding: chunked', '', '0\r\n\r\n'],
  ],
  [
    'Transfer-Encoding and Content-Length',
    ['Host: a', 'Transfer-Encoding: chunked', 'Content-Length: 4', '', '0\r\n\r\n'],
  ],
  ['two different Content-Lengths', ['Host: a', 'Content-Length: 0', 'Content-Length: 38', '', '']],
  ['the same Content-Length twice', ['Host: a', 'Content-Length: 1', 'Content-Length: 1', '', 'x']],
  ['a list of Content-Lengths', ['Host: a', 'Content-Length: 0, 38', '', '']],
  ['a negative Content-Length', ['Host: a', 'Content-Length: -1', '', '']],
  ['a Content-Length with a sign', ['Host: a', 'Content-Length: +1', '', 'x']],
  ['a hexadecimal Content-Length', ['Host: a', 'Content-Length: 0x1', '', 'x']],
  ['an unknown Transfer-Encoding', ['Host: a', 'Transfer-Encoding: xchunked', '', '0\r\n\r\n']],
  ['Transfer-Encoding that ends in another', ['Host: a', 'Transfer-Encoding: chunked, identity', '', '0\r\n\r\n']],
  ['Transfer-Encoding twice', ['Host: a', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked', '', '0\r\n\r\n']],
  ['a vertical tab in Transfer-Encoding', ['Host: a', 'Transfer-Encoding: \vchunked', '', '0\r\n\r\n']],
  ['a space before the colon', ['Host: a', 'Transfer-Encoding : chunked', '', '0\r\n\r\n']],
  ['a folded line', ['Host: a', 'Transfer-Encoding:', ' chunked', '', '0\r\n\r\n']],
  ['a chunk size with junk', ['Host: a', 'Transfer-Encoding: chunked', '', '0x1\r\nA\r\n0\r\n\r\n']],
  ['a line feed alone as line end', ['Host: a\nTransfer-Encoding: chunked', '', '0\r\n\r\n']],
  ['no Host', ['Content-Length: 0', '', '']],
  ['two Hosts', ['Host: a', 'Host: b', '', '']],
]

test('what two servers could read differently is refused, and nothing gets past behind it', async (context) => {
  const urls: string[] = []
  const { port } = await serve(context, (req, res) => {
    if (req.url !== '/health') urls.push(`${req.method} ${req.url}`)
    req.resume().on('end', () => res.end('passed'))
  })
  const world = await openWorld(context, configOf([port]))
  for (const [says, lines] of AMBIGUOUS) {
    const raw = new Raw(context, world.port)
    raw.say('POST / HTTP/1.1', ...lines).say(SMUGGLED)
    const heard = await raw.ends()
    assert.match(heard, /^HTTP\/1.1 400 /, says)
    assert.equal(heard.match(/HTTP\/1.1 /g)?.length, 1, `${says}: one answer, then closed`)
  }
  assert.ok(!urls.includes('GET /smuggled'), urls.join())
})

test('the absolute form of an address chooses no other host', async (context) => {
  const { port } = await serve(context, echo)
  const world = await openWorld(context, configOf([port]))
  const raw = new Raw(context, world.port)
  raw.say('GET http://elsewhere.test:99/a?b HTTP/1.1', 'Host: a', '', '')
  assert.match(await raw.hears(/"bytes":0/), /x-url: \/a\?b\r\n/)
  const odd = new Raw(context, world.port).say('GET ftp://elsewhere.test/ HTTP/1.1', 'Host: a', '', '')
  assert.match(await odd.ends(), /^HTTP\/1.1 400 /)
})

test('what our own client could not write is refused, and hurts nobody else', async (context) => {
  const { port } = await serve(context, echo)
  const world = await openWorld(context, configOf([port]))
  for (const target of ['/a\tb', '/a\fb', '/\x7f', '/\xe9', '/%', '/a"<>\\^`{|}']) {
    const raw = new Raw(context, world.port)
    raw.socket.write(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 'latin1'))
    assert.match(await raw.ends(), /^HTTP\/1.1 (200|400) /, JSON.stringify(target))
    const upgrade = new Raw(context, world.port)
    const lines = ['Host: a', 'Connection: upgrade', 'Upgrade: x', '', ''].join('\r\n')
    upgrade.socket.write(Buffer.from(`GET ${target} HTTP/1.1\r\n${lines}`, 'latin1'))
    assert.match(await upgrade.ends(), /^HTTP\/1.1 (200|400) /, JSON.stringify(target))
  }
  await until(() => world.door.pool.members()[0]?.inFlight === 0)
})

test('noise of every kind neither ends the gateway nor stays open in it', async (context) => {
  // Half requests reach the release as such, and are no fault of its.
  const { port } = await serve(context, (req, res) => void echo(req, res).catch(() => {}))
  const world = await openWorld(context, configOf([port], { steps: [STEP] }), { headMs: 50, uploadIdleMs: 50 })
  let seed = 7
  const dice = (n: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % n
  }
  const whole = Buffer.from(
    'POST /a?b HTTP/1.1\r\nHost: a\r\nCookie: holdfast_seat=v1.x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  for (let i = 0; i < 300; i++) {
    const bytes = Buffer.from(whole)
    for (let n = dice(4); n >= 0; n--) bytes[dice(bytes.length)] = dice(256)
    const raw = new Raw(context, world.port)
    raw.socket.end(bytes.subarray(0, 1 + dice(bytes.length)))
    if (i % 20 === 0) await raw.ends()
  }
  assert.equal((await fetch(world.url, FETCH)).status, 200)
  await until(() => world.door.pool.members()[0]?.inFlight === 0)
})

test('heads and addresses have a limit', async (context) => {
  const { port } = await serve(context, echo)
  const world = await openWorld(context, configOf([port]))
  const long = new Raw(context, world.port).say(`GET /${'a'.repeat(9_000)} HTTP/1.1`, 'Host: a', '', '')
  assert.match(await long.hears(/html>\n$/), /^HTTP\/1.1 414 /)
  const large = new Raw(context, world.port).say('GET / HTTP/1.1', 'Host: a', `X: ${'a'.repeat(17_000)}`, '', '')
  assert.match(await large.ends(), /^HTTP\/1.1 431 /)
})

test('a head that never ends is given up; an upload that moves, however slowly, is not', async (context) => {
  const { port } = await serve(context, echo)
  const world = await openWorld(context, configOf([port]), { headMs: 100, uploadIdleMs: 400 })
  const upload = new Raw(context, world.port).say('POST / HTTP/1.1', 'Host: a', 'Content-Length: 20', '', '')
  const head = new Raw(context, world.port).say('GET / HTTP/1.1', 'Host: a', '')
  // Each byte well within the idle limit, all of them well beyond it and beyond the head's limit.
  for (let i = 0; i < 20; i++) {
    upload.say('x')
    await new Promise((next) => setTimeout(next, 40))
  }
  await upload.hears(/"bytes":20/)
  assert.match(await head.ends(), /^HTTP\/1.1 408 /)
})

test('an upload that stops is given up, and the release is told', async (context) => {
  let aborted = false
  const { port } = await serve(context, (req, res) => {
    if (req.url === '/health') return void res.end()
    req.on('error', () => {
      aborted = true
    })
    req.resume()
  })
  const world = await openWorld(context, configOf([port]), { uploadIdleMs: 50 })
  const raw = new Raw(context, world.port).say('POST / HTTP/1.1', 'Host: a', 'Content-Length: 20', '', 'x')
  assert.match(await raw.hears(/html>\n$/), /^HTTP\/1.1 408 /)
  await until(() => aborted)
})

test('a refused connection costs no byte: the next backend gets the whole POST, once', async (context) => {
  let posts = 0
  const { port } = await serve(context, (req, res) => {
    if (req.method === 'POST') posts++
    void echo(req, res)
  })
  const body = Buffer.alloc(300_000, 'b')
  const config = configOf([await deadPort(), await deadPort(), port])
  const world = await openWorld(context, config)
  // As if nobody had looked at them yet.
  for (const member of world.door.pool.members()) Object.assign(member, { state: 'healthy', refusing: false })
  for (let i = 1; i <= 4; i++) {
    const answer = await fetch(world.url, { method: 'POST', body })
    assert.deepEqual(((await answer.json()) as { sha: string }).sha, sha(body))
    assert.equal(posts, i)
  }
  assert.equal(world.seen().tolls.failedByUs, 0)
  assert.deepEqual(
    world.door.pool.members().map(({ state }) => state),
    ['unhealthy', 'unhealthy', 'healthy'],
  )
})

test('a POST that reached a release is never sent again', async (context) => {
  let posts = 0
  const { port } = await serve(context, (req, res) => {
    if (req.method !== 'POST') return void res.end('warm')
    posts++
    req.socket.destroy()
  })
  const world = await openWorld(context, configOf([port, port].map((each, i) => each + i * 0)), {})
  await (await fetch(world.url)).text()
  const answer = await fetch(world.url, { method: 'POST', body: 'x' })
  assert.equal(answer.status, 502)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.match(await answer.text(), /check whether it arrived before you send it again/)
  assert.equal(posts, 1)
  assert.equal(world.seen().tolls.failedByUs, 0, 'the release broke it, not we')
})

test('a GET on a kept connection that the release has just closed is asked again', async (context) => {
  const sockets = new Set<Socket>()
  let cut = false
  let asked = 0
  const { server, port } = await serve(context, (req, res) => {
    if (req.url === '/health') return void res.end()
    asked++
    if (cut) {
      cut = false
      req.socket.destroy()
    } else res.end('here')
  })
  server.on('connection', (socket) => sockets.add(socket))
  const world = await openWorld(context, configOf([port]))
  assert.equal(await (await fetch(world.url)).text(), 'here')
  cut = true
  assert.equal(await (await fetch(world.url)).text(), 'here')
  assert.equal(asked, 3)
})

test('an answer that breaks off is never taken for a whole one, and fails its step', async (context) => {
  const { port } = await serve(context, (req, res) => {
    if (req.url === '/health') return void res.end()
    res.writeHead(200, req.url === '/sized' ? { 'content-length': '100' } : {})
    res.write('half', () => req.socket.destroy())
  })
  const steps = [STEP, { ...STEP, step: 'sized', route: '/sized' }]
  const world = await openWorld(context, configOf([port], { steps }))
  for (const path of ['/', '/sized']) {
    const answer = await fetch(`${world.url}${path}`, FETCH)
    await assert.rejects(answer.text(), path)
  }
  await until(() => world.seen().answers.length === 2)
  assert.deepEqual(
    world.seen().answers.map(({ step, outcome }) => `${step} ${outcome}`),
    ['s failed', 'sized failed'],
  )
})

test('an answer that comes before the upload has ended is passed on', async (context) => {
  const { port } = await serve(context, (req, res) => {
    if (req.url === '/health') return void res.end()
    res.writeHead(413, { connection: 'close' }).end('too much')
    req.resume()
  })
  const world = await openWorld(context, configOf([port]))
  const raw = new Raw(context, world.port)
  raw.say('POST / HTTP/1.1', 'Host: a', 'Content-Length: 1000000', '', 'some')
  assert.match(await raw.hears(/too much/), /^HTTP\/1.1 413 /)
  await until(() => world.door.pool.members()[0]?.inFlight === 0)
})

test('an answer that cannot be read, or that nobody asked for, becomes our page and spoils no other', async (context) => {
  const answers: Record<string, string> = {
    '/noise': '220 smtp ready\r\n',
    '/both': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '/switch': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  }
  const { port } = await serve(context, (req, res) => {
    const answer = answers[req.url ?? '']
    if (answer) req.socket.write(answer)
    else if (req.url === '/twice') req.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1'.repeat(2))
    else res.end('good')
  })
  const world = await openWorld(context, configOf([port]))
  for (const path of Object.keys(answers)) {
    assert.equal((await fetch(`${world.url}${path}`, FETCH)).status, 502, path)
    assert.equal(await (await fetch(world.url, FETCH)).text(), 'good', path)
  }
  assert.equal(await (await fetch(`${world.url}/twice`, FETCH)).text(), '1')
  assert.equal(await (await fetch(world.url, FETCH)).text(), 'good', 'not the second half of /twice')
  assert.equal(world.seen().tolls.failedByUs, 0)
  assert.equal(world.door.pool.members()[0]?.state, 'healthy')
})

test('trailers that are announced but cannot come do no harm', async (context) => {
  const { port } = await serve(context, (req, res) => {
    const length = req.url === '/sized' ? 'Content-Length: 1\r\n' : 'Transfer-Encoding: chunked\r\n'
    const body = req.url === '/sized' ? 'a' : '1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n'
    if (req.url === '/health') res.end()
    else req.socket.write(`HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n${length}\r\n${req.method === 'HEAD' ? '' : body}`)
  })
  const world = await openWorld(context, configOf([port]))
  assert.equal(await (await fetch(`${world.url}/sized`, FETCH)).text(), 'a')
  assert.equal((await fetch(world.url, { ...FETCH, method: 'HEAD' })).status, 200)
  const old = await new Raw(context, world.port).say('GET / HTTP/1.0', 'Host: a', '', '').ends()
  assert.match(old, /\r\n\r\na$/)
})

test('a client of HTTP/1.0 gets its answer without chunks', async (context) => {
  const { port } = await serve(context, (_, res) => {
    res.write('a')
    res.end('b')
  })
  const world = await openWorld(context, configOf([port]))
  const heard = await new Raw(context, world.port).say('GET / HTTP/1.0', 'Host: a', '', '').ends()
  assert.match(heard, /\r\n\r\nab$/)
  assert.doesNotMatch(heard, /transfer-encoding/i)
})

test('the release learns who asks, and neither the seat nor the probe’s secret', async (context) => {
  const { port } = await serve(context, echo)
  const config = configOf([port])
  const world = await openWorld(context, config)
  const first = await fetch(world.url, FETCH)
  const seat = first.headers.getSetCookie()[0]!.split(';')[0]!
  const headers = {
    ...FETCH.headers,
    cookie: `a=1; ${seat}`,
    'x-probe': probeValue(config.probe, 'stable'),
    'x-shadow': '1',
  }
  const second = await fetch(world.url, { headers })
  const text = await second.text()
  assert.ok(!text.includes(SEAT_COOKIE) && !text.includes('secret'), text)
  const { headers: got } = JSON.parse(text) as { headers: Record<string, string> }
  assert.deepEqual(
    [got.cookie, got['x-holdfast-visitor'], got['x-shadow'], got['x-forwarded-for'], got['x-forwarded-proto']],
    ['a=1', 'probe', undefined, '127.0.0.1', 'http'],
  )
  assert.deepEqual(second.headers.getSetCookie(), [], 'a known seat is not set again')
})

test('an answer for every cache carries nobody’s seat', async (context) => {
  const { port } = await serve(context, (_, res) => res.setHeader('cache-control', 'public, max-age=60').end('css'))
  const { url } = await openWorld(context, configOf([port]))
  assert.deepEqual((await fetch(`${url}/style.css`)).headers.getSetCookie(), [])
})

test('a packed page is searched, and arrives packed as it was', async (context) => {
  const packed = gzipSync('<h1>Application received</h1>')
  const { port } = await serve(context, (_, res) => {
    res.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' }).end(packed)
  })
  const steps = [
    { ...STEP, marker: 'Application received' },
    { ...STEP, step: 'x', route: '/x', marker: 'Nothing' },
  ]
  const world = await openWorld(context, configOf([port], { steps }))
  for (const path of ['/', '/x']) {
    const asked = request(`${world.url}${path}`, FETCH)
    asked.end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    assert.deepEqual(await bodyOf(answer), packed)
  }
  await until(() => world.seen().answers.length === 2)
  assert.deepEqual(
    world.seen().answers.map(({ outcome }) => outcome),
    ['ok', 'failed'],
  )
})

test('copies go to the other arm, are compared, capped, and never seen', async (context) => {
  let held: ServerResponse[] = []
  let hold = false
  const shadows: string[] = []
  const stable = await serve(context, (req, res) => void res.end(`page ${req.url}`))
  const canary = await serve(context, (req, res) => {
    if (req.url === '/health') return void res.end()
    shadows.push(`${req.method} ${req.url} ${req.headers['x-shadow']}`)
    if (hold) held.push(res)
    else res.setHeader('set-cookie', 'canary=1').end(req.url === '/differs' ? 'other' : `page ${req.url}`)
  })
  const world = await openWorld(
    context,
    configOf([stable.port], {
      canary: { release: 'r2', backends: [{ id: 'c', host: '127.0.0.1', port: canary.port }] },
      shadow: { ...SHADOW, inFlightMax: 2 },
    }),
  )
  for (const path of ['/same', '/differs']) {
    const answer = await fetch(`${world.url}${path}`, FETCH)
    assert.equal(await answer.text(), `page ${path}`)
    assert.ok(answer.headers.getSetCookie().every((cookie) => !cookie.startsWith('canary')))
  }
  await fetch(`${world.url}/post`, { ...FETCH, method: 'POST', body: 'x' })
  await until(() => world.seen().shadow.unexplained === 1 && world.seen().shadow.same === 1)
  hold = true
  for (let i = 0; i < 5; i++) await (await fetch(`${world.url}/held`, FETCH)).text()
  assert.deepEqual(
    [world.seen().tolls.shadowSent, world.seen().tolls.shadowShed],
    [4, 3],
    'two of five found a place, and no citizen waited for them',
  )
  for (const res of held) res.end('page /held')
  held = []
  await until(() => world.door.pool.members().every(({ inFlight }) => inFlight === 0))
  assert.deepEqual([...new Set(shadows)], ['GET /same 1', 'GET /differs 1', 'GET /held 1'])
  assert.equal(world.seen().shadow.unexplained, 1)
})

test('forms are copied at the steps that say so, with what was typed, and compared in the words of the manifest', async (context) => {
  const typed: string[] = []
  const release = (amount: number, token: string) =>
    serve(context, async (req, res) => {
      if (req.url === '/health') return void res.end()
      let body = ''
      for await (const chunk of req) body += chunk
      if (req.headers['x-shadow']) typed.push(`${req.method} ${req.url} ${body}`)
      const decided = { award: Math.round(Number(body) * amount * 100) / 100, token }
      res.setHeader('content-type', 'application/json; charset=utf-8').setHeader('content-encoding', 'gzip')
      res.end(gzipSync(JSON.stringify(decided)))
    })
  const stable = await release(1, 'abcd')
  const canary = await release(1.038, 'efgh')
  const manifest = `
ignore: [{ place: "$.token", why: new each time }]
intended: [{ id: uprating, says: more, legal: article 4, at: "$.award", change: { times: 1.038 } }]
`
  const step = {
    journey: 'decide',
    step: 'outcome',
    method: 'POST',
    route: '/decide',
    okStatus: [200],
    limitMs: 60_000,
  }
  const world = await openWorld(
    context,
    configOf([stable.port], {
      canary: { release: 'r2', backends: [{ id: 'c', host: '127.0.0.1', port: canary.port }] },
      shadow: { ...SHADOW, manifest, unsafe: ['decide/outcome'] },
      steps: [step],
    }),
  )
  const decide = (amount: number, path = '/decide') =>
    fetch(`${world.url}${path}`, { ...FETCH, method: 'POST', body: String(amount) }).then((answer) => answer.json())
  assert.deepEqual(await decide(100), { award: 100, token: 'abcd' })
  await decide(100, '/elsewhere')
  await decide(0)
  await until(() => world.seen().shadow.compared === 2)
  assert.deepEqual(typed, ['POST /decide 100', 'POST /decide 0'])
  const { explained, same, unexplained } = world.seen().shadow
  assert.deepEqual({ explained, same, unexplained }, { explained: { uprating: 1 }, same: 1, unexplained: 0 })
  // Too large to keep: sent on to the citizen's release, and not copied.
  await decide(Number('1'.repeat(100)), '/decide')
  await fetch(`${world.url}/decide`, { ...FETCH, method: 'POST', body: '1'.repeat(100_000) })
  await until(() => world.door.pool.members().every(({ inFlight }) => inFlight === 0))
  assert.equal(typed.length, 3)
})

test('a copy that meets a connection which the release was just closing is no difference', async (context) => {
  const used = new WeakSet<object>()
  const stable = await serve(context, (req, res) => void res.end(`page ${req.url}`))
  const canary = await serve(context, (req, res) => {
    if (req.url === '/health') return void res.end()
    // Each connection answers one copy, says that it may be used again, and is closed when it is.
    if (used.has(req.socket)) return void req.socket.destroy()
    used.add(req.socket)
    res.end(`page ${req.url}`)
  })
  const step = {
    journey: 'decide',
    step: 'outcome',
    method: 'POST',
    route: '/decide',
    okStatus: [200],
    limitMs: 60_000,
  }
  const world = await openWorld(
    context,
    configOf([stable.port], {
      canary: { release: 'r2', backends: [{ id: 'c', host: '127.0.0.1', port: canary.port }] },
      shadow: { ...SHADOW, unsafe: ['decide/outcome'] },
      steps: [step],
    }),
  )
  const pairs = () => world.seen().shadow.compared + world.seen().shadow.cannotTell
  for (let n = 1; n <= 3; n++) {
    await (await fetch(`${world.url}/decide`, FETCH)).text()
    await until(() => pairs() === n)
  }
  assert.deepEqual([world.seen().shadow.same, world.seen().shadow.unexplained], [3, 0])
  // One with a body may have arrived: it is not sent twice, and says nothing.
  await (await fetch(`${world.url}/decide`, { ...FETCH, method: 'POST', body: '1' })).text()
  await until(() => pairs() === 4)
  assert.deepEqual([world.seen().shadow.cannotTell, world.seen().shadow.unexplained], [1, 0])
})

test('a copy that is answered after the citizen has sent the next form is no pair', async (context) => {
  let held: ServerResponse | undefined
  let saved = 'empty'
  const stable = await serve(context, (req, res) => {
    if (req.method === 'POST') saved = 'filled in'
    res.end(saved)
  })
  const canary = await serve(context, (req, res) => {
    if (req.url === '/health') return void res.end()
    held = res
  })
  const world = await openWorld(
    context,
    configOf([stable.port], {
      canary: { release: 'r2', backends: [{ id: 'c', host: '127.0.0.1', port: canary.port }] },
      shadow: SHADOW,
      steps: [],
    }),
  )
  const first = await fetch(`${world.url}/form`, FETCH)
  const cookie = first.headers.getSetCookie().join('; ').split(';')[0]!
  await first.text()
  await until(() => held !== undefined)
  held!.end(saved)
  await until(() => world.seen().shadow.same === 1)
  held = undefined
  const asked = { ...FETCH, headers: { ...FETCH.headers, cookie } }
  await (await fetch(`${world.url}/form`, asked)).text()
  await until(() => held !== undefined)
  await (await fetch(`${world.url}/form`, { ...asked, method: 'POST', body: 'x' })).text()
  held!.end(saved)
  await until(() => world.seen().shadow.cannotTell === 1)
  assert.equal(world.seen().shadow.unexplained, 0)
})

test('three dead canaries in a row are not the citizen’s problem either', async (context) => {
  const { port } = await serve(context, (_, res) => void res.end('stable'))
  const ports = [await deadPort(), await deadPort(), await deadPort(), await deadPort()]
  const backends = ports.map((each) => ({ id: `c${each}`, host: '127.0.0.1', port: each }))
  const world = await openWorld(context, configOf([port], { canary: { release: 'r2', backends }, weight: 1 }))
  for (const member of world.door.pool.members()) Object.assign(member, { state: 'healthy', refusing: false })
  const answer = await fetch(world.url, { ...FETCH, method: 'POST', body: 'x' })
  assert.deepEqual([answer.status, await answer.text()], [200, 'stable'])
})

test('a release that says nothing at all is given up in the end', async (context) => {
  const { port } = await serve(context, (req, res) => void (req.url === '/health' && res.end()))
  const world = await openWorld(context, configOf([port], { steps: [STEP] }), { answerMs: 60_000 })
  const asked = fetch(world.url, FETCH)
  await until(() => world.door.unanswered.all().length === 1)
  world.door.giveUpLate(performance.now() - 1)
  assert.equal(world.door.unanswered.all().length, 1, 'not before its time')
  world.door.giveUpLate(performance.now() + 60_000)
  const answer = await asked
  assert.equal(answer.status, 504)
  assert.equal(world.door.unanswered.all().length, 0)
  assert.deepEqual(
    world.seen().answers.map(({ outcome }) => outcome),
    ['failed'],
  )
})

test('a canary that refuses costs its citizen nothing, and is failed for it', async (context) => {
  const { port } = await serve(context, (_, res) => void res.end('stable'))
  const world = await openWorld(
    context,
    configOf([port], {
      canary: { release: 'r2', backends: [{ id: 'c', host: '127.0.0.1', port: await deadPort() }] },
      weight: 1,
      steps: [STEP],
    }),
  )
  const canary = world.door.pool.members()[1]!
  Object.assign(canary, { state: 'healthy', refusing: false })
  assert.equal(await (await fetch(world.url, FETCH)).text(), 'stable')
  assert.equal(await (await fetch(world.url, FETCH)).text(), 'stable')
  assert.deepEqual(
    world.seen().answers.map(({ arm, outcome }) => `${arm} ${outcome}`),
    ['canary failed'],
    'once, when it was asked and refused; what stable answered in its place is nobody’s evidence',
  )
  assert.equal(world.seen().tolls.failedByUs, 0)
})

test('with nobody there the citizen gets a page of ours that no cache keeps', async (context) => {
  const world = await openWorld(context, configOf([await deadPort()], { steps: [STEP] }))
  const answer = await fetch(world.url, FETCH)
  assert.deepEqual(
    [answer.status, answer.headers.get('retry-after'), answer.headers.get('cache-control')],
    [503, '30', 'no-store'],
  )
  const html = await answer.text()
  assert.match(html, /<h1>Sorry, the service is unavailable<\/h1>/)
  assert.doesNotMatch(html, /(src|href)=/)
  assert.equal(world.seen().tolls.failedByUs, 1)
  assert.deepEqual(
    world.seen().answers.map(({ arm, outcome }) => `${arm} ${outcome}`),
    ['stable failed'],
  )
})

test('a backend that is thought ill but answers is better than our error page', async (context) => {
  const { port } = await serve(context, (req, res) => {
    res.statusCode = req.url === '/health' ? 503 : 200
    res.end('served')
  })
  const world = await openWorld(context, configOf([port]))
  assert.equal(world.door.pool.members()[0]?.state, 'unhealthy')
  assert.equal(await (await fetch(world.url, FETCH)).text(), 'served')
})

test('a backend that was late once is asked again, before any check finds it well', async (context) => {
  const script =
    "require('http').createServer((_, res) => res.end('served')).listen(0, '127.0.0.1', 1, function () { console.log(this.address().port) })"
  const release = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const plugs: Socket[] = []
  context.after(() => {
    for (const plug of plugs) plug.destroy()
    release.kill('SIGKILL')
  })
  const [told] = (await once(release.stdout, 'data')) as [Buffer]
  const port = Number(told)
  const world = await openWorld(context, configOf([port]), { connectMs: 100, checkEveryMs: 600_000 })
  // Nobody takes connections any more, and two fill the queue of one.
  release.kill('SIGSTOP')
  for (let i = 0; i < 2; i++) {
    const plug = connect(port, '127.0.0.1')
    plugs.push(plug)
    await once(plug, 'connect')
  }
  assert.equal((await fetch(world.url, FETCH)).status, 503, 'no connection in time')
  release.kill('SIGCONT')
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'served')
  assert.equal(await (await fetch(world.url, FETCH)).text(), 'served')
})

test('a new configuration holds for the next request, while the last one’s finish', async (context) => {
  let held: ServerResponse | undefined
  const old = await serve(context, (req, res) => {
    if (req.url === '/slow') held = res
    else res.end('old')
  })
  const fresh = await serve(context, (_, res) => void res.end('new'))
  const world = await openWorld(context, configOf([old.port]))
  const agent = new Agent({ keepAlive: true })
  context.after(() => agent.destroy())
  const slow = fetch(`${world.url}/slow`, FETCH)
  await until(() => held)
  const applied = world.door.apply(configOf([fresh.port], { version: 2 }))
  assert.equal(await (await fetch(world.url, FETCH)).text(), 'new', 'at once')
  await applied
  assert.deepEqual(
    world.door.pool.sights().map(({ id, inFlight }) => `${id} ${inFlight}`),
    [`s${fresh.port} 0`, `s${old.port} 1`],
  )
  held?.end('finished')
  assert.equal(await (await slow).text(), 'finished')
  await until(() => world.door.pool.sights().length === 1)
})
