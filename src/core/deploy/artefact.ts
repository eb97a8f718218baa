/** Is what runs what was planned? Compares digests, and says "cannot tell" where one of the two is not known. */
import { listOf, plural } from '../words.ts'
import type { Artefact, DeploymentPlan } from './deployment.ts'

/** A replica as its runtime reports it; see Instance in ports/runtime.ts. */
export interface Running {
  readonly id: string
  readonly release: string
  readonly digest?: string
  readonly digestWhy?: string
}

export type Checked =
  | { readonly verdict: 'same' | 'different'; readonly says: string }
  | { readonly verdict: 'cannot-tell'; readonly says: string }

/** Why the release that has just been started must not get traffic; undefined: nothing speaks against it. */
export function otherThanPlanned(plan: DeploymentPlan, replicas: readonly Running[]): string | undefined {
  const checked = checkArtefact(plan.artefact, replicas, plan.next.release)
  return checked.verdict === 'different'
    ? `${checked.says} What was planned and agreed to is something else.`
    : undefined
}

/** Every replica of one release against the digest in its plan. */
export function checkArtefact(planned: Artefact | undefined, replicas: readonly Running[], release: string): Checked {
  if (replicas.length === 0)
    return { verdict: 'cannot-tell', says: `cannot tell, because no replica of release ${release} runs.` }
  if (!planned)
    return {
      verdict: 'cannot-tell',
      says: `cannot tell, because no digest was taken when release ${release} was planned.`,
    }
  if ('why' in planned) return { verdict: 'cannot-tell', says: `cannot tell, because ${planned.why}` }
  const other = replicas.filter(({ digest }) => digest !== undefined && digest !== planned.digest)
  if (other.length > 0) {
    const found = [...new Set(other.map(({ digest }) => shortDigest(digest!)))]
    return {
      verdict: 'different',
      says: `${plural(other.length, 'replica')} of release ${release} ${other.length === 1 ? 'runs' : 'run'} ${listOf(found)}, and ${shortDigest(planned.digest)} was planned.`,
    }
  }
  const silent = replicas.filter(({ digest }) => digest === undefined)
  if (silent.length > 0) {
    const why = silent[0]!.digestWhy ?? 'its runtime does not report a digest'
    return {
      verdict: 'cannot-tell',
      says: `cannot tell for ${plural(silent.length, 'replica')} of release ${release}, because ${why}`,
    }
  }
  return {
    verdict: 'same',
    says: `${plural(replicas.length, 'replica')} of release ${release} ${replicas.length === 1 ? 'runs' : 'run'} what was planned (${shortDigest(planned.digest)}).`,
  }
}

/** "sha256:0a1b2c3d4e5f": enough to compare by eye. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12)
}
