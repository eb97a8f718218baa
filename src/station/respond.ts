/** Puts a person's request to an incident and waits until it was taken: by whichever engine runs, or, when none does, from here. */
import { randomUUID } from 'node:crypto'
import type { Service } from '../core/define/schema.ts'
import { incidentOf } from '../core/deploy/plan.ts'
import { EXIT, OpsError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { INCIDENT, openIncident } from '../core/respond/incident.ts'
import type { IncidentSeverity, IncidentState, TimelineEvent } from '../core/respond/state.ts'
import type { Instant } from '../core/time.ts'
import { nearest } from '../core/words.ts'
import { incidentKind } from '../engine/incidents.ts'
import { turn } from '../engine/turn.ts'
import type { Store } from '../ports/store.ts'

export interface Declaration {
  readonly journey: string
  readonly step: string | null
  readonly because: string
  readonly impact: string
  /** Absent: the floor that the definition gives the journey. */
  readonly severity: IncidentSeverity | null
  readonly sinceAt: Instant | null
  readonly harmed: number
  readonly runbook: string | null
  readonly by: string
}

/** Opens an incident that a person saw first, and pages by the definition's ladder. Gives its id. */
export async function declareIncident(store: Store, service: Service, wish: Declaration): Promise<string> {
  const now = await store.now()
  const { ladder, fallback, comms, severity, severityRule, steps } = incidentOf(service, now)
  const journey = service.journeys.find(({ id }) => id === wish.journey)
  if (!journey) throw unknown('journey', wish.journey, service.journeys)
  if (wish.step !== null && !journey.steps.some(({ id }) => id === wish.step))
    throw unknown('step', wish.step, journey.steps)
  const words = wish.step === null ? undefined : steps[`${wish.journey}/${wish.step}`]
  const runbook = wish.runbook ?? words?.runbook
  const sinceAt = wish.sinceAt ?? now
  const id = `inc-${wish.journey}-${randomUUID().slice(0, 8)}`
  const spawn = openIncident(
    {
      id,
      service: service.service.id,
      openedBy: wish.by,
      trigger: { kind: 'person', id: wish.by },
      severity: wish.severity ?? journey.severityFloor ?? severity,
      severityRule: wish.severity ? `${wish.by} set it when declaring the incident.` : severityRule,
      journey: wish.journey,
      ...(wish.step === null ? {} : { step: wish.step }),
      faultStartedAt: Math.min(sinceAt, now),
      detectedAt: now,
      harmed: wish.harmed,
      says: wish.impact,
      ...(runbook ? { runbook } : {}),
      ladder,
      fallback,
      comms: words ? { ...comms, facts: { ...comms.facts, cannot: words.cannot } } : comms,
      ongoing: true,
    },
    now,
  )
  await store.create(service.service.id, spawn, [])
  return id
}

function unknown(what: string, given: string, known: readonly { readonly id: string }[]): OpsError {
  const ids = known.map(({ id }) => id)
  const meant = nearest(given, ids)
  return new OpsError('UNKNOWN_WORD', {
    message: `The definition has no ${what} "${given}".`,
    fix: meant ? `--${what} ${meant}` : `one of ${ids.join(', ')}`,
    exit: EXIT.usage,
  })
}

/** An engine that runs takes a message within a fraction of this. */
const ELSEWHERE_MS = 400
const LEASE_MS = 5_000
const TRIES = 40

export interface Answered {
  readonly state: IncidentState
  /** What was written down since the request, oldest first. */
  readonly events: readonly TimelineEvent[]
}

/** Throws OpsError when the incident is closed, or when nobody could take the request in time. */
export async function putToIncident(
  store: Store,
  before: IncidentState,
  message: { readonly name: string; readonly who: string; readonly payload: Json },
): Promise<Answered> {
  const { id } = before
  const posted = await store.post({ to: id, id: `person:${randomUUID()}`, ...message })
  if (posted === 'done' || posted === 'no-such-machine') {
    throw new OpsError('INCIDENT_CLOSED', {
      message: `${id} is ${posted === 'done' ? 'closed' : 'gone'}; it takes no more requests.`,
      fix: 'holdfast respond list',
    })
  }
  const answered = (await takenElsewhere(store, before, message.who)) ?? (await takeHere(store, before, message.who))
  if (!answered) {
    throw new OpsError('NOT_TAKEN', {
      message: 'The request is written down, but no engine has taken it yet.',
      fix: 'holdfast serve   (it is taken as soon as Holdfast runs)',
    })
  }
  return answered
}

async function takenElsewhere(store: Store, before: IncidentState, who: string): Promise<Answered | null> {
  const until = (await store.now()) + ELSEWHERE_MS
  for (;;) {
    const answered = await answerIn(store, before, who)
    if (answered) return answered
    if ((await store.now()) >= until) return null
    await store.wait(100)
  }
}

/** What stands there now, once something of this person was written down since. */
async function answerIn(store: Store, before: IncidentState, who: string): Promise<Answered | null> {
  const row = await store.read(before.id)
  if (!row) return null
  const state = row.state as unknown as IncidentState
  const fresh = count(state) - count(before)
  const events = fresh > 0 ? state.timeline.slice(-fresh) : []
  return events.some((event) => event.who === who) ? { state, events } : null
}

function count(state: IncidentState): number {
  return state.timeline.length + state.timelineDropped
}

/** One engine's turns, without its effects: those wait for an engine that can send and publish. */
async function takeHere(store: Store, before: IncidentState, who: string): Promise<Answered | null> {
  const registry = { kinds: { [INCIDENT]: incidentKind }, performers: {} }
  for (let n = 0; n < TRIES; n++) {
    const claim = await store.claim(`person:${process.pid}`, LEASE_MS, [INCIDENT])
    if (claim) {
      await turn(store, claim, registry)
      await store.release(claim)
    } else {
      await store.wait(100)
    }
    const answered = await answerIn(store, before, who)
    if (answered) return answered
  }
  return null
}
