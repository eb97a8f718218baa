/** promtool tests: each alert is silent while all is well, fires when its failure is there, and is silent again afterwards. */
import type { Journey, Service } from '../define/schema.ts'
import { type Alert, jobOf, labelsOf, yamlText } from './alerts.ts'

/** Minutes of healthy data before the fault, enough for every staged rule to have its first minute. */
const HEALTHY = 5

export function alertTests(
  service: Service,
  pairs: readonly { readonly journey: Journey; readonly step: string }[],
  alerts: readonly Alert[],
): string {
  return [
    '# promtool test rules, made from the same numbers as the rules: silent, firing, silent again.',
    `rule_files: [${service.service.id}.rules.yml]`,
    'evaluation_interval: 1m',
    'tests:',
    ...alerts.flatMap((alert) => testOf(service, pairs, alert)),
  ].join('\n')
}

function testOf(
  service: Service,
  pairs: readonly { readonly journey: Journey; readonly step: string }[],
  alert: Alert,
): string[] {
  const { afterMinutes } = alert.probe
  const fires = HEALTHY + afterMinutes
  const broken = afterMinutes + 2
  const healed = afterMinutes + 10
  return [
    `  - name: ${alert.name}`,
    '    interval: 1m',
    '    input_series:',
    ...background(service, pairs, alert, HEALTHY + broken + healed),
    ...alert.probe.series.flatMap(({ name, healthy, broken: bad }) => [
      `      - series: '${name}'`,
      `        values: '${valuesOf(name, healthy, bad, broken, healed)}'`,
    ]),
    '    alert_rule_test:',
    ...expectation(alert, HEALTHY - 1, []),
    ...expectation(alert, fires, labelLines(service, alert)),
    ...expectation(alert, HEALTHY + broken + healed - 1, []),
  ]
}

/** The exporter is up, and the counters of the steps stand at what they are. */
function background(
  service: Service,
  pairs: readonly { readonly journey: Journey; readonly step: string }[],
  alert: Alert,
  minutes: number,
): string[] {
  const job = jobOf(service)
  const own = new Set(alert.probe.series.map((series) => series.name))
  const still = (name: string, value: number) =>
    own.has(name) ? [] : [`      - series: '${name}'`, `        values: '${value}x${minutes}'`]
  return [
    ...(alert.name === 'TelemetryLost'
      ? pairs
          .slice(0, 1)
          .flatMap(({ journey, step }) =>
            still(`journey_step_total{job="${job}",journey="${journey.id}",step="${step}"}`, 0),
          )
      : still(`up{job="${job}",instance="a"}`, 1)),
    ...pairs
      .filter(({ journey, step }) => journey.id === alert.journey && step === alert.step)
      .flatMap(({ journey, step }) =>
        still(`journey_step_bad_total{job="${job}",journey="${journey.id}",step="${step}"}`, 0),
      ),
  ]
}

/** Counters rise while broken; gauges jump; a heartbeat follows the clock, is old, and follows it again. */
function valuesOf(name: string, healthy: string, bad: string, broken: number, healed: number): string {
  if (healthy === 'clock') {
    const again = (HEALTHY + broken + 2) * 60
    return `0+60x${HEALTHY} ${bad}x${broken} ${again}+60x${healed}`
  }
  if (healthy === 'rising') return `0+1x${HEALTHY} ${HEALTHY + 1}x${broken} ${HEALTHY + 2}+1x${healed}`
  if (!/_total\{/.test(name)) return `${healthy}x${HEALTHY} ${bad}x${broken} ${healthy}x${healed}`
  const rise = Number(bad)
  // All the failures of a harm alert fall into its first minute; a synthetic run fails once a minute.
  if (name.startsWith('synthetic')) return `0x${HEALTHY} 1+1x${broken} ${broken + 1}x${healed}`
  return `0x${HEALTHY} ${rise}x${broken} ${rise}x${healed}`
}

function expectation(alert: Alert, minute: number, labels: readonly string[]): string[] {
  return [
    `      - eval_time: ${minute}m`,
    `        alertname: ${alert.name}`,
    labels.length === 0 ? '        exp_alerts: []' : '        exp_alerts:',
    ...labels,
  ]
}

function labelLines(service: Service, alert: Alert): string[] {
  const labels = Object.entries(labelsOf(service, alert)).map(([name, value]) => `${name}: ${value}`)
  return [
    `          - exp_labels: { ${labels.join(', ')} }`,
    '            exp_annotations:',
    `              summary: ${yamlText(alert.summary.replaceAll('{{ $value }}', firstValue(alert)))}`,
    ...(alert.runbook ? [`              runbook: ${yamlText(alert.runbook)}`] : []),
  ]
}

function firstValue(alert: Alert): string {
  return alert.probe.series[0]!.broken
}
