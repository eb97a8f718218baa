/** Components on ECS with Fargate: blue-green, canary or rolling, with the circuit breaker and the alarms that take a release back. */
import type { Component, Service } from '../../define/schema.ts'
import { alarmActions, answersOf, journeyAlarms } from './alarms.ts'
import { budgetOf, CHECK, fargateSize, fargateStop, graceOf, imagesKept, logDays } from './figures.ts'
import { join, noted, type Parameter, type Part, pascal, raw, ref, type Resource, type Value } from './model.ts'
import { scheduleParts } from './schedule.ts'
import { traced } from './traces.ts'

export function ecsParts(service: Service): Part[] {
  return service.runtime.components.flatMap((component) => {
    if (component.kind === 'web') return [webPart(service, component)]
    if (component.kind === 'worker') return [workerPart(service, component)]
    if (component.kind === 'scheduled') return [scheduledPart(service, component)]
    return []
  })
}

const NETWORK: readonly Parameter[] = [
  { name: 'ClusterArn', type: 'String', says: 'ARN of the ECS cluster' },
  { name: 'Subnets', type: 'List<AWS::EC2::Subnet::Id>', says: 'Private subnets, in two zones or more' },
  { name: 'SecurityGroups', type: 'List<AWS::EC2::SecurityGroup::Id>', says: 'What may reach the tasks' },
  { name: 'ExecutionRoleArn', type: 'String', says: 'Role that pulls images, reads secrets and writes logs' },
  { name: 'TaskRoleArn', type: 'String', says: 'Role of the program itself' },
]

const BALANCER: readonly Parameter[] = [
  { name: 'Vpc', type: 'AWS::EC2::VPC::Id', says: 'Network of the tasks' },
  { name: 'ListenerArn', type: 'String', says: 'Listener of the load balancer that citizens reach' },
  { name: 'LoadBalancerFullName', type: 'String', says: 'Last part of its ARN, as metrics name it: app/name/id' },
  { name: 'ContainerPort', type: 'Number', says: 'Port that the program listens on', value: 8_080 },
]

/** The component's own strategy, where the definition gives one to an artefact in it. */
export function ownOf({ deployment, artefacts }: Service, component: Component) {
  return deployment.byArtefact.find((row) =>
    artefacts.some((artefact) => artefact.id === row.artefact && artefact.component === component.id),
  )
}

/** ECS bakes for a day at most, and watches a canary for ten minutes at least (ECS API: DeploymentConfiguration). */
export const ECS_BAKE_MAX = 1_440
export const CANARY_LEAST = 10

/** How ECS rolls this component out; shadow is Holdfast's own, and what follows it counts here. */
export function strategyOf(service: Service, component: Component): 'BLUE_GREEN' | 'CANARY' | 'ROLLING' {
  const { deployment } = service
  const own = ownOf(service, component)
  const steps = own ? [own.strategy, ...own.followedBy] : [deployment.strategy, ...deployment.followedBy]
  const last = steps.findLast((step) => step !== 'shadow') ?? 'blue-green'
  return last === 'blue-green' ? 'BLUE_GREEN' : last === 'canary' ? 'CANARY' : 'ROLLING'
}

/** Where the images of a component are. */
function repositoryOf(service: Service, component: Component): string {
  return `${service.service.id}/${component.id}`
}

/** Registries of every component that is an image: they are there before the first release, and stay after the last. */
export function registryPart(service: Service): Part {
  const kinds: readonly string[] = ['web', 'worker', 'scheduled']
  const resources = service.runtime.components
    .filter(({ kind }) => kinds.includes(kind))
    .map((component) => registryOf(service, component))
  return { parameters: [], resources }
}

function registryOf(service: Service, component: Component): Resource {
  const kept = imagesKept(service)
  return {
    id: `${pascal(component.id)}Images`,
    type: 'AWS::ECR::Repository',
    keep: true,
    why: [
      ...(component.image
        ? [`The definition names ${component.image}. Production runs from here, where a tag cannot move.`]
        : []),
    ],
    props: {
      RepositoryName: repositoryOf(service, component),
      ImageTagMutability: noted('IMMUTABLE', 'a tag that moves makes the way back a guess'),
      ImageScanningConfiguration: { ScanOnPush: true },
      LifecyclePolicy: {
        LifecyclePolicyText: noted(
          JSON.stringify({
            rules: [
              {
                rulePriority: 1,
                selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: kept.value },
                action: { type: 'expire' },
              },
            ],
          }),
          `images that stay: ${kept.why}`,
        ),
      },
    },
  }
}

