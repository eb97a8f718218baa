import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definition } from '../../test/journeys/scene.ts'
import type { GateAnswer, GatePlan } from '../core/deploy/gate.ts'
import type { Fact } from '../core/deploy/target.ts'
import { HOUR, MINUTE } from '../core/time.ts'
import type { CommandWish, Ran } from '../ports/commands.ts'
import { type GateDesk, runGate, tellOfGlass } from './gates.ts'
import type { World } from './world.ts'

const NOW = Date.UTC(2026, 10, 23, 9)
const CLEAN = JSON.stringify({ auditReportVersion: 2, vulnerabilities: {}, metadata: { dependencies: { total: 3 } } })

interface Around {
  readonly files?: Readonly<Record<string, { readonly text: string; readonly writtenAt: number }>>
  readonly ran?: Partial<Extract<Ran, { ran: true }>>
  readonly facts?: readonly Fact[]
  readonly env?: Readonly<Record<string, string>>
  readonly machine?: { readonly phase: string }
}

/** Asks one gate, in surroundings that are made up; `wishes` is what was run. */
async function ask(gate: Partial<GatePlan>, around: Around = {}, stop?: AbortSignal) {
  const wishes: CommandWish[] = []
  const desk: GateDesk = {
    service: definition(),
    root: '/service',
    now: async () => NOW,
    facts: () => around.facts ?? [],
    drillsSince: async (from) =>
      from <= NOW - 20 * 24 * HOUR ? [{ at: from + 1, kind: 'rollback.confirmed', subject: 'dep-1' }] : [],
    proveAlerts: async (): Promise<GateAnswer> => ({
      passed: true,
      says: 'all fire',
      ms: 1,
      exit: null,
      digest: null,
      scanned: null,
      tail: '',
      figures: {},
    }),
    commands: {
      run: async (wish, signal) => {
        wishes.push(wish)
        const held = around.machine
          ? new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
          : null
        await held
        const ran = {
          exit: 0,
          timedOut: false,
          stopped: held !== null,
          ms: 7,
          bytes: 3,
          digest: 'sha256:out',
          tail: 'ok',
        }
        return { ran: true, ...ran, ...around.ran }
      },
    },
    reports: {
      read: async (path) => {
        const file = around.files?.[path]
        return file
          ? { found: true, path, digest: `sha256:${path}`, ...file }
          : { found: false, why: `There is no ${path}.` }
      },
    },
  }
  const world = { service: 'heating-payment', env: around.env ?? {}, gates: desk, notifiers: {} } as unknown as World
  const plan = {
    id: 'g',
    name: 'Gate',
    kind: 'scan',
    pass: null,
    run: [],
    envNames: [],
    report: null,
    about: null,
    ageMsMax: HOUR,
    files: [],
    msMax: MINUTE,
    how: 'report',
    ...gate,
  }
  const order = { release: 'r3', folder: '/service/releases/r3', environment: 'production', gate: plan, migrations: [] }
  const machine = async () => ({ done: false, state: { phase: { name: around.machine?.phase ?? 'gating' } } }) as never
  const context = { claim: {} as never, key: 'k', attempts: 0, machine, ...(stop ? { stop } : {}) }
  const answer = (await runGate(world, order, context)) as unknown as GateAnswer
  return { ...answer, wishes }
}

const file = (text: string, minutesAgo: number) => ({ text, writtenAt: NOW - minutesAgo * MINUTE })

test('a fresh and clean report passes, with the digests of the report and of what it is about', async () => {
  const files = { 'audit.json': file(CLEAN, 10), 'package-lock.json': file('{}', 30) }
  const answer = await ask({ report: 'audit.json', about: 'package-lock.json' }, { files })
  assert.ok(answer.passed)
  assert.deepEqual([answer.digest, answer.scanned], ['sha256:audit.json', 'sha256:package-lock.json'])
})

/** What is wrong with the report, and what is said. */
const STALE: readonly (readonly [string, Around['files'], RegExp])[] = [
  ['missing', {}, /Its report is missing\. There is no audit\.json/],
  [
    'too old',
    { 'audit.json': file(CLEAN, 90), 'package-lock.json': file('{}', 200) },
    /is 90 min old; 60 min are allowed/,
  ],
  [
    'older than what it is about',
    { 'audit.json': file(CLEAN, 20), 'package-lock.json': file('{}', 5) },
    /older than package-lock\.json/,
  ],
  ['about a file that is gone', { 'audit.json': file(CLEAN, 20) }, /What the report is about is missing/],
  ['from the future', { 'audit.json': file(CLEAN, -30), 'package-lock.json': file('{}', 50) }, /made 30 min from now/],
  ['unreadable', { 'audit.json': file('<html>', 1) }, /proves nothing: it is not JSON/],
]
for (const [says, files, told] of STALE) {
  test(`a report that is ${says} fails the gate`, async () => {
    const answer = await ask({ report: 'audit.json', about: 'package-lock.json' }, { files: files ?? {} })
    assert.ok(!answer.passed)
    assert.match(answer.says, told)
  })
}

