/**
 * A deployment as a person reads it: one sentence first (since when, how many citizens could not do what, what happens next), then
 * the figures behind it. Pure, so the console, the CLI and the evidence pack say the same words.
 */
import type { Sums } from '../shadow/tally.ts'
import { durationOf, type Instant } from '../time.ts'
import { countOf, listOf, percentOf, plural } from '../words.ts'
import {
  type ApprovalView,
  approvalView,
  approveOffer,
  artefactWords,
  beforeWords,
  type GateRow,
  gateRows,
  type WaiverView,
  waiverView,
} from './before-view.ts'
import type { DeploymentState, PhaseName } from './deployment.ts'
import { isWarm } from './finishing.ts'
import { ringRows } from './rings.ts'
import { totalOf } from './shadowing.ts'
import { alphaCommitted, explainTrial } from './trial.ts'

/** How the state is to be taken: `calm` is going as planned, `watch` may need somebody, `bad` needs somebody now. */
export type Tone = 'calm' | 'watch' | 'bad' | 'good' | 'over'

/** Whether a person may ask for it now; if not, why, in a sentence. */
export type Offer = { readonly open: true } | { readonly open: false; readonly why: string }

export interface DeploymentView {
  readonly id: string
  readonly service: string
  readonly serviceName: string
  readonly release: string
  readonly previous: string | null
  /** Two or three words: "Taken back". */
  readonly word: string
  readonly tone: Tone
  readonly over: boolean
  /** Nothing has been started, told or moved yet. */
  readonly before: boolean
  /** When the present state began. */
  readonly since: Instant
  /** "7 citizens could not send their application on release r3." */
  readonly citizens: string
  /** "Nothing to do now: everyone is on release r2." */
  readonly next: string
  /** Release that citizens are served by when all goes on as it is. */
  readonly serving: string | null
  /** Share of new sessions on the new release, 0 to 1, as last asked for; `confirmed` once traffic has said so. */
  readonly weight: number
  readonly confirmed: boolean
  readonly harmed: number
  /** First bad answer to a citizen on the new release; null: none. */
  readonly firstHarmAt: Instant | null
  readonly sessions: number
  /** Answers that failed because of the deployment itself. Promised to be 0. */
  readonly failedByUs: number
  readonly evidence: Evidence | null
  readonly steps: readonly StepRow[]
  readonly clocks: readonly Clock[]
  readonly history: readonly { readonly at: Instant; readonly phase: string; readonly why: string }[]
  readonly facts: readonly Fact[]
  readonly offers: Readonly<Record<'rollback' | 'halt' | 'resume' | 'promote' | 'approve', Offer>>
  readonly gates: readonly GateRow[]
  /** Null: nobody besides the one who asked needs to agree. */
  readonly approval: ApprovalView | null
  /** Null: every rule was kept. */
  readonly waiver: WaiverView | null
}

export interface Evidence {
  /** Odds, n : 1, that the new release is worse than the old one. */
  readonly odds: number
  /** Odds at which it is taken back. */
  readonly threshold: number
  readonly words: string
  /** The verdict's own sentence. */
  readonly why: string
  readonly chart: readonly { readonly at: Instant; readonly odds: number; readonly weight: number }[]
}

export interface StepRow {
  readonly journey: string
  readonly step: string
  readonly newSessions: number
  readonly newFailed: number
  readonly oldSessions: number
  readonly oldFailed: number
  readonly slow: number
  readonly odds: number
}

export interface Clock {
  readonly name: string
  readonly ms: number
  readonly from: string
}

export interface Fact {
  readonly name: string
  readonly value: string
}

