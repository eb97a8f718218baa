/** Keeps the watch over a service alive and its plan fresh: whoever is on duty changes, and so does the definition. */
import { randomUUID } from 'node:crypto'
import { messageOf } from '../core/errors.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import { MINUTE } from '../core/time.ts'
import { watchPlanOf } from '../core/watch/plan.ts'
import { newWatch, type WatchState, watchId } from '../core/watch/watching.ts'
import type { Store } from '../ports/store.ts'
import { readService } from './station.ts'

/** A handover of the rota is known to the next page after this long at most. */
const FRESH_MS = 5 * MINUTE

export interface Keeper {
  stop(): Promise<void>
}

/** Begins the watch where there is none. Fails only when the definition cannot be read now, or the store is away. */
export async function keepWatch(
  store: Store,
  serviceFile: string,
  remark: (says: string) => void,
  everyMs = FRESH_MS,
): Promise<Keeper> {
  await refresh(store, serviceFile)
  let under = Promise.resolve()
  let told = ''
  const timer = setInterval(() => {
    under = refresh(store, serviceFile).then(
      () => {
        told = ''
      },
      (thrown) => {
        const says = `The watch goes on with the plan it has: ${messageOf(thrown)}`
        if (says !== told) remark(says)
        told = says
      },
    )
  }, everyMs)
  return {
    stop() {
      clearInterval(timer)
      return under
    },
  }
}

async function refresh(store: Store, serviceFile: string): Promise<void> {
  const now = await store.now()
  const plan = watchPlanOf(readService(serviceFile), now)
  const created = await store.create(plan.service, newWatch(plan, now), [])
  if (created === 'created') return
  const row = await store.read(watchId(plan.service))
  const known = row ? (row.state as unknown as WatchState).plan : null
  // The database keeps keys in an order of its own.
  if (canonicalJson(known) === canonicalJson(plan)) return
  const payload = plan as unknown as Json
  await store.post({ to: watchId(plan.service), id: `plan:${randomUUID()}`, name: 'plan', who: 'holdfast', payload })
}
