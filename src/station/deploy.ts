/** Starting, following and steering deployments through the store: what the CLI, the console and the demo all do. */
import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Service } from '../core/define/schema.ts'
import { type Baseline, learned } from '../core/deploy/baseline.ts'
import { isOver } from '../core/deploy/deploying.ts'
import {
  type ArmBackends,
  type Artefact,
  type DeploymentPlan,
  type DeploymentState,
  newDeployment,
  type PhaseName,
} from '../core/deploy/deployment.ts'
import { isWarm } from '../core/deploy/finishing.ts'
import { harmIncidentId } from '../core/deploy/harm.ts'
import { judgeMigrations } from '../core/deploy/migration.ts'
import { planDeployment, webComponent } from '../core/deploy/plan.ts'
import { environmentMeant } from '../core/deploy/target.ts'
import { EXIT, type ExitCode, type Finding, OpsError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import type { IncidentState } from '../core/respond/state.ts'
import { londonOf } from '../core/time.ts'
import type { World } from '../engine/world.ts'
import type { MachineRow, Store } from '../ports/store.ts'
import { isUnreachable } from '../ports/unreachable.ts'
import { imageOf } from './image.ts'
import { cannotReturn, strategyWish } from './strategy-wish.ts'
import { type WaiverWish, wayOf } from './waiver.ts'

const SQL_BYTES_MAX = 1024 * 1024
const SQL_FILES_MAX = 500

export interface Wanted extends WaiverWish {
  readonly release: string
  /** What is deployed instead of the application: a rule set, a template; `release` is one of its releases then. */
  readonly artefact?: string
  readonly by: string
  readonly reason: string
  /** Id of the environment that is meant; absent: the only one, or the only production. */
  readonly environment?: string
  /** Changes the plan before it is frozen; the demo sets its pace with it. */
  readonly adjust?: (plan: DeploymentPlan) => DeploymentPlan
  /** Called when an engine has something to do before this deployment can begin; absent: one runs. */
  readonly wakeEngine?: () => unknown
}

export type Begun =
  | { readonly begun: true; readonly id: string; readonly plan: DeploymentPlan }
  | { readonly begun: false; readonly why: string; readonly findings: readonly Finding[]; readonly holder?: string }

/** Plans and creates a deployment. Refuses, with an entry in the log, what must not even begin. */
export async function beginDeployment(
  store: Store,
  world: World,
  service: Service,
  root: string,
  wanted: Wanted,
): Promise<Begun> {
  const id = `dep-${wanted.release}-${randomUUID().slice(0, 8)}`
  const no = async (why: string, findings: readonly Finding[] = []): Promise<Begun> => {
    const data = { release: wanted.release, rules: findings.map(({ rule, file, line }) => `${rule} ${file}:${line}`) }
    const entry = { kind: 'deployment.refused', subject: wanted.release, who: wanted.by, why, data }
    await store.record(service.service.id, [entry])
    return { begun: false, why, findings }
  }
  // Asked before what serves is read: a deployment that is just finishing would leave us with a release that is being stopped.
  const open = await openDeployment(store, service.service.id)
  if (open && !isKeptWarm(open)) return { begun: false, why: busyWhy(open), findings: [], holder: open.id }
  const meant = environmentMeant(service, wanted.environment)
  if (meant && 'why' in meant)
    throw new OpsError('ENVIRONMENT_UNKNOWN', { message: meant.why, fix: '--environment NAME', exit: EXIT.usage })
  const { closed, waiver } = wayOf(service, wanted, await store.now())
  if (closed) return no(closed)
  const serving = await servingRelease(store, service.service.id)
  const found = await strategyWish(store, world, service, root, { ...wanted, serving })
  const gone = wanted.artefact ? null : await cannotReturn(store, world, service, root, wanted.release)
  if (gone) return no(gone)
  mustBeSet(service, world)
  const previous = serving ? await armOf(world, serving) : null
  const migrations = wanted.artefact ? [] : await migrationsOf(service, root, wanted.release)
  const pending = migrations.length > 0 ? await pendingOf(world, migrations) : []
  const judged = judgeMigrations(pending, service.migrations?.policy ?? 'expand-contract')
  const bad = judged.filter(({ severity }) => severity === 'error')
  if (bad.length > 0) {
    const why = `Release ${wanted.release} changes the schema in a way that release ${serving} could not live with: ${bad[0]!.says}`
    return no(why, judged)
  }
  const plan = planDeployment(service, {
    id,
    release: wanted.release,
    previous,
    now: await store.now(),
    root,
    by: wanted.by,
    reason: wanted.reason,
    migrations: pending,
    ...found,
    ...imageOf(service, root, wanted.artefact ? (found.application ?? '') : wanted.release),
    baselines: await baselinesOf(store, service.service.id),
    ...(waiver ? { waiver } : {}),
    ...(meant ? { environment: meant.environment.id } : {}),
  })
  if (serving === plan.next.release) return no(`Release ${serving} answers citizens already.`)
  const adjusted = wanted.adjust ? wanted.adjust(plan) : plan
  const left = (adjusted.gates ?? []).filter(({ id: gate }) => wanted.leaveOut?.includes(gate) !== true)
  const frozen: DeploymentPlan = { ...adjusted, gates: left, artefact: await identified(world, adjusted) }
  // Nothing speaks against this one any more: only now the last one's way back is given up.
  const ended = open && (await endWindow(store, open, frozen, wanted))
  if (ended && 'why' in ended) return { begun: false, why: ended.why, findings: [], holder: open.id }
  const created = await store.create(service.service.id, newDeployment(frozen, await store.now()), [])
  if (typeof created === 'object') {
    return { begun: false, why: busyWhy(created.holder), findings: [], holder: created.holder.id }
  }
  return { begun: true, id, plan: frozen }
}

/** Who is deploying, since when and why: whoever is told to wait wants to know for whom. */
export function busyWhy(holder: MachineRow): string {
  const { plan, lastWhy } = holder.state as unknown as DeploymentState
  const since = londonOf(holder.createdAt)
  return `${plan.requestedBy} has been deploying release ${plan.next.release} since ${since} (${plan.reason}): ${lastWhy} To wait for its end: --wait. To look: holdfast deploy status ${holder.id}`
}

/** What replicas of this plan would be, byte for byte. */
export async function identified(world: World, { next }: Pick<DeploymentPlan, 'next'>): Promise<Artefact> {
  if (!world.runtime.identify) return { why: 'this runtime does not tell what it would start.' }
  const answer = await world.runtime.identify(next)
  return isUnreachable(answer) ? { why: answer.why } : answer
}

/** The deployment that is under way; undefined: none is. */
export async function openDeployment(store: Store, service: string): Promise<MachineRow | undefined> {
  const [open] = await store.list({ kind: 'deployment', service, done: false, limit: 1 })
  return open
}

/** True while all that is left of an open deployment is its rollback window. */
export function isKeptWarm({ state }: MachineRow): boolean {
  return isWarm(state as unknown as DeploymentState)
}

/** Deployments whose outcome stands, newest first: those that are over, and one whose old release is only kept warm. */
export async function settledDeployments(store: Store, service: string, limit: number): Promise<DeploymentState[]> {
  const rows = await store.list({ kind: 'deployment', service, limit })
  return rows.filter((row) => row.done || isKeptWarm(row)).map(({ state }) => state as unknown as DeploymentState)
}

/** The release that answers citizens: what the newest finished deployment left serving. Null: none was ever deployed. */
export async function servingRelease(store: Store, service: string): Promise<string | null> {
  // One that was refused as a first release, or when it was started again after a reboot, left nothing serving and says nothing.
  for (const { serving } of await settledDeployments(store, service, 50)) {
    if (serving !== null) return serving
  }
  return null
}

/** What the start of another deployment does to the rollback window of this one. */
export function windowWords({ state }: MachineRow): string {
  const { plan, phase } = state as unknown as DeploymentState
  const until = phase.name === 'finishing' ? londonOf(phase.deadline) : ''
  const [old, now] = [plan.previous?.release, plan.next.release]
  return `release ${old} is kept warm for ${plan.id} until ${until}. This deployment ends that at its start and stops ${old}: from then on the way back is to ${now}.`
}

/** Longer than stopping a release takes (finishing.ts), in ms. */
const END_WINDOW_MS = 120_000

/** Ends the rollback window of the last deployment and waits until its old release has stopped; or says why the new one cannot begin. */
async function endWindow(
  store: Store,
  { id }: MachineRow,
  plan: DeploymentPlan,
  { by, reason, wakeEngine }: Wanted,
): Promise<DeploymentState | { readonly why: string }> {
  wakeEngine?.()
  await tell(store, id, 'supersede', by, `release ${plan.next.release} is to be deployed (${reason})`).catch(
    (thrown) => {
      // It has just come to its end by itself.
      if (!(thrown instanceof OpsError) || thrown.code !== 'DEPLOYMENT_OVER') throw thrown
    },
  )
  const patience = AbortSignal.timeout(END_WINDOW_MS)
  // An alarm may have put it back on trial at this very moment; then it is the last one's turn again.
  const state = await follow(
    store,
    id,
    () => {},
    patience,
    ({ phase }) => phase.name !== 'finishing',
  )
  if (!isOver(state)) return { why: `The rollback window of ${id} could not be ended: ${state.lastWhy}` }
  if (state.serving === plan.previous?.release) return state
  return { why: `Meanwhile ${state.lastWhy} The plan was made for ${plan.previous?.release}; plan again.` }
}

/** A replica without a setting, or a schema step without a database, would fail later and less clearly. */
/** Settings of the service that a start needs and that are not set here. */
export function settingsMissing(service: Service, world: World): string[] {
  const { secretEnv } = webComponent(service)
  const needed = [...secretEnv, ...(service.migrations?.tool === 'holdfast' ? [service.migrations.databaseEnv] : [])]
  return [...new Set(needed)].filter((name) => !world.env[name])
}

function mustBeSet(service: Service, world: World): void {
  const missing = settingsMissing(service, world)
  if (missing.length === 0) return
  throw new OpsError('SETTING_MISSING', {
    message: `The service needs ${missing.join(', ')}, which is not set here.`,
    fix: missing.map((name) => `export SERVICE_${name}=…`).join('   '),
    exit: EXIT.usage,
  })
}

async function armOf(world: World, release: string): Promise<ArmBackends> {
  const instances = await world.runtime.instances(release)
  if (isUnreachable(instances)) {
    throw new OpsError('RUNTIME_GONE', { message: instances.why, fix: 'holdfast serve', exit: EXIT.unreachable })
  }
  if (!instances.some(({ ready }) => ready)) {
    throw new OpsError('NOTHING_RUNS', {
      message: `Release ${release} should be running, but no replica of it is ready.`,
      fix: `holdfast serve   (starts release ${release} again), then deploy`,
      exit: EXIT.unreachable,
    })
  }
  return { release, backends: instances.map(({ id, host, port }) => ({ id, host, port })) }
}

export async function migrationsOf(
  service: Service,
  root: string,
  release: string,
): Promise<{ file: string; sql: string }[]> {
  if (service.migrations?.tool !== 'holdfast') return []
  const component = webComponent(service)
  return sqlFilesOf([
    join(root, service.migrations.folder),
    join(root, component.releases ?? 'releases', release, service.migrations.folder),
  ])
}

/** The migrations in these folders, in the order of their names. A folder that is not there has none. */
export async function sqlFilesOf(folders: readonly string[]): Promise<{ file: string; sql: string }[]> {
  const found: { file: string; sql: string }[] = []
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => [])
    for (const name of names.filter((one) => one.endsWith('.sql')).slice(0, SQL_FILES_MAX)) {
      const sql = await readFile(join(folder, name), 'utf8')
      if (sql.length > SQL_BYTES_MAX) {
        throw new OpsError('MIGRATION_TOO_LARGE', {
          message: `${name} is larger than ${SQL_BYTES_MAX / 1024} KiB.`,
          fix: 'Split it; move data changes into batches of their own.',
          exit: EXIT.usage,
        })
      }
      found.push({ file: name, sql })
    }
  }
  return found.sort((a, b) => (a.file < b.file ? -1 : 1))
}

