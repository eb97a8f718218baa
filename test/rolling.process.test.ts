/**
 * The sample service, deployed by rolling and with all three phases of a schema change, by its own definition: real processes, a real
 * gateway, a real PostgreSQL, and citizens who never stop coming.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { citizens } from '../examples/heating-payment/citizens.ts'
import { type Embedded, startEmbedded } from '../src/adapters/postgres/embedded.ts'
import { isOver } from '../src/core/deploy/deploying.ts'
import type { DeploymentPlan, DeploymentState } from '../src/core/deploy/deployment.ts'
import { runner } from '../src/entry.ts'
import { startCrowd } from '../src/load/crowd.ts'
import { isUnreachable } from '../src/ports/unreachable.ts'
import { beginDeployment, follow } from '../src/station/deploy.ts'
import { openStation, type Station } from '../src/station/station.ts'
import { removeFolder } from './folder.ts'

const EXAMPLE = join(import.meta.dirname, '../examples/heating-payment')

let folder: string
let database: Embedded
let station: Station

/** The example's own definition, with its releases, made to roll, and a schema change of three phases in release r2. */
function definition(): string {
  const root = join(folder, 'service')
  mkdirSync(root)
  cpSync(join(EXAMPLE, 'migrations'), join(root, 'migrations'), { recursive: true })
  for (const release of ['r1', 'r2']) {
    mkdirSync(join(root, 'releases', release, 'migrations'), { recursive: true })
    symlinkSync(join(EXAMPLE, 'releases', release, 'main.ts'), join(root, 'releases', release, 'main.ts'))
  }
  const write = (path: string, sql: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), sql)
  }
  cpSync(join(EXAMPLE, 'releases/r2/migrations'), join(root, 'releases/r2/migrations'), { recursive: true })
  write('releases/r1/migrations/0002_notes.sql', 'CREATE TABLE old_notes (id int PRIMARY KEY, note text NOT NULL);')
  write('releases/r1/queries/notes.sql', 'SELECT note FROM old_notes WHERE id = $1;')
  write('releases/r2/migrations/0004_notes.sql', 'CREATE TABLE notes (id int PRIMARY KEY, note text NOT NULL);')
  write(
    'releases/r2/migrations/0005_notes.migrate.sql',
    'INSERT INTO notes SELECT id, note FROM old_notes o WHERE NOT EXISTS (SELECT FROM notes n WHERE n.id = o.id) ORDER BY id LIMIT :batch',
  )
  write('releases/r2/migrations/0006_notes.contract.sql', 'DROP TABLE old_notes;')
  write('releases/r2/queries/notes.sql', 'SELECT note FROM notes WHERE id = $1;')
  const yaml = readFileSync(join(EXAMPLE, 'service.yaml'), 'utf8')
    .replace('strategy: canary', 'strategy: rolling\n  rolling: { batchShare: 0.5, keepOld: restart }')
    .replace('secretEnv: [DATABASE_URL]', 'inFlightMax: 100\n      secretEnv: [DATABASE_URL]')
    .replace('minutesMax: 5 }', 'minutesMax: 5, queries: queries, backfill: { batch: 400, pauseMs: 10 } }')
  const file = join(root, 'service.yaml')
  writeFileSync(file, yaml)
  return file
}

/** Gates and the calendar are tested elsewhere; the pace is a test's. */
function atTestPace(plan: DeploymentPlan): DeploymentPlan {
  const { command, args } = runner('main.ts')
  const next = { ...plan.next, command: [command, ...args], startMsMax: 60_000 }
  const trial = { ...plan.trial, rungMsMin: 500, margin: 0.3, bakeMs: 500 }
  const rolling = plan.rolling && { ...plan.rolling, previous: { ...plan.rolling.previous, startMsMax: 60_000 } }
  return {
    ...plan,
    gates: [],
    next,
    trial,
    drainMsMax: 5_000,
    ...(plan.warmMs ? { warmMs: 1_000 } : {}),
    ...(rolling ? { rolling } : {}),
  }
}

