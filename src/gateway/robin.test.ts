import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextTurn } from './robin.ts'

const turns = (weights: Record<string, number>, n: number) => {
  const candidates = Object.entries(weights).map(([id, weight]) => ({ id, weight, credit: 0 }))
  return Array.from({ length: n }, () => nextTurn(candidates)?.id ?? '-').join('')
}

test('shares are kept, and spread out rather than bunched', () => {
  assert.equal(turns({ a: 5, b: 1, c: 1 }, 7), 'aabacaa')
  assert.equal(turns({ a: 1, b: 1, c: 1 }, 6), 'abcabc')
})

test('a candidate without weight is never chosen, and nobody is chosen when nobody can be', () => {
  assert.equal(turns({ a: 0, b: 1 }, 3), 'bbb')
  assert.equal(turns({ a: 0 }, 2), '--')
  assert.equal(turns({}, 1), '-')
})
