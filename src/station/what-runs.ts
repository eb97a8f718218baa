/** Which release really answers citizens, as the traffic layer and the runtime say, not as anybody remembers. */

import type { Arm } from '../core/deploy/counts.ts'
import { plural } from '../core/words.ts'
import type { World } from '../engine/world.ts'
import { isUnreachable } from '../ports/unreachable.ts'

export interface WhatRuns {
  /** What answers citizens, as the traffic layer says; null: it does not answer. */
  readonly stable: string | null
  readonly canary: string | null
  readonly weight: number | null
  readonly says: string
}

export async function whatRuns({ traffic, runtime }: Pick<World, 'traffic' | 'runtime'>): Promise<WhatRuns> {
  const status = await traffic.status()
  if (isUnreachable(status)) {
    return { stable: null, canary: null, weight: null, says: `cannot tell, because ${status.why}` }
  }
  const { backends, weight } = status
  const instances = await runtime.instances()
  const releaseOf = (arm: Arm) => {
    const ids = new Set(backends.filter((backend) => backend.arm === arm).map(({ id }) => id))
    return isUnreachable(instances) ? null : (instances.find(({ id }) => ids.has(id))?.release ?? null)
  }
  const stable = releaseOf('stable')
  const canary = releaseOf('canary')
  const serving = { stable, canary, weight }
  const replicas = (arm: Arm) => backends.filter((backend) => backend.arm === arm)
  const well = (arm: Arm) => replicas(arm).filter(({ healthy }) => healthy).length
  const name = stable ?? 'an unknown release'
  if (!canary && replicas('stable').length === 0) return { ...serving, says: 'no release answers citizens.' }
  if (canary) {
    const share = Math.round((1 - weight) * 100)
    const says = `${name} answers ${share} % of new sessions, ${canary} the rest (${well('stable')} and ${well('canary')} healthy replicas).`
    return { ...serving, says }
  }
  if (well('stable') === 0) {
    const says = `${name} should answer everybody, and none of its ${plural(replicas('stable').length, 'replica')} is well.`
    return { ...serving, says }
  }
  return { ...serving, says: `${name} answers everybody (${plural(well('stable'), 'healthy replica')}).` }
}
