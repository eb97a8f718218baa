/** The one file that `bin/holdfast.js` loads for `holdfast kit`: its three hundred modules take longer to read than the kit to make. */
import { kit } from './commands/kit.ts'
import { processIo, run } from './run.ts'

/** Runs the command line on the process's own streams; the answer is the exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return run([kit], argv, processIo())
}
