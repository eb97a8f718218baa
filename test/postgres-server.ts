/** PostgreSQL servers for tests: Debian's on TCP as "the server of DATABASE_URL", and what we embed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { lifeOf, pidOf } from '../src/adapters/postgres/life.ts'
import { serverUser } from '../src/adapters/postgres/owner.ts'
import { removeFolder } from './folder.ts'

/** Debian 12's server. CI installs it; where it is missing, the tests that need it are skipped with these words. */
export const DEBIAN = '/usr/lib/postgresql/15/bin'
export const skipWithoutDebian = existsSync(join(DEBIAN, 'postgres'))
  ? false
  : `NOT TESTED: there is no ${DEBIAN}/postgres. Install Debian's postgresql package to test against an external server.`

export interface External {
  /** With user and password, over TCP. */
  readonly url: string
  database(name: string): Promise<string>
  /** SIGSTOP, SIGCONT, SIGINT … to the server's first process. */
  signal(name: NodeJS.Signals): void
  /** Resolves when the server's first process has ended. */
  stopped(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

export async function startExternal(settings: readonly string[] = []): Promise<External> {
  const user = serverUser()
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-external-'))
  if (user) chownSync(folder, user.uid, user.gid)
  const identity = user ? { uid: user.uid, gid: user.gid } : {}
  const password = join(folder, 'password')
  const data = join(folder, 'data')
  writeFileSync(password, 'not:so@secret')
  if (user) chownSync(password, user.uid, user.gid)
  const init = ['-D', data, '-U', 'holder', '-A', 'scram-sha-256', `--pwfile=${password}`, '--no-sync', '-E', 'UTF8']
  const made = spawn(join(DEBIAN, 'initdb'), init, { ...identity, cwd: folder, env: { LC_ALL: 'C' }, stdio: 'ignore' })
  await new Promise((resolve) => made.once('close', resolve))
  const port = await freePort()
  const url = (name: string) => `postgresql://holder:not%3Aso%40secret@127.0.0.1:${port}/${name}`
  let child: ChildProcess
  const start = async () => {
    const args = [
      '-D',
      data,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      `port=${port}`,
      '-c',
      `unix_socket_directories=${folder}`,
    ]
    child = spawn(join(DEBIAN, 'postgres'), [...args, ...settings.flatMap((setting) => ['-c', setting])], {
      ...identity,
      cwd: folder,
      env: { LC_ALL: 'C' },
      stdio: 'ignore',
    })
    while (!(await run(url('postgres'), 'select 1').catch(() => null))) {
      if (child.exitCode !== null) throw new Error(`The external server ended with ${child.exitCode}.`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await start()
  return {
    url: url('postgres'),
    async database(name) {
      await run(url('postgres'), `create database ${name}`)
      return url(name)
    },
    signal: (name) => void child.kill(name),
    async stopped() {
      if (child.exitCode === null && child.signalCode === null)
        await new Promise((resolve) => child.once('exit', resolve))
    },
    start,
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        const closed = new Promise((resolve) => child.once('close', resolve))
        child.kill('SIGINT')
        await closed
      }
      removeFolder(folder)
    },
  }
}

export async function run(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return await client.query(sql)
  } finally {
    await client.end().catch(() => {})
  }
}

/** Free a moment ago; nobody else is given it soon, because the system hands ports out in turn. */
export async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** SIGKILL to every process of the server on this data directory, first to the postmaster, and waits until they are gone. */
export async function killServer(data: string): Promise<void> {
  process.kill(pidOf(data)!, 'SIGKILL')
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    try {
      if (readlinkSync(`/proc/${pid}/cwd`) === data) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It is gone already.
    }
  }
  while (lifeOf(data) === 'alive') await new Promise((resolve) => setTimeout(resolve, 5))
}
