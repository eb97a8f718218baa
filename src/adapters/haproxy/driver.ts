/**
 * Steers one HAProxy on behalf of the engine, as the gateway's primary steers its workers: holds the fence, the last
 * configuration, the open units and the closed batches. HAProxy serves on when this process dies; what it logs meanwhile waits in
 * its ring, and is read when the next one comes.
 *
 *   apply ─► write down ─► write files ─┬─ only servers, weights, seats ─► command line, to every worker
 *                                       └─ steps, health path, probe ─► check, reload
 */
import { lookup } from 'node:dns/promises'
import { renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Arm } from '../../core/deploy/counts.ts'
import { messageOf } from '../../core/errors.ts'
import { NO_SUMS } from '../../core/shadow/tally.ts'
import { LEDGER_LIMITS, Ledger } from '../../core/traffic/ledger.ts'
import type { Ring } from '../../core/traffic/ring.ts'
import type { Obeyed, Steered } from '../../gateway/control.ts'
import type { Disk } from '../../gateway/disk.ts'
import type { GatewayStatus, WorkerOptions } from '../../ports/gateway.ts'
import type { BackendHealth, CountsAnswer, StepMatch, TrafficConfig } from '../../ports/traffic.ts'
import { CommandLine, type Worker } from './cli.ts'
import { type Files, filesFor, refusals } from './configuration.ts'
import { baseName, type Desired, desiredFor, type Known, type Occupants } from './desired.ts'
import { Intake } from './intake.ts'
import { Life } from './life.ts'
import { isOurFailure, isRequest, type Line, lineReader } from './lines.ts'

export interface DriverParts {
  readonly disk: Disk
  readonly folder: string
  readonly host: string
  readonly port: number
  readonly binary: string
  /** Short paths for sockets: HAProxy's master, its statistics, our end of its log. */
  readonly sockets: { readonly master: string; readonly stats: string; readonly log: string }
  readonly options: WorkerOptions
  readonly settleMs: number
  say(text: string): void
}

interface OpenSession {
  readonly worker: Worker
  readonly session: string
  /** Address and port of the client. */
  readonly from: string
}

const BATCH_EVERY_MS = 100
const SWEEP_EVERY_MS = 1_000
// New servers get this long for their first health check before a change counts as applied.
const FIRST_CHECK_MS = 2_000
const NOBODY: Occupants = { a: null, b: null }
// Steps of earlier configurations that log lines may still speak of.
const STEP_LISTS_MAX = 8
const NAMES_MAX = 1_000

export class Driver implements Steered {
  readonly #parts: DriverParts
  readonly #cli: CommandLine
  readonly #life: Life
  readonly #intake: Intake
  readonly #ledger: Ledger
  readonly #ring: Ring
  readonly #reader = lineReader()
  readonly #readers = new Set<() => void>()
  /** By tag of the list. */
  readonly #stepLists = new Map<string, readonly StepMatch[]>()
  /** Every server that was ever ordered, by name, and when it was last asked by a citizen. */
  readonly #names = new Map<string, Known & { lastRequestAt: number }>()
  readonly #timers: NodeJS.Timeout[] = []
  #desired: Desired | null = null
  #turn: Promise<unknown> = Promise.resolve()
  #batchFrom = Date.now()
  #requests = 0
  #failedByUs = 0

