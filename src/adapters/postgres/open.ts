/** Holdfast's own store, wherever it is: the server of DATABASE_URL, else a PostgreSQL of our own in the state folder. */
import { join } from 'node:path'
import type { Store } from '../../ports/store.ts'
import { startEmbedded } from './embedded.ts'
import { nameOf } from './connection.ts'
import { openStore } from './store.ts'

export interface HoldfastStore {
  /** Its `close` also stops the embedded server, when we started it and nobody else uses it. */
  readonly store: Store
  /** For a person: which database this is. Never a password. */
  readonly place: string
  readonly kind: 'embedded' | 'server'
  /** The embedded server was already running. */
  readonly adopted: boolean
}

/** Throws OpsError as openStore and startEmbedded do. An embedded server that dies while we run is started again. */
export async function openHoldfastStore(given: {
  readonly state: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log?: (line: string) => void
}): Promise<HoldfastStore> {
  const url = given.env.DATABASE_URL
  if (url) return { store: await openStore(url), place: nameOf(url), kind: 'server', adopted: false }
  const wish = {
    folder: join(given.state, 'postgres'),
    databases: ['holdfast'],
    ...(given.log ? { log: given.log } : {}),
  }
  const first = await startEmbedded(wish)
  let server = first
  let reviving: Promise<void> | null = null
  const revive = async () => {
    reviving ??= startEmbedded(wish)
      .then((again) => {
        // Adopting the server that we ourselves started changes nothing about who stops it.
        if (again.pid !== server.pid) server = again
      })
      .finally(() => {
        reviving = null
      })
    await reviving
  }
  const store = await openStore(first.urls.holdfast!, { revive }).catch(async (thrown) => {
    await server.stop()
    throw thrown
  })
  return {
    store: {
      ...store,
      async close() {
        await store.close()
        await server.stop()
      },
    },
    place: `PostgreSQL ${first.major} in ${first.data}`,
    kind: 'embedded',
    adopted: first.adopted,
  }
}
