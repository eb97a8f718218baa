/**
 * May these schema changes be made while the old release serves, and can it serve again after a rollback? Reads what each statement
 * does (core/check/formats/sql-effects.ts) and holds it against the service's policy.
 *
 * A file's name says its phase. All numbers in one row, so that the order of phases is also the order of numbers within a release:
 *
 *   0007_full_name.sql            expand: before traffic; both releases live with it (also 0007_full_name.expand.sql)
 *   0008_full_name.migrate.sql    migrate: one statement with `:batch`, repeated until it touches no row; beside the trial or after it
 *   0009_full_name.contract.sql   contract: removes the old shape, when the rollback window has closed and the old release is stopped
 */
import { bare, type Effect } from '../check/formats/sql-effect.ts'
import { judgeSql, type Migration } from '../check/formats/sql-effects.ts'
import type { Finding, Severity } from '../errors.ts'
import { batchStatement } from './batch-statement.ts'

export type MigrationPolicy = 'expand-contract' | 'additive' | 'append-only' | 'breaking-allowed'

export type SchemaPhase = 'expand' | 'migrate' | 'contract'

/** The phase that a migration file's name asks for. */
export function phaseOfFile(file: string): SchemaPhase {
  return file.endsWith('.migrate.sql') ? 'migrate' : file.endsWith('.contract.sql') ? 'contract' : 'expand'
}

interface Rules {
  readonly policy: MigrationPolicy
  readonly indexes: 'concurrently' | 'plain'
}

const PLAYBOOK = 'playbook: are database changes backwards-compatible?'
const LOCKING = 'PostgreSQL 18: ALTER TABLE; Explicit Locking'
const CONTRACT =
  'Add what is new in this release; remove what is old in a later one, when no release that may return uses it.'

/** What to write instead, by the operation's name in sql-effects.ts. */
const FIXES: Readonly<Record<string, string>> = {
  'drop-column':
    'Stop using the column in this release, and drop it in a file called NAME.contract.sql: it is applied when the rollback window has closed.',
  'drop-table':
    'Stop using the table in this release, and drop it in a file called NAME.contract.sql: it is applied when the rollback window has closed.',
  'rename-column':
    'Add the new column, write both, copy the old values in batches, read the new one; drop the old one later.',
  'rename-table': 'Rename it and create a view of the old name in the same file, or keep the name.',
  'set-not-null':
    'Add a CHECK (column IS NOT NULL) NOT VALID now, and validate it in a later release, when every release in use writes it.',
  'add-required-column': 'Give the column a DEFAULT, or let it be NULL until every release in use writes it.',
  'change-type':
    'Add a column of the new type beside it, write both, copy in batches, and switch reading in a later release.',
  'create-index': 'Write CREATE INDEX CONCURRENTLY, alone in its file.',
  'create-unique-index': 'Write CREATE UNIQUE INDEX CONCURRENTLY, alone in its file.',
  'add-unique':
    'Build the index with CREATE UNIQUE INDEX CONCURRENTLY in one file, then ADD CONSTRAINT … USING INDEX in the next.',
  'add-foreign-key': 'Add it NOT VALID, and VALIDATE CONSTRAINT in the next file.',
  'add-check': 'Add it NOT VALID, and VALIDATE CONSTRAINT in the next file.',
  'add-column': 'Add the column empty or with a constant default, and fill it in batches afterwards.',
  'update-all': 'Change the rows in batches by a job, each batch in a transaction of its own.',
  truncate: 'Leave the rows; delete them in batches when no release that may return reads them.',
  'delete-all': 'Leave the rows; delete them in batches when no release that may return reads them.',
}

const HARMS = {
  destructive: 'Citizens who are served by the running release, or by it again after a rollback, meet an error page.',
  locks: 'Citizens wait while the lock is held, and everybody behind them: pages stand still until the statement ends.',
  'cannot-tell': 'Nobody knows from here whether citizens on the running release would meet errors.',
  data: 'Rows that citizens or caseworkers rely on are changed, and a rollback does not change them back.',
} as const

/**
 * What is wrong with these files under the service's policy, in the order in which they would be applied; of severity `error`: the
 * deployment must not begin. `indexes: 'plain'` is for services whose tables are small enough to be locked for an index. Pure.
 */
export function judgeMigrations(
  files: readonly File[],
  policy: MigrationPolicy,
  indexes: 'concurrently' | 'plain' = 'concurrently',
): readonly Finding[] {
  return upwards(files).flatMap(({ file, sql, migration, effects }) => {
    const phase = phaseOfFile(file)
    if (phase === 'migrate') return judgeBackfill({ file, sql }, policy)
    const judged = effects
      .map((effect) => judge(effect, { policy, indexes }, phase))
      .filter((finding) => finding !== null)
    return [...judged, ...alone(migration, effects)].map((finding) => ({ ...finding, file }))
  })
}

/** False: once these are applied the old release cannot be counted on, so a rollback would not help citizens. Pure. */
export function isReversible(files: readonly File[]): boolean {
  return upwards(files).every(({ effects }) => effects.every(({ kind }) => kind !== 'destructive'))
}

interface File {
  readonly file: string
  readonly sql: string
}

interface Upwards {
  readonly file: string
  readonly sql: string
  readonly migration: Migration
  readonly effects: readonly Effect[]
}

