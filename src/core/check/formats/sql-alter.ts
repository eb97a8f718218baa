/** ALTER …: what each action of it does to the running release. The kinds are explained in sql-effects.ts. */
import type { Cursor } from './sql-cursor.ts'
import { bare, type Context, renamed, type Told, tell, unknown } from './sql-effect.ts'

export function alter(c: Cursor, context: Context): undefined {
  c.skipAny('MATERIALIZED', 'FOREIGN')
  const noun = c.next()?.key ?? ''
  c.skip('IF', 'EXISTS')
  if (noun === 'TABLE') return alterTable(c, context)
  const object = c.name()
  if (c.skip('RENAME')) {
    if (noun === 'INDEX')
      return tell(context, { kind: 'expand-safe', what: 'rename-index', object, says: 'Renames an index.' })
    const column = c.skip('COLUMN') || c.skip('VALUE') || c.skip('ATTRIBUTE')
    const part = column || c.peek()?.key !== 'TO' ? c.word() : undefined
    c.skip('TO')
    return renamed(context, part === undefined ? `rename-${noun.toLowerCase()}` : 'rename-part', object, part, c.word())
  }
  if (noun === 'TYPE' && c.skip('ADD'))
    return tell(context, {
      kind: 'expand-safe',
      what: 'add-enum-value',
      object,
      says: `Adds a value to ${object}; it cannot be removed again.`,
    })
  if (/^(SEQUENCE|ROLE|USER|DATABASE|SYSTEM|DEFAULT|FUNCTION|INDEX|PUBLICATION)$/.test(noun))
    return tell(context, {
      kind: 'expand-safe',
      what: `alter-${noun.toLowerCase()}`,
      object,
      says: 'Changes a setting.',
    })
  if (noun === 'VIEW' || noun === 'SCHEMA' || noun === 'TYPE' || noun === 'DOMAIN') {
    const needs = `whether the running release depends on ${object} as it was`
    return tell(context, {
      kind: 'cannot-tell',
      what: `alter-${noun.toLowerCase()}`,
      object,
      says: `Changes ${object}.`,
      needs,
    })
  }
  unknown(context, `ALTER ${noun}`)
}

function alterTable(c: Cursor, context: Context): undefined {
  c.skip('ONLY')
  const object = c.name()
  c.skip('*')
  for (const action of c.actions()) alterAction(action, object, context)
}

function alterAction(c: Cursor, object: string, context: Context): undefined {
  const at = c.peek()
  const place = at ? context.lines.placeOf(at.offset) : {}
  const say = (told: Omit<Told, 'object'>) => tell(context, { ...place, ...told, object })
  const verb = c.next()?.key ?? ''
  if (verb === 'ADD') return addAction(c, object, say)
  if (verb === 'DROP') return dropAction(c, object, say)
  if (verb === 'RENAME') return renameAction(c, object, context)
  if (verb === 'ALTER' || verb === 'MODIFY' || verb === 'CHANGE') return columnAction(c, verb, object, say, context)
  if (verb === 'VALIDATE')
    return say({
      kind: 'expand-safe',
      what: 'validate-constraint',
      says: `Checks the rows of ${object} while writes go on.`,
    })
  if (verb === 'ENABLE' || verb === 'DISABLE' || verb === 'FORCE') {
    const rls = c.has('SECURITY')
    const needs = `whether the running release still sees and writes its rows of ${object}`
    return say({
      kind: 'cannot-tell',
      what: rls ? 'row-security' : 'toggle-trigger',
      says: `Turns ${rls ? 'row security' : 'a trigger'} of ${object} on or off.`,
      needs,
    })
  }
  if (verb === 'SET') {
    if (c.skip('SCHEMA'))
      return say({
        kind: 'destructive',
        what: 'move-table',
        says: `Moves ${object} to another schema; the running release does not find it.`,
      })
    if (c.skipAny('TABLESPACE', 'LOGGED', 'UNLOGGED', 'ACCESS'))
      return say({ kind: 'locks', what: 'rewrite', says: `Rewrites ${object} while nobody may read it.` })
    return say({ kind: 'expand-safe', what: 'table-setting', says: `Changes a setting of ${object}.` })
  }
  if (verb === 'ATTACH')
    return say({
      kind: 'locks',
      what: 'attach-partition',
      says: 'Reads the whole partition under a lock unless a matching CHECK exists.',
    })
  if (verb === 'DETACH')
    return say({ kind: 'destructive', what: 'detach-partition', says: `Rows of the partition vanish from ${object}.` })
  if (verb === 'OWNER') {
    const needs = `whether the account of the running release may still use ${object}`
    return say({ kind: 'cannot-tell', what: 'owner', says: `Changes the owner of ${object}.`, needs })
  }
  if (/^(RESET|REPLICA|CLUSTER|INHERIT|OF|ENGINE|COMMENT|AUTO_INCREMENT|ALGORITHM|LOCK)$/.test(verb))
    return say({ kind: 'expand-safe', what: 'table-setting', says: `Changes a setting of ${object}.` })
  say({
    kind: 'cannot-tell',
    what: 'unknown',
    says: `ALTER TABLE ${object} ${verb} is not one we can judge.`,
    needs: 'a person who knows what it does',
  })
}

