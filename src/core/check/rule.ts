import type { Severity } from '../errors.ts'
import type { Format } from './detect.ts'
import type { Spot } from './formats/node.ts'
import type { World } from './world.ts'

/** The twelve questions of the playbook's deployment validator; each rule answers part of one. */
export const QUESTIONS = {
  1: 'Can a bad release be taken back within 15 minutes?',
  2: 'Is taking it back still safe after this schema change?',
  3: 'Does the running release work on the new schema?',
  4: 'Has taking back been rehearsed for this service?',
  5: 'Do requests and jobs in flight finish?',
  6: 'Does traffic wait until the new release is really ready?',
  7: 'Does the deployment window avoid the peaks?',
  8: 'Can a failed test, scan or approval really stop production?',
  9: 'Is the deployment itself recorded?',
  10: 'How soon would we notice harm, and reach a person?',
  11: 'Is there a plan to tell citizens?',
  12: 'What happens to a half-filled form during the deployment?',
} as const
export type Question = keyof typeof QUESTIONS

/** Files by path: a small repository on which the rule must fail (`bad`) or stay silent (`good`). Each is a test. */
export type Example = Readonly<Record<string, string>>

/**
 * What a rule found at one place. `pass` is counted, `fail` and `cannot-tell` become findings.
 * `severity` may only lower what the rule states; `soft` says that something outside the file may still replace the value,
 * which makes an error a warning.
 */
export type Verdict =
  | { readonly verdict: 'pass'; readonly at: Spot }
  | {
      readonly verdict: 'fail'
      readonly at: Spot
      readonly says: string
      readonly arithmetic?: string
      readonly fix?: string
      readonly severity?: Severity
      readonly soft?: boolean
    }
  | {
      readonly verdict: 'cannot-tell'
      readonly at: Spot
      readonly says: string
      readonly needs: string
      /** What could not be seen into, as the file writes it: a capability map may vouch for it. */
      readonly ref?: string
    }

/**
 * One row of the rule table. Rules MUST be pure and deterministic, MUST NOT throw on any world, and MUST answer `cannot-tell`
 * where a value is opaque. A presence test is not enough: apply the platform's default and judge the result.
 */
export interface Rule {
  readonly id: string
  readonly question: Question
  readonly title: string
  readonly formats: readonly Format[]
  readonly severity: Severity
  /**
   * How hard citizens are hit; sorts the report. 3: cut off or losing work at each deployment. 2: a bad release or an outage
   * lasts longer than it must. 1: proof or knowledge is missing when it is needed.
   */
  readonly reach: 1 | 2 | 3
  readonly harm: string
  /** What holds when the field is absent. */
  readonly defaults: string
  readonly fix: string
  readonly cites: string
  /** True for rules that also judge files of other environments, tests and samples. */
  readonly everywhere?: boolean
  readonly bad: Example
  readonly good: Example
  check(world: World): Iterable<Verdict>
}

/** Keeps rule files short: `pass(at)`, `fail(at, says)`, `cannotTell(at, says, needs)`. */
export function pass(at: Spot): Verdict {
  return { verdict: 'pass', at }
}

export function fail(
  at: Spot,
  says: string,
  more: { arithmetic?: string; fix?: string; severity?: Severity; soft?: boolean | undefined } = {},
): Verdict {
  const { soft, ...rest } = more
  return { verdict: 'fail', at, says, ...rest, ...(soft ? { soft } : {}) }
}

export function cannotTell(at: Spot, says: string, needs: string, ref?: string): Verdict {
  return { verdict: 'cannot-tell', at, says, needs, ...(ref === undefined ? {} : { ref }) }
}