test('a command gets what the definition names and nothing else; what it must not tell is told to the runner', async () => {
  const gate = { how: 'command', run: ['npm', 'test'], envNames: ['TOKEN'] } as const
  const env = { TOKEN: 'secret-1', DATABASE_URL: 'secret-2', OTHER: 'x' }
  const { passed, wishes } = await ask(gate, { env })
  assert.ok(passed)
  const [wish] = wishes as [CommandWish]
  assert.deepEqual(wish.env, { TOKEN: 'secret-1', HOLDFAST_RELEASE: 'r3', HOLDFAST_SERVICE: 'heating-payment' })
  assert.deepEqual([...wish.secrets], ['secret-1', 'secret-2'])
  assert.equal(wish.folder, '/service/releases/r3')
  assert.match((await ask(gate)).says, /TOKEN is not set here\. Set it as SERVICE_TOKEN/)
})

test('a command that ends badly, late, or by a signal fails; one that ends well is believed only with its report', async () => {
  const gate = { how: 'command', run: ['npm', 'test'] } as const
  const said = async (ran: Around['ran']) => (await ask(gate, { ran: ran! })).says
  assert.match(await said({ exit: 2 }), /exit code 2/)
  assert.match(await said({ exit: null }), /ended by a signal/)
  assert.match(await said({ timedOut: true }), /still running after 60 s/)
  const both = await ask({ ...gate, report: 'audit.json' })
  assert.ok(!both.passed)
  assert.match(both.says, /Exit code 0 after 7 ms\. Its report is missing/)
})

test('a command that nobody waits for any more is ended; an engine that stops gives no answer for it', async () => {
  const gate = { how: 'command', run: ['npm', 'test'] } as const
  const ended = await ask(gate, { machine: { phase: 'refused' } })
  assert.match(ended.says, /nobody wanted its answer any more/)
  const stop = new AbortController()
  const asked = ask(gate, { machine: { phase: 'gating' } }, stop.signal)
  stop.abort()
  await assert.rejects(asked, /this engine stopped/)
})

test('the right target names the fix; a kind that nobody can run fails and says what to give it', async () => {
  const target = await ask({ how: 'target' }, { facts: [] })
  assert.match(target.says, /Fix: export HOLDFAST_ENVIRONMENT=production/)
  assert.match((await ask({ how: 'none', kind: 'load' })).says, /cannot run a gate of kind "load" by itself/)
  assert.ok(!(await ask({ how: 'drill', ageMsMax: 14 * 24 * HOUR })).passed)
  assert.ok((await ask({ how: 'drill', ageMsMax: 30 * 24 * HOUR })).passed)
})

test('broken glass is told to the first of the ladder’s rungs, from its end, that accepts it', async () => {
  const sent: string[] = []
  const route = (answer: object) => ({
    route: 'x',
    send: async ({ to }: { to: string }) => {
      sent.push(to)
      return answer
    },
  })
  const notifiers = {
    email: route({ sent: 'failed', why: 'refused' }),
    webhook: route({ sent: 'accepted', reference: '1' }),
  }
  const world = { notifiers } as unknown as World
  const rungs = [
    { role: 'senior manager', route: 'email', to: 'boss' },
    { role: 'nobody', route: 'sms', to: '07700' },
    { role: 'pager', route: 'webhook', to: 'pager' },
  ]
  const payload = { says: 'asha broke the glass', serviceName: 'Small', deployment: 'dep-1', rungs }
  const context = { claim: {} as never, key: 'k', attempts: 0, machine: async () => null }
  assert.deepEqual(await tellOfGlass(world, payload, context), { told: true, to: 'pager', route: 'webhook' })
  assert.deepEqual(sent, ['boss', 'pager'])
  const alone = await tellOfGlass({ notifiers: {} } as unknown as World, payload, context)
  assert.match(JSON.stringify(alone), /no email route is set up here; no sms route/)
})
