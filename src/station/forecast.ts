/** "May I deploy now, and what would it take?": answered before anything moves, and without moving anything. */
import { existsSync } from 'node:fs'
import { mayDeploy } from '../core/define/calendar.ts'
import { demandAt } from '../core/define/demand.ts'
import type { Journey, Service } from '../core/define/schema.ts'
import { whoMay } from '../core/deploy/approval.ts'
import { shortDigest } from '../core/deploy/artefact.ts'
import type { Artefact, DeploymentPlan } from '../core/deploy/deployment.ts'
import { answerIn, type GatePlan, stageOf } from '../core/deploy/gate.ts'
import { judgeMigrations } from '../core/deploy/migration.ts'
import { planDeployment } from '../core/deploy/plan.ts'
import { planTrial, type TrialForecast } from '../core/deploy/planner.ts'
import { forecastRollback, type RollbackForecast, rollbackLines } from '../core/deploy/rollback-forecast.ts'
import type { ShadowingPlan } from '../core/deploy/shadowing.ts'
import { strategyLines } from '../core/deploy/strategy-words.ts'
import { environmentMeant } from '../core/deploy/target.ts'
import type { Finding } from '../core/errors.ts'
import { durationOf, HOUR, MINUTE } from '../core/time.ts'
import { countOf, listOf, plural } from '../core/words.ts'
import { runGate } from '../engine/gates.ts'
import type { World } from '../engine/world.ts'
import type { Store } from '../ports/store.ts'
import {
  baselinesOf,
  busyWhy,
  identified,
  isKeptWarm,
  migrationsOf,
  openDeployment,
  pendingOf,
  servingRelease,
  settingsMissing,
  windowWords,
} from './deploy.ts'
import { imageOf } from './image.ts'
import { cannotReturn, strategyWish } from './strategy-wish.ts'

/** A gate as it stands before the start. */
export interface GateForecast {
  readonly id: string
  readonly name: string
  /** `later`: it is asked when the deployment starts, or after the release has started in private. */
  readonly now: 'passes' | 'fails' | 'later'
  readonly says: string
}

export interface Forecast {
  readonly release: string
  readonly serving: string | null
  readonly strategy: string
  /** What the strategy comes to here: batches, rings, the rollback window, the phases of the schema change. */
  readonly strategySays: readonly string[]
  /** Why this release cannot serve any more, and the way forward; null: it can. */
  readonly gone: string | null
  readonly environment: string | null
  /** What the release is, byte for byte. */
  readonly artefact: Artefact
  readonly window: { readonly open: boolean; readonly says: string }
  readonly gates: readonly GateForecast[]
  readonly alpha: number
  /** Findings about all migrations of the release; those of severity error would refuse it. */
  readonly schema: readonly Finding[]
  /** What the findings rest on. */
  readonly schemaSays: string
  readonly trial: TrialForecast | null
  /** Where the traffic figure comes from, or why there is none. */
  readonly trafficSays: string
  readonly rollback: RollbackForecast
  /** People who must agree; none has before the start. */
  readonly approvals: number
  readonly whoMay: string
  /** Another deployment that is under way: who, since when, why. */
  readonly busy: string | null
  /** The last deployment's rollback window, which this one would end; null: none is open. */
  readonly endsWindow: string | null
  /** Why there is nothing to deploy: no such release here, or it serves already; null: there is. */
  readonly nothing: string | null
  /** Settings that the start needs and that are not set here, as they are exported. */
  readonly unset: readonly string[]
  readonly may: boolean
}

export interface ForecastWish {
  readonly release: string
  /** What would be deployed instead of the application. */
  readonly artefact?: string
  readonly by: string
  readonly environment?: string
}

