/**
 * Terraform as resources. Modules that lie in the tree are put in place once for each call, with the caller's arguments; a root
 * module gets the values of its production .tfvars. What a remote module does is not known, and is said.
 */
import { isNotProduction } from '../detect.ts'
import type { HclBlock, HclFile } from '../formats/hcl.ts'
import { ELSEWHERE, evaluateHcl, type Lookup } from '../formats/hcl-expression.ts'
import { readJson } from '../formats/json.ts'
import { fields, type MapNode, type Node, num, type Source, spotOf, text } from '../formats/node.ts'
import { linesOf } from '../formats/position.ts'
import { type Resource, typeOf } from './cloud.ts'
import { folderOf, isProductionName, join } from './path.ts'
import type { Unseen } from './unseen.ts'

export interface Module {
  readonly file: HclFile
  readonly src: Source
}

export interface TerraformTree {
  readonly resources: readonly Resource[]
  /** Modules from elsewhere. */
  readonly unseen: readonly Unseen[]
}

// Real trees nest modules three or four deep; a loop of modules is cut here too.
const DEPTH_MAX = 8
const INSTANCES_MAX = 400
const SETTINGS_MAX = 4

/**
 * Resources of all .tf files. Values come from production variables, else from defaults, softly; `fileAt` gives a file of the tree
 * to `file()` and `templatefile()`. Pure; bounded.
 */
export function terraformTree(
  modules: readonly Module[],
  tfvars: readonly Module[],
  fileAt: (path: string) => Source | undefined = () => undefined,
): TerraformTree {
  const folders = new Map<string, Folder>()
  for (const module of modules) {
    const folder = folderOf(module.src.file)
    const known = folders.get(folder) ?? { path: folder, blocks: [] }
    for (const block of module.file.blocks) known.blocks.push(block)
    folders.set(folder, known)
  }
  const called = new Set(
    [...folders.values()].flatMap((folder) =>
      folder.blocks
        .filter((block) => block.type === 'module')
        .flatMap((block) => localSource(folder.path, block) ?? []),
    ),
  )
  const builder = new Builder(folders, fileAt)
  const roots = [...folders.values()].filter((folder) => !called.has(folder.path))
  const production = roots.filter((folder) => !isNotProduction(`${folder.path}/`))
  // Modules that only rehearsal environments call are still judged, when nothing else is there.
  for (const root of production.length > 0 ? production : roots)
    for (const given of settingsOf(root, tfvars)) builder.add(root, given, '', 0, root.path)
  // A folder that only others call, in a circle or from a root left out, stands for itself.
  for (const folder of folders.values())
    if (!builder.built.has(folder.path) && !(production.length > 0 && roots.includes(folder)))
      builder.add(folder, new Map(), '', 0, folder.path)
  return { resources: builder.resources, unseen: builder.unseen }
}

interface Folder {
  readonly path: string
  readonly blocks: HclBlock[]
}

function localSource(folder: string, block: HclBlock): string | undefined {
  const source = text(block.body.entries.get('source')?.value)
  return source && /^\.\.?\//.test(source) ? join(folder, source) : undefined
}

/** Values for the variables of a root: one set for each production file of values, or one for all that is there. */
function settingsOf(root: Folder, tfvars: readonly Module[]): readonly ReadonlyMap<string, Node>[] {
  const near = tfvars.filter(({ src }) => root.path === '' || src.file.startsWith(`${root.path}/`))
  const isAuto = ({ src }: Module) =>
    folderOf(src.file) === root.path && /(^|\/)(terraform\.tfvars|[^/]+\.auto\.tfvars)(\.json)?$/.test(src.file)
  const auto = new Map(near.filter(isAuto).flatMap((module) => fields(module.file.attributes)))
  const chosen = near.filter((module) => !isAuto(module))
  // Only the part below the root names an environment: the root itself may be called live.
  const production = chosen.filter(({ src }) => isProductionName(src.file.slice(root.path.length)))
  const over = (module: Module) => new Map([...auto, ...fields(module.file.attributes)])
  if (production.length > 0) return production.slice(0, SETTINGS_MAX).map(over)
  if (chosen.length === 1) return [over(chosen[0]!)]
  // With several environments and none for production, a default decides nothing.
  return [chosen.length > 1 ? new Map([...auto, [UNDECIDED, { kind: 'scalar', value: true, text: '' } as Node]]) : auto]
}

