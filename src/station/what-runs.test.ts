import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Arm } from '../core/deploy/counts.ts'
import { unreachable } from '../ports/unreachable.ts'
import { whatRuns } from './what-runs.ts'

type Replica = readonly [release: string, arm: Arm, healthy: boolean]
type World = Parameters<typeof whatRuns>[0]

/** A world with these replicas and this share of the canary. */
function worldOf(replicas: readonly Replica[], weight = 0, away = false): World {
  const backends = replicas.map(([, arm, healthy], i) => ({ id: `i${i}`, arm, healthy, inFlight: 0, upgraded: 0 }))
  const instances = replicas.map(([release], i) => ({ id: `i${i}`, release }))
  return {
    traffic: { status: async () => (away ? unreachable('nobody is there') : { backends, weight }) },
    runtime: { instances: async () => instances },
  } as unknown as World
}

const r1: Replica = ['r1', 'stable', true]
const ill: Replica = ['r1', 'stable', false]
const r2: Replica = ['r2', 'canary', true]

/** [what is there, what is said] */
const CASES: readonly (readonly [World, string])[] = [
  [worldOf([]), 'no release answers citizens.'],
  [worldOf([r1]), 'r1 answers everybody (1 healthy replica).'],
  [worldOf([r1, ill]), 'r1 answers everybody (1 healthy replica).'],
  [worldOf([ill, ill]), 'r1 should answer everybody, and none of its 2 replicas is well.'],
  [worldOf([r1, r1, r2], 0.05), 'r1 answers 95 % of new sessions, r2 the rest (2 and 1 healthy replicas).'],
  [worldOf([r1], 0, true), 'cannot tell, because nobody is there'],
]

for (const [world, says] of CASES) {
  test(`what runs: ${says}`, async () => assert.equal((await whatRuns(world)).says, says))
}
