import type { Instant } from '../core/time.ts'

export type Found =
  | {
      readonly found: true
      /** Where it was, relative to the definition's folder or the release's. */
      readonly path: string
      readonly text: string
      readonly writtenAt: Instant
      /** SHA-256 of its bytes, `sha256:<hex>`. */
      readonly digest: string
    }
  | { readonly found: false; readonly why: string }

/**
 * Reports reads what a scanner or a test left behind. Implementations:
 * - MUST read nothing outside of the folders given, links included, and nothing larger than 16 MiB.
 * - never throw: what is missing or cannot be read is an answer.
 */
export interface Reports {
  /** The first of the folders that has it. */
  read(path: string, folders: readonly string[]): Promise<Found>
}
