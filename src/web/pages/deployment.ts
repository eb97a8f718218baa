/**
 * One deployment, readable in five seconds: the state, one sentence, one big button, four figures. What those rest on comes after.
 */
import type { DeploymentState } from '../../core/deploy/deployment.ts'
import { type DeploymentView, type StepRow, viewDeployment } from '../../core/deploy/view.ts'
import type { IncidentState } from '../../core/respond/state.ts'
import { durationOf } from '../../core/time.ts'
import { countOf, percentOf } from '../../core/words.ts'
import { DEPLOYMENT_ACTIONS } from '../actions.ts'
import { actionForm, askedBanner, reasonField } from '../ask.ts'
import { evidenceChart, oddsText } from '../chart.ts'
import type { Asked, Look, Problem } from '../desk.ts'
import { type Html, html, NOTHING, type Part } from '../html.ts'
import { viewIncident } from '../incident-view.ts'
import { Region, type Screen } from '../layout.ts'
import { agoOf, clockTime, moment } from '../moment.ts'
import { breadcrumbs, button, details, errorSummary, summaryList, wideTable } from '../parts.ts'
import { may } from '../person.ts'
import { toneTag } from '../words.ts'
import { approvalHtml, gatesHtml, glassHtml, reviewedBy } from './before.ts'

export async function deploymentPage(look: Look, asked: Asked): Promise<Screen | null> {
  const row = await look.store.read(asked.params.id ?? '')
  if (row?.kind !== 'deployment') return null
  const view = viewDeployment(row.state as unknown as DeploymentState, look.now)
  const path = `/deployments/${encodeURIComponent(view.id)}`
  const { problem } = asked
  const incident = await incidentOf(look, view.id)
  const reviewed = view.waiver?.kind === 'break-glass' ? await reviewedBy(look, view.id) : null
  const gates = new Region('gates', gatesHtml(view))
  const title = `${view.release}: ${view.word.toLowerCase()}`
  return {
    title: problem ? `Error: ${title}` : title,
    section: 'deployments',
    live: `/live${path}`,
    announce: `Release ${view.release}: ${view.word}.`,
    body: [
      breadcrumbs([
        { text: 'Now', href: '/' },
        { text: 'Deployments', href: '/deployments' },
      ]),
      problem ? errorSummary([{ text: problem.says, href: `#${problem.action}-${problem.field}` }]) : NOTHING,
      askedBanner(asked.query.asked, DEPLOYMENT_ACTIONS),
      html`<span class="govuk-caption-l">${view.serviceName}</span>
<h1 class="govuk-heading-l hf-title">Release ${view.release}</h1>`,
      new Region('glass', glassHtml(view, reviewed)),
      new Region('first', firstHtml(view, look)),
      // Whoever agrees reads the gates first; once something moves, the big button comes first.
      ...(view.before ? [gates] : []),
      new Region('approve', approvalHtml(view, look, path, problem)),
      new Region('ask', html`${askHtml(view, look, path, problem)}${incident}`),
      ...(view.before ? [] : [gates]),
      new Region('figures', figuresHtml(view)),
      new Region('evidence', evidenceHtml(view)),
      new Region('steps', stepsHtml(view)),
      new Region('history', historyHtml(view)),
      new Region('facts', factsHtml(view)),
    ],
  }
}

/** The incident that a rollback opened: who has been paged, and the words that wait. */
async function incidentOf(look: Look, id: string): Promise<Html> {
  const found = await Promise.all([`inc-${id}-unconfirmed`, `inc-${id}`].map((one) => look.store.read(one)))
  const links = found
    .filter((row) => row?.kind === 'incident')
    .map((row) => {
      const { says, holder, word } = viewIncident(row!.state as unknown as IncidentState, look.now)
      const who = row!.done ? word.toLowerCase() : holder ? `${holder} has it` : 'nobody has it yet'
      return html`<p class="govuk-body">Incident: <a class="govuk-link" href="/incidents/${encodeURIComponent(row!.id)}">${says}</a> (${who})</p>`
    })
  return html`${links}`
}

