import type { Token } from './sql.ts'

/** Reads along the tokens of one statement. Every method stays inside it. */
export class Cursor {
  private readonly tokens: readonly Token[]
  private at = 0
  constructor(tokens: readonly Token[]) {
    this.tokens = tokens
  }

  peek(): Token | undefined {
    return this.tokens[this.at]
  }

  next(): Token | undefined {
    return this.tokens[this.at++]
  }

  /** Skips all the words when they come next in this order. Marks count by their character. */
  skip(...keys: readonly string[]): boolean {
    if (!keys.every((key, i) => this.tokens[this.at + i]?.key === key)) return false
    this.at += keys.length
    return true
  }

  skipAny(...keys: readonly string[]): boolean {
    let skipped = false
    while (keys.includes(this.peek()?.key ?? '')) {
      this.at++
      skipped = true
    }
    return skipped
  }

  skipParentheses(): undefined {
    if (this.peek()?.key !== '(') return
    let depth = 0
    while (this.at < this.tokens.length) {
      const key = this.next()!.key
      if (key === '(') depth++
      else if (key === ')' && --depth === 0) return
    }
  }

  /** One identifier: a word, a quoted name, or a string where a dialect allows it. */
  word(): string {
    const token = this.peek()
    if (!token || token.kind === 'mark' || token.kind === 'number') return ''
    this.at++
    return token.text
  }

  /** A name with its schema: `public.case_note`. */
  name(): string {
    let name = this.word()
    while (this.peek()?.key === '.') {
      this.at++
      name += `.${this.word()}`
    }
    return name
  }

  has(key: string): boolean {
    return this.tokens.some((token, i) => i >= this.at && token.key === key)
  }

  hasPair(first: string, second: string): boolean {
    return this.tokens.some((token, i) => {
      if (i < this.at || token.key !== first) return false
      const next = this.tokens[i + 1]
      return next?.key === second || (next?.key === '=' && this.tokens[i + 2]?.key === second)
    })
  }

  /** The name that follows a keyword, wherever it stands. */
  after(key: string): string | undefined {
    const i = this.tokens.findIndex((token, j) => j >= this.at && token.key === key)
    if (i < 0) return undefined
    const from = new Cursor(this.tokens.slice(i + 1, i + 8))
    from.skip('ONLY')
    return from.name()
  }

  /** Names directly before an opening parenthesis. */
  calls(): string[] {
    const calls: string[] = []
    for (let i = this.at; i < this.tokens.length - 1; i++) {
      const token = this.tokens[i]!
      if (this.tokens[i + 1]!.key !== '(' || (token.kind !== 'word' && token.kind !== 'quoted')) continue
      if (
        /^(IN|VALUES|AND|OR|NOT|FROM|WHERE|SELECT|AS|ON|USING|ANY|ALL|EXISTS|OVER|BY|SET|CHECK|KEY|REFERENCES|DEFAULT)$/.test(
          token.key,
        )
      )
        continue
      const schema = this.tokens[i - 1]?.key === '.' ? `${this.tokens[i - 2]?.text ?? ''}.` : ''
      calls.push(`${schema}${token.text}`)
    }
    return calls
  }

  rest(words: number): string {
    return this.tokens
      .slice(this.at, this.at + words)
      .map((token) => token.text)
      .join(' ')
      .slice(0, 80)
  }

  /** The rest, split at commas outside parentheses: the actions of an ALTER TABLE. */
  actions(): Cursor[] {
    const parts: Token[][] = [[]]
    let depth = 0
    for (const token of this.tokens.slice(this.at)) {
      if (token.key === '(') depth++
      if (token.key === ')') depth--
      if (token.key === ',' && depth === 0) parts.push([])
      else parts.at(-1)!.push(token)
    }
    return parts.filter((part) => part.length > 0).map((part) => new Cursor(part))
  }
}
