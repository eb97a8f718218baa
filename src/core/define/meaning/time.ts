/** Peaks, calendars, schedules and windows: real dates, in wall time, that really happen. */

import { mayDeploy } from '../calendar.ts'
import { dayOf, fallsOn, parseRecurrence, shifted } from '../recurrence.ts'
import type { Service } from '../schema.ts'
import { type Fault, nameOf } from '../structure.ts'
import type { Path } from '../yaml.ts'

type Part = Partial<Service>

export function zone(service: Part): Fault[] {
  const name = service.service?.timezone
  if (name === undefined) return []
  const path = ['service', 'timezone']
  if (/^(Etc\/|UTC|GMT|Z$|[+-]\d)/i.test(name))
    return [
      {
        rule: 'peak-in-utc',
        path,
        says: `The time zone is ${name}. Citizens live by the clocks of their country, which change twice a year.`,
        fix: 'Write timezone: Europe/London',
      },
    ]
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name })
    return []
  } catch {
    return [
      {
        rule: 'unknown-timezone',
        path,
        says: `There is no time zone "${name}".`,
        fix: 'Write timezone: Europe/London',
      },
    ]
  }
}

export function peakTimes(service: Part): Fault[] {
  const faults: Fault[] = []
  service.peaks?.forEach((peak, i) => {
    const path = ['peaks', i]
    const given = (['rrule', 'dates', 'calendar', 'event', 'follows'] as const).filter((key) => peak[key] !== undefined)
    if (given.length !== 1)
      faults.push({
        rule: 'peak-without-time',
        path,
        says:
          given.length === 0
            ? `"${peak.id}" does not say when it is.`
            : `"${peak.id}" says when it is in ${given.length} ways: ${given.join(', ')}.`,
        fix: 'Give exactly one of rrule, dates, calendar, event or follows.',
      })
    if (peak.rrule !== undefined) faults.push(...recurrence([...path, 'rrule'], peak.rrule))
  })
  service.deployment?.windows.allow.forEach((window, i) => {
    const path = ['deployment', 'windows', 'allow', i]
    if ((window.rrule === undefined) === (window.calendar === undefined))
      faults.push({
        rule: 'peak-without-time',
        path,
        says: `The window "${window.id}" must say its days, in one way.`,
        fix: 'Give either rrule or calendar.',
      })
    if (window.rrule !== undefined) faults.push(...recurrence([...path, 'rrule'], window.rrule))
  })
  return faults
}

function recurrence(path: Path, text: string): Fault[] {
  const rule = parseRecurrence(text)
  if ('problem' in rule)
    return [
      {
        rule: 'peak-never-happens',
        path,
        says: `${text}: ${rule.problem}.`,
        fix: 'For example rrule: "FREQ=WEEKLY;BYDAY=MO,TU"',
      },
    ]
  // Eight years hold every combination of leap day and weekday that a service will meet.
  let day = { year: 2026, month: 1, day: 1 }
  for (let i = 0; i < 8 * 366; i++, day = shifted(day, 1)) if (fallsOn(rule, day)) return []
  return [
    {
      rule: 'peak-never-happens',
      path,
      says: `${text} falls on no day at all.`,
      fix: 'Look at BYMONTH and BYMONTHDAY: not every month has a 31st, and none a 32nd.',
    },
  ]
}

/** Every text of the definition that has the form of a date. */
export function impossibleDates(service: Part): Fault[] {
  const faults: Fault[] = []
  const see = (value: unknown, path: Path): void => {
    if (typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) && !dayOf(value))
      faults.push({
        rule: 'impossible-date',
        path,
        says: `${nameOf(path)} is ${value}, and there is no such day.`,
        fix: 'Look it up in the calendar it came from.',
      })
    else if (Array.isArray(value)) value.forEach((item, i) => void see(item, [...path, i]))
    else if (value !== null && typeof value === 'object')
      for (const [key, inner] of Object.entries(value)) see(inner, [...path, key])
  }
  see(service, [])
  service.oncall?.rotas.forEach((rota, i) => {
    rota.fixed.forEach((plan, j) => {
      if (plan.to < plan.from)
        faults.push({
          rule: 'impossible-date',
          path: ['oncall', 'rotas', i, 'fixed', j, 'to'],
          says: `The plan ends on ${plan.to}, before it begins on ${plan.from}.`,
          fix: 'Exchange the two dates.',
        })
    })
  })
  return faults
}

