/**
 * The last step of a schema change: what only the old release needed is removed. It comes when the rollback window has closed and the old
 * release is stopped, never before. From then on a release that served before cannot serve again: going back is refused before traffic
 * moves, and the way out is forward.
 */
import type { Json } from '../json.ts'
import { type Instant, londonOf } from '../time.ts'
import { listOf, plural } from '../words.ts'
import type { Arm } from './counts.ts'
import { DEAD_MS, type DeploymentPlan, type DeploymentSeen, type DeploymentState, EXPAND_MS } from './deployment.ts'
import type { Draft } from './draft.ts'
import { finish, listen, tellBlind, tellLate } from './finishing.ts'
import { contractIncident } from './harm.ts'

const RETRY_MS = 500

/** Removes the old shape. */
export function contract(draft: Draft): void {
  const { plan } = draft.state
  const files = plan.contract!.map(({ file }) => file)
  ask(draft)
  const why = `What only release ${plan.previous?.release} needed is being removed from the database: ${listOf(files)}.`
  draft.entry('schema.contract', `${why} It cannot serve again after this.`, { files })
  draft.enter(
    { name: 'contracting', deadline: draft.now + (draft.state.plan.schemaMsMax ?? EXPAND_MS), deadSince: null },
    why,
  )
}

export function contractingTick(draft: Draft, seen: DeploymentSeen): void {
  const { phase, plan } = draft.state
  if (phase.name !== 'contracting') return
  const fails = listen(draft, seen, 'stable' satisfies Arm)
  if (fails) tellLate(draft, fails)
  tellBlind(draft, seen)
  if (seen.status) {
    const well = seen.status.backends.some(({ arm, healthy }) => arm === 'stable' && healthy)
    const deadSince = well ? null : (phase.deadSince ?? draft.now)
    if (deadSince !== phase.deadSince) draft.set({ phase: { ...phase, deadSince } })
    if (deadSince !== null && draft.now - deadSince >= DEAD_MS) {
      tellLate(draft, `Release ${plan.next.release} has no healthy replica left.`)
    }
  }
  if (phase.deadline <= draft.now) failed(draft, 'The database did not finish it in time.')
}

export function contractAnswered(draft: Draft, answer: Readonly<Record<string, Json>>): void {
  const { phase, plan } = draft.state
  if (phase.name !== 'contracting') return
  if (answer.unreachable) return ask(draft, draft.now + RETRY_MS)
  if (answer.ok !== true) return failed(draft, String(answer.why))
  const files = Array.isArray(answer.applied) ? answer.applied.map(String) : []
  draft.entry('schema.contracted', `The old shape is gone from the database: ${plural(files.length, 'file')}.`, {
    files,
    statements: plan.queries?.next.length ?? 0,
  })
  finish(draft, `Release ${plan.next.release} answers all citizens, and what only the old one needed is gone.`)
}

function ask(draft: Draft, dueAt?: Instant): void {
  const { plan } = draft.state
  const payload = { service: plan.service, files: plan.contract, queries: plan.queries?.next ?? [] } as unknown as Json
  draft.effect('schema.contract', payload, dueAt)
}

/** Citizens do not notice: the old shape stays beside the new one. Somebody has to look, and not at night. */
function failed(draft: Draft, why: string): void {
  const { plan } = draft.state
  const says = `The old shape could not be removed from the database, and was left whole: ${why}`
  draft.entry('schema.contract-failed', says)
  draft.spawn(contractIncident(draft.state, says, draft.now))
  finish(draft, `Release ${plan.next.release} answers all citizens. ${says}`)
}

/** Why a release cannot serve any more, and what to do instead. */
export interface ForwardFix {
  readonly why: string
  readonly plan: readonly string[]
}

/** True from the moment at which the contract step was asked for: nobody knows how far it is. */
export function hasContracted(state: DeploymentState): boolean {
  return state.history.some(({ phase }) => phase === 'contracting')
}

/** The application's release of a plan, whatever parts its replicas have. */
export function applicationOf({ application, next }: DeploymentPlan): string {
  return application ?? next.release
}

/**
 * Whether going to `release` of the application would put it on a database that lost what it needs: it served before a contract step, and was never deployed
 * after it. `history`: deployments of the service, newest first. Pure.
 */
export function forwardFix(history: readonly DeploymentState[], release: string): ForwardFix | null {
  for (const past of history) {
    if (applicationOf(past.plan) === release) return null
    if (!hasContracted(past)) continue
    const older = history.slice(history.indexOf(past) + 1)
    const served = past.plan.previous?.release === release || older.some(({ plan }) => applicationOf(plan) === release)
    return served ? fixOf(past, release) : null
  }
  return null
}

export function fixOf(past: DeploymentState, release: string): ForwardFix {
  const { plan, measured } = past
  const files = plan.contract!.map(({ file }) => file)
  const when = measured.endedAt === null ? 'now' : londonOf(measured.endedAt)
  return {
    why: `Release ${release} cannot serve any more: ${listOf(files)} removed from the database what it needs (${plan.id}, ${when}).`,
    plan: [
      `Keep release ${plan.next.release} serving: the contract step changes nothing that it uses.`,
      `Repair forward: build a release on ${plan.next.release} that undoes the fault, not on ${release}.`,
      `If ${release} must return: write an expand migration that brings back what ${listOf(files)} removed, copy the data into it, and deploy ${release} under a new name that brings that migration.`,
      `holdfast deploy plan --release NAME, then holdfast deploy start --release NAME.`,
    ],
  }
}

export function fixWords({ why, plan }: ForwardFix): string {
  return `${why} Forward instead: ${plan.map((step, i) => `${i + 1}. ${step}`).join(' ')}`
}
