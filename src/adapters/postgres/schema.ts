/**
 * Widens the schema of a service's own PostgreSQL database. What it leaves there:
 *
 *   holdfast_migrations   name (the file's, without .sql), sha256, applied_at, epoch: one row for each applied file
 *   holdfast_schema       one row: the highest epoch obeyed; who applies a file holds its lock
 *
 * A file and its row are one transaction. A statement that PostgreSQL refuses in a transaction (CREATE INDEX CONCURRENTLY) stands
 * alone in its file: it is run first and recorded after, and a half-built index of a try that died is dropped and built anew.
 */
import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Effect } from '../../core/check/formats/sql-effect.ts'
import { judgeSql } from '../../core/check/formats/sql-effects.ts'
import { messageOf } from '../../core/errors.ts'
import type { MigrationFile, NamedQuery, Schema } from '../../ports/schema.ts'
import {
  isRefused,
  isUnreachable,
  type Refused,
  refused,
  type Unreachable,
  unreachable,
} from '../../ports/unreachable.ts'
import { copyInBatches, makeBackfillTable } from './backfill.ts'
import { clientConfig, nameOf } from './connection.ts'
import { isLost } from './trouble.ts'

export interface SchemaSettings {
  /** Of the service's database, as the service's own environment has it. */
  readonly url: string
  /** How long a statement waits for its lock, in ms, 1 to 60,000. Citizens wait behind it. */
  readonly lockTimeoutMs: number
  /** How long a statement may run, in ms; one that blocks nobody (CONCURRENTLY) may take ten times as long. */
  readonly statementTimeoutMs: number
}

/** A lock that citizens hold is free again in a moment: try so often, this long apart, in ms. */
const LOCK_TRIES = 5
const LOCK_PAUSE_MS = 500
const SQL_BYTES_MAX = 4_000_000

const TABLES = `
  create table if not exists holdfast_migrations (
    name text primary key, sha256 text not null, applied_at timestamptz not null default now(), epoch bigint
  );
  alter table holdfast_migrations add column if not exists epoch bigint;
  create table if not exists holdfast_schema (one boolean primary key default true check (one), epoch bigint not null);
  insert into holdfast_schema (epoch) values (0) on conflict do nothing`

const OUTSIDE_LOCK = '1751870564, 1869968484'
const OTHERS = unreachable('Another engine is changing this schema at the moment.')

/** "hold", and "sche": two engines must not make the tables at the same moment. */
const TABLES_LOCK = 'select pg_advisory_xact_lock(1751870564, 1935894629)'

