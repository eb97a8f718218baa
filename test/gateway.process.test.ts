import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { Agent, createServer, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Gateway, gatewayTraffic, startGateway } from '../src/adapters/gateway/traffic.ts'
import { OpsError } from '../src/core/errors.ts'
import { entry } from '../src/entry.ts'
import type { GatewayStatus } from '../src/ports/gateway.ts'
import type { StepMatch } from '../src/ports/traffic.ts'
import { isUnreachable } from '../src/ports/unreachable.ts'
import { removeFolder } from './folder.ts'
import { CITIZEN, configOf, Raw, serve, until } from './gateway-world.ts'

const TUNE = { checkEveryMs: 100, drainIdleMs: 300 }
const FAILS: StepMatch = { journey: 'j', step: 's', method: 'GET', route: '/fails', okStatus: [200], limitMs: 60_000 }
const HEADERS = { 'user-agent': CITIZEN }

async function open(context: TestContext): Promise<{ gateway: Gateway; state: string; url: string }> {
  const state = await mkdtemp(join(tmpdir(), 'holdfast-gateway-'))
  const gateway = await startGateway({ listen: '127.0.0.1:0', state, settleMs: 100, tune: TUNE })
  context.after(async () => {
    const status = await gateway.traffic.status()
    await gateway.traffic.stop()
    if (!isUnreachable(status)) await until(async () => isUnreachable(await gateway.traffic.status()))
    removeFolder(state)
  })
  return { gateway, state, url: `http://127.0.0.1:${gateway.port}` }
}

async function statusOf(gateway: Gateway): Promise<GatewayStatus> {
  const status = await gateway.traffic.status()
  assert.ok(!isUnreachable(status), JSON.stringify(status))
  return status
}

const serving = ({ workers }: GatewayStatus) => workers.find(({ state }) => state === 'serving')?.pid ?? 0

async function failedSoFar(gateway: Gateway, after = 0): Promise<{ failed: number; gaps: number; seq: number }> {
  let failed = 0
  let gaps = 0
  let seq = after
  for (;;) {
    const answer = await gateway.traffic.counts(seq)
    assert.ok(!isUnreachable(answer))
    if (answer.batches.length === 0) return { failed, gaps, seq }
    if (answer.gap) gaps++
    for (const { counts } of answer.batches) for (const row of counts) failed += row.failed
    seq = answer.batches.at(-1)!.seq
  }
}

/** Asks over and over on several kept connections; every answer counts. */
function load(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const result = { answered: 0, wrong: [] as string[] }
  let on = true
  const one = () =>
    new Promise<void>((done) => {
      const asked = request(url, { agent, headers: HEADERS }, (answer) => {
        answer.resume()
        answer.on('end', () => {
          if (answer.statusCode === 500) result.answered++
          else result.wrong.push(String(answer.statusCode))
          done()
        })
        answer.on('error', (error) => {
          result.wrong.push(`in the answer: ${error.message}`)
          done()
        })
      })
      asked.on('error', (error) => {
        result.wrong.push(error.message)
        done()
      })
      asked.end()
    })
  const loops = Array.from({ length: 8 }, async () => {
    while (on) await one()
  })
  return {
    result,
    async stop() {
      on = false
      await Promise.all(loops)
      agent.destroy()
    },
  }
}

const releaseThatFails = (context: TestContext) =>
  serve(context, (req, res) => {
    res.statusCode = req.url === '/fails' ? 500 : 200
    res.end('answer')
  })

test('a swap under load: no request lost, no evidence lost, none counted twice', async (context) => {
  const { port } = await releaseThatFails(context)
  const { gateway, url } = await open(context)
  await gateway.traffic.apply(configOf([port], { steps: [FAILS] }))
  // One that connects and says nothing must not keep a replaced worker for ever.
  const silent = new Raw(context, gateway.port)
  const { result, stop } = load(`${url}/fails`)
  for (let i = 0; i < 3; i++) {
    const before = result.answered
    await until(() => result.answered > before + 50)
    const old = serving(await statusOf(gateway))
    const fresh = await gateway.traffic.swap()
    assert.ok(!isUnreachable(fresh) && fresh !== old)
  }
  process.kill(gateway.pid, 'SIGHUP')
  const last = serving(await statusOf(gateway))
  await until(async () => ![0, last].includes(serving(await statusOf(gateway))))
  await stop()
  assert.deepEqual(result.wrong, [])
  await until(async () => (await statusOf(gateway)).workers.length === 1)
  assert.ok(silent.closed)
  // Each of these clients keeps no cookie, so each request was a session of its own.
  let told = 0
  await until(async () => {
    const { failed, gaps } = await failedSoFar(gateway)
    assert.equal(gaps, 0)
    told = failed
    return failed >= result.answered
  })
  assert.equal(told, result.answered)
  const { requests, failedByUs } = await statusOf(gateway)
  assert.deepEqual([requests, failedByUs], [result.answered, 0])
})

