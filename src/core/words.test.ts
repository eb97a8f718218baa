import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listOf, nearest, percentOf, plural } from './words.ts'

test('words read as a person would write them', () => {
  const cases: [string, string][] = [
    [plural(1, 'citizen'), '1 citizen'],
    [plural(1200, 'citizen'), '1,200 citizens'],
    [percentOf(0.2), '20 %'],
    [percentOf(0.0512), '5.1 %'],
    [percentOf(0.0004), '0.04 %'],
    [listOf(['a', 'b', 'c']), 'a, b and c'],
    [String(nearest('jurneys', ['journeys', 'rota'])), 'journeys'],
    [String(nearest('xyz', ['journeys', 'rota'])), 'undefined'],
  ]
  for (const [said, expected] of cases) assert.equal(said, expected)
})
