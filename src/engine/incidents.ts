/** Joins the incident machine to the ports: pages go out through notifiers, approved words through the publisher. */
import type { Json } from '../core/json.ts'
import { incident } from '../core/respond/incident.ts'
import { messageOf, orderIn } from '../core/respond/page.ts'
import { wanted } from '../core/respond/paging.ts'
import type { IncidentState } from '../core/respond/state.ts'
import type { Publication, Publisher } from '../ports/publisher.ts'
import type { Store } from '../ports/store.ts'
import { isUnreachable } from '../ports/unreachable.ts'
import type { Kind, Performer } from './registry.ts'
import type { Worlds } from './world.ts'

export const incidentKind: Kind = { machine: incident, observe: async () => null }

export interface IncidentLinks {
  readonly store: Store
  readonly worlds: Worlds
  /** Signs acknowledgement links. */
  readonly secret: () => Promise<Uint8Array>
  /** Where people reach the console, without a slash at the end. */
  readonly base: () => string
  readonly publisher: Publisher
}

export function incidentPerformers({
  store,
  worlds,
  secret,
  base,
  publisher,
}: IncidentLinks): Readonly<Record<string, Performer>> {
  return {
    'page.send': async (payload, { attempts, claim }) => {
      const order = orderIn(payload)
      // A page decided before a crash, or in the same turn as the acknowledgement, may still lie in the outbox.
      const row = await store.read(claim.machine)
      if (row && !wanted(row.state as unknown as IncidentState, order.page)) {
        return { sent: 'suppressed', why: 'somebody had already answered' }
      }
      const notifier = worlds(String(order.data.service))?.notifiers[order.route]
      if (!notifier) return { sent: 'failed', why: `no ${order.route} route is set up here` }
      const now = await store.now()
      const sent = await notifier.send(messageOf(order, { secret: await secret(), base: base(), now, attempts }))
      return isUnreachable(sent) ? { sent: 'failed', why: sent.why } : { ...sent }
    },
    'comms.publish': async (payload, { key }): Promise<Json> => {
      const words = { ...(payload as unknown as Omit<Publication, 'id'>), id: key }
      const published = await publisher.publish(words)
      if (isUnreachable(published)) return { why: published.why }
      return 'published' in published ? { published: published.published } : { why: published.failed }
    },
  }
}
