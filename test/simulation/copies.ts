/** The shadow of a simulated world: what comparing copies of citizens' requests comes to, pair by pair, by the production comparison. */
import type { Answered } from '../../src/core/shadow/compare.ts'
import { loadManifest, type Manifest } from '../../src/core/shadow/manifest.ts'
import { addSums, NO_SUMS, type Sums, sumsOfPair } from '../../src/core/shadow/tally.ts'

export interface ShadowFate {
  /** A difference that the manifest names; `missing`: the release does not make it. */
  readonly intended: 'none' | 'shown' | 'missing'
  /** Share of answers that differ in a way that nobody intended, 0 to 1. */
  readonly differs: number
  /** Only one group's answers do. */
  readonly unfair: boolean
}

/** Dice of their own, so that these worlds are otherwise what they always were. */
export function shadowOf(dice: () => number): ShadowFate | null {
  if (dice() >= 0.15) return null
  const what = dice()
  return {
    intended: dice() < 0.4 ? 'none' : dice() < 0.75 ? 'shown' : 'missing',
    differs: what < 0.7 ? 0 : what < 0.85 ? 0.3 : 0.06,
    unfair: what >= 0.85,
  }
}

/** True when the shadow has to keep the release from every citizen. */
export function mustNotPass({ intended, differs }: ShadowFate): boolean {
  return intended === 'missing' || differs >= 0.3
}

const COHORTS = `
cohorts:
  - { id: a, place: $.who, equals: a }
  - { id: b, place: $.who, equals: b }
`
const INTENDED = `
intended:
  - id: uprating
    says: The award rises by three.
    legal: a regulation
    at: $.award
    change: { plus: 3 }
    expectedMin: 10
`

export function manifestOf({ intended }: ShadowFate): string {
  return intended === 'none' ? COHORTS : COHORTS + INTENDED
}

type Kind = 'same' | 'intended' | 'wrong' | 'old-fails' | 'new-fails' | 'unread'

/** Pairs that could not be compared, of all. */
const UNREAD = 0.02
/** Answers that the intended difference is about. */
const UPRATED = 0.3

export class Copies {
  readonly #fate: ShadowFate
  readonly #dice: () => number
  readonly #manifest: Manifest
  readonly #known = new Map<string, Sums>()

  constructor(fate: ShadowFate, dice: () => number) {
    this.#fate = fate
    this.#dice = dice
    this.#manifest = loadManifest(manifestOf(fate), 'manifest').manifest!
  }

  /** What so many pairs come to, while the releases fail at these rates. */
  sums(pairs: number, rates: { readonly stable: number; readonly canary: number }): Sums {
    let sums = NO_SUMS
    for (let i = 0; i < pairs; i++) {
      const who = this.#dice() < 0.5 ? 'a' : 'b'
      sums = addSums(sums, this.#pair(this.#kind(who, rates), who))
    }
    return sums
  }

  #kind(who: string, rates: { readonly stable: number; readonly canary: number }): Kind {
    const { intended, differs, unfair } = this.#fate
    if (this.#dice() < UNREAD) return 'unread'
    const oldFails = this.#dice() < rates.stable
    const newFails = this.#dice() < rates.canary
    if (oldFails || newFails) return oldFails === newFails ? 'same' : oldFails ? 'old-fails' : 'new-fails'
    if (differs > 0 && (!unfair || who === 'b') && this.#dice() < differs) return 'wrong'
    return intended === 'shown' && this.#dice() < UPRATED ? 'intended' : 'same'
  }

  #pair(kind: Kind, who: string): Sums {
    const key = `${kind} ${who}`
    let sums = this.#known.get(key)
    if (!sums) {
      const [before, after] = answersOf(kind, who)
      sums = sumsOfPair(this.#manifest, 0, 'apply/ask', before, after)
      this.#known.set(key, sums)
    }
    return sums
  }
}

function answersOf(kind: Kind, who: string): [Answered, Answered] {
  const good = answer(200, { who, award: 100 })
  const failed = answer(500, { error: true })
  const unread = { ...good, body: null }
  const pairs: Record<Kind, [Answered, Answered]> = {
    same: [good, good],
    intended: [good, answer(200, { who, award: 103 })],
    wrong: [good, answer(200, { who, award: 99 })],
    'old-fails': [failed, good],
    'new-fails': [good, failed],
    unread: [unread, unread],
  }
  return pairs[kind]
}

function answer(status: number, body: object): Answered {
  return { status, type: 'application/json', location: '', body: JSON.stringify(body) }
}
