import { allText, child, spotOf } from '../formats/node.ts'
import { mainContainer, workloads } from '../models/kube.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kubeLivenessDiffers: Rule = {
  id: 'kube-liveness-differs',
  question: 6,
  title: 'A sick database does not make Kubernetes kill every pod',
  formats: ['kubernetes', 'kustomization'],
  severity: 'warn',
  reach: 3,
  harm: 'When something the service depends on is slow for a minute, every pod is restarted, and a hiccup becomes an outage.',
  defaults: 'A failing liveness probe restarts the container after 3 × 10 s.',
  fix: 'Let the liveness probe ask only whether the process answers, and keep dependencies for the readiness probe.',
  cites: 'Kubernetes documentation: configure liveness, readiness and startup probes',
  bad: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n          livenessProbe: { httpGet: { path: /health, port: 8080 } }\n          readinessProbe: { httpGet: { path: /health, port: 8080 } }\n',
  },
  good: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n          livenessProbe: { httpGet: { path: /health/live, port: 8080 } }\n          readinessProbe: { httpGet: { path: /health/ready, port: 8080 } }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const workload of workloads(world.kube)) {
      const container = mainContainer(workload)
      const live = child(container, 'livenessProbe')
      const ready = child(container, 'readinessProbe')
      if (!workload.object.production || !live || !ready) continue
      const path = (probe: typeof live) => child(probe, 'httpGet', 'path')
      const [a, b] = [path(live), path(ready)]
      if (!a || !b) yield pass(spotOf(live))
      else if (allText(a) === allText(b))
        yield fail(
          spotOf(a),
          `${workload.object.name} is restarted by the same check that makes it leave the balancer: ${allText(a)}.`,
        )
      else yield pass(spotOf(a))
    }
  },
}
