import { child, fields, items, num, spotOf, text } from '../formats/node.ts'
import { containersOf, field, fieldOf, type Resource, referenceOf } from '../models/cloud.ts'
import { type Known, knownNumber, numberAt, shown } from '../models/value.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import type { World } from '../world.ts'

export const queueVisibility: Rule = {
  id: 'queue-visibility',
  question: 5,
  title: 'A message stays hidden for as long as its work may take',
  formats: ['cloudformation', 'terraform', 'ecs'],
  severity: 'error',
  reach: 3,
  harm: 'One citizen’s application is processed twice: two letters, two payments.',
  defaults: 'VisibilityTimeout 30 s; Lambda Timeout 3 s; ECS stopTimeout 30 s.',
  fix: 'Set the queue’s visibility time-out to at least six times the function’s time-out.',
  cites: 'AWS Lambda developer guide: using Lambda with Amazon SQS',
  bad: {
    'jobs.tf':
      'resource "aws_sqs_queue" "jobs" {\n  visibility_timeout_seconds = 30\n}\nresource "aws_lambda_function" "worker" {\n  timeout = 300\n}\nresource "aws_lambda_event_source_mapping" "jobs" {\n  event_source_arn = aws_sqs_queue.jobs.arn\n  function_name    = aws_lambda_function.worker.arn\n}\n',
  },
  good: {
    'jobs.tf':
      'resource "aws_sqs_queue" "jobs" {\n  visibility_timeout_seconds = 1800\n}\nresource "aws_lambda_function" "worker" {\n  timeout = 300\n}\nresource "aws_lambda_event_source_mapping" "jobs" {\n  event_source_arn = aws_sqs_queue.jobs.arn\n  function_name    = aws_lambda_function.worker.arn\n}\n',
  },
  *check(world): Iterable<Verdict> {
    const queues = world.cloud.filter((resource) => resource.type === 'queue')
    if (queues.length === 0) return
    for (const { queue, worker, by } of [...functionsOn(world, queues), ...tasksOn(world, queues)]) {
      const hidden = numberAt(queue, 30, 'VisibilityTimeout', 'visibility_timeout_seconds')
      if (!hidden.known || !worker.known) continue
      const node = field(queue, 'VisibilityTimeout', 'visibility_timeout_seconds')
      const at = node && num(node) !== undefined ? spotOf(node) : queue.at
      if (hidden.value < worker.value)
        yield fail(at, `${queue.id} hands a message out again while ${by.name} may still work on it.`, {
          arithmetic: `visibility ${shown(hidden)} s < ${by.limit} ${shown(worker)} s`,
          soft: hidden.soft || worker.soft,
          ...(by.limit === 'stopTimeout' ? { severity: 'warn' as const, fix: TASK_FIX } : {}),
        })
      else yield pass(at)
    }
  },
}

const TASK_FIX =
  'Set the visibility time-out above the longest job, which stopTimeout should allow for, or extend it while a job runs.'

interface Work {
  readonly queue: Resource
  /** For how long a message may be worked on, in seconds. */
  readonly worker: Known<number>
  readonly by: { readonly name: string; readonly limit: 'time-out' | 'stopTimeout' }
}

function functionsOn(world: World, queues: readonly Resource[]): readonly Work[] {
  const functions = world.cloud.filter((resource) => resource.type === 'lambda')
  const links = world.cloud
    .filter((resource) => /EventSourceMapping|event_source_mapping/.test(resource.written))
    .map((link) => ({
      queue: referenceOf(link, field(link, 'EventSourceArn'), queues),
      lambda: referenceOf(link, field(link, 'FunctionName'), functions),
    }))
  // SAM writes the link into the function.
  const events = functions.flatMap((lambda) =>
    fields(field(lambda, 'Events'))
      .filter(([, event]) => text(child(event, 'Type')) === 'SQS')
      .map(([, event]) => ({ queue: referenceOf(lambda, child(event, 'Properties', 'Queue'), queues), lambda })),
  )
  return [...links, ...events].flatMap(({ queue, lambda }) =>
    queue && lambda
      ? [{ queue, worker: numberAt(lambda, 3, 'Timeout'), by: { name: lambda.id, limit: 'time-out' as const } }]
      : [],
  )
}

/** Containers that are told a queue and open no port: they work on it, and are cut off after stopTimeout at a deployment. */
function tasksOn(world: World, queues: readonly Resource[]): readonly Work[] {
  return world.cloud
    .filter((resource) => resource.type === 'ecs-task')
    .flatMap((task) => (containersOf(task) ?? []).map((container) => ({ task, container })))
    .filter(({ task, container }) => items(fieldOf(task, container, 'PortMappings')).length === 0)
    .flatMap(({ task, container }) =>
      items(fieldOf(task, container, 'Environment')).flatMap((entry) => {
        const queue = referenceOf(task, fieldOf(task, entry, 'Value') ?? child(entry, 'Value'), queues)
        const name = text(fieldOf(task, container, 'Name')) ?? task.id
        const worker = knownNumber(fieldOf(task, container, 'StopTimeout'), 30, task.at)
        return queue ? [{ queue, worker, by: { name, limit: 'stopTimeout' as const } }] : []
      }),
    )
}