export async function pendingOf(world: World, migrations: readonly { file: string; sql: string }[]) {
  const pending = await world.schema!.pending(migrations)
  if (isUnreachable(pending)) {
    throw new OpsError('SERVICE_DATABASE_GONE', {
      message: pending.why,
      fix: 'Check the address of the database that the service uses.',
      exit: EXIT.unreachable,
    })
  }
  return pending
}

const baselineKey = (service: string) => `baseline:${service}`

export async function baselinesOf(store: Store, service: string): Promise<Record<string, Baseline>> {
  return ((await store.get(baselineKey(service))) ?? {}) as unknown as Record<string, Baseline>
}

/** What the finished deployment learned of the serving release becomes the next one's expectation. */
export async function rememberBaseline(store: Store, state: DeploymentState): Promise<void> {
  if (!state.trial) return
  const after: Record<string, Baseline> = { ...(await baselinesOf(store, state.plan.service)) }
  state.trial.steps.forEach((step, i) => {
    const { journey, step: name } = state.plan.trial.steps[i]!
    const key = `${journey}/${name}`
    after[key] = learned(after[key], state.phase.name === 'promoted' ? step.canary : step.stable)
  })
  await store.put(baselineKey(state.plan.service), after as unknown as Json)
}

/** Reports each change until the deployment is over, or has gone as far as the caller wants. */
export async function follow(
  store: Store,
  id: string,
  onChange: (state: DeploymentState) => void,
  signal?: AbortSignal,
  enough: (state: DeploymentState) => boolean = isOver,
): Promise<DeploymentState> {
  let version = -1
  for (;;) {
    const row = await patiently(() => store.read(id), signal)
    if (!row)
      throw new OpsError('NO_SUCH_DEPLOYMENT', {
        message: `There is no deployment ${id}.`,
        fix: 'holdfast deploy status',
      })
    const state = row.state as unknown as DeploymentState
    if (row.version !== version) onChange(state)
    version = row.version
    if (row.done || isOver(state)) {
      await patiently(() => rememberBaseline(store, state), signal)
      return state
    }
    if (signal?.aborted || enough(state)) return state
    await patiently(() => store.wait(200, signal), signal)
  }
}

