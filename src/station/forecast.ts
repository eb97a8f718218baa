/** "May I deploy now, and what would it take?": answered before anything moves, and without moving anything. */
import { mayDeploy } from '../core/define/calendar.ts'
import type { Service } from '../core/define/schema.ts'
import { judgeMigrations } from '../core/deploy/migration.ts'
import { planDeployment } from '../core/deploy/plan.ts'
import { planTrial, type TrialForecast } from '../core/deploy/planner.ts'
import type { Finding } from '../core/errors.ts'
import { HOUR } from '../core/time.ts'
import { plural } from '../core/words.ts'
import type { World } from '../engine/world.ts'
import type { MachineRow, Store } from '../ports/store.ts'
import { baselinesOf, migrationsOf, pendingOf, servingRelease } from './deploy.ts'

export interface Forecast {
  readonly release: string
  readonly serving: string | null
  readonly strategy: string
  readonly window: { readonly open: boolean; readonly says: string }
  readonly alpha: number
  /** Findings about all migrations of the release; those of severity error would refuse it. */
  readonly schema: readonly Finding[]
  /** What the findings rest on. */
  readonly schemaSays: string
  readonly trial: TrialForecast | null
  /** Where the traffic figure comes from, or why there is none. */
  readonly trafficSays: string
  readonly approvals: number
  /** Another deployment that is under way. */
  readonly busy: string | null
  readonly may: boolean
}

export async function forecastDeployment(
  store: Store,
  world: World,
  service: Service,
  root: string,
  release: string,
): Promise<Forecast> {
  const now = await store.now()
  const serving = await servingRelease(store, service.service.id)
  const all = await migrationsOf(service, root, release)
  const files = world.schema && all.length > 0 ? await pendingOf(world, all) : all
  const schema = judgeMigrations(files, service.migrations?.policy ?? 'expand-contract')
  const plan = planDeployment(service, {
    id: 'forecast',
    release,
    previous: serving ? { release: serving, backends: [] } : null,
    now,
    root,
    by: 'forecast',
    reason: 'forecast',
    migrations: files,
    baselines: await baselinesOf(store, service.service.id),
  })
  const window = mayDeploy(service, now)
  const perMinute = service.journeys.reduce((sum, { demand }) => sum + (demand?.normalPerMinute ?? 0), 0)
  const [open] = await store.list({ kind: 'deployment', service: service.service.id, done: false, limit: 1 })
  const refused = schema.some(({ severity }) => severity === 'error')
  return {
    release,
    serving,
    strategy: plan.strategy,
    window: { open: window.open, says: window.why },
    alpha: plan.trial.alpha,
    schema,
    schemaSays: schemaSaysOf(all.length, files.length, world.schema !== undefined),
    trial: perMinute > 0 ? planTrial(plan.trial, { sessionsPerHour: (perMinute * HOUR) / 60_000, now }) : null,
    trafficSays:
      perMinute > 0
        ? `${perMinute} sessions a minute, the ordinary demand that the definition gives its journeys`
        : 'cannot tell how long the verdict takes, because no journey says how many attempt it (demand)',
    approvals: plan.approvals,
    busy: open ? busyOf(open) : null,
    may: window.open && !refused && !open,
  }
}

function schemaSaysOf(all: number, pending: number, asked: boolean): string {
  if (all === 0) return 'this release brings no migrations.'
  if (asked) return `${plural(pending, 'migration')} of ${all} would be applied first.`
  return `cannot tell which of ${plural(all, 'migration')} the database already has, because SERVICE_DATABASE_URL is not set; read as for an empty database.`
}

function busyOf({ id }: MachineRow): string {
  return `${id} is under way`
}

export function forecastLines(forecast: Forecast): string[] {
  const { release, serving, strategy, window, alpha, schema, schemaSays, trial, trafficSays, approvals, busy } =
    forecast
  return [
    `Release ${release} beside ${serving ?? 'nothing: it would be the first'}, by ${strategy}.`,
    `Window: ${window.says}`,
    ...(busy ? [`Another deployment: ${busy}.`] : []),
    `Verdict: a good release is taken back wrongly in at most ${alpha * 100} % of deployments.`,
    trial ? `${trial.says} (${trafficSays})` : `Time: ${trafficSays}.`,
    approvals > 0 ? `Approvals needed: ${approvals}.` : 'Approvals needed inside the window: none.',
    `Schema: ${schemaSays}`,
    ...schema.map(({ file, line, says, fix }) => `Schema: ${file}:${line} ${says}\n    Fix: ${fix}`),
    forecast.may ? 'You may start it now.' : 'You may not start it now.',
  ]
}
