/** The journey "apply": start, about-you, your-home, bank-details, check-answers, submit, confirmation. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readStatus, spellsIn, submit } from './applications.ts'
import { type Draft, formToken, isFormToken, readDraft, saveAnswers } from './drafts.ts'
import { page } from './page.ts'
import {
  type Answers,
  areaOf,
  datePartsOf,
  type Field,
  isAnswered,
  type Mistake,
  type Page,
  readPage,
} from './questions.ts'
import type { Service } from './service.ts'
import { forgetSession, openSession, sessionOf } from './session.ts'
import { dateOf, decisionOf, nextOf, spellsSay, todayOf } from './words.ts'

const CHECK = '/apply/check-answers'
const CONFIRMATION = '/apply/confirmation'

export function applyRoutes(app: FastifyInstance, service: Service): void {
  for (const form of service.release.pages) {
    app.get(`/apply/${form.step}`, (request, reply) => showForm(service, form, request, reply))
    app.post(`/apply/${form.step}`, (request, reply) => takeForm(service, form, request, reply))
  }
  app.get(CHECK, (request, reply) => showCheck(service, request, reply))
  app.post('/apply/submit', (request, reply) => takeSubmit(service, request, reply))
  // The check page is the form of the submission: whoever comes back to this address sees it.
  app.get('/apply/submit', (request, reply) => showCheck(service, request, reply))
  app.get(CONFIRMATION, (request, reply) => showConfirmation(service, request, reply))
  app.get('/apply/again', (_, reply) => {
    forgetSession(reply)
    return reply.redirect('/', 303)
  })
}

async function showForm(service: Service, form: Page, request: FastifyRequest, reply: FastifyReply) {
  const session = openSession(service, request, reply)
  const draft = await readDraft(service.pool, session)
  if (draft.reference) return reply.redirect(CONFIRMATION, 303)
  return sendForm(service, reply, { status: 200, form, session, answers: draft.answers, mistakes: [] })
}

async function takeForm(service: Service, form: Page, request: FastifyRequest, reply: FastifyReply) {
  const session = senderOf(service, request)
  if (!session) return startAgain(reply)
  const { answers, mistakes } = readPage(form, request.body as Record<string, unknown>, todayOf(service.now()))
  if (mistakes.length > 0) return sendForm(service, reply, { status: 422, form, session, answers, mistakes })
  if (!(await saveAnswers(service.pool, session, answers))) return reply.redirect(CONFIRMATION, 303)
  return reply.redirect(nextOpen(service, await readDraft(service.pool, session)), 303)
}

async function showCheck(service: Service, request: FastifyRequest, reply: FastifyReply) {
  const session = sessionOf(request)
  if (!session) return reply.redirect('/', 303)
  const draft = await readDraft(service.pool, session)
  if (draft.reference) return reply.redirect(CONFIRMATION, 303)
  const open = nextOpen(service, draft)
  if (open !== CHECK) return reply.redirect(open, 303)
  const area = areaOf(String(draft.answers.postcode ?? ''))
  const { pages } = service.release
  return page(reply, 200, 'check-answers', {
    title: 'Check your answers',
    back: `/apply/${pages.at(-1)!.step}`,
    token: formToken(service.secret, session),
    sections: pages.map((form) => ({ title: form.title, rows: rowsOf(form, draft.answers) })),
    spellsSay: spellsSay(area, await spellsIn(service.pool, area)),
  })
}

async function takeSubmit(service: Service, request: FastifyRequest, reply: FastifyReply) {
  const session = senderOf(service, request)
  if (!session) return startAgain(reply)
  const open = nextOpen(service, await readDraft(service.pool, session))
  if (open !== CHECK && open !== CONFIRMATION) return reply.redirect(open, 303)
  const reference = await submit(service.pool, service.release, session, todayOf(service.now()))
  if (!reference) return startAgain(reply)
  await service.release.afterSubmit(service.pool, reference)
  return reply.redirect(CONFIRMATION, 303)
}

async function showConfirmation(service: Service, request: FastifyRequest, reply: FastifyReply) {
  const session = sessionOf(request)
  if (!session) return reply.redirect('/', 303)
  const draft = await readDraft(service.pool, session)
  const status = draft.reference ? await readStatus(service.pool, draft.reference) : undefined
  if (!status) return reply.redirect(nextOpen(service, draft), 303)
  const says = { title: 'Application received', status, decision: decisionOf(status), next: nextOf(status) }
  return page(reply, 200, 'confirmation', says)
}

/** The session, when the form came from a page that we showed in it. */
function senderOf(service: Service, request: FastifyRequest): string | undefined {
  const session = sessionOf(request)
  const body = request.body as { token?: unknown } | undefined
  return session && isFormToken(service.secret, session, body?.token) ? session : undefined
}

