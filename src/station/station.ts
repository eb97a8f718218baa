/**
 * Everything that belongs to one state folder and one definition, opened: the store, the gateway, the supervisor, the routes that
 * pages take, and (when asked) an engine. CLI, console server and demo all stand on it. This is the one place that picks adapters.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { gatewayTraffic, startGateway } from '../adapters/gateway/traffic.ts'
import { haproxyTraffic, startHaproxy } from '../adapters/haproxy/traffic.ts'
import { podmanEngine, podmanRuntime } from '../adapters/podman/runtime.ts'
import { type HoldfastStore, openHoldfastStore } from '../adapters/postgres/open.ts'
import { pathsOf } from '../adapters/process/paths.ts'
import { processRuntime } from '../adapters/process/runtime.ts'
import { startSupervisor, stopSupervisor } from '../adapters/process/start.ts'
import { statusPage } from '../adapters/statuspage/publisher.ts'
import { loadService } from '../core/define/load.ts'
import type { Service } from '../core/define/schema.ts'
import { EXIT, OpsError } from '../core/errors.ts'
import { deploymentKind, deploymentPerformers } from '../engine/deployments.ts'
import { type Engine, startEngine } from '../engine/engine.ts'
import { incidentKind, incidentPerformers } from '../engine/incidents.ts'
import { sharedSecret } from '../engine/secrets.ts'
import { watchKind } from '../engine/watching.ts'
import type { World } from '../engine/world.ts'
import type { Runtime } from '../ports/runtime.ts'
import type { Store } from '../ports/store.ts'
import { fileSecret } from './file-secret.ts'
import { gateDesk } from './gates.ts'
import { notifiersOf } from './routes.ts'
import { socketPath } from './sockets.ts'
import { type WhatRuns, whatRuns } from './what-runs.ts'

type Env = Readonly<Record<string, string | undefined>>

export interface StationOptions {
  readonly state: string
  readonly serviceFile: string
  readonly env: Env
  readonly remark: (says: string) => void
  /** Where citizens reach the gateway, when it is not running yet: "127.0.0.1:8080"; port 0 takes a free one. */
  readonly listen: string
  /** Where Prometheus reads what the traffic layer counted, when that is not running yet: "127.0.0.1:9464"; absent: nowhere. */
  readonly metrics?: string
  /** Take the service over from another installation (another state folder or machine) on the same store. */
  readonly moveHere?: boolean
  /** Only look: start neither the gateway nor the supervisor. */
  readonly look?: boolean
  /** Where people reach the console, for the links in pages. */
  readonly consoleUrl?: () => string
  /** How long a gateway unit stays open without failure, in ms. */
  readonly settleMs?: number
  /** How long the engine keeps a machine without a heartbeat, in ms; default as startEngine. Longer where no other engine waits. */
  readonly leaseMs?: number
  /** Instead of the definition's own; a benchmark runs the same service behind both. */
  readonly traffic?: 'gateway' | 'haproxy'
  /** Stands around the runtime: a rehearsal makes a release bad with it. Absent: nothing does. */
  readonly around?: (runtime: Runtime) => Runtime
  /** A store that is open already; it is closed with the station. */
  readonly opened?: HoldfastStore
}

export interface Station {
  readonly service: Service
  /** Folder of the definition. */
  readonly root: string
  readonly store: Store
  readonly world: World
  readonly place: string
  /** One engine a station; asking twice gives the same. */
  startEngine(): Engine
  whatRuns(): Promise<WhatRuns>
  /** Stops the engine and the store. The gateway, the supervisor and the releases go on: citizens do not notice. */
  close(): Promise<void>
  /** Also ends the gateway and the supervisor with all releases: for the demo and for tests. */
  shutDown(): Promise<void>
}

/**
 * A gateway and a supervisor belong to one state folder. A second installation of the same service on the same store would steer an
 * empty gateway of its own and log that citizens are safe, so it is refused.
 */
async function holdInstallation(store: Store, service: string, here: string, moveHere: boolean): Promise<void> {
  const key = `installation:${service}`
  const known = await store.get(key)
  if (known === here) return
  if (known !== null && !moveHere) {
    await store.close()
    throw new OpsError('OTHER_INSTALLATION', {
      message: `The service ${service} is run from another state folder or machine on this database. Its gateway cannot be reached from here.`,
      fix: 'run it there, or move it here for good: holdfast serve --move-here',
      exit: EXIT.unreachable,
    })
  }
  await store.put(key, here)
}

/** The definition, or an OpsError that carries what is wrong with it. */
export function readService(file: string): Service {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new OpsError('NO_DEFINITION', {
      message: `There is no definition at ${file}.`,
      fix: 'holdfast init, or name it with --service FILE',
      exit: EXIT.usage,
    })
  }
  const { service, findings } = loadService(text, file)
  if (service) return service
  const first = findings.find(({ severity }) => severity === 'error') ?? findings[0]
  throw new OpsError('DEFINITION_WRONG', {
    message: `The definition has ${findings.length} finding(s). First: ${first?.file}:${first?.line}:${first?.col} ${first?.says}`,
    fix: `holdfast define ${file}`,
    exit: EXIT.usage,
  })
}