/** What each file does on the way up, by name, leaving out what happens to tables that these files themselves make. */
function upwards(files: readonly File[]): readonly Upwards[] {
  const fresh = new Set<string>()
  const ordered = [...files].sort((a, b) => (a.file < b.file ? -1 : 1))
  return ordered.map(({ file, sql }) => {
    const migration = judgeSql(sql)
    const all = migration.effects.filter(({ statement }) => statement.direction === 'up')
    const effects = all.filter(({ kind, object }) => kind === 'cannot-tell' || !fresh.has(bare(object)))
    for (const { what, object } of all) if (what === 'create-table' && object) fresh.add(bare(object))
    return { file, sql, migration, effects }
  })
}

type Told = Omit<Finding, 'file'>

/** A backfill can be stopped and repeated at any row, or it is none. */
function judgeBackfill(file: File, policy: MigrationPolicy): Finding[] {
  const statement = batchStatement(file, 1)
  const base = { file: file.file, verdict: 'fail', severity: 'error', line: 1, col: 1, cites: PLAYBOOK } as const
  if ('why' in statement) {
    return [
      {
        ...base,
        rule: 'migration-backfill',
        says: statement.why,
        harm: HARMS.locks,
        fix: 'Write one UPDATE, INSERT or DELETE that touches at most :batch rows that are not done yet, for example WHERE id IN (SELECT id … WHERE new IS NULL LIMIT :batch).',
      },
    ]
  }
  if (policy !== 'append-only') return []
  const says = 'It changes rows. This service never changes rows (migrations.policy: append-only).'
  const fix = 'Leave them as they are, or change migrations.policy with whoever set it.'
  return [{ ...base, rule: 'migration-policy', says, harm: HARMS.data, fix }]
}

function judge(effect: Effect, policy: Rules, phase: SchemaPhase): Told | null {
  const { kind, what, line, col, says } = effect
  const base = { line, col, says, fix: FIXES[what] ?? CONTRACT }
  if (kind === 'cannot-tell') {
    const needs = effect.needs ?? 'a person who knows what this statement does'
    const fix = `Find out: ${needs}.`
    return {
      ...base,
      rule: 'migration-cannot-tell',
      verdict: kind,
      // What cannot be read to its end cannot be applied either.
      severity: what === 'unread' ? 'error' : 'warn',
      harm: HARMS[kind],
      cites: PLAYBOOK,
      needs,
      fix,
    }
  }
  // Nobody who needs it is left when a contract file is applied.
  if (kind === 'destructive' && phase === 'contract') return againstPolicy(effect, policy, base)
  if (kind === 'destructive') {
    const severity: Severity = policy.policy === 'breaking-allowed' ? 'warn' : 'error'
    return { ...base, rule: 'migration-destructive', verdict: 'fail', severity, harm: HARMS[kind], cites: PLAYBOOK }
  }
  if (kind === 'locks') {
    const wanted = policy.indexes === 'plain' && /^create-(unique-)?index$/.test(what)
    const severity: Severity = wanted ? 'info' : 'warn'
    return { ...base, rule: 'migration-locks', verdict: 'fail', severity, harm: HARMS[kind], cites: LOCKING }
  }
  return againstPolicy(effect, policy, base)
}

/** What is harmless to the running release, and still not what this service wants. */
function againstPolicy(
  effect: Effect,
  { policy }: Rules,
  base: Pick<Told, 'line' | 'col' | 'says' | 'fix'>,
): Told | null {
  const takesAway = /^(drop|rename)-/.test(effect.what) && effect.what !== 'drop-not-null'
  const changes = effect.kind === 'data' && effect.what !== 'insert'
  const broken =
    (policy === 'additive' && takesAway && 'This service only adds to its schema (migrations.policy: additive).') ||
    (policy === 'append-only' &&
      (takesAway || changes) &&
      'This service never changes rows (migrations.policy: append-only).')
  if (!broken) return null
  const says = `${effect.says} ${broken}`
  const fix = 'Leave it as it is, or change migrations.policy with whoever set it.'
  return {
    ...base,
    says,
    fix,
    rule: 'migration-policy',
    verdict: 'fail',
    severity: 'error',
    harm: HARMS.data,
    cites: PLAYBOOK,
  }
}

/** A file is one transaction. What cannot be in one stands alone, so that a crash leaves nothing half done. */
function alone({ file }: Migration, effects: readonly Effect[]): Told[] {
  const statements = file.statements.filter(({ direction }) => direction === 'up')
  const outside = effects.find((effect) => effect.outsideTransaction)
  const own = effects.find(({ what, statement }) => what === 'transaction' && statement.tokens[0]?.key !== 'SAVEPOINT')
  const at = outside && statements.length > 1 ? outside : own
  if (!at) return []
  const says =
    at === own
      ? 'The file begins or ends transactions by itself, so it cannot be applied together with the record of it.'
      : 'A statement that PostgreSQL refuses inside a transaction stands in one file with others.'
  return [
    {
      rule: 'migration-transaction',
      verdict: 'fail',
      severity: 'error',
      line: at.line,
      col: at.col,
      says,
      harm: 'If it stops in the middle, the schema is left half changed and the deployment cannot be repeated.',
      fix:
        at === own
          ? 'Remove BEGIN and COMMIT: each file is one transaction.'
          : 'Give that statement a file of its own.',
      cites: 'PostgreSQL 18: CREATE INDEX, Building Indexes Concurrently',
    },
  ]
}
