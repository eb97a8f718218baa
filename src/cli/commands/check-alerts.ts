import type { Proof, Trial } from '../../core/check/alerts/prove.ts'
import { EXIT, OpsError } from '../../core/errors.ts'
import { plural } from '../../core/words.ts'
import type { Call, Command } from '../command.ts'

/** `holdfast check alerts`: tries every Prometheus alert on made-up faults, and lets promtool confirm it where it is installed. */
export const checkAlerts: Command = {
  name: 'check alerts',
  args: '[paths...]',
  says: 'Tries every Prometheus alert on five faults: does it fire, how late, how many citizens later, and does it end?',
  example: 'holdfast check alerts monitoring/ --low 2 --peak 600',
  options: [
    { flags: '--low <n>', says: 'requests a minute in the quietest hour', default: '2' },
    { flags: '--peak <n>', says: 'requests a minute in the busiest hour', default: '600' },
    { flags: '--tests <dir>', says: 'write the promtool test of each alert that fires' },
    { flags: '--no-promtool', says: 'do not ask promtool for a second opinion' },
  ],
  exits: { 1: 'an alert can never fire, always fires, or does not end' },
  async run(call) {
    const demand = { low: amount(call, 'low'), peak: amount(call, 'peak') }
    const started = performance.now()
    const { read } = await import('./check.ts')
    const { worldOf } = await import('../../core/check/world.ts')
    const { proveAlerts } = await import('../../core/check/alerts/prove.ts')
    const world = worldOf(await read(call), Date.now())
    const proofs = proveAlerts(world, demand)
    const confirmed = await confirm(call, world, proofs, demand)
    const ms = Math.round(performance.now() - started)
    if (call.json) {
      const alerts = proofs.map((proof) => ({ ...proof, promtool: confirmed.get(proof) ?? 'not asked' }))
      call.io.out(JSON.stringify({ alerts, demand, ms }, null, 1))
    } else call.io.out(textOf(proofs, confirmed, demand, ms))
    return proofs.some(({ verdict }) => verdict === 'never' || verdict === 'always' || verdict === 'latches')
      ? EXIT.no
      : EXIT.done
  },
}

type Second = 'agrees' | 'disagrees' | 'not installed'
type World = import('../../core/check/world.ts').World

function amount(call: Call, name: 'low' | 'peak'): number {
  const value = Number(call.options[name])
  if (Number.isFinite(value) && value > 0 && value <= 1e7) return value
  throw new OpsError('CHECK_DEMAND', {
    message: `--${name} takes requests a minute, not ${call.options[name]}.`,
    fix: `--${name} 60`,
    exit: EXIT.usage,
  })
}

async function confirm(
  call: Call,
  world: World,
  proofs: readonly Proof[],
  demand: { low: number; peak: number },
): Promise<ReadonlyMap<Proof, Second>> {
  const { artefactOf } = await import('../../core/check/alerts/artefact.ts')
  const { promtool } = await import('../../adapters/tree/promtool.ts')
  const { mkdirSync, writeFileSync } = await import('node:fs')
  const { join, resolve } = await import('node:path')
  const answers = new Map<Proof, Second>()
  let absent = call.options.promtool === false
  for (const proof of proofs) {
    const artefact = artefactOf(world, proof, demand)
    if (!artefact) continue
    if (typeof call.options.tests === 'string') {
      const folder = resolve(call.io.cwd, call.options.tests, proof.alert.replace(/[^\w.-]/g, '_'))
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'rules.json'), artefact.rules)
      writeFileSync(join(folder, 'test.json'), artefact.test)
    }
    if (absent) continue
    const opinion = promtool(artefact.rules, artefact.test)
    absent = 'absent' in opinion
    answers.set(proof, 'absent' in opinion ? 'not installed' : opinion.agrees ? 'agrees' : 'disagrees')
    if ('agrees' in opinion && !opinion.agrees)
      call.io.progress(`promtool disagrees about ${proof.alert}: ${opinion.says}`)
  }
  return answers
}

const ORDER = ['never', 'latches', 'always', 'unknown', 'fires'] as const

function textOf(
  proofs: readonly Proof[],
  confirmed: ReadonlyMap<Proof, Second>,
  demand: { low: number; peak: number },
  ms: number,
): string {
  const sorted = [...proofs].sort((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict))
  const blocks = sorted.map((proof) => {
    const second = confirmed.get(proof)
    const head = `${proof.verdict.toUpperCase().padEnd(8)} ${proof.alert}  ${proof.at.file}:${proof.at.line}${second === 'agrees' ? '  (promtool agrees)' : second === 'disagrees' ? '  (promtool DISAGREES)' : ''}`
    const trials = proof.trials.filter((trial) => trial.minutes !== undefined).map(trialText)
    return [head, `  ${proof.why}`, ...trials].join('\n')
  })
  const counts = ORDER.map(
    (verdict) => `${proofs.filter((proof) => proof.verdict === verdict).length} ${verdict}`,
  ).join(', ')
  return [
    ...blocks,
    `${plural(proofs.length, 'alert')}: ${counts}; tried at ${demand.low} and ${demand.peak} requests a minute, ${ms} ms.`,
  ].join('\n\n')
}

function trialText(trial: Trial): string {
  const harmed = trial.harmed ? `, after ${plural(trial.harmed, 'failed request')}` : ''
  return `    ${trial.fault} fault, ${trial.demand} demand: after ${trial.minutes} min${harmed}${trial.clears === false ? ', and does not end' : ''}`
}
