/** Joins the deployment machine to the ports: what the engine looks at for it, and how its effects are performed. */
import type { Arm } from '../core/deploy/counts.ts'
import { deploymentMachine } from '../core/deploy/deploying.ts'
import type { DeploymentSeen, DeploymentState, PhaseName, ReleasePlan } from '../core/deploy/deployment.ts'
import type { Json } from '../core/json.ts'
import type { MachineRow } from '../ports/store.ts'
import type { TrafficConfig } from '../ports/traffic.ts'
import { isRefused, isUnreachable, type Refused, type Unreachable } from '../ports/unreachable.ts'
import { runGate, tellOfGlass } from './gates.ts'
import { type EffectContext, Fenced, type Kind, type Performer } from './registry.ts'
import { verifyPrivately } from './verify.ts'
import type { World, Worlds } from './world.ts'

export function deploymentKind(worlds: Worlds): Kind {
  return { machine: deploymentMachine, observe: (row) => observe(row, worlds) }
}

const BLIND: DeploymentSeen = { status: null, counts: null, why: null }

/** Phases in which the traffic layer has nothing to tell: nothing has been asked of it yet, or everybody is on the old release. */
const UNSEEN: ReadonlySet<PhaseName> = new Set(['gating', 'awaiting-approval', 'expanding', 'starting', 'halted'])

/** Phases in which citizens meet the new release, and its answers are listened to. */
const COUNTED: ReadonlySet<PhaseName> = new Set(['on-trial', 'finishing', 'contracting'])

async function observe(row: MachineRow, worlds: Worlds): Promise<DeploymentSeen> {
  const state = row.state as unknown as DeploymentState
  const { name } = state.phase
  if (UNSEEN.has(name)) return BLIND
  const world = worlds(row.service)
  if (!world) return { ...BLIND, why: `This engine does not know the service ${row.service}.` }
  const [status, counts] = await Promise.all([
    world.traffic.status(),
    COUNTED.has(name) ? world.traffic.counts(state.cursor) : null,
  ])
  return {
    status: isUnreachable(status) ? null : status,
    counts: isUnreachable(counts) ? null : counts,
    why: isUnreachable(status) ? status.why : isUnreachable(counts) ? counts.why : null,
  }
}

type Payload = Readonly<Record<string, Json>>

