/**
 * Go templates (text/template) as a tree with offsets. Only parsing: nothing is run here. Helm's documents are made from this tree by
 * models/helm-render.ts.
 */

export type Operand =
  | { readonly kind: 'field'; readonly path: readonly string[]; readonly at: number }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[]; readonly at: number }
  | { readonly kind: 'string'; readonly value: string; readonly at: number }
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  | { readonly kind: 'word'; readonly value: true | false | null; readonly at: number }
  | { readonly kind: 'function'; readonly name: string; readonly at: number }
  | { readonly kind: 'group'; readonly pipe: Pipe; readonly path: readonly string[]; readonly at: number }

export interface Pipe {
  /** `$x :=`, `$k, $v :=` or `$x =`. */
  readonly names: readonly string[]
  readonly declares: boolean
  /** Each command: an operand and its arguments. */
  readonly commands: readonly (readonly Operand[])[]
  readonly at: number
}

export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'action'; readonly pipe: Pipe; readonly at: number }
  | {
      readonly kind: 'if' | 'with' | 'range'
      readonly pipe: Pipe
      readonly body: readonly TemplateNode[]
      readonly otherwise: readonly TemplateNode[]
      readonly at: number
    }
  | { readonly kind: 'template'; readonly name: string; readonly pipe?: Pipe; readonly at: number }
  | { readonly kind: 'break' | 'continue'; readonly at: number }

export interface GoTemplate {
  readonly body: readonly TemplateNode[]
  /** Named templates that this file defines. */
  readonly defines: ReadonlyMap<string, readonly TemplateNode[]>
  /** What kept the file from being parsed, with the offset. */
  readonly problem?: { readonly says: string; readonly at: number }
}

const NODES_MAX = 50_000
const DEPTH_MAX = 60

/** Never throws. */
export function parseGoTemplate(text: string): GoTemplate {
  const parser = new Parser(pieces(text))
  try {
    const body = parser.body(0, 'end of file').nodes
    return { body, defines: parser.defines }
  } catch (thrown) {
    if (!(thrown instanceof Broken)) throw thrown
    return { body: [], defines: parser.defines, problem: { says: thrown.message, at: thrown.at } }
  }
}

