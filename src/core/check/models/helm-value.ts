/**
 * Values inside a Helm template: nodes of values files (which know their place) and text made of pieces that know theirs. Printing,
 * indenting and trimming keep the pieces, so that a finding in the rendered document points at the line a person would change.
 */
import type { Entry, Node, ScalarNode, Source } from '../formats/node.ts'

/** A run of text from one place. `exact`: its characters stand there one by one, so an offset inside it is an offset there. */
export interface Piece {
  readonly text: string
  readonly src: Source
  readonly at: number
  readonly exact: boolean
  readonly soft?: boolean
}

export type Text = { readonly kind: 'text'; readonly pieces: readonly Piece[] }
export type Value = Node | Text

/** Where a value that was computed stands: the action that computed it. */
export interface Here {
  readonly src: Source
  readonly at: number
}

export function scalarOf(value: string | number | boolean | null, here: Here, soft = false): ScalarNode {
  const text = value === null ? '' : typeof value === 'number' ? numberText(value) : String(value)
  return { kind: 'scalar', value, text, src: here.src, at: here.at, ...(soft ? { soft } : {}) }
}

export function listOf(items: readonly Node[], here: Here): Node {
  return { kind: 'list', items, src: here.src, at: here.at }
}

export function mapOf(entries: Iterable<readonly [string, Node]>, here: Here): Node {
  const map = new Map<string, Entry>()
  for (const [key, value] of entries) map.set(key, { keyAt: value.at, value })
  return { kind: 'map', entries: map, src: here.src, at: here.at }
}

function numberText(value: number): string {
  return Number.isInteger(value) ? String(BigInt(Math.trunc(value))) : String(value)
}

export function textOf(pieces: readonly Piece[]): string {
  return pieces.length === 1 ? pieces[0]!.text : pieces.map((piece) => piece.text).join('')
}

/** The value as a string, the way Go prints it with %v. */
export function printed(value: Value): string {
  switch (value.kind) {
    case 'text':
      return textOf(value.pieces)
    case 'scalar':
      return value.value === null ? '' : typeof value.value === 'string' ? value.value : value.text
    case 'list':
      return `[${value.items.map(printed).join(' ')}]`
    case 'map':
      return `map[${[...value.entries].map(([key, { value: inner }]) => `${key}:${printed(inner)}`).join(' ')}]`
    case 'opaque':
      return value.text
  }
}

/** The value as pieces of text, each with its place. */
export function piecesOf(value: Value): readonly Piece[] {
  if (value.kind === 'text') return value.pieces
  return [{ text: printed(value), src: value.src, at: value.at, exact: false, ...(value.soft ? { soft: true } : {}) }]
}

/** Text becomes a string node, where a function needs a node. */
export function nodeOf(value: Value, here: Here): Node {
  return value.kind === 'text' ? scalarOf(printed(value), value.pieces[0] ?? here) : value
}

/** Go templates' truth: empty strings, maps and lists, zero, false and nil are false. */
export function isTrue(value: Value): boolean {
  switch (value.kind) {
    case 'text':
      return value.pieces.some((piece) => piece.text !== '')
    case 'scalar':
      return value.value !== null && value.value !== '' && value.value !== 0 && value.value !== false
    case 'list':
      return value.items.length > 0
    case 'map':
      return value.entries.size > 0
    case 'opaque':
      return true
  }
}

export function isNil(value: Value): boolean {
  return value.kind === 'scalar' && value.value === null
}

/** Deep merge for values files: maps merge, null takes a key away, everything else replaces. */
export function coalesced(base: Node, over: Node, depth = 0): Node {
  if (base.kind !== 'map' || over.kind !== 'map' || depth > 40) return over
  const entries = new Map<string, Entry>(base.entries)
  for (const [key, entry] of over.entries) {
    const before = entries.get(key)?.value
    if (entry.value.kind === 'scalar' && entry.value.value === null) entries.delete(key)
    else entries.set(key, before ? { keyAt: entry.keyAt, value: coalesced(before, entry.value, depth + 1) } : entry)
  }
  return { ...base, entries }
}

/** Marks every value of a tree as one that another file may still replace. */
export function softened(node: Node, depth = 0): Node {
  if (depth > 64) return node
  if (node.kind === 'map') {
    const entries = new Map(
      [...node.entries].map(([key, { keyAt, value }]) => [key, { keyAt, value: softened(value, depth + 1) }]),
    )
    return { ...node, entries, soft: true }
  }
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => softened(item, depth + 1)), soft: true }
  return { ...node, soft: true }
}

