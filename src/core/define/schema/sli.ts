import * as z from 'zod'
import {
  amount,
  id,
  isoDuration,
  line,
  listOf,
  percent,
  positive,
  says,
  share,
  wallSpan,
  wallTime,
  whole,
} from './words.ts'

const shared = {
  id: says(id, 'The indicator.', 'submit-success'),
  name: says(line, 'What it tells, in words.', 'Applications that were accepted').optional(),
  journey: says(id, 'Journey it belongs to.', 'apply').optional(),
  step: says(id, 'Step of that journey.', 'submit').optional(),
  per: says(line, 'Dimension looked at apart.', 'tenant').optional(),
  pages: says(z.boolean().default(true), 'Whether it may wake somebody. False: shown only.', false),
  why: says(line, 'Why it is as it is.', 'organisational: nobody can mend it at 3am').optional(),
  measuredAt: says(line, 'Where it is measured.', 'edge').optional(),
  everyMinutes: says(positive, 'How often it is computed, in minutes.', 5).optional(),
  coreHours: says(
    z.strictObject({
      local: says(wallSpan, 'Hours it counts, wall time.', '06:00-20:00'),
      days: says(line, '"every-day", "working-days" or the id of a calendar.', 'sitting-days'),
    }),
    'Hours it counts. Absent: always.',
    { local: '06:00-20:00', days: 'working-days' },
  ).optional(),
}

const window = says(
  z.union([isoDuration, z.literal('parliamentary-session')]).default('P28D'),
  'Window of the objective.',
  'P28D',
  'GDS Way: four-week rolling window',
)
const target = says(
  percent,
  'Objective in percent, e.g. 99.9. Something that must never happen is an invariant, not 100 %: 100 % has no error budget to burn.',
  99.9,
)
const allowed = says(whole.default(0), 'How many are tolerated.', 0)

const ratio = z.strictObject({
  ...shared,
  kind: z.literal('ratio'),
  good: says(line, 'What is good.', 'receipts issued').optional(),
  total: says(line, 'Of what.', 'submit clicks, counted once per submissionId').optional(),
  targetPercent: target,
  window,
})
const latency = z.strictObject({
  ...shared,
  kind: z.literal('latency'),
  percentile: says(percent, 'Percentile.', 95),
  limitMs: says(positive, 'Its limit, in ms.', 3_000),
  of: says(line, 'What is timed.', 'page views on slow connections').optional(),
  targetPercent: target.optional(),
  window,
})
const freshness = z.strictObject({
  ...shared,
  kind: z.literal('freshness'),
  of: says(line, 'What must be fresh.', 'newest earnings event'),
  ageMinutesMax: says(positive, 'Oldest that is good, in minutes.', 120).optional(),
  ageFromTenant: says(line, 'Or the tenant’s field that says so.', 'promiseHours').optional(),
  targetPercent: target.optional(),
  window,
})
const byTime = z.strictObject({
  ...shared,
  kind: z.literal('by-time'),
  by: says(wallTime, 'Wall time of the promise.', '21:00').optional(),
  days: says(line.default('every-day'), '"every-day", "working-days" or the id of a calendar.', 'sitting-days'),
  good: says(line, 'What is good.', 'feeds accepted'),
  total: says(line, 'Of what.', 'feeds due'),
  toleranceSeconds: says(amount, 'Seconds it may be off.', 60).optional(),
  missesAllowed: says(whole, 'Misses tolerated in the window; instead of a target.', 0).optional(),
  targetPercent: target.optional(),
  window,
})
const invariant = z.strictObject({
  ...shared,
  kind: z.literal('invariant'),
  counts: says(line, 'What is counted, and must not happen.', 'reads of another tenant’s rows'),
  allowed,
})
const reconciliation = z.strictObject({
  ...shared,
  kind: z.literal('reconciliation'),
  left: says(line, 'What must equal', 'receipts issued'),
  right: says(line, 'what.', 'cases in the case system'),
  graceMinutes: says(amount.default(0), 'How long a difference may stand, in minutes.', 15),
  allowed,
})
const volume = z.strictObject({
  ...shared,
  kind: z.literal('volume'),
  of: says(line, 'What is counted.', 'applications started'),
  forecast: says(line, 'What it is compared with.', 'demand of the journey'),
  shareMin: says(
    share.default(0.4),
    'Share of the forecast below which something is wrong.',
    0.4,
    'test of 40 % of the forecast against 8 %',
  ),
})
const synthetic = z.strictObject({
  ...shared,
  kind: z.literal('synthetic'),
  of: says(listOf(line, 20).min(1), 'Steps it walks.', ['sign in', 'open today’s list']),
  everySeconds: says(positive.default(60), 'How often, in seconds.', 60),
  failuresBeforePage: says(whole.min(1).default(2), 'Failures in a row before it pages.', 2),
})
const outcome = z.strictObject({
  ...shared,
  kind: z.literal('outcome'),
  of: says(line, 'What is achieved.', 'questions answered on the day they are due'),
  targetPercent: target,
  window,
  pages: says(z.literal(false).default(false), 'Never pages: it is shown.', false),
})

