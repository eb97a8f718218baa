/**
 * The simulation's store: the same promises as PostgreSQL's, in plain objects. It trusts that states are never changed in place
 * (reducers are pure), so it keeps them as they are given and copies nothing; salts count up, so that the same seed gives the
 * same bytes. Not for production: it forgets everything with its process.
 */
import { invariant } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { hasCome, leaseHolds } from '../../core/lease.ts'
import type { Effect, Entry, Post, Spawn } from '../../core/machine.ts'
import { redacted, spawnLeftOut } from '../../core/prove/bookkeeping.ts'
import { seal } from '../../core/prove/entry.ts'
import { append, EMPTY, type Frontier, rootOf } from '../../core/prove/merkle.ts'
import type { Instant } from '../../core/time.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Claim, InboxRow, LogRow, MachineRow, PendingEffect, Store } from '../../ports/store.ts'

interface Waiting {
  readonly effect: Effect
  readonly since: Instant
  dueAt: Instant
  attempts: number
}

interface Kept {
  row: MachineRow
  lease: { readonly owner: string; readonly epoch: number; readonly from: Instant; until: Instant } | null
  inbox: InboxRow[]
  lastSeq: number
  readonly messages: Set<string>
  /** Not settled, oldest first. */
  readonly waiting: Map<string, Waiting>
  readonly settled: Set<string>
}

/** What one transaction of the log is made of, sealed before anything is changed, so that a bad entry changes nothing. */
interface Sealed {
  readonly rows: readonly LogRow[]
  readonly frontier: Frontier
}

/** What only a simulation asks: it moves the clock itself, and wants to know how far. */
export interface MemoryStore extends Store {
  /**
   * The moment at which the engine of this name has something to do, which may have come already; infinity: nothing ahead.
   * What another engine holds is not before the end of that lease.
   */
  dueAt(owner: string): Instant
}

