/**
 * Every command of every runbook of the sample service, typed as it stands while the service really runs: it is there, it ends as it is
 * documented to, it changes nothing where the step says so, and what the step expects is in its answer. One service, three states: well;
 * submissions failing on the running release and on one under way, with slow look-ups; the database gone.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import pg from 'pg'
import { startEmbedded, stopEmbedded } from '../src/adapters/postgres/embedded.ts'
import { main } from '../src/cli/main.ts'
import { COMMANDS } from '../src/cli/table.ts'
import { loadService } from '../src/core/define/load.ts'
import type { DeploymentPlan, DeploymentState } from '../src/core/deploy/deployment.ts'
import { EXIT } from '../src/core/errors.ts'
import type { Json } from '../src/core/json.ts'
import { render } from '../src/core/kit/file.ts'
import { makeKit, sourceOf } from '../src/core/kit/kit.ts'
import { runbookFiles } from '../src/core/kit/runbooks.ts'
import { drillPlan } from '../src/core/rehearse/drill-plan.ts'
import { parseRunbook } from '../src/core/respond/runbook.ts'
import { watchPlanOf } from '../src/core/watch/plan.ts'
import { newWatch, type WatchState } from '../src/core/watch/watching.ts'
import { atDemoPace } from '../src/demo/pace.ts'
import { beginDeployment, follow } from '../src/station/deploy.ts'
import { openSandbox, type Sandbox } from '../src/station/rehearse/sandbox.ts'
import { SERVICE_DATABASE } from '../src/station/sandbox.ts'
import { removeFolder } from './folder.ts'
import { ABOUT_YOU, BANK_DETAILS, newCitizen, referenceIn, YOUR_HOME } from './heating-world.ts'
import { EXAMPLES } from './kit/world.ts'

const file = join(import.meta.dirname, '../examples/heating-payment/service.yaml')
const { service } = loadService(readFileSync(file, 'utf8'), 'service.yaml')
const runbooks = runbookFiles({ service: service!, deploymentFiles: [], files: [] }).map((one) => ({
  id: one.path.replace(/^.*\/|\.md$/g, ''),
  ...parseRunbook(one.passages.map(({ text }) => text).join('\n'), one.path),
}))
const commands = runbooks.flatMap(({ id, steps }) =>
  steps.flatMap((step) => (step.run === null ? [] : [{ id: `${id}/${step.id}`, runbook: id, step, run: step.run }])),
)

/** A state that does not come about within this is a failure, not a wait without end. */
const WITHIN = { timeout: 60_000 }

interface Answer {
  readonly code: number
  readonly out: string
}

/** One command in one state: how it ends, and what of `expect` is to be seen there. */
interface Trial {
  readonly in: State
  readonly ends: number
  readonly sees: (answer: Answer) => unknown
}

const has =
  (...parts: readonly string[]) =>
  ({ out }: Answer) => {
    for (const part of parts) assert.ok(out.includes(part), `"${part}" in ${out.slice(0, 1_500)}`)
  }

