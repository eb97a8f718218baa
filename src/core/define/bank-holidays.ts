/**
 * Bank holidays of the three divisions of the United Kingdom: by rule, and by the list of days that were moved or added by
 * proclamation, because no rule foresees those. Each service therefore compares its calendar with the source (`verifyEvery`).
 *
 * Rules: Banking and Financial Dealings Act 1971, schedule 1, and the yearly proclamations (early May; in England, Wales and Northern
 * Ireland also 1 January). Held against the lists of https://www.gov.uk/bank-holidays of 2018 to 2023 in the test.
 */
import { type Day, dayOf, shifted, textOf, weekdayOf } from './recurrence.ts'

const DIVISIONS = ['england-and-wales', 'scotland', 'northern-ireland'] as const
export type Division = (typeof DIVISIONS)[number]

/** Years that are computed. Beyond the two years that GOV.UK publishes ahead, only proclamations can make them wrong. */
const FIRST_YEAR = 2018
const LAST_YEAR = 2036

const UK: readonly Division[] = DIVISIONS
const NOT_SCOTLAND: readonly Division[] = ['england-and-wales', 'northern-ireland']

/** One-off changes by proclamation, each with its reason. */
const PROCLAIMED: readonly {
  readonly divisions: readonly Division[]
  readonly why: string
  readonly instead?: string
  readonly on: string
}[] = [
  { divisions: UK, why: '75 years since the end of the war in Europe', instead: '2020-05-04', on: '2020-05-08' },
  { divisions: UK, why: 'Platinum Jubilee', instead: '2022-05-30', on: '2022-06-02' },
  { divisions: UK, why: 'Platinum Jubilee', on: '2022-06-03' },
  { divisions: UK, why: 'state funeral of Queen Elizabeth II', on: '2022-09-19' },
  { divisions: UK, why: 'coronation of King Charles III', on: '2023-05-08' },
  { divisions: ['scotland'], why: 'Scotland at the World Cup; proclaimed on 4 February 2026', on: '2026-06-15' },
]

/** Days of each division from 2018 to 2036, in order, as YYYY-MM-DD; substitute days instead of those on a weekend. */
export const BANK_HOLIDAYS: Readonly<Record<Division, readonly string[]>> = {
  get 'england-and-wales'() {
    return known('england-and-wales')
  },
  get scotland() {
    return known('scotland')
  },
  get 'northern-ireland'() {
    return known('northern-ireland')
  },
}

/** Computed when somebody asks: a check at a save, which loads this file, mostly does not. */
const computed = new Map<Division, readonly string[]>()

function known(division: Division): readonly string[] {
  const days = computed.get(division) ?? allOf(division)
  computed.set(division, days)
  return days
}

function allOf(division: Division): readonly string[] {
  const days = new Set<string>()
  for (let year = FIRST_YEAR; year <= LAST_YEAR; year++) for (const day of byRule(division, year)) days.add(day)
  for (const { divisions, instead, on } of PROCLAIMED) {
    if (!divisions.includes(division)) continue
    if (instead) days.delete(instead)
    days.add(on)
  }
  return [...days].sort()
}

/** The holidays of one year by the Act, without what was proclaimed once. */
function byRule(division: Division, year: number): readonly string[] {
  const on = (month: number, day: number): Day => ({ year, month, day })
  const easter = easterSunday(year)
  const elsewhere = NOT_SCOTLAND.includes(division)
  const fixed = [
    on(1, 1),
    ...(division === 'scotland' ? [on(1, 2)] : []),
    ...(division === 'northern-ireland' ? [on(3, 17), on(7, 12)] : []),
    ...(division === 'scotland' ? [on(11, 30)] : []),
    on(12, 25),
    on(12, 26),
  ]
  const moving = [
    shifted(easter, -2),
    ...(elsewhere ? [shifted(easter, 1)] : []),
    firstMonday(on(5, 1)),
    lastMonday(on(5, 31)),
    elsewhere ? lastMonday(on(8, 31)) : firstMonday(on(8, 1)),
  ]
  return [...onWorkingDays(fixed), ...moving].map(textOf)
}

/** A holiday on a Saturday or Sunday is kept on the next weekday that is none already. */
function onWorkingDays(days: readonly Day[]): readonly Day[] {
  const kept = days.filter((day) => weekdayOf(day) <= 5)
  const taken = new Set(kept.map(textOf))
  const substitutes = days
    .filter((day) => weekdayOf(day) > 5)
    .map((day) => {
      let at = day
      while (weekdayOf(at) > 5 || taken.has(textOf(at))) at = shifted(at, 1)
      taken.add(textOf(at))
      return at
    })
  return [...kept, ...substitutes]
}

function firstMonday(from: Day): Day {
  return shifted(from, (8 - weekdayOf(from)) % 7)
}

function lastMonday(until: Day): Day {
  return shifted(until, 1 - weekdayOf(until))
}

/** Easter Sunday of the Gregorian calendar, by the tables of the Calendar (New Style) Act 1750 in Gauss's arithmetic, valid for 1900 to 2099. */
export function easterSunday(year: number): Day {
  const a = year % 19
  const d = (19 * a + 24) % 30
  const e = (2 * (year % 4) + 4 * (year % 7) + 6 * d + 5) % 7
  // Two cases in which the tables put the full moon a day earlier.
  const early = (d === 29 && e === 6) || (d === 28 && e === 6 && a > 10) ? 7 : 0
  return shifted(dayOf(`${year}-03-22`)!, d + e - early)
}
