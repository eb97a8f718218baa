/** More worlds than the test runs: `npm run sim -- --worlds 20000 --seed 1`. Two processes; prints what broke, with its seed. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { live } from './world.ts'

interface Part {
  readonly worlds: number
  readonly broken: readonly string[]
  readonly ends: Readonly<Record<string, number>>
  readonly falseRollbacks: number
  readonly good: number
}

async function part(from: number, to: number, step: number): Promise<Part> {
  const broken: string[] = []
  const ends: Record<string, number> = {}
  let good = 0
  let falseRollbacks = 0
  let worlds = 0
  for (let seed = from; seed < to; seed += step) {
    const outcome = await live(seed)
    worlds++
    const { name } = outcome.state.phase
    ends[`${outcome.fate.character} → ${name}`] = (ends[`${outcome.fate.character} → ${name}`] ?? 0) + 1
    if (outcome.fate.character === 'good') {
      good++
      if (outcome.state.history.some(({ phase, why }) => phase === 'rolling-back' && why.startsWith('evidence')))
        falseRollbacks++
    }
    for (const says of outcome.broken) broken.push(`seed ${seed} (${outcome.fate.character}): ${says}`)
  }
  return { worlds, broken, ends, good, falseRollbacks }
}

if (process.send) {
  const [from, to, step] = process.argv.slice(2).map(Number) as [number, number, number]
  process.send(await part(from, to, step))
} else {
  const { values } = parseArgs({
    options: {
      worlds: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      processes: { type: 'string', default: '2' },
    },
  })
  const [worlds, seed, processes] = [Number(values.worlds), Number(values.seed), Number(values.processes)]
  const began = performance.now()
  const parts = await Promise.all(
    Array.from({ length: processes }, (_, i) => {
      const args = [seed + i, seed + worlds, processes].map(String)
      const child = fork(fileURLToPath(import.meta.url), args, { execArgv: process.execArgv })
      return new Promise<Part>((resolve, reject) => {
        child.once('message', (message) => resolve(message as Part))
        child.once('exit', (code) => reject(new Error(`a part ended with exit code ${code}`)))
      })
    }),
  )
  report(parts, worlds, (performance.now() - began) / 1_000, processes)
}

function report(parts: readonly Part[], worlds: number, seconds: number, processes: number): void {
  const ends: Record<string, number> = {}
  for (const one of parts) for (const [end, n] of Object.entries(one.ends)) ends[end] = (ends[end] ?? 0) + n
  for (const [end, n] of Object.entries(ends).sort()) console.log(`${String(n).padStart(7)}  ${end}`)
  const broken = parts.flatMap((one) => one.broken)
  for (const line of broken.slice(0, 40)) console.log(line)
  const good = parts.reduce((sum, one) => sum + one.good, 0)
  const wrong = parts.reduce((sum, one) => sum + one.falseRollbacks, 0)
  console.log(
    `${worlds} worlds, ${broken.length} broken promises, ${wrong} of ${good} good releases rolled back on evidence; ` +
      `${seconds.toFixed(1)} s on ${processes} processes`,
  )
  process.exitCode = broken.length > 0 ? 1 : 0
}
