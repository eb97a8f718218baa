/**
 * Calls in Ruby, Python and JavaScript, as far as migrations need them: names, strings, keyword arguments, lists and nested calls, with
 * their offsets. The languages themselves are not parsed; what is neither of these is passed over.
 */

export type Language = 'ruby' | 'python' | 'javascript'

export interface CodeToken {
  readonly kind: 'word' | 'string' | 'number' | 'mark' | 'line'
  /** A word with its dots (`op.add_column`, `t.string`), a string's content, a mark. */
  readonly text: string
  readonly at: number
  /** How far the line on which the token stands is indented. */
  readonly indent: number
}

const TOKENS_MAX = 100_000

const WORD = /^[A-Za-z_@$][\w$]*(?:\.[A-Za-z_][\w$]*)*/
const RUBY_WORD = /^:?[A-Za-z_@$][\w$]*[?!]?(?:(?:\.|::)[A-Za-z_]\w*[?!]?)*/

/** Tokens of a file, comments left out. Never throws; a string that is never closed ends the file. */
export function codeTokens(text: string, language: Language): readonly CodeToken[] {
  const found: CodeToken[] = []
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let indent = indentAt(text, at)
  let heredocs: { tag: string; index: number }[] = []
  const push = (kind: CodeToken['kind'], value: string, from: number) =>
    found.push({ kind, text: value, at: from, indent })
  while (at < text.length && found.length < TOKENS_MAX) {
    const char = text[at]!
    if (char === '\n') {
      push('line', '\n', at)
      at++
      for (const { tag, index } of heredocs) {
        const body = heredoc(text, at, tag)
        found[index] = { ...found[index]!, text: body.text }
        at = body.end
      }
      heredocs = []
      indent = indentAt(text, at)
    } else if (char === ' ' || char === '\t' || char === '\r') at++
    else if (isComment(text, at, language)) at = endOfComment(text, at, language)
    else if (char === '"' || char === "'" || (char === '`' && language === 'javascript')) {
      const { value, end } = string(text, at, language)
      push('string', value, at)
      at = end
    } else if (
      language === 'ruby' &&
      text.startsWith('<<', at) &&
      /^<<[~-]?['"]?[A-Z]\w{0,40}/.test(text.slice(at, at + 48))
    ) {
      const tag = /^<<[~-]?['"]?([A-Z]\w{0,40})['"]?/.exec(text.slice(at, at + 48))!
      heredocs.push({ tag: tag[1]!, index: found.length })
      push('string', '', at)
      at += tag[0].length
    } else {
      const word = (language === 'ruby' ? RUBY_WORD : WORD).exec(text.slice(at, at + 300))?.[0]
      const number = /^\d[\w.]*/.exec(text.slice(at, at + 40))?.[0]
      // Python's prefixes belong to the string after them.
      const prefixed =
        language === 'python' && word && /^[rRbBuUfF]{1,2}$/.test(word) && /["']/.test(text[at + word.length] ?? '')
      if (prefixed) {
        at += word.length
        continue
      }
      const value = word ?? number ?? (text.startsWith('=>', at) ? '=>' : char)
      push(word ? 'word' : number ? 'number' : 'mark', value, at)
      at += value.length
    }
  }
  return found
}

function indentAt(text: string, at: number): number {
  let spaces = 0
  while (text[at + spaces] === ' ' || text[at + spaces] === '\t') spaces++
  return spaces
}

function isComment(text: string, at: number, language: Language): boolean {
  const char = text[at]
  return language === 'javascript' ? char === '/' && (text[at + 1] === '/' || text[at + 1] === '*') : char === '#'
}

function endOfComment(text: string, at: number, language: Language): number {
  const block = language === 'javascript' && text[at + 1] === '*'
  const end = text.indexOf(block ? '*/' : '\n', at + 1)
  return end < 0 ? text.length : end + (block ? 2 : 0)
}

function string(text: string, at: number, language: Language): { value: string; end: number } {
  const quote = text[at]!
  const triple = language === 'python' && text.startsWith(quote.repeat(3), at)
  const close = triple ? quote.repeat(3) : quote
  let here = at + close.length
  const multiline = triple || quote === '`' || language === 'ruby'
  while (here < text.length && !text.startsWith(close, here)) {
    if (!multiline && text[here] === '\n') break
    here += text[here] === '\\' ? 2 : 1
  }
  const raw = text.slice(at + close.length, here)
  const value = raw.includes('\\')
    ? raw.replace(/\\([\s\S])/g, (_, c: string) => (c === 'n' ? '\n' : c === '\n' ? '' : c))
    : raw
  return { value, end: Math.min(text.length, here + close.length) }
}

function heredoc(text: string, from: number, tag: string): { text: string; end: number } {
  let at = from
  while (at < text.length) {
    const feed = text.indexOf('\n', at)
    const end = feed < 0 ? text.length : feed
    if (text.slice(at, end).trim() === tag) return { text: text.slice(from, at), end }
    if (feed < 0) break
    at = feed + 1
  }
  return { text: text.slice(from), end: text.length }
}

export interface Arg {
  readonly key?: string
  readonly value: CodeValue
}

export interface CodeValue {
  readonly kind: 'string' | 'word' | 'number' | 'call' | 'list' | 'map' | 'other'
  /** The string, word or number; the name of a call. */
  readonly text: string
  /** Arguments of a call, items of a list, pairs of a map. */
  readonly args: readonly Arg[]
  readonly at: number
}

const DEPTH_MAX = 30

/** Reads along tokens. Nothing throws: at the end every read gives what was there. */
export class CodeReader {
  readonly tokens: readonly CodeToken[]
  i = 0

  constructor(tokens: readonly CodeToken[]) {
    this.tokens = tokens
  }

  peek(ahead = 0): CodeToken | undefined {
    return this.tokens[this.i + ahead]
  }

  isMark(text: string): boolean {
    const token = this.tokens[this.i]
    return token?.kind === 'mark' && token.text === text
  }

  skipLines(): void {
    while (this.tokens[this.i]?.kind === 'line') this.i++
  }

  /** Arguments up to a closing bracket, which is taken too; the opening one has been taken. */
  args(close: string, depth = 0): readonly Arg[] {
    const args: Arg[] = []
    for (;;) {
      this.skipLines()
      const token = this.peek()
      if (!token) return args
      if (token.kind === 'mark' && token.text === close) {
        this.i++
        return args
      }
      if (token.kind === 'mark' && /^[)\]}]$/.test(token.text)) return args
      if (this.isMark(',')) {
        this.i++
        continue
      }
      args.push(this.arg(depth, close))
    }
  }

  /** Ruby's arguments without brackets: up to the end of the line, a comma before it continuing, or `do` and `{`. */
  bareArgs(): readonly Arg[] {
    const args: Arg[] = []
    for (;;) {
      const token = this.peek()
      if (
        !token ||
        token.kind === 'line' ||
        (token.kind === 'word' && /^(do|if|unless|end)$/.test(token.text)) ||
        this.isMark('{')
      )
        return args
      if (this.isMark(',')) {
        this.i++
        this.skipLines()
        continue
      }
      if (token.kind === 'mark' && /^[)\]};|]$/.test(token.text)) return args
      args.push(this.arg(0, ''))
    }
  }

  private arg(depth: number, close: string): Arg {
    const start = this.i
    const first = this.peek()!
    const key = first.kind === 'word' || first.kind === 'string' ? first.text.replace(/^:/, '') : undefined
    const sign = this.peek(1)
    if (
      key !== undefined &&
      sign?.kind === 'mark' &&
      (sign.text === ':' || sign.text === '=>' || (sign.text === '=' && this.peek(2)?.text !== '='))
    ) {
      this.i += 2
      this.skipLines()
      return { key, value: this.value(depth, close) }
    }
    const value = this.value(depth, close)
    if (this.i === start) this.i++
    return { value }
  }

  /** One value, and whatever follows it up to the next comma or closing bracket. */
  private value(depth: number, close: string): CodeValue {
    const token = this.peek()
    if (!token || depth > DEPTH_MAX) {
      this.i++
      return { kind: 'other', text: '', args: [], at: token?.at ?? 0 }
    }
    this.i++
    let value: CodeValue
    if (token.kind === 'mark' && token.text === '[')
      value = { kind: 'list', text: '', args: this.args(']', depth + 1), at: token.at }
    else if (token.kind === 'mark' && token.text === '{')
      value = { kind: 'map', text: '', args: this.args('}', depth + 1), at: token.at }
    else if (token.kind === 'mark' && token.text === '(') {
      // Adjacent strings in brackets are one string.
      const inner = this.args(')', depth + 1)
      value = inner.length === 1 ? inner[0]!.value : { kind: 'list', text: '', args: inner, at: token.at }
    } else if (token.kind === 'word' && this.isMark('(')) {
      this.i++
      value = { kind: 'call', text: token.text.replace(/^:/, ''), args: this.args(')', depth + 1), at: token.at }
    } else if (token.kind === 'string')
      value = { kind: 'string', text: this.joined(token.text), args: [], at: token.at }
    else if (token.kind === 'word') value = { kind: 'word', text: token.text.replace(/^:/, ''), args: [], at: token.at }
    else value = { kind: token.kind === 'number' ? 'number' : 'other', text: token.text, args: [], at: token.at }
    this.rest(close)
    return value
  }

  /** Python and Ruby join strings that stand side by side. */
  private joined(first: string): string {
    let text = first
    for (;;) {
      let ahead = 0
      while (this.peek(ahead)?.kind === 'line') ahead++
      const next = this.peek(ahead)
      if (next?.kind !== 'string' || text.length > 200_000) return text
      text += next.text
      this.i += ahead + 1
    }
  }

  /** Operators, chained calls and blocks after a value belong to it. */
  private rest(close: string): void {
    let open = 0
    while (this.i < this.tokens.length) {
      const token = this.peek()!
      if (token.kind === 'line' && open === 0) {
        if (close === '') return
        this.i++
        continue
      }
      if (token.kind === 'word' && open === 0 && close === '' && /^(do|if|unless)$/.test(token.text)) return
      if (token.kind === 'mark') {
        if (open === 0 && (token.text === ',' || /^[)\]}]$/.test(token.text) || (close === '' && token.text === '{')))
          return
        if (/^[([{]$/.test(token.text)) open++
        else if (/^[)\]}]$/.test(token.text)) open--
      }
      this.i++
    }
  }
}

export function keyed(args: readonly Arg[], ...names: readonly string[]): CodeValue | undefined {
  return args.find((arg) => arg.key !== undefined && names.includes(arg.key))?.value
}

export function positional(args: readonly Arg[], index: number): CodeValue | undefined {
  return args.filter((arg) => arg.key === undefined)[index]?.value
}

/** The text of a string, symbol or plain word; '' for everything else. */
export function literal(value: CodeValue | undefined): string {
  return value && (value.kind === 'string' || value.kind === 'word' || value.kind === 'number') ? value.text : ''
}

export function isWord(value: CodeValue | undefined, ...words: readonly string[]): boolean {
  return value?.kind === 'word' && words.includes(value.text)
}
