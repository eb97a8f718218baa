/** CloudFormation, SAM and CDK output as resources: parameters of production put in, SAM's globals merged, nested stacks followed. */
import { isNotProduction } from '../detect.ts'
import { child, type Entry, fields, type MapNode, type Node, type Source, text } from '../formats/node.ts'
import { type Resource, typeOf } from './cloud.ts'
import { conditionHolds, resolveIntrinsic, scopeOf, type TemplateScope } from './intrinsics.ts'
import { folderOf, isProductionName, join, nameOf } from './path.ts'

export interface Template {
  readonly src: Source
  readonly root: Node
  /** The environment that a set of parameters is for, where its file holds several. */
  readonly environment?: string
}

/** Resources of all templates. `parameters` are parameter files of the tree, `stacks` what a CDK manifest says of its templates. */
export function templateTree(
  templates: readonly Template[],
  parameters: readonly Template[],
  stacks: ReadonlyMap<string, Stack> = new Map(),
): readonly Resource[] {
  const sets = parameters.map(({ src, root, environment }) => ({
    file: environment === undefined ? src.file : `${src.file}/${environment}`,
    values: parameterValues(root),
  }))
  const known = new Set(templates.map(({ src }) => src.file))
  const scopes = new Map(templates.map(({ src, root }) => [src.file, ownScope(src.file, root, sets)]))
  const nested = new Map<string, Map<string, Node>>()
  for (const { src, root } of templates)
    for (const call of nestedStacks(src.file, root, scopes.get(src.file)!)) {
      if (known.has(call.file) && !nested.has(call.file)) nested.set(call.file, call.given)
    }
  const production = [...stacks.values()].some((stack) => stack.production)
  return templates.flatMap(({ src, root }) => {
    const stack = stacks.get(src.file)
    // Stacks of a rehearsal environment decide nothing, when a production stack stands beside them.
    if (stack && !stack.production && production) return []
    const given = nested.get(src.file)
    const scope = given
      ? scopeOf(root, new Map([...scopes.get(src.file)!.given, ...given]), false)
      : scopes.get(src.file)!
    return templateResources(root, src, scope)
  })
}

/** A stack of a CDK application. */
export interface Stack {
  readonly name: string
  readonly template: string
  readonly production: boolean
  /** `aws://account/region`, where the manifest says it. */
  readonly environment: string
}

/** The stacks of a CDK manifest (`cdk.out/manifest.json`), by the path of their template. */
export function cdkStacks(manifests: readonly Template[]): ReadonlyMap<string, Stack> {
  const stacks = new Map<string, Stack>()
  for (const { src, root } of manifests) {
    for (const [id, artifact] of fields(child(root, 'artifacts'))) {
      const file = text(child(artifact, 'properties', 'templateFile'))
      if (text(child(artifact, 'type')) !== 'aws:cloudformation:stack' || !file) continue
      const name = text(child(artifact, 'properties', 'stackName')) ?? text(child(artifact, 'displayName')) ?? id
      const words = name.replace(/([a-z0-9])([A-Z])/g, '$1-$2')
      const template = join(folderOf(src.file), file)
      stacks.set(template, {
        name,
        template,
        production: !isNotProduction(words),
        environment: text(child(artifact, 'environment')) ?? '',
      })
    }
  }
  return stacks
}

interface ParameterSet {
  readonly file: string
  readonly values: ReadonlyMap<string, Node>
}

/** `[{ParameterKey, ParameterValue}]`, `{Parameters: {…}}`, or CodePipeline's template configuration. */
export function parameterValues(root: Node): ReadonlyMap<string, Node> {
  if (root.kind === 'list')
    return new Map(
      root.items.flatMap((item) => {
        const key = text(child(item, 'ParameterKey'))
        const value = child(item, 'ParameterValue')
        return key && value ? [[key, value] as const] : []
      }),
    )
  return new Map(fields(child(root, 'Parameters') ?? root).filter(([, value]) => value.kind === 'scalar'))
}

function ownScope(file: string, root: Node, sets: readonly ParameterSet[]): TemplateScope {
  const names = new Set(fields(child(root, 'Parameters')).map(([name]) => name))
  if (names.size === 0) return scopeOf(root, new Map(), false)
  const stem = nameOf(file).replace(/(\.template)?\.\w+$/, '')
  const fitting = sets.filter(({ values }) => values.size > 0 && [...values.keys()].every((key) => names.has(key)))
  // Where files are named after their template, those come first.
  const named = fitting.filter((set) => set.file.includes(stem))
  const candidates = named.length > 0 ? named : fitting
  const production = candidates.find((set) => isProductionName(set.file))
  const chosen =
    production ?? (candidates.length === 1 && !isNotProduction(candidates[0]!.file) ? candidates[0] : undefined)
  return scopeOf(root, chosen?.values ?? new Map(), candidates.length > 1 && !chosen)
}