export function logsOf(service: Service, component: Component, name: string): Resource {
  return {
    id: `${pascal(component.id)}Logs`,
    type: 'AWS::Logs::LogGroup',
    keep: true,
    props: { LogGroupName: name, RetentionInDays: logDays(service) },
  }
}

function taskOf(
  service: Service,
  component: Component,
): { readonly resource: Resource; readonly parameters: readonly Parameter[] } {
  const name = pascal(component.id)
  const withTraces = traced(service)
  const size = fargateSize(component, withTraces)
  const logging = (prefix: string): Value => ({
    LogDriver: 'awslogs',
    Options: raw({
      'awslogs-group': ref(`${name}Logs`),
      'awslogs-region': ref('AWS::Region'),
      'awslogs-stream-prefix': prefix,
    }),
  })
  const container: Value = {
    Name: component.id,
    Image: join(
      ref('AWS::AccountId'),
      '.dkr.ecr.',
      ref('AWS::Region'),
      `.amazonaws.com/${repositoryOf(service, component)}@`,
      ref(`${name}ImageDigest`),
    ),
    Essential: true,
    ...(component.kind === 'web' ? { PortMappings: [{ ContainerPort: ref('ContainerPort') }] } : {}),
    StopTimeout: fargateStop(component),
    ...(Object.keys(component.env).length > 0
      ? { Environment: Object.entries(component.env).map(([Name, text]) => ({ Name, Value: text })) }
      : {}),
    ...(component.secretEnv.length > 0
      ? { Secrets: component.secretEnv.map((Name) => ({ Name, ValueFrom: ref(secretParameter(Name)) })) }
      : {}),
    LogConfiguration: logging(component.id),
  }
  const collector: Value = {
    Name: 'traces',
    Image: ref('TracesImage'),
    Essential: noted(false, 'citizens are served on when only the collector of traces dies'),
    Command: ['--config=/etc/ecs/ecs-default-config.yaml'],
    LogConfiguration: logging('traces'),
  }
  return {
    parameters: [
      {
        name: `${name}ImageDigest`,
        type: 'String',
        says: `The release of ${component.id}, by digest`,
        pattern: DIGEST,
      },
      ...component.secretEnv.map(
        (variable): Parameter => ({
          name: secretParameter(variable),
          type: 'String',
          says: `ARN of the secret ${variable}`,
        }),
      ),
      ...(withTraces
        ? [
            {
              name: 'TracesImage',
              type: 'String',
              says: 'AWS Distro for OpenTelemetry collector, by digest: it sends traces to X-Ray',
              pattern: `.+@${DIGEST}`,
            } satisfies Parameter,
          ]
        : []),
    ],
    resource: {
      id: `${name}Task`,
      type: 'AWS::ECS::TaskDefinition',
      keep: true,
      why: ['Task definitions stay: the one before is the way back.'],
      props: {
        Family: `${service.service.id}-${component.id}`,
        RequiresCompatibilities: ['FARGATE'],
        NetworkMode: 'awsvpc',
        Cpu: size.cpu,
        Memory: size.memory,
        ExecutionRoleArn: ref('ExecutionRoleArn'),
        TaskRoleArn: ref('TaskRoleArn'),
        ContainerDefinitions: withTraces ? [container, collector] : [container],
      },
    },
  }
}

const DIGEST = 'sha256:[0-9a-f]{64}'

export function secretParameter(variable: string): string {
  return `${pascal(variable.toLowerCase())}Arn`
}

function targetsOf(component: Component, id: string): Resource {
  return {
    id,
    type: 'AWS::ElasticLoadBalancingV2::TargetGroup',
    props: {
      TargetType: 'ip',
      Protocol: 'HTTP',
      Port: ref('ContainerPort'),
      VpcId: ref('Vpc'),
      HealthCheckPath: noted(component.ready, `tries: ${component.readyChecks.join('; ') || 'what a citizen needs'}`),
      HealthCheckIntervalSeconds: noted(
        CHECK.seconds,
        `${CHECK.seconds} s × ${CHECK.times} = ${CHECK.seconds * CHECK.times} s until a new task gets citizens, or a dead one gets none`,
      ),
      HealthCheckTimeoutSeconds: CHECK.timeoutSeconds,
      HealthyThresholdCount: CHECK.times,
      UnhealthyThresholdCount: CHECK.times,
      Matcher: { HttpCode: '200' },
      TargetGroupAttributes: [
        {
          Key: 'deregistration_delay.timeout_seconds',
          Value: noted(String(budgetOf(component).drain), budgetOf(component).says),
        },
      ],
    },
  }
}

