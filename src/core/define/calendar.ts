/**
 * May a release go out now, and if not, when? Peaks and windows are days and wall times in the service's zone; each is
 * resolved to instants once, with the zone's own clock changes, and the rest is comparing instants.
 *
 *   wall time in a gap (01:30 on the last Sunday of March)       → the same time after the change, 02:30 BST
 *   wall time that comes twice (01:30 on the last Sunday of October) → the first
 */
import { Temporal } from 'temporal-polyfill'
import type { Instant } from '../time.ts'
import { listOf } from '../words.ts'
import { BANK_HOLIDAYS } from './bank-holidays.ts'
import { type Day, dayOf, fallsOn, parseRecurrence, shifted, textOf, weekdayOf } from './recurrence.ts'
import type { Service } from './schema.ts'

/** From (inclusive) to (exclusive). */
export interface Span {
  readonly from: Instant
  readonly to: Instant
}

export interface PeakSpan extends Span {
  readonly peak: string
  readonly name: string
  readonly times: number
  /** Whether releases wait for its end: its own freeze, or named under `deployment.windows.deny`. */
  readonly closes: boolean
}

/** What only the moment knows: peaks of `event` or `follows` that people have declared, and days of calendars from files. */
export interface Known {
  readonly declared?: ReadonlyMap<string, Span>
  readonly calendarDays?: ReadonlyMap<string, readonly string[]>
}

export type Answer =
  | { readonly open: true; readonly why: string; readonly until?: Instant; readonly unknown: readonly string[] }
  | {
      readonly open: false
      readonly why: string
      /** Peaks that close it; empty when it is only outside of the allowed hours. */
      readonly because: readonly string[]
      /** Absent: none within the next 400 days. */
      readonly next?: Instant
      readonly unknown: readonly string[]
    }

type Calendars = Pick<Service, 'service' | 'peaks' | 'calendars' | 'deployment'>

const HORIZON_DAYS = 400

/** The moment of a wall time ("09:30", "24:00") on a local day. */
export function instantOf(day: Day, wall: string, zone: string): Instant {
  const [hour, minute] = wall.split(':').map(Number) as [number, number]
  const at = hour === 24 ? shifted(day, 1) : day
  return Temporal.ZonedDateTime.from(
    { timeZone: zone, year: at.year, month: at.month, day: at.day, hour: hour % 24, minute },
    { disambiguation: 'compatible' },
  ).epochMilliseconds
}

/** The local day of a moment. */
export function localDayOf(at: Instant, zone: string): Day {
  const { year, month, day } = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)
  return { year, month, day }
}

/** Wall time of a moment, for people: "23:30", or "Tue 24 Nov 10:00" when it is another day than `seenFrom`. */
export function wallOf(at: Instant, zone: string, seenFrom?: Instant): string {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)
  const time = `${String(local.hour).padStart(2, '0')}:${String(local.minute).padStart(2, '0')}`
  if (seenFrom !== undefined && textOf(localDayOf(seenFrom, zone)) === textOf(local)) return time
  const date = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
  }).format(at)
  return `${date.replace(',', '')} ${time}`
}

/** Days of a calendar, or undefined when nobody can tell from here. */
export function calendarDays(service: Calendars, id: string, known: Known = {}): readonly string[] | undefined {
  const given = known.calendarDays?.get(id)
  if (given) return given
  const calendar = service.calendars.find((each) => each.id === id)
  const holidays = (calendar?.divisions ?? (id === 'bank-holidays' ? (['england-and-wales'] as const) : [])).flatMap(
    (division) => BANK_HOLIDAYS[division],
  )
  const days = [...new Set([...(calendar?.dates ?? []), ...holidays])].sort()
  return days.length > 0 ? days : undefined
}

/** Every span of the service's peaks that touches the time from `from` to `to`, in order; and peaks nobody can place. */
export function peakSpans(
  service: Calendars,
  from: Instant,
  to: Instant,
  known: Known = {},
): { spans: readonly PeakSpan[]; unknown: readonly string[] } {
  const unknown: string[] = []
  const spans = service.peaks.flatMap((peak): PeakSpan[] => {
    const label = {
      peak: peak.id,
      name: peak.name ?? peak.id.replaceAll('-', ' '),
      times: peak.times,
      closes: peak.freeze || service.deployment.windows.deny.includes(peak.id),
    }
    if (peak.event !== undefined || peak.follows !== undefined) {
      const declared = known.declared?.get(peak.id)
      return declared ? [{ ...label, ...declared }] : []
    }
    const days = matching(service, peak, from, to, peak.daysBefore, peak.daysAfter, known)
    if (!days) {
      unknown.push(peak.id)
      return []
    }
    return days.flatMap((day) =>
      spansOfPeak(peak, day, service.service.timezone).map((span) => ({ ...label, ...span })),
    )
  })
  return { spans: clip(spans, from, to), unknown }
}

