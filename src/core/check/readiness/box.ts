/**
 * The playbook's quality checkpoints, computed from a repository: what its files show, never what a definition only promises. "person"
 * is an honest answer: the files cannot show it, and the box names who would.
 */
import type { Service } from '../../define/schema.ts'
import type { Report } from '../judge.ts'
import type { TreeFile } from '../tree.ts'
import type { World } from '../world.ts'

export type State = 'yes' | 'no' | 'person'

export interface Box {
  readonly id: string
  /** The playbook's own words. */
  readonly says: string
  readonly state: State
  /** Why, one sentence or two. */
  readonly because: string
  /** Files that show it, `path:line` where a line does. */
  readonly evidence: readonly string[]
}

export interface Group {
  readonly title: string
  readonly boxes: readonly Box[]
}

export interface Facts {
  readonly world: World
  readonly report: Report
  /** The definition, where there is one that is right. */
  readonly service?: Service
}

/** Files of the tree whose path or text matches; documents among them. */
export function filesWith(facts: Facts, path: RegExp, text?: RegExp): readonly TreeFile[] {
  return facts.world.tree.files.filter((file) => path.test(file.path) && (!text || text.test(file.text)))
}

/** What the rules of these names found: failures that count, and how often they were satisfied. */
export function judged(facts: Facts, rules: readonly string[]) {
  const failed = facts.report.findings.filter(
    (finding) =>
      rules.includes(finding.rule) && finding.verdict === 'fail' && finding.severity !== 'info' && !finding.suppressed,
  )
  const open = facts.report.findings.filter(
    (finding) => rules.includes(finding.rule) && finding.verdict === 'cannot-tell',
  )
  const passed = rules.reduce((sum, rule) => sum + (facts.report.passed.get(rule) ?? 0), 0)
  return { failed, open, passed }
}

/** A box that a set of rules decides: failures say no, passes say yes (or `passes`), and nothing at all is `none`. */
export function byRules(
  facts: Facts,
  id: string,
  says: string,
  rules: readonly string[],
  words: { readonly yes: string; readonly none: string; readonly passes?: State; readonly absent?: State },
): Box {
  const { failed, open, passed } = judged(facts, rules)
  const [first] = failed
  if (first)
    return {
      id,
      says,
      state: 'no',
      because: `${first.says}${failed.length > 1 ? ` And ${failed.length - 1} more of this kind.` : ''}`,
      evidence: failed.slice(0, 5).map(placeOf),
    }
  if (passed > 0) return { id, says, state: words.passes ?? 'yes', because: words.yes, evidence: [] }
  const [question] = open
  if (question)
    return {
      id,
      says,
      state: 'person',
      because: `${question.says} To settle it: ${question.needs}.`,
      evidence: [placeOf(question)],
    }
  return { id, says, state: words.absent ?? 'person', because: words.none, evidence: [] }
}

export function placeOf(finding: { readonly file: string; readonly line: number }): string {
  return `${finding.file}:${finding.line}`
}

/** Words that a text must hold, with what is missing among them. */
export function missingWords(text: string, wanted: Readonly<Record<string, RegExp>>): readonly string[] {
  return Object.entries(wanted)
    .filter(([, pattern]) => !pattern.test(text))
    .map(([name]) => name)
}
