/** What runs and how it is released, in Terraform (AWS provider 6). Only renames, nests and splits: the numbers are the model's own. */
import { bare, noted, type Props, raw, ref, type Value } from './model.ts'
import {
  at,
  block,
  code,
  dependencies,
  idOf,
  listed,
  type Line,
  type Makers,
  must,
  numeric,
  rename,
  small,
} from './terraform-blocks.ts'

/** Until new replicas stand beside the old ones, checked and drained, in minutes; assumed. */
const REPLACE_MINUTES = 30

/** Terraform waits for 20 minutes by itself, and a release may bake for longer. */
function timeouts(props: Props): Line[] {
  const minutes = (path: string) => Number(bare(at(props, `DeploymentConfiguration.${path}`) ?? 0))
  const [canary, bake] = [minutes('CanaryConfiguration.CanaryBakeTimeInMinutes'), minutes('BakeTimeInMinutes')]
  const sum = REPLACE_MINUTES + canary + bake
  const why = `${REPLACE_MINUTES} to replace what runs${canary > 0 ? ` + first share ${canary}` : ''}${bake > 0 ? ` + bake ${bake}` : ''} = ${sum} min`
  return [
    block('timeouts', [
      ['create', noted(`${sum}m`, why)],
      ['update', `${sum}m`],
    ]),
  ]
}

