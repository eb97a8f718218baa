/** The sandbox of a rehearsal: this service's own definition, deployed once more on this machine, with nothing that is the live service's. */
import { mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { startEmbedded } from '../../adapters/postgres/embedded.ts'
import type { Service } from '../../core/define/schema.ts'
import type { DeploymentPlan } from '../../core/deploy/deployment.ts'
import { webComponent } from '../../core/deploy/plan.ts'
import { EXIT, messageOf, OpsError } from '../../core/errors.ts'
import { drillPlan } from '../../core/rehearse/drill-plan.ts'
import { beginDeployment, follow } from '../deploy.ts'
import { clearSandbox, SERVICE_DATABASE } from '../sandbox.ts'
import { openStation, readService, type Station } from '../station.ts'
import { type FaultyRuntime, faultyRuntime } from './faulty-runtime.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Of the surroundings, a sandbox gets what starts programs, and nothing that reaches people or the live service. */
const PASSED_ON = ['HOLDFAST_PODMAN', 'HOLDFAST_HAPROXY'] as const
const PREFIX = 'REHEARSAL_'
/** No other engine waits to take over in here, and a laptop under load may be late with its heartbeat, in ms. */
const LEASE_MS = 15_000
/** Name of the scratch database. */
const DATABASE = 'rehearsal'

export interface SandboxOptions {
  /** A folder that is the sandbox's alone; whatever is in it goes. */
  readonly state: string
  readonly serviceFile: string
  readonly env: Env
  /** Release that serves while another is made bad. */
  readonly from: string
  /** "gateway" or "haproxy"; absent: as the definition says. */
  readonly traffic?: 'gateway' | 'haproxy'
  readonly remark: (says: string) => void
  readonly stop?: AbortSignal
  /** Changes the plan of each deployment in here, after what a rehearsal changes; for tests and benchmarks. */
  readonly adjust?: (plan: DeploymentPlan) => DeploymentPlan
}

export interface Sandbox {
  readonly station: Station
  readonly runtime: FaultyRuntime
  readonly environment: string | undefined
  readonly adjust: (plan: DeploymentPlan) => DeploymentPlan
  close(): Promise<void>
}

/** Opens it, with `from` serving. Throws OpsError; nothing is left then. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { state } = options
  await clearSandbox(state)
  mkdirSync(state, { recursive: true })
  // Closed in reverse order, also when a later part could not be opened.
  const closers: (() => Promise<unknown>)[] = [() => clearSandbox(state)]
  const close = async () => {
    for (const end of closers.splice(0).reverse()) {
      await end().catch((thrown) => options.remark(messageOf(thrown)))
    }
  }
  try {
    return { ...(await open(options, closers)), close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

async function open(options: SandboxOptions, closers: (() => Promise<unknown>)[]): Promise<Omit<Sandbox, 'close'>> {
  const { state, serviceFile, remark, from, stop } = options
  const service = readService(serviceFile)
  const settings = settingsOf(service, options.env)
  const scratch = service.migrations?.databaseEnv
  if (scratch !== undefined && settings[scratch] === undefined) {
    const database = await startEmbedded({ folder: join(state, SERVICE_DATABASE), databases: [DATABASE] })
    closers.push(() => database.stop())
    settings[scratch] = database.urls[DATABASE]!
  }
  const station = await openStation({
    state,
    serviceFile,
    env: {
      ...Object.fromEntries(PASSED_ON.map((name) => [name, options.env[name]])),
      ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`SERVICE_${name}`, value])),
    },
    remark,
    listen: '127.0.0.1:0',
    leaseMs: LEASE_MS,
    ...(options.traffic ? { traffic: options.traffic } : {}),
    around: faultyRuntime,
  })
  const runtime = station.world.runtime as FaultyRuntime
  closers.push(
    () => station.shutDown(),
    () => runtime.close(),
  )
  station.startEngine()
  const adjust = options.adjust ?? ((plan) => plan)
  const environment = environmentFor(service)
  const begun = await beginDeployment(station.store, station.world, service, dirname(serviceFile), {
    release: from,
    by: 'rehearsal',
    reason: 'the release that serves while another is made bad',
    leaveOut: ['window'],
    ...(environment ? { environment } : {}),
    adjust: (plan) => adjust(drillPlan(plan, { as: `${from}-before` })),
  })
  if (!begun.begun) throw notOpened(from, begun.why)
  const first = await follow(station.store, begun.id, () => {}, stop)
  if (first.phase.name !== 'promoted' && !stop?.aborted) throw notOpened(from, first.lastWhy)
  return { station, runtime, environment, adjust }
}

function notOpened(release: string, why: string): OpsError {
  return new OpsError('SANDBOX_NOT_OPENED', {
    message: `Release ${release} does not serve in the sandbox: ${why}`,
    fix: 'Start it by hand with the definition’s own command; a service with other settings gets them as REHEARSAL_NAME=…',
  })
}

/** Values for the names that the service needs: only those meant for rehearsals, never the live service's. */
function settingsOf(service: Service, env: Env): Record<string, string> {
  const { runtime, migrations } = service
  const needed = webComponent(service).secretEnv
  const scratch = migrations?.databaseEnv
  const named = Object.entries(env).flatMap(([name, value]): [string, string][] =>
    name.startsWith(PREFIX) && value !== undefined ? [[name.slice(PREFIX.length), value]] : [],
  )
  const known = Object.fromEntries(named)
  // Containers do not see the socket of a database of ours.
  const ours = scratch !== undefined && migrations?.tool === 'holdfast' && runtime.kind !== 'podman' ? [scratch] : []
  const missing = needed.filter((name) => known[name] === undefined && !ours.includes(name))
  if (missing.length === 0) return known
  throw new OpsError('SETTING_MISSING', {
    message: `A rehearsal does not use the live service's settings, and ${missing.join(', ')} is not set for it.`,
    fix: `${missing.map((name) => `export ${PREFIX}${name}=…`).join('   ')}   (a scratch database, a stub: nothing that is live)`,
    exit: EXIT.usage,
  })
}

/** One that is no production, where the definition has one: nothing of it is reached from here anyway. */
function environmentFor({ environments }: Service): string | undefined {
  return (environments.find(({ kind }) => kind !== 'production') ?? environments[0])?.id
}

/** Folders of releases beside the definition, in the order in which people count. */
export function releasesOf(service: Service, root: string): readonly string[] {
  const folder = join(root, webComponent(service).releases ?? 'releases')
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  } catch {
    return []
  }
}
