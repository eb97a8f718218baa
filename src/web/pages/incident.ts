/** One incident: what citizens cannot do, who has it, the next step of the runbook, and the words that wait for approval. */
import type { IncidentState, StepProgress } from '../../core/respond/state.ts'
import { nextStep, parseRunbook, type Runbook, type RunbookStep } from '../../core/respond/runbook.ts'
import { runbookHtml, stepHtml } from '../../core/respond/runbook-words.ts'
import { plural } from '../../core/words.ts'
import { INCIDENT_ACTIONS } from '../actions.ts'
import { actionForm, askedBanner, reasonField } from '../ask.ts'
import type { Asked, Look, Problem } from '../desk.ts'
import { type Html, html, NOTHING, raw } from '../html.ts'
import { type DraftRow, type IncidentView, viewIncident } from '../incident-view.ts'
import { Region, type Screen } from '../layout.ts'
import { agoOf, clockTime, moment } from '../moment.ts'
import { breadcrumbs, button, details, errorSummary, input, insetText, textarea, warningText } from '../parts.ts'
import { may } from '../person.ts'
import { toneTag } from '../words.ts'

interface Here {
  readonly look: Look
  readonly view: IncidentView
  readonly state: IncidentState
  readonly path: string
  readonly problem: Problem | undefined
}

export async function incidentPage(look: Look, asked: Asked): Promise<Screen | null> {
  const row = await look.store.read(asked.params.id ?? '')
  if (row?.kind !== 'incident') return null
  const state = row.state as unknown as IncidentState
  const view = viewIncident(state, look.now)
  const here: Here = { look, view, state, path: `/incidents/${encodeURIComponent(view.id)}`, problem: asked.problem }
  const title = `${view.severity}: ${view.word.toLowerCase()}`
  return {
    title: asked.problem ? `Error: ${title}` : title,
    section: 'incidents',
    live: `/live${here.path}`,
    announce: `${view.word}. ${view.holder ? `${view.holder} has it.` : 'Nobody has it yet.'}`,
    body: [
      breadcrumbs([
        { text: 'Now', href: '/' },
        { text: 'Incidents', href: '/incidents' },
      ]),
      asked.problem ? errorSummary([{ text: asked.problem.says, href: `#${fieldId(asked.problem)}` }]) : NOTHING,
      askedBanner(asked.query.asked, INCIDENT_ACTIONS),
      html`<span class="govuk-caption-l">${view.severity} incident, ${view.serviceName}</span>`,
      new Region('first', firstHtml(here)),
      new Region('take', takeHtml(here)),
      new Region('runbook', await runbookSection(here)),
      new Region('drafts', draftsHtml(here)),
      new Region('end', endHtml(here)),
      new Region('pages', pagesHtml(here)),
      new Region('timeline', timelineHtml(here)),
    ],
  }
}

function fieldId(problem: Problem): string {
  const part = problem.values.draft ?? problem.values.step
  return `${problem.action}-${part ? `${part}-` : ''}${problem.field}`
}

function firstHtml({ view, look }: Here): Html {
  return html`<h1 class="govuk-heading-l hf-title">${view.says}</h1>
<div class="hf-first hf-first--${view.tone}">
<p class="hf-first__state">${toneTag(view.word, view.tone)} <span>since ${clockTime(view.since)}, ${agoOf(view.since, look.now)}</span></p>
<p class="hf-first__citizens">${view.citizens}</p>
<p class="govuk-body-l hf-first__next">${view.next}</p>
</div>
${view.manualStep ? warningText(html`Do this now: ${view.manualStep}`) : NOTHING}`
}

function allowed({ look }: Here, action: string): boolean {
  return may(look.person, INCIDENT_ACTIONS.find(({ name }) => name === action)?.roles ?? [])
}

function formOf(here: Here, action: string, body: Html): Html {
  const turn = here.state.timeline.length + here.state.timelineDropped
  return actionForm({ path: here.path, action, look: here.look, turn, body, problem: here.problem })
}

