import assert from 'node:assert/strict'
import http from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { DrillFault } from '../../core/rehearse/fault.ts'
import { openFaultProxy, type Trouble } from './fault-proxy.ts'

/** A release that tells what it was asked, behind a proxy. */
async function open(context: TestContext) {
  const asked: string[] = []
  const server = http.createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`)
    let body = ''
    req.on('data', (chunk) => {
      body += chunk
    })
    req.on('end', () => res.writeHead(201, { 'x-release': 'own', 'set-cookie': ['a=1', 'b=2'] }).end(`got ${body}`))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy = await openFaultProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, 'r1-drill')
  context.after(async () => {
    await proxy.close()
    server.closeAllConnections()
    server.close()
  })
  const ask = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${proxy.port}${path}`, init)
  return { proxy, ask, asked }
}

const trouble = (fault: DrillFault, rolls: number[] = []): Trouble => ({
  fault,
  hurts: (method, path) => method === 'POST' && path.startsWith('/submit'),
  lateMs: 30,
  healthPath: '/ready',
  dice: () => rolls.shift() ?? 0,
})

test('until it is armed, everything passes, with the mark of the release that answers', async (context) => {
  const { proxy, ask, asked } = await open(context)
  const answer = await ask('/submit?a=b', { method: 'POST', body: 'name=x' })
  assert.deepEqual([answer.status, await answer.text()], [201, 'got name=x'])
  assert.equal(answer.headers.get('x-release'), 'r1-drill')
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2'])
  assert.deepEqual(asked, ['POST /submit?a=b'])
  assert.equal(proxy.lastRequestAt, null, 'only what comes after it was armed is of the drill')
})

test('a balancer’s health check by HTTP/1.0, without a host, is answered', async (context) => {
  const { proxy } = await open(context)
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write('GET /ready HTTP/1.0\r\n\r\n')
  let answer = ''
  for await (const chunk of socket) answer += chunk
  assert.match(answer, /^HTTP\/1\.1 201 /)
  assert.match(answer, /\r\n\r\ngot $/, 'in no chunks, which HTTP/1.0 does not know')
})

test('total: every answer is an error, but the health check is not', async (context) => {
  const { proxy, ask, asked } = await open(context)
  proxy.arm(trouble({ kind: 'total' }))
  assert.equal((await ask('/ready')).status, 201)
  assert.equal(proxy.lastRequestAt, null)
  const answer = await ask('/')
  assert.deepEqual([answer.status, answer.headers.get('x-release')], [500, 'r1-drill'])
  assert.ok(proxy.lastRequestAt! > 0)
  assert.deepEqual(asked, ['GET /ready'], 'what fails never reaches the release')
})

test('a share: as often as the dice say, and only at the step that is hurt', async (context) => {
  const { proxy, ask } = await open(context)
  proxy.arm(trouble({ kind: 'share', share: 0.2 }, [0.19, 0.2]))
  const statuses = [await ask('/submit', { method: 'POST' }), await ask('/submit', { method: 'POST' }), await ask('/')]
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [500, 201, 201],
  )
})

test('slow: the right answer, later', async (context) => {
  const { proxy, ask } = await open(context)
  proxy.arm(trouble({ kind: 'slow' }))
  const begun = performance.now()
  const answer = await ask('/submit', { method: 'POST', body: 'x' })
  assert.deepEqual([answer.status, await answer.text()], [201, 'got x'])
  assert.ok(performance.now() - begun >= 29)
})

test('dead: nobody answers any more', async (context) => {
  const { proxy, ask } = await open(context)
  assert.equal((await ask('/')).status, 201)
  proxy.arm(trouble({ kind: 'dead' }))
  await assert.rejects(ask('/ready'))
})
