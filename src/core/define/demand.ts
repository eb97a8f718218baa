/** How many attempt the service's journeys at a given hour, as the definition says. */
import { Temporal } from 'temporal-polyfill'
import type { Instant } from '../time.ts'
import { listOf } from '../words.ts'
import { peakSpans } from './calendar.ts'
import type { Journey, Service } from './schema.ts'

export interface Demand {
  /** Attempts a minute over all journeys; 0: no journey says. */
  readonly perMinute: number
  /** "13 sessions a minute, the demand of the definition by day" */
  readonly says: string
}

/** By day is from 07:00 to 23:00 of the service's own time: 16 hours, as attemptsPerDay counts them. */
const DAY = { from: 7, to: 23 }

/**
 * The demand of the hour that `at` falls in: `byHour` where it is known, else the figure by day or by night; within a peak as many times
 * more as the calendar says, at most the journey's own figure for its worst peak. Peaks that a person has to declare are left out.
 */
export function demandAt(
  service: Pick<Service, 'service' | 'journeys' | 'peaks' | 'calendars' | 'deployment'>,
  at: Instant,
): Demand {
  const { hour } = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(service.service.timezone)
  const peaks = peakSpans(service, at, at + 1).spans.filter(({ from, to, times }) => from <= at && to > at && times > 1)
  const times = Math.max(1, ...peaks.map((peak) => peak.times))
  const perMinute = service.journeys.reduce((sum, { demand }) => sum + (demand ? ofHour(demand, hour, times) : 0), 0)
  const when = hour >= DAY.from && hour < DAY.to ? 'by day' : 'by night'
  const peak = peaks.length > 0 ? `, in the peak ${listOf([...new Set(peaks.map(({ name }) => name))])}` : ''
  return { perMinute, says: `${rounded(perMinute)} sessions a minute, the demand of the definition ${when}${peak}` }
}

function ofHour(demand: NonNullable<Journey['demand']>, hour: number, times: number): number {
  const { byHour, normalPerMinute, nightPerMinute, peakPerMinute } = demand
  const isDay = hour >= DAY.from && hour < DAY.to
  const usual = byHour?.[hour] ?? (isDay ? normalPerMinute : nightPerMinute)
  return Math.max(usual, Math.min(peakPerMinute, usual * times))
}

function rounded(perMinute: number): number {
  return Number(perMinute.toPrecision(3))
}
