import * as z from 'zod'
import {
  amount,
  day,
  id,
  isoDuration,
  line,
  listOf,
  positive,
  rrule,
  says,
  wallSpan,
  wallTime,
  whole,
} from './words.ts'

/** Bank holidays differ between the three divisions of the United Kingdom. */
export const DIVISIONS = ['england-and-wales', 'scotland', 'northern-ireland'] as const

/** A time when many citizens come, or when a fault hurts most. Exactly one of rrule, dates, calendar, event and follows says when. */
export const peak = z.strictObject({
  id: says(id, 'The peak.', 'deadline-day'),
  name: says(line, 'What people call it.', 'Last day to apply').optional(),
  rrule: says(
    rrule,
    'RFC 5545 recurrence of days. A season is FREQ=DAILY;BYMONTH=3,4: FREQ=YEARLY;BYMONTH=3,4 is one day in each month.',
    'FREQ=WEEKLY;BYDAY=MO',
    'RFC 5545 section 3.3.10',
  ).optional(),
  dates: says(z.array(day).min(1).max(400), 'Single days.', ['2027-03-31']).optional(),
  calendar: says(id, 'Each day of this calendar (see `calendars`), or "bank-holidays".', 'sitting-days').optional(),
  event: says(line, 'What sets it off, when no date can.', 'severe flood warnings in 3 or more areas').optional(),
  follows: says(line, 'The event after which `days` are counted.', 'renewal letters are posted').optional(),
  days: says(z.tuple([whole, whole]), 'First and last day after what it follows.', [2, 9]).optional(),
  daysBefore: says(whole.max(60).default(0), 'Days before that belong to it.', 14),
  daysAfter: says(whole.max(60).default(0), 'Days after that belong to it.', 5),
  local: says(wallSpan, 'Hours of the day, wall time. Absent: all day.', '08:00-22:00').optional(),
  at: says(wallTime, 'The exact moment that is a commitment: not earlier, not later.', '09:30').optional(),
  from: says(wallTime, 'Wall time on the first of `daysBefore` from which it holds.', '16:00').optional(),
  leadDays: says(whole, 'Days of notice before an event.', 2).optional(),
  times: says(positive.default(1), 'How many times the ordinary demand.', 6),
  freeze: says(
    z.boolean().default(true),
    'Whether releases wait until it is over.',
    true,
    'playbook: a deployment window that avoids peak demand periods',
  ),
  scope: says(z.enum(['service', 'all-tenants', 'tenant']).default('service'), 'Whom the freeze binds.', 'all-tenants'),
  except: says(listOf(line, 10).default([]), 'Releases that may go out all the same.', ['the uprating release itself']),
  say: says(line, 'How the deadline is worded for citizens.', '11:59pm, never midnight').optional(),
  note: says(line, 'What else to know.', 'payments come early').optional(),
})

/** Days that somebody else decides, kept as data with a source and a date of checking. */
export const calendar = z.strictObject({
  id: says(id, 'The calendar.', 'sitting-days'),
  source: says(line, 'Where the days come from.', 'calendar of the UK Parliament'),
  owner: says(line, 'Role that keeps it right.', 'parliamentary branch').optional(),
  divisions: says(z.array(z.enum(DIVISIONS)).max(3).default([]), 'Bank holidays of these divisions are in it.', [
    'england-and-wales',
  ]),
  dates: says(z.array(day).max(4_000).default([]), 'Its days.', ['2027-01-11']),
  file: says(
    z.string().max(300),
    'File in the repository that holds its days, one date a line.',
    'calendars/sitting.csv',
  ).optional(),
  derivedFrom: says(id, 'Calendar it is computed from.', 'sitting-days').optional(),
  derivation: says(line, 'How.', 'days between sittings').optional(),
  verifyEvery: says(isoDuration, 'How often somebody compares it with the source.', 'P30D').optional(),
  verified: says(day, 'When that was last done.', '2026-11-01').optional(),
  fallback: says(line, 'What is used when the source cannot be reached.', 'the file in the repository').optional(),
  mayBeUnknown: says(
    z.boolean().default(false),
    'Whether its days may be unknown. Then nothing may rely on them silently.',
    true,
  ),
})

