import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { judge } from '../src/core/check/judge.ts'
import { ancestorsOf, isDeploy, type Job, type Pipeline } from '../src/core/check/models/pipeline.ts'
import { RULES } from '../src/core/check/table.ts'
import { allText } from '../src/core/check/formats/node.ts'
import { worldOf } from '../src/core/check/world.ts'
import type { Service } from '../src/core/define/schema.ts'
import { render } from '../src/core/kit/file.ts'
import { pipelineFiles } from '../src/core/kit/pipelines.ts'
import { pipelineGates } from '../src/core/kit/pipelines/gates.ts'
import { ACTIONS } from '../src/core/kit/pipelines/github.ts'
import { shapeFaults } from './kit/shapes.ts'
import { EXAMPLES, on } from './kit/world.ts'

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
    const release = files.find((file) => !/rollback/i.test(file.path))!

    test(`${name} with ${tool}: the window and every gate stand before production, and cannot be skipped`, () => {
      const pipeline = pipelinesOf([release]).find((one) => !/rollback/i.test(one.name) && one.jobs.length > 2)!
      const deploying = pipeline.jobs.filter((job) => /holdfast deploy start/.test(runsOf(job, release.text)))
      assert.equal(deploying.length, 1, 'one job deploys')
      const before = [...ancestorsOf(pipeline, deploying[0]!)].map((job) => runsOf(job, release.text)).join('\n')
      assert.match(before, /holdfast deploy plan/)
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
      assert.match(text, /prove pack \\?"\$id\\?" --out evidence/)
      assert.match(text, /holdfast deploy rollback --reason/)
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
        const { Resources } = parse(text)
        assert.equal(Resources.Pipeline.Properties.ExecutionMode, 'QUEUED')
        assert.equal(Resources.Production.Properties.ConcurrentBuildLimit, 1)
        assert.equal(Resources.Rollback.Properties.TimeoutInMinutes, Math.max(5, maxMinutes))
        assert.match(Resources.Production.Properties.Source.BuildSpec, /finally:[\s\S]*prove pack/)
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
          // The definition asks nobody.
          (rule !== 'gate-approval' || service.deployment.approvals.people > 0),
      )
      assert.deepEqual(
        loud.map((finding) => `${finding.file}:${finding.line} ${finding.rule} ${finding.says}`),
        [],
      )
    })
  }

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
