import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { judge } from '../src/core/check/judge.ts'
import { RULES } from '../src/core/check/table.ts'
import { loadService } from '../src/core/define/load.ts'
import type { Service } from '../src/core/define/schema.ts'
import { readYaml } from '../src/core/define/yaml.ts'
import { type KitFile, render } from '../src/core/kit/file.ts'
import { hookMatcher, measure } from '../src/core/kit/glob.ts'
import { alwaysOn } from '../src/core/kit/kiro.ts'
import { makeKit, manifestOf, sourceOf } from '../src/core/kit/kit.ts'
import { parseRunbook } from '../src/core/respond/runbook.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = readdirSync(`${root}examples`).filter((folder) => existsSync(`${root}examples/${folder}/service.yaml`))
const texts = new Map(folders.map((folder) => [folder, readFileSync(`${root}examples/${folder}/service.yaml`, 'utf8')]))
const services = new Map(folders.map((folder) => [folder, loadService(texts.get(folder)!, 'service.yaml').service!]))
const kits = new Map([...services].map(([folder, service]) => [folder, makeKit(sourceOf(service, []))]))

const kitOf = (folder: string) => kits.get(folder)!
const file = (kit: readonly KitFile[], path: string) => render(kit.find((known) => known.path === path)!)

/** Front matter as Kiro reads it: only when it is the very first thing. */
function frontOf(text: string): Record<string, unknown> | undefined {
  const found = text.match(/^---\n([\s\S]*?)\n---\n/)
  return found ? (parse(found[1]!) as Record<string, unknown>) : undefined
}

