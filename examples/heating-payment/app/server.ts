/**
 * The service: a form in three pages, a check page, a submission, a confirmation and a status page. No page needs JavaScript.
 * All state is in PostgreSQL, so any replica of any release can answer the next request of a session.
 */
import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { applyRoutes } from './apply.ts'
import { healthRoutes } from './health.ts'
import { page } from './page.ts'
import type { Service } from './service.ts'
import { statusRoutes } from './status.ts'
import { CSS } from './views.ts'

/** No form of ours is larger, in bytes. */
const BODY_MAX = 16_384

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'x-frame-options': 'DENY',
}

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" fill="#1d4d4f"/><path d="M16 5 4 15h3v11h18V15h3z" fill="#fff"/></svg>'

export async function serverOf(service: Service): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_MAX,
    // Longer than any balancer's idle time, so that it is never us who closes a connection that is just being used again.
    keepAliveTimeout: 75_000,
    requestTimeout: 30_000,
    // A request that comes in while we stop is still a citizen's.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  })
  await app.register(cookie, { secret: service.secret })
  await app.register(formbody, { bodyLimit: BODY_MAX })
  app.addHook('onRequest', async (_, reply) => {
    reply.headers({ ...HEADERS, 'cache-control': 'no-store', 'x-release': service.release.name })
  })
  app.setErrorHandler((error: FastifyError, request, reply) => problem(service, error, request, reply))
  app.setNotFoundHandler((_, reply) =>
    page(reply, 404, 'problem', {
      title: 'Page not found',
      lines: ['If you typed the web address, check it is correct.'],
    }),
  )
  app.get('/', (_, reply) => page(reply, 200, 'start', START))
  app.get('/assets/service.css', (_, reply) =>
    reply.header('cache-control', 'public, max-age=31536000, immutable').type('text/css; charset=utf-8').send(CSS),
  )
  app.get('/assets/icon.svg', (_, reply) =>
    reply.header('cache-control', 'public, max-age=86400').type('image/svg+xml').send(ICON),
  )
  app.get('/robots.txt', (_, reply) =>
    reply.type('text/plain').send('User-agent: *\nDisallow: /apply\nDisallow: /status\n'),
  )
  healthRoutes(app, service)
  applyRoutes(app, service)
  statusRoutes(app, service)
  return app
}

const START = { title: 'Apply for a cold weather heating payment', payment: '£25', ageMin: 16 }

/** Our fault is a 500 and a line in the log; a request that cannot be read is the sender's. Neither says more to the citizen. */
function problem(service: Service, error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error.statusCode && error.statusCode >= 400 && error.statusCode < 500 ? error.statusCode : 500
  if (status === 500) {
    const route = request.routeOptions.url ?? 'unknown'
    service.log('error', { route, method: request.method, error: error.message, stack: error.stack })
    return page(reply, 500, 'problem', {
      title: 'Sorry, there is a problem with the service',
      lines: ['Try again later.', 'We saved your answers. They will be available for 60 minutes.'],
    })
  }
  return page(reply, status, 'problem', {
    title: 'Sorry, we could not read what was sent',
    lines: ['Go back and try again.'],
  })
}
