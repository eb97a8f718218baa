import { child, flag, spotOf, text } from '../formats/node.ts'
import { isStore, mainContainer, serves, workloads } from '../models/kube.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kubeReadiness: Rule = {
  id: 'kube-readiness',
  question: 6,
  title: 'A pod gets citizens’ requests only when it says that it is ready',
  formats: ['kubernetes', 'kustomization'],
  severity: 'error',
  reach: 3,
  harm: 'At each deployment some citizens are sent to a pod that cannot answer yet, and see an error.',
  defaults: 'Without readinessProbe a pod is ready as soon as its process has started.',
  fix: 'Add a readinessProbe on a route that checks what the service needs to answer (the database, for example).',
  cites: 'playbook: are health checks configured to prevent premature traffic shift?',
  bad: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n',
  },
  good: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n          readinessProbe: { httpGet: { path: /health/ready, port: 8080 } }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const workload of workloads(world.kube)) {
      const container = mainContainer(workload)
      if (!workload.object.production || !container || !serves(workload)) continue
      const probe = child(container, 'readinessProbe')
      const name = workload.object.name
      if (!probe)
        yield fail(spotOf(container), `${name} has no readiness probe, so it gets requests from its first second.`, {
          // The clients of a database or cache try again; citizens do not.
          ...(isStore(workload) ? { severity: 'info' as const } : {}),
        })
      else if (flag(probe) === false || probe.kind === 'scalar')
        yield fail(spotOf(probe), `The readiness probe of ${name} is ${text(probe) ?? 'empty'}.`)
      else yield pass(spotOf(probe))
    }
  },
}
