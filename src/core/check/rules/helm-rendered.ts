import { spotOf } from '../formats/node.ts'
import { cannotTell, pass, type Rule, type Verdict } from '../rule.ts'

export const helmRendered: Rule = {
  id: 'helm-rendered',
  question: 6,
  title: 'What a Helm chart puts into the cluster is visible',
  formats: ['helm', 'helm-template', 'helm-values'],
  severity: 'info',
  reach: 1,
  harm: 'A mistake in the chart or its values reaches citizens unseen by this check.',
  defaults: 'Templates are rendered here with the values of production; only what cannot be rendered stays open.',
  fix: 'Run helm template with the production values into a folder, and check that folder.',
  cites: 'Helm documentation: helm template',
  bad: {
    'chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
    'chart/templates/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ required "a name" .Values.name }}\n',
  },
  good: {
    'chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
    'chart/values.yaml': 'name: claim\n',
    'chart/templates/web.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.name }}\n',
  },
  *check(world): Iterable<Verdict> {
    const open = world.unseen.filter((one) => one.kind === 'helm-template' || one.kind === 'helm-dependency')
    for (const { at, says, needs, ref } of open) yield cannotTell(at, says, needs, ref)
    const broken = new Set(open.map((one) => one.at.file))
    for (const { root } of world.documents('helm')) {
      const at = spotOf(root)
      if (!broken.has(at.file)) yield pass(at)
    }
  },
}
