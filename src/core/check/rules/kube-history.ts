import { child, num, spotOf } from '../formats/node.ts'
import { workloads } from '../models/kube.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kubeHistory: Rule = {
  id: 'kube-history',
  question: 1,
  title: 'Kubernetes keeps the release one may go back to',
  formats: ['kubernetes', 'kustomization'],
  severity: 'error',
  reach: 2,
  harm: '"kubectl rollout undo" answers that there is nothing to go back to, while citizens wait.',
  defaults: 'revisionHistoryLimit 10.',
  fix: 'Leave revisionHistoryLimit out, or set it to 2 or more.',
  cites: 'Kubernetes documentation: revision history limit',
  bad: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  revisionHistoryLimit: 0\n  template: { spec: { containers: [{ name: app }] } }\n',
  },
  good: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  revisionHistoryLimit: 5\n  template: { spec: { containers: [{ name: app }] } }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const workload of workloads(world.kube)) {
      const node = child(workload.spec, 'revisionHistoryLimit')
      const kept = num(node)
      if (!workload.object.production || !node || kept === undefined) continue
      if (kept < 1)
        yield fail(spotOf(node), `${workload.object.name} keeps no earlier revision: there is nothing to roll back to.`)
      else if (kept < 2)
        yield fail(
          spotOf(node),
          `${workload.object.name} keeps one earlier revision; after a failed fix the good one is gone.`,
          { severity: 'warn' },
        )
      else yield pass(spotOf(node))
    }
  },
}
