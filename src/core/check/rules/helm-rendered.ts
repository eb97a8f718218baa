import { cannotTell, pass, type Rule, type Verdict } from '../rule.ts'

export const helmRendered: Rule = {
  id: 'helm-rendered',
  question: 6,
  title: 'What a Helm chart puts into the cluster is visible',
  formats: ['helm'],
  severity: 'info',
  reach: 1,
  harm: 'A mistake in the chart or its values reaches citizens unseen by this check.',
  defaults: 'Templates are not manifests: only their rendering with the production values decides.',
  fix: 'Run helm template with the production values into a folder, and check that folder.',
  cites: 'Helm documentation: helm template',
  bad: {
    'chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
    'chart/templates/web.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n',
  },
  good: {
    'chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
    'rendered/web.yaml': '# Source: web/templates/web.yaml\napiVersion: v1\nkind: Service\nmetadata: { name: web }\n',
  },
  *check(world): Iterable<Verdict> {
    const charts = world.sources('helm').filter((src) => /(^|\/)Chart\.ya?ml$/.test(src.file))
    for (const chart of charts) {
      const at = { file: chart.file, line: 1, col: 1 }
      const name = /^name:\s*["']?([\w.-]+)/m.exec(chart.text)?.[1] ?? ''
      const rendered = world.sources('kubernetes').some((src) => src.text.includes(`# Source: ${name}/`))
      if (rendered) yield pass(at)
      else
        yield cannotTell(
          at,
          `The chart ${name} is not rendered here.`,
          `the output of "helm template" for ${name} with the production values`,
        )
    }
  },
}