  constructor(parts: DriverParts) {
    const { disk, folder, binary, sockets, settleMs, say } = parts
    this.#parts = parts
    this.#cli = new CommandLine(sockets.master)
    this.#ring = disk.openRing()
    this.#ledger = new Ledger({ ...LEDGER_LIMITS, settleMs })
    this.#intake = new Intake({
      path: sockets.log,
      line: (line) => this.#hear(line),
      lost: (lines) => {
        this.#ring.skip()
        say(`${lines} answers were not heard of: HAProxy's log was faster than its reader.`)
      },
    })
    this.#life = new Life({
      folder,
      binary,
      master: sockets.master,
      cli: this.#cli,
      died: (why) => {
        this.#ring.skip()
        say(`${why}. It is started again.`)
      },
      returned: () => void this.#inTurn(() => this.#obey()).catch((thrown) => say(messageOf(thrown))),
    })
  }

  get port(): number {
    return this.#life.kept?.port ?? this.#parts.port
  }

  async start(): Promise<void> {
    this.#parts.disk.reserve(this.#ring.seq)
    await this.#intake.open()
    if (await this.#life.adopt()) await this.#obey()
    else await this.#begin()
    this.#timers.push(
      setInterval(() => this.#closeBatch(), BATCH_EVERY_MS),
      setInterval(() => void this.#inTurn(() => this.#sweep()).catch(() => {}), SWEEP_EVERY_MS),
    )
  }

  /** Written down first, then obeyed: a crash between the two is put right at the next start. */
  async apply(config: TrafficConfig): Promise<Obeyed> {
    const { disk } = this.#parts
    if (config.epoch < disk.epochSeen) return { refused: true, epochSeen: disk.epochSeen }
    const reasons = refusals(config)
    if (reasons.length > 0) return { failed: reasons.join('; ') }
    const before = disk.config
    const known = before !== null && config.epoch === before.epoch && config.version <= before.version
    if (!known) {
      try {
        disk.keepConfig(config)
      } catch (thrown) {
        return { failed: `the configuration could not be written to disk: ${messageOf(thrown)}` }
      }
    }
    try {
      await this.#inTurn(() => this.#obey())
    } catch (thrown) {
      return { failed: messageOf(thrown) }
    }
    if (before && disk.config!.generation > before.generation) this.#ledger.closeAll()
    return { done: true }
  }

  async closeUpgraded(arm: Arm, overMs: number, epoch: number): Promise<Obeyed> {
    const { disk } = this.#parts
    if (epoch < disk.epochSeen) return { refused: true, epochSeen: disk.epochSeen }
    disk.keepEpoch(epoch)
    try {
      const open = await this.#upgraded(arm)
      // The first ones at once, so that a failure is told.
      void this.#close(open, overMs).catch((thrown) => this.#parts.say(messageOf(thrown)))
      return { done: true }
    } catch (thrown) {
      return { failed: messageOf(thrown) }
    }
  }

  async status(): Promise<GatewayStatus> {
    const workers = await this.#cli.workers()
    const backends = await this.#sights(workers)
    const config = this.#parts.disk.config
    return {
      epoch: this.#parts.disk.epochSeen,
      version: config?.version ?? 0,
      weight: config?.weight ?? 0,
      generation: config?.generation ?? 0,
      backends,
      seq: this.#ring.seq,
      failedByUs: this.#failedByUs,
      requests: this.#requests,
      shadow: { sent: 0, shed: 0, run: null, sums: NO_SUMS },
      pid: process.pid,
      port: this.port,
      workers: [
        { pid: this.#life.kept?.pid ?? 0, state: 'master' },
        ...workers.map(({ pid, current }) => ({ pid, state: current ? 'serving' : 'draining' })),
      ],
      sessions: this.#ledger.sessions,
    }
  }

  async counts(seq: number, waitMs: number): Promise<CountsAnswer> {
    const now = this.#ring.after(seq)
    if (waitMs <= 0 || now.gap || now.batches.length > 0) return now
    await new Promise<void>((wake) => {
      const timer = setTimeout(() => wakeUp(), waitMs)
      const wakeUp = () => {
        clearTimeout(timer)
        this.#readers.delete(wakeUp)
        wake()
      }
      this.#readers.add(wakeUp)
    })
    return this.#ring.after(seq)
  }

  /** A new worker in the place of the present one, with the same configuration. */
  swap(): Promise<number> {
    return this.#inTurn(async () => {
      const { files, desired } = await this.#written()
      const pid = await this.#life.reload({ fingerprint: files.fingerprint, occupants: desired?.occupants ?? NOBODY })
      await this.#firstChecks()
      return pid
    })
  }

  async stop(): Promise<void> {
    const isBusy = async () => {
      const rows = await this.#sights(await this.#cli.workers())
      return rows.some(({ inFlight }) => inFlight > 0)
    }
    for (const timer of this.#timers) clearInterval(timer)
    await this.#life.stop(isBusy, this.#parts.options.drainIdleMs)
    this.#intake.close()
    this.#ledger.closeAll()
    this.#closeBatch()
    this.#parts.disk.keepRing(this.#ring)
  }

  kill(): void {
    this.#life.kill()
  }

  async #begin(): Promise<void> {
    const { port } = this.#parts
    const { files, desired } = await this.#written(port)
    await this.#life.start({
      port,
      fingerprint: files.fingerprint,
      occupants: desired?.occupants ?? NOBODY,
    })
    await this.#firstChecks()
  }

  /** Makes HAProxy be as the configuration says. Doing it twice is doing it once. */
  async #obey(): Promise<void> {
    if (!this.#life.isRunning) throw new Error('HAProxy does not run; it is being started again')
    const { files, desired } = await this.#written()
    const occupants = desired?.occupants ?? NOBODY
    if (files.fingerprint !== this.#life.kept?.fingerprint) {
      await this.#life.reload({ fingerprint: files.fingerprint, occupants })
      await this.#firstChecks()
    }
    if (!desired) return
    // The old workers too: a citizen on a kept connection may have one more request to send there.
    for (const worker of await this.#cli.workers()) await this.#steer(worker, desired)
    this.#life.note({ occupants })
    await this.#verify(desired)
    await this.#sweep()
  }

  async #written(port = this.port): Promise<{ files: Files; desired: Desired | null }> {
    const { disk, folder, host, sockets, options } = this.#parts
    const { config } = disk
    const occupants = this.#life.kept?.occupants ?? NOBODY
    const desired = config && desiredFor(config, occupants, options, await addressesOf(config))
    this.#desired = desired
    for (const [name, known] of desired?.known ?? []) {
      this.#names.set(name, { ...known, lastRequestAt: this.#names.get(name)?.lastRequestAt ?? 0 })
    }
    const setting = { host, port, stats: sockets.stats, log: sockets.log, key: disk.key(), options }
    const files = filesFor(config, desired, setting)
    if (config) this.#remember(files.steps, config.steps)
    for (const [name, text] of Object.entries(files.texts)) replaceFile(join(folder, name), text)
    return { files, desired }
  }

  #remember(tag: string, steps: readonly StepMatch[]): void {
    this.#stepLists.delete(tag)
    this.#stepLists.set(tag, steps)
    if (this.#stepLists.size > STEP_LISTS_MAX) this.#stepLists.delete(this.#stepLists.keys().next().value!)
  }

  /** New servers come in and are looked at; then, in one go, they open, the seats change, and the old ones close. */
  async #steer(worker: Worker, desired: Desired): Promise<void> {
    const before = new Map((await this.#cli.servers(worker)).map((each) => [`${each.backend}/${each.name}`, each]))
    const keyOf = ({ backend, name }: { backend: string; name: string }) => `${backend}/${name}`
    const wanted = new Set(desired.servers.map(keyOf))
    const missing = desired.servers.filter((server) => !before.has(keyOf(server)))
    await this.#cli.order(
      worker,
      missing.flatMap((server) => [
        `add server ${keyOf(server)} ${server.address} ${server.options}`.trimEnd(),
        ...(server.checked ? [`enable health ${keyOf(server)}`] : []),
        `set server ${keyOf(server)} state drain`,
      ]),
    )
    if (worker.current) await this.#checked(new Set(missing.filter(({ checked }) => checked).map(keyOf)))
    const opening = desired.servers.filter((server) => {
      const now = before.get(keyOf(server))
      return server.ready && (!now || now.maint || now.drain)
    })
    const closing = [
      ...desired.servers.filter((server) => !server.ready && !before.get(keyOf(server))?.maint).map(keyOf),
      ...[...before.values()].filter((server) => !server.maint && !wanted.has(keyOf(server))).map(keyOf),
    ]
    await this.#cli.order(worker, [
      ...opening.map((server) => `set server ${keyOf(server)} state ready`),
      `set map rules.map now ${desired.rules}`,
      ...closing.map((key) => `set server ${key} state maint`),
    ])
  }

  /** Looks whether the worker that serves is as ordered: its answers to orders are prose. */
  async #verify(desired: Desired): Promise<void> {
    const worker = await this.#life.worker()
    const now = new Map((await this.#cli.servers(worker)).map((each) => [`${each.backend}/${each.name}`, each]))
    const wrong = desired.servers.find(({ backend, name, ready }) => {
      const server = now.get(`${backend}/${name}`)
      return !server || server.maint === ready
    })
    if (wrong) throw new Error(`HAProxy did not take the server ${wrong.name} (${wrong.address}) as ordered`)
    const rules = await this.#cli.to(worker, 'show map rules.map')
    if (!rules.includes(` now ${desired.rules}\n`)) throw new Error('HAProxy did not take the new shares')
  }

  /** Removes servers that no configuration has any more and that nobody is connected to. */
  async #sweep(): Promise<void> {
    const wanted = new Set(this.#desired?.servers.map(({ backend, name }) => `${backend}/${name}`))
    const workers = await this.#cli.workers()
    this.#intake.keep(workers.map(({ pid }) => pid))
    const worker = workers.find(({ current }) => current)
    if (!worker) return
    const left = (await this.#cli.servers(worker)).filter(
      (server) => server.maint && !wanted.has(`${server.backend}/${server.name}`),
    )
    await this.#cli.order(
      worker,
      left.map(({ backend, name }) => `del server ${backend}/${name}`),
    )
  }

  async #firstChecks(): Promise<void> {
    const servers = this.#desired?.servers ?? []
    await this.#checked(
      new Set(servers.filter(({ checked, ready }) => checked && ready).map((each) => `${each.backend}/${each.name}`)),
    )
  }

  async #checked(keys: ReadonlySet<string>): Promise<void> {
    for (const until = Date.now() + FIRST_CHECK_MS; keys.size > 0 && Date.now() < until; await pause(20)) {
      const worker = await this.#life.worker()
      const now = await this.#cli.servers(worker)
      if (now.every(({ backend, name, checked }) => checked || !keys.has(`${backend}/${name}`))) return
    }
  }

  async #sights(workers: readonly Worker[]): Promise<readonly BackendHealth[]> {
    interface Sight {
      healthy: boolean
      inFlight: number
      upgraded: number
    }
    const sights = new Map<string, Sight>()
    for (const worker of workers) {
      for (const { backend, name: entry, sessions, status } of await this.#cli.rows(worker)) {
        const name = baseName(entry)
        const sight = sights.get(name) ?? { healthy: false, inFlight: 0, upgraded: 0 }
        if (backend.endsWith('_ws')) sight.upgraded += sessions
        else sight.inFlight += sessions
        if (worker.current && backend.endsWith('_cit') && status.startsWith('UP')) sight.healthy = true
        sights.set(name, sight)
      }
    }
    const rows: BackendHealth[] = []
    const inForce = this.#desired?.known ?? new Map<string, Known>()
    for (const [name, sight] of sights) {
      const { id, arm, lastRequestAt } = this.#names.get(name) ?? {
        id: name.replace(/\.[0-9a-f]{8}$/, ''),
        arm: 'stable' as const,
        lastRequestAt: 0,
      }
      // One that has been taken away is told as long as it is busy.
      if (!inForce.has(name) && sight.inFlight + sight.upgraded === 0) continue
      const healthy = sight.healthy && inForce.has(name)
      rows.push({ id, arm, ...sight, healthy, ...(lastRequestAt > 0 ? { lastRequestAt } : {}) })
    }
    return rows
  }

  /** Sessions on upgraded connections of an arm. */
  async #upgraded(arm: Arm): Promise<readonly OpenSession[]> {
    const found: OpenSession[] = []
    for (const worker of await this.#cli.workers()) {
      for (const line of (await this.#cli.to(worker, 'show sess')).split('\n')) {
        const [, session, from, name] = /^(0x[0-9a-f]+): .*?src=(\S+) .*? be=[ab]_ws srv=(\S+) /.exec(line) ?? []
        if (session && from && name && this.#names.get(baseName(name))?.arm === arm)
          found.push({ worker, session, from })
      }
    }
    return found
  }

  async #close(open: readonly OpenSession[], overMs: number): Promise<void> {
    // In ten parts: a thousand clients that come back at once would be a surge.
    const parts = Math.min(10, Math.max(1, open.length))
    for (let part = 0; part < parts; part++) {
      if (part > 0) await pause(overMs / parts)
      for (const { worker, session, from } of open.filter((_, i) => i % parts === part)) {
        // A session's name is a place in memory, which may be somebody else's by now.
        const now = await this.#cli.to(worker, `show sess ${session}`)
        if (now.includes(`source=${from}`)) await this.#cli.to(worker, `shutdown session ${session}`)
      }
    }
  }

  #hear(line: Line): void {
    if (!isRequest(line)) return
    if (!line.probe) {
      this.#requests++
      if (isOurFailure(line)) this.#failedByUs++
    }
    const server = this.#names.get(baseName(line.server))
    if (server && !line.probe) server.lastRequestAt = Math.max(server.lastRequestAt, line.at)
    const step = line.step === undefined ? undefined : this.#stepLists.get(line.stepsTag)?.[line.step]
    if (!step) return
    const own = line.seat.split('.')[6]
    const standIn = server !== undefined && !line.probe && server.release !== own
    const answer = this.#reader.read(line, step, standIn)
    if (answer) this.#ledger.note(answer, performance.now())
  }

  #closeBatch(): void {
    const nowMs = performance.now()
    this.#intake.tick(nowMs)
    this.#ledger.tick(nowMs)
    const to = Date.now()
    const closed = this.#ring.close(this.#ledger.take(), this.#batchFrom, to)
    this.#batchFrom = to
    if (!closed) return
    try {
      this.#parts.disk.reserve(this.#ring.seq)
    } catch (thrown) {
      this.#parts.say(`The state folder cannot be written to: ${messageOf(thrown)}. HAProxy serves on.`)
    }
    for (const wake of [...this.#readers]) wake()
  }

  /** One change after the other. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(task, task)
    this.#turn = next.catch(() => {})
    if (this.#names.size > NAMES_MAX) this.#forgetNames()
    return next
  }

  #forgetNames(): void {
    for (const name of this.#names.keys()) if (!this.#desired?.known.has(name)) this.#names.delete(name)
  }
}

/** HAProxy takes addresses; names are looked up when a configuration is applied. */
async function addressesOf({ stable, canary }: TrafficConfig): Promise<Map<string, string>> {
  const hosts = new Set([...stable.backends, ...(canary?.backends ?? [])].map(({ host }) => host))
  const found = new Map<string, string>()
  for (const host of hosts) if (isIP(host) === 0) found.set(host, (await lookup(host)).address)
  return found
}

function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.next`, text, { mode: 0o600 })
  renameSync(`${file}.next`, file)
}
