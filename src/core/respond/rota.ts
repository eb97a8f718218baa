/**
 * Who is on duty now. Shifts are wall time in a named zone: a hand-over at 09:30 stays at 09:30 over a clock change, so that week
 * has 167 or 169 hours. A fixed plan for some days (a peak) overrides the shifts.
 */
import { Temporal } from 'temporal-polyfill'
import type { Oncall } from '../define/schema.ts'
import type { Instant } from '../time.ts'

type Rota = Oncall['rotas'][number]

/** The id of the person on duty, or null before the rota's first shift. */
export function onDuty(rota: Rota, at: Instant, zone: string): string | null {
  const now = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)
  const dutyDay = dutyDayOf(now, rota.handover)
  const fixed = rota.fixed.find(({ from, to }) => from <= dutyDay.toString() && dutyDay.toString() <= to)
  if (fixed) return fixed.people[0] ?? null
  const days = Temporal.PlainDate.from(rota.from).until(dutyDay, { largestUnit: 'day' }).days
  if (days < 0) return null
  return rota.people[Math.floor(days / rota.shiftDays) % rota.people.length] ?? null
}

/** The day a shift counts from: before the hand-over it is still yesterday's. */
function dutyDayOf(now: Temporal.ZonedDateTime, handover: string): Temporal.PlainDate {
  const today = now.toPlainDate()
  const time = Temporal.PlainTime.from(handover)
  // Compared as instants: on the night of a clock change the same wall time may come twice or never.
  const change = today.toZonedDateTime({ timeZone: now.timeZoneId, plainTime: time })
  return Temporal.ZonedDateTime.compare(now, change) < 0 ? today.subtract({ days: 1 }) : today
}

/** Address of the person on duty, or null when nobody is, or nobody can be reached. */
export function addressOnDuty(oncall: Oncall, rota: string, at: Instant, zone: string): string | null {
  const known = oncall.rotas.find(({ id }) => id === rota)
  const person = known ? onDuty(known, at, zone) : null
  return oncall.people.find(({ id }) => id === person)?.email ?? null
}
