/**
 * Traffic for simulations: the gateway's own rules for seats, units and batches, with no processes and no waiting. The world
 * around it is scripted: what fails, whose answers get lost, which backends are ill. Same clock and dice, same course.
 */
import type { Arm, StepCounts, Visitor } from '../../core/deploy/counts.ts'
import type { Instant } from '../../core/time.ts'
import { LEDGER_LIMITS, Ledger, type Outcome } from '../../core/traffic/ledger.ts'
import { Ring } from '../../core/traffic/ring.ts'
import { addSums, NO_SUMS, type Sums } from '../../core/shadow/tally.ts'
import { type Seat, type SeatRules, seatOf, seatRulesOf } from '../../core/traffic/seat.ts'
import { ringSegment, type RingSeat, type TenantRequest } from '../../core/traffic/tenant.ts'
import type { Clock } from '../../ports/clock.ts'
import type {
  Backend,
  BackendHealth,
  CountsAnswer,
  Traffic,
  TrafficConfig,
  TrafficStatus,
} from '../../ports/traffic.ts'
import { type Refused, refused, type Unreachable, unreachable } from '../../ports/unreachable.ts'

/** What the simulation does to the traffic layer. */
export interface TrafficFaults {
  /** While set, nothing is answered and nothing is done. The text is the reason given. */
  unreachable?: string | undefined
  /** So many orders (apply, closeUpgraded) are obeyed, but their answer never arrives. */
  lostAnswers: number
  /** So many orders are not obeyed, and answered with an error. */
  failedOrders: number
}

/** How the simulation wants a backend to be seen; absent values: healthy, idle. */
export interface BackendPlight {
  readonly healthy?: boolean
  /** Asked all the same, it would answer: only its health check is wrong. Absent: no. */
  readonly answers?: boolean
  readonly inFlight?: number
  readonly upgraded?: number
}

/** Where a request went. `arm` is who answered; the seat's own arm unless another stood in. */
export interface Placed {
  readonly seat: Seat
  readonly arm: Arm
  readonly backend: Backend
  /** Where tenants are told apart: the ring of the one that was asked for. */
  readonly ring?: RingSeat
}

export class MemoryTraffic implements Traffic {
  readonly faults: TrafficFaults = { lostAnswers: 0, failedOrders: 0 }
  readonly #clock: Clock
  readonly #dice: () => number
  readonly #settleMs: number
  #ledger: Ledger
  #ring = new Ring()
  readonly #seats = new Map<string, Seat>()
  #shadow: Sums = NO_SUMS
  readonly #plights = new Map<string, BackendPlight>()
  readonly #lastRequestAt = new Map<string, Instant>()
  #config: TrafficConfig | undefined
  #rules: SeatRules | undefined
  #epochSeen = 0
  #turn = 0
  #requests = 0
  #failedByUs = 0
  #batchFrom: Instant

  constructor(parts: { readonly clock: Clock; readonly dice: () => number; readonly settleMs?: number }) {
    this.#clock = parts.clock
    this.#dice = parts.dice
    this.#settleMs = parts.settleMs ?? LEDGER_LIMITS.settleMs
    this.#ledger = new Ledger({ ...LEDGER_LIMITS, settleMs: this.#settleMs })
    this.#batchFrom = parts.clock.now()
  }

  /** The configuration in force; undefined: none yet. */
  get config(): TrafficConfig | undefined {
    return this.#config
  }

