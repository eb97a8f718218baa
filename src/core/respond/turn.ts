/**
 * One turn of an incident: an event comes in, and the state, effects and entries that follow are gathered here.
 * It lives only inside `react`, so that `react` stays pure.
 */
import type { Json } from '../json.ts'
import type { Effect, Entry } from '../machine.ts'
import type { Instant } from '../time.ts'
import type { IncidentState } from './state.ts'

export interface Turn {
  readonly now: Instant
  state: IncidentState
  readonly effects: Effect[]
  readonly entries: Entry[]
}

/** Who decides when no person does. */
export const HOLDFAST = 'holdfast'

// The review is made from the log; the state's copy is for the screen, so that one machine row stays under about 100 KB.
const TIMELINE_MAX = 200
const TIMELINE_HEAD = 20

/** Writes a decision down twice: as an audit entry, and as a line of the incident's timeline. */
export function note(turn: Turn, kind: string, who: string, why: string, data: Record<string, Json> = {}): undefined {
  const { state, now } = turn
  turn.entries.push({
    kind,
    subject: state.id,
    who,
    why,
    data: { incident: state.id, service: state.service, trigger: state.trigger, ...data },
  })
  const timeline = [...state.timeline, { at: now, kind, who, says: why }]
  // The beginning explains the incident, so it is the middle that makes room.
  const full = timeline.length > TIMELINE_MAX
  if (full) timeline.splice(TIMELINE_HEAD, 1)
  turn.state = { ...state, timeline, timelineDropped: state.timelineDropped + (full ? 1 : 0) }
}

/** A request that is not granted is written down too: silence would look like success. */
export function refuse(turn: Turn, request: string, who: string, why: string): undefined {
  note(turn, 'incident.request-refused', who, why, { request })
}

/** A bounded string out of a payload that may hold anything. */
export function textIn(payload: Json, key: string, max = 2_000): string {
  const value = fieldOf(payload, key)
  return typeof value === 'string' ? value.slice(0, max).trim() : ''
}

export function numberIn(payload: Json, key: string): number | null {
  const value = fieldOf(payload, key)
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

function fieldOf(payload: Json, key: string): Json | undefined {
  if (payload === null || typeof payload !== 'object' || Array.isArray(payload)) return undefined
  return Object.hasOwn(payload, key) ? (payload as Record<string, Json>)[key] : undefined
}
