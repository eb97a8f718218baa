import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { judge, UNREADABLE } from './judge.ts'
import type { Example } from './rule.ts'
import { RULES } from './table.ts'

const TODAY = Date.parse('2026-11-23T09:00:00Z')

function findings(files: Example) {
  const tree = {
    files: Object.entries(files).map(([path, text]) => ({ path, text })),
    problems: [],
    paths: Object.keys(files),
  }
  return judge(tree, RULES, TODAY)
}

test('every rule file is in the table, once, under a name of its own', () => {
  const files = readdirSync(new URL('rules', import.meta.url)).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  assert.deepEqual(RULES.map((rule) => `${rule.id}.ts`).sort(), files.sort())
})

test('there are at least sixty rules, and each of the twelve questions has one', () => {
  assert.ok(RULES.length >= 60, `${RULES.length} rules`)
  assert.equal(new Set(RULES.map((rule) => rule.question)).size, 12)
})

for (const rule of RULES) {
  test(`${rule.id}: its bad example is found and its good example is not`, () => {
    const bad = findings(rule.bad).findings.filter((finding) => finding.rule === rule.id)
    assert.ok(bad.length > 0, 'the bad example is found')
    for (const finding of bad) assert.ok(finding.says.endsWith('.'), `a sentence: ${finding.says}`)
    const good = findings(rule.good)
    assert.deepEqual(
      good.findings.filter((finding) => finding.rule === rule.id),
      [],
    )
    assert.deepEqual(
      [findings(rule.bad), good].flatMap((report) => report.findings.filter((finding) => finding.rule === UNREADABLE)),
      [],
    )
    assert.ok(
      good.checked.some(({ verdicts }) => verdicts.pass > 0),
      'the good example is not merely unread',
    )
  })
}
