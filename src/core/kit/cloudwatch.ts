/**
 * Alarms, objectives and a dashboard for CloudWatch on the same counts, as one CloudFormation template, and the configuration of the
 * agent that carries them there. CloudWatch counts in windows that stand still, so the failures that page may fall into two of them:
 * each needs half. Silence and lost metrics are alarms of their own.
 */
import type { FailureMode, Service, Sli } from '../define/schema.ts'
import { METRICS } from '../traffic/metrics.ts'
import { type Alert, alertsOf, jobOf, ONCALL_GUIDE, runbookOfJourney, stagedPairs, walkMinutes } from './alerts.ts'
import { cloudwatchDashboard } from './cloudwatch-dashboard.ts'
import { type KitFile, single } from './file.ts'
import { cloudformationText } from './infra/cloudformation.ts'
import { noted, type Props, pascal, type Resource, ref } from './infra/model.ts'
import { durationDays, syntheticWindow, type Threshold, thresholdOf, walkedJourneys } from './numbers.ts'
import { alertName, modesOf, runbookPath, type Source, sliOf } from './source.ts'

export function cloudwatchFiles({ service }: Source): KitFile[] {
  if (service.tooling.metrics !== 'cloudwatch') return []
  const from = [['harmBudget'], ['failureModes'], ['slis'], ['watch'], ['journeys']]
  const { id, name } = service.service
  const alarms = alarmsOf(service)
  const template = cloudformationText({
    name: `${id}-alarms`,
    description: `Alarms, objectives and dashboard of ${name}, derived from harm to citizens`,
    parameters: [{ name: 'PageTopic', type: 'String', says: 'ARN of the topic that pages' }],
    resources: [
      ...alarms.map((alarm) => alarmResource(service, alarm)),
      ...objectives(service),
      cloudwatchDashboard(service, alarms),
    ],
  })
  return [
    single('alerts', `ops/alerts/${id}.alarms.yml`, from, template),
    single('alerts', 'ops/alerts/cloudwatch-agent.json', [['tooling']], `${JSON.stringify(agent(service), null, 1)}\n`),
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

export interface Alarm {
  /** Logical id, and the alarm's name after the service's. */
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
  readonly missing: 'breaching' | 'notBreaching' | 'missing'
  readonly runbook: string
  /** The metric is a moment; what counts is how long ago it was. */
  readonly age?: boolean
  /** False: shown and written down, nobody is woken. */
  readonly page: boolean
}

/** Period times evaluation periods is a day at most (CloudWatch API reference, PutMetricAlarm). */
const DAY_SECONDS = 86_400

export function alarmsOf(service: Service): readonly Alarm[] {
  const steps = stagedPairs(service).flatMap(({ journey, step }): Alarm[] => {
    const threshold = thresholdOf(service, journey, step)
    return threshold ? [stepAlarm(journey.id, threshold, runbookOfJourney(service, journey.id))] : []
  })
  const { minutes, failures, everySeconds } = syntheticWindow(service)
  const synthetic = walkedJourneys(service).map(
    (journey): Alarm => ({
      id: `Synthetic${alertName(journey.id)}`,
      says: `our own walk through "${journey.name}" fails`,
      arithmetic: `every ${everySeconds} s; ${failures} failures in ${minutes} min`,
      metric: METRICS.badWalks.name,
      dimensions: { journey: journey.id },
      statistic: 'Sum',
      periodSeconds: minutes * 60,
      periods: 1,
      operator: 'GreaterThanOrEqualToThreshold',
      threshold: failures,
      missing: 'notBreaching',
      runbook: runbookOfJourney(service, journey.id),
      page: true,
    }),
  )
  return [
    ...steps,
    ...synthetic,
    ...modesOf(service).map((mode) => modeAlarm(mode, sliOf(service, mode.detect.sli))),
    ...alertsOf(service).flatMap((alert) => {
      const sli = sliOf(service, alert.indicator)
      if (!sli) return []
      const { name: id, summary: says, runbook = ONCALL_GUIDE } = alert
      return [measureAlarm({ id, of: sli.id, says, kind: sli.kind, forMinutes: 1, runbook, page: true }, sli)]
    }),
    ...alertsOf(service).flatMap(unmeasuredAlarm),
    ...silenceAlarms(service),
    ...lostAlarm(service),
    ...nobodyWalks(service),
  ]
}

function stepAlarm(journey: string, threshold: Threshold, runbook: string): Alarm {
  const half = Math.ceil(threshold.failures / 2)
  return {
    id: `CitizensFail${alertName(journey)}${alertName(threshold.step)}`,
    says: `citizens cannot finish the step ${threshold.step} of ${journey}`,
    arithmetic: `${threshold.failures} in ${threshold.windowMinutes} min (thresholds.md); windows stand still, so half of them in one: ${half}`,
    metric: METRICS.bad.name,
    dimensions: { journey, step: threshold.step },
    statistic: 'Sum',
    periodSeconds: Math.min(DAY_SECONDS, threshold.windowMinutes * 60),
    periods: 1,
    operator: 'GreaterThanOrEqualToThreshold',
    threshold: half,
    missing: 'notBreaching',
    runbook,
    page: true,
  }
}

function modeAlarm(mode: FailureMode, sli: Sli | undefined): Alarm {
  const { kind, forMinutes = 1 } = mode.detect
  const says = `${mode.name}; citizens see: ${mode.citizenSees}`
  const page = sli ? sli.pages : true
  const of = sli?.id ?? mode.id
  return measureAlarm({ id: alertName(mode.id), of, says, kind, forMinutes, runbook: runbookPath(mode), page }, sli)
}

interface Watched extends Pick<Alarm, 'id' | 'says' | 'runbook' | 'page'> {
  /** Value of the label `sli`. */
  readonly of: string
  readonly kind: string
  readonly forMinutes: number
}

/** The alarm on an indicator's own number, or on the service's word that it is broken. */
function measureAlarm({ id, of, says, kind, forMinutes, runbook, page }: Watched, sli: Sli | undefined): Alarm {
  const minutes = (wanted: number) => Math.max(1, Math.min(DAY_SECONDS / 60, Math.ceil(wanted)))
  const shared = {
    id,
    says,
    dimensions: { sli: of },
    statistic: 'Maximum' as const,
    periodSeconds: 60,
    operator: 'GreaterThanThreshold' as const,
    // Without data it is no "OK": the alarm says that it has none, on the dashboard too.
    missing: 'missing' as const,
    runbook,
    page,
  }
  switch (sli?.kind) {
    case 'reconciliation':
      return {
        ...shared,
        metric: 'reconciliation_unmatched',
        arithmetic: `${sli.left} must equal ${sli.right}; ${sli.allowed} may differ, for ${sli.graceMinutes} min`,
        periods: minutes(sli.graceMinutes),
        threshold: sli.allowed,
      }
    case 'invariant':
      return {
        ...shared,
        metric: 'invariant_violations',
        arithmetic: `${sli.counts}: ${sli.allowed} are allowed`,
        periods: 1,
        threshold: sli.allowed,
      }
    case 'latency':
      return {
        ...shared,
        metric: 'latency_percentile_ms',
        arithmetic: `${sli.percentile} of 100 within ${sli.limitMs} ms`,
        periods: minutes(forMinutes),
        threshold: sli.limitMs,
      }
    case 'freshness':
      if (sli.ageMinutesMax !== undefined)
        return {
          ...shared,
          metric: 'freshness_age_seconds',
          arithmetic: `${sli.of}: ${sli.ageMinutesMax} min × 60 = ${sli.ageMinutesMax * 60} s`,
          periods: minutes(forMinutes),
          threshold: sli.ageMinutesMax * 60,
        }
      break
    default:
  }
  return {
    ...shared,
    metric: 'sli_breach',
    arithmetic: `1 while it is so (${kind}), computed by the service (metrics.md)`,
    periods: minutes(forMinutes),
    threshold: 0,
  }
}

/** A number that nobody exports, in whole hours; nobody is woken for it, and the dashboard shows it. */
function unmeasuredAlarm({ name, summary, arithmetic, missing, forMinutes, runbook = ONCALL_GUIDE }: Alert): Alarm[] {
  if (!missing) return []
  return [
    {
      id: name,
      says: summary,
      arithmetic: arithmetic.join('; '),
      metric: missing.metric,
      dimensions: { sli: missing.sli },
      statistic: 'SampleCount',
      periodSeconds: 3_600,
      periods: Math.ceil(forMinutes / 60),
      operator: 'LessThanThreshold',
      threshold: 1,
      missing: 'breaching',
      runbook,
      page: false,
    },
  ]
}

/** The gauge stands where a job has left it when it dies, so its age is what tells: the time of the sample less the moment in it. */
function silenceAlarms(service: Service): Alarm[] {
  return service.watch.silence.map((beat) => ({
    id: `Silent${alertName(beat.id)}`,
    says: `nothing was heard of ${beat.what}`,
    arithmetic: `${beat.withinMinutes} min × 60 = ${beat.withinMinutes * 60} s; missing data counts as silence`,
    metric: 'heartbeat_timestamp_seconds',
    dimensions: { heartbeat: beat.id },
    statistic: 'Maximum',
    periodSeconds: 60,
    periods: 3,
    operator: 'GreaterThanThreshold',
    threshold: beat.withinMinutes * 60,
    missing: 'breaching',
    runbook: ONCALL_GUIDE,
    age: true,
    page: true,
  }))
}

function lostAlarm(service: Service): Alarm[] {
  const [first] = stagedPairs(service)
  if (!first) return []
  return [
    {
      id: 'TelemetryLost',
      says: `we cannot see how citizens of "${service.service.name}" are doing`,
      arithmetic: 'the counters are exported each minute, at 0 too; three minutes without are no blink',
      metric: METRICS.tried.name,
      dimensions: { journey: first.journey.id, step: first.step },
      statistic: 'SampleCount',
      periodSeconds: 60,
      periods: 3,
      operator: 'LessThanThreshold',
      threshold: 1,
      missing: 'breaching',
      runbook: ONCALL_GUIDE,
      page: true,
    },
  ]
}

/** Walks that nobody makes find nothing, and look like health. */
function nobodyWalks(service: Service): Alarm[] {
  const alert = alertsOf(service).find(({ name }) => name === 'NobodyWalks')
  const [first] = walkedJourneys(service)
  if (!alert || !first) return []
  const minutes = walkMinutes(service)
  return [
    {
      id: alert.name,
      says: alert.summary,
      arithmetic: alert.arithmetic.join('; '),
      metric: METRICS.walks.name,
      dimensions: { journey: first.id },
      statistic: 'Sum',
      periodSeconds: minutes * 60,
      periods: 1,
      operator: 'LessThanThreshold',
      threshold: 1,
      missing: 'breaching',
      runbook: ONCALL_GUIDE,
      page: true,
    },
  ]
}

export function dimensionsOf(dimensions: Readonly<Record<string, string>>): Props[] {
  return Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }))
}

