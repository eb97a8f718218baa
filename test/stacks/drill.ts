/**
 * One drill, on any stack: the sample service goes live in a sandbox, a good release is promoted, and then `holdfast rehearse rollback` makes
 * one bad and takes it back, with citizens using the service all the while. What must be true is the same whatever moves them and whatever
 * runs the releases.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openHoldfastStore } from '../../src/adapters/postgres/open.ts'
import type { Call } from '../../src/cli/command.ts'
import type { DeploymentPlan } from '../../src/core/deploy/deployment.ts'
import { judgeDrill } from '../../src/core/deploy/drill.ts'
import { stepMatches } from '../../src/core/deploy/plan.ts'
import { EXIT } from '../../src/core/errors.ts'
import { DAY } from '../../src/core/time.ts'
import { atDemoPace } from '../../src/demo/pace.ts'
import { journeyScript } from '../../src/load/journeys.ts'
import { isUnreachable } from '../../src/ports/unreachable.ts'
import { beginDeployment, follow } from '../../src/station/deploy.ts'
import { openWitnesses } from '../../src/station/rehearse/drill.ts'
import { rehearseOptions, rehearseRollback } from '../../src/station/rehearse/rehearse.ts'
import { openSandbox, type Sandbox } from '../../src/station/rehearse/sandbox.ts'
import type { Station } from '../../src/station/station.ts'

/** Citizens a second: enough that a verdict takes seconds, and little enough for two such tests side by side. */
const VISITS = 8
/** One rung, and a third of the citizens on it: both arms then learn quickly. */
const THIRD = { rungs: [0.35], holdWeight: 0.35 }
/** Beyond this the drill has failed, and clears up after itself, in ms. */
const DRILL_MS_MAX = 240_000
/** The drill is not about speed, and the machine may be busy: citizens here wait this long, in ms. */
const LIMIT_MS = 15_000

export interface Stack {
  readonly name: string
  /** The definition to deploy by, and what is set around it. */
  definition(state: string): Promise<{ readonly file: string; readonly env: Record<string, string> }>
  /** How this stack starts a release, where the demo's own way does not fit. */
  adjust(plan: DeploymentPlan): DeploymentPlan
  /** What must be true of this stack beside the drill; asked while the good release serves. */
  holds(station: Station): Promise<void>
  close(): unknown
}

export function stackDrill(stack: Stack): void {
  const name = `${stack.name}: a good release is promoted, a bad one is rehearsed and taken back, and no citizen pays for the deployment`
  test(name, { timeout: DRILL_MS_MAX }, async (context) => {
    const state = mkdtempSync(join(tmpdir(), 'holdfast-drill-'))
    const closers: (() => unknown)[] = [() => rmSync(state, { recursive: true, force: true, maxRetries: 20 })]
    context.after(async () => {
      const failed: unknown[] = []
      for (const end of closers.reverse()) {
        try {
          await end()
        } catch (thrown) {
          failed.push(thrown)
        }
      }
      if (failed.length > 0) throw new AggregateError(failed, 'not everything could be cleared up')
    })
    closers.push(() => stack.close())
    const { file, env } = await stack.definition(state)
    const live = await liveService(closers)
    const noise = (says: string) => void (process.env.HOLDFAST_TEST_NOISE && console.error(says))
    const sandbox = await openSandbox({
      state: join(state, 'sandbox'),
      serviceFile: file,
      env: { ...process.env, ...env, ...live.env },
      from: 'r1',
      remark: noise,
      adjust: (plan) => stack.adjust(patient(plan)),
    })
    closers.push(() => sandbox.close())

    await promoteGood(sandbox)
    await stack.holds(sandbox.station)

    const said: string[] = []
    const io = { out: (text: string) => said.push(text), progress: noise, env: {}, cwd: state, live: false }
    const call: Call = { args: [], options: {}, json: true, state, service: file, io: { ...io, stop: context.signal } }
    const wish = rehearseOptions({ fault: 'total', release: 'r3', from: 'r1', visits: VISITS })
    const code = await rehearseRollback(call, wish, 'asha', async () => ({ ...sandbox, close: async () => {} }))
    const answer = JSON.parse(said[0]!)
    assert.equal(code, EXIT.done, said[0])
    const [drill] = answer.drills
    assert.match(drill.why, /evidence .* : 1 that release r3-drill-\w+ is worse/)
    assert.deepEqual([drill.old, drill.serving, drill.failedByDeployment, drill.failedByOld], ['r2', 'r2', 0, 0])
    assert.ok(drill.harmed > 0 && drill.harmed <= drill.sessions, said[0])

    await inTheLog(state, answer.entry)
    assert.deepEqual(live.pages, [], 'nobody real is paged, although an incident was opened in there')
    const { says } = await sandbox.station.whatRuns()
    assert.match(says, /^r2 answers everybody \(2 healthy replicas\)/)
    const left = await sandbox.station.world.runtime.instances()
    assert.ok(!isUnreachable(left))
    assert.deepEqual([...new Set(left.map(({ release }) => release))], ['r2'], 'nothing of the bad release is left')
    await sandbox.close()
    assert.ok(!existsSync(join(state, 'sandbox')), 'nothing of the sandbox is left')
    context.diagnostic(answer.says)
  })
}

