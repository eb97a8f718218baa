import type { Refused, Unreachable } from './unreachable.ts'

/** One numbered file of the service's migrations: `0003_contact_phone.sql`, and what stands in it. */
export interface MigrationFile {
  readonly file: string
  readonly sql: string
}

export interface Expanded {
  readonly ok: true
  /** Files applied now, in order; those of an earlier try are not among them. */
  readonly applied: readonly string[]
}

/** The file that failed is undone; the files before it stay, which is safe because each is an expand step by itself. */
export interface NotExpanded {
  readonly ok: false
  readonly file: string
  /** One sentence for the team: what the database said, or why we did not begin. */
  readonly why: string
  readonly applied: readonly string[]
}

/**
 * Schema widens the database of a service before a release that needs it gets traffic. Implementations:
 * - MUST apply files in the order of their names, each once: a file that was applied before is done, and one whose text has changed
 *   since is an error.
 * - MUST apply a file and the record of it together or not at all; a statement that its database refuses inside a transaction
 *   stands alone in its file, and is repeatable.
 * - MUST refuse an epoch lower than the highest obeyed, and keep that number in the database.
 * - MUST bound how long a statement waits for a lock and how long it runs, because citizens wait behind it.
 * - answer Unreachable when the database cannot be reached; the same call again continues where it stopped.
 */
export interface Schema {
  /** Those of the files that the database does not have yet, in order. */
  pending(files: readonly MigrationFile[]): Promise<readonly MigrationFile[] | Unreachable>
  expand(files: readonly MigrationFile[], epoch: number): Promise<Expanded | NotExpanded | Refused | Unreachable>
  close(): Promise<void>
}
