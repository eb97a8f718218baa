import type { Judge } from '../judge.ts'
import { dueAt, Window } from './window.ts'

/**
 * Argo Rollouts' canary steps with an analysis run as documented: a measurement each interval over the last interval, bad when
 * the success rate is under the condition; the run fails when *more than* `failureLimit` are bad, and then traffic goes back at
 * once. A measurement without data is an error and does not count. Nothing is watched after the last step.
 */
export function argo(options: {
  readonly name: string
  readonly steps: readonly { readonly weight: number; readonly pauseMs: number }[]
  readonly analysis: {
    readonly intervalMs: number
    readonly firstMs: number
    readonly successMin: number
    readonly failureLimit: number
    /** One measurement only (an inline analysis step). */
    readonly once: boolean
    /** True: the query reads the whole service, as many examples do, not the new release alone. */
    readonly wholeService: boolean
  }
}): Judge {
  const { steps, analysis } = options
  const window = new Window(analysis.intervalMs)
  let bad = 0
  let measured = 0
  return {
    name: options.name,
    firstWeight: steps[0]!.weight,
    look(tick) {
      window.add(tick)
      if (dueAt(tick, analysis.intervalMs, analysis.firstMs) && !(analysis.once && measured > 0)) {
        const { requests, failed } = window.of(analysis.wholeService ? 'both' : 'canary')
        if (requests > 0) {
          measured++
          if (1 - failed / requests < analysis.successMin) bad++
        }
        if (bad > analysis.failureLimit) return { weight: 0, end: 'rolled-back', moveSessions: true }
      }
      let left = tick.to
      for (const { weight, pauseMs } of steps) {
        if (left < pauseMs) return { weight }
        left -= pauseMs
      }
      return { weight: 1, end: 'promoted' }
    },
  }
}