function webPart(service: Service, component: Component): Part {
  const name = pascal(component.id)
  const strategy = strategyOf(service, component)
  const two = strategy !== 'ROLLING'
  const task = taskOf(service, component)
  const groups = two ? [`${name}Targets`, `${name}TargetsAlternate`] : [`${name}Targets`]
  const alarms = groups.flatMap((group) => answersOf(service, component, group))
  const rule: Resource = {
    id: `${name}Rule`,
    type: 'AWS::ElasticLoadBalancingV2::ListenerRule',
    props: {
      ListenerArn: ref('ListenerArn'),
      Priority: 10,
      Conditions: [{ Field: 'path-pattern', Values: ['/*'] }],
      Actions: [
        {
          Type: 'forward',
          ...(two
            ? {
                ForwardConfig: {
                  TargetGroups: groups.map((group, i) => ({ TargetGroupArn: ref(group), Weight: i === 0 ? 1 : 0 })),
                },
              }
            : { TargetGroupArn: ref(groups[0]!) }),
        },
      ],
    },
  }
  return {
    parameters: [
      ...NETWORK,
      ...BALANCER,
      ...(two
        ? [
            {
              name: 'TrafficRoleArn',
              type: 'String',
              says: 'Role with which ECS moves the listener rule',
            } satisfies Parameter,
          ]
        : []),
      ...task.parameters,
      ...alarmActions(service).parameters,
    ],
    resources: [
      logsOf(service, component, `/ecs/${service.service.id}/${component.id}`),
      ...groups.map((group) => targetsOf(component, group)),
      rule,
      task.resource,
      ...alarms,
      {
        ...serviceOf(service, component, strategy, alarms),
        ...(two ? {} : { dependsOn: [rule.id] }),
      },
    ],
  }
}

function serviceOf(
  service: Service,
  component: Component,
  strategy: ReturnType<typeof strategyOf>,
  alarms: readonly Resource[],
): Resource {
  const name = pascal(component.id)
  const { blueGreen, canary, rolling } = service.deployment
  const own = ownOf(service, component)
  const warm = own?.blueGreen?.keepWarmMinutes ?? blueGreen.keepWarmMinutes
  const rungs = own?.canary?.rungs ?? canary.rungs
  const bake = (minutes: number, why: string) =>
    noted(
      Math.min(ECS_BAKE_MAX, Math.ceil(minutes)),
      minutes > ECS_BAKE_MAX ? `${why}; ECS keeps it for a day at most` : why,
    )
  const web = component.kind === 'web'
  const atOnce = batchOf(service, component)
  const names: Value[] = [
    ...alarms.map((alarm) => ref(alarm.id)),
    ...journeyAlarms(service).slice(0, Math.max(0, 10 - alarms.length)),
  ]
  return {
    id: `${name}Service`,
    type: 'AWS::ECS::Service',
    why: [backWords(service, component, strategy)],
    props: {
      ServiceName: `${service.service.id}-${component.id}`,
      Cluster: ref('ClusterArn'),
      TaskDefinition: ref(`${name}Task`),
      DesiredCount: component.replicas,
      LaunchType: 'FARGATE',
      NetworkConfiguration: {
        AwsvpcConfiguration: { Subnets: ref('Subnets'), SecurityGroups: ref('SecurityGroups') },
      },
      ...(web ? { HealthCheckGracePeriodSeconds: graceOf(component) } : {}),
      DeploymentConfiguration: {
        ...(strategy === 'ROLLING' || !web
          ? {}
          : {
              Strategy: strategy,
              BakeTimeInMinutes: bake(
                strategy === 'CANARY' ? canary.bakeMinutes : warm,
                `the old tasks stay warm for ${strategy === 'CANARY' ? canary.bakeMinutes : warm} min, so that going back is a switch`,
              ),
            }),
        ...(strategy === 'CANARY' && web
          ? {
              CanaryConfiguration: {
                CanaryPercent: noted(
                  Math.max(0.1, Number((rungs[0]! * 100).toFixed(1))),
                  `first rung of the canary: ${rungs[0]}`,
                ),
                CanaryBakeTimeInMinutes: bake(
                  Math.max(CANARY_LEAST, canary.bakeMinutes),
                  `ECS has one rung; it is watched as long as the whole bake, ${canary.bakeMinutes} min, at least 10`,
                ),
              },
            }
          : {}),
        MinimumHealthyPercent: noted(100, 'no task goes before another can serve'),
        MaximumPercent:
          strategy === 'ROLLING' && web
            ? noted(
                100 + Math.ceil((100 * atOnce) / component.replicas),
                `${rolling.batchShare} × ${component.replicas} = ${atOnce} at a time, at least one: 100 + ${atOnce} ÷ ${component.replicas}, rounded up, because ECS rounds tasks down`,
              )
            : noted(200, 'the new tasks stand beside the old ones'),
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        ...(names.length > 0
          ? {
              Alarms: {
                Enable: true,
                Rollback: true,
                AlarmNames: noted(
                  names,
                  'the circuit breaker sees tasks that do not start; these see citizens who fail',
                ),
              },
            }
          : {}),
      },
      ...(web
        ? {
            LoadBalancers: [
              {
                ContainerName: component.id,
                ContainerPort: ref('ContainerPort'),
                TargetGroupArn: ref(`${name}Targets`),
                ...(strategy === 'ROLLING'
                  ? {}
                  : {
                      AdvancedConfiguration: {
                        AlternateTargetGroupArn: ref(`${name}TargetsAlternate`),
                        ProductionListenerRule: ref(`${name}Rule`),
                        RoleArn: ref('TrafficRoleArn'),
                      },
                    }),
              },
            ],
          }
        : {}),
    },
  }
}