interface Watched {
  readonly blind: boolean
  readonly steps: readonly {
    readonly journey: string
    readonly step: string
    readonly state: string
    readonly last5: { readonly slow: number }
  }[]
}
const watched = ({ out }: Answer) => JSON.parse(out) as Watched
const everyLineIsFine =
  (...journeys: readonly string[]) =>
  ({ out }: Answer) => {
    const lines = out.split('\n').filter((line) => journeys.some((journey) => line.includes(` ${journey}/`)))
    assert.ok(lines.length >= journeys.length, out)
    for (const line of lines) assert.match(line, /^(fine|quiet) /)
    assert.match(out, /^fine +apply\//m)
  }
const openAgain = has('unavailable.html: open again from')
const takenBack: Trial = { in: 'failing', ends: EXIT.rolledBack, sees: has('"phase":"rolled-back"') }
const onceClosed: Trial = { in: 'failing', ends: EXIT.done, sees: openAgain }

type State = 'well' | 'failing' | 'no database'

/** Every command of every runbook; one that is missing here, or that no runbook has any more, fails the test. */
const TRIALS: Readonly<Record<string, Trial>> = {
  'submissions-fail/is-it-real': {
    in: 'failing',
    ends: EXIT.no,
    sees: (answer) =>
      assert.ok(
        watched(answer).steps.some(
          ({ journey, step, state }) => journey === 'apply' && step === 'submit' && state === 'failing',
        ),
      ),
  },
  'submissions-fail/is-it-real-2': {
    in: 'failing',
    ends: EXIT.done,
    sees: (answer) => {
      has('"phase":"on-trial"')(answer)
      assert.ok(JSON.parse(answer.out).canaryFailed > 0)
    },
  },
  'submissions-fail/first-action': takenBack,
  'submissions-fail/then-1': { in: 'well', ends: 0, sees: has('"ready":true') },
  'submissions-fail/then-2': onceClosed,
  'submissions-fail/journey-check': { in: 'well', ends: EXIT.done, sees: everyLineIsFine('apply') },
  'wrong-decision/is-it-real': {
    in: 'well',
    ends: 0,
    sees: has('Your application', 'Not approved', 'This is why:'),
  },
  'wrong-decision/first-action': takenBack,
  'wrong-decision/journey-check': { in: 'well', ends: EXIT.done, sees: everyLineIsFine('apply', 'status') },
  'service-slow/is-it-real': {
    in: 'failing',
    ends: EXIT.no,
    sees: (answer) => assert.ok(watched(answer).steps.some(({ last5 }) => last5.slow > 0)),
  },
  'service-slow/first-action': takenBack,
  'service-slow/then-1': {
    in: 'well',
    ends: 0,
    sees: ({ out }) => {
      assert.match(out, /pid.*age.*left/)
      assert.doesNotMatch(out, /00:00:[3-5]\d|00:0[1-9]:|\bday/)
    },
  },
  'service-slow/journey-check': { in: 'well', ends: EXIT.done, sees: everyLineIsFine('apply', 'status') },
  'database-unavailable/is-it-real': {
    in: 'no database',
    // psql: 2, "the connection to the server went bad" (its manual, Exit Status).
    ends: 2,
    sees: ({ out }) => assert.doesNotMatch(out, /\d row/),
  },
  'database-unavailable/then-1': onceClosed,
  'database-unavailable/then-3': {
    in: 'well',
    ends: EXIT.done,
    sees: (answer) => {
      assert.equal(watched(answer).blind, false)
      assert.ok(watched(answer).steps.every(({ state }) => state !== 'failing'))
    },
  },
  'database-unavailable/journey-check': { in: 'well', ends: EXIT.done, sees: everyLineIsFine('apply', 'status') },
  'accepted-never-paid/is-it-real': { in: 'well', ends: 0, sees: has('Your application', 'Approved') },
  'accepted-never-paid/journey-check': { in: 'well', ends: EXIT.done, sees: everyLineIsFine('apply') },
}

let sandbox: Sandbox
/** Address of Holdfast's own database in there. */
let ours: string
const folder = mkdtempSync(join(tmpdir(), 'holdfast-runbooks-'))
const state = join(folder, 'state')
const work = join(folder, 'work')
const bin = join(folder, 'bin')
/** Values of the inputs, as their "where to find it" says. */
const inputs: Record<string, string> = { BACK: new Date(Date.now() + 86_400_000).toISOString() }
const references: Record<string, string> = {}

before(async () => {
  mkdirSync(work)
  mkdirSync(bin)
  // The shell makes the words; the program itself runs in here, where it starts at once.
  writeFileSync(join(bin, 'holdfast'), '#!/bin/sh\nprintf "%s\\0" "$@"\n', { mode: 0o755 })
  sandbox = await openSandbox({
    state,
    serviceFile: file,
    env: process.env,
    from: 'r3',
    remark: () => {},
    adjust: (plan) => ({ ...atDemoPace(plan), gates: [], steps: plan.steps.map(lookUpAtOnce) }),
  })
  inputs.SERVICE_URL = String(sandbox.station.world.publicUrl).replace(/\/$/, '')
  const database = await startEmbedded({ folder: join(state, SERVICE_DATABASE), databases: ['rehearsal'] })
  ours = (await startEmbedded({ folder: join(state, 'postgres'), databases: ['holdfast'] })).urls.holdfast!
  inputs.SERVICE_DATABASE_URL = database.urls.rehearsal!
})
after(async () => {
  await sandbox?.close()
  removeFolder(folder)
})

/** No look-up is as fast as this, in ms: what the gateway counts as slow. */
const AT_ONCE_MS = 1
function lookUpAtOnce(step: DeploymentPlan['steps'][number]): DeploymentPlan['steps'][number] {
  return step.step === 'look-up' ? { ...step, limitMs: AT_ONCE_MS } : step
}

async function typed(run: string, runbook: string): Promise<Answer> {
  const env = {
    ...process.env,
    ...Object.fromEntries(
      runbooks.find(({ id }) => id === runbook)!.inputs.map(({ name }) => [name, inputOf(name, runbook)]),
    ),
    PATH: `${bin}:${process.env.PATH}`,
  }
  const { status, stdout, stderr } = spawnSync('bash', ['-c', run], { cwd: work, env, encoding: 'utf8' })
  if (!run.startsWith('holdfast ')) return { code: status!, out: stdout + stderr }
  assert.equal(status, 0, stderr)
  const argv = [...stdout.split('\0').slice(0, -1), '--state', state, '--service', file]
  const said: string[] = []
  const code = await main(argv, {
    out: (text) => said.push(text),
    progress: () => {},
    env: {},
    cwd: work,
    live: false,
    stop: new AbortController().signal,
  })
  return { code, out: said.join('\n') }
}

function inputOf(name: string, runbook: string): string {
  const value = name === 'REFERENCE' ? references[runbook] : inputs[name]
  return value ?? assert.fail(`${runbook}: nobody could find ${name}`)
}

/** Exit codes that the program documents for a command of ours. */
function documented(run: string): readonly number[] {
  const found = COMMANDS.filter(({ name }) => run.startsWith(`holdfast ${name}`)).sort(
    (a, b) => b.name.length - a.name.length,
  )[0]!
  return [EXIT.done, ...Object.keys(found.exits ?? {}).map(Number)]
}

/** What an expectation puts into quotes stands in the answer, with its quotes or without; after "no", it does not. */
function quotedIn(id: string, expect: string, out: string): void {
  const [before = ''] = expect.split('; ')
  for (const { 0: said, 1: words, 2: value, index } of before.matchAll(/"([^"]+)"(:(?:"[^"]*"|\w+))?/g)) {
    const isThere = out.includes(said) || (value === undefined && out.includes(words!))
    const isMeant = !/\bno\b[^",]*$/.test(before.slice(0, index))
    assert.equal(isThere, isMeant, `${id}: ${said} in ${out.slice(0, 1_000)}`)
  }
}

