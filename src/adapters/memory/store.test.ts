import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStore } from './store.ts'

test('a simulation is told when an engine has something to do: at a wake, a message, an effect, or the end of another’s lease', async () => {
  const clock = { t: 1_000, now: () => clock.t }
  const store = memoryStore(clock)
  assert.equal(store.dueAt('a'), Number.POSITIVE_INFINITY)
  await store.create('svc', { id: 'm', kind: 'k', state: {}, wakeAt: 5_000 }, [])
  assert.equal(store.dueAt('a'), 5_000)

  clock.t = 5_000
  const claim = (await store.claim('a', 2_000))!
  assert.equal(store.dueAt('a'), 5_000)
  assert.equal(store.dueAt('b'), 7_000, 'what a holds is not before the end of its lease')
  const effect = { id: 'e', kind: 'do', payload: {}, dueAt: 5_600 }
  const change = { state: {}, entries: [], spawn: [], post: [], wakeAt: 6_000, consumed: 0, done: false }
  await store.commit(claim, { ...change, version: 1, effects: [effect] })
  assert.equal(store.dueAt('a'), 5_600)
  await store.settle(claim, 'e', {})
  assert.equal(store.dueAt('a'), 5_000, 'its outcome is there already')

  await store.commit(claim, { ...change, version: 2, effects: [], consumed: 1, wakeAt: null })
  assert.equal(store.dueAt('a'), Number.POSITIVE_INFINITY)
  await store.post({ to: 'm', id: '1', name: 'halt', who: 'ben', payload: {} })
  assert.equal(store.dueAt('a'), 5_000)
})
