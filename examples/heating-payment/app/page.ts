import type { FastifyReply } from 'fastify'
import { render } from './views.ts'

/** Sends a page. */
export function page(
  reply: FastifyReply,
  status: number,
  view: string,
  context: Readonly<Record<string, unknown>>,
): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').send(render(view, context))
}