type Recurring = {
  readonly rrule?: string | undefined
  readonly dates?: readonly string[] | undefined
  readonly calendar?: string | undefined
}

/** Local days of the recurrence whose span, widened by days before and after, may touch the time. Undefined: cannot tell. */
function matching(
  service: Calendars,
  what: Recurring,
  from: Instant,
  to: Instant,
  before: number,
  after: number,
  known: Known,
): Day[] | undefined {
  const zone = service.service.timezone
  const first = shifted(localDayOf(from, zone), -after - 1)
  const last = textOf(shifted(localDayOf(to, zone), before + 1))
  const listed = what.dates ?? (what.calendar === undefined ? undefined : calendarDays(service, what.calendar, known))
  if (what.calendar !== undefined && (!listed || hasEnded(listed, localDayOf(from, zone)))) return undefined
  if (listed) return listed.filter((text) => text >= textOf(first) && text <= last).flatMap((text) => dayOf(text) ?? [])
  const rule = parseRecurrence(what.rrule ?? '')
  if ('problem' in rule) return undefined
  const days: Day[] = []
  for (let day = first; textOf(day) <= last; day = shifted(day, 1)) if (fallsOn(rule, day)) days.push(day)
  return days
}

/** True when a calendar's last day has passed: what comes after it nobody has written down yet. */
function hasEnded(days: readonly string[], today: Day): boolean {
  return days.every((day) => day < textOf(today))
}

function spansOfPeak(peak: Service['peaks'][number], day: Day, zone: string): Span[] {
  if (peak.local !== undefined && peak.from === undefined) {
    const spans: Span[] = []
    for (let by = -peak.daysBefore; by <= peak.daysAfter; by++) spans.push(spanOf(shifted(day, by), peak.local, zone))
    return spans
  }
  const start = instantOf(shifted(day, -peak.daysBefore), peak.from ?? '00:00', zone)
  const end =
    peak.local === undefined
      ? instantOf(shifted(day, peak.daysAfter), '24:00', zone)
      : spanOf(shifted(day, peak.daysAfter), peak.local, zone).to
  return [{ from: start, to: end }]
}

/** "18:00-23:30" on a day; "22:00-06:00" runs into the next. */
export function spanOf(day: Day, local: string, zone: string): Span {
  const [start, end] = local.split('-') as [string, string]
  const from = instantOf(day, start, zone)
  const to = instantOf(end > start ? day : shifted(day, 1), end, zone)
  return { from, to }
}

function clip<S extends Span>(spans: readonly S[], from: Instant, to: Instant): S[] {
  return spans.filter((span) => span.to > from && span.from < to && span.to > span.from).sort((a, b) => a.from - b.from)
}

/** When releases may go out, ignoring peaks. Undefined: always. */
function allowedSpans(
  service: Calendars,
  from: Instant,
  to: Instant,
  known: Known,
): { spans: Span[]; unknown: string[] } | undefined {
  const { allow } = service.deployment.windows
  if (allow.length === 0) return undefined
  const zone = service.service.timezone
  const unknown: string[] = []
  const spans = allow.flatMap((window): Span[] => {
    const days = matching(service, window, from, to, 0, 1, known)
    if (!days) {
      unknown.push(window.id)
      return []
    }
    return days.map((day) =>
      window.local === undefined
        ? { from: instantOf(day, '00:00', zone), to: instantOf(day, '24:00', zone) }
        : spanOf(day, window.local, zone),
    )
  })
  return { spans: clip(spans, from, to), unknown }
}

/**
 * "Yes, until 12:00." or "No: payment run until 23:30. Next window 00:15." `takesMs` is how long the release needs: a window
 * that closes sooner is no window.
 */
export function mayDeploy(service: Calendars, at: Instant, known: Known = {}, takesMs = 0): Answer {
  const end = at + HORIZON_DAYS * 86_400_000
  // Most answers lie within a week; only a long freeze needs the whole horizon.
  const near = at + 8 * 86_400_000
  const answer = answerWithin(service, at, near, known, takesMs)
  return answer.open || answer.next !== undefined ? answer : answerWithin(service, at, end, known, takesMs)
}

