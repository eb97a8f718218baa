/** The way back of EC2 auto scaling groups: instances replaced batch by batch. */
import { child, flag, type Node, num, type Spot, spotOf, text } from '../formats/node.ts'
import { field, type Resource } from '../models/cloud.ts'
import { isoSeconds } from '../models/value.ts'
import { type Answer, estimate } from '../rollback-time.ts'
import type { World } from '../world.ts'

// An EC2 instance until it serves; assumed until a drill has measured it.
const BOOT_S = 180

export function scalingWaysBack(world: World): readonly Answer[] {
  return world.cloud
    .filter((resource) => resource.type === 'scaling-group')
    .flatMap((group) => (group.from === 'terraform' ? refresh(group) : rollingUpdate(group)))
}

function unsettled(group: Resource, at: Spot, of: string): Answer {
  return {
    unsettled: {
      what: group.id,
      platform: 'auto scaling',
      at,
      says: `How long taking ${group.id} back takes depends on ${of}.`,
      needs: `${of} in production`,
    },
  }
}

const spots = (...nodes: readonly (Node | undefined)[]) => nodes.flatMap((node) => (node ? [spotOf(node)] : []))

/** CloudFormation's AutoScalingRollingUpdate (user guide: MaxBatchSize 1 by default). */
function rollingUpdate(group: Resource): readonly Answer[] {
  const policy = child(group.whole, 'UpdatePolicy', 'AutoScalingRollingUpdate')
  if (policy?.kind !== 'map') return []
  const sizeNode = field(group, 'DesiredCapacity', 'MinSize')
  const size = num(sizeNode)
  const batchNode = child(policy, 'MaxBatchSize')
  const batch = batchNode ? num(group.resolve(batchNode)) : 1
  if (size === undefined || batch === undefined)
    return [unsettled(group, spotOf(policy), size === undefined ? 'the size of the group' : 'MaxBatchSize')]
  if (size < 1 || batch < 1) return []
  const waits = flag(child(policy, 'WaitOnResourceSignals')) === true
  const pauseNode = child(policy, 'PauseTime')
  const pause = isoSeconds(text(pauseNode)) ?? 0
  const sum = estimate({
    count: size,
    atOnce: batch,
    bootS: BOOT_S,
    bootSum: `boot ${BOOT_S} (assumed)`,
    // With signals the pause ends as soon as the instances have spoken; without, it is waited out.
    healthS: waits ? 0 : Math.max(0, pause - BOOT_S),
    healthSum: waits ? '0 (the instances signal)' : `pause ${pause} beyond the boot`,
    drainS: 0,
    from: { batches: spots(sizeNode, batchNode), one: spots(pauseNode) },
  })
  const soft = sizeNode?.soft === true || batchNode?.soft === true
  return [
    {
      way: {
        ...sum,
        what: group.id,
        platform: 'auto scaling',
        how: 'a rolling update to the old launch template',
        at: spotOf(policy),
        soft,
      },
    },
  ]
}

/** Terraform's instance refresh (provider documentation: min_healthy_percentage 90). */
function refresh(group: Resource): readonly Answer[] {
  const block = field(group, 'instance_refresh')
  if (!block) return []
  const at = spotOf(block)
  const sizeNode = field(group, 'desired_capacity') ?? field(group, 'min_size')
  const size = num(sizeNode)
  const least = field(group, 'instance_refresh.preferences.min_healthy_percentage')
  const most = field(group, 'instance_refresh.preferences.max_healthy_percentage')
  const warmNode =
    field(group, 'instance_refresh.preferences.instance_warmup') ?? field(group, 'default_instance_warmup')
  const graceNode = field(group, 'health_check_grace_period')
  const warm = num(warmNode) ?? num(graceNode) ?? 300
  if (size === undefined) return [unsettled(group, at, 'the size of the group')]
  if (size < 1 || least?.kind === 'opaque') return size < 1 ? [] : [unsettled(group, at, 'min_healthy_percentage')]
  const spare = Math.max(0, Math.floor((size * ((num(most) ?? 100) - 100)) / 100))
  const atOnce = Math.max(1, spare, Math.floor((size * (100 - (num(least) ?? 90))) / 100))
  const sum = estimate({
    count: size,
    atOnce,
    bootS: BOOT_S,
    bootSum: `boot ${BOOT_S} (assumed)`,
    healthS: warm,
    healthSum: `warm-up ${warm}`,
    drainS: 0,
    from: { batches: spots(sizeNode, least, most), one: spots(warmNode ?? graceNode) },
  })
  const soft = [sizeNode, least, most].some((node) => node?.soft === true)
  return [
    {
      way: {
        ...sum,
        what: group.id,
        platform: 'auto scaling',
        how: 'an instance refresh to the old launch template',
        at,
        soft,
      },
    },
  ]
}
