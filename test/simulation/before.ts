/** What comes before the first move in a simulated world: gates, people who agree, rightly and wrongly, and what must be true of it. */
import { type Approval, planHash } from '../../src/core/deploy/approval.ts'
import type { DeploymentPlan, DeploymentState } from '../../src/core/deploy/deployment.ts'
import type { GatePlan } from '../../src/core/deploy/gate.ts'
import type { Json } from '../../src/core/json.ts'
import type { LogRow, Store } from '../../src/ports/store.ts'

export interface Before {
  readonly gates: 'none' | 'pass' | 'fail'
  /** People who must agree. */
  readonly approvals: number
  readonly agreeing: readonly { readonly at: number; readonly who: string; readonly rightPlan: boolean }[]
  /** Somebody swaps the release's files between the plan and the start. */
  readonly swapped: boolean
}

const ASKED_BY = 'asha'
const WAIT_MS = 40_000

/** Dice of their own, so that these worlds are otherwise what they always were. */
export function beforeOf(dice: () => number): Before {
  const gates = dice() < 0.5 ? 'none' : dice() < 0.8 ? 'pass' : 'fail'
  const approvals = dice() < 0.6 ? 0 : 1 + Math.floor(dice() * 2)
  const names = [ASKED_BY, 'ben', 'Ben', 'carys', 'dai', 'Asha P']
  const agreeing = Array.from({ length: approvals === 0 ? 0 : 2 + Math.floor(dice() * 4) }, () => ({
    at: dice() * 25_000,
    who: names[Math.floor(dice() * names.length)]!,
    rightPlan: dice() < 0.9,
  }))
  return { gates, approvals, agreeing: agreeing.sort((a, b) => a.at - b.at), swapped: dice() < 0.05 }
}

const KNOWN = [{ id: ASKED_BY, name: 'Asha P' }]

export function planBefore({ gates, approvals }: Before): Partial<DeploymentPlan> {
  const people = { roles: [], may: [], known: KNOWN, waitMs: WAIT_MS, validMs: WAIT_MS }
  return {
    approvals,
    ...(gates === 'none'
      ? {}
      : { gates: [gateOf('window', 'window'), gateOf('scan', 'report'), gateOf('unit', 'command')] }),
    ...(approvals === 0 ? {} : { approval: { ...people, people: approvals } }),
  }
}

function gateOf(id: string, how: GatePlan['how']): GatePlan {
  const nothing = { pass: null, run: [], envNames: [], report: null, about: null, ageMsMax: 1, files: [] }
  return { ...nothing, id, name: id, kind: how, how, msMax: 20_000 }
}

export function gateAnswer({ gates }: Before, payload: Json): Json {
  const { gate } = payload as unknown as { gate: GatePlan }
  const passed = gates === 'pass' || gate.how !== 'command'
  return { passed, says: passed ? 'simulated' : 'exit code 1', ms: 3 }
}

/** The wish to agree, to the plan that waits or to another one. */
export function agreement(state: DeploymentState, rightPlan: boolean): Json {
  return { reason: 'simulated', plan: rightPlan ? planHash(state.plan) : 'f'.repeat(64), how: 'simulated' }
}

/** Everything that had to be so before the first move is so. */
export function isCleared({ plan, gates = [], approvals = [] }: DeploymentState): boolean {
  const passed = (plan.gates ?? []).every(({ id }) => gates.some(({ gate, passed: yes }) => gate === id && yes))
  return passed && peopleIn(approvals).size >= (plan.approval?.people ?? 0)
}

function peopleIn(approvals: readonly Pick<Approval, 'who'>[]): Set<string> {
  const names = approvals.map(({ who }) => who.toLowerCase())
  return new Set(names.filter((who) => who !== ASKED_BY && who !== 'asha p'))
}

/** What must be true, read from the log alone: the state could be wrong in the same way as the code that made it. */
export async function checkBefore(before: Before, state: DeploymentState, store: Store): Promise<readonly string[]> {
  const broken: string[] = []
  const promise = (holds: boolean, says: string) => {
    if (!holds) broken.push(says)
  }
  const rows = await store.log(0, 100_000, { subject: state.plan.id })
  const moved = rows.find(({ kind }) => MOVES.has(kind))
  const until = moved?.index ?? Number.POSITIVE_INFINITY
  const results = rows.filter(({ kind, index }) => kind === 'gate.result' && index < until)
  const given = rows.filter(({ kind, index }) => kind === 'approval.given' && index < until)
  const { name } = state.phase
  if (moved) {
    const passed = new Set(results.filter((row) => dataOf(row).passed === true).map((row) => String(dataOf(row).gate)))
    promise(
      (state.plan.gates ?? []).every(({ id }) => passed.has(id)),
      'nothing moves before every gate has passed',
    )
    const people = peopleIn(given.map((row) => ({ who: String(wordsOf(row).who) })))
    promise(people.size >= before.approvals, `nothing moves before ${before.approvals} other people agreed`)
    const hash = planHash(state.plan)
    promise(
      given.every((row) => dataOf(row).plan === hash),
      'people agree to the plan that runs',
    )
    promise(
      !rows.some(({ kind, index }) => kind === 'gate.result' && index > until),
      'no gate is asked once something has moved',
    )
  } else promise(name === 'refused', `what never moved is refused, not ${name}`)
  promise(before.gates !== 'fail' || !moved, 'a failed gate lets nothing move')
  promise(!before.swapped || name === 'refused', 'a release that is not the one agreed to is refused')
  promise(
    rows.filter(({ kind }) => kind === 'deployment.requested').length === 1,
    'the request is logged once, gates or not',
  )
  return broken
}

/** Entries that say that something outside was started, told or changed. */
const MOVES = new Set([
  'schema.expanded',
  'release.started',
  'release.not-started',
  'release.not-planned',
  'weight.changed',
])

function wordsOf({ payload }: LogRow): { readonly who?: unknown; readonly data?: Readonly<Record<string, unknown>> } {
  return JSON.parse(payload ?? '{}')
}

function dataOf(row: LogRow): Readonly<Record<string, unknown>> {
  return wordsOf(row).data ?? {}
}
