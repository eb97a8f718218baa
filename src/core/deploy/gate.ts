/**
 * A gate: what must be true before a release may meet anybody, and what came of asking. A gate that could not run, did not end in its
 * time, or whose report is missing, stale or unreadable has failed: "we do not know" never lets a release through.
 */
import type { Gate, Service } from '../define/schema.ts'
import type { Json } from '../json.ts'
import { DAY, HOUR, type Instant, MINUTE, SECOND } from '../time.ts'
import type { DeploymentPlan } from './deployment.ts'

/** How the answer comes about. `private`: synthetic journeys and the shadow, once the release has started, before any citizen. */
export type GateHow = 'target' | 'window' | 'migration' | 'drill' | 'alerts' | 'report' | 'command' | 'private' | 'none'

/** A gate as it was frozen with the deployment's plan. */
export interface GatePlan {
  readonly id: string
  readonly name: string
  /** The kind that the definition gives it; `window` and `target` are Holdfast's own. */
  readonly kind: string
  readonly how: GateHow
  /** What passing means, in the definition's words. */
  readonly pass: string | null
  /** argv, run in the release's folder. */
  readonly run: readonly string[]
  /** Names of variables that the command gets besides what every command gets; values never enter the state. */
  readonly envNames: readonly string[]
  /** Report to be read, below the definition's folder or the release's; null: none. */
  readonly report: string | null
  /** File that the report is about: a report older than it is stale. */
  readonly about: string | null
  /** Oldest report or drill that counts, in ms. */
  readonly ageMsMax: number
  /** Where alert rules are, below the definition's folder. */
  readonly files: readonly string[]
  /** Longest run, in ms. */
  readonly msMax: number
}

/** What came of one gate. The whole evidence is in the log; the state keeps what a page shows. */
export interface GateResult {
  readonly gate: string
  readonly name: string
  readonly passed: boolean
  /** Did not pass, or was not asked, and somebody broke the glass over it. */
  readonly excused: boolean
  /** One sentence. */
  readonly says: string
  readonly at: Instant
  readonly ms: number
  /** Last lines of a failed command, at most TAIL_MAX characters; '' otherwise. */
  readonly tail: string
}

/** Evidence of one gate, as its entry in the log keeps it. */
export interface GateAnswer {
  readonly passed: boolean
  readonly says: string
  readonly ms: number
  /** Exit code of the command; null: there was none, or it was killed. */
  readonly exit: number | null
  /** SHA-256 of all output, or of the report: `sha256:<hex>`. */
  readonly digest: string | null
  /** Digest of what was looked at, where the gate can tell. */
  readonly scanned: string | null
  /** Last lines of output, secrets taken out. */
  readonly tail: string
  /** Figures of the gate's own: counts, ages, facts. */
  readonly figures: Readonly<Record<string, Json>>
}

export const TAIL_MAX = 1_000
/** The log keeps more of a command's last words than the state does. */
const LOG_TAIL_MAX = 4_000
const SAYS_MAX = 600
const DEFAULT_REPORT_HOURS = 24

/** Gates that every deployment has, before those of the definition. */
export const TARGET_GATE = 'right-target'
export const WINDOW_GATE = 'window'

/** The gates of a definition, cheapest first: what forbids a release should say so before a quarter of an hour of tests. */
export function gatesOf(service: Service): readonly GatePlan[] {
  const own = service.deployment.gates.filter(({ kind }) => kind !== 'approval').map((gate) => planned(gate, service))
  // Without environments there is no intent that the context could be held against; `deploy plan` says so.
  const target = service.environments.length > 0 ? [ours(TARGET_GATE, 'Right target', 'target')] : []
  const all = [...target, ours(WINDOW_GATE, 'Deployment window', 'window'), ...own]
  return all.sort((a, b) => COST[a.how] - COST[b.how])
}

const COST: Readonly<Record<GateHow, number>> = {
  target: 0,
  window: 1,
  migration: 2,
  drill: 2,
  alerts: 3,
  report: 3,
  none: 3,
  command: 4,
  private: 5,
}

/** Gates asked all at once, and those that run one after the other. */
export type GateStage = 'checks' | 'commands'

export function stageOf({ how }: Pick<GatePlan, 'how'>): GateStage | 'private' {
  if (how === 'private') return 'private'
  return how === 'command' ? 'commands' : 'checks'
}

