/** The way back of ECS services that ECS itself deploys: rolling, and its own blue-green, canary and linear strategies. */
import { type Spot, spotOf } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { deregistration, type EcsService, ecsServices, stopTimeout, targetHealth } from '../models/ecs.ts'
import { numberAt, shown, unknownOf } from '../models/value.ts'
import { type Answer, added, ecsSlots, estimate, exactly, PULL_S, START_S, SWITCH_S } from '../rollback-time.ts'
import type { World } from '../world.ts'
import { firstNotice, type Notice } from './notice.ts'

// ECS calls a task without load balancer or container check healthy after 40 s (ECS developer guide, deployment circuit breaker).
const HEALTH_WITHOUT_CHECK_S = 40
// bakeTimeInMinutes when absent, for every strategy but ROLLING (ECS API reference, DeploymentConfiguration).
const BAKE_DEFAULT_MIN = 2_160

export function ecsWaysBack(world: World): readonly Answer[] {
  return ecsServices(world.cloud)
    .filter((service) => service.controller === 'ECS')
    .flatMap((service) => (service.strategy === 'ROLLING' ? rolling(world, service) : shifting(world, service)))
}

function alarmNotice(world: World, { resource, alarmRollback }: EcsService): Notice | undefined {
  if (!alarmRollback) return undefined
  const names = field(resource, 'DeploymentConfiguration.Alarms.AlarmNames', 'alarms.alarm_names')
  return firstNotice(resource, names, world.cloud)
}

function rolling(world: World, service: EcsService): readonly Answer[] {
  const { resource, desired, minPercent, maxPercent } = service
  const unknown = unknownOf(desired, minPercent, maxPercent)
  if (unknown)
    return [
      {
        unsettled: {
          what: resource.id,
          platform: 'ECS',
          at: unknown.at,
          says: `How long taking ${resource.id} back takes depends on ${unknown.text}.`,
          needs: `the value of ${unknown.text} in production`,
        },
      },
    ]
  if (!desired.known || !minPercent.known || !maxPercent.known || desired.value <= 0) return []
  const { up, down } = ecsSlots(desired.value, minPercent.value, maxPercent.value)
  if (up === 0 && down === 0) return []
  const health = healthOf(service)
  const drain = service.targetGroup && deregistration(service.targetGroup)
  const stop = stopTimeout(service.task)
  const drainS = up === 0 && drain?.known ? drain.value + stop : 0
  const notice = alarmNotice(world, service)
  const written = [desired, minPercent, maxPercent].filter((value) => value.said).map((value) => value.at)
  const sum = estimate({
    count: desired.value,
    atOnce: up > 0 ? up : down,
    healthS: health.seconds,
    healthSum: health.sum,
    drainS,
    ...(drain ? { drainSum: `${shown(drain)} + stop ${stop} = ${drainS}` } : {}),
    ...(notice ? { detectS: notice.seconds, detectSum: `${notice.sum} (${notice.alarm})` } : {}),
    from: {
      batches: written,
      one: [...health.from, ...(drain?.known && drain.said && drainS > 0 ? [drain.at] : [])],
      ...(notice ? { detect: [notice.at] } : {}),
    },
  })
  const at = maxPercent.said ? maxPercent.at : desired.at
  const soft = desired.soft || minPercent.soft || maxPercent.soft
  return [
    { way: { ...sum, what: resource.id, platform: 'ECS', how: 'a rolling deployment of the old revision', at, soft } },
  ]
}

function healthOf(service: EcsService): { seconds: number; sum: string; from: readonly Spot[] } {
  const health = service.targetGroup && targetHealth(service.targetGroup)
  if (!health?.interval.known || !health.threshold.known)
    return { seconds: HEALTH_WITHOUT_CHECK_S, sum: `${HEALTH_WITHOUT_CHECK_S}`, from: [] }
  const seconds = health.interval.value * health.threshold.value
  return {
    seconds,
    sum: `${shown(health.interval)} × ${shown(health.threshold)} = ${seconds}`,
    from: [health.interval, health.threshold].filter((value) => value.said).map((value) => value.at),
  }
}

/** While the old revision is kept the way back is a switch; afterwards it is a whole deployment with all its steps. */
function shifting(world: World, service: EcsService): readonly Answer[] {
  const { resource, strategy } = service
  if (!/^(BLUE_GREEN|CANARY|LINEAR)$/.test(strategy)) return []
  const bake = numberAt(resource, BAKE_DEFAULT_MIN, 'DeploymentConfiguration.BakeTimeInMinutes')
  if (!bake.known)
    return [
      {
        unsettled: {
          what: resource.id,
          platform: 'ECS',
          at: bake.at,
          says: `How long ${resource.id} keeps the old revision depends on ${bake.text}.`,
          needs: `the value of ${bake.text} in production`,
        },
      },
    ]
  const at = bake.said ? bake.at : resource.at
  const base = { what: resource.id, platform: 'ECS' as const, at, soft: bake.soft }
  const notice = alarmNotice(world, service)
  const noticed = notice ? [exactly('notice', notice.seconds, `${notice.sum} (${notice.alarm})`, [notice.at])] : []
  if (bake.value >= 15) {
    const sum = added([...noticed, exactly('traffic back', SWITCH_S, `${SWITCH_S} (assumed)`)])
    return [{ way: { ...sum, ...base, how: `traffic back to the old revision, kept for ${bake.value} min` } }]
  }
  const steps = stepsOf(service)
  const health = healthOf(service)
  const boot = PULL_S + START_S
  const sum = added([
    ...noticed,
    {
      name: 'start',
      low: boot / 2,
      likely: boot,
      high: boot * 2,
      sum: `pull ${PULL_S} + start ${START_S} (assumed)`,
      from: [],
    },
    exactly('health', health.seconds, health.sum, health.from),
    ...(steps.seconds > 0 ? [exactly('steps', steps.seconds, steps.sum, steps.from)] : []),
  ])
  return [
    {
      way: {
        ...sum,
        ...base,
        how: `a whole ${strategy.toLowerCase().replace('_', '-')} deployment, because the old revision is gone ${bake.value} min after the shift`,
      },
    },
  ]
}

function stepsOf({ resource, strategy }: EcsService): { seconds: number; sum: string; from: readonly Spot[] } {
  if (strategy === 'CANARY') {
    const minutes = numberAt(resource, 10, 'DeploymentConfiguration.CanaryConfiguration.CanaryBakeTimeInMinutes')
    return minutes.known
      ? {
          seconds: minutes.value * 60,
          sum: `canary ${shown(minutes)} min × 60`,
          from: minutes.said ? [minutes.at] : [],
        }
      : { seconds: 0, sum: '0', from: [] }
  }
  if (strategy !== 'LINEAR') return { seconds: 0, sum: '0', from: [] }
  const share = numberAt(resource, 10, 'DeploymentConfiguration.LinearConfiguration.StepPercent')
  const wait = numberAt(resource, 6, 'DeploymentConfiguration.LinearConfiguration.StepBakeTimeInMinutes')
  if (!share.known || !wait.known || share.value <= 0) return { seconds: 0, sum: '0', from: [] }
  // Nothing is waited for after the last step.
  const waits = Math.max(0, Math.ceil(100 / share.value) - 1)
  const node = field(resource, 'DeploymentConfiguration.LinearConfiguration')
  return {
    seconds: waits * wait.value * 60,
    sum: `${waits} × ${shown(wait)} min × 60`,
    from: node ? [spotOf(node)] : [],
  }
}
