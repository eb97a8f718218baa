import { fileURLToPath } from 'node:url'

/**
 * The argv that starts another program of ours, from the sources (`.ts`, through tsx) in a checkout's tests
 * or from the build (`.js`) everywhere else: `spawn(...split(entry('gateway/main')))`.
 * `program` is a path under `src/` without its ending.
 */
export function entry(program: string): { command: string; args: string[] } {
  const self = fileURLToPath(import.meta.url)
  const ending = self.endsWith('.ts') ? '.ts' : '.js'
  const file = fileURLToPath(new URL(`./${program}${ending}`, import.meta.url))
  // tsx is resolved from here, because the child's working folder may be anywhere.
  const loader = ending === '.ts' ? ['--import', import.meta.resolve('tsx')] : []
  return { command: process.execPath, args: [...loader, file] }
}
