/**
 * One drill in a sandbox: the release is deployed while invented citizens use the service, made bad as soon as the first of them may meet
 * it, and taken back. What it did to people is counted by the people, not by the engine.
 *
 *   deploy ─► on trial: the fault is armed ─► decision ─► last request ─► drained ─► stopped ─► journeys walked on the old release
 */
import { randomUUID } from 'node:crypto'
import { isOver } from '../../core/deploy/deploying.ts'
import type { DeploymentState } from '../../core/deploy/deployment.ts'
import { diceOf } from '../../core/rehearse/dice.ts'
import { type DrillFigures, NOTICE_MS_MAX } from '../../core/rehearse/drill.ts'
import { drillPlan } from '../../core/rehearse/drill-plan.ts'
import { type DrillFault, faultName } from '../../core/rehearse/fault.ts'
import type { Instant } from '../../core/time.ts'
import { plural } from '../../core/words.ts'
import { type SyntheticStep, verifyPrivately } from '../../engine/verify.ts'
import { compileRoutes } from '../../gateway/routes.ts'
import { startCrowd } from '../../load/crowd.ts'
import { countMet, type Met } from '../../load/met.ts'
import type { Script } from '../../load/script.ts'
import type { Seen } from '../../load/visit.ts'
import type { StepMatch } from '../../ports/traffic.ts'
import { beginDeployment, follow, tell } from '../deploy.ts'
import type { Sandbox } from './sandbox.ts'

/** How long a rollback in a sandbox is waited for after it was interrupted, in ms. */
const LEAVE_MS = 60_000
/** A slow step answers so much later than citizens wait. */
const LATE_FACTOR = 1.25

export interface Drill {
  /** Release that is made bad, as the definition's folder of releases names it. */
  readonly release: string
  readonly fault: DrillFault
  /** The step that is hurt. */
  readonly at: StepMatch
  readonly weight?: number
  readonly seed: number
  readonly stop: AbortSignal
  readonly onState?: (state: DeploymentState) => void
}

/** What the citizens of a sandbox saw so far. */
export interface Witnesses {
  of(release: string): Met
  /** Failing answers that were not of this release, its own connection troubles aside. */
  failedElsewhere(release: string): number
  /** Failed by what stands between citizens and releases: no answer, half an answer, 502, 503, 504. */
  failedBetween(): number
  /** Requests that the citizens themselves could not make, and why the last one could not; none: null. */
  blind(): { readonly times: number; readonly why: string } | null
  /** Sessions that met such a failure since then. */
  harmedBetween(since: Instant): number
  /** Visits that began, and those of them that met a failing answer. */
  visits(): { readonly begun: number; readonly ended: number; readonly harmed: number }
  stop(): Promise<void>
}

export interface CrowdWish {
  readonly script: Script
  /** Requests a second. */
  readonly ratePerSecond: number
  readonly seed: number
}

const BETWEEN = new Set(['connection', 'truncated', 'gateway'])

/** Citizens begin to use the sandbox's service. */
export function openWitnesses({ station }: Sandbox, wish: CrowdWish): Witnesses {
  const met = countMet()
  const failed = new Map<string, number>()
  let blind: { times: number; why: string } | null = null
  const between: { readonly session: string; readonly t: Instant }[] = []
  const limits = station.service.journeys.flatMap(({ id, steps }) =>
    steps.map((step): [string, number] => [`${id}/${step.id}`, step.limitMs]),
  )
  const crowd = startCrowd({
    ...wish,
    url: station.world.publicUrl,
    limitsMs: Object.fromEntries(limits),
    onRequest: (seen: Seen) => {
      met.seen(seen)
      if (seen.trouble === null) return
      if (seen.trouble === 'generator') blind = { times: (blind?.times ?? 0) + 1, why: seen.why }
      else if (BETWEEN.has(seen.trouble)) between.push({ session: seen.session, t: seen.t })
      else failed.set(seen.release, (failed.get(seen.release) ?? 0) + 1)
    },
  })
  return {
    of: (release) => met.of(release),
    failedElsewhere: (release) => [...failed].reduce((sum, [name, count]) => (name === release ? sum : sum + count), 0),
    failedBetween: () => between.length,
    blind: () => blind,
    harmedBetween: (since) => new Set(between.flatMap(({ session, t }) => (t >= since ? [session] : []))).size,
    visits: () => {
      const { arrived, done, gaveUp, harmed } = crowd.summary().sessions
      return { begun: arrived, ended: done + gaveUp, harmed }
    },
    stop: async () => void (await crowd.stop(1_000)),
  }
}

