import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { memoryRuntime } from '../../src/adapters/memory/runtime.ts'
import { podmanRuntime } from '../../src/adapters/podman/runtime.ts'
import { identityOf, isAlive, isGroupAlive, signalGroup, TOKEN } from '../../src/adapters/process/life.ts'
import { takeLock } from '../../src/adapters/process/lock.ts'
import { logFileOf, openLog, tailOf, turnLogs } from '../../src/adapters/process/log.ts'
import { pathsOf } from '../../src/adapters/process/paths.ts'
import { processRuntime } from '../../src/adapters/process/runtime.ts'
import { type Supervisor, startSupervisor, stopSupervisor } from '../../src/adapters/process/start.ts'
import type { Instance, ReleaseSpec, Runtime } from '../../src/ports/runtime.ts'
import { isUnreachable } from '../../src/ports/unreachable.ts'
import { type Kind, runtimeContract } from '../../src/testing/contracts/runtime.ts'
import { openPodman, whyNoContainers } from '../containers/podman.ts'
import { removeFolder } from '../folder.ts'

const folder = (word: string) => mkdtempSync(join(tmpdir(), `holdfast-${word}-`))

/** A release in a few lines, so that a start takes 50 ms. KIND says how it behaves. */
const PROGRAM = `
  const http = require('node:http')
  const { KIND, PORT } = process.env
  if (KIND === 'dead') { console.log('no such setting'); process.exit(1) }
  process.on('SIGTERM', () => {
    if (KIND === 'stubborn') return
    if (KIND === 'slow-to-stop') setTimeout(() => { console.log('finished'); process.exit(0) }, 300)
    else process.exit(0)
  })
  http.createServer((request, response) => {
    response.writeHead(KIND === 'deaf' ? 503 : 200).end(JSON.stringify({ env: process.env, words: process.argv.slice(1) }))
  }).listen(Number(PORT), '127.0.0.1', () => console.log('listening'))
`

/** A folder of its own: its digest is taken with every start. */
const HOME = folder('release')
writeFileSync(join(HOME, 'release.txt'), 'one file is enough')
after(() => removeFolder(HOME))

function specOf(release: string, kind: Kind, epoch: number, replicas: number): ReleaseSpec {
  return {
    epoch,
    service: 'test',
    release,
    replicas,
    command: [process.execPath, '-e', PROGRAM, '{release}', '{port}'],
    folder: HOME,
    env: { KIND: kind },
    readyPath: '/ready',
    startMsMax: kind === 'deaf' ? 700 : 20_000,
    stopMsMax: kind === 'stubborn' ? 300 : 20_000,
  }
}

runtimeContract('memory', async () => {
  const runtime = memoryRuntime({ clock: { now: Date.now } })
  const away = memoryRuntime({ clock: { now: Date.now } })
  away.reach(false)
  return {
    runtime: async () => runtime,
    unreachable: async () => away,
    spec: (release, kind, epoch, replicas) => {
      runtime.behave(release, {
        ...(kind === 'dead' && { diesSaying: 'no such setting' }),
        ...(kind === 'deaf' && { startMs: Infinity }),
        ...(kind === 'stubborn' && { stopMs: Infinity }),
        ...(kind === 'slow-to-stop' && { stopMs: 300 }),
      })
      return specOf(release, kind, epoch, replicas)
    },
    crash: async ({ id }) => runtime.crash(id),
    restart: async () => {},
    close: async () => {},
  }
})

runtimeContract('process', async () => {
  const state = folder('runtime')
  let supervisor = await startSupervisor({ state })
  return {
    runtime: async () => processRuntime(supervisor),
    unreachable: async () => processRuntime({ socket: join(state, 'nobody.sock') }),
    spec: specOf,
    crash: async ({ pid }) => void process.kill(pid!, 'SIGKILL'),
    restart: async () => {
      supervisor = await replace(state, supervisor)
    },
    close: async () => {
      await stopSupervisor({ state })
      rmSync(state, { recursive: true })
    },
  }
})