/** Since when, how many citizens could not do what, what happens next. */
function firstHtml(view: DeploymentView, look: Look): Html {
  return html`<div class="hf-first hf-first--${view.tone}">
<p class="hf-first__state">${toneTag(view.word, view.tone)} <span>since ${clockTime(view.since)}, ${agoOf(view.since, look.now)}</span></p>
<p class="hf-first__citizens">${view.citizens}</p>
<p class="govuk-body-l hf-first__next">${view.next}</p>
</div>`
}

/** The one big button, and the quieter ones. */
function askHtml(view: DeploymentView, look: Look, path: string, problem?: Problem): Html {
  if (view.over)
    return view.word === 'Promoted' && !view.offers.rollback.open
      ? html`<p class="govuk-body">${view.offers.rollback.why}</p>`
      : NOTHING
  const open = DEPLOYMENT_ACTIONS.filter(({ name }) => name !== 'approve')
    .filter(({ name, roles }) => {
      const offer = view.offers[name as keyof DeploymentView['offers']]
      return offer.open && may(look.person, roles)
    })
    .map(({ name }) => name)
  const form = (action: string, body: Html) =>
    actionForm({ path, action, look, turn: view.history.length, body, problem })
  const back = view.offers.rollback
  return html`<section class="hf-ask" aria-label="What you can do">
${
  open.includes('rollback')
    ? form(
        'rollback',
        html`${reasonField({ action: 'rollback', label: 'Why (optional)', hint: `Goes into the log as ${look.person.who}.`, problem })}
${button({ text: view.before ? 'Call it off' : 'Take it back', kind: 'warning', classes: 'hf-big' })}`,
      )
    : html`<p class="govuk-body">${back.open ? `You may look but not act: taking it back needs a deployer or a responder. You are ${look.person.roles.join(', ')}.` : back.why}</p>`
}
${open.filter((name) => name !== 'rollback').length === 0 ? NOTHING : quieterHtml(open, form, problem)}
</section>`
}

const QUIETER: Readonly<Record<string, { readonly says: string; readonly label: string; readonly does: string }>> = {
  halt: {
    label: 'Why (optional)',
    does: 'Halt',
    says: 'Halt: citizens go back to the old release, the new one waits. You can resume.',
  },
  resume: { label: 'Why', does: 'Resume', says: 'Resume: a small share of citizens meets the new release again.' },
  promote: {
    label: 'Why',
    does: 'Promote',
    says: 'Promote: everyone gets the new release now, without the rest of the evidence.',
  },
}

function quieterHtml(open: readonly string[], form: (action: string, body: Html) => Html, problem?: Problem): Html {
  const names = open.filter((name) => name in QUIETER)
  return details({
    id: 'quieter',
    summary: names
      .map((name) => QUIETER[name]!.does)
      .join(', or ')
      .replace(/, or ([A-Z])/g, (_, c) => ` or ${c.toLowerCase()}`),
    open: problem !== undefined && names.includes(problem.action),
    body: names.map((name) => {
      const { says, label, does } = QUIETER[name]!
      return html`<div class="hf-quiet"><p class="govuk-body">${says}</p>
${form(name, html`${reasonField({ action: name, label, problem })}${button({ text: does, kind: 'secondary' })}`)}</div>`
    }),
  })
}

function figuresHtml(view: DeploymentView): Html {
  const { evidence } = view
  return html`<dl class="hf-figures">
${figure('Citizens stopped by it', countOf(view.harmed), html`of ${countOf(view.sessions)} who used it${view.firstHarmAt === null ? NOTHING : html`, the first at ${clockTime(view.firstHarmAt)}`}`)}
${figure('New sessions on it', percentOf(view.weight), view.confirmed ? 'confirmed by the gateway' : 'asked for, not confirmed yet')}
${
  evidence
    ? figure(
        'Evidence that it is worse',
        evidenceText(evidence.odds),
        `taken back at ${countOf(evidence.threshold)} : 1`,
      )
    : figure(
        'Evidence that it is worse',
        view.over ? 'none' : 'none yet',
        view.over ? 'there was no trial' : 'begins with the first citizens',
      )
}
${figure('Requests lost by deploying', countOf(view.failedByUs), view.failedByUs === 0 ? 'as promised' : 'promised to be 0')}
</dl>`
}

