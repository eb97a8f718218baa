/** Collects what one reaction wants, so that the deciding code reads as a list of decisions. Local to a reaction: nothing leaks. */
import type { Json } from '../json.ts'
import type { Effect, Entry, Post, Reaction, Spawn } from '../machine.ts'
import type { Instant } from '../time.ts'
import type { DeploymentPlan, DeploymentState, Phase, Steering } from './deployment.ts'

const HISTORY_MAX = 200
const HOLDFAST = 'holdfast'

function copiesOf({ id, shadow }: DeploymentPlan): Json {
  const { inFlightMax, manifest, tolerance, unsafe } = shadow!
  return { to: 'canary', run: id, inFlightMax, manifest, tolerance, unsafe }
}

export class Draft {
  readonly now: Instant
  private current: DeploymentState
  /** True once `current` is a copy that nobody else has seen. */
  private isOwn = false
  private readonly effects: Effect[] = []
  private readonly entries: Entry[] = []
  private readonly spawns: Spawn[] = []
  private readonly posts: Post[] = []

  constructor(state: DeploymentState, now: Instant) {
    this.current = state
    this.now = now
  }

  /** The state as changed so far. Take from it what you need to compare with later: the next change is made in place. */
  get state(): DeploymentState {
    return this.current
  }

  set(change: Partial<DeploymentState>): void {
    if (!this.isOwn) this.current = { ...this.current }
    this.isOwn = true
    Object.assign(this.current, change)
  }

  measure(change: Partial<DeploymentState['measured']>): void {
    this.set({ measured: { ...this.state.measured, ...change } })
  }

  /** Moves to a phase and keeps why, for the history a person reads. */
  enter(phase: Phase, why: string): void {
    const history = [...this.state.history, { at: this.now, phase: phase.name, why }].slice(-HISTORY_MAX)
    this.set({ phase, history, lastWhy: why })
  }

  effect(kind: string, payload: Json, dueAt?: Instant): string {
    const n = this.state.effects + 1
    this.set({ effects: n })
    const id = `${kind}:${n}`
    this.effects.push(dueAt === undefined ? { id, kind, payload } : { id, kind, payload, dueAt })
    return id
  }

  /** One line in the audit log; the deployment and its releases are always named. */
  entry(kind: string, why: string, data: Readonly<Record<string, Json>> = {}, who = HOLDFAST): void {
    const { id, next, previous } = this.state.plan
    const named = { deployment: id, release: next.release, previous: previous?.release ?? null, ...data }
    this.entries.push({ kind, subject: id, who, why, data: named })
  }

  spawn(machine: Spawn): void {
    this.spawns.push(machine)
  }

  post(message: Post): void {
    this.posts.push(message)
  }

  /** Asks the traffic layer for a change, as a new version. */
  steer(
    change: Partial<Pick<Steering, 'generation' | 'weight' | 'moveFrom' | 'stable' | 'canary' | 'tenants' | 'shadow'>>,
  ): void {
    const before = this.state.steering
    const stable = change.stable ?? before?.stable
    if (!stable) throw new Error('steering needs a stable arm first')
    this.set({
      steering: {
        version: (before?.version ?? 0) + 1,
        generation: change.generation ?? before?.generation ?? 0,
        weight: change.weight ?? before?.weight ?? 0,
        moveFrom: change.moveFrom === undefined ? (before?.moveFrom ?? null) : change.moveFrom,
        stable,
        canary: change.canary === undefined ? (before?.canary ?? null) : change.canary,
        // Rings are named each time anew: an order that says nothing of them is about every citizen.
        ...(change.tenants ? { tenants: change.tenants } : {}),
        ...(change.shadow ? { shadow: true } : {}),
        attempt: 1,
        retryAt: null,
        applied: false,
      },
    })
    this.askTraffic()
  }

  /** (Re)sends the steering in force. The same version twice is one change for the traffic layer. */
  askTraffic(): void {
    const { steering, plan } = this.state
    if (!steering) return
    const { version, generation, weight, moveFrom, stable, canary, tenants, shadow } = steering
    this.effect('traffic.apply', {
      service: plan.service,
      version,
      generation,
      weight,
      ...(moveFrom ? { moveFrom } : {}),
      stable: stable as unknown as Json,
      ...(canary ? { canary: canary as unknown as Json } : {}),
      ...(canary && tenants ? { tenants: tenants as unknown as Json } : {}),
      ...(canary && shadow ? { shadow: copiesOf(plan) } : {}),
      steps: plan.steps.map(({ form: _, ...match }) => match as Json),
      healthPath: plan.healthPath,
    })
  }

  reaction(wakeAt: Instant | null, done: boolean): Reaction<DeploymentState> {
    return {
      state: this.state,
      effects: this.effects,
      entries: this.entries,
      spawn: this.spawns,
      post: this.posts,
      wakeAt,
      done,
    }
  }
}
