import assert from 'node:assert/strict'
import test from 'node:test'
import { BANK_HOLIDAYS, type Division, easterSunday } from './bank-holidays.ts'
import { textOf, weekdayOf } from './recurrence.ts'

/** What GOV.UK published (alphagov/frontend, lib/data/bank-holidays.json, 2022), month and day by year. */
const PUBLISHED: Readonly<Record<Division, Readonly<Record<number, string>>>> = {
  'england-and-wales': {
    2018: '01-01 03-30 04-02 05-07 05-28 08-27 12-25 12-26',
    2019: '01-01 04-19 04-22 05-06 05-27 08-26 12-25 12-26',
    2020: '01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28',
    2021: '01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28',
    2022: '01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27',
    // The coronation was proclaimed after that list, on 8 May.
    2023: '01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26',
  },
  scotland: {
    2018: '01-01 01-02 03-30 05-07 05-28 08-06 11-30 12-25 12-26',
    2019: '01-01 01-02 04-19 05-06 05-27 08-05 12-02 12-25 12-26',
    2020: '01-01 01-02 04-10 05-08 05-25 08-03 11-30 12-25 12-28',
    2021: '01-01 01-04 04-02 05-03 05-31 08-02 11-30 12-27 12-28',
    2022: '01-03 01-04 04-15 05-02 06-02 06-03 08-01 09-19 11-30 12-26 12-27',
    2023: '01-02 01-03 04-07 05-01 05-08 05-29 08-07 11-30 12-25 12-26',
  },
  'northern-ireland': {
    2018: '01-01 03-19 03-30 04-02 05-07 05-28 07-12 08-27 12-25 12-26',
    2019: '01-01 03-18 04-19 04-22 05-06 05-27 07-12 08-26 12-25 12-26',
    2020: '01-01 03-17 04-10 04-13 05-08 05-25 07-13 08-31 12-25 12-28',
    2021: '01-01 03-17 04-02 04-05 05-03 05-31 07-12 08-30 12-27 12-28',
    2022: '01-03 03-17 04-15 04-18 05-02 06-02 06-03 07-12 08-29 09-19 12-26 12-27',
    2023: '01-02 03-17 04-07 04-10 05-01 05-08 05-29 07-12 08-28 12-25 12-26',
  },
}

/** What the next years bring by the same rules; Scotland's day of June 2026 was proclaimed. */
const AHEAD: typeof PUBLISHED = {
  'england-and-wales': {
    2026: '01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28',
    2027: '01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28',
    2028: '01-03 04-14 04-17 05-01 05-29 08-28 12-25 12-26',
  },
  scotland: {
    2026: '01-01 01-02 04-03 05-04 05-25 06-15 08-03 11-30 12-25 12-28',
    2027: '01-01 01-04 03-26 05-03 05-31 08-02 11-30 12-27 12-28',
    2028: '01-03 01-04 04-14 05-01 05-29 08-07 11-30 12-25 12-26',
  },
  'northern-ireland': {
    2026: '01-01 03-17 04-03 04-06 05-04 05-25 07-13 08-31 12-25 12-28',
    2027: '01-01 03-17 03-26 03-29 05-03 05-31 07-12 08-30 12-27 12-28',
    2028: '01-03 03-17 04-14 04-17 05-01 05-29 07-12 08-28 12-25 12-26',
  },
}

for (const [name, lists] of [
  ['as GOV.UK published them', PUBLISHED],
  ['in the years ahead', AHEAD],
] as const)
  test(`bank holidays ${name}`, () => {
    for (const [division, years] of Object.entries(lists))
      for (const [year, days] of Object.entries(years)) {
        const computed = BANK_HOLIDAYS[division as Division].filter((day) => day.startsWith(year))
        assert.equal(computed.map((day) => day.slice(5)).join(' '), days, `${division} ${year}`)
      }
  })

test('Easter is a Sunday from 22 March to 25 April, as published', () => {
  // Years of the two exceptions of the arithmetic are among them: 1954, 1981, 2049, 2076.
  const known = [
    '1954-04-18',
    '1981-04-19',
    '2000-04-23',
    '2008-03-23',
    '2011-04-24',
    '2024-03-31',
    '2038-04-25',
    '2049-04-18',
    '2076-04-19',
  ]
  for (const day of known) assert.equal(textOf(easterSunday(Number(day.slice(0, 4)))), day)
  for (let year = 1900; year < 2100; year++) {
    const day = easterSunday(year)
    assert.equal(weekdayOf(day), 7)
    assert.ok(textOf(day) >= `${year}-03-22` && textOf(day) <= `${year}-04-25`, textOf(day))
  }
})

test('no bank holiday falls on a weekend, and none stands twice', () => {
  for (const days of Object.values(BANK_HOLIDAYS)) {
    assert.equal(new Set(days).size, days.length)
    for (const day of days) {
      const [year, month, date] = day.split('-').map(Number) as [number, number, number]
      assert.ok(weekdayOf({ year, month, day: date }) <= 5, day)
    }
  }
})
