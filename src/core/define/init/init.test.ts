import assert from 'node:assert/strict'
import test from 'node:test'
import { loadService } from '../load.ts'
import type { Answers } from './answers.ts'
import { draftOf } from './draft.ts'
import { gapsOf } from './gaps.ts'
import { questionsOf, refusedOf } from './questions.ts'
import type { Sight } from './sight.ts'
import { survey } from './survey.ts'

type Files = Readonly<Record<string, string>>

const sightsOf = (files: Files) => survey(Object.entries(files).map(([path, text]) => ({ path, text }))).sights

const deployment = (name: string, spec: string) =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec: { ${spec} }\n`

/** Repositories that between them open every question there is. */
const REPOSITORIES: Readonly<Record<string, Files>> = {
  empty: {},
  kubernetes: {
    'k8s/web.yaml': deployment(
      'web',
      'replicas: 2, template: { spec: { containers: [{ name: web, image: "r/web", ports: [{ containerPort: 80 }] }] } }',
    ),
    'k8s/other.yaml': deployment('handler', 'template: { spec: { containers: [{ name: h, image: "r/h" }] } }'),
    'k8s/nightly.yaml':
      'apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: nightly }\nspec: { schedule: "0 2 * * *" }\n',
    Gemfile: "gem 'sidekiq'\n",
    'package.json':
      '{"name":"permits","dependencies":{"notifications-node-client":"8","pg":"8"},"scripts":{"test":"x","axe":"axe ."}}',
    'db/migrate/20260101000000_a.rb': '',
    'config/locales/cy.yml': 'cy: {}',
  },
  process: {
    Procfile: 'web: node server.js\nclock: node clock.js\n',
    'package.json': '{"scripts":{"start":"node server.js"}}',
  },
  'two platforms': {
    'a.tf': 'resource "aws_ecs_service" "web" {\n}\nresource "aws_lambda_function" "Resize" {\n}\n',
  },
}

/** Answers each question by its own example, until nothing is asked; the answers that decide what else is asked are varied. */
function answerAll(sights: readonly Sight[], first: Answers): Record<string, string> {
  const answers: Record<string, string> = { ...first }
  for (let round = 0; round < 20; round++) {
    const open = questionsOf(sights, answers)
    if (open.length === 0) return answers
    for (const { key, example } of open) answers[key] ??= example
  }
  throw new Error('questions never end')
}

test('each question that init can ask is answered by a flag, and then nothing in the draft is open', () => {
  const keys = new Set<string>()
  for (const [name, files] of Object.entries(REPOSITORIES))
    for (const first of [{}, { 'runtime.kind': 'process' }, { 'runtime.kind': 'podman' }] as readonly Answers[]) {
      const sights = sightsOf(files)
      // A repository that shows its platform is not asked for it.
      if (refusedOf(sights, first).length > 0) continue
      const answers = answerAll(sights, {
        ...first,
        'deployment.gates': 'unit,accessibility,scan,secrets,load,migration,journeys,drill,alerts',
      })
      assert.deepEqual(refusedOf(sights, answers), [], name)
      const { text, questions } = draftOf(sights, answers)
      assert.deepEqual(questions, [], name)
      const open = text
        .split('\n')
        .slice(3)
        .filter((line) => line.includes('QUESTION'))
      assert.deepEqual(open, [], name)
      const { findings } = loadService(text, 'service.yaml')
      assert.deepEqual(
        findings.filter(({ severity }) => severity === 'error').map(({ says }) => says),
        [],
        name,
      )
      for (const key of Object.keys(answers)) keys.add(key.replace(/\.(.+)\./, '.*.'))
    }
  // Each kind of question was met: one that is added must be met, too.
  const known = `comms.channels comms.hours comms.languages comms.mustSay comms.phone component.*.command component.*.jobSeconds component.*.kind component.*.ready
    component.*.releases component.*.replicas component.*.requestSeconds component.*.runs component.*.stopSeconds data.kinds
    data.triggers dependencies dependency.*.fallback dependency.*.kind dependency.*.owner deployment.gates failureModes gate.*.pass
    gate.*.run journey.*.demand journey.*.harm journey.*.harmClass journey.*.name journey.*.recoverMinutes journey.*.steps journeys
    migrations.tool mode.*.confirm mode.*.degrade mode.*.detect mode.*.first mode.*.journeys mode.*.name mode.*.sees mode.*.undo
    oncall.cover oncall.first oncall.then peaks runtime.components runtime.kind service.id service.name service.phase
    step.*.limitMs step.*.marker tooling.infrastructure tooling.metrics
    tooling.pipeline`
  assert.deepEqual([...keys].sort(), known.split(/\s+/))
})

test('every QUESTION of a draft has a key that a flag takes', () => {
  for (const [name, files] of Object.entries(REPOSITORIES)) {
    const sights = sightsOf(files)
    for (const answers of [
      {},
      { journeys: 'a', failureModes: 'b', dependencies: 'c', 'journey.a.steps': 'GET /' },
    ] as readonly Answers[]) {
      const { text, questions } = draftOf(sights, answers)
      const asked = new Map(questions.map((question) => [question.key, question]))
      const written = text
        .split('\n')
        .slice(3)
        .filter((line) => line.includes('QUESTION'))
      assert.deepEqual(
        written.map((line) => /^\s*# QUESTION ([\w.-]+): /.exec(line)?.[1] ?? line).sort(),
        [...asked.keys()].sort(),
        name,
      )
    }
  }
})

test('an empty repository gives only questions, and a draft that define goes on asking about', () => {
  const { text, questions } = draftOf([], {})
  assert.ok(questions.length >= 9)
  const { service, findings } = loadService(text, 'service.yaml')
  assert.equal(service, undefined)
  assert.ok(!findings.some((finding) => finding.rule.startsWith('yaml')), 'the draft is sound YAML')
  assert.ok(findings.some((finding) => finding.rule === 'missing' && finding.says.includes('"name"')))
})

test('with every question answered, the definition says it, and define has no more to ask', () => {
  const sights = sightsOf({ 'k8s/web.yaml': deployment('web', 'replicas: 2') })
  const answers = answerAll(sights, {
    'service.id': 'permits',
    'service.name': 'Get a "permit": today # evil: true',
    journeys: 'apply',
    'journey.apply.steps': 'GET /, POST /apply/send, GET /apply/send',
    'step.apply.send.marker': 'none',
    failureModes: 'sends-fail',
    'component.web.kind': 'web',
    'component.web.stopSeconds': '35',
    'deployment.gates': 'unit, accessibility, scan, secrets',
    'data.kinds': 'identity P2Y, bank details P90D',
    peaks: 'last-day FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=31 16:00-24:00 / closing 2027-03-31',
  })
  const { text } = draftOf(sights, answers)
  const { service, findings } = loadService(text, 'service.yaml')
  assert.deepEqual(
    findings.map(({ says }) => says),
    [],
  )
  assert.equal(service?.service.name, 'Get a "permit": today # evil: true')
  assert.deepEqual(
    service?.journeys[0]?.steps.map((step) => `${step.id} ${step.method} ${step.route} ${step.limitMs} ${step.marker}`),
    [
      'start GET / 3000 Application received',
      'send POST /apply/send 3000 undefined',
      'send-2 GET /apply/send 3000 Application received',
    ],
  )
  assert.equal(service?.journeys[0]?.demand?.peakPerMinute, 36)
  assert.equal(service?.failureModes[0]?.act.first.says, 'take the newest release back')
  assert.equal(service?.runtime.components[0]?.stopSecondsMax, 35)
  assert.deepEqual(service?.deployment.gates[0]?.run, ['npm', 'test'])
  assert.deepEqual(
    service?.peaks.map(({ id, dates }) => [id, dates?.[0]]),
    [
      ['last-day', undefined],
      ['closing', '2027-03-31'],
    ],
  )
  assert.equal(service?.data.kinds[1]?.retention, 'P90D')
})

test('"none" is an answer where there may be none', () => {
  const none = { dependencies: 'none', 'deployment.gates': 'none', 'data.kinds': 'none', peaks: 'none' }
  assert.deepEqual(refusedOf([], none), [])
  const { text, questions } = draftOf([], none)
  assert.ok(!questions.some(({ key }) => Object.hasOwn(none, key)))
  for (const empty of ['dependencies: []', '  gates: []', '  kinds: []', 'peaks: []'])
    assert.ok(text.includes(`\n${empty}\n`), empty)
})

test('an answer that cannot be used is refused, and its question stays open', () => {
  const wrong = {
    'service.naem': 'Permits',
    'service.phase': 'going live',
    journeys: 'Apply Now',
    'runtime.kind': 'mainframe',
    'runtime.components': 'web',
    dependencies: 'None at all',
    'deployment.gates': 'unit,luck',
    'oncall.first': 'Bob',
    'data.kinds': 'names',
    peaks: 'sometimes',
    'mode.lost.name': 'x',
  }
  const sights = sightsOf({ Gemfile: "gem 'sidekiq'\n" })
  const refused = refusedOf(sights, wrong)
  assert.deepEqual(
    refused.map(({ key }) => key),
    Object.keys(wrong),
  )
  assert.equal(refused[0]!.says, 'Nothing is asked that is called service.naem. Did you mean service.name?')
  assert.match(refused[1]!.says, /^"going live" does not answer service\.phase: .* For example: live$/)
  assert.match(refused.at(-1)!.says, /It is asked once "failureModes" names it\./)
  const { text } = draftOf(sights, wrong)
  for (const key of Object.keys(wrong).slice(1, -1)) assert.ok(text.includes(`QUESTION ${key}:`), key)
  assert.ok(!/Permits|mainframe|Bob|sometimes|luck/.test(text))
  assert.deepEqual(
    refusedOf(sights, { 'runtime.kind': 'ecs', 'dependency.redis.owner': 'us', journeys: 'apply, status' }),
    [],
  )
})

test('no answer can become anything but the value that it was given for', () => {
  const hostile = [
    'x\n  evil: true',
    'x" }, evil: "y',
    "'; evil: true",
    `\${EVIL}`,
    '# evil',
    'a'.repeat(5_000),
    '\u0000',
    '!!js/function evil',
    '&a *a',
  ]
  const sights = sightsOf(REPOSITORIES.kubernetes!)
  const all = answerAll(sights, {})
  const opening = /^(journeys|failureModes|dependencies|deployment\.gates|runtime\.kind|data\.kinds|.*\.(steps|kind))$/
  for (const answer of hostile)
    for (const which of [true, false]) {
      const wrong = Object.keys(all).filter((key) => opening.test(key) === which)
      const { text } = draftOf(sights, { ...all, ...Object.fromEntries(wrong.map((key) => [key, answer])) })
      const { findings } = loadService(text, 'service.yaml')
      const broken = findings.filter(
        ({ rule }) => rule.startsWith('yaml') || rule === 'unknown-key' || rule === 'duplicate-key',
      )
      assert.deepEqual(
        broken.map(({ says }) => `${answer}: ${says}`),
        [],
      )
    }
})

test('a file that is called something evil stays in its comment', () => {
  const evil = 'k8s/\n  evil: true\u2028#.yaml'
  const files = {
    [evil]: deployment(
      'web\\n',
      'replicas: 2, template: { spec: { containers: [{ name: w, image: "r/w", ports: [{ containerPort: 80 }] }] } }',
    ),
    'db\n  evil: 2/migrate/1.sql': '',
  }
  const { text } = draftOf(sightsOf(files), {})
  assert.ok(text.includes('replicas: 2 # seen in k8s/ evil: true #.yaml:4'))
  assert.deepEqual(
    text.split('\n').filter((line) => /^\s*evil:/.test(line)),
    [],
  )
})

test('what nobody said or wrote down is not in the draft', () => {
  assert.match(draftOf([], {}).text, /^ {2}components: \[\]$/m)
  const queue = sightsOf({ Gemfile: "gem 'sidekiq'\n" })
  assert.ok(questionsOf(queue, {}).some(({ key }) => key === 'dependency.redis.owner'))
  assert.ok(!/^ +owner:/m.test(draftOf(queue, {}).text))
  // A name is no proof of what a component does.
  const named = sightsOf({ 'compose.yaml': 'services:\n  worker: { image: "r/x@sha256:1" }\n' })
  const { text, questions } = draftOf(named, {})
  assert.ok(!/^ +kind:/m.test(text))
  const asked = questions.find(({ key }) => key === 'component.worker.kind')
  assert.match(asked!.hint!, /^seen in compose\.yaml:2; nothing there opens a port/)
  const told = draftOf(named, { 'component.worker.kind': 'worker' })
  assert.match(told.text, /^ {6}kind: worker$/m)
  assert.ok(told.questions.some(({ key }) => key === 'component.worker.jobSeconds'))
})

test('what is decided elsewhere, and what is only a default, is said as that', () => {
  const files = {
    'main.tf': `variable "stop" {\n  default = 70\n}\nresource "aws_ecs_task_definition" "web" {\n  container_definitions = jsonencode([{\n    name = "web", image = "\${var.repo}:\${var.tag}", stopTimeout = var.stop,\n    portMappings = [{ containerPort = 8080 }], environment = [{ name = "LOG_LEVEL", value = "info" }]\n  }])\n}\n`,
  }
  const { text } = draftOf(sightsOf(files), {})
  assert.ok(text.includes(`# decided elsewhere: image: \${var.repo}:\${var.tag}, seen in main.tf:6`))
  assert.ok(text.includes('stopSecondsMax: 70 # seen in main.tf:2, a default that a deployment may replace'))
  assert.ok(text.includes('kind: web # it takes requests: main.tf:7'))
  assert.ok(text.includes('# gets LOG_LEVEL, seen in main.tf:7'))
  assert.ok(!/^ +image:/m.test(text))
})

