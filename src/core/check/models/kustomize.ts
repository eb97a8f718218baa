/**
 * Kustomize: each final overlay's objects as the cluster would get them. Resources, components, strategic-merge and JSON patches (in
 * files or in place), images, replicas, prefixes and namespaces. Bases from elsewhere and charts that Kustomize inflates are said.
 */
import { isNotProduction } from '../detect.ts'
import { embeddedSource } from '../formats/embedded.ts'
import { child, type Entry, items, type MapNode, type Node, type ScalarNode, spotOf, text } from '../formats/node.ts'
import { readYaml } from '../formats/yaml.ts'
import { type KubeFile, type KubeObject, objectsOf } from './kube.ts'
import { folderOf, join } from './path.ts'
import type { Unseen } from './unseen.ts'

export interface KustomizeTree {
  readonly objects: readonly KubeObject[]
  readonly unseen: readonly Unseen[]
}

const DEPTH_MAX = 12
// Shared bases are built once for each way that leads to them.
const BUILDS_MAX = 2_000

/** What the cluster would get: each final overlay's merged objects, and the manifests that no overlay includes. */
export function kustomizeTree(manifests: readonly KubeFile[], kustomizations: readonly KubeFile[]): KustomizeTree {
  const files = new Map(manifests.map((file) => [file.file, file]))
  const overlays = new Map(kustomizations.map((file) => [folderOf(file.file), file]))
  const included = new Set<string>()
  const bases = new Set<string>()
  for (const [folder, overlay] of overlays) {
    const root = overlay.documents[0]
    for (const { path } of resourcesOf(root)) {
      const target = join(folder, path)
      if (overlays.has(target)) bases.add(target)
      included.add(target)
    }
    for (const path of patchFilesOf(root)) included.add(join(folder, path))
    for (const node of ['configMapGenerator', 'secretGenerator'].flatMap((key) => items(child(root, key))))
      for (const path of items(child(node, 'files')).map((item) => text(item) ?? ''))
        included.add(join(folder, path.replace(/^[^=]*=/, '')))
  }
  const builder = new Builder(overlays, files)
  const plain = manifests.filter((file) => !included.has(file.file)).flatMap(objectsOf)
  const merged = [...overlays.keys()]
    .filter((folder) => !bases.has(folder) && !isComponent(overlays.get(folder)!))
    .flatMap((folder) =>
      builder
        .build(folder, 0)
        .map((object) => ({ ...object, overlay: folder, production: !isNotProduction(`${folder}/`) })),
    )
  return { objects: [...plain, ...merged], unseen: [...builder.unseen.values()] }
}

function isComponent(file: KubeFile): boolean {
  return text(child(file.documents[0], 'kind')) === 'Component'
}

interface Listed {
  readonly path: string
  readonly node: Node
}

function resourcesOf(root: Node | undefined): readonly Listed[] {
  return ['resources', 'bases', 'components'].flatMap((key) =>
    items(child(root, key)).flatMap((node) => {
      const path = text(node)
      return path ? [{ path, node }] : []
    }),
  )
}

function patchFilesOf(root: Node | undefined): readonly string[] {
  const merges = items(child(root, 'patchesStrategicMerge')).map((item) => text(item) ?? '')
  const patches = ['patches', 'patchesJson6902'].flatMap((key) =>
    items(child(root, key)).map((item) => text(child(item, 'path')) ?? ''),
  )
  return [...merges, ...patches].filter((path) => path !== '' && !path.includes('\n'))
}

const REMOTE = /^(?:[a-z+]+:\/\/|git@|github\.com\/|gitlab\.com\/|bitbucket\.org\/)|[?&]ref=|\.git(?:\/|$)/i

class Builder {
  readonly unseen = new Map<string, Unseen>()
  private readonly overlays: ReadonlyMap<string, KubeFile>
  private readonly files: ReadonlyMap<string, KubeFile>
  private builds = 0

  constructor(overlays: ReadonlyMap<string, KubeFile>, files: ReadonlyMap<string, KubeFile>) {
    this.overlays = overlays
    this.files = files
  }

