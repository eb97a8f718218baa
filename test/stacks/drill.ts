/**
 * One drill, on any stack: the sample service goes live, a good release is promoted and a bad one is taken back, with citizens using it
 * all the while. What must be true is the same whatever moves them and whatever runs the releases.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { citizens } from '../../examples/heating-payment/citizens.ts'
import { type Embedded, startEmbedded, stopEmbedded } from '../../src/adapters/postgres/embedded.ts'
import { stopSupervisor } from '../../src/adapters/process/start.ts'
import type { DeploymentPlan, DeploymentState } from '../../src/core/deploy/deployment.ts'
import { watchedSteps } from '../../src/core/deploy/plan.ts'
import { proveDeployment } from '../../src/demo/evidence.ts'
import { atDemoPace } from '../../src/demo/pace.ts'
import { countMet } from '../../src/load/met.ts'
import { startCrowd } from '../../src/load/crowd.ts'
import { isUnreachable } from '../../src/ports/unreachable.ts'
import { beginDeployment, follow } from '../../src/station/deploy.ts'
import { openStation, type Station } from '../../src/station/station.ts'

/** Requests a second: enough that a verdict takes seconds, and little enough for two such tests side by side. */
const RATE = 80
/** One rung, and half of the citizens on it: both arms then learn at the same speed. */
const HALF = { rungs: [0.5], holdWeight: 0.5 }
/** Beyond this the drill has failed, and clears up after itself, in ms. */
const DRILL_MS_MAX = 240_000
/** The drill is not about speed, and the machine may be busy: citizens here wait this long, in ms. */
const LIMIT_MS = 15_000

export interface Stack {
  readonly name: string
  /** The definition to deploy by; `database` has the service's own tables. */
  service(state: string, database: Embedded): Promise<{ readonly file: string; readonly env: Record<string, string> }>
  /** How this stack starts a release, where the demo's own way does not fit. */
  adjust(plan: DeploymentPlan): DeploymentPlan
  /** What must be true of this stack beside the drill; asked while the good release serves. */
  holds(station: Station): Promise<void>
  close(): void
}

export function stackDrill(stack: Stack): void {
  const name = `${stack.name}: a good release is promoted and a bad one taken back, and no citizen pays for the deployment`
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
    closers.push(
      () => stack.close(),
      () => rmSync(`${state}-evidence`, { recursive: true, force: true }),
    )
    const database = await startEmbedded({ folder: join(state, 'service-database'), databases: ['heating'] })
    closers.push(() => database.stop())
    // Should the station not open, these are what it may have started.
    closers.push(
      () => stopEmbedded(join(state, 'postgres')),
      () => stopSupervisor({ state }),
    )
    const { file, env } = await stack.service(state, database)
    const station = await openStation({
      state,
      serviceFile: file,
      env: {
        ...withoutDatabase(),
        SERVICE_DATABASE_URL: database.urls.heating!,
        HOLDFAST_ENVIRONMENT: 'production',
        HOLDFAST_ACCOUNT: 'this machine',
        ...env,
      },
      remark: (says) => process.env.HOLDFAST_TEST_NOISE && console.error(says),
      listen: '127.0.0.1:0',
    })
    closers.push(() => station.shutDown())
    station.startEngine()
    const deploy = async (release: string): Promise<DeploymentState> => {
      const adjust = (plan: DeploymentPlan) => stack.adjust(patient(atDemoPace(plan)))
      const wanted = { release, by: 'asha', reason: 'the drill', leaveOut: ['window'], adjust }
      const begun = await beginDeployment(station.store, station.world, station.service, station.root, wanted)
      assert.ok(begun.begun, JSON.stringify(begun))
      return follow(station.store, begun.id, () => {})
    }

    const first = await deploy('r1')
    assert.equal(first.phase.name, 'promoted', first.lastWhy)
    const met = countMet()
    const { publicUrl: url } = station.world
    const limitsMs = Object.fromEntries(
      watchedSteps(station.service).map(({ journey, step }) => [`${journey.id}/${step.id}`, LIMIT_MS]),
    )
    const crowd = startCrowd({
      url,
      ratePerSecond: RATE,
      script: citizens,
      seed: 7,
      limitsMs,
      onRequest: (seen) => met.seen(seen),
    })
    closers.push(() => crowd.stop(0))
    // The verdict learns the usual failure rate from citizens, so some must have come.
    while (met.of('r1').sessions.size < 40) await station.store.wait(100)

    const good = await deploy('r2')
    assert.equal(good.phase.name, 'promoted', good.lastWhy)
    assert.equal(met.of('r2').harmed.size, 0)
    await stack.holds(station)

    const bad = await deploy('r3')
    assert.equal(bad.phase.name, 'rolled-back', bad.lastWhy)
    const because = bad.history.find(({ phase }) => phase === 'rolling-back')?.why ?? ''
    assert.match(because, /evidence .* : 1 that release r3 is worse/)
    assert.equal(bad.serving, 'r2')
    assert.ok(met.of('r3').harmed.size > 0, 'citizens met the bad release')

    for (const { measured, plan } of [first, good, bad]) assert.equal(measured.failedByUs, 0, plan.next.release)
    const { failedByDeployment, requests } = await crowd.stop(2_000)
    assert.equal(failedByDeployment, 0)
    assert.ok(requests.sent > 500, `${requests.sent} requests`)
    const { says } = await station.whatRuns()
    assert.match(says, /^r2 answers everybody \(2 healthy replicas\)/)
    const left = await station.world.runtime.instances()
    assert.ok(!isUnreachable(left))
    assert.deepEqual([...new Set(left.map(({ release }) => release))], ['r2'], 'nothing of the bad release is left')
    const lines = await proveDeployment(station, bad.plan.id, state)
    assert.ok(
      lines.some((line) => line.startsWith('Independent check: intact')),
      lines.join('\n'),
    )
    context.diagnostic(`${requests.sent} requests; ${met.of('r3').harmed.size} citizens harmed by r3. ${because}`)
  })
}

function patient(plan: DeploymentPlan): DeploymentPlan {
  const wait = <Step>(step: Step) => ({ ...step, limitMs: LIMIT_MS })
  return {
    ...plan,
    // Of the gates, the one that holds the surroundings against the environment that is meant: the others stop r3 before any citizen.
    gates: (plan.gates ?? []).filter(({ how }) => how === 'target'),
    steps: plan.steps.map(wait),
    trial: { ...plan.trial, ...HALF, steps: plan.trial.steps.map(wait) },
    next: { ...plan.next, startMsMax: 60_000 },
  }
}

/** Holdfast's own database is an embedded one here, whatever the machine has. */
function withoutDatabase(): Record<string, string | undefined> {
  const { DATABASE_URL: _, ...rest } = process.env
  return rest
}
