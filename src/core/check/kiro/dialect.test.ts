import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesOf } from '../formats/position.ts'
import { judge } from '../judge.ts'
import { RULES } from '../table.ts'
import { convert } from './dialect.ts'
import { globMatches, matcherFor, safeMatcher } from './glob.ts'

const source = (file: string, text: string) => ({ file, text, lines: linesOf(text) })
const v1 = (hook: object, version: unknown = 'v1') => JSON.stringify({ version, hooks: [hook] })
const command = { type: 'command', command: 'npx --no-install holdfast check --hook' }

/** Each dialect, in a file as it is found in the wild. */
const CASES: readonly (readonly [string, string, string])[] = [
  [
    'A',
    '.kiro/hooks/a.json',
    v1({ name: 'a', trigger: 'PostFileSave', matcher: '(^|/)deploy/[^/]+\\.yml$', action: command }),
  ],
  [
    'B',
    '.kiro/hooks/a.kiro.hook',
    '{"enabled":true,"name":"a","version":"1","when":{"type":"fileEdited","patterns":["deploy/*.yml"]},"then":{"type":"askAgent","prompt":"Look, do not modify."}}',
  ],
  [
    'C',
    '.kiro/hooks/a.json',
    '{"name":"a","version":"1","when":{"type":"fileEdited","patterns":["deploy/*.yml"]},"then":{"type":"runCommand","command":"npm run check"}}',
  ],
  [
    'D',
    '.kiro/hooks/a.kiro.hook',
    v1({ name: 'a', trigger: 'PostFileSave', matcher: '(^|/)deploy/[^/]+\\.yml$', action: command }),
  ],
  [
    'E',
    '.kiro/hooks/deployment-validator.yaml',
    'name: deployment-validator\nevent: file_saved\nmatch: "**/*{deploy,pipeline}*.{yaml,yml}"\nprompt: |\n  Check this; do not modify it.\n',
  ],
  [
    'F',
    '.kiro/hooks/a.yml',
    'name: a\nwhen:\n  type: fileEdit\n  patterns: ["deploy/*.yml"]\nthen:\n  type: runShellCommand\n  command: npm run check\n',
  ],
  ['G', '.kiro/hooks/a.md', '---\nevent: file:save\npattern: deploy/*.yml\n---\nCheck this; do not modify it.\n'],
  [
    'H',
    '.kiro/hooks/a.json',
    v1({
      name: 'a',
      trigger: 'PostFileSave',
      matcher: '(^|/)deploy/[^/]+\\.yml$',
      action: { ...command, timeout: 30_000 },
    }),
  ],
  [
    'I',
    '.kiro/hooks/a.json',
    v1({ name: 'a', trigger: 'PostFileSave', matcher: '**/deploy/**/*.yml', action: command }),
  ],
  [
    'J',
    '.kiro/hooks/a.json',
    v1({
      name: 'a',
      trigger: 'PostFileSave',
      matcher: '(^|/)deploy/[^/]+\\.yml$',
      action: { type: 'prompt', prompt: 'Look; do not modify.' },
    }),
  ],
  ['K', '.kiro/hooks/a.json', '{"id":"a","trigger":"fileEdited","pattern":"deploy/*.yml","command":"npm run check"}'],
  [
    'L',
    '.kiro/agents/ops.json',
    '{"name":"ops","hooks":{"preToolUse":[{"command":"npm run guard","matcher":"shell","timeout_ms":2500}]}}',
  ],
]

for (const [dialect, file, text] of CASES) {
  test(`dialect ${dialect} becomes what loads, once`, () => {
    const conversion = convert(source(file, text))
    assert.ok(conversion)
    assert.deepEqual(conversion.dialects, [dialect])
    const after = Object.entries(conversion.writes)
    if (dialect === 'A') return assert.deepEqual(after, [])
    assert.equal(after.length, 1)
    for (const [path, written] of after) {
      const again = convert(source(path, written))
      assert.deepEqual({ dialects: again?.dialects, writes: again?.writes }, { dialects: ['A'], writes: {} })
      const files = [
        { path, text: written },
        { path: 'deploy/web.yml', text: '' },
      ]
      const rules = RULES.filter(({ id }) => /^kiro-hook-(loads|matches|breadth|runs)$/.test(id))
      const { findings, checked } = judge(
        { files, problems: [], paths: ['deploy/web.yml', 'ci/deploy-web.yml'] },
        rules,
        0,
      )
      assert.deepEqual(findings, [])
      assert.ok(checked.some(({ verdicts }) => verdicts.pass > 0))
    }
  })
}

