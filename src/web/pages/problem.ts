/** Pages for when there is no page. They say what happened, what was not changed, and what to do. */
import { html } from '../html.ts'
import type { Screen } from '../layout.ts'

export function problemScreen(status: number, title: string, words: string): Screen {
  return {
    title,
    section: null,
    status,
    body: [
      html`<h1 class="govuk-heading-l">${title}</h1>
<p class="govuk-body">${words}</p>
<p class="govuk-body"><a class="govuk-link" href="/">Go to what is happening now</a></p>`,
    ],
  }
}

export function notFoundScreen(): Screen {
  return problemScreen(
    404,
    'Page not found',
    'If you typed the address, check it. If you followed a link, it may be about something that this Holdfast does not know.',
  )
}

export function tooManyScreen(): Screen {
  return problemScreen(429, 'Too many tries', 'Wait a minute, then try the link again.')
}

/** The console is up before the database: it says so instead of refusing to connect. */
export function startingScreen(): Screen {
  return {
    title: 'Holdfast is starting',
    section: null,
    status: 503,
    body: [
      html`<h1 class="govuk-heading-l">Holdfast is starting</h1>
<p class="govuk-body">Its database is not ready yet. This takes a few seconds. Citizens are served meanwhile.</p>
<p class="govuk-body"><a class="govuk-link" href="" data-retry="2">Try again</a></p>`,
    ],
  }
}

export function storeGoneScreen(): Screen {
  return {
    title: 'Holdfast cannot reach its database',
    section: null,
    status: 503,
    body: [
      html`<h1 class="govuk-heading-l">Holdfast cannot reach its database</h1>
<p class="govuk-body">Citizens are still served: the gateway keeps its last orders and goes on without Holdfast.</p>
<p class="govuk-body">Nothing can be changed from here until the database is back. If a release has to be taken back now, do it by hand as its runbook says.</p>
<p class="govuk-body"><a class="govuk-link" href="" data-retry="5">Try again</a></p>`,
    ],
  }
}