test('a killed worker: connections wait for the next one, and the loss of evidence is told', async (context) => {
  const { port } = await releaseThatFails(context)
  const { gateway, url } = await open(context)
  await gateway.traffic.apply(configOf([port], { steps: [FAILS] }))
  await fetch(`${url}/fails`, { headers: HEADERS })
  await until(async () => (await failedSoFar(gateway)).failed === 1)
  const { seq } = await failedSoFar(gateway)
  const killed = serving(await statusOf(gateway))
  process.kill(killed, 'SIGKILL')
  // On new connections, from the moment of death until the next worker serves: none is refused.
  for (let i = 0; i < 20; i++) {
    const asked = request(`${url}/fails`, { headers: HEADERS, agent: false }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    assert.equal(answer.resume().statusCode, 500)
  }
  await until(async () => ![0, killed].includes(serving(await statusOf(gateway))))
  await until(async () => (await failedSoFar(gateway, seq)).failed >= 20)
  const after = await failedSoFar(gateway, seq)
  assert.deepEqual([after.failed, after.gaps], [20, 1])
})

test('a killed primary: citizens notice nothing, and another takes its place', async (context) => {
  const { port } = await releaseThatFails(context)
  const { gateway, url } = await open(context)
  await gateway.traffic.apply(configOf([port], { epoch: 7, steps: [FAILS] }))
  const before = await statusOf(gateway)
  const { result, stop } = load(`${url}/fails`)
  await until(() => result.answered > 50)
  process.kill(gateway.pid, 'SIGKILL')
  let status: GatewayStatus | undefined
  await until(async () => {
    const told = await gateway.traffic.status()
    if (isUnreachable(told)) return false
    status = told
    return told.pid !== before.pid && serving(told) !== 0
  })
  const answered = result.answered
  await until(() => result.answered > answered + 50)
  await stop()
  assert.deepEqual(result.wrong, [])
  assert.deepEqual([status?.epoch, status?.version, status?.port], [7, 1, gateway.port])
  const refused = await gateway.traffic.apply(configOf([port], { epoch: 6 }))
  assert.deepEqual(refused, { refused: true, epochSeen: 7 })
})

test('stopped in order and started again, it has lost nothing', async (context) => {
  const { port } = await releaseThatFails(context)
  const { gateway, url, state } = await open(context)
  await gateway.traffic.apply(configOf([port], { steps: [FAILS] }))
  await fetch(`${url}/fails`, { headers: HEADERS })
  await gateway.traffic.stop()
  await until(async () => isUnreachable(await gateway.traffic.status()))
  const again = await startGateway({ listen: `127.0.0.1:${gateway.port}`, state, tune: TUNE })
  assert.deepEqual(await failedSoFar(again), { failed: 1, gaps: 0, seq: 1 })
  assert.equal((await fetch(`${url}/fails`)).status, 500)
})

test('the control socket is its owner’s alone, and a running gateway is adopted', async (context) => {
  const { gateway, state } = await open(context)
  assert.equal((await stat(gateway.control)).mode & 0o777, 0o600)
  assert.equal((await stat(join(state, 'seat.key'))).mode & 0o777, 0o600)
  const again = await startGateway({ listen: '127.0.0.1:0', state })
  assert.deepEqual([again.adopted, again.pid, again.port], [true, gateway.pid, gateway.port])
})

test('two that start it at once share one', async (context) => {
  const state = await mkdtemp(join(tmpdir(), 'holdfast-gateway-'))
  const both = await Promise.all([1, 2].map(() => startGateway({ listen: '127.0.0.1:0', state, tune: TUNE })))
  context.after(async () => {
    await both[0]!.traffic.stop()
    await until(async () => isUnreachable(await both[0]!.traffic.status()))
    removeFolder(state)
  })
  assert.deepEqual(both.map(({ adopted }) => adopted).sort(), [false, true])
  assert.deepEqual([both[0]!.pid, both[0]!.port], [both[1]!.pid, both[1]!.port])
})

test('whoever started it is killed meanwhile: it starts all the same, and the next one waits for it', async (context) => {
  const state = await mkdtemp(join(tmpdir(), 'holdfast-gateway-'))
  const { command, args } = entry('gateway/main')
  const told = ['--listen', '127.0.0.1:0', '--control', join(state, 'gateway.sock'), '--state', state]
  const first = spawn(command, [...args, ...told], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  first.disconnect()
  context.after(async () => {
    first.kill()
    if (first.exitCode === null && first.signalCode === null) await once(first, 'exit')
    removeFolder(state)
  })
  await until(() => existsSync(join(state, 'gateway.sock')))
  const next = await startGateway({ listen: '127.0.0.1:0', state })
  assert.deepEqual([next.adopted, next.pid], [true, first.pid])
  assert.equal((await statusOf(next)).pid, first.pid)
})

test('with a full disk a change is refused in a sentence, and the last one goes on being served', async (context) => {
  const { port } = await releaseThatFails(context)
  const { gateway, state, url } = await open(context)
  await gateway.traffic.apply(configOf([port], { steps: [FAILS] }))
  // A folder in the way of the next file fails its writing as a full disk does.
  await mkdir(join(state, 'gateway.json.next'))
  const answer = await gateway.traffic.apply(configOf([port], { version: 2, weight: 0 }))
  assert.ok(isUnreachable(answer))
  assert.match(answer.why, /could not be written to disk/)
  assert.equal((await statusOf(gateway)).version, 1)
  assert.equal((await fetch(`${url}/fails`)).status, 500)
  await rm(join(state, 'gateway.json.next'), { recursive: true })
  assert.equal(await gateway.traffic.apply(configOf([port], { version: 2, weight: 0 })), 'applied')
})

test('without a configuration it says that it is unavailable', async (context) => {
  const { url, gateway } = await open(context)
  assert.equal((await fetch(url)).status, 503)
  await until(async () => (await statusOf(gateway)).failedByUs === 1)
})

test('a taken port is named, with a way out', async (context) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as { port: number }
  const state = await mkdtemp(join(tmpdir(), 'holdfast-gateway-'))
  context.after(() => removeFolder(state))
  await assert.rejects(startGateway({ listen: `127.0.0.1:${port}`, state }), (error: OpsError) => {
    assert.ok(error instanceof OpsError)
    assert.deepEqual([error.code, error.exit], ['PORT_TAKEN', 3])
    assert.match(error.message, new RegExp(`127.0.0.1:${port}: another program has that port`))
    return true
  })
})

const run = async (args: readonly string[]) => {
  const { command, args: program } = entry('gateway/main')
  const child = spawn(command, [...program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const [code] = await once(child, 'close')
  return { code, said }
}

test('what is wrong with its arguments or its state folder is said in a sentence', async (context) => {
  const state = await mkdtemp(join(tmpdir(), 'holdfast-gateway-'))
  context.after(() => removeFolder(state))
  const good = ['--listen', '127.0.0.1:0', '--control', join(state, 'c'), '--state', state]
  await writeFile(join(state, 'gateway.json'), '{"epochSeen": ')
  const cases: [string[], number, RegExp][] = [
    [['--listen', 'nowhere'], 2, /--listen needs an IP address and a port.*\nTry: .*\[USAGE\]/],
    [[...good, '--bogus'], 2, /\[USAGE\]/],
    [[...good, '--tune', '{"x":1}'], 2, /--tune has a wrong "x"/],
    [good, 3, /gateway.json cannot be read.*\nTry: move .*\[GATEWAY_STATE\]/],
    [[...good.slice(0, 2), '--control', `/${'x'.repeat(200)}`, '--state', join(state, 'new')], 3, /\[CONTROL_PATH\]/],
  ]
  const answers = await Promise.all(cases.map(([args]) => run(args)))
  for (const [i, [, code, said]] of cases.entries()) {
    assert.equal(answers[i]?.code, code, answers[i]?.said)
    assert.match(answers[i]?.said ?? '', said)
  }
})

test('nobody at the control socket is an answer, not an exception', async () => {
  const traffic = gatewayTraffic({ control: '/nonexistent/gateway.sock' })
  for (const answer of [
    traffic.status(),
    traffic.counts(0),
    traffic.apply(configOf([1])),
    traffic.closeUpgraded('canary', 0, 1),
  ]) {
    assert.ok(isUnreachable(await answer))
  }
})
