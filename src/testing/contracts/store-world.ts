/** What the store's contract is told in: worlds, cases with names of their own, changes that change little. */
import assert from 'node:assert/strict'
import type { Json } from '../../core/json.ts'
import type { Effect, Entry, Post, Spawn } from '../../core/machine.ts'
import { append, EMPTY, rootOf } from '../../core/prove/merkle.ts'
import type { Change, Claim, InboxRow, LogRow, MachineRow, Store } from '../../ports/store.ts'

/** One place where data is kept, and any number of stores on it. */
export interface StoreWorld {
  /** Another store on the same data. */
  store(): Promise<Store>
  /** Moves the store's clock; negative sets it back. Absent: the clock is real, and cases that need one in hand wait for it. */
  advance?(ms: number): void | Promise<void>
  close(): Promise<void>
}

export type Fresh = () => ReturnType<typeof caseOf>

/** Names of its own for a case, so that cases can share the data. */
export function caseOf(kind: string) {
  const id = `${kind}-${process.pid.toString(36)}`
  return {
    kind,
    id,
    spawn: (over: Partial<Spawn> = {}): Spawn => ({ id, kind, state: { n: 0 }, wakeAt: 1, ...over }),
    post: (message: string): Post => ({ to: id, id: message, name: 'tell', who: 'asha', payload: { m: message } }),
  }
}

export function change(over: Partial<Change>): Change {
  return {
    version: 1,
    state: { n: 1 },
    effects: [],
    entries: [],
    spawn: [],
    post: [],
    wakeAt: 1,
    done: false,
    consumed: 0,
    ...over,
  }
}

export function effect(id: string, dueAt?: number): Effect {
  return { id, kind: 'ring', payload: { bell: id }, ...(dueAt === undefined ? {} : { dueAt }) }
}

export function entry(kind: string, subject = 'someone', data: Json = null): Entry {
  return { kind, subject, who: 'asha', why: 'Because.', data }
}

export async function opened(store: Store, claim: Claim): Promise<{ machine: MachineRow; inbox: readonly InboxRow[] }> {
  const view = await store.open(claim)
  assert.ok(view !== 'fenced', 'the claim holds')
  return view
}

export async function begun(store: Store, claim: Claim) {
  const due = await store.begin(claim)
  assert.ok(due !== 'fenced', 'the claim holds')
  return due
}

export async function all(store: Store): Promise<readonly LogRow[]> {
  const rows: LogRow[] = []
  for (;;) {
    const page = await store.log(rows.length, 500)
    if (page.length === 0) return rows
    rows.push(...page)
  }
}

export function headOf(rows: readonly LogRow[]) {
  const frontier = rows.reduce((tree, row) => append(tree, row.leafHash), EMPTY)
  return { size: rows.length, root: rootOf(frontier) }
}
