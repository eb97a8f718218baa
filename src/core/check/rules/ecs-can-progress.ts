import { ecsServices } from '../models/ecs.ts'
import { ecsSlots } from '../rollback-time.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const ecsCanProgress: Rule = {
  id: 'ecs-can-progress',
  question: 1,
  title: 'A rolling ECS deployment can move at all',
  formats: ['ecs', 'cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'Neither a fix nor a rollback can ever finish: no task may start and none may stop.',
  defaults: 'minimum healthy 100 %, maximum 200 %.',
  fix: 'Raise MaximumPercent so that at least one more task fits, or lower MinimumHealthyPercent.',
  cites: 'ECS developer guide: minimumHealthyPercent rounds up, maximumPercent rounds down',
  bad: {
    'service.json':
      '{ "serviceName": "web", "desiredCount": 3, "taskDefinition": "web", "deploymentConfiguration": { "minimumHealthyPercent": 100, "maximumPercent": 110 } }',
  },
  good: {
    'service.json':
      '{ "serviceName": "web", "desiredCount": 3, "taskDefinition": "web", "deploymentConfiguration": { "minimumHealthyPercent": 100, "maximumPercent": 200 } }',
  },
  *check(world): Iterable<Verdict> {
    for (const { resource, controller, strategy, desired, minPercent, maxPercent } of ecsServices(world.cloud)) {
      if (
        controller !== 'ECS' ||
        strategy !== 'ROLLING' ||
        !desired.known ||
        !minPercent.known ||
        !maxPercent.known ||
        desired.value <= 0
      )
        continue
      const { up, down } = ecsSlots(desired.value, minPercent.value, maxPercent.value)
      const at = maxPercent.said ? maxPercent.at : desired.at
      const arithmetic = `may add ⌊${desired.value} × ${maxPercent.value} %⌋ − ${desired.value} = ${up}, may stop ${desired.value} − ⌈${desired.value} × ${minPercent.value} %⌉ = ${down}`
      if (up === 0 && down === 0)
        yield fail(at, `A deployment of ${resource.id} can never progress.`, {
          arithmetic,
          soft: desired.soft || maxPercent.soft,
        })
      else yield pass(at)
    }
  },
}
