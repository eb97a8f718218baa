import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evidenceChart, oddsText } from './chart.ts'

const AT = Date.UTC(2026, 10, 23, 3, 12)
const points = (odds: readonly number[]) => odds.map((one, i) => ({ at: AT + i * 1_000, odds: one, weight: 0.05 }))

test('the picture says in words what it shows, and holds the same points as a table', () => {
  const { text } = evidenceChart(points([0.01, 3, 4_010]), 1_000, 'r3')
  const says =
    'From 03:12:00 to 03:12:02: evidence that release r3 is worse was last 4,010 : 1; it is taken back at 1,000 : 1.'
  assert.equal(text.split(`aria-label="${says}"`).length - 1, 2)
  assert.ok(text.includes(`>${says}</figcaption>`))
  assert.equal(text.match(/<td[^>]*>[^<]* : 1<\/td>/g)?.length, 3)
  assert.doesNotMatch(text, /style=|NaN|Infinity|undefined/)
})

test('evidence of any size stays inside the picture', () => {
  for (const odds of [
    [0, 0],
    [1e-300, 1e12],
    [Number.MIN_VALUE, 1e300],
    [5, 5],
  ]) {
    const { text } = evidenceChart(points(odds), 1_000, 'r3')
    assert.doesNotMatch(text, /NaN|Infinity/)
    for (const [, line] of text.matchAll(/<polyline[^>]*points="([^"]*)"/g)) {
      for (const y of line!.split(' ').map((pair) => Number(pair.split(',')[1]))) assert.ok(y >= 0 && y <= 330, line)
    }
  }
})

test('all points at one moment, or only one point, draw something sensible', () => {
  const same = points([1, 2]).map((point) => ({ ...point, at: AT }))
  assert.doesNotMatch(evidenceChart(same, 1_000, 'r3').text, /NaN/)
  assert.match(evidenceChart(points([1]), 1_000, 'r3').text, /begins with the first citizens/)
})

test('a long trial gives a table that can be read', () => {
  const { text } = evidenceChart(points(new Array(240).fill(1)), 1_000, 'r3')
  assert.match(text, /40 of 240 points/)
})

test('odds in words', () => {
  assert.deepEqual([0.004, 0.34, 9.96, 1_240.9, 1e13].map(oddsText), [
    'less than 0.1',
    '0.3',
    '10',
    '1,240',
    'over 1,000,000,000,000',
  ])
})