/** Clocks change at 01:00 UTC: 01:00 to 02:00 wall time is missing in March and comes twice in October. */
export function clockChange(service: Part): Fault[] {
  if (service.service?.timezone !== 'Europe/London') return []
  const risky = (local: string) => local.startsWith('01:')
  const fault = (path: Path, local: string, what: string): Fault => ({
    rule: 'clock-change-hour',
    path,
    says: `${what} at ${local}: that time does not exist on the last Sunday of March, and comes twice on the last Sunday of October.`,
    fix: 'Move it before 01:00 or to 02:00 or later.',
  })
  const runs = (service.runtime?.components ?? []).flatMap((component, i) =>
    (component.schedule?.local ?? []).flatMap((local, j) =>
      risky(local)
        ? [fault(['runtime', 'components', i, 'schedule', 'local', j], local, `"${component.id}" runs`)]
        : [],
    ),
  )
  const handovers = (service.oncall?.rotas ?? []).flatMap((rota, i) =>
    risky(rota.handover)
      ? [fault(['oncall', 'rotas', i, 'handover'], rota.handover, `The rota "${rota.id}" is handed over`)]
      : [],
  )
  return [...runs, ...handovers]
}

export function schedules(service: Part): Fault[] {
  return (service.runtime?.components ?? []).flatMap((component, i): Fault[] => {
    const schedule = component.schedule
    if (!schedule?.doneBy) return []
    const last = schedule.local.at(-1)!
    const minutes = minutesOf(schedule.doneBy) - minutesOf(last)
    const needs = schedule.typicalMinutes ?? schedule.minutesMax ?? 0
    if (minutes >= needs && minutes > 0) return []
    return [
      {
        rule: 'schedule-ends-before-it-starts',
        path: ['runtime', 'components', i, 'schedule', 'doneBy'],
        says: `"${component.id}" starts at ${last}, needs ${needs} minutes and must be done by ${schedule.doneBy}.`,
        fix: 'Start it earlier, or promise a later time.',
        arithmetic: `${schedule.doneBy} − ${last} = ${minutes} min, ${needs} needed`,
      },
    ]
  })
}

function minutesOf(wall: string): number {
  return Number(wall.slice(0, 2)) * 60 + Number(wall.slice(3))
}

/** 2027-01-04, a Monday: the year ahead of a new definition. Any fixed day does, because the question is about a whole year. */
const ANY_DAY = Date.UTC(2027, 0, 4)

export function neverOpen(service: Part): Fault[] {
  const { service: identity, peaks, calendars, deployment } = service
  if (!identity || !peaks || !calendars || !deployment) return []
  // Faults of the parts are told by their own rules; here only a sound calendar is asked.
  if ([zone, peakTimes].some((rule) => rule(service).length > 0)) return []
  const answer = mayDeploy({ service: identity, peaks, calendars, deployment }, ANY_DAY)
  if (answer.open || answer.next !== undefined || answer.unknown.length > 0) return []
  return [
    {
      rule: 'window-never-open',
      path: ['deployment', 'windows'],
      says: 'In a whole year there is no moment at which a release may go out.',
      fix: 'Widen "allow", or let a peak without harm have freeze: false.',
    },
  ]
}

export function uncheckedCalendars(service: Part): Fault[] {
  return (service.calendars ?? []).flatMap((calendar, i): Fault[] => {
    if (calendar.derivedFrom !== undefined || calendar.mayBeUnknown) return []
    if (calendar.verifyEvery !== undefined) return []
    return [
      {
        rule: 'calendar-unchecked',
        path: ['calendars', i],
        says: `Nobody compares "${calendar.id}" with its source (${calendar.source}).`,
        fix: 'Add verifyEvery: "P30D" and an owner.',
      },
    ]
  })
}
