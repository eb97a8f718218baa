/**
 * YAML to nodes, from the concrete syntax tree of the `yaml` package: it keeps offsets, does not build documents, and unknown
 * tags (CloudFormation's !Sub, !GetAtt …) cost nothing. Aliases are expanded under a budget, so that a "billion laughs" file is
 * a finding.
 */
import { CST, Lexer, Parser } from 'yaml'
import { DEPTH_MAX, type Entry, NODES_MAX, type Node, type Problem, type Source } from './node.ts'

export interface YamlFile {
  /** One node for each document of the file; empty documents are left out. */
  readonly documents: readonly Node[]
  readonly problems: readonly Problem[]
}

/** Never throws: broken parts become problems, and what could be read stands. */
export function readYaml(src: Source): YamlFile {
  const reader = new Reader(src)
  const parser = new Parser()
  try {
    for (const lexeme of new Lexer().lex(src.text.replace(LONE_CR, '\n'))) {
      for (const token of parser.next(lexeme)) reader.token(token)
      // Documents are handed over whole, so depth is stopped while it grows.
      if (parser.stack.length > DEPTH_MAX * 2) reader.tooDeep(parser.offset)
    }
    for (const token of parser.end()) reader.token(token)
  } catch (thrown) {
    if (!(thrown instanceof Stop)) reader.problem(`The YAML could not be read: ${String(thrown).slice(0, 120)}`, 0)
  }
  return { documents: reader.documents, problems: reader.problems }
}

// The lexer takes quadratic time over carriage returns that end no line; as line feeds they keep every offset.
const LONE_CR = /\r(?!\n)/g

const PROBLEMS_MAX = 20

class Stop extends Error {}

interface Props {
  readonly tag?: string
  readonly anchor?: string
}

class Reader {
  readonly documents: Node[] = []
  readonly problems: Problem[] = []
  private readonly src: Source
  private anchors = new Map<string, Node>()
  private count = 0

  constructor(src: Source) {
    this.src = src
  }

