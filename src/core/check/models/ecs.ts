/** What an ECS service depends on: its task, target group and alarms, wherever in the tree they are defined. */
import { child, items, type Node, num, text } from '../formats/node.ts'
import { containersOf, field, fieldOf, type Resource, referenceOf } from './cloud.ts'
import { flagAt, type Known, numberAt } from './value.ts'

export interface EcsService {
  readonly resource: Resource
  readonly desired: Known<number>
  readonly minPercent: Known<number>
  readonly maxPercent: Known<number>
  readonly controller: 'ECS' | 'CODE_DEPLOY' | 'EXTERNAL' | 'opaque'
  readonly strategy: string
  readonly breaker: Known<boolean>
  readonly breakerRollback: Known<boolean>
  readonly alarmRollback: boolean
  readonly hasLoadBalancer: boolean
  readonly targetGroup?: Resource
  readonly task?: Resource
}

export function ecsServices(cloud: readonly Resource[]): readonly EcsService[] {
  return cloud
    .filter((resource) => resource.type === 'ecs-service')
    .filter((resource) => !isDaemon(resource))
    .map((resource) => serviceOf(resource, cloud))
}

function isDaemon(resource: Resource): boolean {
  return text(field(resource, 'SchedulingStrategy')) === 'DAEMON'
}

function serviceOf(resource: Resource, cloud: readonly Resource[]): EcsService {
  const controllerNode = field(resource, 'DeploymentController.Type', 'deployment_controller.type')
  const named = controllerNode ? text(controllerNode) : 'ECS'
  const alarms = field(resource, 'DeploymentConfiguration.Alarms', 'alarms')
  const balancers = field(resource, 'LoadBalancers', 'load_balancer')
  const first = items(balancers)[0]
  const groups = cloud.filter((candidate) => candidate.type === 'target-group' && candidate.from === resource.from)
  const tasks = cloud.filter((candidate) => candidate.type === 'ecs-task')
  const referred = referenceOf(resource, fieldOf(resource, first, 'TargetGroupArn'), groups)
  const task = referenceOf(resource, field(resource, 'TaskDefinition'), tasks)
  const alone = <T>(list: readonly T[]) => (list.length === 1 ? list[0] : undefined)
  const group = referred ?? alone(groups)
  const taskFound = task ?? alone(tasks)
  return {
    resource,
    desired: numberAt(resource, 1, 'DesiredCount'),
    minPercent: numberAt(
      resource,
      100,
      'DeploymentConfiguration.MinimumHealthyPercent',
      'deployment_minimum_healthy_percent',
    ),
    maxPercent: numberAt(resource, 200, 'DeploymentConfiguration.MaximumPercent', 'deployment_maximum_percent'),
    controller: named === 'ECS' || named === 'CODE_DEPLOY' || named === 'EXTERNAL' ? named : 'opaque',
    strategy:
      text(field(resource, 'DeploymentConfiguration.Strategy', 'deployment_configuration.strategy')) ?? 'ROLLING',
    breaker: flagAt(
      resource,
      false,
      'DeploymentConfiguration.DeploymentCircuitBreaker.Enable',
      'deployment_circuit_breaker.enable',
    ),
    breakerRollback: flagAt(
      resource,
      false,
      'DeploymentConfiguration.DeploymentCircuitBreaker.Rollback',
      'deployment_circuit_breaker.rollback',
    ),
    alarmRollback:
      isOn(resource, alarms, 'Enable') &&
      isOn(resource, alarms, 'Rollback') &&
      items(fieldOf(resource, alarms, 'AlarmNames')).length > 0,
    hasLoadBalancer: first !== undefined,
    ...(group && first ? { targetGroup: group } : {}),
    ...(taskFound ? { task: taskFound } : {}),
  }
}

function isOn(resource: Resource, node: Node | undefined, key: string): boolean {
  const value = fieldOf(resource, node, key)
  return value?.kind === 'scalar' && (value.value === true || value.text === 'true')
}

/** Seconds until a target counts as healthy: interval × threshold. Defaults of Elastic Load Balancing: 30 s × 5. */
export function targetHealth(group: Resource): { readonly interval: Known<number>; readonly threshold: Known<number> } {
  return {
    interval: numberAt(group, 30, 'HealthCheckIntervalSeconds', 'health_check.interval'),
    threshold: numberAt(group, 5, 'HealthyThresholdCount', 'health_check.healthy_threshold'),
  }
}

/** Deregistration delay in seconds; CloudFormation keeps it in a list of attributes. Default 300. */
export function deregistration(group: Resource): Known<number> {
  const listed = items(field(group, 'TargetGroupAttributes'))
    .map((item) => group.resolve(item))
    .find((item) => text(child(item, 'Key')) === 'deregistration_delay.timeout_seconds')
  const value = child(listed, 'Value')
  if (value) {
    const resolved = group.resolve(value)
    const seconds = num(resolved)
    const at = { file: resolved.src.file, ...resolved.src.lines.placeOf(resolved.at) }
    return seconds === undefined
      ? { known: false, at, text: resolved.kind === 'opaque' ? resolved.text : 'a value' }
      : { known: true, value: seconds, at, soft: resolved.soft === true, said: true }
  }
  return numberAt(group, 300, 'deregistration_delay')
}

/** The longest stop time-out among the task's containers, in seconds. Default 30. */
export function stopTimeout(task: Resource | undefined): number {
  const listed = (task ? containersOf(task) : undefined) ?? []
  const set = listed
    .map((container) => num(fieldOf(task!, container, 'StopTimeout')))
    .filter((value): value is number => value !== undefined)
  return set.length > 0 ? Math.max(...set) : 30
}
