import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { allText } from '../src/core/check/formats/node.ts'
import { judge } from '../src/core/check/judge.ts'
import { ancestorsOf, isDeploy, type Job, type Pipeline } from '../src/core/check/models/pipeline.ts'
import { RULES } from '../src/core/check/table.ts'
import { worldOf } from '../src/core/check/world.ts'
import type { Service } from '../src/core/define/schema.ts'
import { render } from '../src/core/kit/file.ts'
import { deployMinutes, pipelineGates } from '../src/core/kit/pipelines/gates.ts'
import { isOurs, wayOf } from '../src/core/kit/pipelines/way.ts'
import { ACTIONS } from '../src/core/kit/pipelines/github.ts'
import { snake } from '../src/core/kit/infra/model.ts'
import { infrastructureOf } from '../src/core/kit/infra/stack.ts'
import { infrastructureFiles } from '../src/core/kit/infrastructure.ts'
import { pipelineFiles } from '../src/core/kit/pipelines.ts'
import { shapeFaults } from './kit/shapes.ts'
import { EXAMPLES, on, SHAPES } from './kit/world.ts'

const TOOLS = ['github-actions', 'jenkins', 'codepipeline'] as const

const filesOf = (service: Service) =>
  pipelineFiles({ ...({} as Parameters<typeof pipelineFiles>[0]), service }).map((file) => ({
    path: file.path,
    text: render(file),
  }))

/** What a job runs, with the commands of the CodeBuild projects that it names. */
function runsOf(job: Job, text: string): string {
  const own = job.steps.map((step) => step.run).join('\n')
  if (!text.includes('AWS::CodeBuild::Project')) return own
  const { Resources } = parse(text) as { Resources: Record<string, { Properties: { Source?: { BuildSpec: string } } }> }
  const named = job.node ? allText(job.node) : ''
  const projects = Object.entries(Resources).filter(([id]) => new RegExp(`\\b${id}\\b`).test(named))
  return [own, ...projects.map(([, { Properties }]) => Properties.Source?.BuildSpec ?? '')].join('\n')
}

function pipelinesOf(files: readonly { path: string; text: string }[]): readonly Pipeline[] {
  return worldOf({ files, problems: [] }, 0).pipelines
}

for (const [name] of EXAMPLES)
  for (const tool of TOOLS) {
    const service = on(name, { tooling: { pipeline: tool } })
    const files = filesOf(service)
    const text = files.map((file) => file.text).join('\n')
    const release = files.find((file) => !/rollback|\.sh$/i.test(file.path))!

    test(`${name} with ${tool}: the window and every gate stand before production, and cannot be skipped`, () => {
      const pipeline = pipelinesOf([release]).find((one) => !/rollback/i.test(one.name) && one.jobs.length > 2)!
      const deploying = pipeline.jobs.filter((job) =>
        /holdfast deploy start|ops\/pipeline\/deploy\.sh/.test(runsOf(job, release.text)),
      )
      assert.equal(deploying.length, 1, 'one job deploys')
      const before = [...ancestorsOf(pipeline, deploying[0]!)].map((job) => runsOf(job, release.text)).join('\n')
      assert.match(before, isOurs(service) ? /holdfast deploy plan/ : /holdfast deploy window/)
      assert.match(before, /holdfast check \./)
      const gates = pipelineGates(service)
      for (const kind of ['command', 'scan', 'accessibility'])
        assert.ok(
          gates.some((gate) => gate.kind === kind),
          kind,
        )
      for (const gate of gates)
        assert.ok(before.replaceAll('\\"', '"').includes(gate.run?.[0] ?? 'A gate that did not run'), gate.id)
      for (const job of pipeline.jobs) {
        assert.equal(job.ignoresFailure, undefined, job.id)
        for (const step of job.steps) assert.equal(step.ignoresFailure, undefined, job.id)
        if (tool === 'github-actions') assert.ok(job.timeoutMinutes !== undefined, `${job.id} ends by itself`)
      }
      // What follows the deployment only looks.
      for (const job of pipeline.jobs) if (job !== deploying[0]) assert.ok(!job.steps.some(isDeploy), job.id)
    })

    test(`${name} with ${tool}: one release at a time, evidence is kept, and there is a way back in time`, () => {
      const ours = isOurs(service)
      if (ours) assert.match(text, /prove pack \\?"\$id\\?" --out evidence/)
      assert.match(text, ours ? /holdfast deploy rollback --reason/ : /bash ops\/pipeline\/rollback\.sh/)
      assert.match(text, /HOLDFAST_ACCOUNT/, 'the guard of the target is told where this is')
      const { maxMinutes } = service.deployment.rollback
      if (tool === 'github-actions') {
        const back = parse(files.find((file) => file.path.endsWith('rollback.yml'))!.text)
        assert.ok(back.jobs.rollback['timeout-minutes'] <= maxMinutes)
        const forth = parse(release.text)
        assert.equal(forth.concurrency['cancel-in-progress'], false)
        assert.notEqual(back.concurrency.group, forth.concurrency.group, 'going back waits for no release')
        assert.equal(forth.jobs.production.environment, 'production')
        const uploads = forth.jobs.production.steps.filter((step: { uses?: string }) =>
          step.uses?.startsWith('actions/upload-artifact@'),
        )
        assert.equal(uploads.length, 1)
        assert.equal(uploads[0].if, 'always()')
      } else if (tool === 'jenkins') {
        assert.equal(text.match(/disableConcurrentBuilds\(\)/g)?.length, 2)
        assert.match(text, new RegExp(`timeout\\(time: ${maxMinutes}, unit: 'MINUTES'\\)`))
        assert.match(text, /archiveArtifacts artifacts: 'deployment\.json,evidence\/\*\*'/)
      } else {
        const { Resources } = parse(release.text)
        assert.equal(Resources.Pipeline.Properties.ExecutionMode, 'QUEUED')
        assert.equal(Resources.Production.Properties.ConcurrentBuildLimit, 1)
        assert.equal(Resources.Rollback.Properties.TimeoutInMinutes, Math.max(5, maxMinutes))
        if (ours) assert.match(Resources.Production.Properties.Source.BuildSpec, /finally:[\s\S]*prove pack/)
        assert.match(Resources.Production.Properties.Source.BuildSpec, /artifacts:[\s\S]*deployment\.json/)
        for (const { Type, Properties } of Object.values<{
          Type: string
          Properties: { Source: { BuildSpec: string } }
        }>(Resources))
          if (Type === 'AWS::CodeBuild::Project') assert.equal(parse(Properties.Source.BuildSpec).version, 0.2)
        assert.deepEqual(shapeFaults(Resources), [])
      }
    })

    test(`${name} with ${tool}: holdfast check has nothing against it`, () => {
      const { findings } = judge({ files, problems: [] }, RULES, Date.UTC(2026, 10, 23))
      const loud = findings.filter(
        ({ verdict, severity, rule }) =>
          verdict === 'fail' &&
          severity !== 'info' &&
          // A platform that bakes for an hour is waited for.
          (rule !== 'deploy-timeout' || isOurs(service) || deployMinutes(service).minutes <= 60) &&
          // The definition asks nobody.
          (rule !== 'gate-approval' || service.deployment.approvals.people > 0),
      )
      assert.deepEqual(
        loud.map((finding) => `${finding.file}:${finding.line} ${finding.rule} ${finding.says}`),
        [],
      )
    })
  }

