import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { parse } from 'yaml'
import { allText } from '../src/core/check/formats/node.ts'
import { judge } from '../src/core/check/judge.ts'
import { ancestorsOf, isDeploy, type Job, type Pipeline } from '../src/core/check/models/pipeline.ts'
import { RULES } from '../src/core/check/table.ts'
import { worldOf } from '../src/core/check/world.ts'
import type { Service } from '../src/core/define/schema.ts'
import { render } from '../src/core/kit/file.ts'
import { deployMinutes, pipelineGates } from '../src/core/kit/pipelines/gates.ts'
import { setupText } from '../src/core/kit/pipelines/setup.ts'
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
      const deploys = (job: Job) => /holdfast deploy start|ops\/pipeline\/deploy\.sh/.test(runsOf(job, release.text))
      const pipelines = pipelinesOf([release]).filter((one) => one.jobs.some(deploys))
      // CodePipeline has one for each degree of haste; none of them leaves a gate out.
      assert.equal(pipelines.length, tool === 'codepipeline' ? 3 : 1)
      for (const pipeline of pipelines) {
        const deploying = pipeline.jobs.filter(deploys)
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
      }
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
        // Whatever stands outside of the files is in the list of what to set up.
        const setup = setupText(service)
        const outside = [
          ...text.matchAll(/\b(?:production-(?:approval-\d|unasked|rollback)|(?:secrets|vars)\.(\w+))\b/g),
        ]
        for (const [named, name] of outside)
          assert.ok(setup.includes(name ?? named), `${name ?? named} is in the set-up`)
        const uploads = forth.jobs.production.steps.filter((step: { uses?: string }) =>
          step.uses?.startsWith('actions/upload-artifact@'),
        )
        assert.equal(uploads.length, 1)
        assert.equal(uploads[0].if, 'always()')
      } else if (tool === 'jenkins') {
        const jobs = files.filter((file) => file.path.endsWith('Jenkinsfile'))
        assert.equal(text.match(/disableConcurrentBuilds\(\)/g)?.length, jobs.length)
        assert.match(text, new RegExp(`timeout\\(time: ${maxMinutes}, unit: 'MINUTES'\\)`))
        assert.match(text, /archiveArtifacts artifacts: 'deployment\.json,evidence\/\*\*'/)
      } else {
        const { Resources } = parse(release.text)
        assert.equal(Resources.Pipeline.Properties.ExecutionMode, 'QUEUED')
        assert.equal(Resources.Production.Properties.ConcurrentBuildLimit, 1)
        assert.equal(Resources.Rollback.Properties.TimeoutInMinutes, Math.max(5, maxMinutes))
        if (ours) assert.match(Resources.Production.Properties.Source.BuildSpec, /finally:[\s\S]*prove pack/)
        assert.match(
          Resources.Production.Properties.Source.BuildSpec,
          /finally:[\s\S]*in deployment\.json evidence; do [\s\S]*aws s3 cp/,
        )
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

/** Stand-ins of the platform's tools. Each notes how it was called; the ledger is kept; FAILS is a pattern of calls that fail. */
const TOOLS_SAY = `#!/bin/sh
tool="\${0##*/}"
echo "$tool $*" >> "$WORLD/calls"
for pattern in $FAILS; do case "$tool $*" in *$pattern*) exit 1 ;; esac; done
case "$tool $*" in
  *"deploy window"*) if [ -n "$CLOSED" ]; then echo '{"verdict":"no","says":"No: payment run until 23:30."}'; exit 1; fi; echo '{"verdict":"yes","says":"Yes."}' ;;
  *get-parameter*) if [ -s "$WORLD/ledger" ]; then cat "$WORLD/ledger"; else echo ParameterNotFound >&2; exit 254; fi ;;
  *put-parameter*) while [ "$1" != --value ]; do shift; done; echo "$2" > "$WORLD/ledger" ;;
  *"get configmap"*) cat "$WORLD/ledger" 2> /dev/null || true ;;
  *"create configmap"*) for word; do case "$word" in --from-literal=ledger=*) echo "\${word#--from-literal=ledger=}" > "$WORLD/ledger" ;; esac; done ;;
  *"apply -f -"*) cat > /dev/null ;;
  *"get deployment"*jsonpath*) echo app@sha256:before ;;
  *describe-images*) case "$*" in *imageTag=gone*) exit 254 ;; esac; echo sha256:abc ;;
  *"head-object"*"--key published/"*) [ -e "$WORLD/published" ] || exit 254 ;;
  *head-object*) case "$*" in *gone*) exit 254 ;; esac; echo version-1 ;;
  *"s3 cp"*" - "*) cat > "$WORLD/published" ;;
  *describe-alarms*) if grep -q create-invalidation "$WORLD/calls"; then echo "$LATER"; else echo "$RINGING"; fi ;;
  *list-distributions*) echo E1 ;;
  *create-invalidation*) echo I1 ;;
  *"cloudformation deploy"*) if [ -n "$SLOW" ]; then sleep 30; fi ;;
  *StackStatus*) echo "\${STATE:-UPDATE_COMPLETE}" ;;
  *ClusterArn*) echo arn:cluster ;;
  *ParameterValue*) echo "\${HOLDS:-sha256:abc}" ;;
  *describe-services*) echo arn:aws:ecs:eu-west-2:1:task-definition/web:7 ;;
  *containerDefinitions*) echo "repo/web@\${RUNS:-sha256:abc}" ;;
  *CodeSha256*) echo sum ;;
  *describe-task-definition*) echo arn:aws:ecs:eu-west-2:1:task-definition/run:3 ;;
  *get-schedule*) echo '{"Name":"s","Arn":"x","Target":{"EcsParameters":{"TaskDefinitionArn":"new"}}}' ;;
  *list-deployments*) echo None ;;
  *create-deployment*) echo d-1 ;;
  *deploymentInfo.status*) echo "\${DEPLOYMENT:-Succeeded}" ;;
  *get-alias*) echo 7 ;;
  *list-versions*) echo 8 ;;
esac
`
const STAND_INS = [
  'aws',
  'kubectl',
  'npx',
  'terraform',
  'flyway',
  'bin/rails',
  'bin/prove-queries',
  'bin/changelog',
  'dbt',
]

type Env = Readonly<Record<string, string>>

/** One folder with the kit and its stand-ins, in which scripts are run one after the other. */
function worldWith(service: Service) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-way-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const write = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text, { mode })
  }
  for (const { path, text } of filesOf(service)) write(path, text)
  write('ops/infrastructure/web.yaml', 'image: a@sha256:00')
  for (const tool of STAND_INS) write(tool.includes('/') ? tool : `tools/${tool}`, TOOLS_SAY, 0o755)
  const text = (path: string) => (existsSync(join(folder, path)) ? readFileSync(join(folder, path), 'utf8').trim() : '')
  const env = (more: Env) => ({
    PATH: `${folder}/tools:${process.env.PATH}`,
    WORLD: folder,
    POLL_SECONDS: '0',
    WHO: 'asha',
    AGREED: 'ben',
    OUTBOX_URL: 'jdbc:postgresql://db/outbox',
    DATABASE_URL: 'postgresql://db/enquiries',
    CODE_BUCKET: 'code',
    FAILS: '',
    CLOSED: '',
    RINGING: '',
    SLOW: '',
    LATER: '',
    WAREHOUSE_URL: 'warehouse',
    SITE_FILES_BUCKET: 'files',
    ...more,
  })
  return {
    folder,
    env,
    ledger: () =>
      text('ledger')
        .split('\n')
        .map((line) => line.replace(/^\d+ /, '')),
    evidence: () => text('evidence/releases.txt'),
    calls: () => text('calls').split('\n'),
    age: (minutes: number) => {
      const later = (_: string, at: string) => String(Number(at) - minutes * 60)
      writeFileSync(join(folder, 'ledger'), text('ledger').replace(/^(\d+)/gm, later))
    },
    run: (script: string, args: readonly string[], more: Env = {}) => {
      rmSync(join(folder, 'calls'), { force: true })
      const ran = spawnSync('bash', [`ops/pipeline/${script}.sh`, ...args], {
        cwd: folder,
        encoding: 'utf8',
        env: env(more),
      })
      return {
        status: ran.status,
        stderr: ran.stderr,
        calls: text('calls')
          .split('\n')
          .filter((line) => line !== ''),
      }
    },
  }
}

