/** A runbook's steps as words for a terminal and as HTML for a page. */
import { escapeHtml } from '../words.ts'
import { markdownHtml, type Next, type Runbook, type RunbookStep } from './runbook.ts'

/** The step as a person at a terminal reads it. */
export function stepText(step: RunbookStep, number: number, of: number): string {
  const rows: (readonly [string, string | null])[] = [
    ['Why', step.why],
    ['WARNING', step.warn],
    ['Run', step.run],
    ['Press', step.ui],
    ['Expect', step.expect],
    ['If not', ifNotWords(step)],
    ['Changes', step.changes],
    ['Undo', step.undo],
    ['Approval', step.approve === null ? null : `${step.approve.replaceAll('-', ' ')} has to agree first`],
    ['Takes', step.minutes === null ? null : `about ${step.minutes} min`],
  ]
  const lines = rows
    .filter(([, text]) => text !== null && text !== '')
    .map(([name, text]) => `  ${name.padEnd(9)}${text!.split('\n').join(`\n${' '.repeat(11)}`)}`)
  return [`Step ${number} of ${of}: ${step.title || step.id}  (${step.id})`, ...lines].join('\n')
}

export function nextText(next: Next, runbook: Runbook): string {
  switch (next.kind) {
    case 'step':
      return stepText(next.step, next.number, runbook.steps.length)
    case 'escalate':
      return `${next.because} Wake ${next.role ? `the ${next.role.replaceAll('-', ' ')}` : 'the next person on the ladder'} now.\n\n${runbook.escalation}`
    case 'finished':
      return 'Every step is done. Say that citizens are safe again, and why: holdfast respond resolve INCIDENT --because "…"'
  }
}

/** The step as HTML, everything escaped. `heading` is the level of its title, 2 to 6. */
export function stepHtml(step: RunbookStep, number: number, heading = 3): string {
  const row = (name: string, text: string | null, html = escapeHtml(text ?? '')) =>
    text === null || text === ''
      ? ''
      : `<div class="govuk-summary-list__row"><dt class="govuk-summary-list__key">${name}</dt><dd class="govuk-summary-list__value">${html}</dd></div>`
  const warning =
    step.warn === null
      ? ''
      : `<div class="govuk-warning-text"><span class="govuk-warning-text__icon" aria-hidden="true">!</span><strong class="govuk-warning-text__text"><span class="govuk-visually-hidden">Warning</span>${escapeHtml(step.warn)}</strong></div>`
  return [
    `<section id="step-${escapeHtml(step.id)}" class="app-step">`,
    `<h${heading} class="govuk-heading-m">${number}. ${escapeHtml(step.title || step.id)}</h${heading}>`,
    `<p class="govuk-body">${escapeHtml(step.why)}</p>`,
    warning,
    step.run === null ? '' : `<pre class="app-command" tabindex="0"><code>${escapeHtml(step.run)}</code></pre>`,
    '<dl class="govuk-summary-list">',
    row('Press', step.ui),
    row('Expect', step.expect),
    row('If not', ifNotWords(step)),
    row('Changes', step.changes),
    row('Undo', step.undo),
    row('Approval', step.approve === null ? null : `${step.approve.replaceAll('-', ' ')} has to agree first`),
    row('Takes', step.minutes === null ? null : `about ${step.minutes} min`),
    '</dl></section>',
  ].join('')
}

/** The whole runbook as a fragment of a page. */
export function runbookHtml(runbook: Runbook): string {
  const inputs = runbook.inputs.map(
    ({ name, where, sample }) =>
      `<tr class="govuk-table__row"><th scope="row" class="govuk-table__header"><code>${escapeHtml(name)}</code></th><td class="govuk-table__cell">${escapeHtml(where)}</td><td class="govuk-table__cell"><code>${escapeHtml(sample)}</code></td></tr>`,
  )
  return [
    markdownHtml(runbook.firstScreen),
    inputs.length === 0
      ? ''
      : `<table class="govuk-table"><caption class="govuk-table__caption govuk-table__caption--s">What you need</caption><thead class="govuk-table__head"><tr class="govuk-table__row"><th scope="col" class="govuk-table__header">Name</th><th scope="col" class="govuk-table__header">Where to find it</th><th scope="col" class="govuk-table__header">For example</th></tr></thead><tbody class="govuk-table__body">${inputs.join('')}</tbody></table>`,
    ...runbook.steps.map((step, i) => stepHtml(step, i + 1)),
    '<h3 class="govuk-heading-m">Escalation</h3>',
    markdownHtml(runbook.escalation),
    '<h3 class="govuk-heading-m">Tell citizens</h3>',
    markdownHtml(runbook.citizenMessage),
  ].join('\n')
}

function ifNotWords(step: RunbookStep): string | null {
  if (step.ifNot.kind === 'go') return `go to step ${step.ifNot.step}`
  if (step.ifNot.kind === 'escalate') return `wake the ${step.ifNot.role.replaceAll('-', ' ')}`
  return null
}
