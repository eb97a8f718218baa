/** CloudWatch alarms under one shape, from CloudFormation, SAM, CDK output, Terraform and the JSON of the AWS command line. */
import {
  fields,
  flag,
  items,
  type MapNode,
  type Node,
  num,
  type Source,
  type Spot,
  spotOf,
  text,
} from '../formats/node.ts'
import { field, fieldOf, type Resource } from './cloud.ts'

export interface Metric {
  readonly namespace: string
  readonly name: string
  readonly dimensions: ReadonlyMap<string, string>
  /** Seconds. */
  readonly periodS: number
  /** `Sum`, `Average`, `p99` … */
  readonly statistic: string
}

/** One query of an alarm: a metric, or an expression over the others. */
export interface MetricQuery {
  readonly id: string
  readonly metric?: Metric
  readonly expression?: string
  /** The one that the threshold is held against. */
  readonly returned: boolean
}

export type Missing = 'missing' | 'ignore' | 'breaching' | 'notBreaching'

export interface Alarm {
  readonly name: string
  readonly kind: 'metric' | 'composite'
  readonly resource: Resource
  readonly at: Spot
  readonly queries: readonly MetricQuery[]
  readonly operator: string
  /** Undefined where the files do not decide it. */
  readonly threshold?: number
  readonly thresholdAt: Spot
  readonly evaluationPeriods?: number
  readonly datapoints?: number
  readonly missing: Missing
  readonly actions: readonly string[]
  readonly actionsOn: boolean
  /** Composite alarms: the rule as written. */
  readonly rule?: string
  /** What the files leave open, or what we do not simulate (anomaly bands, searches); '' when nothing. */
  readonly open: string
}

/** Alarms of a tree in order. */
export function alarmsOf(cloud: readonly Resource[]): readonly Alarm[] {
  return cloud
    .filter((resource) => resource.type === 'alarm' || resource.type === 'composite-alarm')
    .map((resource) => (resource.type === 'alarm' ? metricAlarm(resource) : compositeAlarm(resource)))
}

const MISSING: readonly string[] = ['missing', 'ignore', 'breaching', 'notBreaching']

function common(resource: Resource) {
  const actions = items(field(resource, 'AlarmActions')).map((node) => textOf(resource.resolve(node)))
  return {
    name: text(field(resource, 'AlarmName')) ?? resource.id,
    resource,
    at: resource.at,
    actions,
    actionsOn: flag(field(resource, 'ActionsEnabled')) !== false,
  }
}

function textOf(node: Node): string {
  return node.kind === 'scalar' || node.kind === 'opaque' ? node.text.slice(0, 200) : node.kind
}

function metricAlarm(resource: Resource): Alarm {
  const threshold = field(resource, 'Threshold')
  const listed = items(field(resource, 'Metrics', 'metric_query')).map((node) => resource.resolve(node))
  const queries = listed.length > 0 ? listed.map((node) => queryOf(resource, node)) : [plainQuery(resource)]
  const evaluationPeriods = num(field(resource, 'EvaluationPeriods'))
  const datapoints = num(field(resource, 'DatapointsToAlarm')) ?? evaluationPeriods
  const missing = text(field(resource, 'TreatMissingData')) ?? 'missing'
  const limit = num(threshold)
  return {
    ...common(resource),
    kind: 'metric',
    queries,
    operator: text(field(resource, 'ComparisonOperator')) ?? '',
    ...(limit === undefined ? {} : { threshold: limit }),
    thresholdAt: threshold ? spotOf(threshold) : resource.at,
    ...(evaluationPeriods === undefined ? {} : { evaluationPeriods }),
    ...(datapoints === undefined ? {} : { datapoints }),
    missing: MISSING.includes(missing) ? (missing as Missing) : 'missing',
    open: openOf(resource, queries, threshold),
  }
}