/** True when something has to be asked before a deployment may move anything. */
export function asksBefore(plan: Pick<DeploymentPlan, 'gates' | 'approval'>): boolean {
  return (plan.gates ?? []).some((gate) => stageOf(gate) !== 'private') || plan.approval !== undefined
}

/** Whether breaking the glass may skip it. The wrong database and a schema that the running release cannot live with never go. */
export function isExcusable({ how }: Pick<GatePlan, 'how'>): boolean {
  return how !== 'target' && how !== 'migration' && how !== 'private'
}

/** Gates that a waiver really leaves out, whatever it names. */
export function waivedGates({ gates, waiver }: Pick<DeploymentPlan, 'gates' | 'waiver'>): readonly GatePlan[] {
  return (gates ?? []).filter((gate) => waiver?.gates.includes(gate.id) === true && isExcusable(gate))
}

function ours(id: string, name: string, how: 'target' | 'window'): GatePlan {
  return { ...NOTHING, id, name, kind: how, how, msMax: 30 * SECOND }
}

const NOTHING = {
  pass: null,
  run: [],
  envNames: [],
  report: null,
  about: null,
  ageMsMax: DEFAULT_REPORT_HOURS * HOUR,
  files: [],
} as const

function planned(gate: Gate, service: Service): GatePlan {
  const how = howOf(gate, service)
  const drillMs = service.deployment.rollback.drillEveryDays * DAY
  return {
    // A gate of the definition may not hide one of ours behind its name.
    id: gate.id === TARGET_GATE || gate.id === WINDOW_GATE ? `${gate.id}-of-the-definition` : gate.id,
    name: gate.name ?? sentenceOf(gate.id),
    kind: gate.kind,
    how,
    pass: gate.pass ?? null,
    run: gate.run ?? [],
    envNames: gate.secretEnv,
    report: gate.report ?? null,
    about: gate.about ?? null,
    ageMsMax: how === 'drill' ? drillMs : gate.maxAgeHours * HOUR,
    files: gate.files,
    msMax: how === 'command' ? gate.secondsMax * SECOND : 2 * MINUTE,
  }
}

/** A command of the team's own always goes before what Holdfast would do by itself for that kind. */
function howOf(gate: Gate, { deployment }: Service): GateHow {
  if (gate.run) return 'command'
  if (gate.kind === 'journeys') return 'private'
  // A deployment that begins in the shadow asks this one itself, with more evidence than a gate could have.
  const strategies = [deployment.strategy, ...deployment.byArtefact.map(({ strategy }) => strategy)]
  if (gate.kind === 'shadow' && strategies.includes('shadow')) return 'private'
  if (gate.kind === 'migration' || gate.kind === 'drill' || gate.kind === 'alerts') return gate.kind
  return gate.report ? 'report' : 'none'
}

function sentenceOf(id: string): string {
  const words = id.replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** What a performer answered, bounded and with nothing missing. An outage is an answer, and it is no. */
export function answerIn(outcome: Json): GateAnswer {
  const given = (outcome ?? {}) as Readonly<Record<string, Json>>
  const text = (value: unknown, max: number) => (typeof value === 'string' ? value : '').slice(-max)
  const figures = given.figures
  return {
    passed: given.passed === true,
    says: (text(given.says, 2_000) || text(given.why, 2_000) || 'It could not run, and nobody said why.').slice(
      0,
      SAYS_MAX,
    ),
    ms: typeof given.ms === 'number' && given.ms >= 0 ? Math.round(given.ms) : 0,
    exit: typeof given.exit === 'number' ? given.exit : null,
    digest: typeof given.digest === 'string' ? given.digest.slice(0, 100) : null,
    scanned: typeof given.scanned === 'string' ? given.scanned.slice(0, 200) : null,
    tail: text(given.tail, LOG_TAIL_MAX),
    figures:
      typeof figures === 'object' && figures !== null && !Array.isArray(figures)
        ? (figures as Readonly<Record<string, Json>>)
        : {},
  }
}

export function failed(says: string, more: Partial<GateAnswer> = {}): GateAnswer {
  return { ...BLANK, ...more, passed: false, says }
}

export function passed(says: string, more: Partial<GateAnswer> = {}): GateAnswer {
  return { ...BLANK, ...more, passed: true, says }
}

const BLANK: GateAnswer = {
  passed: false,
  says: '',
  ms: 0,
  exit: null,
  digest: null,
  scanned: null,
  tail: '',
  figures: {},
}
