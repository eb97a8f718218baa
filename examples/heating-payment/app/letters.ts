/**
 * Letters go to the print company in batches: its contract takes one batch every few seconds, from all replicas together.
 * Whichever replica comes first after `next_at` sends the batch and sets the next moment; the row is the turnstile.
 */
import type { Pool } from 'pg'
import { forgetOldDrafts } from './drafts.ts'

/** Between two looks of one replica, in ms. */
const LOOK_MS = 1_000
/** Letters in one batch. */
const BATCH_MAX = 500
/** One look in this many also removes old drafts: about every ten minutes. */
const CLEAN_EVERY = 600

/** Sends a batch when one is due. Returns how many letters went. */
export async function sendBatch(pool: Pool, everySeconds: number): Promise<number> {
  const { rowCount } = await pool.query(
    `WITH turn AS (
       UPDATE letter_batches SET next_at = clock_timestamp() + make_interval(secs => $1)
       WHERE next_at <= clock_timestamp() RETURNING next_at
     ), waiting AS (
       SELECT id FROM letters WHERE print_job IS NULL AND EXISTS (SELECT 1 FROM turn)
       ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
     )
     UPDATE letters SET print_job = 'P' || lpad(letters.id::text, 9, '0'), sent_at = clock_timestamp()
     FROM waiting WHERE letters.id = waiting.id`,
    [everySeconds, BATCH_MAX],
  )
  return rowCount ?? 0
}

/** Looks again and again until stopped. A database that is away is not the citizen's trouble here: the next look tries again. */
export function startLetters(pool: Pool, everySeconds: number, warn: (says: string) => void): () => void {
  let looks = 0
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    const work = looks++ % CLEAN_EVERY === 0 ? forgetOldDrafts(pool) : Promise.resolve()
    work
      .then(() => sendBatch(pool, everySeconds))
      .catch((thrown: Error) => warn(`letters: ${thrown.message}`))
      .finally(() => {
        busy = false
      })
  }, LOOK_MS)
  return () => clearInterval(timer)
}