  build(folder: string, depth: number): readonly KubeObject[] {
    const root = this.overlays.get(folder)?.documents[0]
    if (!root || depth > DEPTH_MAX || ++this.builds > BUILDS_MAX) return []
    let objects: readonly KubeObject[] = []
    for (const { path, node } of resourcesOf(root)) {
      const target = join(folder, path)
      const overlay = this.overlays.get(target)
      const file = this.files.get(target)
      // A component changes what stands before it, and may add to it.
      if (overlay && isComponent(overlay)) objects = [...this.changed(target, objects), ...this.added(target, depth)]
      else if (overlay) objects = [...objects, ...this.build(target, depth + 1)]
      else if (file) objects = [...objects, ...objectsOf(file)]
      else if (REMOTE.test(path))
        this.note(node, 'kustomize-remote', `What ${path.slice(0, 120)} adds is not in this tree.`, path)
    }
    for (const chart of items(child(root, 'helmCharts'))) {
      const name = text(child(chart, 'name')) ?? ''
      this.note(
        chart,
        'helm-dependency',
        `What the chart ${name} adds is not in this tree.`,
        `${text(child(chart, 'repo')) ?? ''}/${name}@${text(child(chart, 'version')) ?? ''}`,
      )
    }
    return this.changed(folder, objects)
  }

  private added(folder: string, depth: number): readonly KubeObject[] {
    const root = this.overlays.get(folder)?.documents[0]
    if (depth > DEPTH_MAX) return []
    return resourcesOf(root).flatMap(({ path }) => {
      const file = this.files.get(join(folder, path))
      return file ? objectsOf(file) : []
    })
  }

  private note(node: Node, kind: Unseen['kind'], says: string, ref: string): void {
    const at = spotOf(node)
    const needs = `the output of "kustomize build" for ${folderOf(at.file) || 'this folder'}`
    this.unseen.set(`${at.file}:${at.line}:${at.col}`, { kind, at, says, needs, ref })
  }

  /** The patches and fields of one kustomization, applied in Kustomize's order. */
  private changed(folder: string, objects: readonly KubeObject[]): readonly KubeObject[] {
    const root = this.overlays.get(folder)?.documents[0]
    const patches = this.patchesOf(folder, root)
    return objects
      .flatMap((object) => {
        const node = patches.reduce<MapNode | undefined>(
          (here, patch) => (here && patch.applies(here) ? this.apply(here, patch) : here),
          object.node,
        )
        return node ? [{ ...object, node }] : []
      })
      .map((object) => ({ ...object, node: withFields(object.node, root) }))
      .map((object) => ({ ...object, name: text(child(object.node, 'metadata', 'name')) ?? object.name }))
  }

  private apply(node: MapNode, patch: Patch): MapNode | undefined {
    if (patch.kind === 'merge') {
      if (text(child(patch.node, '$patch')) === 'delete') return undefined
      return mergeMaps(node, patch.node, 0)
    }
    return patch.operations.reduce<MapNode>((here, operation) => {
      const path = (text(child(operation, 'path')) ?? '')
        .split('/')
        .slice(1, 40)
        .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'))
      const op = text(child(operation, 'op')) ?? ''
      const value = child(operation, 'value')
      if (op !== 'add' && op !== 'replace' && op !== 'remove') return here
      const done = changedAt(here, path, op, value ?? NOTHING(here), spotless(operation))
      return done.kind === 'map' ? done : here
    }, node)
  }

  private patchesOf(folder: string, root: Node | undefined): readonly Patch[] {
    const listed = ['patches', 'patchesStrategicMerge', 'patchesJson6902'].flatMap((key) => items(child(root, key)))
    return listed.flatMap((item) => {
      const path =
        text(child(item, 'path')) ?? (item.kind === 'scalar' && !item.text.includes('\n') ? item.text : undefined)
      const inline = child(item, 'patch') ?? (item.kind === 'scalar' && item.text.includes('\n') ? item : undefined)
      const documents =
        path === undefined
          ? inline?.kind === 'scalar'
            ? inlineDocuments(inline)
            : []
          : (this.files.get(join(folder, path))?.documents ?? [])
      return documents.flatMap((node) => patchOf(node, child(item, 'target')))
    })
  }
}

type Patch =
  | { readonly kind: 'merge'; readonly node: MapNode; applies(object: MapNode): boolean }
  | { readonly kind: 'json'; readonly operations: readonly Node[]; applies(object: MapNode): boolean }