  async apply(config: TrafficConfig): Promise<'applied' | Refused | Unreachable> {
    return this.#order(config.epoch, 'applied', () => {
      const before = this.#config
      if (before && config.epoch === before.epoch && config.version <= before.version) return
      if (before?.shadow?.run !== config.shadow?.run) this.#shadow = NO_SUMS
      this.#config = config
      this.#rules = seatRulesOf(config)
      if (before && config.generation > before.generation) this.#ledger.closeAll()
    })
  }

  async status(): Promise<TrafficStatus | Unreachable> {
    const down = this.#down()
    if (down) return down
    const config = this.#config
    return {
      epoch: this.#epochSeen,
      version: config?.version ?? 0,
      weight: config?.weight ?? 0,
      generation: config?.generation ?? 0,
      backends: config ? this.#backends(config) : [],
      seq: this.#ring.seq,
      failedByUs: this.#failedByUs,
      requests: this.#requests,
      shadow: {
        sent: this.#shadow.compared,
        shed: 0,
        run: this.#config?.shadow?.run ?? null,
        sums: this.#config?.shadow ? this.#shadow : NO_SUMS,
      },
    }
  }

  async counts(afterSeq: number): Promise<CountsAnswer | Unreachable> {
    const down = this.#down()
    if (down) return down
    this.tick()
    return this.#ring.after(afterSeq)
  }

  async closeUpgraded(arm: Arm, _overMs: number, epoch: number): Promise<'closing' | Refused | Unreachable> {
    return this.#order(epoch, 'closing', () => {
      for (const { id } of this.#backendsOf(arm)) this.plight(id, { ...this.#plights.get(id), upgraded: 0 })
    })
  }

  // ── The simulation's side ──

  /** Sets how a backend fares from now on. */
  plight(id: string, plight: BackendPlight): void {
    this.#plights.set(id, plight)
  }

  /** Places a citizen's request. Undefined: nobody could take it, and the citizen saw an error page of ours. */
  ask(session: string, visitor: Visitor = 'citizen', probed?: Arm, request?: TenantRequest): Placed | undefined {
    if (visitor !== 'probe') this.#requests++
    const ring = request && this.#rules?.ringOf?.(request)
    const own = this.seat(session, ring)
    const seat = probed && own ? { ...own, arm: probed } : own
    const placed = seat && this.#place(seat, probed !== undefined)
    if (!placed) {
      if (visitor !== 'probe') this.#failedByUs++
      return undefined
    }
    if (visitor !== 'probe') this.#lastRequestAt.set(placed.backend.id, this.#clock.now())
    return ring ? { ...placed, ring } : placed
  }

  /** The session's seat, throwing its coin when it has none. Undefined while there is no configuration. */
  seat(session: string, ring?: RingSeat): Seat | undefined {
    if (!this.#rules) return undefined
    const seat = seatOf(this.#seats.get(session), this.#rules, this.#dice, () => session, this.#clock.now(), ring)
    this.#seats.set(session, seat)
    return seat
  }

  /** What came of a request at a journey step. A stand-in's answer says nothing about the seat's own arm. */
  answer(
    placed: Placed,
    said: {
      readonly journey: string
      readonly step: string
      readonly outcome: Outcome
      readonly visitor?: Visitor
      readonly segment?: string
    },
  ): void {
    if (placed.arm !== placed.seat.arm) return
    const { id: session, arm, share, generation } = placed.seat
    const { journey, step, outcome, visitor = 'citizen', segment: browser = '' } = said
    const segment = placed.ring && placed.ring.id !== '' ? ringSegment(placed.ring.id, browser) : browser
    const answer = { session, journey, step, arm, share, generation, segment, visitor, outcome }
    this.#ledger.note(answer, this.#clock.now())
  }

  /** What copies came to, where they are ordered. */
  shadowed(sums: Sums): void {
    if (this.#config?.shadow) this.#shadow = addSums(this.#shadow, sums)
  }

  /** Closed units, straight into the next batch: for simulations that do not follow single citizens. */
  feed(counts: readonly StepCounts[]): void {
    const now = this.#clock.now()
    this.#ring.close(counts, this.#batchFrom, now)
    this.#batchFrom = now
  }

  /** Closes what has settled by now, as one batch when there is anything. */
  tick(): void {
    const now = this.#clock.now()
    this.#ledger.tick(now)
    this.#ring.close(this.#ledger.take(), this.#batchFrom, now)
    this.#batchFrom = now
  }

  /** The process died and came back: open units and unread batches are lost, configuration and epoch are not. */
  restart(): void {
    this.#ledger = new Ledger({ ...LEDGER_LIMITS, settleMs: this.#settleMs })
    this.#ring = new Ring(this.#ring.seq + 1_000)
    this.#requests = 0
    this.#failedByUs = 0
    this.#shadow = NO_SUMS
  }

  #order<Word>(epoch: number, word: Word, obey: () => void): Word | Refused | Unreachable {
    const down = this.#down()
    if (down) return down
    if (epoch < this.#epochSeen) return refused(this.#epochSeen)
    if (this.faults.failedOrders > 0) {
      this.faults.failedOrders--
      return unreachable('The traffic layer answered with an error, and changed nothing.')
    }
    this.#epochSeen = epoch
    obey()
    if (this.faults.lostAnswers === 0) return word
    this.faults.lostAnswers--
    return unreachable('The traffic layer did not answer in time.')
  }

  #down(): Unreachable | undefined {
    return this.faults.unreachable === undefined ? undefined : unreachable(this.faults.unreachable)
  }

  #backendsOf(arm: Arm): readonly Backend[] {
    return this.#config?.[arm]?.backends ?? []
  }

  // The same order of choice as the gateway's (see Pool.pick).
  #place(seat: Seat, alone: boolean): Placed | undefined {
    const other: Arm = seat.arm === 'stable' ? 'canary' : 'stable'
    const trusted = other === 'stable' || (this.#config?.weight ?? 0) > 0
    const arms = alone || !trusted ? [seat.arm] : [seat.arm, other]
    const isWell = ({ id }: Backend) => this.#plights.get(id)?.healthy !== false
    const mayAnswer = ({ id }: Backend) => this.#plights.get(id)?.answers === true
    return this.#next(seat, arms, isWell) ?? this.#next(seat, arms, mayAnswer)
  }

  #next(seat: Seat, arms: readonly Arm[], fits: (backend: Backend) => boolean): Placed | undefined {
    for (const arm of arms) {
      const fitting = this.#backendsOf(arm).filter(fits)
      const backend = fitting[this.#turn++ % fitting.length]
      if (backend) return { seat, arm, backend }
    }
    return undefined
  }

  #backends(config: TrafficConfig): BackendHealth[] {
    const row =
      (arm: Arm) =>
      ({ id }: Backend): BackendHealth => {
        const { healthy = true, inFlight = 0, upgraded = 0 } = this.#plights.get(id) ?? {}
        const at = this.#lastRequestAt.get(id)
        return { id, arm, healthy, inFlight, upgraded, ...(at === undefined ? {} : { lastRequestAt: at }) }
      }
    return [...config.stable.backends.map(row('stable')), ...(config.canary?.backends ?? []).map(row('canary'))]
  }
}

/** `dice` gives numbers from 0 up to but not including 1; `settleMs` as in the gateway, default 2,000. */
export function memoryTraffic(parts: {
  readonly clock: Clock
  readonly dice: () => number
  readonly settleMs?: number
}): MemoryTraffic {
  return new MemoryTraffic(parts)
}
