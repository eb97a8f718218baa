/** From the definition to how this deployment reaches citizens: strategy, rungs, batches, rings, and the phases of its schema change. Pure. */
import type { Service } from '../define/schema.ts'
import { EXIT, OpsError } from '../errors.ts'
import { sampleFor } from '../shadow/bound.ts'
import { MINUTE, SECOND } from '../time.ts'
import type { TenantPlace } from '../traffic/tenant.ts'
import type { BackfillPlan } from './backfill.ts'
import type { ArmBackends, DeploymentPlan, NamedQuery, ReleasePlan } from './deployment.ts'
import { phaseOfFile } from './migration.ts'
import { compositeName, type Figures, figuresOf, type PartPlan, partNamed, RELEASE_NAME_MAX } from './parts.ts'
import type { RingPlan, RingsPlan } from './rings.ts'
import { peakInFlight, planRolling, type RollingPlan, rollingRungs } from './rolling.ts'
import { SHADOW_MS_MAX, type ShadowingPlan } from './shadowing.ts'
import type { TrialPlan } from './trial.ts'

/** What a plan needs to know beside the definition, found out by whoever asks. All of it may be absent. */
export interface StrategyWish {
  readonly release: string
  readonly root: string
  readonly previous: ArmBackends | null
  readonly migrations: DeploymentPlan['migrations']
  /** The artefact to deploy instead of the application, and the digest of its release's files. */
  readonly part?: { readonly artefact: string; readonly digest: string | null }
  /** Release of the application that goes on when only a part of it is deployed. */
  readonly application?: string
  /** Release of each part in force. */
  readonly parts?: Readonly<Record<string, string>>
  /** How the running release was started. */
  readonly previousPlan?: ReleasePlan
  /** False: the runtime cannot start and stop single replicas. */
  readonly singleReplicas?: boolean
  readonly memoryFreeMb?: number
  /** Text of the manifest of intended differences. */
  readonly manifest?: string
  readonly queries?: { readonly old: readonly NamedQuery[]; readonly next: readonly NamedQuery[] }
}

type Component = Service['runtime']['components'][number]

export interface StrategyPlan {
  readonly strategy: DeploymentPlan['strategy']
  readonly trial: Partial<TrialPlan>
  /** Everything else that the deployment's plan gets; keys are absent where they do not apply. */
  readonly plan: Pick<DeploymentPlan, 'migrations'> &
    Partial<
      Pick<
        DeploymentPlan,
        | 'warmMs'
        | 'schemaMsMax'
        | 'shadow'
        | 'rolling'
        | 'rings'
        | 'backfill'
        | 'contract'
        | 'queries'
        | 'part'
        | 'parts'
        | 'application'
      >
    >
  /** What a replica is started from, as it differs from the component's own. */
  readonly next: Pick<ReleasePlan, 'release' | 'folder' | 'env'>
}

/** Throws OpsError where the definition asks for what cannot be done here. */
export function planStrategy(service: Service, component: Component, wish: StrategyWish): StrategyPlan {
  const figures = figuresOf(service, component.id, wish.part?.artefact)
  const { canary, blueGreen, rolling } = figures
  const strategy = supported(figures)
  const shadow = figures.strategy === 'shadow' && wish.previous ? shadowOf(figures.shadow, wish) : undefined
  const made = madeOf(service, component, wish)
  const batches = strategy === 'rolling' && wish.previous ? rollingOf(service, component, wish, rolling) : undefined
  const rings = strategy === 'canary' ? ringsOf(service, canary) : undefined
  const shares = strategy === 'canary' && !rings ? sharesOf(canary) : canary.rungs
  const warmMinutes = {
    canary: canary.keepWarmMinutes,
    'blue-green': blueGreen.keepWarmMinutes,
    rolling: rolling.keepWarmMinutes,
  }
  const schema = schemaOf(service, wish, strategy === 'rolling' ? rolling.readOnlyMinutesMax : undefined)
  const atLeast = schema.contract ? (service.migrations?.contractAfterMinutes ?? 0) : 0
  const bakeMinutes = { canary: canary.bakeMinutes, 'blue-green': blueGreen.bakeMinutes, rolling: rolling.bakeMinutes }
  const warmMs = Math.max(warmMinutes[strategy], atLeast) * MINUTE
  const rungs = batches ? rollingRungs(batches) : shares
  return {
    strategy,
    next: made.next,
    plan: {
      ...schema,
      ...(warmMs > 0 ? { warmMs } : {}),
      ...(shadow ? { shadow } : {}),
      ...(batches ? { rolling: batches } : {}),
      ...(rings ? { rings } : {}),
      ...(made.part ? { part: made.part } : {}),
      ...(Object.keys(made.parts).length > 0 ? { parts: made.parts, application: made.application } : {}),
    },
    trial: {
      strategy: strategy === 'blue-green' ? 'blue-green' : 'canary',
      stable: wish.previous?.release ?? '',
      canary: made.next.release,
      rungs,
      rungMsMin: canary.rungSecondsMin * SECOND,
      margin: canary.margin,
      holdBack: batches ? 1 - rungs[rungs.length - 1]! : canary.holdBack,
      bakeMs: bakeMinutes[strategy] * MINUTE,
    },
  }
}

