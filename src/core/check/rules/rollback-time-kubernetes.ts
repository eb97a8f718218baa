import { child, num, spotOf, text } from '../formats/node.ts'
import { mainContainer, serves, workloads } from '../models/kube.ts'
import { estimate, kubeSlots, minutes, ROLLBACK_PROMISE_S } from '../rollback-time.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

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
    for (const workload of workloads(world.kube, ['Deployment'])) {
      if (
        !workload.object.production ||
        !serves(workload) ||
        workload.replicas < 1 ||
        text(child(workload.spec, 'strategy', 'type')) === 'Recreate'
      )
        continue
      const rolling = child(workload.spec, 'strategy', 'rollingUpdate')
      const surge = text(child(rolling, 'maxSurge')) ?? '25%'
      const away = text(child(rolling, 'maxUnavailable')) ?? '25%'
      const share = (value: string) => (value.endsWith('%') ? value : Number(value))
      const slots = kubeSlots(workload.replicas, share(surge), share(away))
      if (Number.isNaN(slots.surge + slots.unavailable)) continue
      const probe = child(mainContainer(workload), 'readinessProbe')
      const delay = num(child(probe, 'initialDelaySeconds')) ?? 0
      const period = num(child(probe, 'periodSeconds')) ?? 10
      const needed = num(child(probe, 'successThreshold')) ?? 1
      const ready = num(child(workload.spec, 'minReadySeconds')) ?? 0
      const healthS = probe ? delay + period * needed : 0
      const sum = estimate({
        count: workload.replicas,
        atOnce: Math.max(1, slots.surge + slots.unavailable),
        healthS,
        healthSum: probe ? `${delay} + ${period} × ${needed} = ${healthS}` : '0 (no probe)',
        minReadyS: ready,
        drainS: 0,
      })
      const at = rolling ? spotOf(rolling) : workload.object.at
      if (sum.likely > ROLLBACK_PROMISE_S)
        yield fail(at, `Taking ${workload.object.name} back takes about ${minutes(sum.likely)}; 15 min are promised.`, {
          arithmetic: sum.arithmetic,
        })
      else yield pass(at)
    }
  },
}
