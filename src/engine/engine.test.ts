import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStore } from '../adapters/memory/store.ts'
import type { Json } from '../core/json.ts'
import type { Machine } from '../core/machine.ts'
import type { Store } from '../ports/store.ts'
import { startEngine } from './engine.ts'
import { Fenced, type Performer, type Registry } from './registry.ts'

type Counting = { readonly asked: number; readonly answered: number; readonly target: number }

/** Asks for one effect after another until `target` were answered. */
const counting: Machine<Counting, null> = {
  kind: 'counting',
  react(state, event, now) {
    const answered = state.answered + (event.kind === 'outcome' ? 1 : 0)
    const done = answered >= state.target
    const ask = !done && state.asked === answered
    return {
      state: { ...state, answered, asked: state.asked + (ask ? 1 : 0) },
      effects: ask ? [{ id: `step:${state.asked + 1}`, kind: 'step', payload: state.asked + 1 }] : [],
      entries: ask ? [{ kind: 'asked', subject: 'x', who: 'holdfast', why: `step ${state.asked + 1}`, data: {} }] : [],
      spawn: [],
      post: [],
      wakeAt: done ? null : now + 20,
      done,
    }
  },
}

function registryOf(step: Performer): Registry {
  return { kinds: { counting: { machine: counting, observe: async () => null } }, performers: { step } }
}

async function create(store: Store, id: string, target: number): Promise<void> {
  await store.create(
    'svc',
    { id, kind: 'counting', state: { asked: 0, answered: 0, target }, wakeAt: await store.now() },
    [],
  )
}

async function finished(store: Store, id: string): Promise<Counting> {
  for (;;) {
    const row = await store.read(id)
    if (row?.done) return row.state as unknown as Counting
    await store.wait(20)
  }
}

const clock = { now: () => Date.now() }

test('a machine gets its turns and its effects, each performed once, each decision logged', async () => {
  const store = memoryStore(clock)
  const performed: Json[] = []
  const engine = startEngine({
    store,
    owner: 'a',
    registry: registryOf(async (payload) => (performed.push(payload), 'ok')),
  })
  await create(store, 'm', 5)
  assert.equal((await finished(store, 'm')).answered, 5)
  assert.deepEqual(performed, [1, 2, 3, 4, 5])
  assert.equal((await store.head()).size, 5)
  await engine.stop()
})

test('a performer that throws is tried again, and the machine hears only of the success', async () => {
  const store = memoryStore(clock)
  let tries = 0
  const step: Performer = async () => {
    if (++tries === 1) throw new Error('not today')
    return 'ok'
  }
  const remarks: string[] = []
  const engine = startEngine({ store, owner: 'a', registry: registryOf(step), remark: (says) => remarks.push(says) })
  await create(store, 'm', 1)
  await finished(store, 'm')
  assert.equal(tries, 2)
  assert.match(remarks.join(), /not today/)
  await engine.stop()
})

test('engines on one store share the machines, and no effect is performed by two of them', async () => {
  const store = memoryStore(clock)
  const by = new Map<string, string[]>()
  const engines = ['a', 'b', 'c'].map((owner) =>
    startEngine({
      store,
      owner,
      machinesMax: 4,
      registry: registryOf(async (_, { key }) => {
        by.set(key, [...(by.get(key) ?? []), owner])
        return 'ok'
      }),
    }),
  )
  const ids = Array.from({ length: 12 }, (_, i) => `m${i}`)
  for (const id of ids) await create(store, id, 4)
  await Promise.all(ids.map((id) => finished(store, id)))
  assert.equal(by.size, 48)
  assert.ok([...by.values()].every((owners) => owners.length === 1))
  assert.ok(new Set([...by.values()].flat()).size > 1, 'more than one engine worked')
  for (const engine of engines) await engine.stop()
})

test('an engine that fell asleep is replaced, and what it brings back late is not believed', async () => {
  const store = memoryStore(clock)
  let wakeSleeper: (outcome: Json) => void = () => {}
  const asleep = { now: false }
  // The sleeper's store: while it sleeps, its heartbeats do not get through. That is what SIGSTOP does to a process.
  const sleepers: Store = { ...store, renew: async (claim, ms) => (asleep.now ? claim : store.renew(claim, ms)) }
  const sleeper = startEngine({
    store: sleepers,
    owner: 'sleeper',
    leaseMs: 200,
    registry: registryOf((payload) => {
      if (payload !== 2) return Promise.resolve('ok')
      asleep.now = true
      return new Promise((resolve) => {
        wakeSleeper = resolve
      })
    }),
  })
  await create(store, 'm', 3)
  while (!asleep.now) await store.wait(20)
  // Nothing claims until the lease has passed; the sleeper's loop must not claim again either, as a stopped process would not.
  const other = startEngine({
    store,
    owner: 'other',
    leaseMs: 200,
    registry: registryOf(async (payload) => `other ${payload}`),
  })
  const stopped = sleeper.stop()
  assert.equal((await finished(store, 'm')).answered, 3)
  const before = (await store.head()).size
  wakeSleeper('late')
  await stopped
  assert.equal((await store.head()).size, before)
  await other.stop()
})

test('a port that has obeyed a higher epoch while our lease holds is told to the machine as an outage', async () => {
  const store = memoryStore(clock)
  let tries = 0
  const step: Performer = async () => {
    if (++tries === 1) throw new Fenced('another installation steers this gateway')
    return 'ok'
  }
  const engine = startEngine({ store, owner: 'a', registry: registryOf(step) })
  await create(store, 'm', 1)
  await finished(store, 'm')
  assert.equal(tries, 1, 'the refusal itself was the outcome')
  await engine.stop()
})
