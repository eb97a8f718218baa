import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { memoryRuntime } from '../adapters/memory/runtime.ts'
import { memoryStore } from '../adapters/memory/store.ts'
import { loadService } from '../core/define/load.ts'
import type { Service } from '../core/define/schema.ts'
import type { DeploymentPlan } from '../core/deploy/deployment.ts'
import type { Json } from '../core/json.ts'
import type { World } from '../engine/world.ts'
import type { Schema } from '../ports/schema.ts'
import { BENCH_PLAN, DeploymentBench } from '../testing/deployment-bench.ts'
import { cannotReturn, declaredQueries, strategyWish } from './strategy-wish.ts'

const EXAMPLE = join(import.meta.dirname, '../../examples/heating-payment/service.yaml')
let root: string
let service: Service

before(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-wish-'))
  const write = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  write('rules/v7/rules.json', '{}')
  write('releases/r1/queries/apply.sql', 'SELECT a FROM t;\nUPDATE t SET a = $1;\n')
  write('releases/r1/queries/status.sql', 'SELECT b FROM t')
  const text = readFileSync(EXAMPLE, 'utf8')
    .replace(
      'dependencies:\n',
      'artefacts:\n  - { id: rules, version: digest, rollback: switch, releases: rules, env: RULES }\ndependencies:\n',
    )
    .replace('folder: migrations,', 'folder: migrations, queries: queries,')
  const loaded = loadService(text, 'service.yaml')
  assert.ok(loaded.service, JSON.stringify(loaded.findings))
  service = loaded.service
})
after(() => rmSync(root, { recursive: true, force: true }))

const clock = { t: 1_000, now: () => clock.t++ }
const world = (schema?: Partial<Schema>) =>
  ({ service: 'heating-payment', runtime: memoryRuntime({ clock }), ...(schema ? { schema } : {}) }) as unknown as World

/** A store in which these deployments have ended, oldest first. */
async function past(...plans: readonly { plan: Partial<DeploymentPlan>; contracted?: boolean }[]) {
  const store = memoryStore(clock)
  for (const [i, { plan, contracted }] of plans.entries()) {
    const made = { ...BENCH_PLAN, ...plan, id: `dep-${i}` }
    const { state } = new DeploymentBench(made)
    const history = contracted ? [...state.history, { at: 1, phase: 'contracting' as const, why: '' }] : state.history
    const ended = { ...state, history, serving: made.next.release, phase: { name: 'promoted' as const, why: '' } }
    await store.create(
      'heating-payment',
      { id: made.id, kind: 'deployment', state: ended as unknown as Json, wakeAt: 1 },
      [],
    )
    const claim = await store.claim('test', 10_000)
    const view = claim && (await store.open(claim))
    assert.ok(claim && view && view !== 'fenced')
    const change = {
      version: view.machine.version,
      state: view.machine.state,
      effects: [],
      entries: [],
      spawn: [],
      post: [],
    }
    await store.commit(claim, { ...change, wakeAt: null, done: true, consumed: 0 })
  }
  return store
}

const next = (release: string) => ({ ...BENCH_PLAN.next, release })

test('an artefact is deployed with the application that runs, its digest, and the parts in force', async () => {
  const store = await past({ plan: { next: next('r1.letters-v2'), application: 'r1', parts: { letters: 'v2' } } })
  const found = await strategyWish(store, world(), service, root, {
    release: 'v7',
    artefact: 'rules',
    serving: 'r1.letters-v2',
  })
  assert.match(found.part?.digest ?? '', /^sha256:[0-9a-f]{64}$/)
  assert.deepEqual(
    [found.application, found.parts, found.previousPlan?.release],
    ['r1', { letters: 'v2' }, 'r1.letters-v2'],
  )
  assert.equal(found.singleReplicas, true)
  assert.equal(found.queries?.old.length, 3, 'what the running application declares')
  const missing = strategyWish(store, world(), service, root, { release: 'v9', artefact: 'rules', serving: null })
  await assert.rejects(missing, /There is no release v9 of rules/)
})

test('each declared statement has a name, and a release that declares none has none', async () => {
  const found = await declaredQueries(service, root, 'r1')
  assert.deepEqual(
    found.map(({ name }) => name),
    ['apply.sql, statement 1', 'apply.sql, statement 2', 'status.sql'],
  )
  assert.deepEqual(await declaredQueries(service, root, 'r2'), [])
})

test('a release from before a contract step is refused, unless the database takes all that it declares', async () => {
  const contract = [{ file: '9.contract.sql', sql: 'x' }]
  const plan = { next: next('r2'), contract, previous: { release: 'r1', backends: [] } }
  const store = await past({ plan: { next: next('r1') } }, { plan, contracted: true })
  const prepared = (broken: { name: string; why: string }[]) =>
    world({ prepare: async () => ({ ok: true, good: 0, broken }) })
  const refused = await cannotReturn(store, prepared([{ name: 'x', why: 'y' }]), service, root, 'r1')
  assert.match(refused!, /r1 cannot serve any more: 9\.contract\.sql .* Forward instead: 1\. Keep release r2/)
  assert.match((await cannotReturn(store, world(), service, root, 'r1'))!, /cannot serve/)
  assert.equal(await cannotReturn(store, prepared([]), service, root, 'r1'), null)
  assert.equal(await cannotReturn(store, world(), service, root, 'r3'), null)
})
