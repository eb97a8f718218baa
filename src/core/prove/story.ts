/** The entries that belong to one deployment, out of a whole log: its own, its incidents', and deletions of any of them. */
import type { Json } from '../json.ts'
import type { Instant } from '../time.ts'

/** An entry as the claims read it. `data` is null when its words were deleted. */
export interface Told {
  readonly index: number
  readonly at: Instant
  readonly service: string
  readonly kind: string
  readonly subject: string
  readonly leafHash: string
  readonly who: string | null
  readonly why: string | null
  readonly data: Readonly<Record<string, Json>> | null
}

/** What of a store's log row is needed here (ports/store.ts, LogRow). */
export interface Row {
  readonly index: number
  readonly at: Instant
  readonly service: string
  readonly kind: string
  readonly subject: string
  readonly leafHash: string
  readonly payload: string | null
}

export interface Story {
  readonly deployment: string
  readonly service: string
  /** Oldest first. */
  readonly entries: readonly Told[]
  /** Ids of the incidents that it caused. */
  readonly incidents: readonly string[]
  /** Requests for any deployment of the same service between this one's first and last entry, its own included. */
  readonly requests: readonly Told[]
}

/** Null when the log knows no such deployment. */
export function storyOf(rows: readonly Row[], deployment: string): Story | null {
  const own = rows.filter(({ subject }) => subject === deployment)
  const service = own[0]?.service
  if (service === undefined) return null
  const incidents = rows.filter((row) => isCausedBy(row, deployment)).map(({ subject }) => subject)
  const subjects = new Set([deployment, ...incidents])
  const entries = rows.filter((row) => row.service === service && subjects.has(row.subject)).map(told)
  const [first, last] = [own[0]!.index, own.at(-1)!.index]
  const requests = rows
    .filter(
      ({ kind, index, service: of }) =>
        kind === 'deployment.requested' && of === service && index >= first && index <= last,
    )
    .map(told)
  return { deployment, service, entries, incidents, requests }
}

export function told(row: Row): Told {
  const { index, at, service, kind, subject, leafHash } = row
  const { who, why, data } = payloadOf(row)
  return { index, at, service, kind, subject, leafHash, who, why, data }
}

function payloadOf(row: Row): Pick<Told, 'who' | 'why' | 'data'> {
  if (row.payload === null) return { who: null, why: null, data: null }
  const { who, why, data } = JSON.parse(row.payload) as { who: string; why: string; data: Json }
  const isRecord = data !== null && typeof data === 'object' && !Array.isArray(data)
  return { who, why, data: isRecord ? (data as Record<string, Json>) : {} }
}

/** True for the opening entry of an incident that the deployment caused; its id tells when its words were deleted. */
function isCausedBy(row: Row, deployment: string): boolean {
  if (row.kind !== 'incident.opened') return false
  if (row.payload === null) return row.subject.startsWith(`inc-${deployment}`)
  const trigger = payloadOf(row).data?.trigger as { kind?: string; id?: string } | undefined
  return trigger?.kind === 'deployment' && trigger.id === deployment
}
