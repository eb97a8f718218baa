import { promqlWithin } from '../formats/promql.ts'
import { alertRules, pages } from '../models/alert.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

const MACHINE = /cpu|memory|mem_|disk|filesystem|load\d|node_|container_|kube_|process_|jvm_|gc_|swap|inode|goroutines/i

export const alertCitizens: Rule = {
  id: 'alert-citizens',
  question: 10,
  title: 'Somebody is called when citizens fail, not only when machines are busy',
  formats: ['prometheus', 'kubernetes'],
  severity: 'warn',
  reach: 2,
  harm: 'Citizens cannot submit, every machine is well, and nobody is called.',
  defaults: 'None.',
  fix: 'Add an alert on the journey itself: failed submissions as a share of attempts, and no attempts at all.',
  cites: 'playbook: service-level objectives based on citizen experience, not server health',
  bad: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: CpuHigh\n        expr: avg(rate(node_cpu_seconds_total{mode!="idle"}[5m])) > 0.9\n        labels: { severity: critical }\n',
  },
  good: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: SubmissionsFailing\n        expr: sum(rate(submissions_total{outcome="failed"}[5m])) / sum(rate(submissions_total[5m])) > 0.05\n        labels: { severity: critical }\n',
  },
  *check(world): Iterable<Verdict> {
    const paging = alertRules(world).alerts.filter(pages)
    const [first] = paging
    if (!first) return
    const citizens = paging.filter((alert) =>
      [...promqlWithin(alert.expr)].some(
        (part) => part.kind === 'selector' && part.metric !== '' && part.metric !== 'up' && !MACHINE.test(part.metric),
      ),
    )
    if (citizens.length > 0) yield pass(citizens[0]!.at)
    else
      yield fail(
        first.at,
        `All ${paging.length === 1 ? '' : `${paging.length} `}alerts that call somebody watch machines; none watches what citizens do.`,
      )
  },
}
