/**
 * Rolling: replicas are replaced batch by batch, and each batch has to prove itself before the next one is started.
 *
 *   start a batch ─► ready ─► attached ─► weight = share of replicas, on trial ─► proven ─► old replicas of the batch leave ─► next batch
 *
 * Terms. *needed* replicas carry the peak; all others may be missing. *missingMax* is how many old ones may be missing so that the peak
 * still fits: as long as no more are, citizens can be sent back at once. *keep*: `warm` old replicas leave traffic and stay running, so
 * going back is instant at any moment; `restart` ones are stopped, and going back beyond missingMax has to start them first, batch by
 * batch, so that never more than `replicas + batch` run (restore.ts).
 *
 * A move changes how many replicas of both releases run: first those leave that are too many, then the missing ones are started. The
 * trial does not know of it: a climb waits for its replicas (on-trial.ts).
 */
import { EXIT, OpsError } from '../errors.ts'
import type { Json } from '../json.ts'
import { durationOf, type Instant, SECOND } from '../time.ts'
import { plural } from '../words.ts'
import { otherThanPlanned, type Running } from './artefact.ts'
import type { ArmBackends, DeploymentSeen, DeploymentState, ReleasePlan } from './deployment.ts'
import type { Draft } from './draft.ts'

export interface RollingPlan {
  readonly replicas: number
  /** How many replicas of the new release run after each batch: 1, 2, 3, 4. The last is all of them. */
  readonly batches: readonly number[]
  /** Replicas that carry the peak, at most all of them. */
  readonly needed: number
  readonly keep: 'warm' | 'restart'
  /** How the old release is started again. */
  readonly previous: ReleasePlan
  /** Longest time until going back is complete, beyond the switch itself, in ms: starting old replicas again. 0: instant. */
  readonly restoreMsMax: number
  /** The arithmetic, for `deploy plan`. */
  readonly says: string
}

export interface RollingWish {
  readonly replicas: number
  /** Share of replicas to replace at a time, above 0. */
  readonly batchShare: number
  /** Requests under way at the peak; null: nobody knows. See `peakInFlight`. */
  readonly inFlightPeak: number | null
  /** Requests that one replica answers at the same time within the citizen limits; null: nobody knows. */
  readonly inFlightPerReplica: number | null
  /** Memory of one replica, and what is free where it would run, in MB; null: nobody knows. */
  readonly memoryMb: number | null
  readonly memoryFreeMb: number | null
  readonly keepOld: 'auto' | 'warm' | 'restart'
  readonly previous: ReleasePlan
}

/**
 * Sizes the batches. With n replicas:
 *
 *   needed     = min(n, ceil(requests under way at the peak / requests that one replica answers at once));  unknown: n
 *   missingMax = n − needed
 *   batch      = max(1, round(n × batchShare)), at most n / 2 (so that half of the fleet stays as live control for the last verdict),
 *                at most missingMax when that is 1 or more, and at most what fits into the free memory: new replicas of a batch are always
 *                started before old ones leave (a surge), so no batch ever costs capacity, and missingMax bounds what a bad batch can.
 *   keep       = warm when all new replicas fit beside all old ones; else, or when memory is unknown: restart
 *
 * Throws when not even one more replica fits.
 */
export function planRolling(wish: RollingWish): RollingPlan {
  const { replicas: n, inFlightPeak, inFlightPerReplica, memoryMb, memoryFreeMb, keepOld, previous } = wish
  const carried =
    inFlightPeak === null || inFlightPerReplica === null ? null : Math.ceil(inFlightPeak / inFlightPerReplica)
  const needed = carried === null ? n : Math.max(1, Math.min(n, carried))
  const missingMax = n - needed
  const fits = memoryMb === null || memoryFreeMb === null ? null : Math.floor(memoryFreeMb / memoryMb)
  if (fits !== null && fits < 1) {
    throw new OpsError('NO_ROOM', {
      message: `One more replica needs ${memoryMb} MB, and ${Math.floor(memoryFreeMb!)} MB are free. A rolling release starts new replicas before old ones leave.`,
      fix: 'Free memory, or lower replicas by one first.',
      exit: EXIT.no,
    })
  }
  const bounds = [Math.max(1, Math.round(n * wish.batchShare)), Math.max(1, Math.floor(n / 2))]
  if (missingMax >= 1) bounds.push(missingMax)
  if (fits !== null) bounds.push(fits)
  const batch = Math.min(...bounds)
  const batches: number[] = []
  for (let up = batch; up < n; up += batch) batches.push(up)
  batches.push(n)
  const keep = keepOld !== 'auto' ? keepOld : fits !== null && fits >= n ? 'warm' : 'restart'
  // Before the promotion the last batch of old replicas is always there.
  const least = batches.length < 2 ? n : n - batches[batches.length - 2]!
  const starts = keep === 'warm' ? 0 : Math.ceil(Math.max(0, needed - least) / batch)
  const restoreMsMax = starts * previous.startMsMax
  const plan = { replicas: n, batches, needed, keep, previous, restoreMsMax } as const
  return { ...plan, says: saysOf(plan, wish, { batch, carried, fits, starts }) }
}

