/** The plan of the release that a simulated world ships: the shapes that production plans have, with times short enough to see their end. */
import type { DeploymentPlan } from '../../src/core/deploy/deployment.ts'
import { type RollingPlan, rollingRungs } from '../../src/core/deploy/rolling.ts'
import { TRIAL_DEFAULTS } from '../../src/core/deploy/trial.ts'
import { manifestOf } from './copies.ts'
import type { Fate } from './fate.ts'

type Shape = Pick<Fate, 'strategy' | 'shadow' | 'replicas' | 'keep' | 'needed' | 'rings' | 'schema' | 'warmMs'>

/** How the release that runs already got there. */
export const FIRST: Shape = {
  strategy: 'canary',
  shadow: null,
  replicas: 2,
  keep: 'warm',
  needed: 1,
  rings: false,
  schema: 'none',
  warmMs: 0,
}

export function planOf(shape: Shape, previous: DeploymentPlan['previous'], release: string): DeploymentPlan {
  const { strategy, shadow, replicas, schema, warmMs } = shape
  const next = {
    release,
    replicas,
    command: ['x'],
    folder: '.',
    envNames: [],
    env: {},
    readyPath: '/r',
    startMsMax: 20_000,
    stopMsMax: 5_000,
  }
  const rolling =
    previous && strategy === 'rolling' ? rollingOf(shape, { ...next, release: previous.release }) : undefined
  const rungs = rolling ? rollingRungs(rolling) : [0.1, 0.3]
  return {
    id: `dep-${release}`,
    service: 'svc',
    serviceName: 'Service',
    previous,
    next,
    strategy,
    ...(rolling ? { rolling } : {}),
    ...(shape.rings ? { rings: RINGS } : {}),
    ...(warmMs > 0 ? { warmMs } : {}),
    ...(shadow ? { shadow: { ...SHADOW, manifest: manifestOf(shadow) } } : {}),
    ...(schema === 'contract'
      ? { backfill: BACKFILL, contract: [{ file: '0003.contract.sql', sql: 'select 3' }] }
      : {}),
    trial: {
      ...TRIAL_DEFAULTS,
      stable: previous?.release ?? '',
      canary: release,
      strategy: strategy === 'blue-green' ? 'blue-green' : 'canary',
      steps: ['ask', 'submit'].map((step) => ({
        journey: 'apply',
        step,
        omega: 0.5,
        p0: 0.005,
        p0Units: 5_000,
        limitMs: 2_000,
      })),
      rungs,
      ...(rolling ? { holdBack: 1 - rungs[rungs.length - 1]! } : {}),
      rungMsMin: 500,
      margin: 0.06,
      bakeMs: 1_000,
      suspicionMs: 5_000,
      outageMs: 2_000,
    },
    migrations: schema === 'none' ? [] : [{ file: '0001.sql', sql: 'select 1' }],
    steps: [],
    healthPath: '/r',
    drainMsMax: 5_000,
    requestedBy: 'asha',
    approvals: 0,
    reason: 'simulated',
    incident: {
      ladder: [],
      fallback: { role: 'on call', route: 'webhook', to: 'pager', afterMs: 60_000 },
      severity: 'P2',
      severityRule: 'simulated',
      steps: {},
      comms: {
        audiences: [],
        facts: { serviceName: 'Service', cannot: 'apply', who: 'people', instead: null, answers: null },
      },
    },
  }
}

/** Answers of good releases differ as well, when one of them fails by chance: twenty times as often is tolerated. */
const SHADOW: NonNullable<DeploymentPlan['shadow']> = {
  msMin: 2_000,
  sampleMin: 60,
  unintendedShareMax: 0.05,
  manifest: '',
  tolerance: 0,
  inFlightMax: 8,
  unsafe: [],
  msMax: 20_000,
}

const RINGS: NonNullable<DeploymentPlan['rings']> = {
  where: { in: 'path', at: 0 },
  rings: [
    {
      id: 'test',
      says: 'one',
      tenants: ['a'],
      when: null,
      share: 0.5,
      holdMs: 1_000,
      evidence: [{ what: 'asks', step: 'apply/ask', count: 20 }],
    },
    {
      id: 'rest',
      says: 'the others',
      tenants: null,
      when: null,
      share: 0.5,
      holdMs: 1_000,
      evidence: [{ what: 'sends', step: null, count: 60 }],
    },
  ],
}

const BACKFILL: NonNullable<DeploymentPlan['backfill']> = {
  files: [{ file: '0002.migrate.sql', sql: 'select 2' }],
  batch: 100,
  pauseMs: 0,
  lagMsMax: 1_000,
  activeMax: 10,
  when: 'after-promotion',
  msMax: 120_000,
}

function rollingOf({ replicas, keep, needed }: Shape, previous: DeploymentPlan['next']): RollingPlan {
  const batches = Array.from({ length: replicas }, (_, i) => i + 1)
  return { replicas, batches, needed, keep, previous, restoreMsMax: 0, says: '' }
}