const noContainers = whyNoContainers()
if (noContainers === undefined) {
  runtimeContract('podman', async () => {
    const podman = openPodman()
    const state = folder('podman-runtime')
    let supervisor = await startSupervisor({ state })
    const { engine } = podman
    return {
      runtime: async () => podmanRuntime({ socket: supervisor.socket, engine }),
      unreachable: async () => podmanRuntime({ socket: join(state, 'nobody.sock'), engine }),
      spec: (release, kind, epoch, replicas) => ({
        ...specOf(release, kind, epoch, replicas),
        command: ['/usr/bin/node', '-e', PROGRAM, '{release}', '{port}'],
        // A container takes up to a second to be there on a busy machine.
        startMsMax: kind === 'deaf' ? 3_000 : 20_000,
        container: { image: podman.node, memoryMb: 256, cpus: 2 },
      }),
      crash: async ({ pid }) => void process.kill(pid!, 'SIGKILL'),
      restart: async () => {
        supervisor = await replace(state, supervisor)
      },
      close: async () => {
        await stopSupervisor({ state })
        podman.close()
        rmSync(state, { recursive: true })
      },
    }
  })
} else test('podman', { skip: noContainers }, () => {})

/** The supervisor dies without a word, and the next one comes. */
async function replace(state: string, dies: Supervisor): Promise<Supervisor> {
  process.kill(dies.pid, 'SIGKILL')
  await until(() => identityOf(dies.pid) === undefined)
  const next = await startSupervisor({ state })
  assert.notEqual(next.pid, dies.pid)
  return next
}