/** The big button of this page: somebody takes it. */
function takeHtml(here: Here): Html {
  const { view, state } = here
  const also = html`<p class="govuk-body">${view.deployment ? html`It is about <a class="govuk-link" href="/deployments/${encodeURIComponent(view.deployment)}">this deployment</a>. ` : NOTHING}${view.severityRule}</p>`
  if (!view.offers.ack) {
    const other = state.paging.phase === 'held' && view.holder !== here.look.person.who && allowed(here, 'ack')
    return html`${other ? formOf(here, 'ack', button({ text: `Take over from ${view.holder}`, kind: 'secondary' })) : NOTHING}${also}`
  }
  if (!allowed(here, 'ack')) {
    return html`<p class="govuk-body">You may look but not take it: that needs a responder or a deployer.</p>${also}`
  }
  return html`<section class="hf-ask" aria-label="Take the incident">${formOf(here, 'ack', button({ text: 'I have it', classes: 'hf-big' }))}
<p class="govuk-body-s">Paging stops, and the log says that ${here.look.person.who} has it.</p></section>${also}`
}

async function runbookSection(here: Here): Promise<Html> {
  const { state, look } = here
  const heading = html`<h2 class="govuk-heading-l">Runbook</h2>`
  if (!state.runbook) {
    return html`${heading}<p class="govuk-body">There is no runbook for this. Write down what you do, and say so in the review.</p>`
  }
  const source = look.desk.options.runbook ? await look.desk.options.runbook(state.service, state.runbook.id) : null
  if (source === null) {
    return html`${heading}<p class="govuk-body">The runbook <code>${state.runbook.id}</code> cannot be shown here. On the command line:</p>
${insetText(html`<code>holdfast respond runbook next ${state.id}</code>`)}`
  }
  const runbook = parseRunbook(source, `${state.runbook.id}.md`)
  const { progress } = state.runbook
  return html`${heading}
${progress.length > 0 ? progressHtml(progress, runbook) : NOTHING}
${currentHtml(here, runbook)}
${details({ id: 'whole-runbook', summary: 'The whole runbook', body: html`<div class="hf-prose">${raw(withoutIds(runbookHtml(runbook)))}</div>` })}`
}

/** The step in front of the person stands on the page twice; ids may only stand once. */
function withoutIds(fragment: string): string {
  return fragment.replaceAll(/ id="step-[^"]*"/g, '')
}

const RESULTS: Readonly<Record<StepProgress['result'], string>> = {
  done: 'Done',
  failed: 'Failed',
  skipped: 'Skipped',
  approved: 'Approved',
}

function progressHtml(progress: readonly StepProgress[], runbook: Runbook): Html {
  const titleOf = (id: string) => runbook.steps.find((step) => step.id === id)?.title || id
  return html`<ol class="hf-timeline">${progress.map(
    ({ step, result, who, at, says }) =>
      html`<li><span class="hf-timeline__at">${clockTime(at)}</span> <strong>${RESULTS[result]}</strong> <span>${titleOf(step)}, by ${who}${says ? `: ${says}` : ''}</span></li>`,
  )}</ol>`
}

function currentHtml(here: Here, runbook: Runbook): Html {
  const { state } = here
  const next = nextStep(runbook, state.runbook?.progress ?? [])
  if (state.phase === 'closed') return NOTHING
  if (next.kind === 'finished') return html`<p class="govuk-body">Every step is written down.</p>`
  if (next.kind === 'escalate') {
    return html`${warningText(`${next.because} Wake ${next.role ? `the ${next.role}` : 'the next person on the ladder'} now.`)}
<div class="hf-prose">${raw(runbookHtml({ ...runbook, firstScreen: '', inputs: [], steps: [], citizenMessage: '' }).replace(/<h3[^>]*>Tell citizens<\/h3>/, ''))}</div>`
  }
  const { step, number, approved } = next
  return html`<div class="hf-step">
<p class="govuk-caption-m">Step ${number} of ${runbook.steps.length}</p>
${raw(stepHtml(step, number, 3))}
${approved ? NOTHING : warningText(`The ${step.approve} has to agree before this step.`)}
${allowed(here, 'step-done') ? stepForms(here, step, approved) : html`<p class="govuk-body">You may look but not act: that needs a responder.</p>`}
</div>`
}

