/**
 * The half of the gateway that citizens meet: takes connections, seats sessions, passes requests on and judges the answers.
 * It keeps nothing that would be missed: seats are in cookies, units and batches in the primary. So it can be replaced at any
 * moment, and killed at any moment with no loss but its requests in flight.
 *
 * Should the primary die, a worker serves on with its last configuration and starts a new primary, handing it the listening
 * socket, so that no connection is refused meanwhile.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { entry } from '../entry.ts'
import type { WorkerOptions } from '../ports/gateway.ts'
import type { TrafficConfig } from '../ports/traffic.ts'
import { Frontdoor } from './frontdoor.ts'
import { type ToPrimary, type ToWorker, WORKER_OPTIONS } from './messages.ts'
import { type PublicServer, serverOf } from './server.ts'

// Answers and sums go to the primary this often: what a killed worker can lose.
const REPORT_EVERY_MS = 20
const BACKLOG = 1_024

class Worker {
  readonly #door: Frontdoor
  readonly #options: WorkerOptions
  readonly #public: PublicServer
  readonly #state = process.argv[process.argv.indexOf('--state') + 1] ?? ''
  #orphan = false

  constructor(key: Buffer, options: WorkerOptions) {
    this.#options = options
    this.#door = new Frontdoor({
      key,
      options,
      dice: Math.random,
      freshId: () => randomBytes(12).toString('base64url'),
    })
    this.#public = serverOf(this.#door)
    setInterval(() => this.#report(), REPORT_EVERY_MS).unref()
    setInterval(() => this.#door.giveUpLate(performance.now()), 1_000).unref()
  }

  /** Serves at once, and says so when it has had a first look at every backend. */
  start(handle: unknown, config: TrafficConfig | null): void {
    const { server } = this.#public
    server.on('error', (error: NodeJS.ErrnoException) => {
      send({ kind: 'cannot-listen', code: error.code ?? error.message })
    })
    const known = config ? this.#door.apply(config) : Promise.resolve()
    server.listen(handle as { fd: number }, BACKLOG, () => {
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      void known.then(() => send({ kind: 'serving', port }))
    })
  }

  obey(order: ToWorker): void {
    switch (order.kind) {
      case 'serve':
        return
      case 'config':
        void this.#door.apply(order.config).then(() => send({ kind: 'done', ask: order.ask }))
        return
      case 'sight':
        this.#report()
        send({ kind: 'done', ask: order.ask, sights: this.#door.pool.sights() })
        return
      case 'close-upgraded':
        this.#door.closeUpgraded(order.arm, order.overMs)
        send({ kind: 'done', ask: order.ask })
        return
      case 'drain':
        this.#drain()
    }
  }

  /** The primary is gone. Its replacement inherits the listening socket. */
  orphaned(): void {
    if (this.#door.draining || this.#orphan) return
    this.#orphan = true
    // Somebody took the state folder away as well: this gateway is not wanted any more.
    if (!existsSync(this.#state)) {
      this.#drain()
      return
    }
    const handle = (this.#public.server as unknown as { _handle?: { fd?: number } })._handle
    const { command, args } = entry('gateway/main')
    const again = spawn(command, [...args, ...process.argv.slice(2), '--listen-fd', '3'], {
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', handle?.fd ?? 'ignore', 'ipc'],
    })
    again.once('message', () => {
      again.disconnect()
      again.unref()
      this.#drain()
    })
    // It did not come up: the next try follows, and citizens are served all the while.
    const retry = () => {
      this.#orphan = false
      if (!this.#door.draining) setTimeout(() => this.orphaned(), 1_000)
    }
    again.once('exit', retry)
    again.once('error', retry)
  }

  /**
   * Takes no new connection, serves what comes on the old ones and asks each client to come back on a new one. Since Node 19
   * `close` also cuts idle keep-alive connections, on which a request may be under way: that part is switched off.
   */
  #drain(): void {
    if (this.#door.draining) return
    this.#door.draining = true
    const { server, sockets, isBusy } = this.#public
    server.closeIdleConnections = () => {}
    server.close()
    const patientUntil = performance.now() + this.#options.drainIdleMs
    setInterval(() => {
      if (sockets.size === 0) this.#leave()
      else if (performance.now() > patientUntil) for (const socket of sockets) if (!isBusy(socket)) socket.destroy()
    }, 100)
  }

  #leave(): void {
    this.#report(() => process.exit(0))
  }

  #report(sent: () => void = () => {}): void {
    const report = this.#door.takeReport()
    if (report) send({ kind: 'report', ...report }, sent)
    else sent()
  }
}

function send(message: ToPrimary, sent: () => void = () => {}): void {
  if (process.connected) process.send?.(message, undefined, undefined, sent)
  else sent()
}

let worker: Worker | undefined
process.on('message', (order: ToWorker, handle: unknown) => {
  if (order.kind === 'serve') {
    worker = new Worker(Buffer.from(order.key, 'hex'), { ...WORKER_OPTIONS, ...order.options })
    worker.start(handle, order.config)
  } else worker?.obey(order)
})
process.on('disconnect', () => (worker ? worker.orphaned() : process.exit(0)))
// The primary decides when a worker goes; a Ctrl-C in a terminal reaches the whole group.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('SIGHUP', () => {})
send({ kind: 'hello' })
