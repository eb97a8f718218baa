import { flag, items, spotOf, text } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const allAtOnce: Rule = {
  id: 'all-at-once',
  question: 10,
  title: 'A new release meets a few citizens first',
  formats: ['cloudformation', 'terraform'],
  severity: 'warn',
  reach: 2,
  harm: 'A fault hits every citizen at once, instead of one in ten for a few minutes.',
  defaults: 'SAM without DeploymentPreference replaces the function at once; CodeDeploy ECS uses ECSAllAtOnce.',
  fix: 'Use a canary or linear configuration with alarms (for example Canary10Percent10Minutes).',
  cites: 'SAM developer guide: deploying serverless applications gradually',
  bad: {
    'template.yaml': `Transform: AWS::Serverless-2016-10-31
Resources:
  Submit:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      DeploymentPreference: { Type: AllAtOnce }
      Events: { Api: { Type: Api } }
`,
  },
  good: {
    'template.yaml': `Transform: AWS::Serverless-2016-10-31
Resources:
  Submit:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      DeploymentPreference: { Type: Canary10Percent10Minutes, Alarms: [ !Ref SubmitFailing ] }
      Events: { Api: { Type: Api } }
`,
  },
  *check(world): Iterable<Verdict> {
    for (const resource of world.cloud) {
      if (resource.written === 'AWS::Serverless::Function') {
        const events = field(resource, 'Events')
        const serves =
          events?.kind === 'map' &&
          [...events.entries.values()].some(
            ({ value }) => value.kind === 'map' && /^(Api|HttpApi)$/.test(text(value.entries.get('Type')?.value) ?? ''),
          )
        if (!serves) continue
        const type = field(resource, 'DeploymentPreference.Type')
        const alarms = field(resource, 'DeploymentPreference.Alarms')
        if (flag(field(resource, 'DeploymentPreference.Enabled')) === false || text(type) === 'AllAtOnce')
          yield fail(type ? spotOf(type) : resource.at, `Every citizen meets a new ${resource.id} at the same moment.`)
        else if (!field(resource, 'AutoPublishAlias'))
          yield fail(
            resource.at,
            `${resource.id} publishes no alias, so it is replaced for everybody at once and cannot be switched back.`,
          )
        else if (type && items(alarms).length === 0)
          yield fail(spotOf(type), `Traffic moves to a new ${resource.id} with no alarm to stop it.`)
        else if (type) yield pass(spotOf(type))
        else yield fail(resource.at, `Every citizen meets a new ${resource.id} at the same moment.`)
      } else if (resource.type === 'codedeploy-group') {
        const config = field(resource, 'DeploymentConfigName')
        if (/AllAtOnce/.test(text(config) ?? ''))
          yield fail(spotOf(config!), `${resource.id} shifts every citizen at once.`)
        else if (config) yield pass(spotOf(config))
      }
    }
  },
}
