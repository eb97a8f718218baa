import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FORMATS, formatOf } from '../../src/core/check/detect.ts'
import { judge } from '../../src/core/check/judge.ts'
import { githubReport, sarifReport, textReport } from '../../src/core/check/report.ts'
import { htmlReport } from '../../src/core/check/report-html.ts'
import { RULES } from '../../src/core/check/table.ts'
import { EXAMPLES } from './examples/all.ts'
import { data } from './labelled/data.ts'
import { pipelines } from './labelled/pipelines.ts'
import { runtime } from './labelled/runtime.ts'

const examples = RULES.flatMap((rule) => [rule.bad, rule.good])
const cases = [...pipelines, ...runtime, ...data].map((one) => one.files)
const shapes = EXAMPLES.map((one) => one.files)
const files = [...examples, ...cases, ...shapes].flatMap((set) => Object.entries(set))

/** A rule that throws is turned into an open question by the judge; here it is a failure. */
function survives(entries: readonly (readonly [string, string])[]) {
  const tree = { files: entries.map(([path, text]) => ({ path, text })), problems: [] }
  const report = judge(tree, RULES, 0)
  const broken = report.findings.find((finding) => finding.says.includes('broke on this input'))
  assert.equal(broken, undefined, broken?.says)
  for (const { line, col, file } of report.findings) {
    assert.ok(line >= 1 && col >= 1, `${file}:${line}:${col}`)
  }
  JSON.parse(sarifReport(report, RULES, '0'))
  assert.ok(textReport(report, 0).length > 0)
  assert.equal(githubReport(report).includes('\r'), false)
  assert.doesNotMatch(
    htmlReport(report, RULES),
    /<(?!\/?(?:!doctype|html|head|meta|title|style|body|main|h[1-3]|p|strong|table|caption|tbody|tr|th|td|section|pre|code)\b)/,
  )
}

const nasty = fc.constantFrom(
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  '"',
  "'",
  '`',
  '$',
  '${',
  '{{',
  '*',
  '&a ',
  '*a',
  ': ',
  '- ',
  '\n',
  '\t',
  '#',
  '---\n',
  '/*',
  '*/',
  '--',
  ';',
  '\\',
  '\0',
  '\ufeff',
  '\u2028',
  '💷',
  '!Ref ',
  '<<: ',
  'null',
  '-1',
  '1e999',
  '|',
  '>',
  '%',
  '::',
  '__proto__: ',
)

/** A file of a real shape, with pieces cut out, doubled, moved or replaced. */
const mutated = fc
  .record({
    file: fc.constantFrom(...files),
    cuts: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        length: fc.nat(40),
        put: fc.oneof(nasty, fc.string({ maxLength: 12 })),
        twice: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  })
  .map(({ file: [path, text], cuts }) => {
    let result = text
    for (const { at, length, put, twice } of cuts) {
      const from = Math.floor(at * result.length)
      const piece = result.slice(from, from + length)
      result = result.slice(0, from) + put + (twice ? piece + piece : '') + result.slice(from + length)
    }
    return [path, result] as const
  })

test('no mutation of a real-shaped file breaks a reader, a rule or a report', () => {
  fc.assert(
    fc.property(fc.array(mutated, { minLength: 1, maxLength: 3 }), (entries) => survives([...new Map(entries)])),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 300), ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}) },
  )
})

test('no string at all breaks anything, under any name', () => {
  const names = [...new Set(files.map(([path]) => path))]
  const anything = fc.oneof(
    fc.string({ maxLength: 400 }),
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(nasty, { maxLength: 200 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(fc.constantFrom(...names), anything, (path, text) => survives([[path, text]])),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 300) },
  )
})

test('repeated openings and repeated words end soon', { timeout: 120_000 }, () => {
  const names = [...new Set(files.map(([path]) => path))].filter((_, index) => index % 3 === 0)
  for (const path of names)
    for (const piece of ['[', '{', '- ', '<style>', '```\n', 'kubectl ', 'a:\n '])
      survives([[path, piece.repeat(4_000)]])
})

test('every format is read by some example', () => {
  const seen = new Set(files.map(([path, text]) => formatOf(path, text)))
  assert.deepEqual(
    FORMATS.filter((format) => !seen.has(format)),
    [],
  )
})
