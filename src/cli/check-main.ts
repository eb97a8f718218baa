/**
 * The one file that `bin/holdfast.js` loads for `holdfast check …`: bundled at build time, because reading some three hundred modules
 * takes longer than checking a hundred files. Knows the same commands by the same table rows, and no others.
 */

import { check } from './commands/check.ts'
import { checkAlerts } from './commands/check-alerts.ts'
import { checkKiro } from './commands/check-kiro.ts'
import { checkRollback } from './commands/check-rollback.ts'
import { processIo, run } from './run.ts'

/** Runs the command line on the process's own streams; the answer is the exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return run([check, checkAlerts, checkKiro, checkRollback], argv, processIo())
}
