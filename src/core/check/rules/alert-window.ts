import { child, items, text } from '../formats/node.ts'
import { promqlWithin } from '../formats/promql.ts'
import { alertRules } from '../models/alert.ts'
import { secondsOf } from '../models/value.ts'
import { cannotTell, fail, pass, type Rule, type Verdict } from '../rule.ts'
import type { World } from '../world.ts'

export const alertWindow: Rule = {
  id: 'alert-window',
  question: 10,
  title: 'Each window holds at least two samples',
  formats: ['prometheus', 'kubernetes'],
  severity: 'error',
  reach: 2,
  harm: 'The expression is empty at almost every look, so the alert never fires.',
  defaults: 'scrape_interval is 1 minute; rate() needs two samples in its window.',
  fix: 'Use a window of at least four scrape intervals.',
  cites: 'Prometheus documentation: rate()',
  bad: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: Failing\n        expr: sum(rate(err_total[15s])) > 1\n',
  },
  good: {
    'alerts.yml':
      'groups:\n  - name: a\n    rules:\n      - alert: Failing\n        expr: sum(rate(err_total[5m])) > 1\n',
  },
  *check(world): Iterable<Verdict> {
    const interval = scrapeInterval(world)
    for (const alert of alertRules(world).alerts) {
      const windows = [...promqlWithin(alert.expr)].flatMap((part) =>
        part.kind === 'call' &&
        /^(rate|irate|increase|delta|deriv)$/.test(part.name) &&
        part.args[0]?.kind === 'selector' &&
        part.args[0].range !== undefined
          ? [part.args[0].range]
          : [],
      )
      const shortest = Math.min(...windows)
      if (windows.length === 0) continue
      // Nobody scrapes faster than every 15 s without writing it down.
      const certain = interval ?? 15
      if (shortest < 2 * certain)
        yield fail(alert.exprAt, `A window of ${shortest} s of ${alert.name} rarely holds two samples.`, {
          arithmetic: `${shortest} s < 2 × ${interval === undefined ? 'at least ' : ''}${certain} s`,
        })
      else if (interval === undefined && shortest < 120)
        yield cannotTell(
          alert.exprAt,
          `Whether a window of ${shortest} s holds two samples depends on the scrape interval.`,
          'the scrape_interval of this job (2 samples need twice as much)',
        )
      else yield pass(alert.exprAt)
    }
  },
}

/** The scrape interval where the tree names exactly one. */
function scrapeInterval(world: World): number | undefined {
  const monitors = world.kube
    .filter((object) => /^(Service|Pod)Monitor$/.test(object.kind))
    .flatMap((object) =>
      items(child(object.node, 'spec', 'endpoints') ?? child(object.node, 'spec', 'podMetricsEndpoints')),
    )
  const said = new Set(
    monitors.map((endpoint) => secondsOf(text(child(endpoint, 'interval')))).filter((value) => value !== undefined),
  )
  return said.size === 1 ? [...said][0] : undefined
}
