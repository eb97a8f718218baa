import { type Promql, promqlWithin } from '../formats/promql.ts'
import { type AlertRules, alertRules } from '../models/alert.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const alertFallback: Rule = {
  id: 'alert-fallback',
  question: 10,
  title: 'Silence is not taken for success',
  formats: ['prometheus', 'kubernetes'],
  severity: 'error',
  reach: 2,
  harm: 'In a total outage the series vanish, the alert reads that as "all is well", and nobody is called.',
  defaults: 'A comparison of nothing is nothing: the alert is silent; "or vector(1)" makes it silent on purpose.',
  fix: 'Take the fallback away and add an alert on absent(…) or up == 0.',
  cites: 'Holdfast: can-it-fire proof, a fallback hides the outage',
  bad: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: LowSuccess\n        expr: (sum(rate(ok_total[5m])) / sum(rate(all_total[5m])) or vector(1)) < 0.95\n',
  },
  good: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: LowSuccess\n        expr: sum(rate(ok_total[5m])) / sum(rate(all_total[5m])) < 0.95\n      - alert: Silent\n        expr: absent(all_total)\n',
  },
  *check(world): Iterable<Verdict> {
    const rules = alertRules(world)
    for (const alert of rules.alerts) {
      const comparison = [...promqlWithin(alert.expr)].find(
        (part): part is Extract<Promql, { kind: 'binary' }> => part.kind === 'binary' && /^[<>]=?$/.test(part.op),
      )
      const fallback = comparison && fallbackOf(comparison.left)
      if (!comparison || fallback === undefined || comparison.right.kind !== 'number') {
        if (comparison) yield pass(alert.exprAt)
        continue
      }
      const limit = comparison.right.value
      const fires =
        comparison.op === '<'
          ? fallback < limit
          : comparison.op === '<='
            ? fallback <= limit
            : comparison.op === '>'
              ? fallback > limit
              : fallback >= limit
      // Errors that have not happened yet are rightly 0; the total that they are divided by is what must not vanish.
      const ofErrors =
        /error|fail|5xx|5\.\.|bad|reject/i.test(alert.written) &&
        comparison.op.startsWith('>') &&
        !/\//.test(alert.written)
      if (fires || ofErrors || watched(rules, alert.expr)) yield pass(alert.exprAt)
      else
        yield fail(alert.exprAt, `When the series of ${alert.name} vanish, it sees ${fallback} and stays silent.`, {
          arithmetic: `${fallback} ${comparison.op} ${limit} is false`,
        })
    }
  },
}

function fallbackOf(expr: Promql): number | undefined {
  const alternative = [...promqlWithin(expr)].find((part) => part.kind === 'binary' && part.op === 'or')
  const right = alternative?.kind === 'binary' ? alternative.right : undefined
  const value = right?.kind === 'call' && right.name === 'vector' ? right.args[0] : right
  return value?.kind === 'number' ? value.value : undefined
}

/** True when another alert watches that one of these series exists, or that their target is up. */
function watched(rules: AlertRules, expr: Promql): boolean {
  const metrics = new Set([...promqlWithin(expr)].flatMap((part) => (part.kind === 'selector' ? [part.metric] : [])))
  return rules.alerts.some((alert) =>
    [...promqlWithin(alert.expr)].some(
      (part) =>
        part.kind === 'call' &&
        part.name.startsWith('absent') &&
        [...promqlWithin(part)].some(
          (inner) => inner.kind === 'selector' && (metrics.has(inner.metric) || inner.metric === 'up'),
        ),
    ),
  )
}
