import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { proveAlarms } from '../src/core/check/alerts/cloudwatch.ts'
import { proveAlerts } from '../src/core/check/alerts/prove.ts'
import { worldOf } from '../src/core/check/world.ts'
import type { Service } from '../src/core/define/schema.ts'
import { alertFiles, alertsOf, jobOf, rulesText, stagedPairs } from '../src/core/kit/alerts.ts'
import { alarmsOf, alertsWithoutAlarm, cloudwatchFiles } from '../src/core/kit/cloudwatch.ts'
import { render } from '../src/core/kit/file.ts'
import { owedBy } from '../src/core/kit/measures.ts'
import { thresholdOf } from '../src/core/kit/numbers.ts'
import { METRICS } from '../src/core/traffic/metrics.ts'
import { shapeFaults } from './kit/shapes.ts'
import { EXAMPLES, on } from './kit/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-monitoring-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const filesOf = (service: Service) =>
  new Map(alertFiles({ service, deploymentFiles: [], files: [] }).map((file) => [basename(file.path), render(file)]))

/** Runs a program of Prometheus; skips where it is not installed, except in CI. */
function tool(context: TestContext, command: string, args: readonly string[], cwd: string): string | undefined {
  const { error, status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (error) {
    assert.ok(!process.env.HOLDFAST_TESTS_COMPLETE, `CI installs ${command}`)
    context.skip(`${command} is not installed here; CI installs it`)
    return undefined
  }
  assert.equal(status, 0, `${stdout}${stderr}`)
  return stdout
}

for (const [name, service] of EXAMPLES) {
  const files = filesOf(service)
  const at = mkdtempSync(join(folder, 'one-'))
  for (const [file, text] of files) writeFileSync(join(at, file), text)

  test(`${name}: promtool accepts the rules, and every alert is silent, fires and ends`, (context) => {
    const checked = tool(context, 'promtool', ['check', 'rules', '--lint=all', '--lint-fatal', `${name}.rules.yml`], at)
    if (checked === undefined) return
    const { tests } = parse(files.get(`${name}.test.yml`)!) as {
      tests: { alert_rule_test: { alertname: string; eval_time: string; exp_alerts: unknown[] }[] }[]
    }
    const asked = tests.flatMap((one) => one.alert_rule_test)
    for (const alert of alertsOf(service))
      assert.deepEqual(
        asked.filter(({ alertname }) => alertname === alert.name).map(({ exp_alerts }) => exp_alerts.length),
        [0, 1, 0],
        `${alert.name} is silent, fires, and is silent again`,
      )
    assert.equal(asked.length, 3 * alertsOf(service).length)
    tool(context, 'promtool', ['test', 'rules', `${name}.test.yml`], at)
    if (service.tooling.metrics !== 'cloudwatch') tool(context, 'promtool', ['check', 'config', 'prometheus.yml'], at)
  })

  test(`${name}: amtool accepts the routes, and a page reaches people`, (context) => {
    const routes = parse(files.get('alertmanager.yml')!) as {
      receivers: { name: string; email_configs?: { to: string }[] }[]
    }
    const pages = routes.receivers.find((receiver) => receiver.name === 'pages')!
    assert.match(pages.email_configs?.[0]?.to ?? '', /^\S+@\S+/)
    if (tool(context, 'amtool', ['check-config', 'alertmanager.yml'], at) === undefined) return
    const labels = [`service=${name}`, 'severity=page', 'alertname=TelemetryLost']
    const route = tool(context, 'amtool', ['config', 'routes', 'test', '--config.file=alertmanager.yml', ...labels], at)
    assert.equal(route?.trim(), 'pages')
  })

  test(`${name}: check alerts says that every alert can fire, and ends`, () => {
    const demands = service.journeys.flatMap((journey) => journey.demand ?? [])
    const demand = {
      low: Math.max(0.5, Math.min(...demands.map((one) => one.nightPerMinute).filter((n) => n > 0), 2)),
      peak: Math.max(1, ...demands.map((one) => one.peakPerMinute)),
    }
    const world = worldOf({ files: [{ path: `${name}.rules.yml`, text: rulesText(service) }], problems: [] }, 0)
    const proofs = proveAlerts(world, demand)
    assert.ok(proofs.length >= alertsOf(service).length)
    assert.deepEqual(
      proofs
        .filter((proof) => proof.verdict !== 'fires')
        .map((proof) => `${proof.alert}: ${proof.verdict}: ${proof.why}`),
      [],
    )
  })

  test(`${name}: what the rules read is exported by Holdfast, or asked of the service with the code`, () => {
    const own = new Map<string, readonly string[]>(Object.values(METRICS).map((metric) => [metric.name, metric.labels]))
    const asked = files.get('metrics.md')!
    const owed = owedBy(service)
    for (const alert of alertsOf(service))
      for (const series of alert.probe.series) {
        const [, metric = '', text = ''] = /^(\w+)\{(.*)\}$/.exec(series.name)!
        if (metric === 'up') continue
        const labels = [...text.matchAll(/(\w+)=/g)].map(([, label]) => label!).filter((label) => label !== 'job')
        if (own.has(metric))
          for (const label of labels) assert.ok(own.get(metric)!.includes(label), `${metric} has ${label}`)
        else {
          const one = owed.find((known) => known.metric === metric && text.includes(`${known.label}="${known.value}"`))
          assert.ok(one, series.name)
          assert.ok(asked.includes(`| \`${metric}{${one.label}="${one.value}"}\` |`), series.name)
          assert.ok(one.alerts.includes(alert.name))
        }
      }
    // In the code, every one of them is named.
    const code = asked.slice(asked.indexOf('```'))
    for (const one of owed)
      assert.ok(
        (code.includes(one.metric) && code.includes(`"${one.value}"`)) || code.includes(`'${one.value}'`),
        `${one.metric} ${one.value}`,
      )
  })

  test(`${name}: the scrape configuration gives the job that the rules look for`, () => {
    const scrape = parse(files.get('prometheus.yml')!) as { scrape_configs: { job_name: string }[] }
    assert.equal(scrape.scrape_configs[0]!.job_name, jobOf(service))
    assert.ok(rulesText(service).includes(`job="${jobOf(service)}"`))
  })

  test(`${name}: the threshold sheet derives every number that pages, as text and as a page`, () => {
    const [markdown, page] = [files.get('thresholds.md')!, files.get('thresholds.html')!]
    for (const { journey, step } of stagedPairs(service)) {
      const threshold = thresholdOf(service, journey, step)
      if (!threshold) continue
      assert.ok(markdown.includes(threshold.arithmetic[0]!), `${journey.id}/${step}`)
      assert.ok(page.includes(`${threshold.failures} in ${threshold.windowMinutes} min`), `${journey.id}/${step}`)
    }
    for (const alert of alertsOf(service)) assert.ok(page.includes(`<td>${alert.name}</td>`), alert.name)
    assert.doesNotMatch(page, /<(script|link|img|iframe)|url\(|NaN|undefined|Infinity/)
    assert.match(page, /<html lang="en">[\s\S]*<title>[\s\S]*<h1>/)
  })
}

interface Cloud {
  readonly Type: string
  readonly Properties: {
    readonly Period?: number
    readonly EvaluationPeriods?: number
    readonly AlarmActions?: readonly unknown[]
    readonly DashboardBody?: { readonly 'Fn::Sub': string }
  }
}

for (const name of EXAMPLES.keys()) {
  const service = on(name, { tooling: { metrics: 'cloudwatch' } })
  const files = new Map(
    cloudwatchFiles({ service, deploymentFiles: [], files: [] }).map((file) => [basename(file.path), render(file)]),
  )
  const template = files.get(`${name}.alarms.yml`)!
  const { Resources } = parse(template) as { Resources: Record<string, Cloud> }

  test(`${name} on CloudWatch: every alert has its alarm, within what CloudWatch takes`, () => {
    assert.deepEqual(alertsWithoutAlarm(service), [])
    assert.deepEqual(shapeFaults(Resources), [])
    const alarms = Object.entries(Resources).filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm')
    assert.equal(alarms.length, alarmsOf(service).length, 'no two alarms have one id')
    for (const [id, { Properties }] of alarms) {
      const { Period = 60, EvaluationPeriods = 1 } = Properties
      assert.ok(Period % 60 === 0 && Period * EvaluationPeriods <= 86_400, id)
      assert.equal(
        Properties.AlarmActions?.length ?? 0,
        alarmsOf(service).find((alarm) => alarm.id === id)!.page ? 1 : 0,
        id,
      )
    }
  })

  test(`${name} on CloudWatch: check alerts says that every alarm whose metric it can make up fires, and ends`, () => {
    const demands = service.journeys.flatMap((journey) => journey.demand ?? [])
    const peak = Math.max(1, ...demands.map((one) => one.peakPerMinute))
    const world = worldOf({ files: [{ path: `${name}.alarms.yml`, text: template }], problems: [] }, 0)
    const proofs = proveAlarms(world, { low: Math.min(2, peak), peak })
    assert.equal(proofs.length, alarmsOf(service).length)
    const open = proofs.filter((proof) => proof.verdict !== 'fires')
    // How long ago a beat was needs the clock of the metric math, which is not made up.
    assert.deepEqual(
      open.filter(({ why }) => !why.includes('EPOCH')).map(({ alert, verdict, why }) => `${alert}: ${verdict}: ${why}`),
      [],
    )
    assert.equal(open.length, service.watch.silence.length)
  })

  test(`${name} on CloudWatch: the agent carries every metric with the labels that its alarm names`, () => {
    const agent = JSON.parse(files.get('cloudwatch-agent.json')!)
    const { emf_processor: processor } = agent.logs.metrics_collected.prometheus
    assert.equal(processor.metric_namespace, jobOf(service))
    for (const { metric, dimensions } of alarmsOf(service)) {
      const labels = Object.keys(dimensions).join(',')
      const carried = processor.metric_declaration.some(
        (one: { dimensions: string[][]; metric_selectors: string[]; label_matcher: string }) =>
          one.dimensions.some((set) => set.join(',') === labels) &&
          one.metric_selectors.some((selector) => new RegExp(selector).test(metric)) &&
          new RegExp(one.label_matcher).test(jobOf(service)),
      )
      assert.ok(carried, `${metric} by ${labels}`)
    }
  })

  test(`${name} on CloudWatch: the dashboard shows citizens first, and every alarm`, () => {
    const body = Resources.Dashboard!.Properties.DashboardBody!['Fn::Sub']
    const { widgets } = JSON.parse(body.replaceAll('${!', '${')) as {
      widgets: { type: string; x: number; y: number; width: number; properties: { alarms?: string[] } }[]
    }
    for (const widget of widgets) assert.ok(widget.x + widget.width <= 24)
    const alarms = widgets.find((widget) => widget.type === 'alarm')!.properties.alarms!
    const pages = alarmsOf(service).filter(({ page }) => page)
    const others = alarmsOf(service).filter(({ page }) => !page)
    assert.deepEqual(
      alarms,
      [...pages, ...others].map(({ id }) => `\${${id}.Arn}`),
    )
  })
}

test('cfn-lint agrees with the alarms, where it is installed', (context) => {
  if (spawnSync('cfn-lint', ['--version']).status !== 0)
    return context.skip('cfn-lint is not installed here; test/kit/shapes.ts always looks')
  const files = [...EXAMPLES.keys()].map((name) => {
    const service = on(name, { tooling: { metrics: 'cloudwatch' } })
    const file = join(folder, `${name}.alarms.yml`)
    writeFileSync(file, render(cloudwatchFiles({ service, deploymentFiles: [], files: [] })[0]!))
    return file
  })
  const { stdout } = spawnSync('cfn-lint', ['--format', 'parseable', '-t', ...files], { encoding: 'utf8' })
  assert.equal(stdout.trim(), '')
})