export async function forecastDeployment(
  store: Store,
  world: World,
  service: Service,
  root: string,
  wish: ForecastWish,
): Promise<Forecast> {
  const { release, by } = wish
  const now = await store.now()
  const serving = await servingRelease(store, service.service.id)
  const found = await strategyWish(store, world, service, root, { ...wish, serving })
  const gone = wish.artefact ? null : await cannotReturn(store, world, service, root, release)
  const all = wish.artefact ? [] : await migrationsOf(service, root, release)
  const files = world.schema && all.length > 0 ? await pendingOf(world, all) : all
  const schema = judgeMigrations(files, service.migrations?.policy ?? 'expand-contract')
  const meant = environmentMeant(service, wish.environment)
  const environment = meant && 'environment' in meant ? meant.environment.id : undefined
  const plan = planDeployment(service, {
    id: 'forecast',
    release,
    previous: serving ? { release: serving, backends: [] } : null,
    now,
    root,
    by,
    reason: 'forecast',
    migrations: files,
    ...found,
    ...imageOf(service, root, wish.artefact ? (found.application ?? '') : release),
    baselines: await baselinesOf(store, service.service.id),
    ...(environment ? { environment } : {}),
  })
  const nothing = nothingToDeploy(plan.next, serving)
  const window = mayDeploy(service, now)
  const demand = demandAt(service, now)
  const { perMinute } = demand
  const last = await openDeployment(store, service.service.id)
  const open = last && !isKeptWarm(last) ? last : undefined
  const refused = schema.some(({ severity }) => severity === 'error')
  const gates = await Promise.all((plan.gates ?? []).map((gate) => forecastGate(world, plan, gate)))
  // A ring is over when its own sessions were seen; the strategy's lines say how long that takes at least.
  const shadow = plan.shadow ? shadowForecast(service, plan.shadow) : null
  const traffic = { sessionsPerHour: (perMinute * HOUR) / MINUTE, now: now + (shadow?.ms ?? 0) }
  const trial = perMinute > 0 && !plan.rings ? planTrial(plan.trial, traffic) : null
  return {
    release,
    serving,
    strategy: plan.strategy,
    strategySays: [...strategyLines(plan), ...(shadow ? [shadow.says] : [])],
    gone,
    environment: environment ?? null,
    artefact: await identified(world, plan),
    window: { open: window.open, says: window.why },
    gates,
    alpha: plan.trial.alpha,
    schema,
    schemaSays: schemaSaysOf(all.length, files.length, world.schema !== undefined),
    trial,
    trafficSays: plan.rings
      ? `rings are held for at least ${durationOf(plan.rings.rings.reduce((sum, { holdMs }) => sum + holdMs, 0))} in all, and until their own sessions were seen`
      : perMinute > 0
        ? demand.says
        : 'cannot tell how long the verdict takes, because no journey says how many attempt it (demand)',
    rollback: forecastRollback(plan, trial, service.deployment.rollback.maxMinutes),
    approvals: plan.approvals,
    whoMay: whoMay(plan),
    busy: open ? busyWhy(open) : null,
    endsWindow: last && !open ? windowWords(last) : null,
    nothing,
    unset: settingsMissing(service, world).map((name) => `SERVICE_${name}`),
    may: window.open && !refused && !open && !gone && !nothing && gates.every(({ now: answer }) => answer !== 'fails'),
  }
}

/** Why a start would have nothing to do; null: it has. */
export function nothingToDeploy(
  { release, folder }: Pick<DeploymentPlan['next'], 'release' | 'folder'>,
  serving: string | null,
): string | null {
  if (serving === release) return `Release ${release} answers citizens already.`
  return existsSync(folder) ? null : `There is no release ${release} here: ${folder} does not exist.`
}

/** Pages and forms that are copied, at the demand of the definition: each step shows one page. The trial begins after that. */
export function shadowForecast(
  { journeys }: Pick<Service, 'journeys'>,
  { msMin, sampleMin, unsafe }: ShadowingPlan,
): { readonly ms: number; readonly says: string } {
  const copied = (journey: Journey) =>
    journey.steps.filter(({ route }) => route !== undefined).length +
    journey.steps.filter(({ id }) => unsafe.includes(`${journey.id}/${id}`)).length
  const perMinute = journeys.reduce((sum, one) => sum + (one.demand?.normalPerMinute ?? 0) * copied(one), 0)
  if (perMinute === 0) {
    const says = 'Shadow: cannot tell how long that takes, because no journey says how many attempt it (demand).'
    return { ms: msMin, says }
  }
  const ms = Math.max(msMin, (sampleMin / perMinute) * MINUTE)
  const rate = `about ${countOf(Math.round(perMinute))} pages a minute are copied at the ordinary demand`
  return { ms, says: `Shadow: ${rate}, so it takes about ${durationOf(ms)}; the trial begins after that.` }
}

