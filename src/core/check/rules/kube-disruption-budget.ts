import { child, fields, num, spotOf, text } from '../formats/node.ts'
import { labelsOf, serves, workloads } from '../models/kube.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kubeDisruptionBudget: Rule = {
  id: 'kube-disruption-budget',
  question: 5,
  title: 'Maintenance of machines takes pods away one at a time, and can go on at all',
  formats: ['kubernetes', 'kustomization'],
  severity: 'warn',
  reach: 2,
  harm: 'A cluster upgrade may evict every pod together; with a budget that allows none, security upgrades of the cluster stop.',
  defaults: 'Without PodDisruptionBudget all pods may be evicted at once.',
  fix: 'PodDisruptionBudget with maxUnavailable: 1 and the labels of the pods.',
  cites: 'Kubernetes documentation: specifying a disruption budget',
  bad: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  replicas: 3\n  template:\n    metadata: { labels: { app: web } }\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: web }\nspec:\n  minAvailable: 3\n  selector: { matchLabels: { app: web } }\n',
  },
  good: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  replicas: 3\n  template:\n    metadata: { labels: { app: web } }\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: web }\nspec:\n  maxUnavailable: 1\n  selector: { matchLabels: { app: web } }\n',
  },
  *check(world): Iterable<Verdict> {
    const budgets = world.kube.filter((object) => object.kind === 'PodDisruptionBudget')
    for (const workload of workloads(world.kube, ['Deployment', 'StatefulSet', 'Rollout'])) {
      if (!workload.object.production || !serves(workload) || workload.replicas < 2) continue
      const labels = labelsOf(child(workload.spec, 'template', 'metadata', 'labels'))
      const { name } = workload.object
      const budget = budgets.find((object) => {
        const wanted = fields(child(object.node, 'spec', 'selector', 'matchLabels'))
        return wanted.length > 0 && wanted.every(([key, value]) => labels.get(key) === text(value))
      })
      if (!budget) {
        if (labels.size > 0)
          yield fail(
            workload.object.at,
            `Nothing keeps a cluster upgrade from evicting all ${workload.replicas} pods of ${name} together.`,
            { severity: 'info' },
          )
        continue
      }
      const least = child(budget.node, 'spec', 'minAvailable')
      const most = child(budget.node, 'spec', 'maxUnavailable')
      const blocked =
        (num(least) ?? -1) >= workload.replicas || text(least) === '100%' || text(most) === '0' || text(most) === '0%'
      const at = spotOf(least ?? most ?? budget.node)
      if (blocked) yield fail(at, `The budget of ${name} never lets a pod go, so machines under it cannot be upgraded.`)
      else yield pass(at)
    }
  },
}