  problem(says: string, offset: number): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push({ says, ...this.src.lines.placeOf(offset) })
  }

  token(token: CST.Token): void {
    if (this.problems.length >= PROBLEMS_MAX) throw new Stop()
    if (token.type === 'error')
      this.problem(`The YAML is broken: ${token.message.split('\n')[0]!.slice(0, 120)}`, token.offset)
    if (token.type !== 'document') return
    this.anchors = new Map()
    const value = this.value(token.value, this.props(token.start), token.offset, 0)
    if (value.kind !== 'scalar' || value.value !== null) this.documents.push(value)
  }

  private spend(at: number, depth: number): void {
    if (++this.count > NODES_MAX) {
      this.problem(
        `The file holds more than ${NODES_MAX.toLocaleString('en-GB')} values once its aliases are expanded.`,
        at,
      )
      throw new Stop()
    }
    if (depth > DEPTH_MAX) this.tooDeep(at)
  }

  tooDeep(at: number): never {
    this.problem(`The file is nested more than ${DEPTH_MAX} levels deep.`, at)
    throw new Stop()
  }

  private props(tokens: readonly CST.SourceToken[] | undefined): Props {
    let tag: string | undefined
    let anchor: string | undefined
    for (const token of tokens ?? []) {
      if (token.type === 'tag') tag = token.source
      else if (token.type === 'anchor') anchor = token.source.slice(1)
    }
    return { ...(tag ? { tag } : {}), ...(anchor ? { anchor } : {}) }
  }

  private value(token: CST.Token | null | undefined, props: Props, at: number, depth: number): Node {
    const node = this.tagged(this.plain(token, props, at, depth), props.tag)
    if (props.anchor) this.anchors.set(props.anchor, node)
    return node
  }

  private tagged(node: Node, tag: string | undefined): Node {
    if (!tag?.startsWith('!') || tag.startsWith('!!')) return node
    const name = tag.slice(1)
    const call = name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`
    const words = node.kind === 'scalar' ? ` ${node.text}` : ''
    return { kind: 'opaque', text: `${tag}${words}`.slice(0, 200), call, arg: node, src: node.src, at: node.at }
  }

  private plain(token: CST.Token | null | undefined, props: Props, at: number, depth: number): Node {
    const { src } = this
    this.spend(at, depth)
    if (!token) return { kind: 'scalar', value: null, text: '', src, at }
    switch (token.type) {
      case 'alias': {
        const known = this.anchors.get(token.source.slice(1))
        if (known) return this.again(known, depth)
        this.problem(`The alias ${token.source.slice(0, 40)} points at nothing.`, token.offset)
        return { kind: 'opaque', text: token.source.slice(0, 80), call: 'alias', src, at: token.offset }
      }
      case 'scalar':
      case 'single-quoted-scalar':
      case 'double-quoted-scalar':
      case 'block-scalar':
        return this.scalar(token, props)
      case 'block-map':
      case 'flow-collection':
        if (token.type === 'flow-collection' && token.start.source === '[')
          return this.list(token.items, token.offset, depth)
        return this.map(token.items as readonly CST.CollectionItem[], token.offset, depth)
      case 'block-seq':
        return this.list(token.items as readonly CST.CollectionItem[], token.offset, depth)
      default:
        return { kind: 'scalar', value: null, text: '', src, at }
    }
  }

  /** Spends the budget for every value below an alias, so that expansion stays bounded although nodes are shared. */
  private again(node: Node, depth: number): Node {
    this.spend(node.at, depth)
    if (node.kind === 'map') for (const { value } of node.entries.values()) this.again(value, depth + 1)
    if (node.kind === 'list') for (const item of node.items) this.again(item, depth + 1)
    return node
  }

  private scalar(token: CST.FlowScalar | CST.BlockScalar, props: Props): Node {
    const resolved = CST.resolveAsScalar(token, false, (offset, _, message) =>
      this.problem(message.slice(0, 120), offset),
    )
    const text = resolved?.value ?? ''
    const plain = token.type === 'scalar' && props.tag !== '!!str'
    return { kind: 'scalar', value: plain ? typed(text) : text, text, src: this.src, at: token.offset }
  }

  private list(tokens: readonly CST.CollectionItem[] | CST.FlowCollection['items'], at: number, depth: number): Node {
    const items: Node[] = []
    for (const item of tokens) {
      if (item.key !== undefined || (item.sep && item.sep.length > 0)) {
        // A single pair inside a flow sequence: [a: 1].
        items.push(this.map([item as CST.CollectionItem], this.start(item, at), depth + 1))
      } else if (item.value !== undefined)
        items.push(this.value(item.value, this.props(item.start), this.start(item, at), depth + 1))
      else if (item.start.some((token) => token.type === 'seq-item-ind'))
        items.push(this.value(null, {}, this.start(item, at), depth + 1))
    }
    return { kind: 'list', items, src: this.src, at }
  }

  private map(tokens: readonly CST.CollectionItem[], at: number, depth: number): Node {
    const entries = new Map<string, Entry>()
    const merged: Node[] = []
    for (const item of tokens) {
      if (item.key === undefined && item.value === undefined && !item.sep) continue
      const keyAt = item.key?.offset ?? this.start(item, at)
      const key = item.key && 'source' in item.key ? (CST.resolveAsScalar(item.key, false)?.value ?? '') : ''
      const value = this.value(item.value, this.props(item.sep), item.value?.offset ?? keyAt, depth + 1)
      if (key === '<<' && item.key?.type === 'scalar') merged.push(value)
      else entries.set(key, { keyAt, value })
    }
    for (const source of merged) {
      for (const part of source.kind === 'list' ? source.items : [source])
        if (part.kind === 'map') for (const [key, entry] of part.entries) if (!entries.has(key)) entries.set(key, entry)
    }
    return { kind: 'map', entries, src: this.src, at }
  }

  private start(item: { readonly start: readonly CST.SourceToken[]; value?: CST.Token }, at: number): number {
    return item.value?.offset ?? item.start.at(-1)?.offset ?? at
  }
}

/** YAML 1.2 core schema. */
function typed(text: string): string | number | boolean | null {
  if (text === '' || text === '~' || text === 'null' || text === 'Null' || text === 'NULL') return null
  if (text === 'true' || text === 'True' || text === 'TRUE') return true
  if (text === 'false' || text === 'False' || text === 'FALSE') return false
  if (text.length < 20 && /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?$/.test(text)) return Number(text)
  if (/^0x[0-9a-fA-F]{1,12}$/.test(text)) return Number(text)
  return text
}
