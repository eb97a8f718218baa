/** A proof that others can run: the rules an alert needs and promtool tests for it, as two files. */
import type { Promql } from '../formats/promql.ts'
import { type AlertRule, alertRules } from '../models/alert.ts'
import type { World } from '../world.ts'
import { type Demand, neededBy, type Pace, type Proof, paceOf, scenarioOf, shapesOfAlert } from './prove.ts'
import { databaseOf, type Fault, type Shapes } from './scenario.ts'
import { type Series, Unsupported } from './series.ts'

export interface Artefact {
  readonly alert: string
  /** `rules.json`: the alert and the recordings that it reads, as Prometheus reads them (JSON is YAML). */
  readonly rules: string
  /** `test.json`: the cases. */
  readonly test: string
}

const HOUR_S = 3_600

/**
 * The tests of one proof, a case for each fault and demand that was tried: silent before, and firing or still silent when the proof
 * says. An alert that can never fire is held against a total outage, in which it should have. Undefined where there is nothing to run:
 * it stays open, or Grafana evaluates it. Cases that flap are left out, since a moment of theirs proves nothing.
 */
export function artefactOf(world: World, proof: Proof, demand: Demand): Artefact | undefined {
  const { alerts, recordings, recorded } = alertRules(world)
  const alert = alerts.find(
    (one) =>
      one.name === proof.alert &&
      one.exprAt.line === proof.at.line &&
      one.exprAt.file === proof.at.file &&
      one.written === proof.expr,
  )
  if (!alert || alert.noData || proof.verdict === 'unknown') return undefined
  const needed = neededBy(alert.expr, recordings)
  const pace = paceOrNot(alert, recorded)
  if (!pace) return undefined
  const shapes = shapesOfAlert(alert.expr, needed)
  const tests = casesOf(proof).flatMap((one) => testOf(alert, one, pace, shapes, demand) ?? [])
  if (tests.length === 0) return undefined
  const file = { rule_files: ['rules.json'], evaluation_interval: `${pace.stepS}s`, tests }
  const rules = [
    ...needed.map((rule) => ({ record: rule.name, expr: rule.written, labels: rule.labels })),
    { alert: alert.name, expr: alert.written, for: `${alert.forS}s`, labels: Object.fromEntries(alert.labels) },
  ]
  return {
    alert: alert.name,
    rules: `${JSON.stringify({ groups: [{ name: 'proof', rules }] }, null, 1)}\n`,
    test: `${JSON.stringify(file, null, 1)}\n`,
  }
}

interface Case {
  readonly fault: Fault | 'healthy'
  readonly demand: 'low' | 'peak'
  readonly minutes?: number
}

function casesOf(proof: Proof): readonly Case[] {
  if (proof.verdict === 'always') return [{ fault: 'healthy', demand: 'peak' }]
  const tried = proof.trials.filter((trial) => !trial.flaps)
  return proof.trials.length > 0 ? tried : [{ fault: 'total', demand: 'peak' }]
}

/** A pace that is refused for the simulation is refused here too. */
function paceOrNot(alert: AlertRule, recorded: ReadonlyMap<string, Promql>): Pace | undefined {
  try {
    return paceOf(alert.expr, recorded)
  } catch (thrown) {
    if (thrown instanceof Unsupported) return undefined
    throw thrown
  }
}

function testOf(alert: AlertRule, one: Case, pace: Pace, shapes: Shapes, demand: Demand) {
  const faultS = one.minutes === undefined ? HOUR_S : (one.minutes + 5) * 60 + 2 * pace.stepS
  const scenario = scenarioOf(pace, one.fault, demand[one.demand] / 60, 0.3, faultS, 0)
  const database = databaseOf(shapes, scenario)
  const series = [...shapes.keys()].flatMap((metric) => {
    const made = database.seriesOf(metric)
    return 'missing' in made ? [] : made.map((each) => written(metric, each))
  })
  if (series.length === 0) return undefined
  const expr = `(count(ALERTS{alertname=${JSON.stringify(alert.name)},alertstate="firing"}) or vector(0)) > bool 0`
  const at = (seconds: number, value: number) => ({
    expr,
    eval_time: `${seconds}s`,
    exp_samples: [{ labels: '{}', value }],
  })
  // Recording rules are one evaluation behind, so the firing is looked for two evaluations later.
  const afterS = one.minutes === undefined ? HOUR_S : one.minutes * 60 + 2 * pace.stepS
  const isHealthy = one.fault === 'healthy'
  return {
    name: isHealthy ? 'nothing is wrong' : `${one.fault} fault, ${one.demand} demand`,
    interval: `${scenario.scrapeS}s`,
    input_series: series,
    promql_expr_test: isHealthy
      ? [at(pace.fromS, 1)]
      : [at(pace.fromS, 0), at(pace.fromS + afterS, one.minutes === undefined ? 0 : 1)],
  }
}

/** Runs of equal growth are written short: `0+60x120`. */
function written(metric: string, series: Series): { series: string; values: string } {
  const labels = Object.entries(series.labels)
    .filter(([label]) => label !== '__name__')
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return { series: `${metric}{${labels.join(',')}}`, values: runs(series.values) }
}

function runs(values: Float64Array): string {
  const parts: string[] = []
  let i = 0
  while (i < values.length) {
    const value = values[i]!
    let n = 0
    if (Number.isNaN(value)) {
      while (Number.isNaN(values[i + n + 1]!) && i + n + 1 < values.length) n++
      parts.push(`_x${n + 1}`)
    } else {
      const step = values[i + 1]! - value
      if (!Number.isNaN(step)) while (i + n + 1 < values.length && values[i + n + 1]! - values[i + n]! === step) n++
      parts.push(n > 1 ? `${value}${step < 0 ? '-' : '+'}${Math.abs(step)}x${n}` : String(value))
      if (n <= 1) n = 0
    }
    i += n + 1
  }
  return parts.join(' ')
}
