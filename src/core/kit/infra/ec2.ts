/** Machines in a scaling group: replaced in batches or beside each other, drained, and taken back by alarm. */
import type { Component, Service } from '../../define/schema.ts'
import { answersOf } from './alarms.ts'
import { logsOf, strategyOf } from './ecs.ts'
import { budgetOf, CHECK } from './figures.ts'
import { att, type Noted, noted, type Part, pascal, ref, type Resource } from './model.ts'

export function ec2Parts(service: Service): Part[] {
  return service.runtime.components
    .filter(({ kind }) => kind === 'web')
    .map((component) => groupPart(service, component))
}

function groupPart(service: Service, component: Component): Part {
  const name = pascal(component.id)
  const alarms = answersOf(service, component, `${name}Targets`)
  return {
    parameters: [
      { name: 'Vpc', type: 'AWS::EC2::VPC::Id', says: 'Network of the machines' },
      { name: 'Subnets', type: 'List<AWS::EC2::Subnet::Id>', says: 'Private subnets, in two zones or more' },
      { name: 'SecurityGroups', type: 'List<AWS::EC2::SecurityGroup::Id>', says: 'What may reach the machines' },
      { name: 'ListenerArn', type: 'String', says: 'Listener of the load balancer that citizens reach' },
      { name: 'LoadBalancerFullName', type: 'String', says: 'Last part of its ARN, as metrics name it: app/name/id' },
      { name: 'Port', type: 'Number', says: 'Port that the program listens on', value: 8_080 },
      {
        name: `${name}Image`,
        type: 'AWS::EC2::Image::Id',
        says: `The machine image of ${component.id}; an image never changes`,
      },
      { name: `${name}Machine`, type: 'String', says: 'Size of the machines' },
      { name: 'MachineProfileArn', type: 'String', says: 'Instance profile of the machines' },
      { name: 'DeployRoleArn', type: 'String', says: 'Role with which CodeDeploy replaces releases' },
      { name: 'PageTopic', type: 'String', says: 'ARN of the topic that pages' },
    ],
    resources: [
      targets(component, `${name}Targets`),
      {
        id: `${name}Rule`,
        type: 'AWS::ElasticLoadBalancingV2::ListenerRule',
        props: {
          ListenerArn: ref('ListenerArn'),
          Priority: 10,
          Conditions: [{ Field: 'path-pattern', Values: ['/*'] }],
          Actions: [{ Type: 'forward', TargetGroupArn: ref(`${name}Targets`) }],
        },
      },
      {
        ...logsOf(service, component, `/ec2/${service.service.id}/${component.id}`),
        why: ['The agent of the machine image writes here.'],
      },
      template(service, component),
      ...alarms,
      { ...scalingGroup(service, component), takenBackBy: alarms.map((alarm) => alarm.id) },
      ...codeDeploy(service, component, alarms),
    ],
  }
}

function targets(component: Component, id: string): Resource {
  const budget = budgetOf(component)
  return {
    id,
    type: 'AWS::ElasticLoadBalancingV2::TargetGroup',
    props: {
      TargetType: 'instance',
      Protocol: 'HTTP',
      Port: ref('Port'),
      VpcId: ref('Vpc'),
      HealthCheckPath: noted(component.ready, `tries: ${component.readyChecks.join('; ') || 'what a citizen needs'}`),
      HealthCheckIntervalSeconds: noted(
        CHECK.seconds,
        `${CHECK.seconds} s × ${CHECK.times} = ${CHECK.seconds * CHECK.times} s until a new machine gets citizens, or a dead one gets none`,
      ),
      HealthCheckTimeoutSeconds: CHECK.timeoutSeconds,
      HealthyThresholdCount: CHECK.times,
      UnhealthyThresholdCount: CHECK.times,
      Matcher: { HttpCode: '200' },
      TargetGroupAttributes: [
        { Key: 'deregistration_delay.timeout_seconds', Value: noted(String(budget.drain), budget.says) },
      ],
    },
  }
}

