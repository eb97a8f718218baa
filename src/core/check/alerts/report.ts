/** What the trials of all alerts say, as text: each alert, and which faults no alert sees. */
import { countOf, listOf, percentOf, plural } from '../../words.ts'
import type { Demand, Proof, Smallest, Trial } from './prove.ts'
import { FAULTS, type Fault } from './scenario.ts'

/** Promtool's word on a proof. */
export type Second = 'agrees' | 'disagrees' | 'not installed' | 'not asked'

const ORDER = ['never', 'always', 'latches', 'unknown', 'fires'] as const

/** An alert that reaches nobody in time is worse than one that is only unknown. */
function rank(proof: Proof): number {
  return ORDER.indexOf(proof.verdict) - (proof.late ? 0.5 : 0)
}

export function alertsReport(
  proofs: readonly Proof[],
  second: (proof: Proof) => Second,
  demand: Demand,
  within: number,
  ms: number,
): string {
  const blocks = [...proofs].sort((a, b) => rank(a) - rank(b)).map((proof) => block(proof, second(proof), within))
  const counts = ORDER.map((verdict) => `${proofs.filter((proof) => proof.verdict === verdict).length} ${verdict}`)
  const late = proofs.filter((proof) => proof.late).length
  const summary = `${plural(proofs.length, 'alert')}: ${counts.join(', ')}${late > 0 ? `, ${late} late` : ''}; tried at ${demand.low} and ${demand.peak} requests a minute, ${countOf(ms)} ms.`
  return [...blocks, ...coverageText(proofs), summary].join('\n\n')
}

function block(proof: Proof, second: Second, within: number): string {
  const word = (proof.late ? 'LATE' : proof.verdict.toUpperCase()).padEnd(8)
  const opinion = second === 'agrees' ? '  (promtool agrees)' : second === 'disagrees' ? '  (promtool DISAGREES)' : ''
  const lines = [`${word} ${proof.alert}  ${proof.at.file}:${proof.at.line}${opinion}`, `  ${proof.why}`]
  if (proof.late) lines.push(`  A total outage is seen later than the ${within} minutes that a page may take.`)
  for (const trial of proof.trials) if (trial.minutes !== undefined) lines.push(trialText(trial))
  for (const smallest of proof.smallest ?? []) lines.push(smallestText(smallest))
  for (const note of proof.notes ?? []) lines.push(`  Look at: ${note}`)
  return lines.join('\n')
}

function trialText(trial: Trial): string {
  const parts = [`    ${trial.fault} fault, ${trial.demand} demand: after ${trial.minutes} min`]
  if (trial.harmed)
    parts.push(
      `after ${plural(trial.harmed, trial.fault === 'silent' ? 'citizen turned away' : 'failed request', trial.fault === 'silent' ? 'citizens turned away' : 'failed requests')}`,
    )
  if (trial.resets) parts.push(`its condition was lost ${plural(trial.resets, 'time')} before`)
  if (trial.flaps) parts.push(`and stops and starts ${plural(trial.flaps, 'time')} while the fault goes on`)
  if (trial.clears === false) parts.push('and does not end')
  return parts.join(', ')
}

function smallestText({ demand, share, minutes }: Smallest): string {
  const parts: string[] = []
  if (share !== undefined) parts.push(`${percentOf(share)} of requests failing for six hours`)
  if (minutes !== undefined) parts.push(`a total outage of ${plural(minutes, 'minute')}`)
  return `    smallest fault at ${demand} demand: ${parts.join(', or ')}`
}

export interface Hole {
  readonly fault: Fault
  readonly demand: 'low' | 'peak'
}

/** Faults that no alert sees, for which all alerts were tried. */
export function holesIn(proofs: readonly Proof[]): readonly Hole[] {
  const tried = proofs.flatMap((proof) => proof.trials)
  return (Object.keys(FAULTS) as Fault[]).flatMap((fault) =>
    (['low', 'peak'] as const).flatMap((demand) => {
      const own = tried.filter((trial) => trial.fault === fault && trial.demand === demand)
      return own.length > 0 && own.every((trial) => trial.minutes === undefined) ? [{ fault, demand }] : []
    }),
  )
}

function coverageText(proofs: readonly Proof[]): readonly string[] {
  const holes = holesIn(proofs)
  if (holes.length === 0) return []
  const faults = [...new Set(holes.map((hole) => hole.fault))]
  const said = faults.map((fault) => {
    const hours = holes.filter((hole) => hole.fault === fault)
    return `${FAULTS[fault]} (${hours.length === 2 ? 'at any hour' : hours[0]!.demand === 'low' ? 'in the quietest hour' : 'in the busiest hour'})`
  })
  const open = proofs.filter((proof) => proof.verdict === 'unknown').length
  const but = open > 0 ? ` ${plural(open, 'alert')} that could not be tried may see it.` : ''
  return [`No alert sees it when ${listOf(said)}.${but}`]
}
