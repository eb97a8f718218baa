/** What is happening now: a sentence for each service, with whatever needs a person on top. */
import type { DeploymentState } from '../../core/deploy/deployment.ts'
import { type DeploymentView, viewDeployment } from '../../core/deploy/view.ts'
import type { IncidentState } from '../../core/respond/state.ts'
import { plural } from '../../core/words.ts'
import type { Look } from '../desk.ts'
import { type Html, html } from '../html.ts'
import { type IncidentView, viewIncident } from '../incident-view.ts'
import { Region, type Screen } from '../layout.ts'
import { moment } from '../moment.ts'
import { warningText } from '../parts.ts'
import { toneTag } from '../words.ts'
import { reviewedBy } from './before.ts'

/** A state is some 35 KB, and pages are rendered often: home reads few. */
const LOOKED_AT_MAX = 30
const PER_SERVICE_MAX = 6

interface Service {
  readonly id: string
  readonly name: string
  /** The newest first. */
  readonly deployments: readonly DeploymentView[]
  readonly incidents: readonly IncidentView[]
  /** Deployments for which somebody broke the glass, and at which nobody else has looked. */
  readonly broken: readonly DeploymentView[]
}

export async function homePage(look: Look): Promise<Screen> {
  const services = await servicesOf(look)
  const open = services.reduce((sum, { incidents }) => sum + incidents.length, 0)
  const body =
    services.length === 0
      ? html`<p class="govuk-body">No service has been deployed with this Holdfast yet. Start with:</p>
<div class="govuk-inset-text"><code>holdfast deploy plan</code></div>`
      : html`${services.map(serviceHtml)}`
  return {
    title: open > 0 ? `${plural(open, 'open incident')}` : 'Now',
    section: 'now',
    top: true,
    live: '/live',
    announce: open > 0 ? `${plural(open, 'incident is', 'incidents are')} open.` : 'No incident is open.',
    body: [html`<h1 class="govuk-heading-l">What is happening now</h1>`, new Region('services', body)],
  }
}

async function servicesOf(look: Look): Promise<Service[]> {
  const { store, now, desk } = look
  const known = desk.options.services?.() ?? []
  const [incidents, ...lists] = await Promise.all([
    store.list({ kind: 'incident', done: false, limit: LOOKED_AT_MAX }),
    ...(known.length > 0
      ? known.map(({ service }) => store.list({ kind: 'deployment', service: service.id, limit: PER_SERVICE_MAX }))
      : [store.list({ kind: 'deployment', limit: LOOKED_AT_MAX })]),
  ])
  const deployments = lists.flat()
  const byService = new Map<string, { name: string; deployments: DeploymentView[]; incidents: IncidentView[] }>()
  const at = (id: string) => {
    const entry = byService.get(id) ?? { name: '', deployments: [], incidents: [] }
    byService.set(id, entry)
    return entry
  }
  for (const row of deployments) {
    at(row.service).deployments.push(viewDeployment(row.state as unknown as DeploymentState, now))
  }
  for (const { service } of known) at(service.id).name = service.name
  for (const row of incidents) at(row.service).incidents.push(viewIncident(row.state as unknown as IncidentState, now))
  const all = [...byService].map(async ([id, { name, deployments, incidents }]) => {
    const shown = name || deployments[0]?.serviceName || incidents[0]?.serviceName || id
    return { id, name: shown, deployments, incidents, broken: await notLookedAt(look, deployments) }
  })
  const services = await Promise.all(all)
  const urgency = (service: Service) => (service.incidents.length > 0 ? 0 : service.deployments[0]?.over ? 2 : 1)
  return services.sort((a, b) => urgency(a) - urgency(b) || a.name.localeCompare(b.name, 'en'))
}

async function notLookedAt(look: Look, deployments: readonly DeploymentView[]): Promise<DeploymentView[]> {
  const broken = deployments.filter(({ waiver }) => waiver?.kind === 'break-glass')
  const looked = await Promise.all(broken.map(({ id }) => reviewedBy(look, id)))
  return broken.filter((_, i) => looked[i] === null)
}

function serviceHtml(service: Service): Html {
  const [newest, ...older] = service.deployments
  const rows =
    newest || service.incidents.length > 0
      ? html`<ul class="hf-rows">
${service.incidents.map(
  (incident) => html`<li class="hf-row">
<p class="hf-row__title">${toneTag(incident.word, incident.tone)} <a class="govuk-link" href="/incidents/${encodeURIComponent(incident.id)}">${incident.severity}: ${incident.says}</a></p>
<p>${incident.citizens} ${incident.next}</p>
</li>`,
)}
${newest ? deploymentRow(newest) : null}
</ul>`
      : null
  return html`<section class="hf-service" aria-labelledby="service-${service.id}">
<h2 class="govuk-heading-m" id="service-${service.id}">${service.name}</h2>
<p class="govuk-body">${sentenceOf(service)} <a class="govuk-link" href="/services/${encodeURIComponent(service.id)}">May we release now?</a></p>
${service.broken.map(
  ({ id, release, waiver }) =>
    html`${warningText(html`${waiver!.who} broke the glass for <a class="govuk-link" href="/deployments/${encodeURIComponent(id)}">release ${release}</a>, and nobody else has looked at it yet.`)}`,
)}
${rows}
${
  older.length === 0
    ? null
    : html`<p class="govuk-body-s">Before that: ${older
        .slice(0, 5)
        .map(
          (one, i) =>
            html`${i > 0 ? ', ' : null}<a class="govuk-link" href="/deployments/${encodeURIComponent(one.id)}">${one.release}</a> ${one.word.toLowerCase()}`,
        )}. <a class="govuk-link" href="/deployments">All deployments</a></p>`
}
</section>`
}

function deploymentRow(view: DeploymentView): Html {
  return html`<li class="hf-row">
<p class="hf-row__title">${toneTag(view.word, view.tone)} <a class="govuk-link" href="/deployments/${encodeURIComponent(view.id)}">Release ${view.release}</a></p>
<p>${view.citizens} ${view.next}</p>
<p class="hf-row__facts">Since ${moment(view.since)}</p>
</li>`
}

/** Which release citizens meet, and whether anything is wrong. */
function sentenceOf({ deployments, incidents }: Service): string {
  const newest = deployments[0]
  if (!newest && incidents.length === 0) return 'Nothing has been deployed with Holdfast yet.'
  const on = newest?.serving
    ? `Citizens are on release ${newest.serving}`
    : 'Which release citizens are on is not known here'
  const wrong =
    incidents.length === 0
      ? 'No incident is open.'
      : `${plural(incidents.length, 'incident is', 'incidents are')} open.`
  if (newest && !newest.over && newest.weight > 0) {
    return `${on}, and some already on release ${newest.release}. ${wrong}`
  }
  return `${on}. ${wrong}`
}
