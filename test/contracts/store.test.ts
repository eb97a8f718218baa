import { memoryStore } from '../../src/adapters/memory/store.ts'
import { storeContract } from '../../src/testing/contracts/store.ts'

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
