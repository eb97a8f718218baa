/** What PostgreSQL's errors mean to the person who has to act. Codes: PostgreSQL manual, appendix A. */
import { EXIT, messageOf, OpsError } from '../../core/errors.ts'

/** Two transactions stood in each other's way; the one that was ended works when repeated. */
const CONFLICT = new Set(['40001', '40P01'])

interface Meaning {
  readonly when: RegExp
  readonly says: string
  readonly fix: string
}

const SAME_SERVER = 'Holdfast goes on by itself as soon as the database answers.'

/** By SQLSTATE or by system error code; the first that fits. */
const MEANINGS: readonly Meaning[] = [
  {
    when: /^(53100|ENOSPC)$/,
    says: 'The disk under the database is full. Nothing that was written down is lost, and nothing new can be written.',
    fix: `Free space on the disk that holds the database. ${SAME_SERVER}`,
  },
  {
    when: /^53/,
    says: 'The database has no room for another connection, or no memory.',
    fix: 'Raise max_connections, or let fewer engines share this database (each uses up to 7 connections).',
  },
  {
    when: /^28/,
    says: 'The database does not accept our name or password.',
    fix: 'Correct the user and password in DATABASE_URL.',
  },
  { when: /^3D000$/, says: 'The database of this name does not exist.', fix: 'Create it, or correct DATABASE_URL.' },
  {
    when: /^42501$/,
    says: 'The database user lacks a right that Holdfast needs.',
    fix: 'Give the user the right to create in this database: GRANT CREATE ON DATABASE … TO …',
  },
  {
    when: /^25006$/,
    says: 'The database only lets us read; it is a standby, or it has been told to.',
    fix: 'Point DATABASE_URL to the primary server.',
  },
  {
    when: /^(57014|55P03|25P03|40001|40P01)$/,
    says: 'The database took too long over one statement.',
    fix: `Look at what else keeps the database busy (pg_stat_activity). ${SAME_SERVER}`,
  },
  {
    when: /^(08|57P0|EAI_|E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|NOTFOUND|HOSTUNREACH|NETUNREACH|NOENT|ACCES)$)/,
    says: 'The database cannot be reached.',
    fix: `See that the server of DATABASE_URL is up. ${SAME_SERVER}`,
  },
]

/** pg gives no code for these. */
const LOST =
  /connection terminated|connection ended|client has encountered a connection error|timeout exceeded when trying to connect|query read timeout|server does not support SSL/i

/** True when the same transaction may succeed if it is begun anew. */
export function isConflict(thrown: unknown): boolean {
  return CONFLICT.has(codeOf(thrown))
}

/** True when the connection that gave this error is of no more use. */
export function isLost(thrown: unknown): boolean {
  return /^(08|57P0|25P03|E[A-Z])/.test(codeOf(thrown)) || (codeOf(thrown) === '' && LOST.test(messageOf(thrown)))
}

/**
 * STORE_GONE for everything that waiting and a person at the server can mend, else what was thrown. One code, so that whoever
 * waits for the store has one thing to look for; the words tell the rest.
 */
export function storeError(thrown: unknown): unknown {
  if (thrown instanceof OpsError) return thrown
  const code = codeOf(thrown)
  const meaning = MEANINGS.find(({ when }) => when.test(code))
  if (!meaning && !(code === '' && LOST.test(messageOf(thrown)))) return thrown
  const { says, fix } = meaning ?? MEANINGS.at(-1)!
  const message = `${says} (${(messageOf(thrown) || code).split('\n')[0]})`
  return new OpsError('STORE_GONE', { message, fix, exit: EXIT.unreachable, cause: thrown })
}

/** The embedded server is away and could not be started again: for whoever waits it is gone, and why is in the words. */
export function notRevived(why: unknown): unknown {
  if (!(why instanceof OpsError) || why.exit !== EXIT.unreachable) return why
  return new OpsError('STORE_GONE', { message: why.message, fix: why.fix, exit: why.exit, cause: why })
}

/** SQLSTATE or system error code. Node's AggregateError (several addresses tried) has it on its parts. */
function codeOf(thrown: unknown): string {
  const { code, errors } = (thrown ?? {}) as { code?: unknown; errors?: unknown }
  if (typeof code === 'string') return code
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : ''
}
