import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onDuty } from './rota.ts'

const weekly = {
  id: 'primary',
  from: '2026-10-19',
  handover: '09:30',
  shiftDays: 7,
  people: ['asha', 'ben'],
  fixed: [],
}

test('the hand-over keeps its wall time over both clock changes', () => {
  const cases: [string, string | null][] = [
    ['2026-10-19T08:29:59Z', null],
    ['2026-10-19T08:30:00Z', 'asha'], // 09:30 BST
    ['2026-10-26T08:30:00Z', 'asha'], // 08:30 GMT: the clocks went back, not yet
    ['2026-10-26T09:29:59Z', 'asha'],
    ['2026-10-26T09:30:00Z', 'ben'], // 09:30 GMT
    ['2027-03-22T09:30:00Z', 'asha'], // 22 weeks later
    ['2027-03-29T08:29:59Z', 'asha'],
    ['2027-03-29T08:30:00Z', 'ben'], // 09:30 BST
  ]
  for (const [at, who] of cases) assert.equal(onDuty(weekly, Date.parse(at), 'Europe/London'), who, at)
})

test('a fixed plan for some days overrides the shifts', () => {
  const rota = { ...weekly, fixed: [{ from: '2026-12-24', to: '2026-12-28', people: ['carys'] }] }
  assert.equal(
    onDuty(rota, Date.parse('2026-12-24T09:29:00Z'), 'Europe/London'),
    onDuty(weekly, Date.parse('2026-12-23T12:00:00Z'), 'Europe/London'),
  )
  assert.equal(onDuty(rota, Date.parse('2026-12-25T03:00:00Z'), 'Europe/London'), 'carys')
})