function alarmResource(service: Service, alarm: Alarm): Resource {
  const actions = alarm.page ? { AlarmActions: [ref('PageTopic')], OKActions: [ref('PageTopic')] } : {}
  return {
    id: alarm.id,
    type: 'AWS::CloudWatch::Alarm',
    props: {
      AlarmName: `${service.service.id}-${alarm.id}`,
      AlarmDescription: `${alarm.says}. Runbook: ${alarm.runbook}`,
      ...(alarm.age
        ? { Metrics: ageOf(service, alarm) }
        : {
            Namespace: jobOf(service),
            MetricName: alarm.metric,
            Dimensions: dimensionsOf(alarm.dimensions),
            Statistic: alarm.statistic,
            Period: alarm.periodSeconds,
          }),
      EvaluationPeriods: alarm.periods,
      ComparisonOperator: alarm.operator,
      Threshold: noted(alarm.threshold, alarm.arithmetic),
      TreatMissingData: alarm.missing,
      ...actions,
    },
  }
}

function ageOf(service: Service, alarm: Alarm): Props[] {
  const Metric = {
    Namespace: jobOf(service),
    MetricName: alarm.metric,
    Dimensions: dimensionsOf(alarm.dimensions),
  }
  return [
    {
      Id: 'beat',
      MetricStat: { Metric, Period: alarm.periodSeconds, Stat: alarm.statistic },
      ReturnData: false,
    },
    { Id: 'age', Expression: 'EPOCH(beat) - beat', Label: 'seconds since', ReturnData: true },
  ]
}