describe('the process supervisor', () => {
  const state = folder('supervisor')
  let supervisor: Supervisor
  let runtime: Runtime
  before(async () => {
    supervisor = await startSupervisor({ state })
    runtime = processRuntime(supervisor)
  })
  after(async () => {
    await stopSupervisor({ state })
    rmSync(state, { recursive: true })
  })

  const start = async (spec: ReleaseSpec): Promise<readonly Instance[]> => {
    const answer = await runtime.start(spec)
    assert.ok('started' in answer && answer.started, JSON.stringify(answer))
    return answer.instances
  }

  test('is found again, not started twice', async () => {
    const found = await Promise.all([startSupervisor({ state }), startSupervisor({ state })])
    assert.deepEqual(found, [supervisor, supervisor])
  })

  test('listens, and writes down settings, where only its user may look', async () => {
    await start(specOf('secret', 'good', 1, 1))
    assert.equal(statSync(supervisor.socket).mode & 0o777, 0o600)
    assert.equal(statSync(pathsOf(state).journal).mode & 0o777, 0o600)
    await runtime.stop('secret', 1)
  })

  test('gives a release its own settings, its port, and no others of ours', async () => {
    const [instance] = await start({ ...specOf('env', 'good', 1, 1), env: { KIND: 'good', COLOUR: 'blue' } })
    const { env } = await askProgram(instance!)
    assert.equal(env.COLOUR, 'blue')
    assert.equal(env.PORT, String(instance!.port))
    assert.equal(env.HOLDFAST_UNIT_TESTS, undefined)
    assert.equal(env.npm_lifecycle_event, undefined)
    await runtime.stop('env', 1)
  })

  test('a replica that joins and fails leaves again, says why, and those that ran go on', async () => {
    const marker = join(state, 'full')
    const program = PROGRAM.replace("if (KIND === 'dead')", `if (require('node:fs').existsSync('${marker}'))`)
    const wish = { ...specOf('joins', 'good', 1, 1), command: [process.execPath, '-e', program] }
    const [first] = await start(wish)
    writeFileSync(marker, '')
    const answer = await runtime.start({ ...wish, replicas: 3 })
    assert.ok('started' in answer && !answer.started)
    assert.match(answer.why, /joins/)
    assert.match(answer.logTail, /no such setting/)
    const left = await runtime.instances('joins')
    assert.ok(!isUnreachable(left))
    assert.deepEqual(
      left.map(({ id, restarts, ready }) => [id, restarts, ready]),
      [[first!.id, 0, true]],
    )
    rmSync(marker)
    assert.equal((await start({ ...wish, replicas: 2 })).length, 2)
    await runtime.stop('joins', 1)
  })

  test('puts port and release into the command', async () => {
    const [instance] = await start(specOf('argv', 'good', 1, 1))
    assert.deepEqual((await askProgram(instance!)).words, ['argv', String(instance!.port)])
    await runtime.stop('argv', 1)
  })

  test('a command that does not exist is a release that did not start', async () => {
    const answer = await runtime.start({ ...specOf('missing', 'good', 1, 1), command: ['no-such-program-here'] })
    assert.ok('started' in answer && !answer.started && /no-such-program-here/.test(answer.why), JSON.stringify(answer))
  })

  test('a specification that cannot be is told, not obeyed', async () => {
    const answer = await runtime.start({ ...specOf('../evil', 'good', 1, 1) })
    assert.ok(isUnreachable(answer) && /release name/.test(answer.why), JSON.stringify(answer))
  })

  test('what a replica had started ends with it', async () => {
    // A wrapper that starts the real server, and does not pass signals on.
    const wrapper = `require('node:child_process').spawn(process.execPath, ['-e', process.argv[1]], { stdio: 'inherit' }); process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`
    const spec = specOf('wrapped', 'good', 1, 1)
    const [instance] = await start({ ...spec, command: [process.execPath, '-e', wrapper, PROGRAM], stopMsMax: 500 })
    assert.equal(await runtime.stop('wrapped', 1), 'stopped')
    await assert.rejects(fetch(`http://127.0.0.1:${instance!.port}/`))
  })

  test('a replica that died while no supervisor was there is started again', async () => {
    const [before] = await start(specOf('orphan', 'good', 1, 1))
    process.kill(supervisor.pid, 'SIGKILL')
    await until(() => identityOf(supervisor.pid) === undefined)
    process.kill(before!.pid!, 'SIGKILL')
    await until(() => identityOf(before!.pid!) === undefined)
    supervisor = await startSupervisor({ state })
    runtime = processRuntime(supervisor)
    const now = await untilSeen(async () => {
      const [one] = (await runtime.instances('orphan')) as readonly Instance[]
      return one?.ready ? one : undefined
    })
    assert.equal(now.restarts, 1)
    assert.equal(now.port, before!.port)
    await runtime.stop('orphan', 1)
  })

  test('a replica that nobody had time to write down is found by its token', async () => {
    const [before] = await start(specOf('unnoted', 'good', 1, 1))
    const paths = pathsOf(state)
    process.kill(supervisor.pid, 'SIGKILL')
    await until(() => identityOf(supervisor.pid) === undefined)
    const journal = JSON.parse(readFileSync(paths.journal, 'utf8'))
    for (const replica of journal.releases.unnoted.replicas) {
      delete replica.pid
      delete replica.identity
    }
    writeFileSync(paths.journal, JSON.stringify(journal))
    supervisor = await startSupervisor({ state })
    runtime = processRuntime(supervisor)
    const [now] = (await runtime.instances('unnoted')) as readonly Instance[]
    assert.equal(now?.pid, before!.pid)
    await runtime.stop('unnoted', 1)
  })

  test('a stop that was cut short by its death is carried out by the next supervisor', async () => {
    const [before] = await start({ ...specOf('halfway', 'stubborn', 1, 1), stopMsMax: 2_000 })
    const asked = runtime.stop('halfway', 1)
    await until(() => JSON.parse(readFileSync(pathsOf(state).journal, 'utf8')).releases.halfway?.phase === 'stopping')
    supervisor = await replace(state, supervisor)
    assert.ok(isUnreachable(await asked))
    runtime = processRuntime(supervisor)
    assert.equal(await runtime.stop('halfway', 1), 'stopped')
    assert.equal(identityOf(before!.pid!), undefined)
  })

  test('a paused supervisor is out of reach, not waited for without end', async () => {
    process.kill(supervisor.pid, 'SIGSTOP')
    try {
      assert.ok(isUnreachable(await runtime.instances()))
    } finally {
      process.kill(supervisor.pid, 'SIGCONT')
    }
    assert.deepEqual(await runtime.instances(), [])
  })
})

