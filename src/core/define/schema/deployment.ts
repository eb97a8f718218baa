import * as z from 'zod'
import { amount, envName, id, line, listOf, positive, repoPath, rrule, says, share, wallSpan, whole } from './words.ts'

export const STRATEGIES = ['canary', 'blue-green', 'rolling', 'shadow'] as const
const strategy = z.enum(STRATEGIES)
const SEE = 'simulated ramps, see bench/'

const cohort = z.strictObject({
  id: says(id, 'The cohort.', 'volunteers'),
  says: says(line, 'Who is in it.', 'three tenants that volunteered'),
  share: says(share, 'Share of sessions, when it is not a list.', 0.1).optional(),
  tenants: says(listOf(id, 500), 'Tenants in it.', ['environment']).optional(),
  when: says(line, 'Condition for its turn.', 'their peak is over').optional(),
  holdMinutes: says(amount, 'Shortest hold, in minutes.', 120),
  evidence: says(
    listOf(
      z.strictObject({
        what: says(line, 'What is counted.', 'sends'),
        count: says(whole.min(1), 'How many are needed.', 80),
      }),
      10,
    ).default([]),
    'And the evidence needed: time alone proves nothing.',
    [{ what: 'sends', count: 80 }],
  ),
  expectedMinutes: says(amount, 'How long that evidence takes to come, in minutes.', 96).optional(),
})

const canary = z.strictObject({
  rungs: says(
    z.array(share).min(1).max(20).default([0.01, 0.05, 0.1, 0.25, 0.5, 0.95]),
    'Shares of new sessions, rising. The last is below 1: the rest stays on the old release as live control.',
    [0.01, 0.05, 0.25, 0.95],
    SEE,
  ),
  rungSecondsMin: says(
    positive.default(60),
    'Shortest stay on a rung, in seconds; the evidence decides the rest.',
    60,
    SEE,
  ),
  holdBack: says(share.default(0.05), 'Share that stays on the old release until the bake ends.', 0.05, SEE),
  margin: says(
    share.default(0.005),
    'Unproven extra failures per session that you accept when stepping up. Smaller is slower.',
    0.005,
    `${SEE}: 0.005 reaches 95 % in about 5 minutes at 50 requests/s`,
  ),
  bakeMinutes: says(
    amount.default(30),
    'How long the last rung is watched, in minutes: the hold-back stays on the old release meanwhile.',
    60,
  ),
  keepWarmMinutes: says(
    amount.default(0),
    'How long the old release stays warm, without citizens, after the promotion, in minutes: going back is instant until then.',
    15,
  ),
  cohorts: says(listOf(cohort, 20).default([]), 'Rings instead of shares: each is proven before the next.', [
    {
      id: 'volunteers',
      says: 'three tenants',
      tenants: ['environment'],
      holdMinutes: 120,
      evidence: [{ what: 'sends', count: 80 }],
    },
  ]),
})

const blueGreen = z.strictObject({
  verifyRuns: says(whole.min(1).default(3), 'Synthetic journeys on the new release before any citizen meets it.', 3),
  bakeMinutes: says(amount.default(10), 'How long the switch is watched, in minutes.', 10),
  keepWarmMinutes: says(
    amount.default(60),
    'How long the old release stays warm, in minutes: at least one citizen session.',
    60,
  ),
  cutOver: says(line, 'When the switch may happen.', 'outside the payment run').optional(),
})

const rolling = z.strictObject({
  batchShare: says(
    share.default(0.25),
    'Share of replicas replaced at a time.',
    0.25,
    'default of Kubernetes maxUnavailable',
  ),
  keepOld: says(
    z.enum(['auto', 'warm', 'restart']).default('auto'),
    'Whether replaced replicas stay running until the promotion (warm: going back is instant) or are stopped and started again to go back. auto: warm where memory is known to allow it.',
    'auto',
  ),
  keepWarmMinutes: says(
    amount.default(0),
    'How long the old release stays warm after the promotion, in minutes: going back is instant until then.',
    15,
  ),
  readOnlyMinutesMax: says(
    amount,
    'Longest time for which people may read and not save while the schema is changed, in minutes: a schema step that takes longer is given up, and the release refused.',
    10,
  ).optional(),
  readOnlySays: says(line, 'What people are told during it: for your own banner.', 'you can read, not save').optional(),
  bakeMinutes: says(
    amount.default(30),
    'How long the last batch but one is watched, in minutes, before the last old replicas leave.',
    30,
  ),
})