export function viewDeployment(state: DeploymentState, now: Instant): DeploymentView {
  const { plan, phase, measured, steering } = state
  const story = storyOf(state, now)
  const ended = phase.name === 'promoted' || phase.name === 'rolled-back' || phase.name === 'refused'
  return {
    id: plan.id,
    service: plan.service,
    serviceName: plan.serviceName,
    release: plan.next.release,
    previous: plan.previous?.release ?? null,
    ...story,
    over: ended,
    before: phase.name === 'gating' || phase.name === 'awaiting-approval',
    since: sinceOf(state),
    serving: state.serving,
    weight: phase.name === 'promoted' ? 1 : (steering?.weight ?? 0),
    confirmed: steering?.applied ?? true,
    harmed: measured.canaryFailed,
    firstHarmAt: measured.firstFailedAt,
    sessions: measured.canarySessions,
    failedByUs: measured.failedByUs,
    evidence: evidenceOf(state),
    steps: stepsOf(state),
    clocks: clocksOf(state),
    history: state.history.map(({ at, phase: name, why }, i) => ({
      at,
      phase: i === 0 ? 'Asked for' : WORDS[name],
      why: sentenceOf(why),
    })),
    facts: factsOf(state),
    offers: offersOf(state),
    gates: gateRows(state),
    approval: approvalView(state),
    waiver: waiverView(state),
  }
}

/** "1,240 : 1 that it is worse", or what small odds mean. */
export function oddsWords(odds: number): string {
  if (odds >= 1e12) return 'more than 1,000,000,000,000 : 1 that it is worse'
  if (odds >= 2) return `${countOf(Math.floor(odds))} : 1 that it is worse`
  return 'nothing speaks against it'
}

const WORDS: Readonly<Record<PhaseName, string>> = {
  gating: 'Checking first',
  'awaiting-approval': 'Waiting for approval',
  expanding: 'Preparing the database',
  starting: 'Starting',
  attaching: 'Connecting',
  verifying: 'Checking in private',
  shadowing: 'In the shadow',
  'on-trial': 'On trial',
  halted: 'Halted',
  finishing: 'Being promoted',
  contracting: 'Tidying the database',
  'rolling-back': 'Being taken back',
  promoted: 'Promoted',
  'rolled-back': 'Taken back',
  refused: 'Refused',
}

/** Reasons are written to follow a colon; standing alone, each begins with a capital and ends with a full stop. */
function sentenceOf(why: string): string {
  const begun = why.replace(/(^|[.!?] )evidence /g, '$1Evidence ')
  const upper = begun.charAt(0).toUpperCase() + begun.slice(1)
  return upper === '' || /[.!?]$/.test(upper) ? upper : `${upper}.`
}

interface Story {
  readonly word: string
  readonly tone: Tone
  readonly citizens: string
  readonly next: string
}

function storyOf(state: DeploymentState, now: Instant): Story {
  const { phase, plan } = state
  const old = plan.previous ? `release ${plan.previous.release}` : 'nothing'
  const word = WORDS[phase.name]
  const citizens = harmWords(state)
  switch (phase.name) {
    case 'gating':
    case 'awaiting-approval':
      return { word, tone: phase.name === 'gating' ? 'calm' : 'watch', citizens, next: beforeWords(state, now) }
    case 'shadowing':
      return {
        word,
        tone: 'calm',
        citizens: `No citizen meets it. Everyone is on ${old}.`,
        next: `It answers copies of what citizens ask, and its answers are compared. ${sentenceOf(state.lastWhy)}`,
      }
    case 'expanding':
    case 'starting':
    case 'attaching':
    case 'verifying': {
      const left = durationOf(Math.max(0, phase.deadline - now))
      const served = plan.previous ? `Citizens are on ${old}.` : 'It is the first release: nothing serves citizens yet.'
      return { word, tone: 'calm', citizens, next: `${served} If this takes ${left} more, it is given up.` }
    }
    case 'on-trial':
      return trialStory(state, citizens)
    case 'halted':
      return {
        word,
        tone: 'watch',
        citizens,
        next: `${phase.who} halted it, and citizens are on ${old}. It waits until somebody resumes it or takes it back.`,
      }
    case 'finishing':
      return {
        word,
        tone: 'calm',
        citizens,
        next: `${FINISHING[phase.stage]} Taking it back is still instant until then.`,
      }
    case 'contracting':
      return {
        word,
        tone: 'calm',
        citizens,
        next: `Everyone is on release ${plan.next.release}. What only the old release needed is being removed from the database.`,
      }
    case 'rolling-back':
      if (phase.paged) {
        return {
          word: 'Not confirmed',
          tone: 'bad',
          citizens,
          next: `Holdfast cannot confirm that release ${plan.next.release} is out of traffic. It goes on trying; a person has been paged with the step to do by hand.`,
        }
      }
      if (phase.confirmBy !== null) {
        const left = durationOf(Math.max(0, phase.confirmBy - now))
        return {
          word,
          tone: 'bad',
          citizens,
          next: `Citizens are being moved to ${old} now. If that is not confirmed in ${left}, a person is paged.`,
        }
      }
      return {
        word,
        tone: 'watch',
        citizens,
        next: `Citizens are on ${old} again. Requests that had begun are finished, then it is stopped.`,
      }
    case 'promoted':
      return { word, tone: 'good', citizens, next: `Everyone is on release ${plan.next.release}. Nothing to do.` }
    case 'rolled-back':
      return {
        word,
        tone: 'over',
        citizens,
        next: `Everyone is on ${old} again. Nothing to do now: read why, repair it and deploy again.`,
      }
    case 'refused':
      return {
        word,
        tone: 'over',
        citizens: 'No citizen met this release.',
        next: `${plan.previous ? `Everyone is on ${old}, as before.` : 'There is no other release.'} Read why, repair it and deploy again.`,
      }
  }
}

