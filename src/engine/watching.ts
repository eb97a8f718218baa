/** Joins the watch to the traffic layer's counts. */
import type { IncidentState } from '../core/respond/state.ts'
import { type WatchSeen, type WatchState, watchMachine } from '../core/watch/watching.ts'
import type { MachineRow, Store } from '../ports/store.ts'
import { isUnreachable } from '../ports/unreachable.ts'
import type { Kind } from './registry.ts'
import type { Worlds } from './world.ts'

export function watchKind(worlds: Worlds, store: Store): Kind {
  return { machine: watchMachine, observe: (row) => observe(row, worlds, store) }
}

async function observe(row: MachineRow, worlds: Worlds, store: Store): Promise<WatchSeen> {
  const { cursor, open } = row.state as unknown as WatchState
  const ended = open !== null && (await isEnded(store, open.id))
  const world = worlds(row.service)
  if (!world) return { counts: null, seq: null, why: `this engine does not know the service ${row.service}`, ended }
  const [status, counts] = await Promise.all([
    world.traffic.status(),
    world.traffic.counts(cursor ?? Number.MAX_SAFE_INTEGER),
  ])
  if (isUnreachable(status)) return { counts: null, seq: null, why: status.why, ended }
  if (isUnreachable(counts)) return { counts: null, seq: null, why: counts.why, ended }
  return { counts, seq: status.seq, why: null, ended }
}

async function isEnded(store: Store, incident: string): Promise<boolean> {
  const row = await store.read(incident)
  // An incident that the store does not know yet is being written in this very turn.
  if (!row) return false
  const { phase } = row.state as unknown as IncidentState
  return row.done || phase === 'resolved' || phase === 'closed'
}