/** A rule in law or practice that gives a deadline. */
export const deadline = z.strictObject({
  id: says(id, 'The kind of deadline.', 'named-day'),
  says: says(line, 'The rule.', 'at least 3 sitting days of notice'),
  days: says(whole, 'How many days.', 3).optional(),
  counting: says(z.enum(['days', 'working-days', 'sitting-days']), 'Which days count.', 'sitting-days').optional(),
  confirmed: says(z.boolean().default(true), 'False while nobody has confirmed it.', false),
})

/** Something we need and do not run. */
export const dependency = z.strictObject({
  id: says(id, 'The dependency.', 'payments'),
  name: says(line, 'What it is called.', 'Central payments').optional(),
  owner: says(line, 'Who runs it.', 'HM Treasury'),
  kind: says(line, 'How we use it.', 'batch file'),
  journeys: says(listOf(id, 20).default([]), 'Journeys that need it.', ['apply']),
  contact: says(line, 'Whom to call, and how out of hours.', 'duty manager, number in the on-call pack').optional(),
  accountRef: says(line, 'What they ask for when you call.', 'service number 4471').optional(),
  sloPercent: says(z.number().gt(50).max(100), 'Availability they promise, in percent.', 99.5).optional(),
  statusPage: says(line, 'Where they say how they are.', 'status.notifications.service.gov.uk').optional(),
  fallback: says(
    line,
    'What happens without it. Leave out only if there is nothing: then `withoutIt` says what citizens are told.',
    'outbox',
  ).optional(),
  withoutIt: says(line, 'What citizens are told when there is no fallback.', 'phone line').optional(),
  fallbackHours: says(positive, 'How long the fallback lasts, in hours.', 72).optional(),
  cutOff: says(wallTime, 'Wall time after which it is too late for today.', '21:00').optional(),
  resendMinutes: says(positive, 'How long sending again takes, in minutes.', 60).optional(),
  lateAfterMinutes: says(positive, 'Age of its newest data above which it is late, in minutes.', 120).optional(),
  lateAfter: says(wallTime, 'Wall time after which it is late.', '05:30').optional(),
  checkEveryMinutes: says(positive, 'How often we ask it, in minutes.', 15).optional(),
  perTenant: says(z.boolean().default(false), 'Whether each tenant has its own.', true),
  bulkhead: says(z.boolean().default(false), 'Whether one that hangs leaves the others untouched.', true),
  triggerOnly: says(
    z.boolean().default(false),
    'Whether it only sets something off, and no citizen waits for it.',
    true,
  ),
  count: says(whole, 'How many of its kind there are.', 14).optional(),
  contract: says(listOf(line, 10).default([]), 'What every delivery must satisfy.', ['manifest', 'checksum', 'schema']),
})

const dataKind = z.strictObject({
  name: says(line, 'The kind of data.', 'health'),
  personal: says(z.boolean().default(true), 'Whether it is about people.', true),
  special: says(
    z.union([z.boolean(), z.literal('assume-yes')]).default(false),
    'Whether it is special category data. Free text: assume-yes.',
    'assume-yes',
    'UK GDPR article 9',
  ),
  purpose: says(line, 'What it is needed for.', 'to decide the award').optional(),
  retention: says(isoDuration, 'How long it is kept.', 'P90D').optional(),
  retentionFrom: says(line, 'What the time is counted from.', 'transfer to the case system').optional(),
})

