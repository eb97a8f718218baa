/** Programs that a test starts over and over: compiled once for the test, because each start through tsx takes half a second of a core. */
import { mkdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const made = new Map<string, readonly string[]>()

/** Arguments for `node` that run a TypeScript file below `test/`, whose whole graph of our own files becomes one. */
export function program(file: string): readonly string[] {
  const known = made.get(file)
  if (known) return known
  // Inside the repository, so that packages are found.
  const folder = join(root, 'node_modules/.cache/holdfast')
  const outfile = join(folder, `${basename(file, '.ts')}-${process.pid}.mjs`)
  mkdirSync(folder, { recursive: true })
  buildSync({
    entryPoints: [join(root, 'test', file)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
    // Of these programs only src/entry.ts asks where it stands, to find other programs of ours.
    define: { 'import.meta.url': JSON.stringify(new URL('../src/entry.ts', import.meta.url).href) },
  })
  process.once('exit', () => rmSync(outfile, { force: true }))
  const args = [outfile]
  made.set(file, args)
  return args
}
