/** Kits for every runtime, strategy and tool, whatever the definition leaves out: nothing breaks, nothing is invented, nothing is another service's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { judge } from '../src/core/check/judge.ts'
import { RULES } from '../src/core/check/table.ts'
import type { Service } from '../src/core/define/schema.ts'
import { readYaml } from '../src/core/define/yaml.ts'
import { render } from '../src/core/kit/file.ts'
import { makeKit, sourceOf } from '../src/core/kit/kit.ts'
import { shapeFaults } from './kit/shapes.ts'
import { EXAMPLES, on } from './kit/world.ts'

const RUNTIMES = ['process', 'ecs', 'kubernetes', 'lambda', 'ec2', 'static'] as const
const STRATEGIES = ['canary', 'blue-green', 'rolling', 'shadow'] as const
const INFRASTRUCTURE = ['cloudformation', 'terraform', 'cdk', 'none'] as const
const PIPELINES = ['github-actions', 'codepipeline', 'jenkins', 'other'] as const

/** A definition that says as little as it may, and says the rest awkwardly. */
function sparse(service: Service, i: number): Service {
  return {
    ...service,
    ...(i % 3 === 0 ? { slis: [], failureModes: [], watch: { ...service.watch, silence: [] } } : {}),
    ...(i % 4 === 0 ? { environments: [], sources: [] } : {}),
    journeys: service.journeys.map((journey) => {
      const { demand: _, ...rest } = journey
      return { ...(i % 2 === 0 ? rest : journey), steps: i % 5 === 0 ? [] : journey.steps }
    }),
    runtime: {
      ...service.runtime,
      components: service.runtime.components.map((component) => ({
        ...component,
        env: { GREETING: `it's "\${here}" \`now\` %{x}` },
        ...(i % 3 === 1 ? { replicas: 1, jobSecondsMax: 4_000, memoryMb: 9_000 } : {}),
      })),
    },
  }
}

const kits = [...EXAMPLES.keys()].flatMap((name, e) =>
  RUNTIMES.map((runtime, r) => {
    const i = e * RUNTIMES.length + r
    const changed = on(name, {
      runtime,
      strategy: STRATEGIES[i % 4]!,
      tooling: {
        infrastructure: INFRASTRUCTURE[(i >> 1) % 4]!,
        pipeline: PIPELINES[(i >> 2) % 4]!,
        metrics: i % 2 ? 'cloudwatch' : 'prometheus',
        traces: i % 3 ? 'X-Ray' : 'none',
      },
    })
    const service = i % 3 === 2 ? sparse(changed, i) : changed
    return { name, what: `${name} on ${runtime}, ${i}`, service, files: filesOf(service) }
  }),
)

function filesOf(service: Service) {
  const only = ['alerts', 'dashboards', 'pipelines', 'infrastructure'] as const
  return makeKit(sourceOf(service, []), { only }).map((file) => ({ path: file.path, text: render(file) }))
}

test('whatever a definition says or leaves out, each file is sound', () => {
  for (const { what, files } of kits)
    for (const { path, text } of files) {
      const hole = text.match(/\bundefined\b|\bNaN\b|\bInfinity\b|\[object/)
      assert.equal(hole?.[0], undefined, `${what}: ${path}`)
      if (/\.json$/.test(path)) JSON.parse(text)
      if (!/\.ya?ml$/.test(path)) continue
      const broken = readYaml(text).faults.filter((fault) => fault.rule === 'yaml-syntax')
      assert.deepEqual(broken, [], `${what}: ${path}`)
      if (/AWSTemplateFormatVersion/.test(text))
        assert.deepEqual(shapeFaults(parse(text).Resources), [], `${what}: ${path}`)
    }
})

test('holdfast check finds no error in any of them', () => {
  for (const { what, service, files } of kits) {
    const { findings } = judge({ files, problems: [] }, RULES, Date.UTC(2026, 10, 23))
    // A definition without a command for its tests gets a gate that says so, and check says it too.
    const tested = service.deployment.gates.some((gate) => gate.run !== undefined)
    const errors = findings.filter(
      ({ verdict, severity, rule }) => verdict === 'fail' && severity === 'error' && (tested || rule !== 'gate-tests'),
    )
    assert.deepEqual(
      errors.map(({ file, line, rule, says }) => `${what}: ${file}:${line} ${rule} ${says}`),
      [],
    )
  }
})

test('no name, route, person or address of one service stands in the kit of another', () => {
  const marks = new Map(
    [...EXAMPLES].map(([name, service]) => [
      name,
      [
        service.service.id,
        service.service.name,
        service.comms.contact.phone,
        ...service.journeys.flatMap((journey) => [
          journey.id,
          journey.name,
          ...journey.steps.map((step) => step.route ?? ''),
        ]),
        ...service.failureModes.flatMap((mode) => [mode.id, mode.name, mode.citizenSees]),
        ...service.slis.map((sli) => sli.id),
        ...service.oncall.people.flatMap((person) => [person.name, person.email ?? '']),
        ...service.runtime.components.flatMap((component) => [component.image ?? '', ...component.secretEnv]),
        ...service.dependencies.map((dependency) => dependency.id),
        // Holdfast's own variable has that name too.
      ].filter((mark) => mark.length > 9 && mark !== 'DATABASE_URL'),
    ]),
  )
  const textOf = new Map([...EXAMPLES.keys()].map((name) => [name, JSON.stringify(EXAMPLES.get(name))]))
  let looked = 0
  for (const { name, what, files } of kits) {
    const text = files.map((file) => file.text).join('\n')
    for (const [other, own] of marks) {
      if (other === name) continue
      for (const mark of own) {
        // What both definitions say belongs to both.
        if (textOf.get(name)!.includes(mark)) continue
        looked++
        assert.ok(!text.includes(mark), `"${mark}" of ${other} stands in ${what}`)
      }
    }
  }
  assert.ok(looked > 5_000, `${looked} marks were looked for`)
})

test('the same definition gives the same bytes', () => {
  for (const { what, service, files } of kits) assert.deepEqual(filesOf(structuredClone(service)), files, what)
})
