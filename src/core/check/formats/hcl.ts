/**
 * Terraform's HCL to nodes. Attributes with literal values become scalars, lists and maps; every other expression stays opaque,
 * with its text. Nested blocks of one type become a list under that type's name.
 */
import { DEPTH_MAX, type Entry, type MapNode, NODES_MAX, type Node, type Problem, type Source } from './node.ts'

export interface HclBlock {
  readonly type: string
  readonly labels: readonly string[]
  readonly body: MapNode
  readonly src: Source
  readonly at: number
}

export interface HclFile {
  readonly blocks: readonly HclBlock[]
  /** Attributes outside any block: the content of a .tfvars file. */
  readonly attributes: MapNode
  readonly problems: readonly Problem[]
}

/** Never throws: reading stops at the first thing that cannot be HCL, and what came before stands. */
export function readHcl(src: Source): HclFile {
  const reader = new Reader(src)
  const attributes = reader.body(0, false)
  return { blocks: reader.topLevel, attributes, problems: reader.problems }
}

class Reader {
  readonly problems: Problem[] = []
  readonly topLevel: HclBlock[] = []
  private readonly src: Source
  private readonly text: string
  private at = 0
  private count = 0
  private stopped = false

  constructor(src: Source) {
    this.src = src
    this.text = src.text
    if (this.text.charCodeAt(0) === 0xfeff) this.at = 1
  }

  private fail(says: string): undefined {
    if (!this.stopped) this.problems.push({ says, ...this.src.lines.placeOf(this.at) })
    this.stopped = true
    this.at = this.text.length
  }

  private spend(depth: number): undefined {
    if (++this.count > NODES_MAX) this.fail(`The file holds more than ${NODES_MAX.toLocaleString('en-GB')} values.`)
    if (depth > DEPTH_MAX) this.fail(`The file is nested more than ${DEPTH_MAX} levels deep.`)
  }

  body(depth: number, inner: boolean): MapNode {
    const at = this.at
    const entries = new Map<string, Entry>()
    this.spend(depth)
    for (;;) {
      this.space(true)
      const char = this.text[this.at]
      if (char === undefined) {
        if (inner) this.fail('A block is never closed.')
        break
      }
      if (char === '}') {
        if (inner) this.at++
        else this.fail('This } closes nothing.')
        break
      }
      const keyAt = this.at
      const name = char === '"' ? this.quoted().text : this.identifier()
      if (!name) {
        this.fail('The name of an attribute or block was expected here.')
        break
      }
      this.space(false)
      if (this.text[this.at] === '=' && this.text[this.at + 1] !== '=') {
        this.at++
        entries.set(name, { keyAt, value: this.expression(depth + 1) })
      } else this.block(name, keyAt, depth, entries)
    }
    return { kind: 'map', entries, src: this.src, at }
  }

  private block(type: string, keyAt: number, depth: number, entries: Map<string, Entry>): undefined {
    const labels: string[] = []
    for (;;) {
      this.space(false)
      const char = this.text[this.at]
      if (char === '"') labels.push(this.quoted().text)
      else if (char !== undefined && /[A-Za-z_]/.test(char)) labels.push(this.identifier())
      else break
      if (labels.length > 8) break
    }
    if (this.text[this.at] !== '{') return this.fail('An = or a { was expected here.')
    this.at++
    const body = this.body(depth + 1, true)
    if (depth === 0) this.topLevel.push({ type, labels, body, src: this.src, at: keyAt })
    const dynamic = type === 'dynamic' && labels[0] !== undefined
    const name = dynamic ? labels[0]! : type
    const value: Node = dynamic
      ? { kind: 'opaque', text: `dynamic "${name}"`, call: 'dynamic', arg: body, src: this.src, at: keyAt }
      : body
    const known = entries.get(name)
    const before = known?.value.kind === 'list' ? known.value.items : []
    const list: Node = {
      kind: 'list',
      items: [...before.slice(0, 1_000), value],
      src: this.src,
      at: known?.keyAt ?? keyAt,
    }
    entries.set(name, { keyAt: known?.keyAt ?? keyAt, value: list })
  }

  private expression(depth: number): Node {
    this.space(false)
    this.spend(depth)
    const at = this.at
    const first = this.primary(depth)
    this.space(false)
    const next = this.text[this.at]
    // Only a value that stands alone is a value; with an operator, index or condition after it, it is an expression.
    if (next === undefined || next === '\n' || next === ',' || next === '}' || next === ']' || next === ')')
      return first
    const end = this.endOfExpression()
    this.at = end
    return {
      kind: 'opaque',
      text: this.text.slice(at, Math.min(end, at + 200)).trim(),
      call: 'expression',
      src: this.src,
      at,
    }
  }

