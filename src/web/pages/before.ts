/** The parts of a deployment's page about what comes before the first move: broken glass, who must agree, and gates. */
import type { ApprovalView, GateRow, GateWord } from '../../core/deploy/before-view.ts'
import type { DeploymentView } from '../../core/deploy/view.ts'
import { durationOf } from '../../core/time.ts'
import { listOf } from '../../core/words.ts'
import { DEPLOYMENT_ACTIONS } from '../actions.ts'
import { actionForm, reasonField } from '../ask.ts'
import type { Look, Problem } from '../desk.ts'
import { type Html, html, NOTHING } from '../html.ts'
import { moment } from '../moment.ts'
import { button, details, summaryList, type TagColour, tag, warningText } from '../parts.ts'
import { may } from '../person.ts'

/** Who has looked at broken glass, from the log; null: nobody yet. */
export async function reviewedBy({ store }: Look, id: string): Promise<string | null> {
  const rows = await store.log(0, 10_000, { subject: id })
  const last = rows.filter(({ kind }) => kind === 'break-glass.reviewed').at(-1)
  if (!last) return null
  if (last.payload === null) return 'somebody'
  return String((JSON.parse(last.payload) as { who?: unknown }).who ?? 'somebody')
}

/** Loud, and there until somebody else has looked; then a quiet line. */
export function glassHtml(view: DeploymentView, reviewed: string | null): Html {
  const { waiver } = view
  if (!waiver) return NOTHING
  const left = listOf(waiver.left.map((name) => name.toLowerCase()))
  if (waiver.kind === 'emergency') {
    return html`<p class="govuk-body">Outside of the window, asked for by ${waiver.who}: ${waiver.why}</p>`
  }
  const says = `${waiver.who} broke the glass (${waiver.why}): the release goes on without ${left}.`
  const told = waiver.told === null ? 'Nobody has been told yet.' : `The ${waiver.told} was told.`
  if (reviewed !== null) return html`<p class="govuk-body">${says} ${told} ${reviewed} has looked at it since.</p>`
  return html`${warningText(says)}
<p class="govuk-body">${told} Somebody else must look at it: <code>holdfast deploy review ${view.id} --reason "…"</code></p>`
}

/** Who has agreed, who is missing, and the button. Empty: nobody needs to. */
export function approvalHtml(view: DeploymentView, look: Look, path: string, problem?: Problem): Html {
  const { approval } = view
  if (!approval) return NOTHING
  const given = html`<ul class="govuk-list">${approval.given.map(
    ({ who, at, why, how }) =>
      html`<li><strong>${who}</strong> agreed ${moment(at)}: ${why} <span class="hf-of">${how}</span></li>`,
  )}</ul>`
  return html`<section class="hf-ask" aria-label="Who must agree">
<h2 class="govuk-heading-m">Who must agree</h2>
<p class="govuk-body">${approval.words}${approval.until === null ? NOTHING : html` It waits until ${moment(approval.until)}.`}</p>
${approval.given.length > 0 ? given : NOTHING}
${view.before ? summaryList(approval.what.map(({ name, value }) => ({ key: name, value }))) : NOTHING}
${askToApprove(view, approval, look, path, problem)}
</section>`
}

function askToApprove(
  view: DeploymentView,
  approval: ApprovalView,
  look: Look,
  path: string,
  problem: Problem | undefined,
): Html {
  if (!view.offers.approve.open) return NOTHING
  const action = DEPLOYMENT_ACTIONS.find(({ name }) => name === 'approve')!
  if (!may(look.person, action.roles)) {
    return html`<p class="govuk-body">Agreeing needs the role approver. You are ${look.person.roles.join(', ')}.</p>`
  }
  if (isSame(look.person.who, approval.askedBy)) {
    return html`<p class="govuk-body">You asked for this release, so somebody else must agree.</p>`
  }
  return actionForm({
    path,
    action: 'approve',
    look,
    turn: view.history.length + approval.given.length,
    ...(problem ? { problem } : {}),
    body: html`<input type="hidden" name="plan" value="${approval.plan}">
${reasonField({ action: 'approve', label: 'What you looked at', hint: `Goes into the log as ${look.person.who}, with plan ${approval.short}.`, problem })}
${button({ text: `Agree to release ${view.release}` })}`,
  })
}

/** For the page only: the machine compares people properly, and decides. */
function isSame(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase()
}

const COLOURS: Readonly<Record<GateWord, TagColour>> = {
  passed: 'green',
  failed: 'red',
  skipped: 'orange',
  asked: 'turquoise',
  waiting: 'grey',
  'not asked': 'grey',
}

export function gatesHtml({ gates }: DeploymentView): Html {
  if (gates.length === 0) return NOTHING
  return html`<h2 class="govuk-heading-m">Gates</h2>
<ul class="hf-rows">${gates.map(gateHtml)}</ul>`
}

function gateHtml({ id, name, word, says, ms, tail }: GateRow): Html {
  return html`<li class="hf-row">
<p class="hf-row__title">${tag(word.charAt(0).toUpperCase() + word.slice(1), COLOURS[word])} ${name}</p>
${says ? html`<p>${says}</p>` : NOTHING}
${ms === null || ms < 1 ? NOTHING : html`<p class="hf-row__facts">It took ${durationOf(ms)}.</p>`}
${tail ? details({ id: `gate-${id}`, summary: `Last words of ${name}`, body: html`<pre class="hf-pre" tabindex="0">${tail}</pre>` }) : NOTHING}
</li>`
}