/**
 * Requests under way at the peak, by Little's law: sessions that begin in a second, times the seconds that a session keeps a replica
 * busy. The citizen limits of its steps are the longest that these may take, so this is an upper bound; null without figures of demand.
 */
export function peakInFlight(
  journeys: readonly { readonly peakPerMinute: number | null; readonly limitsMs: readonly number[] }[],
): number | null {
  if (journeys.every(({ peakPerMinute }) => peakPerMinute === null)) return null
  const busyOf = (limits: readonly number[]) => limits.reduce((sum, ms) => sum + ms / 1_000, 0)
  return journeys.reduce((sum, { peakPerMinute, limitsMs }) => sum + ((peakPerMinute ?? 0) / 60) * busyOf(limitsMs), 0)
}

function saysOf(
  { replicas: n, batches, needed, keep, previous, restoreMsMax }: Omit<RollingPlan, 'says'>,
  wish: RollingWish,
  { batch, carried, fits, starts }: { batch: number; carried: number | null; fits: number | null; starts: number },
): string {
  const capacity =
    carried === null
      ? 'how many replicas the peak needs is not known (demand.peakPerMinute, inFlightMax of the component), so none may be missing'
      : `the peak has ${Math.ceil(wish.inFlightPeak!)} requests under way, one replica answers ${wish.inFlightPerReplica} at once: ${needed} needed, ${n - needed} may be missing`
  const back =
    keep === 'warm'
      ? `Old replicas stay running until the promotion${fits === null ? ' (rolling.keepOld)' : ' (memory allows it)'}: going back is instant.`
      : starts === 0
        ? 'Old replicas are stopped batch by batch; those that are left always carry the peak, so going back is instant, and the others are started again afterwards.'
        : `Old replicas are stopped batch by batch. Going back late starts them again first, ${plural(starts, 'time')} up to ${durationOf(previous.startMsMax)}: up to ${durationOf(restoreMsMax)} in which new citizens are on the old release and those in the middle of something stay.`
  return `${plural(batches.length, 'batch', 'batches')} of at most ${batch} of ${n} replicas (${batches.join(', ')} new): ${capacity}. ${back}`
}

/** Shares of new sessions under which each batch but the last is on trial; the last batch is the promotion. One replica: half. */
export function rollingRungs({ batches, replicas }: Pick<RollingPlan, 'batches' | 'replicas'>): number[] {
  return batches.length === 1 ? [0.5] : batches.slice(0, -1).map((up) => up / replicas)
}

/** How far the batches are. */
export interface Rolling {
  /** Index of the batch whose replicas run and are attached. */
  readonly batch: number
  /** Old replicas that run and may take citizens. */
  readonly old: ArmBackends
  readonly move: Move | null
}

export interface Move {
  /** Replicas of both releases that shall be in traffic when it is done. */
  readonly old: number
  readonly next: number
  readonly stage: 'removing' | 'draining' | 'stopping' | 'starting' | 'attaching'
  readonly deadline: Instant
  /** Which release the stage is about. */
  readonly of: 'old' | 'next'
  /** Replicas that leave. */
  readonly gone: readonly string[]
  /** The effect whose answer is waited for; null: none. */
  readonly effect: string | null
}

const ATTACH_MS = 30 * SECOND
const STOP_MS = 90 * SECOND
const RETRY_MS = 500

/** The release to go back to, with those of its replicas that run. */
export function oldArm({ plan, rolling }: DeploymentState): ArmBackends {
  return rolling ? rolling.old : plan.previous!
}

