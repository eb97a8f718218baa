/**
 * The store of production: PostgreSQL. Every promise of ports/store.ts is one transaction here.
 *
 *   claim ─► lock the machine ─► check epoch and lease ─► state, inbox, effects, machines, posts ─► log ─► ring ─► commit
 *
 * Locks are taken in one order (machines by id, exclusive keys by name, the log's head last), so that transactions queue and do not
 * collide; those that collide all the same are repeated.
 */
import { invariant } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { Entry, Post, Spawn } from '../../core/machine.ts'
import { redacted, spawnLeftOut } from '../../core/prove/bookkeeping.ts'
import type { Change, InboxRow, PendingEffect, Store } from '../../ports/store.ts'
import { bell, RING } from './bell.ts'
import { BEGIN, CLAIM, LOCK, machineOf, OPEN, POSTPONE, RELEASE, RENEW } from './claims.ts'
import { connect, nameOf, type Row, type Statements, type Transaction, type Where } from './connection.ts'
import { appendEntries, headOf, logRows } from './log.ts'
import { migrate, refuseNewerSchema } from './migrate.ts'

export type { Where } from './connection.ts'

const ROWS_MAX = 10_000

/**
 * Opens the store and brings its schema up to date. Throws OpsError: STORE_GONE (not reachable; try again), SCHEMA_NEWER (the
 * database belongs to a newer Holdfast), DATABASE_URL_WRONG.
 * `revive` is called when no connection can be made, before giving up; it may bring the server back.
 */
