/** Kubernetes objects, from manifests, overlays and charts alike, so that rules judge what the cluster would get. */

import { isNotProduction } from '../detect.ts'
import { child, fields, items, type MapNode, type Node, num, type Spot, spotOf, text } from '../formats/node.ts'
import type { RenderedChart } from './helm.ts'

export interface KubeObject {
  readonly kind: string
  readonly name: string
  readonly node: MapNode
  readonly at: Spot
  /** The overlay or values file that the object was made with; absent for a plain manifest. */
  readonly overlay?: string
  /** True when the object serves production, as far as paths and names say. */
  readonly production: boolean
}

export interface KubeFile {
  readonly file: string
  readonly documents: readonly Node[]
}

/** The objects of rendered charts. A chart without values of production is judged by its own, softly. */
export function chartObjects(charts: readonly RenderedChart[]): readonly KubeObject[] {
  return charts.flatMap((chart) =>
    objectsOf({ file: chart.chart.file, documents: chart.documents }).map((object) => ({
      ...object,
      overlay: chart.overlay ?? chart.chart.file,
      production: chart.production,
    })),
  )
}

/** The objects of one file; the items of a List stand for themselves. */
export function objectsOf(file: KubeFile): readonly KubeObject[] {
  return file.documents.flatMap((node) => {
    const list = text(child(node, 'kind')) === 'List' ? items(child(node, 'items')) : [node]
    return list.flatMap((item) =>
      item.kind === 'map' && text(child(item, 'kind')) ? [objectOf(item, !isNotProduction(file.file))] : [],
    )
  })
}

function objectOf(node: MapNode, production: boolean): KubeObject {
  const name = text(child(node, 'metadata', 'name')) ?? ''
  return { kind: text(child(node, 'kind')) ?? '', name, node, at: spotOf(node), production }
}

/** A pod template and what surrounds it. */
export interface Workload {
  readonly object: KubeObject
  readonly spec: Node | undefined
  readonly pod: Node | undefined
  readonly containers: readonly Node[]
  readonly replicas: number
}

/** Deployments and Argo Rollouts that serve requests (their pods open a port), or all when `any` is true. */
export function workloads(
  objects: readonly KubeObject[],
  kinds: readonly string[] = ['Deployment', 'Rollout', 'StatefulSet'],
): readonly Workload[] {
  return objects
    .filter((object) => kinds.includes(object.kind))
    .map((object) => {
      const spec = child(object.node, 'spec')
      const pod = child(spec, 'template', 'spec')
      return {
        object,
        spec,
        pod,
        containers: items(child(pod, 'containers')),
        replicas: num(child(spec, 'replicas')) ?? 1,
      }
    })
}

/** True when a container takes requests: it declares a port, or an HTTP, TCP or gRPC probe. */
export function serves(workload: Workload): boolean {
  return workload.containers.some(
    (container) =>
      items(child(container, 'ports')).length > 0 ||
      ['httpGet', 'tcpSocket', 'grpc'].some(
        (key) => child(container, 'readinessProbe', key) ?? child(container, 'livenessProbe', key),
      ),
  )
}

/** The container that serves: the first with a port, else the first. Side-cars such as proxies are passed over when they can be. */
export function mainContainer(workload: Workload): Node | undefined {
  const candidates = workload.containers.filter(
    (container) =>
      !/istio-proxy|envoy|linkerd|cloudsql|sidecar|exporter|fluent|clamav|\bredis\b|pgbouncer|oauth2?-proxy/i.test(
        text(child(container, 'name')) ?? '',
      ),
  )
  const open = candidates.filter((container) => items(child(container, 'ports')).length > 0)
  return (
    // Of several with ports, the one that somebody asks for its health is the one that citizens talk to.
    open.find(
      (container) => open.length > 1 && (child(container, 'readinessProbe') ?? child(container, 'livenessProbe')),
    ) ??
    open[0] ??
    candidates[0] ??
    workload.containers[0]
  )
}

/** A database, cache or broker: citizens do not talk to it, it may have to be alone, and its clients wait while it restarts. */
export function isStore(workload: Workload): boolean {
  const image = text(child(mainContainer(workload), 'image')) ?? ''
  const name = /(?:^|\/)([\w.-]+?)(?::[\w.-]+)?(?:@sha256:\w+)?$/.exec(image)?.[1] ?? ''
  return /^(postgres|postgresql|postgis|mysql|mariadb|redis|valkey|memcached|mongo|mongodb|rabbitmq|kafka|zookeeper|elasticsearch|opensearch|minio|etcd|cassandra|influxdb|localstack|mailhog|mailpit)(-\w+)?$/i.test(
    name,
  )
}

export function labelsOf(node: Node | undefined): ReadonlyMap<string, string> {
  return new Map(fields(node).map(([key, value]) => [key, text(value) ?? '']))
}
