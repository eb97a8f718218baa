/** The deploy commands. Starting and steering is in station/deploy.ts; here are words, JSON and exit codes. */
import { userInfo } from 'node:os'
import { isOver } from '../../core/deploy/deploying.ts'
import type { DeploymentState } from '../../core/deploy/deployment.ts'
import { isWarm } from '../../core/deploy/finishing.ts'
import { EXIT, type ExitCode, messageOf, OpsError } from '../../core/errors.ts'
import { MINUTE } from '../../core/time.ts'
import type { Station } from '../../station/station.ts'
import type { Call, Command, Option } from '../command.ts'
import { approve, review } from './deploy-approve.ts'
import { narrator, summaryOf, wordsOf } from './deploy-words.ts'

const BY: Option = {
  flags: '--by <name>',
  says: 'who you are, for the log (default: the account you are logged in as)',
}
const REASON: Option = { flags: '--reason <text>', says: 'why, in one sentence; it goes into the log' }
const GATEWAY: Option = {
  flags: '--listen <host:port>',
  says: 'where citizens reach the gateway, if it is not running yet',
  default: '127.0.0.1:8080',
}

const METRICS: Option = {
  flags: '--metrics <host:port>',
  says: 'where Prometheus reads what the gateway counted, if it is not running yet; "none": nowhere',
  default: '127.0.0.1:9464',
}

const GLASS: readonly Option[] = [
  {
    flags: '--break-glass <reason>',
    says: 'start without the window, approvals and the gates named in --skip; loud: logged, and a manager is told at once',
  },
  {
    flags: '--skip <gates>',
    says: 'with --break-glass: gates to leave out, separated by commas; never the right target or the schema',
  },
  {
    flags: '--emergency <reason>',
    says: 'start outside of the window when other people agree (deployment.windows.emergency.approvers)',
  },
]
const ENVIRONMENT: Option = {
  flags: '--environment <name>',
  says: 'the environment that you mean (default: the only one, or the only production)',
}

const ARTEFACT: Option = {
  flags: '--artefact <name>',
  says: 'deploy this artefact instead of the application (a rule set, a template); --release is then one of its releases',
}

const plan: Command = {
  name: 'deploy plan',
  says: 'May I deploy now? Window, gates, approvals, time to a verdict, worst-case harm and time to take it back, before anything moves.',
  example: 'holdfast deploy plan --release r2',
  options: [{ flags: '--release <name>', says: 'the release to deploy' }, ARTEFACT, ENVIRONMENT, BY],
  exits: {
    1: 'not now: closed window, a gate that fails, destructive schema change, or another deployment',
    3: 'the store cannot be reached',
  },
  async run(call) {
    const release = needed(call, 'release', 'holdfast deploy plan --release r2')
    const { openStation } = await import('../../station/station.ts')
    const { forecastDeployment, forecastLines } = await import('../../station/forecast.ts')
    const station = await openStation({ ...stationOptions(call), look: true })
    try {
      const wish = { release, by: who(call), ...artefactOf(call), ...environmentOf(call) }
      const forecast = await forecastDeployment(station.store, station.world, station.service, station.root, wish)
      call.io.out(call.json ? JSON.stringify(forecast) : forecastLines(forecast).join('\n'))
      return forecast.may ? EXIT.done : EXIT.no
    } finally {
      await station.close()
    }
  },
}

