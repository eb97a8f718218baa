/**
 * A PostgreSQL of our own on a unix socket, for people who have no server. Terms:
 * - adopt: the server of an earlier process still runs (it outlives a killed parent); we use it and leave it running.
 * - launch: we start one as a direct child in a session of its own, so that Ctrl-C reaches us and not the database.
 *
 *   guard ─► adopt? ─► init (once, into a temporary folder, then renamed) ─► clear what a dead server left ─► launch ─► databases
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { EXIT, messageOf, OpsError } from '../../core/errors.ts'
import { type Binaries, findBinaries } from './binaries.ts'
import { alone, lifeOf, pidOf, readLock } from './life.ts'
import { needsOpened, OPENED, type ServerUser, serverUser } from './owner.ts'

export interface Embedded {
  /** A connection string for each database that was asked for. */
  readonly urls: Readonly<Record<string, string>>
  /** True when the server was already running. */
  readonly adopted: boolean
  readonly pid: number
  readonly major: number
  /** The data directory. */
  readonly data: string
  /** Stops the server when this call started it and nobody else is connected. Close your own connections first. */
  stop(): Promise<void>
}

export interface Wish {
  /** A folder of its own for this server; made when missing. */
  readonly folder: string
  /** Made when missing; lower-case letters, digits and `_`. Default: "holdfast". */
  readonly databases?: readonly string[]
  /** Progress, for a person. */
  readonly log?: (line: string) => void
  /** Programs to use instead of the best ones found, for tests. */
  readonly binaries?: Binaries
}

/** From launch to the first answer, crash recovery of a large log included. */
const READY_MS_MAX = 60_000
const POLL_MS = 20
const LOCKED_TRIES_MAX = 20
const LOCKED_PAUSE_MS = 250
/** After SIGINT, until SIGQUIT: the next start then recovers from the log. */
const STOP_MS_MAX = 10_000
const LOG_BYTES_MAX = 5_000_000
/** sun_path: 108 bytes on Linux and 104 on macOS, with a closing zero. */
const SOCKET_BYTES_MAX = process.platform === 'linux' ? 107 : 103

const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  shared_buffers: '32MB',
  max_connections: '60',
  max_wal_size: '256MB',
  jit: 'off',
  log_checkpoints: 'off',
  // Statements may carry personal data, and this log is no place for it.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
}

/**
 * After a crash, PostgreSQL first brings every file of the data directory to the disk, one by one; asking Linux for the whole file
 * system at once took a quarter of the time (0.8 s instead of 3.9 s on a busy disk).
 */
const quickRecovery = ({ major }: Binaries): Record<string, string> =>
  process.platform === 'linux' && major >= 14 ? { recovery_init_sync_method: 'syncfs' } : {}

/** Throws OpsError: STORE_MISSING, STORE_MAJOR, STORE_FULL, STORE_FORBIDDEN, STORE_USER, STORE_BUSY, STORE_NOT_STARTED. */
export async function startEmbedded(wish: Wish): Promise<Embedded> {
  const databases = wish.databases ?? ['holdfast']
  for (const name of databases) {
    if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new TypeError(`not a database name: ${name}`)
  }
  try {
    const user = serverUser()
    mkdirSync(wish.folder, { recursive: true, mode: 0o755 })
    const home = realpathSync(wish.folder)
    const data = join(home, 'data')
    return await alone(data, () => patiently(() => adoptOrLaunch(wish, databases, user, home, data)))
  } catch (thrown) {
    throw told(thrown, wish.folder)
  }
}

/** Stops whatever server runs on this folder, whoever started it and whoever is connected. False: none was running. */
export async function stopEmbedded(folder: string): Promise<boolean> {
  if (!existsSync(folder)) return false
  const data = join(realpathSync(folder), 'data')
  return alone(data, async () => {
    if (!existsSync(data) || !(await answering(socketFolder(data), data))) return false
    await end(pidOf(data)!, data)
    return true
  })
}

/**
 * Where no guard keeps launchers apart (macOS), the second one's server ends at PostgreSQL's own lock; so does one that comes while
 * the children of a killed server are still ending. A moment later there is one to adopt, or none in the way.
 */
