/** Puts one person's agreement to a deployment, and waits until it was taken: by whichever engine runs, or, when none does, from here. */
import { randomUUID } from 'node:crypto'
import { planHash } from '../core/deploy/approval.ts'
import type { DeploymentState } from '../core/deploy/deployment.ts'
import { OpsError } from '../core/errors.ts'
import { deploymentKind } from '../engine/deployments.ts'
import { turn } from '../engine/turn.ts'
import type { World } from '../engine/world.ts'
import type { LogRow, MachineRow, Store } from '../ports/store.ts'
import { tell } from './deploy.ts'

export interface Agreed {
  /** True when it counts. */
  readonly approved: boolean
  /** What the log says about it. */
  readonly why: string
  readonly state: DeploymentState
  /** An engine was running and took it; else the deployment waits for one. */
  readonly elsewhere: boolean
}

/** An engine that runs takes a message within a fraction of this. */
const ELSEWHERE_MS = 2_500
const LEASE_MS = 5_000
const TRIES = 40
const ANSWERS = new Set(['approval.given', 'approval.refused', 'message.refused'])

export async function approveDeployment(
  store: Store,
  world: World,
  row: MachineRow,
  wish: { readonly who: string; readonly reason: string; readonly how: string },
): Promise<Agreed> {
  const { plan } = row.state as unknown as DeploymentState
  const from = (await store.head()).size
  await tell(store, row.id, 'approve', wish.who, wish.reason, undefined, { plan: planHash(plan), how: wish.how })
  const elsewhere = await answered(store, row.id, wish.who, from, ELSEWHERE_MS)
  const answer = elsewhere ?? (await takeHere(store, world, row.id, wish.who, from))
  if (!answer) {
    throw new OpsError('NOT_TAKEN', {
      message: 'The approval is written down, but no engine has taken it yet.',
      fix: 'holdfast serve   (it is taken as soon as Holdfast runs)',
    })
  }
  const state = (await store.read(row.id))!.state as unknown as DeploymentState
  return { approved: answer.kind === 'approval.given', why: whyOf(answer), state, elsewhere: elsewhere !== null }
}

async function answered(store: Store, id: string, who: string, from: number, ms: number): Promise<LogRow | null> {
  const until = (await store.now()) + ms
  for (;;) {
    const rows = await store.log(from, 1_000, { subject: id })
    const mine = rows.find((row) => ANSWERS.has(row.kind) && isBy(row, who))
    if (mine) return mine
    if ((await store.now()) >= until) return null
    await store.wait(100)
  }
}

/** One engine's turns, without its effects: those wait for an engine that can perform them. */
async function takeHere(store: Store, world: World, id: string, who: string, from: number): Promise<LogRow | null> {
  const registry = { kinds: { deployment: deploymentKind(() => world) }, performers: {} }
  for (let n = 0; n < TRIES; n++) {
    const claim = await store.claim(`person:${randomUUID()}`, LEASE_MS, ['deployment'], [world.service])
    if (claim) {
      await turn(store, claim, registry)
      await store.release(claim)
    }
    const answer = await answered(store, id, who, from, 100)
    if (answer) return answer
  }
  return null
}

function isBy({ payload }: LogRow, who: string): boolean {
  return sealed(payload).who === who
}

function whyOf({ payload }: LogRow): string {
  return String(sealed(payload).why ?? 'The words of the answer were deleted.')
}

function sealed(payload: string | null): { readonly who?: unknown; readonly why?: unknown } {
  return payload === null ? {} : (JSON.parse(payload) as { who?: unknown; why?: unknown })
}
