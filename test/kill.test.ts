/** The kill matrix: an engine may die at any moment, and a deployment goes on as if it had not. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { isOver } from '../src/core/deploy/deploying.ts'
import { isUnreachable } from '../src/ports/unreachable.ts'
import { openScene, performedOf } from './kill/scene.ts'

/** "After": the step was done and nobody was told. "Before": it was decided and not done; the first is let through, or nothing would ever happen. */
const POINTS = ['commit-after:0', 'effect-before:1', 'settle-before:1', 'settle-after:0', 'commit-before:1'] as const

// Side by side: each has a scene of its own, and waits most of the time.
describe('the kill matrix', { concurrency: true }, () => {
  test('an engine killed before and after every durable step: the next one goes on, and repeats only what was interrupted', async () => {
    const scene = await openScene()
    try {
      const store = await scene.store()
      const first = await scene.deploy(store, 'r1')
      const starter = scene.engine()
      await scene.until(store, first, isOver)
      starter.kill('SIGKILL')
      await once(starter, 'exit')
      const crowd = scene.citizens(120)

      const id = await scene.deploy(store, 'r2', { asked: true })
      const agreed = scene.agree(store, id)
      const before = performedOf(scene)
      let kills = 0
      for (let over = false; !over; ) {
        const engine = scene.engine({ kill: POINTS[kills % POINTS.length]!, leaseMs: 400 })
        const died = once(engine, 'exit')
        const ended = scene.until(store, id, isOver)
        over = (await Promise.race([died.then(() => 'died'), ended.then(() => 'over')])) === 'over'
        if (over) engine.kill('SIGKILL')
        else kills++
      }
      const end = await scene.until(store, id, isOver)
      await agreed
      assert.equal(end.phase.name, 'promoted', end.lastWhy)
      assert.ok(kills >= 10, `only ${kills} engines died`)

      const performed = performedOf(scene)
      for (const [key, times] of before) performed.set(key, performed.get(key)! - times)
      const repeated = [...performed.values()].filter((times) => times > 1).reduce((sum, times) => sum + times - 1, 0)
      // Only a death between beginning an effect and writing down its outcome repeats it.
      assert.ok(repeated <= kills, `${repeated} repeats after ${kills} deaths`)
      const rows = await store.log(0, 1_000, { subject: id })
      for (const kind of [
        'deployment.requested',
        'gate.result',
        'approval.given',
        'release.started',
        'verified',
        'promoted',
        'finished',
      ]) {
        assert.equal(rows.filter((row) => row.kind === kind).length, 1, `${kind} is decided once`)
      }
      const seen = await crowd.stop(2_000)
      assert.equal(seen.failedByDeployment, 0)
      assert.equal(seen.sessions.harmed, 0)
    } finally {
      await scene.close()
    }
  })

  test('an engine that is stopped for ten seconds and continued has been replaced, at the store and at the gateway', async () => {
    const scene = await openScene()
    try {
      const store = await scene.store()
      const first = await scene.deploy(store, 'r1')
      const sleeper = scene.engine()
      await scene.until(store, first, isOver)
      const crowd = scene.citizens(120)
      const id = await scene.deploy(store, 'r2', { bakeMs: 15_000 })
      await scene.until(store, id, ({ phase }) => phase.name === 'on-trial')
      const epochBefore = await epochOf()
      sleeper.kill('SIGSTOP')
      const other = scene.engine()
      // The other engine decides something: a person halts, so the gateway must obey the new epoch.
      await store.post({ to: id, id: 'halt', name: 'halt', who: 'ben', payload: { reason: 'test' } })
      await scene.until(store, id, ({ phase, steering }) => phase.name === 'halted' && steering?.applied === true)
      const epochAfter = await epochOf()
      assert.ok(epochAfter > epochBefore, 'the gateway has obeyed the successor')
      await new Promise((resolve) => setTimeout(resolve, 10_000))
      sleeper.kill('SIGCONT')
      await store.post({ to: id, id: 'back', name: 'rollback', who: 'ben', payload: { reason: 'test' } })
      const end = await scene.until(store, id, isOver)
      assert.equal(end.phase.name, 'rolled-back')
      assert.equal(
        (await store.log(0, 1_000, { subject: id })).filter(({ kind }) => kind === 'rollback.decided').length,
        1,
      )
      const direct = await scene.gateway.traffic.closeUpgraded('canary', 0, epochBefore)
      assert.deepEqual(direct, { refused: true, epochSeen: await epochOf() })
      assert.equal((await crowd.stop(2_000)).failedByDeployment, 0)
      stop(other)
      async function epochOf(): Promise<number> {
        const status = await scene.gateway.traffic.status()
        assert.ok(!isUnreachable(status))
        return status.epoch
      }
    } finally {
      await scene.close()
    }
  })

  test('engine and database killed in the middle of a deployment: citizens do not notice, and it goes on when they are back', async () => {
    const scene = await openScene()
    try {
      const store = await scene.store()
      const first = await scene.deploy(store, 'r1')
      const engine = scene.engine()
      await scene.until(store, first, isOver)
      const crowd = scene.citizens(120)
      const id = await scene.deploy(store, 'r2', { bakeMs: 4_000 })
      await scene.until(store, id, ({ phase }) => phase.name === 'on-trial')
      engine.kill('SIGKILL')
      process.kill(scene.database.pid, 'SIGKILL')
      const sent = crowd.summary().requests.sent
      // Ten seconds of service with nobody in charge; bench/outage.ts does sixty.
      await new Promise((resolve) => setTimeout(resolve, 10_000))
      const alone = crowd.summary()
      assert.ok(alone.requests.sent - sent > 300, `${alone.requests.sent - sent} requests while nobody was in charge`)
      assert.equal(alone.failedByDeployment, 0)
      const { startEmbedded } = await import('../src/adapters/postgres/embedded.ts')
      const again = await startEmbedded({ folder: `${scene.state}/postgres` })
      const successor = scene.engine()
      const end = await scene.until(await scene.store(), id, isOver)
      assert.match(end.phase.name, /promoted|rolled-back/)
      const last = await crowd.stop(2_000)
      assert.equal(last.failedByDeployment, 0)
      assert.equal(last.sessions.harmed, 0)
      stop(successor)
      await again.stop()
    } finally {
      await scene.close()
    }
  })
})

function stop(engine: ChildProcess): void {
  engine.kill('SIGKILL')
}
