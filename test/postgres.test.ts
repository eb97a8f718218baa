/** What only PostgreSQL can get wrong: our schema's versions, faults inside a transaction, engines that fall asleep in one. */
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect, nameOf } from '../src/adapters/postgres/connection.ts'
import { type Embedded, startEmbedded } from '../src/adapters/postgres/embedded.ts'
import { migrate } from '../src/adapters/postgres/migrate.ts'
import { NEWEST, STEPS } from '../src/adapters/postgres/schema/all.ts'
import { openStore } from '../src/adapters/postgres/store.ts'
import { storeError } from '../src/adapters/postgres/trouble.ts'
import { OpsError } from '../src/core/errors.ts'
import type { Entry } from '../src/core/machine.ts'
import type { Change } from '../src/ports/store.ts'
import { removeFolder } from './folder.ts'
import { run } from './postgres-server.ts'

let server: Embedded
let folder: string
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-postgres-'))
  server = await startEmbedded({ folder })
})
after(async () => {
  await server?.stop()
  removeFolder(folder)
})
/** A database in which Holdfast has never been. */
async function fresh(): Promise<string> {
  const url = server.urls.holdfast!
  await run(url, 'drop schema if exists holdfast cascade')
  return url
}

const entry: Entry = { kind: 'k', subject: 's', who: 'w', why: 'y', data: null }

function change(over: Partial<Change>): Change {
  return {
    version: 1,
    state: 1,
    effects: [],
    entries: [],
    spawn: [],
    post: [],
    wakeAt: 1,
    done: false,
    consumed: 0,
    ...over,
  }
}

test('many engines that open a new database at once make its schema once', async () => {
  const url = await fresh()
  const stores = await Promise.all([1, 2, 3, 4].map(() => openStore(url)))
  await Promise.all(stores.map((store) => store.record('svc', [entry])))
  assert.equal((await stores[0]!.head()).size, 4)
  const { rows } = await run(url, 'select number from holdfast.step order by number')
  assert.deepEqual(
    rows.map(({ number }) => number),
    STEPS.map(({ number }) => number),
  )
  await Promise.all(stores.map((store) => store.close()))
})

test('steps are numbered without a gap, and a newer engine adds its own to what is there', async () => {
  assert.deepEqual(
    STEPS.map(({ number }) => number),
    STEPS.map((_, i) => i + 1),
  )
  const url = await fresh()
  const old = await openStore(url)
  await old.record('svc', [entry])
  const database = connect(url)
  const next = { number: NEWEST + 1, says: 'a table of tomorrow', sql: 'create table holdfast.tomorrow (a int)' }
  await migrate(database, [...STEPS, next])
  const { rows } = await run(url, "select to_regclass('holdfast.tomorrow') is not null as there")
  assert.ok(rows[0].there)
  assert.equal((await old.head()).size, 1)
  await Promise.all([database.close(), old.close()])
})

test('a step that fails leaves the schema as it was', async () => {
  const url = await fresh()
  await (await openStore(url)).close()
  const database = connect(url)
  const bad = { number: NEWEST + 1, says: 'bad', sql: 'create table holdfast.half (a int); select 1/0' }
  await assert.rejects(migrate(database, [...STEPS, bad]), /division by zero/)
  const { rows } = await run(
    url,
    "select to_regclass('holdfast.half') as half, max(number) as newest from holdfast.step",
  )
  assert.deepEqual(rows, [{ half: null, newest: NEWEST }])
  await database.close()
})

