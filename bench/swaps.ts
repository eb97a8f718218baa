/**
 * Swaps and rollbacks under mixed load: what is lost, cut or doubled, and how exactly the weights are kept. Citizens of every
 * kind (test/swaps/load.ts), releases that come and go by the book (test/swaps/course.ts), the proxy replaced in between.
 *
 *   node --import tsx bench/swaps.ts [--requests 200000] [--swaps 20] [--slow-ms 10000] [--proxy gateway|haproxy]
 *
 * A long run can be made of parts: `--sum FILE` adds each part to the file, counts what the file has already towards what is
 * wanted, and prints the whole; `--minutes N` ends a part after so long, and so does Ctrl-C. Slow answers set the pace, since no
 * release is stopped before its last one: with `--slow-ms 500`, 1,000 swaps take an hour or less. With `--think-ms 40` the clients
 * ask only as much as is wanted, and leave the machine's other work some room; a third of a million coins are enough for the weights.
 *
 *   node --import tsx bench/swaps.ts --requests 1000000 --swaps 1000 --slow-ms 500 --think-ms 40 --fresh-share 0.33 --minutes 20 --sum swaps.json
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startGateway } from '../src/adapters/gateway/traffic.ts'
import { startHaproxy } from '../src/adapters/haproxy/traffic.ts'
import { Course, startRelease } from '../test/swaps/course.ts'
import { Load, type Tally } from '../test/swaps/load.ts'

// Shares of the fresh sessions for each weight, by the variance of its coin: the widest error is then the same for all.
const WEIGHTS = [0.01, 0.05, 0.1, 0.25, 0.5]
const variance = WEIGHTS.reduce((sum, weight) => sum + weight * (1 - weight), 0)

/** What came of one part, or of all of them. */
interface Sum {
  readonly parts: number
  readonly minutes: number
  readonly promoted: number
  readonly takenBack: number
  readonly proxyReplaced: number
  readonly counts: Readonly<Record<(typeof COUNTS)[number], number>>
  readonly byKind: Readonly<Record<string, number>>
  /** By weight: sessions begun, and how many of them the canary answered. */
  readonly fresh: Readonly<Record<string, { readonly sessions: number; readonly canary: number }>>
  readonly wrong: readonly string[]
}

const COUNTS = [
  'requests',
  'failed',
  'truncated',
  'uploads begun',
  'uploads answered',
  'uploads duplicated',
  'uploads answered, not there',
  'failed by the proxy',
  'websocket messages',
  'websockets asked to move',
  'websockets cut',
] as const
// Any of these breaks the promise.
const HARMS = [
  'failed',
  'truncated',
  'uploads duplicated',
  'uploads answered, not there',
  'failed by the proxy',
  'websockets cut',
] as const

const NOTHING: Sum = {
  parts: 0,
  minutes: 0,
  promoted: 0,
  takenBack: 0,
  proxyReplaced: 0,
  counts: Object.fromEntries(COUNTS.map((name) => [name, 0])) as Sum['counts'],
  byKind: {},
  fresh: {},
  wrong: [],
}

const text = (value: string) => ({ type: 'string', default: value }) as const
const { values } = parseArgs({
  options: {
    requests: text('200000'),
    swaps: text('20'),
    'slow-ms': text('10000'),
    'think-ms': text('0'),
    // Of all requests, how many are to be fresh sessions, because only those throw the coin.
    'fresh-share': text('0.75'),
    proxy: text('gateway'),
    minutes: text('Infinity'),
    sum: { type: 'string' },
  },
})
const proxies = { gateway: startGateway, haproxy: startHaproxy }
if (!(values.proxy in proxies)) throw new Error('--proxy is gateway or haproxy')
const proxy = values.proxy as keyof typeof proxies
const before: Sum =
  values.sum && existsSync(values.sum) ? (JSON.parse(readFileSync(values.sum, 'utf8')) as Sum) : NOTHING
const requestsWanted = Math.max(0, Number(values.requests) - before.counts.requests)
const swapsWanted = Math.max(0, Number(values.swaps) - before.promoted - before.takenBack)
const endsAt = Date.now() + Number(values.minutes) * 60_000
let interrupted = false
process.on('SIGINT', () => {
  interrupted = true
})
const isOver = () => interrupted || Date.now() > endsAt

const sum = swapsWanted + requestsWanted > 0 ? added(before, await part()) : before
if (values.sum) writeFileSync(values.sum, JSON.stringify(sum, undefined, 2))
process.exitCode = print(sum)