const FINISHING: Readonly<Record<'moving' | 'draining' | 'warm' | 'detaching' | 'stopping', string>> = {
  warm: 'The old release is kept warm, without citizens, until the rollback window closes or the next deployment begins.',
  moving: 'The last citizens are being moved to it.',
  draining: 'Requests that the old release had begun are being finished.',
  detaching: 'The old release is being disconnected.',
  stopping: 'The old release is being stopped.',
}

function trialStory(state: DeploymentState, citizens: string): Story {
  const { plan, trial, blindSince, steering } = state
  const share = percentOf(steering?.weight ?? 0)
  if (blindSince !== null) {
    const next = 'No figures are arriving. If that goes on, the release is taken back.'
    return { word: 'On trial, unseen', tone: 'watch', citizens, next }
  }
  switch (trial?.phase.phase) {
    case 'suspect':
      return {
        word: 'Suspected',
        tone: 'watch',
        citizens,
        next: `It keeps ${share} of new sessions while the evidence decides. Proof takes it back; otherwise it climbs again.`,
      }
    case 'outage':
      return {
        word: 'Held: the running release fails',
        tone: 'bad',
        citizens,
        next: `The running release fails more than it used to, so this one is not the cause. It stays at ${share} until release ${plan.previous?.release} works again, or until this one is seen to work where that one fails.`,
      }
    default:
      return {
        word: 'On trial',
        tone: 'calm',
        citizens,
        next: `It has ${share} of new sessions and gets more as the evidence allows. Proof of harm takes it back by itself.`,
      }
  }
}

function harmWords(state: DeploymentState): string {
  const { plan, measured, worst } = state
  const release = `release ${plan.next.release}`
  if (!plan.previous && state.phase.name === 'promoted') return `It is the first release of ${plan.serviceName}.`
  if (measured.trialAt === null && measured.canarySessions === 0) return `No citizen has met ${release} yet.`
  if (measured.canaryFailed === 0) {
    return measured.canarySessions === 0
      ? `No citizen has used ${release} yet.`
      : `No citizen was stopped by ${release}; ${plural(measured.canarySessions, 'session')} seen.`
  }
  const said = worst ? plan.incident.steps[`${worst.journey}/${worst.step}`]?.cannot : undefined
  const what = said ?? plan.incident.comms.facts.cannot
  return `${plural(measured.canaryFailed, 'citizen')} could not ${what} on ${release}, of ${countOf(measured.canarySessions)} who used it.`
}

