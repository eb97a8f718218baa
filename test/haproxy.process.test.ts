import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startHaproxy } from '../src/adapters/haproxy/traffic.ts'
import { identityOf, isAlive } from '../src/adapters/process/life.ts'
import { portFor } from '../src/adapters/process/port.ts'
import { entry } from '../src/entry.ts'
import { isUnreachable } from '../src/ports/unreachable.ts'
import { removeFolder } from './folder.ts'
import { CITIZEN, configOf, until } from './gateway-world.ts'

test('a driver killed while HAProxy starts leaves one HAProxy, and the next driver steers it', async (context) => {
  const state = mkdtempSync(join(tmpdir(), 'holdfast-haproxy-'))
  const control = join(state, 'gateway.sock')
  const [held, go, slow] = ['held', 'go', 'slow-haproxy'].map((name) => join(state, name)) as [string, string, string]
  // HAProxy itself starts too quickly to be met in the middle.
  const wait = `echo $$ > ${held}.new; mv ${held}.new ${held}; while [ ! -e ${go} ]; do sleep 0.02; done`
  writeFileSync(slow, `#!/bin/sh\ncase "$*" in *-W*) ${wait};; esac\nexec haproxy "$@"\n`, { mode: 0o700 })
  const { command, args } = entry('adapters/haproxy/main')
  const port = await portFor(0)
  const told = ['--listen', `127.0.0.1:${port}`, '--control', control, '--state', state, '--haproxy', slow]
  const driver = spawn(command, [...args, ...told], { stdio: 'ignore' })
  await until(() => existsSync(held))
  const master = Number(readFileSync(held, 'utf8'))
  const identity = identityOf(master)!
  context.after(() => {
    if (isAlive(master, identity)) process.kill(master, 'SIGKILL')
    removeFolder(state)
  })
  driver.kill('SIGKILL')
  await until(() => driver.signalCode)
  // The narrowest moment: it runs, and its number was not written down yet.
  const notes = join(state, 'haproxy.json')
  writeFileSync(notes, JSON.stringify({ ...JSON.parse(readFileSync(notes, 'utf8')), pid: 0, identity: '' }))
  writeFileSync(go, '')

  const { traffic, ...next } = await startHaproxy({ listen: `127.0.0.1:${port}`, state, haproxy: slow })
  const status = await traffic.status()
  assert.ok(!isUnreachable(status), JSON.stringify(status))
  assert.equal(status.workers.find(({ state: is }) => is === 'master')?.pid, master)
  assert.equal(next.port, port)
  await traffic.stop()
  await until(() => !isAlive(master, identity))
})

test('a release that takes no connections for a while makes its citizens wait, and loses none', async (context) => {
  const state = mkdtempSync(join(tmpdir(), 'holdfast-haproxy-'))
  const release = spawn(process.execPath, ['-e', RELEASE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const plugs: Socket[] = []
  const tune = { connectMs: 400, checkEveryMs: 100, fallAfter: 1_000, drainIdleMs: 100 }
  const { traffic, port, pid } = await startHaproxy({ listen: '127.0.0.1:0', state, tune })
  const identity = identityOf(pid)!
  context.after(async () => {
    for (const plug of plugs) plug.destroy()
    release.kill('SIGKILL')
    await traffic.stop()
    await until(() => !isAlive(pid, identity))
    removeFolder(state)
  })
  const [told] = (await once(release.stdout, 'data')) as [Buffer]
  const at = Number(told)
  assert.equal(await traffic.apply(configOf([at])), 'applied')
  release.kill('SIGSTOP')
  // Two fill the queue of one: whoever comes then gets no connection, and the first of them takes the server out.
  for (let i = 0; i < 2; i++) {
    const plug = connect(at, '127.0.0.1')
    plugs.push(plug)
    await once(plug, 'connect')
  }
  const form = { method: 'POST', body: 'a=b', headers: { 'user-agent': CITIZEN, connection: 'close' } }
  const asked = [1, 2, 3].map(() => fetch(`http://127.0.0.1:${port}/`, form).then(({ status }) => status))
  const isOut = (status: Awaited<ReturnType<typeof traffic.status>>) =>
    !isUnreachable(status) && status.backends.every(({ healthy }) => !healthy)
  await until(async () => isOut(await traffic.status()))
  release.kill('SIGCONT')
  assert.deepEqual(await Promise.all(asked), [200, 200, 200])
})

/** Answers everything, and takes one connection at a time from a queue of one. */
const RELEASE =
  "require('http').createServer((_, res) => res.end('served')).listen(0, '127.0.0.1', 1, function () { console.log(this.address().port) })"
