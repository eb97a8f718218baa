/**
 * CloudWatch alarms on the same numbers, as CloudFormation. CloudWatch counts in windows that stand still, so the failures that page
 * may fall into two of them: each needs half. Silence and lost metrics are alarms of their own.
 */
import type { Service } from '../define/schema.ts'
import { jobOf, ONCALL_GUIDE, runbookOfJourney, stagedPairs } from './alerts.ts'
import { type KitFile, single } from './file.ts'
import { syntheticWindow, type Threshold, thresholdOf } from './numbers.ts'
import { alertName, modesOf, runbookPath, sliOf, type Source } from './source.ts'

export function cloudwatchFiles({ service }: Source): KitFile[] {
  if (service.tooling.metrics !== 'cloudwatch') return []
  return [
    single(
      'alerts',
      `ops/alerts/${service.service.id}.alarms.yml`,
      [['harmBudget'], ['failureModes'], ['slis'], ['watch']],
      template(service),
    ),
  ]
}

/** Names of the alarms on citizens who fail, as the template writes them: what ECS watches while a release goes out. */
export function cloudwatchAlarmNames(service: Service): readonly string[] {
  return stagedPairs(service).flatMap(({ journey, step }) =>
    thresholdOf(service, journey, step)
      ? [`${service.service.id}-CitizensFail${alertName(journey.id)}${alertName(step)}`]
      : [],
  )
}

interface Alarm {
  readonly id: string
  readonly says: string
  readonly arithmetic: string
  readonly metric: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly statistic: 'Sum' | 'Maximum' | 'SampleCount'
  readonly periodSeconds: number
  readonly periods: number
  readonly operator: 'GreaterThanThreshold' | 'GreaterThanOrEqualToThreshold' | 'LessThanThreshold'
  readonly threshold: number
  readonly missing: 'breaching' | 'notBreaching'
  readonly runbook: string
}

function alarmsOf(service: Service): readonly Alarm[] {
  const modes = modesOf(service)
  const steps = stagedPairs(service).flatMap(({ journey, step }): Alarm[] => {
    const threshold = thresholdOf(service, journey, step)
    return threshold ? [stepAlarm(journey.id, threshold, runbookOfJourney(service, journey.id))] : []
  })
  const { minutes, failures, everySeconds } = syntheticWindow(service)
  const synthetic = service.journeys
    .filter((journey) => journey.steps.length > 0)
    .map(
      (journey): Alarm => ({
        id: `Synthetic${alertName(journey.id)}`,
        says: `our own walk through "${journey.name}" fails`,
        arithmetic: `every ${everySeconds} s; ${failures} failures in ${minutes} min`,
        metric: 'SyntheticBad',
        dimensions: { Journey: journey.id },
        statistic: 'Sum',
        periodSeconds: minutes * 60,
        periods: 1,
        operator: 'GreaterThanOrEqualToThreshold',
        threshold: failures,
        missing: 'notBreaching',
        runbook: runbookOfJourney(service, journey.id),
      }),
    )
  const own = modes.flatMap((mode): Alarm[] => {
    const sli = sliOf(service, mode.detect.sli)
    const shared = {
      id: alertName(mode.id),
      says: `${mode.name}; citizens see: ${mode.citizenSees}`,
      dimensions: { Indicator: sli?.id ?? mode.id },
      statistic: 'Maximum' as const,
      periodSeconds: 60,
      runbook: runbookPath(mode),
      missing: 'notBreaching' as const,
    }
    const periods = (wanted: number) => Math.max(1, Math.ceil(wanted))
    if (sli?.kind === 'reconciliation')
      return [
        {
          ...shared,
          metric: 'ReconciliationUnmatched',
          arithmetic: `${sli.allowed} may differ for ${sli.graceMinutes} min`,
          periods: periods(sli.graceMinutes),
          operator: 'GreaterThanThreshold',
          threshold: sli.allowed,
        },
      ]
    if (sli?.kind === 'invariant')
      return [
        {
          ...shared,
          metric: 'InvariantViolations',
          arithmetic: `${sli.allowed} are allowed`,
          periods: 1,
          operator: 'GreaterThanThreshold',
          threshold: sli.allowed,
        },
      ]
    if (sli?.kind === 'freshness' && sli.ageMinutesMax !== undefined)
      return [
        {
          ...shared,
          metric: 'FreshnessAgeSeconds',
          arithmetic: `${sli.ageMinutesMax} min × 60`,
          periods: periods(mode.detect.forMinutes ?? 1),
          operator: 'GreaterThanThreshold',
          threshold: sli.ageMinutesMax * 60,
        },
      ]
    if (sli?.kind === 'latency')
      return [
        {
          ...shared,
          metric: 'LatencyPercentileMs',
          arithmetic: `${sli.percentile} of 100 within ${sli.limitMs} ms`,
          periods: periods(mode.detect.forMinutes ?? 1),
          operator: 'GreaterThanThreshold',
          threshold: sli.limitMs,
        },
      ]
    return [
      {
        ...shared,
        metric: 'IndicatorBreach',
        arithmetic: `1 while it is so (${mode.detect.kind})`,
        periods: periods(mode.detect.forMinutes ?? 1),
        operator: 'GreaterThanThreshold',
        threshold: 0,
      },
    ]
  })
  // SampleCount of a heartbeat in its whole time; a day is the longest that CloudWatch looks back.
  const silence = service.watch.silence
    .filter((beat) => beat.withinMinutes <= 1_440)
    .map(
      (beat): Alarm => ({
        id: `Silent${alertName(beat.id)}`,
        says: `nothing was heard of ${beat.what}`,
        arithmetic: `within ${beat.withinMinutes} min; missing data counts as silence`,
        metric: 'Heartbeat',
        dimensions: { Heartbeat: beat.id },
        statistic: 'SampleCount',
        periodSeconds: beat.withinMinutes * 60,
        periods: 1,
        operator: 'LessThanThreshold',
        threshold: 1,
        missing: 'breaching',
        runbook: ONCALL_GUIDE,
      }),
    )
  const first = stagedPairs(service)[0]
  const lost: Alarm[] = first
    ? [
        {
          id: 'TelemetryLost',
          says: `we cannot see how citizens of "${service.service.name}" are doing`,
          arithmetic: 'the counters are exported each minute, at 0 too',
          metric: 'JourneyStepTotal',
          dimensions: { Journey: first.journey.id, Step: first.step },
          statistic: 'SampleCount',
          periodSeconds: 60,
          periods: 3,
          operator: 'LessThanThreshold',
          threshold: 1,
          missing: 'breaching',
          runbook: ONCALL_GUIDE,
        },
      ]
    : []
  return [...steps, ...synthetic, ...own, ...silence, ...lost]
}