function sinceOf(state: DeploymentState): Instant {
  const { history, phase, measured, trial } = state
  if (phase.name === 'on-trial' && trial?.phase.phase === 'suspect') {
    const { by, until } = trial.phase
    return by === 'alarm' ? until - trial.plan.suspicionMs : until
  }
  if (phase.name === 'on-trial' && trial?.phase.phase === 'outage') {
    return trial.phase.until - trial.plan.outageMs * Math.max(1, trial.outages)
  }
  // The stages of one phase are one state for a person: the beginning of the unbroken run counts.
  let since = measured.startedAt
  for (let i = history.length - 1; i >= 0 && history[i]!.phase === phase.name; i--) since = history[i]!.at
  return since
}

function evidenceOf(state: DeploymentState): Evidence | null {
  if (!state.trial) return null
  const odds = Math.max(0, ...explainTrial(state.trial).map((row) => row.evidence))
  return {
    odds,
    threshold: 1 / state.trial.plan.alpha,
    words: oddsWords(odds),
    why: sentenceOf(state.lastWhy),
    chart: state.chart.map(({ at, evidence, weight }) => ({ at, odds: evidence, weight })),
  }
}

function stepsOf(state: DeploymentState): StepRow[] {
  if (!state.trial) return []
  return explainTrial(state.trial).map(({ journey, step, canary, stable, slow, evidence }) => ({
    journey,
    step,
    newSessions: canary.units,
    newFailed: canary.failed,
    oldSessions: stable.units,
    oldFailed: stable.failed,
    slow,
    odds: evidence,
  }))
}

/** The clocks that were promised: how long it took to see it, and to act on it. */
function clocksOf(state: DeploymentState): Clock[] {
  const { firstFailedAt, decidedAt, appliedAt, lastRequestAt, drainedAt, startedAt, endedAt } = state.measured
  const back = state.phase.name === 'rolling-back' || state.phase.name === 'rolled-back'
  const clocks: Clock[] = []
  const add = (name: string, from: Instant | null, to: Instant | null, says: string) => {
    if (from !== null && to !== null) clocks.push({ name, ms: Math.max(0, to - from), from: says })
  }
  if (back) {
    add('To see it', firstFailedAt, decidedAt, 'first bad answer to decision')
    add('To act', decidedAt, lastRequestAt ?? appliedAt, 'decision to the last request on the bad release')
    add('To finish', decidedAt, drainedAt, 'decision to the bad release being empty')
  }
  add('In all', startedAt, endedAt, 'start to end of the deployment')
  return clocks
}

const STRATEGIES: Readonly<Record<DeploymentState['plan']['strategy'] | 'rings', string>> = {
  canary: 'canary: a growing share of citizens',
  rings: 'canary: one ring of tenants after the other',
  'blue-green': 'blue-green: checked in private, then everyone',
  rolling: 'rolling: replicas replaced in batches, each on trial',
}

const RINGS = { waiting: 'not open yet', 'on-trial': 'on trial', proven: 'on the new release' } as const

/** What comparing in the shadow came to, group by group: nobody may be hit harder than the rest. */
function shadowFacts({ compared, same, explained, unexplained, cannotTell, cohorts, places }: Sums): Fact[] {
  const intended = Object.entries(explained).map(([id, n]) => `${id} ${countOf(n)} times`)
  const where = Object.entries(places).sort(([, a], [, b]) => b - a)
  const spots = where.slice(0, 3).map(([place, n]) => `${place}, ${countOf(n)} times`)
  const groups = Object.entries(cohorts).filter(([id]) => id !== '')
  return [
    {
      name: 'Compared in the shadow',
      value: `${plural(compared, 'pair')} of answers: ${countOf(same)} the same, ${countOf(unexplained)} different in a way nobody intended${spots.length > 0 ? ` (${listOf(spots)})` : ''}${cannotTell > 0 ? `; ${countOf(cannotTell)} more could not be compared` : ''}`,
    },
    ...(intended.length > 0 ? [{ name: 'Intended differences seen', value: listOf(intended) }] : []),
    ...groups.map(([id, group]) => ({
      name: `Group ${id}`,
      value: `${countOf(group.unexplained)} of ${plural(group.compared, 'pair')} different in a way nobody intended`,
    })),
  ]
}

