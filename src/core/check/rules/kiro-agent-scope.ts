import { nearest } from '../../words.ts'
import { readJson } from '../formats/json.ts'
import { child, fields, flag, items, keySpot, type Node, spotOf, text } from '../formats/node.ts'
import { globMatches } from '../kiro/glob.ts'
import { kiroSources, markdownOf, words } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import { pathsOf } from '../tree.ts'
import type { World } from '../world.ts'

const TOOLS = ['read', 'write', 'shell', 'web', 'subagent', 'spec', 'context', 'knowledge', 'todo_list', '*']
const CAPABILITIES =
  'all builtin filesystem fs_read fs_write shell web_fetch web_search mcp subagent skill power context diagnostics sandbox_network'.split(
    ' ',
  )
const FIELDS = ['capability', 'match', 'exclude', 'effect']

export const kiroAgentScope: Rule = {
  id: 'kiro-agent-scope',
  question: 8,
  title: 'The permissions, tools and resources of a Kiro agent mean what they say',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'The limit that was written down does not hold, or the analyst sees nothing of the service it should look after.',
  defaults:
    'A list of permissions without "rules:" and an unknown field void the whole file; an unknown capability voids its rule.',
  fix: 'permissions: { rules: [{ capability: fs_read, match: ["deploy/**"], effect: allow }] }, tools from Kiro’s own list, resources that exist.',
  cites: 'Kiro documentation: custom agents, permissions',
  everywhere: true,
  bad: {
    '.kiro/agents/ops.md':
      '---\nname: ops\ndescription: Looks at deployments\ntools: [read]\npermissions:\n  - capability: fs_read\n    effect: allow\n---\nYou look.\n',
  },
  good: {
    '.kiro/agents/ops.md':
      '---\nname: ops\ndescription: Looks at deployments\ntools: [read]\npermissions:\n  rules:\n    - capability: fs_read\n      effect: allow\n---\nYou look.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of kiroSources(world, /(^|\/)\.kiro\/agents\/.*\.(md|json)$/)) {
      const root = src.file.endsWith('.json') ? readJson(src).root : markdownOf(src).front
      if (root?.kind !== 'map') continue
      const found = [...permissionsOf(root), ...toolsOf(root), ...resourcesOf(world, src.file, root)]
      if (found.length > 0) yield* found
      else yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}

function* permissionsOf(root: Node): Iterable<Verdict> {
  const permissions = child(root, 'permissions')
  const old = ['allowedTools', 'toolsSettings'].find((key) => child(root, key))
  // The engine skips a JSON agent of version 2; only its debug log says so.
  if (old && !permissions && root.src.file.endsWith('.json'))
    yield fail(keySpot(root, old), `"${old}" without permissions: Kiro skips the agent.`)
  if (!permissions) return
  const at = keySpot(root, 'permissions')
  if (permissions.kind === 'list') {
    yield fail(at, 'The permissions are a bare list; Kiro wants them under "rules:", and drops the file.')
    return
  }
  for (const rule of items(child(permissions, 'rules'))) {
    const strange = fields(rule).find(([key]) => !FIELDS.includes(key))
    const capability = text(child(rule, 'capability')) ?? ''
    const effect = text(child(rule, 'effect')) ?? ''
    if (strange) yield fail(spotOf(rule), `There is no field "${strange[0]}" in a permission, so Kiro drops the file.`)
    else if (!CAPABILITIES.includes(capability)) {
      const near = nearest(capability, CAPABILITIES)
      yield fail(
        spotOf(rule),
        `There is no capability "${capability}"${near ? ` (${near}, perhaps)` : ''}, so this rule does not hold.`,
      )
    } else if (!/^(allow|ask|deny)$/.test(effect))
      yield fail(spotOf(rule), `The effect is allow, ask or deny, not "${effect}".`)
    else if (effect === 'allow' && /^(shell|all)$/.test(capability) && !child(rule, 'match'))
      yield fail(spotOf(rule), 'The agent may run any command without being asked: there is no match.', {
        severity: 'warn',
      })
  }
}

function* toolsOf(root: Node): Iterable<Verdict> {
  const own = fields(child(root, 'mcpServers')).map(([name]) => name)
  for (const tool of words(child(root, 'tools'))) {
    if (TOOLS.includes(tool) || tool.startsWith('@') || own.includes(tool)) continue
    // Raw names of the engine are allowed: fs_read, execute_bash.
    if (/^[a-z]+(_[a-z]+)+$/.test(tool)) continue
    const near = nearest(tool, TOOLS)
    yield fail(keySpot(root, 'tools'), `There is no tool "${tool}"${near ? ` (${near}, perhaps)` : ''}.`)
  }
  if (flag(child(root, 'includeMcpJson')) === true && words(child(root, 'tools')).includes('*'))
    yield fail(keySpot(root, 'includeMcpJson'), 'The agent has every tool of every server.', { severity: 'warn' })
}

function* resourcesOf(world: World, file: string, root: Node): Iterable<Verdict> {
  if (world.tree.paths === undefined || !file.startsWith('.kiro/')) return
  for (const item of items(child(root, 'resources'))) {
    const glob = /^file:\/\/(.*)$/.exec(text(item) ?? '')?.[1]
    if (glob === undefined || glob.startsWith('/') || glob.startsWith('~')) continue
    if (!pathsOf(world.tree).some((path) => globMatches(glob, path)))
      yield fail(
        spotOf(item),
        `The resource ${text(item)} names no file of this repository, so the agent does not get it.`,
      )
  }
}
