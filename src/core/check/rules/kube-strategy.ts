import { child, keySpot, spotOf, text } from '../formats/node.ts'
import { isStore, serves, workloads } from '../models/kube.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kubeStrategy: Rule = {
  id: 'kube-strategy',
  question: 5,
  title: 'A deployment does not stop every pod before the first new one serves',
  formats: ['kubernetes', 'kustomization'],
  severity: 'error',
  reach: 3,
  harm: 'The whole service is away during each deployment, for everybody.',
  defaults: 'RollingUpdate with maxSurge 25 % (rounded up) and maxUnavailable 25 % (rounded down).',
  fix: 'strategy: { type: RollingUpdate, rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }.',
  cites: 'Kubernetes documentation: Deployment strategy',
  bad: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  strategy: { type: Recreate }\n  template:\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n',
  },
  good: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  strategy: { type: RollingUpdate, rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }\n  template:\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n',
  },
  *check(world): Iterable<Verdict> {
    for (const workload of workloads(world.kube, ['Deployment'])) {
      if (!workload.object.production || !serves(workload) || isStore(workload) || !workload.spec) continue
      const { name } = workload.object
      const type = child(workload.spec, 'strategy', 'type')
      const away = child(workload.spec, 'strategy', 'rollingUpdate', 'maxUnavailable')
      const gone = text(away)
      const all =
        gone !== undefined &&
        (gone === '100%' || (/^\d+$/.test(gone) && Number(gone) >= workload.replicas && workload.replicas > 0))
      if (text(type) === 'Recreate')
        yield fail(spotOf(type!), `${name} is stopped completely before the new release starts.`)
      else if (all)
        yield fail(
          spotOf(away!),
          `A rollout of ${name} may stop all ${workload.replicas} pods at once: maxUnavailable is ${gone}.`,
        )
      else yield pass(type ? spotOf(type) : keySpot(workload.spec, 'template'))
    }
  },
}
