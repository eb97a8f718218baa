import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ExitCode } from '../core/errors.ts'
import type { Io } from './command.ts'
import { processIo, run } from './run.ts'
import { COMMANDS } from './table.ts'

/** Runs one command line of Holdfast and gives its exit code. */
export function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  return run(COMMANDS, argv, io)
}

/** True when this file is the program, not a module of a test. */
const started = process.argv[1] ? realpathSync(process.argv[1]) : ''
if (started.endsWith('bin/holdfast.js') || started === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2), processIo())
}
