import type { FastifyReply, FastifyRequest } from 'fastify'
import { newSession } from './drafts.ts'
import type { Service } from './service.ts'

const COOKIE = 'heating_session'

/** The session of the request; undefined when it has none, or one that we did not sign. */
export function sessionOf(request: FastifyRequest): string | undefined {
  const raw = request.cookies[COOKIE]
  if (!raw) return undefined
  const { valid, value } = request.unsignCookie(raw)
  return valid && value ? value : undefined
}

/** The session of the request, or a new one whose cookie goes out with the answer. */
export function openSession(service: Service, request: FastifyRequest, reply: FastifyReply): string {
  const known = sessionOf(request)
  if (known) return known
  const session = newSession()
  reply.setCookie(COOKIE, session, {
    signed: true,
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    secure: service.secureCookies,
  })
  return session
}

export function forgetSession(reply: FastifyReply): void {
  reply.clearCookie(COOKIE, { path: '/' })
}
