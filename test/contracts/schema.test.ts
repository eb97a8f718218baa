import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { startEmbedded } from '../../src/adapters/postgres/embedded.ts'
import { postgresSchema } from '../../src/adapters/postgres/schema.ts'
import { schemaContract } from '../../src/testing/contracts/schema.ts'
import { type SchemaStep, schemaStep } from '../../src/station/schema-step.ts'
import { removeFolder } from '../folder.ts'
import { on } from '../kit/world.ts'
import { run } from '../postgres-server.ts'

const settings = { lockTimeoutMs: 100, statementTimeoutMs: 5_000 }

async function server() {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-schema-'))
  const embedded = await startEmbedded({ folder, databases: ['service'] })
  const url = embedded.urls.service!
  return {
    url,
    async close() {
      await embedded.stop()
      removeFolder(folder)
    },
  }
}

schemaContract('PostgreSQL', async () => {
  const { url, close } = await server()
  return {
    schema: () => postgresSchema({ url, ...settings }),
    async columns(table) {
      const { rows } = await run(
        url,
        `select column_name as name from information_schema.columns where table_name = '${table}' order by ordinal_position`,
      )
      return rows.map(({ name }) => name)
    },
    async run(sql) {
      await run(url, sql)
    },
    close,
  }
})

describe('PostgreSQL, when citizens or outages are in the way', () => {
  let database: Awaited<ReturnType<typeof server>>
  before(async () => {
    database = await server()
  })
  after(() => database?.close())

  test('a pipeline widens, copies and removes step by step, and refuses what the running release could not live with', async () => {
    const { url } = database
    await run(url, 'create table person (id int primary key, full_name text); insert into person values (1, $$Asha$$)')
    const schema = postgresSchema({ url, ...settings })
    const { migrations } = on('heating-payment', {})
    const pace = { now: () => 0, stop: new AbortController().signal, onProgress: () => {} }
    const files = [
      { file: '1_name.sql', sql: 'ALTER TABLE person ADD COLUMN name text' },
      {
        file: '2_name.migrate.sql',
        sql: 'UPDATE person SET name = full_name WHERE id IN (SELECT id FROM person WHERE name IS NULL LIMIT :batch)',
      },
      { file: '3_name.contract.sql', sql: 'ALTER TABLE person DROP COLUMN full_name' },
    ]
    const step = (name: SchemaStep, all = files) => schemaStep(schema, migrations!, all, name, pace)
    assert.equal((await step('contract')).outcome, 'refused', 'the old shape goes last')
    const destructive = [{ file: '1_bad.sql', sql: 'ALTER TABLE person DROP COLUMN full_name' }]
    const bad = await step('expand', destructive)
    assert.ok(bad.outcome === 'refused' && bad.findings.length > 0)
    assert.deepEqual((await step('expand')).applied, ['1_name.sql'])
    assert.equal((await step('expand')).says, 'There is nothing to expand.')
    assert.match((await step('backfill')).says, /1 row copied/)
    assert.deepEqual((await step('contract')).applied, ['3_name.contract.sql'])
    const { rows } = await run(url, 'select * from person')
    assert.deepEqual(rows, [{ id: 1, name: 'Asha' }])
    // A database that an engine steers is not for pipelines.
    await run(url, 'update holdfast_schema set epoch = 7')
    const other = await step('expand', [{ file: '4_more.sql', sql: 'ALTER TABLE person ADD COLUMN more text' }])
    assert.ok(other.outcome === 'refused' && /holdfast deploy start/.test(other.says))
    await run(url, 'update holdfast_schema set epoch = 0')
  })

  test('a change that cannot get its lock gives up before citizens notice, and changes nothing', async () => {
    const { url } = database
    const schema = postgresSchema({ url, ...settings })
    await run(url, 'create table busy (a int)')
    const citizen = new pg.Client({ connectionString: url })
    await citizen.connect()
    await citizen.query('begin; select * from busy')
    const file = { file: '1_busy.sql', sql: 'ALTER TABLE busy ADD COLUMN b int' }
    const answer = await schema.expand([file], 1)
    assert.ok('ok' in answer && !answer.ok && /lock/.test(answer.why))
    await citizen.query('commit')
    assert.deepEqual(await schema.expand([file], 1), { ok: true, applied: [file.file] })
    await citizen.end()
  })

  test('a statement that runs too long is stopped and undone', async () => {
    const { url } = database
    const schema = postgresSchema({ url, lockTimeoutMs: 100, statementTimeoutMs: 100 })
    const file = { file: '2_slow.sql', sql: 'CREATE TABLE slow (a int); SELECT pg_sleep(60)' }
    const answer = await schema.expand([file], 1)
    assert.ok('ok' in answer && !answer.ok && /statement timeout/.test(answer.why))
    assert.deepEqual((await run(url, "select to_regclass('slow') as t")).rows, [{ t: null }])
  })

  test('an index that was half built when its engine died is built anew', async () => {
    const { url } = database
    const schema = postgresSchema({ url, ...settings })
    await run(url, 'create table half (a int); insert into half values (1), (1)')
    await run(url, 'create unique index concurrently half_a on half (a)').catch(() => {})
    await run(url, 'delete from half')
    const file = { file: '3_half.sql', sql: 'CREATE UNIQUE INDEX CONCURRENTLY half_a ON half (a)' }
    assert.deepEqual(await schema.expand([file], 1), { ok: true, applied: [file.file] })
    const { rows } = await run(url, "select indisvalid from pg_index where indexrelid = 'half_a'::regclass")
    assert.deepEqual(rows, [{ indisvalid: true }])
  })

  test('a user without rights gets a reason, not a retry for ever', async () => {
    const { url } = database
    await run(url, 'create role reader login')
    const reader = url.replace('postgres@', 'reader@')
    const answer = await postgresSchema({ url: reader, ...settings }).expand([{ file: '4.sql', sql: 'SELECT 1' }], 1)
    assert.ok('ok' in answer && !answer.ok && /permission denied/.test(answer.why))
  })

  test('a server that is not there is unreachable, and says which, without its password', async () => {
    const url = 'postgresql://user:hidden@127.0.0.1:1/gone'
    const answer = await postgresSchema({ url, ...settings }).expand([{ file: '1.sql', sql: 'SELECT 1' }], 1)
    assert.ok('unreachable' in answer)
    assert.match(answer.why, /database gone at 127\.0\.0\.1:1/)
    assert.ok(!answer.why.includes('hidden'))
  })
})
