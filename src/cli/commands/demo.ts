import { join } from 'node:path'
import type { Command } from '../command.ts'

export const demo: Command = {
  name: 'demo',
  says: 'The whole story on this machine in about a minute: ships a good release, then bad ones, of a sample service under load.',
  example: 'holdfast demo --ci',
  options: [{ flags: '--ci', says: 'end by itself, with a summary table; without it the console stays open' }],
  exits: { 1: 'something did not come out as it should' },
  async run({ options, json, state, io }) {
    const story = await import('../../demo/demo.ts')
    return story.demo({ state: join(state, 'demo'), ci: options.ci === true, json }, io)
  },
}