/** What is known about people, and what would call for a new data protection impact assessment. */
export const data = z.strictObject({
  kinds: says(z.array(dataKind).max(50).default([]), 'Kinds of data held.', [
    { name: 'bank details', retention: 'P90D' },
  ]),
  classification: says(line, 'Government security classification.', 'OFFICIAL-SENSITIVE').optional(),
  lawfulBasis: says(line, 'Lawful basis of the processing.', 'public task').optional(),
  recipients: says(listOf(line, 30).default([]), 'Who else gets it.', ['the case system of another department']),
  role: says(
    z.enum(['controller', 'processor', 'joint-controller']).default('controller'),
    'What we are in law.',
    'processor',
  ),
  controllers: says(line, 'Who the controllers are, when it is not us.', 'each tenant').optional(),
  hostingRegion: says(line, 'Where it is kept.', 'eu-west-2 (London)').optional(),
  embargo: says(line, 'Until when it may not be seen, and by whom.', 'until publication; named list').optional(),
  isolation: says(
    z.strictObject({
      key: says(z.string().max(60), 'Field that says whose a row is.', 'tenantId'),
      enforcedBy: says(listOf(line, 5).min(1), 'What enforces it.', ['row-level security']),
      testedBy: says(line, 'What proves it.', 'cross-tenant probe'),
    }),
    'How one group’s data is kept from another.',
    { key: 'tenantId', enforcedBy: ['row-level security'], testedBy: 'cross-tenant probe' },
  ).optional(),
  disclosure: says(
    z.strictObject({
      suppressBelow: says(whole, 'Counts below this are not shown.', 5),
      secondary: says(z.boolean(), 'Whether they are also safe from subtraction.', true),
    }),
    'Disclosure control of published figures.',
    { suppressBelow: 5, secondary: true },
  ).optional(),
  automatedDecisions: says(
    z.strictObject({
      solely: says(z.boolean(), 'Whether no person takes part.', true),
      humanReview: says(line, 'How a person looks again.', 'mandatory reconsideration'),
      explanation: says(line, 'How the citizen learns why.', 'rules and facts in the letter'),
    }),
    'Decisions about people made by the service.',
    { solely: true, humanReview: 'mandatory reconsideration', explanation: 'rules and facts in the letter' },
  ).optional(),
  equality: says(
    z.strictObject({
      watchBy: says(listOf(line, 12).min(1), 'Groups compared.', ['age', 'disability', 'sex', 'nation']),
      limitTimesAverage: says(positive.default(2), 'How many times the average a group’s rate may be.', 2),
    }),
    'Groups whose results are compared.',
    { watchBy: ['age', 'disability'] },
  ).optional(),
  foi: says(z.boolean().default(false), 'Whether records are asked for under freedom of information.', true),
  dpia: says(
    z.strictObject({
      last: says(day, 'When it was last done.', '2026-02-01').optional(),
      per: says(line, 'Whether there is one for each of something.', 'tenant').optional(),
      triggers: says(listOf(line, 20).min(1), 'Changes that call for a new one.', [
        'new recipient',
        'new data category',
      ]),
    }),
    'Data protection impact assessment.',
    { last: '2026-02-01', triggers: ['new recipient'] },
  ).optional(),
  breach: says(
    z.strictObject({
      hours: says(positive.default(72), 'Hours to tell the regulator.', 72, 'UK GDPR article 33'),
      starts: says(line.default('awareness'), 'What starts the clock.', 'awareness'),
      dpo: says(line, 'Data protection officer.', 'dpo@example.gov.uk'),
      by: says(line, 'Who tells the regulator.', 'tenant controller').optional(),
      tell: says(listOf(line, 10).default([]), 'Who is told before that.', ['dpo of the tenant']),
      tellWithinHours: says(amount, 'Within how many hours.', 4).optional(),
      tellCitizens: says(line, 'How citizens are told.', 'by letter').optional(),
    }),
    'What happens when personal data is lost, seen or cannot be reached.',
    { dpo: 'dpo@example.gov.uk' },
  ).optional(),
})
