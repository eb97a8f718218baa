import { lambdaWaysBack } from '../rollback/lambda.ts'
import { judgeWay } from '../rollback-time.ts'
import type { Rule, Verdict } from '../rule.ts'

export const rollbackTimeLambda: Rule = {
  id: 'rollback-time-lambda',
  question: 1,
  title: 'A function is back on the version before within 15 minutes',
  formats: ['cloudformation'],
  severity: 'warn',
  reach: 2,
  harm: 'The alarm that should take the version back speaks long after citizens have.',
  defaults: 'Without AutoPublishAlias there is no version to point back to, and the stack has to be updated.',
  fix: 'Publish an alias, and watch an alarm with a period of 60 s.',
  cites: 'SAM developer guide: deploying serverless applications gradually',
  bad: {
    'template.yaml': `Transform: AWS::Serverless-2016-10-31
Resources:
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties: { MetricName: Errors, Namespace: AWS/Lambda, Period: 300, EvaluationPeriods: 3 }
  Submit:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      DeploymentPreference: { Type: Canary10Percent30Minutes, Alarms: [ !Ref Errors ] }
      Events: { Api: { Type: Api } }
`,
  },
  good: {
    'template.yaml': `Transform: AWS::Serverless-2016-10-31
Resources:
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties: { MetricName: Errors, Namespace: AWS/Lambda, Period: 60, EvaluationPeriods: 3 }
  Submit:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      DeploymentPreference: { Type: Canary10Percent30Minutes, Alarms: [ !Ref Errors ] }
      Events: { Api: { Type: Api } }
`,
  },
  *check(world): Iterable<Verdict> {
    for (const answer of lambdaWaysBack(world)) yield judgeWay(answer)
  },
}
