/**
 * The metrics that Holdfast exports, once: the exporter, the reference page and the kit read this table. Names of the first six are
 * those that the kit's alert rules use.
 */
export interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  readonly says: string
}

const STEP = ['journey', 'step', 'arm'] as const

export const METRICS = {
  tried: {
    name: 'journey_step_total',
    type: 'counter',
    labels: STEP,
    says: 'Citizens who tried a step. A citizen counts once at a step, whatever the retries; bots and our own walks do not count.',
  },
  bad: {
    name: 'journey_step_bad_total',
    type: 'counter',
    labels: STEP,
    says: 'Citizens who could not go on: wrong status, success marker missing, or later than the citizen limit.',
  },
  slow: {
    name: 'journey_step_slow_total',
    type: 'counter',
    labels: STEP,
    says: 'Of the bad ones: the right answer, later than the citizen limit.',
  },
  retries: {
    name: 'journey_step_retries_total',
    type: 'counter',
    labels: STEP,
    says: 'Failing answers to a citizen who is counted as bad already.',
  },
  walks: {
    name: 'synthetic_journey_total',
    type: 'counter',
    labels: ['journey'],
    says: 'Our own walks through a journey, counted at its first step.',
  },
  badWalks: {
    name: 'synthetic_journey_bad_total',
    type: 'counter',
    labels: ['journey'],
    says: 'Our own walks that failed, at whatever step.',
  },
  release: {
    name: 'holdfast_release',
    type: 'gauge',
    labels: ['arm', 'release'],
    says: 'Always 1: which release answers in which arm.',
  },
  share: {
    name: 'holdfast_canary_share',
    type: 'gauge',
    labels: [],
    says: 'Share of new sessions that the release on trial gets, 0 to 1; 0 when there is none.',
  },
  requests: {
    name: 'holdfast_requests_total',
    type: 'counter',
    labels: [],
    says: 'Requests of citizens, bots and our own walks.',
  },
  failedByUs: {
    name: 'holdfast_requests_failed_by_gateway_total',
    type: 'counter',
    labels: [],
    says: 'Answers that failed because of the traffic layer itself. A deployment promises that this does not rise.',
  },
  gaps: {
    name: 'holdfast_evidence_gaps_total',
    type: 'counter',
    labels: [],
    says: 'Times that counts were lost before they were read.',
  },
  traffic: {
    name: 'holdfast_traffic_info',
    type: 'gauge',
    labels: ['pid', 'port'],
    says: 'Always 1: the process that counts, and the port on which it serves citizens.',
  },
} as const satisfies Readonly<Record<string, Metric>>

/** A metric with its samples in Prometheus's text format. */
export function familyText(
  { name, type, says }: Metric,
  samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[],
): string {
  return [
    `# HELP ${name} ${says}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => sample(name, labels, value)),
  ].join('\n')
}

/** One sample in Prometheus's text format. */
export function sample(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** docs/reference/metrics.md */
export function metricsPage(): string {
  const rows = Object.values<Metric>(METRICS).map(
    ({ name, type, labels, says }) => `| \`${name}\` | ${type} | ${labels.join(', ')} | ${says} |`,
  )
  return `${[
    '<!-- Written by scripts/reference.ts from src/core/traffic/metrics.ts. -->',
    '# Metrics',
    '',
    '`holdfast serve` and `holdfast deploy start` let the gateway (or whoever steers HAProxy) answer `GET /metrics` in Prometheus’s text',
    'format on an address of its own, by default `127.0.0.1:9464` (`--metrics HOST:PORT`; `none` turns it off). It stands in the process',
    'that counts, so it goes on while the engine, the console and the database are dead. Counters begin at 0 with every life of that',
    'process. Every step of the definition is there from the start, at 0, in both arms (`stable`, `canary`).',
    '',
    'The alert rules of `holdfast kit` rest on these and on what your service exports itself (`ops/alerts/metrics.md` of the kit). The',
    'label `job` is given by the scrape configuration: `tooling.metricsJob` of the definition.',
    '',
    '| metric | type | labels | meaning |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')}\n`
}
