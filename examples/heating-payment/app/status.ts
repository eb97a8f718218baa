/** The journey "status": anybody with the reference number sees how far an application is, and nobody's name. */
import type { FastifyInstance } from 'fastify'
import { readStatus, type Status } from './applications.ts'
import { page } from './page.ts'
import type { Service } from './service.ts'
import { decisionOf, momentOf, nextOf, tagOf } from './words.ts'

const REFERENCE = /^HP-[2-9A-Z]{4}-[2-9A-Z]{4}$/

/** "hp 7k3m9qxd" is "HP-7K3M-9QXD"; undefined for what cannot be a reference. */
export function tidyReference(typed: string): string | undefined {
  const packed = typed.toUpperCase().replace(/[^A-Z0-9]/g, '')
  const reference = `${packed.slice(0, 2)}-${packed.slice(2, 6)}-${packed.slice(6)}`
  return REFERENCE.test(reference) ? reference : undefined
}

export function statusRoutes(app: FastifyInstance, service: Service): void {
  app.get<{ Querystring: { reference?: unknown } }>('/status', (request, reply) => {
    const { reference } = request.query
    if (reference === undefined) return page(reply, 200, 'status-find', { section: 'status' })
    const typed = String(reference).slice(0, 100)
    const tidy = tidyReference(typed)
    if (tidy) return reply.redirect(`/status/${tidy}`, 303)
    const mistake = 'Enter a reference number like HP-7K3M-9QXD'
    return page(reply, 422, 'status-find', { section: 'status', typed, mistake })
  })
  app.get<{ Params: { reference: string } }>('/status/:reference', async (request, reply) => {
    const tidy = tidyReference(request.params.reference)
    const status = tidy ? await readStatus(service.pool, tidy) : undefined
    if (!status) {
      return page(reply, 404, 'problem', {
        title: 'We cannot find this application',
        lines: [
          'Check the reference number. It starts with HP and has 8 more letters and numbers.',
          'Your application may be under another number if you applied more than once.',
        ],
      })
    }
    return page(reply, 200, 'status', {
      title: 'Your application',
      section: 'status',
      status,
      received: momentOf(status.receivedAt),
      tag: tagOf(status),
      letter: letterSays(status),
      decision: decisionOf(status),
      next: nextOf(status),
    })
  })
}

function letterSays(status: Status): string {
  return status.printJob ? `Sent (print number ${status.printJob})` : 'Waiting to be printed'
}
