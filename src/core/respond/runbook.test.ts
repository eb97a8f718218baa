import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { markdownHtml, nextStep, parseRunbook } from './runbook.ts'
import { nextText, runbookHtml, stepHtml } from './runbook-words.ts'

const GOOD = `# Citizens cannot send their application

People see the problem page after pressing Submit. Wake the secondary on call after 10 minutes.

## Inputs

| Name | Where to find it | Sample |
|---|---|---|
| SERVICE_URL | first line of the page you got | http://127.0.0.1:8080 |

## Steps

### Is it real?

\`\`\`step
id: confirm
why: Tells a failing service from a failing alert
run: curl -sS "\${SERVICE_URL:?}/health/ready"
expect: "ready" in the answer
if-not: escalate secondary
minutes: 1
changes: nothing
\`\`\`

### Take the release back

\`\`\`step
id: take-back
why: The old release is known to work
run: holdfast deploy rollback --reason "submissions fail"
expect: the last line says that citizens are on the old release
if-not: go confirm
minutes: 2
changes: which release answers citizens
warn: Nobody loses an answer; only the newest release loses its traffic
undo: holdfast deploy start with the same release
approve: incident-lead
stop-after: 2
\`\`\`

### Prove that citizens are served

\`\`\`step
id: walk
why: Only the journey itself proves it
ui: Start page > Start now > Submit
expect: the page "Application received" with a reference
if-not: escalate secondary
minutes: 3
changes: nothing
\`\`\`

## Escalation

Secondary on call by e-mail, then the senior manager after 10 minutes.

## Tell citizens

You may not be able to send your application.
`

const book = parseRunbook(GOOD, 'good.md')

test('a good runbook has nothing wrong with it, and every part is read', () => {
  assert.deepEqual(book.findings, [])
  assert.equal(book.title, 'Citizens cannot send their application')
  assert.match(book.firstScreen, /^People see the problem page/)
  assert.deepEqual(book.inputs, [
    { name: 'SERVICE_URL', where: 'first line of the page you got', sample: 'http://127.0.0.1:8080' },
  ])
  const [confirm, takeBack] = book.steps
  assert.equal(confirm?.line, 15)
  assert.equal(confirm?.title, 'Is it real?')
  assert.deepEqual(confirm?.ifNot, { kind: 'escalate', role: 'secondary' })
  assert.deepEqual(takeBack?.ifNot, { kind: 'go', step: 'confirm' })
  assert.equal(takeBack?.stopAfter, 2)
  assert.match(book.escalation, /^Secondary on call/)
})

test('each fault is found, at its line', () => {
  const cases: [string, string, string, number?][] = [
    ['id: walk', 'id: confirm', 'runbook-step-id', 43],
    ['if-not: go confirm', 'if-not: go nowhere', 'runbook-if-not', 27],
    ['if-not: go confirm', 'if-not: have a look', 'runbook-if-not', 27],
    ['expect: "ready" in the answer\n', '', 'runbook-step-expect', 15],
    ['minutes: 3\n', '', 'runbook-step-minutes'],
    ['minutes: 3', 'minutes: soon', 'runbook-step-number'],
    ['why: The old', 'wyh: The old', 'runbook-step-key'],
    ['undo: holdfast deploy start with the same release\n', '', 'runbook-step-undo', 27],
    ['${SERVICE_URL:?}', '$SERVICE_URL', 'runbook-command-variable', 15],
    ['${SERVICE_URL:?}', '${OTHER:?}', 'runbook-command-input', 15],
    ['${SERVICE_URL:?}', '<your url>', 'runbook-command-placeholder', 15],
    ['run: curl', 'run: $ curl', 'runbook-command-prompt', 15],
    ['"submissions fail"', '\u201csubmissions fail\u201d', 'runbook-command-quotes', 27],
    ['changes: nothing\n```\n\n## Esc', 'changes: a test case\nundo: delete it\n```\n\n## Esc', 'runbook-last-step'],
    ['Secondary on call by e-mail', 'TBC', 'runbook-placeholder'],
    ['Wake the secondary', 'Investigate, then wake the secondary', 'runbook-vague', 3],
    ['## Escalation', '## Something else', 'runbook-section'],
    ['## Tell citizens', '## Something else', 'runbook-section'],
    ['# Citizens', 'Citizens', 'runbook-section'],
    [
      'after 10 minutes.\n\n## Inputs',
      `after 10 minutes.\n${'\nOne more line.\n'.repeat(10)}\n## Inputs`,
      'runbook-first-screen',
    ],
    ['ui: Start', 'run: x\nui: Start', 'runbook-step-action'],
  ]
  for (const [from, to, rule, line] of cases) {
    assert.ok(GOOD.includes(from), from)
    const found = parseRunbook(GOOD.replace(from, to), 'bad.md').findings.filter((finding) => finding.rule === rule)
    assert.ok(found.length > 0, `${rule} for "${to.slice(0, 40)}"`)
    if (line !== undefined) assert.equal(found[0]!.line, line, rule)
  }
  const restart = GOOD.replace('holdfast deploy rollback', 'systemctl restart web;').replace(/warn: .*\n/, '')
  assert.ok(parseRunbook(restart, 'bad.md').findings.some(({ rule }) => rule === 'runbook-command-warn'))
})

