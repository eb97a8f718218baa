/**
 * Runs one replica of a release, from start to SIGTERM.
 *
 *   settings ──► database ──► views ──► listen ──► serve ──► SIGTERM: accept no more ──► finish what is in flight ──► exit 0
 */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { readSecret } from './drafts.ts'
import { startLetters } from './letters.ts'
import type { Release } from './release.ts'
import { serverOf } from './server.ts'
import { render } from './views.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Connections of one replica. Small, because every replica of two releases shares the database. */
const POOL_MAX = 5
/** A citizen's query that takes longer is given up, in ms. */
const STATEMENT_MS = 5_000
/** Waiting for a free connection, in ms. */
const CONNECT_MS = 3_000
/** What is still in flight after this many ms is cut: longer than any request may take. */
const STOP_MS = 35_000
/** How long a starting replica waits for its database, in tries of half a second. */
const DATABASE_TRIES = 20
/** The print company's contract: one batch in this time. */
const LETTERS_EVERY_SECONDS = 8

export async function run(release: Release, environment: Environment): Promise<void> {
  const log = (event: string, details: Readonly<Record<string, unknown>> = {}) =>
    console.log(JSON.stringify({ at: new Date().toISOString(), event, release: release.name, ...details }))
  const missing = ['DATABASE_URL', 'PORT', ...release.settings].filter((name) => !environment[name])
  if (missing.length > 0) {
    log('cannot start', { why: `These settings are missing: ${missing.join(', ')}` })
    process.exit(1)
  }
  const pool = poolOf(release, environment)
  pool.on('error', (error) => log('database connection lost', { error: error.message }))
  const app = await serverOf({
    release,
    pool,
    secret: await secretWhenReady(pool),
    secureCookies: environment.SECURE_COOKIES === '1',
    now: Date.now,
    log,
  })
  // Compiles the largest page before the first citizen comes, and fails here when it cannot be shown.
  render('form', { page: release.pages[0], fields: release.pages[0]!.fields, mistakes: [], token: '' })
  const stopLetters = startLetters(pool, Number(environment.LETTERS_EVERY_SECONDS || LETTERS_EVERY_SECONDS), (says) =>
    log('warning', { says }),
  )
  await app.listen({ port: Number(environment.PORT), host: environment.HOST ?? '127.0.0.1' })
  log('listening', { port: Number(environment.PORT) })
  const stop = async (signal: string) => {
    log('stopping', { signal })
    setTimeout(() => {
      log('cut what was still in flight')
      process.exit(1)
    }, STOP_MS).unref()
    await app.close()
    stopLetters()
    await pool.end()
    log('stopped')
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

function poolOf(release: Release, environment: Environment): pg.Pool {
  return new pg.Pool({
    connectionString: environment.DATABASE_URL,
    max: POOL_MAX,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    idle_in_transaction_session_timeout: STATEMENT_MS,
    application_name: `heating-${release.name}`,
  })
}

/** A database that is still starting is waited for; one without our tables is not. */
async function secretWhenReady(pool: pg.Pool): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return await readSecret(pool)
    } catch (thrown) {
      const noTable = (thrown as { code?: string }).code === '42P01'
      if (noTable || tries === DATABASE_TRIES) throw thrown
      await pause(500)
    }
  }
}
