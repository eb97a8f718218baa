/**
 * What each statement of a migration does to the release that is running while it is applied, and to a rollback after it.
 *
 *   expand-safe   the running release works on, and the old one works again after a rollback
 *   data          changes rows only (a backfill, a seed)
 *   locks         safe in meaning, but holds a lock that makes citizens wait while the table is read or rewritten
 *   destructive   the running release, or the previous one after a rollback, breaks
 *   cannot-tell   depends on something that is not in this file; `needs` names it
 *
 * Source of the lock levels: PostgreSQL 18 documentation, "ALTER TABLE" and "Explicit Locking".
 */

import type { Lines } from './position.ts'
import { readSql, type SqlFile, type SqlStatement } from './sql.ts'
import { alter } from './sql-alter.ts'
import { Cursor } from './sql-cursor.ts'
import { bare, type Context, type Effect, type EffectKind, renamed, tell, unknown } from './sql-effect.ts'

export interface Migration {
  readonly file: SqlFile
  /** In order of appearance, "up" and "down" alike. */
  readonly effects: readonly Effect[]
  /** The worst of the "up" statements: destructive, then cannot-tell, locks, data, expand-safe. */
  readonly worst: EffectKind
}

const ORDER: readonly EffectKind[] = ['expand-safe', 'data', 'locks', 'cannot-tell', 'destructive']

/** Reads and judges one migration. Pure; never throws on any input. */
export function judgeSql(source: string): Migration {
  const file = readSql(source)
  const fresh = new Set<string>()
  const effects = file.statements.flatMap((statement) => effectsOf(statement, file.lines, fresh))
  const settled = forgiveViews(effects)
  if (file.problem) {
    const { says, line, col } = file.problem
    const statement = { tokens: [], offset: 0, end: 0, direction: 'up' as const, line, col }
    settled.push({
      kind: 'cannot-tell',
      what: 'unread',
      object: '',
      says,
      needs: 'a file that can be read to its end',
      statement,
      line,
      col,
    })
  }
  return { file, effects: settled, worst: worstOf(settled.filter((effect) => effect.statement.direction === 'up')) }
}

/** The worst kind among effects; `expand-safe` for none. */
export function worstOf(effects: readonly Effect[]): EffectKind {
  return effects.reduce<EffectKind>(
    (worst, { kind }) => (ORDER.indexOf(kind) > ORDER.indexOf(worst) ? kind : worst),
    'expand-safe',
  )
}

/** A table renamed and at once replaced by a view of the old name still answers the running release. */
function forgiveViews(effects: readonly Effect[]): Effect[] {
  const views = new Set(effects.filter((effect) => effect.what === 'create-view').map((effect) => bare(effect.object)))
  return effects.map((effect) =>
    effect.what === 'rename-table' && views.has(bare(effect.object))
      ? { ...effect, kind: 'expand-safe', says: `Renames ${effect.object} and leaves a view with the old name.` }
      : effect,
  )
}

function effectsOf(statement: SqlStatement, lines: Lines, fresh: Set<string>): readonly Effect[] {
  const context: Context = { statement, lines, fresh, out: [] }
  const c = new Cursor(statement.tokens)
  const first = c.next()
  const handler = first && HANDLERS[first.key]
  if (handler) handler(c, context)
  else unknown(context, first?.text ?? '')
  return context.out
}

const safe = (what: string, says: string) => (c: Cursor, context: Context) => {
  tell(context, { kind: 'expand-safe', what, object: c.rest(3), says })
}

type Handler = (c: Cursor, context: Context) => undefined

