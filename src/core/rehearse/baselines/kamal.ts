import type { Judge } from '../judge.ts'

/**
 * kamal-proxy: one 2xx of the health page makes the new release healthy and everything moves. Nothing is judged; a person who
 * notices after `noticesMs` takes it back.
 */
export function kamal(noticesMs: number): Judge {
  return {
    name: `kamal, a person at ${noticesMs / 60_000} min`,
    firstWeight: 1,
    look: (tick) => (tick.to >= noticesMs ? { weight: 0, end: 'rolled-back', moveSessions: true } : { weight: 1 }),
  }
}
