/** Citizens of a simulated world: who meets which release at each moment, and whom it fails. */
import type { MemoryTraffic } from '../../src/adapters/memory/traffic.ts'
import type { Arm, StepCounts } from '../../src/core/deploy/counts.ts'
import type { TenantRule } from '../../src/core/traffic/tenant.ts'
import { Copies } from './copies.ts'
import { type Fate, within } from './fate.ts'

export const TICK_MS = 100
/** As the gateway (gateway/primary.ts). What came before an order and after it may share a batch. */
const BATCH_MS = 200
const RATE_PER_TICK = 6
const STEPS = ['ask', 'submit'] as const
/** What fails anyway, and what fails while a dependency of both releases is away. */
const EVERYDAY = 0.003
const OUTAGE = 0.3
const LATE_MS = 4_000

export class Citizens {
  /** Units that failed on the new release. */
  harmed = 0
  readonly #fate: Fate
  readonly #dice: () => number
  readonly #traffic: MemoryTraffic
  readonly #copies: Copies | null
  /** Units of the batch that is open. */
  #open: StepCounts[] = []

  constructor(fate: Fate, dice: () => number, traffic: MemoryTraffic) {
    this.#fate = fate
    this.#dice = dice
    this.#traffic = traffic
    this.#copies = fate.shadow && new Copies(fate.shadow, dice)
  }

  /** One tick's worth of them. */
  come(at: number): void {
    const { config } = this.#traffic
    if (!config) return
    const { tenants, canary, weight, generation } = config
    const groups = tenants ? ringsOf(tenants) : [{ segment: '', share: canary ? weight : 0 }]
    const rates = { stable: this.#failing('stable', at), canary: this.#failing('canary', at) }
    // One of the two steps only asks: it can be asked of both releases.
    if (config.shadow && this.#copies) this.#traffic.shadowed(this.#copies.sums(RATE_PER_TICK, rates))
    for (const { segment, share } of groups) {
      for (const step of STEPS) {
        const tally = { stable: { ok: 0, failed: 0 }, canary: { ok: 0, failed: 0 } }
        for (let i = 0; i < RATE_PER_TICK; i++) {
          const arm: Arm = canary && this.#dice() < share ? 'canary' : 'stable'
          if (this.#dice() < rates[arm]) tally[arm].failed++
          else tally[arm].ok++
        }
        this.harmed += tally.canary.failed
        for (const arm of ['stable', 'canary'] as const) {
          const { ok, failed } = tally[arm]
          if (ok + failed === 0) continue
          // Written out: a literal that spreads another costs twenty times as much, and there are millions of them.
          this.#open.push({
            journey: 'apply',
            step,
            arm,
            share,
            generation,
            segment,
            visitor: 'citizen',
            ok,
            failed,
            slow: 0,
            retries: 0,
          })
        }
      }
    }
    if (at % BATCH_MS !== 0) return
    this.#traffic.feed(this.#open)
    this.#open = []
  }

  /** The traffic layer died, and its open batch with it. */
  forget(): void {
    this.#open = []
  }

  #failing(arm: Arm, at: number): number {
    const { sharedOutage, character } = this.#fate
    const shared = within(sharedOutage, at) ? OUTAGE : EVERYDAY
    if (arm === 'stable') return shared
    return 1 - (1 - shared) * (1 - ownRate(character, at))
  }
}

/** What the release's own fault adds. */
function ownRate(character: Fate['character'], at: number): number {
  switch (character) {
    case 'fails-5':
      return 0.05
    case 'fails-20':
      return 0.2
    case 'fails-all':
      return 1
    case 'late':
      return at > LATE_MS ? 0.3 : 0
    default:
      return 0
  }
}

/** What each ring's citizens meet; the counts carry the ring before the browser. */
function ringsOf(rule: TenantRule): { segment: string; share: number }[] {
  const named = rule.rings.map(({ id, weight }) => ({ segment: `${id}/chrome`, share: weight }))
  return rule.rest ? [...named, { segment: `${rule.rest.id}/chrome`, share: rule.rest.weight }] : named
}
