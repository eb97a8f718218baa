/** Forms that ask something of a machine: checked here, decided there. */
import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Action, DEPLOYMENT_ACTIONS, INCIDENT_ACTIONS } from './actions.ts'
import type { Look, PageOf } from './desk.ts'
import type { Screen } from './layout.ts'
import { deploymentPage } from './pages/deployment.ts'
import { incidentPage } from './pages/incident.ts'
import { notFoundScreen, problemScreen } from './pages/problem.ts'
import { may } from './person.ts'
import type { Session } from './session.ts'

interface Desks {
  enter(request: FastifyRequest, reply: FastifyReply): Promise<Look | null>
  send(reply: FastifyReply, screen: Screen, look: Look): FastifyReply
  fieldsOf(body: unknown): Readonly<Record<string, string>>
}

const FORMS: readonly {
  readonly kind: string
  readonly path: string
  readonly actions: readonly Action[]
  readonly page: PageOf
}[] = [
  { kind: 'deployment', path: '/deployments', actions: DEPLOYMENT_ACTIONS, page: deploymentPage },
  { kind: 'incident', path: '/incidents', actions: INCIDENT_ACTIONS, page: incidentPage },
]

export function addForms(app: FastifyInstance, desks: Desks): void {
  for (const { kind, path, actions, page } of FORMS) {
    app.post<{ Params: { id: string; action: string } }>(`${path}/:id/:action`, async (request, reply) => {
      const look = await desks.enter(request, reply)
      if (!look) return reply
      const fields = desks.fieldsOf(request.body)
      if (!look.desk.sessions.csrfMatches(look.person, fields.csrf)) {
        const words = 'Nothing was changed. Load the page again and repeat what you wanted to do.'
        return desks.send(reply, problemScreen(403, 'This form is out of date', words), look)
      }
      const { id } = request.params
      const action = actions.find(({ name }) => name === request.params.action)
      const machine = action && (await look.store.read(id))
      if (!action || machine?.kind !== kind) return desks.send(reply, notFoundScreen(), look)
      if (!may(look.person, action.roles)) {
        const words = `Nothing was changed. This needs one of these roles: ${action.roles.join(', ')}.`
        return desks.send(reply, problemScreen(403, 'You cannot do this', words), look)
      }
      const read = action.read(fields)
      if ('says' in read) {
        const problem = { action: action.name, ...read, values: fields }
        const screen = await page(look, { params: { id }, query: {}, problem })
        return desks.send(reply, { ...(screen ?? notFoundScreen()), status: 422 }, look)
      }
      const posted = await look.store.post({
        to: id,
        id: messageId(look.person, id, action.name, fields),
        name: action.name,
        who: look.person.who,
        payload: read.payload,
      })
      const asked = posted === 'done' ? 'over' : posted === 'no-such-machine' ? 'gone' : action.name
      return reply.redirect(`${path}/${encodeURIComponent(id)}?asked=${asked}`, 303)
    })
  }
}

/**
 * The same form sent twice (a double click, a page loaded again) is one message. `turn` is a number in the form that rises with the
 * machine's history, so that the same request later on is a new one.
 */
function messageId(
  session: Session,
  machine: string,
  action: string,
  fields: Readonly<Record<string, string>>,
): string {
  const { turn = '', step = '', draft = '', version = '', plan = '' } = fields
  const parts = JSON.stringify([session.key, machine, action, turn, step, draft, version, fields.text ?? '', plan])
  return `console:${createHash('sha256').update(parts).digest('hex').slice(0, 32)}`
}
