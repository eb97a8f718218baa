import { EXIT } from '../../core/errors.ts'
import type { Command } from '../command.ts'
import { VERSION } from '../version.ts'

/** `holdfast mcp`: the same answers for coding agents. Reads only. */
export const mcp: Command = {
  name: 'mcp',
  says: 'Answers coding agents by the Model Context Protocol on standard input and output: checks a file, names the next safe window, explains an alert, reads a runbook step, gives evidence. Only looks.',
  example: 'holdfast mcp --service service.yaml',
  async run(call) {
    const [{ openDesk }, { serveMcp }] = await Promise.all([import('../../mcp/desk.ts'), import('../../mcp/serve.ts')])
    const desk = openDesk({ serviceFile: call.service, state: call.state, env: call.io.env, now: Date.now })
    if (process.stdin.isTTY)
      call.io.progress(
        'This speaks a protocol for programs. An agent starts it by itself: see docs/how-to/use-with-kiro.md',
      )
    const streams = { input: process.stdin, output: process.stdout, remark: call.io.progress }
    await serveMcp(desk, VERSION, streams, call.io.stop)
    return call.io.stop.aborted ? EXIT.interrupted : EXIT.done
  },
}
