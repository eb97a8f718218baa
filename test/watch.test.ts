/** A release that fails without any deployment under way: seen by the watch, paged, and seen to be over. Everything real. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IncidentState } from '../src/core/respond/state.ts'
import type { WatchPlan } from '../src/core/watch/plan.ts'
import { statusOf } from '../src/core/watch/status.ts'
import { newWatch, type WatchState, watchId } from '../src/core/watch/watching.ts'
import type { Store } from '../src/ports/store.ts'
import { openScene } from './kill/scene.ts'

const numbers = {
  journey: 'apply',
  b0: 0.005,
  perDay: 5_000,
  falsePagesPerMonth: 4,
  harmMax: 5,
  severityFloor: 'P2',
} as const
const plan: WatchPlan = {
  service: 'svc',
  serviceName: 'Small service',
  timezone: 'Europe/London',
  contactRate: 0.02,
  responseMs: 35 * 60_000,
  steps: [
    { ...numbers, step: 'start', cannot: 'read the start page' },
    { ...numbers, step: 'submit', cannot: 'submit' },
  ],
  incident: {
    ladder: [],
    fallback: { role: 'on call', route: 'webhook', to: 'pager', afterMs: 60_000 },
    severity: 'P2',
    severityRule: 'P2 by the test.',
    steps: { 'apply/submit': { cannot: 'submit', runbook: 'submissions-fail', slowRunbook: null } },
    comms: {
      audiences: [],
      facts: { serviceName: 'Small service', cannot: 'apply', who: 'people', instead: null, answers: null },
    },
  },
}

test('a running release that fails pages somebody, and a good one that replaces it ends the harm', async () => {
  const scene = await openScene()
  try {
    const store = await scene.store()
    scene.engine()
    // Nobody runs before it, so there is no trial that could have caught it.
    const bad = await scene.deploy(store, 'r1', { bad: true })
    await scene.until(store, bad, ({ phase }) => phase.name === 'promoted')
    await store.create('svc', newWatch(plan, await store.now()), [])
    await until(store, ({ cursor }) => cursor !== null)
    scene.citizens(60)
    const paged = await until(store, ({ open }) => open !== null)
    const { id } = paged.open!
    assert.equal(id, 'inc-watch-apply-submit-1')
    assert.match(statusOf(paged, await store.now()).says, /^Since .+ citizens? of \d+ could not submit\./)
    const incident = async () => (await store.read(id))?.state as unknown as IncidentState | undefined
    for (;;) {
      if ((await incident())?.times.paged) break
      await store.wait(50)
    }
    const opened = (await incident())!
    assert.equal(opened.trigger.kind, 'slo')
    assert.equal(opened.runbook?.id, 'submissions-fail')
    assert.ok(opened.harmed >= 1)

    const good = await scene.deploy(store, 'r2')
    await scene.until(store, good, ({ phase }) => phase.name === 'promoted')
    await until(store, ({ open }) => open === null)
    for (;;) {
      if ((await incident())?.phase === 'stable') break
      await store.wait(50)
    }
    const kinds = (await store.log(0, 1_000, { subject: watchId('svc') })).map(({ kind }) => kind)
    assert.deepEqual(kinds, ['watch.paged', 'watch.cleared'])
  } finally {
    await scene.close()
  }
})

async function until(store: Store, holds: (state: WatchState) => boolean): Promise<WatchState> {
  for (;;) {
    const row = await store.read(watchId('svc'))
    const state = row?.state as unknown as WatchState | undefined
    if (state && holds(state)) return state
    await store.wait(50)
  }
}
