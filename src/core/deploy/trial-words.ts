/** What a verdict says to people: one sentence, with the numbers it rests on. */
import { durationOf, type Instant } from '../time.ts'
import { countOf, percentOf } from '../words.ts'
import { gateOf, isPaced, nextShare, splitIsWrong, weightOf } from './ramp.ts'
import type { StepVerdict, Tally, Trial, Verdict } from './trial-shape.ts'

/** The decision that belongs to the trial's phase, and why. */
export function whyOf(trial: Trial, steps: readonly StepVerdict[], now: Instant): Pick<Verdict, 'decision' | 'why'> {
  const { phase, plan } = trial
  const release = releaseOf(plan.canary)
  const share = percentOf(weightOf(trial))
  switch (phase.phase) {
    case 'warm-up': {
      const passed = trial.probes.units - trial.probes.failed
      return {
        decision: 'hold',
        why: `No citizen is on ${release} yet: ${countOf(passed)} of ${countOf(plan.warmUp.probes)} synthetic journeys have passed on it.`,
      }
    }
    case 'rolled-back': {
      if (phase.step === null)
        return {
          decision: 'rollback',
          why: `${sentence(release)} never got a citizen: ${countOf(trial.probes.failed)} of ${countOf(trial.probes.units)} synthetic journeys failed on it while it warmed up.`,
        }
      return { decision: 'rollback', why: against(trial, steps, phase.step) }
    }
    case 'promoted':
      return {
        decision: 'promote',
        why: `${sentence(release)} is no worse than ${releaseOf(plan.stable)}: ${busiest(trial, steps)}, every step is within ${percentOf(plan.margin)} of what is expected, and the bake is over.`,
      }
    case 'suspect': {
      const left =
        phase.by === 'alarm' && phase.until > now
          ? `without proof it is cleared in ${durationOf(phase.until - now)}`
          : 'it stays there until the evidence settles'
      const what = `${sentence(release)} is suspected at ${nameOf(steps, phase.step)}: ${failures(trial, steps, phase.step)}.`
      if (plan.recorded) return { decision: 'suspect', why: `${what} There is no proof yet.` }
      return { decision: 'suspect', why: `${what} It keeps ${share} of new sessions; ${left}.` }
    }
    case 'outage': {
      const where = nameOf(steps, phase.step)
      const stable = releaseOf(plan.stable)
      const both = trial.steps[phase.step]!.canaryNow.failed > 0
      const what = both
        ? `Both releases fail at ${where}`
        : `${sentence(stable)} fails at ${where} more than it used to`
      if (plan.recorded)
        return { decision: 'hold', why: `${what}, so nothing speaks against ${release} until ${stable} works again.` }
      const until = `until ${stable} works again, or ${release} is seen to work where it fails`
      return {
        decision: 'hold',
        why: `${what}, so it is not ${release}: it stays at ${share} of new sessions ${until}.`,
      }
    }
    case 'ramp':
      return ramping(trial, steps, phase.rung, phase.ms)
  }
}

function ramping(
  trial: Trial,
  steps: readonly StepVerdict[],
  rung: number,
  ms: number,
): Pick<Verdict, 'decision' | 'why'> {
  const { plan } = trial
  const release = releaseOf(plan.canary)
  const share = percentOf(weightOf(trial))
  if (splitIsWrong(trial)) {
    const { canary, stable, share: sent } = trial.split
    return {
      decision: 'hold',
      why: `Cannot tell: ${percentOf(sent)} of new sessions were sent to ${release}, but ${countOf(canary)} of ${countOf(canary + stable)} came from it. Sessions are missing; the share is not raised.`,
    }
  }
  if (plan.recorded) return recorded(trial, steps)
  if (steps.every((row) => row.canary.units === 0))
    return {
      decision: 'continue',
      why: `${sentence(release)} gets ${share} of new sessions; no citizen has used it yet.`,
    }
  const odds = Math.max(...steps.map(({ evidence }) => evidence))
  const stands = odds >= AGAINST ? `evidence ${oddsIn(odds)} against it is no proof` : 'nothing speaks against it'
  return {
    decision: 'continue',
    why: `${sentence(release)} gets ${share} of new sessions and ${stands}: ${busiest(trial, steps)}; ${waitsFor(trial, steps, rung, ms)}.`,
  }
}