export function memoryStore(clock: Clock): MemoryStore {
  const machines = new Map<string, Kept>()
  const held = new Map<string, Kept>()
  const settings = new Map<string, Json>()
  const log: LogRow[] = []
  let frontier = EMPTY
  let epoch = 0
  let pulse = 0
  let seen: number | null = null
  const sleepers = new Set<() => void>()

  function wake(): void {
    pulse++
    for (const up of [...sleepers]) up()
  }

  function sealed(service: string, entries: readonly Entry[], now: Instant): Sealed {
    let next = frontier
    const rows = entries.map((entry, i): LogRow => {
      const index = log.length + i
      const salt = index.toString(16).padStart(32, '0')
      const { payload, payloadHash, leafHash } = seal(entry, service, now, salt)
      next = append(next, leafHash)
      return { index, at: now, service, kind: entry.kind, subject: entry.subject, payload, salt, payloadHash, leafHash }
    })
    return { rows, frontier: next }
  }

  function write(words: Sealed): void {
    log.push(...words.rows)
    frontier = words.frontier
  }

  function add(service: string, spawn: Spawn, now: Instant): void {
    const row: MachineRow = {
      id: spawn.id,
      kind: spawn.kind,
      service,
      state: spawn.state,
      version: 1,
      wakeAt: spawn.wakeAt,
      done: false,
      exclusive: spawn.exclusive ?? null,
      createdAt: now,
      updatedAt: now,
    }
    const kept: Kept = {
      row,
      lease: null,
      inbox: [],
      lastSeq: 0,
      messages: new Set(),
      waiting: new Map(),
      settled: new Set(),
    }
    machines.set(spawn.id, kept)
    if (row.exclusive !== null) held.set(row.exclusive, kept)
  }

  function deliver(message: Post, now: Instant): 'posted' | 'already' | 'no-such-machine' | 'done' {
    const to = machines.get(message.to)
    if (!to) return 'no-such-machine'
    if (to.messages.has(message.id)) return 'already'
    if (to.row.done) return 'done'
    to.messages.add(message.id)
    const { id, name, who, payload } = message
    to.inbox.push({ seq: ++to.lastSeq, at: now, kind: 'message', id, name, who, payload })
    return 'posted'
  }

  /** The machine, when the claim still holds it. */
  function holding(claim: Claim, now: Instant): Kept | null {
    const kept = machines.get(claim.machine)
    return kept?.lease?.epoch === claim.epoch && live(kept, now) ? kept : null
  }

  return {
    dueAt(owner) {
      const now = clock.now()
      let first = Number.POSITIVE_INFINITY
      for (const kept of machines.values()) {
        const { row, inbox, waiting, lease } = kept
        // The effects of a machine that is done are begun by whoever holds it, and by nobody else (see claim).
        if (row.done && lease?.owner !== owner) continue
        let due = row.wakeAt ?? Number.POSITIVE_INFINITY
        if (inbox.length > 0) due = Math.min(due, inbox[0]!.at)
        for (const effect of waiting.values()) due = Math.min(due, effect.dueAt)
        if (lease !== null && lease.owner !== owner && live(kept, now)) due = Math.max(due, lease.until)
        if (due < first) first = due
      }
      return first
    },

    now: async () => clock.now(),

    async create(service, machine, entries) {
      if (machines.has(machine.id)) return 'exists'
      const holder = machine.exclusive === undefined ? undefined : held.get(machine.exclusive)
      if (holder) return { busy: true, holder: holder.row }
      const now = clock.now()
      const words = sealed(service, entries, now)
      add(service, machine, now)
      write(words)
      wake()
      return 'created'
    },

    async claim(owner, leaseMs, kinds, services) {
      const now = clock.now()
      const before = pulse
      let longest: Kept | null = null
      let longestSince = Number.POSITIVE_INFINITY
      for (const kept of machines.values()) {
        if (kept.row.done || live(kept, now) || (kinds && !kinds.includes(kept.row.kind))) continue
        if (services && !services.includes(kept.row.service)) continue
        const since = dueSince(kept, now)
        if (since < longestSince) {
          longest = kept
          longestSince = since
        }
      }
      if (!longest) {
        seen = before
        return null
      }
      longest.lease = { owner, epoch: ++epoch, from: now, until: now + leaseMs }
      return { machine: longest.row.id, owner, epoch, leaseUntil: now + leaseMs }
    },

    async renew(claim, leaseMs) {
      const now = clock.now()
      const kept = holding(claim, now)
      if (!kept) return 'fenced'
      kept.lease = { owner: claim.owner, epoch: claim.epoch, from: now, until: now + leaseMs }
      return { ...claim, leaseUntil: now + leaseMs }
    },

    async release(claim) {
      const kept = machines.get(claim.machine)
      if (kept?.lease?.epoch === claim.epoch) kept.lease = null
    },

    async open(claim) {
      const kept = holding(claim, clock.now())
      return kept ? { machine: kept.row, inbox: [...kept.inbox] } : 'fenced'
    },

    async commit(claim, change) {
      const now = clock.now()
      const kept = holding(claim, now)
      if (!kept || kept.row.version !== change.version) return 'fenced'
      const { service } = kept.row
      const free = change.done ? kept.row.exclusive : null
      const { born, leftOut } = choose(change.spawn, machines, (key) => (key === free ? undefined : held.get(key)))
      const words = sealed(service, [...change.entries, ...leftOut], now)
      // Nothing below can fail.
      kept.row = {
        ...kept.row,
        state: change.state,
        version: change.version + 1,
        wakeAt: change.wakeAt,
        done: change.done,
        updatedAt: now,
      }
      if (free !== null) held.delete(free)
      kept.inbox = change.done ? [] : kept.inbox.filter((row) => row.seq > change.consumed)
      for (const effect of change.effects) {
        if (kept.settled.has(effect.id) || kept.waiting.has(effect.id)) continue
        kept.waiting.set(effect.id, { effect, since: now, dueAt: effect.dueAt ?? now, attempts: 0 })
      }
      for (const spawn of born) add(service, spawn, now)
      for (const message of change.post) deliver(message, now)
      write(words)
      wake()
      return kept.row
    },

    async begin(claim) {
      const now = clock.now()
      const kept = holding(claim, now)
      if (!kept) return 'fenced'
      const due: PendingEffect[] = []
      for (const waiting of kept.waiting.values()) {
        if (!hasCome(waiting.dueAt, waiting.since, now)) continue
        const { id, kind, payload } = waiting.effect
        due.push({ id, kind, payload, dueAt: waiting.dueAt, attempts: waiting.attempts++ })
      }
      return due
    },

    async settle(claim, effect, outcome) {
      const now = clock.now()
      const kept = holding(claim, now)
      if (!kept) return 'fenced'
      if (kept.settled.has(effect)) return 'settled'
      const waiting = kept.waiting.get(effect)
      invariant(waiting, `effect ${effect} belongs to machine ${claim.machine}`)
      kept.waiting.delete(effect)
      kept.settled.add(effect)
      if (!kept.row.done) {
        kept.inbox.push({ seq: ++kept.lastSeq, at: now, kind: 'outcome', effect, of: waiting.effect.kind, outcome })
      }
      wake()
      return 'settled'
    },

    async postpone(claim, effect, dueAt) {
      const now = clock.now()
      const kept = holding(claim, now)
      if (!kept) return 'fenced'
      const waiting = kept.waiting.get(effect)
      if (waiting) kept.waiting.set(effect, { ...waiting, since: now, dueAt })
      return 'postponed'
    },

    async post(message) {
      const answer = deliver(message, clock.now())
      if (answer === 'posted') wake()
      return answer
    },

    read: async (machine) => machines.get(machine)?.row ?? null,

    async list({ kind, service, done, limit = 100 }) {
      const rows: MachineRow[] = []
      for (const { row } of [...machines.values()].reverse()) {
        if (rows.length === limit) break
        if ((kind ?? row.kind) !== row.kind || (service ?? row.service) !== row.service) continue
        if ((done ?? row.done) === row.done) rows.push(row)
      }
      return rows
    },

    async record(service, entries) {
      const first = log.length
      write(sealed(service, entries, clock.now()))
      wake()
      return first
    },

    async log(from, limit, filter) {
      if (filter?.subject === undefined) return log.slice(from, from + limit)
      const rows: LogRow[] = []
      for (let i = from; i < log.length && rows.length < limit; i++) {
        if (log[i]!.subject === filter.subject) rows.push(log[i]!)
      }
      return rows
    },

    head: async () => ({ size: frontier.size, root: rootOf(frontier) }),

    async redact(index, who, why) {
      const row = log[index]
      if (!row) return 'no-such-entry'
      if (row.payload === null) return 'already'
      write(sealed(row.service, [redacted(index, row.subject, who, why)], clock.now()))
      log[index] = { ...row, payload: null, salt: '' }
      wake()
      return 'redacted'
    },

    get: async (key) => settings.get(key) ?? null,

    async put(key, value) {
      if (value === null) settings.delete(key)
      else settings.set(key, value)
    },

    async wait(ms, signal) {
      const missed = seen !== null && pulse > seen
      seen = null
      if (missed || signal?.aborted) return
      await new Promise<void>((resolve) => {
        const up = () => {
          clearTimeout(timer)
          sleepers.delete(up)
          signal?.removeEventListener('abort', up)
          resolve()
        }
        const timer = setTimeout(up, ms)
        sleepers.add(up)
        signal?.addEventListener('abort', up)
      })
    },

    async close() {
      for (const up of [...sleepers]) up()
    },
  }
}

