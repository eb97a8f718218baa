import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type Gateway, probeValue, type StartGateway, startGateway } from '../../src/adapters/gateway/traffic.ts'
import { startHaproxy } from '../../src/adapters/haproxy/traffic.ts'
import { memoryTraffic } from '../../src/adapters/memory/traffic.ts'
import type { Arm } from '../../src/core/deploy/counts.ts'
import { isUnreachable } from '../../src/ports/unreachable.ts'
import {
  type Behaviour,
  PROBE,
  STEPS,
  type TrafficWorld,
  trafficContract,
  type Visit,
} from '../../src/testing/contracts/traffic.ts'
import { removeFolder } from '../folder.ts'

const USER_AGENTS = { citizen: 'Mozilla/5.0 Firefox/140.0', bot: 'Googlebot/2.1', probe: 'Mozilla/5.0 Firefox/140.0' }

trafficContract('memory', async () => {
  let now = 1_800_000_000_000
  let sessions = 0
  const traffic = memoryTraffic({ clock: { now: () => now }, dice: () => 0.5 })
  const behaviours: Record<Arm, Behaviour> = { stable: 'good', canary: 'good' }
  const backends = {
    stable: [{ id: 's1', host: '127.0.0.1', port: 1 }],
    canary: [{ id: 'c1', host: '127.0.0.1', port: 2 }],
  }
  return {
    traffic,
    backends,
    releases: { stable: 'r1', canary: 'r2' },
    async visit({ path, session = `session-${++sessions}`, visitor = 'citizen', arm }: Visit) {
      now += 10
      const placed = traffic.ask(session, visitor, arm, { path, host: undefined, header: () => undefined })
      if (!placed) return { status: 503, arm: undefined, session }
      const processes: Arm = placed.backend.id === 's1' ? 'stable' : 'canary'
      const behaviour = behaviours[processes]
      const step = STEPS.find(({ route }) => route === path)!
      const failed = behaviour === 'broken' || (behaviour === 'without-marker' && step.marker !== undefined)
      const outcome = failed ? 'failed' : behaviour === 'slow' ? 'slow' : 'ok'
      traffic.answer(placed, { journey: step.journey, step: step.step, outcome, visitor })
      return { status: behaviour === 'broken' ? 500 : 200, arm: processes, session }
    },
    behave(arm, behaviour) {
      behaviours[arm] = behaviour
    },
    async kill(arm) {
      for (const { id } of backends[arm]) traffic.plight(id, { healthy: false })
    },
    async misjudge(arm) {
      for (const { id } of backends[arm]) traffic.plight(id, { healthy: false, answers: true })
    },
    async restart() {
      traffic.restart()
    },
    async settle() {
      now += 2_000
    },
    async close() {},
  }
})

const SETTLE_MS = 300

let releases = 0

const optionsOf = (state: string, port: number) => ({
  listen: `127.0.0.1:${port}`,
  state,
  settleMs: SETTLE_MS,
  tune: { checkEveryMs: 50, drainIdleMs: 200, connectMs: 500 },
})

type Start = (options: StartGateway) => Promise<Gateway>

/** Worlds on one proxy for all promises: starting its processes anew costs more than the promise that is tested. */
function worldsOn(name: string, start: Start): () => Promise<TrafficWorld> {
  let running: Promise<{ gateway: Gateway; state: string }> | undefined
  const run = async () => {
    const state = await mkdtemp(join(tmpdir(), `holdfast-${name}-`))
    return { gateway: await start(optionsOf(state, 0)), state }
  }
  after(async () => {
    const { gateway, state } = (await running) ?? (await run())
    await gateway.traffic.stop()
    while (!isUnreachable(await gateway.traffic.status())) await new Promise((next) => setTimeout(next, 10))
    removeFolder(state)
  })
  return () => {
    running ??= run()
    return worldOn(
      running,
      (again) => {
        running = again
        return again
      },
      start,
    )
  }
}

async function worldOn(
  running: Promise<{ gateway: Gateway; state: string }>,
  replace: (again: Promise<{ gateway: Gateway; state: string }>) => Promise<{ gateway: Gateway; state: string }>,
  start: Start,
): Promise<TrafficWorld> {
  const { gateway, state } = await running
  const behaviours: Record<Arm, Behaviour> = { stable: 'good', canary: 'good' }
  const misjudged = new Set<Arm>()
  const names: Record<Arm, string> = { stable: `r${++releases}`, canary: `r${++releases}` }
  const servers: Record<Arm, Server> = { stable: await release('stable'), canary: await release('canary') }

  async function release(arm: Arm): Promise<Server> {
    const server = createServer((req, res) => {
      const isCheck = req.url === '/health'
      const behaviour = isCheck ? (misjudged.has(arm) ? 'broken' : 'good') : behaviours[arm]
      const page = behaviour === 'without-marker' ? '<h1>Something else</h1>' : '<h1>Start</h1>'
      res.writeHead(behaviour === 'broken' ? 500 : 200, { 'content-type': 'text/html', 'x-arm': arm })
      if (behaviour !== 'slow') res.end(page)
      else setTimeout(() => res.end(page), 250)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }

  /** Resolves when the proxy thinks that nobody of this arm is well. */
  async function noticed(arm: Arm): Promise<void> {
    for (;;) {
      const status = await gateway.traffic.status()
      if (!isUnreachable(status) && status.backends.every((row) => row.arm !== arm || !row.healthy)) return
      await new Promise((next) => setTimeout(next, 10))
    }
  }

  const backend = (arm: Arm) => ({
    id: names[arm],
    host: '127.0.0.1',
    port: (servers[arm].address() as AddressInfo).port,
  })
  return {
    traffic: gateway.traffic,
    releases: names,
    backends: { stable: [backend('stable')], canary: [backend('canary')] },
    async visit({ path, session, visitor = 'citizen', arm }) {
      const headers: Record<string, string> = { 'user-agent': USER_AGENTS[visitor] }
      if (session) headers.cookie = session
      if (visitor === 'probe') headers[PROBE.header] = probeValue(PROBE, arm)
      // A connection each: one kept from before a restart would be a broken one.
      const asked = request({ host: '127.0.0.1', port: gateway.port, path, headers, agent: false }).end()
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      await once(answer.resume(), 'end')
      const set = answer.headers['set-cookie']?.[0]?.split(';')[0]
      const by = answer.headers['x-arm'] as Arm | undefined
      return { status: answer.statusCode ?? 0, arm: by, session: set ?? session ?? '' }
    },
    behave(arm, behaviour) {
      behaviours[arm] = behaviour
    },
    async kill(arm) {
      servers[arm].close()
      servers[arm].closeAllConnections()
      await noticed(arm)
    },
    async misjudge(arm) {
      misjudged.add(arm)
      await noticed(arm)
    },
    async restart() {
      const status = await gateway.traffic.status()
      if (isUnreachable(status)) throw new Error(status.why)
      // Both halves at once: a worker that outlives its primary would start another by itself.
      for (const { pid } of status.workers) process.kill(pid, 'SIGKILL')
      process.kill(status.pid, 'SIGKILL')
      while (!isUnreachable(await gateway.traffic.status())) await new Promise((next) => setTimeout(next, 10))
      await replace(start(optionsOf(state, gateway.port)).then((again) => ({ gateway: again, state })))
    },
    // Passes by itself, and the contract's reading waits for it.
    async settle() {},
    async close() {
      for (const server of Object.values(servers)) {
        server.close()
        server.closeAllConnections()
      }
    },
  }
}

trafficContract('gateway', worldsOn('gateway', startGateway))
trafficContract('haproxy', worldsOn('haproxy', startHaproxy))
