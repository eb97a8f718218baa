import * as z from 'zod'
import { amount, id, language, line, says, whole } from './words.ts'

/** Who the service is for citizens, apart from what its components are called. */
export const identity = z.strictObject({
  id: says(id, 'Short name used in files, labels and links.', 'heating-payment'),
  name: says(line, 'What citizens call it; every message to them uses this name.', 'Apply for a heating payment'),
  internalName: says(line, 'What staff call it. Never shown to citizens.', 'CWHP').optional(),
  phase: says(
    z.enum(['alpha', 'beta', 'live', 'retiring']),
    'Phase of the service, as the Service Standard names it.',
    'live',
    'GOV.UK Service Manual, agile delivery phases',
  ),
  languages: says(
    z.array(language).min(1).max(10).default(['en']),
    'Languages citizens are served in. Messages are prepared in each.',
    ['en', 'cy'],
    'Welsh Language Act 1993 and Welsh Language (Wales) Measure 2011 for services in Wales',
  ),
  timezone: says(
    z.string().max(60).default('Europe/London'),
    'IANA zone of every wall time in this file. A zone, never an offset: offsets are an hour out for half of the year.',
    'Europe/London',
  ),
  publicUrl: says(
    z.url().max(300),
    'Where citizens find the service.',
    'https://www.example.gov.uk/heating',
  ).optional(),
  statusUrl: says(z.url().max(300), 'Where the status page is published.', 'https://status.example.gov.uk').optional(),
  owner: says(line, 'Role that answers for the service.', 'Service owner, winter support').optional(),
  usersPerYear: says(whole, 'People served in a year.', 2_400_000).optional(),
  volumes: says(
    z
      .array(
        z.strictObject({
          what: says(line, 'What is counted.', 'feeds'),
          count: says(amount, 'How many.', 14),
          per: says(z.enum(['day', 'sitting-day', 'hour', 'year', 'all']).default('all'), 'In what time.', 'day'),
        }),
      )
      .max(20)
      .default([]),
    'Other figures that say how large the service is.',
    [{ what: 'questions', count: 30, per: 'sitting-day' }],
  ),
  assistedDigital: says(
    z.strictObject({
      phone: says(line, 'Number, as it is printed. Quoted, or its leading 0 is lost.', '0808 157 0000'),
      hours: says(line, 'When somebody answers.', 'Mon-Fri 08:00-18:00'),
      textphone: says(z.boolean().default(false), 'Whether textphone or Relay UK is answered.', true),
      welshLine: says(z.boolean().default(false), 'Whether there is a Welsh language line.', true),
    }),
    'How people who cannot use the website are helped.',
    { phone: '0808 157 0000', hours: 'Mon-Fri 08:00-18:00' },
  ).optional(),
})

/** A service shared by several departments: one application, and each tenant's citizens apart. */
export const tenants = z.strictObject({
  key: says(z.string().max(60), 'Field that says whose a row is.', 'tenantId'),
  model: says(line, 'How tenants are kept apart.', 'one application, rows isolated by tenantId'),
  in: says(
    z.strictObject({
      path: says(whole.max(20), 'It is this segment of the path, counted from 0.', 0).optional(),
      header: says(
        z.string().regex(/^[a-z0-9-]{1,100}$/),
        'It is the value of this header, in lower case, which your proxy sets and takes from clients.',
        'x-tenant',
      ).optional(),
      host: says(z.boolean(), 'It is the first label of the host name.', true).optional(),
    }),
    'Where a request says which tenant it is for. Absent: the segment called `:tenant` in the journeys’ routes.',
    { path: 0 },
  ).optional(),
  list: says(z.string().max(300), 'File in the repository that lists all of them.', 'tenants.yaml').optional(),
  count: says(whole.min(1), 'How many tenants there are.', 24),
  known: says(
    z
      .array(
        z.strictObject({
          id: says(id, 'The tenant.', 'environment'),
          name: says(line, 'Its name for citizens.', 'Environment Agency'),
          perDay: says(amount, 'What its citizens start in a day.', 900).optional(),
          promiseHours: says(amount, 'Hours within which it promises an answer.', 48).optional(),
          controller: says(z.boolean().default(true), 'Whether it is the controller of its citizens’ data.', true),
          dpo: says(line, 'Its data protection officer.', 'dpo@environment.example.gov.uk').optional(),
          duty: says(line, 'Its duty contact, and how often the contact is tested.', 'tested monthly').optional(),
          peaks: says(z.array(id).max(20).default([]), 'Peaks that are its own.', ['flood']),
          languages: says(z.array(language).max(10).default(['en']), 'Languages of its citizens.', ['en', 'cy']),
          mayVetoRelease: says(z.boolean().default(false), 'Whether it may hold a release back.', true),
        }),
      )
      .max(500)
      .default([]),
    'Tenants that releases or thresholds treat apart.',
    [{ id: 'environment', name: 'Environment Agency', perDay: 900 }],
  ),
})