function template(service: Service, component: Component): Resource {
  const name = pascal(component.id)
  return {
    id: `${name}Template`,
    type: 'AWS::EC2::LaunchTemplate',
    props: {
      LaunchTemplateName: `${service.service.id}-${component.id}`,
      LaunchTemplateData: {
        ImageId: ref(`${name}Image`),
        InstanceType: ref(`${name}Machine`),
        IamInstanceProfile: { Arn: ref('MachineProfileArn') },
        SecurityGroupIds: ref('SecurityGroups'),
        MetadataOptions: { HttpTokens: 'required' },
      },
    },
  }
}

/** CodeDeploy keeps old machines for two days at most (CloudFormation: TerminationWaitTimeInMinutes). */
export const CODEDEPLOY_WARM_MAX = 2_880

/** Until a machine runs the program's start: boot of an image and its agents, assumed (`holdfast check` assumes the same). */
const BOOT_SECONDS = 180

/** From the order for a machine until citizens reach it, in seconds. */
function eachSeconds({ startSecondsMax }: Component): number {
  return BOOT_SECONDS + startSecondsMax + CHECK.seconds * CHECK.times
}

/** Machines replaced at once: the definition's share, or more where the way back would not fit into half of its promise. */
function batchOf(service: Service, component: Component): Noted & { readonly value: number } {
  const { batchShare } = service.deployment.rolling
  const { maxMinutes } = service.deployment.rollback
  const each = eachSeconds(component)
  const batches = Math.max(1, Math.floor((maxMinutes * 60) / 2 / each))
  const asked = Math.max(1, Math.floor(component.replicas * batchShare))
  const batch = Math.max(asked, Math.ceil(component.replicas / batches))
  return {
    $: 'noted',
    value: batch,
    why: `${batchShare} × ${component.replicas} = ${asked}, at least one; a batch takes boot ${BOOT_SECONDS} s + start ${component.startSecondsMax} s + health ${CHECK.seconds * CHECK.times} s = ${each} s, and ${batches} of them fit into half of ${maxMinutes} min: ${batch} at a time`,
  }
}

function scalingGroup(service: Service, component: Component): Resource {
  const name = pascal(component.id)
  const { replicas } = component
  const { value: batch, why } = batchOf(service, component)
  const budget = budgetOf(component)
  const above = 100 + Math.ceil((batch / replicas) * 100)
  return {
    id: `${name}Group`,
    type: 'AWS::AutoScaling::AutoScalingGroup',
    why: [
      'A machine signals when it can serve (cfn-signal, or complete-lifecycle-action); no signal is a failed batch.',
    ],
    props: {
      AutoScalingGroupName: `${service.service.id}-${component.id}`,
      MinSize: String(replicas),
      MaxSize: noted(String(replicas * 2), 'the new machines stand beside the old ones'),
      DesiredCapacity: String(replicas),
      VPCZoneIdentifier: ref('Subnets'),
      TargetGroupARNs: [ref(`${name}Targets`)],
      LaunchTemplate: {
        LaunchTemplateId: ref(`${name}Template`),
        Version: att(`${name}Template`, 'LatestVersionNumber'),
      },
      HealthCheckType: noted('ELB', 'a machine that runs and cannot serve is replaced too'),
      HealthCheckGracePeriod: noted(
        BOOT_SECONDS + component.startSecondsMax,
        `boot ${BOOT_SECONDS} s + start ${component.startSecondsMax} s; a failing check before that would replace a machine that is only starting, for ever`,
      ),
      DefaultInstanceWarmup: noted(
        BOOT_SECONDS + component.startSecondsMax,
        `the same: boot ${BOOT_SECONDS} s + start ${component.startSecondsMax} s`,
      ),
      InstanceMaintenancePolicy: {
        MinHealthyPercentage: noted(100, 'no machine goes before another can serve'),
        MaxHealthyPercentage: noted(Math.min(200, above), `${batch} of ${replicas} at a time: 100 + ${above - 100} %`),
      },
      LifecycleHookSpecificationList: [
        {
          LifecycleHookName: 'drain',
          LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
          HeartbeatTimeout: noted(
            Math.min(7_200, Math.max(30, budget.drain + budget.stop)),
            `drain ${budget.drain} s + stop ${budget.stop} s = ${budget.drain + budget.stop} s, 30 at least (EC2 takes no less); ${budget.says}`,
          ),
          DefaultResult: 'CONTINUE',
        },
      ],
    },
    update: {
      AutoScalingRollingUpdate: {
        MinInstancesInService: noted(replicas, 'all that serve go on serving'),
        MaxBatchSize: noted(batch, why),
        PauseTime: noted(
          `PT${Math.ceil(eachSeconds(component) / 60)}M`,
          `until it signals that it can serve: boot ${BOOT_SECONDS} s + start ${component.startSecondsMax} s + health ${CHECK.seconds * CHECK.times} s = ${eachSeconds(component)} s`,
        ),
        WaitOnResourceSignals: true,
        SuspendProcesses: ['AZRebalance', 'AlarmNotification', 'ScheduledActions'],
      },
    },
  }
}

