/** A pool of connections with our limits on every one of them, and transactions that are repeated when two collide. */
import pg from 'pg'
import { EXIT, OpsError } from '../../core/errors.ts'
import { isConflict, isLost, notRevived, storeError } from './trouble.ts'

/** A connection string, or its parts; `host` may be the folder of a unix socket. */
export type Where =
  | string
  | {
      readonly host: string
      readonly port?: number
      readonly user: string
      readonly database: string
      readonly password?: string
    }

export interface Database extends Statements {
  /** All or nothing. `work` may run several times, each time in a new transaction, so it must have no effect outside. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface Statements {
  /** With a name, PostgreSQL keeps the plan for as long as the connection lives; use it once in a transaction at most. */
  rows(sql: string, values?: readonly unknown[], name?: string): Promise<Row[]>
}

export interface Transaction extends Statements {
  /** Sent without waiting, together with what is asked next; if it fails, so does the transaction. */
  send(sql: string, values?: readonly unknown[], name?: string): void
}

// biome-ignore lint/suspicious/noExplicitAny: columns are as the SQL beside says; the contract holds the two together.
export type Row = Record<string, any>

export interface Options {
  /** Connections at most. */
  readonly max?: number
  /** Tried once when no connection can be made, before giving up: brings an embedded server back. */
  readonly revive?: (() => Promise<void>) | undefined
  /** Run once on every new connection; throws when it is not to be used. */
  readonly greet?: (on: Statements) => Promise<void>
}

/**
 * Milliseconds. A statement of ours takes a few; an engine that was stopped (SIGSTOP) inside a transaction must not hold the
 * log's lock, so its connection is ended after 5 s. The client's own limit is for networks that swallow everything.
 */
const LIMITS = { connect: 5_000, statement: 10_000, lock: 5_000, idleInTransaction: 5_000, answer: 15_000 }
const TRIES_MAX = 5

const SETTINGS = [
  `set statement_timeout = ${LIMITS.statement}`,
  `set lock_timeout = ${LIMITS.lock}`,
  `set idle_in_transaction_session_timeout = ${LIMITS.idleInTransaction}`,
  // An acknowledged commit is on disk, whatever the server's own habit.
  'set synchronous_commit = on',
  "set default_transaction_isolation = 'read committed'",
].join('; ')

/** bigint as number: all of ours are instants, counters and epochs below 2^53. */
const types = {
  getTypeParser: ((oid: number, format: 'text') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
}

export function clientConfig(where: Where): pg.ClientConfig {
  return {
    ...(typeof where === 'string' ? { connectionString: where } : where),
    types,
    application_name: 'holdfast',
    connectionTimeoutMillis: LIMITS.connect,
    query_timeout: LIMITS.answer,
    keepAlive: true,
  }
}

export function connect(where: Where, options: Options = {}): Database {
  const pool = new pg.Pool({ ...clientConfig(where), pipeline: true, max: options.max ?? 6, idleTimeoutMillis: 60_000 })
  // A connection that breaks while idle is replaced by the pool; the next statement tells whoever needs to know.
  pool.on('error', () => {})
  // A connection may also break between two statements, while it is lent out: without a listener of its own that would end the
  // process. The next statement on it fails, which is how whoever needs to know learns of it.
  pool.on('connect', (client) => client.on('error', () => {}))
  const greeted = new WeakSet<pg.PoolClient>()

  async function checkout(): Promise<pg.PoolClient> {
    const client = await pool.connect().catch(async (thrown) => {
      if (!options.revive || !isLost(thrown)) throw thrown
      await options.revive().catch((why) => {
        throw notRevived(why)
      })
      return pool.connect()
    })
    if (greeted.has(client)) return client
    try {
      await client.query(SETTINGS)
      await options.greet?.(statementsOn(client))
      greeted.add(client)
      return client
    } catch (thrown) {
      client.release(true)
      throw thrown
    }
  }

  async function using<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    try {
      const client = await checkout()
      try {
        const result = await work(client)
        client.release()
        return result
      } catch (thrown) {
        client.release(isLost(thrown) || !(await rolledBack(client)))
        throw thrown
      }
    } catch (thrown) {
      throw isConflict(thrown) ? thrown : storeError(thrown)
    }
  }

  async function transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await using((client) => inTransaction(client, work))
      } catch (thrown) {
        if (tries >= TRIES_MAX || !isConflict(thrown)) throw storeError(thrown)
      }
    }
  }

  return {
    rows: (sql, values, name) => using((client) => statementsOn(client).rows(sql, values, name)),
    transaction,
    close: () => pool.end(),
  }
}

function statementsOn(client: pg.ClientBase): Statements {
  return {
    async rows(text, values, name) {
      const named = name === undefined ? {} : { name }
      // Without values: the simple protocol, which takes several statements at once.
      const answer = await (values ? client.query({ text, values: [...values], ...named }) : client.query(text))
      return answer.rows ?? []
    },
  }
}

/** BEGIN travels with the first question and COMMIT with the last statement: each round trip holds locks that others wait for. */
async function inTransaction<T>(client: pg.ClientBase, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const { rows } = statementsOn(client)
  const sent: Promise<unknown>[] = []
  const send = (sql: string, values?: readonly unknown[], name?: string) => {
    const answer = rows(sql, values, name)
    answer.catch(() => {})
    sent.push(answer)
  }
  send('begin')
  try {
    const result = await work({ rows, send })
    // After a failed statement, COMMIT undoes.
    send('commit')
    await Promise.all(sent)
    return result
  } catch (thrown) {
    // When a statement that was sent has failed, that is why; the ones after it only say that the transaction is over.
    const outcomes = await Promise.allSettled(sent)
    throw outcomes.find((outcome) => outcome.status === 'rejected')?.reason ?? thrown
  }
}

/** False: the connection is of no more use. */
async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  return client.query('rollback').then(
    () => true,
    () => false,
  )
}

/** Says where, without the password. Throws DATABASE_URL_WRONG when the connection string makes no sense. */
export function nameOf(where: Where): string {
  try {
    const { database, host, port } = new pg.Client(clientConfig(where))
    return `database ${database} at ${host.startsWith('/') ? host : `${host}:${port}`}`
  } catch (thrown) {
    throw new OpsError('DATABASE_URL_WRONG', {
      message: 'DATABASE_URL is not an address that we can read.',
      fix: 'Give it the form postgresql://user:password@host:5432/database.',
      exit: EXIT.usage,
      cause: thrown,
    })
  }
}
