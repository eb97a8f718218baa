import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The argv that starts another program of ours, from the build (`.js`), or in a checkout from the sources (`.ts`, through tsx).
 * `program` is a path under `src/` without its ending. HOLDFAST_BUILT names a `dist/src/` that is known to be of these sources
 * (scripts/test.js has just made it): a program starts from it in half the time.
 */
export function entry(program: string): { command: string; args: string[] } {
  const isSource = fileURLToPath(import.meta.url).endsWith('.ts')
  const built = process.env.HOLDFAST_BUILT
  if (isSource && built) return runner(join(built, `${program}.js`))
  return runner(fileURLToPath(new URL(`./${program}${isSource ? '.ts' : '.js'}`, import.meta.url)))
}

/** The argv that runs any module, through tsx where it is TypeScript; `file` may be relative to where it will run. */
export function runner(file: string): { command: string; args: string[] } {
  // tsx is resolved from here, because the child's working folder may be anywhere.
  const loader = file.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : []
  return { command: process.execPath, args: [...loader, file] }
}
