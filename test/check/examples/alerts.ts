import { alarmsOf } from '../../../src/core/check/models/alarm.ts'
import { alertRules } from '../../../src/core/check/models/alert.ts'
import { panelQueries } from '../../../src/core/check/models/grafana.ts'
import type { World } from '../../../src/core/check/world.ts'
import { type FormatExample, place } from './example.ts'

function alerts(world: World): readonly string[] {
  const { alerts: list, recordings, unread } = alertRules(world)
  return [
    ...recordings.map(({ name, written }) => `${name}: ${written}`),
    ...list.map(
      ({ name, written, forS, labels, exprAt }) =>
        `${name} (${labels.get('severity') ?? labels.get('sloth_severity') ?? ''}, ${forS} s) ${place(exprAt)} ${written}`,
    ),
    ...unread.map(({ name, problem, at }) => `${name} ${place(at)} ${problem}`),
  ]
}

function alarms(world: World): readonly string[] {
  return alarmsOf(world.cloud).map((alarm) => {
    const queries = alarm.queries.map(
      (query) =>
        query.expression ??
        `${query.metric!.statistic} of ${query.metric!.namespace}/${query.metric!.name} ${query.metric!.periodS} s`,
    )
    const test =
      alarm.rule ??
      `${queries.join(', ')} ${alarm.operator} ${alarm.threshold} ${alarm.datapoints}/${alarm.evaluationPeriods} ${alarm.missing}`
    return `${alarm.name} ${place(alarm.thresholdAt)} ${test}${alarm.open ? ` (open: ${alarm.open})` : ''}`
  })
}

const FAST = 'slo:sli_error:ratio_rate5m'
const SLOW = 'slo:sli_error:ratio_rate1h'

