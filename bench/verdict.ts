/**
 * How many citizens a bad release hurts before it is taken back, and how often a good one is taken back by mistake: Holdfast's
 * verdict beside other tools' documented rules, on the same simulated people. Prints tables, judges nothing.
 *
 *   npm run bench:verdict                       the tables, a few minutes on two cores
 *   npm run bench:verdict -- --runs 300         more worlds a cell
 *   npm run bench:verdict -- --only claims      one table: peers, claims, late or good
 *   npm run bench:verdict -- --long [20000]     only the long count of false rollbacks; THREADS=1 leaves a core to others
 *   npm run bench:verdict -- --cost             only the time that a batch takes
 *
 * Observation and switching are instant, which favours the others. Limits in brackets are 95 % Clopper–Pearson.
 */
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { advance, decide, observe, openTrial, TRIAL_DEFAULTS, type TrialPlan } from '../src/core/deploy/trial.ts'
import { clopperPearson, waldFailures } from '../src/core/deploy/verdict-bounds.ts'
import { PEERS } from '../src/core/rehearse/baselines/peers.ts'
import { holdfast, type Outcome, planFor, runRelease } from '../src/core/rehearse/judge.ts'
import { type Fault, PLAIN_WORLD, Simulation, type Tick, type World } from '../src/core/rehearse/simulator.ts'
import { bundled, LEAN } from './bundle.ts'
import { type Late, lateAndAlone, lateAndWarm } from './late.ts'

const MINUTE = 60_000
const SLICE = 10
const WORKER = '--worker'
const THREADS = Number(process.env.THREADS ?? availableParallelism())

/** Everyday noise: rates that move together by the interval, citizens who try again, some whose own device fails. */
const NOISE: Partial<World> = {
  dispersion: { rho: 0.002, everyMs: 10_000 },
  retries: 1.5,
  unlucky: { share: 0.001, rate: 0.5 },
}
const OUTAGE: World['outages'] = [{ fromMs: 6 * MINUTE, toMs: 11 * MINUTE, rate: 0.2 }]

/** What the workers run. */
let compiled: string

interface Cell {
  /** A key of PEERS, or "holdfast". */
  readonly rule: string
  readonly world: World
  readonly durationMs: number
  readonly tickMs: number
  readonly plan?: Partial<TrialPlan>
  readonly historyFactor?: number
  readonly move?: boolean
}

interface Job extends Cell {
  readonly id: number
  readonly seeds: readonly number[]
}

interface Summary {
  readonly runs: number
  readonly harmed: number
  readonly failedRequests: number
  readonly rolledBack: number
  readonly promotedOrTop: number
  readonly medianMs: number
  readonly topMs: number
}

function judgeOf(cell: Cell) {
  if (cell.rule !== 'holdfast') return PEERS[cell.rule]!()
  const plan = planFor(cell.world, { ...TRIAL_DEFAULTS, ...cell.plan }, cell.historyFactor)
  return holdfast(plan, { move: cell.move ?? false })
}

function work(job: Job): Outcome[] {
  return job.seeds.map((seed) => runRelease({ ...job.world, seed }, judgeOf(job), job.durationMs, job.tickMs))
}

if (process.argv[2] === WORKER) {
  process.on('message', (job: Job) => process.send!({ id: job.id, outcomes: work(job) }))
} else {
  // Compiled once: every table of a run is about the same code, whatever is saved meanwhile.
  await bundled(new URL(import.meta.url), (file) => {
    compiled = file
    return main(process.argv.slice(2))
  })
}

/** Runs every cell with `runs` seeds over the machine's cores. */
async function runAll(cells: readonly Cell[], runs: number): Promise<Summary[]> {
  const outcomes: Outcome[][] = cells.map(() => [])
  const jobs: Job[] = []
  for (const [id, cell] of cells.entries())
    for (let from = 0; from < runs; from += SLICE)
      jobs.push({ ...cell, id, seeds: Array.from({ length: Math.min(SLICE, runs - from) }, (_, i) => from + i + 1) })
  const threads = Math.min(THREADS, jobs.length)
  await Promise.all(
    Array.from({ length: threads }, async () => {
      const worker = fork(compiled, [WORKER], LEAN)
      for (let job = jobs.shift(); job; job = jobs.shift()) {
        const { id, outcomes: done } = await new Promise<{ id: number; outcomes: Outcome[] }>((resolve, reject) => {
          worker.once('message', resolve)
          worker.once('error', reject)
          worker.once('exit', () => reject(new Error('a worker ended early')))
          worker.send(job)
        })
        worker.removeAllListeners()
        outcomes[id]!.push(...done)
      }
      worker.disconnect()
    }),
  )
  return outcomes.map(summaryOf)
}

