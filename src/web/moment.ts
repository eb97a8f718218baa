/** Moments on the page: London wall time for the eye, UTC in the title, ISO for machines. */
import { durationOf, type Instant, isoOf, londonOf } from '../core/time.ts'
import { type Html, html } from './html.ts'

const clock = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

/** "Mon 23 Nov, 05:30:42 GMT", hover for UTC. */
export function moment(at: Instant): Html {
  return html`<time datetime="${isoOf(at)}" title="${isoOf(at).slice(11, 19)} UTC">${londonOf(at)}</time>`
}

/** "05:30:42", for rows whose day is plain from what stands around them. */
export function clockTime(at: Instant): Html {
  return html`<time datetime="${isoOf(at)}" title="${isoOf(at).slice(0, 19).replace('T', ' ')} UTC">${clock.format(at)}</time>`
}

/** The same as plain text. */
export function clockText(at: Instant): string {
  return clock.format(at)
}

/** "3 min 20 s ago". */
export function agoOf(at: Instant, now: Instant): string {
  return now - at < 1_000 ? 'just now' : `${durationOf(now - at)} ago`
}
