/**
 * The fields of service.yaml as a flat table: read from the JSON Schema, which is made from schema.ts. The reference page,
 * the findings and `holdfast init` all ask this table.
 */
import * as z from 'zod'
import { serviceSchema } from './schema.ts'

export interface Field {
  /** `journeys[].steps[].limitMs`; `*` for the keys of a record. */
  readonly path: string
  readonly type: string
  readonly required: boolean
  readonly default?: unknown
  readonly values?: readonly unknown[]
  readonly description: string
  readonly example?: unknown
  readonly source?: string
  readonly minimum?: number
  readonly maximum?: number
}

interface Node {
  type?: string
  properties?: Record<string, Node>
  required?: string[]
  items?: Node
  prefixItems?: Node[]
  additionalProperties?: Node | boolean
  propertyNames?: Node
  anyOf?: Node[]
  oneOf?: Node[]
  enum?: unknown[]
  const?: unknown
  default?: unknown
  description?: string
  examples?: unknown[]
  'x-source'?: string
  minimum?: number
  exclusiveMinimum?: number
  maximum?: number
  format?: string
}

/** JSON Schema (2020-12) of what a team may write: before defaults are filled in. */
export function jsonSchema(): Record<string, unknown> {
  const made = inputSchema() as Record<string, unknown>
  return {
    $schema: made.$schema,
    $id: 'https://holdfast.invalid/schema/service.schema.json',
    title: 'Holdfast service definition',
    ...made,
  }
}

/** zod leaves out examples and defaults of fields that may be written in two ways, because it speaks of their output. Ours are inputs. */
function inputSchema(): Node {
  return z.toJSONSchema(serviceSchema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod
      const examples = z.globalRegistry.get(zodSchema as unknown as z.ZodType)?.examples as unknown[] | undefined
      if (examples) jsonSchema.examples = examples
      if (def.type === 'default') jsonSchema.default = def.defaultValue as never
    },
  }) as Node
}

let table: ReadonlyMap<string, Field> | undefined

/** Every field by its path, in the order of the schema. Computed once; the schema does not change while we run. */
export function fields(): ReadonlyMap<string, Field> {
  if (!table) {
    const found = new Map<string, Field>()
    collect(inputSchema(), '', found)
    table = found
  }
  return table
}

/** `['journeys', 0, 'steps', 2, 'id']` is `journeys[].steps[].id`. */
export function fieldPathOf(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += '[]'
    else text += text === '' ? String(part) : `.${String(part)}`
  }
  return text
}

/** The field at this path, trying `*` for the keys of a record. */
export function fieldAt(path: readonly PropertyKey[]): Field | undefined {
  const exact = fields().get(fieldPathOf(path))
  if (exact || path.length === 0) return exact
  return fields().get(fieldPathOf([...path.slice(0, -1), '*']))
}

/** Names that may stand under this path. */
export function namesUnder(path: readonly PropertyKey[]): readonly string[] {
  const prefix = fieldPathOf(path)
  const start = prefix === '' ? '' : `${prefix}.`
  const names: string[] = []
  for (const known of fields().keys()) {
    if (!known.startsWith(start)) continue
    const name = known.slice(start.length)
    if (name !== '' && !/[.[]/.test(name)) names.push(name)
  }
  return names
}

function collect(node: Node, path: string, found: Map<string, Field>): void {
  for (const branch of branchesOf(node)) {
    for (const [name, inner] of Object.entries(branch.properties ?? {})) {
      const at = path === '' ? name : `${path}.${name}`
      const known = found.get(at)
      if (known) widen(known, inner, found, at)
      else found.set(at, fieldOf(at, inner, branch.required?.includes(name) ?? false))
      collect(inner, at, found)
    }
    if (branch.items) collect(branch.items, `${path}[]`, found)
    if (typeof branch.additionalProperties === 'object') {
      const at = `${path}.*`
      found.set(at, fieldOf(at, branch.additionalProperties, false))
      collect(branch.additionalProperties, at, found)
    }
  }
}

/** The same name in another branch of a union: `kind` of each sort of indicator. */
function widen(known: Field, inner: Node, found: Map<string, Field>, at: string): void {
  const more = valuesOf(inner)
  if (!known.values || !more) return
  found.set(at, { ...known, values: [...new Set([...known.values, ...more])] })
}

function branchesOf(node: Node): readonly Node[] {
  return [node, ...(node.anyOf ?? []), ...(node.oneOf ?? [])]
}

function valuesOf(node: Node): readonly unknown[] | undefined {
  if (node.enum) return node.enum
  if (node.const !== undefined) return [node.const]
  return undefined
}

function fieldOf(path: string, node: Node, required: boolean): Field {
  const minimum = node.minimum ?? node.exclusiveMinimum
  const values = valuesOf(node)
  return {
    path,
    type: typeOf(node),
    required,
    description: node.description ?? '',
    ...(node.default === undefined ? {} : { default: node.default }),
    ...(values ? { values } : {}),
    ...(node.examples?.[0] === undefined ? {} : { example: node.examples[0] }),
    ...(node['x-source'] === undefined ? {} : { source: node['x-source'] }),
    ...(minimum === undefined ? {} : { minimum }),
    ...(node.maximum === undefined ? {} : { maximum: node.maximum }),
  }
}

function typeOf(node: Node): string {
  if (node.enum) return 'one of'
  if (node.const !== undefined) return 'exactly'
  if (node.type === 'array') return `list of ${node.items ? typeOf(node.items) : 'values'}`
  if (node.type === 'object') return 'section'
  if (node.type) return node.type
  const inner = [...(node.anyOf ?? []), ...(node.oneOf ?? [])].map(typeOf)
  return [...new Set(inner)].join(' or ') || 'value'
}
