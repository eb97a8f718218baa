import type { Command } from './command.ts'
import { check } from './commands/check.ts'
import { checkAlerts } from './commands/check-alerts.ts'
import { checkKiro } from './commands/check-kiro.ts'
import { checkRollback } from './commands/check-rollback.ts'
import { define } from './commands/define.ts'
import { demo } from './commands/demo.ts'
import { deploy } from './commands/deploy.ts'
import { deploySchema } from './commands/deploy-schema.ts'
import { deployWindow } from './commands/deploy-window.ts'
import { init } from './commands/init.ts'
import { kit } from './commands/kit.ts'
import { mcp } from './commands/mcp.ts'
import { prove } from './commands/prove.ts'
import { rehearseRollback } from './commands/rehearse.ts'
import { replay } from './commands/replay.ts'
import { respond } from './commands/respond.ts'
import { respondPapers } from './commands/respond-papers.ts'
import { serve } from './commands/serve.ts'
import { signIn } from './commands/sign-in.ts'
import { watch } from './commands/watch.ts'

/** Every command, in the order help shows them. Each row lives in a file of its own under commands/. */
export const COMMANDS: readonly Command[] = [
  demo,
  init,
  define,
  kit,
  ...deploy,
  deployWindow,
  deploySchema,
  replay,
  check,
  checkAlerts,
  checkKiro,
  checkRollback,
  ...watch,
  ...respond,
  ...respondPapers,
  ...prove,
  rehearseRollback,
  serve,
  mcp,
  signIn,
]
