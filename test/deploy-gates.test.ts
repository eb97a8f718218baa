/** Gates and approvals as people meet them: a service in a temporary folder, real commands, and a second shell that agrees. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { localCommands } from '../src/adapters/commands/run.ts'
import { gatewayTraffic } from '../src/adapters/gateway/traffic.ts'
import { stopEmbedded } from '../src/adapters/postgres/embedded.ts'
import { stopSupervisor } from '../src/adapters/process/start.ts'
import { main } from '../src/cli/main.ts'
import { entry } from '../src/entry.ts'
import { socketPath } from '../src/station/sockets.ts'
import { removeFolder } from './folder.ts'

const SECRET = 'hunter22-of-the-test'
const root = mkdtempSync(join(tmpdir(), 'holdfast-gates-'))
const state = join(root, '.holdfast')
const shells = new Set<ChildProcess>()

const SERVER = `
  const http = require('node:http')
  http.createServer((request, response) => response.end('ready')).listen(Number(process.env.PORT), '127.0.0.1')
  process.on('SIGTERM', () => process.exit(0))
`
const DEFINITION = `service: { id: small, name: Small service, phase: live, publicUrl: "https://small.example.gov.uk/" }
journeys:
  - id: ask
    name: Ask a question
    harmIfFails: somebody gets no answer
    harmClass: delay
    tolerance: { recoverMinutes: 30, harmAfterMinutes: 120 }
    steps: [{ id: start, name: Read the page, route: /, limitMs: 4000 }]
    demand: { normalPerMinute: 10, peakPerMinute: 40, nightPerMinute: 1, source: measured }
failureModes:
  - id: no-answer
    name: No answer
    rank: 1
    journeys: [ask]
    citizenSees: an error page
    detect: { kind: ratio }
    confirm: [open the page]
    act: { first: take the newest release back, undo: deploy it again }
    degrade: by phone
deployment:
  strategy: blue-green
  gates:
    - { id: unit, run: [node, test.js], secretEnv: [TEST_TOKEN], secondsMax: 60 }
    - { id: dependencies, kind: scan, report: audit.json, about: package-lock.json }
    - { id: accessibility, kind: accessibility, report: axe.json }
    - { id: secrets, kind: secrets, run: [node, -e, "0"] }
  approvals: { people: 1, roles: [approver] }
runtime:
  kind: process
  components:
    - { id: web, kind: web, command: [node, server.js], releases: releases, replicas: 2, ready: /ready, requestSecondsMax: 5, stopSecondsMax: 6 }
data: { kinds: [{ name: identity, retention: P1Y }], dpia: { triggers: [new recipient] } }
oncall:
  cover: always
  people:
    - { id: asha, name: Asha P, email: asha@small.example.gov.uk, roles: [deployer, approver] }
    - { id: ben, name: Ben T, email: ben@small.example.gov.uk, roles: [approver] }
    - { id: carys, name: Carys M, email: carys@small.example.gov.uk, roles: [responder] }
  rotas: [{ id: primary, from: "2026-11-02", people: [asha, ben] }]
  ladder:
    - { role: primary on call, rota: primary, route: email, afterMinutes: 0 }
    - { role: head of service, route: email, to: head@small.example.gov.uk, afterMinutes: 10 }
comms:
  contact: { phone: "0808 157 0199", hours: "Monday to Friday, 9am to 5pm" }
  mustSay: [whether an answer comes later]
  audiences: [{ id: citizens, channels: [banner, unavailable-page] }]
environments: [{ id: production, kind: production, account: small-live }]
`

function write(release: string, testProgram: string): void {
  const folder = join(root, 'releases', release)
  mkdirSync(folder, { recursive: true })
  const axe = {
    violations: [],
    passes: [{ id: 'html-has-lang' }],
    url: 'https://small.example.gov.uk/',
    timestamp: new Date().toISOString(),
  }
  writeFileSync(join(folder, 'server.js'), SERVER)
  writeFileSync(join(folder, 'test.js'), testProgram)
  writeFileSync(join(folder, 'package-lock.json'), '{}')
  writeFileSync(
    join(folder, 'audit.json'),
    JSON.stringify({ auditReportVersion: 2, vulnerabilities: {}, metadata: { dependencies: { total: 7 } } }),
  )
  writeFileSync(join(folder, 'axe.json'), JSON.stringify(axe))
}

interface Shell {
  readonly out: () => string
  readonly said: () => string
  readonly ended: Promise<number | null>
  readonly child: ChildProcess
  /** Resolves when it has said so, or fails when it ends without. */
  until(words: RegExp): Promise<void>
}