/** What is measured. `invariant` and `reconciliation` are for what must never happen. */
export const sli = z.discriminatedUnion('kind', [
  ratio,
  latency,
  freshness,
  byTime,
  invariant,
  reconciliation,
  volume,
  synthetic,
  outcome,
])

/** From how many people harmed on, somebody is woken. */
export const harmBudget = z.strictObject({
  citizens: says(
    z.number().min(1).max(1e6).default(5),
    'Citizens who may be harmed before somebody is woken.',
    5,
    'decision of the service owner',
  ),
  kinds: says(
    listOf(
      z.strictObject({
        what: says(line, 'Kind of harm.', 'wrong awards'),
        beforePage: says(whole.min(1), 'How many before somebody is woken.', 1),
      }),
      10,
    ).default([]),
    'Other kinds of harm, each with its own number.',
    [{ what: 'leaked records', beforePage: 1 }],
  ),
  contactRate: says(
    share.default(0.02),
    'Share of failed attempts after which somebody complains.',
    0.02,
    'default of the first-complaint model; replace by your helpline’s counts',
  ),
  contactSource: says(line, 'Where that share comes from.', 'helpline sample, October 2026').optional(),
  falsePagesPerMonth: says(
    positive.default(4),
    'False pages a month that the team accepts, at most.',
    4,
    'nominal rate of the detector; far fewer are measured',
  ),
  responseMinutes: says(
    positive.default(35),
    'From page to the first useful action, in minutes.',
    35,
    'GDS Way: P1 within 20 minutes, plus 15 to act',
  ),
})

export const watch = z.strictObject({
  lowTrafficPerMinute: says(amount.default(1), 'Below this, ratios say nothing and synthetic journeys speak.', 1),
  syntheticSeconds: says(positive.default(60), 'How often synthetic journeys run, in seconds.', 60),
  silence: says(
    listOf(
      z.strictObject({
        id: says(id, 'What must be heard from.', 'reconciliation'),
        what: says(line, 'In words.', 'reconciliation job'),
        withinMinutes: says(positive, 'How long it may be quiet, in minutes.', 15),
      }),
      30,
    ).default([]),
    'Heartbeats whose silence is a failure.',
    [{ id: 'reconciliation', what: 'reconciliation job', withinMinutes: 15 }],
  ),
})

/** How the rest of the world runs and measures the service, so that generated files fit. */
export const tooling = z.strictObject({
  pipeline: says(
    z.enum(['github-actions', 'codepipeline', 'jenkins', 'other']).default('github-actions'),
    'What runs the pipeline.',
    'github-actions',
  ),
  infrastructure: says(
    z.enum(['cloudformation', 'terraform', 'cdk', 'none', 'other']).default('none'),
    'How infrastructure is described.',
    'terraform',
  ),
  registry: says(line, 'Where images and artefacts are kept.', 'registry.example.gov.uk').optional(),
  metrics: says(
    z.enum(['holdfast', 'prometheus', 'cloudwatch', 'other']).default('holdfast'),
    'Where metrics are.',
    'prometheus',
  ),
  metricsJob: says(line, 'Name of the scrape job, or the namespace.', 'heating-payment').optional(),
  logs: says(line, 'Where logs are read.', 'CloudWatch Logs, group /ecs/heating-payment').optional(),
  traces: says(line, 'Where traces are read.', 'X-Ray').optional(),
  pager: says(line, 'What pages people.', 'PagerDuty service "Heating payment"').optional(),
})

/** Where a release can go. The guard against the wrong target compares these with what is really there. */
export const environment = z.strictObject({
  id: says(id, 'The environment.', 'production'),
  kind: says(z.enum(['production', 'rehearsal', 'test']), 'What it is.', 'production'),
  account: says(line, 'Account, cluster or host it is.', '111122223333').optional(),
  region: says(line, 'Region.', 'eu-west-2').optional(),
  databaseHost: says(
    line,
    'Host of the service’s database there. A deployment that finds another one is refused.',
    'heating.cluster-abc.eu-west-2.rds.amazonaws.com',
  ).optional(),
  url: says(z.url().max(300), 'Where it answers.', 'https://www.example.gov.uk/heating').optional(),
})
