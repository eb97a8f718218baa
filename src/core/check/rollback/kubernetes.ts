/** The way back of Kubernetes' own workloads: another rollout, pods a few at a time. */
import { child, num, spotOf, text } from '../formats/node.ts'
import { mainContainer, serves, type Workload, workloads } from '../models/kube.ts'
import { type Answer, estimate, kubeSlots } from '../rollback-time.ts'
import type { World } from '../world.ts'

export function kubernetesWaysBack(world: World): readonly Answer[] {
  return workloads(world.kube, ['Deployment', 'StatefulSet'])
    .filter((workload) => workload.object.production && serves(workload) && workload.replicas >= 1)
    .flatMap((workload) => (workload.object.kind === 'StatefulSet' ? ordered(workload) : rolling(workload)))
}

/** Seconds until a pod counts as ready: the probe's own delay and its periods. */
export function readiness(workload: Workload): {
  readonly seconds: number
  readonly sum: string
  readonly from: ReturnType<typeof spotOf>[]
} {
  const probe = child(mainContainer(workload), 'readinessProbe')
  if (!probe) return { seconds: 0, sum: '0 (no probe)', from: [] }
  const delay = num(child(probe, 'initialDelaySeconds')) ?? 0
  const period = num(child(probe, 'periodSeconds')) ?? 10
  const needed = num(child(probe, 'successThreshold')) ?? 1
  const seconds = delay + period * needed
  return { seconds, sum: `${delay} + ${period} × ${needed} = ${seconds}`, from: [spotOf(probe)] }
}

function rolling(workload: Workload): readonly Answer[] {
  if (text(child(workload.spec, 'strategy', 'type')) === 'Recreate') return []
  const strategy = child(workload.spec, 'strategy', 'rollingUpdate')
  const share = (value: string) => (value.endsWith('%') ? value : Number(value))
  const surge = share(text(child(strategy, 'maxSurge')) ?? '25%')
  const away = share(text(child(strategy, 'maxUnavailable')) ?? '25%')
  const slots = kubeSlots(workload.replicas, surge, away)
  if (Number.isNaN(slots.surge + slots.unavailable)) return []
  const ready = readiness(workload)
  const least = child(workload.spec, 'minReadySeconds')
  const replicas = child(workload.spec, 'replicas')
  const sum = estimate({
    count: workload.replicas,
    atOnce: Math.max(1, slots.surge + slots.unavailable),
    healthS: ready.seconds,
    healthSum: ready.sum,
    minReadyS: num(least) ?? 0,
    drainS: 0,
    from: {
      batches: [replicas, strategy].flatMap((node) => (node ? [spotOf(node)] : [])),
      one: [...ready.from, ...(least ? [spotOf(least)] : [])],
    },
  })
  const at = strategy ? spotOf(strategy) : workload.object.at
  return [
    {
      way: {
        ...sum,
        what: workload.object.name,
        platform: 'Kubernetes',
        how: 'a rollout of the old revision',
        at,
        soft: false,
      },
    },
  ]
}

/** A stateful set stops one pod, waits for it to go, and starts its successor (unless maxUnavailable says more). */
function ordered(workload: Workload): readonly Answer[] {
  if (text(child(workload.spec, 'updateStrategy', 'type')) === 'OnDelete') return []
  const ready = readiness(workload)
  const grace = child(workload.pod, 'terminationGracePeriodSeconds')
  const replicas = child(workload.spec, 'replicas')
  const atOnce = num(child(workload.spec, 'updateStrategy', 'rollingUpdate', 'maxUnavailable')) ?? 1
  const sum = estimate({
    count: workload.replicas,
    atOnce: Math.max(1, atOnce),
    healthS: ready.seconds,
    healthSum: ready.sum,
    minReadyS: num(child(workload.spec, 'minReadySeconds')) ?? 0,
    // Most pods end before their grace is over; a third of it is the guess, and the drill replaces it.
    drainS: Math.round((num(grace) ?? 30) / 3),
    drainSum: `a third of the grace period ${num(grace) ?? 'default 30'} (assumed)`,
    from: {
      batches: replicas ? [spotOf(replicas)] : [],
      one: [...ready.from, ...(grace ? [spotOf(grace)] : [])],
    },
  })
  return [
    {
      way: {
        ...sum,
        what: workload.object.name,
        platform: 'Kubernetes',
        how: 'pod after pod, each stopped before its successor starts',
        at: replicas ? spotOf(replicas) : workload.object.at,
        soft: false,
      },
    },
  ]
}
