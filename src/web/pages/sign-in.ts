/** Signing in by one-time link, and what is shown to whoever is not signed in. */
import { html } from '../html.ts'
import type { Screen } from '../layout.ts'
import { button, errorSummary, input, insetText } from '../parts.ts'

/** For whoever has no session. 401 where a page was asked for. */
export function signInScreen(status = 401, because?: 'used'): Screen {
  const used = because === 'used'
  return {
    title: used ? 'This link does not work any more' : 'Sign in',
    section: null,
    status,
    body: [
      html`<h1 class="govuk-heading-l">${used ? 'This link does not work any more' : 'Sign in'}</h1>
${used ? html`<p class="govuk-body">A sign-in link works once, for 15 minutes.</p>` : null}
<p class="govuk-body">You sign in with a link that Holdfast prints where it was started.</p>
<p class="govuk-body">For a new link, run this on the machine that runs Holdfast:</p>
${insetText(html`<code>holdfast sign-in</code>`)}
<p class="govuk-body">If you were paged, the link in the page works without signing in.</p>`,
    ],
  }
}

/** The link's own page. A form, so that a mail scanner or a preview that opens the link does not use it up. */
export function linkScreen(token: string, who: string, nameMissing = false): Screen {
  const missing = 'Enter your name. It goes into the log with whatever you do.'
  return {
    title: nameMissing ? 'Error: Sign in' : 'Sign in',
    section: null,
    status: nameMissing ? 422 : 200,
    body: [
      html`${nameMissing ? errorSummary([{ text: missing, href: '#name' }]) : null}
<h1 class="govuk-heading-l">Sign in to Holdfast</h1>
<form method="post" action="/sign-in/${token}">
${
  who
    ? html`<p class="govuk-body">You will be signed in as <strong>${who}</strong>.</p>`
    : input({
        id: 'name',
        name: 'name',
        label: 'Your name',
        hint: 'It goes into the log with whatever you do.',
        autocomplete: 'name',
        width: 20,
        ...(nameMissing ? { error: missing } : {}),
      })
}
${button({ text: 'Sign in' })}
</form>`,
    ],
  }
}

/** Sends the browser back to the same page, so that it brings its cookie (server.ts says why). */
export function returnScreen(path: string): Screen {
  const here = /^\/(?!\/)[^\s"'<>]*$/.test(path) ? path : '/'
  return {
    title: 'Opening Holdfast',
    section: null,
    again: here,
    body: [
      html`<h1 class="govuk-heading-l">Opening Holdfast</h1>
<p class="govuk-body"><a class="govuk-link" href="${here}">Go on</a></p>`,
    ],
  }
}
