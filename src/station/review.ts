/** Broken glass stays on a list until somebody else has looked at it and written down what they found. */
import { personOf } from '../core/deploy/approval.ts'
import type { DeploymentPlan, DeploymentState, Waiver } from '../core/deploy/deployment.ts'
import { OpsError } from '../core/errors.ts'
import type { Instant } from '../core/time.ts'
import type { LogRow, Store } from '../ports/store.ts'

export interface Broken {
  readonly id: string
  readonly release: string
  readonly at: Instant
  readonly ended: string
  readonly waiver: Waiver
  /** What was found, by whom; null: nobody has looked yet. */
  readonly review: { readonly who: string; readonly at: Instant; readonly says: string } | null
}

export const REVIEWED = 'break-glass.reviewed'
/** Deployments looked through. */
const LOOKED_AT_MAX = 500

/** Every deployment of the service for which somebody broke the glass, newest first. */
export async function brokenGlass(store: Store, service: string): Promise<Broken[]> {
  const rows = await store.list({ kind: 'deployment', service, limit: LOOKED_AT_MAX })
  const broken: Broken[] = []
  for (const { id, createdAt, state } of rows) {
    const { plan, phase } = state as unknown as DeploymentState
    if (plan.waiver?.kind !== 'break-glass') continue
    const base = { id, release: plan.next.release, at: createdAt, ended: phase.name, waiver: plan.waiver }
    broken.push({ ...base, review: await reviewOf(store, id) })
  }
  return broken
}

async function reviewOf(store: Store, id: string): Promise<Broken['review']> {
  const rows = await store.log(0, 10_000, { subject: id })
  const last = rows.filter(({ kind }) => kind === REVIEWED).at(-1)
  return last ? { at: last.at, ...wordsIn(last) } : null
}

function wordsIn({ payload }: LogRow): { who: string; says: string } {
  if (payload === null) return { who: 'somebody', says: 'the words were deleted' }
  const { who, why } = JSON.parse(payload) as { who?: unknown; why?: unknown }
  return { who: String(who), says: String(why) }
}

/** Writes down what was found. Nobody reviews their own. */
export async function reviewGlass(
  store: Store,
  service: string,
  plan: DeploymentPlan,
  wish: { readonly who: string; readonly reason: string; readonly how: string },
): Promise<void> {
  const { waiver, id, next, approval } = plan
  if (waiver?.kind !== 'break-glass') {
    throw new OpsError('NOTHING_TO_REVIEW', {
      message: `Nobody broke the glass for ${id}.`,
      fix: 'holdfast deploy review   (lists what waits)',
    })
  }
  const known = approval?.known ?? []
  if (personOf(wish.who, known) === personOf(waiver.who, known)) {
    throw new OpsError('OWN_GLASS', {
      message: `${wish.who} broke the glass for ${id}; somebody else must look at it.`,
      fix: `holdfast deploy review ${id} --by NAME --reason "…"`,
    })
  }
  const why = `${wish.who} looked at the broken glass of release ${next.release}: ${wish.reason}`
  const data = { deployment: id, release: next.release, brokenBy: waiver.who, how: wish.how, reason: wish.reason }
  await store.record(service, [{ kind: REVIEWED, subject: id, who: wish.who, why, data }])
}