const HANDLERS: Readonly<Record<string, Handler>> = Object.assign(Object.create(null) as Record<string, Handler>, {
  CREATE: create,
  ALTER: alter,
  DROP: drop,
  RENAME: renameTables,
  TRUNCATE: truncate,
  DELETE: deleteRows,
  UPDATE: update,
  INSERT: (c: Cursor, context: Context) => {
    c.skip('INTO')
    const object = c.name()
    tell(context, { kind: 'data', what: 'insert', object, says: `Adds rows to ${object}.` })
  },
  COPY: (c: Cursor, context: Context) => {
    const object = c.name()
    tell(context, { kind: 'data', what: 'insert', object, says: `Adds rows to ${object}.` })
  },
  MERGE: (_: Cursor, context: Context) =>
    tell(context, { kind: 'data', what: 'update', object: '', says: 'Merges rows.' }),
  WITH: withQuery,
  SELECT: select,
  LOCK: (c: Cursor, context: Context) => {
    c.skip('TABLE')
    const object = c.name()
    tell(context, { kind: 'locks', what: 'lock-table', object, says: `Locks ${object} until the transaction ends.` })
  },
  VACUUM: (c: Cursor, context: Context) => {
    const full = c.has('FULL')
    tell(context, {
      kind: full ? 'locks' : 'expand-safe',
      what: 'vacuum',
      object: '',
      says: full ? 'Rewrites the table while nobody may read it.' : 'Tidies without blocking.',
      outsideTransaction: true,
    })
  },
  CLUSTER: (c: Cursor, context: Context) =>
    tell(context, {
      kind: 'locks',
      what: 'cluster',
      object: c.name(),
      says: 'Rewrites the table while nobody may read it.',
    }),
  REINDEX: (c: Cursor, context: Context) => {
    const concurrently = c.has('CONCURRENTLY')
    tell(context, {
      kind: concurrently ? 'expand-safe' : 'locks',
      what: 'reindex',
      object: c.rest(3),
      says: concurrently ? 'Rebuilds an index while writes go on.' : 'Blocks writes while an index is rebuilt.',
      outsideTransaction: concurrently,
    })
  },
  REFRESH: (c: Cursor, context: Context) => {
    const concurrently = c.has('CONCURRENTLY')
    const says = concurrently
      ? 'Refreshes a view while it is read.'
      : 'Blocks readers of the view while it is refreshed.'
    tell(context, { kind: concurrently ? 'expand-safe' : 'locks', what: 'refresh-view', object: '', says })
  },
  REVOKE: (c: Cursor, context: Context) =>
    tell(context, {
      kind: 'cannot-tell',
      what: 'revoke',
      object: c.rest(6),
      says: 'Takes a right away.',
      needs: 'whether the running release uses that right',
    }),
  DO: (_: Cursor, context: Context) =>
    tell(context, {
      kind: 'cannot-tell',
      what: 'do-block',
      object: '',
      says: 'Runs code whose statements are not visible from here.',
      needs: 'the same change as plain statements',
    }),
  CALL: (c: Cursor, context: Context) =>
    tell(context, {
      kind: 'cannot-tell',
      what: 'call',
      object: c.name(),
      says: 'Calls a procedure.',
      needs: 'what the procedure does',
    }),
  EXEC: exec,
  EXECUTE: exec,
  GRANT: safe('grant', 'Gives a right.'),
  COMMENT: safe('comment', 'Writes a description.'),
  ANALYZE: safe('analyze', 'Gathers statistics without blocking.'),
  SET: safe('setting', 'Changes a setting of this session.'),
  RESET: safe('setting', 'Changes a setting of this session.'),
  SHOW: safe('setting', 'Reads a setting.'),
  USE: safe('setting', 'Chooses a database.'),
  BEGIN: safe('transaction', 'Controls the transaction.'),
  START: safe('transaction', 'Controls the transaction.'),
  COMMIT: safe('transaction', 'Controls the transaction.'),
  END: safe('transaction', 'Controls the transaction.'),
  ROLLBACK: safe('transaction', 'Controls the transaction.'),
  SAVEPOINT: safe('transaction', 'Controls the transaction.'),
  RELEASE: safe('transaction', 'Controls the transaction.'),
  NOTIFY: safe('notify', 'Sends a notification.'),
  EXPLAIN: safe('explain', 'Explains a query.'),
})

function exec(c: Cursor, context: Context): undefined {
  const name = c.name()
  if (bare(name) === 'sp_rename')
    tell(context, {
      kind: 'destructive',
      what: 'rename',
      object: c.rest(3),
      says: 'Renames something the running release uses.',
    })
  else tell(context, { kind: 'cannot-tell', what: 'call', object: name, says: `Runs ${name}.`, needs: 'what it does' })
}

