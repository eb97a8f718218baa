/** What every runtime promises, as tests. Plug in your own: `runtimeContract('mine', open)` in a file run by node:test. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Instance, NotStarted, ReleaseSpec, Runtime, Started } from '../../ports/runtime.ts'
import { isRefused, isUnreachable, type Refused, type Unreachable } from '../../ports/unreachable.ts'

/**
 * good: ready soon, gone soon after SIGTERM. dead: writes "no such setting" and dies. deaf: runs, and is never ready.
 * slow-to-stop: after SIGTERM works on for less than its stop budget, then writes "finished". stubborn: ignores SIGTERM.
 */
export type Kind = 'good' | 'dead' | 'deaf' | 'slow-to-stop' | 'stubborn'

/** One place where releases run, and any number of runtimes that order it about. */
export interface RuntimeWorld {
  /** Another runtime on the same place, as after the engine has died. */
  runtime(): Promise<Runtime>
  /** A runtime whose other side is out of reach. */
  unreachable(): Promise<Runtime>
  /** A release that behaves so. `startMsMax` and `stopMsMax` suit the kind. */
  spec(release: string, kind: Kind, epoch: number, replicas: number): ReleaseSpec
  /** One replica dies by itself. */
  crash(instance: Instance): Promise<void>
  /** Whatever keeps the replicas (a supervisor, a daemon) dies without a word and comes back. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Long enough for any machine; nothing waits for it that is not broken. */
const GIVE_UP_MS = 20_000

export function runtimeContract(name: string, open: () => Promise<RuntimeWorld>): void {
  describe(`runtime contract: ${name}`, () => {
    let world: RuntimeWorld
    let runtime: Runtime
    // Epochs only rise, and all cases share one place.
    let epoch = 10
    before(async () => {
      world = await open()
      runtime = await world.runtime()
    })
    after(() => world?.close())

    const spec = (release: string, kind: Kind = 'good', replicas = 1) => world.spec(release, kind, ++epoch, replicas)
    const instances = async (release?: string) => reached(await runtime.instances(release))
    const gone = async (release: string) => {
      assert.equal(await runtime.stop(release, epoch), 'stopped')
      assert.deepEqual(await instances(release), [])
    }

    test('a started release has the replicas asked for, ready, each on a port of its own', async () => {
      const started = startedOf(await runtime.start(spec('two', 'good', 2)))
      assert.equal(started.length, 2)
      assert.ok(started.every(({ release, ready, restarts }) => release === 'two' && ready && restarts === 0))
      assert.equal(new Set(started.map(({ port }) => port)).size, 2)
      assert.equal(new Set(started.map(({ id }) => id)).size, 2)
      assert.deepEqual(placesOf(await instances('two')), placesOf(started))
      await gone('two')
    })

    test('what would be started can be named beforehand, and every replica reports just that', async () => {
      const wish = spec('named', 'good', 2)
      const beforehand = await runtime.identify?.(wish)
      const started = startedOf(await runtime.start(wish))
      for (const { digest, digestWhy } of started) {
        // "Cannot tell" is an answer, and says why.
        if (digest === undefined) assert.ok(digestWhy, 'a replica without a digest says why')
        else assert.match(digest, /^sha256:[0-9a-f]{64}$/)
        if (beforehand && 'digest' in beforehand) assert.equal(digest, beforehand.digest)
      }
      await gone('named')
    })

    test('starting what runs is done already, and starts nothing more', async () => {
      const first = startedOf(await runtime.start(spec('twice', 'good', 2)))
      const second = startedOf(await runtime.start(spec('twice', 'good', 2)))
      assert.deepEqual(placesOf(second), placesOf(first))
      assert.equal((await instances('twice')).length, 2)
      await gone('twice')
    })

    test('a release that runs gets the replicas it lacks, and loses those that are named; the others stay as they are', async (t) => {
      if (!runtime.stopReplicas)
        return t.diagnostic('this runtime cannot stop single replicas: rolling is refused with it')
      const wish = spec('grows', 'good', 1)
      const one = startedOf(await runtime.start(wish))
      const three = startedOf(await runtime.start({ ...wish, replicas: 3 }))
      assert.equal(three.length, 3)
      assert.ok(three.every(({ ready }) => ready))
      assert.deepEqual(placesOf(three).slice(0, 1), placesOf(one))
      const [first, second, third] = three
      assert.equal(await runtime.stopReplicas('grows', [first!.id, second!.id], epoch), 'stopped')
      assert.equal(await runtime.stopReplicas('grows', [first!.id], epoch), 'stopped')
      assert.deepEqual(placesOf(await instances('grows')), placesOf([third!]))
      const two = startedOf(await runtime.start({ ...wish, replicas: 2 }))
      assert.equal(two.length, 2)
      assert.ok(placesOf(two).some(({ id }) => id === third!.id))
      assertRefused(await runtime.stopReplicas('grows', [third!.id], epoch - 1), epoch)
      await world.restart()
      runtime = await world.runtime()
      assert.deepEqual(placesOf(await instances('grows')), placesOf(two))
      await gone('grows')
    })

    test('two orders to start the same release at once are one start', async () => {
      const wish = spec('once')
      const [first, second] = await Promise.all([runtime.start(wish), (await world.runtime()).start(wish)])
      assert.deepEqual(placesOf(startedOf(first)), placesOf(startedOf(second)))
      assert.equal((await instances('once')).length, 1)
      await gone('once')
    })

    test('releases run side by side, and each is stopped alone', async () => {
      startedOf(await runtime.start(spec('old')))
      startedOf(await runtime.start(spec('new')))
      await gone('old')
      assert.deepEqual(
        (await instances()).map(({ release }) => release),
        ['new'],
      )
      await gone('new')
    })

    test('stopping what does not run is done already', async () => {
      assert.equal(await runtime.stop('never-started', ++epoch), 'stopped')
    })

    test('a release that dies at its start says why, and nothing of it is left', async () => {
      const answer = await runtime.start(spec('dies', 'dead', 2))
      assert.match(notStartedOf(answer).why, /dies/)
      assert.match(notStartedOf(answer).logTail, /no such setting/)
      assert.ok(notStartedOf(answer).logTail.length <= 4_096)
      assert.deepEqual(await instances('dies'), [])
    })

    test('a release that is not ready in its time is not started, and nothing of it is left', async () => {
      assert.match(notStartedOf(await runtime.start(spec('deaf', 'deaf'))).why, /deaf/)
      assert.deepEqual(await instances('deaf'), [])
    })

    test('after a failed start the same release may be started again', async () => {
      notStartedOf(await runtime.start(spec('mended', 'dead')))
      startedOf(await runtime.start(spec('mended', 'good')))
      await gone('mended')
    })

    test('a replica that dies by itself comes back at the same address, and is counted', async () => {
      const [before] = startedOf(await runtime.start(spec('crashes')))
      await world.crash(before!)
      const [now] = await until(
        () => instances('crashes'),
        (all) => all[0]?.restarts === 1 && all[0].ready,
      )
      assert.deepEqual(placesOf([now!]), placesOf([before!]))
      await gone('crashes')
    })

    test('a stopped replica may finish what it does, inside its budget', async () => {
      startedOf(await runtime.start(spec('busy', 'slow-to-stop')))
      await gone('busy')
      assert.match(reached(await runtime.logs('busy')), /finished/)
    })

    test('a replica that ignores its stop is ended when its budget is over', async () => {
      startedOf(await runtime.start(spec('stubborn', 'stubborn')))
      await gone('stubborn')
      assert.doesNotMatch(reached(await runtime.logs('stubborn')), /finished/)
    })

    test('a lower epoch is refused, and changes nothing', async () => {
      startedOf(await runtime.start(spec('fenced')))
      const seen = epoch
      assertRefused(await runtime.stop('fenced', seen - 1), seen)
      assertRefused(await runtime.start({ ...world.spec('late', 'good', seen - 1, 1) }), seen)
      assert.deepEqual(
        (await instances()).map(({ release }) => release),
        ['fenced'],
      )
      await gone('fenced')
    })

    test('the epoch is remembered by whoever keeps the replicas', async () => {
      const seen = ++epoch
      assert.equal(await runtime.stop('nothing', seen), 'stopped')
      await world.restart()
      runtime = await world.runtime()
      assertRefused(await runtime.stop('nothing', seen - 1), seen)
    })

    test('releases live on when the engine dies, and when their keeper does, and are found again', async () => {
      const before = startedOf(await runtime.start(spec('lasting', 'good', 2)))
      assert.deepEqual(placesOf(reached(await (await world.runtime()).instances())), placesOf(before))
      await world.restart()
      runtime = await world.runtime()
      const after = await instances('lasting')
      assert.deepEqual(
        after.map(({ pid, restarts, ready }) => ({ pid, restarts, ready })),
        before.map(({ pid }) => ({ pid, restarts: 0, ready: true })),
      )
      assert.deepEqual(placesOf(after), placesOf(before))
      await gone('lasting')
    })

    test('logs are the last bytes written, and nothing for a release that never was', async () => {
      startedOf(await runtime.start(spec('talks', 'slow-to-stop')))
      await gone('talks')
      const all = reached(await runtime.logs('talks'))
      assert.equal(reached(await runtime.logs('talks', 4)), all.slice(-4))
      assert.equal(reached(await runtime.logs('never-started')), '')
    })

    test('an other side out of reach is an answer', async () => {
      const away = await world.unreachable()
      for (const answer of [
        await away.start(spec('away')),
        await away.instances(),
        await away.stop('away', epoch),
        await away.logs('away'),
      ]) {
        assert.ok(isUnreachable(answer))
        assert.ok(answer.why.length > 10, 'says what was asked and what happened')
      }
    })
  })
}

function reached<T>(answer: T | Unreachable): T {
  assert.ok(!isUnreachable(answer), `should be reachable: ${JSON.stringify(answer)}`)
  return answer
}

function startedOf(answer: Started | NotStarted | Refused | Unreachable): readonly Instance[] {
  assert.ok('started' in answer && answer.started, `should have started: ${JSON.stringify(answer)}`)
  return answer.instances
}

function notStartedOf(answer: Started | NotStarted | Refused | Unreachable): NotStarted {
  assert.ok('started' in answer && !answer.started, `should not have started: ${JSON.stringify(answer)}`)
  return answer
}

function assertRefused(answer: unknown, epochSeen: number): void {
  assert.ok(isRefused(answer), `should be refused: ${JSON.stringify(answer)}`)
  assert.equal(answer.epochSeen, epochSeen)
}

/** What must stay the same for as long as a replica is the same. */
function placesOf(instances: readonly Instance[]) {
  return instances.map(({ id, host, port }) => ({ id, host, port }))
}

async function until<T>(look: () => Promise<T>, holds: (seen: T) => boolean): Promise<T> {
  for (const end = Date.now() + GIVE_UP_MS; ; ) {
    const seen = await look()
    if (holds(seen)) return seen
    assert.ok(Date.now() < end, `never came: ${JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
