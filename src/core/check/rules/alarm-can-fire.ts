import { items, num, spotOf, text } from '../formats/node.ts'
import { field, fieldOf, type Resource } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const alarmCanFire: Rule = {
  id: 'alarm-can-fire',
  question: 10,
  title: 'A CloudWatch alarm can fire at all',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'The service is down, nobody is called, and the first to notice are citizens.',
  defaults: 'DatapointsToAlarm equals EvaluationPeriods.',
  fix: 'Use the metric’s own unit (TargetResponseTime is in seconds), its own dimensions, and no more datapoints than periods.',
  cites: 'Amazon CloudWatch user guide: metrics of Application Load Balancers, API Gateway, Lambda',
  bad: {
    'alarms.tf':
      'resource "aws_cloudwatch_metric_alarm" "slow" {\n  namespace = "AWS/ApplicationELB"\n  metric_name = "TargetResponseTime"\n  comparison_operator = "GreaterThanThreshold"\n  threshold = 2000\n  evaluation_periods = 3\n  dimensions = { LoadBalancer = aws_lb.main.arn_suffix }\n}\n',
  },
  good: {
    'alarms.tf':
      'resource "aws_cloudwatch_metric_alarm" "slow" {\n  namespace = "AWS/ApplicationELB"\n  metric_name = "TargetResponseTime"\n  comparison_operator = "GreaterThanThreshold"\n  threshold = 2\n  evaluation_periods = 3\n  dimensions = { LoadBalancer = aws_lb.main.arn_suffix }\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const alarm of world.cloud.filter((resource) => resource.type === 'alarm')) {
      const flaw = flawOf(alarm)
      if (flaw)
        yield fail(flaw.node ? spotOf(flaw.node) : alarm.at, flaw.says, {
          ...(flaw.sum ? { arithmetic: flaw.sum } : {}),
          soft: flaw.node?.soft,
        })
      else yield pass(alarm.at)
    }
  },
}

interface Flaw {
  readonly says: string
  readonly node: ReturnType<typeof field>
  readonly sum?: string
}

function flawOf(alarm: Resource): Flaw | undefined {
  const metric = text(field(alarm, 'MetricName'))
  const namespace = text(field(alarm, 'Namespace'))
  const threshold = field(alarm, 'Threshold')
  const limit = num(threshold)
  const above = /^Greater/.test(text(field(alarm, 'ComparisonOperator')) ?? '')
  const periods = num(field(alarm, 'EvaluationPeriods'))
  const points = field(alarm, 'DatapointsToAlarm')
  const needed = num(points)
  if (needed !== undefined && periods !== undefined && needed > periods)
    return {
      says: `${alarm.id} asks for ${needed} bad points among ${periods}.`,
      node: points,
      sum: `datapoints ${needed} > periods ${periods}`,
    }
  if (metric === undefined || limit === undefined) return undefined
  const most = mostOf(namespace ?? '', metric)
  if (above && most !== undefined && limit >= most.value)
    return {
      says: `${alarm.id} can never fire: ${metric} is ${most.because}.`,
      node: threshold,
      sum: `threshold ${limit}, largest value ${most.value}`,
    }
  if (
    !above &&
    /^Less/.test(text(field(alarm, 'ComparisonOperator')) ?? '') &&
    limit <= 0 &&
    text(field(alarm, 'ComparisonOperator')) === 'LessThanThreshold'
  )
    return { says: `${alarm.id} can never fire: ${metric} is never below 0.`, node: threshold }
  return dimensionFlaw(alarm, namespace ?? '', metric)
}

/** The largest value that still makes sense: percentages, and times that are in seconds but look like milliseconds. */
function mostOf(namespace: string, metric: string): { value: number; because: string } | undefined {
  if (namespace === 'AWS/ApplicationELB' && metric === 'TargetResponseTime')
    return { value: 300, because: 'in seconds, and the balancer gives up long before' }
  if (/Utilization$|^SuccessPercent$|Percent(age)?$/.test(metric)) return { value: 100, because: 'a percentage' }
  if (namespace === 'AWS/Lambda' && metric === 'Duration')
    return { value: 900_000, because: 'in milliseconds, and a function ends after 15 minutes' }
  if (namespace === 'AWS/ApiGateway' && /Latency$/.test(metric))
    return { value: 300_000, because: 'in milliseconds, and the gateway gives up long before' }
  return undefined
}

function dimensionFlaw(alarm: Resource, namespace: string, metric: string): Flaw | undefined {
  const node = field(alarm, 'Dimensions')
  if (!node || node.kind === 'opaque') return undefined
  const names =
    node.kind === 'map' ? [...node.entries.keys()] : items(node).map((item) => text(fieldOf(alarm, item, 'Name')) ?? '')
  if (names.length === 0) return undefined
  if (namespace === 'AWS/ApplicationELB' && !names.includes('LoadBalancer'))
    return { says: `${metric} has no series without the dimension LoadBalancer.`, node }
  if (namespace === 'AWS/ApiGateway' && names.includes('ApiId') && /^[45]XXError$/.test(metric))
    return {
      says: `${metric} belongs to REST APIs (ApiName); an HTTP API (ApiId) calls it ${metric.slice(0, 1)}xx.`,
      node,
    }
  if (namespace === 'AWS/ApiGateway' && names.includes('ApiName') && /^[45]xx$/.test(metric))
    return {
      says: `${metric} belongs to HTTP APIs (ApiId); a REST API (ApiName) calls it ${metric.slice(0, 1)}XXError.`,
      node,
    }
  if (namespace === 'AWS/ECS' && names.includes('ServiceName') && !names.includes('ClusterName'))
    return { says: `${metric} of a service has no series without the dimension ClusterName.`, node }
  return undefined
}