/** Objectives of steps in Application Signals, on requests; burn over 5 min to 6 h, as its own console shows it. */
function objectives(service: Service): Resource[] {
  return service.slis.flatMap((sli): Resource[] => {
    if (sli.kind !== 'ratio' || sli.journey === undefined || sli.step === undefined) return []
    const dimensions = { journey: sli.journey, step: sli.step }
    const query = (Id: string, MetricName: string): Props => ({
      Id,
      MetricStat: {
        Metric: { Namespace: jobOf(service), MetricName, Dimensions: dimensionsOf(dimensions) },
        Period: 60,
        Stat: 'Sum',
      },
      ReturnData: true,
    })
    const days = durationDays(sli.window)
    return [
      {
        id: `Objective${pascal(sli.id)}`,
        type: 'AWS::ApplicationSignals::ServiceLevelObjective',
        props: {
          Name: `${service.service.id}-${sli.id}`,
          Description: `${sli.good ?? 'good'} of ${sli.total ?? 'all'}`,
          RequestBasedSli: {
            RequestBasedSliMetric: {
              MonitoredRequestCountMetric: { BadCountMetric: [query('bad', METRICS.bad.name)] },
              TotalRequestCountMetric: [query('total', METRICS.tried.name)],
            },
          },
          Goal: {
            AttainmentGoal: noted(sli.targetPercent, `of ${days} days; in citizens, not in minutes`),
            WarningThreshold: noted(
              30,
              'Application Signals warns when less than 30 % of the budget is left: its own default',
            ),
            Interval: { RollingInterval: { Duration: days, DurationUnit: 'DAY' } },
          },
          BurnRateConfigurations: [5, 30, 60, 360].map((minutes) => ({ LookBackWindowMinutes: minutes })),
        },
      },
    ]
  })
}

