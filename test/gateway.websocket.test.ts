import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { CITIZEN, configOf, deadPort, openWorld, Raw, serve, until } from './gateway-world.ts'

async function talker(context: TestContext) {
  const { server, port } = await serve(context, (_, res) => void res.end())
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, req) => {
    if (req.headers.cookie?.includes('holdfast')) socket.close(4_000, 'the seat was passed on')
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  context.after(() => {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
  })
  return { port, sockets }
}

async function connectTo(context: TestContext, url: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers: { 'user-agent': CITIZEN, ...headers } })
  context.after(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

test('a websocket talks both ways, in pieces of any size, and counts apart from requests', async (context) => {
  const { port } = await talker(context)
  const world = await openWorld(context, configOf([port]))
  const socket = await connectTo(context, world.url)
  const [member] = world.door.pool.members()
  assert.deepEqual([member?.upgraded.size, member?.inFlight], [1, 0])
  for (const size of [0, 1, 125, 126, 65_536, 3_000_000]) {
    const sent = Buffer.alloc(size, size)
    socket.send(sent)
    const [heard] = (await once(socket, 'message')) as [Buffer]
    assert.ok(sent.equals(heard), `${size} bytes`)
  }
  socket.close()
  await until(() => member?.upgraded.size === 0)
})

test('a first contact by websocket gets a seat', async (context) => {
  const { port } = await talker(context)
  const world = await openWorld(context, configOf([port]))
  const raw = new Raw(context, world.port).say(
    ...['GET / HTTP/1.1', 'Host: a', `User-Agent: ${CITIZEN}`, 'Connection: keep-alive, Upgrade', 'Upgrade: websocket'],
    ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''],
  )
  const heard = await raw.hears(/\r\n\r\n/)
  assert.match(heard, /^HTTP\/1.1 101 /)
  assert.match(heard, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/)
  assert.match(heard, /Set-Cookie: holdfast_seat=/)
})

test('by order, websockets of one release are told to come back; those of the other stay', async (context) => {
  const stable = await talker(context)
  const canary = await talker(context)
  const backends = [{ id: 'c', host: '127.0.0.1', port: canary.port }]
  const config = configOf([stable.port], { canary: { release: 'r2', backends } })
  const world = await openWorld(context, config)
  const stays = await connectTo(context, world.url)
  await world.door.apply({ ...config, version: 2, weight: 1 })
  const goes = await connectTo(context, world.url)
  world.door.closeUpgraded('canary', 0)
  const [code] = (await once(goes, 'close')) as [number]
  assert.equal(code, 1012, 'service restart: reconnect')
  stays.send('still here')
  assert.equal(String((await once(stays, 'message'))[0]), 'still here')
  await until(() => world.door.pool.sights().every(({ arm, upgraded }) => upgraded === (arm === 'stable' ? 1 : 0)))
})

test('a message is not cut by the order to close', async (context) => {
  const { port, sockets } = await talker(context)
  const world = await openWorld(context, configOf([port]))
  const socket = await connectTo(context, world.url)
  const heard: Buffer[] = []
  socket.on('message', (data: Buffer) => heard.push(data))
  const message = Buffer.alloc(20_000_000, 'm')
  for (const each of sockets.clients) each.send(message)
  // In the middle of it.
  const raw = (socket as unknown as { _socket: { bytesRead: number } })._socket
  await until(() => raw.bytesRead > 1_000_000)
  world.door.closeUpgraded('stable', 0)
  const [code] = (await once(socket, 'close')) as [number]
  assert.equal(code, 1012)
  assert.ok(heard.length === 1 && message.equals(heard[0]!))
})

test('a release that does not want a websocket says so itself', async (context) => {
  const server = createServer()
  server.on('request', (_, res) => res.end())
  server.on('upgrade', (_, socket) =>
    socket.end('HTTP/1.1 426 Upgrade Required\r\nX-Why: old\r\nContent-Length: 2\r\n\r\nno'),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as { port: number }
  const world = await openWorld(context, configOf([port]))
  const raw = new Raw(context, world.port).say(
    'GET / HTTP/1.1',
    'Host: a',
    'Connection: Upgrade',
    'Upgrade: other',
    '',
    '',
  )
  const heard = await raw.ends()
  assert.match(heard, /^HTTP\/1.1 426 .*X-Why: old.*no$/s)
  await until(() => world.door.pool.members()[0]?.inFlight === 0)
})

test('an offer of HTTP/2 is passed over', async (context) => {
  const { port } = await serve(context, (req, res) => void res.end(`upgrade: ${req.headers.upgrade}`))
  const world = await openWorld(context, configOf([port]))
  const lines = [
    'GET / HTTP/1.1',
    'Host: a',
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: x',
    '',
    '',
  ]
  assert.match(await new Raw(context, world.port).say(...lines).ends(), /^HTTP\/1.1 200 .*upgrade: undefined$/s)
})

test('with nobody there a websocket gets our page', async (context) => {
  const world = await openWorld(context, configOf([await deadPort()]))
  const raw = new Raw(context, world.port).say('GET / HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: x', '', '')
  assert.match(await raw.ends(), /^HTTP\/1.1 503 /)
  assert.equal(world.seen().tolls.failedByUs, 1)
})
