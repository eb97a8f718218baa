import { randomInt } from 'node:crypto'
import type { Pool, PoolClient } from 'pg'
import { sessionKey } from './drafts.ts'
import { type Answers, areaOf } from './questions.ts'
import type { Release } from './release.ts'
import { type ColdSpell, type Day, type Decision, decide, type Reason } from './rules.ts'

/** What the status page shows: nothing that says who applied, because a reference can be read over a shoulder. */
export interface Status {
  readonly reference: string
  readonly outcome: Decision['outcome']
  readonly amountPence: number
  readonly reasons: readonly Reason[]
  readonly receivedAt: Date
  readonly printJob: string | null
}

// No 0, O, 1, I, L, U: read out over the telephone, they are mistaken for one another, or make words.
const LETTERS = '23456789ABCDEFGHJKMNPQRSTVWXYZ'

/** "HP-7K3M-9QXD": 30^8 possibilities (39 bits), so that nobody finds another's by trying. */
function newReference(): string {
  const pick = () => Array.from({ length: 4 }, () => LETTERS[randomInt(LETTERS.length)]).join('')
  return `HP-${pick()}-${pick()}`
}

export async function spellsIn(pool: Pool | PoolClient, area: string): Promise<readonly ColdSpell[]> {
  const { rows } = await pool.query<{ firstDay: string; lastDay: string }>({
    name: 'cold-spells',
    text: `SELECT first_day::text AS "firstDay", last_day::text AS "lastDay" FROM cold_spells
           WHERE area = $1 ORDER BY first_day`,
    values: [area],
  })
  return rows
}

/**
 * Turns a draft into an application, once: whoever presses "submit" twice, or in two windows, gets the same reference.
 * undefined: there is no draft, so the citizen starts again.
 */
export async function submit(pool: Pool, release: Release, session: string, today: Day): Promise<string | undefined> {
  const client = await pool.connect()
  let spoiled: Error | undefined
  try {
    await client.query('BEGIN')
    const reference = await submitIn(client, release, session, today)
    await client.query('COMMIT')
    return reference
  } catch (thrown) {
    await client.query('ROLLBACK').catch((worse: Error) => {
      spoiled = worse
    })
    throw thrown
  } finally {
    client.release(spoiled)
  }
}

async function submitIn(
  client: PoolClient,
  release: Release,
  session: string,
  today: Day,
): Promise<string | undefined> {
  const key = sessionKey(session)
  // The row lock makes the second of two submissions wait for the first, and then see its reference.
  const { rows } = await client.query<{ answers: Answers; reference: string | null }>({
    name: 'lock-draft',
    text: 'SELECT answers, reference FROM drafts WHERE session = $1 FOR UPDATE',
    values: [key],
  })
  const draft = rows[0]
  if (!draft || draft.reference) return draft?.reference ?? undefined
  const reference = newReference()
  const columns = await columnsOf(client, release, draft.answers, today)
  await insert(client, { ...columns, reference, draft: key, release: release.name })
  await client.query('INSERT INTO letters (reference) VALUES ($1)', [reference])
  await client.query('UPDATE drafts SET reference = $2, changed_at = now() WHERE session = $1', [key, reference])
  return reference
}

async function columnsOf(
  client: PoolClient,
  release: Release,
  answers: Answers,
  today: Day,
): Promise<Record<string, unknown>> {
  const text = (name: string) => String(answers[name] ?? '')
  const list = (name: string) => [answers[name] ?? []].flat() as string[]
  const area = areaOf(text('postcode'))
  const home = { born: text('born'), benefits: list('benefits'), household: list('household'), area }
  const decision = decide(home, await spellsIn(client, area), today)
  const bank = {
    accountName: text('accountName'),
    sortCode: text('sortCode'),
    accountNumber: text('accountNumber'),
    rollNumber: text('rollNumber'),
  }
  const all: Record<string, unknown> = {
    full_name: text('fullName'),
    born: home.born,
    benefits: home.benefits,
    household: home.household,
    address_line: text('addressLine'),
    town: text('town'),
    postcode: text('postcode'),
    area,
    account_name: bank.accountName,
    sort_code: bank.sortCode,
    account_number: bank.accountNumber,
    roll_number: bank.rollNumber || null,
    payment_line: release.paymentLine(bank),
    outcome: decision.outcome,
    amount_pence: decision.amountPence,
    reasons: JSON.stringify(decision.reasons),
    ...release.columns(answers),
  }
  for (const column of release.leavesOut) delete all[column]
  return all
}

/** Column names come from our own code, never from a citizen; values go as parameters. */
async function insert(client: PoolClient, columns: Readonly<Record<string, unknown>>): Promise<void> {
  const names = Object.keys(columns)
  const places = names.map((_, index) => `$${index + 1}`)
  await client.query({
    name: 'insert-application',
    text: `INSERT INTO applications (${names.join(', ')}) VALUES (${places.join(', ')})`,
    values: Object.values(columns),
  })
}

export async function readStatus(pool: Pool, reference: string): Promise<Status | undefined> {
  const { rows } = await pool.query<Status>({
    name: 'read-status',
    text: `SELECT a.reference, a.outcome, a.amount_pence AS "amountPence", a.reasons, a.received_at AS "receivedAt",
                  l.print_job AS "printJob"
           FROM applications a LEFT JOIN letters l ON l.reference = a.reference WHERE a.reference = $1`,
    values: [reference],
  })
  return rows[0]
}
