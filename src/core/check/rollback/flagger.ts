/**
 * The ways back of Flagger's canaries. A failing release goes back by itself after (threshold + 1) × interval, because the count is
 * tested before it is raised; after promotion going back is a new analysis of the old release, step by step.
 */
import { child, flag, items, type Node, num, spotOf, text } from '../formats/node.ts'
import { secondsOf } from '../models/value.ts'
import { type Answer, added, exactly, type Part, PULL_S, START_S, SWITCH_S } from '../rollback-time.ts'
import type { World } from '../world.ts'

export function flaggerWaysBack(world: World): readonly Answer[] {
  return world.kube
    .filter((object) => object.kind === 'Canary' && object.production)
    .filter((object) => /flagger/.test(text(child(object.node, 'apiVersion')) ?? ''))
    .flatMap((object) => {
      const analysis = child(object.node, 'spec', 'analysis') ?? child(object.node, 'spec', 'canaryAnalysis')
      if (!analysis || flag(child(object.node, 'spec', 'skipAnalysis')) === true) return []
      return waysOf(object.name, analysis)
    })
}

function waysOf(name: string, analysis: Node): readonly Answer[] {
  const intervalNode = child(analysis, 'interval')
  const interval = intervalNode ? secondsOf(text(intervalNode)) : 60
  const thresholdNode = child(analysis, 'threshold')
  const threshold = thresholdNode ? num(thresholdNode) : 1
  const at = spotOf(analysis)
  const base = { what: name, platform: 'Flagger' as const, at, soft: false }
  if (interval === undefined || threshold === undefined) return []
  const from = [intervalNode, thresholdNode].flatMap((node) => (node ? [spotOf(node)] : []))
  const trial = added([
    exactly('notice', (threshold + 1) * interval, `(${threshold} + 1) × ${interval}`, from),
    exactly('traffic back', SWITCH_S, `${SWITCH_S} (assumed)`),
  ])
  const looks = looksOf(analysis)
  const boot = PULL_S + START_S
  const again: Part[] = [
    {
      name: 'start',
      low: boot / 2,
      likely: boot,
      high: boot * 2,
      sum: `pull ${PULL_S} + start ${START_S} (assumed)`,
      from: [],
    },
    exactly('analysis of the old release', looks.count * interval, `${looks.sum} × ${interval}`, [at]),
  ]
  return [
    { way: { ...trial, ...base, how: 'the analysis takes the release back by itself' } },
    ...(looks.count > 0
      ? [{ way: { ...added(again), ...base, how: 'after promotion: the old release is analysed step by step' } }]
      : []),
  ]
}

/** How often Flagger looks before it promotes: each step of weight, or each iteration, and one more to promote. */
function looksOf(analysis: Node): { readonly count: number; readonly sum: string } {
  const listed = items(child(analysis, 'stepWeights')).length
  const iterations = num(child(analysis, 'iterations')) ?? 0
  const step = num(child(analysis, 'stepWeight')) ?? 0
  const most = num(child(analysis, 'maxWeight')) ?? 100
  if (listed > 0) return { count: listed + 1, sum: `(${listed} + 1)` }
  if (iterations > 0) return { count: iterations + 1, sum: `(${iterations} + 1)` }
  if (step > 0) return { count: Math.ceil(most / step) + 1, sum: `(⌈${most} ÷ ${step}⌉ + 1)` }
  return { count: 0, sum: '0' }
}
