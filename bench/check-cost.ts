/**
 * What whole commands cost, each a process of its own, started cold: `holdfast check` on 100 and 2,000 files, on a CloudFormation
 * template of 340 KB and on 600 migrations, and `holdfast check alerts` on 74 alerts with and without promtool. Prints the median and
 * the best of the rounds, the processor's time, and the greatest memory; passes no judgement. Run it under a lock on a shared machine:
 *
 *   npm run build && flock /tmp/bench.lock node --import tsx bench/check-cost.ts [--rounds 3]
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'

type Files = readonly (readonly [path: string, text: string])[]

const root = fileURLToPath(new URL('..', import.meta.url))
const built = existsSync(join(root, 'dist/src/cli/main.js'))
const COMMAND = built ? [join(root, 'bin/holdfast.js')] : ['--import', 'tsx', join(root, 'src/cli/main.ts')]
// Prints what the process used, after everything else.
const WATCH = `--import=data:text/javascript,process.on('exit',()=>{const r=process.resourceUsage();process.stderr.write('\\nUSED '+r.maxRSS+' '+(r.userCPUTime+r.systemCPUTime))})`

interface Round {
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakMb: number
}

function run(cwd: string, args: readonly string[]): Round {
  const started = performance.now()
  const { stderr, status } = spawnSync(process.execPath, [WATCH, ...COMMAND, ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1e9,
  })
  const wallMs = performance.now() - started
  const used = /USED (\d+) (\d+)\s*$/.exec(stderr)
  if (!used || (status !== 0 && status !== 1))
    throw new Error(`holdfast ${args.join(' ')} ended with ${status}:\n${stderr.slice(-2_000)}`)
  return { wallMs, cpuMs: Number(used[2]) / 1_000, peakMb: Number(used[1]) / 1_000 }
}

function measure(name: string, goalMs: number, files: Files, args: readonly string[], rounds: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  try {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    const all = Array.from({ length: rounds }, () => run(folder, args))
    const sorted = (of: (round: Round) => number) => all.map(of).sort((a, b) => a - b)
    const wall = sorted((round) => round.wallMs)
    const row = [wall[Math.floor(wall.length / 2)]!, wall[0]!, sorted((round) => round.cpuMs)[0]!, goalMs].map((ms) =>
      `${Math.round(ms).toLocaleString('en-GB')} ms`.padStart(11),
    )
    console.log(
      `${name.padEnd(44)}${row.join('')}${`${Math.round(Math.max(...all.map((round) => round.peakMb)))} MB`.padStart(9)}`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function repository(shapes: Files, count: number): Files {
  return Array.from({ length: count }, (_, index) => {
    const [path, text] = shapes[index % shapes.length]!
    return [`part${Math.floor(index / shapes.length)}/${index}/${path}`, text] as const
  })
}

/** A template of some size, with the resources that rules look at and references between them. */
function template(bytes: number): string {
  const parts = ['Resources:']
  for (let i = 0, size = 0; size < bytes; i++) {
    const part = [
      `  Service${i}:\n    Type: AWS::ECS::Service\n    Properties:\n      DesiredCount: ${2 + (i % 3)}\n      TaskDefinition: !Ref Task${i}\n      DeploymentConfiguration:\n        DeploymentCircuitBreaker: { Enable: true, Rollback: true }\n      LoadBalancers: [{ TargetGroupArn: !Ref Group${i}, ContainerName: app, ContainerPort: 80 }]`,
      `  Task${i}:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      ContainerDefinitions:\n        - Name: app\n          Image: !Sub "\${AWS::AccountId}.dkr.ecr.eu-west-2.amazonaws.com/claim@sha256:${'a'.repeat(64)}"\n          StopTimeout: 60`,
      `  Group${i}:\n    Type: AWS::ElasticLoadBalancingV2::TargetGroup\n    Properties:\n      HealthCheckPath: /health/ready\n      TargetGroupAttributes: [{ Key: deregistration_delay.timeout_seconds, Value: "60" }]`,
      `  Alarm${i}:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      Namespace: AWS/ApplicationELB\n      MetricName: HTTPCode_Target_5XX_Count\n      Statistic: Sum\n      Period: 60\n      EvaluationPeriods: 3\n      Threshold: 5\n      ComparisonOperator: GreaterThanThreshold\n      Dimensions: [{ Name: LoadBalancer, Value: !GetAtt Balancer.LoadBalancerFullName }]\n      AlarmActions: [!Ref Topic]`,
    ].join('\n')
    parts.push(part)
    size += part.length
  }
  return `${parts.join('\n')}\n`
}

