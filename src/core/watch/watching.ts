/**
 * The watch over one service: takes what the traffic layer counted, asks the detector of each journey step, and opens an incident
 * when citizens fail. It lives as long as the service.
 *
 *   quiet ── a step fires ──► incident open ── another step fires, or many more are harmed ──► the incident is told
 *     ▲                              │
 *     └── every step that fired has cleared: the incident is told that citizens get through
 *
 *   counts do not arrive for a minute ──► an incident of its own: we cannot tell how citizens are doing
 *
 * Only the arm that is not on trial counts: a release on trial is judged, and taken back, by its deployment. A step that fails on both
 * is a fault that no rollback mends, and it pages here. One incident at a time for all steps: eight steps that fail together are one fault.
 */
import { wallOf } from '../define/calendar.ts'
import type { CountBatch, StepCounts } from '../deploy/counts.ts'
import { canonicalJson, type Json } from '../json.ts'
import type { Entry, Machine, Post, Reaction, Spawn } from '../machine.ts'
import { type IncidentDetails, openIncident } from '../respond/incident.ts'
import { HOUR, type Instant, MINUTE, SECOND } from '../time.ts'
import { plural } from '../words.ts'
import { firstComplaintAt } from './complaint.ts'
import { type Detector, type Fired, type Look, openDetector, watchStep } from './detector.ts'
import type { StepPlan, WatchPlan } from './plan.ts'

export const WATCH = 'watch'

/** How often the watch looks, at least. */
export const LOOK_MS = 5 * SECOND
/** A busy service is looked at so often that no more citizens than this come to a step in between, but not more often than each second. */
const BETWEEN_MAX = 50
const LOOK_MS_MIN = SECOND
/** Counts that do not arrive for so long are lost sight of, and that pages. */
export const BLIND_MS = MINUTE
const MINUTES_KEPT = 60

/** What closed at one step in one minute. */
export interface MinuteCounts extends Look {
  /** The minute's beginning. */
  readonly at: Instant
}

export interface StepWatch {
  readonly detector: Detector
  /** The last hour's minutes in which anything closed, oldest first. */
  readonly minutes: readonly MinuteCounts[]
}

interface OpenIncident {
  readonly id: string
  readonly since: Instant
  /** What the incident was last told. */
  readonly harmed: number
  /** "journey/step" of every step that fired since it was opened. */
  readonly steps: readonly string[]
}

export interface WatchState {
  readonly plan: WatchPlan
  /** Newest count batch taken into account; null: none yet, and what was before is not judged. */
  readonly cursor: number | null
  readonly lookedAt: Instant | null
  /** By "journey/step". */
  readonly steps: Readonly<Record<string, StepWatch>>
  readonly open: OpenIncident | null
  readonly blindSince: Instant | null
  /** The incident about being blind; null: none is open. */
  readonly blindIncident: string | null
  /** Incidents opened so far: their ids are made of it. */
  readonly opened: number
}

export interface WatchSeen {
  /** Null: the traffic layer did not answer. */
  readonly counts: { readonly batches: readonly CountBatch[]; readonly gap: boolean } | null
  /** Number of the newest batch of the traffic layer; null: it did not answer. */
  readonly seq: number | null
  readonly why: string | null
  /** Whether a person has ended the incident that is open here. */
  readonly ended: boolean
}

interface Round {
  readonly now: Instant
  state: WatchState
  /** Until the next look, in ms. */
  nextMs: number
  readonly entries: Entry[]
  readonly spawn: Spawn[]
  readonly post: Post[]
}

export function watchId(service: string): string {
  return `watch-${service}`
}

export function newWatch(plan: WatchPlan, now: Instant): Spawn {
  const state: WatchState = {
    plan,
    cursor: null,
    lookedAt: null,
    steps: {},
    open: null,
    blindSince: null,
    blindIncident: null,
    opened: 0,
  }
  return { id: watchId(plan.service), kind: WATCH, state: state as unknown as Json, wakeAt: now }
}

