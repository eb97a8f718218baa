import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { judge } from './judge.ts'
import { RULES } from './table.ts'

const TODAY = Date.parse('2026-11-23T09:00:00Z')
const SHA = '8f4b7f84864484a7bf31766abe9204da3cbe65b3'
const workflow = (ref: string) =>
  `on: push\njobs:\n  deploy:\n    uses: org/shared/.github/workflows/deploy.yml@${ref}\n    with: { environment: production }\n`
const map = (over: Readonly<Record<string, string>> = {}) => {
  const entry = {
    match: '"org/shared/.github/workflows/deploy.yml@*"',
    digest: `git:${SHA}`,
    provides: '[gate.scan, gate.approval]',
    evidence: 'docs/review.md',
    owner: 'platform team',
    expires: '2027-01-31',
    ...over,
  }
  const lines = Object.entries(entry).map(([key, value]) => `    ${key}: ${value}`)
  return `capabilities:\n  -${lines.join('\n').slice(3)}\n`
}

function scan(files: Readonly<Record<string, string>>) {
  const rules = RULES.filter(({ id }) => id === 'gate-security-scan' || id === 'capability-holds')
  const tree = { files: Object.entries(files).map(([path, text]) => ({ path, text })), problems: [] }
  const { findings, claims } = judge(tree, rules, TODAY)
  return {
    findings: findings.map(({ rule, verdict, needs }) => `${rule} ${verdict}${needs ? `: ${needs}` : ''}`),
    claims: claims.map(({ rule, ref, owner }) => `${rule} ${ref} ${owner}`),
  }
}

const FILE = 'holdfast-capabilities.yaml'
const CD = '.github/workflows/cd.yml'

test('nobody vouches: the question stays open', () => {
  const { findings, claims } = scan({ [CD]: workflow(SHA) })
  assert.equal(findings.length, 1)
  assert.match(findings[0]!, /gate-security-scan cannot-tell: what org\/shared/)
  assert.deepEqual(claims, [])
})

test('a map that pins the commit in use answers it, as a claim', () => {
  const { findings, claims } = scan({ [CD]: workflow(SHA), [FILE]: map() })
  assert.deepEqual(findings, [])
  assert.deepEqual(claims, [`gate-security-scan org/shared/.github/workflows/deploy.yml@${SHA} platform team`])
})

test('another commit than the one that was reviewed opens it again', () => {
  const { findings, claims } = scan({ [CD]: workflow('v3'), [FILE]: map() })
  assert.match(findings.join(), /not pinned to the commit that was reviewed/)
  assert.deepEqual(claims, [])
})

const copy = 'on: workflow_call\njobs: {}\n'
const digest = `sha256:${createHash('sha256').update(copy).digest('hex')}`

test('a reviewed copy in the repository is compared by its digest', () => {
  const files = { [CD]: workflow('v3'), 'vendor-review/deploy.yml': copy }
  assert.equal(scan({ ...files, [FILE]: map({ digest, copy: 'vendor-review/deploy.yml' }) }).claims.length, 1)
  const changed = {
    ...files,
    'vendor-review/deploy.yml': `${copy}# changed\n`,
    [FILE]: map({ digest, copy: 'vendor-review/deploy.yml' }),
  }
  assert.match(scan(changed).findings.join(), /no longer what was reviewed/)
  assert.match(
    scan({ [CD]: workflow('v3'), [FILE]: map({ digest, copy: 'gone.yml' }) }).findings.join(),
    /is not in the repository/,
  )
})

for (const [over, says] of [
  [{ expires: '2026-11-22' }, /It expired on 2026-11-22/],
  [{ owner: '""' }, /It names no owner/],
  [{ evidence: '""' }, /It names no evidence/],
  [{ digest: 'sha256:12' }, /It has no digest/],
  [{ provides: '[]' }, undefined],
] as const)
  test(`an entry with ${JSON.stringify(over)} vouches for nothing`, () => {
    const { findings, claims } = scan({ [CD]: workflow(SHA), [FILE]: map(over) })
    assert.deepEqual(claims, [])
    if (says) assert.match(findings.join(), says)
  })

test('what it does not provide stays open', () => {
  assert.match(scan({ [CD]: workflow(SHA), [FILE]: map({ provides: '[gate.a11y]' }) }).findings.join(), /cannot-tell/)
})