/** The shadow is a proof before the trial: what follows it is how citizens get the release. */
function supported({ strategy, followedBy }: Figures): DeploymentPlan['strategy'] {
  if (strategy !== 'shadow') return strategy
  const next = followedBy[0] ?? 'blue-green'
  return next === 'shadow' ? 'blue-green' : next
}

function shadowOf(shadow: Figures['shadow'], wish: StrategyWish): ShadowingPlan {
  const { minutesMin, sampleMin, unintendedShareMax, tolerance, inFlightMax, unsafeSteps } = shadow
  return {
    msMin: minutesMin * MINUTE,
    // Without a share that is tolerated, no sample proves anything; this many pairs see a fault of one in a hundred.
    sampleMin: sampleMin ?? (unintendedShareMax > 0 ? sampleFor(0, unintendedShareMax) : SAMPLE_MIN),
    unintendedShareMax,
    tolerance,
    inFlightMax,
    unsafe: unsafeSteps,
    manifest: wish.manifest ?? '',
    msMax: Math.max(SHADOW_MS_MAX, 3 * minutesMin * MINUTE),
  }
}

/** 300 pairs without a difference: at most 1 % differ, with 95 % confidence (exact Poisson: 2.996 ÷ 300). */
const SAMPLE_MIN = 300

/** What a replica is made of: a release of the application, and one of each part. */
function madeOf(service: Service, component: Component, wish: StrategyWish) {
  const { part } = wish
  const application = part ? (wish.application ?? '') : wish.release
  if (part && application === '') {
    throw new OpsError('NO_APPLICATION', {
      message: `${part.artefact} ${wish.release} needs an application to work with, and none was deployed yet.`,
      fix: 'holdfast deploy start --release NAME',
      exit: EXIT.usage,
    })
  }
  const parts = { ...wish.parts, ...(part ? { [part.artefact]: wish.release } : {}) }
  const folderOf = (id: string) => `${wish.root}/${partNamed(service, id).releases}/${parts[id]}`
  const env = Object.fromEntries(Object.keys(parts).map((id) => [partNamed(service, id).env, folderOf(id)]))
  const release = compositeName(application, parts)
  if (release.length > RELEASE_NAME_MAX) {
    throw new OpsError('NAME_TOO_LONG', {
      message: `Together the releases are called ${release}, longer than ${RELEASE_NAME_MAX} characters.`,
      fix: 'Give the release of the artefact a shorter name.',
      exit: EXIT.usage,
    })
  }
  const named = part && partNamed(service, part.artefact)
  const plan: PartPlan | undefined = named && {
    artefact: named.id,
    name: named.name ?? named.id,
    release: wish.release,
    folder: folderOf(named.id),
    digest: part.digest,
    env: named.env,
  }
  const folder = `${wish.root}/${component.releases ?? 'releases'}/${application}`
  return { part: plan, parts, application, next: { release, folder, env: { ...component.env, ...env } } }
}

function rollingOf(
  service: Service,
  component: Component,
  wish: StrategyWish,
  rolling: Figures['rolling'],
): RollingPlan {
  const { previousPlan, singleReplicas } = wish
  if (!previousPlan || singleReplicas === false) {
    throw new OpsError('CANNOT_ROLL', {
      message: previousPlan
        ? 'This runtime cannot start and stop single replicas.'
        : `How ${wish.previous?.release} was started is not known here, so replicas of it could not be started again.`,
      fix: 'Set deployment.strategy to canary or blue-green.',
      exit: EXIT.usage,
    })
  }
  return planRolling({
    replicas: component.replicas,
    batchShare: rolling.batchShare,
    inFlightPeak: peakInFlight(
      service.journeys.map(({ demand, steps }) => ({
        peakPerMinute: demand?.peakPerMinute ?? null,
        limitsMs: steps.map(({ limitMs }) => limitMs),
      })),
    ),
    inFlightPerReplica: component.inFlightMax ?? null,
    memoryMb: component.memoryMb ?? null,
    memoryFreeMb: wish.memoryFreeMb ?? null,
    keepOld: rolling.keepOld,
    previous: previousPlan,
  })
}

