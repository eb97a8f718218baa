import type { Refused, Unreachable } from './unreachable.ts'

/** A statement that a release sends. Parameters are `$1`, `$2`… */
export interface NamedQuery {
  readonly name: string
  readonly sql: string
}

/** One numbered file of the service's migrations: `0003_contact_phone.sql`, and what stands in it. */
export interface MigrationFile {
  readonly file: string
  readonly sql: string
}

export interface Expanded {
  readonly ok: true
  /** Files applied now, in order; those of an earlier try are not among them. */
  readonly applied: readonly string[]
  /** Statements that could be prepared before and after each file; absent: none was given. */
  readonly checked?: number
  /** Names of statements that could not be prepared before either, and so say nothing. */
  readonly cannotTell?: readonly string[]
}

/** The file that failed is undone; the files before it stay, which is safe because each is an expand step by itself. */
export interface NotExpanded {
  readonly ok: false
  readonly file: string
  /** One sentence for the team: what the database said, or why we did not begin. */
  readonly why: string
  readonly applied: readonly string[]
}

/** Old data is copied by statements that touch at most `:batch` rows, and none when nothing is left to do. */
export interface BackfillOrder {
  /** One statement a file, in order. */
  readonly files: readonly MigrationFile[]
  /** Rows a batch, 1 to 100,000. */
  readonly batch: number
  readonly pauseMs: number
  /** A standby further behind than this makes it wait, in ms. */
  readonly lagMsMax: number
  /** So many other statements at work make it wait. */
  readonly activeMax: number
  /** How long this call may work before it reports, in ms. */
  readonly callMs: number
}

export interface BackfillProgress {
  readonly ok: true
  /** Every file is done. */
  readonly done: boolean
  /** Files that are done, and rows and batches of all of them, over all calls: the database keeps count. */
  readonly files: number
  readonly rows: number
  readonly batches: number
  /** Why it waits at the moment, in one sentence; absent: it does not. What cannot be told (no right to look) makes nobody wait. */
  readonly waits?: string
}

/** What came of preparing statements, without running them. */
export interface Prepared {
  readonly ok: true
  readonly good: number
  readonly broken: readonly { readonly name: string; readonly why: string }[]
}

/**
 * Schema widens the database of a service before a release that needs it gets traffic. Implementations:
 * - MUST apply files in the order of their names, each once: a file that was applied before is done, and one whose text has changed
 *   since is an error.
 * - MUST apply a file and the record of it together or not at all; a statement that its database refuses inside a transaction
 *   stands alone in its file, and is repeatable.
 * - MUST refuse an epoch lower than the highest obeyed, and keep that number in the database.
 * - MUST bound how long a statement waits for a lock and how long it runs, because citizens wait behind it.
 * - MUST undo a file after which one of `queries` cannot be prepared that could be before. A statement that stands alone outside of a
 *   transaction is not checked: it builds or drops an index.
 * - MUST make a batch of a backfill and the count of it together or not at all, so that a kill repeats and loses nothing.
 * - answer Unreachable when the database cannot be reached; the same call again continues where it stopped.
 */
export interface Schema {
  /** Those of the files that the database does not have yet, in order. */
  pending(files: readonly MigrationFile[]): Promise<readonly MigrationFile[] | Unreachable>
  /** `queries`: what a release that serves sends; it must go on working. */
  expand(
    files: readonly MigrationFile[],
    epoch: number,
    queries?: readonly NamedQuery[],
  ): Promise<Expanded | NotExpanded | Refused | Unreachable>
  /** Some batches, and how far it is. Call it again until it is done. */
  backfill(order: BackfillOrder, epoch: number): Promise<BackfillProgress | NotExpanded | Refused | Unreachable>
  /** Which of the statements the database could run now. */
  prepare(queries: readonly NamedQuery[]): Promise<Prepared | Unreachable>
  close(): Promise<void>
}
