/**
 * Waiting in line for a service's deployments. Each who waits keeps a ticket in the store and renews it; a ticket that is not renewed
 * any more belongs to somebody who has gone, and falls away. Nobody is created, locked or promised anything by waiting.
 */
import { randomUUID } from 'node:crypto'
import type { Json } from '../core/json.ts'
import type { Instant } from '../core/time.ts'
import type { MachineRow, Store } from '../ports/store.ts'
import { busyWhy, isKeptWarm, openDeployment } from './deploy.ts'

interface Ticket {
  readonly id: string
  readonly who: string
  readonly release: string
  readonly since: Instant
  readonly seenAt: Instant
}

const RENEW_MS = 1_000
/** A waiter that was not seen for so long has gone. Several renewals, so that a slow store does not cost anybody the place. */
const GONE_MS = 10_000
const LINE_MAX = 50

export type Turn = 'mine' | 'too late' | 'interrupted'

export interface Waiting {
  readonly who: string
  readonly release: string
  /** How long at most, in ms. */
  readonly msMax: number
  readonly stop: AbortSignal
  /** Said when what is waited for changes. */
  say(text: string): void
}

/** Resolves when no deployment of the service is open, but for one that is only kept warm, and everybody who came before has had a turn. */
export async function waitInLine(store: Store, service: string, waiting: Waiting): Promise<Turn> {
  const { who, release, msMax, stop, say } = waiting
  const since = await store.now()
  const mine = { id: randomUUID(), who, release, since }
  let said = ''
  try {
    for (;;) {
      if (stop.aborted) return 'interrupted'
      const now = await store.now()
      const ahead = await renew(store, service, mine, now)
      const last = await openDeployment(store, service)
      const open = last && !isKeptWarm(last) ? last : undefined
      if (!open && ahead.length === 0) return 'mine'
      if (now - since >= msMax) return 'too late'
      const words = wordsOf(open, ahead)
      if (words !== said) say(words)
      said = words
      await store.wait(RENEW_MS, stop)
    }
  } finally {
    await leave(store, service, mine.id).catch(() => {})
  }
}

/** Two who renew at the same moment may write over each other; each is back at the next renewal, with the place of the first. */
async function renew(store: Store, service: string, mine: Omit<Ticket, 'seenAt'>, now: Instant): Promise<Ticket[]> {
  const others = (await ticketsOf(store, service)).filter(({ id, seenAt }) => id !== mine.id && now - seenAt < GONE_MS)
  const line = [...others, { ...mine, seenAt: now }].sort(inOrder).slice(0, LINE_MAX)
  await store.put(keyOf(service), line as unknown as Json)
  return others.filter((ticket) => inOrder(ticket, { ...mine, seenAt: now }) < 0)
}

async function leave(store: Store, service: string, id: string): Promise<void> {
  const rest = (await ticketsOf(store, service)).filter((ticket) => ticket.id !== id)
  await store.put(keyOf(service), rest.length > 0 ? (rest as unknown as Json) : null)
}

async function ticketsOf(store: Store, service: string): Promise<Ticket[]> {
  const kept = await store.get(keyOf(service))
  return Array.isArray(kept) ? (kept as unknown as Ticket[]) : []
}

function wordsOf(open: MachineRow | undefined, ahead: readonly Ticket[]): string {
  const before = ahead.map(({ who, release }) => `${who} with release ${release}`).join(', ')
  const line = before ? ` Before you in line: ${before}.` : ''
  return open ? `Waiting. ${busyWhy(open).replace(/ To wait for its end:.*$/, '')}${line}` : `Waiting.${line}`
}

const inOrder = (a: Ticket, b: Ticket) => a.since - b.since || (a.id < b.id ? -1 : 1)
const keyOf = (service: string) => `line:${service}`
