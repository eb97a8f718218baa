import { allText, child, num, spotOf } from '../formats/node.ts'
import { isStore, mainContainer, serves, workloads } from '../models/kube.ts'
import { preStopSeconds } from '../models/prestop.ts'
import { cannotTell, fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kubePrestop: Rule = {
  id: 'kube-prestop',
  question: 5,
  title: 'A pod waits until nobody sends it requests before it stops',
  formats: ['kubernetes', 'kustomization'],
  severity: 'warn',
  reach: 3,
  harm: 'For the seconds until every balancer has heard of it, citizens are sent to a pod that refuses them.',
  defaults: 'No preStop: SIGTERM and the removal from the endpoints happen at the same moment.',
  fix: 'Add lifecycle.preStop with a sleep of 5 to 15 s (longer than the balancer takes), inside terminationGracePeriodSeconds.',
  cites: 'Kubernetes documentation: termination of pods',
  bad: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n',
  },
  good: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      terminationGracePeriodSeconds: 60\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n          lifecycle: { preStop: { exec: { command: [sleep, "10"] } } }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const workload of workloads(world.kube)) {
      const container = mainContainer(workload)
      if (!workload.object.production || !container || !serves(workload) || isStore(workload)) continue
      const hook = child(container, 'lifecycle', 'preStop')
      const { name } = workload.object
      const grace = child(workload.pod, 'terminationGracePeriodSeconds')
      if (num(grace) === 0) yield fail(spotOf(grace!), `${name} is killed at once: terminationGracePeriodSeconds is 0.`)
      else if (!hook)
        yield fail(spotOf(container), `${name} has no preStop, so it may be sent requests after it has begun to stop.`)
      else if (preStopSeconds(hook) === undefined)
        yield cannotTell(
          spotOf(hook),
          `How long the preStop of ${name} waits is not in the file.`,
          `what "${allText(hook).slice(0, 60)}" does`,
        )
      else yield pass(spotOf(hook))
    }
  },
}