/** How many replicas the old release had: the definition may have changed their number since. */
export function oldFleet({ previous }: Pick<RollingPlan, 'previous'>): number {
  return previous.replicas
}

/** True when the old replicas that run carry the peak: then citizens may be moved to them at once. */
export function oldCanCarry({ plan, rolling }: DeploymentState): boolean {
  return (
    !plan.rolling || !rolling || rolling.old.backends.length >= Math.min(plan.rolling.needed, oldFleet(plan.rolling))
  )
}

/** Old replicas that a complete way back still has to start. */
export function oldMissing({ plan, rolling }: DeploymentState): number {
  return plan.rolling && rolling ? Math.max(0, oldFleet(plan.rolling) - rolling.old.backends.length) : 0
}

/** The batch that a share of sessions needs; the last one for a promotion. */
export function batchFor(plan: RollingPlan, weight: number, promotes: boolean): number {
  const last = plan.batches.length - 1
  if (promotes || last === 0) return last
  const index = plan.batches.findIndex((up) => up / plan.replicas >= weight - 1e-9)
  return Math.min(index < 0 ? last : index, last)
}

/** Begins to bring both releases to so many replicas in traffic. The one that shrinks does so first. */
export function beginMove(draft: Draft, wanted: { readonly old: number; readonly next: number }): void {
  const { plan, canary } = draft.state
  const rolling = draft.state.rolling!
  const excessOld = rolling.old.backends.length - wanted.old
  const excessNext = (canary?.backends.length ?? 0) - wanted.next
  const base = { ...wanted, gone: [], effect: null }
  // Warm replicas do not leave at all before the promotion: they only stop getting new sessions, by weight.
  if (excessOld > 0 && plan.rolling!.keep === 'restart') return remove(draft, { ...base, of: 'old' }, excessOld)
  if (excessNext > 0) return remove(draft, { ...base, of: 'next' }, excessNext)
  grow(draft, base)
}

function remove(draft: Draft, move: Pick<Move, 'old' | 'next' | 'of' | 'effect'>, count: number): void {
  const rolling = draft.state.rolling!
  const arm = move.of === 'old' ? rolling.old : draft.state.canary!
  const left = { ...arm, backends: arm.backends.slice(count) }
  const gone = arm.backends.slice(0, count).map(({ id }) => id)
  const old = move.of === 'old' ? left : rolling.old
  if (move.of === 'next') draft.set({ canary: left })
  draft.set({
    rolling: { ...rolling, old, move: { ...move, stage: 'removing', gone, deadline: draft.now + ATTACH_MS } },
  })
  draft.entry(
    'replicas.leaving',
    `${plural(count, 'replica')} of ${arm.release} ${count === 1 ? 'leaves' : 'leave'} traffic.`,
    {
      replicas: [...gone],
    },
  )
  draft.steer(move.of === 'old' ? { stable: left } : { canary: left })
}

function grow(draft: Draft, move: Pick<Move, 'old' | 'next'>): void {
  const { plan, canary } = draft.state
  const rolling = draft.state.rolling!
  const missingOld = move.old - rolling.old.backends.length
  const missingNext = move.next - (canary?.backends.length ?? 0)
  if (missingOld <= 0 && missingNext <= 0) return set(draft, null)
  const of = missingOld > 0 ? 'old' : 'next'
  const release = of === 'old' ? plan.rolling!.previous : plan.next
  const effect = askStart(draft, release, move[of])
  const deadline = draft.now + release.startMsMax + 10 * SECOND
  set(draft, { ...move, of, gone: [], stage: 'starting', deadline, effect })
  draft.set({ lastWhy: `${plural(move[of], 'replica')} of ${release.release} are being brought up.` })
}

