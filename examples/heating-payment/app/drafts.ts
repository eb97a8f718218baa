import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Pool } from 'pg'
import type { Answers } from './questions.ts'

/** A citizen's half-finished application. `reference` is there once it was submitted. */
export interface Draft {
  readonly answers: Answers
  readonly reference: string | null
}

const EMPTY: Draft = { answers: {}, reference: null }

/** A fresh session id: 128 random bits. */
export function newSession(): string {
  return randomBytes(16).toString('base64url')
}

/** What the database knows a session by: a thief of the table cannot make a cookie of it. */
export function sessionKey(session: string): Buffer {
  return createHash('sha256').update(session).digest()
}

/** The hidden field of every form: only pages of ours, shown in this session, have it. */
export function formToken(secret: string, session: string): string {
  return createHmac('sha256', secret).update(`form ${session}`).digest('base64url')
}

export function isFormToken(secret: string, session: string, given: unknown): boolean {
  if (typeof given !== 'string') return false
  const wanted = Buffer.from(formToken(secret, session))
  const got = Buffer.from(given)
  return wanted.length === got.length && timingSafeEqual(wanted, got)
}

export async function readSecret(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ secret: string }>('SELECT secret FROM service_secret')
  if (!rows[0]) throw new Error('The table service_secret is empty: run the migrations.')
  return rows[0].secret
}

export async function readDraft(pool: Pool, session: string): Promise<Draft> {
  const { rows } = await pool.query<Draft>({
    name: 'read-draft',
    text: 'SELECT answers, reference FROM drafts WHERE session = $1',
    values: [sessionKey(session)],
  })
  return rows[0] ?? EMPTY
}

/**
 * Adds a page's answers to the draft. Answers of other pages, and of fields that only another release knows, stay. A draft that
 * was submitted is closed: nothing changes, and false comes back.
 */
export async function saveAnswers(pool: Pool, session: string, answers: Answers): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'save-answers',
    text: `INSERT INTO drafts (session, answers) VALUES ($1, $2)
           ON CONFLICT (session) DO UPDATE SET answers = drafts.answers || $2, changed_at = now()
           WHERE drafts.reference IS NULL`,
    values: [sessionKey(session), JSON.stringify(answers)],
  })
  return rowCount === 1
}

/** Personal data of drafts is kept for an hour after the last change, then gone. */
export async function forgetOldDrafts(pool: Pool): Promise<void> {
  await pool.query("DELETE FROM drafts WHERE changed_at < now() - interval '1 hour'")
}
