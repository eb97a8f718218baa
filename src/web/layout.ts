/**
 * The frame around every page: GOV.UK Frontend's template with the generic header (this is a service for staff, not part of
 * GOV.UK), no crown, no GDS Transport. One inline snippet, allowed by its hash.
 */
import { createHash } from 'node:crypto'
import { attributes, type Html, html, NOTHING, raw } from './html.ts'
import { clockTime } from './moment.ts'
import { genericHeader, type NavigationItem, serviceNavigation, skipLink } from './parts.ts'
import type { Instant } from '../core/time.ts'
import type { Person } from './person.ts'

/** A piece of a page that changes while somebody looks; the live stream sends it again when it has. */
export class Region {
  readonly id: string
  readonly body: Html
  constructor(id: string, body: Html) {
    this.id = id
    this.body = body
  }
}

export type Section = 'now' | 'deployments' | 'incidents' | 'log'

/** One page, before the frame. */
export interface Screen {
  readonly title: string
  readonly section: Section | null
  /** True when the page is the section's own, false when it is below it. */
  readonly top?: boolean
  /** What is said to a screen reader when it changes: the state in a few words, never a ticking number. */
  readonly announce?: string
  readonly body: readonly (Html | Region)[]
  /** Path of this page's stream; absent: the page does not change by itself. */
  readonly live?: string
  readonly status?: number
  /** Send the browser back here with its cookie: it came from another site. */
  readonly again?: string
}

export interface Frame {
  readonly now: Instant
  readonly version: string
  readonly person: Person | null
  readonly csrf: string
  readonly assets: { readonly css: string; readonly js: string; readonly icon: string }
}

// GOV.UK Frontend's own first line of the body: without it its components keep to their look for browsers without JavaScript.
const SNIPPET =
  "document.body.className += ' js-enabled' + ('noModule' in HTMLScriptElement.prototype ? ' govuk-frontend-supported' : '');"
const SNIPPET_HASH = createHash('sha256').update(SNIPPET).digest('base64')

/** No inline style or script but the snippet; nothing from anywhere else; not to be framed. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${SNIPPET_HASH}'`,
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const SECTIONS: readonly (NavigationItem & { readonly section: Section })[] = [
  { section: 'now', text: 'Now', href: '/' },
  { section: 'deployments', text: 'Deployments', href: '/deployments' },
  { section: 'incidents', text: 'Incidents', href: '/incidents' },
  { section: 'log', text: 'Log', href: '/log' },
]

/** The whole document. */
export function layout(screen: Screen, frame: Frame): string {
  const { assets } = frame
  return html`<!DOCTYPE html>
<html lang="en" class="govuk-template">
<head>
<meta charset="utf-8">
<title>${titleOf(screen)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="theme-color" content="#1d70b8">
<meta name="robots" content="noindex">
${screen.again === undefined ? NOTHING : html`<meta http-equiv="refresh" content="0;url=${screen.again}">`}
<link rel="icon" href="${assets.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${assets.css}">
<script type="module" src="${assets.js}"></script>
</head>
<body class="govuk-template__body"${attributes({ 'data-live': screen.live })}>
<script>${raw(SNIPPET)}</script>
${skipLink()}
<header class="govuk-template__header">
${genericHeader('Holdfast', '/')}
${frame.person ? serviceNavigation(navigationOf(screen), signOut(frame)) : NOTHING}
</header>
<div class="govuk-width-container">
<main class="govuk-main-wrapper hf-main" id="main-content">
${screen.live ? asOf(frame.now) : NOTHING}
${screen.announce === undefined ? NOTHING : html`<p class="govuk-visually-hidden" role="status" id="announce">${screen.announce}</p>`}
${screen.body.map((part) => (part instanceof Region ? regionHtml(part) : part))}
</main>
</div>
<footer class="govuk-template__footer">
<div class="govuk-footer hf-footer"><div class="govuk-width-container">
<p class="govuk-body-s govuk-!-margin-bottom-0">Times are London time. Holdfast ${frame.version}.</p>
</div></div>
</footer>
</body>
</html>
`.text
}

export function titleOf(screen: Screen): string {
  return `${screen.title} – Holdfast`
}

function regionHtml(region: Region): Html {
  return html`<div id="${region.id}" data-region>${region.body}</div>`
}

/** How old the page is. The script turns it into "Live", or into a warning when the news stops. */
function asOf(now: Instant): Html {
  return html`<p class="hf-fresh"><span id="as-of">As of ${clockTime(now)}. <a class="govuk-link" href="">Load again</a></span></p>`
}

function navigationOf(screen: Screen): NavigationItem[] {
  return SECTIONS.map(({ section, text, href }) =>
    section === screen.section ? { text, href, current: screen.top ? 'page' : 'section' } : { text, href },
  )
}

function signOut(frame: Frame): Html {
  return html`<li class="govuk-service-navigation__item hf-account">
<form method="post" action="/sign-out">${csrfField(frame)}<span class="hf-who">${frame.person?.who ?? ''}</span> <button type="submit" class="hf-link">Sign out</button></form>
</li>`
}

/** Goes into every form: the server takes no POST of a signed-in person without it. */
export function csrfField(frame: { readonly csrf: string }): Html {
  return html`<input type="hidden" name="csrf" value="${frame.csrf}">`
}