test('what version 1 has no place for is named', () => {
  const conversion = convert(
    source(
      '.kiro/hooks/a.kiro.hook',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of Kiro 0.x.
      '{"name":"a","version":"1","workspaceFolderName":"web","shortName":"x","when":{"type":"fileEdited","patterns":["a.yml"]},"then":{"type":"runCommand","command":"check ${filePath}"}}',
    ),
  )
  assert.deepEqual(conversion?.notes, [
    'Version 1 has no place for workspaceFolderName (web).',
    'Version 1 has no place for shortName (x).',
    'Kiro expands nothing in a command: read file_path, or the prompt, from the JSON on standard input.',
  ])
})

test('a hook that a person starts becomes steering that is included by hand', () => {
  const conversion = convert(
    source(
      '.kiro/hooks/review.kiro.hook',
      '{"name":"Review release","when":{"type":"userTriggered"},"then":{"type":"askAgent","prompt":"Review it."}}',
    ),
  )
  assert.deepEqual(conversion?.writes, {
    '.kiro/steering/review-release.md': '---\ninclusion: manual\n---\nReview it.\n',
  })
})

test('several tools become several hooks, and an excluded glob a look-ahead', () => {
  const tools = convert(
    source(
      '.kiro/hooks/a.kiro.hook',
      '{"name":"a","when":{"type":"preToolUse","toolTypes":["write","shell"]},"then":{"type":"runCommand","command":"guard"}}',
    ),
  )
  const { hooks } = JSON.parse(Object.values(tools!.writes)[0]!) as { hooks: { matcher: string }[] }
  assert.deepEqual(
    hooks.map((hook) => hook.matcher),
    ['write', 'shell'],
  )
  const matcher = new RegExp(matcherFor(['**/*.yaml', '!.holdfast/**'])!)
  assert.equal(matcher.test('d/a.yaml'), true)
  assert.equal(matcher.test('/h/.holdfast/b.yaml'), false)
})

test('a hook of an unknown event is left to a person', () => {
  const conversion = convert(source('.kiro/hooks/a.yaml', 'name: a\nevent: moon_rises\nprompt: Look\n'))
  assert.deepEqual(conversion?.writes, {})
  assert.match(conversion!.notes[0]!, /"moon_rises" has no counterpart/)
})

const globs: readonly (readonly [string, string, boolean])[] = [
  ['**/deploy/**/*.yaml', 'deploy/a/b.yaml', true],
  ['**/deploy/**/*.yaml', 'x/deploy/b.yaml', true],
  ['*.tf', 'main.tf', true],
  ['*.tf', 'infra/main.tf', false],
  ['**/*.tf', '.infra/main.tf', true],
  ['a/{b,c}.yml', 'a/c.yml', true],
  ['a/[!x].yml', 'a/x.yml', false],
  ['a?.md', 'ab.md', true],
  ['infra/**', 'infra/a/b', true],
]
for (const [glob, path, expected] of globs)
  test(`${glob} ${expected ? 'matches' : 'does not match'} ${path}`, () =>
    assert.equal(globMatches(glob, path), expected))

test('a regular expression that may run for ever is not run', () => {
  for (const evil of ['(a+)+$', '(a|aa)*b', '([a-z]+)*x', '(x*)*', '(.*)\\1', '(?:a|a)+$', 'a{1,9}(b+){2,}'])
    assert.equal(safeMatcher(evil), undefined, evil)
  for (const fine of [
    '(^|/)deploy/[^/]+\\.ya?ml$',
    '(^|/)(?:a|b)\\.yml$',
    '(^|/)deploy/(?:[^/]+/)*[^/]*\\.yaml$',
    '\\.(yml|yaml)$',
  ])
    assert.ok(safeMatcher(fine), fine)
})
