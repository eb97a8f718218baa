import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Io } from '../src/cli/command.ts'
import { main } from '../src/cli/main.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'holdfast-kit-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a command line in the folder; gives its exit code and what it printed. */
async function run(...argv: string[]): Promise<{ exit: number; out: string; err: string }> {
  const out: string[] = []
  const err: string[] = []
  const io: Io = {
    out: (text) => void out.push(text),
    progress: (text) => void err.push(text),
    env: {},
    cwd: folder,
    live: false,
    stop: new AbortController().signal,
  }
  const exit = await main(argv, io)
  return { exit, out: out.join('\n'), err: err.join('\n') }
}

/** Every file under the folder with its text. */
function snapshot(): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    files.map((entry) => join(entry.parentPath, entry.name)).map((path) => [path, readFileSync(path, 'utf8')]),
  )
}

test('a kit is written, written again without a change, and keeps what people wrote', async () => {
  cpSync(`${root}examples/enquiries/service.yaml`, join(folder, 'service.yaml'))
  const first = await run('kit', '--out', '.', '--json')
  assert.equal(first.exit, 0, first.err)
  const told = JSON.parse(first.out) as Record<'new' | 'updated' | 'kept', string[]>
  assert.ok(told.new.length > 40)
  const before = snapshot()
  assert.equal((await run('kit', '--out', '.', '--check')).exit, 0, 'nothing to do')
  await run('kit', '--out', '.')
  assert.deepEqual(snapshot(), before, 'the second run changes no byte')

  const runbook = join(folder, 'ops/runbooks/tenant-data-leak.md')
  writeFileSync(runbook, `${readFileSync(runbook, 'utf8')}\nOur own advice.\n`)
  const hook = join(folder, '.kiro/hooks/deployment-validator.json')
  writeFileSync(hook, readFileSync(hook, 'utf8').replace('"timeout": 30', '"timeout": 45'))
  const definition = join(folder, 'service.yaml')
  writeFileSync(
    definition,
    readFileSync(definition, 'utf8')
      .replace('name: A department sees the enquiries of another', 'name: Somebody else reads an enquiry')
      .replace('0808 157 0033', '0808 157 0034'),
  )
  assert.equal((await run('kit', '--out', '.', '--check')).exit, 1, 'a changed definition makes the kit stale')
  const again = JSON.parse((await run('kit', '--out', '.', '--json')).out) as Record<'updated' | 'kept', string[]>
  assert.ok(again.updated.includes('ops/runbooks/tenant-data-leak.md'))
  assert.deepEqual(again.kept, ['.kiro/hooks/deployment-validator.json'])
  const text = readFileSync(runbook, 'utf8')
  assert.ok(
    text.includes('# Somebody else reads an enquiry') &&
      text.includes('Our own advice.') &&
      text.includes('0808 157 0034'),
  )
  assert.ok(readFileSync(hook, 'utf8').includes('"timeout": 45'))
})

test('a runbook of a failure mode that is gone goes too, unless somebody has written in it', async () => {
  const definition = join(folder, 'service.yaml')
  const text = readFileSync(definition, 'utf8')
  const from = text.indexOf('  - id: malware-scan-down')
  const to = text.indexOf('\nartefacts:')
  writeFileSync(definition, text.slice(0, from) + text.slice(to + 1))
  const { exit, out, err } = await run('kit', '--out', '.', '--json')
  assert.equal(exit, 0, err)
  assert.deepEqual((JSON.parse(out) as { removed: string[] }).removed, ['ops/runbooks/malware-scan-down.md'])
  assert.ok(!existsSync(join(folder, 'ops/runbooks/malware-scan-down.md')))
})

test('a file that was deleted is made again, and that is told apart from a new one', async () => {
  const guide = join(folder, 'ops/docs/on-call.md')
  rmSync(guide)
  assert.equal((await run('kit', '--out', '.', '--check')).exit, 1)
  assert.ok(!existsSync(guide))
  const { out } = await run('kit', '--out', '.')
  assert.match(out, /^ {2}back {5}ops\/docs\/on-call\.md: the kit had made it, and it was gone$/m)
  assert.match(out, /: 1 new, 0 updated,/)
  assert.ok(existsSync(guide))
})

test('a wrong definition makes no kit, and says why', async () => {
  writeFileSync(join(folder, 'broken.yaml'), 'service: { id: x }\n')
  const { exit, err } = await run('kit', '--out', 'elsewhere', '--service', 'broken.yaml')
  assert.equal(exit, 2)
  assert.ok(err.includes('[DEFINITION_WRONG]') && err.includes('does not say "name"'))
  assert.ok(!existsSync(join(folder, 'elsewhere')))
  assert.equal((await run('kit')).exit, 2)
  assert.match((await run('kit', '--out', '.', '--only', 'runboks')).err, /--only runbooks/)
})

test('define says what is wrong with line and column, in words and in JSON', async () => {
  const words = await run('define', 'broken.yaml')
  assert.equal(words.exit, 2)
  assert.match(words.out, /broken\.yaml:1:1 .*"journeys"/)
  const json = JSON.parse((await run('define', 'broken.yaml', '--json')).out) as {
    valid: boolean
    findings: { line: number }[]
  }
  assert.equal(json.valid, false)
  assert.ok(json.findings.every((finding) => finding.line >= 1))
  assert.match((await run('define', 'nowhere.yaml')).err, /NO_DEFINITION/)
})

test('init drafts where nothing is, and never replaces somebody’s work', async () => {
  const refused = await run('init', '.')
  assert.equal(refused.exit, 2)
  assert.match(refused.err, /DEFINITION_EXISTS/)
  rmSync(join(folder, 'service.yaml'))
  const drafted = await run('init', '.', '--answer', 'service.id=parking', '--json')
  assert.equal(drafted.exit, 0, drafted.err)
  const told = JSON.parse(drafted.out) as { questions: { key: string }[]; seen: { what: string; value: string }[] }
  assert.ok(told.questions.some((question) => question.key === 'service.name'))
  assert.ok(told.seen.some((sight) => sight.what === 'pipeline' && sight.value === 'github-actions'))
  assert.ok(readFileSync(join(folder, 'service.yaml'), 'utf8').includes('id: "parking"'))
})
