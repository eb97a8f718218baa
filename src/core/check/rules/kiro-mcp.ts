import { readJson } from '../formats/json.ts'
import { child, fields, items, keySpot, spotOf, text } from '../formats/node.ts'
import { kiroSources } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kiroMcp: Rule = {
  id: 'kiro-mcp',
  question: 9,
  title: 'No tool server may act without being asked, or change overnight',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'A tool that somebody else changed acts on production with the developer’s rights.',
  defaults: 'autoApprove is empty; npx -y runs whatever is newest.',
  fix: 'Name the tools in autoApprove, and pin the version: package@1.2.3.',
  cites: 'Kiro documentation: MCP configuration',
  everywhere: true,
  bad: {
    '.kiro/settings/mcp.json':
      '{"mcpServers":{"ops":{"command":"npx","args":["-y","some-mcp@latest"],"autoApprove":["*"]}}}',
  },
  good: {
    '.kiro/settings/mcp.json':
      '{"mcpServers":{"ops":{"command":"npx","args":["-y","some-mcp@1.4.2"],"autoApprove":["read_runbook"]}}}',
  },
  *check(world): Iterable<Verdict> {
    for (const src of kiroSources(world, /(^|\/)\.kiro\/settings\/mcp\.json$/)) {
      const { root } = readJson(src)
      for (const [name, server] of fields(child(root, 'mcpServers'))) {
        const approved = items(child(server, 'autoApprove')).map((item) => text(item))
        const args = items(child(server, 'args')).map((item) => text(item) ?? '')
        const runner = /(^|\/)(npx|uvx|bunx|pnpx)$/.test(text(child(server, 'command')) ?? '')
        const tool = args.find((arg) => !arg.startsWith('-'))
        const pinned = tool === undefined || /@\d|==\d|^\.{0,2}\//.test(tool) || args.includes('--no-install')
        const secret = fields(child(server, 'env')).find(
          ([key, value]) =>
            /token|secret|key|password/i.test(key) && text(value) !== undefined && !/^\$\{|^$/.test(text(value)!),
        )
        if (approved.includes('*'))
          yield fail(keySpot(server, 'autoApprove'), `Every tool of "${name}" acts without being asked.`)
        else if (secret) yield fail(spotOf(secret[1]), `The secret ${secret[0]} stands in the file.`)
        else if (runner && !pinned)
          yield fail(keySpot(server, 'args'), `"${name}" runs whatever version of ${tool} is newest.`)
        else yield pass(spotOf(server))
      }
    }
  },
}