function stepForms(here: Here, step: RunbookStep, approved: boolean): Html {
  const hidden = html`<input type="hidden" name="step" value="${step.id}">`
  const says = (action: string, label: string) => {
    const mine = here.problem?.action === action && here.problem.values.step === step.id ? here.problem : undefined
    return input({
      id: `${action}-${step.id}-says`,
      name: 'says',
      label,
      ...(mine ? { error: mine.says, value: mine.values.says ?? '' } : {}),
    })
  }
  if (!approved) {
    if (!allowed(here, 'step-approved')) return html`<p class="govuk-body">Agreeing needs an approver.</p>`
    return html`${formOf(here, 'step-approved', html`${hidden}${button({ text: `The ${step.approve} agrees` })}`)}`
  }
  const open = here.problem?.values.step === step.id
  return html`${formOf(here, 'step-done', html`${hidden}${button({ text: 'Done, as expected' })}`)}
${details({
  id: `not-done-${step.id}`,
  summary: 'It did not work, or you skip it',
  open,
  body: html`${formOf(here, 'step-failed', html`${hidden}${says('step-failed', 'What you saw instead')}${button({ text: 'It did not work', kind: 'secondary' })}`)}
${formOf(here, 'step-skipped', html`${hidden}${says('step-skipped', 'Why you skip it')}${button({ text: 'Skip this step', kind: 'secondary' })}`)}`,
})}`
}

function draftsHtml(here: Here): Html {
  const { view } = here
  const due =
    view.updateDueAt === null
      ? NOTHING
      : html`<p class="govuk-body">The next public update is due at ${clockTime(view.updateDueAt)}.</p>`
  if (view.drafts.length === 0)
    return html`<h2 class="govuk-heading-l">Words for people</h2>${due}<p class="govuk-body">Nothing is drafted.</p>`
  const waiting = view.drafts.filter(({ open }) => open)
  const rest = view.drafts.filter(({ open }) => !open)
  return html`<h2 class="govuk-heading-l">Words for people</h2>
${due}
<p class="govuk-body">${waiting.length === 0 ? 'Nothing waits for approval.' : `${plural(waiting.length, 'draft waits', 'drafts wait')} for approval. Nothing is published without it.`}</p>
${waiting.map((draft) => draftHtml(here, draft))}
${rest.map((draft) => draftHtml(here, draft))}`
}

function draftHtml(here: Here, draft: DraftRow): Html {
  const stops = draft.wrong.filter(({ severity }) => severity === 'error')
  const hidden = html`<input type="hidden" name="draft" value="${draft.id}"><input type="hidden" name="version" value="${draft.version}">`
  return html`<section class="hf-draft" aria-labelledby="draft-${draft.id}">
<h3 class="govuk-heading-m" id="draft-${draft.id}">${draft.who}: ${draft.stage} ${toneTag(draft.word, draft.tone)}</h3>
<blockquote class="hf-words"><p><strong>${draft.title}</strong></p>${draft.text.split(/\n{2,}/).map((text) => html`<p>${text}</p>`)}</blockquote>
${
  draft.wrong.length === 0
    ? NOTHING
    : html`<ul class="govuk-list govuk-list--bullet">${draft.wrong.map(({ severity, says, fix }) => html`<li>${severity === 'error' ? 'Stops approval: ' : 'Consider: '}${says} ${fix}</li>`)}</ul>`
}
${draft.publishedAt === null ? NOTHING : html`<p class="govuk-body-s">Approved by ${draft.approvedBy ?? 'nobody'}, published ${moment(draft.publishedAt)}.</p>`}
${draft.open && here.state.phase !== 'closed' ? draftForms(here, draft, hidden, stops.length > 0) : NOTHING}
</section>`
}

