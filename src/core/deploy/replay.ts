/** The verdict on a stream of requests: one that was recorded, or one from a world that asks us for the weight as it goes on. */
import type { Instant } from '../time.ts'
import { percentOf } from '../words.ts'
import type { CountBatch } from './counts.ts'
import { STANDING } from './pace.ts'
import { readyForAll } from './ramp.ts'
import {
  addStep,
  decide,
  observe,
  openTrial,
  type Trial,
  type TrialPlan,
  type TrialStep,
  type Verdict,
} from './trial.ts'
import { type Request, SessionUnits } from './units.ts'

export interface ReplayOptions {
  /** Everything of the plan but its steps; a recorded stream ignores the ramp. */
  readonly plan: Omit<TrialPlan, 'steps'>
  /** Steps known beforehand, with their limits. Empty: learned from the first sessions. */
  readonly steps: readonly { readonly journey: string; readonly step: string; readonly limitMs: number }[]
  /** Limits of steps that are not in `steps`: they may come, but need not. */
  readonly limits: readonly { readonly journey: string; readonly step: string; readonly limitMs: number }[]
  /** Citizen limit of all other steps, ms. */
  readonly limitMs: number
  /** Failure rate of the running release, and on how many units it rests (0: learn it). */
  readonly p0: number
  readonly p0Units: number
  /** True: the stream follows our weight. False: it was recorded, and any share may be in it. */
  readonly closedLoop: boolean
}

export interface Answer {
  readonly decision: Verdict['decision']
  readonly weight: number
  readonly why: string
  readonly evidence: number
  readonly canarySessions: number
  readonly canaryFailed: number
}

/** Sessions whose steps are learned before evidence is weighed, unless the steps are known. Their units are kept. */
const LEARN_SESSIONS = 60
const LEARN_MS = 30_000
/** Units are handed to the trial each second of the stream: by time, never by outcome. */
const BATCH_MS = 1_000
/**
 * Share of α for the steps that are known when evidence begins; the rest is for steps that turn up later. Where the learning was over
 * before the first citizens had walked far, most steps are still to come.
 */
const KNOWN_SHARE = 0.9
const KNOWN_SHARE_EARLY = 0.5
const WALKED_MS = 60_000
/** Steps that turn up later share four fifths of what is left evenly, as many as a journey has; those after them get less and less. */
const LATE_STEPS = 7
/** A later step is only worth its share of α up to here; further ones are counted as one. */
const STEPS_MAX = 64
/** Shares by which sessions of a recorded stream are told apart. */
const SHARES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.99]
const FOREVER_MS = 1e15

/** Requests in, a verdict at any moment out. */
export class Replay {
  private readonly options: ReplayOptions
  private readonly units: SessionUnits
  private readonly limits: Map<string, number>
  private readonly seen: { journey: string; step: string }[] = []
  private trial: Trial | null = null
  private seq = 0
  private now: Instant | null = null
  private startedAt: Instant | null = null
  private batchAt: Instant = 0
  private share: number
  private realShare = 0.1
  private ready = false
  private known = { count: 0, share: KNOWN_SHARE }
  private latest: Answer

  constructor(options: ReplayOptions) {
    this.options = options
    this.limits = new Map(
      [...options.limits, ...options.steps].map(({ journey, step, limitMs }) => [`${journey}\n${step}`, limitMs]),
    )
    this.units = new SessionUnits((journey, step) => this.limitOf(journey, step))
    this.share = options.plan.strategy === 'blue-green' ? 1 - options.plan.holdBack : (options.plan.rungs[0] ?? 0.01)
    if (options.plan.warmUp.probes > 0) this.share = 0
    this.latest = {
      decision: 'hold',
      weight: options.plan.strategy === 'canary' ? Math.min(this.share, STANDING.cap) : this.share,
      why: 'Cannot tell: no citizen has been seen yet.',
      evidence: 0,
      canarySessions: 0,
      canaryFailed: 0,
    }
    for (const { journey, step } of options.steps) this.meet(journey, step)
  }

  /** True when one citizen's requests go to both releases as a rule: evidence is then weaker. */
  get wandering(): boolean {
    return this.units.wandering
  }

  /** One request; gives an answer when the verdict was looked at, each second of the stream. */
  add(request: Request): Answer | null {
    const looked = this.advance(request.t)
    this.meet(request.journey, request.step)
    const sessions = this.units.sessions
    this.units.add(request, this.options.closedLoop ? this.share : shareLabel(this.realShare))
    if (this.units.sessions > sessions) this.realShare += 0.01 * ((request.arm === 'canary' ? 1 : 0) - this.realShare)
    return looked
  }

  /** The verdict at `t`, with everything seen so far. */
  look(t: Instant): Answer {
    this.clock(t)
    return this.judge(true)
  }

