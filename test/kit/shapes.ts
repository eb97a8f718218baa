/** Holds what the kit writes for AWS against the schemas of CloudFormation and of HashiCorp's provider (see schemas.ts). */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { WrittenBlock, WrittenBody } from './written.ts'

/**
 * A name that ends in "!" is required. A text is a type ("string|integer"), or the allowed values ("=A|B"); a list holds the shape of
 * its items.
 */
export type Shape = string | readonly [Shape] | Shapes
export type Shapes = { readonly [name: string]: Shape }

export interface Schemas {
  readonly source: string
  /** `attributes`: what can be asked of such a resource, besides its properties. */
  readonly types: Readonly<Record<string, { readonly properties: Shapes; readonly attributes: readonly string[] }>>
}

export function schemasOf(kind: 'cloudformation' | 'terraform'): Schemas {
  return JSON.parse(readFileSync(fileURLToPath(new URL(`aws-${kind}.json`, import.meta.url)), 'utf8')) as Schemas
}

const CLOUDFORMATION = schemasOf('cloudformation')
const TERRAFORM = schemasOf('terraform')

type Resources = Readonly<Record<string, { readonly Type: string; readonly Properties?: unknown }>>

/** What is wrong with the resources of a template, by path; references are taken for what they stand for. */
export function shapeFaults(resources: Resources): string[] {
  return Object.entries(resources).flatMap(([id, { Type, Properties }]) => {
    const known = CLOUDFORMATION.types[Type]
    if (!known) return [`${id}: nothing is known of ${Type}`]
    return [...faultsOf(Properties ?? {}, known.properties, id), ...attributeFaults(Properties, resources, id)]
  })
}

/** `Fn::GetAtt` asks only for what the other resource gives. */
function attributeFaults(value: unknown, resources: Resources, path: string): string[] {
  if (typeof value !== 'object' || value === null) return []
  const asked = (value as { 'Fn::GetAtt'?: readonly [string, string] })['Fn::GetAtt']
  if (asked) {
    const type = resources[asked[0]]?.Type ?? ''
    return CLOUDFORMATION.types[type]?.attributes.includes(asked[1]) ? [] : [`${path}: ${type} gives no ${asked[1]}`]
  }
  return Object.entries(value).flatMap(([key, inner]) => attributeFaults(inner, resources, `${path}.${key}`))
}

function isReference(value: unknown): boolean {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : []
  return keys.length === 1 && (keys[0] === 'Ref' || keys[0]!.startsWith('Fn::'))
}

function isOf(value: unknown, type: string): boolean {
  if (type.startsWith('=')) return type.slice(1).split('|').includes(String(value))
  return type.split('|').some((one) => {
    switch (one) {
      case 'string':
        return typeof value === 'string'
      case 'number':
        return typeof value === 'number'
      case 'integer':
        return Number.isInteger(value)
      case 'boolean':
        return typeof value === 'boolean'
      case 'map':
        return typeof value === 'object' && value !== null && !Array.isArray(value)
      default:
        return one === 'json'
    }
  })
}

function namesOf(shape: Shapes): ReadonlyMap<string, Shape> {
  return new Map(Object.entries(shape).map(([name, inner]) => [name.replace(/!$/, ''), inner]))
}

function missing(shape: Shapes, has: (name: string) => boolean, path: string): string[] {
  return Object.keys(shape).flatMap((name) =>
    name.endsWith('!') && !has(name.slice(0, -1)) ? [`${path} has no ${name.slice(0, -1)}`] : [],
  )
}

function faultsOf(value: unknown, shape: Shape, path: string): string[] {
  if (isReference(value)) return []
  if (typeof shape === 'string')
    return isOf(value, shape) ? [] : [`${path}: ${JSON.stringify(value)} is not ${shape.replace(/^=/, 'one of ')}`]
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${path} is not a list`]
    return value.flatMap((item, i) => faultsOf(item, (shape as readonly [Shape])[0], `${path}[${i}]`))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is not a map`]
  const known = namesOf(shape as Shapes)
  return [
    ...missing(shape as Shapes, (name) => name in value, path),
    ...Object.entries(value).flatMap(([name, inner]) =>
      known.has(name) ? faultsOf(inner, known.get(name)!, `${path}.${name}`) : [`${path}.${name}: no such property`],
    ),
  ]
}

/** The same for a resource of Terraform: every name is an attribute or a block of the provider, of its type, and none is missing. */
export function terraformFaults({ type, id, body }: WrittenBlock): string[] {
  const known = TERRAFORM.types[type]
  return known ? bodyFaults(body, known.properties, `${type}.${id}`) : [`${id}: nothing is known of ${type}`]
}

function bodyFaults(body: WrittenBody, shape: Shapes, path: string): string[] {
  const known = namesOf(shape)
  return [
    ...missing(shape, (name) => body.has(name), path),
    ...[...body].flatMap(([name, entries]) => {
      const at = `${path}.${name}`
      const wanted = known.get(name)
      if (wanted === undefined) return [`${at}: no such attribute or block`]
      return entries.flatMap((entry) => {
        if ('block' in entry) {
          if (!Array.isArray(wanted)) return [`${at} is an attribute, not a block`]
          const inner = (wanted as readonly [Shape])[0]
          // An empty block is what the provider asks for in places; nothing of its inside was kept then.
          return typeof inner === 'string'
            ? [...entry.block.keys()].map((key) => `${at}.${key}: not in aws-terraform.json, which schemas.ts writes`)
            : bodyFaults(entry.block, inner as Shapes, at)
        }
        if (Array.isArray(wanted)) return [`${at} is a block, not an attribute`]
        return attributeFault(entry.value, wanted as string)
          ? [`${at}: ${JSON.stringify(entry.value)} is no ${wanted}`]
          : []
      })
    }),
  ]
}

/** Terraform turns numbers and flags into texts by itself, never the other way unless the text is one. */
function attributeFault(value: unknown, type: string): boolean {
  if (value === undefined) return false
  const list = /^(\w+)(List|Set)$/.exec(type)
  if (list) return !Array.isArray(value) || value.some((item) => attributeFault(item, list[1]!))
  if (type.endsWith('Map')) return typeof value !== 'object' || value === null || Array.isArray(value)
  if (type === 'number') return Number.isNaN(Number(value)) || typeof value === 'object'
  if (type === 'boolean') return typeof value !== 'boolean'
  return typeof value === 'object'
}

/** Whether the provider knows an attribute of a resource, given or computed: for references. */
export function terraformGives(type: string, attribute: string): boolean {
  const known = TERRAFORM.types[type]
  return known !== undefined && (known.attributes.includes(attribute) || namesOf(known.properties).has(attribute))
}