  private primary(depth: number): Node {
    const { src, text } = this
    const at = this.at
    const char = text[at]
    if (char === '"') return this.template(at)
    if (char === '[') return this.list(at, depth)
    if (char === '{') return this.object(at, depth)
    if (char === '<' && text[at + 1] === '<') return this.heredoc(at)
    const number = /^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/.exec(text.slice(at, at + 40))?.[0]
    if (number) {
      this.at += number.length
      return { kind: 'scalar', value: Number(number), text: number, src, at }
    }
    const name = this.identifier()
    if (name === 'true' || name === 'false' || name === 'null') {
      const value = name === 'null' ? null : name === 'true'
      return { kind: 'scalar', value, text: name, src, at }
    }
    if (!name) {
      this.at = this.endOfExpression()
      if (this.at === at) this.fail('A value was expected here.')
      return {
        kind: 'opaque',
        text: text.slice(at, Math.min(this.at, at + 200)),
        call: 'expression',
        src,
        at: Math.min(at, text.length),
      }
    }
    if (text[this.at] === '(') return this.call(name, at, depth)
    const path = /^(?:\.[\w*-]+|\[[^\]\n]{0,80}\])*/.exec(text.slice(this.at, this.at + 400))?.[0] ?? ''
    this.at += path.length
    return { kind: 'opaque', text: `${name}${path}`, call: 'reference', src, at }
  }

  private call(name: string, at: number, depth: number): Node {
    this.at++
    const args: Node[] = []
    for (;;) {
      this.space(true)
      if (this.text[this.at] === ')' || this.text[this.at] === undefined) break
      args.push(this.expression(depth + 1))
      this.space(true)
      if (this.text.startsWith('...', this.at)) this.at += 3
      if (this.text[this.at] !== ',') break
      this.at++
    }
    this.space(true)
    if (this.text[this.at] === ')') this.at++
    else this.fail(`The call of ${name.slice(0, 40)} is never closed.`)
    const arg: Node = { kind: 'list', items: args, src: this.src, at }
    return {
      kind: 'opaque',
      text: this.text.slice(at, Math.min(this.at, at + 200)),
      call: name,
      arg,
      src: this.src,
      at,
    }
  }

  private list(at: number, depth: number): Node {
    this.at++
    const items: Node[] = []
    for (;;) {
      this.space(true)
      const char = this.text[this.at]
      if (char === ']' || char === undefined) break
      if (/^for\b/.test(this.text.slice(this.at, this.at + 4))) return this.comprehension(at, ']')
      items.push(this.expression(depth + 1))
      this.space(true)
      if (this.text[this.at] !== ',') break
      this.at++
    }
    this.space(true)
    if (this.text[this.at] === ']') this.at++
    else this.fail('A list is never closed.')
    return { kind: 'list', items, src: this.src, at }
  }

  private object(at: number, depth: number): Node {
    this.at++
    const entries = new Map<string, Entry>()
    for (;;) {
      this.space(true)
      const char = this.text[this.at]
      if (char === '}' || char === undefined) break
      if (/^for\b/.test(this.text.slice(this.at, this.at + 4))) return this.comprehension(at, '}')
      const keyAt = this.at
      const key = char === '"' ? this.quoted().text : char === '(' ? this.computedKey() : this.identifier()
      this.space(false)
      const sign = this.text[this.at]
      if (!key || (sign !== '=' && sign !== ':')) {
        this.fail('A name and = were expected in this object.')
        break
      }
      this.at++
      entries.set(key, { keyAt, value: this.expression(depth + 1) })
      this.space(false)
      if (this.text[this.at] === ',') this.at++
    }
    this.space(true)
    if (this.text[this.at] === '}') this.at++
    else this.fail('An object is never closed.')
    return { kind: 'map', entries, src: this.src, at }
  }

  private computedKey(): string {
    const from = this.at
    const end = this.text.indexOf(')', from)
    this.at = end < 0 ? this.text.length : end + 1
    return this.text.slice(from, this.at).slice(0, 200)
  }

  private comprehension(at: number, close: string): Node {
    this.at = this.endOfExpression()
    if (this.text[this.at] === close) this.at++
    else this.fail('A for expression is never closed.')
    return { kind: 'opaque', text: this.text.slice(at, Math.min(this.at, at + 200)), call: 'for', src: this.src, at }
  }

  private template(at: number): Node {
    const { text, opaque } = this.quoted()
    const scalar: Node = { kind: 'scalar', value: text, text, src: this.src, at }
    return opaque ? { kind: 'opaque', text, call: 'template', arg: scalar, src: this.src, at } : scalar
  }

  private heredoc(at: number): Node {
    const open = /^<<-?([A-Za-z_]\w{0,60})[ \t]*\r?\n/.exec(this.text.slice(at, at + 80))
    if (!open) {
      this.fail('A heredoc marker was expected here.')
      return { kind: 'scalar', value: null, text: '', src: this.src, at: Math.min(at, this.text.length) }
    }
    let from = at + open[0].length
    const start = from
    for (;;) {
      const feed = this.text.indexOf('\n', from)
      const line = this.text.slice(from, feed < 0 ? undefined : feed)
      if (line.trim() === open[1]) {
        this.at = feed < 0 ? this.text.length : feed
        break
      }
      if (feed < 0) {
        this.fail('A heredoc is never closed.')
        break
      }
      from = feed + 1
    }
    const value = this.text.slice(start, Math.max(start, from - 1))
    const scalar: Node = { kind: 'scalar', value, text: value, src: this.src, at: start }
    return /[$%]\{/.test(value)
      ? { kind: 'opaque', text: value, call: 'template', arg: scalar, src: this.src, at: start }
      : scalar
  }

  /** A quoted template. Interpolations may hold quotes of their own. */
  private quoted(): { text: string; opaque: boolean } {
    const from = this.at
    let at = from + 1
    let depth = 0
    let opaque = false
    for (;;) {
      const char = this.text[at]
      if (char === undefined || (char === '\n' && depth === 0)) {
        this.fail('The string is never closed.')
        return { text: '', opaque: true }
      }
      if (char === '\\') at += 2
      else if ((char === '$' || char === '%') && this.text[at + 1] === '{') {
        // $${ is an escaped ${.
        const escaped = this.text[at - 1] === char
        if (!escaped || depth > 0) {
          depth++
          opaque = true
        }
        at += 2
      } else if (char === '{' && depth > 0) {
        depth++
        at++
      } else if (char === '}' && depth > 0) {
        depth--
        at++
      } else if (char === '"') {
        if (depth === 0) break
        at = this.skipInnerString(at)
      } else at++
    }
    this.at = at + 1
    const raw = this.text.slice(from + 1, at)
    const text = raw.includes('\\')
      ? raw.replace(/\\(.)/gs, (_, c: string) => (c === 'n' ? '\n' : c === 't' ? '\t' : c))
      : raw
    return { text, opaque }
  }

  private skipInnerString(at: number): number {
    let here = at + 1
    while (here < this.text.length && this.text[here] !== '"' && this.text[here] !== '\n')
      here += this.text[here] === '\\' ? 2 : 1
    return here + 1
  }

  /** The offset at which the expression that starts here ends: a newline, comma or closing bracket outside all brackets. */
  private endOfExpression(): number {
    let at = this.at
    let depth = 0
    while (at < this.text.length) {
      const char = this.text[at]!
      if (char === '"') at = this.skipTemplate(at)
      else if (char === '#' || (char === '/' && this.text[at + 1] === '/')) {
        const feed = this.text.indexOf('\n', at)
        at = feed < 0 ? this.text.length : feed
      } else {
        if (char === '(' || char === '[' || char === '{') depth++
        else if (char === ')' || char === ']' || char === '}') {
          if (depth === 0) return at
          depth--
        } else if (depth === 0 && (char === '\n' || char === ',')) return at
        at++
      }
    }
    return at
  }

  private skipTemplate(at: number): number {
    const here = this.at
    this.at = at
    this.quoted()
    const end = this.at
    this.at = this.stopped ? this.text.length : here
    return end
  }

  private identifier(): string {
    const name = /^[A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*/.exec(this.text.slice(this.at, this.at + 200))?.[0] ?? ''
    this.at += name.length
    return name
  }

  private space(newlines: boolean): undefined {
    const { text } = this
    for (;;) {
      const char = text[this.at]
      if (char === ' ' || char === '\t' || char === '\r' || (newlines && char === '\n')) this.at++
      else if (char === '#' || (char === '/' && text[this.at + 1] === '/')) {
        const feed = text.indexOf('\n', this.at)
        this.at = feed < 0 ? text.length : feed
      } else if (char === '/' && text[this.at + 1] === '*') {
        const end = text.indexOf('*/', this.at + 2)
        this.at = end < 0 ? text.length : end + 2
      } else return
    }
  }
}
