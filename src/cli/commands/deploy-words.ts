/** What the deploy commands print: progress chapter by chapter, a summary for pipelines, and words for people. */
import { approvalWords, missingApprovals, planHash, whoMay } from '../../core/deploy/approval.ts'
import { gateRows } from '../../core/deploy/before-view.ts'
import type { DeploymentState } from '../../core/deploy/deployment.ts'
import { ringRows } from '../../core/deploy/rings.ts'
import { durationOf, isoOf, londonOf } from '../../core/time.ts'
import { percentOf, plural } from '../../core/words.ts'
import type { Call } from '../command.ts'

/** Prints each new chapter, and the weight with its evidence while citizens move. */
export function narrator(call: Call): (state: DeploymentState) => void {
  let told = 0
  let weight = -1
  let asked = false
  const gatesTold = new Set<string>()
  return (state) => {
    for (const { at, phase, why } of state.history.slice(told))
      call.io.progress(`${isoOf(at).slice(11, 19)}  ${phase.padEnd(17)} ${why}`)
    told = state.history.length
    for (const gate of gateRows(state)) {
      if (gate.ms === null || gatesTold.has(gate.id)) continue
      gatesTold.add(gate.id)
      call.io.progress(`${' '.repeat(10)}${gate.word.padEnd(7)} ${gate.name}: ${gate.says}`)
      if (gate.tail) for (const line of gate.tail.split('\n').slice(-20)) call.io.progress(`${' '.repeat(12)}│ ${line}`)
    }
    if (state.phase.name === 'awaiting-approval' && !asked) {
      asked = true
      for (const line of howToApprove(state)) call.io.progress(`${' '.repeat(10)}${line}`)
    }
    if (state.phase.name === 'on-trial' && state.steering && state.steering.weight !== weight) {
      weight = state.steering.weight
      call.io.progress(`${' '.repeat(10)}${percentOf(weight).padStart(5)} of new sessions. ${state.lastWhy}`)
    }
  }
}

/** What somebody else has to do, and by when. */
export function howToApprove(state: DeploymentState): string[] {
  const { plan, phase } = state
  const until = phase.name === 'awaiting-approval' ? ` until ${londonOf(phase.deadline)}` : ''
  return [
    `It waits${until} for somebody who may agree: ${whoMay(plan)}.`,
    `They agree in the console, or with: holdfast deploy approve ${plan.id} --reason "…"`,
    'An engine must be running when they do: this command, or "holdfast serve".',
  ]
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
    environment: plan.environment ?? null,
    artefact: plan.artefact ?? null,
    part: plan.part ? { artefact: plan.part.artefact, release: plan.part.release, digest: plan.part.digest } : null,
    stage: 'stage' in phase ? (phase.stage ?? null) : null,
    rings: ringRows(state).map(({ id, state: stands, sessions, failed, odds }) => ({
      ring: id,
      state: stands,
      sessions,
      failed,
      odds,
    })),
    replicas: state.rolling
      ? { old: state.rolling.old.backends.length, new: state.canary?.backends.length ?? 0 }
      : null,
    backfill: state.backfill
      ? { rows: state.backfill.rows, done: state.backfill.done, says: state.backfill.says }
      : null,
    windowUntil: phase.name === 'finishing' && phase.stage === 'warm' ? phase.deadline : null,
    gates: gateRows(state).map(({ id, word, says, ms }) => ({ gate: id, word, says, ms })),
    approvals: {
      needed: plan.waiver?.approvals ? 0 : (plan.approval?.people ?? 0),
      missing: plan.waiver?.approvals ? 0 : missingApprovals(plan, state.approvals ?? []),
      given: (state.approvals ?? []).map(({ who, at, why, how }) => ({ who, at, why, how })),
      whoMay: whoMay(plan),
      plan: planHash(plan),
    },
    waiver: plan.waiver ?? null,
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
  if (plan.waiver?.kind === 'break-glass') lines.push(`THE GLASS WAS BROKEN by ${plan.waiver.who}: ${plan.waiver.why}`)
  for (const { word, name, says } of gateRows(state)) {
    if (word === 'failed' || word === 'skipped' || word === 'asked') lines.push(`Gate ${name}: ${word}. ${says}`)
  }
  if (state.phase.name === 'awaiting-approval')
    lines.push(approvalWords(plan, state.approvals ?? []), ...howToApprove(state))
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
