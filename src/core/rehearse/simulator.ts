/**
 * A service full of citizens, made from a seed: each session throws its coin once, walks the journey's steps, fails, retries,
 * gives up or goes on. It gives the same closed units as the gateway (core/deploy/counts.ts), so that verdicts and other tools'
 * rules can be run on exactly the same people.
 */
import type { Arm, StepCounts } from '../deploy/counts.ts'
import { beta, type Dice, diceOf, poisson } from './dice.ts'

export interface WorldStep {
  readonly step: string
  /** Failure rate of the running release, and of a good new one. */
  readonly p0: number
  /** Mean time a citizen spends here before the next step, ms. 0: the unit closes at once. */
  readonly dwellMs: number
}

export interface Fault {
  /** Failure rate of the new release at the steps it hurts. */
  readonly p1: number
  /** Steps it hurts; absent: all. */
  readonly steps?: readonly string[]
  /** When it appears, ms after the start. */
  readonly fromMs: number
  /** True: the answers are right but later than the citizen limit. */
  readonly slow: boolean
  /** Only citizens of this segment are hurt; absent: all. */
  readonly segment?: string
}

export interface World {
  readonly seed: number
  readonly sessionsPerSecond: number
  /** Load swings by this share around its mean over 24 h, 0 to 1. */
  readonly daily: number
  readonly steps: readonly WorldStep[]
  readonly fault: Fault | null
  /** Times when both releases fail at `rate`. */
  readonly outages: readonly { readonly fromMs: number; readonly toMs: number; readonly rate: number }[]
  /**
   * Failure rates vary from interval to interval (beta-binomial): intra-class correlation, 0 = not at all. Shared by both
   * releases, or drawn for each apart (a bad host, a bad minute of one replica), which no test between two arms can tell
   * from a fault when it is strong.
   */
  readonly dispersion: { readonly rho: number; readonly everyMs: number; readonly apart?: boolean }
  /** Share of citizens whose own device fails at each step with `rate`, whatever the release. */
  readonly unlucky: { readonly share: number; readonly rate: number }
  /** Mean number of further attempts after a failure. */
  readonly retries: number
  /** Share of citizens who leave after a failure that retries did not cure. */
  readonly leaves: number
  /** Groups of citizens; shares add up to 1. */
  readonly segments: readonly { readonly name: string; readonly share: number }[]
}

/** One journey of one step, independent units, 50 sessions/s: the world of the facts' tables. */
export const PLAIN_WORLD: World = {
  seed: 1,
  sessionsPerSecond: 50,
  daily: 0,
  steps: [{ step: 'submit', p0: 0.001, dwellMs: 0 }],
  fault: null,
  outages: [],
  dispersion: { rho: 0, everyMs: 10_000 },
  unlucky: { share: 0, rate: 0 },
  retries: 0,
  leaves: 1,
  segments: [{ name: '', share: 1 }],
}

/** What happened between two moments. */
export interface Tick {
  readonly seq: number
  readonly from: number
  readonly to: number
  /** Units that closed, for the sequential verdict. */
  readonly counts: readonly StepCounts[]
  /** Requests that were answered, retries included: what other tools' metrics see. */
  readonly requests: Readonly<Record<Arm, { readonly ok: number; readonly failed: number }>>
}

const JOURNEY = 'apply'
const RETRIES_MAX = 20
const SHARES_MAX = 8
/** Cells of one (step, arm, share, segment): ok, failed, slow, retries. */
const CELL = 4

/** The world, moved on tick by tick under a weight that a judge chooses. */
export class Simulation {
  readonly world: World
  readonly tickMs: number
  now = 0
  generation = 0
  /** Citizen sessions that failed at some step on the new release, and failed requests there, so far. */
  harmed = 0
  failedRequests = 0
  private seq = 0
  private readonly dice: Dice
  private readonly shares: number[] = []
  private readonly ring: Array<Int32Array | undefined>
  private readonly rates: number[] = []

  constructor(world: World, tickMs: number) {
    this.world = world
    this.tickMs = tickMs
    this.dice = diceOf(world.seed)
    const walkMs = world.steps.reduce((sum, step) => sum + 8 * step.dwellMs, 0) + 1_000
    this.ring = new Array(Math.ceil(walkMs / tickMs) + 2)
  }

  /** Lets citizens live for one tick, `weight` of the new sessions on the new release. */
  tick(weight: number): Tick {
    const from = this.now
    const to = from + this.tickMs
    const slot = this.shareSlot(weight)
    const swing = 1 + this.world.daily * Math.sin((2 * Math.PI * from) / 86_400_000)
    const arriving = poisson(this.dice, (this.world.sessionsPerSecond * swing * this.tickMs) / 1_000)
    for (let i = 0; i < arriving; i++) this.session(from + this.dice.next() * this.tickMs, weight, slot)
    this.now = to
    const bucket = this.ring[this.seq % this.ring.length]
    this.ring[this.seq % this.ring.length] = undefined
    this.seq++
    return this.read(bucket, from, to)
  }

  /** Moves every session off the new release: units that are open count for neither arm, and what was to fail there does not. */
  move(): void {
    this.ring.fill(undefined)
    this.generation++
  }

  private shareSlot(weight: number): number {
    const known = this.shares.indexOf(weight)
    if (known >= 0) return known
    if (this.shares.length === SHARES_MAX) {
      // Sessions of the oldest share have left long ago, or nearly so; their last units are dropped in both arms alike.
      for (const bucket of this.ring) if (bucket) this.forget(bucket)
      this.shares.shift()
    }
    this.shares.push(weight)
    return this.shares.length - 1
  }