describe('what the supervisor stands on', () => {
  test('a pid that came round again is not the process we started', () => {
    const identity = identityOf(process.pid)!
    assert.ok(isAlive(process.pid, identity))
    assert.ok(!isAlive(process.pid, `${identity}0`))
  })

  test('a zombie is dead', { skip: process.platform !== 'linux' && 'needs /proc' }, async () => {
    // The shell starts a child that ends at once, and never reaps it.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)))
      await until(() => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
      assert.doesNotThrow(() => process.kill(pid, 0), 'kill(pid, 0) is fooled')
      assert.equal(identityOf(pid), undefined)
    } finally {
      parent.kill('SIGKILL')
    }
  })

  test('a signal reaches only what carries the token', {
    skip: process.platform !== 'linux' && 'needs /proc',
  }, async () => {
    const child = spawn('sleep', ['30'], { detached: true, stdio: 'ignore', env: { ...process.env, [TOKEN]: 'ours' } })
    await until(() => isGroupAlive(child.pid!, 'ours'))
    assert.equal(signalGroup(child.pid!, 'of somebody else', 'SIGKILL'), false)
    assert.ok(isGroupAlive(child.pid!, 'ours'))
    assert.equal(signalGroup(child.pid!, 'ours', 'SIGKILL'), true)
    await until(() => !isGroupAlive(child.pid!, 'ours'))
  })

  test('a lock is held by one, and taken over from the dead', () => {
    const file = join(folder('lock'), 'lock')
    const unlock = takeLock(file)!
    assert.equal(takeLock(file), undefined)
    unlock()
    writeFileSync(file, '1 some other boot:7')
    assert.ok(takeLock(file))
    assert.deepEqual(readdirSync(join(file, '..')), ['lock'])
    rmSync(join(file, '..'), { recursive: true })
  })

  test('a log stays bounded while its writer writes on, and its end can be read over the turn', () => {
    const logs = folder('logs')
    const file = logFileOf(logs, 'r1')
    const handle = openLog(file)
    writeFileSync(handle, `${'x'.repeat(1_200_000)}\nbefore\n`)
    turnLogs(logs)
    writeFileSync(handle, 'after\n')
    assert.equal(statSync(file).size, 'after\n'.length)
    assert.match(tailOf(file, 20), /^x*\nbefore\nafter\n$/)
    assert.equal(tailOf(file, 20).length, 20)
    assert.equal(tailOf(file, 100, 6), '')
    rmSync(logs, { recursive: true })
  })

  test('a state folder with a long path has its socket in a short private one', () => {
    const long = join(folder('long'), 'x'.repeat(100))
    mkdirSync(long)
    const { socket } = pathsOf(long)
    assert.ok(Buffer.byteLength(socket) <= 103)
    assert.equal(pathsOf(long).socket, socket)
    assert.equal(statSync(join(socket, '..')).mode & 0o777, 0o700)
    rmSync(join(socket, '..'), { recursive: true })
    rmSync(join(long, '..'), { recursive: true })
  })
})

async function askProgram({ port }: Instance): Promise<{ env: Record<string, string>; words: string[] }> {
  return (await fetch(`http://127.0.0.1:${port}/`)).json() as never
}

async function until(holds: () => boolean): Promise<void> {
  await untilSeen(async () => holds() || undefined)
}

async function untilSeen<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 20_000; ; ) {
    const seen = await look()
    if (seen !== undefined) return seen
    assert.ok(Date.now() < end, 'never came')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
