import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, test } from 'node:test'
import { questionsOf } from '../../core/define/init/questions.ts'
import { loadService } from '../../core/define/load.ts'
import { run } from '../run.ts'
import { init } from './init.ts'
import { answerLines, askedAnswers } from './init-answers.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function folderOf(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-init-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

async function cli(cwd: string, ...argv: readonly string[]) {
  const out: string[] = []
  const err: string[] = []
  const io = {
    out: (text: string) => void out.push(text),
    progress: (text: string) => void err.push(text),
    env: {},
    cwd,
    live: false,
    stop: new AbortController().signal,
  }
  const exit = await run([init], ['init', ...argv], io)
  return { exit, out: out.join('\n'), err: err.join('\n') }
}

interface Asked {
  readonly key: string
  readonly example: string
}

const asked = (out: string) => (JSON.parse(out) as { questions: readonly Asked[] }).questions
const flags = (answers: Readonly<Record<string, string>>) =>
  Object.entries(answers).flatMap(([key, answer]) => ['--answer', `${key}=${answer}`])

test('every question is answered by its flag, and by a file, until nothing is open', async () => {
  const folder = folderOf({
    'compose.yaml': 'services:\n  web: { build: ., ports: ["80:80"] }\n  sweeper: { build: . }\n',
    Gemfile: "gem 'sidekiq'\n",
  })
  const answers: Record<string, string> = {}
  for (let round = 0; ; round++) {
    assert.ok(round < 20, 'questions never end')
    const { exit, out, err } = await cli(folder, '--print', '--json', ...flags(answers))
    assert.equal(exit, 0, err)
    const open = asked(out)
    if (open.length === 0) break
    for (const { key, example } of open) answers[key] = example
  }
  assert.ok(Object.keys(answers).length > 60)
  writeFileSync(join(folder, 'answers.yaml'), answerLines(answers))
  const { exit, out } = await cli(folder, '--answers', 'answers.yaml', '--answer', 'service.name=The flag wins')
  assert.equal(exit, 0)
  assert.match(out, /Nothing is open\. Next: holdfast define$/)
  const { service, findings } = loadService(readFileSync(join(folder, 'service.yaml'), 'utf8'), 'service.yaml')
  assert.deepEqual(
    findings.map(({ says }) => says),
    [],
  )
  assert.equal(service?.service.name, 'The flag wins')
})

test('an answers file may nest its keys and write lists and numbers', async () => {
  const folder = folderOf({
    'a.yaml': 'service: { phase: live }\njourneys: [apply, status]\njourney:\n  apply:\n    recoverMinutes: 15\n',
  })
  const { exit, err } = await cli(folder, '--answers', 'a.yaml')
  assert.equal(exit, 0, err)
  const text = readFileSync(join(folder, 'service.yaml'), 'utf8')
  for (const line of ['  phase: "live"', '  - id: status', '    tolerance: { recoverMinutes: 15 }'])
    assert.ok(text.includes(`${line}\n`), line)
})

test('a wrong answer is a finding with its place, and nothing is written', async () => {
  const folder = folderOf({ 'a.yaml': 'service.id: permits\nservice:\n  phase: soon\n', 'b.yaml': '- x\n' })
  const wrong = await cli(folder, '--json', '--answers', 'a.yaml', '--answer', 'jorneys=apply')
  assert.equal(wrong.exit, 2)
  const { findings, error } = JSON.parse(wrong.out) as {
    findings: readonly { rule: string; file: string; line: number; says: string }[]
    error: { code: string }
  }
  assert.equal(error.code, 'ANSWER_NOT_UNDERSTOOD')
  assert.deepEqual(
    findings.map(({ rule, file, line }) => `${rule} ${file}:${line}`),
    ['answer-not-understood a.yaml:3', 'answer-not-understood --answer:1'],
  )
  assert.match(findings[0]!.says, /"soon" does not answer service\.phase: .* For example: live/)
  assert.match(findings[1]!.says, /Did you mean journeys\?/)
  const cases: readonly [readonly string[], string][] = [
    [['--answer', 'x'], 'ANSWER_WITHOUT_KEY'],
    [['--answer', 'service.id=a', '--answer', 'service.id=b'], 'ANSWERED_TWICE'],
    [['--answers', 'b.yaml'], 'ANSWERS_NOT_READ'],
    [['--answers', 'gone.yaml'], 'ANSWERS_NOT_READ'],
    [['gone'], 'NO_FOLDER'],
  ]
  for (const [argv, code] of cases) {
    const { exit, err } = await cli(folder, ...argv)
    assert.equal(exit, 2)
    assert.match(err, new RegExp(`\\[${code}\\]`))
  }
  assert.ok(!existsSync(join(folder, 'service.yaml')))
})

test('what people wrote is never lost: an untouched draft is drafted anew, everything else is kept', async () => {
  const folder = folderOf()
  const target = join(folder, 'service.yaml')
  assert.equal((await cli(folder)).exit, 0)
  assert.equal((await cli(folder, '--answer', 'service.id=permits')).exit, 0, 'nobody has touched the draft')
  const refused = await cli(folder, '--answer', 'service.id=other')
  assert.equal(refused.exit, 2)
  assert.match(refused.err, /DEFINITION_EXISTS/)
  writeFileSync(target, 'mine\n')
  assert.equal((await cli(folder, '--force')).exit, 0)
  assert.equal((await cli(folder, '--force')).exit, 0)
  assert.equal(readFileSync(join(folder, 'service.yaml.old'), 'utf8'), 'mine\n')
  assert.deepEqual(readdirSync(folder).sort(), ['service.yaml', 'service.yaml.old', 'service.yaml.old-2'])
  const linked = folderOf()
  symlinkSync('/nowhere/at/all', join(linked, 'service.yaml'))
  assert.match((await cli(linked)).err, /DEFINITION_EXISTS/)
})

test('a printed draft is all that stands on stdout', async () => {
  const { out, err } = await cli(folderOf(), '--print')
  assert.ok(out.startsWith('# yaml-language-server'))
  assert.ok(!out.includes('What would hurt citizens most'))
  assert.match(err, /What would hurt citizens most:\n1\. /)
})

/** Lets a person answer at a terminal: the lines, then what ends the talk. */
async function talk(lines: readonly string[], end: 'eof' | 'stop') {
  const input = new PassThrough()
  const output = new PassThrough()
  let said = ''
  const stop = new AbortController()
  let next = 0
  output.on('data', (part: Buffer) => {
    said += part.toString()
    if (!part.toString().endsWith('> ')) return
    if (next < lines.length) input.write(`${lines[next++]}\n`)
    else if (end === 'eof') input.end()
    else stop.abort()
  })
  const open = (answers: Readonly<Record<string, string>>) => questionsOf([], answers)
  return { ...(await askedAnswers({}, open, { input, output, stop: stop.signal })), said }
}

test('at a terminal a wrong answer is asked again, an empty one stays open, and the end leaves the rest', async () => {
  const { answers, interrupted, said } = await talk(['permits', '', 'soon', 'live'], 'eof')
  assert.deepEqual(answers, { 'service.id': 'permits', 'service.phase': 'live' })
  assert.equal(interrupted, false)
  assert.match(said, /"soon" does not answer service\.phase/)
})

test('Ctrl-C in the middle writes nothing and keeps what was said', async () => {
  const { answers, interrupted } = await talk(['permits'], 'stop')
  assert.deepEqual(answers, { 'service.id': 'permits' })
  assert.equal(interrupted, true)
  assert.equal(answerLines(answers), 'service.id: "permits"')
})
