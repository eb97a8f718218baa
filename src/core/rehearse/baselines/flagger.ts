import type { Judge } from '../judge.ts'
import { dueAt, Window } from './window.ts'

/**
 * Flagger's canary analysis as documented (flagger.app, "Canary analysis"; reading order of its scheduler in the facts): each
 * interval it first looks at the failed checks so far, then at the metric of the last window. The counter is never reset in a
 * release, so a rollback comes after threshold + 1 intervals. After promotion nothing is watched.
 */
export function flagger(options: {
  readonly name: string
  readonly threshold: number
  readonly stepWeight: number
  readonly maxWeight: number
  readonly intervalMs?: number
  /** Lowest success rate, default 99 %. */
  readonly successMin?: number
}): Judge {
  const { threshold, stepWeight, maxWeight, intervalMs = 60_000, successMin = 0.99 } = options
  const window = new Window(60_000)
  let weight = stepWeight
  let failedChecks = 0
  return {
    name: options.name,
    firstWeight: stepWeight,
    look(tick) {
      window.add(tick)
      if (!dueAt(tick, intervalMs, intervalMs)) return { weight }
      if (failedChecks >= threshold) return { weight: 0, end: 'rolled-back', moveSessions: true }
      const { requests, failed } = window.of('canary')
      // No data is a failed check.
      if (requests === 0 || 1 - failed / requests < successMin) {
        failedChecks++
        return { weight }
      }
      if (weight >= maxWeight) return { weight: 1, end: 'promoted' }
      weight = Math.min(maxWeight, weight + stepWeight)
      return { weight }
    },
  }
}
