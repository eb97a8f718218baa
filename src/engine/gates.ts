/** Asks the gates of a deployment: runs commands, reads reports, looks at the calendar, the log and the surroundings. */
import { mayDeploy } from '../core/define/calendar.ts'
import type { Service } from '../core/define/schema.ts'
import type { DeploymentState } from '../core/deploy/deployment.ts'
import { type DrillSeen, judgeDrill } from '../core/deploy/drill.ts'
import { failed, type GateAnswer, type GatePlan, passed } from '../core/deploy/gate.ts'
import { judgeMigrations } from '../core/deploy/migration.ts'
import { judgeReport, reportWords } from '../core/deploy/scan-report.ts'
import { environmentMeant, type Fact, judgeTarget } from '../core/deploy/target.ts'
import { messageOf, OpsError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { durationOf, HOUR, type Instant, MINUTE } from '../core/time.ts'
import { plural } from '../core/words.ts'
import type { Commands } from '../ports/commands.ts'
import type { Found, Reports } from '../ports/reports.ts'
import { isUnreachable } from '../ports/unreachable.ts'
import type { EffectContext } from './registry.ts'
import type { World } from './world.ts'

/** What gates need of the world, besides what deploying needs. */
export interface GateDesk {
  readonly service: Service
  /** Folder of the definition. */
  readonly root: string
  now(): Promise<Instant>
  /** What the surroundings say of where we are. */
  facts(): readonly Fact[]
  /** Rollbacks in the log, for real or rehearsed, since then. */
  drillsSince(from: Instant): Promise<readonly DrillSeen[]>
  /** Tries every alert that wakes somebody, below the definition's folder. It is minutes of arithmetic, so not in this process. */
  proveAlerts(paths: readonly string[], msMax: number): Promise<GateAnswer>
  readonly commands: Commands
  readonly reports: Reports
}

/** Payload of the effect `gate.run`. */
interface Order {
  readonly release: string
  readonly folder: string
  readonly environment: string | null
  readonly gate: GatePlan
  readonly migrations: readonly { readonly file: string; readonly sql: string }[]
}

/** How often a running command looks whether anybody still wants its answer, in ms. */
const WANTED_MS = 1_000
/** A report may be this much newer than our clock: clocks of build machines differ. */
const AHEAD_MS = 5 * MINUTE

export async function runGate(world: World, payload: unknown, context: EffectContext): Promise<Json> {
  const order = payload as Order
  const began = performance.now()
  const answer = await answerTo(world, order, context).catch((thrown) => {
    // A store that is away for a moment is no answer of the gate, and could not keep one: the engine tries again.
    if (thrown instanceof OpsError && thrown.code === 'STORE_GONE') throw thrown
    return failed(`It could not run: ${messageOf(thrown)}.`)
  })
  // Not an answer of the gate: the engine that holds the machine next asks again.
  if (context.stop?.aborted) throw new Error('this engine stopped while it asked the gate')
  return { ...answer, ms: answer.ms || Math.round(performance.now() - began) } as unknown as Json
}

async function answerTo(world: World, order: Order, context: EffectContext): Promise<GateAnswer> {
  const { gates: desk } = world
  if (!desk) return failed('This engine cannot ask gates: it was opened without the definition.')
  const { gate } = order
  switch (gate.how) {
    case 'target':
      return target(desk, order)
    case 'window':
      return window(desk)
    case 'migration':
      return migration(world, desk, order)
    case 'drill':
      return drill(desk, gate)
    case 'alerts':
      return desk.proveAlerts(gate.files.length > 0 ? gate.files : ['.'], gate.msMax)
    case 'report':
      return report(desk, order)
    case 'command':
      return command(world, desk, order, context)
    default:
      return failed(
        `Holdfast cannot run a gate of kind "${gate.kind}" by itself. Give it \`run\` or \`report\` in the definition.`,
      )
  }
}

function target({ service, facts }: GateDesk, { environment }: Order): GateAnswer {
  const meant = environmentMeant(service, environment ?? undefined)
  if (!meant) return failed('The definition names no environment, so nobody can tell which is meant.')
  if ('why' in meant) return failed(meant.why)
  const answer = judgeTarget(service, meant.environment, facts())
  const figures = { rows: answer.rows as unknown as Json, citizens: answer.citizens, environment: meant.environment.id }
  return answer.passed ? passed(answer.says, { figures }) : failed(`${answer.says} Fix: ${answer.fix}`, { figures })
}

async function window({ service, now }: GateDesk): Promise<GateAnswer> {
  const answer = mayDeploy(service, await now())
  const figures = answer.open
    ? { until: answer.until ?? null }
    : { because: [...answer.because], next: answer.next ?? null }
  return answer.open ? passed(answer.why, { figures }) : failed(answer.why, { figures })
}

async function migration(world: World, { service }: GateDesk, { migrations }: Order): Promise<GateAnswer> {
  // Asked again: somebody may have applied one by hand since the plan was made.
  const pending = world.schema && migrations.length > 0 ? await world.schema.pending(migrations) : migrations
  if (isUnreachable(pending)) return failed(pending.why)
  const { policy = 'expand-contract', indexes = 'concurrently' } = service.migrations ?? {}
  const findings = judgeMigrations(pending, policy, indexes)
  const bad = findings.filter(({ severity }) => severity === 'error')
  const figures = { files: pending.map(({ file }) => file), findings: findings.length }
  if (bad.length > 0) {
    const [{ file, line, says }] = bad as [(typeof bad)[number]]
    return failed(
      `${plural(bad.length, 'change')} of the schema would break the running release. ${file}:${line} ${says}`,
      { figures },
    )
  }
  if (pending.length === 0) return passed('This release changes nothing in the schema.', { figures })
  return passed(`${plural(pending.length, 'file')} judged: the running release goes on working.`, { figures })
}

async function drill({ now, drillsSince }: GateDesk, { ageMsMax }: GatePlan): Promise<GateAnswer> {
  const at = await now()
  const { passed: isFresh, says, last } = judgeDrill(await drillsSince(at - ageMsMax), at, ageMsMax)
  const figures = { last: last as unknown as Json }
  return isFresh ? passed(says, { figures }) : failed(says, { figures })
}

async function command(world: World, desk: GateDesk, order: Order, context: EffectContext): Promise<GateAnswer> {
  const { gate, folder, release } = order
  const missing = gate.envNames.filter((name) => !world.env[name])
  if (missing.length > 0) return failed(`${missing.join(', ')} is not set here. Set it as SERVICE_${missing[0]}.`)
  const named = Object.fromEntries(gate.envNames.map((name) => [name, world.env[name]!]))
  const component = desk.service.runtime.components.find(({ kind, command: argv }) => kind === 'web' && argv)
  const secrets = [...gate.envNames, ...(component?.secretEnv ?? [])].flatMap((name) => world.env[name] ?? [])
  const stop = new AbortController()
  context.stop?.addEventListener('abort', () => stop.abort(), { once: true })
  const looking = setInterval(() => void isWanted(context).then((yes) => yes || stop.abort()), WANTED_MS)
  try {
    const env = { ...named, HOLDFAST_RELEASE: release, HOLDFAST_SERVICE: world.service }
    const ran = await desk.commands.run({ argv: gate.run, folder, env, secrets, msMax: gate.msMax }, stop.signal)
    if (!ran.ran) return failed(`It could not run. ${ran.why}`)
    const { exit, ms, digest, tail, bytes } = ran
    const more = { exit, ms, digest, tail, figures: { bytes, command: gate.run.join(' ').slice(0, 500) } }
    if (ran.timedOut) return failed(`It was still running after ${durationOf(gate.msMax)} and was ended.`, more)
    if (ran.stopped) return failed('It was ended, because nobody wanted its answer any more.', more)
    if (exit !== 0)
      return failed(exit === null ? 'It was ended by a signal.' : `It ended with exit code ${exit}.`, more)
    const ok = passed(`Exit code 0 after ${durationOf(ms)}.`, more)
    return gate.report ? withReport(ok, await report(desk, order)) : ok
  } finally {
    clearInterval(looking)
  }
}

/** A command that ends well and leaves a report is believed only with it. */
function withReport(ran: GateAnswer, read: GateAnswer): GateAnswer {
  const figures = { ...ran.figures, ...read.figures, outputDigest: ran.digest }
  return {
    ...ran,
    passed: read.passed,
    says: `${ran.says} ${read.says}`,
    digest: read.digest,
    scanned: read.scanned,
    figures,
  }
}

async function isWanted({ machine }: EffectContext): Promise<boolean> {
  try {
    const row = await machine()
    if (!row || row.done) return false
    return (row.state as unknown as DeploymentState).phase.name === 'gating'
  } catch {
    // The store is away for a moment: the command goes on.
    return true
  }
}

async function report(desk: GateDesk, { gate, folder }: Order): Promise<GateAnswer> {
  const folders = [folder, desk.root]
  const found = await desk.reports.read(gate.report!, folders)
  if (!found.found) return failed(`Its report is missing. ${found.why}`)
  const judged = judgeReport(found.text)
  const { digest } = found
  if (!judged.read) return failed(`${found.path} proves nothing: ${judged.why}`, { digest })
  const about = gate.about ? await desk.reports.read(gate.about, folders) : null
  const ranAt = judged.ranAt ?? found.writtenAt
  const stale = staleness(gate, ranAt, await desk.now(), about)
  const scanned = about?.found ? about.digest : (judged.scanned[0] ?? null)
  const figures = {
    tool: judged.tool,
    serious: judged.serious,
    findings: judged.all,
    ranAt,
    scanned: [...judged.scanned],
  }
  const more = { digest, scanned, figures }
  if (stale) return failed(stale, more)
  return judged.serious === 0 ? passed(reportWords(judged), more) : failed(reportWords(judged), more)
}

/** Why a report is not about what is being released now, or undefined. */
function staleness(gate: GatePlan, ranAt: Instant, now: Instant, about: Found | null): string | undefined {
  if (about && !about.found) return `What the report is about is missing. ${about.why}`
  if (ranAt > now + AHEAD_MS) return `${gate.report} says that it was made ${durationOf(ranAt - now)} from now.`
  if (now - ranAt > gate.ageMsMax) {
    return `${gate.report} is ${durationOf(now - ranAt)} old; ${durationOf(Math.max(gate.ageMsMax, HOUR / 60))} are allowed.`
  }
  if (about?.found && about.writtenAt > ranAt) {
    return `${gate.report} is older than ${gate.about}, which has changed since: scan again.`
  }
  return undefined
}

/** Tells one person that the glass was broken: the rungs in order, until one of them is accepted. */
export async function tellOfGlass(world: World, payload: unknown, context: EffectContext): Promise<Json> {
  const { says, rungs, serviceName, deployment } = payload as {
    readonly says: string
    readonly serviceName: string
    readonly deployment: string
    readonly rungs: readonly { readonly role: string; readonly route: string; readonly to: string }[]
  }
  const wrong: string[] = []
  for (const { role, route, to } of rungs) {
    const notifier = world.notifiers[route]
    if (!notifier) {
      wrong.push(`no ${route} route is set up here`)
      continue
    }
    const subject = `Glass broken: ${serviceName}`
    const text = [
      says,
      '',
      'Nothing needs to be done at once: the release is on trial like any other, and taken back by itself when it hurts citizens.',
      'Please look at it afterwards, and write down what you found:',
      `holdfast deploy review ${deployment} --reason "…"`,
      ...(context.attempts > 0 ? ['', 'This may be a repeat.'] : []),
    ].join('\n')
    const sent = await notifier.send({ id: `${context.key}:${role}`, to, subject, text, data: { deployment } })
    if (isUnreachable(sent)) wrong.push(`${role} by ${route}: ${sent.why}`)
    else if (sent.sent === 'accepted') return { told: true, to: role, route }
    else wrong.push(`${role} by ${route}: ${sent.why}`)
  }
  return { told: false, why: wrong.join('; ') || 'the definition names nobody' }
}
