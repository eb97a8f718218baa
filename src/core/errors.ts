/**
 * The three kinds of wrong (docs/adr/0003): a definition that is wrong is a list of findings, a command that cannot go on
 * throws OpsError, and a fault of ours fails an invariant.
 */

/** Exit codes of every command. Stable: pipelines depend on them. */
export const EXIT = {
  done: 0,
  no: 1,
  usage: 2,
  unreachable: 3,
  rolledBack: 4,
  unconfirmed: 5,
  bug: 70,
  interrupted: 130,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export type Severity = 'error' | 'warn' | 'info'

/**
 * One thing that is wrong, or that cannot be told from here. `line` and `col` count from 1.
 * `says` is what we saw, `harm` what it does to citizens, `fix` what to do about it.
 */
export interface Finding {
  readonly rule: string
  readonly verdict: 'fail' | 'cannot-tell'
  readonly severity: Severity
  readonly file: string
  readonly line: number
  readonly col: number
  readonly says: string
  readonly harm: string
  readonly fix: string
  readonly cites: string
  /** For cannot-tell: the file or fact that would settle it. */
  readonly needs?: string
  readonly arithmetic?: string
  readonly suppressed?: { readonly reason: string; readonly owner: string; readonly until: string }
}

/** The command cannot go on, and the person can do something about it. Printed as message, fix and code; never a stack. */
export class OpsError extends Error {
  readonly code: string
  readonly fix: string
  readonly exit: ExitCode
  constructor(code: string, details: { message: string; fix: string; exit?: ExitCode; cause?: unknown }) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'OpsError'
    this.code = code
    this.fix = details.fix
    this.exit = details.exit ?? EXIT.no
  }
}

/** Thrown when something we promised ourselves is not true. Stops loudly, in production too. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Holds or throws: `invariant(total === 100, 'weights sum to 100')`. */
export function invariant(holds: unknown, promise: string): asserts holds {
  if (!holds) throw new InvariantError(`Our fault: this should always be true, and is not: ${promise}`)
}

/** The error's message, whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