function inlineDocuments(node: ScalarNode): readonly Node[] {
  return readYaml(embeddedSource(node)).documents
}

function patchOf(node: Node, target: Node | undefined): readonly Patch[] {
  const wanted = (path: readonly string[], fallback: Node | undefined) =>
    text(child(target, path.at(-1)!)) ?? text(child(fallback, ...path))
  const applies = (own: Node | undefined) => (object: MapNode) => {
    const kind = wanted(['kind'], own)
    const name = text(child(target, 'name')) ?? (target ? undefined : text(child(own, 'metadata', 'name')))
    const label = text(child(target, 'labelSelector'))
    return (
      (kind === undefined || kind === text(child(object, 'kind'))) &&
      (name === undefined || named(name, text(child(object, 'metadata', 'name')) ?? '')) &&
      (label === undefined || labelled(label, child(object, 'metadata', 'labels')))
    )
  }
  if (node.kind === 'map') return [{ kind: 'merge', node, applies: applies(node) }]
  if (node.kind === 'list' && target)
    return [{ kind: 'json', operations: node.items.slice(0, 200), applies: applies(undefined) }]
  return []
}

/** Kustomize reads a target's name as a pattern that must match whole; only plain names and `.*` are understood here. */
function named(wanted: string, name: string): boolean {
  if (wanted === name) return true
  if (!/^[\w.*-]+$/.test(wanted) || !wanted.includes('.*')) return false
  const parts = wanted.split('.*')
  let at = 0
  for (const [i, part] of parts.entries()) {
    const found = i === 0 ? (name.startsWith(part) ? 0 : -1) : name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return parts.at(-1) === '' || name.endsWith(parts.at(-1)!)
}

function labelled(selector: string, labels: Node | undefined): boolean {
  return selector.split(',').every((part) => {
    const [key = '', value = ''] = part.split(/==?/)
    return text(child(labels, key.trim())) === value.trim()
  })
}

const REPLICATED = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController', 'Rollout'])

/** Replicas, images, prefix, suffix and namespace of a kustomization. */
function withFields(object: MapNode, root: Node | undefined): MapNode {
  let node = object
  const name = text(child(object, 'metadata', 'name')) ?? ''
  const count = items(child(root, 'replicas')).find((item) => text(child(item, 'name')) === name)
  const replicas = child(count, 'count')
  // Kustomize sets them only on what has replicas; a disruption budget of the same name has none.
  if (replicas && REPLICATED.has(text(child(object, 'kind')) ?? '')) node = setAt(node, ['spec', 'replicas'], replicas)
  const images = items(child(root, 'images'))
  if (images.length > 0) node = withImages(node, images, 0) as MapNode
  const namespace = child(root, 'namespace')
  if (namespace) node = setAt(node, ['metadata', 'namespace'], namespace)
  for (const [key, join] of [
    ['namePrefix', (fix: string, own: string) => fix + own],
    ['nameSuffix', (fix: string, own: string) => own + fix],
  ] as const) {
    const fix = child(root, key)
    const own = text(child(node, 'metadata', 'name'))
    if (fix?.kind === 'scalar' && own !== undefined) {
      const value = join(fix.text, own)
      node = setAt(node, ['metadata', 'name'], { ...fix, value, text: value })
    }
  }
  return node
}

/** Puts the kustomization's name, tag or digest into every `image` of containers. */
function withImages(node: Node, images: readonly Node[], depth: number): Node {
  if (depth > 20) return node
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => withImages(item, images, depth + 1)) }
  if (node.kind !== 'map') return node
  const entries = new Map<string, Entry>()
  for (const [key, entry] of node.entries) {
    const image = key === 'image' ? text(entry.value) : undefined
    const value = image === undefined ? withImages(entry.value, images, depth + 1) : imageOf(image, entry.value, images)
    entries.set(key, { keyAt: value.src === entry.value.src ? entry.keyAt : value.at, value })
  }
  return { ...node, entries }
}

