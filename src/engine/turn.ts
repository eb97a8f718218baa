/**
 * One turn of the engine for one machine: open, observe, decide, commit. Effects are begun by the caller, after the commit.
 * The same turn drives production and simulation; only the store, the ports and the clock differ.
 */
import type { Json } from '../core/json.ts'
import type { Event, Reaction } from '../core/machine.ts'
import type { Claim, InboxRow, Store } from '../ports/store.ts'
import type { Kind, Registry } from './registry.ts'

/** Events of one turn at most, so that a flood of messages cannot make one transaction endless. */
const EVENTS_MAX = 100

export type Turned =
  | { readonly turned: 'fenced' }
  /** Nothing to decide before `wakeAt`. `effects`: whether this turn asked for any. */
  | { readonly turned: 'ok'; readonly wakeAt: number | null; readonly effects: boolean; readonly done: boolean }

export async function turn(store: Store, claim: Claim, registry: Registry): Promise<Turned> {
  const view = await store.open(claim)
  if (view === 'fenced') return { turned: 'fenced' }
  const { machine, inbox } = view
  const kind = registry.kinds[machine.kind]
  if (!kind) throw new Error(`no machine of kind ${machine.kind} is registered in this engine`)
  const events: Event<unknown>[] = inbox.slice(0, EVENTS_MAX).map(eventOf)
  const isDue = machine.wakeAt !== null && machine.wakeAt <= (await store.now())
  if (isDue) events.push({ kind: 'tick', seen: await kind.observe(machine) })
  if (events.length === 0) return { turned: 'ok', wakeAt: machine.wakeAt, effects: false, done: machine.done }

  // Read again after observing: ports may have taken seconds, and a decision's moment should be that of the decision.
  const now = await store.now()
  const total = fold(kind, machine.state, events, now)
  const consumed = inbox[Math.min(inbox.length, EVENTS_MAX) - 1]?.seq ?? 0
  const committed = await store.commit(claim, {
    version: machine.version,
    state: total.state as Json,
    effects: total.effects,
    entries: total.entries,
    spawn: total.spawn,
    post: total.post,
    wakeAt: total.wakeAt,
    done: total.done,
    consumed,
  })
  if (committed === 'fenced') return { turned: 'fenced' }
  return { turned: 'ok', wakeAt: total.wakeAt, effects: total.effects.length > 0, done: total.done }
}

function fold(kind: Kind, state: unknown, events: readonly Event<unknown>[], now: number): Reaction<unknown> {
  const first: Reaction<unknown> = { state, effects: [], entries: [], spawn: [], post: [], wakeAt: null, done: false }
  return events.reduce<Reaction<unknown>>((before, event) => {
    if (before.done) return before
    const next = kind.machine.react(before.state, event, now)
    return {
      state: next.state,
      effects: [...before.effects, ...next.effects],
      entries: [...before.entries, ...next.entries],
      spawn: [...before.spawn, ...next.spawn],
      post: [...before.post, ...next.post],
      wakeAt: next.wakeAt,
      done: next.done,
    }
  }, first)
}

function eventOf(row: InboxRow): Event<unknown> {
  return row.kind === 'message'
    ? { kind: 'message', id: row.id, name: row.name, who: row.who, payload: row.payload }
    : { kind: 'outcome', effect: row.effect, of: row.of, outcome: row.outcome }
}
