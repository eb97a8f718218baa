/**
 * What a person may ask of a machine from the console. Each row says who may ask, what has to be written down with it, and what the
 * page says afterwards. A request is a message in the machine's inbox: the machine decides, and writes down what it decided.
 */
import type { Json } from '../core/json.ts'
import type { Role } from './person.ts'

export type Fields = Readonly<Record<string, string>>

export interface Action {
  /** The message's name, and the last word of the form's path. */
  readonly name: string
  readonly roles: readonly Role[]
  /** Said after it was sent. The machine has not decided yet, so it promises nothing more. */
  readonly asked: string
  /** The message's payload, or what is wrong with which field. */
  read(fields: Fields): { readonly payload: Json } | { readonly field: string; readonly says: string }
}

const TEXT_MAX = 500

function reason(fields: Fields): string {
  return (fields.reason ?? '').trim().slice(0, TEXT_MAX)
}

/** Stopping is never held up: at 3am a reason can wait, so an empty one is written down as such. */
const optionalReason: Action['read'] = (fields) => ({
  payload: { reason: reason(fields) || 'no reason was written down at the time' },
})

/** Going on is a choice that somebody will ask about. */
const neededReason: Action['read'] = (fields) =>
  reason(fields) ? { payload: { reason: reason(fields) } } : { field: 'reason', says: 'Say why. It goes into the log.' }

export const DEPLOYMENT_ACTIONS: readonly Action[] = [
  {
    name: 'approve',
    roles: ['approver'],
    asked: 'You asked to agree to this release. Whether it counts is written below.',
    read: (fields) =>
      reason(fields)
        ? {
            payload: {
              reason: reason(fields),
              // What was on the page when the button was pressed: another plan is not agreed to.
              plan: (fields.plan ?? '').slice(0, 128),
              how: 'signed in to the console',
            },
          }
        : { field: 'reason', says: 'Say what you looked at. It goes into the log.' },
  },
  {
    name: 'rollback',
    roles: ['deployer', 'responder'],
    asked: 'You asked to take this release back. Citizens are being moved to the old release.',
    read: optionalReason,
  },
  {
    name: 'halt',
    roles: ['deployer', 'responder', 'approver'],
    asked: 'You asked to halt. Citizens are being moved to the old release while the new one waits.',
    read: optionalReason,
  },
  {
    name: 'resume',
    roles: ['deployer'],
    asked: 'You asked to go on. The new release starts again with a small share of citizens.',
    read: neededReason,
  },
  {
    name: 'promote',
    roles: ['deployer', 'approver'],
    asked: 'You asked to promote this release without waiting for the rest of the evidence.',
    read: neededReason,
  },
]

const step =
  (needed: string | null): Action['read'] =>
  (fields) => {
    const says = (fields.says ?? '').trim().slice(0, TEXT_MAX)
    if (needed && !says) return { field: 'says', says: needed }
    return { payload: { step: (fields.step ?? '').slice(0, 100), says } }
  }

export const INCIDENT_ACTIONS: readonly Action[] = [
  {
    name: 'ack',
    roles: ['responder', 'deployer'],
    asked: 'You have this incident. Nobody else is paged.',
    read: () => ({ payload: {} }),
  },
  { name: 'step-done', roles: ['responder', 'deployer'], asked: 'Step written down as done.', read: step(null) },
  {
    name: 'step-failed',
    roles: ['responder', 'deployer'],
    asked: 'Step written down as failed.',
    read: step('Say what you saw instead.'),
  },
  {
    name: 'step-skipped',
    roles: ['responder', 'deployer'],
    asked: 'Step written down as skipped.',
    read: step('Say why the step is skipped.'),
  },
  {
    name: 'step-approved',
    roles: ['approver'],
    asked: 'Written down: the step is agreed to.',
    read: step(null),
  },
  {
    name: 'comms-approve',
    roles: ['approver'],
    asked: 'You approved these words. They are being published.',
    read: (fields) => ({
      payload: { draft: (fields.draft ?? '').slice(0, 100), version: Number.parseInt(fields.version ?? '', 10) || 0 },
    }),
  },
  {
    name: 'comms-draft-edited',
    roles: ['approver', 'responder'],
    asked: 'The words are changed. They still need approval.',
    read: (fields) => {
      const text = (fields.text ?? '').replaceAll('\r\n', '\n').trim()
      if (text === '') return { field: 'text', says: 'Write what people should read.' }
      return { payload: { draft: (fields.draft ?? '').slice(0, 100), text: text.slice(0, 4_000) } }
    },
  },
  {
    name: 'note',
    roles: ['responder', 'deployer', 'approver'],
    asked: 'Your note is written down.',
    read: (fields) => {
      const text = (fields.text ?? '').trim().slice(0, TEXT_MAX)
      return text ? { payload: { text } } : { field: 'text', says: 'Write the note.' }
    },
  },
  {
    name: 'mitigated',
    roles: ['responder', 'deployer'],
    asked: 'Written down: citizens are safe again.',
    read: (fields) => ({ payload: { how: reason(fields) } }),
  },
  {
    name: 'resolved',
    roles: ['responder'],
    asked: 'Written down: the incident is resolved.',
    read: (fields) =>
      reason(fields)
        ? { payload: { because: reason(fields) } }
        : { field: 'reason', says: 'Say why you are sure. It goes into the log.' },
  },
  {
    name: 'close',
    roles: ['responder'],
    asked: 'You asked to close the incident.',
    read: (fields) => ({ payload: { because: reason(fields) } }),
  },
]