function shell(words: readonly string[], env: Readonly<Record<string, string>> = {}): Shell {
  const { command, args } = entry('cli/main')
  const { DATABASE_URL: _, ...rest } = process.env
  const place = { HOLDFAST_ENVIRONMENT: 'production', HOLDFAST_ACCOUNT: 'small-live', SERVICE_TEST_TOKEN: SECRET }
  const child = spawn(command, [...args, ...words, '--state', state, '--service', join(root, 'service.yaml')], {
    cwd: root,
    env: { ...rest, ...place, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  shells.add(child)
  let out = ''
  let said = ''
  const waiting = new Set<() => void>()
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said += chunk
    for (const look of waiting) look()
  })
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      shells.delete(child)
      resolve(code)
    })
  })
  return {
    out: () => out,
    said: () => said,
    ended,
    child,
    until: (wanted) =>
      new Promise((resolve, reject) => {
        const look = () => wanted.test(said) && resolve()
        waiting.add(look)
        void ended.then(() => reject(new Error(`it ended without saying ${wanted}:\n${said}\n${out}`)))
        look()
      }),
  }
}

/** The same in this process, where no second one is needed: starting one takes longer than most commands. */
async function here(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const [out, said]: [string[], string[]] = [[], []]
  const { DATABASE_URL: _, ...rest } = process.env
  const place = { HOLDFAST_ENVIRONMENT: 'production', HOLDFAST_ACCOUNT: 'small-live', SERVICE_TEST_TOKEN: SECRET }
  const code = await main([...words, '--state', state, '--service', join(root, 'service.yaml')], {
    out: (text) => void out.push(text),
    progress: (text) => void said.push(text),
    env: { ...rest, ...place, ...env },
    cwd: root,
    live: false,
    stop: new AbortController().signal,
  })
  return { code, out: out.join('\n'), said: said.join('\n') }
}

before(() => {
  writeFileSync(join(root, 'service.yaml'), DEFINITION)
  write(
    'r1',
    `console.log('token ' + process.env.TEST_TOKEN, Object.keys(process.env).filter((name) => /HOLDFAST_ACC|SERVICE_/.test(name)).join())`,
  )
  write('r2', `console.error('1 failing: the page is blank, token ' + process.env.TEST_TOKEN); process.exit(3)`)
})
after(async () => {
  for (const child of shells) child.kill('SIGKILL')
  await gatewayTraffic({ control: socketPath(state, 'gateway') }).stop()
  await stopSupervisor({ state })
  await stopEmbedded(join(state, 'postgres')).catch(() => false)
  removeFolder(root)
})

const START = ['deploy', 'start', '--listen', '127.0.0.1:0', '--reason', 'first of all']

test('a release runs its gates for real, waits, and goes on when somebody else agrees in a second shell', async () => {
  const start = shell([...START, '--release', 'r1', '--by', 'asha'])
  await start.until(/It waits until .* for somebody who may agree: Ben T\./)
  const gates = start.said()
  assert.match(gates, /passed {2}Right target: This is "production" \(small-live\)/)
  assert.match(gates, /passed {2}Unit: Exit code 0/)
  assert.match(gates, /passed {2}Dependencies: Nothing serious of 0 findings \(npm audit\)/)

  const own = await here(['deploy', 'approve', '--by', 'Asha P', '--reason', 'mine is fine'])
  const other = await here(['deploy', 'approve', '--by', 'carys', '--reason', 'looks good'])
  assert.deepEqual([own.code, other.code], [1, 1])
  assert.match(own.out, /Asha P asked for release r1 and cannot approve it|somebody else must agree/)
  assert.match(other.out, /carys is not among those who may approve: Ben T/)

  const late = await here([...START, '--release', 'r2', '--by', 'carys'])
  assert.equal(late.code, 1)
  assert.match(late.out, /asha has been deploying release r1 since .* \(first of all\)/)

  const agreed = shell(['deploy', 'approve', '--by', 'ben', '--reason', 'read the change and its tests'])
  assert.equal(await agreed.ended, 0, agreed.said() + agreed.out())
  assert.match(agreed.out(), /ben agreed to release r1 \(plan [0-9a-f]{12}\): read the change and its tests/)
  assert.equal(await start.ended, 0, start.said())
})

