import * as z from 'zod'
import { amount, day, id, language, line, listOf, positive, says, severity, wallSpan, wallTime } from './words.ts'

/** How people can be told. */
export const CHANNELS = [
  'banner',
  'unavailable-page',
  'status-page',
  'helpline',
  'email',
  'phone',
  'sms',
  'letter',
  'briefing',
  'notice',
] as const

/** Named sets of response and update times; see core/respond for their figures. */
export const SEVERITY_PRESETS = ['gds-way', 'govuk-pay', 'moj-forms'] as const

const person = z.strictObject({
  id: says(id, 'The person, as rotas name them.', 'asha'),
  name: says(line, 'Name or initials shown on the rota.', 'Asha P'),
  email: says(line, 'Address for pages.', 'asha@example.gov.uk').optional(),
  roles: says(listOf(line, 10).default([]), 'Roles they hold.', ['responder', 'approver']),
})

const rota = z.strictObject({
  id: says(id, 'The rota.', 'primary'),
  from: says(day, 'First day of the first shift.', '2026-11-23'),
  handover: says(
    wallTime.default('09:30'),
    'Wall time of the hand-over.',
    '09:30',
    'GOV.UK: hand-over in office hours',
  ),
  shiftDays: says(z.number().int().min(1).max(28).default(7), 'Length of a shift, in days.', 7),
  people: says(listOf(id, 50).min(1), 'People in the order of their shifts.', ['asha', 'ben']),
  fixed: says(
    listOf(
      z.strictObject({
        from: says(day, 'First day.', '2026-12-24'),
        to: says(day, 'Last day.', '2026-12-28'),
        people: says(listOf(id, 10).min(1), 'Who is on duty instead, in order.', ['ben']),
      }),
      50,
    ).default([]),
    'A fixed plan for some days, e.g. a peak. It overrides the shifts.',
    [{ from: '2026-12-24', to: '2026-12-28', people: ['ben'] }],
  ),
})

const rung = z.strictObject({
  role: says(line, 'Role that is woken. Never a person: people leave.', 'primary on call'),
  rota: says(id, 'Rota that says who that is now.', 'primary').optional(),
  route: says(z.enum(['email', 'webhook']), 'How.', 'webhook'),
  to: says(
    line,
    'Address, or the webhook’s name in the settings. Absent: the address of the person on the rota.',
    'pager',
  ).optional(),
  afterMinutes: says(amount, 'Minutes after the page began. The first rung is 0.', 0),
})

export const oncall = z.strictObject({
  cover: says(
    z.union([
      z.literal('always'),
      z
        .array(
          z.strictObject({
            days: says(line, '"every-day", "working-days" or the id of a calendar.', 'sitting-days'),
            local: says(wallSpan, 'Hours somebody can be woken.', '06:00-20:00'),
          }),
        )
        .min(1)
        .max(20),
    ]),
    'When somebody is on call: "always", or the hours.',
    'always',
  ),
  outOfHours: says(line, 'What happens outside of it.', 'the shutter page, and best endeavours').optional(),
  acknowledgeMinutes: says(positive.default(5), 'Minutes to acknowledge before the next rung.', 5),
  people: says(listOf(person, 100).default([]), 'People on the rotas.', [{ id: 'asha', name: 'Asha P' }]),
  rotas: says(listOf(rota, 20).default([]), 'Who is on duty when.', [
    { id: 'primary', from: '2026-11-23', people: ['asha', 'ben'] },
  ]),
  ladder: says(listOf(rung, 20).min(1), 'Who is woken, in order, until somebody answers.', [
    { role: 'primary on call', route: 'webhook', to: 'pager', afterMinutes: 0 },
    { role: 'senior manager', route: 'email', to: 'duty@example.gov.uk', afterMinutes: 10 },
  ]),
  drillEveryDays: says(
    positive.default(7),
    'How often the pager itself is tested, in days.',
    7,
    'GOV.UK: weekly drill where each level escalates on',
  ),
  extra: says(
    listOf(
      z.strictObject({
        peak: says(id, 'During this peak', 'uprating'),
        role: says(line, 'this role is on call too.', 'policy lead'),
      }),
      20,
    ).default([]),
    'Roles on call at certain times.',
    [{ peak: 'uprating', role: 'policy lead' }],
  ),
  twoPersons: says(listOf(line, 10).default([]), 'What two people must do together.', ['rule-set changes']),
})