  /** Time goes on; each full second the verdict is looked at. */
  private advance(t: Instant): Answer | null {
    this.clock(t)
    if (this.now! - this.batchAt < BATCH_MS) return null
    // A world in the loop hears of a share when it asks: what it has not heard is not in force.
    return this.judge(!this.options.closedLoop)
  }

  private clock(t: Instant): void {
    this.now = this.now === null ? t : Math.max(this.now, t)
    if (this.startedAt === null) {
      this.startedAt = this.now
      this.batchAt = this.now
    }
  }

  /** What has closed since goes to the trial. `decides`: the verdict is looked at, too. */
  private judge(decides: boolean): Answer {
    const now = this.now!
    const from = this.batchAt
    this.batchAt = now
    const trial = this.trial ?? this.open(now)
    if (!trial) {
      if (this.units.sessions > 0)
        this.latest = this.options.closedLoop
          ? {
              ...this.latest,
              decision: 'continue',
              why: `The first citizens are walking through; the new release gets ${percentOf(this.latest.weight)} of new sessions.`,
            }
          : { ...this.latest, why: 'Cannot tell yet: the first citizens are walking through.' }
      if (decides) this.share = this.latest.weight
      return this.latest
    }
    // A rollback is final: what comes after it was recorded without us.
    if (trial.phase.phase === 'rolled-back') return this.latest
    const batch: CountBatch = { seq: ++this.seq, from, to: now, counts: this.units.take() }
    this.trial = observe(trial, batch)
    if (!decides) return this.latest
    const verdict = decide(this.trial, now)
    this.trial = verdict.trial
    this.latest = this.answerOf(verdict)
    this.share = this.latest.weight
    return this.latest
  }

  private answerOf(verdict: Verdict): Answer {
    const { evidence, canary, why, weight } = verdict
    const numbers = { evidence, canarySessions: canary.sessions, canaryFailed: canary.failed }
    if (this.options.closedLoop) {
      // After the bake there is only one release left to send citizens to.
      return { decision: verdict.decision, weight: verdict.decision === 'promote' ? 1 : weight, why, ...numbers }
    }
    if (verdict.decision !== 'continue') this.ready = false
    else if (!this.ready) this.ready = readyForAll(verdict.trial, this.options.plan.bakeMs)
    if (!this.ready) return { decision: verdict.decision, weight, why, ...numbers }
    return {
      decision: 'promote',
      weight,
      why: `${why.replace(/\.$/, '')}: it may have all citizens.`,
      ...numbers,
    }
  }

  /** The trial begins when the steps are known. */
  private open(now: Instant): Trial | null {
    const learned =
      this.options.steps.length > 0 ||
      this.units.sessions >= LEARN_SESSIONS ||
      (this.units.sessions > 0 && now - this.startedAt! >= LEARN_MS)
    if (!learned || this.seen.length === 0) return null
    const early = this.options.steps.length === 0 && now - this.startedAt! < WALKED_MS
    this.known = { count: this.seen.length, share: early ? KNOWN_SHARE_EARLY : KNOWN_SHARE }
    const steps = this.seen.map((one) => this.stepOf(one, this.known.share / this.known.count))
    const { plan, closedLoop } = this.options
    // A recorded ramp is not ours to climb: one rung, and no end but a rollback.
    const own = closedLoop ? plan : { ...plan, strategy: 'blue-green' as const, bakeMs: FOREVER_MS, recorded: true }
    const learns = this.options.steps.length === 0
    this.trial = openTrial({ ...own, steps, learns }, this.startedAt!)
    return this.trial
  }

  private meet(journey: string, step: string): void {
    if (this.seen.length >= STEPS_MAX || this.seen.some((one) => one.step === step && one.journey === journey)) return
    this.seen.push({ journey, step })
    if (!this.trial) return
    this.trial = addStep(this.trial, this.stepOf({ journey, step }, this.lateShare()))
  }

  /** What the next step that turns up may spend of α. All of them together spend no more than the known ones left. */
  private lateShare(): number {
    const late = this.trial!.plan.steps.length - this.known.count
    const rest = 1 - this.known.share
    if (late < LATE_STEPS) return (rest * 0.8) / LATE_STEPS
    const further = late - LATE_STEPS + 1
    return (rest * 0.2) / (further * (further + 1))
  }

  private stepOf({ journey, step }: { journey: string; step: string }, omega: number): TrialStep {
    const { p0, p0Units } = this.options
    return { journey, step, omega, p0, p0Units, limitMs: this.limitOf(journey, step) }
  }

  private limitOf(journey: string, step: string): number {
    return this.limits.get(`${journey}\n${step}`) ?? this.options.limitMs
  }
}

/** The nearest of a few shares, so that a slowly moving estimate does not cut the evidence into crumbs. */
function shareLabel(share: number): number {
  return SHARES.reduce((best, one) => (Math.abs(one - share) < Math.abs(best - share) ? one : best))
}