async function patiently(attempt: () => Promise<Embedded>): Promise<Embedded> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (thrown) {
      const inTheWay =
        thrown instanceof NotStarted && /postmaster\.pid" already exists|is still in use/.test(thrown.message)
      if (!inTheWay || tries === LOCKED_TRIES_MAX) throw thrown
      await pause(LOCKED_PAUSE_MS)
    }
  }
}

async function adoptOrLaunch(
  wish: Wish,
  databases: readonly string[],
  user: ServerUser | null,
  home: string,
  data: string,
): Promise<Embedded> {
  const log = wish.log ?? (() => {})
  const made = existsSync(join(data, 'PG_VERSION'))
  if (made && (await running(data))) {
    await createDatabases(socketFolder(data), databases)
    log(`Using the database that is already running in ${data}.`)
    const major = majorOfData(data)
    return embedded({ databases, data, major, adopted: true, pid: pidOf(data)!, stop: async () => {} })
  }
  const binaries = wish.binaries ?? (await findBinaries(made ? majorOfData(data) : null, user, home))
  if (!made) {
    log(`Making a database in ${data} (PostgreSQL ${binaries.major}).`)
    await init(binaries, user, home, data)
  }
  const child = await launch(binaries, user, home, data)
  if (!made) syncBehind(binaries, user, data)
  const socket = socketFolder(data)
  await createDatabases(socket, databases)
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    if (!(await othersConnected(socket))) await end(child.pid!, data)
  }
  return embedded({ databases, data, major: binaries.major, adopted: false, pid: child.pid!, stop })
}

function embedded(server: Omit<Embedded, 'urls'> & { databases: readonly string[] }): Embedded {
  const { databases, ...rest } = server
  const host = encodeURIComponent(socketFolder(rest.data))
  return {
    ...rest,
    urls: Object.fromEntries(databases.map((name) => [name, `postgresql://postgres@localhost/${name}?host=${host}`])),
  }
}

function majorOfData(data: string): number {
  return Number.parseInt(readFileSync(join(data, 'PG_VERSION'), 'utf8'), 10)
}

/** The data directory itself, or a short private folder when the socket's path would be too long for the system. */
function socketFolder(data: string): string {
  if (Buffer.byteLength(join(data, '.s.PGSQL.5432')) <= SOCKET_BYTES_MAX) return data
  const name = createHash('sha256').update(data).digest('hex').slice(0, 16)
  return join(realpathSync(tmpdir()).length > 40 ? '/tmp' : tmpdir(), `holdfast-${name}`)
}