export function deploymentPerformers(worlds: Worlds): Readonly<Record<string, Performer>> {
  const worldOf = (payload: Json): World | Unreachable => {
    const service = String((payload as Payload).service)
    return worlds(service) ?? { unreachable: true, why: `This engine does not know the service ${service}.` }
  }
  const within = (
    perform: (world: World, payload: Payload, epoch: number, context: EffectContext) => Promise<Json>,
  ): Performer => {
    return async (payload, context) => {
      const world = worldOf(payload)
      return isUnreachable(world) ? { ...world } : perform(world, payload as Payload, context.claim.epoch, context)
    }
  }
  const inTurn = oneAtATime()
  return {
    'gate.run': within((world, payload, _epoch, context) => runGate(world, payload, context)),
    'glass.tell': within((world, payload, _epoch, context) => tellOfGlass(world, payload, context)),
    'schema.expand': within(applyFiles),
    // The contract step is files like any others; that it comes last is the machine's doing.
    'schema.contract': within(applyFiles),
    'schema.backfill': within(async (world, payload, epoch) => {
      if (!world.schema) return noSchema(world)
      return obeyed(await world.schema.backfill(payload as never, epoch))
    }),
    'runtime.start': within(async (world, payload, epoch, context) => {
      // Asked for before the release was taken back: it would stand in the way of the old replicas that are starting.
      if (await isTakenBack(String(payload.release), context)) return whatRuns(world, String(payload.release))
      const { envNames, env, ...plan } = payload as unknown as ReleasePlan
      const named = Object.fromEntries(envNames.map((name) => [name, world.env[name] ?? '']))
      const spec = { ...plan, epoch, service: world.service, env: { ...named, ...env } }
      return obeyed(await world.runtime.start(spec))
    }),
    'runtime.stop': within(async (world, { release }, epoch) =>
      obeyed(await world.runtime.stop(String(release), epoch)),
    ),
    'runtime.stop-replicas': within(async (world, payload, epoch, context) => {
      const { runtime } = world
      if (!runtime.stopReplicas) return { unreachable: true, why: 'This runtime cannot stop single replicas.' }
      const instances = payload.instances as readonly string[]
      // What the deployment has meanwhile gone back to must not be stopped by an order that is late.
      if (!(await areLeaving(instances, context))) return 'overtaken'
      return obeyed(await runtime.stopReplicas(String(payload.release), instances, epoch))
    }),
    'traffic.apply': within((world, payload, epoch, context) =>
      // In order: an earlier version must not overtake a later one on its way.
      inTurn(world.service, async () => {
        // An order that a dead engine left behind comes with our higher epoch, and would be obeyed although it is old.
        if (await isOvertaken(Number(payload.version), context))
          return { version: payload.version!, result: 'overtaken' }
        const { service: _, ...config } = payload
        const wanted = { ...config, epoch, probe: world.probe } as unknown as TrafficConfig
        const answer = obeyed(await world.traffic.apply(wanted))
        return answer === 'applied' ? { version: wanted.version, result: 'applied' } : (answer as Json)
      }),
    ),
    'traffic.close-upgraded': within(async (world, { arm, overMs }, epoch) =>
      obeyed(await world.traffic.closeUpgraded(arm as Arm, Number(overMs), epoch)),
    ),
    'probe.verify': within(async (world, payload) =>
      verifyPrivately(world, payload.steps as never, payload.arm === 'stable' ? 'stable' : 'canary'),
    ),
  }
}

async function applyFiles(world: World, payload: Payload, epoch: number): Promise<Json> {
  if (!world.schema) return noSchema(world)
  return obeyed(await world.schema.expand(payload.files as never, epoch, (payload.queries ?? []) as never))
}

function noSchema(world: World): Json {
  return { ok: false, why: `No database is configured for the schema of ${world.service}.` }
}

async function areLeaving(instances: readonly string[], { machine }: EffectContext): Promise<boolean> {
  const state = (await machine())?.state as unknown as DeploymentState | undefined
  const gone = new Set(state?.rolling?.move?.gone ?? [])
  return instances.every((id) => gone.has(id))
}

/** An earlier try may have started some: whoever counts replicas must know of them. */
async function whatRuns({ runtime }: World, release: string): Promise<Json> {
  const instances = await runtime.instances(release)
  if (isUnreachable(instances)) return { ...instances }
  return instances.length === 0
    ? { started: false, why: 'overtaken', logTail: '' }
    : { started: true, instances: instances as unknown as Json }
}

async function isTakenBack(release: string, { machine }: EffectContext): Promise<boolean> {
  const state = (await machine())?.state as unknown as DeploymentState | undefined
  return state?.phase.name === 'rolling-back' && state.plan.next.release === release
}

async function isOvertaken(version: number, { machine }: EffectContext): Promise<boolean> {
  const state = (await machine())?.state as unknown as DeploymentState | undefined
  return (state?.steering?.version ?? 0) > version
}

/** A refusal by epoch ends this engine's hold on the machine; everything else is an answer for core. */
function obeyed<Answer>(answer: Answer | Refused | Unreachable): Json {
  if (isRefused(answer)) {
    throw new Fenced(
      `An engine with a higher epoch (${answer.epochSeen}) has taken over, here or in another installation.`,
    )
  }
  return answer as unknown as Json
}

/** Runs tasks of the same key one after the other. */
function oneAtATime(): <T>(key: string, task: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<unknown>>()
  return (key, task) => {
    const next = (tails.get(key) ?? Promise.resolve()).then(task, task)
    tails.set(
      key,
      next.catch(() => {}),
    )
    return next
  }
}
