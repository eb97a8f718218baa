/**
 * The kit's own rules fire on what the gateway itself measures, scraped by a real Prometheus. Minutes of the rules are made one
 * second long, and nothing else about them is changed.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startGateway } from '../src/adapters/gateway/traffic.ts'
import { portFor } from '../src/adapters/process/port.ts'
import { jobOf, rulesText } from '../src/core/kit/alerts.ts'
import { thresholdOf } from '../src/core/kit/numbers.ts'
import type { StepMatch } from '../src/ports/traffic.ts'
import { removeFolder } from './folder.ts'
import { CITIZEN, configOf, serve } from './gateway-world.ts'
import { EXAMPLES } from './kit/world.ts'

const service = EXAMPLES.get('heating-payment')!
const MINUTE_S = 1

const STEPS: readonly StepMatch[] = service.journeys.flatMap((journey) =>
  journey.steps.flatMap(({ id, method, route, okStatus, limitMs, marker }) =>
    route === undefined
      ? []
      : [{ journey: journey.id, step: id, method, route, okStatus, limitMs, ...(marker ? { marker } : {}) }],
  ),
)

async function gatewayWith(context: TestContext, broken: () => boolean) {
  const { port: backend } = await serve(context, (request, response) => {
    if (request.url === '/apply/submit' && broken()) return response.writeHead(500).end('sorry')
    return response.writeHead(303, { location: '/apply/confirmation' }).end()
  })
  const state = mkdtempSync(join(tmpdir(), 'hf-metrics-'))
  const metrics = `127.0.0.1:${await portFor(0)}`
  const gateway = await startGateway({ listen: '127.0.0.1:0', state, metrics, settleMs: 50 })
  // In this order: the way to the gateway lies in the folder.
  context.after(async () => {
    await gateway.traffic.stop()
    await removeFolder(state)
  })
  assert.equal(
    await gateway.traffic.apply(configOf([backend], { steps: STEPS, healthPath: '/health/ready' })),
    'applied',
  )
  const scrape = async () => (await fetch(`http://${metrics}/metrics`)).text()
  await until(async () => (await scrape()).includes('step="submit"'), 'the steps stand at 0')
  const submit = async (headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${gateway.port}/apply/submit`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'user-agent': CITIZEN, ...headers },
    }).then((answer) => answer.status)
  return { metrics, scrape, submit, gateway }
}

async function until(met: () => boolean | Promise<boolean>, what: string, ms = 30_000): Promise<void> {
  for (const end = Date.now() + ms; ; await new Promise((next) => setTimeout(next, 50))) {
    if (await met()) return
    if (Date.now() > end) throw new Error(`never: ${what}`)
  }
}

const bad = (text: string) =>
  Number(/^journey_step_bad_total\{journey="apply",step="submit",arm="stable"\} (\d+)$/m.exec(text)?.[1])

test('the gateway exports its counts: citizens in steps, our own walks in journeys, and who answers', async (context) => {
  let broken = false
  const { scrape, submit, gateway } = await gatewayWith(context, () => broken)
  assert.equal(bad(await scrape()), 0)
  for (let i = 0; i < 3; i++) assert.equal(await submit(), 303)
  broken = true
  for (let i = 0; i < 4; i++) assert.equal(await submit(), 500)
  assert.equal(await submit({ 'x-probe': 'secret' }), 500)
  await until(
    async () => /journey_step_total\{journey="apply",step="submit",arm="stable"\} 7$/m.test(await scrape()),
    'seven tried',
  )
  const text = await scrape()
  assert.equal(bad(text), 4)
  assert.match(text, /^synthetic_journey_bad_total\{journey="apply"\} 1$/m)
  assert.match(text, /^holdfast_release\{arm="stable",release="r1"\} 1$/m)
  assert.match(text, new RegExp(`^holdfast_traffic_info\\{pid="${gateway.pid}",port="${gateway.port}"\\} 1$`, 'm'))
  const linted = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  if (!linted.error) assert.equal(linted.status, 0, `${linted.stdout}${linted.stderr}`)
})

test('a real Prometheus with the rules of the kit pages when citizens fail at the gateway', async (context) => {
  if (spawnSync('prometheus', ['--version']).error) {
    assert.ok(!process.env.HOLDFAST_TESTS_COMPLETE, 'CI installs Prometheus')
    return context.skip('prometheus is not installed here; CI installs it')
  }
  let broken = false
  const { metrics, submit, scrape } = await gatewayWith(context, () => broken)
  const folder = mkdtempSync(join(tmpdir(), 'hf-prometheus-'))
  context.after(() => removeFolder(folder))
  writeFileSync(join(folder, 'kit.rules.yml'), scaled(rulesText(service)))
  execFileSync('promtool', ['check', 'rules', join(folder, 'kit.rules.yml')], { stdio: 'ignore' })
  writeFileSync(
    join(folder, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '250ms', evaluation_interval: `${MINUTE_S}s` },
      rule_files: ['kit.rules.yml'],
      scrape_configs: [{ job_name: jobOf(service), static_configs: [{ targets: [metrics] }] }],
    }),
  )
  const port = await portFor(0)
  const prometheus = run(context, folder, port)
  // biome-ignore lint/suspicious/noExplicitAny: answers of Prometheus's own API
  const ask = async (path: string): Promise<any> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`).catch(() => undefined)
    return answer?.ok ? ((await answer.json()) as { data: unknown }).data : undefined
  }
  await until(
    async () => (await ask('targets'))?.activeTargets?.[0]?.health === 'up',
    `Prometheus scrapes: ${prometheus()}`,
  )
  const firing = async (): Promise<string[]> =>
    ((await ask('alerts'))?.alerts ?? [])
      .filter((alert: { state: string }) => alert.state === 'firing')
      .map((alert: { labels: { alertname: string } }) => alert.labels.alertname)
  const recorded = async () => (await ask('query?query=journey_step:bad:inc1m{step="submit"}'))?.result?.length === 1
  await until(recorded, 'the staged rule has its first minute')
  for (let i = 0; i < 5; i++) assert.equal(await submit(), 303)
  assert.ok(!(await firing()).includes('CitizensFailApplySubmit'), 'silent while all is well')
  broken = true
  const { failures } = thresholdOf(service, service.journeys[0]!, 'submit')!
  for (let i = 0; i < failures; i++) assert.equal(await submit(), 500)
  await until(async () => bad(await scrape()) === failures, 'the gateway has counted them')
  await until(async () => (await firing()).includes('CitizensFailApplySubmit'), 'the page of the kit fires')
  assert.ok(!(await firing()).includes('TelemetryLost'))
})

/** The rules with minutes of one second. */
function scaled(rules: string): string {
  return rules.replace(/\b(\d+)([mhd])\b(?=[\]",) }]|$)/gm, (_, count: string, unit: string) => {
    const minutes = { m: 1, h: 60, d: 1_440 }[unit]!
    return `${Number(count) * minutes * MINUTE_S}s`
  })
}

function run(context: TestContext, folder: string, port: number): () => string {
  const log = join(folder, 'log')
  writeFileSync(log, '')
  const child: ChildProcess = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  child.stderr!.on('data', (chunk: Buffer) => writeFileSync(log, chunk, { flag: 'a' }))
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  context.after(() => {
    child.kill('SIGKILL')
    return gone
  })
  return () => readFileSync(log, 'utf8').slice(-500)
}