function startAgain(reply: FastifyReply) {
  return page(reply, 403, 'problem', {
    title: 'You need to start again',
    lines: [
      'Your session has ended, or your browser does not keep cookies. We need one cookie to keep your answers together.',
    ],
  })
}

/** Where the citizen goes on: the first page that lacks an answer, else the check page. */
function nextOpen(service: Service, draft: Draft): string {
  if (draft.reference) return CONFIRMATION
  const form = service.release.pages.find((candidate) => !isAnswered(candidate, draft.answers))
  return form ? `/apply/${form.step}` : CHECK
}

interface FormSight {
  readonly status: number
  readonly form: Page
  readonly session: string
  readonly answers: Answers
  readonly mistakes: readonly Mistake[]
}

function sendForm(service: Service, reply: FastifyReply, sight: FormSight) {
  const { form, answers, mistakes } = sight
  const index = service.release.pages.indexOf(form)
  return page(reply, sight.status, 'form', {
    page: form,
    back: index === 0 ? '/' : `/apply/${service.release.pages[index - 1]!.step}`,
    token: formToken(service.secret, sight.session),
    mistakes: mistakes.map(({ anchor, says }) => ({ text: says, href: `#${anchor}` })),
    fields: form.fields.map((field) => shownField(field, answers[field.name], mistakes)),
  })
}

function shownField(field: Field, value: string | readonly string[] | undefined, mistakes: readonly Mistake[]) {
  const error = mistakes.find((mistake) => mistake.field === field.name)?.says
  const shown = { ...field, value: value ?? '', ...(error && { error }) }
  if (field.kind === 'date') return { ...shown, parts: datePartsOf(String(value ?? '')) }
  if (field.kind !== 'choices') return shown
  const chosen = [value ?? []].flat() as string[]
  const items = field.choices.flatMap((choice) => [
    ...(choice.alone ? [{ divider: 'or' }] : []),
    {
      value: choice.value,
      text: choice.text,
      checked: chosen.includes(choice.value),
      ...(choice.alone && { behaviour: 'exclusive' }),
    },
  ])
  return { ...shown, items }
}

function rowsOf(form: Page, answers: Answers) {
  return form.fields.map((field) => ({
    key: { text: field.short ?? field.label },
    value: { text: saidOf(field, answers[field.name]) },
    actions: {
      items: [
        {
          href: `/apply/${form.step}#${field.kind === 'date' ? `${field.name}-day` : field.name}`,
          text: 'Change',
          visuallyHiddenText: (field.short ?? field.label).toLowerCase(),
        },
      ],
    },
  }))
}

function saidOf(field: Field, value: string | readonly string[] | undefined): string {
  if (value === undefined || value === '') return 'Not provided'
  if (field.kind === 'date') return dateOf(String(value))
  if (field.kind === 'text') return field.secret ? hiddenOf(String(value)) : String(value)
  const chosen = [value].flat() as string[]
  return field.choices
    .filter((choice) => chosen.includes(choice.value))
    .map((choice) => choice.text)
    .join(', ')
}

/** Somebody may look over the citizen's shoulder: the last three characters are enough to check. */
function hiddenOf(value: string): string {
  return `${'•'.repeat(Math.max(0, value.length - 3))}${value.slice(-3)}`
}
