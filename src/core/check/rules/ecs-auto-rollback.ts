import { ecsServices } from '../models/ecs.ts'
import { cannotTell, fail, pass, type Rule, type Verdict } from '../rule.ts'

export const ecsAutoRollback: Rule = {
  id: 'ecs-auto-rollback',
  question: 1,
  title: 'ECS takes a release back by itself when it does not come up',
  formats: ['ecs', 'cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'ECS starts the broken release again and again, for days, until a person notices that citizens cannot get through.',
  defaults: 'deploymentCircuitBreaker: enable false, rollback false. Only the ECS controller has it.',
  fix: 'deploymentCircuitBreaker { enable = true, rollback = true }, and deployment alarms for releases that start but misbehave.',
  cites: 'ECS developer guide: deployment circuit breaker',
  bad: {
    'template.yaml': `AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Web:
    Type: AWS::ECS::Service
    Properties:
      DesiredCount: 2
      DeploymentConfiguration:
        DeploymentCircuitBreaker: { Enable: true, Rollback: false }
`,
  },
  good: {
    'template.yaml': `AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Web:
    Type: AWS::ECS::Service
    Properties:
      DesiredCount: 2
      DeploymentConfiguration:
        DeploymentCircuitBreaker: { Enable: true, Rollback: true }
`,
  },
  *check(world): Iterable<Verdict> {
    for (const service of ecsServices(world.cloud)) {
      const { resource, breaker, breakerRollback } = service
      if (service.controller === 'opaque') {
        yield cannotTell(
          resource.at,
          `Who deploys ${resource.id} is not in the file.`,
          'the deployment controller in production',
        )
        continue
      }
      // The breaker does not exist for these controllers; CodeDeploy has rules of its own.
      if (service.controller !== 'ECS') continue
      if (service.alarmRollback) yield pass(resource.at)
      else if (!breaker.known || !breakerRollback.known) {
        const unknown = breaker.known ? breakerRollback : breaker
        yield cannotTell(
          unknown.at,
          `Whether ${resource.id} is taken back by itself depends on ${unknown.known ? '' : unknown.text}.`,
          'its value in production',
        )
      } else if (breaker.value && breakerRollback.value) yield pass(breaker.at)
      else {
        const at = breakerRollback.said ? breakerRollback.at : breaker.at
        const says = breaker.value
          ? `The circuit breaker of ${resource.id} stops a failing deployment, and leaves the broken release in place: rollback is false.`
          : `${resource.id} has no automatic rollback: its circuit breaker is ${breaker.said ? 'off' : 'not declared, so off'}.`
        yield fail(at, says, { soft: breaker.soft || breakerRollback.soft })
      }
    }
  },
}
