import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addEvidence, type Cells, evidenceGuesses, GUESSES, isFull, meanLog, pairEvidence } from './verdict-evidence.ts'

const none = new Array<number>(GUESSES).fill(0)

function choose(n: number, k: number): number {
  let product = 1
  for (let i = 1; i <= k; i++) product *= (n - k + i) / i
  return product
}

/** Expected factor of a batch when both arms fail at `q`, by enumeration, for each guess. */
function expected(canary: number, stable: number, q: number, p: number): number[] {
  const guesses = evidenceGuesses(p)
  const sums = new Array<number>(GUESSES).fill(0)
  for (let i = 0; i <= canary; i++)
    for (let j = 0; j <= stable; j++) {
      const chance = choose(canary, i) * choose(stable, j) * q ** (i + j) * (1 - q) ** (canary + stable - i - j)
      const cells = { canaryFailed: i, canaryOk: canary - i, stableFailed: j, stableOk: stable - j }
      const log = addEvidence(none, cells, p, guesses)
      for (const [k, nats] of log.entries()) sums[k]! += chance * Math.exp(nats)
    }
  return sums
}

test('under any common rate a batch is expected to add nothing, whatever its split: an outage of both convicts nobody', () => {
  for (const q of [0.0005, 0.005, 0.05, 0.2, 0.5, 0.95])
    for (const [canary, stable] of [
      [1, 9],
      [1, 39],
      [5, 5],
      [9, 1],
      [3, 12],
    ] as const)
      for (const p of [0.001, 0.02])
        for (const factor of expected(canary, stable, q, p))
          assert.ok(factor <= 1 + 1e-9, `${canary}:${stable} at ${q}, p ${p}: ${factor}`)
})

test('a batch of one arm says nothing, and a batch waits for one unit of each', () => {
  const cells: Cells = { canaryFailed: 0, canaryOk: 0, stableFailed: 2, stableOk: 500 }
  assert.deepEqual(addEvidence(none, cells, 0.005, evidenceGuesses(0.005)), none)
  assert.ok(!isFull(cells, 0.01))
  assert.ok(isFull({ ...cells, canaryFailed: 1 }, 0.01))
  assert.ok(isFull({ ...cells, canaryOk: 1 }, 0.01))
  assert.ok(!isFull({ canaryFailed: 4, canaryOk: 0, stableFailed: 0, stableOk: 4 }, 0.5))
})

test('a new release that gets fewer units than was believed does not convict itself', () => {
  let log: readonly number[] = none
  const guesses = evidenceGuesses(0.001)
  // 5 % believed, 2 % real, nobody worse: 20 minutes at 50 a second in batches of 50.
  for (let i = 0; i < 1_200; i++)
    log = addEvidence(
      log,
      { canaryFailed: 0, canaryOk: 1, stableFailed: i % 20 === 0 ? 1 : 0, stableOk: 49 },
      0.001,
      guesses,
    )
  assert.ok(meanLog(log) < 0, `${meanLog(log)}`)
})

test('failures on the new release alone convict within a few; on both alike never', () => {
  const guesses = evidenceGuesses(0.005)
  let worse: readonly number[] = none
  let alike: readonly number[] = none
  for (let i = 0; i < 4; i++) {
    worse = addEvidence(worse, { canaryFailed: 1, canaryOk: 0, stableFailed: 0, stableOk: 19 }, 0.005, guesses)
    alike = addEvidence(alike, { canaryFailed: 1, canaryOk: 0, stableFailed: 19, stableOk: 0 }, 0.005, guesses)
  }
  assert.ok(meanLog(worse) > Math.log(1_000))
  assert.ok(meanLog(alike) < 0)
})

test('shadow pairs: 13 disagreements against the new release convict at 0.1 %, 12 do not, agreement says nothing', () => {
  assert.ok(pairEvidence(13, 0) >= Math.log(1_000))
  assert.ok(pairEvidence(12, 0) < Math.log(1_000))
  assert.ok(pairEvidence(5, 5) < 0)
  assert.ok(Math.abs(pairEvidence(0, 0)) < 1e-9)
})
