import { alertRules } from '../models/alert.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const alertLatches: Rule = {
  id: 'alert-latches',
  question: 10,
  title: 'An alert ends when the fault ends',
  formats: ['prometheus', 'kubernetes'],
  severity: 'error',
  reach: 2,
  harm: 'After the first fault it rings until the next restart, is switched off, and is missing on the day of the next one.',
  defaults: 'A counter never falls while its process lives.',
  fix: 'Compare what was added lately: increase(…[10m]) or rate(…[5m]).',
  cites: 'Prometheus documentation: counters',
  bad: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: PaymentErrors\n        expr: payment_errors_total > 10\n',
  },
  good: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: PaymentErrors\n        expr: increase(payment_errors_total[10m]) > 10\n',
  },
  *check(world): Iterable<Verdict> {
    for (const alert of alertRules(world).alerts) {
      const { expr } = alert
      if (expr.kind !== 'binary' || !/^>=?$/.test(expr.op)) continue
      const left = expr.left.kind === 'aggregate' ? expr.left.of : expr.left
      if (left.kind === 'selector' && /_total$/.test(left.metric) && left.range === undefined)
        yield fail(
          alert.exprAt,
          `${alert.name} compares a counter that only grows: once it fires, it goes on until the process restarts.`,
        )
      else yield pass(alert.exprAt)
    }
  },
}
