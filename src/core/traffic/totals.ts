/**
 * Running totals of closed units per journey, step and arm, and their text for Prometheus: what the alert rules of the kit rest on.
 * Totals begin at 0 with every life of the process, as counters may; the rules bear it. Every step of the configuration is there
 * from the start, at 0, in both arms: a series that appears with its first failure cannot be compared with the minute before.
 */
import type { Arm, StepCounts } from '../deploy/counts.ts'
import { familyText, METRICS, type Metric } from './metrics.ts'

export interface KnownStep {
  readonly journey: string
  readonly step: string
}

interface Total {
  ok: number
  failed: number
  slow: number
  retries: number
}

/** Journeys and steps of a definition that is long gone are forgotten with the process; more than this at once is a mistake. */
const SERIES_MAX = 2_000

export class Totals {
  readonly #citizens = new Map<string, KnownStep & { readonly arm: Arm; readonly total: Total }>()
  readonly #probes = new Map<string, { readonly journey: string; runs: number; failed: number }>()

  /** Steps that are counted from now on, also those that nobody has walked yet. The first step of a journey begins a walk. */
  know(steps: readonly KnownStep[]): void {
    for (const { journey, step } of steps) {
      for (const arm of ['stable', 'canary'] as const) this.#of(journey, step, arm)
      this.#walksOf(journey)
    }
  }

  /** Adds what closed. Citizens count in the steps, our own walks in the journeys, bots nowhere. `first`: the first step of each journey. */
  add(counts: readonly StepCounts[], first: ReadonlyMap<string, string>): void {
    for (const { journey, step, arm, visitor, ok, failed, slow, retries } of counts) {
      if (visitor === 'probe') {
        const walks = this.#walksOf(journey)
        if (!walks) continue
        if (first.get(journey) === step) walks.runs += ok + failed
        walks.failed += failed
      } else if (visitor === 'citizen') {
        const total = this.#of(journey, step, arm)
        if (!total) continue
        total.ok += ok
        total.failed += failed
        total.slow += slow
        total.retries += retries
      }
    }
  }

  text(): string {
    const steps = [...this.#citizens.values()]
    const family = (metric: Metric, value: (total: Total) => number) =>
      familyText(
        metric,
        steps.map(({ journey, step, arm, total }) => [{ journey, step, arm }, value(total)] as const),
      )
    const walks = [...this.#probes.values()]
    return [
      family(METRICS.tried, ({ ok, failed }) => ok + failed),
      family(METRICS.bad, ({ failed }) => failed),
      family(METRICS.slow, ({ slow }) => slow),
      family(METRICS.retries, ({ retries }) => retries),
      familyText(
        METRICS.walks,
        walks.map(({ journey, runs }) => [{ journey }, runs] as const),
      ),
      familyText(
        METRICS.badWalks,
        walks.map(({ journey, failed }) => [{ journey }, failed] as const),
      ),
    ].join('\n')
  }

  #of(journey: string, step: string, arm: Arm): Total | undefined {
    const key = `${journey}\n${step}\n${arm}`
    let known = this.#citizens.get(key)
    if (!known) {
      if (this.#citizens.size >= SERIES_MAX) return undefined
      known = { journey, step, arm, total: { ok: 0, failed: 0, slow: 0, retries: 0 } }
      this.#citizens.set(key, known)
    }
    return known.total
  }

  #walksOf(journey: string): { runs: number; failed: number } | undefined {
    let known = this.#probes.get(journey)
    if (!known) {
      if (this.#probes.size >= SERIES_MAX) return undefined
      known = { journey, runs: 0, failed: 0 }
      this.#probes.set(journey, known)
    }
    return known
  }
}
