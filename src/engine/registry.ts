import type { Json } from '../core/json.ts'
import type { Machine } from '../core/machine.ts'
import type { Claim, MachineRow } from '../ports/store.ts'

/** A kind of machine, and how the engine looks at the world for it. */
export interface Kind {
  // The engine keeps states as JSON and hands each machine its own back; it never looks inside.
  // biome-ignore lint/suspicious/noExplicitAny: one registry holds machines of many state types
  readonly machine: Machine<any, any>
  /** What the ports show now. Never throws: an outage is part of what was seen. */
  observe(row: MachineRow): Promise<unknown>
}

export interface EffectContext {
  readonly claim: Claim
  /** Idempotency key over all machines: `<machine>/<effect id>`. */
  readonly key: string
  /** The machine as it is now, which may have gone on since it asked for this effect. */
  readonly machine: () => Promise<MachineRow | null>
  /** Above 0: it may already have happened. */
  readonly attempts: number
  /** Aborted when this engine stops or loses the machine: whoever holds it next performs the effect again. Absent: never. */
  readonly stop?: AbortSignal
}

/** An outside that has obeyed a higher epoch: this engine was replaced while it was asleep. */
export class Fenced extends Error {
  override readonly name = 'Fenced'
}

/** Performs one kind of effect. Throws Fenced when refused by epoch; other throws are tried again with back-off. */
export type Performer = (payload: Json, context: EffectContext) => Promise<Json>

export interface Registry {
  readonly kinds: Readonly<Record<string, Kind>>
  readonly performers: Readonly<Record<string, Performer>>
}
