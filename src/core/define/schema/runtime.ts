import * as z from 'zod'
import {
  amount,
  day,
  envName,
  id,
  isoDuration,
  line,
  listOf,
  positive,
  repoPath,
  says,
  wallTime,
  whole,
} from './words.ts'

export const RUNTIMES = ['process', 'podman', 'ecs', 'kubernetes', 'lambda', 'ec2', 'static', 'other'] as const
/** What can move citizens between releases here. */
export const TRAFFIC_LAYERS = ['gateway', 'haproxy'] as const
export const COMPONENT_KINDS = [
  'web',
  'worker',
  'scheduled',
  'database',
  'queue',
  'static',
  'function',
  'store',
] as const

const schedule = z.strictObject({
  local: says(z.array(wallTime).min(1).max(24), 'Wall times of its runs; never UTC, which is an hour out in summer.', [
    '04:00',
  ]),
  days: says(line.default('every-day'), '"every-day", "working-days" or the id of a calendar.', 'sitting-days'),
  typicalMinutes: says(positive, 'How long a run takes, in minutes.', 12).optional(),
  minutesMax: says(positive, 'How long it may take, in minutes.', 45).optional(),
  doneBy: says(wallTime, 'Wall time by which it must be done.', '19:00').optional(),
  overlap: says(z.enum(['forbid', 'allow']).default('forbid'), 'Whether two runs may overlap.', 'forbid'),
  needs: says(line, 'What must have happened before.', 'today’s import succeeded').optional(),
  otherwise: says(line, 'What happens when it has not.', 'page; never skip in silence').optional(),
})

const mount = z.strictObject({
  from: says(z.string().regex(/^\/[^:,\n]{0,500}$/), 'Folder of the machine.', '/run/postgresql'),
  to: says(z.string().regex(/^\/[^:,\n]{0,500}$/), 'Where the container sees it.', '/run/postgresql'),
  readOnly: says(z.boolean().default(true), 'Whether it may only be read.', true),
})

const container = z.strictObject({
  cpus: says(z.number().min(0.01).max(1_024), 'Share of processors it may use.', 1.5).optional(),
  network: says(
    z.enum(['host', 'published']).default('host'),
    'host: it listens on the machine’s loopback, at PORT. published: it has a network of its own, and PORT is published on loopback.',
    'host',
  ),
  mounts: says(
    listOf(mount, 20).default([]),
    'Folders of the machine that it sees, e.g. that of a database’s socket.',
    [{ from: '/run/postgresql', to: '/run/postgresql' }],
  ),
  writable: says(
    listOf(z.string().regex(/^\/[^:,\n]{0,500}$/), 20).default([]),
    'Paths beside /tmp that it may write to; they end with it. The rest of its files is read-only.',
    ['/app/cache'],
  ),
  user: says(
    z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_:.-]{0,63}$/),
    'User that it runs as. Absent: the image’s.',
    '1000:1000',
  ).optional(),
})

const component = z.strictObject({
  id: says(id, 'The component.', 'web'),
  name: says(line, 'What staff call it.', 'Web application').optional(),
  kind: says(z.enum(COMPONENT_KINDS), 'What it is.', 'web'),
  command: says(
    z.array(z.string().min(1).max(500)).min(1).max(50),
    'How a replica is started in the folder of its release, as argv (never a shell string). `{port}` and `{release}` are replaced.',
    ['node', 'server.js'],
  ).optional(),
  releases: says(repoPath, 'Folder that holds one folder for each release.', 'releases').optional(),
  image: says(line, 'Image repository, without tag; releases are digests.', 'registry.example.gov.uk/web').optional(),
  container: says(
    container,
    'How its containers run (runtime.kind podman). The file `image` in the folder of each release names the image and its digest.',
    { cpus: 1.5 },
  ).optional(),
  replicas: says(z.number().int().min(1).max(500).default(1), 'How many run.', 2),
  ready: says(
    z.string().max(200).default('/health/ready'),
    'Path that answers 200 only when this replica can serve a citizen.',
    '/health/ready',
    'playbook: health checks detect actual service problems, not just container status',
  ),
  live: says(
    z.string().max(200).default('/health/live'),
    'Path that answers 200 while the process need not be restarted.',
    '/health/live',
  ),
  readyChecks: says(listOf(line, 10).default([]), 'What the ready path really tries.', [
    'database answers',
    'templates cached',
  ]),
  startSecondsMax: says(positive.default(60), 'Until the first ready answer, in seconds.', 45),
  requestSecondsMax: says(
    positive.default(30),
    'Slowest request, in seconds, uploads included.',
    30,
    'common default of load balancers and frameworks',
  ),
  stopSecondsMax: says(
    positive.default(35),
    'From SIGTERM to SIGKILL, in seconds. At least the slowest request, or citizens are cut off.',
    65,
    'slowest request (30 s) plus 5 s to leave the balancer',
  ),
  drainSeconds: says(
    amount,
    'How long the balancer lets requests finish, in seconds. Absent: requestSecondsMax.',
    60,
  ).optional(),
  jobSecondsMax: says(positive, 'Longest job of a worker, in seconds.', 90).optional(),
  onStop: says(line, 'What happens to work in hand.', 'finish or requeue').optional(),
  memoryMb: says(positive, 'Memory of one replica, in MB.', 2_048).optional(),
  inFlightMax: says(
    positive,
    'Requests that one replica answers at the same time within the citizen limits. With the demand at the peak it says how many replicas may be missing.',
    40,
    'Little’s law: requests under way = arrivals a second × seconds each takes',
  ).optional(),
  engine: says(line, 'Database engine.', 'postgres').optional(),
  region: says(line, 'Where it runs.', 'eu-west-2').optional(),
  cacheSeconds: says(
    amount,
    'How long answers stay in caches, in seconds: a switch is complete only then.',
    300,
  ).optional(),
  schedule: says(schedule, 'When it runs.', { local: ['04:00', '06:00'], typicalMinutes: 12 }).optional(),
  promises: says(listOf(line, 10).default([]), 'What it promises.', ['append only', 'same input, same output']),
  env: says(
    z.record(envName, z.string().max(2_000)).default({}),
    'Settings that are not secret, by name of the environment variable.',
    { LOG_LEVEL: 'info' },
  ),
  secretEnv: says(
    listOf(envName, 50).default([]),
    'Names of variables it gets from outside. Their values stay there.',
    ['DATABASE_URL'],
  ),
})