function answerWithin(service: Calendars, at: Instant, end: Instant, known: Known, takesMs: number): Answer {
  const zone = service.service.timezone
  const peaks = peakSpans(service, at, end, known)
  const closing = peaks.spans.filter((span) => span.closes)
  const allowed = allowedSpans(service, at, end, known)
  const unknown = [...peaks.unknown, ...(allowed?.unknown ?? [])]
  const doubt =
    unknown.length > 0
      ? ` Nobody can tell from here about ${listOf(unknown)}: write ${missingDays(service, unknown)}.`
      : ''
  const openAt = (moment: Instant) =>
    moment >= at &&
    moment < end &&
    !closing.some((span) => touches(span, moment, takesMs)) &&
    (!allowed || allowed.spans.some((span) => span.from <= moment && span.to > moment + takesMs))
  if (openAt(at)) {
    const until = nextClose(closing, allowed?.spans, at)
    return {
      open: true,
      why: `Yes${until === undefined ? '' : `, until ${wallOf(until, zone, at)}`}.${doubt}`,
      unknown,
      ...(until === undefined ? {} : { until }),
    }
  }
  const now = closing.filter((span) => touches(span, at, takesMs))
  const candidates = [...closing.map((span) => span.to), ...(allowed?.spans.map((span) => span.from) ?? [])].sort(
    (a, b) => a - b,
  )
  const next = candidates.find(openAt)
  const reason =
    now.length > 0
      ? listOf([...new Set(now.map((span) => reasonOf(span, at, zone)))])
      : 'outside of the hours for releases'
  const then = next === undefined ? ' There is no window in sight.' : ` Next window ${wallOf(next, zone, at)}.`
  return {
    open: false,
    why: `No: ${reason}.${then}${doubt}`,
    because: [...new Set(now.map((span) => span.peak))],
    unknown,
    ...(next === undefined ? {} : { next }),
  }
}

/** What a definition lacks for peaks and windows that nobody can place, or that nobody has placed beyond a day that has passed. */
export function missingDays(service: Calendars, unknown: readonly string[]): string {
  const calendars = [...service.peaks, ...service.deployment.windows.allow]
    .filter(({ id }) => unknown.includes(id))
    .flatMap(({ calendar }) => calendar ?? [])
  if (calendars.length === 0) return `a recurrence that can be read at ${listOf(unknown)} in service.yaml`
  const ids = [...new Set(calendars)]
  const ended = ids.flatMap((id) => {
    const last = service.calendars
      .find((calendar) => calendar.id === id)
      ?.dates?.toSorted()
      .at(-1)
    return last === undefined ? [] : [`${id} ends on ${last}`]
  })
  return `the ${ended.length > 0 ? 'further ' : ''}days as dates, such as 2027-01-11, at ${listOf(ids)} under calendars in service.yaml${ended.length > 0 ? ` (${listOf(ended)})` : ''}`
}

function touches(span: Span, moment: Instant, takesMs: number): boolean {
  return span.from < moment + Math.max(1, takesMs) && span.to > moment
}

function reasonOf(span: PeakSpan, at: Instant, zone: string): string {
  const until = `until ${wallOf(span.to, zone, at)}`
  return span.from > at ? `${span.name} begins at ${wallOf(span.from, zone, at)}` : `${span.name} ${until}`
}

function nextClose(closing: readonly Span[], allowed: readonly Span[] | undefined, at: Instant): Instant | undefined {
  const begins = closing.map((span) => span.from).filter((from) => from > at)
  const ends = allowed?.filter((span) => span.from <= at && span.to > at).map((span) => span.to) ?? []
  const all = [...begins, ...(ends.length > 0 ? [Math.max(...ends)] : [])]
  return all.length > 0 ? Math.min(...all) : undefined
}

/** Whether "every-day", "working-days" or the id of a calendar names this day. Undefined: cannot tell. */
export function daysInclude(service: Calendars, days: string, day: Day, known: Known = {}): boolean | undefined {
  if (days === 'every-day') return true
  if (days === 'working-days') {
    const holidays = calendarDays(service, 'bank-holidays', known) ?? []
    return weekdayOf(day) <= 5 && !holidays.includes(textOf(day))
  }
  return calendarDays(service, days, known)?.includes(textOf(day))
}
