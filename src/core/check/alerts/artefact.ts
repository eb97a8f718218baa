/** A proof that others can run: the rules an alert needs and one promtool test for it, as two files. */
import { type AlertRule, alertRules } from '../models/alert.ts'
import type { World } from '../world.ts'
import { databaseOf } from './scenario.ts'
import { type Demand, neededBy, paceOf, type Proof, scenarioOf, shapesOfAlert, type Trial } from './prove.ts'
import type { Series } from './series.ts'

export interface Artefact {
  readonly alert: string
  /** `rules.json`: the alert and the recordings that it reads, as Prometheus reads them (JSON is YAML). */
  readonly rules: string
  /** `test.json`: silent before the fault; firing, or silent still, when the proof says. */
  readonly test: string
}

const HOUR_S = 3_600

/**
 * The test of one proof: for the fault in which it fires first, or, for an alert that stays silent, for a total outage, in which it
 * should have fired. Undefined where there is nothing to run: a fault was not tried, or the alert is not Prometheus'.
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
  const [seen] = proof.trials.filter((one) => one.minutes !== undefined).sort((a, b) => a.minutes! - b.minutes!)
  const silent: Trial = { fault: 'total', demand: 'peak' }
  const trial = seen ?? (proof.verdict === 'never' && canBeMade(alert, proof) ? silent : undefined)
  if (!trial) return undefined
  const needed = neededBy(alert.expr, recordings)
  const pace = paceOf(alert.expr, recorded)
  const faultS = trial.minutes === undefined ? HOUR_S : Math.max(HOUR_S, (trial.minutes + 5) * 60)
  const scenario = scenarioOf(pace, trial.fault, demand[trial.demand] / 60, 0.3, faultS, 600)
  const shapes = shapesOfAlert(alert.expr, needed)
  const database = databaseOf(shapes, scenario)
  const series = [...shapes.keys()].flatMap((metric) => {
    const made = database.seriesOf(metric)
    return 'missing' in made ? [] : made.map((one) => written(metric, one))
  })
  if (series.length === 0) return undefined
  const expr = `(count(ALERTS{alertname=${JSON.stringify(alert.name)},alertstate="firing"}) or vector(0)) > bool 0`
  const at = (minutes: number, value: number) => ({
    expr,
    eval_time: `${minutes}m`,
    exp_samples: [{ labels: '{}', value }],
  })
  const before = pace.fromS / 60
  // Recording rules are one evaluation behind, so the firing is looked for two evaluations later.
  const after = trial.minutes === undefined ? faultS / 60 : trial.minutes + (2 * pace.stepS) / 60
  const test = {
    rule_files: ['rules.json'],
    evaluation_interval: `${pace.stepS}s`,
    tests: [
      {
        interval: `${scenario.scrapeS}s`,
        input_series: series,
        promql_expr_test: [at(before, 0), at(before + after, trial.minutes === undefined ? 0 : 1)],
      },
    ],
  }
  const group = [
    ...needed.map((rule) => ({ record: rule.name, expr: rule.written, labels: rule.labels })),
    { alert: alert.name, expr: alert.written, for: `${alert.forS}s`, labels: Object.fromEntries(alert.labels) },
  ]
  return {
    alert: alert.name,
    rules: `${JSON.stringify({ groups: [{ name: 'proof', rules: group }] }, null, 1)}\n`,
    test: `${JSON.stringify(test, null, 1)}\n`,
  }
}

/** A silent alert is shown silent only where its series could be made up. */
function canBeMade(alert: AlertRule, proof: Proof): boolean {
  return proof.trials.length > 0 || /_(total|count|bucket)\b|\bup\b/.test(alert.written)
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
