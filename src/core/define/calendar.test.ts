import assert from 'node:assert/strict'
import test from 'node:test'
import { calendarDays, daysInclude, instantOf, mayDeploy, peakSpans, wallOf } from './calendar.ts'
import { loadService } from './load.ts'
import { dayOf, fallsOn, parseRecurrence } from './recurrence.ts'
import type { Service } from './schema.ts'

const LONDON = 'Europe/London'
const utc = (text: string) => Date.parse(text)

test('a wall time keeps its hour over clock changes, skips the gap and takes the first of two', () => {
  const cases: readonly [string, string, string, string][] = [
    // day, wall time, zone, instant
    ['2026-10-19', '09:30', LONDON, '2026-10-19T08:30:00Z'],
    ['2026-10-26', '09:30', LONDON, '2026-10-26T09:30:00Z'],
    ['2027-03-22', '09:30', LONDON, '2027-03-22T09:30:00Z'],
    ['2027-03-29', '09:30', LONDON, '2027-03-29T08:30:00Z'],
    ['2026-10-25', '01:30', LONDON, '2026-10-25T00:30:00Z'],
    ['2027-03-28', '01:30', LONDON, '2027-03-28T01:30:00Z'],
    ['2027-03-28', '01:00', LONDON, '2027-03-28T01:00:00Z'],
    ['2027-03-28', '02:00', LONDON, '2027-03-28T01:00:00Z'],
    ['2027-03-31', '24:00', LONDON, '2027-03-31T23:00:00Z'],
    ['2026-04-24', '00:00', 'Africa/Cairo', '2026-04-23T22:00:00Z'],
    ['2026-09-06', '00:00', 'America/Santiago', '2026-09-06T04:00:00Z'],
    ['2026-10-04', '02:15', 'Australia/Lord_Howe', '2026-10-03T15:45:00Z'],
    ['2027-03-14', '02:30', 'America/New_York', '2027-03-14T07:30:00Z'],
  ]
  for (const [day, wall, zone, at] of cases)
    assert.equal(
      new Date(instantOf(dayOf(day)!, wall, zone)).toISOString(),
      new Date(at).toISOString(),
      `${day} ${wall} ${zone}`,
    )
})

test('recurrences fall on the days that RFC 5545 gives them', () => {
  const cases: readonly [string, readonly string[], readonly string[]][] = [
    ['FREQ=WEEKLY;BYDAY=MO', ['2026-11-23'], ['2026-11-24']],
    ['FREQ=DAILY;BYMONTH=3,4', ['2027-03-01', '2027-04-30'], ['2027-05-01']],
    // First Monday on or after 6 April.
    [
      'FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=6,7,8,9,10,11,12;BYDAY=MO',
      ['2027-04-12', '2028-04-10', '2026-04-06'],
      ['2027-04-05', '2027-04-06'],
    ],
    ['FREQ=MONTHLY;BYMONTHDAY=31', ['2027-01-31'], ['2027-02-28', '2027-04-30']],
    ['FREQ=MONTHLY;BYMONTHDAY=-1', ['2027-02-28', '2028-02-29'], ['2028-02-28']],
    ['FREQ=MONTHLY;BYDAY=1MO', ['2027-01-04'], ['2027-01-11']],
    ['FREQ=MONTHLY;BYDAY=-1SU', ['2027-03-28', '2026-10-25'], ['2027-03-21']],
    ['FREQ=DAILY;UNTIL=20261124', ['2026-11-24'], ['2026-11-25']],
  ]
  for (const [text, on, off] of cases) {
    const rule = parseRecurrence(text)
    assert.ok(!('problem' in rule), text)
    for (const day of on) assert.equal(fallsOn(rule, dayOf(day)!), true, `${text} on ${day}`)
    for (const day of off) assert.equal(fallsOn(rule, dayOf(day)!), false, `${text} not on ${day}`)
  }
  for (const text of [
    'FREQ=YEARLY;BYMONTH=3',
    'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO',
    'FREQ=DAILY;COUNT=3',
    'FREQ=WEEKLY;BYDAY=1MO',
    'FREQ=WEEKLY;BYDAY=XX',
    'FREQ=DAILY;UNTIL=20261124T000000Z',
  ])
    assert.ok('problem' in parseRecurrence(text), text)
})

test('bank holidays differ between the divisions, and substitute days count', () => {
  const service = withCalendar('  allow: []')
  const days = (division: string) =>
    calendarDays(
      { ...service, calendars: [{ ...service.calendars[0]!, divisions: [division as 'scotland'] }] },
      'bank-holidays',
    )!
  assert.ok(days('england-and-wales').includes('2026-12-28'), 'Saturday 26 December 2026 moves to Monday 28')
  assert.ok(!days('england-and-wales').includes('2026-11-30'))
  assert.ok(days('scotland').includes('2026-11-30'))
  assert.ok(!days('scotland').includes('2027-03-29'), 'Easter Monday is none in Scotland')
  assert.ok(days('northern-ireland').includes('2027-03-17'))
  assert.equal(daysInclude(service, 'working-days', dayOf('2026-12-28')!), false)
  assert.equal(daysInclude(service, 'working-days', dayOf('2026-12-29')!), true)
})

