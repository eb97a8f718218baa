/** Every resource of the model in Terraform (AWS provider 6): its type, what references mean, and its blocks. */
import { bare, type Props, ref, type Resource, type Value } from './model.ts'
import {
  at,
  type Block,
  block,
  code,
  dependencies,
  KEEP,
  listed,
  type Makers,
  must,
  numeric,
  rename,
} from './terraform-blocks.ts'
import { COMPUTE } from './terraform-compute.ts'
import { SITE } from './terraform-site.ts'

/** Terraform's type, and the attribute that CloudFormation's Ref gives. */
export const REFERENCES: Readonly<Record<string, readonly [string, string]>> = {
  'AWS::AutoScaling::AutoScalingGroup': ['aws_autoscaling_group', 'name'],
  'AWS::CloudFront::CachePolicy': ['aws_cloudfront_cache_policy', 'id'],
  'AWS::CloudFront::Distribution': ['aws_cloudfront_distribution', 'id'],
  'AWS::CloudFront::Function': ['aws_cloudfront_function', 'name'],
  'AWS::CloudFront::OriginAccessControl': ['aws_cloudfront_origin_access_control', 'id'],
  'AWS::CloudFront::ResponseHeadersPolicy': ['aws_cloudfront_response_headers_policy', 'id'],
  'AWS::CloudTrail::Trail': ['aws_cloudtrail', 'name'],
  'AWS::CloudWatch::Alarm': ['aws_cloudwatch_metric_alarm', 'alarm_name'],
  'AWS::CodeDeploy::Application': ['aws_codedeploy_app', 'name'],
  'AWS::CodeDeploy::DeploymentConfig': ['aws_codedeploy_deployment_config', 'deployment_config_name'],
  'AWS::CodeDeploy::DeploymentGroup': ['aws_codedeploy_deployment_group', 'deployment_group_name'],
  'AWS::EC2::LaunchTemplate': ['aws_launch_template', 'id'],
  'AWS::ECR::Repository': ['aws_ecr_repository', 'name'],
  'AWS::ECS::Service': ['aws_ecs_service', 'name'],
  'AWS::ECS::TaskDefinition': ['aws_ecs_task_definition', 'arn'],
  'AWS::ElasticLoadBalancingV2::ListenerRule': ['aws_lb_listener_rule', 'arn'],
  'AWS::ElasticLoadBalancingV2::TargetGroup': ['aws_lb_target_group', 'arn'],
  'AWS::Lambda::Alias': ['aws_lambda_alias', 'arn'],
  'AWS::Lambda::Function': ['aws_lambda_function', 'function_name'],
  'AWS::Lambda::Version': ['aws_lambda_function', 'version'],
  'AWS::Logs::Delivery': ['aws_cloudwatch_log_delivery', 'id'],
  'AWS::Logs::DeliveryDestination': ['aws_cloudwatch_log_delivery_destination', 'name'],
  'AWS::Logs::DeliverySource': ['aws_cloudwatch_log_delivery_source', 'name'],
  'AWS::Logs::LogGroup': ['aws_cloudwatch_log_group', 'name'],
  'AWS::S3::Bucket': ['aws_s3_bucket', 'id'],
  'AWS::S3::BucketPolicy': ['aws_s3_bucket_policy', 'id'],
  'AWS::Scheduler::Schedule': ['aws_scheduler_schedule', 'name'],
  'AWS::XRay::Group': ['aws_xray_group', 'arn'],
  'AWS::XRay::SamplingRule': ['aws_xray_sampling_rule', 'arn'],
}

/** What CloudFormation's GetAtt gives. */
export const ATTRIBUTES: Readonly<Record<string, string>> = {
  'AWS::CloudFront::OriginAccessControl.Id': 'id',
  'AWS::Logs::DeliveryDestination.Arn': 'arn',
  'AWS::EC2::LaunchTemplate.LatestVersionNumber': 'latest_version',
  'AWS::ECR::Repository.RepositoryUri': 'repository_url',
  'AWS::ElasticLoadBalancingV2::TargetGroup.TargetGroupFullName': 'arn_suffix',
  'AWS::ElasticLoadBalancingV2::TargetGroup.TargetGroupName': 'name',
  'AWS::S3::Bucket.Arn': 'arn',
}

function dimensionsOf(value: Value | undefined): Props {
  return Object.fromEntries(
    (listed(value) as readonly Props[]).map((one) => [String(bare(must(one, 'Name'))), must(one, 'Value')]),
  )
}

