import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeReport, reportWords } from './scan-report.ts'

const sarif = (results: unknown[], run: object = {}, rules: unknown[] = []) =>
  JSON.stringify({
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'Trivy', version: '0.58', rules } }, results, ...run }],
  })
const axe = (violations: unknown[], passes: unknown[] = [{ id: 'html-has-lang' }]) => ({
  testEngine: { name: 'axe-core', version: '4.14.1' },
  url: 'https://example.gov.uk/apply',
  timestamp: '2026-11-23T05:00:00.000Z',
  violations,
  passes,
})
const npm = (more: object) =>
  JSON.stringify({ auditReportVersion: 2, vulnerabilities: {}, metadata: { dependencies: { total: 212 } }, ...more })

/** What it is, the report, and what comes of it: number of serious findings, or why it proves nothing. */
const CASES: readonly (readonly [says: string, text: string, came: number | RegExp])[] = [
  ['SARIF without a result', sarif([]), 0],
  ['SARIF with an error', sarif([{ ruleId: 'CVE-1', level: 'error' }]), 1],
  ['a warning is no failure', sarif([{ ruleId: 'CVE-1', level: 'warning' }]), 0],
  [
    'a high score counts, whatever the level',
    sarif([{ ruleId: 'CVE-1', level: 'note', properties: { 'security-severity': '7.0' } }]),
    1,
  ],
  [
    'the score of the rule counts for its results',
    sarif([{ ruleId: 'R' }], {}, [{ id: 'R', properties: { 'security-severity': '9.8' } }]),
    1,
  ],
  [
    'a low score is no failure, even as an error',
    sarif([{ ruleId: 'C', level: 'error', properties: { 'security-severity': 3 } }]),
    0,
  ],
  [
    'the level of the rule counts',
    sarif([{ ruleId: 'R' }], {}, [{ id: 'R', defaultConfiguration: { level: 'error' } }]),
    1,
  ],
  [
    'what was accepted does not count',
    sarif([{ ruleId: 'C', level: 'error', suppressions: [{ status: 'accepted' }] }]),
    0,
  ],
  [
    'what was only asked to be accepted counts',
    sarif([{ ruleId: 'C', level: 'error', suppressions: [{ status: 'underReview' }] }]),
    1,
  ],
  [
    'the tool says that it failed',
    sarif([], { invocations: [{ executionSuccessful: false }] }),
    /the tool says that it failed/,
  ],
  ['no run at all', JSON.stringify({ version: '2.1.0', runs: [] }), /no run of any tool/],
  ['an older SARIF', JSON.stringify({ version: '2.0.0', runs: [{}] }), /SARIF 2\.0\.0, not 2\.1\.0/],
  ['npm audit, clean', npm({}), 0],
  [
    'npm audit with a critical one',
    npm({ vulnerabilities: { lodash: { severity: 'critical' }, x: { severity: 'moderate' } } }),
    1,
  ],
  [
    'npm audit that a proxy refused',
    JSON.stringify({ error: { code: 'E405', summary: 'Method Not Allowed' } }),
    /could not run: Method Not Allowed/,
  ],
  ['npm audit over nothing', npm({ metadata: { dependencies: { total: 0 } } }), /looked at no dependency/],
  ['axe, clean', JSON.stringify(axe([])), 0],
  ['axe over two pages, one with a violation', JSON.stringify([axe([]), axe([{ id: 'label' }])]), 1],
  ['axe that looked at nothing', JSON.stringify(axe([], [])), /nothing to look at/],
  ['no page', '[]', /no page was looked at/],
  ['not JSON', '<html>', /not JSON/],
  ['something else', '{"ok":true}', /neither SARIF, nor npm audit, nor axe/],
  ['hostile shapes', JSON.stringify({ version: '2.1.0', runs: [null, 7, { results: 'x', tool: [] }] }), 0],
]

for (const [says, text, came] of CASES) {
  test(`report: ${says}`, () => {
    const judged = judgeReport(text)
    if (typeof came === 'number') assert.equal(judged.read && judged.serious, came)
    else assert.match(judged.read ? 'read' : judged.why, came)
  })
}

test('the sentence names the tool, when it ran and what is worst', () => {
  const judged = judgeReport(JSON.stringify(axe([{ id: 'label' }, { id: 'color-contrast' }])))
  assert.ok(judged.read)
  assert.equal(
    reportWords(judged),
    '2 serious findings: label on https://example.gov.uk/apply, color-contrast on https://example.gov.uk/apply (axe-core 4.14.1, run at 2026-11-23T05:00:00.000Z).',
  )
})
