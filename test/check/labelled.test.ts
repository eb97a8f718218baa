import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from '../../src/core/check/judge.ts'
import { RULES } from '../../src/core/check/table.ts'
import { CASES } from './labelled/all.ts'

const TODAY = Date.parse('2026-11-23T09:00:00Z')

for (const { name, files, finds, may = [], open = [] } of CASES) {
  test(`labelled: ${name}`, () => {
    const tree = {
      files: Object.entries(files).map(([path, text]) => ({ path, text })),
      problems: [],
      paths: Object.keys(files),
    }
    const { findings } = judge(tree, RULES, TODAY)
    const failed = new Set(
      findings
        .filter((finding) => finding.verdict === 'fail' && finding.severity !== 'info' && !finding.suppressed)
        .map((finding) => finding.rule),
    )
    for (const rule of may) failed.delete(rule)
    assert.deepEqual([...failed].sort(), [...finds].sort())
    for (const rule of open) {
      assert.ok(
        findings.some((finding) => finding.rule === rule && finding.verdict === 'cannot-tell'),
        `${rule} cannot tell`,
      )
    }
    assert.deepEqual(
      findings.filter((finding) => finding.rule === 'unreadable'),
      [],
    )
  })
}

test('the labelled set is large enough to mean something', () => {
  const files = CASES.flatMap(({ files }) => Object.keys(files))
  assert.ok(files.length + RULES.length * 2 >= 150, `${files.length} files beside the examples of the rules`)
})
