/** The audit log's rows, appended under the lock of its one head row: indices are in commit order and have no gap. */
import { randomBytes } from 'node:crypto'
import type { Entry } from '../../core/machine.ts'
import { seal } from '../../core/prove/entry.ts'
import { append, type Frontier, rootOf } from '../../core/prove/merkle.ts'
import type { LogHead, LogRow } from '../../ports/store.ts'
import type { Row, Statements, Transaction } from './connection.ts'

/** 128 bits, fresh for every entry. */
const SALT_BYTES = 16

/** Locks the head until the transaction ends. */
const HEAD = `
  with head as materialized (select size, roots from holdfast.log_head for update)
  select size, roots, holdfast.now_ms() as now from head`

const APPEND = `
  with head as (update holdfast.log_head set size = $3, roots = $4)
  insert into holdfast.log (index, at, service, kind, subject, payload, salt, payload_hash, leaf_hash)
  select e.index, $1, $2, e.kind, e.subject, e.payload, e.salt, e.payload_hash, e.leaf_hash
  from unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
    as e (index, kind, subject, payload, salt, payload_hash, leaf_hash)`

/** Appends in the caller's transaction, which should end soon: nobody else can append until then. Gives the first index. */
export async function appendEntries(tx: Transaction, service: string, entries: readonly Entry[]): Promise<number> {
  // The time is read after the lock was granted, so that it belongs to the place in the log.
  const [head] = await tx.rows(HEAD, [], 'head')
  let frontier: Frontier = { size: head!.size, roots: head!.roots }
  if (entries.length === 0) return frontier.size
  const columns: [number[], string[], string[], string[], string[], string[], string[]] = [[], [], [], [], [], [], []]
  for (const entry of entries) {
    const salt = randomBytes(SALT_BYTES).toString('hex')
    const { payload, payloadHash, leafHash } = seal(entry, service, head!.now, salt)
    const row = [frontier.size, entry.kind, entry.subject, payload, salt, payloadHash, leafHash] as const
    row.forEach((value, i) => {
      ;(columns[i] as (string | number)[]).push(value)
    })
    frontier = append(frontier, leafHash)
  }
  tx.send(APPEND, [head!.now, service, frontier.size, frontier.roots, ...columns], 'append')
  return head!.size
}

export async function headOf(on: Statements): Promise<LogHead> {
  const [head] = await on.rows('select size, roots from holdfast.log_head')
  return { size: head!.size, root: rootOf({ size: head!.size, roots: head!.roots }) }
}

export async function logRows(on: Statements, from: number, limit: number, subject: string | null): Promise<LogRow[]> {
  const rows = await on.rows(
    `select index, at, service, kind, subject, payload, salt, payload_hash, leaf_hash from holdfast.log
     where index >= $1 and ($3::text is null or subject = $3) order by index limit $2`,
    [from, limit, subject],
  )
  return rows.map(logRowOf)
}

function logRowOf(row: Row): LogRow {
  const { index, at, service, kind, subject, payload, salt } = row
  return { index, at, service, kind, subject, payload, salt, payloadHash: row.payload_hash, leafHash: row.leaf_hash }
}