function nestedStacks(
  file: string,
  root: Node,
  scope: TemplateScope,
): readonly { file: string; given: Map<string, Node> }[] {
  return fields(child(root, 'Resources')).flatMap(([, resource]) => {
    const type = text(child(resource, 'Type'))
    if (type !== 'AWS::CloudFormation::Stack' && type !== 'AWS::Serverless::Application') return []
    const properties = child(resource, 'Properties')
    const location = text(child(properties, 'TemplateURL') ?? child(properties, 'Location'))
    if (!location || /^[a-z]+:/i.test(location)) return []
    const given = fields(child(properties, 'Parameters')).map(
      ([key, value]) => [key, resolveIntrinsic(value, scope)] as const,
    )
    return [{ file: join(folderOf(file), location), given: new Map(given) }]
  })
}

function templateResources(root: Node, src: Source, scope: TemplateScope): readonly Resource[] {
  if (root.kind !== 'map') return []
  const resolve = (node: Node) => resolveIntrinsic(node, scope)
  const list = root.entries.get('Resources')?.value
  if (list?.kind !== 'map') return []
  const globals = child(root, 'Globals')
  return [...list.entries].flatMap(([id, { keyAt, value }]) => {
    if (value.kind !== 'map') return []
    const condition = text(value.entries.get('Condition')?.value)
    const made = condition === undefined ? undefined : conditionHolds(condition, scope)
    if (made && !made.value && !made.soft) return []
    const written = text(value.entries.get('Type')?.value) ?? ''
    const own = value.entries.get('Properties')?.value ?? value
    const construct = text(child(value, 'Metadata', 'aws:cdk:path'))
    return [
      {
        type: typeOf(written),
        written,
        id,
        from: 'cloudformation' as const,
        body: withGlobals(own, written, globals),
        whole: value,
        at: { file: src.file, ...src.lines.placeOf(keyAt) },
        src,
        scope: src.file,
        ...(construct ? { construct } : {}),
        resolve,
      },
    ]
  })
}

/** SAM merges `Globals.Function` and its like into each resource of that kind: maps add up, everything else is a default. */
function withGlobals(own: Node, written: string, globals: Node | undefined): Node {
  const kind = /^AWS::Serverless::(\w+)$/.exec(written)?.[1]
  const shared = kind === undefined ? undefined : child(globals, kind)
  return shared?.kind === 'map' && own.kind === 'map' ? mergedMaps(shared, own, 0) : own
}

function mergedMaps(base: MapNode, over: MapNode, depth: number): MapNode {
  const entries = new Map<string, Entry>(base.entries)
  for (const [key, entry] of over.entries) {
    const before = entries.get(key)?.value
    const both = before?.kind === 'map' && entry.value.kind === 'map' && depth < 8
    entries.set(
      key,
      both ? { keyAt: entry.keyAt, value: mergedMaps(before, entry.value as MapNode, depth + 1) } : entry,
    )
  }
  return { ...over, entries }
}

/** `parameter_overrides` of samconfig.toml for production, as parameter values with their place. */
export function samParameters(src: Source): readonly Template[] {
  const sets: Template[] = []
  let section = ''
  let offset = 0
  for (const line of src.text.split('\n', 2_000)) {
    section = /^\s*\[([\w.-]+)\]/.exec(line)?.[1] ?? section
    const match = /^\s*parameter_overrides\s*=\s*(.+)$/.exec(line.slice(0, 4_000))
    if (match) {
      const entries = new Map<string, Entry>()
      for (const pair of match[1]!.matchAll(/([A-Za-z]\w{0,100})=(?:\\"([^"\\]*)\\"|([^\s"',\]]+))/g)) {
        const at = offset + line.indexOf(match[1]!) + pair.index
        const value = pair[2] ?? pair[3]!
        entries.set(pair[1]!, { keyAt: at, value: { kind: 'scalar', value, text: value, src, at } })
      }
      const environment = section.split('.')[0] ?? ''
      sets.push({ src, root: { kind: 'map', entries, src, at: offset }, environment })
    }
    offset += line.length + 1
  }
  return sets
}