function imageOf(image: string, node: Node, images: readonly Node[]): Node {
  const [, name = image] = /^(.*?)(?:@.*|:[\w.-]+)?$/.exec(image) ?? []
  const change = images.find((item) => text(child(item, 'name')) === name)
  if (!change) return node
  const tag = text(child(change, 'newTag'))
  const digest = text(child(change, 'digest'))
  const base = text(child(change, 'newName')) ?? name
  const rest = digest ? `@${digest}` : tag ? `:${tag}` : image.slice(name.length)
  const at = child(change, 'digest') ?? child(change, 'newTag') ?? child(change, 'newName') ?? change
  return { kind: 'scalar', value: base + rest, text: base + rest, src: at.src, at: at.at }
}

/** Strategic merge as far as it matters here: maps merge, lists of named things merge by name, everything else is replaced. */
function mergeMaps(base: MapNode, patch: MapNode, depth: number): MapNode {
  if (text(child(patch, '$patch')) === 'replace') return patch
  const entries = new Map<string, Entry>(base.entries)
  for (const [key, entry] of patch.entries) {
    const before = entries.get(key)?.value
    if (key === '$patch') continue
    if (entry.value.kind === 'scalar' && entry.value.value === null) entries.delete(key)
    else
      entries.set(key, { keyAt: entry.keyAt, value: before ? mergeNodes(before, entry.value, depth + 1) : entry.value })
  }
  return { ...base, entries }
}

// The keys by which Kubernetes merges lists of things: containers, volumes and env by name, ports by number, mounts by path.
const MERGE_KEYS = ['name', 'containerPort', 'mountPath', 'port', 'topologyKey']

function mergeNodes(base: Node, patch: Node, depth: number): Node {
  if (depth > 40) return patch
  if (base.kind === 'map' && patch.kind === 'map') return mergeMaps(base, patch, depth)
  if (base.kind !== 'list' || patch.kind !== 'list') return patch
  const key = MERGE_KEYS.find(
    (candidate) => patch.items.length > 0 && patch.items.every((item) => text(child(item, candidate)) !== undefined),
  )
  if (!key) return patch
  const byKey = new Map(patch.items.map((item) => [text(child(item, key)), item]))
  const gone = (item: Node | undefined) => text(child(item, '$patch')) === 'delete'
  const merged = base.items.flatMap((item) => {
    const match = byKey.get(text(child(item, key)))
    return gone(match) ? [] : [match ? mergeNodes(item, match, depth + 1) : item]
  })
  const present = new Set(base.items.map((item) => text(child(item, key))))
  return {
    ...base,
    items: [...merged, ...patch.items.filter((item) => !present.has(text(child(item, key))) && !gone(item))],
  }
}

function setAt(node: MapNode, path: readonly string[], value: Node): MapNode {
  const done = changedAt(node, path, 'add', value, value)
  return done.kind === 'map' ? done : node
}

const NOTHING = (at: Node): Node => ({ kind: 'scalar', value: null, text: '', src: at.src, at: at.at })

function spotless(node: Node): Node {
  return child(node, 'path') ?? node
}

/** RFC 6902 `add`, `replace` and `remove`; a path that leads nowhere changes nothing, except that `add` makes missing maps. */
function changedAt(
  node: Node,
  path: readonly string[],
  op: 'add' | 'replace' | 'remove',
  value: Node,
  from: Node,
): Node {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (node.kind === 'list') {
    const index = key === '-' ? node.items.length : Number(key)
    if (!Number.isInteger(index) || index < 0 || index > node.items.length) return node
    const inner = node.items[index]
    const list = [...node.items]
    if (rest.length > 0) {
      if (!inner) return node
      list[index] = changedAt(inner, rest, op, value, from)
    } else list.splice(index, op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [value]))
    return { ...node, items: list }
  }
  if (node.kind !== 'map') return node
  const entries = new Map(node.entries)
  const before = node.entries.get(key)?.value
  if (rest.length === 0 && op === 'remove') entries.delete(key)
  else if (rest.length === 0) entries.set(key, { keyAt: value.at, value })
  else {
    if (!before && op !== 'add') return node
    const inner: Node = before ?? { kind: 'map', entries: new Map(), src: from.src, at: from.at }
    entries.set(key, { keyAt: node.entries.get(key)?.keyAt ?? from.at, value: changedAt(inner, rest, op, value, from) })
  }
  return { ...node, entries }
}
