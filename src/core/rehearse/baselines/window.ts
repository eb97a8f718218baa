import type { Tick } from '../simulator.ts'

/** Requests of the last `spanMs`, per arm, as a metrics query over a window sees them. */
export class Window {
  private readonly spanMs: number
  private ticks: Tick[] = []

  constructor(spanMs: number) {
    this.spanMs = spanMs
  }

  add(tick: Tick): void {
    this.ticks.push(tick)
    while (this.ticks.length > 0 && this.ticks[0]!.to <= tick.to - this.spanMs) this.ticks.shift()
  }

  of(arm: 'canary' | 'stable' | 'both'): { requests: number; failed: number } {
    let requests = 0
    let failed = 0
    for (const tick of this.ticks)
      for (const one of arm === 'both' ? (['canary', 'stable'] as const) : [arm]) {
        requests += tick.requests[one].ok + tick.requests[one].failed
        failed += tick.requests[one].failed
      }
    return { requests, failed }
  }
}

/** True at the first tick that ends at or after each multiple of `everyMs` (from `firstMs` on). */
export function dueAt(tick: Tick, everyMs: number, firstMs: number): boolean {
  if (tick.to < firstMs) return false
  const turns = Math.floor((tick.to - firstMs) / everyMs)
  return tick.from < firstMs + turns * everyMs
}