function select(c: Cursor, context: Context): undefined {
  const calls = c
    .calls()
    .filter(
      (name) =>
        !/^(pg_catalog\.)?(set_config|setval|nextval|currval|count|now|coalesce|max|min|pg_advisory\w*)$/i.test(name),
    )
  if (c.has('INTO'))
    return tell(context, { kind: 'expand-safe', what: 'create-table', object: '', says: 'Stores a query result.' })
  if (calls.length === 0) return tell(context, { kind: 'expand-safe', what: 'select', object: '', says: 'Reads rows.' })
  const called = calls.slice(0, 3).join(', ')
  tell(context, {
    kind: 'cannot-tell',
    what: 'call',
    object: called,
    says: `Calls ${called}.`,
    needs: `what ${called} does`,
  })
}

function withQuery(c: Cursor, context: Context): undefined {
  if (c.has('DELETE') || c.has('UPDATE'))
    tell(context, { kind: 'data', what: 'update', object: '', says: 'Changes rows that a query picks.' })
  else
    tell(context, {
      kind: c.has('INSERT') ? 'data' : 'expand-safe',
      what: 'insert',
      object: '',
      says: 'Reads or adds rows.',
    })
}

function truncate(c: Cursor, context: Context): undefined {
  c.skip('TABLE')
  c.skip('ONLY')
  const object = c.name()
  tell(context, {
    kind: 'destructive',
    what: 'truncate',
    object,
    says: `Empties ${object}; a rollback cannot bring the rows back.`,
  })
}

function deleteRows(c: Cursor, context: Context): undefined {
  c.skip('FROM')
  c.skip('ONLY')
  const object = c.name()
  if (!c.has('WHERE'))
    return tell(context, {
      kind: 'destructive',
      what: 'delete-all',
      object,
      says: `Deletes every row of ${object}; a rollback cannot bring them back.`,
    })
  const needs = `whether the running release still reads the deleted rows of ${object}, and whether they can be restored`
  tell(context, { kind: 'cannot-tell', what: 'delete-some', object, says: `Deletes rows of ${object}.`, needs })
}

function update(c: Cursor, context: Context): undefined {
  c.skip('ONLY')
  const object = c.name()
  const part = c.after('SET')
  const more = part ? { part } : {}
  if (c.has('WHERE'))
    return tell(context, { kind: 'data', what: 'update', object, ...more, says: `Changes some rows of ${object}.` })
  const says = `Changes every row of ${object} in one statement; each row stays locked until it commits.`
  tell(context, { kind: 'locks', what: 'update-all', object, ...more, says })
}

function create(c: Cursor, context: Context): undefined {
  const replaces = c.skip('OR', 'REPLACE')
  c.skipAny('TEMP', 'TEMPORARY', 'UNLOGGED', 'GLOBAL', 'LOCAL', 'FOREIGN', 'EXTERNAL')
  const unique = c.skip('UNIQUE')
  c.skipAny('CLUSTERED', 'NONCLUSTERED', 'FULLTEXT', 'SPATIAL', 'RECURSIVE', 'CONSTRAINT')
  const materialized = c.skip('MATERIALIZED')
  const noun = c.next()?.key ?? ''
  if (noun === 'TABLE') return createTable(c, context)
  if (noun === 'INDEX') return createIndex(c, context, unique)
  if (noun === 'VIEW') {
    c.skip('IF', 'NOT', 'EXISTS')
    const object = c.name()
    return tell(context, {
      kind: 'expand-safe',
      what: materialized ? 'create-materialized-view' : 'create-view',
      object,
      says: `Creates the view ${object}.`,
    })
  }
  if (noun === 'FUNCTION' || noun === 'PROCEDURE') {
    const object = c.name()
    if (!replaces)
      return tell(context, { kind: 'expand-safe', what: 'create-function', object, says: `Creates ${object}.` })
    const needs = `whether the running release relies on what ${object} did before`
    return tell(context, {
      kind: 'cannot-tell',
      what: 'replace-function',
      object,
      says: `Replaces ${object} if it exists.`,
      needs,
    })
  }
  if (noun === 'TRIGGER' || noun === 'RULE' || noun === 'POLICY') {
    const part = c.name()
    const object = c.after('ON') ?? ''
    const needs = `whether writes of the running release to ${object || 'the table'} still succeed with it`
    return tell(context, {
      kind: 'cannot-tell',
      what: `create-${noun.toLowerCase()}`,
      object,
      part,
      says: `Adds ${part}, which acts on every write.`,
      needs,
    })
  }
  if (
    /^(TYPE|SCHEMA|SEQUENCE|EXTENSION|DOMAIN|ROLE|USER|DATABASE|STATISTICS|COLLATION|AGGREGATE|CAST|OPERATOR|SERVER|PUBLICATION)$/.test(
      noun,
    )
  ) {
    c.skip('IF', 'NOT', 'EXISTS')
    const object = c.name()
    context.fresh.add(bare(object))
    return tell(context, {
      kind: 'expand-safe',
      what: `create-${noun.toLowerCase()}`,
      object,
      says: `Creates ${object}.`,
    })
  }
  unknown(context, `CREATE ${noun}`)
}

