/**
 * The ways back of Argo Rollouts. While a release is on trial, its analysis aborts it; once it is promoted, going back is a new
 * rollout that walks every step again, unless a rollback window says otherwise (Argo Rollouts documentation: rollback windows).
 */
import { child, flag, items, type Node, num, type Spot, spotOf, text } from '../formats/node.ts'
import { type KubeObject, type Workload, workloads } from '../models/kube.ts'
import { secondsOf } from '../models/value.ts'
import { type Answer, added, exactly, type Part, PULL_S, START_S, SWITCH_S } from '../rollback-time.ts'
import type { World } from '../world.ts'
import { readiness } from './kubernetes.ts'

export interface Analysis {
  readonly name: string
  /** Seconds until a fault that is there from the start makes the analysis fail. */
  readonly failS: number
  /** Seconds until it succeeds; undefined when it runs until the rollout ends. */
  readonly wholeS?: number
  readonly sum: string
  readonly at: Spot
}

export function rolloutsOf(world: World): readonly Workload[] {
  return workloads(world.kube, ['Rollout']).filter(({ object }) => object.production && isArgo(object))
}

function isArgo(object: KubeObject): boolean {
  return /^argoproj\.io\//.test(text(child(object.node, 'apiVersion')) ?? '')
}

export function argoWaysBack(world: World): readonly Answer[] {
  return rolloutsOf(world).flatMap((rollout) => {
    const canary = child(rollout.spec, 'strategy', 'canary')
    if (canary) return [...onTrial(world, rollout, canary), ...promoted(world, rollout, canary)]
    return child(rollout.spec, 'strategy', 'blueGreen') ? [blueGreen(rollout)] : []
  })
}

/** Metrics of the analysis templates that a node names. */
export function analysesOf(world: World, node: Node | undefined): readonly Analysis[] {
  const names = items(child(node, 'templates')).flatMap((item) => text(child(item, 'templateName')) ?? [])
  return world.kube
    .filter((object) => /^(Cluster)?AnalysisTemplate$/.test(object.kind) && names.includes(object.name))
    .flatMap((object) => items(child(object.node, 'spec', 'metrics')))
    .flatMap((metric) => analysisOf(metric) ?? [])
}

/** The first measurement comes at once; the one after the limit fails it: failureLimit 3 needs the fourth bad one. */
function analysisOf(metric: Node): Analysis | undefined {
  const seconds = (key: string) => {
    const node = child(metric, key)
    return node ? secondsOf(text(node)) : 0
  }
  const interval = seconds('interval')
  const delay = seconds('initialDelay')
  const limit = child(metric, 'failureLimit') ? num(child(metric, 'failureLimit')) : 0
  if (interval === undefined || delay === undefined || limit === undefined) return undefined
  const count = num(child(metric, 'count')) ?? (interval === 0 ? 1 : undefined)
  return {
    name: text(child(metric, 'name')) ?? 'a metric',
    failS: delay + Math.max(0, limit) * interval,
    ...(count === undefined ? {} : { wholeS: delay + (count - 1) * interval }),
    sum: `${delay} + ${limit} × ${interval}`,
    at: spotOf(metric),
  }
}

/** `pause: {}` waits for a person; a number or "5m" is a wait. */
function pauseOf(step: Node): { readonly seconds: number } | 'person' | undefined {
  const pause = child(step, 'pause')
  if (!pause) return undefined
  const seconds = secondsOf(text(child(pause, 'duration')))
  return seconds === undefined ? 'person' : { seconds }
}

function onTrial(world: World, rollout: Workload, canary: Node): readonly Answer[] {
  const background = child(canary, 'analysis')
  const steps = items(child(canary, 'steps'))
  const starting = num(child(background, 'startingStep')) ?? 0
  const before = steps.slice(0, starting).reduce((sum, step) => {
    const pause = pauseOf(step)
    return sum + (pause && pause !== 'person' ? pause.seconds : 0)
  }, 0)
  const fastest = (list: readonly Analysis[]) => [...list].sort((a, b) => a.failS - b.failS)[0]
  const always = fastest(analysesOf(world, background))
  const inStep = steps
    .map((step) => ({ step, found: fastest(analysesOf(world, child(step, 'analysis'))) }))
    .find(({ found }) => found)
  const inlineBefore = inStep
    ? steps.slice(0, steps.indexOf(inStep.step)).reduce((sum, step) => {
        const pause = pauseOf(step)
        return sum + (pause && pause !== 'person' ? pause.seconds : 0)
      }, 0)
    : 0
  const ways = [
    ...(always ? [{ analysis: always, waited: before }] : []),
    ...(inStep?.found ? [{ analysis: inStep.found, waited: inlineBefore }] : []),
  ].sort((a, b) => a.waited + a.analysis.failS - (b.waited + b.analysis.failS))
  const [first] = ways
  if (!first) return []
  const parts: Part[] = [
    ...(first.waited > 0
      ? [exactly('pauses before the first look', first.waited, `${first.waited}`, [spotOf(steps[0]!)])]
      : []),
    exactly(`notice by ${first.analysis.name}`, first.analysis.failS, first.analysis.sum, [first.analysis.at]),
    backParts(rollout, canary),
  ]
  return [
    {
      way: {
        ...added(parts),
        what: rollout.object.name,
        platform: 'Argo Rollouts',
        how: 'the analysis aborts the trial',
        at: first.analysis.at,
        soft: false,
      },
    },
  ]
}