/** A definition with these windows and peaks; the rest is the smallest that is right. */
function withCalendar(windows: string, peaks = ''): Service {
  const text = `service: { id: s, name: S, phase: live }
journeys: [{ id: j, name: J, harmIfFails: harm, harmClass: delay, tolerance: { recoverMinutes: 15 } }]
deployment:
  windows:
  ${windows}
runtime: { kind: ecs, components: [{ id: web, kind: web, replicas: 2 }] }
oncall:
  cover: always
  ladder: [{ role: a, route: email, to: a@example.gov.uk, afterMinutes: 0 }, { role: b, route: email, to: b@example.gov.uk, afterMinutes: 5 }]
comms: { contact: { phone: "0808 157 0100", hours: always }, audiences: [{ id: citizens, channels: [banner] }] }
calendars: [{ id: bank-holidays, source: gov.uk, divisions: [england-and-wales], verifyEvery: P90D }]
peaks:
${peaks}
`
  const { service, findings } = loadService(text.replace('peaks:\n\n', ''), 'service.yaml')
  assert.ok(service, JSON.stringify(findings.map((finding) => finding.says)))
  return service
}

const PAYMENT_RUN =
  '  - { id: payment-run, name: payment run, rrule: "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", local: "18:00-23:30" }'

test('the answer is one sentence with the next window', () => {
  const service = withCalendar('  allow: []', PAYMENT_RUN)
  const closed = mayDeploy(service, utc('2026-11-23T20:00:00Z'))
  assert.equal(closed.why, 'No: payment run until 23:30. Next window 23:30.')
  assert.equal(closed.open, false)
  const open = mayDeploy(service, utc('2026-11-23T12:00:00Z'))
  assert.equal(open.why, 'Yes, until 18:00.')
  // A release that needs an hour does not begin at 17:30.
  assert.equal(
    mayDeploy(service, utc('2026-11-23T17:30:00Z'), {}, 3_600_000).why,
    'No: payment run begins at 18:00. Next window 23:30.',
  )
  // In summer the same wall time is an hour earlier in UTC.
  assert.equal(mayDeploy(service, utc('2027-06-21T17:15:00Z')).open, false)
})

test('windows, freezes around holidays and days before are all wall time', () => {
  const service = withCalendar(
    '  allow: [{ id: mornings, rrule: "FREQ=WEEKLY;BYDAY=TU,WE,TH", local: "10:00-16:00" }]',
    '  - { id: early-payments, name: early payments, calendar: bank-holidays, daysBefore: 3 }',
  )
  assert.equal(mayDeploy(service, utc('2026-11-24T11:00:00Z')).why, 'Yes, until 16:00.')
  assert.equal(
    mayDeploy(service, utc('2026-11-24T17:00:00Z')).why,
    'No: outside of the hours for releases. Next window Wed 25 Nov 10:00.',
  )
  // 25 December is a bank holiday: 22, 23 and 24 belong to it, so do the three before 28, and those before 1 January.
  const before = mayDeploy(service, utc('2026-12-22T11:00:00Z'))
  assert.equal(before.open, false)
  assert.ok(!before.open && before.next !== undefined)
  assert.equal(wallOf(before.next, LONDON), 'Tue 5 Jan 10:00')
})

test('an event closes the window only while somebody has declared it', () => {
  const service = withCalendar('  allow: []', '  - { id: flood, name: flooding, event: severe warnings in 3 areas }')
  const at = utc('2026-11-23T12:00:00Z')
  assert.equal(mayDeploy(service, at).why, 'Yes.')
  const declared = new Map([['flood', { from: at - 1_000, to: at + 7_200_000 }]])
  assert.equal(mayDeploy(service, at, { declared }).why, 'No: flooding until 14:00. Next window 14:00.')
})

test('what nobody can tell is said, and a known calendar from a file is used', () => {
  const service = withCalendar(
    '  allow: []',
    '  - { id: sitting, name: sitting morning, calendar: sittings, local: "06:00-10:30" }'.replace(
      'calendar: sittings',
      'calendar: bank-holidays',
    ),
  )
  const bare: Service = { ...service, calendars: [{ ...service.calendars[0]!, divisions: [] }] }
  const at = utc('2026-11-23T08:00:00Z')
  assert.match(
    mayDeploy(bare, at).why,
    /Nobody can tell from here about sitting: write the days .* at bank-holidays under calendars/,
  )
  const calendarDays = new Map([['bank-holidays', ['2026-11-23']]])
  assert.equal(mayDeploy(bare, at, { calendarDays }).why, 'No: sitting morning until 10:30. Next window 10:30.')
  const ended = { calendarDays: new Map([['bank-holidays', ['2026-11-16', '2026-11-09']]]) }
  assert.match(mayDeploy(bare, at, ended).why, /Nobody can tell from here about sitting/, 'its last day has passed')
  const written = { ...bare, calendars: [{ ...bare.calendars[0]!, dates: ['2026-11-16', '2026-11-09'] }] }
  const { why } = mayDeploy(written, at)
  assert.match(
    why,
    /write the further days .*bank-holidays ends on 2026-11-16/,
    'which calendar somebody has to carry on',
  )
  assert.doesNotMatch(why, /["\\]/, 'scripts of the kit cut the sentence out of JSON')
})

test('a span over midnight on the night of a clock change has its real length', () => {
  const service = withCalendar(
    '  allow: []',
    '  - { id: night, name: night, rrule: "FREQ=DAILY", local: "22:00-06:00" }',
  )
  const lengthFrom = (from: string) => {
    const { spans } = peakSpans(service, utc(from), utc(from) + 60_000)
    return (spans[0]!.to - spans[0]!.from) / 3_600_000
  }
  assert.equal(lengthFrom('2026-10-24T21:30:00Z'), 9)
  assert.equal(lengthFrom('2027-03-27T22:30:00Z'), 7)
})
