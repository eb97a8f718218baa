import { child, text } from '../formats/node.ts'
import { hooksOf, kiroSources } from '../models/kiro.ts'
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
    for (const hook of kiroSources(world, /./).flatMap((src) => hooksOf(src) ?? [])) {
      const type = text(child(hook.action, 'type'))
      const command = text(child(hook.action, 'command')) ?? ''
      const target = /(?:>|\btee|--out(?:put)?[= ]|--write\s|-i\s)\s*['"]?([\w./-]+)/.exec(command)?.[1]
      const caught = target !== undefined && hook.matcher !== undefined && mayCatch(hook.matcher, target)
      const prompt = text(child(hook.action, 'prompt')) ?? ''
      const writes =
        type === 'agent' &&
        !/\bdo not (?:modify|edit|change|write)|\bread[- ]only|without (?:changing|editing|modifying)/i.test(prompt)
      if (hook.trigger === 'PostFileSave' && writes)
        yield fail(hook.at, `"${hook.name}" starts an agent on save, and what the agent saves starts it again.`)
      else if (hook.onFiles && caught)
        yield fail(hook.at, `"${hook.name}" writes ${target}, which its own matcher catches.`)
      else if (hook.trigger === 'Stop' && type === 'agent')
        yield fail(hook.at, `"${hook.name}" starts the agent again whenever it stops.`)
      else yield pass(hook.at)
    }
  },
}

/** A stranger's regular expression is never run: it counts as a hit when all of its plain words stand in the path. */
function mayCatch(matcher: string, path: string): boolean {
  const words = matcher.split(/[^\w-]+/).filter((word) => word.length > 2)
  return words.length > 0 && words.every((word) => path.includes(word))
}