const audience = z.strictObject({
  id: says(id, 'The audience.', 'contact-centre'),
  name: says(line, 'What it is called.', 'Contact centre').optional(),
  channels: says(listOf(z.enum(CHANNELS), 10).min(1), 'How it is reached.', ['email', 'phone']),
  withinMinutes: says(positive, 'Told within how many minutes.', 10).optional(),
  languages: says(listOf(language, 10).default(['en']), 'Languages of its messages.', ['en', 'cy']),
  when: says(line, 'When it is told. Absent: always.', 'P1 over 60 minutes, or payment at risk').optional(),
  why: says(line, 'Why it matters.', 'they get the calls first').optional(),
  speaks: says(line, 'Who may send it.', 'head of the parliamentary branch').optional(),
  failureModes: says(listOf(id, 10).default([]), 'Only for these failure modes.', ['accepted-never-processed']),
})

export const comms = z.strictObject({
  contact: says(
    z.strictObject({
      phone: says(line, 'Number citizens call. Quoted, or its leading 0 is lost.', '0800 731 0160'),
      hours: says(line, 'When somebody answers.', 'Monday to Friday, 8am to 6pm'),
      textphone: says(line, 'Textphone or relay number.', '0800 731 0464').optional(),
      email: says(line, 'Address.', 'help@example.gov.uk').optional(),
      post: says(line, 'Postal address.', 'Freepost WINTER SUPPORT').optional(),
    }),
    'How citizens get help when the service fails. The same on every page.',
    { phone: '0800 731 0160', hours: 'Monday to Friday, 8am to 6pm' },
    'WCAG 2.2 success criterion 3.2.6, consistent help',
  ),
  firstPublicMinutes: says(
    positive.default(15),
    'First public words within how many minutes of a P1.',
    15,
    'our own promise',
  ),
  updateEveryMinutes: says(
    z.partialRecord(severity, positive).default({ P1: 60, P2: 120 }),
    'Then an update every so many minutes, by severity.',
    { P1: 60, P2: 120 },
    'GDS Way: P1 hourly, P2 two-hourly',
  ),
  mustSay: says(listOf(line, 12).default([]), 'What every message must answer.', [
    'whether your payment is affected',
    'what happened to answers already given',
  ]),
  savedAnswers: says(
    line,
    'What happens to half-done answers.',
    'We have kept the answers you have already given for 30 days.',
  ).optional(),
  unavailable: says(
    listOf(
      z.strictObject({
        language: says(language, 'The language.', 'cy'),
        heading: says(line, '“Sorry, the service is unavailable” in it.', 'the words of a translator'),
        says: says(line, 'Whom to call, in it; the number follows.', 'the words of a translator'),
      }),
      10,
    ).default([]),
    'The service-unavailable page in languages other than English, as a translator gave the words. Holdfast translates nothing.',
    [{ language: 'cy', heading: 'the words of a translator', says: 'the words of a translator' }],
  ),
  deadlineMoves: says(
    line,
    'Whether a deadline moves, and who may promise it.',
    'only the service owner may promise a later date',
  ).optional(),
  audiences: says(listOf(audience, 30).min(1), 'Who is told, in this order.', [
    { id: 'citizens', channels: ['banner', 'unavailable-page'] },
  ]),
  speakers: says(
    listOf(
      z.strictObject({ topic: says(line, 'On what.', 'policy'), who: says(line, 'who speaks.', 'tenant department') }),
      10,
    ).default([]),
    'Who speaks on what.',
    [{ topic: 'fault', who: 'platform' }],
  ),
  affectedList: says(
    z.strictObject({
      from: says(line, 'How the list of people is computed.', 'unmatched receipts'),
      check: says(line.default('count before sending'), 'How it is checked.', 'count before sending'),
      sendBy: says(z.number().int().min(1).max(2).default(2), 'How many people send it together.', 2),
    }),
    'Messages to a computed list of people.',
    { from: 'unmatched receipts', sendBy: 2 },
  ).optional(),
  correction: says(
    z.strictObject({
      where: says(line, 'Where a correction stands.', 'on the tile'),
      keep: says(line, 'How long.', 'for ever'),
    }),
    'Correction notices.',
    { where: 'on the tile', keep: 'for ever' },
  ).optional(),
  templates: says(listOf(line, 20).default([]), 'Further templates that are prepared.', ['minister note']),
  scheduled: says(
    listOf(
      z.strictObject({
        id: says(id, 'The message.', 'deadline-passed'),
        falseWhen: says(line, 'When it becomes false.', 'the deadline is moved'),
      }),
      20,
    ).default([]),
    'Scheduled messages that an incident can make false.',
    [{ id: 'deadline-passed', falseWhen: 'the deadline is moved' }],
  ),
})

export const respond = z.strictObject({
  preset: says(z.enum(SEVERITY_PRESETS).default('gds-way'), 'Named set of response and update times.', 'gds-way'),
  reviewWorkingDays: says(
    positive.default(5),
    'Within how many working days the review meets.',
    5,
    'PagerDuty incident response guide',
  ),
})
