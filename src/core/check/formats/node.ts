/**
 * What YAML, JSON, HCL and templates become: maps, lists and scalars that know where they stand, so that a finding can point at
 * its line. `opaque` is an expression that is decided elsewhere (an intrinsic, a reference, an interpolation): rules answer
 * "cannot tell" on it, and never guess.
 */
import type { Lines } from './position.ts'

/** A place in a file of the tree, counted from 1. */
export interface Spot {
  readonly file: string
  readonly line: number
  readonly col: number
}

export interface Source {
  readonly file: string
  readonly text: string
  readonly lines: Lines
}

interface Base {
  readonly src: Source
  readonly at: number
  /** A value that something outside the file may replace: a parameter's or variable's default. Findings on it are at most warnings. */
  readonly soft?: boolean
}

export interface Entry {
  readonly keyAt: number
  readonly value: Node
}

export interface MapNode extends Base {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
}

export interface ListNode extends Base {
  readonly kind: 'list'
  readonly items: readonly Node[]
}

export interface ScalarNode extends Base {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  /** As written, without quotes. */
  readonly text: string
}

export interface OpaqueNode extends Base {
  readonly kind: 'opaque'
  /** The expression, for messages. */
  readonly text: string
  /** The function's name: `Ref`, `Fn::Sub`, `jsonencode`, `var`. */
  readonly call: string
  readonly arg?: Node
  /** What `templatefile()` puts into a template, by name. */
  readonly given?: MapNode
}

export type Node = MapNode | ListNode | ScalarNode | OpaqueNode

/** A file that could not be read, or only in part. */
export interface Problem {
  readonly says: string
  readonly line: number
  readonly col: number
}

/** Values of at most this depth and number are read from one file; more is a problem, not a crash. */
export const DEPTH_MAX = 64
export const NODES_MAX = 200_000

export function spotOf(node: { src: Source; at: number }): Spot {
  return { file: node.src.file, ...node.src.lines.placeOf(node.at) }
}

/** The place of a map's key, or of the map itself when the key is absent. */
export function keySpot(node: Node, key: string): Spot {
  const entry = node.kind === 'map' ? node.entries.get(key) : undefined
  return entry ? { file: entry.value.src.file, ...entry.value.src.lines.placeOf(entry.keyAt) } : spotOf(node)
}

/** Walks a path of keys and indexes; undefined as soon as something is missing. */
export function child(node: Node | undefined, ...path: readonly (string | number)[]): Node | undefined {
  let here = node
  for (const step of path) {
    if (!here) return undefined
    if (typeof step === 'number') here = here.kind === 'list' ? here.items[step] : undefined
    else here = here.kind === 'map' ? here.entries.get(step)?.value : undefined
  }
  return here
}

/** The items of a list; a single value counts as a list of one, nothing as an empty list. */
export function items(node: Node | undefined): readonly Node[] {
  if (!node || (node.kind === 'scalar' && node.value === null)) return []
  return node.kind === 'list' ? node.items : [node]
}

/** The entries of a map as [key, value] pairs; none for anything else. */
export function fields(node: Node | undefined): readonly (readonly [string, Node])[] {
  return node?.kind === 'map' ? [...node.entries].map(([key, { value }]) => [key, value] as const) : []
}

/** A scalar as text; undefined for maps, lists, null and opaque values. */
export function text(node: Node | undefined): string | undefined {
  return node?.kind === 'scalar' && node.value !== null ? node.text : undefined
}

/** A number, also when it is written in quotes ("30"). */
export function num(node: Node | undefined): number | undefined {
  if (node?.kind !== 'scalar') return undefined
  if (typeof node.value === 'number') return node.value
  if (typeof node.value !== 'string' || !/^\s*-?\d{1,15}(?:\.\d{1,9})?\s*$/.test(node.value)) return undefined
  return Number(node.value)
}

/** A boolean, also as "true"/"false" in quotes. */
export function flag(node: Node | undefined): boolean | undefined {
  if (node?.kind !== 'scalar') return undefined
  if (typeof node.value === 'boolean') return node.value
  if (node.text === 'true' || node.text === 'True' || node.text === 'yes') return true
  if (node.text === 'false' || node.text === 'False' || node.text === 'no') return false
  return undefined
}

/** Present, but not decidable from the files at hand. */
export function isOpaque(node: Node | undefined): node is OpaqueNode {
  return node?.kind === 'opaque'
}

/** Every node below and with this one, parents first. Bounded by the reader's own limits. */
export function* walk(node: Node | undefined): Generator<Node> {
  if (!node) return
  yield node
  if (node.kind === 'map') for (const { value } of node.entries.values()) yield* walk(value)
  else if (node.kind === 'list') for (const item of node.items) yield* walk(item)
  else if (node.kind === 'opaque' && node.arg) yield* walk(node.arg)
}

/** All text in and below a node, for word searches. */
export function allText(node: Node | undefined): string {
  const parts: string[] = []
  for (const part of walk(node)) if (part.kind === 'scalar' || part.kind === 'opaque') parts.push(part.text)
  return parts.join('\n')
}