function live({ lease }: Kept, now: Instant): boolean {
  return lease !== null && leaseHolds(lease.from, lease.until, now)
}

/** Since when the machine has something to do; infinity: nothing. */
function dueSince({ row, inbox, waiting }: Kept, now: Instant): number {
  let since = Number.POSITIVE_INFINITY
  if (row.wakeAt !== null && hasCome(row.wakeAt, row.updatedAt, now)) since = row.wakeAt
  if (inbox.length > 0) since = Math.min(since, inbox[0]!.at)
  for (const effect of waiting.values()) {
    if (hasCome(effect.dueAt, effect.since, now)) since = Math.min(since, effect.dueAt)
  }
  return since
}

/** Which of the wished machines come into being, and the log entries about those whose key another machine holds. */
function choose(
  wished: readonly Spawn[],
  machines: ReadonlyMap<string, unknown>,
  holderOf: (key: string) => Kept | undefined,
): { born: readonly Spawn[]; leftOut: readonly Entry[] } {
  const born: Spawn[] = []
  const leftOut: Entry[] = []
  const taken = new Map<string, string>()
  for (const spawn of wished) {
    if (machines.has(spawn.id) || born.some((other) => other.id === spawn.id)) continue
    const key = spawn.exclusive
    const holder = key === undefined ? undefined : (taken.get(key) ?? holderOf(key)?.row.id)
    if (key !== undefined && holder !== undefined) leftOut.push(spawnLeftOut(spawn, holder))
    else {
      born.push(spawn)
      if (key !== undefined) taken.set(key, spawn.id)
    }
  }
  return { born, leftOut }
}