const shadow = z.strictObject({
  copies: says(line.default('safe requests'), 'What is copied.', 'production decisions'),
  minutesMin: says(amount.default(60), 'Shortest time, in minutes.', 60),
  runsMin: says(whole, 'Or the number of runs, for batch work.', 3).optional(),
  sampleMin: says(whole.min(1), 'And the smallest sample. Too small does not pass.', 2_996).optional(),
  unintendedShareMax: says(share.default(0), 'Share of unexplained differences that is tolerated.', 0.001),
  tolerance: says(amount.default(0), 'Difference of a figure that is no difference, e.g. by rounding.', 0.005),
  compare: says(line.default('status and body'), 'What is compared.', 'structure'),
  intended: says(
    repoPath,
    'File that lists every intended difference: cohort, expected change, legal reference.',
    'change-manifest.yaml',
  ).optional(),
  weigh: says(listOf(line, 5).default([]), 'Differences that weigh more.', ['a citizen worse off counts double']),
  replay: says(
    listOf(
      z.strictObject({
        what: says(line, 'What is replayed.', 'past decisions'),
        count: says(whole, 'How many; 0 for all.', 100_000),
      }),
      10,
    ).default([]),
    'Recorded cases that are run as well.',
    [{ what: 'past decisions', count: 100_000 }],
  ),
  unsafeSteps: says(
    listOf(line, 50).default([]),
    'Steps ("journey/step") whose forms are copied too, not only pages. Only for a release that changes nothing when a request says `X-Shadow: 1`.',
    ['decide/outcome'],
  ),
  inFlightMax: says(
    whole.min(1).max(1_000).default(50),
    'Copies under way at most; the rest are counted and dropped.',
    50,
  ),
})

const strategyOf = z.strictObject({
  artefact: says(id, 'The artefact (see `artefacts`).', 'template'),
  strategy: says(strategy, 'How it is rolled out.', 'shadow'),
  followedBy: says(z.array(strategy).max(3).default([]), 'What follows when that passed.', ['blue-green']),
  canary: says(canary, 'Its own figures.', { rungs: [0.1, 0.5, 0.95] }).optional(),
  blueGreen: says(blueGreen, 'Its own figures.', { bakeMinutes: 10 }).optional(),
  rolling: says(rolling, 'Its own figures.', { batchShare: 0.5 }).optional(),
  shadow: says(shadow, 'Its own figures.', { sampleMin: 200 }).optional(),
  evidence: says(listOf(line, 10).default([]), 'Evidence it needs at each rung.', [
    '20 renders at 10 %',
    '60 renders at 50 %',
  ]),
})

const window = z.strictObject({
  id: says(id, 'The window.', 'weekday-mornings'),
  rrule: says(rrule, 'RFC 5545 recurrence of its days.', 'FREQ=WEEKLY;BYDAY=TU,WE').optional(),
  calendar: says(id, 'Or the days of this calendar.', 'recess').optional(),
  local: says(wallSpan, 'Hours, wall time. Absent: all day.', '10:00-12:00').optional(),
  preferred: says(z.boolean().default(false), 'Whether risky changes belong here.', true),
})

const windows = z.strictObject({
  allow: says(
    listOf(window, 20).default([]),
    'When releases may go out. Empty: whenever no peak with `freeze` holds.',
    [{ id: 'mornings', rrule: 'FREQ=WEEKLY;BYDAY=TU,WE,TH', local: '10:00-16:00' }],
  ),
  deny: says(listOf(id, 30).default([]), 'Peaks that close the window even without `freeze`.', ['monday-board-packs']),
  emergency: says(
    z
      .strictObject({
        approvers: says(
          z.number().int().min(1).max(3).default(2),
          'People who must agree to a release in a closed window.',
          2,
        ),
        reasonRequired: says(z.literal(true).default(true), 'A reason is always recorded.', true),
      })
      .prefault({}),
    'Releasing all the same.',
    { approvers: 2 },
  ),
  veto: says(
    z.strictObject({
      by: says(line, 'Who may hold a release back.', 'tenant'),
      expiresDays: says(positive, 'After how many days that ends.', 14),
    }),
    'Who may hold a release back.',
    { by: 'tenant', expiresDays: 14 },
  ).optional(),
})

export const GATE_KINDS = [
  'command',
  'journeys',
  'migration',
  'scan',
  'accessibility',
  'secrets',
  'load',
  'drill',
  'alerts',
  'shadow',
  'data',
  'approval',
] as const

const gate = z.strictObject({
  id: says(id, 'The gate.', 'surge-load'),
  name: says(line, 'What it is called.', 'Load of a cold snap').optional(),
  kind: says(z.enum(GATE_KINDS).default('command'), 'What it is.', 'accessibility'),
  run: says(z.array(z.string().min(1).max(500)).min(1).max(30), 'Command as argv; exit code 0 passes.', [
    'npm',
    'run',
    'test:unit',
  ]).optional(),
  report: says(
    repoPath,
    'Report it reads: SARIF, `npm audit --json` or axe. Looked for in the release’s folder, then beside the definition. Kept as evidence.',
    'reports/axe.json',
  ).optional(),
  about: says(
    repoPath,
    'File that the report is about. A report older than it is stale, and its digest is kept with the evidence.',
    'package-lock.json',
  ).optional(),
  maxAgeHours: says(
    positive.default(24),
    'Oldest report that counts, in hours. An older one has failed.',
    24,
    'advisory databases change daily',
  ),
  files: says(
    listOf(repoPath, 20).default([]),
    'For a gate of kind alerts: folders or files with the alert rules. None: every rule file beside the definition.',
    ['monitoring'],
  ),
  pass: says(
    line,
    'What passing means, with a number.',
    'p95 under 3 s at 36 submissions a minute for 20 minutes',
  ).optional(),
  secondsMax: says(positive.default(900), 'Longest run, in seconds; longer has failed.', 900),
  secretEnv: says(
    listOf(envName, 20).default([]),
    'Names of variables that the command gets from outside. It gets nothing else of Holdfast’s own environment.',
    ['TEST_DATABASE_URL'],
  ),
  catches: says(listOf(id, 10).default([]), 'Failure modes it would have caught.', ['memory-exhaustion']),
  every: says(line, 'What else it follows.', 'also after each migration').optional(),
})

