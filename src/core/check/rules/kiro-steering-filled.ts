import { kiroSources, markdownOf } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kiroSteeringFilled: Rule = {
  id: 'kiro-steering-filled',
  question: 8,
  title: 'Steering speaks of this service, and of five failure modes at the most',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'Advice about no service in particular misses what breaks for these citizens.',
  defaults: 'The playbook’s templates hold placeholders in brackets.',
  fix: 'Fill each placeholder in, and keep the five failure modes that hurt citizens most; the rest goes to a backlog.',
  cites: 'playbook: generic templates will not pass; steering file scope creep',
  everywhere: true,
  bad: {
    '.kiro/steering/product.md':
      '---\ninclusion: always\n---\n# Product\n[Your Level 1-5 service] handling citizen interactions.\n',
  },
  good: {
    '.kiro/steering/product.md': '---\ninclusion: always\n---\n# Product\nThe cold weather heating payment service.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of kiroSources(world, /(^|\/)\.kiro\/(steering|specs)\/.*\.md$/)) {
      const { body } = markdownOf(src)
      const offset = src.text.length - body.length
      const placeholder =
        /\[(?:Your |List |Include |When |What |Insert |Describe |TODO|TBC|TBD|service name|name of )[^\]\n]{0,200}\](?!\()/i.exec(
          body,
        )
      if (placeholder) {
        yield fail(
          { file: src.file, ...src.lines.placeOf(offset + placeholder.index) },
          `The placeholder ${placeholder[0].slice(0, 60)} was never filled in.`,
        )
        continue
      }
      const section = /^#+\s.*failure modes?.*$([\s\S]*?)(?=^#+\s|(?![\s\S]))/im.exec(body)
      const modes = section?.[1]?.match(/^(?:\d+\.|[-*])\s+\S/gm)?.length ?? 0
      if (section && modes > 5 && /steering/.test(src.file))
        yield fail(
          { file: src.file, ...src.lines.placeOf(offset + section.index) },
          `${modes} failure modes are listed; beyond five the context drowns the ones that matter.`,
          { severity: 'warn' },
        )
      else yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}
