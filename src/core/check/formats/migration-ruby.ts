/** Rails migrations: the calls of ActiveRecord's schema statements, and plain SQL in execute. */
import { type Arg, CodeReader, codeTokens, isWord, keyed, literal, positional } from './code.ts'
import { type CodeMigration, columnSql, type Operation, sqlName, sqlType } from './migration-code.ts'
import type { Source } from './node.ts'

interface Open {
  readonly indent: number
  readonly table?: string
  readonly fresh?: boolean
  readonly direction?: 'up' | 'down'
}

/** Never throws. */
export function readRailsMigration(src: Source): CodeMigration {
  const tokens = codeTokens(src.text, 'ruby')
  const reader = new CodeReader(tokens)
  const operations: Operation[] = []
  const open: Open[] = []
  let direction: 'up' | 'down' = 'up'
  let transactional = true
  while (reader.i < tokens.length) {
    const token = reader.peek()!
    reader.i++
    if (token.kind !== 'word') continue
    if (token.text === 'def') {
      direction = reader.peek()?.text === 'down' ? 'down' : 'up'
      open.length = 0
      continue
    }
    if (token.text === 'end') {
      if (open.at(-1) && open.at(-1)!.indent >= token.indent) open.pop()
      continue
    }
    if (token.text === 'disable_ddl_transaction!') transactional = false
    const here = open.findLast((one) => one.direction !== undefined)?.direction ?? direction
    if (/^\w+\.(up|down)$/.test(token.text) && isBlockNext(reader)) {
      open.push({ indent: token.indent, direction: token.text.endsWith('down') ? 'down' : here })
      continue
    }
    const table = open.findLast((one) => one.table !== undefined)
    const inTable = /^(\w)\.(\w+[?!]?)$/.exec(token.text)
    const known = inTable && table ? `t.${inTable[2]}` : token.text.replace(/^connection\./, '')
    if (!Object.hasOwn(CALLS, known) && !(inTable && table)) {
      const model = DATA.exec(token.text)
      if (model)
        operations.push({
          at: token.at,
          direction: here,
          open: `${token.text} changes rows in code.`,
          needs: `what ${token.text} does to the rows that the running release reads`,
        })
      continue
    }
    const bracket = reader.isMark('(')
    if (bracket) reader.i++
    const args = bracket ? reader.args(')') : reader.bareArgs()
    const isBlock = reader.peek()?.text === 'do'
    const sql = inTable && table ? tableCall(inTable[2]!, table.table!, args) : CALLS[known]!(args)
    if (isBlock && /^(create_table|change_table|create_join_table)$/.test(known))
      open.push({ indent: token.indent, table: literal(positional(args, 0)), fresh: known !== 'change_table' })
    else if (isBlock) open.push({ indent: token.indent })
    // A table's columns are made with it.
    if (inTable && table?.fresh) continue
    for (const statement of sql) operations.push({ at: token.at, direction: here, sql: statement })
  }
  return { operations, transactional, comments: remarks(src) }
}

const DATA =
  /^[A-Z]\w*(?:::\w+)*\.(?:update_all|delete_all|destroy_all|find_each|in_batches|create!?|insert_all!?|upsert_all|connection)$/

function isBlockNext(reader: CodeReader): boolean {
  return reader.peek()?.text === 'do' || reader.isMark('{')
}

