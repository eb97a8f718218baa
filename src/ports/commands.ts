/** A command of the team's own: a test suite, a scanner. argv, never a shell string. */
export interface CommandWish {
  readonly argv: readonly string[]
  readonly folder: string
  /** All that the command gets, besides the few variables that every program needs (PATH, HOME, LANG …). Nothing else leaks in. */
  readonly env: Readonly<Record<string, string>>
  /** Values that must not be found in what is kept of its output. */
  readonly secrets: readonly string[]
  /** Longest run, in ms; longer has failed. */
  readonly msMax: number
}

export type Ran =
  | {
      readonly ran: true
      /** Null: it was ended by a signal. */
      readonly exit: number | null
      readonly timedOut: boolean
      /** It was told to stop, because nobody wants its answer any more. */
      readonly stopped: boolean
      readonly ms: number
      /** Bytes it wrote on both streams. */
      readonly bytes: number
      /** SHA-256 over all of them, `sha256:<hex>`. */
      readonly digest: string
      /** The last of what it wrote, at most 4,000 characters, secrets and control characters taken out. */
      readonly tail: string
    }
  | { readonly ran: false; readonly why: string }

/**
 * Commands runs a program and keeps its last words. Implementations:
 * - MUST end it, and all that it started, when its time is over, when `stop` is aborted, or when whoever asked has died.
 * - MUST NOT keep more of its output in memory than the tail.
 * - never throw: what could not be started is an answer.
 */
export interface Commands {
  run(wish: CommandWish, stop: AbortSignal): Promise<Ran>
}
