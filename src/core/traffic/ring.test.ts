import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StepCounts } from '../deploy/counts.ts'
import { KEEP_MS, Ring } from './ring.ts'

const COUNTS = [{ ok: 1 } as StepCounts]
const seqs = (ring: Ring, after: number) => {
  const { batches, gap } = ring.after(after)
  return `${batches.map(({ seq }) => seq).join(' ')}${gap ? ' gap' : ''}`
}

test('batches are numbered by ones, and an empty one takes no number', () => {
  const ring = new Ring()
  for (const counts of [COUNTS, [], COUNTS]) ring.close(counts, 0, 1)
  assert.equal(ring.seq, 2)
  assert.equal(seqs(ring, 0), '1 2')
  assert.equal(seqs(ring, 1), '2')
  assert.equal(seqs(ring, 2), '')
})

test('a hole ends one answer and begins the next one with a gap', () => {
  const ring = new Ring()
  ring.close(COUNTS, 0, 1)
  ring.skip()
  assert.equal(seqs(ring, 1), '', 'nothing after the hole yet, so nothing to say')
  ring.close(COUNTS, 1, 2)
  assert.equal(seqs(ring, 0), '1')
  assert.equal(seqs(ring, 1), '3 gap')
  assert.equal(seqs(ring, 3), '')
})

test('what is older than ten minutes is gone, and said to be', () => {
  const ring = new Ring()
  ring.close(COUNTS, 0, 1_000)
  ring.close(COUNTS, 1_000, 2_000)
  ring.close(COUNTS, 2_000, 1_001 + KEEP_MS)
  assert.equal(seqs(ring, 0), '2 3 gap')
  assert.equal(seqs(ring, 1), '2 3')
})

test('an answer has at most 1,000 batches, the ring at most 6,000', () => {
  const ring = new Ring()
  for (let i = 0; i < 7_000; i++) ring.close(COUNTS, i, i)
  assert.equal(ring.after(1_000).batches.length, 1_000)
  assert.equal(ring.after(1_000).gap, false)
  assert.equal(ring.after(999).gap, true)
})

test('a reader from a life that nobody remembers is told of the gap', () => {
  assert.equal(seqs(new Ring(), 7), ' gap')
})