function createTable(c: Cursor, context: Context): undefined {
  c.skip('IF', 'NOT', 'EXISTS')
  const object = c.name()
  context.fresh.add(bare(object))
  tell(context, { kind: 'expand-safe', what: 'create-table', object, says: `Creates the table ${object}.` })
}

function createIndex(c: Cursor, context: Context, unique: boolean): undefined {
  const concurrently = c.skip('CONCURRENTLY')
  c.skip('IF', 'NOT', 'EXISTS')
  const part = c.peek()?.key === 'ON' ? '' : c.name()
  const object = c.after('ON') ?? ''
  // MySQL's and SQL Server's ways of saying the same.
  const online =
    concurrently || c.hasPair('LOCK', 'NONE') || c.hasPair('ALGORITHM', 'INPLACE') || c.hasPair('ONLINE', 'ON')
  const what = unique ? 'create-unique-index' : 'create-index'
  const base = { what, object, ...(part ? { part } : {}) }
  if (online)
    return tell(context, {
      ...base,
      kind: 'expand-safe',
      says: `Builds an index on ${object} while writes go on.`,
      ...(concurrently ? { outsideTransaction: true } : {}),
    })
  tell(context, { ...base, kind: 'locks', says: `Every write to ${object} waits until the index is built.` })
}

const DROPPED: Readonly<Record<string, string>> = {
  TABLE: 'table',
  VIEW: 'view',
  SCHEMA: 'schema',
  TYPE: 'type',
  SEQUENCE: 'sequence',
  FUNCTION: 'function',
  PROCEDURE: 'procedure',
  EXTENSION: 'extension',
  DATABASE: 'database',
  DOMAIN: 'domain',
  AGGREGATE: 'aggregate',
  ROLE: 'role',
  USER: 'user',
  COLUMN: 'column',
}

function drop(c: Cursor, context: Context): undefined {
  c.skipAny('MATERIALIZED', 'FOREIGN', 'TEMPORARY')
  const noun = c.next()?.key ?? ''
  const concurrently = c.skip('CONCURRENTLY')
  c.skip('IF', 'EXISTS')
  if (noun === 'INDEX') {
    const part = c.name()
    const object = c.after('ON') ?? part
    const says = concurrently
      ? `Drops the index ${part} while queries go on.`
      : `Blocks the table for a moment while ${part} is dropped, behind any long query.`
    return tell(context, {
      kind: concurrently ? 'expand-safe' : 'locks',
      what: 'drop-index',
      object,
      part,
      says,
      ...(concurrently ? { outsideTransaction: true } : {}),
    })
  }
  if (noun === 'TRIGGER' || noun === 'POLICY' || noun === 'RULE') {
    const part = c.name()
    const object = c.after('ON') ?? ''
    const needs = `whether the running release relies on ${part}`
    return tell(context, {
      kind: 'cannot-tell',
      what: `drop-${noun.toLowerCase()}`,
      object,
      part,
      says: `Drops ${part}.`,
      needs,
    })
  }
  const kind = DROPPED[noun]
  if (!kind) return unknown(context, `DROP ${noun}`)
  do {
    const object = c.name()
    tell(context, {
      kind: 'destructive',
      what: `drop-${kind}`,
      object,
      says: `Drops the ${kind} ${object}; a rollback cannot bring it back.`,
    })
    c.skipParentheses()
  } while (c.skip(','))
}

function renameTables(c: Cursor, context: Context): undefined {
  c.skip('TABLE')
  do {
    const object = c.name()
    c.skip('TO')
    renamed(context, 'rename-table', object, undefined, c.name())
  } while (c.skip(','))
}
