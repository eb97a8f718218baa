/** JSON to nodes, with comments and trailing commas tolerated (task definitions and hooks in the wild have both). */
import { DEPTH_MAX, type Entry, NODES_MAX, type Node, type Problem, type Source } from './node.ts'

export interface JsonFile {
  readonly root?: Node
  readonly problems: readonly Problem[]
}

/** Never throws. The part before a syntax error is kept. */
export function readJson(src: Source): JsonFile {
  const reader = new Reader(src)
  const root = reader.root()
  return { ...(root ? { root } : {}), problems: reader.problems }
}

class Reader {
  readonly problems: Problem[] = []
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

  root(): Node | undefined {
    this.space()
    if (this.at >= this.text.length) return undefined
    const node = this.value(0)
    this.space()
    if (!this.stopped && this.at < this.text.length) this.fail('Something follows the end of the JSON value.')
    return node
  }

  private fail(says: string): void {
    if (!this.stopped) this.problems.push({ says, ...this.src.lines.placeOf(this.at) })
    this.stopped = true
    this.at = this.text.length
  }

  private space(): void {
    const { text } = this
    for (;;) {
      const code = text.charCodeAt(this.at)
      if (code === 32 || code === 10 || code === 13 || code === 9 || code === 0xfeff) this.at++
      else if (code === 47 && text[this.at + 1] === '/') {
        const end = text.indexOf('\n', this.at)
        this.at = end < 0 ? text.length : end
      } else if (code === 47 && text[this.at + 1] === '*') {
        const end = text.indexOf('*/', this.at + 2)
        this.at = end < 0 ? text.length : end + 2
      } else return
    }
  }

  private value(depth: number): Node {
    const { src, text } = this
    const at = this.at
    if (++this.count > NODES_MAX) this.fail(`The file holds more than ${NODES_MAX.toLocaleString('en-GB')} values.`)
    if (depth > DEPTH_MAX) this.fail(`The file is nested more than ${DEPTH_MAX} levels deep.`)
    const char = text[this.at]
    if (char === '{') return this.map(at, depth)
    if (char === '[') return this.list(at, depth)
    if (char === '"') {
      const value = this.string()
      return { kind: 'scalar', value, text: value, src, at }
    }
    const word = /^(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)/.exec(text.slice(at, at + 40))?.[0]
    if (word === undefined) {
      this.fail(at >= text.length ? 'The JSON ends too early.' : 'This is not JSON.')
      return { kind: 'scalar', value: null, text: '', src, at: Math.min(at, text.length) }
    }
    this.at += word.length
    const value = word === 'null' ? null : word === 'true' ? true : word === 'false' ? false : Number(word)
    return { kind: 'scalar', value, text: word, src, at }
  }

  private string(): string {
    const from = this.at
    let at = from + 1
    for (;;) {
      const char = this.text[at]
      if (char === undefined || char === '\n') {
        this.fail('The string is never closed.')
        return ''
      }
      if (char === '"') break
      at += char === '\\' ? 2 : 1
    }
    this.at = at + 1
    try {
      return JSON.parse(this.text.slice(from, at + 1)) as string
    } catch {
      return this.text.slice(from + 1, at)
    }
  }

  private map(at: number, depth: number): Node {
    const entries = new Map<string, Entry>()
    this.at++
    for (;;) {
      this.space()
      if (this.text[this.at] === '}') break
      if (this.text[this.at] !== '"') {
        this.fail('A name in quotes or } was expected here.')
        break
      }
      const keyAt = this.at
      const key = this.string()
      this.space()
      if (this.text[this.at] !== ':') {
        this.fail('A colon was expected here.')
        break
      }
      this.at++
      this.space()
      entries.set(key, { keyAt, value: this.value(depth + 1) })
      if (!this.comma('}')) break
    }
    if (!this.stopped) this.at++
    return { kind: 'map', entries, src: this.src, at }
  }

  private list(at: number, depth: number): Node {
    const items: Node[] = []
    this.at++
    for (;;) {
      this.space()
      if (this.text[this.at] === ']') break
      items.push(this.value(depth + 1))
      if (!this.comma(']')) break
    }
    if (!this.stopped) this.at++
    return { kind: 'list', items, src: this.src, at }
  }

  /** True when another member may follow; false at the closing bracket or after a failure. */
  private comma(close: string): boolean {
    this.space()
    if (this.text[this.at] === ',') {
      this.at++
      return true
    }
    if (!this.stopped && this.text[this.at] !== close) this.fail(`A comma or ${close} was expected here.`)
    return false
  }
}
