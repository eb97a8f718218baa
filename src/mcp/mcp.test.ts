import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client, InMemoryTransport } from '@modelcontextprotocol/client'
import { memoryStore } from '../adapters/memory/store.ts'
import { DEPLOYMENT, takenBackLog } from '../testing/deployment-log.ts'
import { TEXT_MAX } from './answer.ts'
import { type Desk, insideOf, openDesk } from './desk.ts'
import { mcpServer } from './server.ts'

// Tuesday 1 December 2026, 10:00 in London.
const NOW = Date.UTC(2026, 11, 1, 10)
const example = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}/service.yaml`, import.meta.url)), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'holdfast-desk-'))
const store = memoryStore({ now: () => NOW })
let client: Client
let desk: Desk

before(async () => {
  // Its last calendar without days, as it stands until the day is announced.
  write(
    'service.yaml',
    example('pq-tracker').replace(', mayBeUnknown: true, dates: ["2027-05-13"]', ', mayBeUnknown: true'),
  )
  await store.record('pq-tracker', takenBackLog(NOW - 60_000))
  const serviceFile = join(folder, 'service.yaml')
  const real = openDesk({ serviceFile, state: join(folder, '.holdfast'), env: {}, now: () => NOW })
  desk = { ...real, store: async (use) => ({ known: true, value: await use(store) }) }
  client = new Client({ name: 'test', version: '1' })
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  await mcpServer(desk, '0.0.0').connect(ours as never)
  await client.connect(theirs)
})
after(async () => {
  await client.close()
  rmSync(folder, { recursive: true, force: true })
})

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

interface Answered {
  readonly verdict: string
  readonly says: string
  readonly needs?: string
  // biome-ignore lint/suspicious/noExplicitAny: each tool has fields of its own, and the tests look into them.
  readonly [name: string]: any
}

async function ask(name: string, args: Record<string, unknown> = {}): Promise<Answered & { words: string }> {
  const result = await client.callTool({ name, arguments: args })
  assert.ok(!result.isError, JSON.stringify(result.content))
  const words = (result.content as { text: string }[])[0]!.text
  return { ...(result.structuredContent as unknown as Answered), words }
}

test('nothing outside of the repository is read', async () => {
  for (const path of ['../other', '/etc/passwd', 'a/../../b', '..', 'x\0y'])
    assert.equal(insideOf(folder, path), undefined)
  assert.equal(insideOf(folder, join(folder, 'a/b.yml')), 'a/b.yml', 'an absolute path inside is one inside')
  const answer = await ask('check_deploy_config', { path: '../../etc/passwd' })
  assert.equal(answer.verdict, 'cannot-tell')
  symlinkSync('/etc/passwd', join(folder, 'compose.yml'))
  assert.equal((await ask('check_deploy_config', { path: 'compose.yml' })).files, 0, 'links are not followed')
  rmSync(join(folder, 'compose.yml'))
})

test('a file of which nothing is known is no pass', async () => {
  const answer = await ask('check_deploy_config', { path: 'notes.txt' })
  assert.equal(answer.verdict, 'cannot-tell')
  assert.ok(answer.needs)
  assert.equal(
    (await ask('check_deploy_config', { text: 'x' })).verdict,
    'cannot-tell',
    'rules go by the name of a file',
  )
})

test('many findings are cut, worst first, and the rest is counted', async () => {
  const job = (n: number) =>
    `  deploy${n}:\n    runs-on: ubuntu-latest\n    environment: production\n    steps:\n      - uses: a/b@main\n      - run: kubectl apply -f k8s/\n`
  const text = `on: push\njobs:\n${Array.from({ length: 60 }, (_, n) => job(n)).join('')}`
  const answer = await ask('check_deploy_config', { path: '.github/workflows/all.yml', text })
  assert.equal(answer.verdict, 'no')
  assert.equal(answer.findings.length, 20)
  assert.ok(answer.leftOff > 20)
  assert.equal(answer.findings[0].severity, 'error')
  assert.ok(answer.words.length <= TEXT_MAX + 100)
})

test('a calendar without days makes an open window a doubt', async () => {
  const sitting = await ask('next_safe_window')
  assert.equal(sitting.verdict, 'no')
  assert.match(sitting.says, /^No: .* Next window /)
  const open = await ask('next_safe_window', { at: '2026-12-01T18:45:00Z' })
  assert.equal(open.verdict, 'cannot-tell')
  assert.deepEqual(open.unknown, ['end-of-session'])
  assert.match(
    open.needs!,
    /^the days as dates, such as \S+, at prorogation under calendars in service\.yaml, for end-of-session$/,
  )
})

test('an alert that nobody knows is not explained', async () => {
  const answer = await ask('explain_alert', { alert: 'CitizensFial' })
  assert.equal(answer.verdict, 'cannot-tell')
  assert.ok(answer.known.length > 5)
  write(
    'monitoring/cpu.yml',
    'groups:\n  - name: g\n    rules:\n      - alert: CpuHigh\n        expr: up{job="pq"} > 2\n        labels: { severity: page }\n',
  )
  const foreign = await ask('explain_alert', { alert: 'CpuHigh' })
  assert.equal(foreign.verdict, 'cannot-tell', 'no harm to citizens is said to hang on it')
  assert.equal(foreign.canFire.verdict, 'never', 'but that it can never fire is known')
})

test('a step is read from the file that stands in the repository, else from the definition', async () => {
  const first = await ask('runbook_step', { runbook: 'audit-trail-gap' })
  assert.equal(first.source, 'service.yaml')
  write(
    'ops/runbooks/audit-trail-gap.md',
    '# Deadline wrong\n\nCitizens see: nothing.\n\n## Steps\n\n### Look\n\n```step\nid: look\nwhy: to know\nrun: rm -rf "$FOLDER"\nexpect: one line\nif-not: escalate head\nminutes: 1\nchanges: everything\n```\n',
  )
  const own = await ask('runbook_step', { runbook: 'audit-trail-gap' })
  assert.equal(own.source, 'ops/runbooks/audit-trail-gap.md')
  assert.equal(own.step.run, 'rm -rf "$FOLDER"', 'read out, never run')
  assert.equal((await ask('runbook_step', { runbook: 'audit-trail-gap', step: 'no-such' })).verdict, 'cannot-tell')
  assert.match((await ask('runbook_step', { runbook: 'audittrail-gap' })).says, /Did you mean audit-trail-gap/)
})

test('evidence comes with its entries, and what is not proven is not proven', async () => {
  const answer = await ask('evidence_for_deploy', { deployment: DEPLOYMENT })
  assert.equal(answer.deployment, DEPLOYMENT)
  const requested = answer.claims.find((claim: { id: string }) => claim.id === 'requested')
  assert.equal(requested.verdict, 'proven')
  assert.ok(requested.entries.length > 0)
  assert.notEqual(
    answer.verdict === 'yes',
    answer.claims.some((claim: { verdict: string }) => claim.verdict === 'not proven'),
  )
  assert.equal((await ask('evidence_for_deploy', { deployment: 'dep-unknown' })).verdict, 'cannot-tell')
})

test('a definition with errors makes every answer about the service a doubt', async () => {
  write('service.yaml', 'service: { id: x }\n')
  try {
    for (const [name, args] of [
      ['next_safe_window', {}],
      ['explain_alert', { alert: 'X' }],
      ['runbook_step', { runbook: 'x' }],
    ] as const) {
      const answer = await ask(name, args)
      assert.equal(answer.verdict, 'cannot-tell', name)
      assert.match(answer.needs!, /holdfast define/)
    }
    const read = await client.readResource({ uri: 'service://definition' })
    assert.match((read.contents[0] as { text: string }).text, /^Cannot tell: service\.yaml has errors/)
    const prompt = await client.getPrompt({ name: 'triage', arguments: {} })
    assert.match((prompt.messages[0]!.content as { text: string }).text, /no sound definition/)
  } finally {
    write('service.yaml', example('pq-tracker'))
  }
})

test('looking makes no database', async () => {
  const bare = openDesk({
    serviceFile: join(folder, 'service.yaml'),
    state: join(folder, 'nowhere'),
    env: {},
    now: () => NOW,
  })
  const answer = await bare.store(async () => 1)
  assert.equal(answer.known, false)
})
