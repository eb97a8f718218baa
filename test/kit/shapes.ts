/**
 * Which properties the CloudFormation types have that the kit writes, and which they must have; from the resource and property
 * reference of CloudFormation. A name that ends in "!" is required; a list holds the shape of its items; "any" is not looked into.
 */
export type Shape = 'text' | 'number' | 'flag' | 'any' | readonly [Shape] | { readonly [name: string]: Shape }

const TARGETS = [{ 'TargetGroupArn!': 'text', Weight: 'number' }] as const

export const SHAPES_OF: Readonly<Record<string, Shape>> = {
  'AWS::ApplicationSignals::ServiceLevelObjective': {
    'Name!': 'text',
    Description: 'text',
    RequestBasedSli: {
      ComparisonOperator: 'text',
      MetricThreshold: 'number',
      'RequestBasedSliMetric!': {
        MonitoredRequestCountMetric: { BadCountMetric: ['any'], GoodCountMetric: ['any'] },
        TotalRequestCountMetric: ['any'],
      },
    },
    Goal: {
      AttainmentGoal: 'number',
      WarningThreshold: 'number',
      Interval: { RollingInterval: { 'Duration!': 'number', 'DurationUnit!': 'text' } },
    },
    BurnRateConfigurations: [{ 'LookBackWindowMinutes!': 'number' }],
  },
  'AWS::AutoScaling::AutoScalingGroup': {
    AutoScalingGroupName: 'text',
    'MinSize!': 'text',
    'MaxSize!': 'text',
    DesiredCapacity: 'text',
    VPCZoneIdentifier: ['text'],
    TargetGroupARNs: ['text'],
    LaunchTemplate: { LaunchTemplateId: 'text', 'Version!': 'text' },
    HealthCheckType: 'text',
    HealthCheckGracePeriod: 'number',
    DefaultInstanceWarmup: 'number',
    InstanceMaintenancePolicy: { MinHealthyPercentage: 'number', MaxHealthyPercentage: 'number' },
    LifecycleHookSpecificationList: [
      {
        'LifecycleHookName!': 'text',
        'LifecycleTransition!': 'text',
        HeartbeatTimeout: 'number',
        DefaultResult: 'text',
      },
    ],
  },
  'AWS::CloudTrail::Trail': {
    TrailName: 'text',
    'S3BucketName!': 'text',
    'IsLogging!': 'flag',
    IsMultiRegionTrail: 'flag',
    IncludeGlobalServiceEvents: 'flag',
    EnableLogFileValidation: 'flag',
  },
  'AWS::CloudWatch::Alarm': {
    AlarmName: 'text',
    AlarmDescription: 'text',
    Namespace: 'text',
    MetricName: 'text',
    Dimensions: [{ 'Name!': 'text', 'Value!': 'text' }],
    Metrics: [
      {
        'Id!': 'text',
        Expression: 'text',
        Label: 'text',
        ReturnData: 'flag',
        MetricStat: { 'Metric!': 'any', 'Period!': 'number', 'Stat!': 'text' },
      },
    ],
    Statistic: 'text',
    ExtendedStatistic: 'text',
    Period: 'number',
    'EvaluationPeriods!': 'number',
    'ComparisonOperator!': 'text',
    Threshold: 'number',
    TreatMissingData: 'text',
    AlarmActions: ['text'],
    OKActions: ['text'],
  },
  'AWS::CloudWatch::Dashboard': { DashboardName: 'text', 'DashboardBody!': 'text' },
  'AWS::CodeBuild::Project': {
    Name: 'text',
    'ServiceRole!': 'text',
    'Artifacts!': { 'Type!': 'text' },
    'Environment!': {
      'Type!': 'text',
      'ComputeType!': 'text',
      'Image!': 'text',
      EnvironmentVariables: [{ 'Name!': 'text', 'Value!': 'text', Type: 'text' }],
    },
    TimeoutInMinutes: 'number',
    ConcurrentBuildLimit: 'number',
    'Source!': { 'Type!': 'text', BuildSpec: 'text', Location: 'text' },
  },
  'AWS::CodeDeploy::Application': { ApplicationName: 'text', ComputePlatform: 'text' },
  'AWS::CodeDeploy::DeploymentConfig': {
    DeploymentConfigName: 'text',
    ComputePlatform: 'text',
    MinimumHealthyHosts: { 'Type!': 'text', 'Value!': 'number' },
    TrafficRoutingConfig: {
      'Type!': 'text',
      TimeBasedCanary: { 'CanaryPercentage!': 'number', 'CanaryInterval!': 'number' },
    },
  },
  'AWS::CodeDeploy::DeploymentGroup': {
    'ApplicationName!': 'text',
    DeploymentGroupName: 'text',
    'ServiceRoleArn!': 'text',
    DeploymentConfigName: 'text',
    AutoScalingGroups: ['text'],
    LoadBalancerInfo: { TargetGroupInfoList: [{ Name: 'text' }] },
    DeploymentStyle: { DeploymentType: 'text', DeploymentOption: 'text' },
    BlueGreenDeploymentConfiguration: {
      DeploymentReadyOption: { ActionOnTimeout: 'text' },
      GreenFleetProvisioningOption: { Action: 'text' },
      TerminateBlueInstancesOnDeploymentSuccess: { Action: 'text', TerminationWaitTimeInMinutes: 'number' },
    },
    AutoRollbackConfiguration: { Enabled: 'flag', Events: ['text'] },
    AlarmConfiguration: { Enabled: 'flag', Alarms: [{ Name: 'text' }] },
  },
  'AWS::CodePipeline::Pipeline': {
    Name: 'text',
    PipelineType: 'text',
    ExecutionMode: 'text',
    'RoleArn!': 'text',
    ArtifactStore: { 'Type!': 'text', 'Location!': 'text' },
    'Stages!': ['any'],
    Variables: [{ 'Name!': 'text', DefaultValue: 'text', Description: 'text' }],
  },
  'AWS::EC2::LaunchTemplate': {
    LaunchTemplateName: 'text',
    'LaunchTemplateData!': {
      ImageId: 'text',
      InstanceType: 'text',
      IamInstanceProfile: { Arn: 'text' },
      SecurityGroupIds: ['text'],
      MetadataOptions: { HttpTokens: 'text' },
    },
  },
  'AWS::ECR::Repository': {
    RepositoryName: 'text',
    ImageTagMutability: 'text',
    ImageScanningConfiguration: { ScanOnPush: 'flag' },
    LifecyclePolicy: { LifecyclePolicyText: 'text' },
  },
  'AWS::ECS::Service': {
    ServiceName: 'text',
    Cluster: 'text',
    TaskDefinition: 'text',
    DesiredCount: 'number',
    LaunchType: 'text',
    NetworkConfiguration: { AwsvpcConfiguration: { 'Subnets!': ['text'], SecurityGroups: ['text'] } },
    HealthCheckGracePeriodSeconds: 'number',
    DeploymentConfiguration: {
      Strategy: 'text',
      BakeTimeInMinutes: 'number',
      CanaryConfiguration: { CanaryPercent: 'number', CanaryBakeTimeInMinutes: 'number' },
      MinimumHealthyPercent: 'number',
      MaximumPercent: 'number',
      DeploymentCircuitBreaker: { 'Enable!': 'flag', 'Rollback!': 'flag' },
      Alarms: { 'AlarmNames!': ['text'], 'Enable!': 'flag', 'Rollback!': 'flag' },
    },
    LoadBalancers: [
      {
        ContainerName: 'text',
        ContainerPort: 'number',
        TargetGroupArn: 'text',
        AdvancedConfiguration: { 'AlternateTargetGroupArn!': 'text', ProductionListenerRule: 'text', RoleArn: 'text' },
      },
    ],
  },
  'AWS::ECS::TaskDefinition': {
    Family: 'text',
    RequiresCompatibilities: ['text'],
    NetworkMode: 'text',
    Cpu: 'text',
    Memory: 'text',
    ExecutionRoleArn: 'text',
    TaskRoleArn: 'text',
    ContainerDefinitions: [
      {
        'Name!': 'text',
        'Image!': 'text',
        Essential: 'flag',
        Command: ['text'],
        PortMappings: [{ ContainerPort: 'number' }],
        StopTimeout: 'number',
        Environment: [{ Name: 'text', Value: 'text' }],
        Secrets: [{ 'Name!': 'text', 'ValueFrom!': 'text' }],
        LogConfiguration: { 'LogDriver!': 'text', Options: 'any' },
      },
    ],
  },
  'AWS::ElasticLoadBalancingV2::ListenerRule': {
    ListenerArn: 'text',
    'Priority!': 'number',
    'Conditions!': [{ Field: 'text', Values: ['text'] }],
    'Actions!': [{ 'Type!': 'text', TargetGroupArn: 'text', ForwardConfig: { TargetGroups: TARGETS } }],
  },
  'AWS::ElasticLoadBalancingV2::TargetGroup': {
    TargetType: 'text',
    Protocol: 'text',
    Port: 'number',
    VpcId: 'text',
    HealthCheckPath: 'text',
    HealthCheckIntervalSeconds: 'number',
    HealthCheckTimeoutSeconds: 'number',
    HealthyThresholdCount: 'number',
    UnhealthyThresholdCount: 'number',
    Matcher: { HttpCode: 'text' },
    TargetGroupAttributes: [{ Key: 'text', Value: 'text' }],
  },
  'AWS::Lambda::Alias': { 'Name!': 'text', 'FunctionName!': 'text', 'FunctionVersion!': 'text' },
  'AWS::Lambda::Function': {
    FunctionName: 'text',
    'Role!': 'text',
    Runtime: 'text',
    Handler: 'text',
    'Code!': { S3Bucket: 'text', S3Key: 'text', S3ObjectVersion: 'text' },
    MemorySize: 'number',
    Timeout: 'number',
    LoggingConfig: { LogGroup: 'text' },
    Environment: { Variables: 'any' },
    TracingConfig: { 'Mode!': 'text' },
  },
  'AWS::Lambda::Version': { 'FunctionName!': 'text', Description: 'text' },
  'AWS::Logs::LogGroup': { LogGroupName: 'text', RetentionInDays: 'number' },
  'AWS::S3::Bucket': {
    BucketEncryption: { 'ServerSideEncryptionConfiguration!': ['any'] },
    VersioningConfiguration: { 'Status!': 'text' },
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: 'flag',
      BlockPublicPolicy: 'flag',
      IgnorePublicAcls: 'flag',
      RestrictPublicBuckets: 'flag',
    },
    LifecycleConfiguration: { 'Rules!': [{ Id: 'text', 'Status!': 'text', ExpirationInDays: 'number' }] },
  },
  'AWS::S3::BucketPolicy': { 'Bucket!': 'text', 'PolicyDocument!': 'any' },
  'AWS::Scheduler::Schedule': {
    Name: 'text',
    'ScheduleExpression!': 'text',
    ScheduleExpressionTimezone: 'text',
    'FlexibleTimeWindow!': { 'Mode!': 'text' },
    'Target!': {
      'Arn!': 'text',
      'RoleArn!': 'text',
      EcsParameters: {
        'TaskDefinitionArn!': 'text',
        LaunchType: 'text',
        NetworkConfiguration: { AwsvpcConfiguration: { 'Subnets!': ['text'], SecurityGroups: ['text'] } },
      },
      RetryPolicy: { MaximumRetryAttempts: 'number', MaximumEventAgeInSeconds: 'number' },
    },
  },
  'AWS::XRay::Group': { 'GroupName!': 'text', FilterExpression: 'text' },
  'AWS::XRay::SamplingRule': {
    SamplingRule: {
      RuleName: 'text',
      Version: 'number',
      'Priority!': 'number',
      'ReservoirSize!': 'number',
      'FixedRate!': 'number',
      'ServiceName!': 'text',
      'ServiceType!': 'text',
      'Host!': 'text',
      'HTTPMethod!': 'text',
      'URLPath!': 'text',
      'ResourceARN!': 'text',
    },
  },
}

