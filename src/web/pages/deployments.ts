/** Every deployment, newest first. */
import type { DeploymentState } from '../../core/deploy/deployment.ts'
import { viewDeployment } from '../../core/deploy/view.ts'
import type { Look } from '../desk.ts'
import { html } from '../html.ts'
import { Region, type Screen } from '../layout.ts'
import { moment } from '../moment.ts'
import { toneTag } from '../words.ts'

const SHOWN_MAX = 50

export async function deploymentsPage(look: Look): Promise<Screen> {
  const rows = await look.store.list({ kind: 'deployment', limit: SHOWN_MAX })
  const views = rows.map((row) => ({
    row,
    view: viewDeployment(row.state as unknown as DeploymentState, look.now),
  }))
  const list =
    views.length === 0
      ? html`<p class="govuk-body">Nothing has been deployed yet. Start with:</p>
<div class="govuk-inset-text"><code>holdfast deploy plan</code></div>`
      : html`${views.length === SHOWN_MAX ? html`<p class="govuk-body">The newest ${SHOWN_MAX}.</p>` : null}
<ul class="hf-rows">${views.map(
          ({ row, view }) => html`<li class="hf-row">
<p class="hf-row__title">${toneTag(view.word, view.tone)} <a class="govuk-link" href="/deployments/${encodeURIComponent(row.id)}">Release ${view.release}</a></p>
<p>${view.citizens}</p>
<p class="hf-row__facts">${view.serviceName} · ${moment(row.createdAt)}</p>
</li>`,
        )}</ul>`
  return {
    title: 'Deployments',
    section: 'deployments',
    top: true,
    live: '/live/deployments',
    body: [html`<h1 class="govuk-heading-l">Deployments</h1>`, new Region('deployments', list)],
  }
}