const OTHERS: Makers = {
  'AWS::ECR::Repository': ({ id, props }) => [
    {
      body: [
        ...rename(props, { RepositoryName: 'name', ImageTagMutability: 'image_tag_mutability' }),
        block(
          'image_scanning_configuration',
          rename(props, { 'ImageScanningConfiguration.ScanOnPush': 'scan_on_push' }),
        ),
        KEEP,
      ],
    },
    {
      type: 'aws_ecr_lifecycle_policy',
      body: [['repository', ref(id)], ...rename(props, { 'LifecyclePolicy.LifecyclePolicyText': 'policy' })],
    },
  ],
  'AWS::Logs::LogGroup': ({ props }) => [
    { body: [...rename(props, { LogGroupName: 'name', RetentionInDays: 'retention_in_days' }), KEEP] },
  ],
  'AWS::ElasticLoadBalancingV2::TargetGroup': ({ props }) => {
    const [drain] = listed(props.TargetGroupAttributes)
    return [
      {
        body: [
          ...rename(props, { TargetType: 'target_type', Protocol: 'protocol', Port: 'port', VpcId: 'vpc_id' }),
          ['deregistration_delay', numeric(must(drain as Props, 'Value'))],
          block(
            'health_check',
            rename(props, {
              HealthCheckPath: 'path',
              HealthCheckIntervalSeconds: 'interval',
              HealthCheckTimeoutSeconds: 'timeout',
              HealthyThresholdCount: 'healthy_threshold',
              UnhealthyThresholdCount: 'unhealthy_threshold',
              'Matcher.HttpCode': 'matcher',
            }),
          ),
        ],
      },
    ]
  },
  'AWS::ElasticLoadBalancingV2::ListenerRule': ({ props }) => {
    const [action] = listed(props.Actions) as readonly Props[]
    const [condition] = listed(props.Conditions) as readonly Props[]
    const groups = listed(at(action!, 'ForwardConfig.TargetGroups')) as readonly Props[]
    return [
      {
        body: [
          ...rename(props, { ListenerArn: 'listener_arn', Priority: 'priority' }),
          block('action', [
            ['type', 'forward'],
            ...rename(action!, { TargetGroupArn: 'target_group_arn' }),
            ...(groups.length > 0
              ? [
                  block(
                    'forward',
                    groups.map((group) =>
                      block('target_group', rename(group, { TargetGroupArn: 'arn', Weight: 'weight' })),
                    ),
                  ),
                ]
              : []),
          ]),
          block('condition', [block('path_pattern', [['values', must(condition!, 'Values')]])]),
          // ECS moves the weights while it deploys.
          ...(groups.length > 0 ? [block('lifecycle', [code('ignore_changes', '[action]')])] : []),
        ],
      },
    ]
  },
  'AWS::CloudWatch::Alarm': ({ props }) => [
    {
      body: [
        ...rename(props, {
          AlarmName: 'alarm_name',
          AlarmDescription: 'alarm_description',
          Namespace: 'namespace',
          MetricName: 'metric_name',
          Statistic: 'statistic',
          ExtendedStatistic: 'extended_statistic',
          Period: 'period',
          EvaluationPeriods: 'evaluation_periods',
          ComparisonOperator: 'comparison_operator',
          Threshold: 'threshold',
          TreatMissingData: 'treat_missing_data',
          AlarmActions: 'alarm_actions',
          OKActions: 'ok_actions',
        }),
        ...(props.Dimensions ? [['dimensions', dimensionsOf(props.Dimensions)] as const] : []),
        ...(listed(props.Metrics) as readonly Props[]).map((query) =>
          block('metric_query', [
            ...rename(query, { Id: 'id', Expression: 'expression', Label: 'label', ReturnData: 'return_data' }),
            ...(query.MetricStat
              ? [
                  block('metric', [
                    ...rename(query, {
                      'MetricStat.Metric.Namespace': 'namespace',
                      'MetricStat.Metric.MetricName': 'metric_name',
                      'MetricStat.Period': 'period',
                      'MetricStat.Stat': 'stat',
                    }),
                    ['dimensions', dimensionsOf(at(query, 'MetricStat.Metric.Dimensions'))],
                  ]),
                ]
              : []),
          ]),
        ),
      ],
    },
  ],
  'AWS::Scheduler::Schedule': ({ props }) => [
    {
      body: [
        ...rename(props, {
          Name: 'name',
          ScheduleExpression: 'schedule_expression',
          ScheduleExpressionTimezone: 'schedule_expression_timezone',
        }),
        block('flexible_time_window', rename(props, { 'FlexibleTimeWindow.Mode': 'mode' })),
        block('target', [
          ...rename(props, { 'Target.Arn': 'arn', 'Target.RoleArn': 'role_arn' }),
          ...(at(props, 'Target.EcsParameters')
            ? [
                block('ecs_parameters', [
                  ...rename(props, {
                    'Target.EcsParameters.TaskDefinitionArn': 'task_definition_arn',
                    'Target.EcsParameters.LaunchType': 'launch_type',
                  }),
                  block(
                    'network_configuration',
                    rename(props, {
                      'Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration.Subnets': 'subnets',
                      'Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups': 'security_groups',
                    }),
                  ),
                ]),
              ]
            : []),
          block(
            'retry_policy',
            rename(props, {
              'Target.RetryPolicy.MaximumRetryAttempts': 'maximum_retry_attempts',
              'Target.RetryPolicy.MaximumEventAgeInSeconds': 'maximum_event_age_in_seconds',
            }),
          ),
        ]),
      ],
    },
  ],
  'AWS::XRay::SamplingRule': ({ props }) => [
    {
      body: rename(props, {
        'SamplingRule.RuleName': 'rule_name',
        'SamplingRule.Priority': 'priority',
        'SamplingRule.Version': 'version',
        'SamplingRule.ReservoirSize': 'reservoir_size',
        'SamplingRule.FixedRate': 'fixed_rate',
        'SamplingRule.ServiceName': 'service_name',
        'SamplingRule.ServiceType': 'service_type',
        'SamplingRule.Host': 'host',
        'SamplingRule.HTTPMethod': 'http_method',
        'SamplingRule.URLPath': 'url_path',
        'SamplingRule.ResourceARN': 'resource_arn',
      }),
    },
  ],
  'AWS::XRay::Group': ({ props }) => [
    { body: rename(props, { GroupName: 'group_name', FilterExpression: 'filter_expression' }) },
  ],
  'AWS::S3::Bucket': ({ id, props }) => [
    { body: [KEEP] },
    {
      type: 'aws_s3_bucket_versioning',
      body: [['bucket', ref(id)], block('versioning_configuration', [['status', 'Enabled']])],
    },
    {
      type: 'aws_s3_bucket_public_access_block',
      body: [
        ['bucket', ref(id)],
        ...rename(props, {
          'PublicAccessBlockConfiguration.BlockPublicAcls': 'block_public_acls',
          'PublicAccessBlockConfiguration.BlockPublicPolicy': 'block_public_policy',
          'PublicAccessBlockConfiguration.IgnorePublicAcls': 'ignore_public_acls',
          'PublicAccessBlockConfiguration.RestrictPublicBuckets': 'restrict_public_buckets',
        }),
      ],
    },
    {
      type: 'aws_s3_bucket_lifecycle_configuration',
      body: [
        ['bucket', ref(id)],
        ...(listed(at(props, 'LifecycleConfiguration.Rules')) as readonly Props[]).map((rule) =>
          block('rule', [
            ...rename(rule, { Id: 'id', Status: 'status' }),
            block('filter', []),
            ...(at(rule, 'ExpirationInDays') ? [block('expiration', rename(rule, { ExpirationInDays: 'days' }))] : []),
            ...(at(rule, 'NoncurrentVersionExpiration')
              ? [
                  block(
                    'noncurrent_version_expiration',
                    rename(rule, { 'NoncurrentVersionExpiration.NoncurrentDays': 'noncurrent_days' }),
                  ),
                ]
              : []),
          ]),
        ),
      ],
    },
  ],
  'AWS::S3::BucketPolicy': ({ props }) => [{ body: rename(props, { Bucket: 'bucket', PolicyDocument: 'policy' }) }],
  'AWS::CloudTrail::Trail': ({ props, dependsOn }) => [
    {
      body: [
        ...rename(props, {
          TrailName: 'name',
          S3BucketName: 's3_bucket_name',
          IsLogging: 'enable_logging',
          IsMultiRegionTrail: 'is_multi_region_trail',
          IncludeGlobalServiceEvents: 'include_global_service_events',
          EnableLogFileValidation: 'enable_log_file_validation',
        }),
        ...dependencies(dependsOn, 'aws_s3_bucket_policy'),
      ],
    },
  ],
}

const MAKERS: Makers = { ...COMPUTE, ...SITE, ...OTHERS }

export function blocksOf(resource: Resource): readonly Block[] {
  const [type] = REFERENCES[resource.type]!
  const make = MAKERS[resource.type]!
  return make(resource).map((made) => ({ type: made.type ?? type, id: made.id ?? resource.id, body: made.body }))
}
