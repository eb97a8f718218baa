/** Responding and proving as a person types it, on a real store that no engine is running on. */
import assert from 'node:assert/strict'
import { appendFile, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type HoldfastStore, openHoldfastStore } from '../src/adapters/postgres/open.ts'
import { main } from '../src/cli/main.ts'
import { openIncident } from '../src/core/respond/incident.ts'
import { DEPLOYMENT, takenBackLog } from '../src/testing/deployment-log.ts'
import { removeFolder } from './folder.ts'

const SERVICE = fileURLToPath(new URL('../examples/heating-payment/service.yaml', import.meta.url))
let state: string
// Keeps the database up between commands: each of them adopts it.
let holder: HoldfastStore

before(async () => {
  state = await mkdtemp(join(tmpdir(), 'holdfast-cli-'))
  holder = await openHoldfastStore({ state, env: {} })
  const { store } = holder
  const now = await store.now()
  for (const entry of takenBackLog(now)) await store.record('heating-payment', [entry])
  const rung = { role: 'primary on call', route: 'webhook', to: 'pager', afterMs: 300_000 }
  const spawn = openIncident(
    {
      id: 'inc-1',
      service: 'heating-payment',
      openedBy: 'dep-1',
      trigger: { kind: 'deployment', id: 'dep-1' },
      severity: 'P2',
      severityRule: 'The journey has this floor.',
      faultStartedAt: now - 20_000,
      detectedAt: now,
      harmed: 3,
      says: 'Citizens cannot submit their application.',
      runbook: 'submissions-fail',
      ladder: [rung],
      fallback: rung,
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
    },
    now,
  )
  await store.create('heating-payment', spawn, [])
})
after(async () => {
  await holder.store.close()
  removeFolder(state)
})

async function type(
  line: string,
  at = state,
): Promise<{ exit: number; out: string; json: () => Record<string, unknown> }> {
  const words: string[] = []
  const remarks: string[] = []
  const argv = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
  const exit = await main([...argv, '--state', at, '--service', SERVICE], {
    out: (text) => words.push(text),
    progress: (text) => remarks.push(text),
    env: { USER: 'asha' },
    cwd: state,
    live: false,
    stop: new AbortController().signal,
  })
  return { exit, out: [...words, ...remarks].join('\n'), json: () => JSON.parse(words.join('\n')) }
}

test('a review is drafted from the log, and never written over what people wrote', async () => {
  const { exit, json } = await type('respond review --json')
  assert.equal(exit, 0)
  assert.match(json().text as string, /^# Review of inc-1, an incident of /)
  const out = join(state, 'review.md')
  assert.equal((await type(`respond review inc-1 --out ${out}`)).exit, 0)
  assert.equal((await type(`respond review inc-1 --out ${out}`)).exit, 2, 'the file is there already')
  assert.equal((await type('respond review inc-9')).exit, 1)
})

test('whoever is woken takes the incident and follows the runbook', async () => {
  const listed = await type('respond list')
  assert.match(listed.out, /P2 active\s+inc-1\n\s+Citizens cannot submit their application, since /)
  const taken = await type('respond ack')
  assert.equal(taken.exit, 0)
  assert.match(taken.out, /asha took the incident/)
  assert.match(taken.out, /Step 1 of 4: See which release fails/)
  const step = await type('respond runbook step which-release --result failed --saw "no release named"')
  assert.match(step.out, /Step 3 of 4: Ask the service about its database/)
  assert.match((await type('respond runbook next --json')).out, /"id":"ask-database"/)
  const skipped = await type('respond runbook step ask-database --result skipped')
  assert.equal(skipped.exit, 1)
  assert.match(skipped.out, /needs a reason/)
  assert.equal((await type('respond runbook step ask-database --result maybe')).exit, 2)
})

test('words are read, then approved, by the version that was read', async () => {
  assert.match((await type('respond comms draft')).out, /citizens-investigating \(version 1, by holdfast\)/)
  assert.equal((await type('respond comms approve citizens-investigating')).exit, 2)
  const stale = await type('respond comms approve citizens-investigating --read 7')
  assert.equal(stale.exit, 1)
  assert.match(stale.out, /version 1 is to be read/)
  const bad = await type('respond comms draft --edit citizens-investigating --text "The server is down."')
  assert.match(bad.out, /MUST change/)
  const refused = await type('respond comms approve citizens-investigating --read 2')
  assert.equal(refused.exit, 1)
  const closing = await type('respond close')
  assert.equal(closing.exit, 1)
  assert.match(closing.out, /resolve it first/)
})

test('one that is resolved can be closed, and then takes no more', async () => {
  assert.equal((await type('respond mitigated --because "the old release serves"')).exit, 0)
  assert.equal((await type('respond resolve --because "the cause is gone"')).exit, 0)
  const closed = await type('respond close --json')
  assert.equal(closed.json().phase, 'closed')
  const late = await type('respond ack inc-1')
  assert.equal(late.exit, 1)
  assert.match(late.out, /takes no more requests/)
  assert.match((await type('respond list')).out, /No incident is open/)
})

test('a person can declare what no machine saw, and is told when nobody is being paged', async () => {
  const wrong = await type('respond declare --journey aply --because calls --impact "Citizens cannot submit."')
  assert.equal(wrong.exit, 2)
  assert.match(wrong.out, /--journey apply/)
  const declared = await type(
    'respond declare --journey apply --step submit --harmed 4 --because "calls." --impact "Citizens cannot submit."',
  )
  assert.equal(declared.exit, 0)
  assert.match(declared.out, /P2 active\s+inc-apply-/)
  assert.match(declared.out, /NOBODY IS PAGED YET: no engine is running/)
  assert.match((await type('respond show')).out, /I am declaring an incident because calls\./)
  assert.match((await type('respond runbook next')).out, /^Citizens cannot submit their application/)
})

test('evidence is packed and checked, and a changed pack is not believed', async () => {
  const log = await type(`prove log --about ${DEPLOYMENT} --last 3 --json`)
  assert.equal((log.json().entries as unknown[]).length, 3)
  const packed = await type(`prove pack ${DEPLOYMENT} --out evidence --json`)
  assert.equal(packed.exit, 0)
  const verified = await type('prove verify evidence')
  assert.equal(verified.exit, 0)
  assert.match(verified.out, /^Intact: /)
  assert.doesNotMatch(verified.out, /WARNING/)
  const unpinned = await type('prove verify evidence', join(state, 'another'))
  assert.match(unpinned.out, /WARNING: only the key inside the pack/)
  assert.equal((await type('prove pack dep-nobody')).exit, 1)
  assert.equal((await type('prove verify nowhere')).exit, 2)
  await appendFile(join(state, 'evidence', 'index.html'), ' ')
  const changed = await type('prove verify evidence --json')
  assert.equal(changed.exit, 1)
  assert.match(changed.out, /"file":"index.html"/)
})
