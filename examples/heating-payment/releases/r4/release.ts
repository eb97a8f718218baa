import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Release } from '../../app/release.ts'
import { r2 } from '../r2/release.ts'

/** Between two looks at the letter, in ms. */
const LOOK_MS = 200
/** Looks before the citizen is let go without the number: 30 s. */
const LOOKS_MAX = 150

/**
 * Waits until the print company has taken the letter of an application that is not refused, in order to show its number. The fault: letters
 * leave in batches, seconds apart (app/letters.ts), and the citizen who has just pressed "submit" waits for the next batch. On a
 * developer's machine batches leave at once, and the team's test applicant, who is refused, waits for nothing.
 */
export async function awaitPrintJob(pool: Pool, reference: string): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const { rows } = await pool.query(
      `SELECT 1 FROM letters JOIN applications USING (reference)
       WHERE reference = $1 AND (print_job IS NOT NULL OR outcome = 'refused')`,
      [reference],
    )
    if (rows.length > 0) return
    await pause(LOOK_MS)
  }
}

export const r4: Release = { ...r2, name: 'r4', says: 'Shows when the letter was printed.', afterSubmit: awaitPrintJob }
