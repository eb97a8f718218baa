/** Where every number comes from that the alerts rest on: what Holdfast measures by itself, and what the service must export, with the code. */
import type { Service } from '../define/schema.ts'
import { METRICS } from '../traffic/metrics.ts'
import { type Alert, alertsOf, jobOf, stagedPairs, yamlText } from './alerts.ts'
import { countersCode } from './counters.ts'
import { type Language, languageOf } from './language.ts'
import { syntheticWindow } from './numbers.ts'
import { isOurs } from './pipelines/way.ts'
import { sliOf } from './source.ts'

/** The address at which Holdfast's traffic layer is scraped: the default of `holdfast serve --metrics`. */
const SCRAPED = '127.0.0.1:9464'

/** A gauge that the service itself must export. */
export interface Owed {
  readonly metric: string
  readonly label: 'sli' | 'heartbeat'
  readonly value: string
  readonly says: string
  readonly alerts: readonly string[]
}

/** What the alerts read and Holdfast cannot measure, in the order of the alerts. */
export function owedBy(service: Service): readonly Owed[] {
  const owed = new Map<string, Owed>()
  for (const alert of alertsOf(service))
    for (const { name } of alert.probe.series) {
      const found = /^(\w+)\{.*\b(sli|heartbeat)="([^"]+)"/.exec(name)
      if (!found) continue
      const [, metric, label, value] = found as unknown as [string, string, Owed['label'], string]
      const key = `${metric} ${value}`
      const known = owed.get(key)
      owed.set(key, {
        metric,
        label,
        value,
        says: known?.says ?? saysOf(service, metric, value, alert),
        alerts: [...(known?.alerts ?? []), alert.name],
      })
    }
  return [...owed.values()]
}

function saysOf(service: Service, metric: string, value: string, alert: Alert): string {
  const sli = sliOf(service, value)
  switch (metric) {
    case 'reconciliation_unmatched':
      return sli?.kind === 'reconciliation'
        ? `how many of ${sli.left} have no match in ${sli.right}, now`
        : 'how many do not match, now'
    case 'invariant_violations':
      return sli?.kind === 'invariant' ? `${sli.counts}, now` : 'how many violations there are, now'
    case 'freshness_age_seconds':
      return sli?.kind === 'freshness' ? `age of ${sli.of}, in seconds` : 'age, in seconds'
    case 'latency_percentile_ms':
      return sli?.kind === 'latency'
        ? `${sli.percentile} of 100 ${sli.of ? `of ${sli.of} ` : ''}are faster than this, in ms`
        : 'percentile, in ms'
    case 'heartbeat_timestamp_seconds': {
      const beat = service.watch.silence.find((one) => one.id === value)
      return `when ${beat?.what ?? value} last finished, as seconds since 1970`
    }
    default:
      return `1 while it is so, else 0: ${alert.arithmetic[0]?.replace(/^computed outside of Prometheus \(([\w-]+)\), because [^:]*: /, '').replace(/; 1 while it is so$/, '') ?? value}`
  }
}

const constant = (owed: Owed) => `${owed.metric}_${owed.value}`.replace(/[^A-Za-z0-9]+/g, '_')
const camelName = (owed: Owed) => constant(owed).replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

/** The gauges in the language of the service; each is set where its number is computed. */
function codeOf(language: Language, service: Service, owed: readonly Owed[]): readonly string[] {
  const metrics = [...new Set(owed.map((one) => one.metric))]
  const labelOf = (metric: string) => owed.find((one) => one.metric === metric)!.label
  switch (language) {
    case 'node':
      return [
        '```js',
        "import { Gauge } from 'prom-client'",
        '',
        ...metrics.map(
          (metric) =>
            `const ${metric} = new Gauge({ name: '${metric}', help: 'see ops/alerts/metrics.md', labelNames: ['${labelOf(metric)}'] })`,
        ),
        '',
        ...owed.flatMap((one) => [
          `// ${one.says}`,
          `export const ${camelName(one)} = (value) => ${one.metric}.set({ ${one.label}: '${one.value}' }, value)`,
        ]),
        '```',
      ]
    case 'python':
      return [
        '```python',
        'from prometheus_client import Gauge',
        '',
        ...metrics.map(
          (metric) => `${metric} = Gauge("${metric}", "see ops/alerts/metrics.md", ["${labelOf(metric)}"])`,
        ),
        '',
        ...owed.flatMap((one) => [`# ${one.says}`, `${constant(one)} = ${one.metric}.labels("${one.value}").set`]),
        '```',
      ]
    case 'ruby':
      return [
        '```ruby',
        "require 'prometheus/client'",
        '',
        ...metrics.map(
          (metric) =>
            `${metric.toUpperCase()} = Prometheus::Client.registry.gauge(:${metric}, docstring: 'see ops/alerts/metrics.md', labels: [:${labelOf(metric)}])`,
        ),
        '',
        ...owed.flatMap((one) => [
          `# ${one.says}`,
          `def ${constant(one)}(value) = ${one.metric.toUpperCase()}.set(value, labels: { ${one.label}: '${one.value}' })`,
        ]),
        '```',
      ]
    case 'java':
      return [
        '```java',
        'import io.micrometer.core.instrument.MeterRegistry;',
        'import io.micrometer.core.instrument.Tags;',
        'import java.util.concurrent.atomic.AtomicLong;',
        '',
        'final class Measures {',
        ...owed.flatMap((one) => [`  /** ${one.says} */`, `  final AtomicLong ${camelName(one)};`]),
        '',
        '  Measures(MeterRegistry registry) {',
        ...owed.map(
          (one) =>
            `    ${camelName(one)} = registry.gauge("${one.metric}", Tags.of("${one.label}", "${one.value}"), new AtomicLong());`,
        ),
        '  }',
        '}',
        '```',
      ]
    case 'any':
      return [
        '```',
        ...metrics.flatMap((metric) => [
          `# TYPE ${metric} gauge`,
          ...owed
            .filter((one) => one.metric === metric)
            .flatMap((one) => [`# ${one.says}`, `${metric}{${one.label}="${one.value}"} 0`]),
        ]),
        '```',
        '',
        `Answer these lines at a path that the scrape job \`${jobOf(service)}\` reads, or write them into a file that node_exporter’s textfile collector reads.`,
      ]
  }
}