function migrations(count: number): Files {
  return Array.from({ length: count }, (_, i) => {
    const sql = [
      `ALTER TABLE claim ADD COLUMN note_${i} text;`,
      `CREATE TABLE note_${i} (id bigint PRIMARY KEY, claim_id bigint NOT NULL, made timestamptz DEFAULT now());`,
      `CREATE INDEX CONCURRENTLY note_${i}_claim ON note_${i} (claim_id);`,
      `UPDATE claim SET note_${i} = 'none' WHERE note_${i} IS NULL AND id BETWEEN 1 AND 1000;`,
    ]
    return [`db/migrations/V${i + 1}__step.sql`, `SET lock_timeout = '5s';\n${sql.join('\n')}\n`] as const
  })
}

/** 74 alerts of the usual kinds, each over a route of its own; a sixth of them over recording rules. */
function alerts(count: number): string {
  const rules: string[] = []
  for (let i = 0; i < count; i++) {
    const all = `http_requests_total{route="/r${i}"`
    const share = (window: string) => `sum(rate(${all},code=~"5.."}[${window}])) / sum(rate(${all}}[${window}]))`
    const kinds = [
      `${share('5m')} > 0.05`,
      `${share('1h')} > 14.4 * 0.01 and ${share('5m')} > 14.4 * 0.01`,
      `histogram_quantile(0.95, sum by (le) (rate(http_seconds_bucket{route="/r${i}"}[5m]))) > 2`,
      `absent(${all}})`,
      `(rec:bad1h{route="/r${i}"} > 0.1 and rec:bad5m{route="/r${i}"} > 0.1) or rec:bad6h{route="/r${i}"} > 0.05`,
      `sum(increase(failed_total{route="/r${i}"}[10m])) > 3`,
    ]
    if (i % 6 === 4)
      for (const window of ['5m', '1h', '6h'])
        rules.push(
          `      - record: rec:bad${window}\n        labels: { route: /r${i} }\n        expr: ${JSON.stringify(share(window))}`,
        )
    rules.push(
      `      - alert: A${i}\n        for: 2m\n        labels: { severity: page }\n        expr: ${JSON.stringify(kinds[i % 6])}`,
    )
  }
  return `groups:\n  - name: g\n    rules:\n${rules.join('\n')}\n`
}

/** Prints the table. `shapes` are the files that the repositories are made of. */
export async function measureCost(shapes: Files, rounds = 3): Promise<void> {
  console.log(
    `Cold commands${built ? '' : ' (no build here: from TypeScript, which takes longer)'}, ${rounds} rounds, load ${loadavg()[0]!.toFixed(1)}.`,
  )
  console.log(
    `${''.padEnd(44)}${['median', 'best', 'processor', 'goal'].map((word) => word.padStart(11)).join('')}${'peak'.padStart(9)}`,
  )
  measure('check: 100 files', 1_000, repository(shapes, 100), ['check', '.', '--json'], rounds)
  measure('check: 2,000 files', 4_000, repository(shapes, 2_000), ['check', '.', '--json'], rounds)
  measure(
    'check: CloudFormation template, 340 KB',
    1_500,
    [['stack.yaml', template(340_000)]],
    ['check', '.', '--json'],
    rounds,
  )
  measure('check: 600 SQL migrations', 500, migrations(600), ['check', '.', '--json'], rounds)
  const rules: Files = [['alerts.yml', alerts(74)]]
  measure(
    'check alerts: 74 × 5 faults × 2 demands',
    2_000,
    rules,
    ['check', 'alerts', '.', '--no-promtool', '--json'],
    rounds,
  )
  if (spawnSync('promtool', ['--version']).error)
    console.log('check alerts with promtool: promtool is not installed here.')
  else measure('check alerts, each case run by promtool', 60_000, rules, ['check', 'alerts', '.', '--json'], 1)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [{ data }, { pipelines }, { runtime }] = await Promise.all([
    import('../test/check/labelled/data.ts'),
    import('../test/check/labelled/pipelines.ts'),
    import('../test/check/labelled/runtime.ts'),
  ])
  const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1] ?? 3)
  await measureCost(
    [...pipelines, ...runtime, ...data].flatMap((one) => Object.entries(one.files)),
    process.argv.includes('--rounds') ? rounds : 3,
  )
}