/** What is wrong with the resources of a template, by path; references are taken for what they stand for. */
export function shapeFaults(resources: Readonly<Record<string, { Type: string; Properties?: unknown }>>): string[] {
  return Object.entries(resources).flatMap(([id, { Type, Properties }]) => {
    const shape = SHAPES_OF[Type]
    return shape ? faultsOf(Properties ?? {}, shape, id) : [`${id}: nothing is known of ${Type}`]
  })
}

function isReference(value: unknown): boolean {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : []
  return keys.length === 1 && (keys[0] === 'Ref' || keys[0]!.startsWith('Fn::'))
}

function faultsOf(value: unknown, shape: Shape, path: string): string[] {
  if (shape === 'any' || isReference(value)) return []
  if (typeof shape === 'string') {
    const wanted = { text: 'string', number: 'number', flag: 'boolean' }[shape]
    return typeof value === wanted ? [] : [`${path}: ${JSON.stringify(value)} is not a ${shape}`]
  }
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${path} is not a list`]
    return value.flatMap((item, i) => faultsOf(item, (shape as readonly [Shape])[0], `${path}[${i}]`))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is not a map`]
  const known = new Map(Object.entries(shape).map(([name, inner]) => [name.replace(/!$/, ''), inner]))
  const missing = Object.keys(shape).filter((name) => name.endsWith('!') && !(name.slice(0, -1) in value))
  return [
    ...missing.map((name) => `${path} has no ${name.slice(0, -1)}`),
    ...Object.entries(value).flatMap(([name, inner]) =>
      known.has(name) ? faultsOf(inner, known.get(name)!, `${path}.${name}`) : [`${path}.${name}: no such property`],
    ),
  ]
}