/** What a shell answers when there is no such program. */
const NOT_FOUND = 127

async function tryAll(context: TestContext, now: State): Promise<void> {
  for (const { id, runbook, step, run } of commands) {
    const trial = TRIALS[id]!
    // Taking back is tried once: whoever gives another reason gives the same order.
    if (trial.in !== now || (trial === takenBack && id !== 'submissions-fail/first-action')) continue
    const answer = await typed(run, runbook)
    if (answer.code === NOT_FOUND) {
      const tool = run.split(' ')[0]!
      assert.ok(!process.env.HOLDFAST_TESTS_COMPLETE, `CI installs ${tool}`)
      context.diagnostic(`${id} was not tried: ${tool} is not installed here; CI installs it`)
      continue
    }
    assert.equal(answer.code, trial.ends, `${id}: ${answer.out.slice(0, 1_000)}`)
    if (run.startsWith('holdfast ')) assert.ok(documented(run).includes(answer.code), `${id} ends ${answer.code}`)
    quotedIn(id, step.expect, answer.out)
    trial.sees(answer)
  }
}

/** The watch as `holdfast serve` keeps it, and the citizens who came before it count, too. */
async function watchFromTheBeginning(): Promise<void> {
  const { store } = sandbox.station
  const now = await store.now()
  const watch = newWatch(watchPlanOf(service!, now), now)
  const state = { ...(watch.state as unknown as WatchState), cursor: 0 } as unknown as Json
  await store.create(service!.service.id, { ...watch, state }, [])
}

