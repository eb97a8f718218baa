import { countOf } from '../../words.ts'
import {
  AGENT_WARN,
  ALWAYS_ON_MAX,
  ALWAYS_ON_WARN,
  agentWeight,
  alwaysOn,
  LOADS_ALL_WARN,
  loadsAll,
  othersAlwaysOn,
  type Weight,
} from '../kiro/tokens.ts'
import { kiroSources } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kiroTokens: Rule = {
  id: 'kiro-tokens',
  question: 8,
  title: 'What agents must read leaves room to think',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'The five failure modes that matter drown in context, and the analyst overlooks the one that hurts citizens.',
  defaults:
    'Steering without inclusion is always on, and so are AGENTS.md, CLAUDE.md with what it imports, and Copilot’s instructions. One token is about four characters.',
  fix: 'Keep always-on text under 1,000 tokens: product, five failure modes, peaks; move the rest to fileMatch or auto. Name files, not **.',
  cites: 'playbook: agent context window saturation',
  everywhere: true,
  bad: {
    '.kiro/steering/ops.md': `---\ninclusion: always\n---\n# Operations\n${'Check the queue of letters. '.repeat(400)}\n`,
  },
  good: { '.kiro/steering/ops.md': '---\ninclusion: always\n---\n# Operations\nCheck the queue of letters.\n' },
  *check(world): Iterable<Verdict> {
    const kiro = alwaysOn(world)
    yield* weighed('', kiro)
    for (const { agent, weights } of othersAlwaysOn(world)) yield* weighed(` for ${agent}`, weights)
    const [heaviest] = kiro
    const total = sumOf(kiro)
    const all = loadsAll(world)
    if (heaviest && all > LOADS_ALL_WARN && all > total)
      yield fail(
        { file: heaviest.file, line: 1, col: 2 },
        `The command line’s terminal interface loads every steering file: about ${countOf(all)} tokens.`,
        { severity: 'info' },
      )
    for (const src of kiroSources(world, /(^|\/)\.kiro\/agents\/.*\.md$/)) {
      const at = { file: src.file, line: 1, col: 1 }
      const { tokens, listed } = agentWeight(world, src)
      const broad = listed.find((resource) => /^file:\/\/(\.\/)?\*\*(\/\*(\.\w+)?)?$/.test(resource))
      if (broad) yield fail(at, `${broad} gives the agent the whole repository to read.`, { severity: 'warn' })
      else if (tokens > AGENT_WARN)
        yield fail(at, `The agent begins with about ${countOf(tokens)} tokens.`, { severity: 'warn' })
      else yield pass(at)
    }
  },
}

function* weighed(whose: string, weights: readonly Weight[]): Generator<Verdict> {
  const [heaviest] = [...weights].sort((a, b) => b.tokens - a.tokens)
  if (!heaviest) return
  const at = { file: heaviest.file, line: 1, col: 1 }
  const total = sumOf(weights)
  if (total <= ALWAYS_ON_WARN) return yield pass(at)
  yield fail(at, `About ${countOf(total)} tokens are always on${whose}.`, {
    arithmetic: weights
      .slice(0, 8)
      .map((one) => `${one.file}: ${countOf(one.tokens)}`)
      .join('\n'),
    ...(total > ALWAYS_ON_MAX ? {} : { severity: 'warn' }),
  })
}

function sumOf(weights: readonly Weight[]): number {
  return weights.reduce((sum, one) => sum + one.tokens, 0)
}
