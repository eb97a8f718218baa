/** The package as npm packs it, used as a stranger would: from an agent's hook, a GitHub workflow and pre-commit. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('../..', import.meta.url))
const temp = mkdtempSync(join(tmpdir(), 'holdfast-installed-'))
const runner = join(temp, 'runner')
const bin = join(runner, 'holdfast/node_modules/.bin/holdfast')
const work = join(temp, 'work')

before(() => {
  assert.ok(existsSync(join(root, 'dist/hook.cjs')), 'there is no build: npm run build')
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', temp], {
    cwd: root,
    stdio: 'pipe',
  })
  const tarball = readdirSync(temp).find((name) => name.endsWith('.tgz'))!
  const home = join(runner, 'holdfast/node_modules')
  mkdirSync(join(home, '.bin'), { recursive: true })
  execFileSync('tar', ['-xzf', join(temp, tarball), '-C', home])
  execFileSync('mv', [join(home, 'package'), join(home, 'holdfast')])
  // Its dependencies, as npm would lay them out, without asking a registry.
  symlinkSync(join(root, 'node_modules'), join(home, 'holdfast/node_modules'))
  symlinkSync(join(home, 'holdfast/bin/holdfast.js'), bin)
  write(
    'deploy/cd.tf',
    'resource "aws_codedeploy_deployment_group" "web" {\n  auto_rollback_configuration {\n    enabled = false\n  }\n}\n',
  )
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', work, '-c', 'user.name=t', '-c', 'user.email=t@example.test', ...args], {
      stdio: 'pipe',
    })
  git('init', '-q')
  git('add', '.')
  git('commit', '-q', '-m', 'first')
})
after(() => rmSync(temp, { recursive: true, force: true }))

function write(path: string, text: string): undefined {
  mkdirSync(dirname(join(work, path)), { recursive: true })
  writeFileSync(join(work, path), text)
}

interface ActionStep {
  readonly id?: string
  readonly run: string
  readonly env: Readonly<Record<string, string>>
}

test('the GitHub action annotates, writes SARIF and a page, and fails the job', () => {
  const action = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as {
    inputs: Record<string, { default: string }>
    runs: { steps: ActionStep[] }
  }
  const step = action.runs.steps.find(({ id }) => id === 'check')!
  const inputs = Object.fromEntries(Object.entries(action.inputs).map(([name, input]) => [name, String(input.default)]))
  const env = Object.fromEntries(
    Object.entries(step.env).map(([name, value]) => [
      name,
      value.replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, input: string) => inputs[input]!),
    ]),
  )
  const outputs = join(temp, 'outputs')
  writeFileSync(outputs, '')
  const { status, stdout, stderr } = spawnSync('bash', ['-c', step.run], {
    cwd: work,
    encoding: 'utf8',
    env: { ...process.env, ...env, RUNNER_TEMP: runner, GITHUB_OUTPUT: outputs },
  })
  assert.equal(status, 1, stderr)
  assert.match(stdout, /^::error file=deploy\/cd\.tf,line=\d+,col=\d+,title=codedeploy-auto-rollback::/m)
  assert.match(readFileSync(outputs, 'utf8'), /sarif=holdfast-report\/holdfast\.sarif/)
  const sarif = JSON.parse(readFileSync(join(work, 'holdfast-report/holdfast.sarif'), 'utf8')) as { version: string }
  assert.equal(sarif.version, '2.1.0')
  assert.match(readFileSync(join(work, 'holdfast-report/holdfast.html'), 'utf8'), /What would hurt citizens/)
})

test('the pre-commit hook says nothing about what was there before, and stops what is new', () => {
  const hooks = parse(readFileSync(join(root, '.pre-commit-hooks.yaml'), 'utf8')) as { id: string; entry: string }[]
  const entry = hooks.find(({ id }) => id === 'holdfast-check')!.entry.split(' ')
  assert.equal(entry[0], 'holdfast')
  const run = () => spawnSync(bin, entry.slice(1), { cwd: work, encoding: 'utf8' })
  assert.equal(run().status, 0)
  write('deploy/other.tf', readFileSync(join(work, 'deploy/cd.tf'), 'utf8').replace('"web"', '"other"'))
  const { status, stdout } = run()
  assert.equal(status, 1)
  assert.match(stdout, /deploy\/other\.tf/)
  rmSync(join(work, 'deploy/other.tf'))
})

test('an agent’s hook runs from its bundle, with the same answer', () => {
  const event = JSON.stringify({
    session_id: 's',
    cwd: work,
    hook_event_name: 'PostFileSave',
    file_path: 'deploy/cd.tf',
  })
  const run = () =>
    spawnSync(bin, ['check', '--hook', '--state', join(temp, 'state')], {
      cwd: work,
      input: event,
      encoding: 'utf8',
      env: { ...process.env, XDG_CACHE_HOME: join(temp, 'cache') },
    })
  const first = run()
  assert.equal(first.status, 1, first.stderr)
  assert.match(first.stdout, /codedeploy-auto-rollback/)
  assert.deepEqual(run().stdout, first.stdout, 'from the compiled code, too')
})
