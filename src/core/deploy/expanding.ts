/**
 * Before traffic: the schema is widened, the running release is tried on it, and the new one is started. Nothing here moves a citizen.
 *
 *   expanding ─► expanding/checking ─► starting
 *       └──────────────┴──────────────────┴────► refused; a running release that fails on the widened schema wakes a person
 */
import type { Json } from '../json.ts'
import { durationOf, SECOND } from '../time.ts'
import { plural } from '../words.ts'
import { CONFIRM_MS, EXPAND_MS } from './deployment.ts'
import type { Draft } from './draft.ts'
import { schemaIncident } from './harm.ts'
import { endRollback } from './rolling-back.ts'

const RETRY_MS = 500
/** How long our synthetic citizen may take to walk the journeys; each of its requests has the citizens' own limit. */
const VERIFY_MS = 60 * SECOND

/** Applies what comes before traffic, or starts at once where there is nothing to apply. */
export function widen(draft: Draft): void {
  const { plan } = draft.state
  if (plan.migrations.length === 0) return start(draft)
  draft.effect('schema.expand', expandOf(draft))
  draft.enter(
    { name: 'expanding', deadline: draft.now + (plan.schemaMsMax ?? EXPAND_MS) },
    `The schema is being widened first, so that both releases can use it (${plural(plan.migrations.length, 'step')}).`,
  )
}

export function expandingTick(draft: Draft): void {
  const { phase } = draft.state
  if (phase.name !== 'expanding' || phase.deadline > draft.now) return
  if (phase.stage !== 'checking') {
    const limit = durationOf(draft.state.plan.schemaMsMax ?? EXPAND_MS)
    return refuse(
      draft,
      `The schema step did not finish within ${limit}. See what holds it before the next try: it may still be at work in the database.`,
    )
  }
  schemaChecked(draft, 'nobody answered in time')
}

/** What came of the synthetic citizen's walk on the running release. */
export function schemaTried(draft: Draft, answer: Readonly<Record<string, Json>>): void {
  const { phase } = draft.state
  if (phase.name !== 'expanding' || phase.stage !== 'checking') return
  const steps = Number(answer.steps ?? 0)
  if (answer.ok === true) schemaChecked(draft, null, steps)
  else if (steps === 0) schemaChecked(draft, String(answer.why))
  else schemaBroke(draft, String(answer.why))
}

/** The files, and what the running release asks the database: each file must leave that working. */
function expandOf({ state: { plan } }: Draft): Json {
  return { service: plan.service, files: plan.migrations, queries: plan.queries?.old ?? [] } as unknown as Json
}

export function schemaAnswered(draft: Draft, answer: Readonly<Record<string, Json>>): void {
  const { phase } = draft.state
  if (phase.name !== 'expanding') return
  if (answer.unreachable) {
    draft.effect('schema.expand', expandOf(draft), draft.now + RETRY_MS)
    return
  }
  if (answer.ok !== true) {
    const kept =
      Array.isArray(answer.applied) && answer.applied.length > 0 ? ` Still in place: ${answer.applied.join(', ')}.` : ''
    return refuse(draft, `A schema step failed and was undone: ${String(answer.why)}${kept}`)
  }
  draft.entry('schema.expanded', `The schema was widened. ${provenWords(answer)}`, {
    applied: answer.applied ?? [],
    checked: answer.checked ?? 0,
    cannotTell: answer.cannotTell ?? [],
  })
  checkSchema(draft)
}

/** What the declared statements of the running release show; without any, nothing is claimed. */
function provenWords({ checked, cannotTell }: Readonly<Record<string, Json>>): string {
  if (checked === undefined) return 'The running release declares no queries that could be held against it.'
  const unknown = Array.isArray(cannotTell) ? cannotTell.length : 0
  const left = unknown > 0 ? `; ${unknown} more could not be prepared before either, and say nothing` : ''
  return `${Number(checked)} declared queries of the running release still work on it${left}.`
}

/** The running release is tried on the schema as it is now, by our synthetic citizen: queries that nobody declared are in there, too. */
function checkSchema(draft: Draft): void {
  const { plan } = draft.state
  if (!plan.previous) return start(draft)
  draft.effect('probe.verify', {
    service: plan.service,
    release: plan.previous.release,
    arm: 'stable',
    steps: plan.steps,
  })
  draft.enter(
    { name: 'expanding', stage: 'checking', deadline: draft.now + VERIFY_MS },
    `The schema is widened. Our own synthetic citizen is trying release ${plan.previous.release} on it.`,
  )
}

function schemaChecked(draft: Draft, cannotTell: string | null, steps = 0): void {
  const old = draft.state.plan.previous?.release
  const why = cannotTell
    ? `Cannot tell whether every journey of ${old} still works on the widened schema, because ${cannotTell}.`
    : `Release ${old} still works on the widened schema: a synthetic citizen completed ${steps} steps.`
  draft.entry(cannotTell ? 'schema.cannot-tell' : 'schema.verified', why, { steps })
  start(draft)
}

/** Citizens may be failing at this moment, and an expand step cannot be undone by itself. */
function schemaBroke(draft: Draft, why: string): void {
  const says = `Release ${draft.state.plan.previous?.release} fails on the changed schema: ${why}`
  draft.spawn(schemaIncident(draft.state, says, draft.now))
  refuse(draft, says)
}

/** All replicas of the new release, or its first batch. */
export function firstReplicas({ state: { plan } }: Draft): Json {
  const replicas = plan.rolling && plan.previous ? plan.rolling.batches[0]! : plan.next.replicas
  return { service: plan.service, ...plan.next, replicas } as unknown as Json
}

function start(draft: Draft): void {
  const { next } = draft.state.plan
  draft.effect('runtime.start', firstReplicas(draft))
  draft.enter(
    { name: 'starting', deadline: draft.now + next.startMsMax + 10 * SECOND },
    `Release ${next.release} is starting beside the old one. No citizen sees it yet.`,
  )
}

/**
 * Ends a deployment that no citizen has met and of which the traffic layer knows nothing. What may have been started is stopped first:
 * a deployment that is over has no open effects, because nobody would look after them.
 */
export function refuse(draft: Draft, why: string): void {
  const { service } = draft.state.plan
  draft.entry('refused', why)
  // Never stops what serves, whatever was asked.
  if (draft.state.plan.next.release === draft.state.plan.previous?.release) return endRollback(draft, why)
  draft.effect('runtime.stop', { service, release: draft.state.plan.next.release })
  const deadline = draft.now + CONFIRM_MS
  draft.enter({ name: 'rolling-back', stage: 'stopping', because: why, deadline, confirmBy: null, paged: false }, why)
}