const UNDECIDED = '\0undecided'

class Builder {
  readonly resources: Resource[] = []
  readonly unseen: Unseen[] = []
  readonly built = new Set<string>()
  private readonly folders: ReadonlyMap<string, Folder>
  private readonly fileAt: (path: string) => Source | undefined
  private instances = 0

  constructor(folders: ReadonlyMap<string, Folder>, fileAt: (path: string) => Source | undefined) {
    this.folders = folders
    this.fileAt = fileAt
  }

  /** Adds one instance of a module's folder, and gives the value of its outputs. */
  add(
    folder: Folder,
    given: ReadonlyMap<string, Node>,
    scope: string,
    depth: number,
    root: string,
  ): (name: string) => Node | undefined {
    this.built.add(folder.path)
    if (depth > DEPTH_MAX || ++this.instances > INSTANCES_MAX) return () => undefined
    const of = (type: string) => folder.blocks.filter((block) => block.type === type)
    const variables = new Map(given)
    for (const block of of('variable')) {
      const name = block.labels[0] ?? ''
      const value = block.body.entries.get('default')?.value
      if (value && !variables.has(name) && !given.has(UNDECIDED)) variables.set(name, { ...value, soft: true })
    }
    const locals = new Map(of('locals').flatMap((block) => fields(block.body)))
    const outputs = new Map<string, (name: string) => Node | undefined>()
    const lookup: Lookup = (kind, name, level) => {
      if (kind === 'module') {
        const [child = '', out = ''] = name.split('.')
        return outputs.get(child)?.(out)
      }
      if (kind === 'path') return pathScalar(name === 'module' ? relative(root, folder.path) : '.')
      if (kind === 'file') return fileScalar(this.fileAt(join(root, name)))
      if (kind === 'data') return templateData(of('data'), name, resolve)
      const value = kind === 'var' ? variables.get(name) : kind === 'local' ? locals.get(name) : undefined
      return value?.kind === 'opaque' && kind === 'local' ? (evaluateHcl(value, lookup, level + 1) ?? value) : value
    }
    const resolve = (node: Node): Node => (node.kind === 'opaque' ? (evaluateHcl(node, lookup) ?? node) : node)
    for (const block of of('module')) this.call(folder, block, resolve, scope, depth, root, outputs)
    for (const block of of('resource')) this.resource(block, resolve, scope)
    return (name) => {
      const value = of('output')
        .find((block) => block.labels[0] === name)
        ?.body.entries.get('value')?.value
      return value && resolve(value)
    }
  }

  private resource(block: HclBlock, resolve: (node: Node) => Node, scope: string): void {
    const [written = '', id = ''] = block.labels
    if (absent(block.body, resolve)) return
    this.resources.push({
      type: typeOf(written),
      written,
      id,
      from: 'terraform',
      body: block.body,
      whole: block.body,
      at: { file: block.src.file, ...block.src.lines.placeOf(block.at) },
      src: block.src,
      scope,
      resolve,
    })
  }

