/**
 * Rollback drills, for real: a release of the sample service is made bad under load and taken back, again and again, with real replicas,
 * a real proxy and the definition of examples/heating-payment as it is. Harm is counted by the invented citizens themselves.
 *
 *   node --import tsx bench/drills.ts [--drills 100] [--sum FILE] [--proxy gateway|haproxy] [--minutes N] [--lane 0] [--only WORD]
 *   node --import tsx bench/drills.ts --table FILE,FILE
 *
 * `--sum` keeps every drill in the file, counts what is there already towards what is wanted, and prints the whole; Ctrl-C and
 * `--minutes` end a part. `--table` prints files together. `--lane` gives a run beside another one citizens of its own.
 *
 * A page visit is one request, so requests a second are citizens a second, as in the published figures that we compare ourselves with; a
 * form visit walks the whole journey (11 requests, eight watched steps). Left out of the definition's deployment: gates of the pipeline,
 * approvals, window and waiting between drills. Unchanged: error budget, steps that share it, first share of citizens (5 %), drain,
 * private verification. Rows that begin with another share say so (`canary.rungs`).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { stepMatches } from '../src/core/deploy/plan.ts'
import { messageOf } from '../src/core/errors.ts'
import { type DrillFigures, type DrillJudged, judgeRehearsal, spreadOf } from '../src/core/rehearse/drill.ts'
import { parseFault } from '../src/core/rehearse/fault.ts'
import { MINUTE } from '../src/core/time.ts'
import { journeyScript } from '../src/load/journeys.ts'
import { openWitnesses, runDrill } from '../src/station/rehearse/drill.ts'
import { stepOf } from '../src/station/rehearse/rehearse.ts'
import { openSandbox, type Sandbox } from '../src/station/rehearse/sandbox.ts'

/** One kind of drill, and how many of a hundred are of it. Few at 10 a second: a fault of 5 % takes minutes to be met there. */
interface Cell {
  readonly fault: string
  readonly rate: number
  readonly visit: 'page' | 'form'
  readonly weight?: number
  readonly of100: number
}
const CELLS: readonly Cell[] = [
  { fault: 'total', rate: 10, visit: 'page', of100: 6 },
  { fault: 'total', rate: 50, visit: 'page', of100: 12 },
  { fault: 'total', rate: 200, visit: 'page', of100: 7 },
  { fault: '20%', rate: 10, visit: 'page', of100: 6 },
  { fault: '20%', rate: 50, visit: 'page', of100: 18 },
  { fault: '20%', rate: 200, visit: 'page', of100: 9 },
  { fault: '5%', rate: 10, visit: 'page', of100: 2 },
  { fault: '5%', rate: 50, visit: 'page', of100: 10 },
  { fault: '5%', rate: 200, visit: 'page', of100: 7 },
  { fault: '20%', rate: 50, visit: 'page', weight: 0.25, of100: 4 },
  { fault: '20%', rate: 50, visit: 'page', weight: 0.5, of100: 4 },
  { fault: 'slow', rate: 50, visit: 'page', of100: 6 },
  { fault: 'dead', rate: 50, visit: 'page', of100: 4 },
  { fault: 'total', rate: 50, visit: 'form', of100: 3 },
  { fault: '20%', rate: 50, visit: 'form', of100: 2 },
]

interface Row extends DrillFigures, DrillJudged {
  readonly cell: string
  readonly proxy: string
  readonly at: number
}
interface Sum {
  readonly rows: readonly Row[]
  /** Drills that could not be held, and why. */
  readonly broken: readonly string[]
}

const text = (value: string) => ({ type: 'string', default: value }) as const
const { values } = parseArgs({
  options: {
    drills: text('100'),
    proxy: text('gateway'),
    minutes: text('Infinity'),
    lane: text('0'),
    only: text(''),
    sum: { type: 'string' },
    table: { type: 'string' },
  },
})
if (values.proxy !== 'gateway' && values.proxy !== 'haproxy') throw new Error('--proxy is gateway or haproxy')
const proxy = values.proxy
const serviceFile = fileURLToPath(new URL('../examples/heating-payment/service.yaml', import.meta.url))
/** Visits that end before a release is deployed. */
const VISITS_FIRST = 40

