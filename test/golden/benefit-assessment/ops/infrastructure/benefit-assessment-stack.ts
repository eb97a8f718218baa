// holdfast:begin benefit-assessment-stack
import {
  Aws,
  aws_cloudwatch as cloudwatch,
  aws_ecs as ecs,
  aws_elasticloadbalancingv2 as elb,
  aws_logs as logs,
  aws_scheduler as scheduler,
  aws_xray as xray,
  CfnDeletionPolicy,
  CfnParameter,
  Stack,
  type StackProps,
} from 'aws-cdk-lib'
import type { Construct } from 'constructs'

/**
 * What runs "Benefit assessment": releases, the way back, drains and alarms
 * In this order: benefit-assessment-lasting, once; then the images of the first release, pushed into its registries; then ops/alerts/benefit-assessment.alarms.yml, whose alarms are named here; then this.
 */
export class BenefitAssessmentStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, { description: 'What runs "Benefit assessment": releases, the way back, drains and alarms', ...props })
    const clusterArn = new CfnParameter(this, 'ClusterArn', { type: 'String', description: 'ARN of the ECS cluster' })
    const subnets = new CfnParameter(this, 'Subnets', { type: 'List<AWS::EC2::Subnet::Id>', description: 'Private subnets, in two zones or more' })
    const securityGroups = new CfnParameter(this, 'SecurityGroups', { type: 'List<AWS::EC2::SecurityGroup::Id>', description: 'What may reach the tasks' })
    const executionRoleArn = new CfnParameter(this, 'ExecutionRoleArn', { type: 'String', description: 'Role that pulls images, reads secrets and writes logs' })
    const taskRoleArn = new CfnParameter(this, 'TaskRoleArn', { type: 'String', description: 'Role of the program itself' })
    const vpc = new CfnParameter(this, 'Vpc', { type: 'AWS::EC2::VPC::Id', description: 'Network of the tasks' })
    const listenerArn = new CfnParameter(this, 'ListenerArn', { type: 'String', description: 'Listener of the load balancer that citizens reach' })
    const loadBalancerFullName = new CfnParameter(this, 'LoadBalancerFullName', { type: 'String', description: 'Last part of its ARN, as metrics name it: app/name/id' })
    const containerPort = new CfnParameter(this, 'ContainerPort', { type: 'Number', description: 'Port that the program listens on', default: 8080 })
    const trafficRoleArn = new CfnParameter(this, 'TrafficRoleArn', { type: 'String', description: 'Role with which ECS moves the listener rule' })
    const engineImageDigest = new CfnParameter(this, 'EngineImageDigest', { type: 'String', description: 'The release of engine, by digest', allowedPattern: 'sha256:[0-9a-f]{64}' })
    const decisionsUrlArn = new CfnParameter(this, 'DecisionsUrlArn', { type: 'String', description: 'ARN of the secret DECISIONS_URL' })
    const tracesImage = new CfnParameter(this, 'TracesImage', { type: 'String', description: 'AWS Distro for OpenTelemetry collector, by digest: it sends traces to X-Ray', allowedPattern: '.+@sha256:[0-9a-f]{64}' })
    const pageTopic = new CfnParameter(this, 'PageTopic', { type: 'String', description: 'ARN of the topic that pages' })
    const paymentFileImageDigest = new CfnParameter(this, 'PaymentFileImageDigest', { type: 'String', description: 'The release of payment-file, by digest', allowedPattern: 'sha256:[0-9a-f]{64}' })
    const schedulerRoleArn = new CfnParameter(this, 'SchedulerRoleArn', { type: 'String', description: 'Role with which the scheduler starts runs' })

    const engineLogs = new logs.CfnLogGroup(this, 'EngineLogs', {
      logGroupName: '/ecs/benefit-assessment/engine',
      // three windows of the longest objective: 3 × 365 = 1095 days, rounded up to 1096
      retentionInDays: 1096,
    })
    engineLogs.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN
    engineLogs.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN

    const engineTargets = new elb.CfnTargetGroup(this, 'EngineTargets', {
      targetType: 'ip',
      protocol: 'HTTP',
      port: containerPort.valueAsNumber,
      vpcId: vpc.valueAsString,
      // tries: what a citizen needs
      healthCheckPath: '/health/ready',
      // 10 s × 2 = 20 s until a new task gets citizens, or a dead one gets none
      healthCheckIntervalSeconds: 10,
      healthCheckTimeoutSeconds: 5,
      healthyThresholdCount: 2,
      unhealthyThresholdCount: 2,
      matcher: { httpCode: '200' },
      targetGroupAttributes: [
        {
          key: 'deregistration_delay.timeout_seconds',
          // slowest request 10 s ≤ drain 30 s; stop 35 s ≥ 10 s + 5 s to leave
          value: '30',
        },
      ],
    })

    const engineTargetsAlternate = new elb.CfnTargetGroup(this, 'EngineTargetsAlternate', {
      targetType: 'ip',
      protocol: 'HTTP',
      port: containerPort.valueAsNumber,
      vpcId: vpc.valueAsString,
      // tries: what a citizen needs
      healthCheckPath: '/health/ready',
      // 10 s × 2 = 20 s until a new task gets citizens, or a dead one gets none
      healthCheckIntervalSeconds: 10,
      healthCheckTimeoutSeconds: 5,
      healthyThresholdCount: 2,
      unhealthyThresholdCount: 2,
      matcher: { httpCode: '200' },
      targetGroupAttributes: [
        {
          key: 'deregistration_delay.timeout_seconds',
          // slowest request 10 s ≤ drain 30 s; stop 35 s ≥ 10 s + 5 s to leave
          value: '30',
        },
      ],
    })

    const engineRule = new elb.CfnListenerRule(this, 'EngineRule', {
      listenerArn: listenerArn.valueAsString,
      priority: 10,
      conditions: [{ field: 'path-pattern', values: ['/*'] }],
      actions: [
        {
          type: 'forward',
          forwardConfig: {
            targetGroups: [
              { targetGroupArn: engineTargets.ref, weight: 1 },
              { targetGroupArn: engineTargetsAlternate.ref, weight: 0 },
            ],
          },
        },
      ],
    })

    // Task definitions stay: the one before is the way back.
    const engineTask = new ecs.CfnTaskDefinition(this, 'EngineTask', {
      family: 'benefit-assessment-engine',
      requiresCompatibilities: ['FARGATE'],
      networkMode: 'awsvpc',
      cpu: '1024',
      // 1536 MB, as the definition says nothing + 256 MB for the collector of traces, rounded up to what Fargate offers
      memory: '2048',
      executionRoleArn: executionRoleArn.valueAsString,
      taskRoleArn: taskRoleArn.valueAsString,
      containerDefinitions: [
        {
          name: 'engine',
          image: `${Aws.ACCOUNT_ID}.dkr.ecr.${Aws.REGION}.amazonaws.com/benefit-assessment/engine@${engineImageDigest.valueAsString}`,
          essential: true,
          portMappings: [{ containerPort: containerPort.valueAsNumber }],
          // slowest request 10 s ≤ drain 30 s; stop 35 s ≥ 10 s + 5 s to leave
          stopTimeout: 35,
          secrets: [{ name: 'DECISIONS_URL', valueFrom: decisionsUrlArn.valueAsString }],
          logConfiguration: {
            logDriver: 'awslogs',
            options: {
              'awslogs-group': engineLogs.ref,
              'awslogs-region': Aws.REGION,
              'awslogs-stream-prefix': 'engine',
            },
          },
        },
        {
          name: 'traces',
          image: tracesImage.valueAsString,
          // citizens are served on when only the collector of traces dies
          essential: false,
          command: ['--config=/etc/ecs/ecs-default-config.yaml'],
          logConfiguration: {
            logDriver: 'awslogs',
            options: {
              'awslogs-group': engineLogs.ref,
              'awslogs-region': Aws.REGION,
              'awslogs-stream-prefix': 'traces',
            },
          },
        },
      ],
    })
    engineTask.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN
    engineTask.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN

    const engineTargetsFail = new cloudwatch.CfnAlarm(this, 'EngineTargetsFail', {
      alarmName: 'benefit-assessment-EngineTargetsFail',
      alarmDescription: 'Citizens get errors from engine; a release that is on its way is taken back',
      namespace: 'AWS/ApplicationELB',
      dimensions: [
        { name: 'TargetGroup', value: engineTargets.attrTargetGroupFullName },
        { name: 'LoadBalancer', value: loadBalancerFullName.valueAsString },
      ],
      evaluationPeriods: 1,
      metricName: 'HTTPCode_Target_5XX_Count',
      statistic: 'Sum',
      // detect within 5 min: a window of 1 min, up to one more until it is full
      period: 60,
      comparisonOperator: 'GreaterThanOrEqualToThreshold',
      // 50 failures wake somebody (thresholds.md); windows stand still, so half of them in one
      threshold: 25,
      // the balancer counts nothing when there is no error; silence has alarms of its own
      treatMissingData: 'notBreaching',
      alarmActions: [pageTopic.valueAsString],
      okActions: [pageTopic.valueAsString],
    })

    const engineTargetsSlow = new cloudwatch.CfnAlarm(this, 'EngineTargetsSlow', {
      alarmName: 'benefit-assessment-EngineTargetsSlow',
      alarmDescription: 'One answer of ten from engine comes after citizens have given up',
      namespace: 'AWS/ApplicationELB',
      dimensions: [
        { name: 'TargetGroup', value: engineTargets.attrTargetGroupFullName },
        { name: 'LoadBalancer', value: loadBalancerFullName.valueAsString },
      ],
      evaluationPeriods: 1,
      metricName: 'TargetResponseTime',
      extendedStatistic: 'p90',
      // detect within 5 min: a window of 1 min, up to one more until it is full
      period: 60,
      comparisonOperator: 'GreaterThanThreshold',
      // limit of trace: 8000 ms; nobody waits longer at any step
      threshold: 8,
      // nobody asked, nobody waited
      treatMissingData: 'notBreaching',
      alarmActions: [pageTopic.valueAsString],
      okActions: [pageTopic.valueAsString],
    })

    const engineTargetsAlternateFail = new cloudwatch.CfnAlarm(this, 'EngineTargetsAlternateFail', {
      alarmName: 'benefit-assessment-EngineTargetsAlternateFail',
      alarmDescription: 'Citizens get errors from engine; a release that is on its way is taken back',
      namespace: 'AWS/ApplicationELB',
      dimensions: [
        { name: 'TargetGroup', value: engineTargetsAlternate.attrTargetGroupFullName },
        { name: 'LoadBalancer', value: loadBalancerFullName.valueAsString },
      ],
      evaluationPeriods: 1,
      metricName: 'HTTPCode_Target_5XX_Count',
      statistic: 'Sum',
      // detect within 5 min: a window of 1 min, up to one more until it is full
      period: 60,
      comparisonOperator: 'GreaterThanOrEqualToThreshold',
      // 50 failures wake somebody (thresholds.md); windows stand still, so half of them in one
      threshold: 25,
      // the balancer counts nothing when there is no error; silence has alarms of its own
      treatMissingData: 'notBreaching',
      alarmActions: [pageTopic.valueAsString],
      okActions: [pageTopic.valueAsString],
    })

    const engineTargetsAlternateSlow = new cloudwatch.CfnAlarm(this, 'EngineTargetsAlternateSlow', {
      alarmName: 'benefit-assessment-EngineTargetsAlternateSlow',
      alarmDescription: 'One answer of ten from engine comes after citizens have given up',
      namespace: 'AWS/ApplicationELB',
      dimensions: [
        { name: 'TargetGroup', value: engineTargetsAlternate.attrTargetGroupFullName },
        { name: 'LoadBalancer', value: loadBalancerFullName.valueAsString },
      ],
      evaluationPeriods: 1,
      metricName: 'TargetResponseTime',
      extendedStatistic: 'p90',
      // detect within 5 min: a window of 1 min, up to one more until it is full
      period: 60,
      comparisonOperator: 'GreaterThanThreshold',
      // limit of trace: 8000 ms; nobody waits longer at any step
      threshold: 8,
      // nobody asked, nobody waited
      treatMissingData: 'notBreaching',
      alarmActions: [pageTopic.valueAsString],
      okActions: [pageTopic.valueAsString],
    })

    // The way back: detect 5 + decide 2 + switch 3 + verify 3 = 13 min; 15 min are promised.
    new ecs.CfnService(this, 'EngineService', {
      serviceName: 'benefit-assessment-engine',
      cluster: clusterArn.valueAsString,
      taskDefinition: engineTask.ref,
      desiredCount: 12,
      launchType: 'FARGATE',
      networkConfiguration: {
        awsvpcConfiguration: { subnets: subnets.valueAsList, securityGroups: securityGroups.valueAsList },
      },
      // starting takes up to 60 s; before that a failing check says nothing
      healthCheckGracePeriodSeconds: 60,
      deploymentConfiguration: {
        strategy: 'BLUE_GREEN',
        // the old tasks stay warm for 1440 min, so that going back is a switch
        bakeTimeInMinutes: 1440,
        // no task goes before another can serve
        minimumHealthyPercent: 100,
        // the new tasks stand beside the old ones
        maximumPercent: 200,
        deploymentCircuitBreaker: { enable: true, rollback: true },
        alarms: {
          enable: true,
          rollback: true,
          // the circuit breaker sees tasks that do not start; these see citizens who fail
          alarmNames: [
            engineTargetsFail.ref,
            engineTargetsSlow.ref,
            engineTargetsAlternateFail.ref,
            engineTargetsAlternateSlow.ref,
            'benefit-assessment-CitizensFailCorrectDecisionDecide',
          ],
        },
      },
      loadBalancers: [
        {
          containerName: 'engine',
          containerPort: containerPort.valueAsNumber,
          targetGroupArn: engineTargets.ref,
          advancedConfiguration: {
            alternateTargetGroupArn: engineTargetsAlternate.ref,
            productionListenerRule: engineRule.ref,
            roleArn: trafficRoleArn.valueAsString,
          },
        },
      ],
    })

    const paymentFileLogs = new logs.CfnLogGroup(this, 'PaymentFileLogs', {
      logGroupName: '/ecs/benefit-assessment/payment-file',
      // three windows of the longest objective: 3 × 365 = 1095 days, rounded up to 1096
      retentionInDays: 1096,
    })
    paymentFileLogs.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN
    paymentFileLogs.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN

    // Task definitions stay: the one before is the way back.
    const paymentFileTask = new ecs.CfnTaskDefinition(this, 'PaymentFileTask', {
      family: 'benefit-assessment-payment-file',
      requiresCompatibilities: ['FARGATE'],
      networkMode: 'awsvpc',
      cpu: '1024',
      // 1536 MB, as the definition says nothing + 256 MB for the collector of traces, rounded up to what Fargate offers
      memory: '2048',
      executionRoleArn: executionRoleArn.valueAsString,
      taskRoleArn: taskRoleArn.valueAsString,
      containerDefinitions: [
        {
          name: 'payment-file',
          image: `${Aws.ACCOUNT_ID}.dkr.ecr.${Aws.REGION}.amazonaws.com/benefit-assessment/payment-file@${paymentFileImageDigest.valueAsString}`,
          essential: true,
          // slowest request 30 s ≤ drain 30 s; stop 35 s ≥ 30 s + 5 s to leave
          stopTimeout: 35,
          logConfiguration: {
            logDriver: 'awslogs',
            options: {
              'awslogs-group': paymentFileLogs.ref,
              'awslogs-region': Aws.REGION,
              'awslogs-stream-prefix': 'payment-file',
            },
          },
        },
        {
          name: 'traces',
          image: tracesImage.valueAsString,
          // citizens are served on when only the collector of traces dies
          essential: false,
          command: ['--config=/etc/ecs/ecs-default-config.yaml'],
          logConfiguration: {
            logDriver: 'awslogs',
            options: {
              'awslogs-group': paymentFileLogs.ref,
              'awslogs-region': Aws.REGION,
              'awslogs-stream-prefix': 'traces',
            },
          },
        },
      ],
    })
    paymentFileTask.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN
    paymentFileTask.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN

    // Must be done by 19:00; takes 45 min.
    // Two runs may not overlap: the run takes a lock, and the second one ends.
    new scheduler.CfnSchedule(this, 'PaymentFileAt1800', {
      name: 'benefit-assessment-payment-file-1800',
      // 18:00, Monday to Friday; the run itself asks whether it is a bank holiday
      scheduleExpression: 'cron(0 18 ? * MON-FRI *)',
      scheduleExpressionTimezone: 'Europe/London',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: clusterArn.valueAsString,
        ecsParameters: {
          taskDefinitionArn: paymentFileTask.ref,
          launchType: 'FARGATE',
          networkConfiguration: {
            awsvpcConfiguration: { subnets: subnets.valueAsList, securityGroups: securityGroups.valueAsList },
          },
        },
        roleArn: schedulerRoleArn.valueAsString,
        retryPolicy: {
          maximumRetryAttempts: 2,
          // a start that comes later than a usual run takes (45 min) comes too late
          maximumEventAgeInSeconds: 2700,
        },
      },
    })

    new xray.CfnSamplingRule(this, 'TracesSampled', {
      samplingRule: {
        ruleName: 'benefit-assessment',
        version: 1,
        priority: 1000,
        reservoirSize: 1,
        // about one trace a second at the peak of 211 a minute: 60 ÷ 211
        fixedRate: 0.28,
        serviceName: 'benefit-assessment',
        serviceType: '*',
        host: '*',
        httpMethod: '*',
        urlPath: '*',
        resourceArn: '*',
      },
    })

    // Slow: limit of trace: 8000 ms; nobody waits longer at any step.
    new xray.CfnGroup(this, 'TracesOfFailures', {
      groupName: 'benefit-assessment-citizens-fail',
      filterExpression: 'service("benefit-assessment") AND (fault OR responsetime > 8)',
    })
  }
}
// holdfast:end benefit-assessment-stack