  private forget(bucket: Int32Array): void {
    const width = this.world.segments.length * CELL
    for (let at = 0; at < bucket.length; at += SHARES_MAX * width) {
      bucket.copyWithin(at, at + width, at + SHARES_MAX * width)
      bucket.fill(0, at + (SHARES_MAX - 1) * width, at + SHARES_MAX * width)
    }
  }

  private session(start: number, weight: number, slot: number): void {
    const { world, dice } = this
    const canary = dice.next() < weight
    const segment = world.segments.length === 1 ? 0 : this.segment()
    const unlucky = world.unlucky.share > 0 && dice.next() < world.unlucky.share
    let at = start
    for (let step = 0; step < world.steps.length; step++) {
      const { dwellMs, p0 } = world.steps[step]!
      const rate = this.rate(step, canary, at, unlucky, segment)
      const stay = dwellMs === 0 ? 0 : Math.min(8 * dwellMs, -dwellMs * Math.log(1 - dice.next()))
      const failed = dice.next() < rate
      const slow = failed && canary && world.fault?.slow === true && rate > p0
      const again = failed && world.retries > 0 ? this.attempts(rate) : 0
      this.close(failed ? at : at + stay, { step, canary, slot, segment, failed, slow, again })
      if (failed && dice.next() < world.leaves) return
      at += stay
    }
  }

  private segment(): number {
    let left = this.dice.next()
    const { segments } = this.world
    for (let i = 0; i < segments.length - 1; i++) {
      left -= segments[i]!.share
      if (left < 0) return i
    }
    return segments.length - 1
  }

  private attempts(rate: number): number {
    let n = 0
    const goesOn = this.world.retries / (1 + this.world.retries)
    while (n < RETRIES_MAX && this.dice.next() < goesOn * Math.max(rate, 0.5)) n++
    return n
  }

  /** The rate at which this citizen's attempt fails at this moment. */
  private rate(step: number, canary: boolean, at: number, unlucky: boolean, segment: number): number {
    const { world } = this
    const { fault } = world
    const spec = world.steps[step]!
    let rate = world.dispersion.rho > 0 ? this.varied(step, at, canary) : spec.p0
    if (
      canary &&
      fault &&
      at >= fault.fromMs &&
      (!fault.steps || fault.steps.includes(spec.step)) &&
      (fault.segment === undefined || world.segments[segment]!.name === fault.segment)
    )
      rate = Math.max(rate, fault.p1)
    for (const outage of world.outages) if (at >= outage.fromMs && at < outage.toMs) rate = Math.max(rate, outage.rate)
    return unlucky ? Math.max(rate, world.unlucky.rate) : rate
  }

  /** The rate in this interval. */
  private varied(step: number, at: number, canary: boolean): number {
    const { world } = this
    const interval = Math.floor(at / world.dispersion.everyMs)
    const arm = world.dispersion.apart && canary ? 1 : 0
    const key = (interval * world.steps.length + step) * 2 + arm
    let rate = this.rates[key]
    if (rate === undefined) {
      rate = beta(diceOf(world.seed * 7_919 + key), world.steps[step]!.p0, world.dispersion.rho)
      this.rates[key] = rate
    }
    return rate
  }

  private close(
    at: number,
    unit: {
      step: number
      canary: boolean
      slot: number
      segment: number
      failed: boolean
      slow: boolean
      again: number
    },
  ): void {
    const segments = this.world.segments.length
    const index = Math.floor(at / this.tickMs) % this.ring.length
    let bucket = this.ring[index]
    if (!bucket) {
      bucket = new Int32Array(this.world.steps.length * 2 * SHARES_MAX * segments * CELL)
      this.ring[index] = bucket
    }
    const cell = (((unit.step * 2 + (unit.canary ? 1 : 0)) * SHARES_MAX + unit.slot) * segments + unit.segment) * CELL
    bucket[cell + (unit.failed ? 1 : 0)]!++
    if (unit.slow) bucket[cell + 2]!++
    bucket[cell + 3]! += unit.again
  }

  private read(bucket: Int32Array | undefined, from: number, to: number): Tick {
    const counts: StepCounts[] = []
    const requests = { stable: { ok: 0, failed: 0 }, canary: { ok: 0, failed: 0 } }
    if (bucket) {
      const { world } = this
      let at = 0
      for (const { step } of world.steps)
        for (const arm of ['stable', 'canary'] as const)
          for (let slot = 0; slot < SHARES_MAX; slot++)
            for (const segment of world.segments) {
              const [ok, failed, slow, retries] = [bucket[at]!, bucket[at + 1]!, bucket[at + 2]!, bucket[at + 3]!]
              at += CELL
              if (ok + failed === 0) continue
              requests[arm].ok += ok
              requests[arm].failed += failed + retries
              const share = this.shares[slot]!
              const { generation } = this
              // Written out: a literal that spreads another costs twenty times as much, and there are millions of them.
              counts.push({
                journey: JOURNEY,
                step,
                arm,
                share,
                generation,
                segment: segment.name,
                visitor: 'citizen',
                ok,
                failed,
                slow,
                retries,
              })
              if (arm === 'canary') {
                this.harmed += failed
                this.failedRequests += failed + retries
              }
            }
    }
    return { seq: this.seq, from, to, counts, requests }
  }
}