/** Cohorts that are shares of all sessions are rungs by another name. */
function sharesOf(canary: Figures['canary']): readonly number[] {
  const shares = canary.cohorts.flatMap(({ share, tenants }) => (share !== undefined && !tenants ? [share] : []))
  return shares.length > 0 ? shares : canary.rungs
}

/** Of a ring's new sessions while it is on trial: equal arms tell most for the fewest citizens. */
const RING_SHARE = 0.5

/** Rings of tenants; undefined: the definition's cohorts are none. */
export function ringsOf(service: Service, canary: Figures['canary']): RingsPlan | undefined {
  const { cohorts } = canary
  if (cohorts.length === 0 || cohorts.every(({ share, tenants, when }) => share !== undefined && !tenants && !when))
    return undefined
  const where = placeOf(service)
  const open = cohorts.filter(({ tenants }) => !tenants)
  if (!where || open.length > 1) {
    throw new OpsError('RING_TENANTS', {
      message: where
        ? `Cohorts ${open.map(({ id }) => id).join(' and ')} name no tenants; only one can be everybody else.`
        : 'The definition has cohorts, and does not say where a request tells its tenant.',
      fix: where ? 'List the tenants of all cohorts but one.' : 'Add tenants.in, e.g. in: { path: 0 }',
      exit: EXIT.usage,
    })
  }
  const named = cohorts.flatMap(({ tenants }) => tenants ?? [])
  const twice = named.find((id, i) => named.indexOf(id) !== i)
  if (twice !== undefined) {
    throw new OpsError('RING_TENANTS', {
      message: `Tenant ${twice} is in two cohorts.`,
      fix: 'Leave it in one of them.',
      exit: EXIT.usage,
    })
  }
  return { where, rings: cohorts.map((cohort) => ringOf(service, cohort)) }
}

function ringOf(service: Service, cohort: Figures['canary']['cohorts'][number]): RingPlan {
  return {
    id: cohort.id,
    says: cohort.says,
    tenants: cohort.tenants ?? null,
    when: cohort.when ?? null,
    share: cohort.share !== undefined && cohort.share < 1 ? cohort.share : RING_SHARE,
    holdMs: cohort.holdMinutes * MINUTE,
    evidence: cohort.evidence.map(({ what, count }) => ({ what, count, step: stepNamed(service, what) })),
  }
}

/** "sends" is about step `send`. Words that name no step count sessions at the busiest one. */
function stepNamed(service: Service, what: string): string | null {
  const words = what.toLowerCase().split(/[^a-z0-9-]+/)
  for (const { id, steps } of service.journeys) {
    const step = steps.find(
      (one) => one.route !== undefined && words.some((word) => word === one.id || word === `${one.id}s`),
    )
    if (step) return `${id}/${step.id}`
  }
  return null
}

function placeOf({ tenants, journeys }: Service): TenantPlace | undefined {
  if (tenants?.in?.header !== undefined) return { in: 'header', header: tenants.in.header }
  if (tenants?.in?.host) return { in: 'host' }
  if (tenants?.in?.path !== undefined) return { in: 'path', at: tenants.in.path }
  for (const { route } of journeys.flatMap(({ steps }) => steps)) {
    const at = route?.split('/').indexOf(':tenant') ?? -1
    if (at > 0) return { in: 'path', at: at - 1 }
  }
  return undefined
}

/** The files by their phase (see migration.ts), and how the middle one is paced. */
function schemaOf(service: Service, { migrations, queries }: StrategyWish, readOnlyMinutes: number | undefined) {
  const of = (phase: string) => migrations.filter(({ file }) => phaseOfFile(file) === phase)
  const contract = of('contract')
  const files = of('migrate')
  const pace = service.migrations?.backfill
  const backfill: BackfillPlan | undefined =
    files.length > 0 && pace
      ? {
          files,
          batch: pace.batch,
          pauseMs: pace.pauseMs,
          lagMsMax: pace.lagSecondsMax * SECOND,
          activeMax: pace.activeMax,
          when: pace.when,
          msMax: pace.minutesMax * MINUTE,
        }
      : undefined
  const minutesMax = Math.min(service.migrations?.minutesMax ?? Infinity, readOnlyMinutes ?? Infinity)
  return {
    migrations: of('expand'),
    ...(migrations.length > 0 && minutesMax < Infinity ? { schemaMsMax: minutesMax * MINUTE } : {}),
    ...(contract.length > 0 ? { contract } : {}),
    ...(backfill ? { backfill } : {}),
    ...(queries ? { queries } : {}),
  }
}
