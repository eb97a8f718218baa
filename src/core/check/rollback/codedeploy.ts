/** The way back of CodeDeploy's deployment groups: a switch while blue is kept, else instance by instance. */
import { num, type Spot, spotOf, text } from '../formats/node.ts'
import { field, type Resource, referenceOf } from '../models/cloud.ts'
import { deregistration, targetHealth } from '../models/ecs.ts'
import { shown } from '../models/value.ts'
import { type Answer, added, estimate, exactly, PULL_S, START_S, SWITCH_S } from '../rollback-time.ts'
import type { World } from '../world.ts'
import { firstNotice } from './notice.ts'

/** Stop, install and start on an instance that runs; assumed until a drill has measured it, in seconds. */
const INSTALL_S = 60

export function codedeployWaysBack(world: World): readonly Answer[] {
  return world.cloud
    .filter((resource) => resource.type === 'codedeploy-group')
    .flatMap((group) => (keepsBlue(group) ? switched(world, group) : inPlace(world, group)))
}

const BLUE_GREEN = 'BlueGreenDeploymentConfiguration.TerminateBlueInstancesOnDeploymentSuccess'
const BLUE_GREEN_TF = 'blue_green_deployment_config.terminate_blue_instances_on_deployment_success'

function keepsBlue(group: Resource): boolean {
  const kind = text(field(group, 'DeploymentStyle.DeploymentType'))
  const config = text(field(group, 'DeploymentConfigName')) ?? ''
  return (
    kind === 'BLUE_GREEN' ||
    /ECS|Lambda/.test(config) ||
    field(group, BLUE_GREEN, BLUE_GREEN_TF) !== undefined ||
    field(group, 'EcsServices', 'ecs_service') !== undefined
  )
}

function noticed(world: World, group: Resource) {
  const notice = firstNotice(group, field(group, 'AlarmConfiguration.Alarms'), world.cloud)
  return notice ? [exactly('notice', notice.seconds, `${notice.sum} (${notice.alarm})`, [notice.at])] : []
}

function switched(world: World, group: Resource): readonly Answer[] {
  const wait = field(
    group,
    `${BLUE_GREEN}.TerminationWaitTimeInMinutes`,
    `${BLUE_GREEN_TF}.termination_wait_time_in_minutes`,
  )
  const kept = text(field(group, `${BLUE_GREEN}.Action`, `${BLUE_GREEN_TF}.action`)) === 'KEEP_ALIVE'
  const minutes = kept ? Number.POSITIVE_INFINITY : wait ? num(wait) : 0
  if (minutes === undefined)
    return [
      {
        unsettled: {
          what: group.id,
          platform: 'CodeDeploy',
          at: spotOf(wait!),
          says: `How long ${group.id} keeps the old release is decided elsewhere.`,
          needs: 'the value of terminationWaitTimeInMinutes in production',
        },
      },
    ]
  const at = wait ? spotOf(wait) : group.at
  const base = { what: group.id, platform: 'CodeDeploy' as const, at, soft: wait?.soft === true }
  if (minutes >= 15) {
    const sum = added([...noticed(world, group), exactly('traffic back', SWITCH_S, `${SWITCH_S} (assumed)`)])
    return [{ way: { ...sum, ...base, how: 'traffic back to the old release, still warm' } }]
  }
  const shift = shiftOf(text(field(group, 'DeploymentConfigName')) ?? '')
  const boot = PULL_S + START_S
  const config = field(group, 'DeploymentConfigName')
  const sum = added([
    ...noticed(world, group),
    {
      name: 'start',
      low: boot / 2,
      likely: boot,
      high: boot * 2,
      sum: `pull ${PULL_S} + start ${START_S} (assumed)`,
      from: [],
    },
    ...(shift.seconds > 0 ? [exactly('shift', shift.seconds, shift.sum, config ? [spotOf(config)] : [])] : []),
  ])
  return [
    {
      way: {
        ...sum,
        ...base,
        how: `a whole deployment, because the old release is stopped ${minutes} min after the switch`,
      },
    },
  ]
}