/** Throws when the deployment could not even begin. Null: interrupted; the release was taken back first. */
export async function runDrill(sandbox: Sandbox, witnesses: Witnesses, drill: Drill): Promise<DrillFigures | null> {
  const { station, runtime } = sandbox
  const { store } = station
  const as = `${drill.release}-drill-${randomUUID().slice(0, 4)}`
  const { stable: old } = await station.whatRuns()
  runtime.mark(as)
  try {
    const before = { elsewhere: witnesses.failedElsewhere(as), between: witnesses.failedBetween() }
    const id = await begin(sandbox, drill, as)
    const { state, noticed } = await takenBack(sandbox, drill, id, as)
    if (drill.stop.aborted) return null
    // Who could not ask saw nothing: a pass would be worth as little as a failure.
    const blind = witnesses.blind()
    if (blind) {
      const times = plural(blind.times, 'time')
      throw new Error(
        `The invented citizens themselves could not ask ${times} (${blind.why}), so nothing was measured.`,
      )
    }
    const steps = state.plan.steps as unknown as readonly SyntheticStep[]
    const journeys = (await verifyPrivately(station.world, steps, 'stable')) as { ok: boolean; why: string }
    const checkedAt = await store.now()
    const { stable, weight } = await station.whatRuns()
    const counted = figuresOf(state, witnesses.of(as), runtime.lastRequestAt(as))
    // A release that dies cuts its own answers short: those are its harm, and the gateway tells them apart from its own failures.
    const died = drill.fault.kind === 'dead'
    return {
      ...counted,
      ...(died ? { harmed: counted.harmed + witnesses.harmedBetween(state.measured.startedAt) } : {}),
      fault: faultName(drill.fault),
      noticed,
      wholeMs: state.measured.decidedAt === null ? null : Math.max(0, checkedAt - state.measured.decidedAt),
      failedByOld: witnesses.failedElsewhere(as) - before.elsewhere,
      failedByDeployment: died
        ? state.measured.failedByUs
        : Math.max(state.measured.failedByUs, witnesses.failedBetween() - before.between),
      old,
      serving: weight === 0 ? stable : null,
      journeys: { ok: journeys.ok, why: journeys.why },
    }
  } finally {
    await runtime.forget(as)
  }
}

async function begin({ station, environment, adjust }: Sandbox, drill: Drill, as: string): Promise<string> {
  const { store, world, service, root } = station
  const begun = await beginDeployment(store, world, service, root, {
    release: drill.release,
    by: 'rehearsal',
    reason: 'made bad on purpose, to be taken back',
    leaveOut: ['window'],
    ...(environment ? { environment } : {}),
    adjust: (plan) => adjust(drillPlan(plan, { as, ...(drill.weight === undefined ? {} : { weight: drill.weight }) })),
  })
  if (!begun.begun) throw new Error(begun.why)
  return begun.id
}

/** Arms the fault when citizens may meet the release, and waits for the end. */
async function takenBack({ station, runtime }: Sandbox, drill: Drill, id: string, as: string) {
  const { store } = station
  const { stop } = drill
  const say = drill.onState ?? (() => {})
  const meets = (state: DeploymentState) => isOver(state) || state.phase.name === 'on-trial'
  let state = await follow(store, id, say, stop, meets)
  if (state.phase.name === 'on-trial') {
    const { match } = compileRoutes(state.plan.steps as unknown as readonly StepMatch[])
    const dice = diceOf(drill.seed)
    runtime.arm(as, {
      fault: drill.fault,
      hurts: (method, path) => {
        const step = match(method, path)
        return step?.journey === drill.at.journey && step.step === drill.at.step
      },
      lateMs: drill.at.limitMs * LATE_FACTOR,
      healthPath: state.plan.healthPath,
      dice: () => dice.next(),
    })
    state = await follow(store, id, say, AbortSignal.any([stop, AbortSignal.timeout(NOTICE_MS_MAX)]))
  }
  if (isOver(state)) return { state, noticed: state.phase.name === 'rolled-back' }
  const decided = state.measured.decidedAt !== null
  if (!decided) await tell(store, id, 'rollback', 'rehearsal', stop.aborted ? 'interrupted' : 'nothing was noticed')
  state = await follow(store, id, say, AbortSignal.timeout(LEAVE_MS))
  return { state, noticed: decided }
}

type Counted = Pick<
  DrillFigures,
  'end' | 'detectMs' | 'actMs' | 'drainMs' | 'sessions' | 'harmed' | 'harmedAfter' | 'why'
>

function figuresOf({ phase, measured, history, lastWhy }: DeploymentState, met: Met, lastAt: Instant | null): Counted {
  const { decidedAt, drainedAt, lastRequestAt } = measured
  const since = (at: Instant | null) => (decidedAt === null || at === null ? null : Math.max(0, at - decidedAt))
  // The proxy before the release has seen every request; the gateway's own figure must not be lower than that.
  const last = Math.max(lastAt ?? 0, lastRequestAt ?? 0) || null
  const after = [...met.harmed.values()].filter((at) => decidedAt !== null && at > decidedAt)
  return {
    end: phase.name,
    detectMs: decidedAt === null || met.firstBadAt === null ? null : Math.max(0, decidedAt - met.firstBadAt),
    actMs: since(last),
    drainMs: since(drainedAt),
    sessions: met.sessions.size,
    harmed: met.harmed.size,
    harmedAfter: after.length,
    why: history.find(({ phase: name }) => name === 'rolling-back')?.why ?? lastWhy,
  }
}