const start: Command = {
  name: 'deploy start',
  says: 'Deploys a release beside the running one, moves citizens over on evidence, and takes it back by itself when it hurts them.',
  example: 'holdfast deploy start --release r2 --reason "new question on the bank page"',
  options: [
    { flags: '--release <name>', says: 'the release to deploy' },
    ARTEFACT,
    REASON,
    BY,
    GATEWAY,
    METRICS,
    ENVIRONMENT,
    {
      flags: '--wait [minutes]',
      says: 'when another deployment is under way, wait in line for its end (default: 60 minutes) and then begin',
    },
    {
      flags: '--detach',
      says: 'return as soon as the engine of "holdfast serve" has taken it; Ctrl-C and the end of this shell then change nothing',
    },
    ...GLASS,
  ],
  exits: {
    1: 'refused before anything moved: window, gate, approval, or another deployment',
    3: 'something outside did not answer; nothing was changed',
    4: 'rolled back: citizens are on the old release',
    5: 'rollback not confirmed: a person is needed now',
  },
  async run(call) {
    const release = needed(call, 'release', 'holdfast deploy start --release r2')
    const { openStation } = await import('../../station/station.ts')
    const { beginDeployment } = await import('../../station/deploy.ts')
    const station = await openStation(stationOptions(call))
    try {
      const { store, world, service, root } = station
      if (call.options.wait !== undefined) {
        const waited = await waitForTurn(call, station, release)
        if (waited !== null) return waited
      }
      const detached = call.options.detach === true
      if (detached) {
        const { mustServe } = await import('../../station/detach.ts')
        await mustServe(store, service.service.id)
      }
      const begun = await beginDeployment(store, world, service, root, {
        release,
        by: who(call),
        reason: reasonOf(call, `deploy ${release}`),
        ...artefactOf(call),
        ...environmentOf(call),
        ...waiverOf(call),
        wakeEngine: () => {
          call.io.progress('The rollback window of the last deployment is being ended.')
          if (!detached) station.startEngine()
        },
      })
      if (!begun.begun) {
        if (call.json)
          call.io.out(
            JSON.stringify({ begun: false, why: begun.why, findings: begun.findings, holder: begun.holder ?? null }),
          )
        else
          call.io.out(
            [
              begun.why,
              ...begun.findings.map(({ file, line, says, fix }) => `  ${file}:${line} ${says}\n    Fix: ${fix}`),
            ].join('\n'),
          )
        return EXIT.no
      }
      call.io.progress(`Deployment ${begun.id}.${detached ? '' : ' Ctrl-C takes the release back.'}`)
      if (call.options.breakGlass !== undefined && !begun.plan.waiver)
        call.io.progress('Nothing stood in the way, so the glass stays whole.')
      if (detached) return await leaveIt(call, station, begun.id)
      station.startEngine()
      return await toTheEnd(call, station, begun.id, (state) => isOver(state) || isWarm(state))
    } finally {
      await station.close()
    }
  },
}

const status: Command = {
  name: 'deploy status',
  args: '[id]',
  says: 'What is happening to a deployment, which release really answers citizens, and whether its replicas run what was planned.',
  example: 'holdfast deploy status',
  exits: {
    1: 'there is no such deployment, or a replica runs something else than was planned',
    3: 'the store cannot be reached',
    5: 'a rollback is not confirmed',
  },
  async run(call) {
    const { openStation } = await import('../../station/station.ts')
    const { findDeployment } = await import('../../station/deploy.ts')
    const { whatReallyRuns } = await import('../../station/really-runs.ts')
    const station = await openStation({ ...stationOptions(call), look: true })
    try {
      const row = await findDeployment(station.store, station.service.service.id, call.args[0])
      const state = row.state as unknown as DeploymentState
      const [really, what] = await Promise.all([
        station.whatRuns(),
        whatReallyRuns(station.store, station.world, state.serving),
      ])
      if (call.json) call.io.out(JSON.stringify({ ...summaryOf(state), runs: { ...really, releases: what.releases } }))
      else
        call.io.out(
          [wordsOf(state), `Running now: ${really.says}`, ...what.says.map((line) => `Checked: ${line}`)].join('\n'),
        )
      if ('paged' in state.phase && state.phase.paged) return EXIT.unconfirmed
      return what.releases.some(({ verdict }) => verdict === 'different') ? EXIT.no : EXIT.done
    } finally {
      await station.close()
    }
  },
}

