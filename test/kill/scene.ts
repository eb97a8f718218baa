/** Real parts for killing: a store, a gateway, a supervisor, a small service in releases, and citizens who never stop coming. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Gateway, startGateway } from '../../src/adapters/gateway/traffic.ts'
import { type Embedded, startEmbedded } from '../../src/adapters/postgres/embedded.ts'
import { openStore } from '../../src/adapters/postgres/store.ts'
import { processRuntime } from '../../src/adapters/process/runtime.ts'
import { startSupervisor, stopSupervisor } from '../../src/adapters/process/start.ts'
import { planHash } from '../../src/core/deploy/approval.ts'
import { type DeploymentPlan, type DeploymentState, newDeployment } from '../../src/core/deploy/deployment.ts'
import { TRIAL_DEFAULTS } from '../../src/core/deploy/trial.ts'
import { type Crowd, startCrowd } from '../../src/load/crowd.ts'
import type { Store } from '../../src/ports/store.ts'
import { isUnreachable } from '../../src/ports/unreachable.ts'
import { removeFolder } from '../folder.ts'
import { program } from '../program.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

export interface Scene {
  readonly state: string
  readonly url: string
  readonly database: Embedded
  readonly gateway: Gateway
  readonly supervisor: string
  readonly journal: string
  /** A new connection pool to the store; closed with the scene. */
  store(): Promise<Store>
  /** An engine in a process of its own. `kill` names where it kills itself; absent: nowhere. */
  engine(options?: { readonly kill?: string; readonly leaseMs?: number }): ChildProcess
  citizens(perSecond: number): Crowd
  /** `asked`: a gate that runs a command, and one person who must agree. */
  deploy(
    store: Store,
    release: string,
    options?: { readonly bad?: boolean; readonly bakeMs?: number; readonly asked?: boolean },
  ): Promise<string>
  /** Somebody else than the one who asked agrees, as soon as the deployment waits for it. */
  agree(store: Store, id: string): Promise<void>
  /** The deployment's state as soon as `holds`. */
  until(store: Store, id: string, holds: (state: DeploymentState) => boolean): Promise<DeploymentState>
  close(): Promise<void>
}

export async function openScene(): Promise<Scene> {
  const state = mkdtempSync(join(tmpdir(), 'holdfast-kill-'))
  const database = await startEmbedded({ folder: join(state, 'postgres') })
  const url = database.urls.holdfast!
  const gateway = await startGateway({ listen: '127.0.0.1:0', state: join(state, 'gateway'), settleMs: 200 })
  const { socket: supervisor } = await startSupervisor({ state })
  const runtime = processRuntime({ socket: supervisor })
  const journal = join(state, 'journal.txt')
  const stores: Store[] = []
  const engines = new Set<ChildProcess>()
  const crowds: Crowd[] = []
  const scene: Scene = {
    state,
    url,
    database,
    gateway,
    supervisor,
    journal,
    async store() {
      const store = await openStore(url)
      stores.push(store)
      return store
    },
    engine({ kill = '', leaseMs = 2_000 } = {}) {
      const settings = { url, control: gateway.control, supervisor, publicPort: gateway.port, journal, kill, leaseMs }
      const child = spawn(process.execPath, [...program('kill/engine.ts'), JSON.stringify(settings)], {
        stdio: ['ignore', 'ignore', process.env.HOLDFAST_TEST_NOISE ? 'inherit' : 'ignore'],
      })
      engines.add(child)
      child.once('exit', () => engines.delete(child))
      return child
    },
    citizens(perSecond) {
      const crowd = startCrowd({
        url: `http://127.0.0.1:${gateway.port}`,
        ratePerSecond: perSecond,
        seed: 1,
        script: SCRIPT,
        pace: 0.2,
      })
      crowds.push(crowd)
      return crowd
    },
    async deploy(store, release, { bad = false, bakeMs = 600, asked = false } = {}) {
      const [last] = await store.list({ kind: 'deployment', limit: 1 })
      const serving = last ? (last.state as unknown as DeploymentState).serving : null
      const instances = serving ? await runtime.instances(serving) : []
      if (isUnreachable(instances)) throw new Error(instances.why)
      const backends = instances.map(({ id, host, port }) => ({ id, host, port }))
      const next = planOf(release, serving ? { release: serving, backends } : null, bad, bakeMs)
      const plan = asked ? { ...next, ...ASKED } : next
      await store.create('svc', newDeployment(plan, await store.now()), [])
      return plan.id
    },
    async agree(store, id) {
      const { plan } = await scene.until(store, id, ({ phase }) => phase.name === 'awaiting-approval')
      const payload = { reason: 'read it', plan: planHash(plan), how: 'test' }
      await store.post({ to: id, id: 'agree', name: 'approve', who: 'ben', payload })
    },
    async until(store, id, holds) {
      for (;;) {
        const row = await store.read(id).catch(() => null)
        const seen = row?.state as unknown as DeploymentState | undefined
        if (seen && holds(seen)) return seen
        await store.wait(50).catch(() => {})
      }
    },
    async close() {
      for (const engine of engines) engine.kill('SIGKILL')
      for (const crowd of crowds) await crowd.stop(500)
      for (const store of stores) await store.close().catch(() => {})
      await gateway.traffic.stop()
      await stopSupervisor({ state })
      await database.stop()
      removeFolder(state)
    },
  }
  return scene
}

