import { child, keySpot, num, text } from '../formats/node.ts'
import { hooksOf, kiroSources } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kiroHookRuns: Rule = {
  id: 'kiro-hook-runs',
  question: 8,
  title: 'The command of a Kiro hook does what it looks like',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'The check gets an empty file name or is cut off, and ends well without having looked.',
  defaults:
    'timeout 60 s, in seconds, beside action; nothing is expanded in the command: the event comes as JSON on standard input.',
  fix: 'Read file_path from standard input, put timeout beside action, and use paths inside the repository.',
  cites: 'Kiro documentation: hooks; kirodotdev/Kiro',
  everywhere: true,
  bad: {
    '.kiro/hooks/a.json':
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the mistake that the rule finds.
      '{"version":"v1","hooks":[{"name":"a","trigger":"PostFileSave","matcher":"deploy","action":{"type":"command","command":"check ${file}"}}]}',
  },
  good: {
    '.kiro/hooks/a.json':
      '{"version":"v1","hooks":[{"name":"a","trigger":"PostFileSave","matcher":"deploy","action":{"type":"command","command":"npx --no-install holdfast check"},"timeout":30}]}',
  },
  *check(world): Iterable<Verdict> {
    for (const hook of kiroSources(world, /./).flatMap((src) => hooksOf(src) ?? [])) {
      const command = text(child(hook.action, 'command'))
      if (!hook.action || command === undefined) continue
      const at = keySpot(hook.action, 'command')
      const timeout = num(child(hook.node, 'timeout'))
      const placeholder = /\$\{?(file|filePath|relativeFile|KIRO_FILE_PATH|workspaceFolder)\}?|\{\{\s*\w+\s*\}\}/.exec(
        command,
      )
      if (placeholder)
        yield fail(at, `Kiro expands nothing: "${placeholder[0]}" reaches the command as it is, or empty.`)
      else if (/(^|\s)(\/home\/|\/Users\/|~\/|[A-Z]:\\)/.test(command))
        yield fail(at, 'The command lies in one person’s home folder.')
      else if (child(hook.action, 'timeout'))
        yield fail(keySpot(hook.action, 'timeout'), 'A timeout inside action is not read; 60 s hold.', {
          severity: 'warn',
        })
      else if (timeout !== undefined && timeout > 900)
        yield fail(
          keySpot(hook.node, 'timeout'),
          `timeout is in seconds: ${timeout} s are ${Math.round(timeout / 60)} minutes.`,
          { severity: 'warn' },
        )
      else yield pass(at)
    }
  },
}