test('an older engine refuses a newer schema, at the start and when it changes under a running one', async () => {
  const url = await fresh()
  const running = await openStore(url)
  await run(url, `insert into holdfast.step values (${NEWEST + 1}, 'tomorrow', '', now())`)
  const newer = (thrown: unknown) => {
    assert.ok(thrown instanceof OpsError, String(thrown))
    assert.deepEqual([thrown.code, thrown.exit], ['SCHEMA_NEWER', 3])
    assert.match(thrown.message, /newer Holdfast.*Nothing was changed/s)
    return true
  }
  await assert.rejects(openStore(url), newer)
  // The connections it has are used on; the first new one tells.
  await run(url, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holdfast'")
  await assert.rejects(async () => {
    for (;;) await running.head().catch((thrown) => (thrown.code === 'STORE_GONE' ? null : Promise.reject(thrown)))
  }, newer)
  await running.close()
})

test('a schema of the same number and other content is refused', async () => {
  const url = await fresh()
  await (await openStore(url)).close()
  await run(url, "update holdfast.step set digest = 'other'")
  await assert.rejects(openStore(url), (thrown) => thrown instanceof OpsError && thrown.code === 'SCHEMA_FOREIGN')
})

test('a fault in any table of a commit undoes all of it', async () => {
  const url = await fresh()
  const store = await openStore(url)
  await store.create('svc', { id: 'm', kind: 'k', state: 0, wakeAt: 1 }, [])
  await store.create('svc', { id: 'to', kind: 'other', state: 0, wakeAt: null }, [])
  await store.post({ to: 'm', id: 'p', name: 'n', who: 'w', payload: 0 })
  const claim = (await store.claim('o', 600_000, ['k']))!
  const whole = change({
    state: 'after',
    consumed: 1,
    effects: [{ id: 'e', kind: 'k', payload: 0 }],
    entries: [entry],
    spawn: [{ id: 'child', kind: 'child', state: 0, wakeAt: 1 }],
    post: [{ to: 'to', id: 'q', name: 'n', who: 'w', payload: 0 }],
  })
  const all =
    'select (select json_agg(m order by id) from holdfast.machine m) as m, (select json_agg(i) from holdfast.inbox i) as i, (select json_agg(e) from holdfast.effect e) as e, (select json_agg(l) from holdfast.log l) as l, (select size from holdfast.log_head) as h'
  const { rows: before } = await run(url, all)
  await run(
    url,
    "create function fault() returns trigger language plpgsql as $$ begin raise exception 'fault in %', tg_table_name; end $$",
  )
  const faults = [
    'insert on holdfast.machine',
    'update on holdfast.machine',
    'insert on holdfast.inbox',
    'update on holdfast.inbox',
    'insert on holdfast.effect',
    'insert on holdfast.log',
    'update on holdfast.log_head',
  ]
  for (const fault of faults) {
    const [, table] = fault.split(' on ')
    await run(url, `create trigger fault after ${fault} for each row execute function fault()`)
    await assert.rejects(store.commit(claim, whole), /fault in/)
    await run(url, `drop trigger fault on ${table}`)
    assert.deepEqual((await run(url, all)).rows, before, fault)
  }
  // At the very end: what is checked only when the transaction commits.
  await run(
    url,
    'create constraint trigger fault after insert on holdfast.log deferrable initially deferred for each row execute function fault()',
  )
  await assert.rejects(store.commit(claim, whole), /fault in/)
  await run(url, 'drop trigger fault on holdfast.log')
  assert.deepEqual((await run(url, all)).rows, before)
  assert.notEqual(await store.commit(claim, whole), 'fenced')
  await store.close()
})

test('an engine that falls asleep inside a transaction does not hold the log: it is thrown out, and its work undone', async () => {
  const url = await fresh()
  const store = await openStore(url)
  const sleeper = connect(url)
  const { promise: asleep, resolve: sleeps } = deferred()
  const { promise: awake, resolve: wakes } = deferred()
  const late = sleeper.transaction(async (tx) => {
    await tx.rows('select size from holdfast.log_head for update')
    await tx.rows('update holdfast.log_head set size = 99')
    sleeps()
    await awake
    await tx.rows('select 1')
  })
  const undone = assert.rejects(late, (thrown) => thrown instanceof OpsError && thrown.code === 'STORE_GONE')
  await asleep
  // Waits for the lock; the sleeper's time limit is as long as ours, so the first try may have to be repeated.
  for (;;) {
    const done = await store.record('svc', [entry]).catch(() => null)
    if (done !== null) break
  }
  wakes()
  await undone
  assert.equal((await store.head()).size, 1)
  await Promise.all([store.close(), sleeper.close()])
})

test('two transactions that collide are both done, one after the other', async () => {
  const url = await fresh()
  await (await openStore(url)).close()
  const database = connect(url)
  await run(url, 'create table pair (id int primary key, n int); insert into pair values (1, 0), (2, 0)')
  const both = [
    [1, 2],
    [2, 1],
  ].map((order) =>
    database.transaction(async (tx) => {
      for (const id of order) {
        await tx.rows('update pair set n = n + 1 where id = $1', [id])
        await tx.rows('select pg_sleep(0.05)')
      }
    }),
  )
  await Promise.all(both)
  assert.deepEqual((await run(url, 'select n from pair order by id')).rows, [{ n: 2 }, { n: 2 }])
  await database.close()
})

test('a new store outranks every store before it, so that drivers obey it', async () => {
  const claimed = async (url: string) => {
    const store = await openStore(url)
    await store.create('svc', { id: 'm', kind: 'k', state: 0, wakeAt: 1 }, [])
    const claim = await store.claim('o', 1_000)
    await store.close()
    return claim!.epoch
  }
  const first = await claimed(await fresh())
  const second = await claimed(await fresh())
  assert.ok(second > first && Number.isSafeInteger(second))
})

test('an ordinary database user is enough, and one without the right to create is told so', async () => {
  const url = await fresh()
  await run(url, 'create role plain login; create role bare login; grant create on database holdfast to plain')
  const as = (role: string) => url.replace('postgres@', `${role}@`)
  await assert.rejects(openStore(as('bare')), (thrown) => {
    assert.ok(thrown instanceof OpsError, String(thrown))
    assert.match(thrown.message, /lacks a right/)
    assert.match(thrown.fix, /GRANT CREATE/)
    return true
  })
  const store = await openStore(as('plain'))
  await store.create('svc', { id: 'm', kind: 'k', state: 0, wakeAt: 1 }, [entry])
  const claim = (await store.claim('o', 600_000))!
  assert.notEqual(await store.commit(claim, change({ entries: [entry] })), 'fenced')
  await store.close()
})

test('trouble is told in words, without the password', () => {
  const told = (code: string) => (storeError(Object.assign(new Error('from below'), { code })) as OpsError).message
  assert.match(told('53100'), /disk .* is full.*from below/)
  assert.match(told('ECONNREFUSED'), /cannot be reached/)
  assert.match(told('28P01'), /name or password/)
  assert.match(told('3D000'), /does not exist/)
  assert.match(told('25006'), /standby/)
  assert.match(told('42501'), /lacks a right/)
  const bug = Object.assign(new Error('syntax'), { code: '42601' })
  assert.equal(storeError(bug), bug, 'ours to mend, not to wait for')
  assert.equal(nameOf('postgresql://me:secret@db.example:6432/hold'), 'database hold at db.example:6432')
  assert.throws(
    () => nameOf('postgresql://me@[bad'),
    (thrown) => thrown instanceof OpsError && thrown.code === 'DATABASE_URL_WRONG',
  )
})

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