/** How often each effect was begun, by its key. */
export function performedOf(scene: Scene): Map<string, number> {
  const counts = new Map<string, number>()
  for (const key of readFileSync(scene.journal, 'utf8').split('\n').filter(Boolean))
    counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

const ASKED: Partial<DeploymentPlan> = {
  gates: [
    {
      id: 'unit',
      name: 'Unit',
      kind: 'command',
      how: 'command',
      pass: null,
      run: [process.execPath, '-e', '0'],
      envNames: [],
      report: null,
      about: null,
      ageMsMax: 1,
      files: [],
      msMax: 60_000,
    },
  ],
  approvals: 1,
  approval: { people: 1, roles: [], may: [], known: [], waitMs: 600_000, validMs: 600_000 },
}

const SCRIPT = {
  requestsMean: 2,
  visit: () => ({
    kind: 'citizen' as const,
    segment: 'chrome',
    userAgent: 'Mozilla/5.0 Chrome/130.0',
    keepAlive: true,
    steps: [
      {
        journey: 'apply',
        step: 'start',
        counted: true,
        method: 'GET' as const,
        path: '/',
        okStatus: [200],
        marker: 'Apply',
        thinkMs: 0,
      },
      {
        journey: 'apply',
        step: 'submit',
        counted: true,
        method: 'POST' as const,
        path: '/submit',
        form: { a: 'b' },
        okStatus: [303],
        thinkMs: 100,
      },
    ],
  }),
}

function planOf(release: string, previous: DeploymentPlan['previous'], bad: boolean, bakeMs: number): DeploymentPlan {
  const match = { journey: 'apply', limitMs: 5_000 }
  return {
    id: `dep-${release}`,
    service: 'svc',
    serviceName: 'Small service',
    previous,
    next: {
      release,
      replicas: 1,
      command: [process.execPath, ...program('kill/service.ts')],
      folder: here,
      envNames: [],
      env: { RELEASE: release, ...(bad ? { BAD: '1' } : {}) },
      readyPath: '/ready',
      startMsMax: 60_000,
      stopMsMax: 5_000,
    },
    strategy: 'canary',
    trial: {
      ...TRIAL_DEFAULTS,
      stable: previous?.release ?? '',
      canary: release,
      steps: ['start', 'submit'].map((step) => ({
        journey: 'apply',
        step,
        omega: 0.5,
        p0: 0.005,
        p0Units: 5_000,
        limitMs: 5_000,
      })),
      rungs: [0.3],
      rungMsMin: 300,
      margin: 0.2,
      bakeMs,
      suspicionMs: 3_000,
    },
    migrations: [],
    steps: [
      { ...match, step: 'start', method: 'GET', route: '/', okStatus: [200], marker: 'Apply' },
      { ...match, step: 'submit', method: 'POST', route: '/submit', okStatus: [303] },
    ],
    healthPath: '/ready',
    drainMsMax: 5_000,
    requestedBy: 'asha',
    approvals: 0,
    reason: 'killed on purpose',
    incident: {
      ladder: [],
      fallback: { role: 'on call', route: 'webhook', to: 'pager', afterMs: 60_000 },
      severity: 'P2',
      severityRule: 'test',
      steps: {},
      comms: {
        audiences: [],
        facts: { serviceName: 'Small service', cannot: 'apply', who: 'people', instead: null, answers: null },
      },
    },
  }
}
