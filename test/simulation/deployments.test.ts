import assert from 'node:assert/strict'
import { test } from 'node:test'
import { live } from './world.ts'

// SEED=453 SEEDS=1 npm test -- simulation   runs one world again. `npm run sim` runs any number.
const FIRST = Number(process.env.SEED ?? 1)
const WORLDS = Number(process.env.SEEDS ?? 2_000)

test(`${WORLDS} worlds of faults: every deployment ends with citizens on exactly one release, and every promise holds`, async () => {
  let good = 0
  let wronged = 0
  for (let seed = FIRST; seed < FIRST + WORLDS; seed++) {
    const { fate, state, broken } = await live(seed)
    const last = state.history.slice(-6).map(({ phase, why }) => `  ${phase}: ${why}`)
    assert.deepEqual(
      broken,
      [],
      `SEED=${seed} SEEDS=1 npm test -- simulation\n${JSON.stringify(fate)}\n${last.join('\n')}`,
    )
    if (fate.character !== 'good') continue
    good++
    if (state.history.some(({ phase, why }) => phase === 'rolling-back' && why.startsWith('evidence'))) wronged++
  }
  // Budget: 0.1 % of good releases. With some 550 of them, 4 or more would come by chance in fewer than one of 400 runs.
  assert.ok(wronged <= 3, `${wronged} of ${good} good releases were rolled back on evidence`)
})
