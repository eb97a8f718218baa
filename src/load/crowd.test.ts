import assert from 'node:assert/strict'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { hiddenFieldsOf, openBrowser } from './browser.ts'
import { chanceOf } from './chance.ts'
import { type CrowdOptions, startCrowd } from './crowd.ts'
import type { Script, Step, Visit } from './script.ts'
import { newTally } from './tally.ts'
import { type Ended, type Seen, troubleWith } from './visit.ts'

/** A service whose answer to each path is in the test's hand. */
type Reply = (request: http.IncomingMessage, response: http.ServerResponse) => void

describe('a crowd', () => {
  let server: http.Server
  let url: string
  let reply: Reply
  const good: Reply = (_, response) => void response.writeHead(200, { 'x-release': 'r1' }).end('<h1>Welcome</h1>')
  before(async () => {
    server = http.createServer((request, response) => reply(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const step = (more: Partial<Step> = {}): Step => ({
    journey: 'j',
    step: 'first',
    counted: true,
    method: 'GET',
    path: '/',
    okStatus: [200],
    marker: 'Welcome',
    thinkMs: 0,
    ...more,
  })
  const scriptOf = (steps: readonly Step[], visit: Partial<Visit> = {}): Script => ({
    requestsMean: steps.length,
    visit: () => ({ kind: 'citizen', segment: 'chrome', userAgent: 'test', keepAlive: true, steps, ...visit }),
  })
  /** Ten visits, or as many as said, without a pause. */
  async function crowd(script: Script, more: Partial<CrowdOptions> = {}) {
    const seen: Seen[] = []
    const ended: Ended[] = []
    const going = startCrowd({
      url,
      script,
      seed: 1,
      ratePerSecond: 1_000,
      sessionsMax: 10,
      pace: 0,
      onRequest: (one) => seen.push(one),
      onSession: (one) => ended.push(one),
      ...more,
    })
    return { seen, ended, summary: await going.done }
  }

  test('of a good service is unharmed, and counts what it did', async () => {
    reply = good
    const { seen, ended, summary } = await crowd(scriptOf([step(), step({ step: 'second', counted: false })]))
    assert.deepEqual(summary.sessions, { arrived: 10, done: 10, gaveUp: 0, harmed: 0, cut: 0, bots: 0, shed: 0 })
    assert.equal(summary.requests.sent, 20)
    assert.equal(summary.requests.ok, 20)
    assert.deepEqual(summary.releases, { r1: 20 })
    assert.equal(summary.failedByDeployment, 0)
    assert.equal(new Set(ended.map(({ session }) => session)).size, 10)
    assert.deepEqual(
      seen.map(({ t }) => t),
      seen.map(({ t }) => t).sort((a, b) => a - b),
      'the stream is in order',
    )
  })

  test('tries a failed step once more, and gives up after the second failure', async () => {
    reply = (_, response) => void response.writeHead(500).end()
    const { seen, ended, summary } = await crowd(scriptOf([step(), step({ step: 'never' })]), { sessionsMax: 1 })
    assert.deepEqual(
      seen.map((one) => [one.step, one.trouble, one.again, one.status]),
      [
        ['first', 'status', false, 500],
        ['first', 'status', true, 500],
      ],
    )
    assert.deepEqual([ended[0]!.end, ended[0]!.harmed?.step, ended[0]!.requests], ['gave-up', 'first', 2])
    assert.equal(summary.failedByDeployment, 0, 'a 500 is the release’s own')
  })

  test('goes on when the second try is good, but was harmed all the same', async () => {
    let asked = 0
    reply = (request, response) => (asked++ === 0 ? void response.writeHead(503).end() : good(request, response))
    const { ended, summary } = await crowd(scriptOf([step()]), { sessionsMax: 1 })
    assert.deepEqual([ended[0]!.end, ended[0]!.harmed?.trouble], ['done', 'gateway'])
    assert.equal(summary.failedByDeployment, 1)
  })

  test('what we ourselves cannot ask is a fault of ours, not of the proxy, and harms nobody', async (context) => {
    reply = good
    const { request } = http
    context.mock.method(http, 'request', (options: http.RequestOptions) => {
      const asked = request(options)
      process.nextTick(() => asked.destroy(Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' })))
      return asked
    })
    const { seen, ended, summary } = await crowd(scriptOf([step()]), { sessionsMax: 1 })
    assert.deepEqual(
      seen.map(({ trouble, why }) => [trouble, why]),
      [
        ['generator', 'connect EMFILE'],
        ['generator', 'connect EMFILE'],
      ],
    )
    assert.deepEqual([ended[0]!.harmed, summary.failedByDeployment, summary.troubles], [null, 0, { generator: 2 }])
  })

  const BROKEN: readonly [says: string, trouble: string, reply: Reply][] = [
    ['cut before a byte', 'connection', (request) => void request.socket.destroy()],
    [
      'cut inside a body of known length',
      'truncated',
      (request, response) => {
        response.writeHead(200, { 'content-length': 1_000 })
        response.write('Welcome', () => request.socket.destroy())
      },
    ],
    [
      'cut inside a body of unknown length',
      'truncated',
      (request, response) => {
        response.writeHead(200)
        response.write('Welcome', () => request.socket.destroy())
      },
    ],
    ['no HTTP at all', 'connection', (request) => void request.socket.end('hello\r\n\r\n')],
    ['never answered', 'timeout', () => {}],
    ['another page', 'marker', (_, response) => void response.end('<h1>Sorry</h1>')],
    ['from a proxy without a release', 'gateway', (_, response) => void response.writeHead(502).end()],
  ]
  for (const [says, trouble, broken] of BROKEN) {
    test(`sees an answer that is ${says}: ${trouble}`, async () => {
      reply = broken
      const { seen } = await crowd(scriptOf([step()], { keepAlive: false }), { sessionsMax: 1, timeoutMs: 300 })
      assert.deepEqual(
        seen.map((one) => one.trouble),
        [trouble, trouble],
      )
    })
  }

  test('is refused where nobody listens', async () => {
    const free = http.createServer()
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve))
    const nobody = `http://127.0.0.1:${(free.address() as AddressInfo).port}`
    await new Promise((resolve) => free.close(resolve))
    const { summary } = await crowd(scriptOf([step()]), { url: nobody, sessionsMax: 3 })
    assert.equal(summary.failedByDeployment, 6)
    assert.equal(summary.sessions.harmed, 3)
  })

  test('is harmed by a right answer that comes too late', async () => {
    reply = (request, response) => void setTimeout(() => good(request, response), 30)
    const { seen, ended } = await crowd(scriptOf([step()]), { sessionsMax: 1, limitsMs: { 'j/first': 5 } })
    assert.deepEqual([seen[0]!.ok, seen[0]!.trouble, ended[0]!.harmed?.trouble], [true, 'slow', 'slow'])
  })

  test('does not wait for answers: others arrive while the first still wait', async () => {
    const waiting: http.ServerResponse[] = []
    let everybody: () => void = () => {}
    const here = new Promise<void>((resolve) => {
      everybody = resolve
    })
    reply = (_, response) => {
      if (waiting.push(response) === 10) everybody()
    }
    const going = crowd(scriptOf([step()], { keepAlive: false }))
    await here
    for (const response of waiting) response.end('Welcome')
    assert.equal((await going).summary.sessions.done, 10)
  })

  test('is bounded: who comes when the house is full is shed, and counted', async () => {
    const waiting: http.ServerResponse[] = []
    reply = (_, response) => void waiting.push(response)
    const going = startCrowd({
      url,
      script: scriptOf([step()]),
      seed: 1,
      ratePerSecond: 1_000,
      sessionsMax: 20,
      pace: 0,
      underWayMax: 5,
    })
    while (going.summary().sessions.shed < 15) await new Promise((resolve) => setTimeout(resolve, 2))
    // Some may still be on their way to us.
    reply = good
    for (const response of waiting) response.end('Welcome')
    const { sessions } = await going.done
    assert.deepEqual([sessions.arrived, sessions.shed, sessions.done], [5, 15, 5])
  })

  test('stops when told: who is under way may finish, who thinks too long is cut, unharmed', async () => {
    reply = good
    const steps = [step(), step({ step: 'later', thinkMs: 3_600_000 })]
    const going = startCrowd({ url, script: scriptOf(steps), seed: 1, ratePerSecond: 500 })
    while (going.summary().requests.ok < 5) await new Promise((resolve) => setTimeout(resolve, 2))
    const { sessions } = await going.stop(0)
    assert.deepEqual([sessions.cut, sessions.harmed, sessions.done], [sessions.arrived, 0, 0])
  })

  test('with the same seed is the same crowd', async () => {
    reply = good
    const chances: number[][] = []
    const script = (): Script => {
      const mine: number[] = []
      chances.push(mine)
      return {
        requestsMean: 1,
        visit(n, chance) {
          mine.push(n, chance.between(0, 1e9))
          return scriptOf([step()]).visit(n, chance)
        },
      }
    }
    for (const seed of [5, 5, 6]) await crowd(script(), { seed })
    assert.deepEqual(chances[0], chances[1])
    assert.notDeepEqual(chances[0], chances[2])
  })

  test('keeps its cookies, sends hidden fields back, and opens one connection or many', async () => {
    const asked: string[] = []
    const ports = new Set<number>()
    reply = (request, response) => {
      ports.add(request.socket.remotePort!)
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        asked.push(`${request.headers.cookie ?? ''}|${body}`)
        response.setHeader('set-cookie', ['a=1; Path=/; HttpOnly', asked.length === 3 ? 'b=; Max-Age=0' : 'b=2'])
        response.end('Welcome <input type="hidden" name="token" value="t1">')
      })
    }
    const form = { name: 'O’Neill', box: ['x', 'y'] }
    await crowd(scriptOf([step(), step({ method: 'POST', form }), step(), step()]), { sessionsMax: 1 })
    assert.deepEqual(asked, ['|', 'a=1; b=2|token=t1&name=O%E2%80%99Neill&box=x&box=y', 'a=1; b=2|', 'a=1|'])
    assert.equal(ports.size, 1)
    ports.clear()
    await crowd(scriptOf([step(), step(), step()], { keepAlive: false }), { sessionsMax: 1 })
    assert.equal(ports.size, 3)
  })

  test('repeats a GET by itself when a kept connection was closed under it, but never a POST', async () => {
    let count = 0
    reply = (request, response) => (++count === 2 ? void request.socket.destroy() : good(request, response))
    const browser = () => openBrowser({ url: new URL(url), userAgent: 'test', keepAlive: true, timeoutMs: 5_000 })
    const get = browser()
    await get.ask({ method: 'GET', path: '/' })
    const again = await get.ask({ method: 'GET', path: '/' })
    assert.ok(again.got === 'answer' && again.reconnected)
    get.close()
    count = 0
    const post = browser()
    await post.ask({ method: 'GET', path: '/' })
    assert.equal((await post.ask({ method: 'POST', path: '/', form: {} })).got, 'connection')
    assert.equal(count, 2)
    post.close()
  })
})

test('arrivals are a Poisson process: their gaps have the mean, and spread as much', () => {
  const chance = chanceOf(11)
  const gaps = Array.from({ length: 20_000 }, () => chance.exponential(100))
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)
  // Standard errors at 20,000 gaps: 0.7 for the mean, about 1 for the deviation.
  assert.ok(Math.abs(mean - 100) < 4, `${mean}`)
  assert.ok(Math.abs(deviation - 100) < 6, `${deviation}`)
})

test('a redirect to the wrong place is a failure', () => {
  const step = { okStatus: [303], leadsTo: '/next' } as unknown as Step
  assert.equal(troubleWith(step, { status: 303, headers: { location: '/next' }, body: '' }), null)
  assert.equal(troubleWith(step, { status: 303, headers: { location: '/' }, body: '' }), 'redirect')
})

test('hidden fields are read from what we render', () => {
  assert.deepEqual(hiddenFieldsOf('<input type="hidden" name="token" value="a_b-1"><input name="x" value="y">'), {
    token: 'a_b-1',
  })
})

test('quantiles are those of all answers', () => {
  const tally = newTally()
  for (let ms = 1; ms <= 100; ms++)
    tally.seen({ ok: true, trouble: null, ms, again: false, reconnected: false, release: '' } as Seen)
  assert.deepEqual(tally.summary(10).ms, { p50: 50, p95: 95, p99: 99, max: 100 })
  assert.equal(tally.summary(10).requests.perSecond, 10)
  assert.deepEqual(newTally().summary(0).ms, { p50: 0, p95: 0, p99: 0, max: 0 })
})
