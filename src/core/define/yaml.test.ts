import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { loadService } from './load.ts'
import { readYaml } from './yaml.ts'

test('hostile text is a finding, never a crash', () => {
  const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${'bcdefgh'
    .split('')
    .map((name, i) => `${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[i]}`).join(', ')}]`)
    .join('\n')}\n`
  const cases: Readonly<Record<string, string>> = {
    'alias bomb': bomb,
    'alias of itself': 'a: &a { b: *a }\n',
    'deep flow': '['.repeat(200_000),
    'deep maps': Array.from({ length: 3_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    'many keys': Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n'),
    'too large': 'a'.repeat(1_100_000),
    'two documents': 'a: 1\n---\nb: 2\n',
    'strange tag': 'a: !!js/function "x"\n',
    prototype: '__proto__: { polluted: true }\nconstructor: 1\n',
    'empty file': '',
    'only a list': '- a\n',
    'only a word': 'service',
    'null byte': 'service: "\u0000"\n',
  }
  for (const [name, text] of Object.entries(cases)) {
    const { service, findings } = loadService(text, 'service.yaml')
    assert.equal(service, undefined, name)
    assert.ok(findings.length > 0 && findings.every((finding) => finding.line >= 1 && finding.col >= 1), name)
  }
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
})

test('any text whatever is answered', () => {
  const words = fc.constantFrom(
    'service',
    'journeys',
    ': ',
    '- ',
    '\n',
    '  ',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '&a',
    '*a',
    '|',
    '>',
    '#',
    '?',
    ',',
    'on',
    '1e999',
    '!!map',
    '\t',
    '\r',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 4 })), { maxLength: 60 }), (parts) => {
      loadService(parts.join(''), 'service.yaml')
    }),
    { numRuns: 300 },
  )
})

test('places are those of the file', () => {
  const read = readYaml('service:\n  id: x\njourneys:\n  - { id: a, steps: [{ id: b }] }\n')
  assert.deepEqual(read.placeOf(['service', 'id']), { line: 2, col: 7 })
  assert.deepEqual(read.keyPlaceOf(['service', 'id']), { line: 2, col: 3 })
  assert.deepEqual(read.placeOf(['journeys', 0, 'steps', 0, 'id']), { line: 4, col: 28 })
  assert.deepEqual(
    read.placeOf(['journeys', 0, 'name']),
    { line: 4, col: 5 },
    'the nearest thing around what is missing',
  )
})
