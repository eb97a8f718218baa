/**
 * The link in a page: whoever was paged says "I have it" from any phone, without signing in. Opening the link changes nothing, because
 * mail scanners and previews open links; the button does.
 */
import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Ack, verifyAck } from '../../core/respond/ack.ts'
import type { IncidentState } from '../../core/respond/state.ts'
import type { Store } from '../../ports/store.ts'
import type { Desk } from '../desk.ts'
import type { Allowance } from '../guard.ts'
import { html } from '../html.ts'
import { type IncidentView, viewIncident } from '../incident-view.ts'
import type { Screen } from '../layout.ts'
import { clockTime } from '../moment.ts'
import { button, warningText } from '../parts.ts'
import { toneTag } from '../words.ts'
import { notFoundScreen, problemScreen, startingScreen, tooManyScreen } from './problem.ts'

interface Desks {
  readonly desk: Desk
  send(reply: FastifyReply, screen: Screen): FastifyReply
  readonly tries: Allowance
}

export function addAckPages(app: FastifyInstance, { desk, send, tries }: Desks): void {
  const path = '/ack/:token'
  app.get<{ Params: { token: string } }>(path, async (request, reply) => {
    if (!tries.take(request.ip, desk.options.clock.now())) return send(reply, tooManyScreen())
    const found = await find(desk, request.params.token)
    if ('status' in found) return send(reply, found)
    return send(reply, askScreen(request.params.token, found))
  })
  app.post<{ Params: { token: string } }>(path, async (request, reply) => {
    if (!tries.take(request.ip, desk.options.clock.now())) return send(reply, tooManyScreen())
    const { token } = request.params
    const found = await find(desk, token)
    if ('status' in found) return send(reply, found)
    if (found.used) return send(reply, askScreen(token, found))
    const { store, ack } = found
    await store.post({
      to: ack.incident,
      // One page, one acknowledgement, however often the button is pressed.
      id: `ack:${createHash('sha256').update(ack.page).digest('hex').slice(0, 32)}`,
      name: 'ack',
      who: ack.role,
      payload: { page: ack.page },
    })
    return send(reply, doneScreen(found))
  })
}

interface Found {
  readonly store: Store
  readonly ack: Ack
  readonly view: IncidentView
  readonly used: boolean
}

async function find(desk: Desk, token: string): Promise<Found | (Screen & { readonly status: number })> {
  const store = desk.store()
  if (!store || !desk.options.ackSecret) return { ...startingScreen(), status: 503 }
  const ack = verifyAck(await desk.options.ackSecret(), token, desk.options.clock.now())
  if ('refused' in ack) return { ...problemScreen(410, 'This link does not work', ack.refused), status: 410 }
  const row = await store.read(ack.incident)
  if (row?.kind !== 'incident') return { ...notFoundScreen(), status: 404 }
  const state = row.state as unknown as IncidentState
  const view = viewIncident(state, desk.options.clock.now())
  return { store, ack, view, used: state.usedAcks.includes(ack.page) || state.phase === 'closed' }
}

function askScreen(token: string, { view, ack, used }: Found): Screen {
  return {
    title: used ? 'Already answered' : `${view.severity}: ${view.says}`,
    section: null,
    body: [
      html`<span class="govuk-caption-l">${view.severity} incident, ${view.serviceName}</span>
<h1 class="govuk-heading-l">${view.says}</h1>
<div class="hf-first hf-first--${view.tone}">
<p class="hf-first__state">${toneTag(view.word, view.tone)} <span>since ${clockTime(view.since)}</span></p>
<p class="hf-first__citizens">${view.citizens}</p>
<p class="govuk-body-l hf-first__next">${view.next}</p>
</div>
${view.manualStep ? warningText(html`Do this now: ${view.manualStep}`) : null}
${
  used
    ? html`<p class="govuk-body">This link has been used. To do more, sign in.</p>`
    : html`<form method="post" action="/ack/${token}" class="hf-ask">${button({ text: view.holder ? `Take over from ${view.holder}` : 'I have it', classes: 'hf-big' })}
<p class="govuk-body-s">${view.holder ? `${view.holder} has it already.` : 'Paging stops.'} The log will say that the ${ack.role} has it.</p></form>`
}`,
    ],
  }
}

function doneScreen({ view, ack }: Found): Screen {
  return {
    title: 'You have it',
    section: null,
    body: [
      html`<div class="govuk-panel govuk-panel--confirmation">
<h1 class="govuk-panel__title">You have it</h1>
<div class="govuk-panel__body">Nobody else is paged. The log says that the ${ack.role} has it.</div>
</div>
<p class="govuk-body">${view.says}</p>
${view.manualStep ? warningText(html`Do this now: ${view.manualStep}`) : null}
<h2 class="govuk-heading-m">What to do next</h2>
<p class="govuk-body">Follow the runbook on <a class="govuk-link" href="/incidents/${encodeURIComponent(view.id)}">the incident’s page</a> (you need to sign in), or on the command line:</p>
<div class="govuk-inset-text"><code>holdfast respond runbook next ${view.id}</code></div>`,
    ],
  }
}
