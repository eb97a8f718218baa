import { userInfo } from 'node:os'
import type { Command } from '../command.ts'

export const rehearseRollback: Command = {
  name: 'rehearse rollback',
  says: 'Makes a release of this service bad in a sandbox on this machine, takes it back, and says how long that took and whom it harmed. Nobody real meets it.',
  example: 'holdfast rehearse rollback --times 3 --fault total,20%,slow',
  options: [
    { flags: '--times <n>', says: 'how many drills, one after the other in the same sandbox', default: '1' },
    {
      flags: '--fault <kinds>',
      says: 'what is made wrong: total (every answer an error), 20% (of attempts at one step), slow, dead; several with commas take turns',
      default: '20%',
    },
    { flags: '--step <journey/step>', says: 'the step that is hurt (default: the last form of the first journey)' },
    { flags: '--release <name>', says: 'the release that is made bad (default: the one that serves)' },
    { flags: '--from <name>', says: 'the release that runs before (default: the one that serves)' },
    { flags: '--visits <n>', says: 'invented citizens a second', default: '15' },
    {
      flags: '--weight <percent>',
      says: 'share of visitors who meet the release at first (default: the first rung of the definition)',
    },
    { flags: '--seed <n>', says: 'the same seed sends the same citizens', default: '1' },
    { flags: '--by <name>', says: 'who you are, for the log (default: the account you are logged in as)' },
  ],
  exits: {
    1: 'it did not go as promised, or could not be rehearsed: the log says drill.failed',
    3: 'the database of the log cannot be reached; nothing was rehearsed',
  },
  async run(call) {
    const { rehearseOptions, rehearseRollback: rehearse } = await import('../../station/rehearse/rehearse.ts')
    const by = String(call.options.by ?? call.io.env.HOLDFAST_USER ?? call.io.env.USER ?? userInfo().username)
    return rehearse(call, rehearseOptions(call.options), by)
  },
}
