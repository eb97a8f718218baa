/** `holdfast mcp` as agents start it: a process of its own, real clients of both protocol generations, and bare lines of an old one. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import test, { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client, type ClientOptions } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { loadService } from '../src/core/define/load.ts'
import { render } from '../src/core/kit/file.ts'
import { makeKit, sourceOf } from '../src/core/kit/kit.ts'
import { entry } from '../src/entry.ts'
import { removeFolder } from './folder.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'holdfast-mcp-'))
after(() => removeFolder(folder))

const definition = readFileSync(`${root}examples/benefit-assessment/service.yaml`, 'utf8')
const { service } = loadService(definition, 'service.yaml')
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
write('service.yaml', definition)
for (const file of makeKit(sourceOf(service!, []), { only: ['alerts', 'runbooks'] })) write(file.path, render(file))

const started = () => {
  const { command, args } = entry('cli/main')
  return { command, args: [...args, 'mcp', '--service', 'service.yaml'] }
}

/** Both generations of the protocol, and the client that asks which one it has met. */
const GENERATIONS: readonly { readonly name: string; readonly options: ClientOptions; readonly speaks: RegExp }[] = [
  { name: '2025', options: {}, speaks: /^2025-/ },
  { name: '2026', options: { versionNegotiation: { mode: { pin: '2026-07-28' } } }, speaks: /^2026-07-28$/ },
]

async function connected(options: ClientOptions, seen?: () => { action: string; content?: Record<string, string> }) {
  const capabilities = seen ? { elicitation: {} } : {}
  const client = new Client({ name: 'test', version: '1.0.0' }, { ...options, capabilities })
  if (seen) client.setRequestHandler('elicitation/create', async () => seen() as never)
  await client.connect(new StdioClientTransport({ ...started(), cwd: folder, stderr: 'ignore' }))
  return client
}

interface Answered {
  readonly verdict: string
  readonly says: string
  readonly needs?: string
  readonly [name: string]: unknown
}

async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<Answered> {
  const result = await client.callTool({ name, arguments: args })
  assert.equal(result.isError ?? false, false, JSON.stringify(result.content))
  const [words] = result.content as { type: string; text: string }[]
  assert.ok(words!.text.length > 0, 'clients that know no structured content read words')
  return result.structuredContent as unknown as Answered
}

