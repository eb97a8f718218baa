/** A gateway in this process, with releases that a test writes, and sockets that send exactly what a test says. */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { addSums, NO_SUMS, type Sums } from '../src/core/shadow/tally.ts'
import type { Answer } from '../src/core/traffic/ledger.ts'
import { Frontdoor } from '../src/gateway/frontdoor.ts'
import { NO_TOLLS, type Tolls, WORKER_OPTIONS } from '../src/gateway/messages.ts'
import { serverOf } from '../src/gateway/server.ts'
import type { WorkerOptions } from '../src/ports/gateway.ts'
import type { ShadowOrder, TrafficConfig } from '../src/ports/traffic.ts'

export const CITIZEN = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

export async function serve(
  context: TestContext,
  listener: RequestListener,
): Promise<{ server: Server; port: number }> {
  const server = createServer(listener)
  const port = await listen(server)
  context.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { server, port }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A port on which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  server.close()
  await once(server, 'close')
  return port
}

export interface World {
  readonly port: number
  readonly url: string
  readonly door: Frontdoor
  /** Everything judged, and the sums, so far. */
  seen(): { readonly answers: readonly Answer[]; readonly tolls: Tolls; readonly shadow: Sums }
}

/** A comparison of everything, by bytes but for what a manifest would say. */
export const SHADOW: ShadowOrder = {
  to: 'canary',
  inFlightMax: 50,
  run: 'dep-1',
  manifest: '',
  tolerance: 0,
  unsafe: [],
}

export function configOf(stable: readonly number[], more: Partial<TrafficConfig> = {}): TrafficConfig {
  return {
    epoch: 1,
    version: 1,
    stable: { release: 'r1', backends: stable.map((port) => ({ id: `s${port}`, host: '127.0.0.1', port })) },
    weight: 0,
    generation: 1,
    steps: [],
    probe: { header: 'x-probe', secret: 'secret' },
    healthPath: '/health',
    ...more,
  }
}

export async function openWorld(
  context: TestContext,
  config: TrafficConfig,
  options: Partial<WorkerOptions> = {},
): Promise<World> {
  const door = new Frontdoor({
    key: Buffer.alloc(32, 1),
    // Checks once and then not for an hour, so that a test sees only its own requests.
    options: { ...WORKER_OPTIONS, checkEveryMs: 3_600_000, ...options },
    dice: Math.random,
    freshId: () => crypto.randomUUID().slice(0, 12),
  })
  await door.apply(config)
  const { server } = serverOf(door)
  const port = await listen(server)
  context.after(() => {
    server.close()
    server.closeAllConnections()
    for (const member of door.pool.members()) clearTimeout(member.timer)
  })
  const answers: Answer[] = []
  let shadow: Sums = NO_SUMS
  const tolls: Record<string, number> = { ...NO_TOLLS }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    door,
    seen() {
      const report = door.takeReport()
      answers.push(...(report?.answers ?? []))
      for (const [name, toll] of Object.entries(report?.tolls ?? {})) tolls[name] = (tolls[name] ?? 0) + toll
      if (report?.shadow) shadow = addSums(shadow, report.shadow.sums)
      return { answers, tolls: tolls as unknown as Tolls, shadow }
    },
  }
}

/** A connection that says what it is told, and collects what it hears. */
export class Raw {
  readonly socket: Socket
  heard = ''
  closed = false

  constructor(context: TestContext, port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => {
      this.heard += text
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.closed = true
    })
    context.after(() => this.socket.destroy())
  }

  say(...lines: string[]): this {
    this.socket.write(lines.join('\r\n'))
    return this
  }

  async hears(what: RegExp): Promise<string> {
    await until(() => what.test(this.heard) || this.closed)
    if (!what.test(this.heard)) throw new Error(`heard only: ${JSON.stringify(this.heard)}`)
    return this.heard
  }

  async ends(): Promise<string> {
    await until(() => this.closed)
    return this.heard
  }
}

/** Waits for a condition. The test's own time limit is the only clock. */
export async function until(holds: () => unknown): Promise<void> {
  while (!(await holds())) await new Promise((next) => setTimeout(next, 5))
}
