import type { Json } from '../core/json.ts'
import type { Effect, Entry, Post, Spawn } from '../core/machine.ts'
import type { Instant } from '../core/time.ts'

export interface MachineRow {
  readonly id: string
  readonly kind: string
  readonly service: string
  readonly state: Json
  /** Rises by one with every commit. */
  readonly version: number
  readonly wakeAt: Instant | null
  readonly done: boolean
  readonly exclusive: string | null
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** The right to decide for one machine until `leaseUntil`. Every claim of any machine has a higher epoch than all before it. */
export interface Claim {
  readonly machine: string
  readonly owner: string
  readonly epoch: number
  readonly leaseUntil: Instant
}

export type InboxRow =
  | {
      readonly seq: number
      readonly at: Instant
      readonly kind: 'message'
      readonly id: string
      readonly name: string
      readonly who: string
      readonly payload: Json
    }
  | {
      readonly seq: number
      readonly at: Instant
      readonly kind: 'outcome'
      /** The effect's id, and its kind. */
      readonly effect: string
      readonly of: string
      readonly outcome: Json
    }

export interface PendingEffect extends Effect {
  /** How often it was begun before; above 0 it may already have happened. */
  readonly attempts: number
}

export interface Change {
  /** The version this change was computed from. */
  readonly version: number
  readonly state: Json
  readonly effects: readonly Effect[]
  readonly entries: readonly Entry[]
  readonly spawn: readonly Spawn[]
  readonly post: readonly Post[]
  readonly wakeAt: Instant | null
  readonly done: boolean
  /** Inbox rows up to and including this `seq` have been taken into account; 0: none. */
  readonly consumed: number
}

export interface LogRow {
  /** From 0, without gaps. */
  readonly index: number
  readonly at: Instant
  readonly service: string
  readonly kind: string
  readonly subject: string
  /** The sealed words and figures; null after redaction. See core/prove/entry.ts. */
  readonly payload: string | null
  /** '' after redaction: with it, a name could be guessed from the hash that stays. */
  readonly salt: string
  readonly payloadHash: string
  readonly leafHash: string
}

export interface LogHead {
  readonly size: number
  /** Hex of the RFC 6962 root. */
  readonly root: string
}

/** Another machine holds the exclusive key. */
export interface Busy {
  readonly busy: true
  readonly holder: MachineRow
}

/**
 * Store keeps machines, their inbox and outbox, and the audit log. PostgreSQL in production, memory in simulation, one contract.
 * Time is the store's own, never the caller's. Implementations:
 * - MUST make `commit` all or nothing: state, effects, entries, spawned machines, posts and consumed events together, and only
 *   while the claim's epoch is the machine's and its lease has not passed. Else 'fenced', and nothing is written.
 * - MUST give a machine to one owner at a time, and raise the epoch with each claim, over all machines.
 * - MUST keep log indices without gaps, in commit order, and the head equal to the RFC 6962 root over all leaves.
 * - MUST treat the same message id to the same machine, and the same effect id of the same machine, as one.
 * - MUST NOT trust the clock to go forward only: set back, it ends leases and makes what was due later due now (core/lease.ts).
 * - leave out, at commit, spawned machines that exist, and those whose exclusive key another holds (with a log entry that says
 *   so), and posts to machines that are done or not there.
 * - throw OpsError('STORE_GONE') with exit 3 when the database cannot be reached; the engine waits and tries again.
 */
export interface Store {
  /** The store's clock. */
  now(): Promise<Instant>
  create(service: string, machine: Spawn, entries: readonly Entry[]): Promise<'created' | 'exists' | Busy>
  /**
   * The machine that has waited longest among those not done, not leased, and due: wake time reached, unread inbox, or an effect
   * due. `kinds` and `services` narrow the choice: an engine must not take what it cannot serve.
   */
  claim(owner: string, leaseMs: number, kinds?: readonly string[], services?: readonly string[]): Promise<Claim | null>
  /** Extends the lease, only while it is held. */
  renew(claim: Claim, leaseMs: number): Promise<Claim | 'fenced'>
  /** Gives the machine back at once. No error when it was already lost. */
  release(claim: Claim): Promise<void>
  /** State and unread events, as one view. */
  open(claim: Claim): Promise<{ readonly machine: MachineRow; readonly inbox: readonly InboxRow[] } | 'fenced'>
  /**
   * Also 'fenced' when `change.version` is not the machine's. A machine that is done keeps its claim, so that its last effects can
   * be begun and settled; nobody can claim it again.
   */
  commit(claim: Claim, change: Change): Promise<MachineRow | 'fenced'>
  /** Effects not settled and due, oldest first. Counts the attempt. */
  begin(claim: Claim): Promise<readonly PendingEffect[] | 'fenced'>
  /** Writes down what came of an effect, as an event for the machine. */
  settle(claim: Claim, effect: string, outcome: Json): Promise<'settled' | 'fenced'>
  /** Puts an unsettled effect off until `dueAt`. */
  postpone(claim: Claim, effect: string, dueAt: Instant): Promise<'postponed' | 'fenced'>
  post(message: Post): Promise<'posted' | 'already' | 'no-such-machine' | 'done'>
  read(machine: string): Promise<MachineRow | null>
  /** Newest first; `limit` is 100 when absent, at most 10,000. */
  list(filter: {
    readonly kind?: string
    readonly service?: string
    readonly done?: boolean
    readonly limit?: number
  }): Promise<readonly MachineRow[]>
  /** Adds entries that belong to no machine (sign-in, verification, a refused command). Gives the first index. */
  record(service: string, entries: readonly Entry[]): Promise<number>
  /** At most `limit` rows (1 to 10,000), in order of index. */
  log(from: number, limit: number, filter?: { readonly subject?: string }): Promise<readonly LogRow[]>
  head(): Promise<LogHead>
  /** Deletes an entry's payload, keeping its hash, and records who did it and why as a new entry. */
  redact(index: number, who: string, why: string): Promise<'redacted' | 'already' | 'no-such-entry'>
  /** Small settings of one owner: signing keys, console sessions. `null` deletes. */
  get(key: string): Promise<Json | null>
  put(key: string, value: Json | null): Promise<void>
  /** Resolves when anything was committed or posted, or after `ms`, whichever is first. */
  wait(ms: number, signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}
