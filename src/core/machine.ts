/**
 * The shape of every long-lived thing in Holdfast: deployment, incident, page, drill.
 *
 *   event ──► react(state, event, now) ──► { state, effects, entries, spawn, post, wakeAt, done }
 *
 * A machine is pure. The engine reads its events, commits what `react` returns in one transaction, and only then performs the
 * effects. An effect may be performed twice (a crash between doing and writing down), so each carries an id that the port uses
 * as idempotency key; its outcome comes back as an event.
 */
import type { Json } from './json.ts'
import type { Instant } from './time.ts'

/** What is to be done in the world. `id` is unique within the machine for ever, and the same decision always gives the same id. */
export interface Effect {
  readonly id: string
  readonly kind: string
  readonly payload: Json
  /** Not before this moment; absent: now. */
  readonly dueAt?: Instant
}

/** What the audit log keeps of a decision. `why` is one sentence that a non-technical reader can follow. */
export interface Entry {
  readonly kind: string
  /** The machine, or the release, or the person's request this is about. */
  readonly subject: string
  /** Who decided: an account id, or "holdfast". */
  readonly who: string
  readonly why: string
  readonly data: Json
}

export type Event<Seen> =
  | { readonly kind: 'tick'; readonly seen: Seen }
  /** A person's or another machine's request. `id` is its idempotency key. */
  | {
      readonly kind: 'message'
      readonly id: string
      readonly name: string
      readonly who: string
      readonly payload: Json
    }
  /** What came of an effect. */
  | { readonly kind: 'outcome'; readonly effect: string; readonly of: string; readonly outcome: Json }

export interface Spawn {
  readonly id: string
  readonly kind: string
  readonly state: Json
  readonly wakeAt: Instant | null
  /** While a machine that is not done holds this key, no other with the same key can be created. */
  readonly exclusive?: string
}

export interface Post {
  readonly to: string
  readonly id: string
  readonly name: string
  readonly who: string
  readonly payload: Json
}

export interface Reaction<State> {
  readonly state: State
  readonly effects: readonly Effect[]
  readonly entries: readonly Entry[]
  readonly spawn: readonly Spawn[]
  readonly post: readonly Post[]
  /** When the machine wants its next tick; null: only when an event arrives. */
  readonly wakeAt: Instant | null
  /** A machine that is done takes no more events. */
  readonly done: boolean
}

export interface Machine<State, Seen> {
  readonly kind: string
  react(state: State, event: Event<Seen>, now: Instant): Reaction<State>
}