/** Runs a script of the kit among stand-ins of the platform's tools, each of which notes how it was called. */
function played(service: Service, script: string, args: readonly string[], env: Record<string, string>, fails = '') {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-way-'))
  try {
    for (const { path, text } of [
      ...filesOf(service),
      { path: 'ops/infrastructure/web.yaml', text: 'image: a@sha256:00' },
    ]) {
      mkdirSync(join(folder, dirname(path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    mkdirSync(join(folder, 'bin'))
    for (const tool of ['aws', 'kubectl', 'npx', 'terraform'])
      writeFileSync(
        join(folder, 'bin', tool),
        `#!/bin/sh\necho "${tool} $*" >> "${folder}/calls"\ncase "$*" in *describe-images*) echo sha256:abc;; *StackStatus*) echo "\${STATE:-UPDATE_COMPLETE}";; esac\n` +
          (fails ? `case "$*" in ${fails}) exit 1;; esac\n` : '') +
          'case "$*" in apply*) cat > /dev/null;; esac\n',
        { mode: 0o755 },
      )
    const { status, stderr } = spawnSync('bash', [script, ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: `${folder}/bin:${process.env.PATH}`, ...env },
    })
    const calls = existsSync(join(folder, 'calls'))
      ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')
      : []
    return { status, stderr, calls }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('on a cluster: the right release in the right place, in its window; a release that does not come up goes back', () => {
  const service = on('enquiries', {})
  const digest = `sha256:${'a'.repeat(64)}`
  const here = { HOLDFAST_ACCOUNT: 'cluster enquiries-live' }
  const good = played(service, 'ops/pipeline/deploy.sh', [digest], here)
  assert.equal(good.status, 0, good.stderr)
  assert.match(good.calls.join('\n'), /deploy window --json\nkubectl apply -f -\nkubectl rollout status/)
  const elsewhere = played(service, 'ops/pipeline/deploy.sh', [digest], { HOLDFAST_ACCOUNT: 'cluster test' })
  assert.deepEqual([elsewhere.status, elsewhere.calls], [1, []])
  const unsaid = played(service, 'ops/pipeline/deploy.sh', [digest], {})
  assert.deepEqual([unsaid.status, unsaid.calls], [1, []])
  const closed = played(service, 'ops/pipeline/deploy.sh', [digest], here, '*window*')
  assert.ok(closed.status === 1 && !closed.calls.some((call) => call.startsWith('kubectl apply')))
  const sick = played(service, 'ops/pipeline/deploy.sh', [digest], here, '*status*')
  assert.ok(sick.status !== 0 && sick.calls.includes('kubectl rollout undo deployment/enquiries-web'))
  const back = played(service, 'ops/pipeline/rollback.sh', [], {})
  assert.deepEqual([back.status, back.calls[0]], [0, 'kubectl rollout undo deployment/enquiries-web'])
})

test('on AWS: releases go out by digest, and go back in a closed window too', () => {
  const service = on('renewal-documents', {})
  const here = { HOLDFAST_ACCOUNT: 'renewals-production' }
  const good = played(service, 'ops/pipeline/deploy.sh', ['r7'], here)
  assert.equal(good.status, 0, good.stderr)
  assert.match(good.calls.join('\n'), /--parameter-overrides WebImageDigest=sha256:abc RendererImageDigest=sha256:abc/)
  const unknown = played(service, 'ops/pipeline/deploy.sh', ['r7'], here, '*describe-images*')
  assert.ok(unknown.status !== 0 && !unknown.calls.some((call) => call.includes('cloudformation deploy')))
  const back = played(service, 'ops/pipeline/rollback.sh', ['r6'], here, '*window*')
  assert.equal(back.status, 0, back.stderr)
  assert.ok(back.calls.some((call) => call.includes('cloudformation deploy')))
  const underWay = played(service, 'ops/pipeline/rollback.sh', ['r6'], { ...here, STATE: 'UPDATE_IN_PROGRESS' })
  assert.ok(underWay.calls.some((call) => call.includes('cancel-update-stack')) && underWay.status === 0)
})

test('scripts of every platform are sound, and one that knows no way says so and fails', () => {
  for (const service of [...SHAPES.values(), ...EXAMPLES.values()])
    for (const { path, text } of wayOf(service).scripts) {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' })
      assert.equal(status, 0, `${service.service.id} ${path}: ${stderr}`)
      for (const [, file] of text.matchAll(/(ops\/infrastructure\/[\w./-]+\.(?:yml|yaml))/g))
        assert.ok(
          infrastructureFiles({ service, deploymentFiles: [], files: [] }).some((one) => one.path === file),
          `${service.service.id}: ${file} is in the kit`,
        )
      const parameters = infrastructureOf(service)?.releases.parameters.map(({ name }) => name) ?? []
      for (const [, name] of text.matchAll(
        /(?:parameter-overrides|--parameters|-var)(?: "[^"]+")*? "(?:[\w-]+:)?(\w+)=\$\w+"/g,
      ))
        assert.ok(parameters.includes(name!) || parameters.map(snake).includes(name!), `${service.service.id}: ${name}`)
    }
  const nowhere = played(on('heating-payment', { runtime: 'static' }), 'ops/pipeline/deploy.sh', ['r1'], {})
  assert.ok(nowhere.status === 1 && /Nothing says how/.test(nowhere.stderr))
})

test('a definition without a security scan or accessibility check gets gates that stop every release, and say why', () => {
  const whole = on('heating-payment', {})
  const gates = whole.deployment.gates.filter((gate) => gate.kind !== 'scan' && gate.kind !== 'accessibility')
  const service = { ...whole, deployment: { ...whole.deployment, gates } }
  const [release] = filesOf(service)
  const { jobs } = parse(release!.text)
  for (const id of ['security-scan', 'accessibility']) {
    assert.ok(jobs.production.needs.includes(id))
    assert.match(jobs[id].steps.at(-1).run, /Nothing says how .* is run: .* && exit 1$/)
  }
})

test('actions are pinned to a commit, with the release that it is', () => {
  for (const { uses, tag } of Object.values(ACTIONS)) {
    assert.match(uses, /^actions\/[a-z-]+@[0-9a-f]{40}$/)
    assert.match(tag, /^v\d+\.\d+\.\d+$/)
  }
  for (const { text } of filesOf(on('heating-payment', {})))
    for (const [line] of text.matchAll(/uses: .*/g)) assert.match(line, /@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
})

test('cfn-lint agrees with the pipelines, where it is installed', (t) => {
  if (spawnSync('cfn-lint', ['--version']).status !== 0)
    return t.skip('cfn-lint is not installed here; test/kit/shapes.ts always looks')
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-pipeline-'))
  try {
    const files = [...EXAMPLES.keys()].map((name) => {
      const file = join(folder, `${name}.yml`)
      writeFileSync(file, filesOf(on(name, { tooling: { pipeline: 'codepipeline' } }))[0]!.text)
      return file
    })
    const { stdout } = spawnSync('cfn-lint', ['--format', 'parseable', '-t', ...files], { encoding: 'utf8' })
    assert.equal(stdout.trim(), '')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
