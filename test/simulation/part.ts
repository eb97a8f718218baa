/** A process of `npm run sim`: lives the worlds it is told to, and tells what came of them. */
import { tmpdir } from 'node:os'
import { live } from './world.ts'

/** Worlds to live: seeds from `from` up to but not including `to`. */
export interface Slice {
  readonly from: number
  readonly to: number
}

export interface Part {
  readonly worlds: number
  readonly broken: readonly string[]
  /** How many worlds ended how: "fails-20 → rolled-back". */
  readonly ends: Readonly<Record<string, number>>
  readonly good: number
  /** Good releases that were taken back on evidence. */
  readonly wronged: number
  /** Engines that died in the middle of something. */
  readonly deaths: number
  /** What it took of a processor, in ms: what the wall clock says is also about what else the machine is doing. */
  readonly processorMs: number
}

async function lived({ from, to }: Slice): Promise<Part> {
  const before = process.cpuUsage()
  const broken: string[] = []
  const ends: Record<string, number> = {}
  let good = 0
  let wronged = 0
  let deaths = 0
  for (let seed = from; seed < to; seed++) {
    const { fate, state, engines, broken: says } = await live(seed)
    const end = `${fate.character} → ${state.phase.name}`
    ends[end] = (ends[end] ?? 0) + 1
    deaths += engines - 1
    if (fate.character === 'good') {
      good++
      if (state.history.some(({ phase, why }) => phase === 'rolling-back' && why.startsWith('evidence'))) wronged++
    }
    broken.push(...says.map((one) => `seed ${seed} (${fate.character}): ${one}`))
  }
  const { user, system } = process.cpuUsage(before)
  return { worlds: to - from, broken, ends, good, wronged, deaths, processorMs: (user + system) / 1_000 }
}

// Nothing here touches a file; should anything ever try to, it is not the folder of whoever started the run.
process.chdir(tmpdir())
process.on('message', async (slice: Slice) => process.send!(await lived(slice)))
