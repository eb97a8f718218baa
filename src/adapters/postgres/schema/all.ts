import * as first from './0001.ts'

/** Our own schema, step by step. Steps are only ever added: what has been applied somewhere is never edited. */
export const STEPS: readonly { readonly number: number; readonly says: string; readonly sql: string }[] = [
  { number: 1, says: 'machines, inbox, effects, log and settings', sql: first.sql },
]

/** The step this version of Holdfast was written for. */
export const NEWEST = STEPS.length