async function sql<Row extends pg.QueryResultRow>(text: string): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: database.urls.heating! })
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}

async function begin(release: string) {
  const { store, world, service, root } = station
  const wanted = { release, by: 'asha', reason: 'test', breakGlass: 'test', adjust: atTestPace }
  return beginDeployment(store, world, service, root, wanted)
}

async function deploy(release: string, onChange: (state: DeploymentState) => void = () => {}) {
  const begun = await begin(release)
  assert.ok(begun.begun, JSON.stringify(begun))
  return follow(station.store, begun.id, onChange, undefined, isOver)
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-rolling-'))
  database = await startEmbedded({ folder: join(folder, 'database'), databases: ['holdfast', 'heating'] })
  station = await openStation({
    state: join(folder, 'state'),
    serviceFile: definition(),
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: database.urls.holdfast!,
      SERVICE_DATABASE_URL: database.urls.heating!,
      HOLDFAST_ENVIRONMENT: 'production',
      HOLDFAST_ACCOUNT: 'this machine',
    },
    remark: () => {},
    listen: '127.0.0.1:0',
    settleMs: 200,
  })
  station.startEngine()
})

after(async () => {
  await station?.shutDown()
  await database?.stop()
  removeFolder(folder)
})

test('replicas are replaced under load and no request fails; the schema is widened first, and narrowed when nobody can go back', async () => {
  const { world, store } = station
  const first = await deploy('r1')
  assert.equal(first.phase.name, 'promoted', first.lastWhy)
  await sql("INSERT INTO old_notes SELECT n, 'note ' || n FROM generate_series(1, 1000) n")
  const crowd = startCrowd({ url: world.publicUrl, ratePerSecond: 40, script: citizens, seed: 7, pace: 0.05 })
  const weights = new Set<number>()
  const running = new Set<string>()
  let tablesAtWarm = ''
  let state: DeploymentState
  try {
    state = await deploy('r2', (seen) => {
      if (seen.steering?.applied) weights.add(seen.steering.weight)
      const { rolling, canary } = seen
      if (rolling) running.add(`${rolling.old.backends.length} + ${canary?.backends.length ?? 0}`)
      if (seen.phase.name === 'finishing' && seen.phase.stage === 'warm') tablesAtWarm = 'old_notes is read until here'
    })
  } finally {
    const load = await crowd.stop(5_000)
    assert.equal(load.failedByDeployment, 0)
    assert.equal(load.sessions.harmed, 0)
    assert.ok(load.requests.sent > 100, `${load.requests.sent} requests`)
  }
  assert.equal(state.phase.name, 'promoted', state.lastWhy)
  assert.equal(state.measured.failedByUs, 0)
  assert.ok(weights.has(0.5) && weights.has(1), [...weights].join())
  assert.deepEqual([...running], ['2 + 1', '1 + 1', '1 + 2'])
  assert.notEqual(tablesAtWarm, '')

  const instances = await world.runtime.instances()
  assert.ok(!isUnreachable(instances))
  assert.deepEqual(
    instances.map(({ release, ready }) => [release, ready]),
    [
      ['r2', true],
      ['r2', true],
    ],
  )

  const kinds = (await store.log(0, 1_000, { subject: state.plan.id })).map(({ kind }) => kind)
  const order = [
    'schema.expanded',
    'schema.verified',
    'promoted',
    'backfill.done',
    'window.closed',
    'schema.contract',
    'schema.contracted',
    'finished',
  ]
  assert.deepEqual(
    kinds.filter((kind) => order.includes(kind)),
    order,
  )
  assert.deepEqual(await sql('SELECT count(*)::int AS rows FROM notes'), [{ rows: 1_000 }])
  assert.deepEqual(await sql("SELECT to_regclass('old_notes') AS old"), [{ old: null }])

  const back = await begin('r1')
  assert.ok(
    !back.begun && /cannot serve any more: 0006_notes\.contract\.sql .* Forward instead/.test(back.why),
    JSON.stringify(back),
  )
})
