import type { Pool } from 'pg'
import { type Bank, paymentLine } from './payment.ts'
import { ABOUT_YOU, type Answers, BANK_DETAILS, type Page, YOUR_HOME } from './questions.ts'

/** What one release of the service is made of. A release folder says only what differs from the one it was built on. */
export interface Release {
  readonly name: string
  /** One sentence for the team: what is new. */
  readonly says: string
  /** Columns, as table.column, without which it cannot serve. Who made them, and with which tool, is not its business. */
  readonly needs: readonly string[]
  /** Environment variables without which it does not start. */
  readonly settings: readonly string[]
  readonly pages: readonly Page[]
  /** The line of the payment file, made when the citizen submits. */
  readonly paymentLine: (bank: Bank) => string
  /** Columns of `applications` that this release fills beyond those of r1. */
  readonly columns: (answers: Answers) => Readonly<Record<string, string | null>>
  /** Columns of r1 that this release does not fill any more. */
  readonly leavesOut: readonly string[]
  /** What happens after the application is safe and before the citizen gets an answer. */
  readonly afterSubmit: (pool: Pool, reference: string) => Promise<void>
}

export const FIRST: Release = {
  name: 'r1',
  says: 'The service as it runs.',
  needs: ['service_secret.secret', 'drafts.reference', 'applications.town', 'letters.print_job', 'cold_spells.area'],
  settings: [],
  pages: [ABOUT_YOU, YOUR_HOME, BANK_DETAILS],
  paymentLine,
  columns: () => ({}),
  leavesOut: [],
  afterSubmit: async () => {},
}
