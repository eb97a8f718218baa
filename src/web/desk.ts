/** What every page and action of the console works with. */
import type { Service } from '../core/define/schema.ts'
import type { Instant } from '../core/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'
import type { Assets } from './assets.ts'
import type { Screen } from './layout.ts'
import type { Session, Sessions } from './session.ts'

export interface ConsoleOptions {
  /** The store, or a way to ask for it: pages answer "starting" until it is there. */
  readonly store: Store | (() => Store | undefined)
  readonly clock: Clock
  /** Loopback unless `publicUrl` says how staff reach it. Port 0: the system chooses. */
  readonly listen: { readonly host: string; readonly port: number }
  /** Where people reach the console when that is not `listen`, e.g. behind a TLS proxy: "https://holdfast.example.gov.uk". */
  readonly publicUrl?: string
  /** Seals session cookies, 32 characters or more. The same for every console on one database. */
  readonly secret: string
  readonly version: string
  log(line: string): void
  /** The definitions this console knows: for release windows and forecasts. Absent: pages say that they cannot tell. */
  services?(): readonly Service[]
  /** The Markdown of a service's runbook; null: there is none. Absent: pages say where runbooks are. */
  runbook?(service: string, id: string): Promise<string | null>
  /** The key of acknowledgement links (core/respond/ack.ts). Absent: they are not accepted here. */
  ackSecret?(): Promise<Uint8Array>
}

export interface Desk {
  readonly options: ConsoleOptions
  readonly sessions: Sessions
  readonly assets: Assets
  store(): Store | undefined
}

/** What one request (or one look of a live stream) may read. */
export interface Look {
  readonly desk: Desk
  readonly store: Store
  readonly now: Instant
  readonly person: Session
}

/** What was wrong with a form that was sent, to be shown with the form again. */
export interface Problem {
  readonly action: string
  readonly field: string
  readonly says: string
  readonly values: Readonly<Record<string, string>>
}

export interface Asked {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly problem?: Problem
}

/** A page: reads, and never changes anything. Null: there is no such thing. */
export type PageOf = (look: Look, asked: Asked) => Promise<Screen | null>