function codeDeploy(service: Service, component: Component, alarms: readonly Resource[]): Resource[] {
  const name = pascal(component.id)
  const { blueGreen } = service.deployment
  const warm = strategyOf(service, component) === 'BLUE_GREEN'
  const { value: batch, why } = batchOf(service, component)
  // All of them at once are replaced beside the old ones; CodeDeploy in place leaves one in two.
  const healthy = Math.max(50, Math.floor(100 * (1 - batch / component.replicas)))
  return [
    {
      id: `${name}Releases`,
      type: 'AWS::CodeDeploy::Application',
      props: { ApplicationName: `${service.service.id}-${component.id}`, ComputePlatform: 'Server' },
    },
    {
      id: `${name}Pace`,
      type: 'AWS::CodeDeploy::DeploymentConfig',
      props: {
        DeploymentConfigName: `${service.service.id}-${component.id}-pace`,
        ComputePlatform: 'Server',
        MinimumHealthyHosts: {
          Type: 'FLEET_PERCENT',
          Value: noted(healthy, `${why}; in place, half of them serve at least`),
        },
      },
    },
    {
      id: `${name}Rollout`,
      type: 'AWS::CodeDeploy::DeploymentGroup',
      ...(warm
        ? {
            why: [
              'CodeDeploy copies the group of machines for each release and deletes the one before: after the first release the group above is a pattern only, and this tool must not bring it back.',
            ],
          }
        : {}),
      props: {
        ApplicationName: ref(`${name}Releases`),
        DeploymentGroupName: `${service.service.id}-${component.id}`,
        ServiceRoleArn: ref('DeployRoleArn'),
        DeploymentConfigName: ref(`${name}Pace`),
        AutoScalingGroups: [ref(`${name}Group`)],
        LoadBalancerInfo: { TargetGroupInfoList: [{ Name: att(`${name}Targets`, 'TargetGroupName') }] },
        DeploymentStyle: {
          DeploymentType: warm ? 'BLUE_GREEN' : 'IN_PLACE',
          DeploymentOption: noted(
            'WITH_TRAFFIC_CONTROL',
            'a machine leaves the balancer before its release is changed',
          ),
        },
        ...(warm
          ? {
              BlueGreenDeploymentConfiguration: {
                DeploymentReadyOption: { ActionOnTimeout: 'CONTINUE_DEPLOYMENT' },
                GreenFleetProvisioningOption: { Action: 'COPY_AUTO_SCALING_GROUP' },
                TerminateBlueInstancesOnDeploymentSuccess: {
                  Action: 'TERMINATE',
                  TerminationWaitTimeInMinutes: noted(
                    Math.min(CODEDEPLOY_WARM_MAX, blueGreen.keepWarmMinutes),
                    `the old machines stay warm for ${blueGreen.keepWarmMinutes} min, so that going back is a switch`,
                  ),
                },
              },
            }
          : {}),
        AutoRollbackConfiguration: {
          Enabled: true,
          Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'],
        },
        AlarmConfiguration: { Enabled: true, Alarms: alarms.map((alarm) => ({ Name: ref(alarm.id) })) },
      },
    },
  ]
}