type Say = (told: Omit<Told, 'object'>) => undefined

function addAction(c: Cursor, object: string, say: Say): undefined {
  if (c.skip('CONSTRAINT')) return addConstraint(c, object, c.word(), say)
  const next = c.peek()?.key ?? ''
  if (/^(PRIMARY|UNIQUE|FOREIGN|CHECK|EXCLUDE)$/.test(next)) return addConstraint(c, object, undefined, say)
  if (/^(INDEX|KEY|FULLTEXT|SPATIAL)$/.test(next)) {
    const online = c.hasPair('LOCK', 'NONE') || c.hasPair('ALGORITHM', 'INPLACE')
    return say({
      kind: online ? 'expand-safe' : 'cannot-tell',
      what: 'create-index',
      says: `Builds an index on ${object}.`,
      needs: 'the database engine and its version: some build it while writes go on',
    })
  }
  c.skip('COLUMN')
  c.skip('IF', 'NOT', 'EXISTS')
  c.skip('(')
  addColumn(c, object, c.word(), say)
}

// Defaults that differ row by row make PostgreSQL rewrite the table; now() and constants do not (since version 11).
const VOLATILE = /^(random|gen_random_uuid|uuid_generate_v\d\w*|clock_timestamp|timeofday|nextval|uuidv[47])$/i

function addColumn(c: Cursor, object: string, part: string, say: Say): undefined {
  const type = c.peek()?.key ?? ''
  const required = c.hasPair('NOT', 'NULL') || c.hasPair('PRIMARY', 'KEY')
  const serial = /^(SMALL|BIG)?SERIAL[248]?$/.test(type) || c.hasPair('AS', 'IDENTITY') || c.has('AUTO_INCREMENT')
  const generated = c.hasPair('GENERATED', 'ALWAYS') && c.has('STORED')
  const defaulted = c.has('DEFAULT')
  if (required && !defaulted && !serial && !generated) {
    const says = `${object}.${part} must have a value and has no default: rows that the running release writes are refused.`
    return say({ kind: 'destructive', what: 'add-required-column', part, says })
  }
  if (serial || generated || (defaulted && c.calls().some((name) => VOLATILE.test(bare(name)))))
    return say({
      kind: 'locks',
      what: 'add-column',
      part,
      says: `Rewrites ${object} while nobody may read it, to fill ${part}.`,
    })
  if (
    c.has('UNIQUE') ||
    c.hasPair('PRIMARY', 'KEY') ||
    c.has('CHECK') ||
    (defaulted && c.has('REFERENCES') && !c.hasPair('DEFAULT', 'NULL'))
  )
    return say({
      kind: 'locks',
      what: 'add-column',
      part,
      says: `Reads all of ${object} under a lock, to check ${part}.`,
    })
  say({
    kind: 'expand-safe',
    what: 'add-column',
    part,
    says: `Adds ${object}.${part}, which the running release need not know.`,
  })
}

function addConstraint(c: Cursor, object: string, part: string | undefined, say: Say): undefined {
  const more = part ? { part } : {}
  const noun = c.next()?.key ?? ''
  if (c.hasPair('USING', 'INDEX'))
    return say({
      kind: 'expand-safe',
      what: 'add-constraint',
      ...more,
      says: `Takes an index that is already built as a constraint of ${object}.`,
    })
  if (noun === 'UNIQUE' || noun === 'PRIMARY' || noun === 'EXCLUDE')
    return say({
      kind: 'locks',
      what: 'add-unique',
      ...more,
      says: `Builds an index on ${object} while nobody may read or write it.`,
    })
  if (noun === 'NOT' && !c.hasPair('NOT', 'VALID'))
    return say({
      kind: 'destructive',
      what: 'set-not-null',
      ...more,
      says: `${object} refuses rows that the running release may write.`,
    })
  const valid = c.hasPair('NOT', 'VALID')
  const what = noun === 'FOREIGN' ? 'add-foreign-key' : 'add-check'
  if (valid)
    return say({ kind: 'expand-safe', what, ...more, says: `Adds a rule to ${object} without reading its rows.` })
  say({
    kind: 'locks',
    what,
    ...more,
    says: `Reads all of ${object} under a lock that stops writes, to check the new rule.`,
  })
}