const order = (calls: readonly string[], ...parts: readonly string[]) =>
  parts.map((part) => calls.findIndex((call) => call.includes(part)))

const DIGEST = `sha256:${'a'.repeat(64)}`
const ON_CLUSTER = { HOLDFAST_ACCOUNT: 'cluster enquiries-live' }
const ON_AWS = { HOLDFAST_ACCOUNT: 'renewals-production' }

test('on a cluster: the right release in the right place, in its window, after the schema; what does not come up goes back', () => {
  const world = worldWith(on('enquiries', {}))
  const good = world.run('deploy', [DIGEST], ON_CLUSTER)
  assert.equal(good.status, 0, good.stderr)
  const places = order(
    good.calls,
    'deploy window',
    'db:migrate:expand',
    'queries:prove',
    'apply -f -',
    'rollout status',
  )
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  )
  assert.ok(places[0]! >= 0)
  assert.deepEqual(world.ledger(), [`begun ${DIGEST}`, `served ${DIGEST}`])
  for (const account of ['cluster test', '']) {
    const elsewhere = world.run('deploy', [DIGEST], account ? { HOLDFAST_ACCOUNT: account } : {})
    assert.deepEqual([elsewhere.status, elsewhere.calls], [1, []])
  }
  const sick = world.run('deploy', [DIGEST], { ...ON_CLUSTER, FAILS: 'rollout*status' })
  assert.ok(sick.status === 5 && sick.calls.includes('kubectl rollout undo deployment/enquiries-web'), sick.stderr)
  const back = world.run('rollback', [], ON_CLUSTER)
  assert.equal(back.status, 0, back.stderr)
  assert.ok(back.calls.includes('kubectl rollout undo deployment/enquiries-web'))
  assert.equal(world.ledger().at(-1), 'served sha256:before')
})

