/**
 * Days of a recurrence (RFC 5545 section 3.3.10), as a question: does this local day belong to it? There is no DTSTART, so
 * whatever needs one (INTERVAL, COUNT, a rule that takes its day from the start) is refused with what to write instead.
 */

export interface Recurrence {
  readonly every: 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY'
  readonly months: readonly number[]
  /** 1 to 31, or -1 to -31 from the end of the month. */
  readonly monthDays: readonly number[]
  /** Weekday 1 (Monday) to 7, with its place in the month or year; 0: every one. */
  readonly weekdays: readonly { readonly day: number; readonly nth: number }[]
  /** Last day it may fall on, as YYYY-MM-DD. */
  readonly until?: string
}

/** A local day. `month` and `day` count from 1. */
export interface Day {
  readonly year: number
  readonly month: number
  readonly day: number
}

const WEEKDAYS: readonly string[] = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU']

/** The recurrence, or what is wrong with it in words. */
export function parseRecurrence(text: string): Recurrence | { readonly problem: string } {
  const parts = new Map(text.split(';').map((part) => part.split('=', 2) as [string, string]))
  const every = parts.get('FREQ') as Recurrence['every']
  for (const key of parts.keys())
    if (!['FREQ', 'BYMONTH', 'BYMONTHDAY', 'BYDAY', 'UNTIL', 'WKST', 'INTERVAL'].includes(key))
      return { problem: `${key} needs a first day to count from; list single days under "dates" instead` }
  if ((parts.get('INTERVAL') ?? '1') !== '1')
    return { problem: 'INTERVAL needs a first day to count from; list single days under "dates" instead' }
  const months = numbersOf(parts.get('BYMONTH'))
  const monthDays = numbersOf(parts.get('BYMONTHDAY'))
  if (months.some((month) => !(month >= 1 && month <= 12))) return { problem: 'BYMONTH counts from 1 to 12' }
  if (monthDays.some((day) => !(Math.abs(day) >= 1 && Math.abs(day) <= 31)))
    return { problem: 'BYMONTHDAY counts from 1 to 31, or from -1 to -31' }
  const weekdays = []
  for (const word of (parts.get('BYDAY') ?? '').split(',').filter(Boolean)) {
    const found = word.match(/^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/)
    if (!found) return { problem: `BYDAY does not know ${word}; days are MO, TU, WE, TH, FR, SA, SU` }
    weekdays.push({ day: WEEKDAYS.indexOf(found[2]!) + 1, nth: Number(found[1] ?? 0) })
  }
  if (weekdays.some((day) => day.nth !== 0) && (every === 'DAILY' || every === 'WEEKLY'))
    return { problem: `"first Monday" has no meaning in FREQ=${every}; use FREQ=MONTHLY` }
  if (every !== 'DAILY' && weekdays.length === 0 && monthDays.length === 0)
    return { problem: `FREQ=${every} names no day. A season is FREQ=DAILY;BYMONTH=…, a weekday FREQ=WEEKLY;BYDAY=…` }
  if (every === 'YEARLY' && months.length === 0) return { problem: 'FREQ=YEARLY needs BYMONTH' }
  const end = parts.get('UNTIL')
  if (end !== undefined && !/^\d{8}$/.test(end))
    return { problem: 'UNTIL is a local day such as 20271231; a time in UTC would be an hour out in summer' }
  return {
    every,
    months,
    monthDays,
    weekdays,
    ...(end ? { until: `${end.slice(0, 4)}-${end.slice(4, 6)}-${end.slice(6)}` } : {}),
  }
}

function numbersOf(text: string | undefined): number[] {
  return (text ?? '').split(',').filter(Boolean).map(Number)
}

/** Whether this local day belongs to the recurrence. */
export function fallsOn(rule: Recurrence, day: Day): boolean {
  if (rule.until !== undefined && textOf(day) > rule.until) return false
  if (rule.months.length > 0 && !rule.months.includes(day.month)) return false
  const length = daysInMonth(day.year, day.month)
  // BYMONTHDAY=31 skips short months (RFC 5545): it does not move to the 30th.
  if (
    rule.monthDays.length > 0 &&
    !rule.monthDays.some((wanted) => (wanted > 0 ? wanted : length + wanted + 1) === day.day)
  )
    return false
  if (rule.weekdays.length === 0) return true
  const weekday = weekdayOf(day)
  return rule.weekdays.some(({ day: wanted, nth }) => {
    if (wanted !== weekday) return false
    if (nth === 0) return true
    const place = nth > 0 ? Math.ceil(day.day / 7) : -Math.ceil((length - day.day + 1) / 7)
    return place === nth
  })
}

/** YYYY-MM-DD. */
export function textOf(day: Day): string {
  return `${String(day.year).padStart(4, '0')}-${String(day.month).padStart(2, '0')}-${String(day.day).padStart(2, '0')}`
}

/** The day that this text names, or undefined when the calendar has no such day (30 February). */
export function dayOf(text: string): Day | undefined {
  const [year, month, day] = text.split('-').map(Number) as [number, number, number]
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return undefined
  return { year, month, day }
}

/** The local day `by` days later. */
export function shifted(day: Day, by: number): Day {
  const moved = new Date(Date.UTC(day.year, day.month - 1, day.day + by))
  return { year: moved.getUTCFullYear(), month: moved.getUTCMonth() + 1, day: moved.getUTCDate() }
}

/** 1 is Monday, 7 is Sunday. */
export function weekdayOf(day: Day): number {
  return ((new Date(Date.UTC(day.year, day.month - 1, day.day)).getUTCDay() + 6) % 7) + 1
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}