export const COMPUTE: Makers = {
  'AWS::ECS::TaskDefinition': ({ props }) => [
    {
      body: [
        ...rename(props, {
          Family: 'family',
          RequiresCompatibilities: 'requires_compatibilities',
          NetworkMode: 'network_mode',
          Cpu: 'cpu',
          Memory: 'memory',
          ExecutionRoleArn: 'execution_role_arn',
          TaskRoleArn: 'task_role_arn',
        }),
        ['skip_destroy', noted(true, 'the task definition before is the way back')],
        ['container_definitions', raw(small(must(props, 'ContainerDefinitions')))],
      ],
    },
  ],
  'AWS::ECS::Service': ({ props, dependsOn }) => {
    const [balancer] = listed(props.LoadBalancers) as readonly Props[]
    const d = 'DeploymentConfiguration'
    const pair = (path: string) => rename(props, { [`${path}.Enable`]: 'enable', [`${path}.Rollback`]: 'rollback' })
    return [
      {
        body: [
          ...rename(props, {
            ServiceName: 'name',
            Cluster: 'cluster',
            TaskDefinition: 'task_definition',
            DesiredCount: 'desired_count',
            LaunchType: 'launch_type',
            HealthCheckGracePeriodSeconds: 'health_check_grace_period_seconds',
            [`${d}.MinimumHealthyPercent`]: 'deployment_minimum_healthy_percent',
            [`${d}.MaximumPercent`]: 'deployment_maximum_percent',
          }),
          ['wait_for_steady_state', true],
          block(
            'network_configuration',
            rename(props, {
              'NetworkConfiguration.AwsvpcConfiguration.Subnets': 'subnets',
              'NetworkConfiguration.AwsvpcConfiguration.SecurityGroups': 'security_groups',
            }),
          ),
          ...(at(props, `${d}.Strategy`)
            ? [
                block('deployment_configuration', [
                  ...rename(props, {
                    [`${d}.Strategy`]: 'strategy',
                    [`${d}.BakeTimeInMinutes`]: 'bake_time_in_minutes',
                  }),
                  ...(at(props, `${d}.CanaryConfiguration`)
                    ? [
                        block(
                          'canary_configuration',
                          rename(props, {
                            [`${d}.CanaryConfiguration.CanaryPercent`]: 'canary_percent',
                            [`${d}.CanaryConfiguration.CanaryBakeTimeInMinutes`]: 'canary_bake_time_in_minutes',
                          }),
                        ),
                      ]
                    : []),
                ]),
              ]
            : []),
          block('deployment_circuit_breaker', pair(`${d}.DeploymentCircuitBreaker`)),
          ...(at(props, `${d}.Alarms`)
            ? [
                block('alarms', [
                  ...pair(`${d}.Alarms`),
                  ...rename(props, { [`${d}.Alarms.AlarmNames`]: 'alarm_names' }),
                ]),
              ]
            : []),
          ...(balancer
            ? [
                block('load_balancer', [
                  ...rename(balancer, {
                    ContainerName: 'container_name',
                    ContainerPort: 'container_port',
                    TargetGroupArn: 'target_group_arn',
                  }),
                  ...(balancer.AdvancedConfiguration
                    ? [
                        block(
                          'advanced_configuration',
                          rename(balancer, {
                            'AdvancedConfiguration.AlternateTargetGroupArn': 'alternate_target_group_arn',
                            'AdvancedConfiguration.ProductionListenerRule': 'production_listener_rule',
                            'AdvancedConfiguration.RoleArn': 'role_arn',
                          }),
                        ),
                      ]
                    : []),
                ]),
              ]
            : []),
          ...timeouts(props),
          ...dependencies(dependsOn, 'aws_lb_listener_rule'),
        ],
      },
    ]
  },
  'AWS::Lambda::Function': ({ props }) => [
    {
      body: [
        ...rename(props, {
          FunctionName: 'function_name',
          Role: 'role',
          Runtime: 'runtime',
          Handler: 'handler',
          'Code.S3Bucket': 's3_bucket',
          'Code.S3Key': 's3_key',
          'Code.S3ObjectVersion': 's3_object_version',
          MemorySize: 'memory_size',
          Timeout: 'timeout',
        }),
        ['publish', noted(true, 'versions stay: the one before is the way back')],
        ['skip_destroy', true],
        block('logging_config', [['log_format', 'Text'], ...rename(props, { 'LoggingConfig.LogGroup': 'log_group' })]),
        ...(at(props, 'TracingConfig')
          ? [block('tracing_config', rename(props, { 'TracingConfig.Mode': 'mode' }))]
          : []),
        ...(at(props, 'Environment')
          ? [
              block('environment', [
                ['variables', (bare(must(props, 'Environment.Variables')) as { value: Value }).value],
              ]),
            ]
          : []),
      ],
    },
  ],
  // The function publishes its own versions in Terraform.
  'AWS::Lambda::Version': () => [],
  'AWS::Lambda::Alias': ({ props, update }) => [
    {
      body: [
        ...rename(props, { Name: 'name', FunctionName: 'function_name' }),
        code('function_version', `aws_lambda_function.${idOf(must(props, 'FunctionName'))}.version`),
        // CodeDeploy moves it, in a deployment to the version that this apply has published.
        ...(update ? [block('lifecycle', [code('ignore_changes', '[function_version, routing_config]')])] : []),
      ],
    },
  ],
  'AWS::CodeDeploy::Application': ({ props }) => [
    { body: rename(props, { ApplicationName: 'name', ComputePlatform: 'compute_platform' }) },
  ],
  'AWS::CodeDeploy::DeploymentConfig': ({ props }) => [
    {
      body: [
        ...rename(props, { DeploymentConfigName: 'deployment_config_name', ComputePlatform: 'compute_platform' }),
        ...(at(props, 'MinimumHealthyHosts')
          ? [
              block(
                'minimum_healthy_hosts',
                rename(props, { 'MinimumHealthyHosts.Type': 'type', 'MinimumHealthyHosts.Value': 'value' }),
              ),
            ]
          : []),
        ...(at(props, 'TrafficRoutingConfig')
          ? [
              block('traffic_routing_config', [
                ...rename(props, { 'TrafficRoutingConfig.Type': 'type' }),
                block(
                  'time_based_canary',
                  rename(props, {
                    'TrafficRoutingConfig.TimeBasedCanary.CanaryPercentage': 'percentage',
                    'TrafficRoutingConfig.TimeBasedCanary.CanaryInterval': 'interval',
                  }),
                ),
              ]),
            ]
          : []),
      ],
    },
  ],
  'AWS::CodeDeploy::DeploymentGroup': ({ props }) => {
    const path = 'BlueGreenDeploymentConfiguration'
    const alarms = listed(at(props, 'AlarmConfiguration.Alarms')) as readonly Props[]
    const [group] = listed(at(props, 'LoadBalancerInfo.TargetGroupInfoList')) as readonly Props[]
    return [
      {
        body: [
          ...rename(props, {
            ApplicationName: 'app_name',
            DeploymentGroupName: 'deployment_group_name',
            ServiceRoleArn: 'service_role_arn',
            DeploymentConfigName: 'deployment_config_name',
            AutoScalingGroups: 'autoscaling_groups',
          }),
          block(
            'deployment_style',
            rename(props, {
              'DeploymentStyle.DeploymentType': 'deployment_type',
              'DeploymentStyle.DeploymentOption': 'deployment_option',
            }),
          ),
          ...(group
            ? [block('load_balancer_info', [block('target_group_info', rename(group, { Name: 'name' }))])]
            : []),
          ...(at(props, path)
            ? [
                block('blue_green_deployment_config', [
                  block(
                    'deployment_ready_option',
                    rename(props, { [`${path}.DeploymentReadyOption.ActionOnTimeout`]: 'action_on_timeout' }),
                  ),
                  block(
                    'green_fleet_provisioning_option',
                    rename(props, { [`${path}.GreenFleetProvisioningOption.Action`]: 'action' }),
                  ),
                  block(
                    'terminate_blue_instances_on_deployment_success',
                    rename(props, {
                      [`${path}.TerminateBlueInstancesOnDeploymentSuccess.Action`]: 'action',
                      [`${path}.TerminateBlueInstancesOnDeploymentSuccess.TerminationWaitTimeInMinutes`]:
                        'termination_wait_time_in_minutes',
                    }),
                  ),
                ]),
              ]
            : []),
          block(
            'auto_rollback_configuration',
            rename(props, {
              'AutoRollbackConfiguration.Enabled': 'enabled',
              'AutoRollbackConfiguration.Events': 'events',
            }),
          ),
          block('alarm_configuration', [
            ...rename(props, { 'AlarmConfiguration.Enabled': 'enabled' }),
            ['alarms', alarms.map((one) => must(one, 'Name'))],
          ]),
        ],
      },
    ]
  },
  'AWS::EC2::LaunchTemplate': ({ props }) => [
    {
      body: [
        ...rename(props, {
          LaunchTemplateName: 'name',
          'LaunchTemplateData.ImageId': 'image_id',
          'LaunchTemplateData.InstanceType': 'instance_type',
          'LaunchTemplateData.SecurityGroupIds': 'vpc_security_group_ids',
        }),
        block('iam_instance_profile', rename(props, { 'LaunchTemplateData.IamInstanceProfile.Arn': 'arn' })),
        block('metadata_options', rename(props, { 'LaunchTemplateData.MetadataOptions.HttpTokens': 'http_tokens' })),
      ],
    },
  ],
  'AWS::AutoScaling::AutoScalingGroup': ({ props, takenBackBy = [] }) => {
    const [hook] = listed(props.LifecycleHookSpecificationList) as readonly Props[]
    return [
      {
        body: [
          ...rename(props, {
            AutoScalingGroupName: 'name',
            VPCZoneIdentifier: 'vpc_zone_identifier',
            TargetGroupARNs: 'target_group_arns',
            HealthCheckType: 'health_check_type',
            HealthCheckGracePeriod: 'health_check_grace_period',
            DefaultInstanceWarmup: 'default_instance_warmup',
          }),
          ['min_size', numeric(must(props, 'MinSize'))],
          ['max_size', numeric(must(props, 'MaxSize'))],
          ['desired_capacity', numeric(must(props, 'DesiredCapacity'))],
          block(
            'launch_template',
            rename(props, { 'LaunchTemplate.LaunchTemplateId': 'id', 'LaunchTemplate.Version': 'version' }),
          ),
          block(
            'instance_maintenance_policy',
            rename(props, {
              'InstanceMaintenancePolicy.MinHealthyPercentage': 'min_healthy_percentage',
              'InstanceMaintenancePolicy.MaxHealthyPercentage': 'max_healthy_percentage',
            }),
          ),
          block(
            'initial_lifecycle_hook',
            rename(hook!, {
              LifecycleHookName: 'name',
              LifecycleTransition: 'lifecycle_transition',
              HeartbeatTimeout: 'heartbeat_timeout',
              DefaultResult: 'default_result',
            }),
          ),
          block('instance_refresh', [
            ['strategy', 'Rolling'],
            block('preferences', [
              ['auto_rollback', true],
              ['min_healthy_percentage', must(props, 'InstanceMaintenancePolicy.MinHealthyPercentage')],
              ['max_healthy_percentage', must(props, 'InstanceMaintenancePolicy.MaxHealthyPercentage')],
              ['instance_warmup', must(props, 'DefaultInstanceWarmup')],
              ['scale_in_protected_instances', 'Wait'],
              block('alarm_specification', [['alarms', takenBackBy.map(ref)]]),
            ]),
          ]),
        ],
      },
    ]
  },
}
