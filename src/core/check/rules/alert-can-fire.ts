import { alertRules } from '../models/alert.ts'
import { firing } from '../models/attainable.ts'
import { cannotTell, fail, pass, type Rule, type Verdict } from '../rule.ts'

export const alertCanFire: Rule = {
  id: 'alert-can-fire',
  question: 10,
  title: 'Each alert can fire at all',
  formats: ['prometheus', 'kubernetes'],
  severity: 'error',
  reach: 2,
  harm: 'The service is down, nobody is called, and the first to notice are citizens.',
  defaults: 'A share is at most 1, so a burn factor times the error budget must stay below 1.',
  fix: 'Lower the threshold below the largest value there is: factor × (1 − objective) < 1.',
  cites: 'Holdfast: can-it-fire proof, static part',
  bad: {
    'alerts.yml': `groups:
  - name: submit
    rules:
      - alert: SubmissionsFailing
        expr: sum(rate(http_requests_total{code=~"5.."}[1h])) / sum(rate(http_requests_total[1h])) > 14.4 * 0.1
`,
  },
  good: {
    'alerts.yml': `groups:
  - name: submit
    rules:
      - alert: SubmissionsFailing
        expr: sum(rate(http_requests_total{code=~"5.."}[1h])) / sum(rate(http_requests_total[1h])) > 14.4 * 0.001
`,
  },
  *check(world): Iterable<Verdict> {
    const { alerts, recorded, unread } = alertRules(world)
    for (const alert of alerts) {
      const result = firing(alert.expr, recorded)
      if (result.can === 'never') yield fail(alert.exprAt, `${alert.name} can never fire.`, { arithmetic: result.why })
      else if (result.can === 'always')
        yield fail(alert.exprAt, `${alert.name} fires whenever its series exist, also when all is well.`, {
          arithmetic: result.why,
          severity: 'warn',
        })
      else yield pass(alert.exprAt)
    }
    for (const { at, name, problem } of unread)
      yield cannotTell(at, `The expression of ${name} could not be read: ${problem}`, 'a valid PromQL expression')
  },
}