function steering(name: 'halt' | 'resume' | 'promote' | 'rollback', says: string, example: string): Command {
  return {
    name: `deploy ${name}`,
    args: '[id]',
    says,
    example,
    options: [REASON, BY],
    exits: {
      1: 'there is no such deployment, it is over, or it could not do that any more',
      3: 'the store cannot be reached',
      4: 'citizens are on the old release',
      5: 'not confirmed: a person is needed',
    },
    async run(call) {
      const reason = needed(call, 'reason', example)
      const { openStation } = await import('../../station/station.ts')
      const { findDeployment, follow, tell } = await import('../../station/deploy.ts')
      const station = await openStation(stationOptions(call))
      try {
        const { id } = await findDeployment(station.store, station.service.service.id, call.args[0])
        await tell(station.store, id, name, who(call), reason, call.io.stop)
        // Nobody may be running an engine now: the order is carried out from here then.
        station.startEngine()
        // A halt is carried out when traffic says so, and then needs nobody. Everything else is seen through to its end.
        if (name !== 'halt') return await toTheEnd(call, station, id)
        const done = AbortSignal.timeout(HALT_MS)
        const isHalted = ({ phase }: DeploymentState) => phase.name === 'halted' && phase.confirmBy === null
        const state = await follow(station.store, id, narrator(call), AbortSignal.any([done, call.io.stop]), isHalted)
        call.io.out(call.json ? JSON.stringify(summaryOf(state)) : wordsOf(state))
        if (isHalted(state) || isOver(state)) return EXIT.done
        call.io.progress('The traffic layer has not confirmed it yet. Look again: holdfast deploy status')
        return EXIT.unconfirmed
      } finally {
        await station.close()
      }
    },
  }
}

/** The engine that serves goes on with it; without one it is called off again, before anything has moved. */
async function leaveIt(call: Call, station: Station, id: string): Promise<ExitCode> {
  const { isTaken } = await import('../../station/detach.ts')
  const { follow, tell } = await import('../../station/deploy.ts')
  const taken = await isTaken(station.store, id, call.io.stop)
  const why = taken
    ? `The engine that serves has taken it and goes on by itself. To look: holdfast deploy status ${id}   To take it back: holdfast deploy rollback ${id} --reason "…"`
    : 'No engine took it, so it was called off; nothing has moved. Try again when "holdfast serve" runs, or without --detach.'
  if (!taken) {
    await tell(station.store, id, 'rollback', who(call), 'no engine took it')
    station.startEngine()
    await follow(station.store, id, () => {}, AbortSignal.timeout(LEAVE_MS))
  }
  call.io.out(call.json ? JSON.stringify({ begun: taken, id, detached: taken, why }) : why)
  return taken ? EXIT.done : EXIT.unreachable
}

/** How long `deploy halt` waits for the traffic layer: a page goes out after 90 s. */
const HALT_MS = 100_000
/** How long a release that is being taken back after Ctrl-C is waited for. */
const LEAVE_MS = 120_000

/** Follows a deployment until it is over. Ctrl-C takes the release back first, and says so; only then we leave. */
async function toTheEnd(
  call: Call,
  station: Station,
  id: string,
  enough: (state: DeploymentState) => boolean = isOver,
): Promise<ExitCode> {
  const { exitOf, firstPage, follow, tell } = await import('../../station/deploy.ts')
  const { store } = station
  const say = narrator(call)
  let state: DeploymentState | undefined
  try {
    state = await follow(store, id, say, call.io.stop, enough)
    if (!isOver(state) && isWarm(state) && !call.io.stop.aborted) return leftWarm(call, state)
    if (!isOver(state)) {
      call.io.progress('Interrupted. Taking the release back before leaving …')
      const patience = AbortSignal.timeout(LEAVE_MS)
      await tell(store, id, 'rollback', who(call), 'interrupted at the keyboard', patience)
      state = await follow(store, id, say, patience)
    }
  } catch (thrown) {
    call.io.progress(`We cannot tell what became of ${id}: ${messageOf(thrown)}`)
    call.io.progress('The gateway serves on as it was last told. Look again: holdfast deploy status')
    return EXIT.unconfirmed
  }
  const page = state.phase.name === 'rolled-back' ? await firstPage(store, id) : null
  if (page) call.io.progress(`${page} Pages climb the ladder only while an engine runs: keep "holdfast serve" running.`)
  call.io.out(call.json ? JSON.stringify(summaryOf(state)) : wordsOf(state))
  return call.io.stop.aborted && isOver(state) ? EXIT.interrupted : exitOf(state)
}

