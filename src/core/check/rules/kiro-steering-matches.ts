import { child, keySpot, text } from '../formats/node.ts'
import { globMatches } from '../kiro/glob.ts'
import { kiroSources, markdownOf, words } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import { pathsOf } from '../tree.ts'

export const kiroSteeringMatches: Rule = {
  id: 'kiro-steering-matches',
  question: 8,
  title: 'What a steering file refers to is there',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'The rules for deployments are written down, and no agent ever reads them.',
  defaults:
    'fileMatchPattern is a list of globs from the workspace’s root; a #[[file:…]] that is not there is left out in silence.',
  fix: 'Write a glob that matches a file of this repository, and a path that exists.',
  cites: 'Kiro documentation: steering',
  everywhere: true,
  bad: {
    '.kiro/steering/deployments.md': '---\ninclusion: always\n---\nSee #[[file:docs/deploying.md]] before a release.\n',
    'docs/releasing.md': '# Releasing\n',
  },
  good: {
    '.kiro/steering/deployments.md': '---\ninclusion: always\n---\nSee #[[file:docs/releasing.md]] before a release.\n',
    'docs/releasing.md': '# Releasing\n',
  },
  *check(world): Iterable<Verdict> {
    const paths = pathsOf(world.tree)
    const known = new Set(paths)
    for (const src of kiroSources(world, /^\.kiro\/steering\/.*\.md$/)) {
      const { front, problem } = markdownOf(src)
      if (problem) continue
      const missing = [...src.text.matchAll(/#\[\[file:([^\]\n]{1,300})\]\]/g)].find(
        (match) => !known.has(match[1]!.trim().replace(/^\.?\//, '')),
      )
      const patterns = text(child(front, 'inclusion')) === 'fileMatch' ? words(child(front, 'fileMatchPattern')) : []
      const whole = world.tree.paths !== undefined
      const hit = patterns.length === 0 || paths.some((path) => patterns.some((glob) => globMatches(glob, path)))
      if (missing)
        yield fail(
          { file: src.file, ...src.lines.placeOf(missing.index) },
          `${missing[1]!.trim()} is not there, so it is left out.`,
          whole ? {} : { severity: 'warn' },
        )
      else if (!hit && whole)
        yield fail(
          keySpot(front!, 'fileMatchPattern'),
          `${patterns.slice(0, 3).join(', ')} matches none of the ${paths.length} files here.`,
        )
      else yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}
