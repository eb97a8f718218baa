import type { Demand, Proof } from '../../core/check/alerts/prove.ts'
import type { Second } from '../../core/check/alerts/report.ts'
import { EXIT, OpsError } from '../../core/errors.ts'
import type { Call, Command } from '../command.ts'

/** `holdfast check alerts`: tries every alert on made-up faults, and lets promtool confirm it where it is installed. */
export const checkAlerts: Command = {
  name: 'check alerts',
  args: '[paths...]',
  says: 'Tries every alert (Prometheus, Grafana, CloudWatch, Sloth, Pyrra, OpenSLO) on five faults: does it fire, how late, how many citizens later, and does it end?',
  example: 'holdfast check alerts monitoring/ --low 2 --peak 600 --tests proofs/',
  options: [
    { flags: '--low <n>', says: 'requests a minute in the quietest hour', default: '2' },
    { flags: '--peak <n>', says: 'requests a minute in the busiest hour', default: '600' },
    { flags: '--within <minutes>', says: 'a page that takes longer after a total outage is late', default: '15' },
    {
      flags: '--tests <dir>',
      says: 'write the promtool tests of each alert: the counter-example that anybody can run',
    },
    { flags: '--no-promtool', says: 'do not ask promtool for a second opinion' },
  ],
  exits: { 1: 'an alert can never fire, always fires, or does not end' },
  async run(call) {
    const demand = { low: amount(call, 'low', 'requests a minute'), peak: amount(call, 'peak', 'requests a minute') }
    const within = amount(call, 'within', 'minutes')
    const started = performance.now()
    const { read } = await import('./check.ts')
    const { worldOf } = await import('../../core/check/world.ts')
    const { proveAlerts } = await import('../../core/check/alerts/prove.ts')
    const { proveAlarms } = await import('../../core/check/alerts/cloudwatch.ts')
    const { alertsReport, holesIn } = await import('../../core/check/alerts/report.ts')
    const world = worldOf(await read(call), Date.now())
    const proofs = [...proveAlerts(world, demand, within), ...proveAlarms(world, demand, within)]
    const confirmed = await confirm(call, world, proofs, demand)
    const second = (proof: Proof): Second => confirmed.get(proof)?.second ?? 'not asked'
    const ms = Math.round(performance.now() - started)
    if (call.json) {
      const alerts = proofs.map((proof) => {
        const says = confirmed.get(proof)?.says
        return { ...proof, promtool: second(proof), ...(says ? { promtoolSays: says } : {}) }
      })
      call.io.out(JSON.stringify({ alerts, holes: holesIn(proofs), demand, within, ms }, null, 1))
    } else call.io.out(alertsReport(proofs, second, demand, within, ms))
    return proofs.some(({ verdict }) => verdict === 'never' || verdict === 'always' || verdict === 'latches')
      ? EXIT.no
      : EXIT.done
  },
}

type World = import('../../core/check/world.ts').World

function amount(call: Call, name: 'low' | 'peak' | 'within', unit: string): number {
  const value = Number(call.options[name])
  if (Number.isFinite(value) && value > 0 && value <= 1e7) return value
  throw new OpsError('CHECK_DEMAND', {
    message: `--${name} takes ${unit}, not ${call.options[name]}.`,
    fix: `--${name} 60`,
    exit: EXIT.usage,
  })
}

interface Confirmed {
  readonly second: Second
  /** What promtool printed, when it disagrees. */
  readonly says?: string
}

// Each promtool keeps about one processor busy.
const AT_ONCE = 2

/** Writes the tests where asked, and asks promtool about each, two at a time; after the first "not installed", about none. */
async function confirm(
  call: Call,
  world: World,
  proofs: readonly Proof[],
  demand: Demand,
): Promise<ReadonlyMap<Proof, Confirmed>> {
  const { artefactOf } = await import('../../core/check/alerts/artefact.ts')
  const { promtool } = await import('../../adapters/tree/promtool.ts')
  const answers = new Map<Proof, Confirmed>()
  const names = new Set<string>()
  let absent = call.options.promtool === false
  const open = [...proofs]
  const worker = async () => {
    for (let proof = open.shift(); proof; proof = open.shift()) {
      const artefact = absent && typeof call.options.tests !== 'string' ? undefined : artefactOf(world, proof, demand)
      if (!artefact) continue
      if (typeof call.options.tests === 'string')
        await write(call, call.options.tests, folderFor(proof.alert, names), artefact)
      if (absent) continue
      const opinion = await promtool(artefact.rules, artefact.test)
      absent ||= 'absent' in opinion
      if ('absent' in opinion) answers.set(proof, { second: 'not installed' })
      else answers.set(proof, opinion.agrees ? { second: 'agrees' } : { second: 'disagrees', says: opinion.says })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return answers
}

/** A folder of its own for each alert, also where several share a name. */
function folderFor(alert: string, names: Set<string>): string {
  const plain =
    alert
      .replace(/[^\w.-]/g, '_')
      .replace(/^\.+/, '_')
      .slice(0, 100) || 'alert'
  let name = plain
  for (let n = 2; names.has(name); n++) name = `${plain}-${n}`
  names.add(name)
  return name
}

async function write(call: Call, to: string, name: string, artefact: { rules: string; test: string }): Promise<void> {
  const { mkdir, writeFile } = await import('node:fs/promises')
  const { join, resolve } = await import('node:path')
  const folder = resolve(call.io.cwd, to, name)
  await mkdir(folder, { recursive: true })
  await Promise.all([
    writeFile(join(folder, 'rules.json'), artefact.rules),
    writeFile(join(folder, 'test.json'), artefact.test),
  ])
}
