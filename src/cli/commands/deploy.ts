/** The deploy commands. Starting and steering is in station/deploy.ts; here are words, JSON and exit codes. */
import { userInfo } from 'node:os'
import { isOver } from '../../core/deploy/deploying.ts'
import type { DeploymentState } from '../../core/deploy/deployment.ts'
import { EXIT, type ExitCode, messageOf, OpsError } from '../../core/errors.ts'
import { durationOf, isoOf } from '../../core/time.ts'
import { percentOf, plural } from '../../core/words.ts'
import type { Station } from '../../station/station.ts'
import type { Call, Command, Option } from '../command.ts'

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

const GLASS: Option = {
  flags: '--break-glass <reason>',
  says: 'start although the deployment window is closed; loud, and logged with your reason',
}

const plan: Command = {
  name: 'deploy plan',
  says: 'May I deploy now? Strategy, window, time to a verdict, worst-case harm and schema changes, before anything moves.',
  example: 'holdfast deploy plan --release r2',
  options: [{ flags: '--release <name>', says: 'the release to deploy' }],
  exits: {
    1: 'not now: closed window, destructive schema change, or another deployment',
    3: 'the store cannot be reached',
  },
  async run(call) {
    const release = needed(call, 'release', 'holdfast deploy plan --release r2')
    const { openStation } = await import('../../station/station.ts')
    const { forecastDeployment, forecastLines } = await import('../../station/forecast.ts')
    const station = await openStation({ ...stationOptions(call), look: true })
    try {
      const forecast = await forecastDeployment(station.store, station.world, station.service, station.root, release)
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
  options: [{ flags: '--release <name>', says: 'the release to deploy' }, REASON, BY, GATEWAY, GLASS],
  exits: {
    1: 'refused before it began',
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
      const begun = await beginDeployment(store, world, service, root, {
        release,
        by: who(call),
        reason: reasonOf(call, `deploy ${release}`),
        ...(typeof call.options.breakGlass === 'string' ? { breakGlass: call.options.breakGlass } : {}),
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
      call.io.progress(`Deployment ${begun.id}. Ctrl-C takes the release back.`)
      station.startEngine()
      return await toTheEnd(call, station, begun.id)
    } finally {
      await station.close()
    }
  },
}

const status: Command = {
  name: 'deploy status',
  args: '[id]',
  says: 'What is happening to a deployment, and which release really answers citizens.',
  example: 'holdfast deploy status',
  exits: { 1: 'there is no such deployment', 3: 'the store cannot be reached', 5: 'a rollback is not confirmed' },
  async run(call) {
    const { openStation } = await import('../../station/station.ts')
    const { findDeployment } = await import('../../station/deploy.ts')
    const station = await openStation({ ...stationOptions(call), look: true })
    try {
      const row = await findDeployment(station.store, station.service.service.id, call.args[0])
      const state = row.state as unknown as DeploymentState
      const really = await station.whatRuns()
      if (call.json) call.io.out(JSON.stringify({ ...summaryOf(state), runs: really }))
      else call.io.out(`${wordsOf(state)}\nRunning now: ${really.says}`)
      return 'paged' in state.phase && state.phase.paged ? EXIT.unconfirmed : EXIT.done
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

/** How long `deploy halt` waits for the traffic layer: a page goes out after 90 s. */
const HALT_MS = 100_000
/** How long a release that is being taken back after Ctrl-C is waited for. */
const LEAVE_MS = 120_000

/** Follows a deployment until it is over. Ctrl-C takes the release back first, and says so; only then we leave. */
async function toTheEnd(call: Call, station: Station, id: string): Promise<ExitCode> {
  const { exitOf, firstPage, follow, tell } = await import('../../station/deploy.ts')
  const { store } = station
  const say = narrator(call)
  let state: DeploymentState | undefined
  try {
    state = await follow(store, id, say, call.io.stop)
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
  steering('rollback', 'Takes the release back by hand.', 'holdfast deploy rollback --reason "wrong amounts shown"'),
]

function stationOptions(call: Call) {
  const { state, service, io, options } = call
  return {
    state,
    serviceFile: service,
    env: io.env,
    remark: (text: string) => io.progress(text),
    listen: String(options.listen ?? '127.0.0.1:8080'),
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

/** Prints each new chapter, and the weight with its evidence while citizens move. */
function narrator(call: Call): (state: DeploymentState) => void {
  let told = 0
  let weight = -1
  return (state) => {
    for (const { at, phase, why } of state.history.slice(told))
      call.io.progress(`${isoOf(at).slice(11, 19)}  ${phase.padEnd(12)} ${why}`)
    told = state.history.length
    if (state.phase.name === 'on-trial' && state.steering && state.steering.weight !== weight) {
      weight = state.steering.weight
      call.io.progress(`${' '.repeat(10)}${percentOf(weight).padStart(5)} of new sessions. ${state.lastWhy}`)
    }
  }
}

/** The JSON of `deploy status`, stable for pipelines. */
export function summaryOf(state: DeploymentState): Record<string, unknown> {
  const { plan, phase, measured } = state
  return {
    deployment: plan.id,
    service: plan.service,
    release: plan.next.release,
    previous: plan.previous?.release ?? null,
    strategy: plan.strategy,
    phase: phase.name,
    serving: state.serving,
    weight: state.steering?.weight ?? 0,
    why: state.lastWhy,
    canarySessions: measured.canarySessions,
    canaryFailed: measured.canaryFailed,
    failedByDeployment: measured.failedByUs,
    detectMs: between(measured.firstFailedAt, measured.decidedAt),
    actMs: between(measured.decidedAt, measured.lastRequestAt ?? measured.appliedAt),
    ...(phase.name === 'promoted' || phase.name === 'rolled-back' || phase.name === 'refused'
      ? { endedAt: measured.endedAt }
      : {}),
  }
}

function between(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : Math.max(0, to - from)
}

export function wordsOf(state: DeploymentState): string {
  const { plan, measured } = state
  const lines = [state.lastWhy]
  const detect = between(measured.firstFailedAt, measured.decidedAt)
  const act = between(measured.decidedAt, measured.lastRequestAt ?? measured.appliedAt)
  if (measured.canaryFailed > 0)
    lines.push(`${plural(measured.canaryFailed, 'citizen session')} failed on release ${plan.next.release}.`)
  if (detect !== null && state.phase.name === 'rolled-back')
    lines.push(`First bad answer to decision: ${durationOf(detect)}.`)
  if (act !== null && state.phase.name === 'rolled-back')
    lines.push(`Decision to the last request on the bad release: ${durationOf(act)}.`)
  lines.push(`Requests failed by the deployment itself: ${measured.failedByUs}.`)
  return lines.join('\n')
}
