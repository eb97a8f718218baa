/**
 * Evaluates Terraform's expressions as far as literals, variables and locals decide them. What depends on anything else (a
 * resource's attribute, a data source, a function we do not know) is undefined, and stays opaque.
 */
import type { Entry, MapNode, Node, OpaqueNode, ScalarNode } from './node.ts'

/**
 * Looks up `var.x`, `local.y`, `module.m.out`, `each.key`, `count.index`, `path.module`; the root `file` is asked for a file's text.
 * Undefined when the files do not decide it.
 */
export type Lookup = (root: string, name: string, depth: number) => Node | undefined

/** The call of an opaque node whose expression belongs to another module. */
export const ELSEWHERE = 'elsewhere'

const DEPTH_MAX = 24
const LENGTH_MAX = 4_000
const STEPS_MAX = 20_000

/** The value of an opaque node, or undefined. Never throws; bounded in depth and steps. */
export function evaluateHcl(node: Node, lookup: Lookup, depth = 0): Node | undefined {
  if (depth > DEPTH_MAX) return undefined
  const inner = (value: Node) => (value.kind === 'opaque' ? evaluateHcl(value, lookup, depth + 1) : value)
  if (node.kind !== 'opaque') return node
  if (node.call === 'template') {
    const raw = node.arg?.kind === 'scalar' ? node.arg.text : node.text
    return template(raw, node, lookup, depth)
  }
  // An expression of a calling module: names in it mean nothing here.
  if (node.call === ELSEWHERE) return undefined
  if (node.call === 'for' || node.call === 'dynamic' || node.call === 'jsonencode') return undefined
  if (node.call !== 'reference' && node.call !== 'expression' && node.arg?.kind === 'list') {
    if (node.call === 'file' || node.call === 'templatefile')
      return fileText(node, node.arg.items[0], lookup, depth, inner)
    if (node.call === 'try' || node.call === 'coalesce' || node.call === 'can')
      return applied(node, node.call, node.arg.items, inner)
    return applied(node, node.call, node.arg.items, inner)
  }
  if (node.text.length >= 200 && node.call === 'expression') return undefined
  return parsed(node.text, node, lookup, depth)
}

