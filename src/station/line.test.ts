import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planOf } from '../../test/journeys/scene.ts'
import { memoryStore } from '../adapters/memory/store.ts'
import { newDeployment } from '../core/deploy/deployment.ts'
import { waitInLine } from './line.ts'

const SERVICE = 'heating-payment'

/** A store whose clock runs on by a second whenever somebody waits. */
function world() {
  const clock = { t: 1_800_000_000_000, now: () => clock.t }
  const inner = memoryStore(clock)
  const store = {
    ...inner,
    async wait(ms: number) {
      clock.t += ms
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
  return { clock, store }
}

const NEVER = new AbortController().signal
const waiting = (who: string, more: object = {}) => ({
  who,
  release: `${who}s`,
  msMax: 600_000,
  stop: NEVER,
  say: () => {},
  ...more,
})

test('nobody deploys: it is my turn at once, and nothing is left behind', async () => {
  const { store } = world()
  assert.equal(await waitInLine(store, SERVICE, waiting('asha')), 'mine')
  assert.equal(await store.get(`line:${SERVICE}`), null)
})

test('who came first goes first; who waits hears whom for', async () => {
  const { store, clock } = world()
  await store.create(SERVICE, newDeployment(planOf('r3'), clock.t), [])
  const order: string[] = []
  const said: string[] = []
  const first = waitInLine(store, SERVICE, waiting('ben', { say: (text: string) => said.push(text) }))
  await store.wait(500)
  const second = waitInLine(store, SERVICE, waiting('carys', { say: (text: string) => said.push(text) }))
  const turns = [first.then(() => order.push('ben')), second.then(() => order.push('carys'))]
  for (let i = 0; i < 5; i++) await store.wait(1_000)
  const claim = (await store.claim('test', 5_000))!
  const done = { effects: [], entries: [], spawn: [], post: [], wakeAt: null, done: true, consumed: 0 }
  const row = (await store.read('dep-r3'))!
  await store.commit(claim, { ...done, version: row.version, state: row.state })
  await Promise.all(turns)
  assert.deepEqual(order, ['ben', 'carys'])
  assert.match(said[0]!, /^Waiting\. Asha has been deploying release r3 since .*\(household questions\)/)
  assert.ok(said.some((text) => text.includes('Before you in line: ben with release bens.')))
  assert.equal(await store.get(`line:${SERVICE}`), null)
})

test('whoever gives up, or waits too long, leaves nothing behind; a ticket of somebody who died falls away', async () => {
  const { store, clock } = world()
  await store.create(SERVICE, newDeployment(planOf('r3'), clock.t), [])
  const stop = new AbortController()
  const given = waitInLine(store, SERVICE, waiting('ben', { stop: stop.signal }))
  await store.wait(2_000)
  stop.abort()
  assert.equal(await given, 'interrupted')
  assert.equal(await waitInLine(store, SERVICE, waiting('carys', { msMax: 5_000 })), 'too late')
  assert.equal(await store.get(`line:${SERVICE}`), null)
  const died = { id: 'x', who: 'dai', release: 'r9', since: clock.t - 60_000, seenAt: clock.t - 20_000 }
  const other = world()
  await other.store.put(`line:${SERVICE}`, [died])
  assert.equal(await waitInLine(other.store, SERVICE, waiting('asha')), 'mine')
})