/** With a traffic router the stable pods are all still there; without one they have to be started again. */
function backParts(rollout: Workload, canary: Node): Part {
  const routed = child(canary, 'trafficRouting') !== undefined && flag(child(canary, 'dynamicStableScale')) !== true
  if (routed) return exactly('traffic back', SWITCH_S, `${SWITCH_S} (assumed)`)
  return restart(rollout)
}

function restart(rollout: Workload): Part {
  const ready = readiness(rollout)
  const boot = PULL_S + START_S
  return {
    name: 'old pods started again',
    low: boot / 2 + ready.seconds,
    likely: boot + ready.seconds,
    high: boot * 2 + ready.seconds,
    sum: `pull ${PULL_S} + start ${START_S} (assumed) + ready ${ready.sum}`,
    from: ready.from,
  }
}

function promoted(world: World, rollout: Workload, canary: Node): readonly Answer[] {
  const { object } = rollout
  const window = num(child(rollout.spec, 'rollbackWindow', 'revisions')) ?? 0
  const base = { what: object.name, platform: 'Argo Rollouts' as const, soft: false }
  if (window >= 1) {
    const at = spotOf(child(rollout.spec, 'rollbackWindow')!)
    return [
      {
        way: {
          ...added([restart(rollout)]),
          ...base,
          how: 'a rollout without its steps, inside the rollback window',
          at,
        },
      },
    ]
  }
  const steps = items(child(canary, 'steps'))
  const at = steps[0] ? spotOf(steps[0]) : object.at
  if (steps.some((step) => pauseOf(step) === 'person'))
    return [
      {
        unsettled: {
          ...base,
          at,
          says: `After promotion, ${object.name} goes back through all its steps, and one of them waits for a person.`,
          needs: 'the time of a rollback drill, or rollbackWindow: { revisions: 3 }, which skips the steps',
        },
      },
    ]
  const parts = steps.flatMap((step): Part[] => {
    const pause = pauseOf(step)
    if (pause && pause !== 'person') return [exactly('pause', pause.seconds, `${pause.seconds}`, [spotOf(step)])]
    const looked = analysesOf(world, child(step, 'analysis')).flatMap((one) => (one.wholeS === undefined ? [] : [one]))
    const longest = Math.max(0, ...looked.map((one) => one.wholeS!))
    return longest > 0 ? [exactly('analysis', longest, `${longest}`, [spotOf(step)])] : []
  })
  return [
    {
      way: {
        ...added([...parts, restart(rollout)]),
        ...base,
        how: 'after promotion: a new rollout through every step again (no rollback window)',
        at,
      },
    },
  ]
}

/** The old pods are kept for scaleDownDelaySeconds (30 by default) after the switch; then they are started again. */
function blueGreen(rollout: Workload): Answer {
  const strategy = child(rollout.spec, 'strategy', 'blueGreen')!
  const delayNode = child(strategy, 'scaleDownDelaySeconds')
  const delay = delayNode ? num(delayNode) : 30
  const warm = delay !== undefined && delay >= 900
  const parts = warm ? [exactly('traffic back', SWITCH_S, `${SWITCH_S} (assumed)`)] : [restart(rollout)]
  return {
    way: {
      ...added(parts),
      what: rollout.object.name,
      platform: 'Argo Rollouts',
      how: warm
        ? `traffic back to the old pods, kept for ${delay} s`
        : `the old pods started again: they are kept for ${delay ?? '?'} s only`,
      at: delayNode ? spotOf(delayNode) : spotOf(strategy),
      soft: false,
    },
  }
}