export async function openStore(where: Where, options: { revive?: () => Promise<void> } = {}): Promise<Store> {
  nameOf(where)
  const database = connect(where, { revive: options.revive, greet: refuseNewerSchema })
  try {
    await migrate(database)
  } catch (thrown) {
    await database.close()
    throw thrown
  }
  const ear = bell(where)
  let seen: number | null = null
  let closing: Promise<void> | null = null

  return {
    async now() {
      const [row] = await database.rows('select holdfast.now_ms() as now')
      return row!.now
    },

    async create(service, machine, entries) {
      for (;;) {
        const created = await database.transaction(async (tx) => {
          if (!(await insertMachine(tx, service, machine))) return false
          tx.send(RING)
          await appendEntries(tx, service, entries)
          return true
        })
        if (created) return 'created'
        const holder = await holderOf(database, machine)
        if (holder?.id === machine.id) return 'exists'
        if (holder) return { busy: true, holder: machineOf(holder) }
        // It was let go between the two looks.
      }
    },

    async claim(owner, leaseMs, kinds, services) {
      const before = ear.rung
      const [row] = await database.rows(CLAIM, [owner, leaseMs, kinds ?? null, services ?? null], 'claim')
      if (row) return { machine: row.id, owner, epoch: row.epoch, leaseUntil: row.lease_until }
      seen = before
      return null
    },

    async renew(claim, leaseMs) {
      const [row] = await database.rows(RENEW, [claim.machine, claim.epoch, leaseMs])
      return row ? { ...claim, leaseUntil: row.lease_until } : 'fenced'
    },

    async release(claim) {
      await database.rows(RELEASE, [claim.machine, claim.epoch], 'release')
    },

    async open(claim) {
      const [row] = await database.rows(OPEN, [claim.machine, claim.epoch], 'open')
      return row ? { machine: machineOf(row), inbox: row.inbox.map(inboxRowOf) } : 'fenced'
    },

    commit: (claim, change) =>
      database.transaction(async (tx) => {
        const locked = await tx.rows(LOCK, [[claim.machine, ...change.post.map((post) => post.to)]], 'lock')
        const mine = locked.find((row) => row.id === claim.machine)
        if (!mine?.held || mine.epoch !== claim.epoch || mine.version !== change.version) return 'fenced'
        writeState(tx, mine, change)
        const leftOut = await insertSpawns(tx, mine.service, change.spawn)
        for (const post of change.post) await deliver(tx, post)
        const entries = [...change.entries, ...leftOut]
        tx.send(RING)
        // Last: whoever holds the log's head keeps everybody else's commit waiting.
        if (entries.length > 0) await appendEntries(tx, mine.service, entries)
        const { state, wakeAt, done } = change
        return { ...machineOf(mine), state, wakeAt, done, version: mine.version + 1, updatedAt: mine.now }
      }),

    async begin(claim) {
      const [row] = await database.rows(BEGIN, [claim.machine, claim.epoch], 'begin')
      return (row!.begun as PendingEffect[] | null) ?? 'fenced'
    },

    settle: (claim, effect, outcome) =>
      database.transaction(async (tx) => {
        const [mine] = await tx.rows(LOCK, [[claim.machine]], 'lock')
        if (!mine?.held || mine.epoch !== claim.epoch) return 'fenced'
        tx.send(RING)
        const [row] = await tx.rows(SETTLE, [claim.machine, effect, JSON.stringify(outcome), mine.now], 'settle')
        invariant(row!.known, `effect ${effect} belongs to machine ${claim.machine}`)
        return 'settled'
      }),

    async postpone(claim, effect, dueAt) {
      const [row] = await database.rows(POSTPONE, [claim.machine, claim.epoch, effect, dueAt])
      return row ? 'postponed' : 'fenced'
    },

    post: (message) =>
      database.transaction(async (tx) => {
        await tx.rows(LOCK, [[message.to]], 'lock')
        const answer = await deliver(tx, message)
        if (answer === 'posted') tx.send(RING)
        return answer
      }),

    async read(machine) {
      const [row] = await database.rows('select * from holdfast.machine where id = $1', [machine])
      return row ? machineOf(row) : null
    },

    async list({ kind, service, done, limit = 100 }) {
      const rows = await database.rows(
        `select * from holdfast.machine where ($1::text is null or kind = $1) and ($2::text is null or service = $2)
           and ($3::boolean is null or done = $3) order by created_at desc, id desc limit $4`,
        [kind ?? null, service ?? null, done ?? null, Math.min(limit, ROWS_MAX)],
      )
      return rows.map(machineOf)
    },

    record: (service, entries) =>
      database.transaction(async (tx) => {
        tx.send(RING)
        return appendEntries(tx, service, entries)
      }),

    log: (from, limit, filter) => logRows(database, from, Math.min(limit, ROWS_MAX), filter?.subject ?? null),

    head: () => headOf(database),

    redact: (index, who, why) =>
      database.transaction(async (tx) => {
        const [row] = await tx.rows('select service, subject, payload from holdfast.log where index = $1 for update', [
          index,
        ])
        if (!row) return 'no-such-entry'
        if (row.payload === null) return 'already'
        tx.send("update holdfast.log set payload = null, salt = '' where index = $1", [index])
        tx.send(RING)
        await appendEntries(tx, row.service, [redacted(index, row.subject, who, why)])
        return 'redacted'
      }),

    async get(key) {
      const [row] = await database.rows('select value from holdfast.setting where key = $1', [key])
      return row ? row.value : null
    },

    async put(key, value) {
      if (value === null) await database.rows('delete from holdfast.setting where key = $1', [key])
      else {
        await database.rows(
          'insert into holdfast.setting values ($1, $2) on conflict (key) do update set value = excluded.value',
          [key, JSON.stringify(value)],
        )
      }
    },

    async wait(ms, signal) {
      const missed = seen !== null && ear.rung > seen
      seen = null
      if (!missed) await ear.wait(ms, signal)
    },

    async close() {
      closing ??= Promise.all([ear.close(), database.close()]).then(() => {})
      await closing
    },
  }
}

/** $1 machine, whose row is locked, $2 effect, $3 outcome, $4 now. A second outcome of the same effect changes nothing. */
const SETTLE = `
  with effect as (
    update holdfast.effect set settled = true where machine = $1 and id = $2 and not settled returning kind
  ),
  machine as (
    update holdfast.machine set last_seq = last_seq + 1 from effect where id = $1 returning last_seq, done, effect.kind as of
  ),
  outcome as (
    insert into holdfast.inbox (machine, seq, at, kind, id, name, payload, read)
    select $1, last_seq, $4, 'outcome', $2, of, $3, done from machine
  )
  select exists (select from holdfast.effect where machine = $1 and id = $2) as known`