class Broken extends Error {
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

type Piece = { readonly kind: 'text' | 'action'; readonly text: string; readonly at: number }

/** Text and actions, with the trim marks applied to the text around them. */
function pieces(text: string): readonly Piece[] | { readonly says: string; readonly at: number } {
  const found: Piece[] = []
  let at = 0
  let trimNext = false
  const push = (from: number, to: number, trimEnd: boolean) => {
    let start = from
    let end = to
    if (trimNext) while (start < end && isSpace(text.charCodeAt(start))) start++
    if (trimEnd) while (end > start && isSpace(text.charCodeAt(end - 1))) end--
    if (end > start) found.push({ kind: 'text', text: text.slice(start, end), at: start })
  }
  while (at < text.length) {
    const open = text.indexOf('{{', at)
    if (open < 0) break
    const trimLeft = text[open + 2] === '-' && isSpace(text.charCodeAt(open + 3))
    push(at, open, trimLeft)
    const from = open + (trimLeft ? 3 : 2)
    const close = endOfAction(text, from)
    if (close < 0) return { says: 'This action is never closed.', at: open }
    const trimRight = text[close - 1] === '-' && isSpace(text.charCodeAt(close - 2))
    const inner = text.slice(from, trimRight ? close - 1 : close)
    if (!/^\s*\/\*/.test(inner)) found.push({ kind: 'action', text: inner, at: from })
    trimNext = trimRight
    at = close + 2
    if (found.length > NODES_MAX) return { says: 'The template has too many actions.', at: open }
  }
  push(at, text.length, false)
  return found
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13
}

/** The offset of the `}}` that ends the action, strings and comments passed over; -1 when there is none. */
function endOfAction(text: string, from: number): number {
  let at = from
  const comment = /^[ \t\r\n]*\/\*/.exec(text.slice(from, from + 40))
  if (comment) {
    const end = text.indexOf('*/', from)
    return end < 0 ? -1 : text.indexOf('}}', end)
  }
  while (at < text.length) {
    const char = text[at]
    if (char === '}' && text[at + 1] === '}') return at
    if (char === '"' || char === "'") {
      at++
      while (at < text.length && text[at] !== char && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1
      if (text[at] !== char) return -1
    } else if (char === '`') {
      at = text.indexOf('`', at + 1)
      if (at < 0) return -1
    }
    at++
  }
  return -1
}

class Parser {
  readonly defines = new Map<string, readonly TemplateNode[]>()
  private readonly list: readonly Piece[]
  private i = 0

  constructor(list: ReturnType<typeof pieces>) {
    if ('says' in list) {
      this.list = []
      this.failure = list
    } else this.list = list
  }

  private readonly failure: { readonly says: string; readonly at: number } | undefined

  /** Nodes up to `end`, `else` or the end of the file. */
  body(depth: number, until: string): { nodes: TemplateNode[]; stop: string; stopAt: number; rest: string } {
    if (this.failure) throw new Broken(this.failure.says, this.failure.at)
    const nodes: TemplateNode[] = []
    const opened = this.list[this.i]?.at ?? 0
    if (depth > DEPTH_MAX) throw new Broken('The template is nested too deep.', opened)
    while (this.i < this.list.length) {
      const piece = this.list[this.i++]!
      if (piece.kind === 'text') {
        nodes.push({ kind: 'text', text: piece.text, at: piece.at })
        continue
      }
      const word = /^\s*(\w+)?/.exec(piece.text)![1] ?? ''
      const rest = piece.text.slice(piece.text.indexOf(word) + word.length)
      const restAt = piece.at + piece.text.indexOf(word) + word.length
      if ((word === 'end' || word === 'else') && /^\s|^$/.test(rest)) {
        if (until === 'end of file') throw new Broken(`This "${word}" closes nothing.`, piece.at)
        return { nodes, stop: word, stopAt: restAt, rest }
      }
      this.action(word, rest, restAt, piece, depth, nodes)
    }
    if (until !== 'end of file') throw new Broken(`The ${until} is never closed.`, opened)
    return { nodes, stop: '', stopAt: 0, rest: '' }
  }

  private action(word: string, rest: string, restAt: number, piece: Piece, depth: number, nodes: TemplateNode[]): void {
    const spaced = /^[\s(.$"`]|^$/.test(rest)
    if (spaced && (word === 'if' || word === 'with' || word === 'range'))
      nodes.push(this.block(word, rest, restAt, piece.at, depth))
    else if (spaced && (word === 'define' || word === 'block')) {
      const tokens = tokensOf(rest, restAt)
      const name = tokens[0]?.kind === 'string' ? tokens[0].text : undefined
      if (name === undefined) throw new Broken('A define needs a name.', piece.at)
      const { nodes: body, stop } = this.body(depth + 1, 'define')
      if (stop !== 'end') throw new Broken('A define cannot have an else.', piece.at)
      this.defines.set(name, body)
      if (word === 'block')
        nodes.push({ kind: 'template', name, pipe: new PipeParser(tokens.slice(1), piece.at).pipe(0), at: piece.at })
    } else if (spaced && word === 'template') {
      const tokens = tokensOf(rest, restAt)
      const name = tokens[0]?.kind === 'string' ? tokens[0].text : undefined
      if (name === undefined) throw new Broken('A template call needs a name in quotes.', piece.at)
      const pipe = tokens.length > 1 ? new PipeParser(tokens.slice(1), piece.at).pipe(0) : undefined
      nodes.push({ kind: 'template', name, ...(pipe ? { pipe } : {}), at: piece.at })
    } else if ((word === 'break' || word === 'continue') && rest.trim() === '') nodes.push({ kind: word, at: piece.at })
    else if (piece.text.trim() !== '')
      nodes.push({
        kind: 'action',
        pipe: new PipeParser(tokensOf(piece.text, piece.at), piece.at).pipe(0),
        at: piece.at,
      })
  }

  private block(kind: 'if' | 'with' | 'range', rest: string, restAt: number, at: number, depth: number): TemplateNode {
    if (depth > DEPTH_MAX) throw new Broken('The template is nested too deep.', at)
    const pipe = new PipeParser(tokensOf(rest, restAt), at).pipe(0)
    const first = this.body(depth + 1, kind)
    if (first.stop === 'end') return { kind, pipe, body: first.nodes, otherwise: [], at }
    // `else if` and `else with` hold a block of their own, which the same `end` closes.
    const chained = /^\s*(if|with)\b/.exec(first.rest)
    if (chained) {
      const skip = chained[0].length
      const inner = this.block(
        chained[1] as 'if' | 'with',
        first.rest.slice(skip),
        first.stopAt + skip,
        first.stopAt,
        depth + 1,
      )
      return { kind, pipe, body: first.nodes, otherwise: [inner], at }
    }
    const second = this.body(depth + 1, kind)
    if (second.stop !== 'end') throw new Broken('There are two else parts.', at)
    return { kind, pipe, body: first.nodes, otherwise: second.nodes, at }
  }
}

interface Token {
  readonly kind: 'string' | 'number' | 'name' | 'field' | 'variable' | 'mark'
  readonly text: string
  readonly at: number
  /** True when white space stands before it: `(x).y` and `(x) .y` differ. */
  readonly spaced: boolean
}

const TOKEN =
  /(?<space>\s+)|"(?<string>(?:[^"\\\n]|\\.)*)"|`(?<raw>[^`]*)`|'(?<char>(?:[^'\\\n]|\\.){1,8})'|(?<number>[-+]?(?:0[xX][\da-fA-F]+|\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?))(?![\w])|(?<field>(?:\.[A-Za-z_]\w*)+|\.)|(?<variable>\$\w*)|(?<name>[A-Za-z_]\w*)|(?<mark>:=|[=|(),])/y

function tokensOf(source: string, from: number): readonly Token[] {
  const found: Token[] = []
  TOKEN.lastIndex = 0
  let spaced = true
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(source)
    if (!match)
      throw new Broken(`"${source.slice(at, at + 20).split('\n')[0]}" is not a template expression.`, from + at)
    const groups = match.groups!
    if (groups.space !== undefined) {
      spaced = true
      continue
    }
    const push = (kind: Token['kind'], text: string) => found.push({ kind, text, at: from + at, spaced })
    if (groups.string !== undefined) push('string', unescaped(groups.string))
    else if (groups.raw !== undefined) push('string', groups.raw)
    else if (groups.char !== undefined) push('number', String(unescaped(groups.char).codePointAt(0) ?? 0))
    else if (groups.number !== undefined) push('number', groups.number.replace(/_/g, ''))
    else if (groups.field !== undefined) push('field', groups.field)
    else if (groups.variable !== undefined) push('variable', groups.variable)
    else if (groups.name !== undefined) push('name', groups.name)
    else push('mark', groups.mark!)
    spaced = false
  }
  return found
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(u[\da-fA-F]{4}|x[\da-fA-F]{2}|.)/g, (_, code: string) => {
    const plain: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0' }
    if (code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return plain[code] ?? code
  })
}

