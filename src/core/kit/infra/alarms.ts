/** Alarms on what the balancer and the platform see by themselves: they take a release back even when no exporter runs. */
import type { Component, Service } from '../../define/schema.ts'
import { cloudwatchAlarmNames } from '../cloudwatch.ts'
import { errorFigures, slowestLimit } from './figures.ts'
import { att, noted, type Part, pascal, ref, type Resource, type Value } from './model.ts'

export function alarmActions(_service: Service): Pick<Part, 'parameters'> {
  return { parameters: [{ name: 'PageTopic', type: 'String', says: 'ARN of the topic that pages' }] }
}

/** Answers 5xx, and answers later than every limit, of one target group. */
export function answersOf(service: Service, component: Component, group: string): Resource[] {
  const figures = errorFigures(service)
  const slowest = slowestLimit(service)
  const dimensions: Value = [
    { Name: 'TargetGroup', Value: att(group, 'TargetGroupFullName') },
    { Name: 'LoadBalancer', Value: ref('LoadBalancerFullName') },
  ]
  const shared = { Namespace: 'AWS/ApplicationELB', Dimensions: dimensions, EvaluationPeriods: 1 }
  const actions = { AlarmActions: [ref('PageTopic')], OKActions: [ref('PageTopic')] }
  const failing: Resource = {
    id: `${group}Fail`,
    type: 'AWS::CloudWatch::Alarm',
    props: {
      AlarmName: `${service.service.id}-${group}Fail`,
      AlarmDescription: `Citizens get errors from ${component.id}; a release that is on its way is taken back`,
      ...shared,
      MetricName: 'HTTPCode_Target_5XX_Count',
      Statistic: 'Sum',
      Period: figures.periodSeconds,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: figures.threshold,
      TreatMissingData: noted(
        'notBreaching',
        'the balancer counts nothing when there is no error; silence has alarms of its own',
      ),
      ...actions,
    },
  }
  if (!slowest) return [failing]
  return [
    failing,
    {
      id: `${group}Slow`,
      type: 'AWS::CloudWatch::Alarm',
      props: {
        AlarmName: `${service.service.id}-${group}Slow`,
        AlarmDescription: `One answer of ten from ${component.id} comes after citizens have given up`,
        ...shared,
        MetricName: 'TargetResponseTime',
        ExtendedStatistic: 'p90',
        Period: figures.periodSeconds,
        ComparisonOperator: 'GreaterThanThreshold',
        Threshold: slowest,
        TreatMissingData: noted('notBreaching', 'nobody asked, nobody waited'),
        ...actions,
      },
    },
  ]
}

/** Errors of a function behind its alias. */
export function errorsOf(service: Service, component: Component, functionId: string, alias: string): Resource {
  const { threshold, periodSeconds } = errorFigures(service)
  const once = component.kind === 'scheduled'
  const name = pascal(component.id)
  return {
    id: `${name}Fail`,
    type: 'AWS::CloudWatch::Alarm',
    props: {
      AlarmName: `${service.service.id}-${name}Fail`,
      AlarmDescription: `${component.id} fails; a release that is on its way is taken back`,
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Dimensions: [
        { Name: 'FunctionName', Value: ref(functionId) },
        { Name: 'Resource', Value: { $: 'join', parts: [ref(functionId), `:${alias}`] } },
      ],
      Statistic: 'Sum',
      Period: once ? noted(60, 'one run is one count: the first failure is the whole of it') : periodSeconds,
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: once ? noted(1, 'a run that fails is a run that did not happen') : threshold,
      TreatMissingData: noted('notBreaching', 'no run, no error; a run that did not start has an alarm of its own'),
      AlarmActions: [ref('PageTopic')],
      OKActions: [ref('PageTopic')],
    },
  }
}

/** Alarms on the journeys, which stand in the alarms file; ECS takes ten in all. */
export function journeyAlarms(service: Service): readonly string[] {
  return service.tooling.metrics === 'cloudwatch' ? cloudwatchAlarmNames(service) : []
}
