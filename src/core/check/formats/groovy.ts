/**
 * Jenkinsfiles as nested calls: `stage('Test') { steps { sh 'npm test' } }` becomes a call with its words, its strings and the
 * calls in its block. Groovy itself is not parsed; strings, comments and brackets are, which is what the structure needs.
 */
import type { Problem, Source } from './node.ts'

export interface Call {
  /** The first word: `stage`, `sh`, `input`; a scripted assignment keeps its own first word. */
  readonly name: string
  /** The text between the name and the block or the end of the statement. */
  readonly args: string
  /** The values of the strings in `args`. */
  readonly strings: readonly string[]
  readonly block?: readonly Call[]
  readonly src: Source
  readonly at: number
}

export interface Jenkinsfile {
  readonly src: Source
  readonly calls: readonly Call[]
  readonly problems: readonly Problem[]
}

const DEPTH_MAX = 60
const CALLS_MAX = 20_000

/** Never throws. */
export function readGroovy(src: Source): Jenkinsfile {
  const reader = new Reader(src)
  const calls = reader.calls(0)
  return { src, calls, problems: reader.problems }
}

class Reader {
  readonly problems: Problem[] = []
  private readonly src: Source
  private readonly text: string
  private at = 0
  private count = 0

  constructor(src: Source) {
    this.src = src
    this.text = src.text
  }

  private fail(says: string, at: number): void {
    if (this.problems.length === 0) this.problems.push({ says, ...this.src.lines.placeOf(at) })
    this.at = this.text.length
  }

  calls(depth: number): Call[] {
    const calls: Call[] = []
    const opened = this.at
    while (this.at < this.text.length) {
      const call = this.call(depth)
      if (call) calls.push(call)
      if (this.text[this.at] === '}') {
        this.at++
        if (depth === 0) continue
        return calls
      }
    }
    if (depth > 0) this.fail('A { is never closed.', opened - 1)
    return calls
  }

  /** One statement: words up to a newline, semicolon or closing brace outside parentheses, with a block when one follows. */
  private call(depth: number): Call | undefined {
    this.blank()
    const from = this.at
    let parens = 0
    let words = ''
    const strings: string[] = []
    let block: Call[] | undefined
    while (this.at < this.text.length) {
      const char = this.text[this.at]!
      if (char === '"' || char === "'") {
        const value = this.string(char)
        strings.push(value)
        words += JSON.stringify(value).slice(0, 2_000)
      } else if (char === '/' && (this.text[this.at + 1] === '/' || this.text[this.at + 1] === '*')) this.comment()
      else if (char === '{') {
        if (++this.count > CALLS_MAX || depth > DEPTH_MAX) {
          this.fail('The file is nested too deep or too long to read.', this.at)
          break
        }
        this.at++
        const inner = this.calls(depth + 1)
        block = [...(block ?? []), ...inner]
        if (parens === 0 && !this.continues()) break
      } else if (char === '}') {
        // A closure inside parentheses that we did not see open: the file is unbalanced; let the parent close.
        break
      } else if ((char === '\n' || char === ';') && parens === 0) {
        if (char === '\n' && /[,+&|?:=(]\s*$/.test(words.slice(-8))) {
          words += ' '
          this.at++
          continue
        }
        break
      } else {
        if (char === '(' || char === '[') parens++
        else if (char === ')' || char === ']') parens = Math.max(0, parens - 1)
        words += char
        this.at++
      }
    }
    if (this.text[this.at] === '\n' || this.text[this.at] === ';') this.at++
    const match = /^\s*(?:(?:def|final|return)\s+)?(@?[\w.]*)/.exec(words)
    const name = match?.[1] ?? ''
    if (!words.trim() && !block) return undefined
    if (++this.count > CALLS_MAX) this.fail('The file has too many statements to read.', from)
    const args = words.slice(match?.[0].length ?? 0).trim()
    return { name, args, strings, ...(block ? { block } : {}), src: this.src, at: Math.min(from, this.text.length) }
  }

  /** After a block, `else {`, `catch (…) {` and `finally {` still belong to the same statement. */
  private continues(): boolean {
    return /^\s*(?:else|catch|finally|while)\b/.test(this.text.slice(this.at, this.at + 40))
  }

  private blank(): void {
    for (;;) {
      const char = this.text[this.at]
      if (char === ' ' || char === '\t' || char === '\n' || char === '\r' || char === ';') this.at++
      else if (char === '#' && this.at === 0) this.comment()
      else if (char === '/' && (this.text[this.at + 1] === '/' || this.text[this.at + 1] === '*')) this.comment()
      else return
    }
  }

  private comment(): void {
    const block = this.text[this.at + 1] === '*'
    const end = this.text.indexOf(block ? '*/' : '\n', this.at + 2)
    this.at = end < 0 ? this.text.length : end + (block ? 2 : 0)
  }

  private string(quote: string): string {
    const from = this.at
    const triple = this.text.startsWith(quote.repeat(3), from)
    const close = triple ? quote.repeat(3) : quote
    let at = from + close.length
    while (at < this.text.length && !this.text.startsWith(close, at)) {
      if (!triple && this.text[at] === '\n') break
      at += this.text[at] === '\\' ? 2 : 1
    }
    if (at >= this.text.length) {
      this.fail('The string is never closed.', from)
      return ''
    }
    this.at = at + (this.text.startsWith(close, at) ? close.length : 0)
    return this.text.slice(from + close.length, at)
  }
}

/** Every call in and below these, parents first. */
export function* callsWithin(calls: readonly Call[] | undefined): Generator<Call> {
  for (const call of calls ?? []) {
    yield call
    yield* callsWithin(call.block)
  }
}
