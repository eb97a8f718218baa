import { child, num, spotOf } from '../formats/node.ts'
import { workloads } from '../models/kube.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kubeProgressDeadline: Rule = {
  id: 'kube-progress-deadline',
  question: 10,
  title: 'A rollout that hangs is called failed within 10 minutes',
  formats: ['kubernetes', 'kustomization'],
  severity: 'warn',
  reach: 2,
  harm: 'A release that never comes up is noticed too late to be back within the promised time.',
  defaults: 'progressDeadlineSeconds 600.',
  fix: 'Set progressDeadlineSeconds to 600 or less, above minReadySeconds.',
  cites: 'Kubernetes documentation: progress deadline seconds',
  bad: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  progressDeadlineSeconds: 3600\n  template: { spec: { containers: [{ name: app }] } }\n',
  },
  good: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  progressDeadlineSeconds: 300\n  template: { spec: { containers: [{ name: app }] } }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const workload of workloads(world.kube, ['Deployment'])) {
      const node = child(workload.spec, 'progressDeadlineSeconds')
      const seconds = num(node)
      if (!workload.object.production || !node || seconds === undefined) continue
      if (seconds > 600)
        yield fail(spotOf(node), `A rollout of ${workload.object.name} that hangs is believed for ${seconds} s.`, {
          arithmetic: `${seconds} s > 600 s of the 900 s promised`,
        })
      else yield pass(spotOf(node))
    }
  },
}
