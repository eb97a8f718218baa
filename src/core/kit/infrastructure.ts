/**
 * The part of the infrastructure that decides whether citizens are cut off: budgets of requests, drain and stop, readiness, replicas,
 * images by digest. ECS as CloudFormation, and Kubernetes; each number with its arithmetic. Networks and roles are yours.
 */
import type { Component, Service } from '../define/schema.ts'
import { type KitFile, single } from './file.ts'
import { alertName, type Source, webOf } from './source.ts'

export function infrastructureFiles({ service }: Source): KitFile[] {
  const web = webOf(service)
  if (!web) return []
  const from = [['runtime', 'components', service.runtime.components.indexOf(web)], ['deployment']]
  if (service.runtime.kind === 'ecs' && service.tooling.infrastructure === 'cloudformation')
    return [single('infrastructure', `ops/infrastructure/${web.id}.service.yml`, from, ecsService(service, web))]
  if (service.runtime.kind === 'kubernetes')
    return [single('infrastructure', `ops/infrastructure/${web.id}.yaml`, from, kubernetes(service, web))]
  return []
}

/** Seconds that a replica goes on serving after it was told to stop, until every balancer has heard of it. */
const LEAVE_SECONDS = 5

interface Budget {
  readonly request: number
  readonly drain: number
  readonly stop: number
  readonly says: string
}

function budgetOf(web: Component): Budget {
  const drain = Math.max(web.drainSeconds ?? web.requestSecondsMax, web.requestSecondsMax)
  const stop = Math.max(web.stopSecondsMax, web.requestSecondsMax + LEAVE_SECONDS)
  return {
    request: web.requestSecondsMax,
    drain,
    stop,
    says: `slowest request ${web.requestSecondsMax} s ≤ drain ${drain} s; stop ${stop} s ≥ ${web.requestSecondsMax} s + ${LEAVE_SECONDS} s to leave the balancer`,
  }
}

function kubernetes(service: Service, web: Component): string {
  const budget = budgetOf(web)
  const probeSeconds = 5
  const starts = Math.ceil(web.startSecondsMax / probeSeconds)
  const name = `${service.service.id}-${web.id}`
  return [
    'apiVersion: apps/v1',
    'kind: Deployment',
    `metadata: { name: ${name}, labels: { app: ${name} } }`,
    'spec:',
    `  replicas: ${web.replicas}`,
    `  # ${service.deployment.rollback.maxMinutes} minutes are promised for the way back; kept releases are the way back.`,
    '  revisionHistoryLimit: 10',
    `  # Starting takes up to ${web.startSecondsMax} s for each of ${web.replicas} replicas, two at a time, and as long again.`,
    `  progressDeadlineSeconds: ${Math.max(120, Math.ceil((web.startSecondsMax * web.replicas) / 2) * 2)}`,
    '  # No replica goes before another can serve.',
    '  strategy: { type: RollingUpdate, rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }',
    `  selector: { matchLabels: { app: ${name} } }`,
    '  template:',
    `    metadata: { labels: { app: ${name} } }`,
    '    spec:',
    `      # ${budget.says}`,
    `      terminationGracePeriodSeconds: ${budget.stop + LEAVE_SECONDS}`,
    '      containers:',
    `        - name: ${web.id}`,
    '          # By digest, so that the release before can be named again. Your pipeline sets it when it applies this file.',
    `          image: ${web.image ?? service.service.id}@sha256:${'0'.repeat(64)}`,
    '          ports: [{ name: http, containerPort: 8080 }]',
    ...(web.secretEnv.length > 0
      ? [
          '          env:',
          ...web.secretEnv.map(
            (variable) =>
              `            - { name: ${variable}, valueFrom: { secretKeyRef: { name: ${name}, key: ${variable} } } }`,
          ),
        ]
      : []),
    `          # ${starts} tries every ${probeSeconds} s = ${starts * probeSeconds} s to start.`,
    `          startupProbe: { httpGet: { path: ${web.live}, port: http }, periodSeconds: ${probeSeconds}, failureThreshold: ${starts} }`,
    `          # Tries: ${web.readyChecks.join('; ') || 'what a citizen needs'}.`,
    `          readinessProbe: { httpGet: { path: ${web.ready}, port: http }, periodSeconds: ${probeSeconds}, timeoutSeconds: 3, failureThreshold: 2 }`,
    `          livenessProbe: { httpGet: { path: ${web.live}, port: http }, periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3 }`,
    '          lifecycle:',
    `            # The balancer hears of it within ${LEAVE_SECONDS} s; until then requests still arrive.`,
    `            preStop: { exec: { command: [sleep, "${LEAVE_SECONDS}"] } }`,
    ...(web.memoryMb
      ? [`          resources: { requests: { memory: ${web.memoryMb}Mi }, limits: { memory: ${web.memoryMb}Mi } }`]
      : []),
    '---',
    'apiVersion: policy/v1',
    'kind: PodDisruptionBudget',
    `metadata: { name: ${name} }`,
    'spec:',
    '  # Work on the cluster takes one replica at a time.',
    '  maxUnavailable: 1',
    `  selector: { matchLabels: { app: ${name} } }`,
  ].join('\n')
}

