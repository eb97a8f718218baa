/** One service: may a release go out now and when, how long a verdict would take, what a bad one would cost, and what went before. */
import type { Service } from '../../core/define/schema.ts'
import { approvalOf, whoMay } from '../../core/deploy/approval.ts'
import type { DeploymentPlan, DeploymentState } from '../../core/deploy/deployment.ts'
import { isWarm } from '../../core/deploy/finishing.ts'
import { type GateHow, gatesOf } from '../../core/deploy/gate.ts'
import { viewDeployment } from '../../core/deploy/view.ts'
import { durationOf, MINUTE, SECOND } from '../../core/time.ts'
import { countOf, percentOf, plural } from '../../core/words.ts'
import type { Asked, Look } from '../desk.ts'
import { type Html, html, NOTHING } from '../html.ts'
import { Region, type Screen } from '../layout.ts'
import { moment } from '../moment.ts'
import { breadcrumbs, insetText, summaryList, wideTable } from '../parts.ts'
import { viewWindow, type WindowView } from '../window-view.ts'
import { toneTag } from '../words.ts'

const HISTORY_MAX = 20

export async function servicePage(look: Look, asked: Asked): Promise<Screen | null> {
  const id = asked.params.id ?? ''
  const service = look.desk.options.services?.().find((one) => one.service.id === id)
  const rows = await look.store.list({ kind: 'deployment', service: id, limit: HISTORY_MAX })
  if (!service && rows.length === 0) return null
  const states = rows.map((row) => row.state as unknown as DeploymentState)
  const name = service?.service.name ?? states[0]!.plan.serviceName
  const open = rows.findIndex(({ done }) => !done)
  const underWay = open >= 0 && !isWarm(states[open]!) ? states[open]!.plan : null
  const view = service ? viewWindow(service, states.find(({ trial }) => trial !== null) ?? null, look.now) : null
  return {
    title: `${name}: may we release?`,
    section: 'now',
    live: `/live/services/${encodeURIComponent(id)}`,
    ...(view ? { announce: sayNow(view, underWay) } : {}),
    body: [
      breadcrumbs([{ text: 'Now', href: '/' }]),
      html`<h1 class="govuk-heading-l hf-title">${name}</h1>`,
      new Region(
        'window',
        view
          ? windowHtml(view, underWay)
          : html`<p class="govuk-body">This console has no definition of the service, so it cannot tell when releases may start.</p>`,
      ),
      new Region('forecast', view ? forecastHtml(view) : NOTHING),
      new Region('before', service ? beforeHtml(service) : NOTHING),
      new Region('history', historyHtml(states, look)),
      new Region('days', view ? daysHtml(view) : NOTHING),
    ],
  }
}

function sayNow({ open }: WindowView, underWay: DeploymentPlan | null): string {
  if (!open) return 'Releases are closed.'
  return underWay ? `Release ${underWay.next.release} is under way.` : 'Releases may start.'
}

/** `underWay`: the release that has the service's lock; one whose rollback window alone is left gives way to the next. */
function windowHtml(view: WindowView, underWay: DeploymentPlan | null): Html {
  const busy = view.open ? underWay : null
  const tone = view.open && !busy ? 'good' : 'watch'
  const state = busy ? 'Under way' : view.open ? 'Open' : 'Closed'
  return html`<div class="hf-first hf-first--${tone}">
<p class="hf-first__state">${toneTag(state, tone)} <span>May we release now?</span></p>
<p class="hf-first__citizens">${busy ? `Not yet: release ${busy.next.release} is under way.` : view.answer}</p>
${busy ? html`<p class="govuk-body-l hf-first__next">The next one may begin when it is over. To wait in line: <code>holdfast deploy start --release NAME --wait</code></p>` : NOTHING}
</div>`
}

