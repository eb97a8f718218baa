/**
 * Swap after swap under load, each by the book: start the new release, give it a growing share, then promote it or take it
 * back, move the sessions, wait until the loser has nothing in flight, and only then stop it. The gateway itself is replaced
 * between swaps too.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { GatewayTraffic } from '../../src/adapters/gateway/traffic.ts'
import type { Arm } from '../../src/core/deploy/counts.ts'
import type { TrafficConfig, TrafficStatus } from '../../src/ports/traffic.ts'
import { isUnreachable } from '../../src/ports/unreachable.ts'
import { program } from '../program.ts'

export interface Release {
  readonly name: string
  readonly port: number
  readonly child: ChildProcess
}

export async function startRelease(name: string): Promise<Release> {
  const child = spawn(process.execPath, [...program('swaps/release.ts'), name], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { name, port, child }
}

export interface Stopped {
  readonly uploads: readonly string[]
  readonly websockets: number
}

/** SIGTERM; gives what the release had taken when it ended by itself. */
export async function stopRelease({ child }: Release): Promise<Stopped> {
  const told = once(child, 'message') as Promise<[Stopped]>
  child.kill('SIGTERM')
  const [stopped] = await told
  if (child.exitCode === null) await once(child, 'exit')
  return stopped
}

export class Course {
  /** Ids of all uploads that a release which has ended had taken. */
  readonly uploads: string[] = []
  swaps = 0
  rollbacks = 0
  gatewaySwaps = 0
  stable: Release
  trial: { readonly weight: number; readonly canary: string } | undefined
  /** Websockets have been told to move. */
  moving = false
  readonly #traffic: GatewayTraffic
  #version = 0
  #generation = 1
  #releases = 1
  #coming: Promise<Release> | undefined

  constructor(traffic: GatewayTraffic, stable: Release) {
    this.#traffic = traffic
    this.stable = stable
  }

  async begin(): Promise<void> {
    await this.#apply({ weight: 0 })
  }

  /** Starts the release of the next swap already now; a swap that finds none does so itself. */
  prepare(): void {
    this.#coming ??= startRelease(`r${++this.#releases}`)
  }

  /** One release comes, and goes or stays. `dwell` says how long each share is kept. */
  async swap(keep: boolean, weights: readonly number[], dwell: (weight: number) => Promise<void>): Promise<void> {
    this.prepare()
    const canary = await this.#coming!
    this.#coming = undefined
    for (const weight of weights) {
      await this.#apply({ canary, weight })
      this.trial = { weight, canary: canary.name }
      await dwell(weight)
      this.trial = undefined
    }
    this.#generation++
    const loser: Arm = keep ? 'stable' : 'canary'
    await this.#apply({ canary, weight: keep ? 1 : 0, moveFrom: loser })
    const gone = keep ? this.stable : canary
    this.moving = true
    await this.#order(this.#traffic.closeUpgraded(loser, 100, 1))
    await this.#idle(loser)
    this.moving = false
    if (keep) this.stable = canary
    await this.#apply({ weight: 0 })
    const { uploads, websockets } = await stopRelease(gone)
    if (websockets > 0) throw new Error(`${gone.name} was stopped with ${websockets} websockets open`)
    this.uploads.push(...uploads)
    if (keep) this.swaps++
    else this.rollbacks++
  }

  async swapGateway(): Promise<void> {
    await this.#order(this.#traffic.swap())
    this.gatewaySwaps++
  }

  async end(): Promise<void> {
    this.uploads.push(...(await stopRelease(this.stable)).uploads)
  }

  /** Leaves nothing running. */
  async kill(): Promise<void> {
    this.stable.child.kill('SIGKILL')
    const coming = await this.#coming
    coming?.child.kill('SIGKILL')
  }

  async status(): Promise<TrafficStatus> {
    return this.#order(this.#traffic.status())
  }

  async #apply(change: { canary?: Release; weight: number; moveFrom?: Arm }): Promise<void> {
    const arm = ({ name, port }: Release) => ({ release: name, backends: [{ id: name, host: '127.0.0.1', port }] })
    const config: TrafficConfig = {
      epoch: 1,
      version: ++this.#version,
      stable: arm(this.stable),
      ...(change.canary ? { canary: arm(change.canary) } : {}),
      weight: change.weight,
      generation: this.#generation,
      ...(change.moveFrom ? { moveFrom: change.moveFrom } : {}),
      steps: [
        {
          journey: 'apply',
          step: 'page',
          method: 'GET',
          route: '/page',
          okStatus: [200],
          marker: 'Apply for',
          limitMs: 60_000,
        },
        { journey: 'apply', step: 'upload', method: 'POST', route: '/upload', okStatus: [200], limitMs: 60_000 },
      ],
      probe: { header: 'x-probe', secret: 'swaps' },
      healthPath: '/health',
    }
    await this.#order(this.#traffic.apply(config))
  }

  /** Nothing in flight and no conversation open on that arm, seen twice: a request may just be between two hands. */
  async #idle(arm: Arm): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      const { backends } = await this.status()
      const busy = backends.some((row) => row.arm === arm && (row.inFlight > 0 || row.upgraded > 0))
      quiet = busy ? 0 : quiet + 1
      await new Promise((next) => setTimeout(next, 20))
    }
  }

  async #order<Answer>(answer: Promise<Answer>): Promise<Exclude<Answer, { unreachable: true } | { refused: true }>> {
    const told = await answer
    if (isUnreachable(told) || (typeof told === 'object' && told !== null && 'refused' in told)) {
      throw new Error(`the proxy did not obey: ${JSON.stringify(told)}`)
    }
    return told as Exclude<Answer, { unreachable: true } | { refused: true }>
  }
}
