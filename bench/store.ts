/**
 * What the store costs, beside the least that PostgreSQL can do: one INSERT in a transaction of its own, on the same server, in
 * turns in the same run. Read the ratios; the machine may be busy with other things, and its disk decides what a commit costs.
 *
 *   node --import tsx bench/store.ts [--seconds 2] [--rounds 3]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { memoryStore } from '../src/adapters/memory/store.ts'
import { startEmbedded } from '../src/adapters/postgres/embedded.ts'
import { openStore } from '../src/adapters/postgres/store.ts'
import type { Entry } from '../src/core/machine.ts'
import type { Claim, Store } from '../src/ports/store.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '2' }, rounds: { type: 'string', default: '3' } },
})
const forMs = Number(values.seconds) * 1_000
const rounds = Number(values.rounds)

const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
const started = performance.now()
const server = await startEmbedded({ folder, databases: ['holdfast', 'bare'] })
const a = await openStore(server.urls.holdfast!)
await a.now()
const coldMs = performance.now() - started
const adoptFrom = performance.now()
const adopted = await startEmbedded({ folder })
const b = await openStore(adopted.urls.holdfast!)
await b.now()
const adoptMs = performance.now() - adoptFrom

const bare = new pg.Client({ connectionString: server.urls.bare! })
await bare.connect()
await bare.query('create table line (n bigint generated always as identity primary key, text text)')

const LINE = 'x'.repeat(400)
const entry: Entry = { kind: 'k', subject: 'bench', who: 'holdfast', why: LINE.slice(0, 120), data: { text: LINE } }

const rates = new Map<string, number[]>()
const latencies: number[] = []
for (let round = 0; round < rounds; round++) {
  await rate('bare INSERT, one connection', 1, () => async () => {
    await bare.query('begin')
    await bare.query('insert into line (text) values ($1)', [LINE])
    await bare.query('commit')
  })
  await rate('log append, one caller', 1, () => () => a.record('svc', [entry]))
  await rate('log append, four callers', 4, (n) => () => (n % 2 ? a : b).record('svc', [entry]))
  await rate('commit, one machine', 1, (n) => engine(n % 2 ? a : b, `${round}-one-${n}`))
  await rate('commit, four machines', 4, (n) => engine(n % 2 ? a : b, `${round}-four-${n}`))
  await rate('claim that finds nothing', 1, () => () => a.claim('idle', 1_000))
  await handOver(round)
}
const memory = memoryStore({ now: Date.now })
await rate('memory: whole turn', 1, () => engine(memory, 'memory'))

print()
await Promise.all([a.close(), b.close(), bare.end()])
await server.stop()
rmSync(folder, { recursive: true, force: true })

async function rate(name: string, callers: number, make: (n: number) => () => Promise<unknown>): Promise<void> {
  const works = Array.from({ length: callers }, (_, n) => make(n))
  const until = performance.now() + forMs
  let count = 0
  const from = performance.now()
  await Promise.all(
    works.map(async (work) => {
      while (performance.now() < until) {
        await work()
        count++
      }
    }),
  )
  const perSecond = (count * 1_000) / (performance.now() - from)
  rates.set(name, [...(rates.get(name) ?? []), perSecond])
}

/** A commit as the engine makes it: new state, one entry, one effect, one event taken into account. */
function engine(store: Store, id: string): () => Promise<void> {
  let claim: Claim | null = null
  let version = 1
  return async () => {
    if (!claim) {
      await store.create('svc', { id, kind: id, state: {}, wakeAt: null }, [])
      await store.post({ to: id, id: 'start', name: 'start', who: 'bench', payload: null })
      claim = await store.claim('bench', 600_000, [id])
    }
    const effects = [{ id: `e${version}`, kind: 'ring', payload: { text: 'ring' }, dueAt: 4e12 }]
    const change = { version, state: { text: LINE, version }, effects, entries: [entry], spawn: [], post: [] }
    const row = await store.commit(claim!, { ...change, wakeAt: null, done: false, consumed: 1 })
    if (row === 'fenced') throw new Error('The bench lost its lease.')
    version = row.version
  }
}

/** From posting a message to the moment another engine, which slept, holds the machine and has read it. */
async function handOver(round: number): Promise<void> {
  const id = `hand-over-${round}`
  await a.create('svc', { id, kind: id, state: {}, wakeAt: null }, [])
  const until = performance.now() + forMs
  let version = 1
  for (let n = 0; performance.now() < until; n++) {
    if (await b.claim('sleeper', 1, [id])) throw new Error('Nothing should be due.')
    const woken = b.wait(10_000)
    const from = performance.now()
    await a.post({ to: id, id: `m${n}`, name: 'go', who: 'bench', payload: null })
    await woken
    let claim = await b.claim('sleeper', 600_000, [id])
    while (!claim) {
      await b.wait(10_000)
      claim = await b.claim('sleeper', 600_000, [id])
    }
    const view = await b.open(claim)
    latencies.push(performance.now() - from)
    if (view === 'fenced') throw new Error('The bench lost its lease.')
    const change = { version, state: {}, effects: [], entries: [], spawn: [], post: [], wakeAt: null, done: false }
    await b.commit(claim, { ...change, consumed: view.inbox.at(-1)!.seq })
    version++
    await b.release(claim)
  }
}

function print(): void {
  const mean = (list: readonly number[]) => list.reduce((sum, one) => sum + one, 0) / list.length
  const base = mean(rates.get('bare INSERT, one connection')!)
  console.log(
    `PostgreSQL ${server.major}, ${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)}, ${rounds} rounds of ${values.seconds} s\n`,
  )
  console.log(
    `${'what'.padEnd(30)}${'a second'.padStart(10)}${'± half range'.padStart(14)}${'to bare INSERT'.padStart(16)}`,
  )
  for (const [name, list] of rates) {
    const half = (Math.max(...list) - Math.min(...list)) / 2
    const cells = [
      mean(list).toFixed(0).padStart(10),
      half.toFixed(0).padStart(14),
      (mean(list) / base).toFixed(2).padStart(16),
    ]
    console.log(name.padEnd(30) + cells.join(''))
  }
  const sorted = [...latencies].sort((x, y) => x - y)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1)
  console.log(
    `\nmessage posted → claimed and read by a sleeping engine: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (${sorted.length} times)`,
  )
  console.log(
    `empty folder → first answer ${coldMs.toFixed(0)} ms; server already running → first answer ${adoptMs.toFixed(0)} ms`,
  )
}
