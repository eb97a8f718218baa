/**
 * promtool tests: each alert is silent while all is well, fires when its failure is there, and is silent again afterwards. The failures
 * of one test begin a minute apart, so each alert is also seen to be silent while those before it fail; and promtool, which evaluates
 * every rule for every minute of every test, has a few tests to run instead of one for each alert.
 */
import type { Service } from '../define/schema.ts'
import { type Alert, jobOf, labelsOf, stagedPairs, yamlText } from './alerts.ts'

/** Minutes of healthy data before the first fault, enough for every staged rule to have its first minute. */
const HEALTHY = 5

export function alertTests(service: Service, alerts: readonly Alert[]): string {
  return [
    '# promtool test rules, made from the same numbers as the rules: silent, firing, silent again; a failure begins each minute.',
    `rule_files: [${service.service.id}.rules.yml]`,
    'evaluation_interval: 1m',
    'tests:',
    ...groupsOf(alerts).flatMap((group) => testOf(service, group)),
  ].join('\n')
}

/** Alerts that can be tried in one world: none needs a series that another one breaks. */
function groupsOf(alerts: readonly Alert[]): readonly (readonly Alert[])[] {
  const groups: { readonly alerts: Alert[]; readonly series: Set<string>; readonly alone: boolean }[] = []
  for (const alert of alerts) {
    const names = alert.probe.series.map(({ name }) => name)
    // Where nothing is scraped, no other alert can tell anything.
    const alone = names.some((name) => name.startsWith('up{'))
    const fitting = alone
      ? undefined
      : groups.find((group) => !group.alone && !names.some((one) => group.series.has(one)))
    if (!fitting) groups.push({ alerts: [alert], series: new Set(names), alone })
    else {
      fitting.alerts.push(alert)
      for (const name of names) fitting.series.add(name)
    }
  }
  return groups.map((group) => group.alerts)
}

/** Minutes of one alert's failure, from the beginning of the test. */
interface Times {
  /** The last minute that is well. */
  readonly well: number
  readonly fires: number
  readonly brokenFor: number
  readonly healedFor: number
  readonly over: number
}

function timesOf({ probe }: Alert, place: number): Times {
  const well = HEALTHY + place
  const brokenFor = probe.afterMinutes + 2
  // What is counted in a window goes on until the window has passed; a gauge that is well again is well at once.
  const windowMinutes = probe.series.some(({ name }) => name.includes('_total{')) ? probe.afterMinutes : 0
  const healedFor = windowMinutes + 10
  return { well, fires: well + probe.afterMinutes, brokenFor, healedFor, over: well + brokenFor + healedFor - 1 }
}

function testOf(service: Service, alerts: readonly Alert[]): string[] {
  const placed = alerts.map((alert, i) => ({ alert, times: timesOf(alert, i) }))
  const minutes = Math.max(...placed.map(({ times }) => times.over)) + 1
  return [
    `  - name: ${alerts.length === 1 ? alerts[0]!.name : `${alerts[0]!.name} and ${alerts.length - 1} more`}`,
    '    interval: 1m',
    '    input_series:',
    ...background(service, alerts, minutes),
    ...placed.flatMap(({ alert, times }) =>
      alert.probe.series.flatMap(({ name, healthy, broken }) => [
        `      - series: '${name}'`,
        `        values: '${valuesOf(name, healthy, broken, times)}'`,
      ]),
    ),
    '    alert_rule_test:',
    ...placed.flatMap(({ alert, times }) => [
      ...expectation(alert, times.well - 1, []),
      ...expectation(alert, times.fires, labelLines(service, alert)),
      ...expectation(alert, times.over, []),
    ]),
  ]
}

/** The exporter is up, or citizens are counted while it is not. */
function background(service: Service, alerts: readonly Alert[], minutes: number): string[] {
  const job = jobOf(service)
  const own = new Set(alerts.flatMap((alert) => alert.probe.series.map(({ name }) => name)))
  const up = `up{job="${job}",instance="a"}`
  const [first] = stagedPairs(service)
  const counted = first
    ? `journey_step_total{job="${job}",journey="${first.journey.id}",step="${first.step}"}`
    : undefined
  const [name, value] = own.has(up) ? [counted, 0] : [up, 1]
  return name === undefined ? [] : [`      - series: '${name}'`, `        values: '${value}x${minutes}'`]
}

/** Counters rise while broken; gauges jump, or go; a heartbeat follows the clock, is old, and follows it again. */
function valuesOf(name: string, healthy: string, bad: string, { well, brokenFor, healedFor }: Times): string {
  if (healthy === 'clock') {
    const again = (well + brokenFor + 2) * 60
    return `0+60x${well} ${bad}x${brokenFor} ${again}+60x${healedFor}`
  }
  if (bad === 'absent') return `${healthy}x${well} _x${brokenFor} ${healthy}x${healedFor}`
  if (healthy === 'rising') return `0+1x${well} ${well + 1}x${brokenFor} ${well + 2}+1x${healedFor}`
  if (!/_total\{/.test(name)) return `${healthy}x${well} ${bad}x${brokenFor} ${healthy}x${healedFor}`
  const rise = Number(bad)
  // All the failures of a harm alert fall into its first minute; a synthetic run fails once a minute.
  if (name.startsWith('synthetic')) return `0x${well} 1+1x${brokenFor} ${brokenFor + 1}x${healedFor}`
  return `0x${well} ${rise}x${brokenFor} ${rise}x${healedFor}`
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
    `              summary: ${yamlText(alert.summary.replaceAll('{{ $value }}', alert.probe.series[0]!.broken))}`,
    ...(alert.runbook ? [`              runbook: ${yamlText(alert.runbook)}`] : []),
  ]
}