function ecsService(service: Service, web: Component): string {
  const budget = budgetOf(web)
  const blueGreen =
    service.deployment.strategy === 'blue-green' ||
    service.deployment.byArtefact.some(
      (row) =>
        row.strategy === 'blue-green' &&
        service.artefacts.some((artefact) => artefact.id === row.artefact && artefact.component === web.id),
    )
  const { blueGreen: figures } = service.deployment
  // Fargate stops a task after 120 s at the latest.
  const stop = Math.min(120, budget.stop)
  const group = (name: string) => [
    `  ${name}:`,
    '    Type: AWS::ElasticLoadBalancingV2::TargetGroup',
    '    Properties:',
    '      TargetType: ip',
    '      Protocol: HTTP',
    '      Port: 8080',
    '      VpcId: { Ref: Vpc }',
    `      HealthCheckPath: ${web.ready}`,
    '      HealthCheckIntervalSeconds: 10',
    '      HealthCheckTimeoutSeconds: 5',
    '      HealthyThresholdCount: 2',
    '      UnhealthyThresholdCount: 2',
    '      Matcher: { HttpCode: "200" }',
    `      # ${budget.says}`,
    `      TargetGroupAttributes: [{ Key: deregistration_delay.timeout_seconds, Value: "${budget.drain}" }]`,
  ]
  return [
    "AWSTemplateFormatVersion: '2010-09-09'",
    `Description: ${JSON.stringify(`${web.id} of ${service.service.name}`)}`,
    'Parameters:',
    '  Cluster: { Type: String }',
    '  Vpc: { Type: AWS::EC2::VPC::Id }',
    '  Subnets: { Type: "List<AWS::EC2::Subnet::Id>" }',
    '  SecurityGroups: { Type: "List<AWS::EC2::SecurityGroup::Id>" }',
    '  ListenerArn: { Type: String }',
    '  ExecutionRoleArn: { Type: String }',
    '  TaskRoleArn: { Type: String }',
    ...(blueGreen ? ['  TrafficRoleArn: { Type: String, Description: Lets ECS move the listener rule }'] : []),
    '  ImageDigest: { Type: String, AllowedPattern: "sha256:[0-9a-f]{64}", Description: "The release, by digest" }',
    ...web.secretEnv.map(
      (variable) => `  ${parameterOf(variable)}: { Type: String, Description: ARN of the secret ${variable} }`,
    ),
    'Resources:',
    '  Images:',
    '    Type: AWS::ECR::Repository',
    '    DeletionPolicy: Retain',
    '    UpdateReplacePolicy: Retain',
    '    Properties:',
    '      # A tag that moves makes the way back a guess.',
    '      ImageTagMutability: IMMUTABLE',
    '      ImageScanningConfiguration: { ScanOnPush: true }',
    '      LifecyclePolicy:',
    '        # Releases of the last 90 days stay; a rollback never finds its image gone.',
    `        LifecyclePolicyText: '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"sinceImagePushed","countUnit":"days","countNumber":90},"action":{"type":"expire"}}]}'`,
    '  Logs:',
    '    Type: AWS::Logs::LogGroup',
    '    DeletionPolicy: Retain',
    '    UpdateReplacePolicy: Retain',
    `    Properties: { LogGroupName: /ecs/${service.service.id}/${web.id}, RetentionInDays: 90 }`,
    ...group('Targets'),
    ...(blueGreen ? group('TargetsAlternate') : []),
    '  Rule:',
    '    Type: AWS::ElasticLoadBalancingV2::ListenerRule',
    '    Properties:',
    '      ListenerArn: { Ref: ListenerArn }',
    '      Priority: 10',
    '      Conditions: [{ Field: path-pattern, Values: ["/*"] }]',
    blueGreen
      ? '      Actions: [{ Type: forward, ForwardConfig: { TargetGroups: [{ TargetGroupArn: { Ref: Targets }, Weight: 1 }, { TargetGroupArn: { Ref: TargetsAlternate }, Weight: 0 }] } }]'
      : '      Actions: [{ Type: forward, TargetGroupArn: { Ref: Targets } }]',
    '  Task:',
    '    Type: AWS::ECS::TaskDefinition',
    '    Properties:',
    `      Family: ${service.service.id}-${web.id}`,
    '      RequiresCompatibilities: [FARGATE]',
    '      NetworkMode: awsvpc',
    '      Cpu: "1024"',
    `      Memory: "${Math.max(2_048, web.memoryMb ?? 0)}"`,
    '      ExecutionRoleArn: { Ref: ExecutionRoleArn }',
    '      TaskRoleArn: { Ref: TaskRoleArn }',
    '      ContainerDefinitions:',
    `        - Name: ${web.id}`,
    '          Image: { "Fn::Sub": "${Images.RepositoryUri}@${ImageDigest}" }',
    '          Essential: true',
    '          PortMappings: [{ ContainerPort: 8080 }]',
    `          # ${budget.says}`,
    `          StopTimeout: ${stop}`,
    ...(web.secretEnv.length > 0
      ? [
          '          Secrets:',
          ...web.secretEnv.map(
            (variable) => `            - { Name: ${variable}, ValueFrom: { Ref: ${parameterOf(variable)} } }`,
          ),
        ]
      : []),
    `          LogConfiguration: { LogDriver: awslogs, Options: { awslogs-group: { Ref: Logs }, awslogs-region: { Ref: "AWS::Region" }, awslogs-stream-prefix: ${web.id} } }`,
    '  Service:',
    '    Type: AWS::ECS::Service',
    // Blue-green names the rule itself.
    ...(blueGreen ? [] : ['    DependsOn: Rule']),
    '    Properties:',
    '      Cluster: { Ref: Cluster }',
    '      TaskDefinition: { Ref: Task }',
    `      DesiredCount: ${web.replicas}`,
    '      LaunchType: FARGATE',
    '      NetworkConfiguration: { AwsvpcConfiguration: { Subnets: { Ref: Subnets }, SecurityGroups: { Ref: SecurityGroups } } }',
    `      # Starting takes up to ${web.startSecondsMax} s; before that a failing check says nothing.`,
    `      HealthCheckGracePeriodSeconds: ${web.startSecondsMax}`,
    '      DeploymentConfiguration:',
    ...(blueGreen
      ? [
          '        Strategy: BLUE_GREEN',
          `        # The old tasks stay warm for ${figures.keepWarmMinutes} min, so that going back is a switch.`,
          `        BakeTimeInMinutes: ${Math.min(1_440, figures.keepWarmMinutes)}`,
        ]
      : []),
    '        MinimumHealthyPercent: 100',
    '        MaximumPercent: 200',
    '        DeploymentCircuitBreaker: { Enable: true, Rollback: true }',
    ...alarmLines(service, web),
    '      LoadBalancers:',
    `        - ContainerName: ${web.id}`,
    '          ContainerPort: 8080',
    '          TargetGroupArn: { Ref: Targets }',
    ...(blueGreen
      ? [
          '          AdvancedConfiguration:',
          '            AlternateTargetGroupArn: { Ref: TargetsAlternate }',
          '            ProductionListenerRule: { Ref: Rule }',
          '            RoleArn: { Ref: TrafficRoleArn }',
        ]
      : []),
  ].join('\n')
}

/** The circuit breaker never sees a 500; the alarms on citizens do. */
function alarmLines(service: Service, web: Component): string[] {
  const names = service.journeys
    .filter((journey) => journey.demand && journey.steps.length > 0)
    .flatMap((journey) =>
      journey.steps.map((step) => `${service.service.id}-CitizensFail${alertName(journey.id)}${alertName(step.id)}`),
    )
  if (names.length === 0 || service.tooling.metrics !== 'cloudwatch') return []
  return [
    '        # The circuit breaker sees tasks that do not start; these see citizens who fail.',
    '        Alarms:',
    '          Enable: true',
    '          Rollback: true',
    `          AlarmNames: [${names.slice(0, 10).join(', ')}]`,
    ...(names.length > 10 ? [`        # ECS takes ten alarms; ${web.id} has ${names.length}.`] : []),
  ]
}

function parameterOf(variable: string): string {
  return `${variable
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}Arn`
}