export function measuresText(service: Service): string {
  const owed = owedBy(service)
  const cloud = service.tooling.metrics === 'cloudwatch'
  const counted = stagedPairs(service).length > 0
  return [
    `# What the alerts of "${service.service.name}" rest on`,
    '',
    ...(isOurs(service) ? measuredByUs(service) : counted ? citizensToCount(service) : []),
    '## Numbers that are in your data',
    '',
    ...(owed.length === 0
      ? ['None: no alert of this service needs more.']
      : [
          'Nobody sees these from outside, and nobody is watched by the alerts on them until the service exports them: from its start on, also while they are 0. As long as one is missing, its alert cannot fire; `NobodyMeasures…` and `Silent…` in the last column say so.',
          '',
          '| metric | what it is | alert |',
          '|---|---|---|',
          ...owed.map(
            (one) => `| \`${one.metric}{${one.label}="${one.value}"}\` | ${one.says} | ${one.alerts.join(', ')} |`,
          ),
          '',
          ...codeOf(languageOf(service), service, owed),
          '',
          `Prometheus adds the label \`job="${jobOf(service)}"\`; the rules look for it. Set a number where it is computed, and only then: a job that died must not go on reporting its last success.`,
          ...(cloud
            ? [
                '',
                `CloudWatch gets the same names and labels through its agent (\`ops/alerts/cloudwatch-agent.json\`), in the namespace \`${jobOf(service)}\`.`,
              ]
            : []),
        ]),
  ].join('\n')
}

const COUNTED = [METRICS.tried, METRICS.bad, METRICS.walks, METRICS.badWalks]

function measuredByUs(service: Service): string[] {
  const { everySeconds } = syntheticWindow(service)
  return [
    '## Measured by Holdfast itself',
    '',
    `The gateway counts citizens and answers at \`http://${SCRAPED}/metrics\` (\`holdfast serve --metrics ${SCRAPED}\`), for every journey and step of the definition, from the first moment, at 0. \`ops/alerts/prometheus.yml\` scrapes it as job \`${jobOf(service)}\`. With \`holdfast serve --walk\` it walks through each journey every ${everySeconds} s as a synthetic citizen; without it the alerts on walks cannot fire, and \`NobodyWalks\` says so.`,
    '',
    '| metric | meaning |',
    '|---|---|',
    ...COUNTED.map(({ name, says }) => `| \`${name}\` | ${says} |`),
    '',
  ]
}

/** Citizens do not pass our gateway here, so whoever answers them counts them. */
function citizensToCount(service: Service): string[] {
  const { everySeconds } = syntheticWindow(service)
  return [
    '## Citizens, counted where they are answered',
    '',
    `Citizens of this service do not pass Holdfast’s gateway, so the service counts them, and whatever walks through its journeys every ${everySeconds} s counts its walks. The alert \`TelemetryLost\` rings until the first is there, \`NobodyWalks\` until the second is.`,
    '',
    '| metric | meaning |',
    '|---|---|',
    ...COUNTED.map(({ name, says }) => `| \`${name}\` | ${says} |`),
    '',
    ...countersCode(languageOf(service), service, stagedPairs(service)),
    '',
  ]
}

/** A scrape configuration that fits the rules; the agent of CloudWatch reads the same form. */
export function scrapeText(service: Service): string {
  const ours = isOurs(service)
  const owed = ours && owedBy(service).length > 0
  const production = service.environments.find((environment) => environment.kind === 'production')
  const host = production?.url ? new URL(production.url).host : undefined
  return [
    `# Scrapes what the alerts of ${yamlText(service.service.name)} rest on; see metrics.md.`,
    'global: { scrape_interval: 15s, evaluation_interval: 1m }',
    ...(service.tooling.metrics === 'cloudwatch'
      ? []
      : [
          `rule_files: [${service.service.id}.rules.yml]`,
          'alerting:',
          '  alertmanagers: [ { static_configs: [ { targets: ["127.0.0.1:9093"] } ] } ]',
        ]),
    'scrape_configs:',
    `  - job_name: ${yamlText(jobOf(service))}`,
    ...(ours
      ? [
          '    static_configs:',
          `      # Holdfast's own counts.${owed ? ` Add the address at which the service${host ? ` (${host})` : ''} exports what metrics.md lists.` : ''}`,
          `      - targets: ["${SCRAPED}"]`,
        ]
      : [
          `    # Where the service${host ? ` (${host})` : ''} answers with what metrics.md lists; whoever starts its replicas writes their addresses here.`,
          '    file_sd_configs:',
          `      - files: ["/etc/prometheus/${service.service.id}.targets.json"]`,
        ]),
  ].join('\n')
}