export const runtime = z.strictObject({
  kind: says(z.enum(RUNTIMES), 'What runs the releases.', 'process'),
  traffic: says(
    z.enum(TRAFFIC_LAYERS).default('gateway'),
    'What decides which release answers a citizen: the built-in gateway, or HAProxy, steered by Holdfast (no shadow, no rings).',
    'gateway',
  ),
  components: says(z.array(component).min(1).max(40), 'What runs.', [
    { id: 'web', kind: 'web', command: ['node', 'server.js'] },
  ]),
})

const argv = z.array(z.string().min(1).max(500)).min(1).max(30)

/** How a tool other than Holdfast takes the steps; the kit's pipelines run them where a platform moves the releases. */
const migrationSteps = z.strictObject({
  expand: says(argv, 'Applies what comes before traffic, and nothing that the running release could miss.', [
    'flyway',
    '-locations=filesystem:db/migration/expand',
    'migrate',
  ]).optional(),
  verify: says(
    argv,
    'Proves on the changed schema that the queries of the release that serves still work; exit code 0: they do.',
    ['bin/verify-schema'],
  ).optional(),
  backfill: says(argv, 'Copies old data in batches, from where the last run stopped; exit code 0: nothing is left.', [
    'bin/backfill',
    '--batch',
    '1000',
  ]).optional(),
  contract: says(argv, 'Removes what only the old release needed, when nobody goes back to it.', [
    'flyway',
    '-locations=filesystem:db/migration/expand,filesystem:db/migration/contract',
    'migrate',
  ]).optional(),
})

