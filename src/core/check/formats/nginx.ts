/** nginx configuration as nested directives. Includes are not followed; templates with ${VARIABLES} read as text. */
import type { Problem, Source } from './node.ts'

export interface Directive {
  readonly name: string
  readonly args: readonly string[]
  readonly block?: readonly Directive[]
  readonly src: Source
  readonly at: number
}

export interface NginxFile {
  readonly src: Source
  readonly directives: readonly Directive[]
  readonly problems: readonly Problem[]
}

const DEPTH_MAX = 30
const DIRECTIVES_MAX = 20_000

/** Never throws. */
export function readNginx(src: Source): NginxFile {
  const { text } = src
  const problems: Problem[] = []
  let at = 0
  let count = 0
  const stop = (says: string, where: number) => {
    if (problems.length === 0) problems.push({ says, ...src.lines.placeOf(where) })
    at = text.length
  }
  const word = (): string => {
    const quote = text[at] === '"' || text[at] === "'" ? text[at]! : ''
    const from = at
    if (quote) {
      at++
      while (at < text.length && text[at] !== quote) at += text[at] === '\\' ? 2 : 1
      at++
      return text.slice(from + 1, at - 1)
    }
    while (at < text.length && !/[\s;]/.test(text[at]!)) {
      // Braces belong to a word only in variables and regular expressions: ${x}, {2}.
      if (text[at] === '{' && text[at - 1] !== '$' && !/\d/.test(text[at + 1] ?? '')) break
      if (text[at] === '}' && !text.slice(from, at).includes('{')) break
      at++
    }
    return text.slice(from, at)
  }
  const space = () => {
    for (;;) {
      if (/\s/.test(text[at] ?? '')) at++
      else if (text[at] === '#') {
        const feed = text.indexOf('\n', at)
        at = feed < 0 ? text.length : feed
      } else return
    }
  }
  const block = (depth: number): Directive[] => {
    const directives: Directive[] = []
    const opened = at
    for (;;) {
      space()
      if (at >= text.length) {
        if (depth > 0) stop('A { is never closed.', Math.max(0, opened - 1))
        return directives
      }
      if (text[at] === '}') {
        at++
        if (depth === 0) stop('This } closes nothing.', at - 1)
        return directives
      }
      if (++count > DIRECTIVES_MAX || depth > DEPTH_MAX) {
        stop('The file is nested too deep or too long to read.', at)
        return directives
      }
      const from = at
      const words: string[] = []
      for (;;) {
        space()
        const char = text[at]
        if (char === undefined || char === ';' || char === '{' || char === '}') break
        const before = at
        words.push(word())
        if (at === before) at++
      }
      const [name = '', ...args] = words
      if (text[at] === '{') {
        at++
        directives.push({ name, args, block: block(depth + 1), src, at: from })
      } else {
        if (text[at] === ';') at++
        else if (words.length > 0 && at >= text.length) stop('The last directive has no semicolon.', from)
        if (name) directives.push({ name, args, src, at: from })
      }
    }
  }
  return { src, directives: block(0), problems }
}

/** Every directive in and below these, parents first. */
export function* directivesWithin(directives: readonly Directive[] | undefined): Generator<Directive> {
  for (const directive of directives ?? []) {
    yield directive
    yield* directivesWithin(directive.block)
  }
}