export function postgresSchema(settings: SchemaSettings): Schema {
  nameOf(settings.url)

  /** One connection for one call: expansions are rare, and a pooled one could carry a file's settings to the next. */
  async function connected<T>(work: (client: pg.Client) => Promise<T>): Promise<T | Unreachable> {
    const client = new pg.Client({
      ...clientConfig(settings.url),
      application_name: 'holdfast-schema',
      // The statement's own limit comes first.
      query_timeout: settings.statementTimeoutMs * 10 + 30_000,
    })
    client.on('error', () => {})
    const silent = (thrown: unknown) =>
      unreachable(`The service's ${nameOf(settings.url)} did not answer: ${messageOf(thrown)}`)
    try {
      await client.connect()
    } catch (thrown) {
      return silent(thrown)
    }
    try {
      return await work(client)
    } catch (thrown) {
      if (!isLost(thrown)) throw thrown
      return silent(thrown)
    } finally {
      await client.end().catch(() => {})
    }
  }

  return {
    pending: (files) =>
      connected(async (client) => {
        const there = await recordsOf(client)
        // One that was changed since is among them, so that expand can say so.
        return ordered(files).filter(({ file, sql }) => there.get(nameIn(file)) !== digestOf(sql))
      }),

    expand: (files, epoch, queries = []) =>
      connected(async (client) => {
        const failed = await makeTables(client)
        if (failed) return { ok: false, file: ordered(files)[0]?.file ?? '', why: failed, applied: [] }
        const applied: string[] = []
        const { good, broken } = await prepareAll(client, queries)
        for (const file of ordered(files)) {
          const answer = await patiently(() => applyOnce(client, file, epoch, settings, good))
          if (isRefused(answer) || isUnreachable(answer)) return answer
          if (typeof answer === 'object') return { ok: false, file: file.file, why: answer.why, applied }
          if (answer === 'applied') applied.push(file.file)
        }
        const told = { checked: good.length, cannotTell: broken.map(({ name }) => name) }
        return { ok: true, applied, ...(queries.length > 0 ? told : {}) }
      }),

    backfill: (order, epoch) =>
      connected(async (client) => {
        const failed = await makeTables(client)
        if (failed) return { ok: false as const, file: order.files[0]?.file ?? '', why: failed, applied: [] }
        await makeBackfillTable(client, TABLES_LOCK)
        return copyInBatches<Refused | Unreachable>(client, { ...order, files: ordered(order.files) }, settings, {
          permit: async ({ file, sql }) => {
            const may = await beforeApplying(client, file, digestOf(sql), epoch)
            if (isRefused(may) || isUnreachable(may)) return { refused: may }
            return may === 'go' || typeof may === 'object' ? may : 'already'
          },
          record: ({ file, sql }) => recordApplied(client, file, digestOf(sql), epoch),
        })
      }),

    prepare: (queries) =>
      connected(async (client) => {
        const { good, broken } = await prepareAll(client, queries)
        return { ok: true as const, good: good.length, broken }
      }),

    close: async () => {},
  }
}

/** `why` alone: it failed, and the file is undone. */
type Applied = 'applied' | 'already' | { readonly why: string } | Refused | Unreachable

function ordered(files: readonly MigrationFile[]): readonly MigrationFile[] {
  return [...files].sort((a, b) => (a.file < b.file ? -1 : 1))
}

function nameIn(file: string): string {
  return file.replace(/\.sql$/, '')
}

function digestOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex')
}

async function recordsOf(client: pg.Client): Promise<ReadonlyMap<string, string>> {
  const { rows: found } = await client.query("select to_regclass('holdfast_migrations') is not null as there")
  if (!found[0].there) return new Map()
  const { rows } = await client.query('select name, sha256 from holdfast_migrations')
  return new Map(rows.map(({ name, sha256 }) => [name, sha256]))
}

/** Why our two tables could not be made; null: they are there. */
async function makeTables(client: pg.Client): Promise<string | null> {
  const { rows } = await client.query(`select to_regclass('holdfast_schema') is not null and exists (
    select from pg_attribute where attrelid = to_regclass('holdfast_migrations') and attname = 'epoch') as there`)
  if (rows[0].there) return null
  try {
    await client.query(`begin; ${TABLES_LOCK}; ${TABLES}; commit`)
    return null
  } catch (thrown) {
    if (isLost(thrown)) throw thrown
    return `Holdfast could not make its tables there: ${messageOf(thrown)}.`
  }
}

/** Again after a moment while only a lock is in the way. */
async function patiently(attempt: () => Promise<Applied | 'locked'>): Promise<Applied> {
  for (let tries = 1; ; tries++) {
    const answer = await attempt()
    if (answer !== 'locked') return answer
    if (tries === LOCK_TRIES) {
      return { why: `A lock was not free in ${LOCK_TRIES} tries. Nothing was changed; citizens go on as before.` }
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS))
  }
}

