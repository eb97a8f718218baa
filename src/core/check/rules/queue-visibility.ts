import { num, spotOf } from '../formats/node.ts'
import { field, referenceOf } from '../models/cloud.ts'
import { numberAt, shown } from '../models/value.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const queueVisibility: Rule = {
  id: 'queue-visibility',
  question: 5,
  title: 'A message stays hidden for as long as its work may take',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 3,
  harm: 'One citizen’s application is processed twice: two letters, two payments.',
  defaults: 'VisibilityTimeout 30 s; Lambda Timeout 3 s.',
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
    const functions = world.cloud.filter((resource) => resource.type === 'lambda')
    for (const link of world.cloud.filter((resource) =>
      /EventSourceMapping|event_source_mapping/.test(resource.written),
    )) {
      const queue = referenceOf(link, field(link, 'EventSourceArn'), queues)
      const worker = referenceOf(link, field(link, 'FunctionName'), functions)
      if (!queue || !worker) continue
      const hidden = numberAt(queue, 30, 'VisibilityTimeout', 'visibility_timeout_seconds')
      const timeout = numberAt(worker, 3, 'Timeout')
      if (!hidden.known || !timeout.known) continue
      const node = field(queue, 'VisibilityTimeout', 'visibility_timeout_seconds')
      const at = node && num(node) !== undefined ? spotOf(node) : queue.at
      if (hidden.value < timeout.value)
        yield fail(at, `${queue.id} hands a message out again while ${worker.id} still works on it.`, {
          arithmetic: `visibility ${shown(hidden)} s < time-out ${shown(timeout)} s`,
          soft: hidden.soft || timeout.soft,
        })
      else yield pass(at)
    }
  },
}