async function init(binaries: Binaries, user: ServerUser | null, home: string, data: string): Promise<void> {
  // What a launcher left that was killed; the guard says that nobody is at work there now.
  for (const name of readdirSync(home)) {
    if (name.startsWith('data.new-') && process.platform === 'linux') rmSync(join(home, name), { recursive: true })
  }
  const fresh = join(home, `data.new-${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    ownFolder(fresh, user)
    await initdb(binaries, user, fresh)
    renameSync(fresh, data)
  } catch (thrown) {
    rmSync(fresh, { recursive: true, force: true })
    // Another launcher was first (where there is no guard): its directory is as good.
    if (!existsSync(join(data, 'PG_VERSION'))) throw thrown
  }
}

async function initdb(binaries: Binaries, user: ServerUser | null, data: string): Promise<void> {
  const fixed = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--data-checksums', '--no-instructions']
  // 4 MB pieces of log instead of 16: a small store stays small. Synced later, see `syncBehind`.
  const args = [...fixed, '--wal-segsize=4', '--no-sync']
  const { child } = program(binaries.initdb, (path) => ['-D', path, ...args], binaries, user, data, 'pipe')
  let said = ''
  child.stderr!.on('data', (chunk) => {
    said = (said + chunk).slice(-8_192)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0) throw new NotStarted(said)
}

/**
 * Brings a new data directory to the disk while it is already in use: initdb's own waiting for that took 2 s of 3 s. Only a machine
 * that loses power in these first seconds loses the new, nearly empty database.
 */
function syncBehind(binaries: Binaries, user: ServerUser | null, data: string): void {
  const { child } = program(binaries.initdb, (path) => ['--sync-only', '-D', path], binaries, user, data, 'ignore')
  child.on('error', () => {})
  child.unref()
}

async function launch(binaries: Binaries, user: ServerUser | null, home: string, data: string): Promise<ChildProcess> {
  const socket = socketFolder(data)
  if (socket !== data) ownFolder(socket, user)
  if (lifeOf(data) === 'gone') rmSync(join(data, 'postmaster.pid'), { force: true })
  const logFile = join(home, 'postgres.log')
  if (existsSync(logFile) && statSync(logFile).size > LOG_BYTES_MAX) renameSync(logFile, `${logFile}.1`)
  const logFrom = existsSync(logFile) ? statSync(logFile).size : 0
  const fd = openSync(logFile, 'a', 0o600)
  const { child, failed } = program(
    binaries.postgres,
    (path) => {
      const settings = {
        ...SETTINGS,
        ...quickRecovery(binaries),
        unix_socket_directories: socket === data ? path : socket,
      }
      return ['-D', path, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    },
    binaries,
    user,
    data,
    fd,
  )
  closeSync(fd)
  child.unref()
  const until = Date.now() + READY_MS_MAX
  while (!(await answering(socket, data))) {
    const died = failed() ?? (child.exitCode !== null || child.signalCode !== null)
    if (died instanceof Error) throw died
    if (died || Date.now() > until) {
      if (!died) process.kill(child.pid!, 'SIGQUIT')
      throw new NotStarted(tailOf(logFile, logFrom))
    }
    await pause(POLL_MS)
  }
  return child
}

/** One of PostgreSQL's programs as the server's user, in a session of its own; it learns the data directory as `path`. */
function program(
  file: string,
  args: (path: string) => readonly string[],
  binaries: Binaries,
  user: ServerUser | null,
  data: string,
  output: number | 'ignore' | 'pipe',
): { child: ChildProcess; failed: () => Error | null } {
  const opened = needsOpened(data, user) ? openSync(data, 'r') : null
  try {
    const child = spawn(file, args(opened === null ? data : OPENED.path), {
      ...(user ? { uid: user.uid, gid: user.gid } : {}),
      // The working folder is entered before the user is changed.
      cwd: data,
      // Nothing of ours but PATH: PGDATA, PGPORT or a locale in our environment must not reach the server.
      env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', ...binaries.env },
      stdio: ['ignore', output === 'pipe' ? 'ignore' : output, output, ...(opened === null ? [] : [opened])],
      detached: true,
    })
    let failed: Error | null = null
    child.on('error', (thrown) => {
      failed = thrown
    })
    return { child, failed: () => failed }
  } finally {
    if (opened !== null) closeSync(opened)
  }
}

/** Waits while a server starts or stops there; true when one answers. */
async function running(data: string): Promise<boolean> {
  const socket = socketFolder(data)
  const until = Date.now() + READY_MS_MAX
  for (;;) {
    if (await answering(socket, data)) return true
    // Without /proc nobody can tell a starting server from a lock file that was left: PostgreSQL will, when it is launched.
    if (lifeOf(data) !== 'alive') return false
    if (Date.now() > until) {
      throw new OpsError('STORE_BUSY', {
        message: `Process ${pidOf(data)} holds the database in ${data} and has not answered for a minute.`,
        fix: `Look at it (it may be stopped, or recovering), end it with: kill -QUIT ${pidOf(data)}`,
        exit: EXIT.unreachable,
      })
    }
    await pause(POLL_MS)
  }
}

/** A server answers on this socket, and it is the one of this data directory: it reads the same lock file as we do. */
async function answering(socket: string, data: string): Promise<boolean> {
  const rows = await ask(socket, "select pg_read_file('postmaster.pid') as lock").catch(() => null)
  return rows?.[0]?.lock !== undefined && rows[0].lock === readLock(data)
}

async function ask(socket: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({
    host: socket,
    user: 'postgres',
    database: 'postgres',
    application_name: 'holdfast-start',
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query(sql)).rows
  } finally {
    await client.end().catch(() => {})
  }
}

async function createDatabases(socket: string, names: readonly string[]): Promise<void> {
  const there = (await ask(socket, 'select datname from pg_database')).map((row) => row.datname)
  for (const name of names) {
    if (there.includes(name)) continue
    await ask(socket, `create database ${name}`).catch((thrown) => {
      // 42P04: another launcher made it.
      if ((thrown as { code?: string }).code !== '42P04') throw thrown
    })
  }
}

/** Asked a few times, because our own connections take a moment to be gone. */
async function othersConnected(socket: string): Promise<boolean> {
  for (let tries = 0; tries < 10; tries++) {
    const rows = await ask(
      socket,
      "select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
    ).catch(() => [])
    if (rows.length === 0) return false
    await pause(50)
  }
  return true
}

/** SIGINT is PostgreSQL's fast stop: it ends clients and writes a checkpoint. SIGTERM would wait for every client. */
async function end(pid: number, data: string): Promise<void> {
  process.kill(pid, 'SIGINT')
  const until = Date.now() + STOP_MS_MAX
  while (pidOf(data) === pid && lifeOf(data) !== 'gone') {
    if (Date.now() > until) {
      process.kill(pid, 'SIGQUIT')
      return
    }
    await pause(POLL_MS)
  }
}

/** A folder that only the server's user can enter; refuses one that somebody else has put there. */
function ownFolder(path: string, user: ServerUser | null): void {
  mkdirSync(path, { mode: 0o700, recursive: true })
  const { uid, mode } = lstatSync(path)
  const mine = process.getuid?.() ?? uid
  if (!lstatSync(path).isDirectory() || (uid !== mine && uid !== user?.uid) || (mode & 0o077) !== 0) {
    throw new OpsError('STORE_FORBIDDEN', {
      message: `${path} belongs to somebody else, so the database's socket would not be safe there.`,
      fix: 'Remove it, or choose a shorter state folder.',
      exit: EXIT.unreachable,
    })
  }
  if (user) chownSync(path, user.uid, user.gid)
}