/** How long a predefined configuration takes to move all traffic (CodeDeploy user guide: deployment configurations). */
export function shiftOf(config: string): { readonly seconds: number; readonly sum: string } {
  const canary = /Canary(\d{1,2})Percent(\d{1,3})Minutes/.exec(config)
  if (canary) return { seconds: Number(canary[2]) * 60, sum: `${canary[2]} min × 60` }
  const linear = /Linear(\d{1,2})Percent(?:Every)?(\d{1,3})Minutes?/.exec(config)
  if (!linear || Number(linear[1]) === 0) return { seconds: 0, sum: '0' }
  const waits = Math.ceil(100 / Number(linear[1])) - 1
  return { seconds: waits * Number(linear[2]) * 60, sum: `${waits} × ${linear[2]} min × 60` }
}

function inPlace(world: World, group: Resource): readonly Answer[] {
  const fleets = world.cloud.filter((resource) => resource.type === 'scaling-group')
  const fleet = referenceOf(group, field(group, 'AutoScalingGroups', 'autoscaling_groups'), fleets) ?? only(fleets)
  const sizeNode = fleet && field(fleet, 'DesiredCapacity', 'MinSize')
  const size = num(sizeNode)
  const configNode = field(group, 'DeploymentConfigName')
  const config = configNode ? text(configNode) : 'CodeDeployDefault.OneAtATime'
  const atOnce = size === undefined ? undefined : atOnceOf(world, group, config, size)
  const at = configNode ? spotOf(configNode) : group.at
  if (size === undefined || atOnce === undefined)
    return [
      {
        unsettled: {
          what: group.id,
          platform: 'CodeDeploy',
          at,
          says: `How long taking ${group.id} back takes depends on ${size === undefined ? 'the number of its instances' : config === undefined ? 'its deployment configuration' : `the deployment configuration ${config}`}.`,
          needs:
            size === undefined ? 'the size of its auto scaling group in production' : 'how many hosts it keeps healthy',
        },
      },
    ]
  if (size <= 0) return []
  const groups = world.cloud.filter((resource) => resource.type === 'target-group')
  const target =
    text(field(group, 'DeploymentStyle.DeploymentOption')) === 'WITH_TRAFFIC_CONTROL' ? only(groups) : undefined
  const drain = target && deregistration(target)
  const health = target && targetHealth(target)
  const healthS = health?.interval.known && health.threshold.known ? health.interval.value * health.threshold.value : 0
  const [notice] = noticed(world, group)
  const spots = (nodes: readonly (Spot | undefined)[]) => nodes.filter((spot): spot is Spot => spot !== undefined)
  const sum = estimate({
    count: size,
    atOnce,
    bootS: INSTALL_S,
    bootSum: `stop, install and start ${INSTALL_S} (assumed)`,
    healthS,
    healthSum: health ? `${shown(health.interval)} × ${shown(health.threshold)} = ${healthS}` : '0 (no load balancer)',
    drainS: drain?.known ? drain.value : 0,
    ...(drain ? { drainSum: shown(drain) } : {}),
    ...(notice ? { detectS: notice.likely, detectSum: notice.sum } : {}),
    from: {
      batches: spots([sizeNode && spotOf(sizeNode), configNode && spotOf(configNode)]),
      one: spots([drain?.known && drain.said ? drain.at : undefined]),
      ...(notice ? { detect: notice.from } : {}),
    },
  })
  const soft = sizeNode?.soft === true || configNode?.soft === true
  return [
    {
      way: {
        ...sum,
        what: group.id,
        platform: 'CodeDeploy',
        how: 'the old revision installed again, batch by batch',
        at,
        soft,
      },
    },
  ]
}

function only<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined
}

/** How many instances a configuration replaces at once. */
function atOnceOf(world: World, group: Resource, config: string | undefined, size: number): number | undefined {
  if (config && /OneAtATime$/.test(config)) return 1
  if (config && /HalfAtATime$/.test(config)) return Math.max(1, Math.floor(size / 2))
  if (config && /AllAtOnce$/.test(config)) return size
  const own = world.cloud.filter(({ written }) =>
    /CodeDeploy::DeploymentConfig$|^aws_codedeploy_deployment_config$/.test(written),
  )
  const found =
    referenceOf(group, field(group, 'DeploymentConfigName'), own) ??
    own.find((one) => text(field(one, 'DeploymentConfigName')) === config)
  const value = found && num(field(found, 'MinimumHealthyHosts.Value'))
  if (!found || value === undefined) return undefined
  const kept =
    text(field(found, 'MinimumHealthyHosts.Type')) === 'FLEET_PERCENT' ? Math.ceil((size * value) / 100) : value
  return Math.max(1, size - kept)
}
