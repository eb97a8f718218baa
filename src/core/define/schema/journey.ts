import * as z from 'zod'
import { amount, id, line, listOf, positive, repoPath, route, says, severity, wallTime, whole } from './words.ts'

/** What failing does to people. In order of harm, worst first. */
export const HARM_CLASSES = ['safety', 'money-stops', 'rights-lost', 'delay', 'confusion'] as const

const step = z.strictObject({
  id: says(id, 'The step, as metrics and evidence name it.', 'submit'),
  name: says(line, 'What the citizen does here, in their words.', 'Submit the application'),
  method: says(z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'), 'HTTP method.', 'POST'),
  route: says(
    route,
    'Path without query. `:name` matches one segment, a trailing `*` the rest.',
    '/apply/submit',
  ).optional(),
  okStatus: says(
    z.array(z.number().int().min(100).max(599)).min(1).max(20).default([200, 201, 204, 302, 303, 304, 422]),
    'Statuses that are an answer to the citizen. Their own mistake (422) is one; a 500 is not.',
    [303, 422],
  ),
  marker: says(
    line,
    'Text that a good page contains. Catches the error page that comes with status 200. Redirects are not searched.',
    'Application received',
  ).optional(),
  limitMs: says(
    z.number().int().min(1).max(600_000).default(8_000),
    'When citizens give up waiting, in ms, 1 to 600,000. Not the server time-out: two or three times too generous can move the page past the first complaint.',
    3_000,
    '8 s is the largest first answer people wait for without a progress sign',
  ),
  p95Ms: says(positive, 'What is aimed at: 95 of 100 answers faster than this, in ms.', 800).optional(),
  idempotencyKey: says(line, 'Field that makes a repeated send harmless.', 'submissionId').optional(),
  sessionMinutes: says(positive, 'How long a half-done answer is kept, in minutes.', 60).optional(),
  optional: says(z.boolean().default(false), 'Whether citizens may skip the step.', false),
  form: says(
    z.record(z.string().min(1).max(100), z.string().max(500)),
    'What a synthetic citizen types here. Invented, valid, and recognisable as a test in your records; never a real person.',
    { fullName: 'Test Holdfast' },
  ).optional(),
  asserts: says(listOf(line, 20).default([]), 'What must be true when the step is done.', ['reference number visible']),
})

const tolerance = z.strictObject({
  recoverMinutes: says(
    positive,
    'Recovery time objective: within how many minutes the journey must work again.',
    15,
    'playbook: recovery time objectives align with citizen tolerance for outage',
  ),
  harmAfterMinutes: says(positive, 'Minutes of outage after which the first citizen is really harmed.', 60).optional(),
  wrongMinutes: says(amount, 'Minutes for which a wrong answer is tolerable. 0: never.', 0).optional(),
  dataLossMinutes: says(amount.default(0), 'Minutes of citizens’ input that may be lost. 0: none.', 0),
  zero: says(listOf(line, 10).default([]), 'What may never happen, not once.', ['unexplained wrong awards']),
})

const demand = z.strictObject({
  normalPerMinute: says(amount, 'Attempts a minute by day.', 6),
  peakPerMinute: says(amount, 'Attempts a minute in the worst peak.', 36),
  nightPerMinute: says(amount, 'Attempts a minute at 3am.', 0.5),
  byHour: says(
    z.array(amount).length(24),
    'Attempts a minute for each hour of the day, from 00:00; better than the three figures above when known.',
    Array.from({ length: 24 }, (_, hour) => (hour < 7 ? 0.5 : 6)),
  ).optional(),
  source: says(line, 'Where the figures come from, or what would replace an assumption.', 'assumed; a year of counts'),
})

export const journey = z.strictObject({
  id: says(id, 'The journey, as metrics and evidence name it.', 'apply'),
  name: says(line, 'What the citizen is doing, in their words.', 'Apply for a payment'),
  outcome: says(line, 'What they have when it worked.', 'an application with a reference number').optional(),
  harmIfFails: says(line, 'What happens to people when it does not.', 'a pensioner heats one room less'),
  harmClass: says(
    z.enum(HARM_CLASSES),
    'Kind of harm: safety, money-stops, rights-lost, delay or confusion.',
    'money-stops',
  ),
  severityFloor: says(severity, 'An incident here is never less than this, whatever the volume.', 'P2').optional(),
  severityRises: says(
    z.strictObject({
      to: says(severity, 'Severity then.', 'P1'),
      when: says(z.array(id).min(1).max(20), 'Peaks during which it rises.', ['deadline-day']),
    }),
    'Severity that rises at certain times.',
    { to: 'P1', when: ['deadline-day'] },
  ).optional(),
  failMode: says(
    z.enum(['open', 'closed', 'closed-to-a-person']).default('closed'),
    'When in doubt: answer anyway (open), show nothing rather than something wrong (closed), or send the case to a person.',
    'closed-to-a-person',
  ),
  tolerance: says(tolerance, 'What citizens can bear.', { recoverMinutes: 15, harmAfterMinutes: 60 }),
  steps: says(listOf(step, 30).default([]), 'What citizens do, in order.', [
    { id: 'submit', name: 'Submit', method: 'POST', route: '/apply/submit', limitMs: 3_000 },
  ]),
  demand: says(demand, 'How many attempt it, from which every threshold is computed.', {
    normalPerMinute: 6,
    peakPerMinute: 36,
    nightPerMinute: 0.5,
    source: 'assumed; replace by a year of counts',
  }).optional(),
  endsIn: says(
    z.strictObject({
      type: says(line, 'Media type of the file.', 'application/pdf'),
      contract: says(listOf(line, 20).min(1), 'What every such file must satisfy.', [
        'PDF/UA-1',
        'tagged',
        'title set',
      ]),
      golden: says(
        z.strictObject({
          files: says(z.string().max(300), 'Approved examples, as a pattern in the repository.', 'tests/golden/*.pdf'),
          compare: says(
            z.enum(['structure', 'text', 'bytes']),
            'How they are compared: tags, text and order; or text; or bytes (dates will differ).',
            'structure',
          ),
        }),
        'Approved examples.',
        { files: 'tests/golden/*.pdf', compare: 'structure' },
      ).optional(),
      bytesMax: says(whole, 'Largest file, in bytes.', 2_000_000).optional(),
      pagesMax: says(whole, 'Longest file, in pages.', 40).optional(),
    }),
    'A journey that ends in a file rather than a page.',
    { type: 'application/pdf', contract: ['PDF/UA-1', 'tagged'] },
  ).optional(),
  doneBy: says(
    z.strictObject({
      local: says(wallTime, 'Wall time by which it must be done.', '07:00'),
      days: says(line, '"every-day", "working-days", or the id of a calendar.', 'sitting-days'),
      rule: says(
        line,
        'How the date is found when it is not simply a day.',
        'effective date of the regulation',
      ).optional(),
    }),
    'A promise with a clock time.',
    { local: '07:00', days: 'sitting-days' },
  ).optional(),
  legalClock: says(
    z.strictObject({
      from: says(listOf(line, 10).min(1), 'Facts the deadline is computed from.', ['tabled date', 'kind of question']),
      calendar: says(id, 'Calendar that counts.', 'sitting-days').optional(),
      rules: says(listOf(id, 20).default([]), 'Deadline rules that apply (see `deadlines`).', ['named-day']),
    }),
    'A deadline in law, computed from facts.',
    { from: ['tabled date'], calendar: 'sitting-days', rules: ['named-day'] },
  ).optional(),
  budget: says(
    z.strictObject({
      kbitPerSecond: says(positive, 'Slowest connection served, in kbit/s.', 400),
      rttMs: says(positive, 'Its round trip, in ms.', 400),
      largestContentfulPaintMs: says(positive, 'When the main thing must be visible, in ms.', 4_000),
      criticalBytes: says(whole, 'Bytes allowed before that.', 110_000),
      pageBytes: says(whole, 'Bytes of the whole page.', 250_000),
      worksWithoutScript: says(z.boolean(), 'Whether it works with JavaScript off.', true),
    }),
    'What the page may cost on the slowest connection.',
    {
      kbitPerSecond: 400,
      rttMs: 400,
      largestContentfulPaintMs: 4000,
      criticalBytes: 110000,
      pageBytes: 250000,
      worksWithoutScript: true,
    },
  ).optional(),
  integrity: says(line, 'What must come out exactly as it went in.', 'the text sent is the text cleared').optional(),
  fallbackChannel: says(
    z.strictObject({
      says: says(line, 'What citizens are told to do instead.', 'Call 0800 731 0160'),
      when: says(line, 'When this applies.', 'always').optional(),
    }),
    'Another way to reach the outcome.',
    { says: 'Call 0800 731 0160' },
  ).optional(),
  syntheticScript: says(
    repoPath,
    'Script of the synthetic journey, when steps are not enough.',
    'ops/journeys/apply.ts',
  ).optional(),
})