/** One citizen from the first page to the last; the status of the answer to Submit, and the reference. */
async function apply(change: { readonly benefits?: string; readonly rollNumber?: string } = {}) {
  const citizen = newCitizen()
  const at = new URL(sandbox.station.world.publicUrl)
  try {
    const { benefits = ABOUT_YOU.benefits, rollNumber = '' } = change
    await citizen.get(at, '/')
    await citizen.get(at, '/apply/about-you')
    await citizen.post(at, '/apply/about-you', { ...ABOUT_YOU, benefits })
    await citizen.post(at, '/apply/your-home', YOUR_HOME)
    await citizen.post(at, '/apply/bank-details', { ...BANK_DETAILS, rollNumber })
    await citizen.get(at, '/apply/check-answers')
    const { status } = await citizen.post(at, '/apply/submit', {})
    const reference = status === 303 ? referenceIn(await citizen.get(at, '/apply/confirmation')) : ''
    return { status, reference }
  } finally {
    citizen.close()
  }
}

async function lookUp(reference: string): Promise<void> {
  const citizen = newCitizen()
  try {
    await citizen.get(new URL(sandbox.station.world.publicUrl), `/status/${reference}`)
  } finally {
    citizen.close()
  }
}

test('every command of every runbook is tried here', () => {
  assert.deepEqual(commands.map(({ id }) => id).sort(), Object.keys(TRIALS).sort())
  const taking = commands.filter(({ id }) => TRIALS[id] === takenBack)
  assert.deepEqual(
    [...new Set(taking.map(({ run }) => run.replace(/"[^"]*"/, '"…"')))],
    ['holdfast deploy rollback --reason "…" --json'],
  )
  for (const { step, run } of commands)
    if (/^holdfast (watch|deploy status)|^psql|^curl/.test(run)) assert.equal(step.changes, 'nothing', run)
    else assert.notEqual(step.changes, 'nothing', run)
})

/** `kubectl scale` after its reference: a resource by name, how many, and nothing that is not there. */
const KUBECTL =
  /^kubectl scale (?:deployment|statefulset|replicaset)\/([a-z0-9-]+)(?: (?:--replicas=\d+|--timeout=\d+[sm]|-n [a-z0-9-]+))+$/

test('the commands of the other services are words a shell reads, of tools that are named, on things that are there', () => {
  const all: string[] = []
  for (const [example, other] of EXAMPLES) {
    const kit = makeKit(sourceOf(other, []))
    const components = other.runtime.components.map(({ id }) => `${other.service.id}-${id}`)
    for (const one of kit.filter(({ path }) => /^ops\/runbooks\/.*\.md$/.test(path))) {
      const text = one.passages.map((passage) => passage.text).join('\n')
      const { steps } = parseRunbook(text, one.path)
      const tools = /The commands use (.*?)\. /.exec(text)?.[1] ?? ''
      for (const { run, expect } of steps) {
        if (run === null) continue
        all.push(run)
        const [program = '', script = ''] = run.split(' ')
        assert.ok(tools.includes(`\`${program}\``), `${example} ${one.path}: ${program}`)
        const scaled = KUBECTL.exec(run)?.[1]
        if (program === 'kubectl') assert.ok(components.includes(scaled ?? ''), run)
        if (program === 'bash') {
          const kept = kit.find(({ path }) => path === script)
          assert.ok(kept, run)
          const asked = render(kept).includes('"${1:?')
          assert.equal(run.split(' ').length > 2, asked, `${run} gives ${script} what it asks for`)
          const says = [...expect.matchAll(/"([^"]+)"/g)].map(([, words]) => words!)
          assert.ok(says.length > 0 && says.every((words) => render(kept).includes(words)), `${script}: ${expect}`)
        }
      }
    }
  }
  assert.ok(all.length > 50, `${all.length} commands`)
  const { status, stderr } = spawnSync('bash', ['-n'], { input: all.join('\n'), encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})

test('while the service is well, the commands say so, and looking changes nothing', WITHIN, async (context) => {
  references['accepted-never-paid'] = (await apply()).reference
  references['wrong-decision'] = (await apply({ benefits: 'none' })).reference
  const { store } = sandbox.station
  await watchFromTheBeginning()
  await typedUntil('holdfast watch status', ({ out }) => /^fine +apply\/confirmation/m.test(out))
  const before = { log: (await store.head()).size, files: readdirSync(work) }
  await tryAll(context, 'well')
  for (const run of new Set(commands.flatMap(({ step, run }) => (step.changes === 'nothing' ? [run] : []))))
    if (run.startsWith('holdfast ')) await typed(run, 'service-slow')
  assert.deepEqual({ log: (await store.head()).size, files: readdirSync(work) }, before)
})

test('with no release under way, taking back says so in the words of the runbook', WITHIN, async () => {
  for (const { step, run } of commands.filter(({ id }) => TRIALS[id] === takenBack)) {
    const { code, out } = await typed(run, 'submissions-fail')
    assert.equal(code, EXIT.no)
    assert.match(out, /"DEPLOYMENT_OVER"/)
    // The runbook leads on then, and wakes nobody for it.
    assert.equal(step.ifNot.kind, 'go')
  }
})

test(
  'while submissions fail and look-ups are slow, the commands show it, and take the release back',
  WITHIN,
  async (context) => {
    const { store, world, service: known, root } = sandbox.station
    const begun = await beginDeployment(store, world, known, root, {
      release: 'r3',
      by: 'asha',
      reason: 'the same fault again',
      leaveOut: ['window'],
      adjust: (plan) => held(sandbox.adjust(drillPlan(plan, { as: 'r3-again' }))),
    })
    assert.ok(begun.begun, JSON.stringify(begun))
    const reached = (name: string) =>
      follow(
        store,
        begun.id,
        () => {},
        undefined,
        ({ phase }) => phase.name === name,
      )
    await reached('on-trial')
    const canaryFailed = async () =>
      ((await store.read(begun.id))!.state as unknown as DeploymentState).measured.canaryFailed
    // Each citizen meets one of the two releases; both must have been met.
    const citizens = async () => {
      assert.equal((await apply({ rollNumber: 'A/12345-6' })).status, 500)
      await lookUp(references['accepted-never-paid']!)
    }
    while ((await canaryFailed()) === 0) await citizens()
    await typedUntil(
      'holdfast watch status --json',
      (answer) => {
        const { steps } = watched(answer)
        return (
          steps.some(({ step, state }) => step === 'submit' && state === 'failing') &&
          steps.some(({ last5 }) => last5.slow > 0)
        )
      },
      citizens,
    )
    await tryAll(context, 'failing')
  },
)

test('without its database the service says so, and so does the runbook', WITHIN, async (context) => {
  await stopEmbedded(join(state, SERVICE_DATABASE))
  await tryAll(context, 'no database')
})

/** Neither proven bad nor promoted while the test looks at it. */
function held(plan: DeploymentPlan): DeploymentPlan {
  const trial = { ...plan.trial, alpha: 1e-30, rungs: [0.5], holdWeight: 0.5, suspicionMs: 600_000, rungMsMin: 600_000 }
  return { ...plan, trial }
}

/** Types it until it holds; the watch looks again at once, not only when its five seconds are over. */
async function typedUntil(
  run: string,
  holds: (answer: Answer) => boolean,
  meanwhile: () => Promise<void> = async () => {},
): Promise<void> {
  const client = new pg.Client({ connectionString: ours })
  await client.connect()
  try {
    while (!holds(await typed(run, 'service-slow'))) {
      await client.query("update holdfast.machine set wake_at = 0 where kind = 'watch'")
      await Promise.all([sandbox.station.store.wait(200), meanwhile()])
    }
  } finally {
    await client.end()
  }
}
