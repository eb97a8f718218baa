/** What a seed holds in store: the release's character, the shape of its deployment, and everything that goes wrong around it. */
import type { Before } from './before.ts'
import type { ShadowFate } from './copies.ts'

/** Every fault is over by then; what is not finished a while later never would be. */
export const FAULTS_END_MS = 150_000

export type Character =
  | 'good'
  | 'fails-5'
  | 'fails-20'
  | 'fails-all'
  | 'late'
  | 'dead-on-start'
  | 'fails-in-private'
  | 'dies-later'
  | 'bad-schema'

export interface Fate {
  readonly character: Character
  readonly strategy: 'canary' | 'blue-green' | 'rolling'
  /** The release has to pass a shadow before its trial. */
  readonly shadow: ShadowFate | null
  readonly replicas: number
  /** Strategy rolling. */
  readonly keep: 'warm' | 'restart'
  readonly needed: number
  /** Strategy canary: the release reaches two rings of tenants one after the other. */
  readonly rings: boolean
  readonly schema: 'none' | 'expand' | 'contract'
  /** How long the old release stays warm, in ms. */
  readonly warmMs: number
  readonly sharedOutage: readonly [from: number, to: number] | null
  readonly trafficAway: readonly [from: number, to: number] | null
  readonly runtimeAway: readonly [from: number, to: number] | null
  readonly lostAnswers: number
  /** Chance at each turn and each effect that the engine dies there. */
  readonly deadliness: number
  readonly gatewayRestartAt: number | null
  /** Gates and approvals. */
  readonly before: Before
  readonly person: readonly { readonly at: number; readonly name: 'halt' | 'resume' | 'rollback' | 'promote' }[]
}

export function fateOf(dice: () => number, before: Before, shadow: ShadowFate | null): Fate {
  const often = (share: number) => dice() < share
  const span = (longest: number): [number, number] => {
    const from = dice() * 60_000
    return [from, Math.min(FAULTS_END_MS, from + dice() * longest)]
  }
  const characters: Character[] = [
    'good',
    'good',
    'good',
    'fails-5',
    'fails-20',
    'fails-all',
    'late',
    'dead-on-start',
    'fails-in-private',
    'dies-later',
    'bad-schema',
  ]
  const names = ['halt', 'resume', 'rollback', 'promote'] as const
  const character = characters[Math.floor(dice() * characters.length)]!
  const drawn = often(0.25) ? 'rolling' : often(0.75) ? 'canary' : 'blue-green'
  const strategy = shadow && drawn === 'canary' ? 'blue-green' : drawn
  const replicas = strategy === 'rolling' ? 1 + Math.floor(dice() * 4) : 2
  return {
    before,
    character,
    strategy,
    shadow,
    replicas,
    keep: often(0.3) ? 'warm' : 'restart',
    needed: 1 + Math.floor(dice() * replicas),
    rings: strategy === 'canary' && often(0.25),
    schema: character === 'bad-schema' || often(0.3) ? 'expand' : often(0.3) ? 'contract' : 'none',
    warmMs: often(0.3) ? dice() * 8_000 : 0,
    sharedOutage: often(0.15) ? span(20_000) : null,
    trafficAway: often(0.2) ? span(often(0.3) ? 140_000 : 15_000) : null,
    runtimeAway: often(0.15) ? span(20_000) : null,
    lostAnswers: often(0.2) ? 1 + Math.floor(dice() * 3) : 0,
    deadliness: often(0.4) ? 0.035 : 0,
    gatewayRestartAt: often(0.1) ? dice() * 40_000 : null,
    person: often(0.25)
      ? Array.from({ length: 1 + Math.floor(dice() * 3) }, () => ({
          at: dice() * 40_000,
          name: names[Math.floor(dice() * 4)]!,
        })).sort((a, b) => a.at - b.at)
      : [],
  }
}

export function within(span: readonly [number, number] | null, at: number): boolean {
  return span !== null && at >= span[0] && at < span[1]
}
