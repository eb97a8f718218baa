import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { proveAlarms } from '../../src/core/check/alerts/cloudwatch.ts'
import { proveAlerts } from '../../src/core/check/alerts/prove.ts'
import { FORMATS, formatOf } from '../../src/core/check/detect.ts'
import { judge } from '../../src/core/check/judge.ts'
import { githubReport, sarifReport, textReport } from '../../src/core/check/report.ts'
import { htmlReport } from '../../src/core/check/report-html.ts'
import { RULES } from '../../src/core/check/table.ts'
import { worldOf } from '../../src/core/check/world.ts'
import { EXAMPLES } from './examples/all.ts'
import { data } from './labelled/data.ts'
import { pipelines } from './labelled/pipelines.ts'
import { runtime } from './labelled/runtime.ts'

const examples = RULES.flatMap((rule) => [rule.bad, rule.good])
const cases = [...pipelines, ...runtime, ...data].map((one) => one.files)
const shapes = EXAMPLES.map((one) => one.files)
const files = [...examples, ...cases, ...shapes].flatMap((set) => Object.entries(set))

/** Every reader, also those that no rule asks for, gives places inside the tree. */
function readable(entries: readonly (readonly [string, string])[]) {
  const world = worldOf({ files: entries.map(([path, text]) => ({ path, text })), problems: [] }, 0)
  const files = new Set(entries.map(([path]) => path))
  const spots = [
    ...world.cloud.map((one) => one.at),
    ...world.kube.map((one) => one.at),
    ...world.unseen.map((one) => one.at),
    ...world.pipelines.map((one) => one.at),
  ]
  for (const { file, line, col } of spots) assert.ok(files.has(file) && line >= 1 && col >= 1, `${file}:${line}:${col}`)
  for (const { src, effects } of world.migrations)
    for (const { line, col } of effects)
      assert.ok(line >= 1 && line <= src.lines.count && col >= 1, `${src.file}:${line}:${col}`)
  return world
}

/** A rule that throws is turned into an open question by the judge; here it is a failure. */
function survives(entries: readonly (readonly [string, string])[]) {
  const tree = { files: entries.map(([path, text]) => ({ path, text })), problems: [] }
  readable(entries)
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
const mutatedOf = (from: readonly (readonly [string, string])[]) =>
  fc
    .record({
      file: fc.constantFrom(...from),
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

const mutated = mutatedOf(files)

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

const alertFiles = files.filter(([path, text]) =>
  /^(prometheus|slo|grafana-alerts|cloudwatch)$/.test(formatOf(path, text) ?? ''),
)
const alarmFiles = files.filter(([, text]) => /alarm/i.test(text) && !/[.]md$/.test(text))

test('no mutation of an alert breaks its trial', { timeout: 120_000 }, () => {
  const verdicts = ['fires', 'never', 'always', 'latches', 'unknown']
  fc.assert(
    fc.property(mutatedOf([...alertFiles, ...alarmFiles]), (entry) => {
      const world = readable([entry])
      for (const { verdict, at } of [...proveAlerts(world), ...proveAlarms(world)]) {
        assert.ok(verdicts.includes(verdict))
        assert.ok(at.line >= 1 && at.col >= 1)
      }
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 60) },
  )
})

test('hostile templates, aliases and expressions end within their bounds', { timeout: 120_000 }, () => {
  const chart = 'apiVersion: v2\nname: c\nversion: 1.0.0\n'
  const rendered = (template: string, values = 'a: 1\n') =>
    readable([
      ['c/Chart.yaml', chart],
      ['c/values.yaml', values],
      ['c/templates/x.yaml', template],
    ])
  const open = (template: string, values?: string) => rendered(template, values).unseen.map((one) => one.says)
  // A template that calls itself, one that grows without end, and loops in loops.
  assert.match(open('{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}')[0]!, /without end/)
  assert.match(
    open(`{{ $x := "${'y'.repeat(1_000)}" }}${'{{ $x = printf "%s%s" $x $x }}'.repeat(40)}{{ $x }}`)[0]!,
    /cannot render/,
  )
  assert.match(open(`${'{{ range until 1000 }}'.repeat(4)}x${'{{ end }}'.repeat(4)}`)[0]!, /cannot render/)
  assert.match(open('{{ repeat 10000 (repeat 10000 "x") }}')[0]!, /cannot render/)
  assert.match(open('{{ regexMatch "(a+)+$" .Values.a }}')[0]!, /pattern/)
  assert.match(open('{{ tpl .Values.a . }}', 'a: "{{ tpl .Values.a . }}"\n')[0]!, /without end/)
  // Aliases that grow tenfold at each line.
  const bomb = [
    'a0: &a0 [x,x,x,x,x,x,x,x,x,x]',
    ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`),
  ]
  rendered('a: {{ toYaml .Values | nindent 2 }}\n', bomb.join('\n'))
  // Modules and stacks that contain themselves.
  readable([
    [
      'main.tf',
      'module "a" {\n  source = "./."\n}\nlocals {\n  x = local.y\n  y = local.x\n}\nresource "aws_ecs_service" "w" {\n  desired_count = local.x\n}\n',
    ],
  ])
  readable([['kustomization.yaml', 'resources: [., ../]\n']])
  readable([
    [
      't.yaml',
      'Conditions:\n  A: !Condition B\n  B: !Not [!Condition A]\nResources:\n  X:\n    Type: AWS::SQS::Queue\n    Condition: A\n    Properties: { A: !If [A, 1, 2] }\n',
    ],
  ])
  readable([
    ['Jenkinsfile', 'a()\n'],
    ['vars/a.groovy', 'def call() { a(); b() }\n'],
    ['vars/b.groovy', 'def call() { a(); a() }\n'],
  ])
  // Rules recorded from each other, and an expression of many brackets.
  const rules =
    'groups:\n  - name: g\n    rules:\n      - { record: a, expr: b }\n      - { record: b, expr: a }\n      - { alert: A, expr: a > 1 }\n'
  assert.equal(proveAlerts(readable([['rules.yml', rules]]))[0]!.verdict, 'unknown')
})

test('memory stays bounded however often the readers run', () => {
  const entries = [...new Map(files)]
  const round = () => {
    for (let i = 0; i < entries.length; i += 40) readable(entries.slice(i, i + 40))
  }
  round()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 5; i++) round()
  const grown = (process.memoryUsage().heapUsed - before) / 1e6
  assert.ok(grown < 300, `${Math.round(grown)} MB more after five rounds`)
})
