import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { demandAt } from './demand.ts'
import { loadService } from './load.ts'
import type { Service } from './schema.ts'

const FILE = new URL('../../../examples/heating-payment/service.yaml', import.meta.url)
const { service: heating } = loadService(readFileSync(FILE, 'utf8'), 'service.yaml') as { service: Service }
const demand = { normalPerMinute: 10, nightPerMinute: 1, peakPerMinute: 25, source: 'test' }
const peak = { ...heating.peaks[0]!, id: 'run', name: 'payment run', dates: ['2026-11-23'], times: 4 }
const bare: Service = {
  ...heating,
  journeys: [{ ...heating.journeys[0]!, demand }],
  peaks: [],
}

test('by day, by night, by the hour: the clock is the service’s own', () => {
  assert.equal(demandAt(bare, Date.UTC(2026, 10, 23, 12)).perMinute, 10)
  assert.equal(demandAt(bare, Date.UTC(2026, 10, 23, 3)).perMinute, 1)
  assert.equal(demandAt(bare, Date.UTC(2026, 5, 23, 6, 30)).perMinute, 10, '07:30 in summer time')
  const byHour = Array.from({ length: 24 }, (_, hour) => hour)
  const known: Service = { ...bare, journeys: [{ ...bare.journeys[0]!, demand: { ...demand, byHour } }] }
  assert.equal(demandAt(known, Date.UTC(2026, 10, 23, 12)).perMinute, 12)
})

test('a peak multiplies the hour, up to the worst that the journey expects, and is named', () => {
  const { rrule, calendar, event, follows, from, local, ...rest } = peak as typeof peak & Record<string, unknown>
  const busy: Service = {
    ...bare,
    peaks: [{ ...rest, local: '11:00-14:00', daysBefore: 0, daysAfter: 0 } as Service['peaks'][number]],
  }
  const noon = demandAt(busy, Date.UTC(2026, 10, 23, 12))
  assert.equal(noon.perMinute, 25, '4 × 10 is more than the worst peak')
  assert.equal(noon.says, '25 sessions a minute, the demand of the definition by day, in the peak payment run')
  assert.equal(demandAt(busy, Date.UTC(2026, 10, 23, 15)).perMinute, 10)
})

test('no journey says: nothing is invented', () => {
  const { demand: _, ...silent } = bare.journeys[0]!
  assert.equal(demandAt({ ...bare, journeys: [silent] }, 0).perMinute, 0)
})
