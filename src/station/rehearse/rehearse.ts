/** `holdfast rehearse rollback`: drills in a sandbox, and the entry in the log of the real service. */
import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openHoldfastStore } from '../../adapters/postgres/open.ts'
import type { Call } from '../../cli/command.ts'
import type { Service } from '../../core/define/schema.ts'
import type { DeploymentState } from '../../core/deploy/deployment.ts'
import { stepMatches } from '../../core/deploy/plan.ts'
import { EXIT, type ExitCode, messageOf, OpsError } from '../../core/errors.ts'
import {
  drillLines,
  faultOf,
  judgeRehearsal,
  type Rehearsal,
  rehearsalEntry,
  rehearsalPassed,
  rehearsalSays,
} from '../../core/rehearse/drill.ts'
import { type DrillFault, faultWords, parseFault } from '../../core/rehearse/fault.ts'
import { MINUTE } from '../../core/time.ts'
import { journeyScript, walkable } from '../../load/journeys.ts'
import type { Store } from '../../ports/store.ts'
import type { StepMatch } from '../../ports/traffic.ts'
import { servingRelease } from '../deploy.ts'
import { clearSandbox } from '../sandbox.ts'
import { readService } from '../station.ts'
import { openWitnesses, runDrill, type Witnesses } from './drill.ts'
import { openSandbox, releasesOf, type Sandbox } from './sandbox.ts'

/** Visits a second: with the seven pages of a form about 150 requests, which two cores carry beside all the rest. */
export const VISITS_PER_SECOND = 15
const TIMES_MAX = 1_000
/** Visits that must have ended well before a release is made bad: a service that does not work proves nothing. */
const VISITS_FIRST = 20
/** How long those are waited for, in ms. */
const FIRST_MS_MAX = 2 * MINUTE

export interface RehearseOptions {
  readonly times: number
  readonly faults: readonly DrillFault[]
  readonly visitsPerSecond: number
  /** "journey/step"; absent: the last form of the first journey. */
  readonly step?: string
  readonly release?: string
  readonly from?: string
  readonly weight?: number
  readonly seed: number
}

/** `open`: another way to a sandbox, for tests that have one; it is closed at the end. */
export async function rehearseRollback(
  call: Call,
  options: RehearseOptions,
  who: string,
  open: typeof openSandbox = openSandbox,
): Promise<ExitCode> {
  const { io, state } = call
  const service = readService(call.service)
  const root = dirname(call.service)
  const at = stepOf(service, options.step)
  // Opened first: a rehearsal that nobody will know of is not worth two minutes.
  const { store } = await openHoldfastStore({ state, env: io.env, log: (says) => io.progress(says) })
  try {
    const { release, from } = await releasesFor(store, service, root, options, io.progress)
    const promise = service.deployment.rollback.maxMinutes * MINUTE
    const shape = { release, wanted: options.times, wholeMsMax: promise }
    const rehearsal: Rehearsal = await rehearse(call, service, at, { ...options, release, from }, open).then(
      (done) => ({ ...shape, ...done }),
      (thrown) => {
        if (thrown instanceof OpsError && thrown.exit === EXIT.usage) throw thrown
        return { ...shape, drills: [], aborted: messageOf(thrown).replace(/\.?$/, '.') }
      },
    )
    const index = await store.record(service.service.id, [rehearsalEntry(rehearsal, who)])
    const passed = rehearsalPassed(rehearsal)
    const says = rehearsalSays(rehearsal)
    if (call.json) io.out(JSON.stringify({ passed, says, ...rehearsal, entry: index }))
    else io.out(`${says}\nEntry ${index} of the log: ${passed ? 'drill.passed' : 'drill.failed'}.`)
    if (io.stop.aborted) return EXIT.interrupted
    return passed ? EXIT.done : EXIT.no
  } finally {
    await store.close()
  }
}

type Chosen = RehearseOptions & { readonly release: string; readonly from: string }

