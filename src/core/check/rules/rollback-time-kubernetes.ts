import { kubernetesWaysBack } from '../rollback/kubernetes.ts'
import { judgeWay } from '../rollback-time.ts'
import type { Rule, Verdict } from '../rule.ts'

export const rollbackTimeKubernetes: Rule = {
  id: 'rollback-time-kubernetes',
  question: 1,
  title: 'A Kubernetes rollout is undone within 15 minutes',
  formats: ['kubernetes', 'kustomization'],
  severity: 'error',
  reach: 2,
  harm: 'Citizens stay on the bad release for longer than was promised, because pods are replaced too few at a time.',
  defaults: 'maxSurge 25 % (rounded up), maxUnavailable 25 % (rounded down), minReadySeconds 0.',
  fix: 'Raise maxSurge, or lower minReadySeconds and the readiness delay.',
  cites: 'playbook: can the deployment be reversed within 15 minutes?',
  bad: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  replicas: 12\n  minReadySeconds: 60\n  strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }\n  template:\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n          readinessProbe: { initialDelaySeconds: 30, httpGet: { path: /ready, port: 8080 } }\n',
  },
  good: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  replicas: 12\n  minReadySeconds: 10\n  strategy: { rollingUpdate: { maxSurge: 6, maxUnavailable: 0 } }\n  template:\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n          readinessProbe: { initialDelaySeconds: 10, httpGet: { path: /ready, port: 8080 } }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const answer of kubernetesWaysBack(world)) yield judgeWay(answer)
  },
}