test('on AWS: by digest, schema first, and back at once to what served before, in a closed window too', () => {
  const world = worldWith(on('renewal-documents', {}))
  const good = world.run('deploy', ['r6'], ON_AWS)
  assert.equal(good.status, 0, good.stderr)
  assert.match(good.calls.join('\n'), /--parameter-overrides WebImageDigest=sha256:abc RendererImageDigest=sha256:abc/)
  const places = order(
    good.calls,
    'describe-images',
    'describe-alarms',
    'flyway',
    'bin/prove-queries',
    'cloudformation deploy',
  )
  assert.equal(places[3], -1, 'the tool is called by its name')
  assert.ok(places[0]! < places[1]! && places[1]! < places[2]! && places[2]! < places[4]!)
  assert.equal(world.ledger().at(-1), 'served r6 renewal-documents-web=web:7 renewal-documents-renderer=web:7')
  assert.equal(world.run('deploy', ['r7'], ON_AWS).status, 0)
  const back = world.run('rollback', ['r6'], { ...ON_AWS, CLOSED: 'yes', RINGING: 'x' })
  assert.equal(back.status, 0, back.stderr)
  assert.match(
    back.calls.join('\n'),
    /update-service .*renewal-documents-web --task-definition web:7 .*bakeTimeInMinutes=0/,
  )
  assert.match(world.ledger().at(-1)!, /^served r6 renewal-documents-web=web:7/)
  const believed = world.run('deploy', ['r7'], { ...ON_AWS, RUNS: 'sha256:old' })
  assert.ok(believed.status === 5 && /runs another image than r7, although its stack is in order/.test(believed.stderr))
  const never = world.run('rollback', ['r5'], ON_AWS)
  assert.ok(never.status === 1 && /r5 may not return.*r6 r7|r7 r6/.test(never.stderr))
  const underWay = world.run('rollback', ['r6'], { ...ON_AWS, STATE: 'UPDATE_IN_PROGRESS' })
  assert.ok(underWay.calls.some((call) => call.includes('cancel-update-stack')) && underWay.status === 0)
  assert.ok(!underWay.calls.some((call) => call.includes('update-service')), 'that alone brought r6 back')
  const further = world.run('rollback', ['r7'], { ...ON_AWS, STATE: 'UPDATE_IN_PROGRESS' })
  assert.ok(
    further.calls.some((call) => call.includes('update-service')),
    'r6 served last, and r7 is asked for',
  )
})