export const alertSources: readonly FormatExample[] = [
  {
    format: 'slo',
    name: 'Sloth: the recordings and the two alerts that it generates',
    files: {
      'slo/claim.yml':
        'version: prometheus/v1\nservice: claim\nlabels: { team: a }\nslos:\n  - name: submit\n    objective: 99.9\n    sli:\n      events:\n        error_query: sum(rate(http_total{code=~"5.."}[{{.window}}]))\n        total_query: sum(rate(http_total[{{.window}}]))\n    alerting:\n      name: SubmitFailing\n      page_alert:\n        labels: { severity: page }\n      ticket_alert:\n        disable: true\n',
    },
    read: (world) => alerts(world).filter((line) => !/ratio_rate(30m|2h|6h|1d|3d): /.test(line)),
    gives: [
      `${FAST}: (sum(rate(http_total{code=~"5.."}[5m]))) / (sum(rate(http_total[5m])))`,
      `${SLOW}: (sum(rate(http_total{code=~"5.."}[1h]))) / (sum(rate(http_total[1h])))`,
      'SubmitFailing (page, 0 s) slo/claim.yml:6:16 ' +
        '(max(slo:sli_error:ratio_rate5m{sloth_id="claim-submit",sloth_service="claim",sloth_slo="submit"} > (14.4 * 0.0009999999999999432)) without (sloth_window) and max(slo:sli_error:ratio_rate1h{sloth_id="claim-submit",sloth_service="claim",sloth_slo="submit"} > (14.4 * 0.0009999999999999432)) without (sloth_window)) or (max(slo:sli_error:ratio_rate30m{sloth_id="claim-submit",sloth_service="claim",sloth_slo="submit"} > (6 * 0.0009999999999999432)) without (sloth_window) and max(slo:sli_error:ratio_rate6h{sloth_id="claim-submit",sloth_service="claim",sloth_slo="submit"} > (6 * 0.0009999999999999432)) without (sloth_window))',
    ],
  },
  {
    format: 'slo',
    name: 'Pyrra: four burn rates and an absence, with its own windows and holds',
    files: {
      'slo/claim.yaml':
        'apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: { name: claim }\nspec:\n  target: "99"\n  window: 4w\n  indicator:\n    ratio:\n      errors: { metric: "http_total{code=~\\"5..\\"}" }\n      total: { metric: http_total }\n',
    },
    read: (world) => alerts(world).filter((line) => /burnrate(5|60)m: |critical/.test(line)),
    gives: [
      'http:burnrate60m: sum(rate(http_total{code=~"5.."}[60m])) / sum(rate(http_total[60m]))',
      'http:burnrate5m: sum(rate(http_total{code=~"5.."}[5m])) / sum(rate(http_total[5m]))',
      'ErrorBudgetBurn (critical, 120 s) slo/claim.yaml:5:11 http:burnrate5m{slo="claim"} > (14 * (1 - 0.99)) and http:burnrate60m{slo="claim"} > (14 * (1 - 0.99))',
      'ErrorBudgetBurn (critical, 900 s) slo/claim.yaml:5:11 http:burnrate30m{slo="claim"} > (7 * (1 - 0.99)) and http:burnrate360m{slo="claim"} > (7 * (1 - 0.99))',
      'SLOMetricAbsent (critical, 120 s) slo/claim.yaml:9:7 absent(http_total) == 1',
    ],
  },
  {
    format: 'slo',
    name: 'OpenSLO: conditions over indicators in other documents',
    files: {
      'slo/all.yaml':
        'apiVersion: openslo/v1\nkind: SLI\nmetadata: { name: good }\nspec:\n  ratioMetric:\n    good: { metricSource: { type: Prometheus, spec: { query: "http_total{code!~\\"5..\\"}" } } }\n    total: { metricSource: { type: Prometheus, spec: { query: http_total } } }\n---\napiVersion: openslo/v1\nkind: SLO\nmetadata: { name: claim }\nspec:\n  indicatorRef: good\n  objectives:\n    - target: 0.999\n  alertPolicies:\n    - kind: AlertPolicy\n      spec:\n        conditions:\n          - kind: AlertCondition\n            metadata: { name: fast }\n            spec:\n              severity: page\n              condition: { kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m }\n',
    },
    read: alerts,
    gives: [
      'claim: fast (page, 300 s) slo/all.yaml:24:63 (1 - (sum(rate(http_total{code!~"5.."}[1h]))) / (sum(rate(http_total[1h])))) / (1 - 0.999) > 14.4',
    ],
  },
  {
    format: 'grafana-alerts',
    name: 'Grafana alert rules as one condition each; a query in another language is said',
    files: {
      'grafana/rules.yaml':
        'apiVersion: 1\ngroups:\n  - name: g\n    folder: f\n    rules:\n      - title: Failing\n        condition: C\n        for: 5m\n        noDataState: OK\n        labels: { severity: critical }\n        data:\n          - refId: A\n            relativeTimeRange: { from: 600, to: 0 }\n            datasourceUid: prom\n            model:\n              expr: sum(rate(http_total{code=~"5.."}[5m]))\n          - refId: B\n            datasourceUid: __expr__\n            model: { type: reduce, expression: A, reducer: mean }\n          - refId: C\n            datasourceUid: __expr__\n            model:\n              type: threshold\n              expression: B\n              conditions: [{ evaluator: { type: gt, params: [3] } }]\n      - title: Other\n        condition: A\n        data:\n          - refId: A\n            datasourceUid: loki\n            model: { query: x }\n',
    },
    read: alerts,
    gives: [
      'Failing (critical, 300 s) grafana/rules.yaml:16:21 (avg_over_time((sum(rate(http_total{code=~"5.."}[5m])))[600s:60s])) > 3',
      'Other grafana/rules.yaml:26:9 The query A is not PromQL.',
    ],
  },
  {
    format: 'grafana-dashboard',
    name: 'dashboards: the queries of all panels, rows included',
    files: {
      'grafana/claim.json':
        '{\n "title": "Claim",\n "schemaVersion": 39,\n "panels": [\n  { "title": "Row", "panels": [ { "title": "Rate", "targets": [ { "expr": "rate(http_total[5m])" } ] } ] }\n ]\n}\n',
    },
    read: (world) =>
      world
        .documents('grafana-dashboard')
        .flatMap(({ root, src }) =>
          panelQueries(root).map(
            ({ panel, expr, node }) => `${panel}: ${expr} ${place({ file: src.file, ...src.lines.placeOf(node.at) })}`,
          ),
        ),
    gives: ['Rate: rate(http_total[5m]) grafana/claim.json:5:75'],
  },
  {
    format: 'cloudwatch',
    name: 'CloudWatch alarms in JSON, CloudFormation and Terraform, composite ones and metric math among them',
    files: {
      'alarms/errors.json':
        '{\n "AlarmName": "errors",\n "Namespace": "AWS/ApplicationELB",\n "MetricName": "HTTPCode_Target_5XX_Count",\n "Statistic": "Sum",\n "Period": 60,\n "EvaluationPeriods": 3,\n "DatapointsToAlarm": 2,\n "Threshold": 5,\n "ComparisonOperator": "GreaterThanThreshold",\n "TreatMissingData": "notBreaching"\n}\n',
      'alarms/stack.yaml':
        'Resources:\n  Share:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      ComparisonOperator: GreaterThanThreshold\n      Threshold: 10\n      EvaluationPeriods: 2\n      Metrics:\n        - Id: share\n          Expression: FILL(bad, 0) / all * 100\n        - Id: bad\n          ReturnData: false\n          MetricStat:\n            Stat: Sum\n            Period: 60\n            Metric: { Namespace: AWS/ApplicationELB, MetricName: HTTPCode_Target_5XX_Count }\n  Both:\n    Type: AWS::CloudWatch::CompositeAlarm\n    Properties:\n      AlarmRule: !Sub ALARM(${Share}) OR ALARM("errors")\n',
      'alarms/main.tf':
        'resource "aws_cloudwatch_metric_alarm" "slow" {\n  alarm_name          = "slow"\n  comparison_operator = "GreaterThanUpperThreshold"\n  evaluation_periods  = 2\n  threshold_metric_id = "band"\n  metric_query {\n    id          = "band"\n    expression  = "ANOMALY_DETECTION_BAND(m1, 2)"\n    return_data = true\n  }\n  metric_query {\n    id          = "m1"\n    return_data = true\n    metric {\n      namespace   = "AWS/ApplicationELB"\n      metric_name = "TargetResponseTime"\n      period      = 120\n      stat        = "p99"\n    }\n  }\n}\n',
    },
    read: alarms,
    gives: [
      'Share alarms/stack.yaml:6:18 FILL(bad, 0) / all * 100, Sum of AWS/ApplicationELB/HTTPCode_Target_5XX_Count 60 s GreaterThanThreshold 10 2/2 missing',
      'Both alarms/stack.yaml:20:23 ALARM(Share) OR ALARM("errors")',
      'slow alarms/main.tf:1:1 ANOMALY_DETECTION_BAND(m1, 2), p99 of AWS/ApplicationELB/TargetResponseTime 120 s GreaterThanUpperThreshold undefined 2/2 missing (open: an anomaly band, which CloudWatch learns from the past)',
      'errors alarms/errors.json:9:15 Sum of AWS/ApplicationELB/HTTPCode_Target_5XX_Count 60 s GreaterThanThreshold 5 2/3 notBreaching',
    ],
  },
]
