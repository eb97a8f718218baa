/** The words of a page: what somebody reads at 3am on a phone, before anything else. No personal data, and the harm comes first. */
import type { Json } from '../json.ts'
import { durationOf, HOUR, type Instant, londonOf } from '../time.ts'
import { plural } from '../words.ts'
import { signAck } from './ack.ts'
import type { IncidentState, Page } from './state.ts'

/** Payload of the effect `page.send`: everything that the sender needs besides the secret. */
export type PageOrder = {
  readonly page: string
  readonly incident: string
  readonly about: Page['about']
  readonly role: string
  readonly route: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly mayBeRepeat: boolean
  readonly data: { readonly [key: string]: string | number | boolean }
}

/** An acknowledgement link works for a night and a morning; after that people sign in. */
export const ACK_MS = 12 * HOUR

export function orderOf(state: IncidentState, page: Page, now: Instant): PageOrder {
  const { subject, text } = page.about === 'incident' ? incidentWords(state, page, now) : updateWords(state)
  return {
    page: page.id,
    incident: state.id,
    about: page.about,
    role: page.role,
    route: page.route,
    to: page.to,
    subject,
    text,
    mayBeRepeat: page.mayBeRepeat,
    data: {
      incident: state.id,
      service: state.service,
      severity: state.severity,
      journey: state.journey ?? '',
      step: state.step ?? '',
      harmed: state.harmed,
      since: state.times.faultStarted,
      runbook: state.runbook?.id ?? '',
    },
  }
}

/**
 * The message for the notifier (ports/notifier.ts), with a fresh acknowledgement link. `base` is where people reach Holdfast's own
 * pages; `attempts` above 0 means that the page may have gone out before a crash.
 */
export function messageOf(
  order: PageOrder,
  by: { readonly secret: Uint8Array; readonly base: string; readonly now: Instant; readonly attempts: number },
): {
  id: string
  to: string
  subject: string
  text: string
  ackUrl?: string
  data: Readonly<Record<string, string | number | boolean>>
} {
  const repeat = order.mayBeRepeat || by.attempts > 0
  const text = repeat ? `This page may be a repeat.\n\n${order.text}` : order.text
  const base = by.base.replace(/\/+$/, '')
  const links = [`The incident: ${base}/incidents/${encodeURIComponent(order.incident)}`]
  const message = {
    id: order.page,
    to: order.to,
    subject: order.subject,
    data: { ...order.data, page: order.page, mayBeRepeat: repeat },
  }
  if (order.about !== 'incident') return { ...message, text: `${text}\n\n${links.join('\n')}` }
  const token = signAck(by.secret, {
    incident: order.incident,
    page: order.page,
    role: order.role,
    expiresAt: by.now + ACK_MS,
  })
  const ackUrl = `${base}/ack/${token}`
  return { ...message, text: `${text}\n\nI have it (no sign-in needed): ${ackUrl}\n${links.join('\n')}`, ackUrl }
}

/** The order out of an effect's payload. It was written by `orderOf`, so a wrong shape is our fault. */
export function orderIn(payload: Json): PageOrder {
  return payload as unknown as PageOrder
}

function incidentWords(state: IncidentState, page: Page, now: Instant): { subject: string; text: string } {
  const safe = state.phase !== 'active'
  const asked = state.pages.filter(
    (earlier) => earlier.about === 'incident' && earlier.id !== page.id && earlier.status === 'accepted',
  )
  const lines = [
    state.says,
    `Since ${londonOf(state.times.faultStarted)} (${durationOf(now - state.times.faultStarted)}). ${harmWords(state)}`,
    state.manualStep === null ? null : `DO THIS NOW: ${state.manualStep}`,
    safe ? 'No more citizens should be hit; you are paged again if that changes. Please look at what happened.' : null,
    state.runbook === null
      ? 'There is no runbook for this. Say so in the review.'
      : `Runbook: holdfast respond runbook next ${state.id}`,
    asked.length === 0
      ? null
      : `Asked before you, no answer yet: ${[...new Set(asked.map((earlier) => earlier.role))].join(', ')}.`,
    `Why you: you are ${page.role} for ${state.comms.facts.serviceName}. Why ${state.severity}: ${state.severityRule}`,
  ]
  return {
    subject: `${state.severity} ${state.comms.facts.serviceName}: ${state.says}`.slice(0, 200),
    text: lines.filter((line) => line !== null).join('\n\n'),
  }
}

function harmWords(state: IncidentState): string {
  if (state.harmed === 0) return 'How many citizens are affected is not known yet.'
  return `${plural(state.harmed, 'citizen has', 'citizens have')} been stopped so far.`
}

function updateWords(state: IncidentState): { subject: string; text: string } {
  const due = state.comms.dueAt === null ? 'soon' : `at ${londonOf(state.comms.dueAt)}`
  const waiting = state.comms.drafts.filter((draft) => draft.status === 'draft').map((draft) => draft.id)
  return {
    subject: `Public update due ${due}: ${state.comms.facts.serviceName}`.slice(0, 200),
    text: [
      `A public update about "${state.says}" is due ${due}.`,
      waiting.length > 0
        ? `Drafted and waiting for your approval: ${waiting.join(', ')}.`
        : 'No words are drafted yet.',
      `Read them: holdfast respond comms draft ${state.id}`,
    ].join('\n\n'),
  }
}
