/** Knex, Sequelize, TypeORM and node-pg-migrate migrations: their calls as SQL. */
import { type Arg, CodeReader, type CodeValue, codeTokens, isWord, keyed, literal, positional } from './code.ts'
import { type CodeMigration, columnSql, type Operation, sqlName, sqlType } from './migration-code.ts'
import type { Source } from './node.ts'

/** Never throws. */
export function readJsMigration(src: Source): CodeMigration {
  const tokens = codeTokens(src.text, 'javascript')
  const reader = new Reader(new CodeReader(tokens))
  reader.run()
  const comments = [...src.text.matchAll(/\/\/([^\n]{0,400})|\/\*([\s\S]{0,2000}?)\*\//g)]
    .slice(0, 500)
    .map((match) => ({ text: match[1] ?? match[2] ?? '', at: match.index }))
  // Sequelize opens no transaction by itself.
  const transactional = !/\bqueryInterface\b|\btransaction\s*[:=]\s*false\b|\bnoTransaction\s*\(/.test(src.text)
  return { operations: reader.operations, transactional, comments }
}

const COLUMN_TYPES =
  /^(string|text|integer|bigInteger|bigint|float|decimal|double|boolean|date|datetime|dateTime|timestamp|time|json|jsonb|uuid|binary|enum|enu|smallint|tinyint|increments|bigIncrements|specificType)$/

class Reader {
  readonly operations: Operation[] = []
  private readonly reader: CodeReader
  private direction: 'up' | 'down' = 'up'
  /** The table whose builder is open, and the brace depth at which it was opened. */
  private table: { name: string; fresh: boolean; depth: number } | undefined
  private depth = 0

  constructor(reader: CodeReader) {
    this.reader = reader
  }

  run(): void {
    const { reader } = this
    while (reader.i < reader.tokens.length) {
      const token = reader.peek()!
      reader.i++
      if (token.kind === 'mark') {
        if (token.text === '{') this.depth++
        if (token.text === '}') {
          this.depth--
          if (this.table && this.depth < this.table.depth) this.table = undefined
        }
        continue
      }
      if (token.kind !== 'word') continue
      const method = token.text.replace(/^.*\./, '')
      if (/^(up|down)$/.test(method) && /^[=(:]$/.test(reader.peek()?.text ?? ''))
        this.direction = method as 'up' | 'down'
      // A call, also with TypeScript's type arguments left out.
      if (reader.isMark('(')) this.call(method, token.text, token.at)
    }
  }

  private own(at: number, ...sql: readonly string[]): void {
    for (const one of sql) this.operations.push({ at, direction: this.direction, sql: one })
  }

  private call(method: string, full: string, at: number): void {
    const { reader } = this
    const start = reader.i
    const args = () => {
      reader.i = start + 1
      return reader.args(')')
    }
    if (
      /^(createTable|createTableIfNotExists|alterTable|table|createTableLike)$/.test(method) &&
      /schema|^table$|^alterTable$|^createTable/.test(full)
    ) {
      const name = literal(firstArg(reader, start))
      const fresh = method.startsWith('create')
      if (!name) return
      if (fresh) this.own(at, `CREATE TABLE ${sqlName(name)} (id bigint)`)
      this.table = { name, fresh, depth: this.depth + 1 }
      return
    }
    if (
      this.table &&
      !/^(schema|knex|queryInterface|queryRunner|pgm)\b/.test(full) &&
      /^\w+$/.test(full.replace(/^\w+\./, ''))
    ) {
      const sql = this.column(method, args)
      if (sql) {
        if (!this.table.fresh) this.own(at, ...sql)
        return
      }
      reader.i = start
    }
    const make = Object.hasOwn(CALLS, method) ? CALLS[method] : undefined
    if (!make) return
    if (
      /^(raw|query|sql|update|delete|del|insert|select)$/.test(method) &&
      !/knex|sequelize|queryRunner|pgm|trx|db|schema|client|queryInterface/i.test(full)
    )
      return
    const read = args()
    this.own(at, ...make(read))
  }

  /** A call on a table's builder, with the calls chained to it. */
  private column(method: string, args: () => readonly Arg[]): readonly string[] | undefined {
    const table = sqlName(this.table!.name)
    const alter = `ALTER TABLE ${table}`
    const known =
      COLUMN_TYPES.test(method) ||
      /^(timestamps|dropColumns?|renameColumn|dropTimestamps|index|unique|foreign|references|dropIndex|dropUnique|dropForeign|dropNullable|setNullable|primary|check)$/.test(
        method,
      )
    if (!known) return undefined
    const read = args()
    const chain = this.chain()
    const first = literal(positional(read, 0))
    const names = listed(read)
    if (COLUMN_TYPES.test(method)) {
      if (chain.has('alter')) {
        const changes = [`${alter} ALTER COLUMN ${sqlName(first)} TYPE ${sqlType(method)}`]
        if (chain.has('notNullable')) changes.push(`${alter} ALTER COLUMN ${sqlName(first)} SET NOT NULL`)
        return changes
      }
      const sql = columnSql({
        name: first,
        type: method,
        required: chain.has('notNullable') || chain.has('notNull'),
        fallback: chain.has('defaultTo'),
        unique: chain.has('unique'),
        ...(chain.has('references') ? { references: 'x' } : {}),
      })
      return [
        `${alter} ADD COLUMN ${sql}`,
        ...(chain.has('index') ? [`CREATE INDEX ix ON ${table} (${sqlName(first)})`] : []),
      ]
    }
    switch (method) {
      case 'timestamps':
        return ['created_at', 'updated_at'].map((name) => `${alter} ADD COLUMN ${name} timestamp`)
      case 'dropColumn':
      case 'dropColumns':
        return names.map((name) => `${alter} DROP COLUMN ${name}`)
      case 'dropTimestamps':
        return ['created_at', 'updated_at'].map((name) => `${alter} DROP COLUMN ${name}`)
      case 'renameColumn':
        return [`${alter} RENAME COLUMN ${sqlName(first)} TO ${sqlName(literal(positional(read, 1)))}`]
      case 'index':
        return [`CREATE INDEX ix ON ${table} (${names.join(', ') || 'x'})`]
      case 'unique':
        return [`${alter} ADD CONSTRAINT u UNIQUE (${names.join(', ') || 'x'})`]
      case 'foreign':
        return [`${alter} ADD CONSTRAINT f FOREIGN KEY (${names.join(', ') || 'x'}) REFERENCES x (id)`]
      case 'dropNullable':
        return [`${alter} ALTER COLUMN ${sqlName(first)} SET NOT NULL`]
      case 'setNullable':
        return [`${alter} ALTER COLUMN ${sqlName(first)} DROP NOT NULL`]
      case 'check':
        return [`${alter} ADD CONSTRAINT c CHECK (x > 0)`]
      default:
        return []
    }
  }

  /** Names of the calls chained to the one just read: `.notNullable().defaultTo('x')`. */
  private chain(): ReadonlySet<string> {
    const { reader } = this
    const found = new Set<string>()
    for (let guard = 0; guard < 30; guard++) {
      let ahead = 0
      while (reader.peek(ahead)?.kind === 'line') ahead++
      const [dot, word, open] = [reader.peek(ahead), reader.peek(ahead + 1), reader.peek(ahead + 2)]
      if (dot?.text !== '.' || word?.kind !== 'word' || open?.text !== '(') break
      found.add(word.text)
      reader.i += ahead + 3
      reader.args(')')
    }
    return found
  }
}

function firstArg(reader: CodeReader, start: number): CodeValue | undefined {
  const token = reader.tokens[start + 1]
  return token?.kind === 'string' ? { kind: 'string', text: token.text, args: [], at: token.at } : undefined
}

function listed(args: readonly Arg[]): readonly string[] {
  const first = positional(args, 0)
  const values =
    first?.kind === 'list'
      ? first.args.map((arg) => arg.value)
      : args.filter((arg) => arg.key === undefined).map((arg) => arg.value)
  return values.filter((value) => value.kind === 'string').map((value) => sqlName(literal(value)))
}

const at = (args: readonly Arg[], index: number) => sqlName(literal(positional(args, index)))

/** A column as Sequelize and node-pg-migrate describe it: `{ type, allowNull: false, defaultValue }`. */
function described(name: string, value: CodeValue | undefined): string {
  const args = value?.args ?? []
  return columnSql({
    name,
    type: 'text',
    required:
      isWord(keyed(args, 'allowNull'), 'false') ||
      isWord(keyed(args, 'notNull'), 'true') ||
      isWord(keyed(args, 'isNullable'), 'false'),
    fallback: keyed(args, 'defaultValue', 'default') !== undefined,
    unique: isWord(keyed(args, 'unique'), 'true'),
  })
}

const text = (args: readonly Arg[]): readonly string[] => {
  const first = positional(args, 0)
  if (first?.kind !== 'string') return ['CALL unread()']
  return [first.text.includes('${') ? 'CALL unread()' : first.text]
}

const CALLS: Readonly<Record<string, (args: readonly Arg[]) => readonly string[]>> = {
  dropTable: (args) => [`DROP TABLE ${at(args, 0)}`],
  dropTableIfExists: (args) => [`DROP TABLE IF EXISTS ${at(args, 0)}`],
  renameTable: (args) => [`ALTER TABLE ${at(args, 0)} RENAME TO ${at(args, 1)}`],
  raw: text,
  query: text,
  sql: text,
  addColumn: (args) => [
    `ALTER TABLE ${at(args, 0)} ADD COLUMN ${described(literal(positional(args, 1)), positional(args, 2) ?? positional(args, 1))}`,
  ],
  addColumns: (args) =>
    (positional(args, 1)?.args ?? []).map(
      (arg) => `ALTER TABLE ${at(args, 0)} ADD COLUMN ${described(arg.key ?? '', arg.value)}`,
    ),
  removeColumn: (args) => [`ALTER TABLE ${at(args, 0)} DROP COLUMN ${at(args, 1)}`],
  dropColumn: (args) => [`ALTER TABLE ${at(args, 0)} DROP COLUMN ${at(args, 1)}`],
  dropColumns: (args) => {
    const second = positional(args, 1)
    const names = second?.kind === 'list' ? second.args.map((arg) => literal(arg.value)) : [literal(second)]
    return names.map((name) => `ALTER TABLE ${at(args, 0)} DROP COLUMN ${sqlName(name)}`)
  },
  renameColumn: (args) => [`ALTER TABLE ${at(args, 0)} RENAME COLUMN ${at(args, 1)} TO ${at(args, 2)}`],
  changeColumn: (args) => [
    `ALTER TABLE ${at(args, 0)} ALTER COLUMN ${at(args, 1)} TYPE ${sqlType(keyed(positional(args, 2)?.args ?? [], 'type')?.text ?? '')}`,
    ...(isWord(keyed(positional(args, 2)?.args ?? [], 'allowNull'), 'false')
      ? [`ALTER TABLE ${at(args, 0)} ALTER COLUMN ${at(args, 1)} SET NOT NULL`]
      : []),
  ],
  addIndex: (args) => {
    const options = args.findLast((arg) => arg.value.kind === 'map')?.value.args ?? []
    const concurrently = isWord(keyed(options, 'concurrently'), 'true') ? ' CONCURRENTLY' : ''
    return [
      `CREATE ${isWord(keyed(options, 'unique'), 'true') ? 'UNIQUE ' : ''}INDEX${concurrently} ix ON ${at(args, 0)} (x)`,
    ]
  },
  createIndex: (args) => CALLS.addIndex!(args),
  removeIndex: () => ['DROP INDEX ix'],
  addConstraint: (args) => [`ALTER TABLE ${at(args, 0)} ADD CONSTRAINT c CHECK (x > 0)`],
  removeConstraint: (args) => [`ALTER TABLE ${at(args, 0)} DROP CONSTRAINT c`],
}
