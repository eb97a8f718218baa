import { child, text } from '../formats/node.ts'
import { type Cycle, cyclesOf, writesOf } from '../kiro/loop.ts'
import { type Hook, hooksOf, kiroSources } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kiroHookLoop: Rule = {
  id: 'kiro-hook-loop',
  question: 8,
  title: 'A Kiro hook does not set itself off again',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'The hook runs round and round until it is switched off, and with it the check.',
  defaults: 'Since IDE 1.0.116 file hooks also fire on what the agent itself writes; Kiro has no guard against loops.',
  fix: 'Use a command that writes only its own report, outside the matcher; or leave the agent’s own files out of the matcher.',
  cites: 'playbook: hook-agent circular triggers',
  everywhere: true,
  bad: {
    '.kiro/hooks/a.json':
      '{"version":"v1","hooks":[{"name":"a","trigger":"PostFileSave","matcher":"(^|/)deploy/[^/]+\\\\.yml$","action":{"type":"agent","prompt":"Check and correct this file."}}]}',
  },
  good: {
    '.kiro/hooks/a.json':
      '{"version":"v1","hooks":[{"name":"a","trigger":"PostFileSave","matcher":"(^|/)deploy/[^/]+\\\\.yml$","action":{"type":"command","command":"npx --no-install holdfast check"}}]}',
  },
  *check(world): Iterable<Verdict> {
    const hooks = kiroSources(world, /./).flatMap((src) => hooksOf(src) ?? [])
    const turning = new Set<Hook>()
    for (const cycle of cyclesOf(hooks)) {
      for (const hook of cycle.hooks) turning.add(hook)
      yield cycleVerdict(cycle)
    }
    for (const hook of hooks.filter((one) => !turning.has(one))) {
      const command = text(child(hook.action, 'command')) ?? ''
      const agent = text(child(hook.action, 'type')) === 'agent'
      const blocks = /"?decision"?\s*:\s*"?block/.test(command)
      if (hook.trigger === 'Stop' && (agent || blocks))
        yield fail(hook.at, `"${hook.name}" starts the agent again whenever it stops.`)
      else yield pass(hook.at)
    }
  },
}

function cycleVerdict({ hooks, byAgent }: Cycle): Verdict {
  const [first] = hooks
  const { paths } = writesOf(first!)
  const what = paths.includes('**') ? 'what it saves' : paths.includes('<saved>') ? 'the file it mends' : paths[0]
  const severity = byAgent ? {} : ({ severity: 'warn' } as const)
  if (hooks.length > 1)
    return fail(
      first!.at,
      `${hooks.map((hook) => `"${hook.name}"`).join(' sets off ')}, which sets off "${first!.name}" again.`,
      severity,
    )
  if (byAgent) return fail(first!.at, `"${first!.name}" starts an agent, and ${what} starts it again.`)
  return paths.includes('<saved>')
    ? fail(first!.at, `"${first!.name}" writes ${what}, which its own matcher catches.`, severity)
    : fail(first!.at, `"${first!.name}" writes ${what}, which its own matcher catches.`)
}
