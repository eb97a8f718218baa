import { child, items, keySpot, type MapNode, type Node, text } from '../formats/node.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

const PANELS_MAX = 2_000

export const grafanaDashboardAlert: Rule = {
  id: 'grafana-dashboard-alert',
  question: 11,
  title: 'No alert lives in a panel of a dashboard',
  formats: ['grafana-dashboard'],
  severity: 'warn',
  reach: 2,
  harm: 'The team believes that a panel watches over citizens, and since the last upgrade of Grafana nothing does: nobody is called.',
  defaults:
    'Grafana 11 and newer have no legacy alerting: an "alert" in a panel is not evaluated. Older ones migrate it once, or not at all.',
  fix: 'Make it a rule of Grafana Alerting or of Prometheus, in a file of its own with a contact point, and take it out of the panel.',
  cites: 'Grafana documentation: migrate from legacy alerting; what is new in Grafana 11',
  bad: {
    'dashboards/apply.json':
      '{"title":"Apply","schemaVersion":30,"panels":[{"title":"Failures","type":"graph","targets":[{"expr":"failures"}],"alert":{"name":"Failures","conditions":[],"notifications":[]}}]}',
  },
  good: {
    'dashboards/apply.json':
      '{"title":"Apply","schemaVersion":39,"panels":[{"title":"Failures","type":"timeseries","targets":[{"expr":"failures"}]}]}',
  },
  *check(world): Iterable<Verdict> {
    for (const { src, root } of world.documents('grafana-dashboard')) {
      const alerting = panelsOf(root).filter((panel) => child(panel, 'alert')?.kind === 'map')
      if (alerting.length === 0) yield pass({ file: src.file, line: 1, col: 1 })
      for (const panel of alerting) {
        const alert = child(panel, 'alert')
        const name = text(child(alert, 'name')) ?? text(child(panel, 'title')) ?? 'a panel'
        const toNobody = items(child(alert, 'notifications')).length === 0 ? ' It also notifies nobody.' : ''
        yield fail(
          keySpot(panel, 'alert'),
          `The alert "${name.slice(0, 80)}" is part of a panel, which Grafana 11 does not evaluate any more.${toNobody}`,
        )
      }
    }
  },
}

/** Panels of the dashboard and of its rows. */
function panelsOf(root: Node): MapNode[] {
  const direct = items(child(root, 'panels')).filter((panel): panel is MapNode => panel.kind === 'map')
  const old = items(child(root, 'rows')).flatMap((row) => items(child(row, 'panels')))
  const nested = [...direct.flatMap((panel) => items(child(panel, 'panels'))), ...old]
  return [...direct, ...nested.filter((panel): panel is MapNode => panel.kind === 'map')].slice(0, PANELS_MAX)
}