/** CloudWatch's agent reads Prometheus's format and carries each metric with the labels that the alarms name. */
function agent(service: Service): Record<string, unknown> {
  const job = jobOf(service)
  const sets = new Map<string, Set<string>>()
  const note = (metric: string, labels: readonly string[]) => {
    const key = labels.join(',')
    sets.set(key, new Set([...(sets.get(key) ?? []), metric]))
  }
  for (const alarm of alarmsOf(service)) note(alarm.metric, Object.keys(alarm.dimensions))
  for (const metric of [METRICS.tried, METRICS.bad]) note(metric.name, ['journey', 'step'])
  return {
    agent: { metrics_collection_interval: 60 },
    logs: {
      metrics_collected: {
        prometheus: {
          log_group_name: `/holdfast/${service.service.id}`,
          prometheus_config_path: '/opt/aws/amazon-cloudwatch-agent/etc/prometheus.yml',
          emf_processor: {
            metric_namespace: job,
            metric_declaration: [...sets].map(([labels, metrics]) => ({
              source_labels: ['job'],
              label_matcher: `^${job}$`,
              dimensions: [labels.split(',')],
              metric_selectors: [...metrics].sort().map((metric) => `^${metric}$`),
            })),
          },
        },
      },
    },
  }
}

/** Alarms and alerts are two ways to say one thing: each alert has its alarm. */
export function alertsWithoutAlarm(service: Service): readonly string[] {
  const ids = new Set(alarmsOf(service).map((alarm) => alarm.id))
  return alertsOf(service)
    .map((alert) => alert.name.replace(/^(Synthetic\w+)Fails$/, '$1'))
    .filter((name) => !ids.has(name))
}
