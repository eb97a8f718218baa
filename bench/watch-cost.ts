/**
 * What the watch over the running release costs its store: transactions, rewritten states, write-ahead log and entries of the audit log,
 * for a service of the definition's eight watched steps in which everything is well. The engine, the watch and PostgreSQL are real; the
 * traffic layer's counts are made up, five batches a second in four browser families, one failure in a thousand.
 *
 *   node --import tsx bench/watch-cost.ts [--seconds 20] [--rates 0,10,50,200]
 *
 * The row "no watch" is the engine alone, which asks for work four times a second. Read the differences to it. Transactions that only
 * read cost no write-ahead log.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startEmbedded } from '../src/adapters/postgres/embedded.ts'
import { openStore } from '../src/adapters/postgres/store.ts'
import { loadService } from '../src/core/define/load.ts'
import type { CountBatch, StepCounts } from '../src/core/deploy/counts.ts'
import { HOUR, type Instant, MINUTE } from '../src/core/time.ts'
import { watchPlanOf } from '../src/core/watch/plan.ts'
import { newWatch, type WatchSeen, type WatchState, watchId, watchMachine } from '../src/core/watch/watching.ts'
import { startEngine } from '../src/engine/engine.ts'
import { watchKind } from '../src/engine/watching.ts'
import type { World } from '../src/engine/world.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '20' }, rates: { type: 'string', default: '0,10,50,200' } },
})
const seconds = Number(values.seconds)
const BATCH_MS = 200
const SEGMENTS = ['chrome', 'firefox', 'safari', 'edge']
const FAILS = 0.001

const file = new URL('../examples/heating-payment/service.yaml', import.meta.url)
const service = loadService(readFileSync(file, 'utf8'), 'service.yaml').service!

interface Cost {
  readonly name: string
  readonly transactions: number
  readonly turns: number
  readonly walBytes: number
  /** Whole pages in it, which come after a checkpoint and when PostgreSQL cleans up. */
  readonly images: number
  readonly entries: number
  readonly stateBytes: number
  readonly tableBytes: number
}

const folder = mkdtempSync(join(tmpdir(), 'holdfast-watch-'))
const server = await startEmbedded({ folder, databases: ['holdfast', 'looking'] })
const looker = new pg.Client({ connectionString: server.urls.looking! })
await looker.connect()
const rows: Cost[] = []
try {
  rows.push(await cost('no watch', null))
  for (const rate of values.rates.split(',').map(Number)) rows.push(await cost(`${rate} requests/s`, rate))
} finally {
  await looker.end()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}
print(rows)

async function cost(name: string, rate: number | null): Promise<Cost> {
  const store = await openStore(server.urls.holdfast!)
  const own = new pg.Client({ connectionString: server.urls.holdfast! })
  await own.connect()
  await own.query('truncate holdfast.machine, holdfast.inbox, holdfast.effect cascade')
  const from = await store.now()
  const counts = countsOf(rate ?? 0, from - HOUR)
  const kind = watchKind(() => worldOf(counts), store)
  if (rate !== null) await store.create(service.service.id, anHourLater(counts, from), [])
  const engine = startEngine({ store, registry: { kinds: { watch: kind }, performers: {} }, owner: 'bench' })
  // The first turns bring plans and caches.
  await pause(5_000)
  const before = await look(own)
  await pause(seconds * 1_000)
  const after = await look(own)
  await engine.stop()
  const row = await store.read(watchId(service.service.id))
  await own.end()
  await store.close()
  const perSecond = (key: 'transactions' | 'versions' | 'wal' | 'images' | 'entries') =>
    (after[key] - before[key]) / after.took(before)
  return {
    name,
    transactions: perSecond('transactions'),
    turns: perSecond('versions'),
    walBytes: perSecond('wal'),
    images: perSecond('images'),
    entries: perSecond('entries'),
    stateBytes: row ? JSON.stringify(row.state).length : 0,
    tableBytes: after.table,
  }
}

