/** Brings our own schema to the newest step, and refuses loudly when it is ahead of us. */
import { createHash } from 'node:crypto'
import { EXIT, OpsError } from '../../core/errors.ts'
import type { Database, Statements } from './connection.ts'
import { NEWEST, STEPS } from './schema/all.ts'

/** Any fixed number: of several engines that start at once, one migrates and the others wait. "hold" in ASCII. */
const LOCK = 0x686f6c64

export async function migrate(database: Database, steps = STEPS): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.rows('select pg_advisory_xact_lock($1)', [LOCK])
    // Not to_regclass: it may answer from what this connection remembers of the time before the lock.
    const there = await tx.rows(
      "select from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = 'holdfast' and relname = 'step'",
    )
    if (there.length === 0) {
      await tx.rows('create schema if not exists holdfast')
      await tx.rows(
        'create table holdfast.step (number integer primary key, says text not null, digest text not null, at timestamptz not null)',
      )
    }
    const applied = await tx.rows('select number, digest from holdfast.step order by number')
    refuseNewer(applied.at(-1)?.number ?? 0, steps.length)
    for (const step of steps) {
      const digest = createHash('sha256').update(step.sql).digest('hex')
      const before = applied.find((row) => row.number === step.number)
      if (before) refuseEdited(step.number, before.digest === digest)
      else {
        await tx.rows(step.sql)
        await tx.rows('insert into holdfast.step values ($1, $2, $3, clock_timestamp())', [
          step.number,
          step.says,
          digest,
        ])
      }
    }
  })
}

/** For every new connection: another engine may have migrated since we started. */
export async function refuseNewerSchema(tx: Statements): Promise<void> {
  const [row] = await tx.rows("select case when to_regclass('holdfast.step') is null then 0 else 1 end as there")
  if (!row!.there) return
  const [step] = await tx.rows('select coalesce(max(number), 0) as newest from holdfast.step')
  refuseNewer(step!.newest, NEWEST)
}

function refuseNewer(found: number, known: number): void {
  if (found <= known) return
  throw new OpsError('SCHEMA_NEWER', {
    message: `This database has been used by a newer Holdfast: its schema is at step ${found}, and this one knows ${known}. Nothing was changed.`,
    fix: 'Run the newer version of Holdfast here, or give this one a database of its own in DATABASE_URL.',
    exit: EXIT.unreachable,
  })
}

function refuseEdited(number: number, same: boolean): void {
  if (same) return
  throw new OpsError('SCHEMA_FOREIGN', {
    message: `Step ${number} of this database's schema was made by another build of Holdfast, with the same number and other content.`,
    fix: 'Give this build a database of its own in DATABASE_URL, or move the state folder away.',
    exit: EXIT.unreachable,
  })
}
