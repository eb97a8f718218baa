/** `holdfast check kiro`: shows, writes whole files, and never over what git does not hold. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { checkKiro } from '../../src/cli/commands/check-kiro.ts'

const made: string[] = []
after(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true })
})

const OLD = '.kiro/hooks/deployment-validator.yaml'
const NEW = '.kiro/hooks/deployment-validator.json'
const playbook =
  'name: deployment-validator\nevent: file_saved\nmatch: "**/*{deploy,pipeline}*.{yaml,yml}"\nprompt: |\n  Check this deployment configuration.\n'

function folder(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-kiro-'))
  made.push(root)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

function commit(root: string): undefined {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, '-c', 'user.name=t', '-c', 'user.email=t@example.test', ...args], {
      stdio: 'pipe',
    })
  git('init', '-q')
  git('add', '.')
  git('commit', '-q', '-m', 'first')
}

async function run(root: string, fix: boolean) {
  const out: string[] = []
  const io = {
    out: (text: string) => void out.push(text),
    progress: () => {},
    env: {},
    cwd: root,
    live: false,
    stop: new AbortController().signal,
  }
  const exit = await checkKiro.run({ args: [], options: { fix }, json: false, state: '', service: '', io })
  return { exit, out: out.join('\n') }
}

test('without --fix it shows the change and writes nothing', async () => {
  const root = folder({ [OLD]: playbook })
  const { exit, out } = await run(root, false)
  assert.equal(exit, 1)
  assert.match(out, /^ {2}-event: file_saved$/m)
  assert.match(out, /^ {2}\+ {6}"trigger": "PostFileSave",$/m)
  assert.equal(existsSync(join(root, NEW)), false)
})

test('without git the old file is kept under another name', async () => {
  const root = folder({ [OLD]: playbook })
  assert.equal((await run(root, true)).exit, 0)
  assert.equal(readFileSync(join(root, `${OLD}.before-holdfast`), 'utf8'), playbook)
  assert.equal(existsSync(join(root, OLD)), false)
  const { hooks } = JSON.parse(readFileSync(join(root, NEW), 'utf8')) as { hooks: { matcher: string }[] }
  assert.ok(new RegExp(hooks[0]!.matcher).test('ci/deploy-web.yml'))
  assert.deepEqual(await run(root, true), { exit: 0, out: 'Every hook here is in the form that Kiro loads.' })
})

test('what git holds is written over, what it does not hold is left alone', async () => {
  const root = folder({ [OLD]: playbook })
  commit(root)
  writeFileSync(join(root, OLD), `${playbook}# not saved anywhere\n`)
  const refused = await run(root, true)
  assert.equal(refused.exit, 1)
  assert.match(refused.out, /Not written: .*git does not hold its present content/)
  assert.equal(existsSync(join(root, NEW)), false)
  writeFileSync(join(root, OLD), playbook)
  assert.equal((await run(root, true)).exit, 0)
  assert.equal(existsSync(join(root, OLD)), false)
  assert.equal(existsSync(join(root, `${OLD}.before-holdfast`)), false)
})

test('a file that is there already is not written over', async () => {
  const present =
    '{"version":"v1","hooks":[{"name":"mine","trigger":"Stop","action":{"type":"command","command":"true"}}]}'
  const root = folder({ [OLD]: playbook, [NEW]: present })
  const { exit, out } = await run(root, true)
  assert.equal(exit, 1)
  assert.match(out, /is there already/)
  assert.equal(readFileSync(join(root, NEW), 'utf8'), present)
})
