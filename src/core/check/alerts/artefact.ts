/** A proof that others can run: the rules and one promtool test for each alert that fires, as two files. */
import { fields, items, type Node } from '../formats/node.ts'
import { alertRules } from '../models/alert.ts'
import type { World } from '../world.ts'
import type { Series } from './evaluate.ts'
import type { Demand, Proof } from './prove.ts'
import { scenarioOf } from './prove.ts'
import { seriesFor } from './scenario.ts'

export interface Artefact {
  readonly alert: string
  /** `rules.json`: all groups of the tree, as Prometheus reads them. */
  readonly rules: string
  /** `test.json`: silent before the fault, firing when the proof says (JSON is YAML). */
  readonly test: string
}

const PREFIX_S = 7_200

/** The test of one proof, for the fault and demand in which it fires first; undefined when it does not fire. */
export function artefactOf(world: World, proof: Proof, demand: Demand): Artefact | undefined {
  const [trial] = proof.trials.filter((one) => one.minutes !== undefined).sort((a, b) => a.minutes! - b.minutes!)
  if (!trial) return undefined
  const { alerts, recordings } = alertRules(world)
  const names = new Set(recordings.map((rule) => rule.name))
  const exprs = [...alerts, ...recordings].map((rule) => rule.expr)
  const scenario = scenarioOf(trial.fault, demand[trial.demand] / 60)
  const series = [...seriesFor(exprs, names, scenario)].flatMap(([metric, list]) =>
    list.map((one) => written(metric, one)),
  )
  const expr = `(count(ALERTS{alertname=${JSON.stringify(proof.alert)},alertstate="firing"}) or vector(0)) > bool 0`
  const at = (minutes: number, value: number) => ({
    expr,
    eval_time: `${minutes}m`,
    exp_samples: [{ labels: '{}', value }],
  })
  const before = PREFIX_S / 60
  const test = {
    rule_files: ['rules.json'],
    evaluation_interval: '1m',
    tests: [
      {
        interval: `${scenario.scrapeS}s`,
        input_series: series,
        // Recording rules are one evaluation behind, so the firing is looked for two minutes later.
        promql_expr_test: [at(before, 0), at(before + trial.minutes! + 2, 1)],
      },
    ],
  }
  return { alert: proof.alert, rules: rulesFile(world), test: `${JSON.stringify(test, null, 1)}\n` }
}

function written(metric: string, series: Series): { series: string; values: string } {
  const labels = Object.entries(series.labels)
    .filter(([label]) => label !== '__name__')
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  const values = Array.from(series.values, (value) => (Number.isNaN(value) ? '_' : String(value)))
  return { series: `${metric}{${labels.join(',')}}`, values: values.join(' ') }
}

/** All rule groups of the tree in one file; annotations are left out, since their templates are not part of the proof. */
function rulesFile(world: World): string {
  const groups = [
    ...world.documents('prometheus').flatMap(({ root }) => nodesAt(root, 'groups')),
    ...world.kube
      .filter((object) => object.kind === 'PrometheusRule')
      .flatMap((object) => nodesAt(at(object.node, 'spec'), 'groups')),
  ]
  const plain = groups.map((group, index) => ({
    name: `g${index}`,
    rules: nodesAt(group, 'rules').map((rule) =>
      Object.fromEntries(
        fields(rule).flatMap(([key, node]) =>
          ['alert', 'record', 'expr', 'for', 'labels'].includes(key) ? [[key, plainOf(node)] as const] : [],
        ),
      ),
    ),
  }))
  return `${JSON.stringify({ groups: plain }, null, 1)}\n`
}

function at(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined
}

function nodesAt(node: Node | undefined, key: string): readonly Node[] {
  return items(at(node, key))
}

function plainOf(node: Node): unknown {
  if (node.kind === 'map') return Object.fromEntries(fields(node).map(([key, value]) => [key, plainOf(value)]))
  if (node.kind === 'list') return node.items.map(plainOf)
  return node.text
}