function openOf(resource: Resource, queries: readonly MetricQuery[], threshold: Node | undefined): string {
  if (field(resource, 'ThresholdMetricId')) return 'an anomaly band, which CloudWatch learns from the past'
  const expression = queries.find((query) =>
    /ANOMALY_DETECTION_BAND|SEARCH\s*\(|SELECT\b|METRICS\s*\(\s*"/i.test(query.expression ?? ''),
  )
  if (expression) return `the expression "${expression.expression!.slice(0, 60)}"`
  if (threshold?.kind === 'opaque') return `the threshold ${threshold.text.slice(0, 60)}`
  const periods = field(resource, 'EvaluationPeriods')
  return periods?.kind === 'opaque' ? `the number of periods ${periods.text.slice(0, 60)}` : ''
}

function plainQuery(resource: Resource): MetricQuery {
  return {
    id: 'm',
    returned: true,
    metric: {
      namespace: text(field(resource, 'Namespace')) ?? '',
      name: text(field(resource, 'MetricName')) ?? '',
      dimensions: dimensionsOf(resource, field(resource, 'Dimensions')),
      periodS: num(field(resource, 'Period')) ?? 300,
      statistic: text(field(resource, 'ExtendedStatistic')) ?? text(field(resource, 'Statistic')) ?? 'Average',
    },
  }
}

function queryOf(resource: Resource, node: Node): MetricQuery {
  const of = (path: string) => fieldOf(resource, node, path)
  const expression = text(of('Expression'))
  const id = text(of('Id')) ?? ''
  const returned = flag(of('ReturnData')) !== false
  if (expression !== undefined) return { id, expression, returned: flag(of('ReturnData')) ?? true }
  // CloudFormation keeps the metric below MetricStat.Metric, Terraform below metric.
  const metric = of('MetricStat.Metric') ?? of('metric')
  const inner = (path: string) => fieldOf(resource, metric, path)
  return {
    id,
    // Terraform's return_data is false unless it is said.
    returned: resource.from === 'terraform' ? flag(of('ReturnData')) === true : returned,
    metric: {
      namespace: text(inner('Namespace')) ?? '',
      name: text(inner('MetricName')) ?? '',
      dimensions: dimensionsOf(resource, inner('Dimensions')),
      periodS: num(of('MetricStat.Period') ?? inner('Period')) ?? 300,
      statistic: text(of('MetricStat.Stat') ?? inner('Stat')) ?? 'Average',
    },
  }
}

function dimensionsOf(resource: Resource, node: Node | undefined): ReadonlyMap<string, string> {
  if (node?.kind === 'map')
    return new Map(fields(node).map(([name, value]) => [name, textOf(resource.resolve(value))] as const))
  return new Map(
    items(node).flatMap((item) => {
      const name = text(fieldOf(resource, item, 'Name'))
      const value = fieldOf(resource, item, 'Value')
      return name === undefined ? [] : [[name, value ? textOf(value) : ''] as const]
    }),
  )
}

function compositeAlarm(resource: Resource): Alarm {
  const node = field(resource, 'AlarmRule')
  const rule = text(node) ?? (node?.kind === 'opaque' ? substituted(node) : undefined)
  return {
    ...common(resource),
    kind: 'composite',
    queries: [],
    operator: '',
    thresholdAt: node ? spotOf(node) : resource.at,
    missing: 'missing',
    ...(rule === undefined ? {} : { rule }),
    open: rule === undefined ? 'its rule' : '',
  }
}

/** `ALARM(${High})` and `ALARM("${aws_cloudwatch_metric_alarm.high.alarm_name}")`: the reference stands for the alarm it names. */
function substituted(node: Node & { readonly kind: 'opaque' }): string | undefined {
  const raw =
    node.arg?.kind === 'scalar'
      ? node.arg.text
      : node.arg?.kind === 'list'
        ? items(node.arg)
            .flatMap((item) => (item.kind === 'list' ? item.items : [item]))
            .map((item) => (item.kind === 'scalar' ? item.text : referenceIn(item)))
            .join('')
        : /^\w+$/.test(node.call)
          ? node.text
          : undefined
  return raw?.replace(/\$\{\s*(?:aws_cloudwatch_\w+\.)?([\w-]+)(?:\.(?:alarm_name|name|arn|Arn|id))?\s*\}/g, '$1')
}

function referenceIn(node: Node): string {
  const [first] = fields(node)
  return node.kind === 'opaque' ? (text(node.arg) ?? node.text) : first ? (text(first[1]) ?? '') : ''
}

/** `describe-alarms` output, or the input of `put-metric-alarm` and `put-composite-alarm`. */
export function cloudwatchResources(root: Node, src: Source): readonly Resource[] {
  const of =
    (type: Resource['type']) =>
    (node: Node): Resource[] => {
      if (node.kind !== 'map') return []
      const body: MapNode = node
      const id = text(body.entries.get('AlarmName')?.value) ?? src.file
      return [
        {
          type,
          written: type,
          id,
          from: 'aws-cli',
          body,
          whole: body,
          at: spotOf(body),
          src,
          resolve: (value) => value,
        },
      ]
    }
  if (root.kind !== 'map') return items(root).flatMap(of('alarm'))
  const listed = [
    ...items(root.entries.get('MetricAlarms')?.value).flatMap(of('alarm')),
    ...items(root.entries.get('CompositeAlarms')?.value).flatMap(of('composite-alarm')),
  ]
  if (listed.length > 0) return listed
  return of(root.entries.has('AlarmRule') ? 'composite-alarm' : 'alarm')(root)
}
