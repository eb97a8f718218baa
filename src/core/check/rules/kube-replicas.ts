import { child, num, spotOf } from '../formats/node.ts'
import { isStore, serves, workloads } from '../models/kube.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kubeReplicas: Rule = {
  id: 'kube-replicas',
  question: 5,
  title: 'One failing machine does not take the service away',
  formats: ['kubernetes', 'kustomization'],
  severity: 'warn',
  reach: 3,
  harm: 'When the one pod’s machine is drained or dies, every citizen is turned away until another pod has started.',
  defaults: 'replicas 1, unless a HorizontalPodAutoscaler keeps more.',
  fix: 'Run at least two replicas and a PodDisruptionBudget.',
  cites: 'Kubernetes documentation: disruptions',
  bad: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n',
  },
  good: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  replicas: 3\n  template:\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n',
  },
  *check(world): Iterable<Verdict> {
    const scaled = new Map(
      world.kube
        .filter((object) => /HorizontalPodAutoscaler|ScaledObject/.test(object.kind))
        .map((object) => {
          const target = child(object.node, 'spec', 'scaleTargetRef', 'name')
          const least =
            num(child(object.node, 'spec', 'minReplicas')) ?? num(child(object.node, 'spec', 'minReplicaCount')) ?? 1
          return [target?.kind === 'scalar' ? target.text : '', least] as const
        }),
    )
    for (const workload of workloads(world.kube, ['Deployment', 'Rollout'])) {
      if (!workload.object.production || !serves(workload) || isStore(workload)) continue
      const node = child(workload.spec, 'replicas')
      if (node?.kind === 'opaque') continue
      const { name } = workload.object
      const least = scaled.get(name) ?? workload.replicas
      if (least < 2)
        yield fail(
          node ? spotOf(node) : workload.object.at,
          `${name} runs as ${least} pod${scaled.has(name) ? ' at the least' : node ? '' : ' (replicas is absent)'}.`,
        )
      else yield pass(node ? spotOf(node) : workload.object.at)
    }
  },
}
