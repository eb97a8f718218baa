/** One step of a schema change by itself, for pipelines of platforms that move the releases: what `holdfast deploy start` does in its phases. */
import type { Service } from '../core/define/schema.ts'
import { judgeMigrations, phaseOfFile, type SchemaPhase } from '../core/deploy/migration.ts'
import type { Finding } from '../core/errors.ts'
import { MINUTE, SECOND } from '../core/time.ts'
import { countOf, listOf, plural } from '../core/words.ts'
import type { MigrationFile, Schema } from '../ports/schema.ts'
import { isRefused, isUnreachable } from '../ports/unreachable.ts'

export const SCHEMA_STEPS = ['expand', 'backfill', 'contract'] as const
export type SchemaStep = (typeof SCHEMA_STEPS)[number]

export interface SchemaOutcome {
  /** `refused`: nothing was begun; `failed`: the file that failed was undone; `unreachable`: nobody knows more than the database does. */
  readonly outcome: 'done' | 'refused' | 'failed' | 'unreachable'
  readonly says: string
  readonly applied: readonly string[]
  readonly findings: readonly Finding[]
}

/** Time and patience from outside: a backfill may take hours. */
export interface Pace {
  now(): number
  readonly stop: AbortSignal
  /** Told of each report of a backfill. */
  onProgress(says: string): void
}

const FILES: Readonly<Record<SchemaStep, SchemaPhase>> = { expand: 'expand', backfill: 'migrate', contract: 'contract' }
/** How long one call of a backfill works before it reports, in ms. */
const CALL_MS = 2 * SECOND

/**
 * No Holdfast steers this database, so the lowest number is used: one that was ever changed by `holdfast deploy start` refuses it, because
 * two that change one schema without knowing of each other are one too many.
 */
const EPOCH = 0

export async function schemaStep(
  schema: Schema,
  migrations: NonNullable<Service['migrations']>,
  all: readonly MigrationFile[],
  step: SchemaStep,
  pace: Pace,
): Promise<SchemaOutcome> {
  const pending = await schema.pending(all)
  if (isUnreachable(pending)) return { outcome: 'unreachable', says: pending.why, applied: [], findings: [] }
  const findings = judgeMigrations(pending, migrations.policy, migrations.indexes)
  const bad = findings.find(({ severity }) => severity === 'error')
  if (bad) return { outcome: 'refused', says: `${bad.file}: ${bad.says}`, applied: [], findings }
  const files = pending.filter(({ file }) => phaseOfFile(file) === FILES[step])
  if (files.length === 0) return { outcome: 'done', says: `There is nothing to ${step}.`, applied: [], findings }
  const left = pending.filter(({ file }) => phaseOfFile(file) !== 'contract')
  if (step === 'contract' && left.length > 0) {
    const says = `Not before ${listOf(left.map(({ file }) => file))}: what the old release needed is removed last.`
    return { outcome: 'refused', says, applied: [], findings }
  }
  const outcome = step === 'backfill' ? await copy(schema, migrations, files, pace) : await apply(schema, files, step)
  return { ...outcome, findings }
}

type Bare = Omit<SchemaOutcome, 'findings'>

async function apply(schema: Schema, files: readonly MigrationFile[], step: SchemaStep): Promise<Bare> {
  const answer = await schema.expand(files, EPOCH)
  if (isRefused(answer)) return others()
  if (isUnreachable(answer)) return { outcome: 'unreachable', says: answer.why, applied: [] }
  if (!answer.ok)
    return { outcome: 'failed', says: `${answer.file} was undone: ${answer.why}`, applied: answer.applied }
  const done = step === 'expand' ? 'The schema is widened' : 'The old shape is gone'
  return { outcome: 'done', says: `${done}: ${plural(answer.applied.length, 'file')}.`, applied: answer.applied }
}

async function copy(
  schema: Schema,
  { backfill }: NonNullable<Service['migrations']>,
  files: readonly MigrationFile[],
  pace: Pace,
): Promise<Bare> {
  const until = pace.now() + backfill.minutesMax * MINUTE
  const order = {
    files,
    batch: backfill.batch,
    pauseMs: backfill.pauseMs,
    lagMsMax: backfill.lagSecondsMax * SECOND,
    activeMax: backfill.activeMax,
    callMs: CALL_MS,
  }
  for (;;) {
    const answer = await schema.backfill(order, EPOCH)
    if (isRefused(answer)) return others()
    if (isUnreachable(answer)) return { outcome: 'unreachable', says: answer.why, applied: [] }
    if (!answer.ok) return { outcome: 'failed', says: `${answer.file}: ${answer.why}`, applied: answer.applied }
    const far = `${plural(answer.rows, 'row')} copied in ${countOf(answer.batches)} batches`
    const names = files.slice(0, answer.files).map(({ file }) => file)
    if (answer.done) return { outcome: 'done', says: `Old data is in its new shape: ${far}.`, applied: names }
    pace.onProgress(`${far} so far.${answer.waits ? ` It waits: ${answer.waits}.` : ''}`)
    if (pace.now() > until || pace.stop.aborted) {
      const why = pace.stop.aborted ? 'It was stopped' : 'It took longer than the definition allows'
      return { outcome: 'failed', says: `${why}: ${far}. The same command goes on from there.`, applied: names }
    }
  }
}

function others(): Bare {
  const says =
    'This database is changed by a Holdfast that deploys the service itself: use holdfast deploy start. Nothing was changed.'
  return { outcome: 'refused', says, applied: [] }
}
