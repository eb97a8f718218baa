import { child, keySpot, text } from '../formats/node.ts'
import { kiroSources, markdownOf, words } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

const INCLUSIONS = ['always', 'fileMatch', 'manual', 'auto']

export const kiroSteeringLoads: Rule = {
  id: 'kiro-steering-loads',
  question: 8,
  title: 'Each steering file is included when it should be',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'The agent works without the service’s own rules, or under all of them at once.',
  defaults: 'Without inclusion a file is always on; with a mistake in the front matter it is loaded raw, always on.',
  fix: 'inclusion: always | fileMatch | manual | auto, with fileMatchPattern as a list of globs for fileMatch, name and description for auto.',
  cites: 'Kiro documentation: steering',
  everywhere: true,
  bad: {
    '.kiro/steering/deployments.md': '---\ninclusion: filematch\nfileMatchPattern: "*.yml,*.tf"\n---\nDeployments.\n',
  },
  good: {
    '.kiro/steering/deployments.md':
      '---\ninclusion: fileMatch\nfileMatchPattern: ["**/*.yml", "**/*.tf"]\n---\nDeployments.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of kiroSources(world, /(^|\/)\.kiro\/steering\/.*\.md$/)) {
      const start = { file: src.file, line: 1, col: 1 }
      const { front, problem } = markdownOf(src)
      if (problem) {
        yield fail(problem.at, `${problem.says}, so the file is loaded raw and always.`)
        continue
      }
      const said = text(child(front, 'inclusion'))
      const at = front && said !== undefined ? keySpot(front, 'inclusion') : start
      const patterns = child(front, 'fileMatchPattern')
      if (said === undefined)
        yield fail(start, 'No inclusion is written, so the file is always on.', {
          // The three foundation files are meant to be; any other is on by accident.
          severity: /\/steering\/(product|tech|structure)\.md$/.test(src.file) ? 'info' : 'warn',
        })
      else if (!INCLUSIONS.includes(said))
        yield fail(at, `"${said}" is no inclusion, so the file is loaded raw and always.`)
      else if (said === 'fileMatch' && words(patterns).length === 0)
        yield fail(at, 'fileMatch without fileMatchPattern never loads.')
      else if (
        said === 'fileMatch' &&
        patterns?.kind === 'scalar' &&
        patterns.text.includes(',') &&
        !/\{[^}]*,/.test(patterns.text)
      )
        yield fail(
          keySpot(front!, 'fileMatchPattern'),
          `"${patterns.text.slice(0, 60)}" is one pattern, not a list, and matches nothing.`,
        )
      else if (said === 'fileMatch' && words(patterns).some((pattern) => /^\*\.\w+$/.test(pattern)))
        yield fail(
          keySpot(front!, 'fileMatchPattern'),
          `"${words(patterns).find((pattern) => /^\*\.\w+$/.test(pattern))}" matches only in the root folder.`,
          { severity: 'warn' },
        )
      else if (said === 'auto' && (!text(child(front, 'description')) || !text(child(front, 'name'))))
        yield fail(at, 'auto needs a name and a description; without them the file is dropped.')
      else yield pass(at)
    }
  },
}
