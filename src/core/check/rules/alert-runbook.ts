import { alertRules, pages } from '../models/alert.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const alertRunbook: Rule = {
  id: 'alert-runbook',
  question: 10,
  title: 'Whoever is woken is told what to do',
  formats: ['prometheus', 'kubernetes'],
  severity: 'warn',
  reach: 1,
  harm: 'At 3am somebody who has never seen the service starts by searching for documentation.',
  defaults: 'None.',
  fix: 'Add annotations.runbook_url that leads to the runbook of this very failure.',
  cites: 'playbook: runbooks executable by someone with no prior service knowledge',
  bad: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: Failing\n        expr: sum(rate(err_total[5m])) > 1\n        labels: { severity: page }\n',
  },
  good: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: Failing\n        expr: sum(rate(err_total[5m])) > 1\n        labels: { severity: page }\n        annotations: { runbook_url: "https://example.test/runbooks/failing" }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const alert of alertRules(world).alerts) {
      if (!pages(alert)) continue
      const said = [...alert.annotations].find(
        ([key, value]) => /runbook|playbook/i.test(key) || /runbook/i.test(value),
      )
      if (!said) yield fail(alert.at, `${alert.name} wakes somebody and names no runbook.`)
      else if (/\b(localhost|127\.0\.0\.1|staging|\bdev\b|TODO|TBC)/i.test(said[1]) || said[1] === '')
        yield fail(alert.at, `The runbook of ${alert.name} is "${said[1].slice(0, 60)}".`)
      else yield pass(alert.at)
    }
  },
}