test('scheduled runs go back with the rest: each schedule names the task of the release before', () => {
  const world = worldWith(on('benefit-assessment', { tooling: { infrastructure: 'cloudformation' } }))
  const here = {
    HOLDFAST_ACCOUNT: 'assessment-production',
    DECISIONS_URL: 'jdbc:postgresql://db/x',
    AGREED: 'ben chloe',
  }
  const good = world.run('deploy', ['r6'], here)
  assert.equal(good.status, 0, good.stderr)
  const back = world.run('rollback', ['r6'], here)
  assert.equal(back.status, 0, back.stderr)
  assert.ok(back.calls.some((call) => call.includes('scheduler update-schedule')))
  const written = JSON.parse(readFileSync(join(world.folder, 'schedule.json'), 'utf8'))
  assert.deepEqual(written, {
    Name: 's',
    Target: { EcsParameters: { TaskDefinitionArn: 'arn:aws:ecs:eu-west-2:1:task-definition/run:3' } },
  })
})

test('a closed window opens to more people with a reason or to the glass, and both are in the evidence', () => {
  const world = worldWith(on('renewal-documents', {}))
  const closed = { ...ON_AWS, CLOSED: 'yes' }
  const moved = ({ calls }: { calls: readonly string[] }) =>
    calls.some((call) => call.includes('cloudformation deploy'))
  const no = world.run('deploy', ['r7'], closed)
  assert.ok(no.status === 1 && !moved(no))
  assert.match(no.stderr, /^No: payment run until 23:30\. If it cannot wait: EMERGENCY=/)
  for (const AGREED of ['', 'ben', 'ben ben', 'asha ben', 'ASHA,Ben']) {
    const few = world.run('deploy', ['r7'], { ...closed, EMERGENCY: 'floods', AGREED })
    assert.ok(few.status === 1 && !moved(few) && /2 other people must agree/.test(few.stderr), AGREED)
  }
  const nobody = world.run('deploy', ['r7'], { ...closed, BREAK_GLASS: 'floods', WHO: '' })
  assert.ok(nobody.status === 2 && !moved(nobody))
  const agreed = world.run('deploy', ['r7'], { ...closed, EMERGENCY: 'floods', AGREED: 'ben chloe' })
  assert.equal(agreed.status, 0, agreed.stderr)
  assert.match(world.evidence(), /RELEASED IN A CLOSED WINDOW by asha: floods\. Agreed: ben chloe\. No: payment run/)
  const glass = world.run('deploy', ['r8'], { ...closed, BREAK_GLASS: 'nobody awake', AGREED: '' })
  assert.equal(glass.status, 0, glass.stderr)
  assert.match(glass.stderr, /\*\*\* THE GLASS WAS BROKEN by asha: nobody awake\./)
  assert.match(world.evidence(), /THE GLASS WAS BROKEN by asha: nobody awake/)
  const alone = world.run('deploy', ['r9'], { ...ON_AWS, AGREED: 'asha' })
  assert.ok(alone.status === 1 && !moved(alone), 'nobody approves their own release')
})

