/** The one file that `bin/holdfast.js` loads for `check --hook`: bundled at build time, so that a save costs one file to read and not two hundred. */
import { readFileSync } from 'node:fs'
import { EXIT } from '../core/errors.ts'
import { runHook } from './hook.ts'

/** Runs the hook on the process's own streams; the answer is the exit code. */
export function main(argv: readonly string[]): number {
  const at = argv.indexOf('--state')
  const given = argv.find((word) => word.startsWith('--state='))?.slice('--state='.length)
  const io = {
    out: (text: string) => void process.stdout.write(`${text}\n`),
    progress: (text: string) => void process.stderr.write(`${text}\n`),
    cwd: process.cwd(),
  }
  const state = given ?? (at >= 0 ? argv[at + 1] : undefined) ?? '.holdfast'
  try {
    return runHook({ io, input: readFileSync(0, 'utf8'), state, now: Date.now() })
  } catch (thrown) {
    io.progress(`This is a fault of Holdfast, not yours: ${String(thrown).slice(0, 500)}  [OUR_BUG]`)
    return EXIT.bug
  }
}