test('what runs is checked against the plan, and a folder that has changed since is told', async () => {
  const status = await here(['deploy', 'status', '--json'])
  assert.equal(status.code, 0, status.said)
  const answer = JSON.parse(status.out)
  assert.deepEqual(
    [answer.phase, answer.approvals.given[0].who, answer.runs.releases[0].verdict],
    ['promoted', 'ben', 'same'],
  )
  assert.ok(
    answer.runs.releases[0].replicas.every(({ digest }: { digest: string }) => digest === answer.artefact.digest),
  )
  writeFileSync(join(root, 'releases', 'r1', 'server.js'), `${SERVER}\n// touched`)
  const again = await here(['deploy', 'status'])
  assert.equal(again.code, 0)
  assert.match(again.out, /2 replicas of release r1 run what was planned \(sha256:/)
  assert.match(again.out, /The files of release r1 have changed since it was planned/)
})

test('a gate that fails refuses the release with its last words, without the secret, and nothing has moved', async () => {
  const red = await here([...START, '--release', 'r2', '--by', 'asha', '--json'])
  assert.equal(red.code, 1, red.said)
  const summary = JSON.parse(red.out)
  assert.deepEqual([summary.phase, summary.serving], ['refused', 'r1'])
  assert.match(red.said, /failed {2}Unit: It ended with exit code 3\./)
  assert.match(red.said, /│ 1 failing: the page is blank, token \[secret\]/)
  assert.ok(!red.said.includes(SECRET))
  const log = await here(['prove', 'log', '--last', '200', '--json'])
  assert.equal(log.code, 0)
  assert.ok(!log.out.includes(SECRET), 'no entry of the log holds the secret')
  assert.ok(log.out.includes('gate.result'))
})

test('the wrong place is refused, and broken glass does not change that; Ctrl-C in line leaves nothing behind', async () => {
  const wrong = await here([...START, '--release', 'r2', '--by', 'asha', '--break-glass', 'noon', '--skip', 'unit'], {
    HOLDFAST_ACCOUNT: 'small-test',
  })
  assert.equal(wrong.code, 1, wrong.said)
  assert.match(
    wrong.said,
    /failed {2}Right target: .*account is small-test \(HOLDFAST_ACCOUNT\), and small-live is meant/,
  )
  const nobody = await here([...START, '--release', 'r2', '--by', 'asha', '--detach'])
  assert.equal(nobody.code, 3, nobody.said)
  assert.match(nobody.said, /No engine serves this service now/)
  const never = await here([...START, '--release', 'r2', '--break-glass', 'noon', '--skip', 'right-target'])
  assert.equal(never.code, 2)
  assert.match(never.said, /never skipped/)
  const listed = await here(['deploy', 'review'])
  assert.equal(listed.code, 1)
  assert.match(listed.out, /asha broke the glass: noon \(NOT LOOKED AT YET\)/)

  write('r2', `require('node:fs').writeFileSync('running', String(process.pid)); setInterval(() => {}, 1_000)`)
  const busy = shell([...START, '--release', 'r2', '--by', 'asha'])
  await busy.until(/Now running: Unit, at most/)
  const waits = shell([...START, '--release', 'r2', '--by', 'ben', '--wait', '5'])
  await waits.until(/Waiting\. asha has been deploying release r2/)
  waits.child.kill('SIGINT')
  assert.equal(await waits.ended, 130)
  const pid = Number(readFileSync(join(root, 'releases', 'r2', 'running'), 'utf8'))
  const off = await here(['deploy', 'rollback', '--by', 'ben', '--reason', 'wrong tests'])
  assert.deepEqual([off.code, await busy.ended], [1, 1])
  // The command was ended with the wish for its answer.
  while (existsSync(`/proc/${pid}/cmdline`) && isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 50))
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a command that nobody wants any more, or that takes too long, is ended with all that it started', async () => {
  const commands = localCommands()
  const tree = `require('node:child_process').spawn('sleep', ['600'], { stdio: 'inherit' }); setInterval(() => {}, 1_000)`
  const wish = { argv: [process.execPath, '-e', tree], folder: root, env: {}, secrets: [], msMax: 60_000 }
  const stop = new AbortController()
  const ran = commands.run(wish, stop.signal)
  setTimeout(() => stop.abort(), 300)
  const stopped = await ran
  assert.ok(stopped.ran && stopped.stopped && !stopped.timedOut)
  const late = await commands.run({ ...wish, msMax: 200 }, AbortSignal.any([]))
  assert.ok(late.ran && late.timedOut)
  const none = await commands.run({ ...wish, argv: ['no-such-program'] }, AbortSignal.any([]))
  assert.match(none.ran ? '' : none.why, /no-such-program could not be started/)
  const flood = `for (let i = 0; i < 20_000; i++) console.log('\\u001b[31m' + i + ' https://a:pass-of-nobody@b/')`
  const loud = await commands.run({ ...wish, argv: [process.execPath, '-e', flood] }, AbortSignal.any([]))
  assert.ok(loud.ran && loud.exit === 0 && loud.bytes > 400_000)
  assert.ok(loud.tail.length <= 4_000 && loud.tail.endsWith('19999 https://a:[secret]@b/'))
  assert.ok(!/pass-of-nobody|\u001b/.test(loud.tail))
})
