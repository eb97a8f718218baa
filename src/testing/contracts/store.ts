/** What every store promises, as tests. Plug in your own: `storeContract('mine', open)` in a file run by node:test. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Json } from '../../core/json.ts'
import type { Store } from '../../ports/store.ts'
import { logContract } from './store-log.ts'
import { begun, caseOf, change, effect, entry, opened, type StoreWorld } from './store-world.ts'

export type { StoreWorld } from './store-world.ts'

export function storeContract(name: string, open: () => Promise<StoreWorld>): void {
  describe(`store contract: ${name}`, () => {
    let world: StoreWorld
    let a: Store
    let b: Store
    let cases = 0
    before(async () => {
      world = await open()
      a = await world.store()
      b = await world.store()
    })
    after(async () => {
      await a?.close()
      await b?.close()
      await world?.close()
    })

    /** Names of its own for a case, so that cases can share the data. */
    const fresh = () => caseOf(`k${++cases}`)

    /** Until the store's clock has moved by `ms`. */
    async function later(ms: number): Promise<void> {
      if (world.advance) return world.advance(ms)
      const until = (await a.now()) + ms
      while ((await a.now()) < until) await new Promise((resolve) => setTimeout(resolve, 5))
    }

    test('a created machine can be read, listed and is not created twice', async () => {
      const { kind, id, spawn } = fresh()
      const from = await a.now()
      assert.equal(await a.create('svc', spawn(), []), 'created')
      assert.equal(await b.create('svc', spawn({ state: { other: true } }), [entry('never')]), 'exists')
      const row = (await b.read(id))!
      assert.deepEqual(
        { ...row, createdAt: 0, updatedAt: 0 },
        {
          id,
          kind,
          service: 'svc',
          state: { n: 0 },
          version: 1,
          wakeAt: 1,
          done: false,
          exclusive: null,
          createdAt: 0,
          updatedAt: 0,
        },
      )
      assert.ok(row.createdAt >= from && row.createdAt <= (await a.now()))
      assert.equal(await a.read(`${id}-not`), null)
      assert.deepEqual(
        (await a.list({ kind })).map((listed) => listed.id),
        [id],
      )
      assert.equal((await a.log(0, 10_000)).filter((logged) => logged.kind === 'never').length, 0)
    })

    test('list is newest first and keeps to its filter', async () => {
      const { kind, id, spawn } = fresh()
      for (const n of [1, 2, 3]) {
        await a.create(n === 2 ? `${id}-svc` : 'svc', spawn({ id: `${id}-${n}` }), [])
        await later(2)
      }
      const claim = (await a.claim('o', 60_000, [kind]))!
      await a.commit(claim, change({ done: true }))
      const ids = async (filter: Parameters<Store['list']>[0]) => (await b.list(filter)).map((row) => row.id)
      assert.deepEqual(await ids({ kind }), [`${id}-3`, `${id}-2`, `${id}-1`])
      assert.deepEqual(await ids({ kind, limit: 1 }), [`${id}-3`])
      assert.deepEqual(await ids({ service: `${id}-svc` }), [`${id}-2`])
      assert.deepEqual(await ids({ kind, done: true }), [claim.machine])
      assert.equal((await ids({ kind, done: false })).length, 2)
    })

    test('an exclusive key is held until its machine is done', async () => {
      const { kind, id, spawn } = fresh()
      await a.create('svc', spawn({ exclusive: id }), [])
      const busy = await b.create('other', spawn({ id: `${id}-2`, exclusive: id }), [entry('never')])
      assert.ok(typeof busy === 'object' && busy.busy && busy.holder.id === id)
      assert.equal(await b.read(`${id}-2`), null)
      const claim = (await a.claim('o', 60_000, [kind]))!
      await a.commit(claim, change({ done: true }))
      assert.equal(await b.create('other', spawn({ id: `${id}-2`, exclusive: id }), []), 'created')
    })

    test('of many that want one exclusive key at once, one gets it', async () => {
      const { id, spawn } = fresh()
      const wishes = [1, 2, 3, 4, 5, 6].map((n) =>
        (n % 2 ? a : b).create('svc', spawn({ id: `${id}-${n}`, exclusive: id }), []),
      )
      const answers = await Promise.all(wishes)
      assert.equal(answers.filter((answer) => answer === 'created').length, 1)
      assert.equal(answers.filter((answer) => typeof answer === 'object' && answer.busy).length, 5)
    })

    test('a machine that is due is claimed by one owner, and epochs rise over all machines', async () => {
      const { kind, id, spawn } = fresh()
      for (const n of [1, 2, 3, 4]) await a.create('svc', spawn({ id: `${id}-${n}`, wakeAt: n }), [])
      const first = await a.claim('o1', 60_000, [kind])
      assert.equal(first?.machine, `${id}-1`, 'the one that has waited longest')
      assert.equal(first.owner, 'o1')
      const rest = await Promise.all([1, 2, 3, 4, 5].map((n) => (n % 2 ? a : b).claim(`o${n}`, 60_000, [kind])))
      const got = rest.filter((claim) => claim !== null)
      assert.deepEqual(got.map((claim) => claim.machine).sort(), [`${id}-2`, `${id}-3`, `${id}-4`])
      const epochs = [first, ...got].map((claim) => claim.epoch)
      assert.equal(new Set(epochs).size, 4)
      assert.ok(epochs.slice(1).every((epoch) => epoch > first.epoch))
      assert.equal(await b.claim('o9', 60_000, [kind]), null)
    })

    test('a claim without kinds takes any machine', async () => {
      const { id, spawn } = fresh()
      await a.create('svc', spawn({ wakeAt: -1 }), [])
      const claim = (await b.claim('any', 60_000))!
      assert.equal(claim.machine, id)
      await b.commit(claim, change({ done: true }))
    })

    test('a claim for certain services leaves the machines of others alone', async () => {
      const { kind, id, spawn } = fresh()
      await a.create('svc', spawn({ wakeAt: -1 }), [])
      assert.equal(await a.claim('o', 60_000, [kind], ['another-service']), null)
      const claim = (await b.claim('o', 60_000, [kind], ['another-service', 'svc']))!
      assert.equal(claim.machine, id)
      await b.commit(claim, change({ done: true }))
    })

    test('a machine is due by its wake time, by a message, by an effect, and not before', async () => {
      const { kind, id, spawn, post } = fresh()
      await a.create('svc', spawn({ wakeAt: (await a.now()) + 40 }), [])
      await later(80)
      const awake = (await a.claim('o', 60_000, [kind]))!
      assert.equal(awake.machine, id, 'wake time reached')
      await a.commit(awake, change({ wakeAt: (await a.now()) + 3_600_000 }))
      await a.release(awake)
      assert.equal(await b.claim('o', 60_000, [kind]), null, 'wakes in an hour')
      assert.equal(await b.post(post('m1')), 'posted')
      const told = (await b.claim('o', 60_000, [kind]))!
      assert.equal(told.machine, id, 'unread message')
      const { inbox } = await opened(b, told)
      const soon = (await a.now()) + 40
      await b.commit(told, change({ version: 2, consumed: inbox[0]!.seq, effects: [effect('e1', soon)] }))
      assert.deepEqual(await b.begin(told), [])
      await b.release(told)
      await later(80)
      const due = (await b.claim('o', 60_000, [kind]))!
      assert.equal(due.machine, id, 'effect due')
      assert.equal((await begun(b, due)).length, 1)
    })

    test('nobody else gets a leased machine; released, it is free at once', async () => {
      const { kind, spawn } = fresh()
      await a.create('svc', spawn(), [])
      const claim = (await a.claim('o1', 60_000, [kind]))!
      assert.equal(await b.claim('o2', 60_000, [kind]), null)
      await a.release(claim)
      const next = (await b.claim('o2', 60_000, [kind]))!
      assert.ok(next.epoch > claim.epoch)
      await a.release(claim)
      assert.notEqual(await b.open(next), 'fenced', 'a lost claim gives nothing back')
    })

    test('an owner whose lease has passed can do nothing more, whether or not another has come', async () => {
      const { kind, id, spawn } = fresh()
      await a.create('svc', spawn(), [])
      const old = (await a.claim('sleeper', 250, [kind]))!
      await a.commit(old, change({ effects: [effect('e1')] }))
      await later(300)
      const allFenced = async () => {
        const size = (await a.head()).size
        assert.equal(await a.open(old), 'fenced')
        assert.equal(await a.renew(old, 60_000), 'fenced')
        assert.equal(await a.begin(old), 'fenced')
        assert.equal(await a.settle(old, 'e1', 'late'), 'fenced')
        assert.equal(await a.postpone(old, 'e1', 5), 'fenced')
        assert.equal(
          await a.commit(
            old,
            change({ version: 2, state: 'late', entries: [entry('late')], spawn: [spawn({ id: `${id}-x` })] }),
          ),
          'fenced',
        )
        assert.equal((await a.head()).size, size)
        assert.deepEqual((await b.read(id))!.state, { n: 1 })
        assert.equal(await b.read(`${id}-x`), null)
      }
      await allFenced()
      const claim = (await b.claim('next', 60_000, [kind]))!
      assert.ok(claim.epoch > old.epoch)
      await allFenced()
      assert.deepEqual((await opened(b, claim)).inbox, [])
      assert.equal((await begun(b, claim))[0]!.attempts, 0)
    })

    test('a renewed lease goes on, for its own owner only', async () => {
      const { kind, spawn } = fresh()
      await a.create('svc', spawn(), [])
      let claim = (await a.claim('o', 400, [kind]))!
      for (let i = 0; i < 6; i++) {
        await later(100)
        const renewed = await a.renew(claim, 400)
        assert.ok(renewed !== 'fenced' && renewed.epoch === claim.epoch && renewed.leaseUntil >= claim.leaseUntil)
        claim = renewed
      }
      assert.equal(await b.claim('other', 60_000, [kind]), null)
      assert.equal(await b.renew({ ...claim, epoch: claim.epoch - 1 }, 60_000), 'fenced')
    })

    test('a commit writes state, effects, entries, machines, messages and what was read, together', async () => {
      const { kind, id, spawn, post } = fresh()
      await a.create('svc', spawn(), [entry('asked', id)])
      await b.post(post('m1'))
      await b.post(post('m2'))
      const claim = (await a.claim('o', 60_000, [kind]))!
      const { machine, inbox } = await opened(a, claim)
      assert.equal(machine.version, 1)
      assert.deepEqual(
        inbox.map((row) => row.kind === 'message' && [row.id, row.name, row.who, row.payload]),
        [
          ['m1', 'tell', 'asha', { m: 'm1' }],
          ['m2', 'tell', 'asha', { m: 'm2' }],
        ],
      )
      const row = await a.commit(
        claim,
        change({
          state: { deep: ['a', null, { b: 1.5 }] },
          consumed: inbox[0]!.seq,
          effects: [effect('e1'), effect('e2')],
          entries: [entry('decided', id), entry('noted', id)],
          spawn: [spawn({ id: `${id}-child`, wakeAt: null })],
          post: [{ ...post('m1'), to: `${id}-child` }],
          wakeAt: 77,
        }),
      )
      assert.ok(row !== 'fenced')
      assert.deepEqual([row.version, row.wakeAt, row.state], [2, 77, { deep: ['a', null, { b: 1.5 }] }])
      assert.deepEqual(await b.read(id), row)
      assert.deepEqual(
        (await opened(a, claim)).inbox.map((left) => left.kind === 'message' && left.id),
        ['m2'],
      )
      assert.deepEqual(
        (await begun(a, claim)).map((due) => [due.id, due.kind, due.payload, due.attempts]),
        [
          ['e1', 'ring', { bell: 'e1' }, 0],
          ['e2', 'ring', { bell: 'e2' }, 0],
        ],
      )
      assert.deepEqual(
        (await b.log(0, 10_000, { subject: id })).map((logged) => logged.kind),
        ['asked', 'decided', 'noted'],
      )
      const child = (await b.claim('o2', 60_000, [kind]))!
      assert.equal(child.machine, `${id}-child`, 'due by its message')
      assert.equal((await opened(b, child)).machine.service, 'svc')
    })

    test('a commit that fails inside leaves nothing behind, and works when repeated without the fault', async () => {
      const { kind, id, spawn, post } = fresh()
      await a.create('svc', spawn(), [])
      await a.create('svc', spawn({ id: `${id}-to`, wakeAt: null }), [])
      await a.post(post('m1'))
      const claim = (await a.claim('o', 60_000, [kind]))!
      const { machine, inbox } = await opened(a, claim)
      const head = await a.head()
      const whole = change({
        state: 'after',
        consumed: inbox[0]!.seq,
        effects: [effect('e1')],
        entries: [entry('one'), entry('two')],
        spawn: [spawn({ id: `${id}-child` })],
        post: [{ ...post('m'), to: `${id}-to` }],
        done: true,
      })
      // JSON knows no BigInt: writing the second entry throws when the first has been dealt with.
      const broken = {
        ...whole,
        entries: [whole.entries[0]!, { ...entry('two'), data: { bad: 1n } as unknown as Json }],
      }
      await assert.rejects(a.commit(claim, broken), TypeError)
      assert.deepEqual(await b.read(id), machine)
      assert.deepEqual(await b.head(), head)
      assert.equal(await b.read(`${id}-child`), null)
      assert.deepEqual(await begun(a, claim), [])
      assert.deepEqual((await opened(a, claim)).inbox, inbox)
      assert.equal(await b.claim('o2', 60_000, [kind]), null, 'no message has reached the other machine')
      assert.notEqual(await a.commit(claim, whole), 'fenced')
      assert.equal((await b.head()).size, head.size + 2)
    })

    test('a change computed from another version is refused whole', async () => {
      const { kind, id, spawn } = fresh()
      await a.create('svc', spawn(), [])
      const claim = (await a.claim('o', 60_000, [kind]))!
      assert.notEqual(await a.commit(claim, change({})), 'fenced')
      const { size } = await a.head()
      assert.equal(await a.commit(claim, change({ state: 'again', entries: [entry('again')] })), 'fenced')
      assert.deepEqual((await a.read(id))!.state, { n: 1 })
      assert.equal((await a.head()).size, size)
    })

    test('the same message twice is one, before and after it was read', async () => {
      const { kind, spawn, post } = fresh()
      await a.create('svc', spawn({ wakeAt: null }), [])
      const answers = await Promise.all([a.post(post('m1')), b.post(post('m1')), a.post(post('m1'))])
      assert.deepEqual(answers.sort(), ['already', 'already', 'posted'])
      const claim = (await a.claim('o', 60_000, [kind]))!
      const { inbox } = await opened(a, claim)
      assert.equal(inbox.length, 1)
      await a.commit(claim, change({ consumed: inbox[0]!.seq, post: [post('m1'), post('m2')] }))
      assert.equal(await b.post(post('m1')), 'already')
      assert.deepEqual(
        (await opened(a, claim)).inbox.map((row) => row.kind === 'message' && row.id),
        ['m2'],
      )
    })

    test('messages posted all at once are all read, in the order of their numbers', async () => {
      const { kind, spawn, post } = fresh()
      await a.create('svc', spawn({ wakeAt: null }), [])
      const ids = Array.from({ length: 24 }, (_, i) => `m${i}`)
      const posted = Promise.all(ids.map((id, i) => (i % 2 ? a : b).post(post(id))))
      const read: string[] = []
      let version = 1
      let consumed = 0
      while (read.length < ids.length) {
        const claim = await a.claim('o', 60_000, [kind])
        if (!claim) {
          await a.wait(50)
          continue
        }
        const { inbox } = await opened(a, claim)
        for (const row of inbox) {
          assert.ok(row.seq > consumed, 'numbers rise')
          consumed = row.seq
          if (row.kind === 'message') read.push(row.id)
        }
        await a.commit(claim, change({ version: version++, consumed, wakeAt: null }))
        await a.release(claim)
      }
      await posted
      assert.deepEqual([...read].sort(), [...ids].sort())
    })

    test('posting to nobody, and to a machine that is done, says so', async () => {
      const { kind, id, spawn, post } = fresh()
      assert.equal(await a.post({ ...post('m1'), to: `${id}-nobody` }), 'no-such-machine')
      await a.create('svc', spawn(), [])
      const claim = (await a.claim('o', 60_000, [kind]))!
      await a.commit(claim, change({ done: true, post: [{ ...post('m1'), to: `${id}-nobody` }] }))
      assert.equal(await a.post(post('m1')), 'done')
      await a.release(claim)
      assert.equal(await b.claim('o', 60_000, [kind]), null, 'a machine that is done is never due')
    })

    test('an effect happens once: the same id is not begun again after it was settled', async () => {
      const { kind, spawn } = fresh()
      await a.create('svc', spawn(), [])
      const claim = (await a.claim('o', 60_000, [kind]))!
      await a.commit(claim, change({ effects: [effect('e1'), effect('e1')] }))
      assert.deepEqual(
        (await begun(a, claim)).map((due) => due.attempts),
        [0],
      )
      assert.deepEqual(
        (await begun(a, claim)).map((due) => due.attempts),
        [1],
        'begun before, perhaps done',
      )
      assert.equal(await a.settle(claim, 'e1', { ok: true }), 'settled')
      assert.equal(await a.settle(claim, 'e1', { ok: 'again' }), 'settled')
      assert.deepEqual(await begun(a, claim), [])
      const { inbox } = await opened(a, claim)
      assert.deepEqual(
        inbox.map((row) => row.kind === 'outcome' && [row.effect, row.of, row.outcome]),
        [['e1', 'ring', { ok: true }]],
      )
      await a.commit(claim, change({ version: 2, consumed: inbox[0]!.seq, effects: [effect('e1')] }))
      assert.deepEqual(await begun(a, claim), [])
    })

    test('effects come oldest first; one put off comes back when it is due', async () => {
      const { kind, spawn } = fresh()
      await a.create('svc', spawn({ wakeAt: 1 }), [])
      const claim = (await a.claim('o', 60_000, [kind]))!
      await a.commit(claim, change({ effects: [effect('e2'), effect('e1'), effect('e3')], wakeAt: null }))
      const ids = async () => (await begun(a, claim)).map((due) => due.id)
      assert.deepEqual(await ids(), ['e2', 'e1', 'e3'])
      assert.equal(await a.postpone(claim, 'e1', (await a.now()) + 60), 'postponed')
      assert.equal(await a.postpone(claim, 'e3', (await a.now()) + 3_600_000), 'postponed')
      assert.equal(await a.settle(claim, 'e2', null), 'settled')
      assert.deepEqual(await ids(), [])
      await later(100)
      assert.deepEqual(await ids(), ['e1'])
    })

    test('a machine that is done can still begin and settle its last effects under the same claim', async () => {
      const { kind, spawn } = fresh()
      await a.create('svc', spawn(), [])
      const claim = (await a.claim('o', 60_000, [kind]))!
      await a.commit(claim, change({ done: true, effects: [effect('last')] }))
      assert.equal((await begun(a, claim))[0]!.id, 'last')
      assert.equal(await a.settle(claim, 'last', 'rung'), 'settled')
    })

    test('a spawned machine whose key another holds is left out, and the log says so', async () => {
      const { kind, id, spawn } = fresh()
      await a.create('svc', spawn({ id: `${id}-holder`, exclusive: id, wakeAt: null }), [])
      await a.create('svc', spawn(), [])
      const claim = (await a.claim('o', 60_000, [kind]))!
      const more = [
        spawn({ id: `${id}-new`, exclusive: id }),
        spawn({ id: `${id}-holder` }),
        spawn({ id: `${id}-free` }),
      ]
      assert.notEqual(await a.commit(claim, change({ spawn: more })), 'fenced')
      assert.equal(await b.read(`${id}-new`), null)
      assert.equal((await b.read(`${id}-holder`))!.wakeAt, null, 'as it was')
      assert.equal((await b.read(`${id}-free`))!.kind, kind)
      const [said] = await b.log(0, 10, { subject: `${id}-new` })
      assert.equal(said?.kind, 'spawn-left-out')
    })

    test('wait ends when another store posts or commits, on abort, and when its time is up', async () => {
      const { kind, spawn, post } = fresh()
      await a.create('svc', spawn({ wakeAt: null }), [])
      // 10 minutes: if the wake-up is lost, the run's own time limit ends this test as failed.
      const woken = a.wait(600_000)
      await b.post(post('m1'))
      await woken
      const claim = (await b.claim('o', 60_000, [kind]))!
      const again = a.wait(600_000)
      await b.commit(claim, change({}))
      await again
      const stop = new AbortController()
      const stopped = a.wait(600_000, stop.signal)
      stop.abort()
      await stopped
      await a.wait(600_000, stop.signal)
      await a.wait(1)
    })

    test('nothing posted between a claim that found nothing and the wait after it is missed', async () => {
      const { kind, spawn, post } = fresh()
      await a.create('svc', spawn({ wakeAt: null }), [])
      for (let i = 0; i < 20; i++) {
        const [none] = await Promise.all([a.claim('o', 60_000, [kind]), b.post(post(`m${i}`))])
        if (!none) await a.wait(600_000)
        const claim = none ?? (await a.claim('o', 60_000, [kind]))
        if (claim) {
          const { machine, inbox } = await opened(a, claim)
          await a.commit(claim, change({ version: machine.version, consumed: inbox.at(-1)?.seq ?? 0, wakeAt: null }))
          await a.release(claim)
        }
      }
    })

    test('a clock set back one hour ends leases and makes what was due later due now', async (t) => {
      if (!world.advance) return t.diagnostic('Not tried: this clock is real.')
      const { kind, id, spawn } = fresh()
      const hour = 3_600_000
      await a.create('svc', spawn(), [])
      const old = (await a.claim('o1', 10_000, [kind]))!
      await a.commit(old, change({ wakeAt: (await a.now()) + 1_000, effects: [effect('e1', (await a.now()) + 1_000)] }))
      await world.advance(-hour)
      assert.equal(await a.open(old), 'fenced')
      const claim = (await b.claim('o2', 10_000, [kind]))!
      assert.equal(claim.machine, id)
      assert.equal((await begun(b, claim)).length, 1)
      await b.commit(claim, change({ version: 2, wakeAt: (await b.now()) + 1_000 }))
      await world.advance(hour)
      assert.equal(await b.open(claim), 'fenced', 'set forward, the lease has passed')
      assert.equal((await a.claim('o1', 10_000, [kind]))!.machine, id)
    })

    logContract(() => [a, b], fresh)
  })
}
