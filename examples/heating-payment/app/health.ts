import type { FastifyInstance } from 'fastify'
import { missingIn } from './migrations.ts'
import type { Service } from './service.ts'

/**
 * live: the process answers. ready: it can serve a citizen, because the database answers and has this release's schema.
 * The schema is looked at until it is there, and then no more: migrations only go forward.
 */
export function healthRoutes(app: FastifyInstance, service: Service): void {
  let schemaThere = false
  app.get('/health/live', (_, reply) => reply.send({ live: true, release: service.release.name }))
  app.get('/health/ready', async (_, reply) => {
    try {
      if (schemaThere) await service.pool.query('SELECT 1')
      else {
        const missing = await missingIn(service.pool, service.release)
        if (missing.length > 0) return reply.code(503).send({ ready: false, why: `missing: ${missing.join(', ')}` })
        schemaThere = true
      }
      return reply.send({ ready: true, release: service.release.name })
    } catch {
      return reply.code(503).send({ ready: false, why: 'the database does not answer' })
    }
  })
}