  private call(
    folder: Folder,
    block: HclBlock,
    resolve: (node: Node) => Node,
    scope: string,
    depth: number,
    root: string,
    outputs: Map<string, (name: string) => Node | undefined>,
  ): void {
    const name = block.labels[0] ?? ''
    if (absent(block.body, resolve)) return
    const source = block.body.entries.get('source')?.value
    const target = localSource(folder.path, block)
    const child = target === undefined ? undefined : this.folders.get(target)
    if (!child) {
      const ref = text(source) ?? (source?.kind === 'opaque' ? source.text : '')
      this.unseen.push({
        kind: 'terraform-module',
        at: source ? spotOf(source) : { file: block.src.file, ...block.src.lines.placeOf(block.at) },
        says: `What the module ${name} creates is not in this tree.`,
        needs: `the module ${ref.slice(0, 120) || name}, or the plan ("terraform show -json")`,
        ref,
      })
      return
    }
    const given = new Map(
      fields(block.body)
        .filter(([key]) => !/^(source|version|providers|count|for_each|depends_on)$/.test(key))
        .map(([key, value]) => [key, carried(value, resolve, 0)]),
    )
    outputs.set(name, this.add(child, given, `${scope}module.${name}.`, depth + 1, root))
  }
}

/** A value as a called module gets it: what the caller's names decide is put in, and the rest means nothing there. */
function carried(given: Node, resolve: (node: Node) => Node, depth: number): Node {
  const node = resolve(given)
  const inner = (child: Node) => carried(child, resolve, depth + 1)
  if (depth > 24) return node
  if (node.kind === 'list') return { ...node, items: node.items.map(inner) }
  if (node.kind === 'map') {
    const entries = [...node.entries].map(([key, { keyAt, value }]) => [key, { keyAt, value: inner(value) }] as const)
    return { ...node, entries: new Map(entries) }
  }
  // A document is read by its lines; what stands in it is decided there.
  if (node.kind !== 'opaque' || (node.call === 'template' && node.text.includes('\n'))) return node
  if (node.arg?.kind === 'list' && /^(jsonencode|concat)$/.test(node.call)) return { ...node, arg: inner(node.arg) }
  return { kind: 'opaque', text: node.text, call: ELSEWHERE, src: node.src, at: node.at }
}

const NO_SOURCE: Source = { file: '', text: '', lines: linesOf('') }

function pathScalar(path: string): Node {
  return { kind: 'scalar', value: path, text: path, src: NO_SOURCE, at: 0 }
}

/** Terraform gives paths relative to the folder that it is started in: the root module's. */
function relative(root: string, folder: string): string {
  if (root === folder) return '.'
  if (root === '') return folder
  if (folder.startsWith(`${root}/`)) return folder.slice(root.length + 1)
  return `${'../'.repeat(root.split('/').length)}${folder}`
}

function fileScalar(src: Source | undefined): Node | undefined {
  return src && { kind: 'scalar', value: src.text, text: src.text, src, at: 0 }
}

/** `data "template_file" "x" { template = file(…) }`, from before Terraform had templatefile(). */
function templateData(blocks: readonly HclBlock[], name: string, resolve: (node: Node) => Node): Node | undefined {
  const block = blocks.find(({ labels }) => labels[0] === 'template_file' && `template_file.${labels[1]}` === name)
  const template = block?.body.entries.get('template')
  if (!block || !template) return undefined
  const value = resolve(template.value)
  const rendered: Node =
    value.kind === 'scalar'
      ? { kind: 'opaque', text: value.text, call: 'template', arg: value, src: value.src, at: value.at }
      : value
  return { ...block.body, entries: new Map([['rendered', { keyAt: template.keyAt, value: rendered }]]) }
}

/** `count = 0`, also when a variable says so: nothing is created. */
function absent(body: MapNode, resolve: (node: Node) => Node): boolean {
  const count = body.entries.get('count')?.value
  return count !== undefined && num(resolve(count)) === 0
}

/** A `.tfvars.json` file: its members are values as in a `.tfvars` file. */
export function readTfvarsJson(src: Source): HclFile {
  const { root, problems } = readJson(src)
  const attributes: MapNode = root?.kind === 'map' ? root : { kind: 'map', entries: new Map(), src, at: 0 }
  return { blocks: [], attributes, problems }
}
