/** The little of cron that a person would argue about: at which hour of the day something happens. */

/** The fixed time of day of a five- or six-field expression; undefined for "every …" and lists. */
export function cronHour(cron: string): { readonly hour: number; readonly minute: number } | undefined {
  const fields = cron.trim().split(/\s+/)
  if (fields.length < 5 || fields.length > 7) return undefined
  // EventBridge and Unix cron both start with minute and hour.
  const [minute = '', hour = ''] = fields
  if (!/^\d{1,2}$/.test(hour) || !/^\d{1,2}$/.test(minute)) return undefined
  const at = { hour: Number(hour), minute: Number(minute) }
  return at.hour < 24 && at.minute < 60 ? at : undefined
}

/** What a time in UTC is in London, in winter and in summer: "09:00" and "10:00". */
export function localTimes(hour: number, minute: number): { readonly winter: string; readonly summer: string } {
  const clock = (h: number) => `${String(h % 24).padStart(2, '0')}:${String(minute).padStart(2, '0')}`
  return { winter: clock(hour), summer: clock(hour + 1) }
}

/** A cron expression as sets. Absent days: every day. */
export interface Cron {
  /** Minutes since midnight, rising. */
  readonly times: readonly number[]
  /** Whether it holds on a day: month and day of the month from 1, weekday 1 (Monday) to 7. */
  on(month: number, monthDay: number, weekday: number): boolean
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

/**
 * Reads a cron expression. `unix`: five fields, Sunday is 0 or 7; a Jenkins `H` is the quarter hours of its range. `aws`: minute to year
 * as EventBridge writes it, Sunday is 1. `quartz`: the same after a field of seconds. Undefined for what we do not read (L, W, #).
 */
export function readCron(cron: string, style: 'unix' | 'aws' | 'quartz'): Cron | undefined {
  const fields = cron.trim().toUpperCase().split(/\s+/)
  if (style === 'quartz') fields.shift()
  if (fields.length < 5 || fields.length > 6) return undefined
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields
  const minutes = valuesOf(minute === 'H' ? '0-59/15' : minute, 0, 59)
  const hours = valuesOf(hour, 0, 23)
  const days = valuesOf(day, 1, 31)
  const months = valuesOf(named(month, MONTHS, 1), 1, 12)
  const first = style === 'unix' ? 0 : 1
  const weekdays = valuesOf(named(weekday, WEEKDAYS, first), first, 7)
  if (!minutes || !hours || !days || !months || !weekdays) return undefined
  const iso = new Set([...weekdays].map((one) => (style === 'unix' ? one % 7 || 7 : ((one + 5) % 7) + 1)))
  const [anyDay, anyWeekday] = [/^[*?]/.test(day), /^[*?]/.test(weekday)]
  return {
    times: [...hours].flatMap((h) => [...minutes].map((m) => h * 60 + m)).sort((a, b) => a - b),
    on: (m, d, w) => {
      if (!months.has(m)) return false
      // Unix cron runs on either when both are said.
      return anyDay || anyWeekday ? (anyDay || days.has(d)) && (anyWeekday || iso.has(w)) : days.has(d) || iso.has(w)
    },
  }
}

/** Whether some run falls between the last week of March and the end of October. True for what we do not read. */
export function mayRunInSummer(cron: string, aws: boolean): boolean {
  const read = readCron(cron, aws ? 'aws' : 'unix')
  if (!read) return true
  for (let month = 3; month <= 10; month++)
    for (let day = month === 3 ? 25 : 1; day <= 31; day++)
      for (let weekday = 1; weekday <= 7; weekday++) if (read.on(month, day, weekday)) return true
  return false
}

function named(field: string, names: readonly string[], first: number): string {
  return field.replace(/[A-Z]{3}/g, (name) => (names.includes(name) ? String(names.indexOf(name) + first) : name))
}

/** "1-5", "*\/15", "0,30": the values; undefined when it is something else. */
function valuesOf(field: string, low: number, high: number): ReadonlySet<number> | undefined {
  const found = new Set<number>()
  for (const part of field.split(',').slice(0, 100)) {
    const match = /^(?:[*?]|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part)
    if (!match) return undefined
    const [, from, to, step] = match
    const start = from === undefined ? low : Number(from)
    const end = to !== undefined ? Number(to) : from === undefined || step !== undefined ? high : start
    if (start < low || end > high || start > end || step === '0') return undefined
    for (let value = start; value <= end; value += Number(step ?? 1)) found.add(value)
  }
  return found
}
