/**
 * More worlds than the test runs: `npm run sim -- --worlds 20000 --seed 1 --processes 2`. Prints what broke, with its seed, and ends with
 * exit code 1 if anything did.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { bundled, LEAN } from '../../bench/bundle.ts'
import type { Part, Slice } from './part.ts'

/** Worlds that a process is given at a time: few, so that none of them waits for the others at the end. */
const SLICE = 100
const BROKEN_SHOWN = 40

const { values } = parseArgs({
  options: {
    worlds: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: String(Math.min(2, availableParallelism())) },
  },
})
const [worlds, seed, processes] = [Number(values.worlds), Number(values.seed), Number(values.processes)]
const began = performance.now()
const slices = slicesOf(seed, seed + worlds)
const parts = await bundled(new URL('part.ts', import.meta.url), async (file) =>
  (await Promise.all(Array.from({ length: processes }, () => work(file, slices)))).flat(),
)
report(parts, (performance.now() - began) / 1_000)

function slicesOf(from: number, to: number): Slice[] {
  const slices: Slice[] = []
  for (let at = from; at < to; at += SLICE) slices.push({ from: at, to: Math.min(to, at + SLICE) })
  return slices
}

/** One process, until no slice is left. */
async function work(file: string, slices: Slice[]): Promise<Part[]> {
  const child = fork(file, [], LEAN)
  const parts: Part[] = []
  try {
    for (let slice = slices.shift(); slice; slice = slices.shift()) parts.push(await ask(child, slice))
    return parts
  } finally {
    child.disconnect()
  }
}

function ask(child: ChildProcess, slice: Slice): Promise<Part> {
  return new Promise((resolve, reject) => {
    const left = (code: number | null) =>
      reject(new Error(`a process ended with exit code ${code} at seed ${slice.from} or later`))
    child.once('exit', left)
    child.once('message', (part) => {
      child.off('exit', left)
      resolve(part as Part)
    })
    child.send(slice)
  })
}

function report(parts: readonly Part[], seconds: number): void {
  const sum = (of: (part: Part) => number) => parts.reduce((total, part) => total + of(part), 0)
  const ends: Record<string, number> = {}
  for (const part of parts) for (const [end, n] of Object.entries(part.ends)) ends[end] = (ends[end] ?? 0) + n
  for (const [end, n] of Object.entries(ends).sort()) console.log(`${String(n).padStart(7)}  ${end}`)
  const broken = parts.flatMap((one) => one.broken)
  for (const line of broken.slice(0, BROKEN_SHOWN)) console.log(line)
  console.log(
    `${worlds} worlds, ${broken.length} broken promises; ${sum((one) => one.wronged)} of ${sum((one) => one.good)} good releases ` +
      `taken back on evidence; ${sum((one) => one.deaths)} engines died`,
  )
  const busy = sum((one) => one.processorMs) / 1_000
  console.log(
    `${seconds.toFixed(1)} s on ${processes} processes: ${Math.round(worlds / seconds)} worlds a second; ` +
      `${busy.toFixed(1)} s of processor time`,
  )
  process.exitCode = broken.length > 0 ? 1 : 0
}