async function look(own: pg.Client) {
  const { rows: found } = await own.query(`select
    (select coalesce(sum(version), 0)::int from holdfast.machine) as versions,
    (select count(*)::int from holdfast.log) as entries,
    pg_total_relation_size('holdfast.machine')::int as table`)
  // Statistics of transactions are written down a second after they ended, at the latest.
  await pause(1_100)
  const { rows: stats } = await looker.query(`select
    (select xact_commit::int from pg_stat_database where datname = 'holdfast') as transactions,
    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal,
    (select wal_fpi::int from pg_stat_wal) as images`)
  const at = performance.now()
  const { versions, entries, table } = found[0] as { versions: number; entries: number; table: number }
  const { transactions, wal, images } = stats[0] as { transactions: number; wal: number; images: number }
  return {
    versions,
    entries,
    table,
    transactions,
    wal,
    images,
    at,
    took: (since: { at: number }) => (at - since.at) / 1_000,
  }
}

/** What a traffic layer at so many requests a second would tell, from a moment on. */
function countsOf(rate: number, from: Instant) {
  const plan = watchPlanOf(service, from)
  const newest = (now: Instant) => Math.floor((now - from) / BATCH_MS)
  /** Whole units up to a batch, so that no fraction is lost between them. */
  const upTo = (seq: number, share: number) => Math.floor((seq * BATCH_MS * rate * share) / 1_000)
  const batch = (seq: number): CountBatch => {
    const lines: StepCounts[] = []
    for (const { journey, step } of plan.steps) {
      for (const segment of SEGMENTS) {
        const share = 1 / plan.steps.length / SEGMENTS.length
        const failed = upTo(seq, share * FAILS) - upTo(seq - 1, share * FAILS)
        const ok = upTo(seq, share) - upTo(seq - 1, share) - failed
        if (ok + failed === 0) continue
        const rest = { arm: 'stable', share: 0, generation: 1, visitor: 'citizen', slow: 0, retries: 0 } as const
        lines.push({ journey, step, segment, ok, failed, ...rest })
      }
    }
    return { seq, from: from + (seq - 1) * BATCH_MS, to: from + seq * BATCH_MS, counts: lines }
  }
  return {
    newest,
    after(cursor: number, now: Instant): CountBatch[] {
      const batches: CountBatch[] = []
      for (let seq = cursor + 1; seq <= newest(now); seq++) {
        const made = batch(seq)
        if (made.counts.length > 0) batches.push(made)
      }
      return batches
    },
  }
}

type Counts = ReturnType<typeof countsOf>

function seenAt(counts: Counts, cursor: number | null, now: Instant): WatchSeen {
  const seq = counts.newest(now)
  return {
    counts: { batches: cursor === null ? [] : counts.after(cursor, now), gap: false },
    seq,
    why: null,
    ended: false,
  }
}

/** A watch that has looked for an hour: its state is as large as it becomes. */
function anHourLater(counts: Counts, until: Instant) {
  const begun = newWatch(watchPlanOf(service, until), until - HOUR)
  let state = begun.state as unknown as WatchState
  for (let now = until - HOUR; now < until; ) {
    const next = watchMachine.react(state, { kind: 'tick', seen: seenAt(counts, state.cursor, now) }, now)
    state = next.state
    now = Math.max(now + 1, next.wakeAt ?? now + MINUTE)
  }
  return { ...begun, state: state as never, wakeAt: until }
}

function worldOf(counts: Counts): World {
  const traffic = {
    status: async () => ({ seq: counts.newest(Date.now()) }),
    counts: async (cursor: number) => ({ batches: counts.after(cursor, Date.now()), gap: false }),
  }
  return { service: service.service.id, traffic } as unknown as World
}

function print(costs: readonly Cost[]): void {
  const head = [
    '',
    'transactions/s',
    'states/s',
    'WAL kB/s',
    'pages/s',
    'WAL MB/day',
    'log/day',
    'state kB',
    'table kB',
  ]
  const cells = costs.map((one) => [
    one.name,
    one.transactions.toFixed(1),
    one.turns.toFixed(2),
    (one.walBytes / 1e3).toFixed(1),
    one.images.toFixed(1),
    ((one.walBytes * 86_400) / 1e6).toFixed(0),
    (one.entries * 86_400).toFixed(0),
    (one.stateBytes / 1e3).toFixed(1),
    (one.tableBytes / 1e3).toFixed(0),
  ])
  for (const row of [head, ...cells])
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(16) : cell.padStart(15))).join(''))
}