async function rehearse(
  { io, state, service: serviceFile }: Call,
  service: Service,
  at: StepMatch,
  options: Chosen,
  open: typeof openSandbox,
): Promise<Pick<Rehearsal, 'drills' | 'aborted'>> {
  const say = (line: string) => io.progress(line)
  say(
    `Opening a sandbox for ${service.service.name}: gateway, replicas of ${options.from}, databases, all of its own …`,
  )
  const sandbox = await open({
    state: await ownFolder(state),
    serviceFile,
    env: io.env,
    from: options.from,
    remark: (says) => say(`  (${says})`),
    stop: io.stop,
  })
  const drills: Rehearsal['drills'][number][] = []
  let witnesses: Witnesses | undefined
  try {
    if (io.stop.aborted) return { drills, aborted: 'interrupted.' }
    witnesses = welcome(sandbox, service, options)
    const first = await firstVisits(witnesses, sandbox, io.stop)
    if (first !== null) return { drills, aborted: first }
    say(`Release ${options.from} serves, and ${options.visitsPerSecond} invented citizens a second use it.`)
    for (let i = 0; i < options.times && !io.stop.aborted; i++) {
      const fault = faultOf(options.faults, i)
      say(
        `Drill ${i + 1} of ${options.times}: release ${options.release}, of which ${faultWords(fault, `${at.journey}/${at.step}`)}.`,
      )
      const { release, weight, seed } = options
      const figures = await runDrill(sandbox, witnesses, {
        release,
        fault,
        at,
        ...(weight === undefined ? {} : { weight }),
        seed: seed + i,
        stop: io.stop,
        onState: narrator((line) => say(`   ${line}`)),
      })
      if (!figures) break
      const wholeMsMax = service.deployment.rollback.maxMinutes * MINUTE
      const judged = { ...figures, ...judgeRehearsal(figures, wholeMsMax) }
      drills.push(judged)
      for (const line of drillLines(judged, release)) say(`   ${line}`)
    }
    return { drills, aborted: io.stop.aborted ? 'interrupted at the keyboard.' : null }
  } finally {
    say('Closing the sandbox …')
    await witnesses?.stop()
    await sandbox.close()
  }
}

function welcome(sandbox: Sandbox, service: Service, { visitsPerSecond, seed }: Chosen): Witnesses {
  const shares = Object.fromEntries(service.journeys.map(({ id, demand }) => [id, demand?.normalPerMinute ?? 0]))
  const script = journeyScript(stepMatches(service), shares)
  return openWitnesses(sandbox, { script, ratePerSecond: visitsPerSecond * script.requestsMean, seed })
}

/** Why the running release is no fit for a drill; null: it serves its citizens. */
async function firstVisits(witnesses: Witnesses, { station }: Sandbox, stop: AbortSignal): Promise<string | null> {
  const until = Date.now() + FIRST_MS_MAX
  while (witnesses.visits().ended < VISITS_FIRST) {
    if (stop.aborted) return 'interrupted at the keyboard.'
    if (Date.now() > until)
      return `only ${witnesses.visits().ended} visits to the running release ended within 2 minutes.`
    await station.store.wait(100, stop)
  }
  const { ended, harmed } = witnesses.visits()
  if (harmed * 2 <= ended) return null
  return `the running release itself fails the invented citizens: ${harmed} of the first ${ended} visits met an error.`
}

function narrator(say: (line: string) => void): (state: DeploymentState) => void {
  let told = 1
  let suspected = false
  return ({ history, suspected: now, lastWhy }) => {
    for (const { phase, why } of history.slice(told)) if (phase === 'on-trial' || phase === 'refused') say(why)
    told = history.length
    if (now && !suspected) say(lastWhy)
    suspected = now
  }
}

/** Each run has a folder of its own; what a killed one left behind is cleared away first. */
async function ownFolder(state: string): Promise<string> {
  const folder = join(state, 'rehearsals')
  let names: string[] = []
  try {
    names = readdirSync(folder)
  } catch {
    // None was ever held here.
  }
  for (const name of names) if (!isAlive(Number(name.split('-')[0]))) await clearSandbox(join(folder, name))
  return join(folder, `${process.pid}-${randomUUID().slice(0, 4)}`)
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as { code?: string }).code === 'EPERM'
  }
}

