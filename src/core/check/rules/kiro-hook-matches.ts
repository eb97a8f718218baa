import { hooksOf, isGlob, kiroSources } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kiroHookMatches: Rule = {
  id: 'kiro-hook-matches',
  question: 8,
  title: 'Each Kiro hook fires on the files it is meant for',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'The check is loaded and never fires, or fires on everything until somebody turns it off.',
  defaults: 'matcher is a regular expression on the file’s path, which may be absolute; absent, it matches every file.',
  fix: 'Write a regular expression without a leading ^: (^|/)deploy/[^/]+\\.ya?ml$',
  cites: 'Kiro documentation: hooks, matcher',
  everywhere: true,
  bad: {
    '.kiro/hooks/a.json':
      '{"version":"v1","hooks":[{"name":"a","trigger":"PostFileSave","matcher":"**/*.yml","action":{"type":"command","command":"check"}}]}',
  },
  good: {
    '.kiro/hooks/a.json':
      '{"version":"v1","hooks":[{"name":"a","trigger":"PostFileSave","matcher":"(^|/)deploy/[^/]+\\\\.yml$","action":{"type":"command","command":"check"}}]}',
  },
  *check(world): Iterable<Verdict> {
    for (const hook of kiroSources(world, /./).flatMap((src) => hooksOf(src) ?? [])) {
      const { matcher } = hook
      if (!hook.onFiles && matcher !== undefined && !/ToolUse$/.test(hook.trigger))
        yield fail(
          hook.matcherAt,
          `"${hook.name}" has a matcher, which ${hook.trigger || 'its trigger'} does not read: it always fires.`,
          {
            severity: 'warn',
          },
        )
      if (!hook.onFiles) continue
      if (matcher === undefined || matcher === '' || matcher === '.*')
        yield fail(hook.at, `"${hook.name}" fires on every file that is saved.`, { severity: 'warn' })
      else if (isGlob(matcher))
        yield fail(
          hook.matcherAt,
          `"${hook.name}" never fires as intended: its matcher "${matcher.slice(0, 60)}" is a glob, and a regular expression is read.`,
        )
      else if (/^\^(?!\(\?:?\.\*|\.\*|\(\?[!=])/.test(matcher))
        yield fail(
          hook.matcherAt,
          `"${hook.name}" does not fire when the path is absolute: its matcher begins with ^.`,
          { severity: 'warn' },
        )
      else if (/^\(?(?:\^\|\/\)?)?[.*\\[\]()/^|]*\\\.(?:\(\?:)?(?:ya\?ml|yml|yaml|json|md|tf)\)?\$?$/.test(matcher))
        yield fail(hook.matcherAt, `"${hook.name}" fires on every file of its kind, not only on deployment files.`, {
          severity: 'warn',
        })
      else yield pass(hook.matcherAt)
    }
  },
}