export const migrations = z.strictObject({
  tool: says(line, 'Who applies them: "holdfast", or the name of your tool.', 'flyway').default('holdfast'),
  folder: says(
    repoPath,
    'Folder of the migrations of each release. A file’s name says its phase: NAME.sql (or NAME.expand.sql) before traffic, NAME.migrate.sql in batches, NAME.contract.sql after the rollback window.',
    'migrations',
  ),
  run: says(
    migrationSteps,
    'Commands of the steps as argv, for releases that a platform moves (ECS, Kubernetes, Lambda, EC2). They get the database’s address by `databaseEnv`, the time-outs as LOCK_TIMEOUT_MS and STATEMENT_TIMEOUT_MS, and the release that serves as SERVING_RELEASE. With tool holdfast only verify is needed.',
    { expand: ['flyway', 'migrate'], verify: ['bin/verify-schema'] },
  ).optional(),
  queries: says(
    repoPath,
    'Folder in each release with the statements that it sends, as .sql files. Every schema step proves that those of the running release still work.',
    'queries',
  ).optional(),
  backfill: says(
    z
      .strictObject({
        batch: says(whole.min(1).max(100_000).default(1_000), 'Rows a batch; `:batch` in a .migrate.sql file.', 1_000),
        pauseMs: says(whole.max(60_000).default(100), 'Pause between two batches, in ms.', 100),
        lagSecondsMax: says(
          positive.default(10),
          'It waits while a standby is further behind than this, in seconds.',
          10,
        ),
        activeMax: says(
          whole.min(1).max(10_000).default(50),
          'It waits while so many other statements are at work in the database.',
          50,
        ),
        when: says(
          z.enum(['during-trial', 'after-promotion']).default('after-promotion'),
          'When old data is copied: beside the trial, or when every citizen has moved and the old release is warm.',
          'after-promotion',
        ),
        minutesMax: says(positive.default(240), 'Longest time in all, in minutes; then the old shape stays.', 240),
      })
      .prefault({}),
    'How old data is copied into its new shape (.migrate.sql files).',
    { batch: 1_000, when: 'after-promotion' },
  ),
  contractAfterMinutes: says(
    amount.default(60),
    'Shortest rollback window of a release with a .contract.sql file, in minutes: so long the old release stays warm, and nothing is removed.',
    60,
  ),
  policy: says(
    z.enum(['expand-contract', 'additive', 'append-only', 'breaking-allowed']).default('expand-contract'),
    'What a release may do. expand-contract: nothing the running release needs is removed in the same release.',
    'expand-contract',
  ),
  databaseEnv: says(
    envName.default('DATABASE_URL'),
    'Name of the variable with the database’s address.',
    'DATABASE_URL',
  ),
  lockTimeoutMs: says(
    whole.max(60_000).default(2_000),
    'How long a change waits for its lock, in ms. Everybody behind it waits too.',
    2_000,
    'PostgreSQL lock_timeout; 2 s keeps the queue behind the lock within a citizen’s patience of 8 s',
  ),
  statementTimeoutMs: says(whole.max(3_600_000).default(60_000), 'How long one statement may run, in ms.', 60_000),
  minutesMax: says(
    positive.default(10),
    'How long a schema step may take, in minutes; longer, and the release is refused.',
    10,
  ),
  onBoot: says(
    z.literal('forbidden').default('forbidden'),
    'Applying them when a replica starts is refused: replicas race, and a rollback restarts them.',
    'forbidden',
  ),
  indexes: says(z.enum(['concurrently', 'plain']).default('concurrently'), 'How indexes are made.', 'concurrently'),
})

/** What can be deployed, and taken back, by itself. */
export const artefact = z.strictObject({
  id: says(id, 'The artefact.', 'rule-set'),
  name: says(line, 'What staff call it.', 'Rule set').optional(),
  component: says(id, 'Component that carries it.', 'engine').optional(),
  version: says(line, 'What identifies a version.', 'digest of the normalised rules'),
  releases: says(
    repoPath,
    'Folder that holds one folder for each of its releases. With `env`: it can be deployed by itself, with --artefact.',
    'rules',
  ).optional(),
  env: says(
    envName,
    'Variable in which a replica finds the folder of the release that it works with.',
    'RULES',
  ).optional(),
  rollback: says(line, 'How it goes back.', 'move the pointer'),
  rollbackMinutes: says(amount, 'How long that takes, in minutes.', 1).optional(),
  approvals: says(
    listOf(line, 10).default([]),
    'Roles that must agree to a new version: as many people as roles, each holding one of them.',
    ['policy owner', 'legal'],
  ),
  pinned: says(line, 'What stays with its version.', 'a form begun on version 7 is rendered with version 7').optional(),
  effectiveDating: says(
    z.strictObject({
      validFrom: says(line, 'From when it applies.', 'date in law'),
      knownFrom: says(line, 'From when we knew.', 'time of approval'),
    }),
    'Two times: what applied, and what was known. Going back then means “as at a date”.',
    { validFrom: 'date in law', knownFrom: 'time of approval' },
  ).optional(),
  linkToLaw: says(line, 'What each part must cite.', 'each rule names its regulation').optional(),
  per: says(line, 'Whether there is one for each of something.', 'tenant').optional(),
  keep: says(isoDuration, 'How long old versions are kept.', 'P400D').optional(),
  alsoOnRollback: says(listOf(line, 10).default([]), 'What else goes back with it.', ['republish the data set']),
  onChange: says(line, 'What is computed anew with a new version.', 'every open deadline').optional(),
  languages: says(listOf(z.string().length(2), 10).default([]), 'Languages it exists in.', ['en', 'cy']),
})

/** Where a value comes from, so that an assumption is never read as a fact. */
export const provenance = z.strictObject({
  about: says(z.string().min(1).max(200), 'Path of the value in this file; lists by id.', 'journeys.apply.demand'),
  kind: says(z.enum(['given', 'measured', 'public', 'decided', 'assumption']), 'Where it comes from.', 'assumption'),
  says: says(line, 'What it says.', '6 submissions a minute by day'),
  replaceWith: says(line, 'What would replace an assumption.', 'a year of counts by hour').optional(),
  source: says(line, 'Where it can be read.', 'analytics, November 2026').optional(),
  on: says(day, 'When it was established.', '2026-11-01').optional(),
})
