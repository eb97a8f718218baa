import { argoWaysBack } from '../rollback/argo.ts'
import { judgeWay } from '../rollback-time.ts'
import type { Rule, Verdict } from '../rule.ts'

export const rollbackTimeArgo: Rule = {
  id: 'rollback-time-argo',
  question: 1,
  title: 'An Argo rollout is back on the old release within 15 minutes, on trial and after promotion',
  formats: ['kubernetes', 'kustomization'],
  severity: 'warn',
  reach: 2,
  harm: 'A bad release stays on trial for longer than was promised; or after promotion the way back walks every pause of the way there.',
  defaults: 'No rollback window; failureLimit 0; scaleDownDelaySeconds 30; an analysis begins at the first step.',
  fix: 'Set rollbackWindow: { revisions: 3 }, and let the analysis look every minute with a low failureLimit.',
  cites: 'Argo Rollouts documentation: rollback windows; analysis',
  bad: {
    'rollout.yaml': `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web }
spec:
  replicas: 4
  strategy:
    canary:
      steps:
        - setWeight: 20
        - pause: { duration: 10m }
        - setWeight: 50
        - pause: { duration: 10m }
  template:
    spec:
      containers:
        - name: app
          ports: [{ containerPort: 8080 }]
`,
  },
  good: {
    'rollout.yaml': `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web }
spec:
  replicas: 4
  rollbackWindow: { revisions: 3 }
  strategy:
    canary:
      steps:
        - setWeight: 20
        - pause: { duration: 10m }
        - setWeight: 50
        - pause: { duration: 10m }
  template:
    spec:
      containers:
        - name: app
          ports: [{ containerPort: 8080 }]
`,
  },
  *check(world): Iterable<Verdict> {
    for (const answer of argoWaysBack(world)) yield judgeWay(answer)
  },
}
