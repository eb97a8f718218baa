import { child, items, keySpot, text } from '../formats/node.ts'
import { kiroSources, markdownOf, words } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kiroAgentLoads: Rule = {
  id: 'kiro-agent-loads',
  question: 8,
  title: 'Each Kiro agent loads, and can do its work and no more',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'The analyst that should look at each deployment is not there, or may change what it only had to read.',
  defaults:
    'A Markdown agent without front matter is dropped; without tools it can do nothing; a resource without a scheme is dropped.',
  fix: 'Begin with front matter: name, description, tools: [read], resources: [file://…].',
  cites: 'Kiro documentation: custom agents',
  everywhere: true,
  bad: { '.kiro/agents/ops-analyst.md': '# Ops Analyst Agent\n\nYou analyse operational requirements.\n' },
  good: {
    '.kiro/agents/ops-analyst.md':
      '---\nname: ops-analyst\ndescription: Analyses deployment configuration\ntools: [read]\n---\nYou analyse operational requirements.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of kiroSources(world, /(^|\/)\.kiro\/agents\/.*\.md$/)) {
      const start = { file: src.file, line: 1, col: 1 }
      const { front, problem, body } = markdownOf(src)
      if (problem) {
        yield fail(problem.at, `${problem.says}, so Kiro drops the agent.`)
        continue
      }
      if (!front) {
        yield fail(start, 'The agent has no front matter, so Kiro drops it.')
        continue
      }
      const tools = words(child(front, 'tools'))
      const loose = items(child(front, 'resources')).find(
        (item) => text(item) !== undefined && !/^(file|skill):\/\//.test(text(item)!),
      )
      const yes = ['includeMcpJson', 'includePowers'].find((key) =>
        /^(yes|no|on|off)$/i.test(text(child(front, key)) ?? ''),
      )
      const old = ['allowedTools', 'toolsSettings'].find((key) => child(front, key))
      if (tools.length === 0)
        yield fail(
          child(front, 'tools') ? keySpot(front, 'tools') : start,
          'The agent has no tools, so it can do nothing.',
        )
      else if (yes)
        yield fail(
          keySpot(front, yes),
          `"${yes}" must be true or false; with "${text(child(front, yes))}" Kiro drops the agent.`,
        )
      else if (loose)
        yield fail(
          keySpot(front, 'resources'),
          `The resource "${text(loose)}" has no file:// or skill://, so it is dropped.`,
        )
      else if (old)
        yield fail(
          keySpot(front, old),
          `"${old}" belongs to version 2 and is ignored here: the limit it sets does not hold.`,
          { severity: 'warn' },
        )
      else if (
        /\b(analy[sz]e|review|audit|inspect)/i.test(body.slice(0, 600)) &&
        tools.some((tool) => /^(write|shell|\*)$/.test(tool))
      )
        yield fail(
          keySpot(front, 'tools'),
          `An agent that only looks may also ${tools.includes('shell') ? 'run commands' : 'write'}.`,
          { severity: 'warn' },
        )
      else yield pass(start)
    }
  },
}