function stepAlarm(journey: string, threshold: Threshold, runbook: string): Alarm {
  const half = Math.ceil(threshold.failures / 2)
  return {
    id: `CitizensFail${alertName(journey)}${alertName(threshold.step)}`,
    says: `citizens cannot finish the step ${threshold.step} of ${journey}`,
    arithmetic: `${threshold.failures} in ${threshold.windowMinutes} min (thresholds.md); windows stand still, so half of them in one: ${half}`,
    metric: 'JourneyStepBad',
    dimensions: { Journey: journey, Step: threshold.step },
    statistic: 'Sum',
    periodSeconds: threshold.windowMinutes * 60,
    periods: 1,
    operator: 'GreaterThanOrEqualToThreshold',
    threshold: half,
    missing: 'notBreaching',
    runbook,
  }
}

function template(service: Service): string {
  const namespace = jobOf(service)
  return [
    "AWSTemplateFormatVersion: '2010-09-09'",
    `Description: ${JSON.stringify(`Alarms of ${service.service.name}, derived from harm to citizens`)}`,
    'Parameters:',
    '  PageTopic: { Type: String, Description: ARN of the topic that pages }',
    'Resources:',
    ...alarmsOf(service).flatMap((alarm) => [
      `  # ${alarm.arithmetic}`,
      `  ${alarm.id}:`,
      '    Type: AWS::CloudWatch::Alarm',
      '    Properties:',
      `      AlarmName: ${service.service.id}-${alarm.id}`,
      `      AlarmDescription: ${JSON.stringify(`${alarm.says}. Runbook: ${alarm.runbook}`)}`,
      `      Namespace: ${namespace}`,
      `      MetricName: ${alarm.metric}`,
      '      Dimensions:',
      ...Object.entries(alarm.dimensions).map(([name, value]) => `        - { Name: ${name}, Value: ${value} }`),
      `      Statistic: ${alarm.statistic}`,
      `      Period: ${alarm.periodSeconds}`,
      `      EvaluationPeriods: ${alarm.periods}`,
      `      ComparisonOperator: ${alarm.operator}`,
      `      Threshold: ${alarm.threshold}`,
      `      TreatMissingData: ${alarm.missing}`,
      '      AlarmActions: [{ Ref: PageTopic }]',
      '      OKActions: [{ Ref: PageTopic }]',
    ]),
  ].join('\n')
}