export async function openStation(options: StationOptions): Promise<Station> {
  const { state, env, remark, look } = options
  const service = readService(options.serviceFile)
  const root = dirname(options.serviceFile)
  mkdirSync(state, { recursive: true })
  const [{ store, place }, traffic, supervisor] = await Promise.all([
    options.opened ?? openHoldfastStore({ state, env, log: remark }),
    openTraffic(service, options),
    look ? pathsOf(state) : startSupervisor({ state }),
  ])
  if (!look)
    await holdInstallation(store, service.service.id, fileSecret(state, 'installation'), options.moveHere === true)
  const schema = await schemaOf(service, env)
  const world: World = {
    service: service.service.id,
    traffic: traffic.traffic,
    runtime: (options.around ?? itself)(runtimeOf(service, supervisor.socket, env)),
    ...(schema ? { schema } : {}),
    publicUrl: traffic.publicUrl,
    probe: { header: 'x-holdfast-probe', secret: fileSecret(state, 'probe') },
    env: serviceEnv(env),
    notifiers: notifiersOf(env),
    gates: gateDesk({ service, root, store, env, serviceEnv: serviceEnv(env) }),
  }
  const worlds = (name: string) => (name === world.service ? world : undefined)
  let engine: Engine | undefined
  const startOnce = () => {
    engine ??= startEngine({
      store,
      services: [world.service],
      ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }),
      owner: `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`,
      remark,
      registry: {
        kinds: { deployment: deploymentKind(worlds), incident: incidentKind, watch: watchKind(worlds, store) },
        performers: {
          ...deploymentPerformers(worlds),
          ...incidentPerformers({
            store,
            worlds,
            secret: sharedSecret(store, 'ack'),
            base: options.consoleUrl ?? (() => 'http://127.0.0.1:4600'),
            publisher: statusPage(join(state, 'status')),
          }),
        },
      },
    })
    return engine
  }
  const close = async () => {
    await engine?.stop()
    await schema?.close()
    await store.close()
  }
  return {
    service,
    root,
    store,
    world,
    place,
    startEngine: startOnce,
    whatRuns: () => whatRuns(world),
    close,
    async shutDown() {
      await engine?.stop()
      await traffic.traffic.stop()
      await stopSupervisor({ state })
      await close()
    },
  }
}

const itself = (runtime: Runtime) => runtime

/** What the definition's `runtime.kind` names. */
function runtimeOf({ runtime }: Service, socket: string, env: Env): Runtime {
  return runtime.kind === 'podman' ? podmanRuntime({ socket, engine: podmanEngine(env) }) : processRuntime({ socket })
}

/** What the definition's `runtime.traffic` names. HOLDFAST_HAPROXY: the program, where it is not on PATH. */
async function openTraffic({ runtime }: Service, options: StationOptions) {
  const { state, listen, look, metrics, settleMs, env } = options
  const isHaproxy = (options.traffic ?? runtime.traffic) === 'haproxy'
  const control = socketPath(state, 'gateway')
  if (look) return { traffic: isHaproxy ? haproxyTraffic({ control }) : gatewayTraffic({ control }), publicUrl: '' }
  const opening = {
    listen,
    control,
    ...(metrics === undefined ? {} : { metrics }),
    ...(settleMs === undefined ? {} : { settleMs }),
  }
  const haproxy = env.HOLDFAST_HAPROXY
  const gateway = isHaproxy
    ? await startHaproxy({ ...opening, state: join(state, 'haproxy'), ...(haproxy ? { haproxy } : {}) })
    : await startGateway({ ...opening, state: join(state, 'gateway') })
  // Our own probes come to the address that citizens come to; "every address" is reached on loopback.
  const host = listen.slice(0, listen.lastIndexOf(':'))
  const reached = host === '0.0.0.0' || host === '[::]' || host === 'localhost' ? '127.0.0.1' : host
  return { traffic: gateway.traffic, publicUrl: `http://${reached}:${gateway.port}` }
}

async function schemaOf(service: Service, env: Env) {
  const { migrations } = service
  const url = migrations && serviceEnv(env)[migrations.databaseEnv]
  if (!migrations || !url) return undefined
  const { postgresSchema } = await import('../adapters/postgres/schema.ts')
  return postgresSchema({
    url,
    lockTimeoutMs: migrations.lockTimeoutMs,
    statementTimeoutMs: migrations.statementTimeoutMs,
  })
}

/**
 * What a service's processes get from our environment. SERVICE_X stands for X, and DATABASE_URL is never passed on by its own name:
 * it is the address of Holdfast's database, not of the service's.
 */
export function serviceEnv(env: Env): Env {
  const { DATABASE_URL: _, ...rest } = env
  const named = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith('SERVICE_') ? [[name.slice(8), value]] : [],
  )
  return { ...rest, ...Object.fromEntries(named) }
}
