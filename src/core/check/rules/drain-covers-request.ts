import { items, num, spotOf, text } from '../formats/node.ts'
import { field, type Resource } from '../models/cloud.ts'
import { deregistration } from '../models/ecs.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const drainCoversRequest: Rule = {
  id: 'drain-covers-request',
  question: 5,
  title: 'Draining lasts as long as the longest request that the load balancer allows',
  formats: ['cloudformation', 'terraform'],
  severity: 'warn',
  reach: 3,
  harm: 'A slow submission that the load balancer would have waited for is cut off because a deployment happened.',
  defaults: 'idle time-out 60 s (1–4000), deregistration delay 300 s.',
  fix: 'Make the deregistration delay at least the idle time-out.',
  cites: 'Holdfast: request time-out ≤ drain ≤ stop budget',
  bad: {
    'lb.tf':
      'resource "aws_lb" "main" {\n  idle_timeout = 180\n}\nresource "aws_lb_target_group" "web" {\n  port = 8080\n  deregistration_delay = 30\n}\n',
  },
  good: {
    'lb.tf':
      'resource "aws_lb" "main" {\n  idle_timeout = 60\n}\nresource "aws_lb_target_group" "web" {\n  port = 8080\n  deregistration_delay = 60\n}\n',
  },
  *check(world): Iterable<Verdict> {
    const balancers = world.cloud.filter((resource) => resource.type === 'load-balancer')
    const idle = balancers.map(idleOf).find((found) => found !== undefined)
    if (!idle) return
    for (const group of world.cloud.filter((resource) => resource.type === 'target-group')) {
      const delay = deregistration(group)
      if (!delay.known) continue
      const arithmetic = `idle time-out ${idle.seconds} s (${idle.file}:${idle.line}) > deregistration delay ${delay.value} s`
      if (delay.value < idle.seconds)
        yield fail(delay.at, `${group.id} waits ${delay.value} s for requests that may take ${idle.seconds} s.`, {
          arithmetic,
          soft: delay.soft,
        })
      else yield pass(delay.at)
    }
  },
}

/** The idle time-out where it is written; the default is left out, because nobody chose it for this service. */
function idleOf(balancer: Resource): { seconds: number; file: string; line: number } | undefined {
  const listed = items(field(balancer, 'LoadBalancerAttributes')).map((item) => balancer.resolve(item))
  const attribute = listed.find(
    (item) => item.kind === 'map' && text(item.entries.get('Key')?.value) === 'idle_timeout.timeout_seconds',
  )
  const node = attribute?.kind === 'map' ? attribute.entries.get('Value')?.value : field(balancer, 'idle_timeout')
  const seconds = num(node)
  if (!node || seconds === undefined) return undefined
  const { file, line } = spotOf(node)
  return { seconds, file, line }
}
