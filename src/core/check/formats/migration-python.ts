/** Alembic and Django migrations: their operations as SQL. */
import { type Arg, CodeReader, type CodeValue, codeTokens, isWord, keyed, literal, positional } from './code.ts'
import { type CodeMigration, columnSql, type Operation, sqlName, sqlType } from './migration-code.ts'
import type { Source } from './node.ts'

/** Never throws. `app` of a Django migration is the folder above `migrations`, and part of its tables' names. */
export function readPythonMigration(src: Source): CodeMigration {
  const isDjango = /\bmigrations\.Migration\b/.test(src.text)
  return isDjango ? django(src) : alembic(src)
}

function remarks(src: Source): CodeMigration['comments'] {
  const docs = /"""([\s\S]{0,2000}?)"""/.exec(src.text)
  const lines = [...src.text.matchAll(/#([^\n]{0,400})/g)]
    .slice(0, 500)
    .map((match) => ({ text: match[1]!, at: match.index }))
  return docs ? [{ text: docs[1]!, at: docs.index }, ...lines] : lines
}

// ── Alembic ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function alembic(src: Source): CodeMigration {
  const tokens = codeTokens(src.text, 'python')
  const reader = new CodeReader(tokens)
  const operations: Operation[] = []
  let direction: 'up' | 'down' | undefined
  let transactional = true
  let batch: { readonly name: string; readonly table: string } | undefined
  while (reader.i < tokens.length) {
    const token = reader.peek()!
    reader.i++
    if (token.kind !== 'word') continue
    if (token.text === 'def') {
      const name = reader.peek()?.text
      direction = name === 'upgrade' ? 'up' : name === 'downgrade' ? 'down' : undefined
      continue
    }
    if (direction === undefined) continue
    if (/autocommit_block$/.test(token.text) && direction === 'up') transactional = false
    if (!reader.isMark('(')) continue
    const [owner = '', method = ''] = token.text.split('.')
    if (owner !== 'op' && owner !== batch?.name) continue
    reader.i++
    const args = reader.args(')')
    if (method === 'batch_alter_table') {
      batch = {
        table: literal(positional(args, 0)),
        name: reader.peek()?.text === 'as' ? (reader.peek(1)?.text ?? '') : '',
      }
      continue
    }
    const own: readonly Arg[] = owner === 'op' || !batch ? args : withTable(method, batch.table, args)
    const sql = Object.hasOwn(ALEMBIC, method) ? ALEMBIC[method]!(own) : undefined
    if (sql) for (const statement of sql) operations.push({ at: token.at, direction, sql: statement })
    else if (!/^(get_bind|get_context|f|batch_create)$/.test(method))
      operations.push({
        at: token.at,
        direction,
        open: `${token.text} is an operation that we do not know.`,
        needs: `the SQL of ${token.text} ("alembic upgrade --sql")`,
      })
  }
  return { operations, transactional, comments: remarks(src) }
}

/** In a batch the table is said once; constraints and indexes name themselves first. */
function withTable(method: string, table: string, args: readonly Arg[]): readonly Arg[] {
  const own: Arg = { value: { kind: 'string', text: table, args: [], at: 0 } }
  const second = /^(create_(index|foreign_key|unique_constraint|check_constraint)|drop_(constraint|index))$/.test(
    method,
  )
  return second ? [args[0] ?? own, own, ...args.slice(1)] : [own, ...args]
}

const name = (args: readonly Arg[], index: number, ...keys: string[]) =>
  sqlName(literal(keyed(args, ...keys) ?? positional(args, index)))

function column(value: CodeValue | undefined): string {
  const args = value?.args ?? []
  const fallback = keyed(args, 'server_default')
  return columnSql({
    name: literal(positional(args, 0)),
    type: 'text',
    required: isWord(keyed(args, 'nullable'), 'False'),
    fallback: fallback !== undefined && !isWord(fallback, 'None'),
    unique: isWord(keyed(args, 'unique'), 'True'),
    ...(args.some((arg) => /ForeignKey$/.test(arg.value.text)) ? { references: 'x' } : {}),
  })
}

function list(value: CodeValue | undefined): string {
  return (
    (value?.args ?? [])
      .map((arg) => sqlName(literal(arg.value)))
      .filter((one) => one !== '""')
      .join(', ') || 'x'
  )
}

/** The text of a statement: a string, or a string inside `sa.text(…)`. */
function statement(value: CodeValue | undefined): string {
  if (value?.kind === 'string') return value.text
  const inner = value?.kind === 'call' && /text$/.test(value.text) ? positional(value.args, 0) : undefined
  return inner?.kind === 'string' ? inner.text : 'CALL unread()'
}

const ALEMBIC: Readonly<Record<string, (args: readonly Arg[]) => readonly string[]>> = {
  add_column: (args) => [
    `ALTER TABLE ${name(args, 0, 'table_name')} ADD COLUMN ${column(positional(args, 1) ?? keyed(args, 'column'))}`,
  ],
  drop_column: (args) => [`ALTER TABLE ${name(args, 0, 'table_name')} DROP COLUMN ${name(args, 1, 'column_name')}`],
  create_table: (args) => [`CREATE TABLE ${name(args, 0)} (id bigint)`],
  drop_table: (args) => [`DROP TABLE ${name(args, 0)}`],
  rename_table: (args) => [`ALTER TABLE ${name(args, 0)} RENAME TO ${name(args, 1)}`],
  alter_column: (args) => {
    const table = `ALTER TABLE ${name(args, 0, 'table_name')}`
    const own = name(args, 1, 'column_name')
    const nullable = keyed(args, 'nullable')
    const renamed = literal(keyed(args, 'new_column_name'))
    const sql: string[] = []
    if (renamed) sql.push(`${table} RENAME COLUMN ${own} TO ${sqlName(renamed)}`)
    const type = keyed(args, 'type_')
    if (type) sql.push(`${table} ALTER COLUMN ${own} TYPE ${sqlType(type.text)}`)
    if (isWord(nullable, 'False')) sql.push(`${table} ALTER COLUMN ${own} SET NOT NULL`)
    if (isWord(nullable, 'True')) sql.push(`${table} ALTER COLUMN ${own} DROP NOT NULL`)
    const fallback = keyed(args, 'server_default')
    if (fallback)
      sql.push(`${table} ALTER COLUMN ${own} ${isWord(fallback, 'None', 'False') ? 'DROP DEFAULT' : "SET DEFAULT ''"}`)
    return sql
  },
  create_index: (args) => {
    const concurrently = isWord(keyed(args, 'postgresql_concurrently'), 'True') ? ' CONCURRENTLY' : ''
    const unique = isWord(keyed(args, 'unique'), 'True') ? 'UNIQUE ' : ''
    return [
      `CREATE ${unique}INDEX${concurrently} ${name(args, 0)} ON ${name(args, 1, 'table_name')} (${list(positional(args, 2))})`,
    ]
  },
  drop_index: (args) => [
    `DROP INDEX${isWord(keyed(args, 'postgresql_concurrently'), 'True') ? ' CONCURRENTLY' : ''} ${name(args, 0)}`,
  ],
  create_foreign_key: (args) => [
    `ALTER TABLE ${name(args, 1, 'source_table')} ADD CONSTRAINT ${name(args, 0)} FOREIGN KEY (${list(positional(args, 3))}) REFERENCES ${name(args, 2, 'referent_table')} (id)${isWord(keyed(args, 'postgresql_not_valid'), 'True') ? ' NOT VALID' : ''}`,
  ],
  create_unique_constraint: (args) => [
    `ALTER TABLE ${name(args, 1)} ADD CONSTRAINT ${name(args, 0)} UNIQUE (${list(positional(args, 2))})`,
  ],
  create_check_constraint: (args) => [`ALTER TABLE ${name(args, 1)} ADD CONSTRAINT ${name(args, 0)} CHECK (x > 0)`],
  create_primary_key: (args) => [
    `ALTER TABLE ${name(args, 1)} ADD CONSTRAINT ${name(args, 0)} PRIMARY KEY (${list(positional(args, 2))})`,
  ],
  drop_constraint: (args) => [`ALTER TABLE ${name(args, 1, 'table_name')} DROP CONSTRAINT ${name(args, 0)}`],
  execute: (args) => [statement(positional(args, 0) ?? keyed(args, 'sqltext'))],
  bulk_insert: () => ['INSERT INTO x VALUES (1)'],
}

// ── Django ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function django(src: Source): CodeMigration {
  const tokens = codeTokens(src.text, 'python')
  const reader = new CodeReader(tokens)
  const parts = src.file.split('/')
  const app = parts[parts.lastIndexOf('migrations') - 1] ?? ''
  const operations: Operation[] = []
  let transactional = true
  while (reader.i < tokens.length) {
    const token = reader.peek()!
    reader.i++
    if (token.kind !== 'word') continue
    if (token.text === 'atomic' && reader.isMark('=') && reader.peek(1)?.text === 'False') transactional = false
    if (token.text !== 'operations' || !reader.isMark('=') || reader.peek(1)?.text !== '[') continue
    reader.i += 2
    for (const { value } of reader.args(']')) djangoOperation(value, app, operations, 0)
  }
  return { operations, transactional, comments: remarks(src) }
}