/** What costs nothing is asked now; commands, and minutes of arithmetic, only at the start. */
async function forecastGate(world: World, plan: DeploymentPlan, gate: GatePlan): Promise<GateForecast> {
  const base = { id: gate.id, name: gate.name }
  if (gate.how === 'alerts' || stageOf(gate) !== 'checks') return { ...base, now: 'later', says: laterWords(gate) }
  const order = {
    release: plan.next.release,
    folder: plan.next.folder,
    environment: plan.environment ?? null,
    gate,
    migrations: gate.how === 'migration' ? plan.migrations : [],
  }
  const { passed, says } = answerIn(await runGate(world, order, NOBODY))
  return { ...base, now: passed ? 'passes' : 'fails', says }
}

/** Gates that are asked before the start belong to no machine. */
const NOBODY = {
  claim: { machine: 'forecast', owner: 'forecast', epoch: 0, leaseUntil: 0 },
  key: 'forecast',
  machine: async () => null,
  attempts: 0,
}

function laterWords({ how, run, msMax, pass }: GatePlan): string {
  const wanted = pass ? ` (${pass})` : ''
  if (how === 'private') return `synthetic journeys on the started release, before any citizen${wanted}`
  if (how === 'alerts') return `every paging alert is tried at the start${wanted}`
  return `${run.join(' ')}, at most ${durationOf(msMax)}${wanted}`
}

function schemaSaysOf(all: number, pending: number, asked: boolean): string {
  if (all === 0) return 'this release brings no migrations.'
  if (asked) return `${plural(pending, 'migration')} of ${all} would be applied first.`
  return `cannot tell which of ${plural(all, 'migration')} the database already has, because SERVICE_DATABASE_URL is not set; read as for an empty database.`
}

export function forecastLines(forecast: Forecast): string[] {
  const { release, serving, strategy, window, alpha, schema, schemaSays, trial, trafficSays, rollback } = forecast
  const { gates, approvals, busy, artefact, environment } = forecast
  return [
    `Release ${release} beside ${serving ?? 'nothing: it would be the first'}, by ${strategy}${environment ? `, in ${environment}` : ''}.`,
    ...forecast.strategySays,
    ...(forecast.nothing ? [`Nothing to deploy: ${forecast.nothing}`] : []),
    ...(forecast.gone ? [`No way back: ${forecast.gone}`] : []),
    ...(forecast.nothing ? [] : [`What it is: ${identityOf(artefact)}`]),
    `Window: ${window.says}`,
    ...(busy ? [`Not alone: ${busy}`] : []),
    ...(forecast.endsWindow ? [`Way back of the last one: ${forecast.endsWindow}`] : []),
    ...(environment
      ? []
      : ['Target: cannot tell whether this is the right place, because the definition names no environments.']),
    'Gates:',
    ...gates.map(({ name, now, says }) => `  ${now.padEnd(6)}  ${name}: ${says}`),
    approvals > 0
      ? `Approvals: ${plural(approvals, 'person', 'people')} must agree, none has yet. Who may: ${forecast.whoMay}. How: holdfast deploy approve`
      : 'Approvals needed inside the window: none.',
    `Schema: ${schemaSays}`,
    ...schema.map(({ file, line, says, fix }) => `Schema: ${file}:${line} ${says}\n    Fix: ${fix}`),
    `Verdict: a good release is taken back wrongly in at most ${alpha * 100} % of deployments.`,
    trial ? `${trial.says} (${trafficSays})` : `Time: ${trafficSays}.`,
    ...(trial
      ? [
          `Worst case: a total failure that begins when everybody is on it hurts about ${plural(trial.lateHarm, 'citizen')}.`,
        ]
      : []),
    rollback.says,
    ...rollbackLines(rollback).map((line) => `  ${line}`),
    mayWords(forecast),
  ]
}

function mayWords({ may, unset }: Forecast): string {
  if (!may) return 'You may not start it now.'
  return unset.length > 0
    ? `You may start it now, once ${listOf(unset)} ${unset.length > 1 ? 'are' : 'is'} set.`
    : 'You may start it now.'
}

function identityOf(artefact: Artefact): string {
  return 'digest' in artefact ? shortDigest(artefact.digest) : `cannot tell, because ${artefact.why}`
}