/** Why the file is not one that can be applied whole or not at all; null: it is. */
function cannotApply(sql: string): string | null {
  if (sql.length > SQL_BYTES_MAX) return 'The file is larger than 4 MB. Load data by other means than a migration.'
  const { effects, file } = judgeSql(sql)
  if (file.problem) return `Line ${file.problem.line}: ${file.problem.says}`
  const up = effects.filter(({ statement }) => statement.direction === 'up')
  if (up.some(({ what, statement }) => what === 'transaction' && statement.tokens[0]?.key !== 'SAVEPOINT')) {
    return 'The file begins or ends transactions by itself; each file is one transaction already.'
  }
  if (
    up.some(({ outsideTransaction }) => outsideTransaction) &&
    new Set(up.map(({ statement }) => statement)).size > 1
  ) {
    return 'A statement that PostgreSQL refuses inside a transaction must stand alone in its file.'
  }
  return null
}

async function applyOnce(
  client: pg.Client,
  { file, sql }: MigrationFile,
  epoch: number,
  settings: SchemaSettings,
  queries: readonly NamedQuery[],
): Promise<Applied | 'locked'> {
  const wrong = cannotApply(sql)
  if (wrong) return { why: wrong }
  const sha256 = digestOf(sql)
  const { effects, file: read } = judgeSql(sql)
  const up = read.statements.filter(({ direction }) => direction === 'up')
  const outside = effects.find(
    ({ outsideTransaction, statement }) => outsideTransaction && statement.direction === 'up',
  )
  const text = up.map(({ offset, end }) => sql.slice(offset, end)).join('\n')
  try {
    await client.query('begin')
    const limits = `set local lock_timeout = ${settings.lockTimeoutMs}; set local statement_timeout = ${settings.statementTimeoutMs}`
    await client.query(`${limits}; set local idle_in_transaction_session_timeout = 10000`)
    const before = await beforeApplying(client, file, sha256, epoch)
    if (before === 'go') {
      if (outside) {
        await client.query('commit')
        const ran = await outsideTransaction(client, outside, text, settings)
        if (isUnreachable(ran)) return ran
        await client.query('begin')
        const again = await beforeApplying(client, file, sha256, epoch)
        if (again !== 'go') return await rolledBack(client, again)
      } else if (text !== '') await client.query(text)
      const broken = outside ? undefined : await firstBroken(client, queries)
      if (broken) return await rolledBack(client, { why: `${file} would break a query that is in use: ${broken}` })
      await recordApplied(client, file, sha256, epoch)
    }
    await client.query('commit')
    return before === 'go' ? 'applied' : before
  } catch (thrown) {
    if (isLost(thrown)) throw thrown
    await client.query('rollback')
    if ((thrown as { code?: string }).code === '55P03') return 'locked'
    return { why: whyOf(thrown, text) }
  }
}

/** Takes the one row's lock, so that of several engines one applies at a time, and the lower epoch is turned away. */
async function beforeApplying(client: pg.Client, file: string, sha256: string, epoch: number): Promise<'go' | Applied> {
  const { rows } = await client.query('select epoch from holdfast_schema for update skip locked')
  if (rows.length === 0) return OTHERS
  const highest = Number(rows[0].epoch)
  if (highest > epoch) return refused(highest)
  if (highest < epoch) await client.query('update holdfast_schema set epoch = $1', [epoch])
  const { rows: records } = await client.query('select sha256 from holdfast_migrations where name = $1', [nameIn(file)])
  if (records.length === 0) return 'go'
  if (records[0].sha256 === sha256) return 'already'
  return { why: `${file} was changed after it was applied. Put the change into a new file.` }
}

async function recordApplied(client: pg.Client, file: string, sha256: string, epoch: number): Promise<void> {
  const row = [nameIn(file), sha256, epoch]
  await client.query('insert into holdfast_migrations (name, sha256, epoch) values ($1, $2, $3)', row)
}

const QUERIES_MAX = 500

/** Which statements the database takes as it is. Preparing runs nothing; one statement at a time, so that no other hides behind it. */
async function prepareAll(client: pg.Client, queries: readonly NamedQuery[]) {
  const good: NamedQuery[] = []
  const broken: { name: string; why: string }[] = []
  for (const query of queries.slice(0, QUERIES_MAX)) {
    const why = await prepareOnce(client, query)
    if (why === undefined) good.push(query)
    else broken.push({ name: query.name, why })
  }
  return { good, broken }
}