/** What the climb waits for: its first citizens, more of them at one step, or the clock. */
function waitsFor(trial: Trial, steps: readonly StepVerdict[], rung: number, ms: number): string {
  const { plan, pace } = trial
  if (isPaced(trial)) {
    const where = pace.step === null ? '' : ` at ${nameOf(steps, pace.step)}`
    return `the share grows to ${percentOf(plan.rungs[rung]!)} as its first citizens are served${where}`
  }
  const last = rung === plan.rungs.length - 1
  const goal = last ? 'promotion' : percentOf(nextShare(plan, rung))
  const gate = gateOf(trial, nextShare(plan, rung))
  if (gate && gate.risk > plan.margin)
    return `before ${goal} ${nameOf(steps, gate.index)} needs more citizens, because up to ${percentOf(gate.worst)} of them could still be failing`
  const until = last ? Math.max(plan.bakeMs, plan.rungMsMin) : plan.rungMsMin
  return ms < until ? `${goal} follows in ${durationOf(until - ms)} if it stays so` : `${goal} follows`
}

/** Odds from which they are told, although they prove nothing: a release that was cleared of a suspicion once may still be bad. */
const AGAINST = 2

/** A recorded stream has no ramp: what is known, and what is still in doubt. */
function recorded(trial: Trial, steps: readonly StepVerdict[]): Pick<Verdict, 'decision' | 'why'> {
  const release = releaseOf(trial.plan.canary)
  if (steps.every((row) => row.canary.units === 0))
    return { decision: 'hold', why: `Cannot tell: no citizen has used ${release} yet.` }
  const gate = gateOf(trial, 1)!
  const doubt =
    gate.risk > trial.plan.margin
      ? `at ${nameOf(steps, gate.index)} up to ${percentOf(gate.worst)} of citizens could still be failing`
      : `every step is shown to be within ${percentOf(trial.plan.margin)} of ${releaseOf(trial.plan.stable)}`
  return { decision: 'continue', why: `Nothing speaks against ${release}: ${busiest(trial, steps)}; ${doubt}.` }
}

/** "evidence 1,240 : 1 that release r3 is worse at submit: 3 of 41 citizens failed, against 2 of 1,950 on release r2" */
function against(trial: Trial, steps: readonly StepVerdict[], index: number): string {
  return `evidence ${oddsIn(steps[index]!.evidence)} that ${releaseOf(trial.plan.canary)} is worse at ${nameOf(steps, index)}: ${failures(trial, steps, index)}${groupOf(trial)}`
}

/** Names the group that nearly all of the hurt belong to, when it is not most citizens anyway. */
function groupOf(trial: Trial): string {
  const all = Object.values(trial.segments)
  const failed = all.reduce((sum, one) => sum + one.failed, 0)
  const units = all.reduce((sum, one) => sum + one.units, 0)
  for (const [name, one] of Object.entries(trial.segments))
    if (one.failed >= 3 && one.failed >= 0.8 * failed && one.units <= 0.5 * units)
      return `; ${countOf(one.failed)} of the ${countOf(failed)} failures are in the group “${name}”`
  return ''
}

function failures(trial: Trial, steps: readonly StepVerdict[], index: number): string {
  const row = steps[index]!
  const limit = trial.plan.steps[index]!.limitMs
  const slow = row.slow > 0 ? ` (${countOf(row.slow)} of them slower than ${durationOf(limit)})` : ''
  return `${ofCitizens(row.canary)} failed${slow}, against ${ofPlain(row.stable)} on ${releaseOf(trial.plan.stable)}`
}

function busiest(trial: Trial, steps: readonly StepVerdict[]): string {
  const failing = steps.reduce((top, row) => (row.canary.failed > top.canary.failed ? row : top), steps[0]!)
  const row =
    failing.canary.failed > 0
      ? failing
      : steps.reduce((top, one) => (one.canary.units > top.canary.units ? one : top), failing)
  return `${ofCitizens(row.canary)} failed at ${nameOf(steps, steps.indexOf(row))}, against ${ofPlain(row.stable)} on ${releaseOf(trial.plan.stable)}`
}

function ofCitizens(tally: Tally): string {
  return `${tally.failed === 0 ? 'none' : countOf(tally.failed)} of ${countOf(tally.units)} citizens`
}

function ofPlain(tally: Tally): string {
  return `${tally.failed === 0 ? 'none' : countOf(tally.failed)} of ${countOf(tally.units)}`
}

/** The step's name, with its journey where two journeys have a step of that name. */
function nameOf(steps: readonly StepVerdict[], index: number): string {
  const row = steps[index]
  if (!row) return 'a step'
  const twins = steps.filter((one) => one.step === row.step).length > 1
  return twins ? `${row.journey} / ${row.step}` : row.step
}

/** "1,240 : 1"; small odds keep a digit. */
function oddsIn(odds: number): string {
  return odds >= 1e12 ? 'more than 1,000,000,000,000 : 1' : `${countOf(Math.floor(odds))} : 1`
}

function releaseOf(name: string): string {
  return /release/i.test(name) ? name : `release ${name}`
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