/** The text of a file in the tree; with it comes what `templatefile` puts into it, as far as the files decide that. */
function fileText(
  at: OpaqueNode,
  path: Node | undefined,
  lookup: Lookup,
  depth: number,
  inner: (value: Node) => Node | undefined,
): Node | undefined {
  const named = path && inner(path)
  const found = named?.kind === 'scalar' ? lookup('file', named.text, depth + 1) : undefined
  if (found?.kind !== 'scalar' || at.call === 'file' || !/[$%]\{/.test(found.text)) return found
  const values = at.arg?.kind === 'list' && at.arg.items[1] ? inner(at.arg.items[1]) : undefined
  const given = values?.kind === 'map' ? { given: resolvedMap(values, inner) } : {}
  return { kind: 'opaque', text: found.text, call: 'template', arg: found, src: found.src, at: found.at, ...given }
}

function resolvedMap(map: MapNode, inner: (value: Node) => Node | undefined): MapNode {
  const entries = [...map.entries].map(
    ([key, { keyAt, value }]) => [key, { keyAt, value: inner(value) ?? value }] as const,
  )
  return { ...map, entries: new Map(entries) }
}

function applied(
  at: Node,
  name: string,
  args: readonly Node[],
  inner: (value: Node) => Node | undefined,
): Node | undefined {
  const values = args.map(inner)
  return call(name, values, at)
}

function scalar(value: string | number | boolean | null, at: Node, soft: boolean): ScalarNode {
  return {
    kind: 'scalar',
    value,
    text: value === null ? '' : String(value),
    src: at.src,
    at: at.at,
    ...(soft ? { soft } : {}),
  }
}

function isSoft(...nodes: readonly (Node | undefined)[]): boolean {
  return nodes.some((node) => node?.soft === true)
}

/** `a-${var.x}`: known when every interpolation is. One interpolation alone keeps the type of its value. */
function template(raw: string, at: Node, lookup: Lookup, depth: number): Node | undefined {
  if (raw.includes('%{')) return undefined
  const whole = /^\$\{([^{}]*)\}$/.exec(raw)
  if (whole) return parsed(whole[1]!, at, lookup, depth + 1)
  let soft = false
  let known = true
  const value = raw.replace(/\$\$\{|\$\{([^{}]*)\}/g, (part, inner: string | undefined) => {
    if (inner === undefined) return part.slice(1)
    const found = parsed(inner, at, lookup, depth + 1)
    if (found?.kind !== 'scalar') known = false
    soft ||= isSoft(found)
    return found?.kind === 'scalar' ? found.text : ''
  })
  return known && !/\$\{/.test(value.replace(/\$\$\{/g, '')) ? scalar(value, at, soft) : undefined
}

type Token = { readonly kind: 'name' | 'number' | 'string' | 'mark'; readonly text: string }

const TOKEN =
  /\s+|(?<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(?<name>[A-Za-z_][\w-]*)|(?<string>"(?:[^"\\$]|\\.|\$(?!\{)|\$\{[^{}"]*\})*")|(?<mark>\.\.\.|&&|\|\||==|!=|<=|>=|=>|[-+*/%!<>?:()[\]{},.=])/y

function parsed(source: string, at: Node, lookup: Lookup, depth: number): Node | undefined {
  if (source.length > LENGTH_MAX || depth > DEPTH_MAX) return undefined
  const list: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < source.length) {
    const match = TOKEN.exec(source)
    if (!match) return undefined
    for (const kind of ['number', 'name', 'string', 'mark'] as const) {
      const text = match.groups?.[kind]
      if (text !== undefined) list.push({ kind, text })
    }
  }
  const parser = new Evaluator(list, at, lookup, depth)
  const value = parser.conditional()
  return parser.finished ? value : undefined
}

const POWER: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 4,
  '>': 4,
  '<=': 4,
  '>=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
}

/** Parses and evaluates in one pass; an unknown operand makes its expression unknown, but parsing goes on. */
class Evaluator {
  private readonly list: readonly Token[]
  private readonly at: Node
  private readonly lookup: Lookup
  private readonly depth: number
  private i = 0
  private steps = 0
  private broken = false

  constructor(list: readonly Token[], at: Node, lookup: Lookup, depth: number) {
    this.list = list
    this.at = at
    this.lookup = lookup
    this.depth = depth
  }

  get finished(): boolean {
    return !this.broken && this.i >= this.list.length
  }

  private peek(): string {
    return this.list[this.i]?.text ?? ''
  }

  private take(text: string): boolean {
    if (this.list[this.i]?.kind !== 'mark' || this.peek() !== text) return false
    this.i++
    return true
  }

  private fail(): undefined {
    this.broken = true
    this.i = this.list.length
  }

  conditional(level = 0): Node | undefined {
    if (level > 40 || ++this.steps > STEPS_MAX) return this.fail()
    const test = this.binary(0, level + 1)
    if (!this.take('?')) return test
    const yes = this.conditional(level + 1)
    if (!this.take(':')) return this.fail()
    const no = this.conditional(level + 1)
    const known = truth(test)
    const chosen = known === undefined ? undefined : known ? yes : no
    return chosen && isSoft(test) ? { ...chosen, soft: true } : chosen
  }

  private binary(least: number, level: number): Node | undefined {
    if (level > 60) return this.fail()
    let left = this.unary(level + 1)
    for (;;) {
      const token = this.list[this.i]
      const power = token?.kind === 'mark' ? POWER[token.text] : undefined
      if (power === undefined || power <= least) return left
      this.i++
      const right = this.binary(power, level + 1)
      left = combine(token!.text, left, right, this.at)
    }
  }

  private unary(level: number): Node | undefined {
    if (level > 80) return this.fail()
    if (this.take('!')) {
      const of = this.unary(level + 1)
      const known = truth(of)
      return known === undefined ? undefined : scalar(!known, this.at, isSoft(of))
    }
    if (this.take('-')) {
      const of = this.unary(level + 1)
      const value = numberOf(of)
      return value === undefined ? undefined : scalar(-value, this.at, isSoft(of))
    }
    return this.postfix(this.primary(level + 1))
  }

  private primary(level: number): Node | undefined {
    const token = this.list[this.i]
    if (!token) return this.fail()
    this.i++
    if (token.kind === 'number') return scalar(Number(token.text), this.at, false)
    if (token.kind === 'string') return this.text(token.text.slice(1, -1))
    if (token.kind === 'name') return this.named(token.text, level)
    if (token.text === '(') {
      const of = this.conditional(level + 1)
      return this.take(')') ? of : this.fail()
    }
    if (token.text === '[') return this.list_(level)
    if (token.text === '{') return this.map(level)
    return this.fail()
  }

  private text(raw: string): Node | undefined {
    const plain = raw.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c === 't' ? '\t' : c))
    return plain.includes('${') ? template(plain, this.at, this.lookup, this.depth + 1) : scalar(plain, this.at, false)
  }

  private named(name: string, level: number): Node | undefined {
    if (name === 'true' || name === 'false') return scalar(name === 'true', this.at, false)
    if (name === 'null') return scalar(null, this.at, false)
    if (this.take('(')) {
      const args: (Node | undefined)[] = []
      while (!this.take(')')) {
        if (this.i >= this.list.length) return this.fail()
        args.push(this.conditional(level + 1))
        this.take('...')
        if (!this.take(',') && this.peek() !== ')') return this.fail()
      }
      return call(name, args, this.at)
    }
    if (!this.take('.')) return undefined
    const second = this.list[this.i++]
    if (second?.kind !== 'name') return undefined
    let first = second.text
    // module.m.out and data.type.name are one name to look up.
    if ((name === 'module' || name === 'data') && this.take('.')) first += `.${this.list[this.i++]?.text ?? ''}`
    return this.lookup(name, first, this.depth + 1)
  }

  private postfix(of: Node | undefined): Node | undefined {
    let here = of
    for (;;) {
      if (this.take('.')) {
        const key = this.list[this.i++]
        here = key ? member(here, key.text) : this.fail()
      } else if (this.take('[')) {
        const key = this.conditional(1)
        if (!this.take(']')) return this.fail()
        here = key?.kind === 'scalar' ? member(here, key.text) : undefined
      } else return here
    }
  }

  private list_(level: number): Node | undefined {
    const items: (Node | undefined)[] = []
    while (!this.take(']')) {
      if (this.i >= this.list.length) return this.fail()
      items.push(this.conditional(level + 1))
      if (!this.take(',') && this.peek() !== ']') return this.fail()
    }
    if (items.some((item) => item === undefined)) return undefined
    return { kind: 'list', items: items as Node[], src: this.at.src, at: this.at.at }
  }

  private map(level: number): Node | undefined {
    const entries = new Map<string, Entry>()
    let known = true
    while (!this.take('}')) {
      const key = this.list[this.i++]
      if (!key || (!this.take('=') && !this.take(':'))) return this.fail()
      const value = this.conditional(level + 1)
      if (value) entries.set(key.kind === 'string' ? key.text.slice(1, -1) : key.text, { keyAt: this.at.at, value })
      else known = false
      this.take(',')
    }
    return known ? { kind: 'map', entries, src: this.at.src, at: this.at.at } : undefined
  }
}

function member(of: Node | undefined, key: string): Node | undefined {
  if (of?.kind === 'map') return of.entries.get(key)?.value
  if (of?.kind === 'list' && /^\d{1,6}$/.test(key)) return of.items[Number(key)]
  return undefined
}

function truth(node: Node | undefined): boolean | undefined {
  if (node?.kind !== 'scalar') return undefined
  if (node.value === true || node.value === 'true') return true
  if (node.value === false || node.value === 'false') return false
  return undefined
}

function numberOf(node: Node | undefined): number | undefined {
  if (node?.kind !== 'scalar' || node.value === null || typeof node.value === 'boolean' || node.text.trim() === '')
    return undefined
  const value = Number(node.value)
  return Number.isFinite(value) ? value : undefined
}

function combine(op: string, left: Node | undefined, right: Node | undefined, at: Node): Node | undefined {
  const soft = isSoft(left, right)
  if (op === '&&' || op === '||') {
    const [a, b] = [truth(left), truth(right)]
    // One side may decide alone: false && anything.
    const decisive = op === '||'
    if (a === decisive || b === decisive) return scalar(decisive, at, soft)
    return a === undefined || b === undefined ? undefined : scalar(op === '&&' ? a && b : a || b, at, soft)
  }
  if (op === '==' || op === '!=') {
    if (left?.kind !== 'scalar' || right?.kind !== 'scalar') return undefined
    const same = left.value === right.value || (left.value !== null && right.value !== null && left.text === right.text)
    return scalar(same === (op === '=='), at, soft)
  }
  const [a, b] = [numberOf(left), numberOf(right)]
  if (a === undefined || b === undefined) return undefined
  const results: Readonly<Record<string, number | boolean>> = {
    '+': a + b,
    '-': a - b,
    '*': a * b,
    '/': a / b,
    '%': a % b,
    '<': a < b,
    '>': a > b,
    '<=': a <= b,
    '>=': a >= b,
  }
  const result = results[op]
  return result === undefined || (typeof result === 'number' && !Number.isFinite(result))
    ? undefined
    : scalar(result, at, soft)
}

function call(name: string, args: readonly (Node | undefined)[], at: Node): Node | undefined {
  const soft = isSoft(...args)
  const [first, second, third] = args
  const texts = args.map((arg) => (arg?.kind === 'scalar' ? arg.text : undefined))
  const numbers = (first?.kind === 'list' && args.length === 1 ? first.items : args).map(numberOf)
  const allNumbers =
    numbers.length > 0 && numbers.every((value) => value !== undefined) ? (numbers as number[]) : undefined
  const string = (change: (text: string) => string) =>
    texts[0] === undefined ? undefined : scalar(change(texts[0]), at, soft)
  switch (name) {
    case 'tostring':
      return string((text) => text)
    case 'lower':
      return string((text) => text.toLowerCase())
    case 'upper':
      return string((text) => text.toUpperCase())
    case 'trimspace':
      return string((text) => text.trim())
    case 'tonumber': {
      const value = numberOf(first)
      return value === undefined ? undefined : scalar(value, at, soft)
    }
    case 'tobool': {
      const value = truth(first)
      return value === undefined ? undefined : scalar(value, at, soft)
    }
    case 'toset':
    case 'tolist':
    case 'tomap':
    case 'sensitive':
    case 'nonsensitive':
      return first
    case 'max':
      return allNumbers && scalar(Math.max(...allNumbers), at, soft)
    case 'min':
      return allNumbers && scalar(Math.min(...allNumbers), at, soft)
    case 'ceil':
      return allNumbers && scalar(Math.ceil(allNumbers[0]!), at, soft)
    case 'floor':
      return allNumbers && scalar(Math.floor(allNumbers[0]!), at, soft)
    case 'coalesce':
    case 'try':
      // An argument we do not know might be the answer.
      for (const arg of args) {
        if (!arg) return undefined
        if (arg.kind !== 'scalar' || (arg.value !== null && !(name === 'coalesce' && arg.value === ''))) return arg
      }
      return undefined
    case 'lookup':
      if (first?.kind !== 'map' || texts[1] === undefined) return undefined
      return first.entries.get(texts[1])?.value ?? third
    case 'merge': {
      if (!args.every((arg): arg is MapNode => arg?.kind === 'map')) return undefined
      return { kind: 'map', entries: new Map(args.flatMap((arg) => [...arg.entries])), src: at.src, at: at.at }
    }
    case 'concat': {
      if (!args.every((arg) => arg?.kind === 'list')) return undefined
      return {
        kind: 'list',
        items: args.flatMap((arg) => (arg?.kind === 'list' ? arg.items : [])),
        src: at.src,
        at: at.at,
      }
    }
    case 'element':
      return first?.kind === 'list' && numberOf(second) !== undefined
        ? first.items[numberOf(second)! % Math.max(1, first.items.length)]
        : undefined
    case 'length':
      return first?.kind === 'list'
        ? scalar(first.items.length, at, soft)
        : first?.kind === 'map'
          ? scalar(first.entries.size, at, soft)
          : texts[0] === undefined
            ? undefined
            : scalar(texts[0].length, at, soft)
    case 'contains':
      if (first?.kind !== 'list' || texts[1] === undefined || first.items.some((item) => item.kind !== 'scalar'))
        return undefined
      return scalar(
        first.items.some((item) => item.kind === 'scalar' && item.text === texts[1]),
        at,
        soft,
      )
    case 'join':
      if (second?.kind !== 'list' || texts[0] === undefined || second.items.some((item) => item.kind !== 'scalar'))
        return undefined
      return scalar(second.items.map((item) => (item.kind === 'scalar' ? item.text : '')).join(texts[0]), at, soft)
    case 'format': {
      if (texts.some((text) => text === undefined)) return undefined
      let next = 1
      const value = texts[0]!.replace(/%(?:[sdvq]|%)/g, (verb) => (verb === '%%' ? '%' : (texts[next++] ?? '')))
      return /%[^%]/.test(texts[0]!.replace(/%[sdvq%]/g, '')) ? undefined : scalar(value.slice(0, 10_000), at, soft)
    }
    default:
      return undefined
  }
}