async function prepareOnce(client: pg.Client, { sql }: NamedQuery): Promise<string | undefined> {
  const { statements, problem } = judgeSql(sql).file
  if (problem) return problem.says
  if (statements.length !== 1) return 'it is not one statement'
  try {
    await client.query(
      `prepare holdfast_query as ${sql.slice(statements[0]!.offset, statements[0]!.end).replace(/;\s*$/, '')}`,
    )
    await client.query('deallocate holdfast_query')
    return undefined
  } catch (thrown) {
    if (isLost(thrown)) throw thrown
    return messageOf(thrown)
  }
}

/** Inside the transaction that has changed the schema: the first statement that does not work any more. */
async function firstBroken(client: pg.Client, queries: readonly NamedQuery[]): Promise<string | undefined> {
  for (const query of queries) {
    const why = await prepareOnce(client, query)
    if (why !== undefined) return `${query.name} (${why})`
  }
  return undefined
}

async function rolledBack<T>(client: pg.Client, answer: T): Promise<T> {
  await client.query('rollback')
  return answer
}

async function outsideTransaction(
  client: pg.Client,
  effect: Effect,
  text: string,
  settings: SchemaSettings,
): Promise<'done' | Unreachable> {
  // Asked, not waited for: who waits for a lock has a snapshot, and building an index waits for all older snapshots.
  const { rows } = await client.query(`select pg_try_advisory_lock(${OUTSIDE_LOCK}) as got`)
  if (!rows[0].got) return OTHERS
  // Waiting for old transactions to end blocks nobody here, so the lock has the same long limit.
  const limit = settings.statementTimeoutMs * 10
  await client.query(`set lock_timeout = ${limit}`)
  await client.query(`set statement_timeout = ${limit}`)
  let lost = false
  const builds = /^create-(unique-)?index$/.test(effect.what)
  try {
    if (builds) await dropHalfBuilt(client, effect.part)
    await client.query(text)
  } catch (thrown) {
    // 42P07: it was built whole, and the try died before the record. 42704: it was dropped then.
    const done = { 'create-index': '42P07', 'create-unique-index': '42P07', 'drop-index': '42704' }[effect.what]
    if (done !== undefined && (thrown as { code?: string }).code === done) return 'done'
    lost = isLost(thrown)
    if (builds && !lost) await dropHalfBuilt(client, effect.part).catch(() => {})
    throw thrown
  } finally {
    if (!lost) await client.query(`select pg_advisory_unlock(${OUTSIDE_LOCK})`).catch(() => {})
  }
  return 'done'
}

/** An index that CONCURRENTLY did not finish stays, invalid, and slows every write. Names as PostgreSQL folds them. */
async function dropHalfBuilt(client: pg.Client, name: string | undefined): Promise<void> {
  if (!name) throw new Error('An index made CONCURRENTLY needs a name here, so that a half-built one can be found.')
  const { rows } = await client.query(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_index i join pg_class c on c.oid = i.indexrelid
     join pg_namespace n on n.oid = c.relnamespace where not i.indisvalid and c.relname in ($1::text, lower($1::text))`,
    [name.slice(name.lastIndexOf('.') + 1)],
  )
  for (const row of rows) await client.query(`drop index concurrently ${row.name}`)
}

/** What the database said, and where in the file; never the values of a row (they stand in `detail`). */
function whyOf(thrown: unknown, text: string): string {
  const { position, hint } = thrown as { position?: string; hint?: string }
  const line = position ? text.slice(0, Number(position)).split('\n').length : 0
  const where = line > 0 ? ` (line ${line} of the statements)` : ''
  return `${messageOf(thrown)}${where}.${hint ? ` ${hint}` : ''}`
}
