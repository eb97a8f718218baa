import { allText, num, spotOf, text } from '../formats/node.ts'
import { containersOf, fieldOf } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const ecsTaskStop: Rule = {
  id: 'ecs-task-stop',
  question: 5,
  title: 'A task has time to finish its work when it is told to stop',
  formats: ['ecs', 'cloudformation', 'terraform'],
  severity: 'warn',
  reach: 3,
  harm: 'Work that is under way, such as a submission being saved, is cut off at each deployment.',
  defaults: 'stopTimeout 30 s; Fargate allows at most 120 s.',
  fix: 'Set stopTimeout above the longest request or job plus the shutdown (120 is the most on Fargate).',
  cites: 'ECS API reference: ContainerDefinition.stopTimeout',
  bad: {
    'task.json':
      '{ "family": "web", "containerDefinitions": [ { "name": "app", "stopTimeout": 2, "image": "r/app@sha256:0000000000000000000000000000000000000000000000000000000000000000" } ] }',
  },
  good: {
    'task.json':
      '{ "family": "web", "containerDefinitions": [ { "name": "app", "stopTimeout": 60, "image": "r/app@sha256:0000000000000000000000000000000000000000000000000000000000000000" } ] }',
  },
  *check(world): Iterable<Verdict> {
    for (const task of world.cloud.filter((resource) => resource.type === 'ecs-task')) {
      const fargate = allText(fieldOf(task, task.body, 'RequiresCompatibilities')).includes('FARGATE')
      for (const container of containersOf(task) ?? []) {
        const node = fieldOf(task, container, 'StopTimeout')
        const seconds = num(node)
        if (!node || seconds === undefined) continue
        if (seconds < 10)
          yield fail(
            spotOf(node),
            `${text(fieldOf(task, container, 'Name')) ?? 'The container'} is killed ${seconds} s after it is told to stop.`,
          )
        else if (seconds > 120 && fargate)
          yield fail(spotOf(node), `Fargate kills after 120 s; ${seconds} s are refused.`)
        else yield pass(spotOf(node))
      }
    }
  },
}
