/**
 * Forward-only migrations: numbered SQL files, each applied once, in one transaction with its row in `schema_migrations`.
 * They are applied by migrate.ts before a release gets traffic, never by a release that starts: two replicas starting together,
 * or a release that is taken back, must not touch the schema.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { FOLDER } from './folder.ts'
import type { Release } from './release.ts'

export interface Migration {
  /** File name without ".sql": "0003_contact_phone". */
  readonly name: string
  readonly sql: string
}

/** Any number of our own, the same for all: one migration run at a time. */
const LOCK = 7_254_031
/** A statement that cannot get its lock in this time gives up, rather than queue every citizen behind it, in ms. */
const LOCK_MS = 2_000
const STATEMENT_MS = 60_000

/** The migrations a release needs, in their order. */
export async function migrationsOf(release: Release): Promise<readonly Migration[]> {
  const folders = [join(FOLDER, 'migrations'), join(FOLDER, 'releases', release.name, 'migrations')]
  const found: Migration[] = []
  for (const folder of folders) {
    const files = await readdir(folder).catch(() => [])
    for (const file of files.filter((name) => name.endsWith('.sql')).sort()) {
      found.push({ name: file.slice(0, -4), sql: await readFile(join(folder, file), 'utf8') })
    }
  }
  return found
}

/** Applies what is missing and returns its names. A file that was changed after it was applied stops everything. */
export async function migrate(databaseUrl: string, release: Release): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: `heating-migrate-${release.name}` })
  await client.connect()
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK])
    await client.query(`SET lock_timeout = ${LOCK_MS}; SET statement_timeout = ${STATEMENT_MS}`)
    await client.query(
      'CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
    )
    const { rows } = await client.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM schema_migrations')
    const known = new Map(rows.map((row) => [row.name, row.sha256]))
    const applied: string[] = []
    for (const migration of await migrationsOf(release)) {
      if (await applyOnce(client, migration, known.get(migration.name))) applied.push(migration.name)
    }
    return applied
  } finally {
    await client.end()
  }
}

/** Columns that the release needs and this database lacks. A release without its schema is not ready. */
export async function missingIn(pool: pg.Pool, release: Release): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT wanted AS name FROM unnest($1::text[]) AS wanted WHERE NOT EXISTS (
       SELECT 1 FROM pg_attribute
       WHERE attrelid = to_regclass(split_part(wanted, '.', 1)) AND attname = split_part(wanted, '.', 2) AND NOT attisdropped)`,
    [release.needs],
  )
  return rows.map((row) => row.name)
}

async function applyOnce(client: pg.Client, migration: Migration, sha256: string | undefined): Promise<boolean> {
  const ours = createHash('sha256').update(migration.sql).digest('hex')
  if (sha256 === ours) return false
  if (sha256) throw new Error(`${migration.name}.sql was changed after it was applied. Add a new migration instead.`)
  await client.query('BEGIN')
  try {
    await client.query(migration.sql)
    await client.query('INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)', [migration.name, ours])
    await client.query('COMMIT')
  } catch (thrown) {
    await client.query('ROLLBACK')
    throw thrown
  }
  return true
}
