import { createReadStream, existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import type { ReplayOptions } from '../../core/deploy/replay.ts'
import { EXIT, type ExitCode, OpsError } from '../../core/errors.ts'
import { londonOf } from '../../core/time.ts'
import { countOf } from '../../core/words.ts'
import type { Call, Command } from '../command.ts'

/** `deploy replay`: the verdict on a recorded stream of requests, or on a world that somebody else wrote. */
export const replay: Command = {
  name: 'deploy replay',
  args: '<file>',
  says: 'The verdict on a recorded stream of requests; with --closed-loop, the whole ramp against a world that asks for the weight. FILE "-" is standard input.',
  example: 'holdfast deploy replay requests.ndjson --limit-ms apply/submit=2000',
  options: [
    {
      flags: '--alpha <share>',
      says: 'chance that a good release is rolled back, 0 to 0.5 (default: 0.001, or the definition’s)',
    },
    {
      flags: '--limit-ms <journey/step=ms,...>',
      says: 'citizen limits: a slower answer has failed; "ms" alone is the limit of every other step (default: 8000, or the definition’s)',
    },
    {
      flags: '--closed-loop',
      says: 'answer each {"sync":n,"t":ms} line with the share of new sessions the new release should get',
    },
    { flags: '--strategy <name>', says: 'closed loop: canary or blue-green' },
    {
      flags: '--first-weight <share>',
      says: 'closed loop: share the new release begins with (default: the first rung)',
    },
    { flags: '--rungs <shares>', says: 'closed loop: shares to climb, rising, with commas' },
    { flags: '--rung-seconds <s>', says: 'closed loop: shortest stay on a rung' },
    {
      flags: '--bake-minutes <m>',
      says: 'time at the top before promotion (default: 120 in the closed loop, 10 for a recording)',
    },
    { flags: '--hold-back <share>', says: 'share that stays on the old release until the bake ends, as live control' },
    { flags: '--margin <share>', says: 'unproven extra failures per session that you accept while climbing' },
    {
      flags: '--history <share:units>',
      says: 'failure rate of the running release and how many units it rests on, e.g. 0.004:30000 (default: learned from the stream)',
    },
    { flags: '--synthetic', says: 'count probes as evidence too (only when they are sent half and half)' },
  ],
  exits: { 1: 'no line of the stream could be used' },
  async run(call) {
    const [file] = call.args
    const options = await optionsOf(call)
    const input = file === '-' ? process.stdin : open(resolve(call.io.cwd, file!), file!)
    return run(call, input, file === '-' ? 'standard input' : file!, options)
  },
}

/** Reads the stream and answers. Exported for tests, which bring their own input. */
export async function run(
  call: Pick<Call, 'io' | 'json'>,
  input: AsyncIterable<Buffer | string>,
  name: string,
  options: ReplayOptions,
): Promise<ExitCode> {
  const { Replay } = await import('../../core/deploy/replay.ts')
  const { linesOf, readLine } = await import('../../core/deploy/stream.ts')
  const { io, json } = call
  const replay = new Replay(options)
  const bad = badLines(io.progress, name)
  let requests = 0
  let last = 0
  let before = ''
  let asked = 0
  const say = (t: number, answer: ReturnType<typeof replay.look>, final: boolean) => {
    const { decision, why, evidence, canarySessions, canaryFailed } = answer
    const row = { t, decision, why, evidence: roundedOf(evidence), canarySessions, canaryFailed }
    if (json) io.out(JSON.stringify(final ? { ...row, final: true, requests, badLines: bad.count } : row))
    else if (final)
      io.out(
        `\nVerdict: ${decision}. ${why}\n${countOf(requests)} requests read, ${countOf(bad.count)} lines left out.`,
      )
    else io.out(`${londonOf(t)}  ${decision}: ${why}`)
  }
  let number = 0
  for await (const lines of linesOf(input)) {
    if (io.stop.aborted) return EXIT.interrupted
    for (const text of lines) {
      number++
      const line = readLine(text, last)
      switch (line.kind) {
        case 'empty':
          break
        case 'bad':
          bad.add(number, line.says)
          break
        case 'sync': {
          last = Math.max(last, line.t)
          if (!options.closedLoop) break
          asked++
          const answer = replay.look(last)
          const { decision, weight, why } = answer
          io.out(JSON.stringify({ sync: line.sync, decision, weight, why }))
          break
        }
        case 'request': {
          if (line.remark) bad.remark(number, line.remark)
          requests++
          last = Math.max(last, line.request.t)
          const answer = replay.add({ ...line.request, t: last })
          if (options.closedLoop || !answer || answer.decision === before) break
          before = answer.decision
          say(last, answer, false)
        }
      }
    }
  }
  if (replay.wandering)
    io.progress(
      'Most citizens met both releases in one session; each step was counted for the release that answered it first.',
    )
  bad.end()
  if (requests === 0 && asked === 0) {
    if (json)
      io.out(
        JSON.stringify({
          t: last,
          decision: 'hold',
          why: 'Cannot tell: there was no request to judge.',
          evidence: 0,
          canarySessions: 0,
          canaryFailed: 0,
          final: true,
          requests,
          badLines: bad.count,
        }),
      )
    else io.out('Cannot tell: there was no request to judge.')
    return EXIT.no
  }
  const answer = replay.look(last)
  if (!options.closedLoop) {
    if (answer.decision !== before) say(last, answer, false)
    say(last, answer, true)
  } else if (!json) io.progress(`${countOf(asked)} questions answered; the last answer: ${answer.why}`)
  return EXIT.done
}

/** The first bad lines are told one by one, the rest as a number, so that a broken file cannot flood the terminal. */
function badLines(progress: (text: string) => void, name: string) {
  const TOLD_MAX = 20
  let count = 0
  let remarks = 0
  return {
    get count() {
      return count
    },
    add(line: number, says: string) {
      count++
      if (count <= TOLD_MAX) progress(`${name}:${line}: ${says}; the line is left out.`)
    },
    remark(line: number, says: string) {
      remarks++
      if (remarks <= TOLD_MAX) progress(`${name}:${line}: ${says}.`)
    },
    end() {
      if (count > 0)
        progress(
          `${countOf(count)} lines were left out${count > TOLD_MAX ? `; the first ${TOLD_MAX} are named above` : ''}.`,
        )
      if (remarks > TOLD_MAX) progress(`${countOf(remarks)} lines had remarks; the first ${TOLD_MAX} are named above.`)
    },
  }
}

/** Odds with four digits are exact enough, and short. */
function roundedOf(odds: number): number {
  return Number(odds.toPrecision(4))
}

function open(path: string, shown: string): AsyncIterable<Buffer> {
  if (!existsSync(path))
    throw new OpsError('NO_STREAM', {
      message: `There is no file ${shown}.`,
      fix: 'holdfast deploy replay requests.ndjson, or "-" for standard input',
      exit: EXIT.usage,
    })
  return createReadStream(path, { highWaterMark: 256 * 1024 })
}

async function optionsOf(call: Call): Promise<ReplayOptions> {
  const { TRIAL_DEFAULTS } = await import('../../core/deploy/trial.ts')
  const closedLoop = call.options.closedLoop === true
  const defined = await definitionOf(call)
  const strategy = strategyOf(call.options.strategy ?? defined?.plan.strategy ?? TRIAL_DEFAULTS.strategy)
  const holdBack =
    shareFlag(call, 'holdBack', '--hold-back', 0.001, 0.5) ?? defined?.plan.holdBack ?? TRIAL_DEFAULTS.holdBack
  const bake = numberFlag(call, 'bakeMinutes', '--bake-minutes', 0, 100_000)
  const bakeMs =
    bake === undefined ? (defined?.plan.bakeMs ?? (closedLoop ? TRIAL_DEFAULTS.bakeMs : 600_000)) : bake * 60_000
  const seconds = numberFlag(call, 'rungSeconds', '--rung-seconds', 0, 86_400)
  const { limits, otherwise } = limitsOf(call.options.limitMs)
  const history = historyOf(call.options.history)
  const steps = new Map((defined?.steps ?? []).map((step) => [`${step.journey}/${step.step}`, step]))
  for (const limit of limits) steps.set(`${limit.journey}/${limit.step}`, limit)
  return {
    plan: {
      ...TRIAL_DEFAULTS,
      ...defined?.plan,
      stable: 'the running release',
      canary: 'the new release',
      strategy,
      alpha: shareFlag(call, 'alpha', '--alpha', 1e-9, 0.49) ?? defined?.plan.alpha ?? TRIAL_DEFAULTS.alpha,
      rungs: rungsOf(call, defined?.plan.rungs ?? TRIAL_DEFAULTS.rungs, 1 - holdBack),
      rungMsMin: seconds === undefined ? (defined?.plan.rungMsMin ?? TRIAL_DEFAULTS.rungMsMin) : seconds * 1_000,
      bakeMs,
      holdBack,
      margin: shareFlag(call, 'margin', '--margin', 1e-6, 0.9) ?? defined?.plan.margin ?? TRIAL_DEFAULTS.margin,
      synthetic: call.options.synthetic === true,
      // The share is what we asked for, or an estimate; what really came is in the counts.
      splitKnown: false,
    },
    // Limits alone name some steps, not all: the rest is learned from the stream.
    steps: defined ? [...steps.values()] : [],
    limits,
    limitMs: otherwise ?? 8_000,
    p0: history?.p0 ?? 0.005,
    p0Units: history?.units ?? 0,
    closedLoop,
  }
}

/** What the definition says, when there is one. A definition that was named must be readable and right; one that only lies here need not. */
async function definitionOf(call: Call) {
  const named = call.options.service !== 'service.yaml'
  if (!named && !existsSync(call.service)) return undefined
  const { readDefinition, textOf } = await import('./define.ts')
  const { loadService } = await import('../../core/define/load.ts')
  const shown = relative(call.io.cwd, call.service) || call.service
  const { service, findings } = loadService(readDefinition(call.service, shown), shown)
  if (!service && !named) {
    call.io.progress(`${shown} is not right (see holdfast define), so it is left out.`)
    return undefined
  }
  if (!service) {
    for (const finding of findings) call.io.progress(textOf(finding))
    throw new OpsError('DEFINITION_WRONG', {
      message: `${shown} is not right.`,
      fix: `holdfast define ${shown}`,
      exit: EXIT.usage,
    })
  }
  const { canary, blueGreen, alpha, suspicionSeconds, strategy } = service.deployment
  const own = strategy === 'blue-green' ? ('blue-green' as const) : ('canary' as const)
  return {
    plan: {
      strategy: own,
      alpha,
      rungs: canary.rungs,
      rungMsMin: canary.rungSecondsMin * 1_000,
      margin: canary.margin,
      holdBack: canary.holdBack,
      bakeMs: (own === 'canary' ? canary.bakeMinutes : blueGreen.bakeMinutes) * 60_000,
      suspicionMs: suspicionSeconds * 1_000,
    },
    steps: service.journeys.flatMap((journey) =>
      journey.steps.map((step) => ({ journey: journey.id, step: step.id, limitMs: step.limitMs })),
    ),
  }
}

function strategyOf(word: unknown): 'canary' | 'blue-green' {
  if (word === 'canary' || word === 'blue-green') return word
  throw usage('--strategy', `"${String(word)}" is not a strategy here`, '--strategy canary, or --strategy blue-green')
}

function rungsOf(call: Call, otherwise: readonly number[], top: number): readonly number[] {
  const given = call.options.rungs
  const first = shareFlag(call, 'firstWeight', '--first-weight', 1e-4, 0.99)
  const rungs = typeof given === 'string' ? given.split(',').map(Number) : [...otherwise]
  if (
    rungs.length === 0 ||
    rungs.length > 20 ||
    rungs.some((rung, i) => !(rung > 0 && rung <= 1 && rung > (rungs[i - 1] ?? 0)))
  )
    throw usage('--rungs', 'rungs are shares between 0 and 1, each above the one before', '--rungs 0.01,0.05,0.25,0.95')
  if (first === undefined) return rungs
  return [Math.min(first, top), ...rungs.filter((rung) => rung > first)]
}

/** "apply/submit=2000,apply/start=1000" and a bare "3000" for all others. */
function limitsOf(given: unknown) {
  const limits: { journey: string; step: string; limitMs: number }[] = []
  let otherwise: number | undefined
  for (const part of typeof given === 'string' ? given.split(',') : []) {
    const equals = part.lastIndexOf('=')
    const ms = Number(part.slice(equals + 1))
    const slash = part.indexOf('/')
    if (!(ms > 0 && ms <= 600_000) || (equals >= 0 && !(slash > 0 && slash < equals - 1)))
      throw usage(
        '--limit-ms',
        `"${part}" is not a limit`,
        '--limit-ms apply/submit=2000,apply/start=1000 (1 to 600,000 ms)',
      )
    if (equals < 0) otherwise = ms
    else limits.push({ journey: part.slice(0, slash).trim(), step: part.slice(slash + 1, equals).trim(), limitMs: ms })
  }
  return { limits, otherwise }
}

function historyOf(given: unknown): { p0: number; units: number } | undefined {
  if (typeof given !== 'string') return undefined
  const [rate, units] = given.split(':').map(Number)
  if (!(rate !== undefined && rate >= 0 && rate < 0.5) || !(units === undefined || (units >= 0 && units < 1e9)))
    throw usage('--history', `"${given}" is not a rate`, '--history 0.004:30000')
  return { p0: rate, units: units ?? 1_000 }
}

function shareFlag(call: Call, name: string, flag: string, min: number, max: number): number | undefined {
  return numberFlag(call, name, flag, min, max)
}

function numberFlag(call: Call, name: string, flag: string, min: number, max: number): number | undefined {
  const given = call.options[name]
  if (given === undefined) return undefined
  const value = Number(given)
  if (given === '' || !(value >= min && value <= max))
    throw usage(
      flag,
      `${flag} ${String(given)} is not between ${min} and ${max}`,
      `${flag} ${min < 0.01 && max < 1 ? '0.01' : min || 10}`,
    )
  return value
}

function usage(flag: string, message: string, fix: string): OpsError {
  return new OpsError('USAGE', {
    message: `${message}.`,
    fix: fix.startsWith(flag) ? fix : `${flag}: ${fix}`,
    exit: EXIT.usage,
  })
}
