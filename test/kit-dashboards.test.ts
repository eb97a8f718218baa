import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { parsePromql, promqlWithin } from '../src/core/check/formats/promql.ts'
import { rulesText } from '../src/core/kit/alerts.ts'
import { dashboardFiles } from '../src/core/kit/dashboards.ts'
import { render } from '../src/core/kit/file.ts'
import { owedBy } from '../src/core/kit/measures.ts'
import { METRICS } from '../src/core/traffic/metrics.ts'
import { dashboard, openSlo } from './kit/grafana.ts'
import { EXAMPLES } from './kit/world.ts'

for (const [name, service] of EXAMPLES) {
  const files = dashboardFiles({ service, deploymentFiles: [], files: [] })
  const textOf = (end: string) => files.filter((file) => file.path.endsWith(end)).map(render)

  test(`${name}: the dashboard is of Grafana's schema, begins with citizens, and no empty panel looks well`, () => {
    const [text] = textOf('.json')
    const board = dashboard.parse(JSON.parse(text!))
    assert.match(board.panels[0]!.title, /^Citizens who could not go on/)
    assert.ok(board.panels.some((panel) => panel.type === 'alertlist'))
    assert.ok(
      board.panels.every(
        (panel) => panel.type === 'text' || panel.type === 'alertlist' || panel.fieldConfig.defaults.noValue,
      ),
    )
  })

  test(`${name}: every query of the dashboard and of the objectives is PromQL on what is recorded or exported`, () => {
    const [text] = textOf('.json')
    const board = dashboard.parse(JSON.parse(text!))
    const recorded = new Set([...rulesText(service).matchAll(/record: (\S+)/g)].map(([, record]) => record!))
    const known = new Set([
      'up',
      ...recorded,
      ...Object.values(METRICS).map((metric) => metric.name),
      ...owedBy(service).map((one) => one.metric),
    ])
    const objectives = textOf('.openslo.yml').flatMap((yaml) =>
      parseAllDocuments(yaml).map((document) => openSlo.parse(document.toJS())),
    )
    const queries = [
      ...board.panels.flatMap((panel) => ('targets' in panel ? panel.targets.map(({ expr }) => expr) : [])),
      ...board.annotations.list.map(({ expr }) => expr),
      ...objectives.flatMap(({ spec }) => {
        const { bad, total } = spec.indicator.spec.ratioMetric
        return [bad, total].map((source) => source.metricSource.spec.query)
      }),
    ]
    assert.ok(queries.length >= 3)
    for (const query of queries)
      for (const part of promqlWithin(parsed(query)))
        if (part.kind === 'selector') assert.ok(known.has(part.metric), `${part.metric} in ${query}`)
    const ratios = service.slis.filter((sli) => sli.kind === 'ratio' && sli.journey && sli.step)
    assert.equal(objectives.length, ratios.length)
  })
}

function parsed(query: string) {
  const result = parsePromql(query)
  if ('problem' in result) assert.fail(`${query}: ${result.problem}`)
  return result.expr
}