/** Odds around 1 : 1 and below say nothing against the release; "none" is what that means. */
function evidenceText(odds: number): string {
  return odds < 2 ? 'none' : `${oddsText(odds)} : 1`
}

function figure(name: string, value: string, says: Part): Html {
  return html`<div class="hf-figure"><dt>${name}</dt><dd><strong>${value}</strong> <span>${says}</span></dd></div>`
}

function evidenceHtml(view: DeploymentView): Html {
  const { evidence } = view
  if (!evidence) return html`<h2 class="govuk-heading-m">Why</h2><p class="govuk-body">${lastWhy(view)}</p>`
  return html`<h2 class="govuk-heading-m">Why</h2>
<p class="govuk-body">${view.over ? lastWhy(view) : evidence.why}</p>
${evidenceChart(evidence.chart, evidence.threshold, view.release)}`
}

function lastWhy(view: DeploymentView): string {
  return view.history[view.history.length - 1]?.why ?? ''
}

function stepsHtml(view: DeploymentView): Html {
  if (view.steps.length === 0) return NOTHING
  // Odds below 2 : 1 say nothing, so they do not order anything either: what is left is the order of the journey.
  const weight = ({ odds }: StepRow) => (odds < 2 ? 0 : odds)
  const worst = [...view.steps].sort((a, b) => weight(b) - weight(a) || b.newFailed - a.newFailed)
  return html`<h2 class="govuk-heading-m">Step by step</h2>
<p class="govuk-body">Citizens stopped at each step, worst first.</p>
${wideTable({
  label: 'Citizens stopped at each step, worst first',
  caption: 'Citizens stopped at each step, worst first',
  captionSize: 'hidden',
  head: [
    { text: 'Step' },
    { text: `New (${view.release})`, numeric: true },
    { text: `Old (${view.previous ?? 'none'})`, numeric: true },
    { text: 'Too slow', numeric: true },
    { text: 'Evidence', numeric: true },
  ],
  firstCellIsHeader: true,
  rows: worst.map((row) => [
    `${row.journey}: ${row.step}`,
    share(row.newFailed, row.newSessions),
    share(row.oldFailed, row.oldSessions),
    countOf(row.slow),
    evidenceText(row.odds),
  ]),
})}`
}

function share(failed: StepRow['newFailed'], sessions: number): Html {
  if (sessions === 0) return html`nobody yet`
  const rate = failed === 0 ? '' : ` (${percentOf(failed / sessions)})`
  return html`${countOf(failed)} <span class="hf-of">of ${countOf(sessions)}${rate}</span>`
}

function historyHtml(view: DeploymentView): Html {
  return html`<h2 class="govuk-heading-m">What happened</h2>
<ol class="hf-timeline">${[...view.history]
    .reverse()
    .map(
      ({ at, phase, why }) =>
        html`<li><span class="hf-timeline__at">${clockTime(at)}</span> <strong>${phase}</strong> <span>${why}</span></li>`,
    )}</ol>
<p class="govuk-body"><a class="govuk-link" href="/log?subject=${encodeURIComponent(view.id)}">Every decision about it, in the log</a></p>`
}

function factsHtml(view: DeploymentView): Html {
  const first = view.history[0]
  return html`<h2 class="govuk-heading-m">Facts</h2>
${summaryList([
  ...(first ? [{ key: 'Started', value: moment(first.at) }] : []),
  ...view.clocks.map(({ name, ms, from }) => ({
    key: name,
    value: html`${durationOf(ms)} <span class="hf-of">${from}</span>`,
  })),
  ...view.facts.map(({ name, value }) => ({ key: name, value })),
  { key: 'Deployment', value: html`<code>${view.id}</code>` },
])}`
}