test('nothing moves without a tool, a release, a ledger, a schema step, or while an alarm rings', () => {
  const world = worldWith(on('renewal-documents', {}))
  const refused = (says: RegExp, release: string, more: Env = {}) => {
    const ran = world.run('deploy', [release], { ...ON_AWS, ...more })
    assert.match(ran.stderr, says)
    assert.notEqual(ran.status, 0)
    assert.ok(!ran.calls.some((call) => call.includes('cloudformation deploy')), String(says))
    return ran
  }
  rmSync(join(world.folder, 'tools/aws'))
  refused(/aws is not installed here\. Nothing was changed/, 'r7', { PATH: `${world.folder}/tools:${withoutAws()}` })
  writeFileSync(join(world.folder, 'tools/aws'), TOOLS_SAY, { mode: 0o755 })
  assert.ok(!refused(/There is no such release: gone/, 'gone').calls.some((call) => call.startsWith('flyway')))
  refused(/no name of a release/, '$(rm -rf x)')
  refused(/What served before cannot be read/, 'r7', { FAILS: 'get-parameter' })
  refused(/could not be written down/, 'r7', { FAILS: 'put-parameter' })
  refused(/The schema step failed\. No citizen has met r7/, 'r7', { FAILS: 'flyway' })
  refused(/does not work on the schema/, 'r7', { FAILS: 'prove-queries' })
  refused(/It rings before anything has begun: WebFail/, 'r7', { RINGING: 'WebFail' })
  const repair = world.run('deploy', ['r7'], { ...ON_AWS, RINGING: 'WebFail', EMERGENCY: 'repairs it' })
  assert.equal(repair.status, 0, repair.stderr)
  assert.match(world.evidence(), /Rings already, and will not take this release back: WebFail/)
  const silent = on('renewal-documents', {})
  const unsaid = worldWith({ ...silent, migrations: { ...silent.migrations!, run: undefined } })
  const stopped = unsaid.run('deploy', ['r7'], ON_AWS)
  assert.ok(stopped.status === 1 && !stopped.calls.some((call) => call.includes('cloudformation deploy')))
  assert.match(stopped.stderr, /Nothing says how the step expand is taken with flyway: write migrations\.run\.expand/)
})

/** The path without any folder that has the real tool. */
function withoutAws(): string {
  return (process.env.PATH ?? '')
    .split(':')
    .filter((one) => !existsSync(join(one, 'aws')))
    .join(':')
}

