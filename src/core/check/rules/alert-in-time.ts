import { type Promql, promqlWithin } from '../formats/promql.ts'
import { alertRules, pages } from '../models/alert.ts'
import { minutes } from '../rollback-time.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

// Half of the playbook's 15 minutes may go by before somebody is called; the rest is for taking the release back.
const NOTICE_S = 450
const SLOW = /reconcil|fresh|backlog|oldest|heartbeat|never|batch|unmatched|certificate|expir|backup/i

export const alertInTime: Rule = {
  id: 'alert-in-time',
  question: 10,
  title: 'A page comes early enough to take the release back within 15 minutes',
  formats: ['prometheus', 'kubernetes'],
  severity: 'warn',
  reach: 2,
  harm: 'By the time somebody is called, citizens have been failing for longer than the whole rollback was to take.',
  defaults: 'for: 0s; the condition must hold at every evaluation during for.',
  fix: 'Shorten for, or page on a burn rate over a shorter window.',
  cites: 'playbook: alerts fire before citizens would notice problems',
  bad: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: Failing\n        expr: sum(rate(err_total[5m])) > 1\n        for: 30m\n        labels: { severity: critical }\n',
  },
  good: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: Failing\n        expr: sum(rate(err_total[5m])) > 1\n        for: 2m\n        labels: { severity: critical }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const alert of alertRules(world).alerts) {
      // Reconciliations, freshness and batches are slow by nature: what they watch has hours, not minutes.
      if (!pages(alert) || SLOW.test(`${alert.name} ${alert.written}`)) continue
      const burst = burstWindow(alert.expr)
      if (burst !== undefined && alert.forS >= burst)
        yield fail(
          alert.at,
          `A single burst never fires ${alert.name}: it is visible for ${minutes(burst)} and must hold for ${minutes(alert.forS)}.`,
          { arithmetic: `window ${burst} s ≤ for ${alert.forS} s` },
        )
      else if (alert.forS > NOTICE_S)
        yield fail(alert.at, `${alert.name} calls somebody ${minutes(alert.forS)} after the fault at the earliest.`, {
          arithmetic: `for ${alert.forS} s > ${NOTICE_S} s`,
        })
      else yield pass(alert.at)
    }
  },
}

/** The window of `increase(x[w]) > 0`: what happened once is seen for exactly that long. */
function burstWindow(expr: Promql): number | undefined {
  if (expr.kind !== 'binary' || expr.op !== '>' || expr.right.kind !== 'number' || expr.right.value !== 0)
    return undefined
  const call = [...promqlWithin(expr.left)].find(
    (part) => part.kind === 'call' && (part.name === 'increase' || part.name === 'rate'),
  )
  const range = call?.kind === 'call' && call.args[0]?.kind === 'selector' ? call.args[0].range : undefined
  return range
}