async function part(): Promise<Sum> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-swaps-'))
  const gateway = await proxies[proxy]({ listen: '127.0.0.1:0', state: folder })
  const course = new Course(gateway.traffic, await startRelease('r1'))
  const begun = Date.now()
  try {
    await course.begin()
    const load = new Load({
      port: gateway.port,
      trial: () => course.trial,
      seated: 8,
      fresh: 24,
      newConnections: 4,
      slow: { clients: 6, ms: Number(values['slow-ms']) },
      uploads: 8,
      slowUploads: 4,
      events: 4,
      websockets: 10,
      thinkMs: Number(values['think-ms']),
      ...(proxy === 'haproxy' ? { movesByCutting: () => course.moving } : {}),
    })
    const { tally } = load
    for (let i = 0; i < swapsWanted && !isOver(); i++) {
      const dwell = async (weight: number) => {
        course.prepare()
        const share = (weight * (1 - weight)) / variance
        const wanted = (((i + 1) / swapsWanted) * requestsWanted * Number(values['fresh-share']) * share) | 0
        const enough = () => (tally.fresh.get(weight)?.sessions ?? 0) >= wanted
        while (!enough() && !isOver()) await new Promise((next) => setTimeout(next, 20))
      }
      // Every second one is taken back.
      await course.swap(i % 2 === 0, WEIGHTS, dwell)
      if (i % 3 === 2) await course.swapGateway()
      tell(i + 1, tally, Date.now() - begun)
    }
    while (tally.requests < requestsWanted && !isOver()) await new Promise((next) => setTimeout(next, 100))
    await load.stop()
    const { failedByUs } = await course.status()
    await course.end()
    return sumOf(course, tally, failedByUs, (Date.now() - begun) / 60_000)
  } finally {
    await course.kill()
    await gateway.traffic.stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 })
  }
}

function tell(swaps: number, { requests, failed, truncated }: Tally, ms: number): void {
  const pace = `${(requests / (ms / 1_000)).toFixed(0)} requests/s, ${(ms / 1_000 / swaps).toFixed(1)} s a swap`
  process.stderr.write(
    `  ${swaps} of ${swapsWanted}: ${requests} requests, ${failed} failed, ${truncated} truncated (${pace})\n`,
  )
}

function sumOf(course: Course, tally: Tally, failedByUs: number, minutes: number): Sum {
  const arrived = new Map<string, number>()
  for (const id of course.uploads) arrived.set(id, (arrived.get(id) ?? 0) + 1)
  return {
    parts: 1,
    minutes,
    promoted: course.swaps,
    takenBack: course.rollbacks,
    proxyReplaced: course.gatewaySwaps,
    counts: {
      requests: tally.requests,
      failed: tally.failed,
      truncated: tally.truncated,
      'uploads begun': tally.uploadsBegun,
      'uploads answered': tally.uploaded.length,
      'uploads duplicated': [...arrived.values()].filter((n) => n > 1).length,
      'uploads answered, not there': tally.uploaded.filter((id) => !arrived.has(id)).length,
      'failed by the proxy': failedByUs,
      'websocket messages': tally.websocketMessages,
      'websockets asked to move': tally.websocketsMoved,
      'websockets cut': tally.websocketsCut,
    },
    byKind: tally.byKind,
    fresh: Object.fromEntries(tally.fresh),
    wrong: tally.wrong,
  }
}

function added(a: Sum, b: Sum): Sum {
  const plus = (one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>) => {
    const names = new Set([...Object.keys(one), ...Object.keys(other)])
    return Object.fromEntries([...names].map((name) => [name, (one[name] ?? 0) + (other[name] ?? 0)]))
  }
  const weights = new Set([...Object.keys(a.fresh), ...Object.keys(b.fresh)])
  const fresh = [...weights].map((weight) => [weight, plus({ ...a.fresh[weight] }, { ...b.fresh[weight] })])
  return {
    parts: a.parts + b.parts,
    minutes: a.minutes + b.minutes,
    promoted: a.promoted + b.promoted,
    takenBack: a.takenBack + b.takenBack,
    proxyReplaced: a.proxyReplaced + b.proxyReplaced,
    counts: plus(a.counts, b.counts) as Sum['counts'],
    byKind: plus(a.byKind, b.byKind),
    fresh: Object.fromEntries(fresh),
    wrong: [...a.wrong, ...b.wrong].slice(0, 100),
  }
}

function print({ parts, minutes, promoted, takenBack, proxyReplaced, counts, byKind, fresh, wrong }: Sum): number {
  const { requests } = counts
  console.log(`
${proxy}: ${promoted} swaps, ${takenBack} rollbacks and ${proxyReplaced} replacements of the proxy in ${minutes.toFixed(1)} min${parts > 1 ? ` (${parts} parts)` : ''}, ${(requests / minutes / 60).toFixed(0)} requests/s
`)
  for (const [name, n] of Object.entries(counts)) console.log(`${name.padEnd(28)} ${String(n).padStart(9)}`)
  console.log('\nkind                          requests')
  for (const [kind, n] of Object.entries(byKind)) console.log(`${kind.padEnd(28)} ${String(n).padStart(9)}`)
  console.log('\nweight   sessions   canary   observed   off by (points)   chance alone, 99 % (points)')
  for (const [key, { sessions, canary }] of Object.entries(fresh).sort(([a], [b]) => Number(a) - Number(b))) {
    const weight = Number(key)
    const observed = canary / sessions
    const chance = 2.576 * Math.sqrt((weight * (1 - weight)) / sessions)
    const cells = [
      `${weight * 100} %`.padStart(6),
      String(sessions).padStart(10),
      String(canary).padStart(8),
      `${(observed * 100).toFixed(2)} %`.padStart(10),
      ((observed - weight) * 100).toFixed(2).padStart(17),
      `± ${(chance * 100).toFixed(2)}`.padStart(20),
    ]
    console.log(cells.join(' '))
  }
  for (const line of wrong) console.log(`wrong: ${line}`)
  console.log('\nPromise: 0 failed, 0 truncated, 0 duplicated; weights within 0.5 points from 1 % up, chance allowing.')
  return HARMS.every((name) => counts[name] === 0) ? 0 : 1
}