class PipeParser {
  private readonly list: readonly Token[]
  private readonly at: number
  private i = 0

  constructor(list: readonly Token[], at: number) {
    this.list = list
    this.at = at
  }

  pipe(depth: number): Pipe {
    const at = this.list[this.i]?.at ?? this.at
    if (depth > DEPTH_MAX) throw new Broken('The expression is nested too deep.', at)
    const { names, declares } = this.names()
    const commands: Operand[][] = []
    for (;;) {
      const command = this.command(depth)
      if (command.length === 0) throw new Broken('An expression was expected here.', at)
      commands.push(command)
      if (!this.take('|')) break
    }
    if (depth === 0 && this.i < this.list.length)
      throw new Broken(`"${this.list[this.i]!.text.slice(0, 20)}" was not expected here.`, this.list[this.i]!.at)
    return { names, declares, commands, at }
  }

  private take(mark: string): boolean {
    const token = this.list[this.i]
    if (token?.kind !== 'mark' || token.text !== mark) return false
    this.i++
    return true
  }

  private names(): { names: string[]; declares: boolean } {
    const start = this.i
    const names: string[] = []
    while (this.list[this.i]?.kind === 'variable') {
      names.push(this.list[this.i++]!.text)
      if (this.take(':=')) return { names, declares: true }
      if (this.take('=')) return { names, declares: false }
      if (!this.take(',')) break
    }
    this.i = start
    return { names: [], declares: false }
  }

  private command(depth: number): Operand[] {
    const operands: Operand[] = []
    for (;;) {
      const token = this.list[this.i]
      if (!token || (token.kind === 'mark' && token.text !== '(')) return operands
      operands.push(this.operand(token, depth))
    }
  }

  private operand(token: Token, depth: number): Operand {
    this.i++
    const { at } = token
    switch (token.kind) {
      case 'string':
        return { kind: 'string', value: token.text, at }
      case 'number':
        return { kind: 'number', value: Number(token.text), at }
      case 'field':
        return { kind: 'field', path: pathOf(token.text), at }
      case 'variable':
        return { kind: 'variable', name: token.text, path: this.following(), at }
      case 'name':
        if (token.text === 'true' || token.text === 'false') return { kind: 'word', value: token.text === 'true', at }
        return token.text === 'nil' ? { kind: 'word', value: null, at } : { kind: 'function', name: token.text, at }
      case 'mark': {
        const pipe = this.pipe(depth + 1)
        if (!this.take(')')) throw new Broken('A ) was expected.', at)
        return { kind: 'group', pipe, path: this.following(), at }
      }
    }
  }

  /** `.a.b` directly after a variable or a closing bracket belongs to it. */
  private following(): readonly string[] {
    const token = this.list[this.i]
    if (token?.kind !== 'field' || token.spaced) return []
    this.i++
    return pathOf(token.text)
  }
}

function pathOf(text: string): readonly string[] {
  return text === '.' ? [] : text.slice(1).split('.')
}
