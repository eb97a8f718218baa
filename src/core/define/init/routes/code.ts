/** Tokens of a source file with their brackets: as much of a language as it takes to read routes, and no more. */
import { type CodeToken, codeTokens, type Language } from '../../../check/formats/code.ts'
import { type Lines, linesOf } from '../../../check/formats/position.ts'
import type { TreeFile } from '../../../check/tree.ts'

/** Tokens from `from` up to, and without, `to`. */
export interface Range {
  readonly from: number
  readonly to: number
}

const CLOSES: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }
const NONE: CodeToken = { kind: 'line', text: '', at: 0, indent: 0 }

export class Code {
  readonly file: string
  readonly tokens: readonly CodeToken[]
  private readonly text: string
  private readonly lines: Lines
  private readonly ends: ReadonlyMap<number, number>

  constructor(file: TreeFile, language: Language) {
    this.file = file.path
    this.text = file.text
    this.lines = linesOf(file.text)
    // Languages with semicolons do not need their line ends; in Ruby they end a statement.
    this.tokens = codeTokens(file.text, language).filter((token) => language === 'ruby' || token.kind !== 'line')
    this.ends = endsOf(this.tokens)
  }

  get all(): Range {
    return { from: 0, to: this.tokens.length }
  }

  token(i: number): CodeToken {
    return this.tokens[i] ?? NONE
  }

  word(i: number): string {
    const token = this.tokens[i]
    return token?.kind === 'word' ? token.text : ''
  }

  mark(i: number): string {
    const token = this.tokens[i]
    return token?.kind === 'mark' || token?.kind === 'line' ? token.text : ''
  }

  line(i: number): number {
    return this.lines.placeOf(this.token(i).at).line
  }

  /** The index of the bracket that closes the one at `open`; the end of the file when there is none. */
  end(open: number): number {
    return this.ends.get(open) ?? this.tokens.length
  }

  /** The parts between the commas of a bracket, brackets inside unbroken. */
  parts(open: number): readonly Range[] {
    const close = this.end(open)
    const parts: Range[] = []
    let from = open + 1
    for (let i = from; i < close && parts.length < 200; i++) {
      if (CLOSES[this.mark(i)]) i = this.end(i)
      else if (this.mark(i) === ',') {
        parts.push({ from, to: i })
        from = i + 1
      }
    }
    if (from < close) parts.push({ from, to: close })
    return parts
  }

  /** A string that stands alone and holds nothing computed. */
  literal({ from, to }: Range): string | undefined {
    const token = this.tokens[from]
    if (token?.kind !== 'string' || to !== from + 1) return undefined
    const computed =
      (this.text[token.at] === '`' && token.text.includes('${')) || /[fF]/.test(this.text[token.at - 1] ?? '')
    return computed || token.text.length > 300 ? undefined : token.text
  }

  /** The text of a name in capitals that is given one literal, once. */
  constant(name: string): string | undefined {
    if (!/^[A-Z][A-Z0-9_]*$/.test(name)) return undefined
    const given = this.tokens.flatMap((token, i) => (token.text === name && this.mark(i + 1) === '=' ? [i + 2] : []))
    const after = this.mark(given[0]! + 1)
    return given.length === 1 && !/^[.+%(?|&]$/.test(after)
      ? this.literal({ from: given[0]!, to: given[0]! + 1 })
      : undefined
  }

  /** The value of `key: value` or `key = value` in a bracket. */
  named(open: number, key: string): Range | undefined {
    for (const part of this.parts(open)) {
      const name = this.word(part.from) || (this.token(part.from).kind === 'string' ? this.token(part.from).text : '')
      const sign = this.mark(part.from + 1)
      if (name === key && (sign === ':' || sign === '=')) return { from: part.from + 2, to: part.to }
      // Ruby writes `key: value` with the colon in the word's place, and `:key => value`.
      if (name === `:${key}` && this.token(part.from + 1).text === '=>') return { from: part.from + 2, to: part.to }
    }
    return undefined
  }
}

function endsOf(tokens: readonly CodeToken[]): ReadonlyMap<number, number> {
  const ends = new Map<number, number>()
  const open: { at: number; close: string }[] = []
  tokens.forEach((token, i) => {
    if (token.kind !== 'mark') return
    const close = CLOSES[token.text]
    if (close) open.push({ at: i, close })
    else {
      // A bracket inside of something that we take for a string must not break everything after it.
      const match = open.findLastIndex((each) => each.close === token.text)
      if (match >= 0) ends.set(open[match]!.at, i)
      if (match >= 0) open.length = match
    }
  })
  return ends
}
