import type { Command } from './command.ts'
import { define } from './commands/define.ts'

/** Every command, in the order help shows them. Each row lives in a file of its own under commands/. */
export const COMMANDS: readonly Command[] = [define]
