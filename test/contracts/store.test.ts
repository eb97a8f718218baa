import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'node:test'
import { memoryStore } from '../../src/adapters/memory/store.ts'
import { findBinaries } from '../../src/adapters/postgres/binaries.ts'
import { startEmbedded } from '../../src/adapters/postgres/embedded.ts'
import { serverUser } from '../../src/adapters/postgres/owner.ts'
import { openStore } from '../../src/adapters/postgres/store.ts'
import { storeContract } from '../../src/testing/contracts/store.ts'
import { removeFolder } from '../folder.ts'
import { run, skipWithoutDebian, startExternal } from '../postgres-server.ts'

storeContract('memory', async () => {
  let now = Date.parse('2026-11-23T06:00:00Z')
  const store = memoryStore({ now: () => now })
  return {
    store: async () => store,
    advance(ms) {
      now += ms
    },
    close: async () => {},
  }
})

storeContract('embedded PostgreSQL, the programs of npm', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-contract-'))
  const server = await startEmbedded({ folder, binaries: await findBinaries(18, serverUser(), folder) })
  return {
    store: () => openStore(server.urls.holdfast!),
    async close() {
      await server.stop()
      removeFolder(folder)
    },
  }
})

describe('with the server of DATABASE_URL', { skip: skipWithoutDebian }, () => {
  if (skipWithoutDebian) return
  storeContract('external PostgreSQL over TCP', async () => {
    const server = await startExternal()
    return { store: () => openStore(server.url), close: () => server.close() }
  })

  storeContract('external PostgreSQL, its clock in our hands', async () => {
    const server = await startExternal()
    await (await openStore(server.url)).close()
    // The store takes its time from this one function; nothing else in it knows a clock.
    await run(
      server.url,
      `create table clock as select 0::bigint as ahead;
       create or replace function holdfast.now_ms() returns bigint language sql volatile as
         $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint + (select ahead from public.clock) $$`,
    )
    return {
      store: () => openStore(server.url),
      async advance(ms) {
        await run(server.url, `update clock set ahead = ahead + ${ms}`)
      },
      close: () => server.close(),
    }
  })
})