function remarks(src: Source): CodeMigration['comments'] {
  return [...src.text.matchAll(/#([^\n]{0,400})/g)].slice(0, 500).map((match) => ({ text: match[1]!, at: match.index }))
}

type Sql = (args: readonly Arg[]) => readonly string[]

const name = (args: readonly Arg[], index: number) => sqlName(literal(positional(args, index)))

/** One column or several: a list, or the names after the table. */
function names(args: readonly Arg[], from: number): readonly string[] {
  const first = positional(args, from)
  if (first?.kind === 'list') return first.args.map((arg) => sqlName(literal(arg.value)))
  return args
    .filter((arg) => arg.key === undefined)
    .slice(from)
    .map((arg) => sqlName(literal(arg.value)))
    .filter((one) => one !== '""')
}

function added(table: string, args: readonly Arg[], column: string, type: string): string {
  const sql = columnSql({
    name: column,
    type: type || 'text',
    required: isWord(keyed(args, 'null'), 'false'),
    fallback: keyed(args, 'default') !== undefined && !isWord(keyed(args, 'default'), 'nil'),
  })
  return `ALTER TABLE ${sqlName(table)} ADD COLUMN ${sql}`
}

function index(table: string, args: readonly Arg[], columns: readonly string[]): string {
  const concurrently = literal(keyed(args, 'algorithm')) === 'concurrently' ? ' CONCURRENTLY' : ''
  const unique = isWord(keyed(args, 'unique'), 'true') ? 'UNIQUE ' : ''
  const called = literal(keyed(args, 'name'))
  return `CREATE ${unique}INDEX${concurrently} ${called ? sqlName(called) : `index_on_${table.replace(/\W/g, '_')}`} ON ${sqlName(table)} (${columns.join(', ') || 'x'})`
}

function reference(table: string, args: readonly Arg[], target: string): readonly string[] {
  const column = `${target}_id`
  const sql = [added(table, args, column, 'bigint')]
  const wanted = keyed(args, 'index')
  const concurrent = wanted?.kind === 'map' && literal(keyed(wanted.args, 'algorithm')) === 'concurrently'
  if (!isWord(wanted, 'false'))
    sql.push(
      `CREATE INDEX${concurrent ? ' CONCURRENTLY' : ''} index_${column} ON ${sqlName(table)} (${sqlName(column)})`,
    )
  const key = keyed(args, 'foreign_key')
  if (key && !isWord(key, 'false'))
    sql.push(foreignKey(table, key.args, `fk_${column}`, column, literal(keyed(key.args, 'to_table')) || `${target}s`))
  return sql
}

function foreignKey(table: string, args: readonly Arg[], called: string, column: string, target: string): string {
  const unchecked = isWord(keyed(args, 'validate'), 'false') ? ' NOT VALID' : ''
  return `ALTER TABLE ${sqlName(table)} ADD CONSTRAINT ${sqlName(called)} FOREIGN KEY (${sqlName(column)}) REFERENCES ${sqlName(target)} (id)${unchecked}`
}

const singular = (table: string) => table.replace(/ies$/, 'y').replace(/s$/, '')

const CALLS: Readonly<Record<string, Sql>> = {
  create_table: (args) => [`CREATE TABLE ${name(args, 0)} (id bigint)`],
  create_join_table: (args) => [`CREATE TABLE ${name(args, 0)}_join (id bigint)`],
  drop_table: (args) => names(args, 0).map((table) => `DROP TABLE ${table}`),
  drop_join_table: (args) => [`DROP TABLE ${name(args, 0)}_join`],
  rename_table: (args) => [`ALTER TABLE ${name(args, 0)} RENAME TO ${name(args, 1)}`],
  change_table: () => [],
  add_column: (args) => [
    added(literal(positional(args, 0)), args, literal(positional(args, 1)), literal(positional(args, 2))),
  ],
  add_columns: (args) =>
    names(args, 1).map((column) => added(literal(positional(args, 0)), args, column, literal(keyed(args, 'type')))),
  add_timestamps: (args) =>
    ['created_at', 'updated_at'].map((column) =>
      added(literal(positional(args, 0)), keyed(args, 'null') ? args : [...args, REQUIRED], column, 'timestamp'),
    ),
  add_reference: (args) => reference(literal(positional(args, 0)), args, literal(positional(args, 1))),
  add_belongs_to: (args) => reference(literal(positional(args, 0)), args, literal(positional(args, 1))),
  remove_column: (args) => [`ALTER TABLE ${name(args, 0)} DROP COLUMN ${name(args, 1)}`],
  remove_columns: (args) => names(args, 1).map((column) => `ALTER TABLE ${name(args, 0)} DROP COLUMN ${column}`),
  remove_timestamps: (args) =>
    ['created_at', 'updated_at'].map((column) => `ALTER TABLE ${name(args, 0)} DROP COLUMN ${column}`),
  remove_reference: (args) => [
    `ALTER TABLE ${name(args, 0)} DROP COLUMN ${sqlName(`${literal(positional(args, 1))}_id`)}`,
  ],
  remove_belongs_to: (args) => [
    `ALTER TABLE ${name(args, 0)} DROP COLUMN ${sqlName(`${literal(positional(args, 1))}_id`)}`,
  ],
  rename_column: (args) => [`ALTER TABLE ${name(args, 0)} RENAME COLUMN ${name(args, 1)} TO ${name(args, 2)}`],
  change_column: (args) => [
    `ALTER TABLE ${name(args, 0)} ALTER COLUMN ${name(args, 1)} TYPE ${sqlType(literal(positional(args, 2)))}`,
    ...(isWord(keyed(args, 'null'), 'false')
      ? [`ALTER TABLE ${name(args, 0)} ALTER COLUMN ${name(args, 1)} SET NOT NULL`]
      : []),
  ],
  change_column_null: (args) => [
    `ALTER TABLE ${name(args, 0)} ALTER COLUMN ${name(args, 1)} ${isWord(positional(args, 2), 'false') ? 'SET' : 'DROP'} NOT NULL`,
  ],
  change_column_default: (args) => [`ALTER TABLE ${name(args, 0)} ALTER COLUMN ${name(args, 1)} SET DEFAULT ''`],
  add_index: (args) => {
    const columns = positional(args, 1)
    return [index(literal(positional(args, 0)), args, columns?.kind === 'list' ? names(args, 1) : [name(args, 1)])]
  },
  remove_index: (args) => [
    `DROP INDEX${literal(keyed(args, 'algorithm')) === 'concurrently' ? ' CONCURRENTLY' : ''} ${sqlName(literal(keyed(args, 'name')) || `index_on_${literal(positional(args, 0))}`)}`,
  ],
  rename_index: (args) => [`ALTER INDEX ${name(args, 1)} RENAME TO ${name(args, 2)}`],
  add_foreign_key: (args) => {
    const target = literal(positional(args, 1))
    const column = literal(keyed(args, 'column')) || `${singular(target)}_id`
    return [foreignKey(literal(positional(args, 0)), args, `fk_${column}`, column, target)]
  },
  remove_foreign_key: (args) => [`ALTER TABLE ${name(args, 0)} DROP CONSTRAINT fk`],
  validate_foreign_key: (args) => [`ALTER TABLE ${name(args, 0)} VALIDATE CONSTRAINT fk`],
  add_check_constraint: (args) => [
    `ALTER TABLE ${name(args, 0)} ADD CONSTRAINT ck CHECK (x > 0)${isWord(keyed(args, 'validate'), 'false') ? ' NOT VALID' : ''}`,
  ],
  validate_check_constraint: (args) => [`ALTER TABLE ${name(args, 0)} VALIDATE CONSTRAINT ck`],
  remove_check_constraint: (args) => [`ALTER TABLE ${name(args, 0)} DROP CONSTRAINT ck`],
  enable_extension: (args) => [`CREATE EXTENSION ${name(args, 0)}`],
  disable_extension: (args) => [`DROP EXTENSION ${name(args, 0)}`],
  execute: (args) => {
    const sql = positional(args, 0)
    return sql?.kind === 'string' ? [sql.text] : ['CALL unread()']
  },
}

const REQUIRED: Arg = { key: 'null', value: { kind: 'word', text: 'false', args: [], at: 0 } }

/** Calls on the block variable of change_table; those of create_table are part of the new table. */
function tableCall(method: string, table: string, args: readonly Arg[]): readonly string[] {
  const own = [{ value: { kind: 'word', text: table, args: [], at: 0 } } as Arg, ...args]
  const renamed: Readonly<Record<string, string>> = {
    remove: 'remove_columns',
    rename: 'rename_column',
    index: 'add_index',
    remove_index: 'remove_index',
    change: 'change_column',
    change_null: 'change_column_null',
    change_default: 'change_column_default',
    references: 'add_reference',
    belongs_to: 'add_belongs_to',
    remove_references: 'remove_reference',
    remove_belongs_to: 'remove_reference',
    timestamps: 'add_timestamps',
    remove_timestamps: 'remove_timestamps',
    foreign_key: 'add_foreign_key',
    check_constraint: 'add_check_constraint',
  }
  const call = Object.hasOwn(renamed, method) ? renamed[method] : undefined
  if (call) return CALLS[call]!(own)
  if (method === 'column') return CALLS.add_column!(own)
  // t.string :a, :b
  return names(args, 0).map((column) => added(table, args, column, method))
}
