/**
 * May a release of this service start now, when in the next two weeks, how long would its verdict take and what would a bad one
 * cost? Pure: the definition, what the last deployment measured, and the moment.
 */
import { instantOf, localDayOf, mayDeploy, peakSpans, type Span, wallOf } from '../core/define/calendar.ts'
import { shifted } from '../core/define/recurrence.ts'
import type { Service } from '../core/define/schema.ts'
import type { DeploymentState } from '../core/deploy/deployment.ts'
import { planDeployment } from '../core/deploy/plan.ts'
import { planTrial, type TrialForecast } from '../core/deploy/planner.ts'
import { OpsError } from '../core/errors.ts'
import { HOUR, type Instant } from '../core/time.ts'
import { countOf, plural } from '../core/words.ts'

export interface WindowView {
  readonly id: string
  readonly name: string
  readonly open: boolean
  /** "No: payment run until 23:30. Next window 00:15." */
  readonly answer: string
  readonly days: readonly DayRow[]
  readonly forecast: { readonly from: string; readonly trial: TrialForecast } | { readonly missing: string }
}

export interface DayRow {
  readonly day: string
  /** "all day", "09:00 to 16:00", "closed". */
  readonly open: string
  readonly peaks: readonly string[]
}

const DAYS = 14
const DAY_MS = 24 * HOUR
/** Spans in two weeks; a definition with more is a definition to be looked at. */
const SPANS_MAX = 200

export function viewWindow(service: Service, last: DeploymentState | null, now: Instant): WindowView {
  const answer = mayDeploy(service, now)
  return {
    id: service.service.id,
    name: service.service.name,
    open: answer.open,
    answer: answer.why,
    days: daysOf(service, now),
    forecast: forecastOf(service, last, now),
  }
}

function daysOf(service: Service, now: Instant): DayRow[] {
  const zone = service.service.timezone
  const until = now + DAYS * DAY_MS
  const open = openSpans(service, now, until)
  const peaks = peakSpans(service, now, until).spans
  const name = new Intl.DateTimeFormat('en-GB', { timeZone: zone, weekday: 'long', day: 'numeric', month: 'long' })
  const today = localDayOf(now, zone)
  const starts = [now, ...Array.from({ length: DAYS }, (_, i) => instantOf(shifted(today, i + 1), '00:00', zone))]
  return starts.slice(0, DAYS).map((from, i) => {
    const whole: Span = { from, to: starts[i + 1]! }
    const during = (span: Span) => span.from < whole.to && span.to > whole.from
    return {
      day: name.format(from),
      open: openWords(open.filter(during), whole, zone),
      peaks: peaks.filter(during).map((peak) => {
        const demand = peak.times > 1 ? `, ${countOf(peak.times)} times the ordinary demand` : ''
        return `${peak.name}, ${wordsOf(peak, whole, zone)}${demand}${peak.closes ? '' : '; releases may go on'}`
      }),
    }
  })
}

/** When releases may start, found by asking the same question that the gate asks. */
function openSpans(service: Service, from: Instant, to: Instant): Span[] {
  const spans: Span[] = []
  let at = from
  for (let i = 0; i < SPANS_MAX && at < to; i++) {
    const answer = mayDeploy(service, at)
    if (answer.open) {
      const end = Math.min(answer.until ?? to, to)
      spans.push({ from: at, to: end })
      at = Math.max(end, at + 1)
    } else if (answer.next !== undefined && answer.next > at) at = answer.next
    else break
  }
  return spans
}

function openWords(spans: readonly Span[], day: Span, zone: string): string {
  if (spans.length === 0) return 'closed'
  return spans.map((span) => wordsOf(span, day, zone)).join(' and ')
}

/** "all day", "from 21:00", "until 17:00", "17:00 to 21:00". */
function wordsOf(span: Span, day: Span, zone: string): string {
  const begins = span.from > day.from
  const ends = span.to < day.to
  const time = (at: Instant) => wallOf(at, zone, at)
  if (begins && ends) return `${time(span.from)} to ${time(span.to)}`
  if (begins) return `from ${time(span.from)}`
  return ends ? `until ${time(span.to)}` : 'all day'
}

function forecastOf(service: Service, last: DeploymentState | null, now: Instant): WindowView['forecast'] {
  const traffic = trafficOf(service, last)
  if (!traffic) {
    return { missing: 'How many citizens come in an hour is not known yet. The first deployment measures it.' }
  }
  try {
    const { trial } = planDeployment(service, {
      id: 'forecast',
      release: 'the next release',
      image: 'the next image',
      previous: null,
      now,
      root: '.',
      by: 'forecast',
      reason: 'forecast',
      migrations: [],
      baselines: baselinesOf(last),
    })
    return { from: traffic.from, trial: planTrial(trial, { sessionsPerHour: traffic.perHour, now }) }
  } catch (thrown) {
    if (thrown instanceof OpsError) return { missing: thrown.message }
    throw thrown
  }
}

/** What the last deployment measured, else what the definition says. */
function trafficOf(service: Service, last: DeploymentState | null): { perHour: number; from: string } | null {
  const first = last?.trial?.steps[0]
  const trialAt = last?.measured.trialAt
  if (last && first && trialAt) {
    const sessions = first.canary.units + first.stable.units
    const until = last.measured.decidedAt ?? last.chart.at(-1)?.at ?? trialAt
    if (sessions > 0 && until > trialAt) {
      const release = last.plan.next.release
      return {
        perHour: (sessions / (until - trialAt)) * HOUR,
        from: `${plural(sessions, 'session')} counted while release ${release} was on trial`,
      }
    }
  }
  const said = service.service.volumes.find(({ per }) => per === 'hour' || per === 'day')
  if (!said || said.count <= 0) return null
  const perHour = said.per === 'hour' ? said.count : said.count / 24
  return { perHour, from: `the definition: ${countOf(said.count)} ${said.what} a ${said.per}, spread evenly` }
}

function baselinesOf(last: DeploymentState | null): Record<string, { p0: number; units: number }> {
  if (!last?.trial) return {}
  const { steps, plan } = last.trial
  return Object.fromEntries(
    plan.steps.map(({ journey, step }, i) => [
      `${journey}/${step}`,
      { p0: steps[i]?.p ?? 0.005, units: steps[i]?.pUnits ?? 0 },
    ]),
  )
}
