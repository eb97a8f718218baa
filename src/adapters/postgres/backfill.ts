/**
 * Copies old data into its new shape, a batch at a time. What it leaves in the service's database, beside the tables of schema.ts:
 *
 *   holdfast_backfill   name (the file's, without .sql), rows, batches: how far each file is
 *
 * A batch and its count are one transaction. A file whose statement touches no row any more is done, and recorded as applied.
 */
import type pg from 'pg'
import { batchStatement } from '../../core/deploy/batch-statement.ts'
import { durationOf } from '../../core/time.ts'
import { plural } from '../../core/words.ts'
import type { BackfillOrder, BackfillProgress, MigrationFile, NotExpanded } from '../../ports/schema.ts'
import { isLost } from './trouble.ts'

export interface BatchLimits {
  readonly lockTimeoutMs: number
  readonly statementTimeoutMs: number
}

/** `already`: another try has finished the file. `refused` carries an answer that ends the call; `why`: the file cannot be run. */
export type Permit<Answer> = 'go' | 'already' | { readonly refused: Answer } | { readonly why: string }

export interface BatchHooks<Answer> {
  /** Called inside each batch's transaction: may this engine go on with this file? */
  readonly permit: (file: MigrationFile) => Promise<Permit<Answer>>
  /** Called inside the last transaction of a file: it is applied. */
  readonly record: (file: MigrationFile) => Promise<void>
}

/** Batches for as long as the call may take; throws only when the database is lost. */
export async function copyInBatches<Answer>(
  client: pg.Client,
  order: BackfillOrder,
  limits: BatchLimits,
  hooks: BatchHooks<Answer>,
): Promise<BackfillProgress | NotExpanded | Answer> {
  const until = performance.now() + order.callMs
  let files = 0
  const progress = async (waits?: string): Promise<BackfillProgress> => {
    const { rows } = await client.query(
      'select coalesce(sum(rows), 0)::float8 as rows, coalesce(sum(batches), 0)::float8 as batches from holdfast_backfill where name = any($1)',
      [order.files.map(nameOf)],
    )
    const done = files === order.files.length
    return { ok: true, done, files, rows: rows[0].rows, batches: rows[0].batches, ...(waits ? { waits } : {}) }
  }
  for (const file of order.files) {
    const statement = batchStatement(file, order.batch)
    if ('why' in statement) return { ok: false, file: file.file, why: statement.why, applied: [] }
    for (;;) {
      const busy = await busyWith(client, order)
      if (busy) return progress(busy)
      const came = await oneBatch(client, file, statement.text, limits, hooks)
      if (came === 'locked') return progress('a row or table that citizens use at the moment is locked')
      if (typeof came === 'object' && 'why' in came) return { ok: false, file: file.file, why: came.why, applied: [] }
      if (typeof came === 'object' && 'refused' in came) return came.refused
      if (came === 'done') break
      if (performance.now() >= until) return progress()
      await new Promise((resolve) => setTimeout(resolve, order.pauseMs))
    }
    files++
  }
  return progress()
}

/** Makes the table that keeps count, once. */
export async function makeBackfillTable(client: pg.Client, lock: string): Promise<void> {
  const { rows } = await client.query("select to_regclass('holdfast_backfill') is not null as there")
  if (rows[0].there) return
  await client.query(
    `begin; ${lock}; create table if not exists holdfast_backfill (
       name text primary key, rows bigint not null default 0, batches bigint not null default 0, updated_at timestamptz not null default now()
     ); commit`,
  )
}

async function oneBatch<Answer>(
  client: pg.Client,
  file: MigrationFile,
  text: string,
  { lockTimeoutMs, statementTimeoutMs }: BatchLimits,
  { permit, record }: BatchHooks<Answer>,
): Promise<'more' | 'done' | 'locked' | { readonly why: string } | { readonly refused: Answer }> {
  try {
    await client.query('begin')
    await client.query(
      `set local lock_timeout = ${lockTimeoutMs}; set local statement_timeout = ${statementTimeoutMs}; set local idle_in_transaction_session_timeout = 10000`,
    )
    const may = await permit(file)
    if (may !== 'go') {
      await client.query('rollback')
      return may === 'already' ? 'done' : may
    }
    const rows = (await client.query(text)).rowCount ?? 0
    if (rows === 0) await record(file)
    else {
      await client.query(
        `insert into holdfast_backfill as b (name, rows, batches) values ($1, $2, 1)
         on conflict (name) do update set rows = b.rows + $2, batches = b.batches + 1, updated_at = now()`,
        [nameOf(file), rows],
      )
    }
    await client.query('commit')
    return rows === 0 ? 'done' : 'more'
  } catch (thrown) {
    if (isLost(thrown)) throw thrown
    await client.query('rollback')
    const { code, message } = thrown as { code?: string; message: string }
    if (code === '55P03' || code === '40P01' || code === '40001') return 'locked'
    if (code === '57014') {
      return {
        why: `A batch took longer than ${durationOf(statementTimeoutMs)} (migrations.statementTimeoutMs). Make migrations.backfill.batch smaller.`,
      }
    }
    return { why: `${message}.` }
  }
}

/** Why nothing is copied at this moment; undefined: nothing speaks against it, or nobody lets us see. */
async function busyWith(client: pg.Client, { lagMsMax, activeMax }: BackfillOrder): Promise<string | undefined> {
  // Without pg_monitor the lag and the others' states are null, and nobody is kept waiting for what cannot be told.
  const { rows } = await client.query(
    `select (select coalesce(max(extract(epoch from replay_lag)), 0) * 1000 from pg_stat_replication)::float8 as lag,
            (select count(*) from pg_stat_activity where state = 'active' and backend_type = 'client backend'
              and datname = current_database() and pid <> pg_backend_pid())::int as active`,
  )
  const { lag, active } = rows[0]
  if (lag > lagMsMax) return `a standby is ${durationOf(lag)} behind, and ${durationOf(lagMsMax)} are allowed`
  if (active >= activeMax) return `${plural(active, 'other statement')} at work, and ${activeMax} are the limit`
  return undefined
}

function nameOf({ file }: MigrationFile): string {
  return file.replace(/\.sql$/, '')
}
