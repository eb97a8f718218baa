/**
 * Helm charts of a tree, rendered with the values of production: Chart.yaml, values, overlays, templates, and subcharts that lie in
 * the tree. A chart whose own values are all there is renders with them, softly. What is not in the tree, or cannot be rendered, is
 * said.
 */
import { isNotProduction } from '../detect.ts'
import { type GoTemplate, parseGoTemplate } from '../formats/gotemplate.ts'
import {
  child,
  type Entry,
  items,
  type MapNode,
  type Node,
  type Problem,
  type Source,
  spotOf,
  text,
} from '../formats/node.ts'
import { type Budget, type Named, newBudget, renderTemplate } from './helm-render.ts'
import { coalesced, mapOf, scalarOf, softened } from './helm-value.ts'
import { folderOf, isProductionName, join, nameOf } from './path.ts'
import type { Unseen } from './unseen.ts'

export interface Parsed {
  readonly src: Source
  readonly root: Node
}

export interface HelmInput {
  /** Chart.yaml files. */
  readonly charts: readonly Parsed[]
  readonly values: readonly Parsed[]
  /** Files below a templates folder that hold actions. */
  readonly templates: readonly Source[]
}

/** What a chart puts into the cluster with one set of values. */
export interface RenderedChart {
  readonly name: string
  /** The chart's Chart.yaml. */
  readonly chart: Source
  /** The values file that was laid over the chart's own; absent when there is none. */
  readonly overlay?: string
  readonly production: boolean
  readonly documents: readonly Node[]
}

export interface HelmTree {
  readonly rendered: readonly RenderedChart[]
  readonly unseen: readonly Unseen[]
  readonly problems: ReadonlyMap<string, readonly Problem[]>
}

const OVERLAYS_MAX = 4
const SUBCHARTS_MAX = 60
const DEPTH_MAX = 6

interface Chart {
  readonly src: Source
  readonly root: Node
  readonly folder: string
  readonly name: string
  readonly library: boolean
  readonly values: Node | undefined
  readonly templates: readonly { readonly src: Source; readonly template: GoTemplate }[]
}

/** Pure; bounded. The same files always render the same. */
export function helmTree({ charts, values, templates }: HelmInput): HelmTree {
  const list = charts.slice(0, 400).map((parsed) => chartOf(parsed, values, templates))
  const byFolder = new Map(list.map((chart) => [chart.folder, chart]))
  const used = new Set<string>()
  for (const chart of list) for (const { folder } of dependenciesOf(chart)) if (folder !== undefined) used.add(folder)
  const isSubchart = (chart: Chart) =>
    used.has(chart.folder) ||
    list.some(
      (parent) =>
        parent !== chart && chart.folder.startsWith(`${parent.folder === '' ? '' : `${parent.folder}/`}charts/`),
    )
  const tops = list.filter((chart) => !chart.library && !isSubchart(chart))
  const rendered: RenderedChart[] = []
  const unseen = new Map<string, Unseen>()
  const problems = new Map<string, readonly Problem[]>()
  for (const chart of tops) {
    for (const overlay of overlaysFor(chart, tops, values)) {
      const run = new Run(byFolder, newBudget())
      const own = chart.values ?? mapOf([], { src: chart.src, at: 0 })
      const merged = overlay ? coalesced(own, overlay.root) : softened(own)
      const documents = run.chart(chart, copied(merged, 0) as MapNode, 0)
      rendered.push({
        name: chart.name,
        chart: chart.src,
        ...(overlay ? { overlay: overlay.src.file } : {}),
        production: !isNotProduction(overlay?.src.file ?? chart.src.file),
        documents,
      })
      for (const one of run.unseen) unseen.set(`${one.kind} ${one.at.file}:${one.at.line} ${one.ref}`, one)
      for (const [file, found] of run.problems) problems.set(file, found)
    }
  }
  const orphan = tops.length === 0 ? orphanValues(values) : []
  return { rendered, unseen: [...unseen.values(), ...orphan], problems }
}