function djangoOperation(value: CodeValue, app: string, out: Operation[], depth: number): void {
  const kind = value.text.replace(/^.*\./, '')
  const { args, at } = value
  const own = (sql: string) => out.push({ at, direction: 'up', sql })
  const table = (key: string) => sqlName(`${app}_${literal(keyed(args, key) ?? positional(args, 0)).toLowerCase()}`)
  const fieldName = (key: string, field: CodeValue | undefined) => {
    const written = literal(keyed(args, key) ?? positional(args, 1))
    return sqlName(/(ForeignKey|OneToOneField)$/.test(field?.text ?? '') ? `${written}_id` : written)
  }
  const open = (why: string) =>
    out.push({ at, direction: 'up', open: why, needs: `the SQL of this operation ("manage.py sqlmigrate ${app} …")` })
  switch (kind) {
    case 'SeparateDatabaseAndState': {
      const inner = keyed(args, 'database_operations')
      if (depth < 5) for (const arg of inner?.args ?? []) djangoOperation(arg.value, app, out, depth + 1)
      return
    }
    case 'CreateModel':
      return void own(`CREATE TABLE ${table('name')} (id bigint)`)
    case 'DeleteModel':
      return void own(`DROP TABLE ${table('name')}`)
    case 'RenameModel':
      return void own(
        `ALTER TABLE ${table('old_name')} RENAME TO ${sqlName(`${app}_${literal(keyed(args, 'new_name') ?? positional(args, 1)).toLowerCase()}`)}`,
      )
    case 'AlterModelTable':
      return void own(
        `ALTER TABLE ${table('name')} RENAME TO ${sqlName(literal(keyed(args, 'table') ?? positional(args, 1)) || 'x')}`,
      )
    case 'AddField':
      return void addField(keyed(args, 'field') ?? positional(args, 2), table('model_name'), fieldName, own)
    case 'RemoveField':
      return void own(`ALTER TABLE ${table('model_name')} DROP COLUMN ${fieldName('name', undefined)}`)
    case 'RenameField':
      return void own(
        `ALTER TABLE ${table('model_name')} RENAME COLUMN ${fieldName('old_name', undefined)} TO ${sqlName(literal(keyed(args, 'new_name') ?? positional(args, 2)))}`,
      )
    case 'AlterField':
      return void open(
        `The field ${fieldName('name', undefined)} is altered; whether that narrows it depends on what it was.`,
      )
    case 'AddIndex':
    case 'AddIndexConcurrently':
      return void own(
        `CREATE INDEX${kind.endsWith('Concurrently') ? ' CONCURRENTLY' : ''} ix ON ${table('model_name')} (x)`,
      )
    case 'RemoveIndex':
    case 'RemoveIndexConcurrently':
      return void own(`DROP INDEX${kind.endsWith('Concurrently') ? ' CONCURRENTLY' : ''} ix`)
    case 'AddConstraint':
    case 'AddConstraintNotValid': {
      const unchecked = kind.endsWith('NotValid') ? ' NOT VALID' : ''
      const unique = /UniqueConstraint$/.test((keyed(args, 'constraint') ?? positional(args, 1))?.text ?? '')
      return void own(
        `ALTER TABLE ${table('model_name')} ADD CONSTRAINT c ${unique ? 'UNIQUE (x)' : `CHECK (x > 0)${unchecked}`}`,
      )
    }
    case 'RemoveConstraint':
      return void own(`ALTER TABLE ${table('model_name')} DROP CONSTRAINT c`)
    case 'ValidateConstraint':
      return void own(`ALTER TABLE ${table('model_name')} VALIDATE CONSTRAINT c`)
    case 'AlterUniqueTogether':
      return void own(`ALTER TABLE ${table('name')} ADD CONSTRAINT c UNIQUE (x)`)
    case 'RunSQL': {
      const sql = keyed(args, 'sql') ?? positional(args, 0)
      if (sql?.kind === 'string') own(sql.text)
      else open('This SQL is put together in code.')
      const back = keyed(args, 'reverse_sql') ?? positional(args, 1)
      if (back?.kind === 'string' && back.text.trim()) out.push({ at, direction: 'down', sql: back.text })
      return
    }
    case 'RunPython':
      return void open(`${literal(keyed(args, 'code') ?? positional(args, 0)) || 'Code'} runs on the rows.`)
    case 'AlterModelOptions':
    case 'AlterModelManagers':
    case 'AlterOrderWithRespectTo':
    case 'AlterIndexTogether':
    case 'RenameIndex':
    case 'AlterModelTableComment':
      return
    default:
      if (/Extension$/.test(kind)) own('CREATE EXTENSION x')
      else if (value.kind === 'call') open(`${value.text.slice(0, 80)} is an operation that we do not know.`)
  }
}

function addField(
  field: CodeValue | undefined,
  table: string,
  fieldName: (key: string, field: CodeValue | undefined) => string,
  own: (sql: string) => void,
): void {
  const type = field?.text.replace(/^.*\./, '') ?? ''
  const args = field?.args ?? []
  if (type === 'ManyToManyField') return own(`CREATE TABLE ${table}_through (id bigint)`)
  // Django fills the rows that are there, and then drops the default: the running release cannot insert any more.
  const required = !isWord(keyed(args, 'null'), 'True')
  const sql = columnSql({
    name: fieldName('name', field).replace(/"/g, ''),
    type: 'text',
    required,
    fallback: keyed(args, 'db_default') !== undefined,
  })
  own(`ALTER TABLE ${table} ADD COLUMN ${sql}`)
}