for (const { name, options, speaks } of GENERATIONS) {
  test(`a client of ${name} is served everything`, async () => {
    let declines = false
    const client = await connected(options, () =>
      declines ? { action: 'decline' } : { action: 'accept', content: { runbook: 'payment-batch-missed' } },
    )
    try {
      assert.match(client.getNegotiatedProtocolVersion() ?? '', speaks)
      const { tools } = await client.listTools()
      assert.deepEqual(tools.map((tool) => tool.name).sort(), [
        'check_deploy_config',
        'evidence_for_deploy',
        'explain_alert',
        'next_safe_window',
        'runbook_step',
      ])
      for (const tool of tools) assert.equal(tool.annotations?.readOnlyHint, true, `${tool.name} only looks`)

      const bad = await call(client, 'check_deploy_config', {
        path: '.github/workflows/release.yml',
        text: 'on: push\njobs:\n  deploy:\n    runs-on: ubuntu-24.04\n    environment: production\n    steps:\n      - run: kubectl apply -f k8s/\n',
      })
      assert.equal(bad.verdict, 'no')
      assert.ok((bad.findings as { at: string }[]).every(({ at }) => at.startsWith('.github/workflows/release.yml:')))
      assert.throws(() => readFileSync(join(folder, '.github/workflows/release.yml')), 'nothing was written')

      const run = await call(client, 'next_safe_window', { at: '2026-12-01T19:00:00Z' })
      assert.equal(run.verdict, 'no', 'payments run in the evening')
      assert.match(run.says, /Next window/)

      const alert = await call(client, 'explain_alert', { alert: 'PaymentBatchMissed' })
      assert.equal(alert.verdict, 'yes')
      assert.equal(alert.runbook, 'ops/runbooks/payment-batch-missed.md')
      const counted = await call(client, 'explain_alert', { alert: 'CitizensFailCorrectDecisionDecide' })
      assert.equal((counted.canFire as { verdict: string }).verdict, 'fires', 'its rule was tried on faults')

      const step = await call(client, 'runbook_step', { runbook: 'payment-batch-missed' })
      assert.equal(step.number, 1)
      assert.equal(step.source, 'ops/runbooks/payment-batch-missed.md')
      const next = await call(client, 'runbook_step', { runbook: 'payment-batch-missed', step: step.next })
      assert.equal(next.number, 2)

      const chosen = await call(client, 'runbook_step')
      assert.equal(chosen.runbook, 'payment-batch-missed', 'the person was asked what citizens see')
      declines = true
      const declined = await call(client, 'runbook_step')
      assert.equal(declined.verdict, 'cannot-tell', 'who declines is not asked for ever')
      assert.equal((declined.known as unknown[]).length, service!.failureModes.length)

      const evidence = await call(client, 'evidence_for_deploy')
      assert.equal(
        evidence.verdict,
        'cannot-tell',
        'nothing was deployed from this folder, and no database is made to see that',
      )
      assert.ok(evidence.needs)

      const read = await client.readResource({ uri: 'service://definition' })
      assert.equal((read.contents[0] as { text: string }).text, definition)
      const { resources } = await client.listResources()
      assert.equal(resources.filter(({ uri }) => uri.startsWith('runbook://')).length, service!.failureModes.length)
      const runbook = await client.readResource({ uri: 'runbook://payment-batch-missed' })
      assert.match((runbook.contents[0] as { text: string }).text, /```step/)

      const { prompts } = await client.listPrompts()
      assert.deepEqual(prompts.map((prompt) => prompt.name).sort(), ['pir', 'triage'])
      const triage = await client.getPrompt({ name: 'triage', arguments: { alert: 'PaymentBatchMissed' } })
      const { text } = triage.messages[0]!.content as { text: string }
      for (const mode of service!.failureModes) assert.ok(text.includes(mode.citizenSees), mode.id)
      const pir = await client.getPrompt({ name: 'pir', arguments: {} })
      assert.match((pir.messages[0]!.content as { text: string }).text, /no incident to review/)
    } finally {
      await client.close()
    }
  })
}

test('a client that tries the new protocol first finds it', async () => {
  const client = await connected({ versionNegotiation: { mode: 'auto' } })
  assert.equal(client.getNegotiatedProtocolVersion(), '2026-07-28')
  await client.close()
})

test('bare lines of 2024 are answered, and the process ends with its input', async () => {
  const { command, args } = started()
  const child = spawn(command, args, { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] })
  const send = (message: object) => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async () => JSON.parse((await lines.next()).value as string)
  try {
    const clientInfo = { name: 'by hand', version: '0' }
    send({ id: 1, method: 'initialize', params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo } })
    assert.equal((await answer()).result.protocolVersion, '2024-11-05')
    send({ method: 'notifications/initialized' })
    send({ id: 2, method: 'tools/call', params: { name: 'runbook_step', arguments: {} } })
    const { result } = await answer()
    assert.match(result.content[0].text, /^Cannot tell: It is not said which runbook is meant\./)
    child.stdin.write('this is no protocol\n')
    send({ id: 3, method: 'tools/call', params: { name: 'next_safe_window', arguments: { at: 'tomorrow' } } })
    const wrong = await answer()
    assert.ok(wrong.error ?? wrong.result.isError, 'a moment that is none is refused')
    child.stdin.end()
    const [code] = await once(child, 'exit')
    assert.equal(code, 0)
  } finally {
    child.kill('SIGKILL')
  }
})
