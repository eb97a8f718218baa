/**
 * A synthetic citizen walks through each journey of the running release for as long as `holdfast serve --walk` runs. The traffic layer
 * counts the walks (`synthetic_journey_total`, `synthetic_journey_bad_total`), apart from citizens: at night nothing else tries.
 */

import type { Service } from '../core/define/schema.ts'
import { stepMatches } from '../core/deploy/plan.ts'
import { messageOf } from '../core/errors.ts'
import { syntheticWindow, walkedJourneys } from '../core/kit/numbers.ts'
import { type SyntheticStep, verifyPrivately } from '../engine/verify.ts'
import type { World } from '../engine/world.ts'

export interface Walker {
  /** Makes no further walk; one that is under way ends by its own time limits. */
  stop(): void
}

/** What the synthetic citizen does in each journey, in its order. */
export function walksOf(service: Service): readonly (readonly SyntheticStep[])[] {
  const steps = stepMatches(service)
  return service.journeys.map(({ id }) => steps.filter((step) => step.journey === id)).filter((walk) => walk.length > 0)
}

/** Says what went wrong when a walk begins to fail and when it is well again, not at every walk. `everyMs`: between two rounds. */
export function keepWalking(
  world: World,
  service: Service,
  say: (text: string) => void,
  everyMs = syntheticWindow(service).everySeconds * 1_000,
): Walker {
  const failing = new Set<string>()
  const round = async () => {
    for (const walk of walksOf(service)) {
      const { journey } = walk[0]!
      const answer = (await verifyPrivately(world, walk, 'stable').catch((thrown) => ({
        ok: false,
        why: messageOf(thrown),
      }))) as { ok: boolean; why: string }
      if (!answer.ok && !failing.has(journey)) say(`Walk through "${journey}" failed: ${answer.why}`)
      if (answer.ok && failing.has(journey)) say(`Walk through "${journey}" succeeds again.`)
      if (answer.ok) failing.delete(journey)
      else failing.add(journey)
    }
  }
  // A slow round delays the next one: two synthetic citizens at once would count one fault twice.
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const next = async () => {
    await round()
    if (!stopped) timer = setTimeout(next, everyMs).unref()
  }
  void next()
  return {
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
