/** Kubernetes objects, with Kustomize overlays applied, so that rules judge what the cluster would get. */

import { isNotProduction } from '../detect.ts'
import {
  child,
  type Entry,
  fields,
  items,
  type MapNode,
  type Node,
  num,
  type Spot,
  spotOf,
  text,
} from '../formats/node.ts'
import type { RenderedChart } from './helm.ts'
import { folderOf, join } from './path.ts'

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

/** What the cluster would get: each final overlay's merged objects, and the manifests that no overlay includes. */
export function kubeObjects(
  manifests: readonly KubeFile[],
  kustomizations: readonly KubeFile[],
): readonly KubeObject[] {
  const files = new Map(manifests.map((file) => [file.file, file]))
  const overlays = new Map(kustomizations.map((file) => [folderOf(file.file), file]))
  const included = new Set<string>()
  const bases = new Set<string>()
  for (const [folder, overlay] of overlays) {
    const root = overlay.documents[0]
    for (const path of resourcesOf(root)) {
      const target = join(folder, path)
      if (overlays.has(target)) bases.add(target)
      included.add(target)
    }
    for (const patch of patchFilesOf(root)) included.add(join(folder, patch))
  }
  const plain = manifests.filter((file) => !included.has(file.file)).flatMap((file) => objectsOf(file))
  const merged = [...overlays.keys()]
    .filter((folder) => !bases.has(folder))
    .flatMap((folder) =>
      build(folder, overlays, files, 0).map((object) => ({
        ...object,
        overlay: folder,
        production: !isNotProduction(`${folder}/`),
      })),
    )
  return [...plain, ...merged]
}

function resourcesOf(root: Node | undefined): readonly string[] {
  return ['resources', 'bases', 'components']
    .flatMap((key) => items(child(root, key)).map((item) => text(item) ?? ''))
    .filter(Boolean)
}

function patchFilesOf(root: Node | undefined): readonly string[] {
  const merges = items(child(root, 'patchesStrategicMerge')).map((item) => text(item) ?? '')
  const patches = ['patches', 'patchesJson6902'].flatMap((key) =>
    items(child(root, key)).map((item) => text(child(item, 'path')) ?? ''),
  )
  return [...merges, ...patches].filter((path) => path !== '' && !path.includes('\n'))
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

function objectsOf(file: KubeFile): readonly KubeObject[] {
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

function build(
  folder: string,
  overlays: ReadonlyMap<string, KubeFile>,
  files: ReadonlyMap<string, KubeFile>,
  depth: number,
): readonly KubeObject[] {
  const root = overlays.get(folder)?.documents[0]
  if (!root || depth > 8) return []
  const objects = resourcesOf(root).flatMap((path) => {
    const target = join(folder, path)
    if (overlays.has(target)) return build(target, overlays, files, depth + 1)
    const file = files.get(target)
    return file ? objectsOf(file) : []
  })
  const patches = patchFilesOf(root)
    .flatMap((path) => files.get(join(folder, path))?.documents ?? [])
    .filter((patch): patch is MapNode => patch.kind === 'map')
  const replicas = items(child(root, 'replicas'))
  return objects.map((object) => {
    const matching = patches.filter(
      (patch) => text(child(patch, 'kind')) === object.kind && text(child(patch, 'metadata', 'name')) === object.name,
    )
    let node = matching.reduce((merged, patch) => mergeMaps(merged, patch), object.node)
    const count = replicas.find((item) => text(child(item, 'name')) === object.name)
    const value = child(count, 'count')
    if (value) node = setAt(node, ['spec', 'replicas'], value)
    return { ...object, node }
  })
}

/** Strategic merge as far as it matters here: maps merge, lists of named things merge by name, everything else is replaced. */
function mergeMaps(base: MapNode, patch: MapNode): MapNode {
  const entries = new Map<string, Entry>(base.entries)
  for (const [key, entry] of patch.entries) {
    const before = entries.get(key)?.value
    if (entry.value.kind === 'scalar' && entry.value.value === null) entries.delete(key)
    else entries.set(key, { keyAt: entry.keyAt, value: before ? mergeNodes(before, entry.value) : entry.value })
  }
  return { ...base, entries }
}

function mergeNodes(base: Node, patch: Node): Node {
  if (base.kind === 'map' && patch.kind === 'map') return mergeMaps(base, patch)
  if (
    base.kind === 'list' &&
    patch.kind === 'list' &&
    patch.items.every((item) => text(child(item, 'name')) !== undefined)
  ) {
    const merged = base.items.map((item) => {
      const match = patch.items.find((other) => text(child(other, 'name')) === text(child(item, 'name')))
      return match ? mergeNodes(item, match) : item
    })
    const added = patch.items.filter(
      (item) => !base.items.some((other) => text(child(other, 'name')) === text(child(item, 'name'))),
    )
    return { ...base, items: [...merged, ...added] }
  }
  return patch
}

function setAt(node: MapNode, path: readonly string[], value: Node): MapNode {
  const [key, ...rest] = path
  const before = node.entries.get(key!)?.value
  const inner =
    rest.length === 0 ? value : setAt(before?.kind === 'map' ? before : { ...node, entries: new Map() }, rest, value)
  const entries = new Map(node.entries)
  entries.set(key!, { keyAt: value.at, value: inner })
  return { ...node, entries }
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
      !/istio-proxy|envoy|linkerd|cloudsql|sidecar|exporter|fluent/i.test(text(child(container, 'name')) ?? ''),
  )
  return (
    candidates.find((container) => items(child(container, 'ports')).length > 0) ??
    candidates[0] ??
    workload.containers[0]
  )
}

export function labelsOf(node: Node | undefined): ReadonlyMap<string, string> {
  return new Map(fields(node).map(([key, value]) => [key, text(value) ?? '']))
}