test('three gaps are named, worst first, with their place, as long as there are three', () => {
  const files = {
    'package.json': '{"scripts":{"start":"knex migrate:latest && node a.js"}}',
    'k8s.yaml': deployment(
      'web',
      'replicas: 1, template: { spec: { containers: [{ name: web, ports: [{ containerPort: 80 }] }] } }',
    ),
    '.github/workflows/cd.yml': 'jobs:\n  d:\n    steps:\n      - run: kubectl apply -f k8s.yaml\n',
  }
  const named = (given: Files, answers: Answers = {}) =>
    gapsOf(sightsOf(given), answers).map((gap) => `${gap.id}${gap.at ? ` ${gap.at}` : ''}`)
  assert.deepEqual(named(files), [
    'migrate-on-start package.json:1',
    'no-readiness k8s.yaml:4',
    'no-alerts .github/workflows/cd.yml:4',
  ])
  const scripts = '{"scripts":{"test":"vitest","a11y":"axe ."}}'
  const pipeline = (run: string) => `jobs:\n  d:\n    steps:\n      - run: ${run}\n`
  assert.deepEqual(named({ 'package.json': scripts, '.github/workflows/ci.yml': pipeline('npm run a11y') }), [
    'no-unit-gate .github/workflows/ci.yml:1',
    'no-scan-gate .github/workflows/ci.yml:1',
    'unsaid-oncall-first',
  ])
  const nothing = ['unsaid-oncall-first', 'unsaid-failureModes', 'unsaid-journeys']
  assert.deepEqual(named({}), nothing)
  assert.deepEqual(named({ 'main.c': 'int main() {}' }), nothing)
  assert.deepEqual(named({ 'main.tf': 'resource "aws_cloudwatch_metric_alarm" "errors" {\n}\n' }), [
    'no-runbooks main.tf:1',
    ...nothing.slice(0, 2),
  ])
  assert.deepEqual(named({}, { 'oncall.first': 'duty, a@example.gov.uk', journeys: 'apply' }), [
    'unsaid-failureModes',
    'no-pipeline',
    'unsaid-comms-phone',
  ])
  for (const gap of gapsOf([], {}, 99)) assert.ok(gap.fix.length > 0 && gap.harm.length > 0)
  // Each fix by a flag is a flag that is taken.
  for (const { fix } of gapsOf([], {}, 99)) {
    const flag = /--answer '([^=]+)=(.*)'$/.exec(fix)
    if (flag) assert.deepEqual(refusedOf([], { [flag[1]!]: flag[2]! }), [])
  }
})