function tailOf(file: string, from: number): string {
  return readFileSync(file).subarray(from).toString('utf8').slice(-8_192)
}

/** What initdb or the server wrote before it gave up. */
class NotStarted extends Error {
  override readonly name = 'NotStarted'
}

function told(thrown: unknown, folder: string): unknown {
  if (thrown instanceof OpsError) return thrown
  const said = messageOf(thrown)
  const code = (thrown as NodeJS.ErrnoException).code ?? ''
  const error = (name: string, message: string, fix: string) =>
    new OpsError(name, { message, fix, exit: EXIT.unreachable, cause: thrown })
  if (code === 'ENOSPC' || code === '53100' || /No space left on device/i.test(said)) {
    return error(
      'STORE_FULL',
      `The disk under ${folder} is full, so the database cannot start. Nothing that was written down is lost.`,
      'Free at least 100 MB there and try again, or choose another folder with --state.',
    )
  }
  if (/^(EACCES|EPERM|EROFS|ENOTDIR)$/.test(code) || /Permission denied|Read-only file system/i.test(said)) {
    return error(
      'STORE_FORBIDDEN',
      `The database cannot be kept in ${folder}: ${lastLine(said)}`,
      'Choose a folder that you may write to with --state, or set DATABASE_URL.',
    )
  }
  if (!(thrown instanceof NotStarted)) return thrown
  return error(
    'STORE_NOT_STARTED',
    `PostgreSQL did not start in ${folder}: ${lastLine(said)}`,
    'Read postgres.log in that folder, or set DATABASE_URL to a server that runs.',
  )
}

/** The line that says why; servers close with lines that do not. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter(Boolean)
  return (lines.find((line) => /FATAL|PANIC|error:/.test(line)) ?? lines.at(-1) ?? 'it said nothing').trim()
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