test('a release that the platform took back is no success, a try that was cut short says so, and the next one goes', async () => {
  const world = worldWith(on('renewal-documents', {}))
  assert.equal(world.run('deploy', ['r6'], ON_AWS).status, 0)
  const taken = world.run('deploy', ['r7'], { ...ON_AWS, STATE: 'UPDATE_ROLLBACK_COMPLETE', HOLDS: 'sha256:old' })
  assert.equal(taken.status, 4, taken.stderr)
  assert.equal(world.ledger().at(-1), 'failed r7')
  rmSync(join(world.folder, 'calls'))
  const child = spawn('bash', ['ops/pipeline/deploy.sh', 'r8'], {
    cwd: world.folder,
    env: world.env({ ...ON_AWS, SLOW: 'yes' }),
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const ended = once(child, 'close')
  let says = ''
  child.stderr.on('data', (chunk) => {
    says += chunk
  })
  while (!world.calls().some((call) => call.includes('cloudformation deploy'))) await setImmediate()
  process.kill(-child.pid!, 'SIGINT')
  const [code] = await ended
  assert.equal(code, 130)
  assert.match(says, /Interrupted: the platform goes on by itself/)
  assert.equal(world.ledger().at(-1), 'begun r8')
  const again = world.run('deploy', ['r8'], ON_AWS)
  assert.equal(again.status, 0, again.stderr)
  assert.equal(world.ledger().at(-1)!.slice(0, 9), 'served r8')
})

test('the old shape goes when the rollback window has closed, and no release that needs it may return', () => {
  const world = worldWith(on('renewal-documents', {}))
  for (const release of ['r6', 'r7']) assert.equal(world.run('deploy', [release], ON_AWS).status, 0)
  const contract = (release: string, more: Env = {}) =>
    world.run('schema', ['contract', release], { ...ON_AWS, ...more })
  const early = contract('r7')
  assert.ok(early.status === 1 && early.calls.every((call) => !call.startsWith('flyway')))
  assert.match(early.stderr, /The rollback window is open: r7 serves alone for 0 min, and 60 are asked for/)
  world.age(61)
  assert.match(contract('r6').stderr, /does not end with: served r6/)
  const failed = contract('r7', { FAILS: 'flyway' })
  assert.equal(failed.status, 1)
  assert.equal(world.ledger().at(-1), 'contracting r7')
  assert.match(world.run('rollback', ['r6'], ON_AWS).stderr, /r6 may not return/)
  assert.match(world.run('deploy', ['r8'], ON_AWS).stderr, /being removed.*finish it first \(bash \S+ contract r7\)/)
  const done = contract('r7')
  assert.equal(done.status, 0, done.stderr)
  assert.match(done.calls.join('\n'), /flyway -locations=\S*contract/)
  assert.equal(world.ledger().at(-1), 'contracted r7')
  assert.equal(contract('r7').status, 0, 'once more is no change')
  const glass = world.run('rollback', ['r6'], { ...ON_AWS, BREAK_GLASS: 'the shape was put back by hand' })
  assert.equal(glass.status, 0, glass.stderr)
  assert.match(world.evidence(), /THE GLASS WAS BROKEN by asha to go back to r6/)
})

test('machines and functions: the release is looked for first, and an alarm that rings does not hold up the way back', () => {
  const machines = worldWith(on('renewal-documents', { runtime: 'ec2', strategy: 'blue-green' }))
  assert.equal(machines.run('deploy', ['r6'], ON_AWS).status, 0)
  assert.match(machines.run('deploy', ['gone'], ON_AWS).stderr, /There is no such release: gone/)
  const stopped = machines.run('deploy', ['r7'], { ...ON_AWS, DEPLOYMENT: 'Stopped' })
  assert.ok(stopped.status === 4 && machines.ledger().at(-1) === 'failed r7')
  const back = machines.run('rollback', ['r6'], { ...ON_AWS, CLOSED: 'yes', RINGING: 'x' })
  assert.equal(back.status, 0, back.stderr)
  assert.match(back.calls.join('\n'), /create-deployment .*--override-alarm-configuration enabled=false/)
  for (const infrastructure of ['cloudformation', 'terraform'] as const) {
    const world = worldWith(on('renewal-documents', { runtime: 'lambda', tooling: { infrastructure } }))
    const good = world.run('deploy', ['r6'], { ...ON_AWS, HOLDS: 'version-1' })
    assert.equal(good.status, 0, good.stderr)
    if (infrastructure === 'terraform')
      assert.ok(good.calls.some((call) => call.includes('aws deploy create-deployment')))
    const undone = world.run('rollback', ['r6'], { ...ON_AWS, RINGING: 'x' })
    assert.equal(undone.status, 0, undone.stderr)
    assert.match(undone.calls.join('\n'), /update-alias --function-name renewal-documents-web .*--function-version 7/)
  }
})

test('a site: files under a prefix of their own, one switch that is watched, and back with everything else', () => {
  const here = { HOLDFAST_ACCOUNT: 'dashboard-live' }
  for (const service of [on('performance-dashboard', {}), on('performance-dashboard', { runtime: 'static' })]) {
    const world = worldWith(service)
    const good = world.run('deploy', ['r6'], here)
    assert.equal(good.status, 0, good.stderr)
    const places = order(
      good.calls,
      's3://code/r6/site/ s3://files/releases/r6/',
      's3://files/published/r6',
      'dbt run',
      'performance-dashboard-site apply',
      'create-invalidation',
      'invalidation-completed',
    )
    assert.ok(places[0]! >= 0)
    assert.deepEqual(
      places,
      [...places].sort((a, b) => a - b),
    )
    assert.ok(good.calls.some((call) => call.endsWith('-var site_release=r6 -var site_before=r6')))
    const again = world.run('deploy', ['r6'], here)
    assert.ok(!again.calls.some((call) => call.includes('s3 cp')), 'a prefix that is complete is never written again')
    assert.match(world.run('deploy', ['gone'], here).stderr, /There is no such release.*gone/)
    const bad = world.run('deploy', ['r7'], { ...here, LATER: 'performance-dashboard-SiteFail' })
    assert.equal(bad.status, 4, bad.stderr)
    assert.match(bad.stderr, /r7 was taken back: performance-dashboard-SiteFail/)
    assert.ok(bad.calls.some((call) => call.endsWith('-var site_release=r6 -var site_before=r6')))
    assert.match(world.ledger().at(-1)!, /^served r6/)
  }
})

test('shellcheck has nothing to say of any script, where it is installed', (t) => {
  if (spawnSync('shellcheck', ['--version']).status !== 0) {
    assert.ok(!process.env.HOLDFAST_TESTS_COMPLETE, 'CI installs shellcheck')
    return t.skip('shellcheck is not installed here; CI installs it')
  }
  for (const service of [
    on('enquiries', {}),
    on('renewal-documents', {}),
    on('performance-dashboard', {}),
    on('renewal-documents', { runtime: 'ec2', strategy: 'rolling' }),
  ]) {
    const { folder } = worldWith(service)
    const scripts = wayOf(service).scripts.map(({ path }) => path)
    const { stdout } = spawnSync('shellcheck', ['-x', ...scripts], { cwd: folder, encoding: 'utf8' })
    assert.equal(stdout, '', service.service.id)
  }
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
      const { releases, site } = infrastructureOf(service) ?? {}
      const parameters = [...(releases?.parameters ?? []), ...(site?.parameters ?? [])].map(({ name }) => name)
      for (const [, name] of text.matchAll(
        /(?:parameter-overrides|--parameters|-var)(?: "[^"]+")*? "(?:[\w-]+:)?(\w+)=\$\w+"/g,
      ))
        assert.ok(parameters.includes(name!) || parameters.map(snake).includes(name!), `${service.service.id}: ${name}`)
    }
  const nowhere = worldWith(on('heating-payment', { runtime: 'other' })).run('deploy', ['r1'])
  assert.ok(nowhere.status === 1 && /Nothing says how/.test(nowhere.stderr))
})

test('a pipeline waits for longer than the infrastructure bakes, with the schema before it', () => {
  for (const [name, service] of SHAPES) {
    const text = JSON.stringify(infrastructureOf(service)!.releases.resources)
    const longest = (...keys: readonly string[]) =>
      keys.reduce((sum, key) => {
        const found = [...text.matchAll(new RegExp(`"${key}":(?:\\{[^{}]*?"value":)?(\\d+)`, 'g'))]
        return sum + Math.max(0, ...found.map(([, minutes]) => Number(minutes)))
      }, 0)
    const bake = Math.max(
      longest('BakeTimeInMinutes', 'CanaryBakeTimeInMinutes'),
      longest('TerminationWaitTimeInMinutes'),
      longest('CanaryInterval'),
    )
    const { minutes } = deployMinutes(service)
    assert.ok(minutes >= bake + 2 * (service.migrations?.minutesMax ?? 0) + 30, `${name}: ${minutes} min for ${bake}`)
    if (/canary|blue-green|for citizens/.test(name)) assert.ok(bake > 0, `${name} bakes`)
  }
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
    // One of each kind: moved by Holdfast, by ECS, with a site; the shapes above hold all of them against AWS’s own schemas.
    const files = ['heating-payment', 'renewal-documents', 'performance-dashboard'].map((name) => {
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
