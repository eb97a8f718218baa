import { child, fields, num, type Spot, spotOf, text } from '../formats/node.ts'
import { mainContainer, serves, workloads } from '../models/kube.ts'
import { preStopSeconds } from '../models/prestop.ts'
import { knownNumber, shown } from '../models/value.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import type { World } from '../world.ts'

export const kubeGraceBudget: Rule = {
  id: 'kube-grace-budget',
  question: 5,
  title: 'The grace period holds the preStop wait and the longest request',
  formats: ['kubernetes', 'kustomization'],
  severity: 'error',
  reach: 3,
  harm: 'Requests that the balancer would still wait for are killed with the pod: a citizen’s submission is lost at each deployment.',
  defaults: 'terminationGracePeriodSeconds 30, and the preStop wait counts as part of it.',
  fix: 'Raise terminationGracePeriodSeconds above preStop plus the longest request.',
  cites: 'Kubernetes documentation: the grace period includes the preStop hook',
  bad: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      terminationGracePeriodSeconds: 30\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n          lifecycle: { preStop: { exec: { command: [sleep, "40"] } } }\n',
  },
  good: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      terminationGracePeriodSeconds: 60\n      containers:\n        - name: app\n          ports: [{ containerPort: 8080 }]\n          lifecycle: { preStop: { exec: { command: [sleep, "10"] } } }\n',
  },
  *check(world): Iterable<Verdict> {
    const request = longestRequest(world)
    for (const workload of workloads(world.kube)) {
      const container = mainContainer(workload)
      if (!workload.object.production || !container || !serves(workload)) continue
      const hook = child(container, 'lifecycle', 'preStop')
      const wait = hook ? preStopSeconds(hook) : 0
      const grace = knownNumber(
        child(workload.pod, 'terminationGracePeriodSeconds'),
        30,
        hook ? spotOf(hook) : spotOf(container),
      )
      if (wait === undefined || !grace.known) continue
      const { name } = workload.object
      if (hook && wait >= grace.value) {
        yield fail(
          grace.at,
          `${name} waits ${wait} s in preStop and is killed after ${grace.value} s: it never gets to finish a request.`,
          { arithmetic: `preStop ${wait} s ≥ grace ${shown(grace)} s` },
        )
      } else if (request && wait + request.seconds > grace.value) {
        const short = wait + request.seconds - grace.value
        yield fail(grace.at, `${name} is killed ${short} s before the longest request may end.`, {
          arithmetic: `preStop ${wait} + request ${request.seconds} (${request.at.file}:${request.at.line}) = ${wait + request.seconds} s > grace ${shown(grace)} s`,
        })
      } else if (hook) yield pass(grace.at)
    }
  },
}

/** The read time-out that an ingress of the tree sets; without one the longest request is unknown, and is not invented. */
function longestRequest(world: World): { seconds: number; at: Spot } | undefined {
  for (const object of world.kube.filter((candidate) => candidate.kind === 'Ingress')) {
    for (const [key, node] of fields(child(object.node, 'metadata', 'annotations'))) {
      const seconds = /proxy-read-timeout$/.test(key)
        ? num(node)
        : /idle_timeout\.timeout_seconds=(\d{1,5})/.exec(text(node) ?? '')?.[1]
      if (seconds !== undefined) return { seconds: Number(seconds), at: spotOf(node) }
    }
  }
  return undefined
}
