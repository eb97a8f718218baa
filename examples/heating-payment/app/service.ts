import type { Pool } from 'pg'
import type { Release } from './release.ts'

/** What every route of the service works with. */
export interface Service {
  readonly release: Release
  readonly pool: Pool
  /** Signs sessions and forms; the same for every replica. */
  readonly secret: string
  /** Cookies only over TLS. Off on a loopback address without TLS. */
  readonly secureCookies: boolean
  readonly now: () => number
  /** A line for the team's log. Never personal data. */
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void
}