/** What is made bad, and what serves meanwhile: without a wish, what serves citizens now, once more. */
async function releasesFor(
  store: Store,
  service: Service,
  root: string,
  wish: Pick<RehearseOptions, 'release' | 'from'>,
  say: (line: string) => void,
): Promise<{ release: string; from: string }> {
  const known = releasesOf(service, root)
  const serving = await servingRelease(store, service.service.id)
  const release = wish.release ?? serving ?? known[0]
  if (release === undefined) {
    throw new OpsError('NO_RELEASE', {
      message:
        'There is no release to rehearse with: nothing was deployed, and there is no folder of releases beside the definition.',
      fix: 'holdfast rehearse rollback --release NAME',
      exit: EXIT.usage,
    })
  }
  const from = wish.from ?? serving ?? release
  for (const name of [release, from]) {
    if (known.includes(name)) continue
    throw new OpsError('NO_SUCH_RELEASE', {
      message: `There is no release ${name} beside the definition${known.length > 0 ? `; there are ${known.join(', ')}` : ''}.`,
      fix: `holdfast rehearse rollback --release ${known[0] ?? 'NAME'}`,
      exit: EXIT.usage,
    })
  }
  if (wish.release === undefined && serving === null)
    say(`Nothing was deployed here yet, so release ${release} is rehearsed against itself.`)
  return { release, from }
}

/** The step that is hurt: the one that was named, or the last form of the first journey that can be walked. */
export function stepOf(service: Service, named?: string): StepMatch {
  const steps = stepMatches(service)
  const journeys = walkable(steps)
  const reached = [...journeys.values()].flat()
  if (named !== undefined) {
    const found = steps.find(({ journey, step }) => `${journey}/${step}` === named)
    if (found && reached.includes(found)) return found
    throw new OpsError('NO_SUCH_STEP', {
      message: found
        ? `Invented citizens do not come as far as ${named}: give the forms before it answers.`
        : `The definition has no step ${named}.`,
      fix: `--step ${reached.map(({ journey, step }) => `${journey}/${step}`).join(' | ') || 'JOURNEY/STEP'}`,
      exit: EXIT.usage,
    })
  }
  const [first] = journeys.values()
  const step = first?.findLast(({ method }) => method !== 'GET') ?? first?.at(-1)
  if (step) return step as StepMatch
  throw new OpsError('NOTHING_TO_WALK', {
    message: 'No journey can be walked without a person, so nobody would notice that a release is bad.',
    fix: 'Give the first steps of a journey a route, and its forms the answers of a synthetic citizen (form: { … }).',
    exit: EXIT.usage,
  })
}

/** Command-line wishes, checked. Throws OpsError. */
export function rehearseOptions(given: Readonly<Record<string, unknown>>): RehearseOptions {
  const faults = String(given.fault ?? '20%')
    .split(',')
    .map((text) => {
      const fault = parseFault(text.trim())
      if (fault) return fault
      throw usage(`"${text}" is no fault.`, '--fault total | 20% | slow | dead, or several with commas')
    })
  const number = (name: string, text: unknown, low: number, high: number) => {
    const value = Number(text)
    if (value >= low && value <= high) return value
    throw usage(`--${name} takes a number from ${low} to ${high}, not ${String(text)}.`, `--${name} ${low}`)
  }
  const weight =
    given.weight === undefined ? undefined : number('weight', String(given.weight).replace('%', ''), 0.1, 90)
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const [step, release, from] = [text(given.step), text(given.release), text(given.from)]
  return {
    times: Math.floor(number('times', given.times ?? 1, 1, TIMES_MAX)),
    faults,
    visitsPerSecond: number('visits', given.visits ?? VISITS_PER_SECOND, 0.1, 1_000),
    seed: Math.floor(number('seed', given.seed ?? 1, 0, 2 ** 31)),
    ...(weight === undefined ? {} : { weight: weight / 100 }),
    ...(step === undefined ? {} : { step }),
    ...(release === undefined ? {} : { release }),
    ...(from === undefined ? {} : { from }),
  }
}

function usage(message: string, fix: string): OpsError {
  return new OpsError('REHEARSE_USAGE', { message, fix, exit: EXIT.usage })
}
