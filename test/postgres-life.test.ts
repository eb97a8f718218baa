/** The embedded server's life: launchers that race, parents that are killed, and what the dead leave behind. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findBinaries, npmBinaries, npmFolder } from '../src/adapters/postgres/binaries.ts'
import { type Embedded, startEmbedded, stopEmbedded } from '../src/adapters/postgres/embedded.ts'
import { lifeOf } from '../src/adapters/postgres/life.ts'
import { openHoldfastStore } from '../src/adapters/postgres/open.ts'
import { serverUser } from '../src/adapters/postgres/owner.ts'
import { OpsError } from '../src/core/errors.ts'
import { removeFolder } from './folder.ts'
import { killServer, run } from './postgres-server.ts'

const folders: string[] = []
const children: ChildProcess[] = []
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) {
    await stopEmbedded(join(folder, 'postgres')).catch(() => {})
    await stopEmbedded(folder).catch(() => {})
    removeFolder(folder)
  }
})

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'holdfast-life-'))
  folders.push(made)
  return made
}

async function launcher(at: string): Promise<{ pid: number; adopted: boolean; child: ChildProcess }> {
  const program = fileURLToPath(new URL('./postgres-launcher.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', program, at], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  children.push(child)
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout!.once('data', (chunk) => resolve(String(chunk)))
    child.once('exit', () => reject(new Error('The launcher ended without a word.')))
  })
  return { ...JSON.parse(line), child }
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve))
}

async function answers(server: Embedded): Promise<boolean> {
  const { rows } = await run(server.urls.holdfast!, 'select 1 as one')
  return rows[0].one === 1
}

test('of many launchers at once, one starts the server and the others adopt it', async () => {
  const at = folder()
  const [a, b, c, d] = await Promise.all([
    startEmbedded({ folder: at }),
    launcher(at),
    startEmbedded({ folder: at, databases: ['holdfast', 'other'] }),
    launcher(at),
  ])
  const all = [a, b, c, d]
  assert.equal(new Set(all.map(({ pid }) => pid)).size, 1)
  assert.equal(all.filter(({ adopted }) => !adopted).length, 1)
  assert.ok(await answers(a))
  assert.equal((await run(c.urls.other!, 'select current_database() as name')).rows[0].name, 'other')
  assert.deepEqual(
    readdirSync(at).filter((name) => name.startsWith('data.new')),
    [],
  )
})

test('Ctrl-C and SIGKILL reach the launcher and not the server; the next one adopts it and leaves it running', async () => {
  const at = folder()
  const first = await launcher(at)
  process.kill(-first.child.pid!, 'SIGINT')
  await gone(first.child)
  const second = await launcher(at)
  assert.deepEqual([second.pid, second.adopted], [first.pid, true])
  second.child.kill('SIGKILL')
  await gone(second.child)
  const server = await startEmbedded({ folder: at })
  assert.deepEqual([server.pid, server.adopted], [first.pid, true])
  await server.stop()
  assert.ok(await answers(server), 'not ours to stop')
  assert.equal(await stopEmbedded(at), true)
  assert.equal(await stopEmbedded(at), false)
})

test('whoever started the server stops it when the last other one has left', async () => {
  const state = folder()
  const a = await openHoldfastStore({ state, env: {} })
  const b = await openHoldfastStore({ state, env: { DATABASE_URL: '' } })
  assert.deepEqual([a.kind, a.adopted, b.adopted], ['embedded', false, true])
  await a.store.close()
  await b.store.record('svc', [{ kind: 'k', subject: 's', who: 'w', why: 'y', data: null }])
  assert.equal((await b.store.head()).size, 1)
  await b.store.close()
  const again = await openHoldfastStore({ state, env: {} })
  assert.equal((await again.store.head()).size, 1)
  await again.store.close()
  const data = join(state, 'postgres', 'data')
  if (!again.adopted) assert.equal(existsSync(join(data, 'postmaster.pid')), false)
})

test('a lock file that a dead server left does not stop the next one, whoever has its number now', async (t) => {
  const at = folder()
  // A process whose parent does not collect it stays as a zombie, and kill(pid, 0) still finds it.
  const careless = spawn('sh', ['-c', 'true & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] })
  children.push(careless)
  const zombie = Number(await new Promise((resolve) => careless.stdout!.once('data', resolve)))
  if (lifeOf(at) === 'unknown') return t.diagnostic('Not tried: this system has no /proc, PostgreSQL judges by itself.')
  for (const pid of [4_194_303, zombie, process.pid]) {
    const server = await startEmbedded({ folder: at })
    const lock = join(server.data, 'postmaster.pid')
    const lines = readFileSync(lock, 'utf8').split('\n')
    await killServer(server.data)
    writeFileSync(lock, [pid, ...lines.slice(1)].join('\n'))
    const next = await startEmbedded({ folder: at })
    assert.equal(next.adopted, false)
    assert.ok(await answers(next))
    await next.stop()
  }
})

test('a state folder too deep for a socket gets a short one that only the server can enter', async () => {
  const at = join(folder(), 'a-long-name-'.repeat(8), 'state')
  const server = await startEmbedded({ folder: at })
  assert.ok(await answers(server))
  const socket = new URL(server.urls.holdfast!).searchParams.get('host')!
  assert.ok(socket.length < 60, socket)
  assert.equal(lstatSync(socket).mode & 0o777, 0o700)
  const again = await startEmbedded({ folder: at })
  assert.equal(again.adopted, true)
  await server.stop()
  // A folder that others can enter is not used: somebody could listen in our place.
  chmodSync(socket, 0o777)
  await assert.rejects(startEmbedded({ folder: at }), (thrown) => has(thrown, 'STORE_FORBIDDEN', /belongs to somebody/))
  rmSync(socket, { recursive: true })
})

test('a killed first start leaves nothing in the way of the next', async () => {
  const at = folder()
  mkdirSync(join(at, 'data.new-1-abcd'))
  writeFileSync(join(at, 'data.new-1-abcd', 'half'), 'x')
  const server = await startEmbedded({ folder: at })
  assert.ok(await answers(server))
  assert.deepEqual(
    readdirSync(at).filter((name) => name.startsWith('data.new')),
    [],
  )
  await server.stop()
})

test('programs of npm are made usable where install scripts were not run and the folder is closed', async (t) => {
  const native = npmFolder()
  if (!native) return t.skip(`NOT TESTED: npm brought no PostgreSQL for ${process.platform} ${process.arch}`)
  const closed = folder()
  cpSync(join(native, '..', 'package.json'), join(closed, 'package.json'))
  cpSync(native, join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
  const lib = join(closed, 'native', 'lib')
  for (const name of readdirSync(lib)) if (lstatSync(join(lib, name)).isSymbolicLink()) rmSync(join(lib, name))
  const at = folder()
  const shared = folder()
  chmodSync(shared, 0o755)
  const binaries = (await npmBinaries(join(closed, 'native'), serverUser(), at, shared))!
  const server = await startEmbedded({ folder: at, binaries })
  assert.ok(await answers(server))
  assert.equal(server.major, binaries.major)
  await server.stop()
})

test('a data directory of a major version that is not here is left alone, with a way out', async () => {
  const at = folder()
  mkdirSync(join(at, 'data'))
  writeFileSync(join(at, 'data', 'PG_VERSION'), '11\n')
  await assert.rejects(startEmbedded({ folder: at }), (thrown) => has(thrown, 'STORE_MAJOR', /made by PostgreSQL 11/))
  await assert.rejects(findBinaries(12, serverUser(), at), (thrown) => has(thrown, 'STORE_MAJOR', /Found here:/))
})

test('a folder that cannot be written is said, with a way out', async () => {
  const file = join(folder(), 'file')
  writeFileSync(file, '')
  await assert.rejects(startEmbedded({ folder: join(file, 'state') }), (thrown) =>
    has(thrown, 'STORE_FORBIDDEN', /kept in/),
  )
})

function has(thrown: unknown, code: string, says: RegExp): boolean {
  assert.ok(thrown instanceof OpsError, String(thrown))
  assert.deepEqual([thrown.code, thrown.exit], [code, 3])
  assert.match(thrown.message, says)
  assert.ok(thrown.fix.length > 20)
  return true
}
