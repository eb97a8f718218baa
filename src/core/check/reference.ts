/** The reference page of the rules, made from the rule table: `docs/reference/rules.md`. */
import { QUESTIONS, type Question, type Rule } from './rule.ts'
import { RULES } from './table.ts'

/** Markdown. Deterministic: the same table always gives the same page. */
export function rulesReference(rules: readonly Rule[] = RULES): string {
  const lines = [
    '# Rules of `holdfast check`',
    '',
    `${rules.length} rules answer the twelve questions of the playbook's deployment validator. Each answers pass, fail or cannot`,
    'tell, and names what would settle it. `holdfast check --explain RULE` shows a rule with a bad and a good example.',
    '',
    'An **error** is decided by the files at hand. A **warn** may have a reason that the files do not show, or rests on a value that',
    'something outside them may replace. An **info** is worth knowing. Files of environments other than production are not judged.',
    '',
  ]
  for (const [number, question] of Object.entries(QUESTIONS)) {
    lines.push(`## ${number}. ${question}`, '')
    for (const rule of rules.filter((candidate) => candidate.question === (Number(number) as Question)))
      lines.push(...entryOf(rule))
  }
  return `${lines.join('\n').trimEnd()}\n`
}

function entryOf(rule: Rule): readonly string[] {
  return [
    `### ${rule.id}`,
    '',
    `${rule.title}. (${rule.severity}; ${rule.formats.join(', ')})`,
    '',
    `- What citizens meet: ${rule.harm}`,
    `- When nothing is written: ${rule.defaults}`,
    `- Fix: ${rule.fix}`,
    `- Source: ${rule.cites}`,
    '',
  ]
}