/** The same characters with `indent` spaces after every line feed, and before the first line when `first`. */
export function indented(pieces: readonly Piece[], indent: number, first: boolean): readonly Piece[] {
  const pad = ' '.repeat(Math.max(0, Math.min(indent, 200)))
  const out: Piece[] = []
  let start = first
  for (const piece of pieces) {
    let from = 0
    while (from <= piece.text.length) {
      const feed = piece.text.indexOf('\n', from)
      const to = feed < 0 ? piece.text.length : feed + 1
      const part = piece.text.slice(from, to)
      if (start) out.push({ text: pad, src: piece.src, at: piece.at, exact: false })
      start = false
      if (part) out.push({ ...piece, text: part, at: piece.exact ? piece.at + from : piece.at })
      if (feed < 0) break
      start = true
      from = to
      if (from === piece.text.length) break
    }
  }
  // A final line feed begins a line of its own.
  if (start && pieces.length > 0) out.push({ text: pad, src: pieces.at(-1)!.src, at: pieces.at(-1)!.at, exact: false })
  return out
}

/** Without white space at both ends. */
export function trimmed(pieces: readonly Piece[]): readonly Piece[] {
  const text = textOf(pieces)
  return sliced(pieces, text.length - text.trimStart().length, text.trimEnd().length)
}

export function sliced(pieces: readonly Piece[], from: number, to: number): readonly Piece[] {
  const out: Piece[] = []
  let at = 0
  for (const piece of pieces) {
    const start = Math.max(from - at, 0)
    const end = Math.min(to - at, piece.text.length)
    if (start < end)
      out.push({ ...piece, text: piece.text.slice(start, end), at: piece.exact ? piece.at + start : piece.at })
    at += piece.text.length
  }
  return out
}

const PLAIN = /^[A-Za-z_/][\w./@-]*( [\w./@()-]+)*$/

/** YAML as Helm's toYaml writes it: keys in order of the alphabet, each key and scalar with the place it came from. */
export function yamlPieces(value: Value, here: Here): readonly Piece[] {
  const out: Piece[] = []
  const put = (text: string, at: Here, soft?: boolean) => {
    out.push({ text, src: at.src, at: at.at, exact: false, ...(soft ? { soft: true } : {}) })
  }
  const write = (node: Node, indent: string, inList: boolean, depth: number): void => {
    if (depth > 60 || out.length > 50_000) return
    if (node.kind === 'map' && node.entries.size > 0) {
      const keys = [...node.entries.keys()].sort()
      keys.forEach((key, index) => {
        const entry = node.entries.get(key)!
        const spot = { src: entry.value.src, at: entry.value.src === node.src ? entry.keyAt : entry.value.at }
        put(`${index === 0 && inList ? '' : indent}${yamlKey(key)}:`, spot)
        inner(entry.value, indent, depth)
      })
    } else if (node.kind === 'list' && node.items.length > 0) {
      node.items.forEach((item, index) => {
        put(`${index === 0 && inList ? '' : indent}- `, item)
        if (isBlock(item)) write(item, `${indent}  `, true, depth + 1)
        else leaf(item, `${indent}  `)
      })
    } else leaf(node, indent)
  }
  const inner = (node: Node, indent: string, depth: number): void => {
    if (!isBlock(node)) {
      put(' ', node)
      leaf(node, `${indent}  `)
    } else {
      put('\n', node)
      write(node, node.kind === 'list' ? indent : `${indent}  `, false, depth + 1)
    }
  }
  const leaf = (node: Node, indent: string): void => put(`${yamlScalar(node, indent)}\n`, node, node.soft)
  write(nodeOf(value, here), '', false, 0)
  return trimmedEnd(out)
}

function trimmedEnd(pieces: readonly Piece[]): readonly Piece[] {
  return sliced(pieces, 0, textOf(pieces).trimEnd().length)
}

function isBlock(node: Node): boolean {
  return (node.kind === 'map' && node.entries.size > 0) || (node.kind === 'list' && node.items.length > 0)
}

function yamlKey(key: string): string {
  return PLAIN.test(key) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(key) ? key : JSON.stringify(key)
}

function yamlScalar(node: Node, indent: string): string {
  if (node.kind === 'map') return '{}'
  if (node.kind === 'list') return '[]'
  if (node.kind === 'opaque') return JSON.stringify(node.text)
  if (node.value === null) return 'null'
  if (typeof node.value !== 'string') return node.text
  if (node.value.includes('\n') && !/^\s/.test(node.value)) {
    const chomp = node.value.endsWith('\n') ? '' : '-'
    return `|${chomp}\n${node.value
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => (line ? `${indent}${line}` : ''))
      .join('\n')}`
  }
  return PLAIN.test(node.value) && !/^(true|false|null|yes|no|on|off|y|n|~)$/i.test(node.value)
    ? node.value
    : JSON.stringify(node.value)
}

/** Plain data of a node, for toJson and comparisons. */
export function plainOf(value: Value, depth = 0): unknown {
  if (value.kind === 'text') return printed(value)
  if (depth > 60) return null
  if (value.kind === 'scalar') return value.value
  if (value.kind === 'list') return value.items.map((item) => plainOf(item, depth + 1))
  if (value.kind === 'opaque') return value.text
  return Object.fromEntries([...value.entries].map(([key, entry]) => [key, plainOf(entry.value, depth + 1)]))
}
