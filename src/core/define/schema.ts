/**
 * What a team says of its service, once. This schema is the source of the types below, of schema/service.schema.json
 * (editors), of docs/reference/service-yaml.md and of what `holdfast define` finds. A default stands here only where it is
 * safe for every service; what must be decided is asked for.
 */
import * as z from 'zod'
import { calendar, data, deadline, dependency, peak } from './schema/calendar.ts'
import { deployment } from './schema/deployment.ts'
import { deferredMode, failureMode } from './schema/failure.ts'
import { identity, tenants } from './schema/identity.ts'
import { journey } from './schema/journey.ts'
import { comms, oncall, respond } from './schema/people.ts'
import { artefact, migrations, provenance, runtime } from './schema/runtime.ts'
import { environment, harmBudget, sli, tooling, watch } from './schema/sli.ts'
import { listOf, says } from './schema/words.ts'

export const serviceSchema = z.strictObject({
  definition: says(z.literal('holdfast/1').default('holdfast/1'), 'Version of this format.', 'holdfast/1'),
  service: says(identity, 'Who the service is for citizens.', {
    id: 'heating-payment',
    name: 'Apply for a heating payment',
    phase: 'live',
  }),
  tenants: says(tenants, 'Departments that share the service.', {
    key: 'tenantId',
    model: 'rows isolated',
    count: 24,
  }).optional(),
  journeys: says(
    listOf(journey, 12).min(1),
    'The two or three journeys whose failure really harms, the most harmful first.',
    [
      {
        id: 'apply',
        name: 'Apply',
        harmIfFails: 'no money',
        harmClass: 'money-stops',
        tolerance: { recoverMinutes: 15 },
      },
    ],
    'playbook: list the 2-3 journeys in your service where failure causes real harm',
  ),
  failureModes: says(
    listOf(failureMode, 200).default([]),
    'At most five, ranked by harm to citizens. The rest goes to `deferred`.',
    [
      {
        id: 'submissions-fail',
        name: 'Submissions fail',
        rank: 1,
        journeys: ['apply'],
        citizenSees: 'the problem page after Submit',
        detect: { kind: 'ratio' },
        confirm: ['send the test application'],
        act: { first: 'take the newest release back', undo: 'deploy it again' },
        degrade: 'applications by phone',
      },
    ],
    'playbook: constrain to top 5 failure modes by citizen impact; defer others to backlog',
  ),
  deferred: says(listOf(deferredMode, 200).default([]), 'Failure modes that wait, with the reason.', [
    { id: 'sign-in-down', why: 'phone line' },
  ]),
  deployment: says(deployment.prefault({}), 'How releases reach citizens, and come back.', { strategy: 'canary' }),
  artefacts: says(listOf(artefact, 30).default([]), 'What is deployed apart. None: the service is one piece.', [
    { id: 'rule-set', version: 'digest', rollback: 'rules as at a date' },
  ]),
  runtime: says(runtime, 'What runs.', { kind: 'process', components: [{ id: 'web', kind: 'web' }] }),
  migrations: says(migrations, 'Schema changes.', { folder: 'migrations' }).optional(),
  dependencies: says(listOf(dependency, 60).default([]), 'What the service needs and does not run.', [
    { id: 'payments', owner: 'HM Treasury', kind: 'batch file' },
  ]),
  data: says(data.prefault({}), 'What is known about people.', {
    kinds: [{ name: 'bank details', retention: 'P90D' }],
  }),
  slis: says(listOf(sli, 60).default([]), 'What is measured, beside each journey step.', [
    { id: 'leaks', kind: 'invariant', counts: 'reads of another tenant’s rows' },
  ]),
  harmBudget: says(harmBudget.prefault({}), 'From how many people harmed on, somebody is woken.', { citizens: 5 }),
  watch: says(watch.prefault({}), 'How we look.', { syntheticSeconds: 60 }),
  peaks: says(listOf(peak, 60).default([]), 'When many citizens come, or when a fault hurts most.', [
    { id: 'deadline', dates: ['2027-03-31'] },
  ]),
  calendars: says(listOf(calendar, 40).default([]), 'Days that somebody else decides.', [
    { id: 'bank-holidays', source: 'gov.uk', divisions: ['england-and-wales'] },
  ]),
  deadlines: says(listOf(deadline, 40).default([]), 'Deadline rules in law or practice.', [
    { id: 'named-day', says: 'at least 3 sitting days' },
  ]),
  oncall: says(oncall, 'Who is woken.', {
    cover: 'always',
    ladder: [{ role: 'primary on call', route: 'email', to: 'duty@example.gov.uk', afterMinutes: 0 }],
  }),
  comms: says(comms, 'Who is told what.', {
    contact: { phone: '0800 731 0160', hours: '8am to 6pm' },
    audiences: [{ id: 'citizens', channels: ['banner'] }],
  }),
  respond: says(respond.prefault({}), 'How incidents are run.', { preset: 'gds-way' }),
  tooling: says(tooling.prefault({}), 'What runs the pipeline and the metrics.', { pipeline: 'github-actions' }),
  environments: says(listOf(environment, 20).default([]), 'Where a release can go.', [
    { id: 'production', kind: 'production' },
  ]),
  sources: says(
    listOf(provenance, 200).default([]),
    'Where values come from, so that an assumption is never read as a fact.',
    [{ about: 'journeys.apply.demand', kind: 'assumption', says: '6 a minute', replaceWith: 'a year of counts' }],
  ),
})

export type Service = z.output<typeof serviceSchema>
export type Journey = Service['journeys'][number]
export type JourneyStep = Journey['steps'][number]
export type FailureMode = Service['failureModes'][number]
export type Action = FailureMode['act']['first']
export type Sli = Service['slis'][number]
export type Peak = Service['peaks'][number]
export type CalendarSource = Service['calendars'][number]
export type Deployment = Service['deployment']
export type Gate = Deployment['gates'][number]
export type Component = Service['runtime']['components'][number]
export type Artefact = Service['artefacts'][number]
export type Dependency = Service['dependencies'][number]
export type Oncall = Service['oncall']
export type Comms = Service['comms']
export type Audience = Comms['audiences'][number]
export type HarmClass = Journey['harmClass']