export const watchMachine: Machine<WatchState, WatchSeen> = {
  kind: WATCH,
  react(state, event, now) {
    const round: Round = { now, state, nextMs: LOOK_MS, entries: [], spawn: [], post: [] }
    if (event.kind === 'message' && event.name === 'plan') takePlan(round, event.payload as unknown as WatchPlan)
    if (event.kind === 'tick') takeSeen(round, event.seen)
    return reaction(round)
  },
}

function reaction({ state, nextMs, entries, spawn, post, now }: Round): Reaction<WatchState> {
  return { state, effects: [], entries, spawn, post, wakeAt: now + nextMs, done: false }
}

/** The definition has changed, or the rota has: steps that stay keep what they know, when their numbers are the same. */
function takePlan(round: Round, plan: WatchPlan): undefined {
  const before = round.state
  const kept = plan.steps.flatMap((step) => {
    const key = keyOf(step)
    const known = before.steps[key]
    const old = before.plan.steps.find((one) => keyOf(one) === key)
    if (!known || !old) return []
    const detector = canonicalJson(old) === canonicalJson(step) ? known.detector : openDetector(step, round.now)
    return [[key, { ...known, detector }] as const]
  })
  round.state = { ...before, plan, steps: Object.fromEntries(kept) }
}

function takeSeen(round: Round, seen: WatchSeen): undefined {
  if (seen.counts === null || seen.seq === null) return notSeen(round, seen.why)
  seenAgain(round)
  const { cursor, lookedAt } = round.state
  // Without a past to go on, or after the traffic layer began to count anew, judging starts with what comes from here on.
  const anew = cursor === null || cursor > seen.seq
  const batches = anew ? [] : seen.counts.batches.filter(({ seq }) => seq > cursor)
  const last = batches[batches.length - 1]?.seq ?? (anew ? seen.seq : cursor)
  round.state = { ...round.state, cursor: last, lookedAt: round.now }
  if (!anew && seen.counts.gap)
    say(round, 'watch.gap', 'Some counts were lost. What was known stays; nothing is invented for the gap.')
  if (round.state.open && seen.ended) round.state = { ...round.state, open: null }
  const closed = sumOf(batches)
  if (lookedAt !== null) round.nextMs = lookEvery(busiestOf(closed), round.now - lookedAt)
  const changes = round.state.plan.steps.map((step) => watchOne(round, step, closed.get(keyOf(step)) ?? NOTHING))
  if (round.state.open) tell(round, changes.includes('fired'))
  else openWhatFires(round)
}

function busiestOf(closed: ReadonlyMap<string, Look>): number {
  return Math.max(0, ...[...closed.values()].map(({ ok, failed }) => ok + failed))
}

/** Time between two looks, in ms, when `units` close in `ms` at the busiest step. */
export function lookEvery(units: number, ms: number): number {
  if (units === 0) return LOOK_MS
  return Math.min(LOOK_MS, Math.max(LOOK_MS_MIN, Math.floor((BETWEEN_MAX * ms) / units)))
}

const NOTHING: Look = { ok: 0, failed: 0, slow: 0 }

function watchOne(round: Round, step: StepPlan, closed: Look): 'fired' | 'cleared' | null {
  const { state, now } = round
  const key = keyOf(step)
  const before = state.steps[key] ?? { detector: openDetector(step, now), minutes: [] }
  const { detector, change } = watchStep(step, before.detector, closed, now)
  const minutes = withMinute(before.minutes, closed, now)
  round.state = { ...state, steps: { ...state.steps, [key]: { detector, minutes } } }
  if (change === 'cleared' && before.detector.fired) {
    const why = `Citizens can ${step.cannot} again: the evidence of the minutes since says so, not silence.`
    say(round, 'watch.cleared', why, figuresOf(step, before.detector.fired))
  }
  return change
}

/** Steps that have fired and not cleared, the most harmed first. */
export function firing({ plan, steps }: Pick<WatchState, 'plan' | 'steps'>): { step: StepPlan; fired: Fired }[] {
  return plan.steps
    .flatMap((step) => {
      const fired = steps[keyOf(step)]?.detector.fired
      return fired ? [{ step, fired }] : []
    })
    .sort((a, b) => b.fired.failed - a.fired.failed)
}