for (const folder of folders) {
  const kit = kitOf(folder)
  const service = services.get(folder)!

  test(`${folder}: the same definition gives the same bytes`, () => {
    const again = makeKit(sourceOf(loadService(texts.get(folder)!, 'service.yaml').service!, []))
    assert.deepEqual(again.map(render), kit.map(render))
    // Written into the repository itself, the kit must not feed on itself.
    const written = kit.map((one) => ({ path: one.path, text: render(one) }))
    assert.deepEqual(makeKit(sourceOf(service, written)).map(render), kit.map(render))
  })

  test(`${folder}: every Kiro file loads, and always-on text stays under 1,000 tokens`, () => {
    let characters = file(kit, 'AGENTS.md').length
    for (const steering of kit.filter((one) => one.path.startsWith('.kiro/steering/'))) {
      const front = frontOf(render(steering))
      assert.ok(front, `${steering.path} begins with front matter`)
      assert.ok(['always', 'fileMatch', 'manual', 'auto'].includes(front.inclusion as string), steering.path)
      if (front.inclusion === 'fileMatch')
        assert.ok(Array.isArray(front.fileMatchPattern) && front.fileMatchPattern.length > 0)
      if (front.inclusion === 'auto') assert.ok(front.name && front.description)
    }
    for (const steering of alwaysOn(kit)) characters += render(steering).length
    assert.ok(characters / 4 <= 1_000, `${Math.round(characters / 4)} tokens`)
    const agent = frontOf(file(kit, '.kiro/agents/ops-analyst.md'))!
    assert.deepEqual(agent.tools, ['read'], 'an agent without tools can do nothing; one that writes is not an analyst')
    const resources = (agent.resources as string[]).map((resource) => resource.replace(/^file:\/\//, ''))
    for (const resource of resources)
      assert.ok(kit.some((one) => one.path === resource) || resource.includes('.'), resource)
    const read = ['.kiro/agents/ops-analyst.md', ...resources].flatMap(
      (path) => kit.find((one) => one.path === path) ?? [],
    )
    const tokens = read.reduce((sum, one) => sum + render(one).length, 0) / 4
    assert.ok(tokens <= 6_000, `${Math.round(tokens)} tokens for the agent and its resources`)
  })

  test(`${folder}: the hook is of the format that loads, and matches what it should`, () => {
    const hook = JSON.parse(file(kit, '.kiro/hooks/deployment-validator.json'))
    assert.equal(hook.version, 'v1')
    assert.equal(hook.hooks[0].trigger, 'PostFileSave')
    assert.equal(hook.hooks[0].action.type, 'command')
    assert.equal(hook.hooks[0].timeout, 30)
    const matcher = new RegExp(hook.hooks[0].matcher)
    // Of what the kit writes, the pipeline and the infrastructure bring releases out, and nothing else.
    for (const one of kit)
      assert.equal(matcher.test(one.path), ['pipelines', 'infrastructure'].includes(one.part), one.path)
  })

  test(`${folder}: specs are traced from requirement to task, one SHALL each`, () => {
    for (const spec of ['deployment-pipeline', 'incident-runbooks', 'monitoring', 'compliance']) {
      const requirements = file(kit, `.kiro/specs/${spec}/requirements.md`)
      const tasks = file(kit, `.kiro/specs/${spec}/tasks.md`)
      assert.ok(requirements.length < 16_000 && tasks.length < 16_000, `${spec} fits into a session`)
      const known = new Set<string>()
      let requirement = 0
      for (const line of requirements.split('\n')) {
        const head = line.match(/^### Requirement (\d+): \S/)
        if (head) requirement = Number(head[1])
        const criterion = line.match(/^(\d+)\. (.*)$/)
        if (!criterion) continue
        known.add(`${requirement}.${criterion[1]}`)
        assert.match(criterion[2]!, /^(WHEN|WHILE|IF|WHERE) .* SHALL /, line)
        assert.equal(criterion[2]!.match(/ SHALL /g)!.length, 1, line)
      }
      const met = new Set([...tasks.matchAll(/_Requirements: ([\d., ]+)_/g)].flatMap((found) => found[1]!.split(', ')))
      for (const id of met) assert.ok(known.has(id), `${spec}: task for ${id}, which is no requirement`)
      const untouched = [...known].filter((id) => !met.has(id))
      assert.deepEqual(untouched, [], `${spec}: nothing is done about these`)
      for (const line of tasks.split('\n').filter((text) => text.includes('[ ]')))
        assert.match(line, /^(\s*)([-*+])\s+\[([ xX\-~])\](\\?\*?)\s+(.+)$/)
      const leaves = tasks.match(/ {2}- \[ \] \d+\.\d+ /g)!.length
      assert.equal(tasks.match(/ {4}- Done when: \S/g)!.length, leaves, `${spec}: every task has a done criterion`)
    }
  })

  test(`${folder}: each failure mode has its runbook, alert, requirement and place in the trace`, () => {
    const rules = file(kit, `ops/alerts/${service.service.id}.rules.yml`)
    const trace = file(kit, 'ops/docs/trace.md')
    for (const mode of service.failureModes) {
      const path = `ops/runbooks/${mode.id}.md`
      const runbook = parseRunbook(file(kit, path), path)
      assert.deepEqual(
        runbook.findings.map((finding) => `${finding.line} ${finding.rule}: ${finding.says}`),
        [],
        path,
      )
      assert.ok(rules.includes(path), `an alert leads to ${path}`)
      assert.ok(trace.includes(mode.name))
      assert.ok(file(kit, '.kiro/steering/ops-failure-modes.md').includes(mode.name))
    }
  })

  test(`${folder}: each link of the trace leads somewhere`, () => {
    const rows = file(kit, 'ops/docs/trace.md')
      .split('\n')
      .filter((line) => /^\| \d\. /.test(line))
      .map((line) => line.split('|').map((cell) => cell.trim()))
    assert.equal(rows.length, service.failureModes.length)
    const alertTests = file(kit, `ops/alerts/${service.service.id}.test.yml`)
    const rules = file(kit, `ops/alerts/${service.service.id}.rules.yml`)
    for (const [, mode, , requirements, tasks, alerts, tested, runbook, gates] of rows) {
      for (const [, spec, requirement, criterion] of requirements!.matchAll(/([\w-]+) (\d+)\.(\d+)/g)) {
        const sections = file(kit, `.kiro/specs/${spec}/requirements.md`).split(/^### Requirement /m)
        const section = sections.find((text) => text.startsWith(`${requirement}: `))
        assert.match(
          section ?? '',
          new RegExp(`^${criterion}\\. `, 'm'),
          `${mode}: ${spec} ${requirement}.${criterion}`,
        )
      }
      for (const [, spec, task] of tasks!.matchAll(/([\w-]+) (\d+\.\d+)/g))
        assert.ok(file(kit, `.kiro/specs/${spec}/tasks.md`).includes(`- [ ] ${task} `), `${mode}: task ${spec} ${task}`)
      assert.notEqual(alerts, 'none', `${mode}: something wakes somebody`)
      for (const alert of alerts!.split(', ')) {
        assert.ok(rules.includes(`alert: ${alert}\n`), `${mode}: alert ${alert}`)
        assert.ok(alertTests.includes(alert), `${mode}: test of ${alert}`)
      }
      assert.equal(tested, `ops/alerts/${service.service.id}.test.yml`)
      assert.ok(
        kit.some((one) => one.path === runbook),
        `${mode}: ${runbook}`,
      )
      if (gates !== 'none can')
        for (const gate of gates!.split(', '))
          assert.ok(
            service.deployment.gates.some(({ id }) => id === gate),
            gate,
          )
    }
  })

  test(`${folder}: holdfast check finds no error in its own kit`, () => {
    const files = kit.map((one) => ({ path: one.path, text: render(one) }))
    const { findings } = judge({ files, problems: [] }, RULES, Date.UTC(2026, 10, 23))
    assert.deepEqual(
      findings
        .filter((finding) => finding.severity === 'error' && finding.verdict === 'fail')
        .map((finding) => `${finding.file}:${finding.line} ${finding.rule} ${finding.says}`),
      [],
    )
  })

  test(`${folder}: the unavailable page stands alone`, () => {
    const page = file(kit, 'ops/pages/unavailable.html')
    assert.ok(page.length < 60_000)
    assert.ok(!/<(script|link|img|iframe)|url\(|https?:/.test(page), 'nothing from elsewhere')
    assert.ok(page.includes(service.comms.contact.phone) && page.includes(service.comms.contact.hours))
    assert.match(page, /<title>Sorry, the service is unavailable – /)
  })

  test(`${folder}: no placeholder survives, and YAML and JSON are sound`, () => {
    for (const one of kit) {
      const text = render(one)
      const hole = text.match(
        /\[(?:insert|your|name|list|add|describe|when|what|include)\b[^\]\n]*\](?!\()|\bTB[CD]\b|\bTODO\b|undefined|\bNaN\b|\[object/i,
      )
      assert.equal(hole?.[0], undefined, one.path)
      if (/\.ya?ml$/.test(one.path))
        assert.deepEqual(
          readYaml(text).faults.filter((fault) => fault.rule === 'yaml-syntax'),
          [],
          one.path,
        )
      if (/\.(json|kiro)$/.test(one.path)) JSON.parse(text)
    }
  })

  test(`${folder}: the manifest names a line of the definition for each passage`, () => {
    const { placeOf } = loadService(texts.get(folder)!, 'service.yaml')
    const manifest = manifestOf(service, 'service.yaml', kit, placeOf)
    const lines = texts.get(folder)!.split('\n').length
    for (const one of manifest.files)
      for (const passage of one.passages) {
        assert.ok(passage.from.length > 0, `${one.path} ${passage.id}`)
        for (const from of passage.from) assert.ok(from.line >= 1 && from.line <= lines)
      }
  })

  test(`${folder}: the kit is the one that was reviewed`, () => {
    const golden = `${root}test/golden/${folder}`
    const shown = kit.filter((one) => !one.path.endsWith('offline.html'))
    if (process.env.UPDATE_GOLDEN) {
      rmSync(golden, { recursive: true, force: true })
      for (const one of shown) {
        mkdirSync(dirname(join(golden, one.path)), { recursive: true })
        writeFileSync(join(golden, one.path), render(one))
      }
    }
    const known = readdirSync(golden, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
    assert.equal(
      known,
      shown.length,
      'as many files as were reviewed; UPDATE_GOLDEN=1 npm test -- test/kit writes them anew',
    )
    for (const one of shown) assert.equal(render(one), readFileSync(join(golden, one.path), 'utf8'), one.path)
  })
}

/** Roles that the Service Manual names, and that our own sentences use. */
const BOILERPLATE = ['service owner', 'incident lead', 'contact centre']

/** Texts that a team wrote: long enough to be their own, and not words that every definition shares. */
function ownWords(service: Service): Set<string> {
  const words = new Set<string>()
  const see = (value: unknown, key: string): void => {
    if (typeof value === 'string') {
      if (
        value.length >= 12 &&
        // Commands of ours are everybody's.
        !/^(holdfast |bash ops\/pipeline\/)/.test(value) &&
        !BOILERPLATE.includes(value.toLowerCase()) &&
        /[\s@-]/.test(value) &&
        !['kind', 'strategy', 'role', 'policy', 'route', 'rrule', 'classification', 'harmClass', 'failMode'].includes(
          key,
        )
      )
        words.add(value)
    } else if (Array.isArray(value)) for (const item of value) see(item, key)
    else if (value !== null && typeof value === 'object')
      for (const [inner, item] of Object.entries(value)) see(item, inner)
  }
  see(service, '')
  return words
}

test('no words of one service stand in the kit of another', () => {
  const words = new Map([...services].map(([folder, service]) => [folder, ownWords(service)]))
  let looked = 0
  for (const [folder, own] of words)
    for (const [other, kit] of kits) {
      if (other === folder) continue
      const text = kit.map(render).join('\n')
      const shared = texts.get(other)!
      for (const word of own) {
        // Words that the other definition has too, such as "no test fails", belong to both.
        if (shared.includes(word)) continue
        looked++
        assert.ok(!text.includes(word), `"${word}" of ${folder} stands in the kit of ${other}`)
      }
    }
  assert.ok(looked > 3_000, `${looked} words were looked for`)
})

test('the hook of Kiro 0.x is made only when it is asked for', () => {
  const source = sourceOf(services.get('enquiries')!, [])
  const legacy = makeKit(source, { legacy: true, only: ['kiro'] }).filter((one) => one.path.endsWith('.kiro.hook'))
  assert.equal(legacy.length, 1)
  assert.equal(JSON.parse(render(legacy[0]!)).when.type, 'fileEdited')
  assert.ok(makeKit(source, { only: ['kiro'] }).every((one) => !one.path.endsWith('.kiro.hook')))
})

test('the matcher of the hook finds every deployment file of a repository, and little else', () => {
  const deploys = 'jobs:\n  d:\n    steps:\n      - run: kubectl apply -f k8s\n'
  const repository = [
    { path: '.github/workflows/cd.yml', text: deploys },
    { path: '.github/workflows/lint.yml', text: 'jobs: { l: { steps: [{ run: npm run lint }] } }' },
    { path: 'k8s/web.yaml', text: 'apiVersion: apps/v1\nkind: Deployment\n' },
    { path: 'k8s/worker.yaml', text: 'apiVersion: apps/v1\nkind: Deployment\n' },
    { path: 'infra/main.tf', text: 'resource "aws_ecs_service" "web" {}' },
    { path: 'config/app.yaml', text: 'colour: blue' },
    { path: 'docs/deployment.md', text: 'kubectl apply' },
    { path: 'test/fixtures/deploy.yaml', text: deploys },
    { path: 'Dockerfile', text: 'FROM node' },
  ]
  const wanted = [
    '.github/workflows/cd.yml',
    '.github/workflows/release.yml',
    '.github/workflows/rollback.yml',
    'Dockerfile',
    'infra/main.tf',
    'k8s/web.yaml',
    'k8s/worker.yaml',
  ]
  const source = sourceOf(services.get('heating-payment')!, repository)
  assert.deepEqual(source.deploymentFiles, wanted)
  const all = [...repository.map((one) => one.path), '.github/workflows/release.yml', '.github/workflows/rollback.yml']
  assert.deepEqual(measure(hookMatcher(source), wanted, all), { precision: 1, recall: 1 })
  assert.ok(new RegExp(hookMatcher(source)).test('/home/team/repo/k8s/new.yaml'), 'absolute paths and new siblings too')
})
