/** Copying old data into its new shape while citizens use the service: in batches, with pauses, from where the last one stopped. */
import type { Json } from '../json.ts'
import { type Instant, SECOND } from '../time.ts'
import { countOf, plural } from '../words.ts'
import type { Draft } from './draft.ts'

export interface BackfillPlan {
  /** One statement a file, with `:batch` where the number of rows stands; done when it touches no row any more. In order. */
  readonly files: readonly { readonly file: string; readonly sql: string }[]
  /** Rows a batch, 1 to 100,000. */
  readonly batch: number
  /** Pause between two batches, in ms. */
  readonly pauseMs: number
  /** A standby that is further behind than this makes us wait, in ms. */
  readonly lagMsMax: number
  /** So many other statements at work make us wait. */
  readonly activeMax: number
  /** Beside the trial, or when every citizen has moved and the old release is warm. */
  readonly when: 'during-trial' | 'after-promotion'
  /** Longest time in all, in ms; then a person is told and the old shape stays. */
  readonly msMax: number
}

export interface Backfill {
  /** Files that are done. */
  readonly files: number
  /** Rows and batches of all files so far, as the database has them written down. */
  readonly rows: number
  readonly batches: number
  readonly startedAt: Instant
  readonly asked: boolean
  readonly done: boolean
  /** Why it will not be finished by us; a person was told. */
  readonly failed: string | null
  readonly says: string
}

/** How long one call may work before it reports, in ms: a kill loses no more than one batch, a person sees figures move. */
const CALL_MS = 2_000
const AGAIN_MS = SECOND

/** True when nothing is left to copy: the contract step may come. */
export function isBackfilled(draft: Draft): boolean {
  const { plan, backfill } = draft.state
  return !plan.backfill || plan.backfill.files.length === 0 || backfill?.done === true
}

/** Time in which nothing could be copied, because the release was on trial again, is not the backfill's. */
export function backfillAgain(draft: Draft): void {
  const { backfill } = draft.state
  if (backfill && !backfill.done && backfill.failed === null) set(draft, { startedAt: draft.now })
}

/** Asks for the next batches, unless they are asked for, done or given up. Call it at each tick of the phase they belong to. */
export function backfillTick(draft: Draft): void {
  const { plan, backfill } = draft.state
  if (!plan.backfill || plan.backfill.files.length === 0) return
  if (!backfill) {
    const says = `Old data is being copied into its new shape (${plural(plan.backfill.files.length, 'file')}).`
    draft.set({
      backfill: { files: 0, rows: 0, batches: 0, startedAt: draft.now, asked: false, done: false, failed: null, says },
    })
    draft.entry('backfill.started', says, { batch: plan.backfill.batch, pauseMs: plan.backfill.pauseMs })
    return ask(draft)
  }
  if (backfill.asked || backfill.done || backfill.failed !== null) return
  if (draft.now - backfill.startedAt > plan.backfill.msMax)
    return fail(draft, 'It took longer than the definition allows.')
  ask(draft, draft.now + AGAIN_MS)
}

/** What came of a call: rows copied, a reason to wait, an error of the database, or silence. */
export function backfillAnswered(draft: Draft, answer: Readonly<Record<string, Json>>): void {
  const { plan, backfill } = draft.state
  if (!plan.backfill || !backfill) return
  if (answer.unreachable) return set(draft, { asked: false, says: String(answer.why) })
  const rows = Number(answer.rows ?? backfill.rows)
  const batches = Number(answer.batches ?? backfill.batches)
  if (answer.ok !== true) {
    set(draft, { asked: false, rows, batches })
    return fail(draft, String(answer.why))
  }
  const files = Number(answer.files ?? backfill.files)
  const done = answer.done === true
  const far = `${plural(rows, 'row')} copied in ${countOf(batches)} batches`
  const why = typeof answer.waits === 'string' ? ` It waits: ${answer.waits}` : ''
  set(draft, {
    asked: false,
    rows,
    batches,
    files,
    done,
    says: done ? `Old data is copied: ${far}.` : `${far} so far.${why}`,
  })
  if (done) draft.entry('backfill.done', `Old data is in its new shape: ${far}.`, { rows, batches })
}

function ask(draft: Draft, dueAt?: Instant): void {
  const { plan } = draft.state
  const { files, batch, pauseMs, lagMsMax, activeMax } = plan.backfill!
  const payload = {
    service: plan.service,
    files: files as unknown as Json,
    batch,
    pauseMs,
    lagMsMax,
    activeMax,
    callMs: CALL_MS,
  }
  draft.effect('schema.backfill', payload, dueAt)
  set(draft, { asked: true })
}

/** Nobody is hurt by data that is not copied yet: both releases live with both shapes. The contract step is left out, and somebody told. */
function fail(draft: Draft, why: string): void {
  set(draft, { failed: why, says: `Old data could not be copied to the end: ${why}` })
  draft.entry('backfill.failed', `Old data could not be copied to the end: ${why} The old shape stays.`)
}

function set(draft: Draft, change: Partial<Backfill>): void {
  draft.set({ backfill: { ...draft.state.backfill!, ...change } })
}