/** A store that is away for a moment (a fail-over) is waited for: whoever follows a deployment must not leave it alone. */
async function patiently<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (thrown) {
      if (!(thrown instanceof OpsError) || thrown.code !== 'STORE_GONE' || signal?.aborted) throw thrown
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}

export async function tell(
  store: Store,
  deployment: string,
  name: 'halt' | 'resume' | 'promote' | 'rollback' | 'approve' | 'supersede',
  who: string,
  reason: string,
  signal?: AbortSignal,
  more: Readonly<Record<string, Json>> = {},
): Promise<void> {
  // One id for every try: the order is one order, however often it is sent.
  const message = { to: deployment, id: randomUUID(), name, who, payload: { reason, ...more } }
  const posted = await patiently(() => store.post(message), signal)
  if (posted === 'no-such-machine') {
    throw new OpsError('NO_SUCH_DEPLOYMENT', {
      message: `There is no deployment ${deployment}.`,
      fix: 'holdfast deploy status',
    })
  }
  if (posted === 'done') {
    throw new OpsError('DEPLOYMENT_OVER', {
      message: `Deployment ${deployment} is already over.`,
      fix: 'To go back now, deploy the earlier release: holdfast deploy start --release NAME',
    })
  }
}

/** The open deployment of the service, or the named one. */
export async function findDeployment(store: Store, service: string, id?: string): Promise<MachineRow> {
  const row = id ? await store.read(id) : (await store.list({ kind: 'deployment', service, limit: 1 }))[0]
  if (row?.kind === 'deployment') return row
  throw new OpsError('NO_SUCH_DEPLOYMENT', {
    message: id ? `There is no deployment ${id}.` : `Nothing was deployed yet for ${service}.`,
    fix: 'holdfast deploy start --release NAME',
  })
}

const BEFORE: ReadonlySet<PhaseName> = new Set(['gating', 'awaiting-approval', 'refused'])

/** Exit code of a deployment that is over; of one that is not, because somebody left it: nobody here can confirm anything. */
export function exitOf({ phase, history }: DeploymentState): ExitCode {
  if (phase.name === 'promoted') return EXIT.done
  // A gate or a person said no before anything had moved: an answer, and nothing was taken back.
  if (phase.name === 'refused' && history.every(({ phase: name }) => BEFORE.has(name))) return EXIT.no
  return phase.name === 'rolled-back' || phase.name === 'refused' ? EXIT.rolledBack : EXIT.unconfirmed
}

/** What came of the first page about a deployment's harm, waiting a moment for it; null: nobody was to be paged. */
export async function firstPage(store: Store, deployment: string): Promise<string | null> {
  for (let tries = 0; tries < 60; tries++) {
    const row = await store.read(harmIncidentId(deployment))
    if (!row) return null
    const [page] = (row.state as unknown as IncidentState).pages
    if (page && page.status !== 'due')
      return `Incident ${row.id}: the page to the ${page.role} by ${page.route} was ${page.status}.`
    await store.wait(250)
  }
  return 'The first page has not gone out yet.'
}
