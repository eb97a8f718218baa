import type { Visitor as Kind } from '../core/deploy/counts.ts'
import type { Chance } from './chance.ts'

/** What came back for a step. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The body as text, at most 256 KiB of it. */
  readonly body: string
}

/** One request of a visit. */
export interface Step {
  readonly journey: string
  readonly step: string
  /** False for what a journey needs but does not name, such as fetching an empty form: it can hurt, but is in no stream. */
  readonly counted: boolean
  readonly method: 'GET' | 'POST'
  /** A function when it is only known on the way; undefined then: the step is left out. */
  readonly path: string | (() => string | undefined)
  /** Fields of the form, beside the hidden fields of the page shown before, which are sent back as a browser does. */
  readonly form?: Readonly<Record<string, string | readonly string[]>>
  readonly okStatus: readonly number[]
  /** Text that a good page has. */
  readonly marker?: string
  /** Path to which a good redirect leads. */
  readonly leadsTo?: string
  /** How long the person reads and types before, in ms. */
  readonly thinkMs: number
  /** Called with a good answer: to remember a reference number. */
  readonly learn?: (answer: Answer) => void
}

/** One person or machine, and what they came to do. */
export interface Visit {
  readonly kind: Kind
  /** Browser family, or what else may be hurt alone; '' when unknown. */
  readonly segment: string
  readonly userAgent: string
  /** False: a new connection for every request, as behind some proxies. */
  readonly keepAlive: boolean
  readonly steps: readonly Step[]
}

/** Who comes, one after the other. `visit` must depend on its arguments and on what earlier visits learnt only. */
export interface Script {
  /** Mean number of requests of a visit: turns requests a second into visits a second. */
  readonly requestsMean: number
  visit(n: number, chance: Chance): Visit
}