/** False: its id or its exclusive key is taken. Waits for whoever is just taking or freeing them. */
async function insertMachine(tx: Transaction, service: string, spawn: Spawn): Promise<boolean> {
  const rows = await tx.rows(
    `insert into holdfast.machine (id, kind, service, state, version, wake_at, exclusive, created_at, updated_at)
     select $1, $2, $3, $4, 1, $5, $6, now, now from (select holdfast.now_ms() as now) as clock
     on conflict do nothing returning id`,
    [spawn.id, spawn.kind, service, JSON.stringify(spawn.state), spawn.wakeAt, spawn.exclusive ?? null],
  )
  return rows.length === 1
}

/** The machine with this id, else the one that holds this exclusive key. */
async function holderOf(on: Statements, spawn: Spawn): Promise<Row | undefined> {
  const rows = await on.rows(
    'select * from holdfast.machine where id = $1 or (exclusive = $2 and not done) order by id <> $1 limit 1',
    [spawn.id, spawn.exclusive ?? null],
  )
  return rows[0]
}

/** Gives the log entries about machines whose exclusive key another one holds. */
async function insertSpawns(tx: Transaction, service: string, spawns: readonly Spawn[]): Promise<readonly Entry[]> {
  const leftOut: Entry[] = []
  // In one order over all transactions. Equal keys stay as the machine gave them: the first gets it.
  const key = (spawn: Spawn) => spawn.exclusive ?? ''
  const ordered = [...spawns].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
  for (const spawn of ordered) {
    for (;;) {
      if (await insertMachine(tx, service, spawn)) break
      const holder = await holderOf(tx, spawn)
      if (holder?.id === spawn.id) break
      if (holder) {
        leftOut.push(spawnLeftOut(spawn, holder.id))
        break
      }
    }
  }
  return leftOut
}

/** $1 machine, $2 consumed, $3 done, $4 state, $5 version, $6 wake, $7 now, $8 to $11 effects: ids, kinds, payloads, due. */
const WRITE = `
  with read as (
    update holdfast.inbox set read = true where machine = $1 and not read and (seq <= $2 or $3)
  ),
  effects as (
    insert into holdfast.effect (machine, id, kind, payload, since, due_at)
    select $1, e.id, e.kind, e.payload::json, $7, coalesce(e.due_at, $7)
    from unnest($8::text[], $9::text[], $10::text[], $11::bigint[]) with ordinality as e (id, kind, payload, due_at, i)
    order by e.i on conflict do nothing
  )
  update holdfast.machine set state = $4, version = $5, wake_at = $6, done = $3, updated_at = $7 where id = $1`

function writeState(tx: Transaction, mine: Row, change: Change): void {
  const { effects } = change
  tx.send(
    WRITE,
    [
      mine.id,
      change.consumed,
      change.done,
      JSON.stringify(change.state),
      change.version + 1,
      change.wakeAt,
      mine.now,
      effects.map((effect) => effect.id),
      effects.map((effect) => effect.kind),
      effects.map((effect) => JSON.stringify(effect.payload)),
      effects.map((effect) => effect.dueAt ?? null),
    ],
    'write',
  )
}

/** The machine's row is locked, or was made in this transaction: its numbers are ours to give out. */
async function deliver(tx: Transaction, post: Post): Promise<'posted' | 'already' | 'no-such-machine' | 'done'> {
  const [to] = await tx.rows(
    `select done, exists (select from holdfast.inbox where machine = $1 and id = $2 and kind = 'message') as had
     from holdfast.machine where id = $1`,
    [post.to, post.id],
  )
  if (!to) return 'no-such-machine'
  if (to.had) return 'already'
  if (to.done) return 'done'
  tx.send(
    `with machine as (update holdfast.machine set last_seq = last_seq + 1 where id = $1 returning last_seq)
     insert into holdfast.inbox (machine, seq, at, kind, id, name, who, payload)
     select $1, last_seq, holdfast.now_ms(), 'message', $2, $3, $4, $5 from machine`,
    [post.to, post.id, post.name, post.who, JSON.stringify(post.payload)],
  )
  return 'posted'
}

function inboxRowOf(row: {
  seq: number
  at: number
  kind: string
  id: string
  name: string
  who: string
  payload: Json
}): InboxRow {
  const { seq, at, id, name, who, payload } = row
  if (row.kind === 'message') return { seq, at, kind: 'message', id, name, who, payload }
  return { seq, at, kind: 'outcome', effect: id, of: name, outcome: payload }
}
