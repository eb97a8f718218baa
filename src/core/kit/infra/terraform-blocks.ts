/** How a resource of the model is taken apart into Terraform's attributes and nested blocks. */
import { bare, isProps, isSpecial, noted, type Props, type Resource, snake, type Value } from './model.ts'

/** An attribute: a value of the model, a nested block, or an expression in Terraform's own words. */
export type Line = readonly [string, Value | { readonly block: Body } | { readonly code: string }]

/** Attributes and nested blocks in order. */
export type Body = readonly Line[]

export interface Block {
  readonly type: string
  readonly id: string
  readonly body: Body
}

export interface Made {
  readonly type?: string
  readonly id?: string
  readonly body: Body
}

/** A property at a dotted path, notes kept; undefined when there is none. */
export function at(props: Props, path: string): Value | undefined {
  let here: Value | undefined = props
  for (const step of path.split('.')) {
    const inner: Value | undefined = here === undefined ? undefined : bare(here)
    here = inner !== undefined && isProps(inner) ? inner[step] : undefined
  }
  return here
}

export function must(props: Props, path: string): Value {
  const value = at(props, path)
  if (value === undefined) throw new Error(`the model has no ${path}`)
  return value
}

/** Attributes by another name: "DesiredCount" as "desired_count"; those that are absent are left out. */
export function rename(props: Props, names: Readonly<Record<string, string>>): Line[] {
  return Object.entries(names).flatMap(([path, name]): Line[] => {
    const value = at(props, path)
    return value === undefined ? [] : [[name, value]]
  })
}

export const block = (name: string, body: Body): Line => [name, { block: body }]

export const code = (name: string, text: string): Line => [name, { code: text }]

export function dependencies(ids: readonly string[] | undefined, type: string): Line[] {
  return ids ? [code('depends_on', `[${ids.map((id) => `${type}.${snake(id)}`).join(', ')}]`)] : []
}

export function idOf(value: Value): string {
  const inner = bare(value)
  return isSpecial(inner) && inner.$ === 'ref' ? snake(inner.id) : ''
}

export const KEEP: Line = block('lifecycle', [['prevent_destroy', true]])

export function numeric(value: Value): Value {
  if (isSpecial(value) && value.$ === 'noted') return noted(numeric(value.value), value.why)
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
}

export function listed(value: Value | undefined): readonly Value[] {
  const inner = value === undefined ? [] : bare(value)
  return Array.isArray(inner) ? (inner as readonly Value[]) : []
}

/** Keys of AWS's own JSON begin with a small letter: containerPort, stopTimeout. */
export function small(value: Value): Value {
  if (isSpecial(value)) {
    if (value.$ === 'raw') return value.value
    return value.$ === 'noted' ? noted(small(value.value), value.why) : value
  }
  if (Array.isArray(value)) return (value as readonly Value[]).map(small)
  if (!isProps(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.charAt(0).toLowerCase() + key.slice(1), small(inner)]),
  )
}

export type Makers = Readonly<Record<string, (resource: Resource) => readonly Made[]>>