/** What has to be done for a move, at each tick. `failed`: it cannot be finished, and why. */
export function moveTick(draft: Draft, seen: DeploymentSeen): 'none' | 'busy' | 'done' | { readonly failed: string } {
  const { plan, steering } = draft.state
  const move = draft.state.rolling?.move
  if (!move) return 'none'
  const late = move.deadline <= draft.now
  const release = move.of === 'old' ? plan.rolling!.previous.release : plan.next.release
  switch (move.stage) {
    case 'removing':
      if (steering?.applied) set(draft, { ...move, stage: 'draining', deadline: draft.now + plan.drainMsMax })
      // The traffic layer's silence is noticed elsewhere; nothing may be stopped before it has let go.
      return 'busy'
    case 'draining': {
      const open = seen.status?.backends.some(({ id }) => id !== undefined && move.gone.includes(id))
      if (open !== false && !late) return 'busy'
      set(draft, {
        ...move,
        stage: 'stopping',
        deadline: draft.now + STOP_MS,
        effect: askStop(draft, release, move.gone),
      })
      return 'busy'
    }
    case 'stopping':
      if (!late) return 'busy'
      draft.entry('replicas.not-stopped', `Replicas of ${release} could not be stopped in time; they get no traffic.`)
      return afterStop(draft)
    case 'starting':
      return late ? { failed: `Replicas of ${release} were not ready in time.` } : 'busy'
    case 'attaching': {
      const arm = move.of === 'old' ? draft.state.rolling!.old : draft.state.canary!
      const well = new Set(
        seen.status?.backends.flatMap(({ id, healthy }) => (healthy && id !== undefined ? [id] : [])),
      )
      if (steering?.applied && arm.backends.every(({ id }) => well.has(id))) {
        const more = move.of === 'old' && move.next > (draft.state.canary?.backends.length ?? 0)
        if (more) grow(draft, move)
        else set(draft, null)
        return more ? 'busy' : 'done'
      }
      return late ? { failed: `The traffic layer found no healthy new replica of ${release}.` } : 'busy'
    }
  }
}

/** What came of starting or stopping replicas for a move; not of this one: nothing. Undefined: go on. */
export function moveAnswered(
  draft: Draft,
  effect: string,
  answer: Readonly<Record<string, Json>> | string,
): { readonly failed: string } | undefined {
  const { plan } = draft.state
  const rolling = draft.state.rolling
  const move = rolling?.move
  if (!move || move.effect !== effect) return undefined
  const release = move.of === 'old' ? plan.rolling!.previous : plan.next
  const silent = typeof answer === 'object' && answer.unreachable
  if (move.stage === 'stopping') {
    if (silent) set(draft, { ...move, effect: askStop(draft, release.release, move.gone, draft.now + RETRY_MS) })
    else afterStop(draft)
    return undefined
  }
  if (move.stage !== 'starting') return undefined
  if (silent) {
    set(draft, { ...move, effect: askStart(draft, release, move[move.of], draft.now + RETRY_MS) })
    return undefined
  }
  if (typeof answer === 'string' || answer.started !== true) {
    return { failed: `Replicas of ${release.release} did not start: ${String((answer as Record<string, Json>).why)}` }
  }
  // Each batch: files may have been changed since the first one started.
  const wrong =
    move.of === 'old' ? undefined : otherThanPlanned(plan, answer.instances as unknown as readonly Running[])
  if (wrong) return { failed: wrong }
  const backends = placesIn(answer)
  const arm = { release: release.release, backends }
  if (move.of === 'old') draft.set({ rolling: { ...rolling, old: arm } })
  else draft.set({ canary: arm })
  set(draft, { ...move, stage: 'attaching', deadline: draft.now + ATTACH_MS, effect: null })
  draft.steer(move.of === 'old' ? { stable: arm } : { canary: arm })
  return undefined
}

/** Drops a move under way; what it has asked for is answered to nobody. */
export function dropMove(draft: Draft): void {
  if (draft.state.rolling?.move) set(draft, null)
}

export function placesIn(answer: Readonly<Record<string, Json>>): ArmBackends['backends'] {
  return (answer.instances as unknown as ArmBackends['backends']).map(({ id, host, port }) => ({ id, host, port }))
}

function afterStop(draft: Draft): 'done' | 'busy' {
  const move = draft.state.rolling!.move!
  grow(draft, move)
  return draft.state.rolling!.move ? 'busy' : 'done'
}

function askStart(draft: Draft, release: ReleasePlan, replicas: number, dueAt?: Instant): string {
  const payload = { service: draft.state.plan.service, ...release, replicas } as unknown as Json
  return draft.effect('runtime.start', payload, dueAt)
}

function askStop(draft: Draft, release: string, instances: readonly string[], dueAt?: Instant): string {
  return draft.effect(
    'runtime.stop-replicas',
    { service: draft.state.plan.service, release, instances: [...instances] },
    dueAt,
  )
}

function set(draft: Draft, move: Move | null): void {
  draft.set({ rolling: { ...draft.state.rolling!, move } })
}
