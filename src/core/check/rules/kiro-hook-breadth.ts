import { safeMatcher } from '../kiro/glob.ts'
import { hooksOf, isGlob, kiroSources } from '../models/kiro.ts'
import { cannotTell, fail, pass, type Rule, type Verdict } from '../rule.ts'
import { pathsOf } from '../tree.ts'

// Above this share of the repository a file hook is noise, and agents fire it on their own writes as well.
const SHARE_MAX = 0.05
const HITS_MIN = 20

export const kiroHookBreadth: Rule = {
  id: 'kiro-hook-breadth',
  question: 8,
  title: 'A Kiro hook on files catches some of this repository’s files, and not everything',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'A hook that fires on everything is switched off, and one that fires on nothing was never there.',
  defaults: 'The matcher is tried on every file of the repository, as Kiro would on each save.',
  fix: 'Name the files that deploy, exactly: holdfast kit --only kiro writes a matcher from this repository.',
  cites: 'playbook: hook glob over-matching',
  everywhere: true,
  bad: {
    '.kiro/hooks/a.json':
      '{"version":"v1","hooks":[{"name":"a","trigger":"PostFileSave","matcher":"(^|/)pipelines/release\\\\.yml$","action":{"type":"command","command":"check"}}]}',
    '.github/workflows/release.yml': 'on: push\njobs: {}\n',
  },
  good: {
    '.kiro/hooks/a.json':
      '{"version":"v1","hooks":[{"name":"a","trigger":"PostFileSave","matcher":"(^|/)workflows/release\\\\.yml$","action":{"type":"command","command":"check"}}]}',
    '.github/workflows/release.yml': 'on: push\njobs: {}\n',
  },
  *check(world): Iterable<Verdict> {
    const paths = pathsOf(world.tree).filter((path) => !path.startsWith('.kiro/'))
    for (const hook of kiroSources(world, /^\.kiro\/hooks\//).flatMap((src) => hooksOf(src) ?? [])) {
      if (!hook.onFiles || !hook.matcher || isGlob(hook.matcher) || paths.length === 0) continue
      const pattern = safeMatcher(hook.matcher)
      if (!pattern) {
        yield cannotTell(
          hook.matcherAt,
          `The matcher of "${hook.name}" repeats what itself repeats, so it was not tried.`,
          'a matcher without nested repetitions',
        )
        continue
      }
      const hits = paths.filter((path) => pattern.test(path))
      const strange = hits.find((path) => /(^|\/)(node_modules|fixtures|__snapshots__|testdata)\//.test(path))
      if (hits.length === 0 && world.tree.paths === undefined) continue
      if (hits.length === 0)
        yield fail(hook.matcherAt, `"${hook.name}" catches none of the ${paths.length} files here.`, {
          severity: 'warn',
        })
      else if (hits.length > HITS_MIN && hits.length > paths.length * SHARE_MAX)
        yield fail(hook.matcherAt, `"${hook.name}" fires on ${hits.length} of ${paths.length} files.`, {
          arithmetic: `${hits.length} ÷ ${paths.length} = ${Math.round((100 * hits.length) / paths.length)} % > 5 %`,
        })
      else if (strange) yield fail(hook.matcherAt, `"${hook.name}" fires on ${strange}, which nobody deploys.`)
      else yield pass(hook.matcherAt)
    }
  },
}
