/** Functions behind an alias that CodeDeploy moves: a share of the calls first, and back by itself when an alarm rings. */
import type { Component, Service } from '../../define/schema.ts'
import { errorsOf } from './alarms.ts'
import { detectMinutes, logDays } from './figures.ts'
import { att, noted, type Parameter, type Part, pascal, ref, type Resource, type Value } from './model.ts'
import { scheduleParts } from './schedule.ts'
import { traced } from './traces.ts'

const ALIAS = 'live'
/** Lambda ends a call after 15 minutes (Lambda quotas). */
const SECONDS_MAX = 900

export function lambdaParts(service: Service): Part[] {
  return service.runtime.components
    .filter(({ kind }) => kind === 'web' || kind === 'function' || kind === 'worker' || kind === 'scheduled')
    .map((component) => functionPart(service, component))
}

function functionPart(service: Service, component: Component): Part {
  const name = pascal(component.id)
  const schedule = scheduleParts(service, component, { Arn: ref(`${name}Alias`) })
  const alarm = errorsOf(service, component, `${name}Function`, ALIAS)
  // One run cannot be split into shares: its release is proven in shadow, and the alias goes back as a whole.
  const shifted = component.kind !== 'scheduled'
  return {
    parameters: [
      { name: `${name}CodeBucket`, type: 'String', says: `Bucket that holds the packages of ${component.id}` },
      { name: `${name}CodeKey`, type: 'String', says: 'Key of the package' },
      {
        name: `${name}CodeVersion`,
        type: 'String',
        says: 'The release: version of that object, which can never mean another package',
      },
      { name: `${name}Runtime`, type: 'String', says: 'Lambda runtime, e.g. that of the last release' },
      { name: `${name}Handler`, type: 'String', says: 'Function that is called' },
      { name: 'FunctionRoleArn', type: 'String', says: 'Role of the functions' },
      ...(shifted
        ? [
            {
              name: 'DeployRoleArn',
              type: 'String',
              says: 'Role with which CodeDeploy moves the alias',
            } satisfies Parameter,
          ]
        : []),
      { name: 'PageTopic', type: 'String', says: 'ARN of the topic that pages' },
      ...schedule.parameters,
    ],
    resources: [
      {
        id: `${name}Logs`,
        type: 'AWS::Logs::LogGroup',
        keep: true,
        props: { LogGroupName: `/aws/lambda/${service.service.id}-${component.id}`, RetentionInDays: logDays(service) },
      },
      {
        id: `${name}Function`,
        type: 'AWS::Lambda::Function',
        props: {
          FunctionName: `${service.service.id}-${component.id}`,
          Role: ref('FunctionRoleArn'),
          Runtime: ref(`${name}Runtime`),
          Handler: ref(`${name}Handler`),
          Code: {
            S3Bucket: ref(`${name}CodeBucket`),
            S3Key: ref(`${name}CodeKey`),
            S3ObjectVersion: ref(`${name}CodeVersion`),
          },
          MemorySize: Math.min(10_240, Math.max(128, component.memoryMb ?? 1_024)),
          Timeout: timeoutOf(component),
          LoggingConfig: { LogGroup: ref(`${name}Logs`) },
          ...(Object.keys(component.env).length > 0
            ? { Environment: { Variables: { $: 'raw', value: component.env } as Value } }
            : {}),
          ...(traced(service) ? { TracingConfig: { Mode: 'Active' } } : {}),
        },
      },
      {
        id: `${name}Version`,
        type: 'AWS::Lambda::Version',
        keep: true,
        why: ['Versions stay: the one before is the way back.'],
        props: {
          FunctionName: ref(`${name}Function`),
          Description: noted(ref(`${name}CodeVersion`), 'another release is another version'),
        },
      },
      alarm,
      ...(shifted ? shiftOf(service, component, alarm.id) : []),
      {
        id: `${name}Alias`,
        type: 'AWS::Lambda::Alias',
        props: {
          Name: ALIAS,
          FunctionName: ref(`${name}Function`),
          FunctionVersion: att(`${name}Version`, 'Version'),
        },
        ...(shifted
          ? {
              update: {
                CodeDeployLambdaAliasUpdate: {
                  ApplicationName: ref(`${name}Releases`),
                  DeploymentGroupName: ref(`${name}Shift`),
                },
              },
            }
          : {
              why: [
                'A run cannot be split into shares: the release is proven in shadow, and the alias goes back as a whole.',
              ],
            }),
      },
      ...schedule.resources,
    ],
  }
}

function timeoutOf(component: Component): Value {
  const { schedule } = component
  const seconds =
    schedule?.minutesMax !== undefined
      ? schedule.minutesMax * 60
      : schedule?.typicalMinutes !== undefined
        ? schedule.typicalMinutes * 120
        : (component.jobSecondsMax ?? component.requestSecondsMax)
  const sum =
    schedule?.minutesMax !== undefined
      ? `a run may take ${schedule.minutesMax} min = ${seconds} s`
      : schedule?.typicalMinutes !== undefined
        ? `twice a usual run of ${schedule.typicalMinutes} min = ${seconds} s`
        : `longest call: ${seconds} s`
  if (seconds <= SECONDS_MAX) return noted(seconds, sum)
  return noted(
    SECONDS_MAX,
    `${sum}, and Lambda ends a call after ${SECONDS_MAX} s: each call must do a part of the work`,
  )
}

/** How long the first share is watched: the alarm's own time, a minute until the figure arrives, one to spare; five at least. */
export function canaryMinutes(service: Service): number {
  return Math.max(detectMinutes(service) + 2, 5)
}

/** A share of the calls for longer than the alarm needs, then all of them; back by itself when it rings. */
function shiftOf(service: Service, component: Component, alarm: string): Resource[] {
  const name = pascal(component.id)
  const first = service.deployment.canary.rungs[0]!
  const detect = detectMinutes(service)
  return [
    {
      id: `${name}Releases`,
      type: 'AWS::CodeDeploy::Application',
      props: { ApplicationName: `${service.service.id}-${component.id}`, ComputePlatform: 'Lambda' },
    },
    {
      id: `${name}Canary`,
      type: 'AWS::CodeDeploy::DeploymentConfig',
      props: {
        DeploymentConfigName: `${service.service.id}-${component.id}-canary`,
        ComputePlatform: 'Lambda',
        TrafficRoutingConfig: {
          Type: 'TimeBasedCanary',
          TimeBasedCanary: {
            CanaryPercentage: noted(
              Math.max(1, Math.ceil(first * 100)),
              `first rung of the canary: ${first}, in whole per cent`,
            ),
            CanaryInterval: noted(
              canaryMinutes(service),
              `the alarm notices within ${detect} min, one more until the figure arrives, one to spare: ${detect} + 1 + 1, and 5 at least`,
            ),
          },
        },
      },
    },
    {
      id: `${name}Shift`,
      type: 'AWS::CodeDeploy::DeploymentGroup',
      props: {
        ApplicationName: ref(`${name}Releases`),
        DeploymentGroupName: `${service.service.id}-${component.id}`,
        ServiceRoleArn: ref('DeployRoleArn'),
        DeploymentConfigName: ref(`${name}Canary`),
        DeploymentStyle: { DeploymentType: 'BLUE_GREEN', DeploymentOption: 'WITH_TRAFFIC_CONTROL' },
        AutoRollbackConfiguration: {
          Enabled: true,
          Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'],
        },
        AlarmConfiguration: { Enabled: true, Alarms: [{ Name: ref(alarm) }] },
      },
    },
  ]
}
