import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, test } from 'node:test'
import { runHook } from './hook.ts'

const START = Date.parse('2026-11-23T09:00:00Z')
const made: string[] = []
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function workspace(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-hook-'))
  made.push(root)
  for (const [path, text] of Object.entries(files)) write(root, path, text)
  return root
}

function write(root: string, path: string, text: string): undefined {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

function send(root: string, event: unknown, now = START) {
  const out: string[] = []
  const told: string[] = []
  const io = { out: (text: string) => void out.push(text), progress: (text: string) => void told.push(text), cwd: root }
  const input =
    typeof event === 'string' ? event : JSON.stringify({ session_id: 's1', cwd: root, ...(event as object) })
  const exit = runHook({ io, input, state: '.holdfast', now })
  return { exit, out: out.join('\n'), told: told.join('\n') }
}

const save = (file: string) => ({ hook_event_name: 'PostFileSave', file_path: file })
const ask = { hook_event_name: 'UserPromptSubmit', prompt: 'go on' }
const act = (command: string) => ({ hook_event_name: 'PreToolUse', tool_name: 'shell', tool_input: { command } })

const group = (events: string) =>
  `resource "aws_codedeploy_deployment_group" "web" {\n  auto_rollback_configuration {\n    enabled = true\n    events  = [${events}]\n  }\n  alarm_configuration {\n    enabled = true\n    alarms  = ["failing"]\n  }\n}\n`
const bad = group('"DEPLOYMENT_FAILURE"')
const good = group('"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"')

test('a save is judged, and nothing but the report is written', () => {
  const root = workspace({ 'deploy/cd.tf': bad })
  const { exit, out } = send(root, save('deploy/cd.tf'))
  assert.equal(exit, 1)
  assert.match(out, /deploy\/cd\.tf:\d+ codedeploy-auto-rollback/)
  assert.deepEqual(readdirSync(root).sort(), ['.holdfast', 'deploy'])
  assert.equal(readdirSync(join(root, '.holdfast/check')).length, 1)
})

test('an absolute path and a relative one are the same file', () => {
  const root = workspace({ 'cd.tf': bad })
  send(root, save('cd.tf'))
  send(root, save(join(root, 'cd.tf')))
  assert.equal(readdirSync(join(root, '.holdfast/check')).length, 1)
})

test('a burst of saves is looked at once, and what it left is judged when somebody asks', () => {
  const root = workspace({ 'cd.tf': bad })
  assert.equal(send(root, save('cd.tf')).exit, 1)
  write(root, 'cd.tf', good)
  assert.equal(send(root, save('cd.tf'), START + 500).exit, 1, 'half a second later the old answer stands')
  assert.equal(send(root, ask, START + 600).out, '', 'asked, the new content is judged and is good')
  write(root, 'cd.tf', bad)
  assert.equal(send(root, save('cd.tf'), START + 3_000).exit, 1)
})

test('what stands is said once in a session, and again in the next', () => {
  const root = workspace({ 'cd.tf': bad })
  send(root, save('cd.tf'))
  assert.match(send(root, ask).out, /holdfast check: 1 finding/)
  assert.equal(send(root, ask).out, '')
  assert.match(send(root, { ...ask, session_id: 's2' }).out, /1 finding/)
})

test('a deployment is stopped while an error stands, and nothing else is', () => {
  const root = workspace({ 'cd.tf': bad })
  send(root, save('cd.tf'))
  const stopped = send(root, act('cd infra && terraform apply -auto-approve'))
  assert.equal(stopped.exit, 2)
  assert.match(stopped.told, /not while this would hurt citizens/)
  assert.equal(send(root, act('terraform plan')).exit, 0)
  write(root, 'cd.tf', good)
  assert.equal(send(root, act('terraform apply')).exit, 0)
})

test('a deleted file takes its report with it', () => {
  const root = workspace({ 'cd.tf': bad })
  send(root, save('cd.tf'))
  rmSync(join(root, 'cd.tf'))
  send(root, { hook_event_name: 'PostFileDelete', file_path: 'cd.tf' })
  assert.equal(send(root, ask).out, '')
})

test('a neighbour that replaces a value is heard', () => {
  const root = workspace({
    'k8s/base/kustomization.yaml': 'resources: [web.yaml]\n',
    'k8s/base/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  replicas: 2\n  strategy: { type: Recreate }\n  template:\n    spec:\n      containers: [{ name: app, image: "r/web:1", ports: [{ containerPort: 80 }] }]\n',
    'k8s/prod/kustomization.yaml': 'resources: [../base]\npatches: [{ path: web.yaml }]\n',
    'k8s/prod/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  strategy: { type: RollingUpdate }\n',
  })
  assert.doesNotMatch(send(root, save('k8s/base/web.yaml')).out, /kube-strategy/)
})

test('a file that no rule reads, or outside the workspace, costs nothing', () => {
  const root = workspace({ 'notes.txt': 'hello' })
  assert.deepEqual(send(root, save('notes.txt')), { exit: 0, out: '', told: '' })
  assert.deepEqual(send(root, save('../../etc/hosts.yml')), { exit: 0, out: '', told: '' })
  assert.equal(existsSync(join(root, '.holdfast')), false)
})

for (const input of ['', '{', 'null', '[]', '7', '{"hook_event_name":5,"file_path":{}}', '{"__proto__":{"cwd":"x"}}']) {
  test(`a broken event is answered, not crashed on: ${input || 'nothing'}`, () => {
    const root = workspace({})
    assert.ok([0, 2].includes(send(root, input).exit))
  })
}

test('a report that somebody else wrote is not trusted', () => {
  const root = workspace({ 'cd.tf': good })
  send(root, save('cd.tf'))
  const [name] = readdirSync(join(root, '.holdfast/check'))
  write(root, `.holdfast/check/${name}`, '{"version":1,"file":"../../../etc/passwd","hash":"","at":0,"findings":[]}')
  assert.equal(send(root, ask).out, '')
  write(root, `.holdfast/check/${name}`, '{{{')
  assert.equal(send(root, save('cd.tf'), START + 5_000).exit, 0)
})
