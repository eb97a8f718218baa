/** The part of the store's contract about its log, its settings and what comes back of what was written. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '../../core/json.ts'
import { leafOf, payloadHashOf } from '../../core/prove/entry.ts'
import type { Store } from '../../ports/store.ts'
import { all, begun, change, entry, type Fresh, headOf, opened } from './store-world.ts'

/** `a` and `b` are two stores on the same data, open when the tests run. */
export function logContract(stores: () => readonly [Store, Store], fresh: Fresh): void {
  test('the log has no gap, keeps commit order, and its head is the RFC 6962 root over all leaves', async () => {
    const [a, b] = stores()
    const { kind, id, spawn } = fresh()
    for (let n = 0; n < 4; n++) await a.create('svc', spawn({ id: `${id}-${n}` }), [])
    const claims = (await Promise.all([0, 1, 2, 3].map((n) => a.claim(`o${n}`, 60_000, [kind])))).map((claim) => claim!)
    const busy = claims.map(async (claim, n) => {
      const store = n % 2 ? a : b
      for (let version = 1; version <= 8; version++) {
        const entries = [entry('step', `${id}-${n}`, version), entry('note', `${id}-${n}`, version)]
        assert.notEqual(await store.commit(claim, change({ version, entries })), 'fenced')
        if (version % 4 === 0) await store.record('svc', [entry('signed-in', id)])
      }
    })
    await Promise.all(busy)
    const rows = await all(b)
    rows.forEach((row, i) => {
      assert.equal(row.index, i)
      assert.equal(row.payloadHash, payloadHashOf(row.payload!, row.salt))
      assert.equal(row.leafHash, leafOf(row))
    })
    assert.deepEqual(await a.head(), headOf(rows))
    for (let n = 0; n < 4; n++) {
      const mine = await a.log(0, 10_000, { subject: `${id}-${n}` })
      const versions = mine.map((row) => (JSON.parse(row.payload!) as { data: number }).data)
      assert.deepEqual(versions, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8])
    }
    assert.deepEqual(
      (await a.log(3, 2)).map((row) => row.index),
      [3, 4],
    )
  })

  test('record gives the first index, and works without entries', async () => {
    const [a, b] = stores()
    const { id } = fresh()
    const first = await a.record('svc', [entry('one', id), entry('two', id)])
    const rows = await b.log(first, 2)
    assert.deepEqual(
      rows.map((row) => [row.kind, row.service]),
      [
        ['one', 'svc'],
        ['two', 'svc'],
      ],
    )
    assert.deepEqual(JSON.parse(rows[0]!.payload!), { data: null, who: 'asha', why: 'Because.' })
    assert.match(rows[0]!.salt, /^[0-9a-f]{32,}$/)
    assert.equal(await a.record('svc', []), first + 2)
  })

  test('a redacted entry loses its words and its salt, keeps its proof, and says who did it and why', async () => {
    const [a, b] = stores()
    const { id } = fresh()
    const index = await a.record('svc', [{ ...entry('about', id), why: 'Mrs Mary Example called.' }])
    const before = (await a.log(index, 1))[0]!
    assert.equal(await b.redact(index, 'ben', 'Erasure request 12'), 'redacted')
    assert.deepEqual((await a.log(index, 1))[0], { ...before, payload: null, salt: '' })
    assert.equal(await a.redact(index, 'ben', 'again'), 'already')
    assert.equal(await a.redact(1_000_000_000, 'ben', 'what'), 'no-such-entry')
    const said = (await a.log(0, 10_000, { subject: id })).at(-1)!
    assert.equal(said.kind, 'log-redacted')
    assert.deepEqual(JSON.parse(said.payload!), { data: { index }, who: 'ben', why: 'Erasure request 12' })
    const rows = await all(a)
    for (const row of rows) assert.equal(row.leafHash, leafOf(row))
    assert.deepEqual(await a.head(), headOf(rows))
  })

  test('settings are kept, replaced and deleted', async () => {
    const [a, b] = stores()
    const { id } = fresh()
    assert.equal(await a.get(id), null)
    await a.put(id, { secret: ['x'] })
    assert.deepEqual(await b.get(id), { secret: ['x'] })
    await b.put(id, 'short')
    assert.equal(await a.get(id), 'short')
    await a.put(id, null)
    assert.equal(await b.get(id), null)
    await a.put(id, null)
  })

  test('what was written comes back as it was, whatever the characters', async () => {
    const [a, b] = stores()
    const { kind, id, spawn, post } = fresh()
    const odd = { 'clé "\\': 'line\nend \u0000 \u2028 🐙 \ud800', é: [1e21, -0.1, true, null, '', {}] }
    await a.create('svc', spawn({ state: odd }), [])
    await a.post({ ...post('m'), payload: odd })
    const claim = (await a.claim('o', 60_000, [kind]))!
    const { machine, inbox } = await opened(b, claim)
    assert.deepEqual(machine.state, odd)
    assert.deepEqual(inbox[0]!.kind === 'message' && inbox[0]!.payload, odd)
    await a.commit(
      claim,
      change({
        state: null,
        effects: [{ id: 'e', kind: 'k', payload: odd }],
        entries: [{ ...entry('odd', id), data: odd }],
      }),
    )
    assert.deepEqual((await begun(b, claim))[0]!.payload, odd)
    assert.equal((await b.read(id))!.state, null)
    await a.settle(claim, 'e', odd)
    const outcome = (await opened(b, claim)).inbox.at(-1)!
    assert.deepEqual(outcome.kind === 'outcome' && outcome.outcome, odd)
    assert.deepEqual((JSON.parse((await b.log(0, 10, { subject: id }))[0]!.payload!) as { data: Json }).data, odd)
  })
}
