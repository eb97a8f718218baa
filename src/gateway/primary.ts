/**
 * The half of the gateway that remembers: highest epoch, last configuration, open units and closed batches. It touches no
 * citizen's request. Workers report each judged answer to it, so evidence survives the swap of a worker without loss or double
 * count. When a worker is killed, what it had not reported (at most 20 ms of answers, and its requests in flight) is gone: one
 * batch number is skipped, and readers are told of a gap. When the primary itself is killed, its worker serves on and starts
 * another; numbers then jump past all that may have been used, which readers see as a gap too.
 */
import type { Arm } from '../core/deploy/counts.ts'
import { messageOf } from '../core/errors.ts'
import { addSums, NO_SUMS } from '../core/shadow/tally.ts'
import { LEDGER_LIMITS, Ledger } from '../core/traffic/ledger.ts'
import type { Ring } from '../core/traffic/ring.ts'
import type { GatewayStatus, WorkerOptions } from '../ports/gateway.ts'
import type { BackendHealth, CountsAnswer, TrafficConfig } from '../ports/traffic.ts'
import type { Obeyed } from './control.ts'
import { Crew } from './crew.ts'
import type { Disk } from './disk.ts'
import { type BackendSight, NO_TOLLS, type ShadowSums, type Tolls } from './messages.ts'
import type { Listening } from './socket.ts'

export interface PrimaryParts {
  readonly disk: Disk
  readonly socket: Listening
  readonly args: readonly string[]
  readonly options: WorkerOptions
  readonly settleMs: number
  /** A remark for the log, on stderr. */
  say(text: string): void
}

const BATCH_EVERY_MS = 100

export class Primary {
  readonly #parts: PrimaryParts
  readonly #crew: Crew
  readonly #ledger: Ledger
  readonly #ring: Ring
  readonly #readers = new Set<() => void>()
  #tolls: Tolls = NO_TOLLS
  #batchFrom = Date.now()
  #shadow: ShadowSums = { run: '', sums: NO_SUMS }
  #timer: NodeJS.Timeout | undefined

