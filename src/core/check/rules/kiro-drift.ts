import { child, items, text } from '../formats/node.ts'
import { linesOf } from '../formats/position.ts'
import { readYaml } from '../formats/yaml.ts'
import { kiroSources, markdownOf } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import type { World } from '../world.ts'

export const kiroDrift: Rule = {
  id: 'kiro-drift',
  question: 8,
  title: 'Steering names the failure modes that the definition names',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'Agents guard against last year’s failures while this year’s are in the definition.',
  defaults: 'Nothing keeps the two together.',
  fix: 'Run holdfast kit --only kiro again, or write the missing failure modes into the steering file.',
  cites: 'playbook: constrain to top 5 failure modes by citizen impact',
  everywhere: true,
  bad: {
    'service.yaml': 'failureModes:\n  - { id: letters-stuck, name: Letters are stuck }\n',
    '.kiro/steering/ops-failure-modes.md':
      '---\ninclusion: always\n---\n# Failure modes\n\n1. Payments fail: nobody can pay\n',
  },
  good: {
    'service.yaml': 'failureModes:\n  - { id: letters-stuck, name: Letters are stuck }\n',
    '.kiro/steering/ops-failure-modes.md':
      '---\ninclusion: always\n---\n# Failure modes\n\n1. Letters are stuck: nobody hears from us\n',
  },
  *check(world): Iterable<Verdict> {
    const modes = definedModes(world)
    if (modes.length === 0) return
    for (const src of kiroSources(world, /^\.kiro\/steering\/.*failure-modes?.*\.md$/)) {
      const at = { file: src.file, line: 1, col: 1 }
      const body = markdownOf(src).body.toLowerCase()
      const missing = modes.filter(
        ({ id, name }) => !body.includes(id.toLowerCase()) && !body.includes(name.toLowerCase()),
      )
      if (missing.length > 0)
        yield fail(at, `The definition names ${missing.map(({ name }) => `"${name}"`).join(', ')}; this file does not.`)
      else yield pass(at)
    }
  },
}

/** The failure modes of service.yaml, when it lies beside .kiro. */
function definedModes(world: World): readonly { readonly id: string; readonly name: string }[] {
  const file = world.tree.files.find(({ path }) => path === 'service.yaml')
  if (!file?.text.includes('failureModes')) return []
  const [root] = readYaml({ file: file.path, text: file.text, lines: linesOf(file.text) }).documents
  return items(child(root, 'failureModes')).flatMap((mode) => {
    const id = text(child(mode, 'id'))
    return id ? [{ id, name: text(child(mode, 'name')) ?? id }] : []
  })
}