/** Tasks replaced at once when rolling. */
function batchOf({ deployment }: Service, { replicas }: Component): number {
  return Math.max(1, Math.floor(replicas * deployment.rolling.batchShare))
}

/** The way back in minutes, as a sum, beside the promise. */
function backWords(service: Service, component: Component, strategy: ReturnType<typeof strategyOf>): string {
  const { maxMinutes, budget } = service.deployment.rollback
  const parts = Object.entries(budget)
  const sum = parts.reduce((all, [, minutes]) => all + minutes, 0)
  const said =
    parts.length > 0
      ? `${parts.map(([part, minutes]) => `${part} ${minutes}`).join(' + ')} = ${sum} min`
      : 'not summed in the definition'
  if (strategy !== 'ROLLING' || component.kind !== 'web')
    return `The way back: ${said}; ${maxMinutes} min are promised.`
  const atOnce = batchOf(service, component)
  const batches = Math.ceil(component.replicas / atOnce)
  const each = component.startSecondsMax + CHECK.seconds * CHECK.times
  return `The way back: ${said}; of it ${batches} batches of ${atOnce} × (start ${component.startSecondsMax} s + health ${CHECK.seconds * CHECK.times} s) = ${batches * each} s. ${maxMinutes} min are promised.`
}

function workerPart(service: Service, component: Component): Part {
  const task = taskOf(service, component)
  return {
    parameters: [...NETWORK, ...task.parameters],
    resources: [
      logsOf(service, component, `/ecs/${service.service.id}/${component.id}`),
      task.resource,
      serviceOf(service, component, strategyOf(service, component), []),
    ],
  }
}

function scheduledPart(service: Service, component: Component): Part {
  const name = pascal(component.id)
  const task = taskOf(service, component)
  const schedule = scheduleParts(service, component, {
    Arn: ref('ClusterArn'),
    EcsParameters: {
      TaskDefinitionArn: ref(`${name}Task`),
      LaunchType: 'FARGATE',
      NetworkConfiguration: {
        AwsvpcConfiguration: { Subnets: ref('Subnets'), SecurityGroups: ref('SecurityGroups') },
      },
    },
  })
  return {
    parameters: [...NETWORK, ...task.parameters, ...schedule.parameters],
    resources: [
      logsOf(service, component, `/ecs/${service.service.id}/${component.id}`),
      task.resource,
      ...schedule.resources,
    ],
  }
}
