import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { main } from '../../src/cli/main.ts'

const made: string[] = []
after(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true })
})

/** A repository with one release (v1) and, on top of it, what is to be released next. */
function repository(released: Readonly<Record<string, string>>, next: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-check-'))
  made.push(root)
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, '-c', 'user.name=t', '-c', 'user.email=t@example.test', ...args], {
      stdio: 'pipe',
    })
  const write = (files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
  }
  git('init', '-q')
  write(released)
  git('add', '.')
  git('commit', '-q', '-m', 'first')
  git('tag', 'v1')
  write(next)
  return root
}

async function check(root: string, ...args: string[]) {
  const out: string[] = []
  const io = {
    out: (text: string) => void out.push(text),
    progress: () => {},
    env: {},
    cwd: root,
    live: false,
    stop: new AbortController().signal,
  }
  const exit = await main(['check', '.', ...args], io)
  return { exit, out: out.join('\n') }
}

async function verdicts(root: string) {
  const { out } = await check(root, '--json', '--only', 'migration-breaks-running')
  const { findings } = JSON.parse(out) as { findings: { verdict: string; says: string; file: string }[] }
  return findings.map(({ verdict, says, file }) => ({ verdict, says, file }))
}

const base = {
  'migrations/V1__claim.sql': 'CREATE TABLE claim (id int, fax text, note text);\nALTER TABLE old DROP COLUMN gone;\n',
}

test('a column that the running release still reads may not be dropped, even when the new code does not', async () => {
  const root = repository(
    { ...base, 'src/claims.py': 'rows = db.query("SELECT fax FROM claim")\n' },
    {
      'src/claims.py': 'rows = db.query("SELECT note FROM claim")\n',
      'migrations/V2__fax.sql': 'ALTER TABLE claim DROP COLUMN fax;\n',
    },
  )
  const [finding, ...rest] = await verdicts(root)
  assert.equal(finding?.verdict, 'fail')
  assert.match(finding.says, /release v1, src\/claims\.py:1/)
  assert.deepEqual(rest, [], 'what v1 already contained is not judged again')
})

test('a column that the running release no longer names may be dropped', async () => {
  const root = repository(
    { ...base, 'src/claims.py': 'rows = db.query("SELECT note FROM claim")\n' },
    { 'migrations/V2__fax.sql': 'ALTER TABLE claim DROP COLUMN fax;\n' },
  )
  assert.deepEqual(await verdicts(root), [])
})

test('a bare word that may mean something else is an open question', async () => {
  const root = repository(
    { ...base, 'src/claims.py': '# claim\nfax = machine.dial()\n' },
    { 'migrations/V2__fax.sql': 'ALTER TABLE claim DROP COLUMN fax;\n' },
  )
  assert.deepEqual(
    (await verdicts(root)).map(({ verdict }) => verdict),
    ['cannot-tell'],
  )
})

test('exit codes, formats, baselines and explanations are as documented', async () => {
  const root = repository({ Dockerfile: 'FROM node:20.19.2\nSTOPSIGNAL SIGKILL\nCMD ["node", "a.js"]\n' }, {})
  assert.equal((await check(root)).exit, 1)
  const { exit, out } = await check(root, '--json')
  const report = JSON.parse(out) as {
    checked: unknown[]
    findings: { rule: string; file: string; line: number }[]
    rules: number
    ms: number
  }
  assert.equal(exit, 1)
  assert.deepEqual(
    [report.findings[0]?.rule, report.findings[0]?.file, report.findings[0]?.line],
    ['docker-stop-signal', 'Dockerfile', 2],
  )
  assert.deepEqual(Object.keys(report), ['checked', 'findings', 'rules', 'ms'])
  assert.deepEqual(report.checked, [
    { file: 'Dockerfile', format: 'dockerfile', verdicts: { pass: 3, fail: 1, 'cannot-tell': 0 } },
  ])
  const sarif = JSON.parse((await check(root, '--format', 'sarif')).out) as {
    version: string
    runs: { results: { kind: string; level: string }[] }[]
  }
  assert.deepEqual(
    [sarif.version, sarif.runs[0]?.results[0]?.kind, sarif.runs[0]?.results[0]?.level],
    ['2.1.0', 'fail', 'error'],
  )
  assert.match(
    (await check(root, '--format', 'github')).out,
    /^::error file=Dockerfile,line=2,col=1,title=docker-stop-signal::/,
  )
  const page = (await check(root, '--format', 'html')).out
  assert.match(page, /<h3>STOPSIGNAL is SIGKILL/)
  assert.doesNotMatch(page, /<script|https?:|undefined/)
  assert.equal((await check(root, '--only', 'kube-readiness')).exit, 0)
  assert.equal((await check(root, '--only', 'no-such-rule')).exit, 2)
  assert.equal((await check(root, '--format', 'xml')).exit, 2)
  assert.match((await check(root, '--explain', 'docker-signal')).out, /SIGTERM/)
  assert.equal((await check(root, '--write-baseline', 'baseline.json')).exit, 0)
  assert.equal((await check(root, '--baseline', 'baseline.json')).exit, 0)
  assert.equal((await check(root, '--baseline', 'missing.json')).exit, 2)
})

test('a pull request is told only about the files that it changes', async () => {
  const bad = 'FROM node:20.19.2\nSTOPSIGNAL SIGKILL\nCMD ["node", "a.js"]\n'
  const root = repository({ 'old/Dockerfile': bad }, { 'new/Dockerfile': bad })
  const { exit, out } = await check(root, '--json', '--changed', 'v1')
  assert.equal(exit, 1)
  const { findings } = JSON.parse(out) as { findings: { file: string }[] }
  assert.deepEqual([...new Set(findings.map(({ file }) => file))], ['new/Dockerfile'])
  assert.equal((await check(root, '--changed', '--output=x')).exit, 2)
  assert.equal((await check(root, '--changed', 'no-such-ref')).exit, 2)
})
