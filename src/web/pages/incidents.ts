/** Every incident, open ones first. */
import type { IncidentState } from '../../core/respond/state.ts'
import type { Look } from '../desk.ts'
import { html } from '../html.ts'
import { viewIncident } from '../incident-view.ts'
import { Region, type Screen } from '../layout.ts'
import { moment } from '../moment.ts'
import { toneTag } from '../words.ts'

const SHOWN_MAX = 50

export async function incidentsPage(look: Look): Promise<Screen> {
  const rows = await look.store.list({ kind: 'incident', limit: SHOWN_MAX })
  const sorted = [...rows.filter(({ done }) => !done), ...rows.filter(({ done }) => done)]
  const list =
    sorted.length === 0
      ? html`<p class="govuk-body">There has been no incident.</p>`
      : html`<ul class="hf-rows">${sorted.map((row) => {
          const view = viewIncident(row.state as unknown as IncidentState, look.now)
          return html`<li class="hf-row">
<p class="hf-row__title">${toneTag(view.word, view.tone)} <a class="govuk-link" href="/incidents/${encodeURIComponent(row.id)}">${view.severity}: ${view.says}</a></p>
<p>${view.citizens} ${view.next}</p>
<p class="hf-row__facts">${view.serviceName} · since ${moment(view.since)}</p>
</li>`
        })}</ul>`
  return {
    title: 'Incidents',
    section: 'incidents',
    top: true,
    live: '/live/incidents',
    body: [html`<h1 class="govuk-heading-l">Incidents</h1>`, new Region('incidents', list)],
  }
}