function factsOf(state: DeploymentState): Fact[] {
  const { plan, trial } = state
  const facts: Fact[] = [
    { name: 'Asked for by', value: `${plan.requestedBy}: ${plan.reason}` },
    {
      name: 'Strategy',
      value: STRATEGIES[plan.rings ? 'rings' : plan.strategy],
    },
  ]
  if (state.shadow) facts.push(...shadowFacts(totalOf(state.shadow)))
  if (plan.part) facts.push({ name: 'Artefact', value: `${plan.part.name}, release ${plan.part.release}` })
  for (const { id, says, state: stands, sessions, failed } of ringRows(state)) {
    const met = sessions > 0 ? `; ${failed} of ${plural(sessions, 'session')} failed` : ''
    facts.push({ name: `Ring ${id}`, value: `${says}: ${RINGS[stands]}${met}` })
  }
  if (state.rolling && plan.rolling) {
    const up = state.canary?.backends.length ?? 0
    facts.push({ name: 'Replicas', value: `${up} of ${plan.rolling.replicas} replaced; ${plan.rolling.says}` })
  }
  if (state.backfill) facts.push({ name: 'Copying of old data', value: state.backfill.says })
  if (plan.migrations.length > 0) {
    facts.push({ name: 'Database changes', value: plan.migrations.map(({ file }) => file).join(', ') })
  }
  if (plan.environment) facts.push({ name: 'Environment', value: plan.environment })
  if (plan.artefact) facts.push({ name: 'What it is', value: artefactWords(state) })
  const alpha = trial?.plan.alpha ?? plan.trial.alpha
  const spent = trial ? `; ${percentOf(alphaCommitted(trial))} of chance is committed so far` : ''
  facts.push({ name: 'Chance of taking back a good release', value: `at most ${percentOf(plan.trial.alpha)}${spent}` })
  if (alpha !== plan.trial.alpha)
    facts.push({ name: 'This trial', value: `number ${state.trials}, with ${percentOf(alpha)} of that chance` })
  return facts
}

function offersOf(state: DeploymentState): DeploymentView['offers'] {
  const { phase } = state
  const open: Offer = { open: true }
  const onTrial = phase.name === 'on-trial'
  return {
    rollback: rollbackOffer(state),
    approve: approveOffer(state),
    halt: onTrial ? open : { open: false, why: 'Only a release on trial can be halted.' },
    resume:
      phase.name === 'halted' || ringWaits(state)
        ? open
        : { open: false, why: 'Only what waits for a person can go on.' },
    promote: onTrial || isWarm(state) ? open : { open: false, why: 'Only a release on trial can be promoted.' },
  }
}

/** A ring that only a person can open. */
function ringWaits({ phase, rings }: DeploymentState): boolean {
  return phase.name === 'on-trial' && rings !== undefined && rings.since === null
}

function rollbackOffer(state: DeploymentState): Offer {
  const { phase, plan } = state
  const old = plan.previous?.release
  switch (phase.name) {
    case 'rolling-back':
      return { open: false, why: 'It is being taken back already.' }
    case 'rolled-back':
    case 'refused':
      return {
        open: false,
        why: `It is already out of traffic; ${old ? `citizens are on release ${old}` : 'there was none before it'}.`,
      }
    case 'promoted':
      if (old === undefined) return { open: false, why: 'There is no release before it to go back to.' }
      return { open: false, why: `The old release ${old} is stopped. To go back, deploy it again.` }
    case 'contracting':
      return { open: false, why: `Release ${old} is stopped. To go back, deploy it again.` }
    case 'finishing':
      if (phase.stage === 'stopping') {
        return { open: false, why: `Release ${old} is already being stopped. To go back, deploy it again.` }
      }
      return { open: true }
    default:
      return { open: true }
  }
}
