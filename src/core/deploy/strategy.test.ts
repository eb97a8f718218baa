import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BENCH_PLAN } from '../../testing/deployment-bench.ts'
import { loadService } from '../define/load.ts'
import type { Service } from '../define/schema.ts'
import { approvalOf } from './approval.ts'
import { planStrategy, ringsOf, type StrategyWish } from './strategy.ts'
import { strategyLines } from './strategy-words.ts'

const EXAMPLES = join(import.meta.dirname, '../../../examples')

function serviceOf(example: string, ...changes: readonly [string, string][]): Service {
  let text = readFileSync(join(EXAMPLES, example, 'service.yaml'), 'utf8')
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), `the example still says: ${from}`)
    text = text.replace(from, to)
  }
  const { service, findings } = loadService(text, 'service.yaml')
  assert.ok(service, JSON.stringify(findings))
  return service
}

const WISH: StrategyWish = {
  release: 'r2',
  root: '/srv',
  previous: { release: 'r1', backends: [] },
  previousPlan: { ...BENCH_PLAN.next, release: 'r1' },
  singleReplicas: true,
  migrations: [],
}

const plan = (service: Service, wish: Partial<StrategyWish> = {}) =>
  planStrategy(service, service.runtime.components[0]!, { ...WISH, ...wish })

const STRATEGY: [string, string] = ['  strategy: canary\n', '  strategy: rolling\n']

test('rolling is sized from the definition, and refused where replicas cannot be started again', () => {
  const service = serviceOf('heating-payment', STRATEGY, ['replicas: 2\n', 'replicas: 4\n      inFlightMax: 20\n'])
  const { strategy, plan: made, trial } = plan(service)
  assert.equal(strategy, 'rolling')
  // Peak: 90 a minute × 21 s of citizen limits + 40 a minute × 3 s = 33.5 under way; 20 at once: 2 needed.
  assert.deepEqual([made.rolling?.needed, made.rolling?.batches], [2, [1, 2, 3, 4]])
  assert.deepEqual([trial.rungs, trial.holdBack], [[0.25, 0.5, 0.75], 0.25])
  assert.match(strategyLines({ ...BENCH_PLAN, ...made })[0]!, /^Rolling: 4 batches of at most 1 of 4 replicas/)
  assert.throws(() => plan(service, { singleReplicas: false }), /cannot start and stop single replicas/)
  const { previousPlan: _, ...unknown } = WISH
  assert.throws(() => planStrategy(service, service.runtime.components[0]!, unknown), /is not known here/)
})

test('cohorts of tenants are rings, in their order, with the sessions that prove them', () => {
  const service = serviceOf('enquiries')
  const rings = ringsOf(service, service.deployment.canary)!
  assert.deepEqual(rings.where, { in: 'path', at: 0 })
  assert.deepEqual(
    rings.rings.map(({ id, tenants, when }) => [id, tenants?.length ?? null, when]),
    [
      ['test', 1, null],
      ['volunteers', 3, null],
      ['calm', null, null],
      ['busy', 1, 'their peak is over'],
    ],
  )
  assert.deepEqual(rings.rings[1]!.evidence, [
    { what: 'sends', count: 80, step: 'send-enquiry/send' },
    { what: 'cases opened', count: 20, step: null },
  ])
})

test('cohorts that cannot be told apart are refused with what to write', () => {
  const canary = serviceOf('enquiries').deployment.canary
  const service = serviceOf('enquiries')
  const of = (cohorts: Partial<(typeof canary.cohorts)[number]>[]) => () =>
    ringsOf(service, {
      ...canary,
      cohorts: cohorts.map((one) => ({ ...canary.cohorts[0]!, tenants: undefined, ...one })),
    })
  assert.throws(
    of([
      { id: 'a', when: 'x' },
      { id: 'b', when: 'y' },
    ]),
    /Cohorts a and b name no tenants/,
  )
  assert.throws(
    of([
      { id: 'a', tenants: ['x'] },
      { id: 'b', tenants: ['x'] },
    ]),
    /Tenant x is in two cohorts/,
  )
  const { tenants: _, ...nowhere } = service
  const blind = { ...nowhere, journeys: [] } as unknown as Service
  assert.throws(() => ringsOf(blind, canary), /does not say where a request tells its tenant/)
  assert.equal(
    ringsOf(service, { ...canary, cohorts: [{ ...canary.cohorts[0]!, tenants: undefined, share: 0.1 }] }),
    undefined,
  )
})

