import type { Notifier } from '../ports/notifier.ts'
import type { Runtime } from '../ports/runtime.ts'
import type { Schema } from '../ports/schema.ts'
import type { Traffic } from '../ports/traffic.ts'
import type { GateDesk } from './gates.ts'

/** What one service has around it, opened from its definition and the state folder. */
export interface World {
  readonly service: string
  readonly traffic: Traffic
  readonly runtime: Runtime
  /** Absent: the service has no schema that Holdfast widens. */
  readonly schema?: Schema
  /** Where citizens reach the traffic layer, for our own synthetic journeys: "http://127.0.0.1:8080". */
  readonly publicUrl: string
  /** Header and value that mark synthetic journeys. The secret stays in the state folder, never in a state or the log. */
  readonly probe: { readonly header: string; readonly secret: string }
  /** Values of environment variables that a release plan names. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly notifiers: Readonly<Record<string, Notifier>>
  /** What gates are asked with. Absent: every gate fails, because nobody here can ask it. */
  readonly gates?: GateDesk
}

export type Worlds = (service: string) => World | undefined