/** Student's t at 97.5 %, from one degree of freedom to fifteen; beyond that it is 2.1 at most. */
const T95 = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13]

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
const endsAt = Date.now() + Number(values.minutes) * MINUTE

const sums = values.table ? values.table.split(',').map(read) : [await run(read(values.sum))]
process.exitCode = print({ rows: sums.flatMap(({ rows }) => rows), broken: sums.flatMap(({ broken }) => broken) })

function read(file: string | undefined): Sum {
  return file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Sum) : { rows: [], broken: [] }
}

function nameOf({ fault, rate, visit, weight }: Cell): string {
  return `${fault.padEnd(5)} ${String(rate).padStart(3)}/s ${visit}${weight === undefined ? '' : ` from ${weight * 100} %`}`
}

async function run(before: Sum): Promise<Sum> {
  let sum = before
  let sandbox: Sandbox | undefined
  const keep = () => values.sum && writeFileSync(values.sum, JSON.stringify(sum))
  try {
    while (sum.rows.length < Number(values.drills) && !stop.signal.aborted && Date.now() < endsAt) {
      const cell = neediest(sum)
      try {
        sandbox ??= await open()
        const row = await drill(sandbox, cell, sum.rows.length + sum.broken.length)
        if (!row) break
        sum = { ...sum, rows: [...sum.rows, row] }
        console.error(
          `${sum.rows.length}  ${row.cell}: ${row.harmed} of ${row.sessions} harmed (${row.harmedAfter} after), ` +
            `act ${row.actMs} ms, whole ${row.wholeMs} ms, lost ${row.failedByDeployment}${row.passed ? '' : `  FAILED: ${row.misses.join(' ')}`}`,
        )
      } catch (thrown) {
        if (stop.signal.aborted) break
        sum = { ...sum, broken: [...sum.broken, `${nameOf(cell)}: ${messageOf(thrown)}`] }
        console.error(sum.broken.at(-1))
        await sandbox?.close()
        sandbox = undefined
        if (sum.broken.length > 20) break
      }
      keep()
    }
  } finally {
    await sandbox?.close()
  }
  return sum
}

/** The kind that is furthest behind its share, so that a part that was interrupted is a mixture, too. */
function neediest({ rows }: Sum): Cell {
  const wanted = CELLS.filter((cell) => nameOf(cell).includes(values.only))
  const held = (cell: Cell) => rows.filter((row) => row.cell === nameOf(cell)).length
  return wanted.reduce((most, cell) =>
    (held(cell) + 0.5) / cell.of100 < (held(most) + 0.5) / most.of100 ? cell : most,
  )
}

async function open(): Promise<Sandbox> {
  const state = await mkdtemp(join(tmpdir(), 'holdfast-drills-'))
  return openSandbox({
    state,
    serviceFile,
    env: process.env,
    from: 'r1',
    traffic: proxy,
    remark: (says) => console.error(`  (${says})`),
    stop: stop.signal,
  })
}

async function drill(sandbox: Sandbox, cell: Cell, index: number): Promise<Row | null> {
  const { service } = sandbox.station
  const seed = Number(values.lane) * 100_000 + index
  const steps = stepMatches(service)
  const script = journeyScript(cell.visit === 'page' ? steps.filter(({ step }) => step === 'start') : steps)
  const witnesses = openWitnesses(sandbox, { script, ratePerSecond: cell.rate, seed })
  try {
    while (witnesses.visits().ended < VISITS_FIRST && !stop.signal.aborted)
      await sandbox.station.store.wait(100, stop.signal)
    const { weight } = cell
    const figures = await runDrill(sandbox, witnesses, {
      release: 'r1',
      fault: parseFault(cell.fault)!,
      at: stepOf(service, cell.visit === 'page' ? 'apply/start' : 'apply/submit'),
      ...(weight === undefined ? {} : { weight }),
      seed,
      stop: stop.signal,
    })
    if (!figures) return null
    // Nobody met the release (its private check failed on a machine that is too busy, say): nothing was drilled.
    if (figures.end === 'refused') throw new Error(figures.why)
    const wholeMsMax = service.deployment.rollback.maxMinutes * MINUTE
    const judged = judgeRehearsal(figures, wholeMsMax)
    return { ...figures, ...judged, cell: nameOf(cell), proxy, at: Date.now() }
  } finally {
    await witnesses.stop()
  }
}

