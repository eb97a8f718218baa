/**
 * The workers of a gateway: one serves, those it replaced finish what they have. A worker that dies is replaced at once; the
 * listening socket stays open meanwhile, so connections wait for the next one rather than being refused.
 *
 *   starting ─serving─► serving ─swap: after the next one serves─► draining ─nothing left─► gone
 *       └───── died ───────┴── replaced, with back-off when it dies young
 */
import { type ChildProcess, fork } from 'node:child_process'
import { entry } from '../entry.ts'
import type { WorkerOptions } from '../ports/gateway.ts'
import type { TrafficConfig } from '../ports/traffic.ts'
import type { BackendSight, ToPrimary, ToWorker } from './messages.ts'
import type { Listening } from './socket.ts'

export interface CrewParts {
  readonly socket: Listening
  readonly args: readonly string[]
  readonly key: string
  readonly options: WorkerOptions
  /** The configuration that a starting worker begins with. */
  config(): TrafficConfig | null
  report(report: ToPrimary & { kind: 'report' }): void
  /** A worker died by itself, with whatever it had not reported. */
  lost(why: string): void
}

interface Hand {
  readonly child: ChildProcess
  state: 'starting' | 'serving' | 'draining'
  /** It has been given its socket and configuration, and can take orders. */
  told: boolean
}

// Room for the objects of requests in flight, so that they die before the collector has to move them. 32 MB, twice the default.
const YOUNG_SPACE = '--max-semi-space-size=32'
const ASK_MS_MAX = 4_000
const START_MS_MAX = 20_000
const BACK_OFF_MS = [0, 100, 250, 500, 1_000, 2_000, 5_000]
// A worker that lived so long was well: the next death is a new story.
const YOUNG_MS = 10_000

export class Crew {
  readonly #parts: CrewParts
  readonly #hands = new Set<Hand>()
  readonly #asked = new Map<number, (answer: ToPrimary & { kind: 'done' }) => void>()
  #asks = 0
  #deaths = 0
  #stopping = false
  #port = 0

  constructor(parts: CrewParts) {
    this.#parts = parts
  }

  get port(): number {
    return this.#port
  }

  get pids(): { readonly pid: number; readonly state: Hand['state'] }[] {
    return [...this.#hands].map(({ child, state }) => ({ pid: child.pid ?? 0, state }))
  }

  /** Resolves when a worker serves; rejects with the system's word when it cannot listen, or with what else went wrong. */
  start(): Promise<Hand> {
    const { command, args } = entry('gateway/worker')
    const child = fork(args.at(-1)!, this.#parts.args, {
      execPath: command,
      execArgv: [YOUNG_SPACE, ...args.slice(0, -1)],
    })
    const hand: Hand = { child, state: 'starting', told: false }
    this.#hands.add(hand)
    const born = Date.now()
    return new Promise((serves, fails) => {
      const deadline = setTimeout(() => {
        fails(new Error(`a new worker did not serve within ${START_MS_MAX / 1_000} s`))
        child.kill('SIGKILL')
      }, START_MS_MAX)
      child.on('message', (message: ToPrimary) => {
        if (message.kind === 'hello') return this.#serve(hand)
        if (message.kind === 'report') return this.#parts.report(message)
        if (message.kind === 'done') return this.#asked.get(message.ask)?.(message)
        clearTimeout(deadline)
        if (message.kind === 'cannot-listen') {
          child.kill('SIGKILL')
          return fails(new Error(message.code))
        }
        this.#port = message.port
        hand.state = 'serving'
        serves(hand)
      })
      child.on('error', fails)
      child.on('exit', (code, signal) => {
        clearTimeout(deadline)
        fails(new Error(`a worker ended with ${signal ?? `code ${code}`}`))
        this.#gone(hand, born, code, signal)
      })
    })
  }

  /** Starts a new worker, and lets the old one finish once the new one serves. */
  async swap(): Promise<number> {
    const before = [...this.#hands].filter(({ state }) => state === 'serving')
    const next = await this.start()
    for (const hand of before) this.#drain(hand)
    return next.child.pid ?? 0
  }

  /** Gives an order to every worker, also to those that only finish their requests, and waits until all have obeyed. */
  async tell(order: (ask: number) => ToWorker): Promise<readonly (readonly BackendSight[])[]> {
    // The one that serves comes last: of what they see differently, its word counts.
    const rank = { draining: 0, starting: 1, serving: 2 }
    const hands = [...this.#hands]
      .filter(({ child, told }) => told && child.connected)
      .sort((a, b) => rank[a.state] - rank[b.state])
    const answers = await Promise.all(hands.map((hand) => this.#ask(hand, order)))
    return answers.filter((sights) => sights !== undefined)
  }

  /** Lets everybody finish. Resolves when the last worker has gone. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const hand of this.#hands) this.#drain(hand)
    while (this.#hands.size > 0) await new Promise((next) => setTimeout(next, 20))
  }

  kill(): void {
    this.#stopping = true
    for (const { child } of this.#hands) child.kill('SIGKILL')
  }

  #serve(hand: Hand): void {
    const { key, options, socket } = this.#parts
    hand.told = true
    const order: ToWorker = { kind: 'serve', config: this.#parts.config(), key, options }
    hand.child.send(order, socket as unknown as Parameters<ChildProcess['send']>[1])
  }

  #drain(hand: Hand): void {
    hand.state = 'draining'
    if (hand.child.connected) hand.child.send({ kind: 'drain' } satisfies ToWorker)
  }

  async #ask(hand: Hand, order: (ask: number) => ToWorker): Promise<readonly BackendSight[] | undefined> {
    const ask = ++this.#asks
    const { child } = hand
    try {
      return await new Promise((answered, late) => {
        const deadline = setTimeout(() => late(new Error(`worker ${child.pid} did not answer`)), ASK_MS_MAX)
        const over = () => clearTimeout(deadline)
        this.#asked.set(ask, ({ sights }) => {
          over()
          answered(sights ?? [])
        })
        // One that has gone obeys nothing and serves nothing; its replacement begins with the same configuration.
        child.once('exit', () => {
          over()
          answered(undefined)
        })
        child.send(order(ask), (error) => error && answered(undefined))
      })
    } finally {
      this.#asked.delete(ask)
    }
  }

  #gone(hand: Hand, born: number, code: number | null, signal: NodeJS.Signals | null): void {
    this.#hands.delete(hand)
    const inOrder = hand.state === 'draining' && code === 0
    if (!inOrder && hand.state !== 'starting')
      this.#parts.lost(`worker ${hand.child.pid} ended with ${signal ?? `code ${code}`}`)
    // A swap that fails leaves the old worker serving; only when nobody serves is somebody missing.
    const served = hand.state === 'serving'
    if (this.#stopping || !served) return
    this.#deaths = Date.now() - born < YOUNG_MS ? this.#deaths + 1 : 0
    this.#replace()
  }

  #replace(): void {
    const waitMs = BACK_OFF_MS[Math.min(this.#deaths, BACK_OFF_MS.length - 1)]!
    setTimeout(() => {
      if (this.#stopping) return
      this.start().catch(() => {
        this.#deaths++
        this.#replace()
      })
    }, waitMs)
  }
}