const approvals = z.strictObject({
  people: says(
    z.number().int().min(0).max(3).default(1),
    'People who must agree inside the window; never the one who started it.',
    1,
  ),
  roles: says(
    listOf(line, 10).default([]),
    'Roles they must hold. When people under `oncall` hold one, only they may agree.',
    ['approver'],
  ),
  waitHours: says(
    positive.max(720).default(24),
    'How long a release waits for them, in hours; then it is refused.',
    24,
    'one working day; nothing else of the service can be released meanwhile',
  ),
  validHours: says(
    positive.max(720).default(12),
    'How long one agreement holds while the others are waited for, in hours.',
    12,
    'one shift',
  ),
})

const rollback = z.strictObject({
  maxMinutes: says(
    positive.default(15),
    'Promise: a release is reversed within this, in minutes.',
    15,
    'playbook: reversed within 15 minutes',
  ),
  budget: says(
    z.record(id, amount).default({}),
    'The promise as a sum, in minutes: detect, decide, switch, drain, verify and what else it takes.',
    { detect: 4, decide: 1, switch: 2, drain: 2, verify: 3 },
  ),
  automaticFor: says(
    listOf(id, 30).default([]),
    'Indicators that roll back without asking (beside the verdict on journeys).',
    ['submit-success'],
  ),
  drillEveryDays: says(
    positive.default(30),
    'How often it is rehearsed, in days.',
    30,
    'playbook: rollback procedure tested',
  ),
  drillNote: says(line, 'When else it is rehearsed.', 'each recess').optional(),
  includes: says(listOf(line, 10).default([]), 'What goes back.', ['code', 'published data']),
  per: says(line, 'Whether it can go back for a part only.', 'cohort').optional(),
  workSince: says(line, 'What happens to work done since.', 'decisions are marked for review').optional(),
})

const inFlight = z.strictObject({
  requests: says(line.default('drained'), 'Requests under way.', 'drained'),
  sessions: says(line, 'Sessions.', 'shared store: both releases read them').optional(),
  drafts: says(line, 'Half-done answers.', 'kept for 30 days').optional(),
  jobs: says(line, 'Jobs in hand.', 'finish or requeue').optional(),
  cases: says(line, 'Open cases.', 'keep their workflow version').optional(),
})

export const deployment = z.strictObject({
  strategy: says(strategy.default('canary'), 'How a release reaches citizens.', 'canary'),
  followedBy: says(
    z.array(strategy).max(3).default([]),
    'What follows when that passed, e.g. shadow, then blue-green.',
    ['blue-green'],
  ),
  alpha: says(
    z.number().gt(0).max(0.1).default(0.001),
    'Chance that a good release is taken back, per deployment. Shown with every verdict.',
    0.001,
    'simulated; 0.1 % is one in a thousand releases',
  ),
  suspicionSeconds: says(
    positive.default(180),
    'How long traffic is taken away on suspicion, in seconds, before it is resumed or rolled back.',
    180,
    'simulated holds, see bench/',
  ),
  canary: says(canary.prefault({}), 'Figures of the canary.', { rungs: [0.01, 0.05, 0.25, 0.95] }),
  blueGreen: says(blueGreen.prefault({}), 'Figures of blue-green.', { bakeMinutes: 10 }),
  rolling: says(rolling.prefault({}), 'Figures of rolling.', { batchShare: 0.25 }),
  shadow: says(shadow.prefault({}), 'Figures of shadow.', { minutesMin: 60, sampleMin: 2_996 }),
  byArtefact: says(listOf(strategyOf, 20).default([]), 'Artefacts with a strategy of their own.', [
    { artefact: 'template', strategy: 'shadow' },
  ]),
  gates: says(listOf(gate, 40).default([]), 'What must pass first. A gate that could not run has failed.', [
    { id: 'unit', run: ['npm', 'test'] },
  ]),
  approvals: says(approvals.prefault({}), 'Who must agree. Nobody approves their own change.', { people: 1 }),
  rollback: says(rollback.prefault({}), 'Taking a release back.', { maxMinutes: 15 }),
  windows: says(windows.prefault({}), 'When releases may go out.', { deny: ['deadline-day'] }),
  inFlight: says(inFlight.prefault({}), 'What happens to what is under way.', { requests: 'drained' }),
  verifyAfter: says(listOf(line, 10).default([]), 'Synthetic journeys right after.', ['sign in', 'open today’s list']),
})