function dropAction(c: Cursor, object: string, say: Say): undefined {
  const next = c.peek()?.key ?? ''
  if (/^(CONSTRAINT|CHECK|FOREIGN|PRIMARY|INDEX|KEY)$/.test(next)) {
    c.next()
    c.skip('KEY')
    c.skip('IF', 'EXISTS')
    const part = c.word()
    return say({
      kind: 'expand-safe',
      what: 'drop-constraint',
      ...(part ? { part } : {}),
      says: `Takes a rule of ${object} away.`,
    })
  }
  if (next === 'PARTITION')
    return say({ kind: 'destructive', what: 'drop-partition', says: `Rows of the partition are lost.` })
  c.skip('COLUMN')
  c.skip('IF', 'EXISTS')
  const part = c.word()
  say({
    kind: 'destructive',
    what: 'drop-column',
    part,
    says: `Drops ${object}.${part}; a rollback cannot bring its values back.`,
  })
}

function renameAction(c: Cursor, object: string, context: Context): undefined {
  if (c.skipAny('CONSTRAINT', 'INDEX', 'KEY'))
    return tell(context, {
      kind: 'expand-safe',
      what: 'rename-constraint',
      object,
      says: 'Renames a constraint or index.',
    })
  if (c.skipAny('TO', 'AS')) return renamed(context, 'rename-table', object, undefined, c.name())
  c.skip('COLUMN')
  const part = c.word()
  if (c.skip('TO')) return renamed(context, 'rename-column', object, part, c.word())
  // MySQL: RENAME new_name.
  renamed(context, 'rename-table', object, undefined, part)
}

// The names under which a type that can hold any text goes: changing varchar(n) to it rewrites nothing.
const ANY_TEXT = /^(TEXT|VARCHAR|CHARACTER|CITEXT|BPCHAR)$/

function columnAction(c: Cursor, verb: string, object: string, say: Say, context: Context): undefined {
  c.skip('COLUMN')
  c.skip('IF', 'EXISTS')
  const part = c.word()
  const cell = `${object}.${part}`
  if (verb === 'CHANGE') {
    const to = c.word()
    if (bare(to) !== bare(part)) return renamed(context, 'rename-column', object, part, to)
  }
  if (verb !== 'ALTER')
    return say({
      kind: 'cannot-tell',
      what: 'change-type',
      part,
      says: `Changes the definition of ${cell}.`,
      needs: `the present definition of ${cell}`,
    })
  if (c.hasPair('SET', 'DEFAULT') || c.hasPair('ADD', 'GENERATED'))
    return say({ kind: 'expand-safe', what: 'set-default', part, says: `Gives ${cell} a default.` })
  if (c.skip('DROP', 'NOT', 'NULL'))
    return say({ kind: 'expand-safe', what: 'drop-not-null', part, says: `Lets ${cell} be empty.` })
  if (c.skip('DROP', 'DEFAULT'))
    return say({
      kind: 'cannot-tell',
      what: 'drop-default',
      part,
      says: `Takes the default of ${cell} away.`,
      needs: `whether the running release always writes ${cell}`,
    })
  if (c.skip('SET', 'NOT', 'NULL'))
    return say({
      kind: 'destructive',
      what: 'set-not-null',
      part,
      says: `${cell} refuses rows that the running release may still write without it.`,
    })
  if (c.skipAny('SET', 'DROP', 'RESET', 'RESTART') && !c.has('TYPE'))
    return say({ kind: 'expand-safe', what: 'column-setting', part, says: `Changes a setting of ${cell}.` })
  c.skip('DATA')
  c.skip('TYPE')
  const type = c.peek()?.key ?? ''
  if (c.has('USING'))
    return say({
      kind: 'destructive',
      what: 'change-type',
      part,
      says: `Rewrites ${object} and changes what ${cell} means to the running release.`,
    })
  if (ANY_TEXT.test(type) || type === 'NUMERIC' || type === 'TIMESTAMPTZ')
    return say({
      kind: 'cannot-tell',
      what: 'change-type',
      part,
      says: `Changes the type of ${cell}.`,
      needs: `the present type of ${cell}: widening is safe, anything else is not`,
    })
  if (type === 'BIGINT' || type === 'INT8')
    return say({ kind: 'locks', what: 'change-type', part, says: `Rewrites ${object} while nobody may read it.` })
  say({
    kind: 'destructive',
    what: 'change-type',
    part,
    says: `Rewrites ${object} and changes the type of ${cell} under the running release.`,
  })
}
