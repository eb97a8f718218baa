/**
 * How long taking this release back would take: the sum of its parts, each with its low, likely and high figure and where that comes from.
 * Seeing that it is bad stands apart: it is bounded in citizens, not in minutes, and takes as long as few citizens come. After "switch"
 * nobody meets the bad release any more; what follows only tidies up.
 */
import { durationOf, MINUTE, SECOND } from '../time.ts'
import type { DeploymentPlan } from './deployment.ts'
import { BLIND_MS } from './deployment.ts'
import type { TrialForecast } from './planner.ts'

export interface RollbackPart {
  readonly name: string
  readonly lowMs: number
  readonly likelyMs: number
  readonly highMs: number
  readonly from: string
  /** Whether citizens still meet the bad release meanwhile. */
  readonly exposed: boolean
}

export interface RollbackForecast {
  /** Until it is seen to be bad. */
  readonly seen: RollbackPart
  /** From the decision on. */
  readonly parts: readonly RollbackPart[]
  readonly low: number
  readonly likely: number
  readonly high: number
  /** From the decision until nobody meets the bad release any more. */
  readonly safe: { readonly low: number; readonly likely: number; readonly high: number }
  /** The promise that it is held against, in ms. */
  readonly promisedMs: number
  readonly says: string
}

/** One look of the engine and one batch of counts; measured in bench/ and in the demo's clocks. */
const DECIDE_MS = 200
/** Orders to the traffic layer take milliseconds here; a port may take 5 s (ports/traffic.ts), and is asked again. */
const SWITCH_MS = { low: 50, likely: 1 * SECOND, high: 10 * SECOND }

export function forecastRollback(
  plan: Pick<DeploymentPlan, 'drainMsMax' | 'next' | 'rolling'>,
  trial: TrialForecast | null,
  promisedMinutes: number,
): RollbackForecast {
  const harm = [...(trial?.harm ?? [])].sort((a, b) => b.rate - a.rate)
  const detect = harm.length > 0 ? harm : null
  const at = (i: number) => detect?.[Math.min(i, detect.length - 1)]?.ms ?? BLIND_MS
  const seen: RollbackPart = {
    name: 'see it',
    lowMs: at(0),
    likelyMs: at(1),
    highMs: at(2),
    from: detect
      ? `until proof when ${detect.map(({ rate }) => `${Math.round(rate * 100)} %`).join(', ')} of attempts fail`
      : `nobody can tell at this traffic; after ${durationOf(BLIND_MS)} without figures it is taken back all the same`,
    exposed: true,
  }
  const parts: RollbackPart[] = [
    {
      name: 'decide',
      lowMs: DECIDE_MS / 2,
      likelyMs: DECIDE_MS,
      highMs: SECOND,
      from: 'one look of the engine; nobody is asked',
      exposed: true,
    },
    {
      name: 'switch',
      lowMs: SWITCH_MS.low,
      likelyMs: SWITCH_MS.likely,
      highMs: SWITCH_MS.high,
      from: 'one order to the traffic layer, the old release is warm',
      exposed: true,
    },
    ...restoreOf(plan.rolling),
    {
      name: 'drain',
      lowMs: 0,
      likelyMs: plan.drainMsMax / 2,
      highMs: plan.drainMsMax,
      from: `requests that have begun: at most ${durationOf(plan.drainMsMax)} (drainSeconds)`,
      exposed: false,
    },
    {
      name: 'stop',
      lowMs: 100,
      likelyMs: plan.next.stopMsMax / 2,
      highMs: plan.next.stopMsMax,
      from: `from SIGTERM: at most ${durationOf(plan.next.stopMsMax)} (stopSecondsMax)`,
      exposed: false,
    },
  ]
  const sum = (key: 'lowMs' | 'likelyMs' | 'highMs', only: (part: RollbackPart) => boolean = () => true) =>
    parts.filter(only).reduce((total, part) => total + part[key], 0)
  const [low, likely, high] = [sum('lowMs'), sum('likelyMs'), sum('highMs')]
  const exposed = ({ exposed: is }: RollbackPart) => is
  const safe = { low: sum('lowMs', exposed), likely: sum('likelyMs', exposed), high: sum('highMs', exposed) }
  const promisedMs = promisedMinutes * MINUTE
  const held = high <= promisedMs ? 'within' : likely <= promisedMs ? 'likely within, at worst beyond,' : 'beyond'
  return {
    seen,
    parts,
    low,
    likely,
    high,
    safe,
    promisedMs,
    says: `Taking it back, once decided: ${durationOf(low)} / ${durationOf(likely)} / ${durationOf(high)} (low, likely, high), ${held} the ${durationOf(promisedMs)} promised. Citizens are off it after ${durationOf(safe.low)} / ${durationOf(safe.likely)} / ${durationOf(safe.high)}.`,
  }
}

/** One line a part: "drain 0 s / 6 s / 12 s: requests that have begun …". */
export function rollbackLines({ seen, parts }: RollbackForecast): string[] {
  return [...parts, seen].map(
    ({ name, lowMs, likelyMs, highMs, from }) =>
      `${name.padEnd(7)} ${durationOf(lowMs)} / ${durationOf(likelyMs)} / ${durationOf(highMs)}   ${from}`,
  )
}

/** Strategy rolling: old replicas that were stopped are started before everybody can be moved back to them. */
function restoreOf(rolling: DeploymentPlan['rolling']): RollbackPart[] {
  if (!rolling || rolling.restoreMsMax === 0) return []
  const from =
    'old replicas that the rolling release has stopped start again first; early on none has to (deployment.rolling.keepOld)'
  return [
    {
      name: 'restore',
      lowMs: 0,
      likelyMs: rolling.restoreMsMax / 2,
      highMs: rolling.restoreMsMax,
      from,
      exposed: true,
    },
  ]
}
