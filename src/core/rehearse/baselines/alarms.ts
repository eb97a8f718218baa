import type { Judge } from '../judge.ts'
import { Window } from './window.ts'

/**
 * CodeDeploy and ECS native canaries with CloudWatch alarms: traffic follows the clock, and any alarm rolls back. An alarm is
 * in ALARM when `points` of the last `points` periods were above the limit; a period is seen `lagMs` after it ends. A period
 * without requests is missing and breaks nothing. The alarm stays on after everything has shifted.
 */
export function alarms(options: {
  readonly name: string
  /** Weight from a moment on, ms after the start, rising. */
  readonly shifts: readonly { readonly fromMs: number; readonly weight: number }[]
  readonly periodMs: number
  readonly points: number
  readonly limit: number
  readonly lagMs: number
}): Judge {
  const { shifts, periodMs, points, limit, lagMs } = options
  const window = new Window(periodMs)
  const periods: boolean[] = []
  const weightAt = (ms: number) => shifts.findLast((shift) => shift.fromMs <= ms)!.weight
  return {
    name: options.name,
    firstWeight: weightAt(0),
    look(tick) {
      window.add(tick)
      if (Math.floor(tick.to / periodMs) > Math.floor(tick.from / periodMs)) {
        const { requests, failed } = window.of('canary')
        if (requests > 0) periods[Math.floor(tick.to / periodMs) - 1] = failed / requests > limit
      }
      const seen = Math.floor((tick.to - lagMs) / periodMs)
      const looked = periods.slice(Math.max(0, seen - points), Math.max(0, seen))
      if (seen >= points && looked.length === points && looked.every((above) => above === true))
        return { weight: 0, end: 'rolled-back', moveSessions: true }
      return { weight: weightAt(tick.to) }
    },
  }
}

/** CodeDeploy's canary: a tenth, then everything. */
export function codeDeployCanary(name: string, firstMs: number, alarm: { periodMs: number; points: number }): Judge {
  const shifts = [
    { fromMs: 0, weight: 0.1 },
    { fromMs: firstMs, weight: 1 },
  ]
  return alarms({ name, shifts, ...alarm, limit: 0.01, lagMs: 60_000 })
}

/** CodeDeploy's linear: a tenth more each `everyMs`. */
export function codeDeployLinear(name: string, everyMs: number, alarm: { periodMs: number; points: number }): Judge {
  const shifts = Array.from({ length: 10 }, (_, i) => ({ fromMs: i * everyMs, weight: (i + 1) / 10 }))
  return alarms({ name, shifts, ...alarm, limit: 0.01, lagMs: 60_000 })
}

/** ECS's built-in canary: 5 % for its bake time of 10 minutes, then everything. Its circuit breaker never sees a failing answer. */
export function ecsCanary(name: string, alarm: { periodMs: number; points: number }): Judge {
  const shifts = [
    { fromMs: 0, weight: 0.05 },
    { fromMs: 600_000, weight: 1 },
  ]
  return alarms({ name, shifts, ...alarm, limit: 0.01, lagMs: 60_000 })
}
