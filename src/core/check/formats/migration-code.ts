/**
 * Migrations written in code (Rails, Alembic, Django, Knex, Sequelize, TypeORM) and Liquibase changelogs, as the SQL that their
 * operations stand for, so that one judge decides about all. An operation that is not known is an effect we cannot tell.
 */
import type { Problem, Source } from './node.ts'
import type { SqlComment, SqlStatement } from './sql.ts'
import type { Effect } from './sql-effect.ts'
import { judgeSql, type Migration, worstOf } from './sql-effects.ts'

/** One operation: the SQL it stands for, or the words that name what we do not know. */
export type Operation = {
  readonly at: number
  readonly direction: 'up' | 'down'
} & ({ readonly sql: string } | { readonly open: string; readonly needs: string })

export interface CodeMigration {
  readonly operations: readonly Operation[]
  /** False when the migration runs outside a transaction. */
  readonly transactional: boolean
  /** Comments and descriptions, where "contract phase" may be said. */
  readonly comments: readonly { readonly text: string; readonly at: number }[]
  readonly problems?: readonly Problem[]
}

const OPERATIONS_MAX = 5_000

/** Judges the operations of one file. Places are those of the operations, not of the SQL that stands for them. */
export function judgeOperations(src: Source, migration: CodeMigration): Migration {
  const operations = migration.operations.slice(0, OPERATIONS_MAX)
  const effects = [...judged(src, operations, 'up'), ...judged(src, operations, 'down')]
  const comments: SqlComment[] = migration.comments
    .slice(0, 1_000)
    .map(({ text, at }) => ({ text, ...src.lines.placeOf(at) }))
  const statements = effects.map((effect) => effect.statement)
  return {
    file: { statements, comments, transactional: migration.transactional, lines: src.lines },
    effects,
    worst: worstOf(effects.filter((effect) => effect.statement.direction === 'up')),
  }
}

function judged(src: Source, operations: readonly Operation[], direction: 'up' | 'down'): readonly Effect[] {
  const own = operations.filter((operation) => operation.direction === direction)
  // All SQL of one direction is judged together: what is created first holds no rows when it is changed later.
  const owners: Operation[] = []
  const parts: string[] = []
  for (const operation of own) {
    if (!('sql' in operation)) continue
    const lines = operation.sql.trim().replace(/;+$/, '').split('\n')
    for (const _ of lines) owners.push(operation)
    parts.push(`${lines.join('\n')};`)
  }
  const found = judgeSql(parts.join('\n')).effects.map((effect) => {
    const operation = owners[Math.min(effect.line, owners.length) - 1]
    return operation ? placed(src, effect, operation) : effect
  })
  const open = own.flatMap((operation) => ('open' in operation ? [openEffect(src, operation)] : []))
  return [...found, ...open].sort((a, b) => a.line - b.line || a.col - b.col)
}

function placed(src: Source, effect: Effect, { at, direction }: Operation): Effect {
  const place = src.lines.placeOf(at)
  return { ...effect, ...place, statement: { ...effect.statement, ...place, offset: at, end: at, direction } }
}

function openEffect(src: Source, operation: Operation & { readonly open: string; readonly needs: string }): Effect {
  const place = src.lines.placeOf(operation.at)
  const statement: SqlStatement = {
    tokens: [],
    offset: operation.at,
    end: operation.at,
    direction: operation.direction,
    ...place,
  }
  return {
    kind: 'cannot-tell',
    what: 'unknown',
    object: '',
    says: operation.open,
    needs: operation.needs,
    statement,
    ...place,
  }
}

/** A name as SQL takes it; anything that is no plain name becomes a quoted one. */
export function sqlName(name: string): string {
  return /^[A-Za-z_][\w.]*$/.test(name) ? name : `"${name.replace(/["\n]/g, '').slice(0, 120)}"`
}

/** A column for ADD COLUMN or CREATE TABLE. */
export function columnSql(column: {
  readonly name: string
  readonly type: string
  readonly required?: boolean
  readonly fallback?: boolean
  readonly unique?: boolean
  readonly references?: string
}): string {
  const type = sqlType(column.type)
  return [
    `${sqlName(column.name)} ${type}`,
    column.fallback ? "DEFAULT ''" : '',
    column.required ? 'NOT NULL' : '',
    column.unique ? 'UNIQUE' : '',
    column.references ? `REFERENCES ${sqlName(column.references)}` : '',
  ]
    .filter(Boolean)
    .join(' ')
}

/** A framework's word for a type as PostgreSQL calls it; an unknown one as it is. */
export function sqlType(word: string): string {
  const known: Readonly<Record<string, string>> = {
    string: 'varchar',
    text: 'text',
    integer: 'integer',
    biginteger: 'bigint',
    bigint: 'bigint',
    smallinteger: 'smallint',
    boolean: 'boolean',
    datetime: 'timestamp',
    timestamp: 'timestamp',
    float: 'real',
    double: 'double precision',
    decimal: 'numeric',
    numeric: 'numeric',
    json: 'json',
    jsonb: 'jsonb',
    uuid: 'uuid',
    binary: 'bytea',
    largebinary: 'bytea',
    date: 'date',
    unicode: 'varchar',
  }
  const plain = word.replace(/^.*\./, '').replace(/\(.*$/, '').toLowerCase()
  return known[plain] ?? (/^[a-z][\w ]*$/.test(plain) ? plain : 'unknown_type')
}
