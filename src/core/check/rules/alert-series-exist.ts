import { nearest } from '../../words.ts'
import { promqlWithin } from '../formats/promql.ts'
import { alertRules } from '../models/alert.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const alertSeriesExist: Rule = {
  id: 'alert-series-exist',
  question: 10,
  title: 'The series that an alert reads are recorded by somebody',
  formats: ['prometheus', 'kubernetes'],
  severity: 'error',
  reach: 2,
  harm: 'A slip in a name silences the alert for good, and nothing shows it.',
  defaults: 'A name that matches nothing is an empty result, not an error.',
  fix: 'Correct the name, or add the recording rule.',
  cites: 'Holdfast: can-it-fire proof, selector without data',
  bad: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - record: job:errors:ratio5m\n        expr: sum(rate(err_total[5m])) / sum(rate(all_total[5m]))\n      - alert: Failing\n        expr: job:errors:ratio_5m > 0.05\n',
  },
  good: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - record: job:errors:ratio5m\n        expr: sum(rate(err_total[5m])) / sum(rate(all_total[5m]))\n      - alert: Failing\n        expr: job:errors:ratio5m > 0.05\n',
  },
  *check(world): Iterable<Verdict> {
    const { alerts, recorded } = alertRules(world)
    const counts = new Map<string, number>()
    const metricsOf = (expr: (typeof alerts)[number]['expr']) =>
      [...promqlWithin(expr)].flatMap((part) => (part.kind === 'selector' && part.metric ? [part.metric] : []))
    for (const expr of [...alerts.map((alert) => alert.expr), ...recorded.values()])
      for (const metric of new Set(metricsOf(expr))) counts.set(metric, (counts.get(metric) ?? 0) + 1)
    const names = [...recorded.keys()]
    for (const alert of alerts) {
      for (const metric of new Set(metricsOf(alert.expr))) {
        if (recorded.has(metric)) yield pass(alert.exprAt)
        else if (metric.includes(':') && names.length > 0) {
          const near = nearest(metric, names)
          const says = `Nobody records "${metric}"${near ? `; "${near}" is recorded` : ''}.`
          yield fail(alert.exprAt, says, near ? {} : { severity: 'info' })
        } else {
          const near = nearest(
            metric,
            [...counts.keys()].filter(
              (other) =>
                other !== metric &&
                (counts.get(other) ?? 0) >= 3 &&
                Math.abs(other.length - metric.length) <= 1 &&
                other[0] === metric[0],
            ),
          )
          const close = near !== undefined && counts.get(metric) === 1 && distanceOne(near, metric)
          if (close)
            yield fail(alert.exprAt, `"${metric}" is read only here; "${near}" is read elsewhere.`, {
              severity: 'warn',
            })
          else yield pass(alert.exprAt)
        }
      }
    }
  },
}

/** One letter more, less, other, or two swapped; digits do not count, since they tell metrics apart on purpose. */
function distanceOne(a: string, b: string): boolean {
  if (a.replace(/\d/g, '') === b.replace(/\d/g, '')) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  const rest = Math.max(a.length, b.length) - start - end
  const differing = `${a.slice(start, a.length - end)}${b.slice(start, b.length - end)}`
  return (
    (rest <= 1 || (rest === 2 && a.length === b.length && a[start] === b[start + 1])) &&
    !/[_:]/.test(differing) &&
    !/^s?$/.test(differing)
  )
}