function openWhatFires(round: Round): undefined {
  const { state, now } = round
  const failing = firing(state)
  const worst = failing[0]
  if (!worst) return
  const { step, fired } = worst
  const since = Math.min(...failing.map((one) => one.fired.since))
  const harmed = fired.failed
  const opened = state.opened + 1
  const id = `inc-watch-${step.journey}-${step.step}-${opened}`
  const pageWords = wordsOf(state.plan, step, fired, now)
  const key = keyOf(step)
  const slowMostly = fired.slow * 2 > fired.failed
  const { runbook, slowRunbook } = state.plan.incident.steps[key] ?? { runbook: null, slowRunbook: null }
  const book = slowMostly ? (slowRunbook ?? runbook) : runbook
  const details = {
    ...incidentBase(state.plan, step.cannot),
    ...severityOf(state.plan, step, fired, now),
    id,
    trigger: { kind: 'slo', id: key } as const,
    journey: step.journey,
    step: step.step,
    faultStartedAt: since,
    detectedAt: now,
    harmed,
    says: pageWords,
    ...(book ? { runbook: book } : {}),
    ongoing: true,
  }
  round.spawn.push(openIncident(details, now))
  round.state = { ...state, opened, open: { id, since, harmed, steps: failing.map((one) => keyOf(one.step)) } }
  say(round, 'watch.paged', pageWords, { ...figuresOf(step, fired), incident: id })
}

function figuresOf({ journey, step }: StepPlan, { failed, total, since }: Fired) {
  return { journey, step, failed, total, since }
}

/** An open incident is told when many more are harmed or another step fails, and when everybody gets through again. */
function tell(round: Round, another: boolean): undefined {
  const { state, now } = round
  const { open } = state
  if (!open) return
  const failing = firing(state)
  const worst = failing[0]
  if (!worst) {
    const how = 'Holdfast measures it: citizens get through at every step that had failed.'
    round.post.push({ to: open.id, id: `${open.id}.over`, name: 'mitigated', who: 'holdfast', payload: { how } })
    round.state = { ...state, open: null }
    return
  }
  const harmed = Math.max(open.harmed, worst.fired.failed)
  if (!another && harmed < 1.5 * open.harmed) return
  const says = wordsOf(state.plan, worst.step, worst.fired, now)
  round.post.push({
    to: open.id,
    id: `${open.id}.harm.${now}`,
    name: 'harm',
    who: 'holdfast',
    payload: { harmed, says },
  })
  const steps = [...new Set([...open.steps, ...failing.map((one) => keyOf(one.step))])]
  for (const one of failing.filter((each) => !open.steps.includes(keyOf(each.step)))) {
    const data = { ...figuresOf(one.step, one.fired), incident: open.id }
    say(round, 'watch.also', `It also stops people here. ${wordsOf(state.plan, one.step, one.fired, now)}`, data)
  }
  round.state = { ...state, open: { ...open, harmed, steps } }
}

/** "Since 10:14 24 citizens could not submit the application. 180 more before somebody can act. First complaint expected about 10:31." */
export function wordsOf(plan: WatchPlan, step: StepPlan, fired: Fired, now: Instant): string {
  const perMinute = harmedPerMinute(fired, now)
  const more = Math.round((perMinute * plan.responseMs) / MINUTE)
  const complaint = firstComplaintAt(fired.since, perMinute, plan.contactRate)
  const late = fired.slow * 2 > fired.failed ? ', most of them because it took longer than they wait' : ''
  const said = [
    `Since ${wallOf(fired.since, plan.timezone, now)} ${plural(fired.failed, 'citizen')} of ${fired.total} could not ${step.cannot}${late}.`,
    more > 0 ? `About ${more} more before somebody who is called now can act.` : '',
    complaint !== null && complaint > now
      ? `First complaint expected about ${wallOf(complaint, plan.timezone, now)}.`
      : '',
  ]
  return said.filter(Boolean).join(' ')
}

function harmedPerMinute({ since, failed }: Fired, now: Instant): number {
  return failed / Math.max(1, (now - since) / MINUTE)
}