  constructor(parts: PrimaryParts) {
    const { disk, socket, args, options, settleMs, say } = parts
    this.#parts = parts
    this.#ring = disk.openRing()
    this.#ledger = new Ledger({ ...LEDGER_LIMITS, settleMs })
    this.#crew = new Crew({
      socket,
      args,
      options,
      key: disk.key().toString('hex'),
      config: () => disk.config,
      report: ({ tolls, answers, shadow }) => {
        this.#tolls = sum(this.#tolls, tolls)
        if (shadow) this.#addShadow(shadow)
        for (const answer of answers) this.#ledger.note(answer, performance.now())
      },
      lost: (why) => {
        this.#ring.skip()
        say(`The gateway's ${why}. Citizens' connections wait for the next one.`)
      },
    })
  }

  /** A worker may still tell of the run before this one. */
  #addShadow({ run, sums }: ShadowSums): void {
    if (run !== this.#parts.disk.config?.shadow?.run) return
    this.#shadow = { run, sums: addSums(this.#shadow.run === run ? this.#shadow.sums : NO_SUMS, sums) }
  }

  get port(): number {
    return this.#crew.port
  }

  async start(): Promise<void> {
    this.#parts.disk.reserve(this.#ring.seq)
    await this.#crew.start()
    this.#timer = setInterval(() => this.#closeBatch(), BATCH_EVERY_MS)
  }

  /** Written down first, then obeyed: a crash between the two starts with the new configuration. */
  async apply(config: TrafficConfig): Promise<Obeyed> {
    const { disk } = this.#parts
    if (config.epoch < disk.epochSeen) return { refused: true, epochSeen: disk.epochSeen }
    const before = disk.config
    // Told before, or overtaken by a later one of the same engine: in both cases that change has been made.
    const known = before !== null && config.epoch === before.epoch && config.version <= before.version
    if (!known) {
      try {
        disk.keepConfig(config)
      } catch (thrown) {
        return { failed: `the configuration could not be written to disk: ${messageOf(thrown)}` }
      }
    }
    const now = disk.config!
    const obeyed = await this.#tell((ask) => ({ kind: 'config', ask, config: now }))
    if (before && now.generation > before.generation) this.#ledger.closeAll()
    return obeyed
  }

  async closeUpgraded(arm: Arm, overMs: number, epoch: number): Promise<Obeyed> {
    const { disk } = this.#parts
    if (epoch < disk.epochSeen) return { refused: true, epochSeen: disk.epochSeen }
    disk.keepEpoch(epoch)
    return this.#tell((ask) => ({ kind: 'close-upgraded', ask, arm, overMs }))
  }

  async status(): Promise<GatewayStatus> {
    const sights = await this.#crew.tell((ask) => ({ kind: 'sight', ask }))
    const config = this.#parts.disk.config
    const { requests, failedByUs, shadowSent, shadowShed } = this.#tolls
    const run = config?.shadow?.run ?? null
    return {
      epoch: this.#parts.disk.epochSeen,
      version: config?.version ?? 0,
      weight: config?.weight ?? 0,
      generation: config?.generation ?? 0,
      backends: joined(sights),
      seq: this.#ring.seq,
      failedByUs,
      requests,
      shadow: { sent: shadowSent, shed: shadowShed, run, sums: this.#shadow.run === run ? this.#shadow.sums : NO_SUMS },
      pid: process.pid,
      port: this.port,
      workers: this.#crew.pids,
      sessions: this.#ledger.sessions,
    }
  }

  /** Batches above `seq`; with `waitMs`, waits so long for the first. */
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

  /** Puts a new worker in the place of the present one, without a citizen noticing. Gives its process id. */
  swap(): Promise<number> {
    return this.#crew.swap()
  }

  /** Ends in order: requests finish, what has closed is kept for the next life. */
  async stop(): Promise<void> {
    await this.#crew.stop()
    clearInterval(this.#timer)
    this.#ledger.closeAll()
    this.#closeBatch()
    this.#parts.disk.keepRing(this.#ring)
  }

  kill(): void {
    this.#crew.kill()
  }

  async #tell(order: Parameters<Crew['tell']>[0]): Promise<Obeyed> {
    try {
      await this.#crew.tell(order)
      return { done: true }
    } catch (thrown) {
      return { failed: messageOf(thrown) }
    }
  }

  #closeBatch(): void {
    this.#ledger.tick(performance.now())
    const to = Date.now()
    const closed = this.#ring.close(this.#ledger.take(), this.#batchFrom, to)
    this.#batchFrom = to
    if (!closed) return
    try {
      this.#parts.disk.reserve(this.#ring.seq)
    } catch (thrown) {
      this.#parts.say(`The gateway cannot write to its state folder: ${messageOf(thrown)}. It serves on.`)
    }
    for (const wake of [...this.#readers]) wake()
  }
}

function sum(a: Tolls, b: Tolls): Tolls {
  return {
    requests: a.requests + b.requests,
    failedByUs: a.failedByUs + b.failedByUs,
    shadowSent: a.shadowSent + b.shadowSent,
    shadowShed: a.shadowShed + b.shadowShed,
  }
}

/** One row a backend: busy is what any worker is busy with, well is what the last of the answers says. */
function joined(sights: readonly (readonly BackendSight[])[]): BackendHealth[] {
  const rows = new Map<string, BackendSight>()
  for (const each of sights.flat()) {
    const row = rows.get(each.id)
    const inFlight = each.inFlight + (row?.inFlight ?? 0)
    const upgraded = each.upgraded + (row?.upgraded ?? 0)
    rows.set(each.id, {
      ...each,
      inFlight,
      upgraded,
      lastRequestAt: Math.max(each.lastRequestAt, row?.lastRequestAt ?? 0),
    })
  }
  return [...rows.values()].map(({ lastRequestAt, ...row }) => (lastRequestAt > 0 ? { ...row, lastRequestAt } : row))
}