/** Promoted; what is left is to wait until the rollback window closes, which any engine does. */
function leftWarm(call: Call, state: DeploymentState): ExitCode {
  call.io.progress(`${state.lastWhy} To go back: holdfast deploy rollback --reason "…"`)
  call.io.progress(
    'What follows is done by any engine: keep "holdfast serve" running. The next deployment ends the window, and so does holdfast deploy promote.',
  )
  call.io.out(call.json ? JSON.stringify(summaryOf(state)) : wordsOf(state))
  return EXIT.done
}

export const deploy: readonly Command[] = [
  plan,
  start,
  status,
  steering(
    'halt',
    'Sends every citizen to the old release and waits for a person.',
    'holdfast deploy halt --reason "calls about wrong amounts"',
  ),
  steering(
    'resume',
    'Starts the trial of a halted release again.',
    'holdfast deploy resume --reason "calls were about something else"',
  ),
  steering(
    'promote',
    'Ends the trial by hand: every citizen gets the new release.',
    'holdfast deploy promote --reason "fix needed before the payment run"',
  ),
  steering(
    'rollback',
    'Takes the release back by hand, or calls it off while it waits.',
    'holdfast deploy rollback --reason "wrong amounts shown"',
  ),
  approve,
  review,
]

/** Null: it is this one's turn. */
async function waitForTurn(call: Call, station: Station, release: string): Promise<ExitCode | null> {
  const minutes = call.options.wait === true ? WAIT_MINUTES : Number(call.options.wait)
  if (!(minutes > 0 && minutes <= 7 * 24 * 60)) {
    throw new OpsError('WAIT_MINUTES', {
      message: `--wait takes minutes, not ${String(call.options.wait)}.`,
      fix: '--wait 60',
      exit: EXIT.usage,
    })
  }
  const { waitInLine } = await import('../../station/line.ts')
  const turn = await waitInLine(station.store, station.service.service.id, {
    who: who(call),
    release,
    msMax: minutes * MINUTE,
    stop: call.io.stop,
    say: (text) => call.io.progress(text),
  })
  if (turn === 'mine') return null
  const why =
    turn === 'interrupted'
      ? 'Interrupted while waiting; nothing was begun.'
      : `It was not our turn within ${minutes} minutes; nothing was begun.`
  call.io.out(call.json ? JSON.stringify({ begun: false, why, findings: [], holder: null }) : why)
  return turn === 'interrupted' ? EXIT.interrupted : EXIT.no
}

/** An hour: longer than a trial with its bake usually takes. */
const WAIT_MINUTES = 60

function artefactOf({ options }: Call): { artefact?: string } {
  return typeof options.artefact === 'string' ? { artefact: options.artefact } : {}
}

function environmentOf(call: Call): { readonly environment?: string } {
  const named = call.options.environment
  return typeof named === 'string' ? { environment: named } : {}
}

function waiverOf(call: Call): { breakGlass?: string; skip?: string[]; emergency?: string } {
  const text = (name: string) => {
    const value = call.options[name]
    return typeof value === 'string' && value.trim() ? value.trim() : undefined
  }
  const [breakGlass, emergency, skip] = [text('breakGlass'), text('emergency'), text('skip')]
  return {
    ...(breakGlass ? { breakGlass } : {}),
    ...(emergency ? { emergency } : {}),
    ...(skip
      ? {
          skip: skip
            .split(',')
            .map((gate) => gate.trim())
            .filter(Boolean),
        }
      : {}),
  }
}

function stationOptions(call: Call) {
  const { state, service, io, options } = call
  return {
    state,
    serviceFile: service,
    env: io.env,
    remark: (text: string) => io.progress(text),
    listen: String(options.listen ?? '127.0.0.1:8080'),
    ...(typeof options.metrics === 'string' && options.metrics !== 'none' ? { metrics: options.metrics } : {}),
  }
}

function who(call: Call): string {
  return String(call.options.by ?? call.io.env.HOLDFAST_USER ?? call.io.env.USER ?? userInfo().username)
}

function reasonOf(call: Call, otherwise: string): string {
  return String(call.options.reason ?? otherwise)
}

function needed(call: Call, name: string, example: string): string {
  const value = call.options[name]
  if (typeof value === 'string' && value.trim()) return value.trim()
  throw new OpsError('OPTION_MISSING', { message: `--${name} is needed.`, fix: example, exit: EXIT.usage })
}
