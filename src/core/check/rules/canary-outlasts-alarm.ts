import { items, num, type Spot, spotOf, text } from '../formats/node.ts'
import { field, type Resource } from '../models/cloud.ts'
import { firstNotice, type Notice } from '../rollback/notice.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

interface Trial {
  readonly what: string
  /** Seconds during which only some citizens meet the new release. */
  readonly seconds: number
  readonly says: string
  readonly at: Spot
  readonly notice: Notice
}

export const canaryOutlastsAlarm: Rule = {
  id: 'canary-outlasts-alarm',
  question: 10,
  title: 'The alarm can speak before the trial is over',
  formats: ['cloudformation', 'terraform'],
  severity: 'warn',
  reach: 2,
  harm: 'The trial ends before its alarm can have spoken, so every citizen meets a fault that one in ten was to find.',
  defaults: 'DatapointsToAlarm equals EvaluationPeriods; a fault begins inside a period, so one period is added.',
  fix: 'Shorten the alarm’s period or datapoints, or take a canary with a longer wait (Canary10Percent15Minutes).',
  cites: 'CodeDeploy user guide: deployment configurations; CloudWatch user guide: evaluating an alarm',
  bad: {
    'template.yaml': `Transform: AWS::Serverless-2016-10-31
Resources:
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties: { MetricName: Errors, Namespace: AWS/Lambda, Period: 300, EvaluationPeriods: 2 }
  Submit:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      DeploymentPreference: { Type: Canary10Percent5Minutes, Alarms: [ !Ref Errors ] }
`,
  },
  good: {
    'template.yaml': `Transform: AWS::Serverless-2016-10-31
Resources:
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties: { MetricName: Errors, Namespace: AWS/Lambda, Period: 60, EvaluationPeriods: 2 }
  Submit:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      DeploymentPreference: { Type: Canary10Percent5Minutes, Alarms: [ !Ref Errors ] }
`,
  },
  *check(world): Iterable<Verdict> {
    for (const resource of world.cloud) {
      const trial = trialOf(resource, world.cloud)
      if (!trial) continue
      const { notice } = trial
      if (notice.seconds >= trial.seconds)
        yield fail(
          trial.at,
          `${trial.what} ends its trial after ${trial.says}, and ${notice.alarm} needs ${notice.seconds} s to speak.`,
          { arithmetic: `${notice.sum} s (${notice.at.file}:${notice.at.line}) ≥ ${trial.seconds} s` },
        )
      else yield pass(trial.at)
    }
  },
}

function trialOf(resource: Resource, cloud: readonly Resource[]): Trial | undefined {
  const [configNode, alarms] =
    resource.type === 'codedeploy-group'
      ? [field(resource, 'DeploymentConfigName'), field(resource, 'AlarmConfiguration.Alarms')]
      : resource.type === 'lambda'
        ? [field(resource, 'DeploymentPreference.Type'), field(resource, 'DeploymentPreference.Alarms')]
        : [undefined, undefined]
  if (resource.type === 'ecs-service') return ecsTrial(resource, cloud)
  const canary = /Canary\d{1,2}Percent(\d{1,3})Minutes/.exec(text(configNode) ?? '')
  const notice = canary && items(alarms).length > 0 ? firstNotice(resource, alarms, cloud) : undefined
  if (!configNode || !canary || !notice) return undefined
  return {
    what: resource.id,
    seconds: Number(canary[1]) * 60,
    says: `${canary[1]} min`,
    at: spotOf(configNode),
    notice,
  }
}

/** ECS: canary bake 10 min unless it is written (ECS API reference, CanaryConfiguration). */
function ecsTrial(resource: Resource, cloud: readonly Resource[]): Trial | undefined {
  if (text(field(resource, 'DeploymentConfiguration.Strategy')) !== 'CANARY') return undefined
  const node = field(resource, 'DeploymentConfiguration.CanaryConfiguration.CanaryBakeTimeInMinutes')
  const minutes = node ? num(node) : 10
  const names = field(resource, 'DeploymentConfiguration.Alarms.AlarmNames', 'alarms.alarm_names')
  const notice = items(names).length > 0 ? firstNotice(resource, names, cloud) : undefined
  if (minutes === undefined || !notice) return undefined
  return {
    what: resource.id,
    seconds: minutes * 60,
    says: `${minutes} min`,
    at: node ? spotOf(node) : resource.at,
    notice,
  }
}