function summaryOf(outcomes: readonly Outcome[]): Summary {
  const back = outcomes.filter(({ end }) => end === 'rolled-back')
  const mean = (of: (outcome: Outcome) => number) => outcomes.reduce((sum, one) => sum + of(one), 0) / outcomes.length
  const tops = outcomes.flatMap(({ topAtMs }) => topAtMs ?? [])
  return {
    runs: outcomes.length,
    harmed: mean(({ harmed }) => harmed),
    failedRequests: mean(({ failedRequests }) => failedRequests),
    rolledBack: back.length,
    promotedOrTop: tops.length,
    medianMs: median(back.map(({ atMs }) => atMs)),
    topMs: median(tops),
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}

function plain(p0: number, fault: Partial<Fault> | null, world: Partial<World> = {}): World {
  return {
    ...PLAIN_WORLD,
    steps: [{ step: 'submit', p0, dwellMs: 0 }],
    fault: fault && { p1: 1, fromMs: 0, slow: false, ...fault },
    ...world,
  }
}

/** A journey of seven steps with thinking time, retries, unlucky devices and rates that vary together. */
export function journeyWorld(p0: number, fault: Partial<Fault> | null, world: Partial<World> = {}): World {
  const names = ['start', 'about-you', 'your-home', 'bank-details', 'check-answers', 'submit', 'confirmation']
  return {
    ...PLAIN_WORLD,
    steps: names.map((step) => ({ step, p0, dwellMs: 20_000 })),
    fault: fault && { p1: 1, fromMs: 0, slow: false, ...fault },
    dispersion: { rho: 0.002, everyMs: 10_000 },
    unlucky: { share: 0.002, rate: 0.5 },
    retries: 1.5,
    leaves: 0.5,
    ...world,
  }
}

async function main(args: readonly string[]): Promise<void> {
  const number = (flag: string, otherwise: number) => {
    const at = args.indexOf(flag)
    return at < 0 ? otherwise : Number(args[at + 1] ?? otherwise) || otherwise
  }
  if (args.includes('--cost')) return cost()
  if (args.includes('--long')) return long(number('--long', 20_000))
  const runs = number('--runs', 40)
  const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : undefined
  if (!only || only === 'peers') await sideBySide(runs)
  if (!only || only === 'claims') await claims(runs)
  if (!only || only === 'late') late(runs)
  if (!only || only === 'good') await robustness(runs)
  cost()
}

/** Time of one batch of counts: what the engine spends on each tick. */
function cost(): void {
  const rows: string[][] = []
  for (const steps of [1, 7, 20]) {
    const world = {
      ...plain(0.003, null),
      steps: Array.from({ length: steps }, (_, i) => ({ step: `s${i}`, p0: 0.003, dwellMs: 0 })),
    }
    const simulation = new Simulation(world, 1_000)
    const ticks = Array.from({ length: 2_000 }, () => simulation.tick(0.05))
    let trial = openTrial(planFor(world, TRIAL_DEFAULTS), 0)
    for (const tick of ticks) trial = advance(observe(trial, tick), tick.to).trial
    trial = openTrial(planFor(world, TRIAL_DEFAULTS), 0)
    // The quickest of many short rounds: what the work itself takes, not what else the machine is doing.
    const time = (work: (tick: Tick) => void) => {
      let best = Number.POSITIVE_INFINITY
      for (let from = 0; from < ticks.length; from += 100) {
        const before = performance.now()
        for (const tick of ticks.slice(from, from + 100)) work(tick)
        best = Math.min(best, ((performance.now() - before) / 100) * 1_000)
      }
      return best
    }
    const counted = time((tick) => {
      trial = observe(trial, tick)
    })
    const decided = time((tick) => {
      trial = advance(trial, tick.to).trial
    })
    const told = time((tick) => {
      decide(trial, tick.to)
    })
    const size = `${JSON.stringify(trial).length.toLocaleString('en-GB')} bytes`
    rows.push([String(steps), counted.toFixed(1), decided.toFixed(1), told.toFixed(1), size])
  }
  print(
    'Processor time, µs',
    ['steps', 'observe one batch', 'advance', 'decide with its sentence', 'stored state'],
    rows,
  )
}

async function sideBySide(runs: number): Promise<void> {
  const rates = [0.01, 0.05, 0.2, 1]
  const rules = [...Object.keys(PEERS), 'holdfast']
  const cells: Cell[] = rules.flatMap((rule) => [
    ...rates.map((p1) => ({ rule, world: plain(0.001, { p1 }), durationMs: 60 * MINUTE, tickMs: 1_000 })),
    ...[0.001, 0.005].map((p0) => ({ rule, world: plain(p0, null), durationMs: 60 * MINUTE, tickMs: 1_000 })),
  ])
  const sums = await runAll(cells, runs)
  print(
    `Failed requests on the new release in 60 min, 50 requests/s, running release fails 0.1 % [median time; % rolled back]; ${runs} worlds a cell`,
    ['rule', 'p1 = 1 %', '5 %', '20 %', '100 %', 'good, 0.1 %: rolled back', 'good, 0.5 %: rolled back'],
    rules.map((rule, r) => {
      const mine = sums.slice(r * 6, r * 6 + 6)
      const name = rule === 'holdfast' ? 'Holdfast, α = 0.1 %' : PEERS[rule]!().name
      return [name, ...mine.slice(0, 4).map(harmCell), ...mine.slice(4).map(falseCell)]
    }),
  )
}

async function claims(runs: number): Promise<void> {
  const rows: { name: string; cell: Cell; bound?: number; goal: string }[] = []
  const add = (name: string, world: World, goal: string, bound?: number, more: Partial<Cell> = {}) => {
    const cell = { rule: 'holdfast', world, durationMs: 60 * MINUTE, tickMs: 200, ...more }
    rows.push({ name, cell, goal, ...(bound === undefined ? {} : { bound }) })
  }
  for (const p0 of [0.001, 0.005])
    for (const [p1, goal] of [
      [1, '≤ 5'],
      [0.2, '≤ 6'],
      [0.05, '≤ 10'],
    ] as const)
      add(`one step, ${100 * p0} % → ${100 * p1} %, 50/s`, plain(p0, { p1 }), goal, boundOf(p0, p1))
  add('one step, 0.5 % → 1 %, 50/s', plain(0.005, { p1: 0.01 }), '≤ 80', boundOf(0.005, 0.01), { tickMs: 1_000 })
  for (const rate of [2, 10, 200])
    for (const p1 of [1, 0.2, 0.05])
      add(
        `one step, 0.1 % → ${100 * p1} %, ${rate}/s`,
        plain(0.001, { p1 }, { sessionsPerSecond: rate }),
        'as at 50/s',
        boundOf(0.001, p1),
        {
          tickMs: rate === 200 ? 50 : 200,
          durationMs: 240 * MINUTE,
        },
      )
  for (const [p1, goal] of [
    [1, '≤ 5'],
    [0.2, '≤ 6'],
    [0.05, '≤ 10'],
  ] as const)
    add(
      `seven steps, only submit fails ${100 * p1} %, 10 sessions/s`,
      journeyWorld(0.001, { p1, steps: ['submit'] }, { sessionsPerSecond: 10 }),
      goal,
    )
  add(
    'seven steps, submit slow for 20 %, 10 sessions/s',
    journeyWorld(0.001, { p1: 0.2, steps: ['submit'], slow: true }, { sessionsPerSecond: 10 }),
    '≤ 6',
  )
  add('seven steps, all steps fail, 10 sessions/s', journeyWorld(0.001, { p1: 1 }, { sessionsPerSecond: 10 }), '≤ 5')
  add(
    '20 % from minute 30 of the trial (some 75 everyday failures before), 50/s',
    plain(0.001, { p1: 0.2, fromMs: 30 * MINUTE }),
    '≤ 100',
    undefined,
    {
      durationMs: 90 * MINUTE,
      move: true,
    },
  )
  add('100 % from minute 30 of the trial, 50/s', plain(0.001, { p1: 1, fromMs: 30 * MINUTE }), '≤ 100', undefined, {
    durationMs: 60 * MINUTE,
    move: true,
  })
  add('5 % from minute 30 of the trial, 50/s', plain(0.001, { p1: 0.05, fromMs: 30 * MINUTE }), '≤ 100', undefined, {
    durationMs: 90 * MINUTE,
    move: true,
    tickMs: 500,
  })
  add(
    'one segment (10 % of citizens) fails 50 %, 50/s',
    plain(
      0.001,
      { p1: 0.5, segment: 'old browser' },
      {
        segments: [
          { name: 'other', share: 0.9 },
          { name: 'old browser', share: 0.1 },
        ],
      },
    ),
    '',
  )
  const sums: Summary[] = []
  for (const { cell } of rows)
    sums.push(...(await runAll([cell], cell.durationMs > 60 * MINUTE ? Math.ceil(runs / 2) : runs)))
  print(
    `Holdfast: citizens harmed on the new release from its first moment, everyday failures included (observed every 0.2 s); bound = Wald's, which no rule at α = 0.1 % can beat on average`,
    ['fault', 'harmed', '× bound', 'goal', 'median time', 'rolled back'],
    rows.map(({ name, bound, goal }, i) => {
      const { harmed, medianMs, rolledBack, runs: n } = sums[i]!
      return [
        name,
        harmed.toFixed(1),
        bound ? (harmed / bound).toFixed(2) : '',
        goal,
        timeOf(medianMs),
        `${rolledBack}/${n}`,
      ]
    }),
  )
}

/** Nobody compares any more: all citizens are on the new release when the fault begins. */
function late(runs: number): void {
  const rows: string[][] = []
  for (const [place, harmOf] of [
    ['old release warm: alarm, back on trial, proof', lateAndWarm],
    ['nothing warm: until the watch pages a person', lateAndAlone],
  ] as const)
    for (const p1 of [1, 0.2, 0.05]) {
      const all = Array.from({ length: runs }, (_, i) => harmOf({ ...PLAIN_WORLD, seed: i + 1 }, p1))
      const took = all.flatMap(({ tookMs }) => tookMs ?? [])
      const count = (has: (one: Late) => boolean) => `${all.filter(has).length}/${runs}`
      rows.push([
        `${100 * p1} %, ${place}`,
        (all.reduce((sum, { harmed }) => sum + harmed, 0) / runs).toFixed(1),
        String(Math.max(...all.map(({ harmed }) => harmed))),
        '≤ 100',
        timeOf(median(took)),
        count(({ tookMs }) => tookMs !== null),
        count(({ early }) => early),
      ])
    }
  print(
    'A fault that begins 30 min after the promotion, 50/s, 0.1 % fail anyway: citizens harmed from its first moment until every citizen is off the release, or until the page',
    ['fault', 'harmed', 'most', 'goal', 'median time', 'taken back or paged', 'alarm before any fault'],
    rows,
  )
}

/** Wald's bound; when every unit fails, failures come in whole numbers. */
function boundOf(p0: number, p1: number): number {
  return p1 === 1 ? Math.ceil(Math.log(1_000) / Math.log(1 / p0)) : waldFailures(p0, p1, 0.001)
}

async function robustness(runs: number): Promise<void> {
  const outage = [{ fromMs: 7 * MINUTE, toMs: 12 * MINUTE, rate: 0.2 }]
  const good: { name: string; cell: Cell }[] = []
  const add = (name: string, world: World, more: Partial<Cell> = {}) =>
    good.push({ name, cell: { rule: 'holdfast', world, durationMs: 30 * MINUTE, tickMs: 1_000, ...more } })
  add('one step, 0.5 %, 50/s', plain(0.005, null))
  add(
    'seven steps, dispersion, retries, unlucky devices, 10 sessions/s',
    journeyWorld(0.003, null, { sessionsPerSecond: 10 }),
  )
  add('both releases fail 20 % for 5 min', plain(0.001, null, { outages: outage }))
  add('the same in seven steps', journeyWorld(0.001, null, { sessionsPerSecond: 10, outages: outage }))
  add('history 5 × too low', plain(0.005, null), { historyFactor: 0.2 })
  add('history 3 × too high', plain(0.005, null), { historyFactor: 3 })
  add(
    'one step, each release with a dispersion of its own (rho 0.005)',
    plain(0.005, null, { dispersion: { rho: 0.005, everyMs: 10_000, apart: true } }),
  )
  add('2 sessions/s, 4 h', plain(0.005, null, { sessionsPerSecond: 2 }), { durationMs: 240 * MINUTE })
  add('0.2 sessions/s, 24 h', plain(0.005, null, { sessionsPerSecond: 0.2 }), {
    durationMs: 1440 * MINUTE,
    tickMs: 5_000,
  })
  const more = runs * 5
  const sums = await runAll(
    good.map(({ cell }) => cell),
    more,
  )
  print(
    `Good releases, ${more} worlds each: rolled back by mistake [95 % limits], and when 95 % of traffic is reached`,
    ['world', 'rolled back', 'at 95 %', 'median time to 95 %'],
    good.map(({ name }, i) => {
      const sum = sums[i]!
      return [name, falseCell(sum), `${sum.promotedOrTop}/${sum.runs}`, timeOf(sum.topMs)]
    }),
  )
}

/** Good releases with what makes services noisy. `share`: of the releases that were asked for; each claim is counted by itself. */
function goodReleases(): {
  readonly claim: string
  readonly name: string
  readonly share: number
  readonly cell: Cell
}[] {
  const rows: ReturnType<typeof goodReleases> = []
  const add = (claim: string, name: string, share: number, world: World, durationMs: number, tickMs = 2_000) =>
    rows.push({ claim, name, share, cell: { rule: 'holdfast', world, durationMs, tickMs } })
  const noisy = 'over-dispersion and retries'
  add(noisy, 'one step, 0.5 %, 50/s for 15 min', 0.5, plain(0.005, null, NOISE), 15 * MINUTE)
  add(
    noisy,
    'seven steps, 0.3 %, 10 sessions/s for 20 min',
    0.5,
    journeyWorld(0.003, null, { sessionsPerSecond: 10 }),
    20 * MINUTE,
  )
  const shared = 'both releases fail 20 % for 5 min'
  add(
    shared,
    'one step, 0.2 %, 20/s for 20 min',
    0.35,
    plain(0.002, null, { ...NOISE, sessionsPerSecond: 20, outages: OUTAGE }),
    20 * MINUTE,
  )
  add(
    shared,
    'seven steps, 0.1 %, 10 sessions/s for 20 min',
    0.1,
    journeyWorld(0.001, null, { sessionsPerSecond: 10, outages: OUTAGE }),
    20 * MINUTE,
  )
  const thin = '0.2 to 2 a second'
  const slow: Partial<World> = { ...NOISE, dispersion: { rho: 0.002, everyMs: 600_000 } }
  for (const [rate, share, hours] of [
    [0.2, 0.15, 24],
    [0.5, 0.15, 12],
    [2, 0.15, 4],
  ] as const)
    add(
      thin,
      `one step, 0.5 %, ${rate}/s for ${hours} h`,
      share,
      plain(0.005, null, { ...slow, sessionsPerSecond: rate }),
      hours * 60 * MINUTE,
      10_000,
    )
  return rows
}

/** The long count of good releases taken back by mistake, claim by claim. */
async function long(releases: number): Promise<void> {
  const rows: string[][] = []
  const claims = new Map<string, { runs: number; wrong: number }>()
  for (const { claim, name, cell, share } of goodReleases()) {
    const runs = Math.ceil(releases * share)
    const [sum] = await runAll([cell], runs)
    const all = claims.get(claim) ?? { runs: 0, wrong: 0 }
    claims.set(claim, { runs: all.runs + runs, wrong: all.wrong + sum!.rolledBack })
    rows.push([claim, name, String(runs), String(sum!.rolledBack), limitsOf(sum!.rolledBack, runs)])
    console.error(`${claim}; ${name}: ${sum!.rolledBack} of ${runs}`)
  }
  for (const [claim, { runs, wrong }] of claims)
    rows.push([claim, 'together', String(runs), String(wrong), limitsOf(wrong, runs)])
  print('Good releases taken back by mistake, α = 0.1 %', ['world', '', 'releases', 'taken back', '95 % limits'], rows)
}

function limitsOf(hits: number, runs: number): string {
  const { low, high } = clopperPearson(hits, runs)
  return `${(100 * low).toFixed(3)}–${(100 * high).toFixed(3)} %`
}

function harmCell(sum: Summary): string {
  const share = sum.rolledBack / sum.runs
  const part = share === 1 ? '' : `; ${Math.round(100 * share)}`
  const time = share === 0 ? '0 %' : `${timeOf(sum.medianMs)}${part}`
  return `${sum.failedRequests < 100 ? sum.failedRequests.toFixed(1) : Math.round(sum.failedRequests).toLocaleString('en-GB')} [${time}]`
}

function falseCell(sum: Summary): string {
  const { low, high } = clopperPearson(sum.rolledBack, sum.runs)
  return `${sum.rolledBack}/${sum.runs} [${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)} %]`
}

function timeOf(ms: number): string {
  if (Number.isNaN(ms)) return '-'
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${(ms / MINUTE).toFixed(1)} min`
}

function print(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((word, i) => Math.max(word.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  console.log(`\n${title}\n`)
  console.log(line(head))
  console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  for (const row of rows) console.log(line(row))
}