/** Exit code: 1 when a drill was not passed or could not be held. */
function print({ rows, broken }: Sum): number {
  const proxies = [...new Set(rows.map((row) => row.proxy))]
  for (const of of proxies) {
    console.log(`\n${of}: citizens harmed by the bad release, requests a second, ms after the decision`)
    console.log(
      line([
        'fault, rate, visit',
        'drills',
        'harmed: mean (95 % of means)',
        'median',
        'worst',
        'after',
        'last request',
        'all done',
      ]),
    )
    for (const cell of CELLS) {
      const mine = rows.filter((row) => row.cell === nameOf(cell) && row.proxy === of)
      if (mine.length > 0) console.log(line(cellOf(nameOf(cell), mine)))
    }
    console.log(
      line(
        cellOf(
          'all',
          rows.filter((row) => row.proxy === of),
        ),
      ),
    )
  }
  const act = rows.map(({ actMs }) => actMs ?? 0)
  const whole = rows.map(({ wholeMs }) => wholeMs ?? Number.POSITIVE_INFINITY)
  const lost = rows.reduce((total, row) => total + row.failedByDeployment, 0)
  const n = rows.length
  console.log(
    `\n${n} drills, ${rows.filter(({ passed }) => passed).length} passed, ${broken.length} could not be held.`,
  )
  console.log(
    `Decision to the last request on the bad release: over 1 s in ${act.filter((ms) => ms > 1_000).length}, worst ${Math.max(0, ...act)} ms.`,
  )
  console.log(
    `Decision to drained, stopped and journeys walked: over 60 s in ${whole.filter((ms) => ms > 60_000).length}, worst ${(Math.max(0, ...whole) / 1_000).toFixed(1)} s.`,
  )
  if (n > 0)
    console.log(`None in ${n} means: fewer than ${((100 * 3) / n).toFixed(1)} % of such drills, with 95 % confidence.`)
  console.log(`Requests failed by a deployment: ${lost}.`)
  for (const row of rows.filter(({ passed }) => !passed)) console.log(`  ${row.cell}: ${row.misses.join(' ')}`)
  for (const why of broken) console.log(`  not held: ${why}`)
  return rows.every(({ passed }) => passed) && broken.length === 0 ? 0 : 1
}

function cellOf(name: string, rows: readonly Row[]): string[] {
  const harmed = rows.map((row) => row.harmed)
  const ms = (of: (row: Row) => number | null) => {
    const spread = spreadOf(rows.map(of))
    return spread ? `${Math.round(spread.median)} / ${Math.round(spread.worst)}` : '–'
  }
  const spread = spreadOf(harmed)!
  return [
    name,
    String(rows.length),
    meanOf(harmed),
    String(spread.median),
    String(spread.worst),
    String(spreadOf(rows.map((row) => row.harmedAfter))!.worst),
    ms(({ actMs }) => actMs),
    ms(({ wholeMs }) => wholeMs),
  ]
}

/** Mean with its 95 % interval (Student's t); alone it has none. */
function meanOf(counts: readonly number[]): string {
  const n = counts.length
  const mean = counts.reduce((total, one) => total + one, 0) / n
  if (n < 2) return mean.toFixed(1)
  const variance = counts.reduce((total, one) => total + (one - mean) ** 2, 0) / (n - 1)
  const half = (T95[Math.min(n - 2, T95.length - 1)]! * Math.sqrt(variance)) / Math.sqrt(n)
  return `${mean.toFixed(1)} (${Math.max(0, mean - half).toFixed(1)} to ${(mean + half).toFixed(1)})`
}

function line(cells: readonly string[]): string {
  const widths = [26, 7, 29, 7, 6, 6, 14, 14]
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' ')
}