/** P1 when ten times the harm that wakes somebody will be done before anybody can act; else the journey's floor. */
function severityOf(
  plan: WatchPlan,
  step: StepPlan,
  fired: Fired,
  now: Instant,
): Pick<IncidentDetails, 'severity' | 'severityRule'> {
  const projected = fired.failed + (harmedPerMinute(fired, now) * plan.responseMs) / MINUTE
  if (projected >= 10 * step.harmMax) {
    const severityRule = `P1 because about ${Math.round(projected)} citizens will have failed before somebody acts, ten times the ${step.harmMax} that wake somebody.`
    return { severity: 'P1', severityRule }
  }
  return { severity: step.severityFloor, severityRule: plan.incident.severityRule }
}

function notSeen(round: Round, why: string | null): undefined {
  const { state, now } = round
  const blindSince = state.blindSince ?? now
  round.state = { ...state, blindSince }
  if (state.blindIncident !== null || now - blindSince < BLIND_MS) return
  const opened = state.opened + 1
  const id = `inc-watch-blind-${opened}`
  const says = `Since ${wallOf(blindSince, state.plan.timezone, now)} nobody can tell whether citizens get through: ${why ?? 'no counts arrive'}.`
  round.spawn.push(
    openIncident(
      {
        ...incidentBase(state.plan, 'use the service'),
        id,
        severity: state.plan.incident.severity,
        severityRule: `${state.plan.incident.severity} because it cannot be ruled out that nobody gets through.`,
        trigger: { kind: 'slo', id: 'telemetry' },
        faultStartedAt: blindSince,
        detectedAt: now,
        harmed: 0,
        says,
        manualStep: 'Open the service in a browser. If it does not answer, start the gateway: holdfast serve',
        ongoing: true,
      },
      now,
    ),
  )
  round.state = { ...round.state, opened, blindIncident: id }
  say(round, 'watch.blind', says, { incident: id })
}

function seenAgain(round: Round): undefined {
  const { blindIncident, blindSince } = round.state
  if (blindSince === null) return
  round.state = { ...round.state, blindSince: null, blindIncident: null }
  if (blindIncident === null) return
  const how = 'Counts arrive again. What happened in between was not seen.'
  say(round, 'watch.sees', how)
  round.post.push({
    to: blindIncident,
    id: `${blindIncident}.over`,
    name: 'mitigated',
    who: 'holdfast',
    payload: { how },
  })
}

function incidentBase(plan: WatchPlan, cannot: string) {
  const { ladder, fallback, comms } = plan.incident
  return {
    service: plan.service,
    openedBy: watchId(plan.service),
    ladder,
    fallback,
    comms: { ...comms, facts: { ...comms.facts, cannot } },
  }
}

function say(round: Round, kind: string, why: string, data: Json = {}): undefined {
  round.entries.push({ kind, subject: watchId(round.state.plan.service), who: 'holdfast', why, data })
}

export function keyOf({ journey, step }: { readonly journey: string; readonly step: string }): string {
  return `${journey}/${step}`
}

function sumOf(batches: readonly CountBatch[]): Map<string, Look> {
  const sums = new Map<string, Look>()
  for (const { counts } of batches) {
    for (const one of counts) {
      if (!isJudged(one)) continue
      const key = keyOf(one)
      const { ok, failed, slow } = sums.get(key) ?? NOTHING
      sums.set(key, { ok: ok + one.ok, failed: failed + one.failed, slow: slow + one.slow })
    }
  }
  return sums
}

function isJudged({ arm, visitor }: StepCounts): boolean {
  return arm === 'stable' && visitor === 'citizen'
}

function withMinute(
  minutes: readonly MinuteCounts[],
  { ok, failed, slow }: Look,
  now: Instant,
): readonly MinuteCounts[] {
  const at = now - (now % MINUTE)
  const kept = minutes.filter((minute) => minute.at > now - HOUR && minute.at <= now).slice(-MINUTES_KEPT)
  if (ok + failed === 0) return kept.length === minutes.length ? minutes : kept
  const last = kept[kept.length - 1]
  if (last?.at !== at) return [...kept, { at, ok, failed, slow }]
  return [...kept.slice(0, -1), { at, ok: last.ok + ok, failed: last.failed + failed, slow: last.slow + slow }]
}