function draftForms(here: Here, draft: DraftRow, hidden: Html, stopped: boolean): Html {
  const mine =
    here.problem?.action === 'comms-draft-edited' && here.problem.values.draft === draft.id ? here.problem : undefined
  const approve = allowed(here, 'comms-approve')
    ? formOf(
        here,
        'comms-approve',
        html`${hidden}${button({ text: html`Approve and publish<span class="govuk-visually-hidden"> to ${draft.who}</span>`, kind: 'secondary' })}`,
      )
    : html`<p class="govuk-body">Approving needs an approver.</p>`
  const edit = allowed(here, 'comms-draft-edited')
    ? details({
        id: `edit-${draft.id}`,
        summary: html`Change the words<span class="govuk-visually-hidden"> for ${draft.who}</span>`,
        open: mine !== undefined,
        body: formOf(
          here,
          'comms-draft-edited',
          html`${hidden}${textarea({
            id: `comms-draft-edited-${draft.id}-text`,
            name: 'text',
            label: `Words for ${draft.who.toLowerCase()}`,
            rows: 9,
            value: mine?.values.text ?? draft.text,
            ...(mine ? { error: mine.says } : {}),
          })}${button({ text: 'Save', kind: 'secondary' })}`,
        ),
      })
    : NOTHING
  return html`${stopped ? NOTHING : approve}${edit}`
}

const ENDS: readonly {
  readonly action: 'mitigated' | 'resolved' | 'close'
  readonly title: string
  readonly label: string
  readonly does: string
}[] = [
  {
    action: 'mitigated',
    title: 'Are citizens safe again?',
    label: 'What was done (optional)',
    does: 'Citizens are safe again',
  },
  {
    action: 'resolved',
    title: 'Is the cause gone?',
    label: 'I am declaring this incident resolved because',
    does: 'It is resolved',
  },
  { action: 'close', title: 'Is everything said?', label: 'Anything to add (optional)', does: 'Close the incident' },
]

function endHtml(here: Here): Html {
  const open = ENDS.filter(({ action }) => here.view.offers[action] && allowed(here, action))
  if (open.length === 0) return NOTHING
  return html`<h2 class="govuk-heading-l">Bringing it to an end</h2>
${open.map(
  ({ action, title, label, does }) => html`<div class="hf-quiet"><h3 class="govuk-heading-m">${title}</h3>
${formOf(here, action, html`${reasonField({ action, label, problem: here.problem })}${button({ text: does, kind: 'secondary' })}`)}</div>`,
)}`
}

function pagesHtml({ view }: Here): Html {
  if (view.pages.length === 0)
    return html`<h2 class="govuk-heading-l">Who was paged</h2><p class="govuk-body">Nobody yet.</p>`
  return html`<h2 class="govuk-heading-l">Who was paged</h2>
<ol class="hf-timeline">${view.pages.map(
    ({ at, role, route, word, says }) =>
      html`<li><span class="hf-timeline__at">${clockTime(at)}</span> <strong>${role}</strong> <span>by ${route}: ${says ? `${word} (${says})` : word}</span></li>`,
  )}</ol>`
}

function timelineHtml(here: Here): Html {
  const { state, problem } = here
  const { timeline, timelineDropped } = state
  const mine = problem?.action === 'note' ? problem : undefined
  const note =
    state.phase !== 'closed' && allowed(here, 'note')
      ? formOf(
          here,
          'note',
          html`${input({ id: 'note-text', name: 'text', label: 'Write down what you saw or did', ...(mine ? { error: mine.says } : {}) })}${button({ text: 'Write it down', kind: 'secondary' })}`,
        )
      : NOTHING
  return html`<h2 class="govuk-heading-l">What happened</h2>
${timelineDropped > 0 ? html`<p class="govuk-body">${plural(timelineDropped, 'line is', 'lines are')} only in the log.</p>` : NOTHING}
${note}
<ol class="hf-timeline">${[...timeline]
    .reverse()
    .map(
      ({ at, who, says }) =>
        html`<li><span class="hf-timeline__at">${clockTime(at)}</span> <strong>${who}</strong> <span>${says}</span></li>`,
    )}</ol>
<p class="govuk-body"><a class="govuk-link" href="/log?subject=${encodeURIComponent(state.id)}">Every decision about it, in the log</a></p>`
}