function chartOf({ src, root }: Parsed, values: readonly Parsed[], templates: readonly Source[]): Chart {
  const folder = folderOf(src.file)
  const prefix = folder === '' ? '' : `${folder}/`
  return {
    src,
    root,
    folder,
    name: text(child(root, 'name')) ?? nameOf(folder),
    library: text(child(root, 'type')) === 'library',
    values: values.find(
      (file) => /^values\.ya?ml$/.test(file.src.file.slice(prefix.length)) && file.src.file.startsWith(prefix),
    )?.root,
    templates: templates
      .filter((file) => file.file.startsWith(`${prefix}templates/`) && !/NOTES\.txt$|\/tests\//.test(file.file))
      .map((file) => ({ src: file, template: parseGoTemplate(file.text) })),
  }
}

interface Dependency {
  readonly name: string
  readonly alias: string
  readonly node: Node
  /** The folder of the tree that it lies in; absent when it comes from a repository. */
  readonly folder?: string
}

function dependenciesOf(chart: Chart): readonly Dependency[] {
  return items(child(chart.root, 'dependencies'))
    .slice(0, SUBCHARTS_MAX)
    .map((node) => {
      const name = text(child(node, 'name')) ?? ''
      const local = /^file:\/\/(.+)$/.exec(text(child(node, 'repository')) ?? '')?.[1]
      const alias = text(child(node, 'alias')) ?? name
      return local === undefined ? { name, alias, node } : { name, alias, node, folder: join(chart.folder, local) }
    })
}

/** The values files that may be laid over a chart: those of production, else a single one that belongs to no other environment. */
function overlaysFor(chart: Chart, tops: readonly Chart[], values: readonly Parsed[]): readonly (Parsed | undefined)[] {
  const prefix = chart.folder === '' ? '' : `${chart.folder}/`
  const others = tops.filter((other) => other !== chart)
  const near = values.filter(({ src: { file } }) => {
    if (/^values\.ya?ml$/.test(file.slice(prefix.length)) && file.startsWith(prefix)) return false
    if (/(^|\/)charts\/[^/]+\//.test(file.startsWith(prefix) ? file.slice(prefix.length) : '')) return false
    if (/(^|\/)templates\//.test(file)) return false
    if (others.some((other) => other.folder.length > chart.folder.length && file.startsWith(`${other.folder}/`)))
      return false
    const outside = !file.startsWith(prefix)
    if (outside && others.some((other) => file.startsWith(`${other.folder}/`))) return false
    return outside ? others.length === 0 || file.split(/[/._-]/).includes(chart.name) : true
  })
  const production = near.filter(({ src }) =>
    isProductionName(src.file.startsWith(prefix) ? src.file.slice(prefix.length) : src.file),
  )
  if (production.length > 0) return production.slice(0, OVERLAYS_MAX)
  const open = near.filter(({ src }) => !isNotProduction(src.file))
  return open.length === 1 ? open : [undefined]
}

function orphanValues(values: readonly Parsed[]): readonly Unseen[] {
  const [file] = values.filter(({ src }) => /(^|\/)values[\w.-]*\.ya?ml$/.test(src.file) && !isNotProduction(src.file))
  if (!file) return []
  return [
    {
      kind: 'helm-dependency',
      at: spotOf(file.root),
      says: 'These are values for a chart that is not in this tree.',
      needs: 'the chart, or the output of "helm template" with these values',
      ref: file.src.file,
    },
  ]
}

class Run {
  readonly unseen: Unseen[] = []
  readonly problems = new Map<string, readonly Problem[]>()
  private readonly byFolder: ReadonlyMap<string, Chart>
  private readonly budget: Budget

  constructor(byFolder: ReadonlyMap<string, Chart>, budget: Budget) {
    this.byFolder = byFolder
    this.budget = budget
  }

  /** The documents of a chart and of the subcharts that its values switch on. */
  chart(chart: Chart, values: MapNode, depth: number): readonly Node[] {
    const named = this.named(chart, 0)
    return this.documents(chart, values, named, depth)
  }

  private documents(chart: Chart, values: MapNode, named: ReadonlyMap<string, Named>, depth: number): readonly Node[] {
    const found: Node[] = []
    for (const dependency of depth > DEPTH_MAX ? [] : this.dependencies(chart)) {
      if (!isOn(dependency, values)) continue
      const sub = this.subchart(chart, dependency)
      if (!sub) this.missing(chart, dependency)
      else if (!sub.library) {
        const own = sub.values ?? mapOf([], { src: sub.src, at: 0 })
        const given = values.entries.get(dependency.alias)?.value
        const merged = copied(given ? coalesced(own, given) : own, 0)
        for (const node of this.documents(sub, withGlobal(merged, values), named, depth + 1)) found.push(node)
      }
    }
    for (const { src, template } of chart.templates) {
      if (nameOf(src.file).startsWith('_') || !/\.ya?ml$/.test(src.file)) continue
      const result = renderTemplate(template, src, rootOf(chart, values, src), named, this.budget)
      if ('documents' in result) {
        for (const node of result.documents) found.push(node)
        if (result.problems.length > 0) this.problems.set(src.file, result.problems)
      } else
        this.unseen.push({
          kind: 'helm-template',
          at: result.at,
          says: `${nameOf(src.file)} of the chart ${chart.name} is not rendered here. ${result.says}`,
          needs: `the output of "helm template" for ${chart.name} with the values of production`,
          ref: src.file,
        })
    }
    return found
  }

  /** Dependencies that Chart.yaml names, and charts that lie in `charts/` without being named. */
  private dependencies(chart: Chart): readonly Dependency[] {
    const declared = dependenciesOf(chart)
    const prefix = `${chart.folder === '' ? '' : `${chart.folder}/`}charts/`
    const loose = [...this.byFolder.values()]
      .filter((other) => other.folder.startsWith(prefix) && !other.folder.slice(prefix.length).includes('/'))
      .filter((other) => !declared.some((one) => one.name === other.name))
      .map((other) => ({ name: other.name, alias: other.name, node: other.root, folder: other.folder }))
    return [...declared, ...loose].slice(0, SUBCHARTS_MAX)
  }

  private subchart(chart: Chart, dependency: Dependency): Chart | undefined {
    if (dependency.folder !== undefined) return this.byFolder.get(dependency.folder)
    return this.byFolder.get(join(chart.folder, `charts/${dependency.name}`))
  }

  private missing(chart: Chart, { name, node }: Dependency): void {
    const ref = `${text(child(node, 'repository')) ?? ''}/${name}@${text(child(node, 'version')) ?? ''}`
    this.unseen.push({
      kind: 'helm-dependency',
      at: spotOf(node),
      says: `What the chart ${name}, which ${chart.name} depends on, puts into the cluster is not in this tree.`,
      needs: `the chart ${ref}, or the output of "helm template" for ${chart.name}`,
      ref,
    })
  }

  /** Named templates of a chart and everything below it; the parent's win. */
  private named(chart: Chart, depth: number): ReadonlyMap<string, Named> {
    const all = new Map<string, Named>()
    if (depth > DEPTH_MAX) return all
    for (const dependency of this.dependencies(chart)) {
      const sub = this.subchart(chart, dependency)
      if (sub) for (const [name, template] of this.named(sub, depth + 1)) all.set(name, template)
    }
    for (const { src, template } of chart.templates)
      for (const [name, nodes] of template.defines) all.set(name, { nodes, src })
    return all
  }
}

/** `condition: redis.enabled` and `tags`: off when the values say false. */
function isOn({ node }: Dependency, values: MapNode): boolean {
  const condition = text(child(node, 'condition'))
  for (const path of (condition ?? '').split(',').filter(Boolean).slice(0, 10)) {
    const value = child(values, ...path.trim().split('.'))
    if (value?.kind === 'scalar' && typeof value.value === 'boolean') return value.value
  }
  const tags = items(child(node, 'tags')).map((tag) => child(values, 'tags', text(tag) ?? ''))
  const decided = tags.filter((tag) => tag?.kind === 'scalar' && typeof tag.value === 'boolean')
  return decided.length === 0 || decided.some((tag) => tag?.kind === 'scalar' && tag.value === true)
}

function withGlobal(values: Node, parent: MapNode): MapNode {
  const map: MapNode =
    values.kind === 'map' ? values : { kind: 'map', entries: new Map(), src: values.src, at: values.at }
  const global = parent.entries.get('global')
  if (!global) return map
  const own = map.entries.get('global')?.value
  const entries = new Map<string, Entry>(map.entries)
  entries.set('global', { keyAt: global.keyAt, value: own ? coalesced(own, global.value) : global.value })
  return { ...map, entries }
}

/** A copy whose maps may be changed by `set`. */
function copied(node: Node, depth: number): Node {
  if (depth > 64) return node
  if (node.kind === 'map')
    return {
      ...node,
      entries: new Map(
        [...node.entries].map(([key, { keyAt, value }]) => [key, { keyAt, value: copied(value, depth + 1) }]),
      ),
    }
  return node.kind === 'list' ? { ...node, items: node.items.map((item) => copied(item, depth + 1)) } : node
}

// The version that "helm template" assumes without a cluster changes with Helm; any supported one gives the same branches.
const KUBE = { Version: 'v1.33.0', GitVersion: 'v1.33.0', Major: '1', Minor: '33' }

function rootOf(chart: Chart, values: MapNode, src: Source): Node {
  const here = { src: chart.src, at: 0 }
  const of = (pairs: Readonly<Record<string, string | number | boolean>>) =>
    mapOf(
      Object.entries(pairs).map(([key, value]) => [key, scalarOf(value, here)] as const),
      here,
    )
  const about = (key: string, fallback = '') => child(chart.root, key) ?? scalarOf(fallback, here)
  return mapOf(
    [
      ['Values', values],
      [
        'Release',
        of({
          Name: 'release-name',
          Namespace: 'default',
          Service: 'Helm',
          IsInstall: true,
          IsUpgrade: false,
          Revision: 1,
        }),
      ],
      [
        'Chart',
        mapOf(
          [
            ['Name', about('name', chart.name)],
            ['Version', about('version', '0.0.0')],
            ['AppVersion', about('appVersion')],
            ['Description', about('description')],
            ['Type', about('type', 'application')],
            ['Annotations', child(chart.root, 'annotations') ?? mapOf([], here)],
            ['IsRoot', scalarOf(true, here)],
          ],
          here,
        ),
      ],
      [
        'Capabilities',
        mapOf(
          [
            ['KubeVersion', of(KUBE)],
            ['HelmVersion', of({ Version: 'v3.18.0' })],
          ],
          here,
        ),
      ],
      [
        'Template',
        of({ Name: `${chart.name}/${src.file.slice(chart.folder.length + 1)}`, BasePath: `${chart.name}/templates` }),
      ],
      ['Files', mapOf([], here)],
    ],
    here,
  )
}
