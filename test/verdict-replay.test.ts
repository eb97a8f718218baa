/** `deploy replay` as a program: a recording, broken lines, and a whole ramp against the example world. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { main } from '../src/cli/main.ts'
import { entry } from '../src/entry.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const { command, args: program } = entry('cli/main')
const HOLDFAST = [command, ...program]
const WORLD = join(ROOT, 'examples/worlds/world.js')
const folder = mkdtempSync(join(tmpdir(), 'holdfast-replay-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(argv: readonly string[], input = ''): Promise<Ran> {
  const child = spawn(argv[0]!, argv.slice(1), { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'] })
  const ran = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    ran.out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    ran.err += chunk
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...ran })))
}

const replay = (args: readonly string[], input = '') => run([...HOLDFAST, 'deploy', 'replay', ...args], input)
const rowsOf = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('the recorded example is proven bad, one line a change of mind and a last one', async () => {
  const { code, out } = await replay([join(ROOT, 'examples/worlds/submit-fails.ndjson'), '--json'])
  assert.equal(code, 0)
  const rows = rowsOf(out)
  const last = rows.at(-1)!
  assert.deepEqual([last.decision, last.final], ['rollback', true])
  assert.match(String(last.why), /^evidence [\d,]+ : 1 that the new release is worse at submit: /)
  for (const row of rows)
    for (const key of ['t', 'decision', 'why', 'evidence', 'canarySessions', 'canaryFailed']) assert.ok(key in row, key)
  const decisions = rows.slice(0, -1).map(({ decision }) => decision)
  assert.ok(decisions.every((decision, i) => decision !== decisions[i - 1]))
})

test('broken lines are named with their number, counted, and change nothing else', async () => {
  const good = '{"t":1000,"session":"a","arm":"stable","journey":"j","step":"s","ok":true,"ms":1,"kind":"citizen"}'
  const file = join(folder, 'broken.ndjson')
  writeFileSync(file, [good, '{"t":', '', good.replace('stable', 'green'), good].join('\n'))
  const { code, out, err } = await replay([file, '--json'])
  assert.equal(code, 0)
  assert.match(err, /broken\.ndjson:2: the line is not JSON/)
  assert.match(err, /broken\.ndjson:4: the line has an "arm"/)
  assert.deepEqual([rowsOf(out).at(-1)!.requests, rowsOf(out).at(-1)!.badLines], [2, 2])
})

/** The command in this process, for what ends before a line is read. */
async function called(...args: string[]): Promise<Ran> {
  const ran = { out: '', err: '' }
  const code = await main(['deploy', 'replay', ...args], {
    out: (text) => {
      ran.out += `${text}\n`
    },
    progress: (text) => {
      ran.err += `${text}\n`
    },
    env: {},
    cwd: folder,
    live: false,
    stop: new AbortController().signal,
  })
  return { code, ...ran }
}

test('an empty stream is “cannot tell” and exit 1; a missing file and wrong flags are exit 2 with a way out', async () => {
  const nothing = join(folder, 'empty.ndjson')
  writeFileSync(nothing, '')
  const empty = await called(nothing, '--json')
  assert.equal(empty.code, 1)
  assert.match(String(rowsOf(empty.out)[0]!.why), /^Cannot tell/)
  const missing = await called('nowhere.ndjson')
  assert.equal(missing.code, 2)
  assert.match(missing.err, /There is no file nowhere\.ndjson/)
  for (const flags of [
    ['--alpha', '2'],
    ['--limit-ms', 'apply/submit'],
    ['--rungs', '0.5,0.1'],
    ['--strategy', 'big-bang'],
    ['--history', 'often'],
    ['--service', 'nowhere.yaml'],
  ])
    assert.equal((await called(nothing, ...flags)).code, 2, flags.join(' '))
})

test('in the closed loop every question is answered before anything more is read', async () => {
  const child = spawn(HOLDFAST[0]!, [...HOLDFAST.slice(1), 'deploy', 'replay', '-', '--closed-loop', '--json'], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  for (let sync = 1; sync <= 3; sync++) {
    child.stdin.write(`{"sync":${sync},"t":${sync * 1000}}\n`)
    const { value } = await answers.next()
    const answer = JSON.parse(value!) as Record<string, unknown>
    assert.deepEqual(Object.keys(answer), ['sync', 'decision', 'weight', 'why'])
    assert.deepEqual([answer.sync, answer.weight], [sync, 0.002])
  }
  child.stdin.end()
  const code = await new Promise((resolve) => child.on('close', resolve))
  assert.equal(code, 0)
})

test('a world that somebody else wrote: the bad release is taken back, the good one climbs', async () => {
  const judge = ['--', ...HOLDFAST, 'deploy', 'replay', '-', '--closed-loop', '--json', '--rungs', '0.05,0.25,0.95']
  const world = (flags: readonly string[]) => run([process.execPath, WORLD, '--rate', '20', ...flags, ...judge])
  const bad = await world(['--fault', 'submit:0.3', '--minutes', '20'])
  assert.match(bad.out, /rollback: [\d,]+ citizens met the new release, \d{1,2} of them were hurt\./)
  const good = await world(['--minutes', '12'])
  assert.doesNotMatch(good.out, /rollback/)
  assert.match(good.out, /continue 0\.25/)
})