/**
 * What stands around a rehearsal beside a service that runs: its database, which a sandbox that used it could not open, and a route by
 * which the definition's ladder would reach people.
 */
async function liveService(closers: (() => unknown)[]) {
  const pages: string[] = []
  const pager = createServer((request, response) => {
    pages.push(`${request.method} ${request.url}`)
    response.end()
  })
  await new Promise<void>((listening) => pager.listen(0, '127.0.0.1', listening))
  closers.push(() => pager.close())
  const { port } = pager.address() as AddressInfo
  const env = {
    DATABASE_URL: 'postgresql://127.0.0.1:1/live',
    HOLDFAST_WEBHOOK_PAGER_URL: `http://127.0.0.1:${port}/pager`,
    HOLDFAST_WEBHOOK_PAGER_SECRET: 'a secret of the live service',
  }
  return { pages, env }
}

/** Release r2 widens the schema, is proven by citizens, and serves in the end. */
async function promoteGood(sandbox: Sandbox): Promise<void> {
  const { store, world, service, root } = sandbox.station
  const script = journeyScript(stepMatches(service))
  const witnesses = openWitnesses(sandbox, { script, ratePerSecond: VISITS * script.requestsMean, seed: 7 })
  try {
    const adjust = (plan: DeploymentPlan) => sandbox.adjust(plan)
    const wanted = { release: 'r2', by: 'asha', reason: 'the good one', leaveOut: ['window'], adjust }
    const begun = await beginDeployment(store, world, service, root, wanted)
    assert.ok(begun.begun, JSON.stringify(begun))
    const good = await follow(store, begun.id, () => {})
    assert.equal(good.phase.name, 'promoted', good.lastWhy)
    assert.equal(good.measured.failedByUs, 0)
    // A visit ends on the release it began with; only then all of them are told.
  } finally {
    await witnesses.stop()
  }
  assert.ok(witnesses.of('r2').sessions.size > 0, 'citizens met the good release')
  assert.equal(witnesses.of('r2').harmed.size, 0)
  assert.equal(witnesses.failedBetween(), 0)
}

/** The rehearsal is in the log of the real service, where the drill gate finds it. */
async function inTheLog(state: string, index: number): Promise<void> {
  const { DATABASE_URL: _, ...env } = process.env
  const { store } = await openHoldfastStore({ state, env })
  try {
    const [entry, more] = await store.log(0, 2)
    const { kind, at, subject } = entry!
    assert.deepEqual([index, more], [0, undefined], 'of all that happened in the sandbox, one entry')
    assert.deepEqual([kind, subject], ['drill.passed', 'r3'])
    assert.ok(judgeDrill([{ kind, at, subject }], await store.now(), DAY).passed)
  } finally {
    await store.close()
  }
}

function patient(plan: DeploymentPlan): DeploymentPlan {
  const paced = atDemoPace(plan)
  const wait = <Step>(step: Step) => ({ ...step, limitMs: LIMIT_MS })
  return {
    ...paced,
    // Other gates than the private journeys would stop r3 before any citizen.
    gates: [],
    steps: plan.steps.map(wait),
    trial: { ...paced.trial, ...THIRD, steps: plan.trial.steps.map(wait) },
    next: { ...paced.next, startMsMax: 60_000 },
  }
}