function forecastHtml({ forecast }: WindowView): Html {
  const heading = html`<h2 class="govuk-heading-m">If you start now</h2>`
  if ('missing' in forecast) return html`${heading}<p class="govuk-body">${forecast.missing}</p>`
  const { trial, from } = forecast
  return html`${heading}
<p class="govuk-body">${trial.says}</p>
${wideTable({
  label: 'How the share of citizens would grow',
  caption: 'How the share of citizens would grow',
  head: [
    { text: 'Share' },
    { text: 'Time', numeric: true },
    { text: 'Citizens by then', numeric: true },
    { text: 'What it waits for' },
  ],
  firstCellIsHeader: true,
  rows: trial.rungs.map(({ share, ms, units, waitsFor }) => [
    percentOf(share),
    roughly(ms),
    countOf(units),
    waitsFor === null ? 'the least time on a step' : `enough citizens at ${waitsFor}`,
  ]),
})}
<p class="govuk-body-s">Traffic: ${from}.</p>
${insetText(html`<code>holdfast deploy start --release NAME</code>`)}`
}

/** A forecast is not exact to the second. */
function roughly(ms: number): string {
  const grain = ms > 2 * MINUTE ? MINUTE : SECOND
  return durationOf(Math.round(ms / grain) * grain)
}

/** What is asked before anything moves; what came of it stands on the deployment's own page. */
function beforeHtml(service: Service): Html {
  const approval = approvalOf(service)
  const people = approval
    ? `${plural(approval.people, 'person', 'people')} must agree, and never the one who asks. Who may: ${whoMay({ approval, requestedBy: 'the one who asks' })}.`
    : 'Inside the window nobody else has to agree.'
  return html`<h2 class="govuk-heading-m">What must be so first</h2>
<p class="govuk-body">${people}</p>
${wideTable({
  label: 'Gates',
  caption: 'A gate that could not run has failed',
  head: [{ text: 'Gate' }, { text: 'How it is asked' }, { text: 'What passing means' }],
  firstCellIsHeader: true,
  rows: gatesOf(service).map(({ name, how, run, report, pass }) => [
    name,
    run.length > 0 ? html`<code>${run.join(' ')}</code>` : how === 'report' ? `report ${report}` : HOW[how],
    pass ?? '',
  ]),
})}`
}

const HOW: Readonly<Record<GateHow, string>> = {
  target: 'environment, account, region and database host against the definition',
  window: 'the calendar, when the deployment starts',
  migration: 'what each schema change does to the running release',
  drill: 'the log: was a rollback done or rehearsed lately?',
  alerts: 'every paging alert on made-up faults',
  report: 'a report',
  command: 'a command',
  private: 'on the started release, before any citizen meets it',
  none: 'nothing says how: it fails until the definition does',
}

function daysHtml(view: WindowView): Html {
  return html`<h2 class="govuk-heading-m">The next two weeks</h2>
${summaryList(
  view.days.map(({ day, open, peaks }) => ({
    key: day,
    value: html`${toneTag(open === 'closed' ? 'Closed' : 'Open', open === 'closed' ? 'watch' : 'good')} ${open === 'closed' ? 'no release may start' : open}${peaks.map((peak) => html`<br><span class="hf-of">${peak}</span>`)}`,
  })),
)}`
}

function historyHtml(states: readonly DeploymentState[], look: Look): Html {
  if (states.length === 0) return html`<h2 class="govuk-heading-m">Releases so far</h2><p class="govuk-body">None.</p>`
  return html`<h2 class="govuk-heading-m">Releases so far</h2>
<ul class="hf-rows">${states.map((state) => {
    const view = viewDeployment(state, look.now)
    return html`<li class="hf-row">
<p class="hf-row__title">${toneTag(view.word, view.tone)} <a class="govuk-link" href="/deployments/${encodeURIComponent(view.id)}">Release ${view.release}</a></p>
<p>${view.citizens}</p>
<p class="hf-row__facts">${moment(state.measured.startedAt)}, asked for by ${state.plan.requestedBy}: ${state.plan.reason}</p>
</li>`
  })}</ul>`
}
