import assert from 'node:assert/strict'
import { test } from 'node:test'
import { releaseTag } from '../../core/traffic/seat.ts'
import type { ArmConfig, TrafficConfig } from '../../ports/traffic.ts'
import { baseName, desiredFor, type Occupants, serverName } from './desired.ts'

const arm = (release: string): ArmConfig => ({
  release,
  backends: [{ id: `${release}-1`, host: '127.0.0.1', port: 9_000 }],
})
const PACE = { checkEveryMs: 1_000, fallAfter: 3, riseAfter: 2 }
const config = (stable: string, canary?: string, weight = 0): TrafficConfig => ({
  epoch: 1,
  version: 1,
  stable: arm(stable),
  ...(canary === undefined ? {} : { canary: arm(canary) }),
  weight,
  generation: 3,
  steps: [],
  probe: { header: 'x-probe', secret: 's' },
  healthPath: '/health',
})
const slots = (a: string | null, b: string | null): Occupants => ({ a, b })

/** [what was in the slots, stable and canary wanted, where they come] */
const CASES: readonly (readonly [Occupants, readonly [string, string?], readonly [string, string | null]])[] = [
  [slots(null, null), ['r1'], ['a', null]],
  [slots('r1', null), ['r1', 'r2'], ['a', 'b']],
  // Promoted: the release stays where it is, with its connections.
  [slots('r1', 'r2'), ['r2'], ['b', null]],
  [slots(null, 'r2'), ['r2', 'r3'], ['b', 'a']],
  [slots('r1', 'r2'), ['r1'], ['a', null]],
  [slots('r1', 'r2'), ['r3', 'r2'], ['a', 'b']],
  [slots('r1', null), ['r3'], ['b', null]],
]
for (const [before, [stable, canary], [home, trial]] of CASES) {
  test(`${before.a}/${before.b} → ${stable} and ${canary ?? 'nobody'}: ${home} and ${trial ?? 'none'}`, () => {
    const { slotOf, occupants } = desiredFor(config(stable, canary), before, PACE)
    assert.deepEqual(slotOf, { stable: home, canary: trial })
    assert.equal(occupants[slotOf.stable], stable)
  })
}

test('shares, generation and arms are one value', () => {
  const { rules } = desiredFor({ ...config('r1', 'r2', 0.01), moveFrom: 'canary' }, slots('r1', null), PACE)
  assert.equal(rules, `10000.3.c.${releaseTag('r1')}.a.${releaseTag('r2')}.b`)
})

test('stable stands in for the canary always, the canary only while it is trusted', () => {
  const spare = (weight: number, backend: string) =>
    desiredFor(config('r1', 'r2', weight), slots('r1', null), PACE).servers.find(
      (server) => server.backend === backend && server.options.endsWith('backup weight 256'),
    )!.ready
  assert.deepEqual([spare(0, 'b_cit'), spare(0, 'a_cit'), spare(0.1, 'a_cit')], [true, false, true])
})

test('when no server is left, the running release’s are asked unlooked, never the canary’s', () => {
  const { servers } = desiredFor(config('r1', 'r2', 0.1), slots('r1', null), PACE)
  const last = servers.filter(({ name }) => name !== baseName(name))
  assert.deepEqual(
    last.map(({ backend, name, checked, ready }) => [backend, baseName(name), checked, ready]),
    ['a_cit', 'a_ws', 'b_cit', 'b_ws'].map((backend) => [
      backend,
      serverName({ id: 'r1-1', host: '127.0.0.1', port: 9_000 }),
      false,
      true,
    ]),
  )
})

test('a replica at another address is another server, whatever it is called', () => {
  const at = (port: number, id = 'r1-1') => serverName({ id, host: '127.0.0.1', port })
  assert.notEqual(at(1), at(2))
  assert.match(at(1, 'r1 "x\n;'), /^[A-Za-z0-9_.-]+$/)
})
