import { child, text } from '../formats/node.ts'
import { hooksOf, kiroSources } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kiroHookAgent: Rule = {
  id: 'kiro-hook-agent',
  question: 8,
  title: 'A hook that fires often runs a command, not an agent',
  formats: ['kiro'],
  severity: 'warn',
  reach: 1,
  harm: 'Every save or prompt costs credits and time, until somebody switches the check off.',
  defaults: 'Agent actions start a loop of their own; commands are local and free. Kiro has no debounce.',
  fix: 'Run a command that decides by itself (npx --no-install holdfast check --hook), and keep agents for what a person starts.',
  cites: 'Kiro documentation: hooks; playbook: add file-modification debounce',
  everywhere: true,
  bad: {
    '.kiro/hooks/a.json':
      '{"version":"v1","hooks":[{"name":"a","trigger":"PostToolUse","matcher":"write","action":{"type":"agent","prompt":"Review the change; do not modify files."}}]}',
  },
  good: {
    '.kiro/hooks/a.json':
      '{"version":"v1","hooks":[{"name":"a","trigger":"PostToolUse","matcher":"write","action":{"type":"command","command":"npx --no-install holdfast check --hook"}}]}',
  },
  *check(world): Iterable<Verdict> {
    for (const hook of kiroSources(world, /(^|\/)\.kiro\/hooks\//).flatMap((src) => hooksOf(src) ?? [])) {
      if (text(child(hook.node, 'enabled')) === 'false') continue
      if (!/^(PostToolUse|PostFileSave|PostFileCreate|UserPromptSubmit)$/.test(hook.trigger)) continue
      if (text(child(hook.action, 'type')) === 'agent')
        yield fail(hook.at, `"${hook.name}" starts an agent at every ${hook.trigger}.`)
      else yield pass(hook.at)
    }
  },
}
