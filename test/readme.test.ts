/** What the README says first is what happens. The commands are read from it, not written again. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { removeFolder } from './folder.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const lines = readFileSync(join(root, 'README.md'), 'utf8').split('\n')
const commands = lines.flatMap((line, i) =>
  line.startsWith('npm ci && ') ? [{ line: i + 1, run: line.slice('npm ci && '.length) }] : [],
)

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(command: string, args: readonly string[], onError: (text: string) => void = () => {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      err += chunk
      onError(err)
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
}

test('both commands stand on the first screen, the first by line 12', () => {
  assert.deepEqual(
    commands.map(({ run: what }) => what),
    ['npm run demo', 'npm test'],
  )
  assert.ok(commands[0]!.line <= 12, `the first command is on line ${commands[0]!.line}`)
  assert.ok(commands[1]!.line <= 24, 'the second is on the first screen')
})

test('the demo ends by itself: a good release promoted, the bad ones out, nothing failed by a deployment, evidence intact', async () => {
  const state = mkdtempSync(join(tmpdir(), 'holdfast-readme-'))
  try {
    const [, script] = /^npm run (\w+)$/.exec(commands[0]!.run)!
    let consoleUrl = ''
    const answered: number[] = []
    const { code, out, err } = await run(
      'npm',
      ['run', '--silent', script!, '--', '--ci', '--json', '--state', state],
      (text) => {
        const [, url] = /Operator console: (http:\S+)/.exec(text) ?? []
        if (!url || consoleUrl) return
        consoleUrl = url
        void fetch(url, { redirect: 'manual' }).then(({ status }) => answered.push(status))
      },
    )
    assert.equal(code, 0, `${out}\n${err}`)
    const told = JSON.parse(out) as {
      asExpected: boolean
      releases: {
        release: string
        came: string
        harmed: number
        sessions: number
        failedByDeployment: number
        why: string
      }[]
      load: { requests: { sent: number } }
      arrived: number
    }
    assert.ok(told.asExpected)
    const came = Object.fromEntries(told.releases.map(({ release, came: how }) => [release, how]))
    assert.deepEqual(came, { r2: 'promoted', r3: 'rolled-back', r4: 'rolled-back', r5: 'refused', r6: 'not-begun' })
    const of = (release: string) => told.releases.find((one) => one.release === release)!
    assert.equal(of('r2').harmed, 0)
    assert.equal(of('r5').sessions, 0, 'a release that does not start gets no traffic')
    assert.match(of('r3').why, /evidence .* : 1 that release r3 is worse at submit/)
    assert.ok(told.releases.every(({ failedByDeployment }) => failedByDeployment === 0))
    assert.ok(told.load.requests.sent > 500, `${told.load.requests.sent} requests`)
    assert.ok(told.arrived > 0, 'a page arrived')
    assert.match(err, /Independent check: intact/)
    assert.match(err, /waiting for a person’s approval/)
    assert.match(err, /runbook’s first step/)
    // 503 is the page that says "starting": the console answers before its database is there.
    assert.ok([200, 303, 503].includes(answered[0]!), `the console answered ${answered}`)
    assert.ok(existsSync(join(state, 'demo-evidence', 'index.html')))
  } finally {
    removeFolder(state)
  }
})