const PARTS: [string, string] = [
  'dependencies:\n',
  `artefacts:
  - { id: application, component: web, version: digest, rollback: switch }
  - { id: rules, component: web, version: digest, rollback: switch, releases: rules, env: RULES }
  - { id: letters, version: digest, rollback: switch }
dependencies:
`,
]
const BY_ARTEFACT: [string, string] = [
  '  gates:\n',
  '  byArtefact:\n    - { artefact: rules, strategy: blue-green, blueGreen: { bakeMinutes: 5, keepWarmMinutes: 7 } }\n    - { artefact: letters, strategy: shadow }\n  gates:\n',
]

test('an artefact has its own strategy and plan, and replicas are told which of its releases they have', () => {
  const service = serviceOf('heating-payment', PARTS, BY_ARTEFACT)
  const made = plan(service, { release: 'v7', part: { artefact: 'rules', digest: 'sha256:ab' }, application: 'r1' })
  assert.equal(made.strategy, 'blue-green')
  assert.equal(made.plan.warmMs, 7 * 60_000)
  assert.equal(made.trial.bakeMs, 5 * 60_000)
  assert.deepEqual(
    [made.next.release, made.next.folder, made.next.env.RULES],
    ['r1.rules-v7', '/srv/releases/r1', '/srv/rules/v7'],
  )
  assert.deepEqual(
    [made.plan.part?.digest, made.plan.parts, made.plan.application],
    ['sha256:ab', { rules: 'v7' }, 'r1'],
  )

  const later = plan(service, { release: 'r2', parts: { rules: 'v7' } })
  assert.deepEqual(
    [later.strategy, later.next.release, later.next.env.RULES],
    ['canary', 'r2.rules-v7', '/srv/rules/v7'],
  )
  assert.throws(
    () => plan(service, { part: { artefact: 'letters', digest: null }, application: 'r1' }),
    /cannot shadow|where releases of letters are/,
  )
  assert.throws(() => plan(service, { part: { artefact: 'rules', digest: null } }), /none was deployed yet/)
  assert.throws(
    () => plan(service, { part: { artefact: 'rates', digest: null }, application: 'r1' }),
    /no artefact "rates". Those that can be deployed by themselves: rules/,
  )
})

test('migration files go to their phases, and a contract file keeps the old release warm', () => {
  const service = serviceOf('heating-payment')
  const files = ['0007.sql', '0007_b.expand.sql', '0008.migrate.sql', '0009.contract.sql'].map((file) => ({
    file,
    sql: 'x',
  }))
  const { plan: made } = plan(service, { migrations: files })
  assert.deepEqual(
    made.migrations.map(({ file }) => file),
    ['0007.sql', '0007_b.expand.sql'],
  )
  assert.deepEqual(
    made.backfill?.files.map(({ file }) => file),
    ['0008.migrate.sql'],
  )
  assert.deepEqual([made.contract?.length, made.warmMs, made.backfill?.batch], [1, 60 * 60_000, 1_000])
  const words = strategyLines({ ...BENCH_PLAN, ...made }).join('\n')
  assert.match(
    words,
    /Expand: 0007\.sql and 0007_b\.expand\.sql first, within 5 min or the release is refused; a synthetic citizen tries r1/,
  )
  assert.match(words, /Contract: 0009\.contract\.sql when that is over and r1 is stopped/)
})

test('a schema step has the time that the definition gives it, and no longer a pause than people were promised', () => {
  const migrations = [{ file: '0003_more.sql', sql: 'ALTER TABLE t ADD c text' }]
  assert.equal(plan(serviceOf('heating-payment'), { migrations }).plan.schemaMsMax, 5 * 60_000)
  assert.equal(plan(serviceOf('heating-payment')).plan.schemaMsMax, undefined)
  const rolling: [string, string] = [STRATEGY[0], `${STRATEGY[1]}  rolling: { readOnlyMinutesMax: 2 }\n`]
  const { plan: made } = plan(serviceOf('heating-payment', rolling), { migrations })
  assert.equal(made.schemaMsMax, 2 * 60_000)
})

test('a new version of an artefact is agreed to by the roles that the artefact names', () => {
  const service = serviceOf('benefit-assessment')
  const rules = approvalOf(service, 'rule-set')
  assert.deepEqual([rules?.people, rules?.roles], [3, ['policy owner', 'legal', 'test lead']])
  assert.deepEqual([approvalOf(service)?.people, approvalOf(service, 'engine')?.people], [2, 2])
})
