/** How long the evidence of one deployment takes to write and to check, over logs of growing size: `node --import tsx bench/prove.ts`. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from '../src/adapters/memory/store.ts'
import { logKey, pinnedKey } from '../src/prove/key.ts'
import { writePack } from '../src/prove/pack.ts'
import { verifyPack } from '../src/prove/verify.ts'
import { DEPLOYMENT, takenBackLog } from '../src/testing/deployment-log.ts'

const SIZES = [1_000, 10_000, 50_000]
const RUNS = 3

const root = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
console.log('entries   pack MB   write ms   verify ms   intact   (best of three)')
try {
  for (const size of SIZES) {
    const now = Date.UTC(2026, 10, 23, 3)
    const store = memoryStore({ now: () => now })
    const other = {
      kind: 'weight.changed',
      subject: 'dep-other',
      who: 'holdfast',
      why: 'Nothing is worse so far.',
      data: { weight: 0.1 },
    }
    const story = takenBackLog(now)
    for (let n = 0; n < size - story.length; n += 500) {
      await store.record(
        'heating-payment',
        Array.from({ length: Math.min(500, size - story.length - n) }, () => other),
      )
    }
    await store.record('heating-payment', story)
    const folder = join(root, `pack-${size}`)
    const key = await logKey(root)
    const pinned = await pinnedKey(root)
    let write = Number.POSITIVE_INFINITY
    let verify = Number.POSITIVE_INFINITY
    let intact = true
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now()
      await writePack(store, DEPLOYMENT, folder, key)
      const written = performance.now()
      intact &&= (await verifyPack(folder, pinned)).intact
      write = Math.min(write, written - start)
      verify = Math.min(verify, performance.now() - written)
    }
    const megabytes = (await stat(join(folder, 'entries.ndjson'))).size / 1e6
    const cells = [size, megabytes.toFixed(1), write.toFixed(0), verify.toFixed(0), intact]
    console.log(cells.map((cell, i) => String(cell).padStart([7, 10, 11, 12, 9][i]!)).join(''))
  }
} finally {
  await rm(root, { recursive: true, force: true })
}
