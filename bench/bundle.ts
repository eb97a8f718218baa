/**
 * One compiled file of a program that runs in many processes. As TypeScript, tsx would wrap each function for its name's sake, which
 * costs a simulation a third of its time.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Options for `fork`. Most of what a simulation makes is gone with its tick: a larger nursery lets it die there. */
export const LEAN = { execArgv: ['--max-semi-space-size=32'] }

/** Compiles `entry`, lets `use` work with the file, and removes it. */
export async function bundled<Answer>(entry: URL, use: (file: string) => Promise<Answer>): Promise<Answer> {
  const { build } = await import('esbuild')
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bundle-'))
  try {
    const outfile = join(folder, 'main.mjs')
    await build({
      entryPoints: [fileURLToPath(entry)],
      outfile,
      bundle: true,
      external: ['esbuild'],
      platform: 'node',
      target: 'node20',
      format: 'esm',
      // Packages that are no modules yet ask for their parts with require.
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      logLevel: 'warning',
    })
    return await use(outfile)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