test('the next step follows what was written down', () => {
  const progress = (...lines: string[]) =>
    lines.map((line) => ({ step: line.split(' ')[0]!, result: line.split(' ')[1]! }))
  const cases: [string[], string][] = [
    [[], 'confirm'],
    [['confirm done'], 'take-back?'],
    [['confirm done', 'take-back approved'], 'take-back'],
    [['confirm failed'], 'wake secondary'],
    [['confirm failed', 'confirm done'], 'take-back?'],
    [['confirm skipped'], 'take-back?'],
    [['confirm done', 'take-back failed'], 'confirm'],
    [['confirm done', 'take-back failed', 'confirm done', 'take-back failed'], 'wake '],
    [['confirm done', 'take-back done'], 'walk'],
    [['confirm done', 'take-back done', 'walk done'], 'finished'],
    [['no-such-step done'], 'confirm'],
  ]
  for (const [lines, expected] of cases) {
    const next = nextStep(book, progress(...lines))
    const said =
      next.kind === 'step'
        ? `${next.step.id}${next.approved ? '' : '?'}`
        : next.kind === 'escalate'
          ? `wake ${next.role}`
          : 'finished'
    assert.equal(said, expected, lines.join(', ') || 'nothing yet')
  }
})

test('a step reads well at a terminal', () => {
  assert.equal(
    nextText(nextStep(book, []), book),
    [
      'Step 1 of 3: Is it real?  (confirm)',
      '  Why      Tells a failing service from a failing alert',
      '  Run      curl -sS "${SERVICE_URL:?}/health/ready"',
      '  Expect   "ready" in the answer',
      '  If not   wake the secondary',
      '  Changes  nothing',
      '  Takes    about 1 min',
    ].join('\n'),
  )
})

test('hostile runbooks become harmless text, in bounded time', () => {
  const evil = GOOD.replace(
    'People see',
    '<script>alert(1)</script> ![x](http://evil/x.png) [y](javascript:alert(1)) People see',
  )
    .replace('why: Tells', 'why: <img src=x onerror=alert(1)> Tells')
    .replace('Is it real?', '"><script>alert(2)</script>')
  const html = runbookHtml(parseRunbook(evil, 'evil.md'))
  assert.doesNotMatch(html, /<script|<img|href="javascript:|onerror=alert\(1\)>(?!.*&#)/i)
  assert.doesNotMatch(stepHtml(parseRunbook(evil, 'evil.md').steps[0]!, 1), /<img|<script/)
  for (const text of [
    '',
    '\0',
    '# '.repeat(50_000),
    '```step\n'.repeat(5_000),
    '> '.repeat(60_000),
    '|'.repeat(100_000),
    'a'.repeat(1_000_000),
    '[['.repeat(60_000),
  ]) {
    assert.ok(parseRunbook(text, 'x.md').findings.length > 0)
    markdownHtml(text)
  }
  const many = parseRunbook(`# t\n${'```step\nid: a\n```\n'.repeat(100)}`, 'x.md')
  assert.equal(many.steps.length, 60)
})

test('the runbooks of the sample service are ready for 3am', () => {
  const folder = fileURLToPath(new URL('../../../examples/heating-payment/runbooks/', import.meta.url))
  const files = readdirSync(folder).filter((file) => file.endsWith('.md'))
  assert.equal(files.length, 5)
  for (const file of files) {
    const { findings, steps } = parseRunbook(readFileSync(`${folder}${file}`, 'utf8'), file)
    assert.deepEqual(
      findings.map((finding) => `${finding.file}:${finding.line} ${finding.says}`),
      [],
    )
    // The definition promises recovery within 15 minutes of the decision to act.
    const minutes = steps.reduce((sum, step) => sum + (step.minutes ?? 0), 0)
    assert.ok(minutes <= 30, `${file} takes ${minutes} minutes`)
  }
})
