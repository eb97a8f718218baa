/** An incident under a running engine: pages go out by real routes, an answer stops them, approved words reach the status page. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { memoryNotifier } from '../src/adapters/memory/notifier.ts'
import { memoryStore } from '../src/adapters/memory/store.ts'
import { statusPage } from '../src/adapters/statuspage/publisher.ts'
import { webhookNotifier } from '../src/adapters/webhook/notifier.ts'
import { verifyAck } from '../src/core/respond/ack.ts'
import { type IncidentDetails, openIncident } from '../src/core/respond/incident.ts'
import type { IncidentState } from '../src/core/respond/state.ts'
import { type Engine, startEngine } from '../src/engine/engine.ts'
import { incidentKind, incidentPerformers } from '../src/engine/incidents.ts'
import { sharedSecret } from '../src/engine/secrets.ts'
import type { World } from '../src/engine/world.ts'
import { openReceiver, type Receiver } from '../src/testing/receiver.ts'
import { removeFolder } from './folder.ts'

const SECRET = 'a secret of this test'
const store = memoryStore({ now: Date.now })
const email = memoryNotifier('email')
const secret = sharedSecret(store, 'ack')
let receiver: Receiver
let engine: Engine
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-respond-'))
  receiver = await openReceiver(SECRET)
  const webhook = webhookNotifier({ targets: { pager: { url: receiver.webhookUrl('pager'), secret: SECRET } } })
  // An incident needs nothing of the world but its notifiers.
  const world = { service: 'heating-payment', notifiers: { webhook, email } } as unknown as World
  engine = startEngine({
    store,
    owner: 'engine-of-the-test',
    registry: {
      kinds: { incident: incidentKind },
      performers: incidentPerformers({
        store,
        worlds: (name) => (name === world.service ? world : undefined),
        secret,
        base: () => 'https://holdfast.example.org/',
        publisher: statusPage(folder),
      }),
    },
  })
})
after(async () => {
  await engine.stop()
  await receiver.close()
  removeFolder(folder)
})

async function open(id: string, changed: Partial<IncidentDetails> = {}): Promise<void> {
  const now = await store.now()
  const details: IncidentDetails = {
    id,
    service: 'heating-payment',
    openedBy: 'dep-1',
    trigger: { kind: 'deployment', id: 'dep-1' },
    severity: 'P2',
    severityRule: 'The floor of the journey.',
    faultStartedAt: now - 20_000,
    detectedAt: now,
    harmed: 3,
    says: 'Citizens cannot submit their application.',
    runbook: 'submissions-fail',
    ladder: [{ role: 'on call', route: 'webhook', to: 'pager', afterMs: 3_600_000 }],
    fallback: { role: 'manager', route: 'email', to: 'manager@example.org', afterMs: 3_600_000 },
    comms: {
      audiences: [{ id: 'citizens', channel: 'status-page' }],
      facts: {
        serviceName: 'Apply for a cold weather heating payment',
        cannot: 'submit your application',
        who: 'people applying online',
        instead: 'Call 0808 157 0114.',
        answers: 'We keep the answers you have given for 60 minutes.',
      },
    },
    ongoing: true,
    ...changed,
  }
  await store.create('heating-payment', openIncident(details, now), [])
}

/** The incident as soon as it is as wanted. */
async function until(id: string, holds: (state: IncidentState) => boolean): Promise<IncidentState> {
  for (;;) {
    const state = (await store.read(id))?.state as unknown as IncidentState
    if (holds(state)) return state
    await store.wait(50)
  }
}

test('the page arrives with a link that takes the incident, once, and then nobody else is woken', async () => {
  await open('inc-a')
  await until('inc-a', ({ pages }) => pages[0]?.status === 'accepted')
  const page = receiver.arrived.find(({ id }) => id.startsWith('inc-a'))!
  assert.match(page.text, /^Citizens cannot submit their application\./)
  assert.match(page.text, /holdfast respond runbook next inc-a/)
  assert.match(page.ackUrl!, /^https:\/\/holdfast\.example\.org\/ack\//)
  const ack = verifyAck(await secret(), page.ackUrl!.split('/ack/')[1]!, await store.now())
  assert.ok(!('refused' in ack))
  assert.equal(ack.incident, 'inc-a')
  const answer = (id: string) =>
    store.post({ to: ack.incident, id, name: 'ack', who: ack.role, payload: { page: ack.page } })
  await answer('first')
  await answer('second')
  const state = await until('inc-a', ({ timeline }) => timeline.some(({ kind }) => kind === 'incident.request-refused'))
  assert.equal(state.paging.phase, 'held')
  assert.deepEqual(state.usedAcks, [page.id])
})

test('a route that refuses is left for the next one at once', async () => {
  receiver.mood('refuses')
  await open('inc-b')
  const state = await until('inc-b', ({ pages }) => pages.some(({ status }) => status === 'accepted'))
  receiver.mood('works')
  assert.deepEqual(
    state.pages.map(({ route, status }) => `${route} ${status}`),
    ['webhook failed', 'email accepted'],
  )
  assert.ok(email.arrived.some(({ id }) => id === 'inc-b.page.2'))
})

test('an answer that is there before the page is sent keeps it from being sent', async () => {
  await open('inc-c')
  await store.post({ to: 'inc-c', id: 'in-time', name: 'ack', who: 'asha', payload: {} })
  const state = await until(
    'inc-c',
    ({ paging, pages }) => paging.phase === 'held' && pages.every(({ status }) => status !== 'due'),
  )
  const sent = receiver.arrived.filter(({ id }) => id.startsWith('inc-c')).length
  const accepted = state.pages.filter(({ status }) => status === 'accepted').length
  // Either it went out before the answer was taken, or it never does; the state and the receiver agree.
  assert.equal(sent, accepted)
})

test('words stand on the status page after a person approved them, not before', async () => {
  const page = join(folder, 'heating-payment', 'index.html')
  await open('inc-d')
  const drafted = await until('inc-d', ({ comms }) => comms.drafts.length > 0)
  const [draft] = drafted.comms.drafts
  await assert.rejects(readFile(page, 'utf8'), /ENOENT/)
  const payload = { draft: draft!.id, version: draft!.version }
  await store.post({ to: 'inc-d', id: 'approve', name: 'comms-approve', who: 'carys', payload })
  await until('inc-d', ({ comms }) => comms.drafts[0]?.status === 'published')
  const html = await readFile(page, 'utf8')
  assert.match(html, /You may not be able to submit your application/)
  assert.match(html, /Call 0808 157 0114/)
})
