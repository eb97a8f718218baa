/** HTML and XML as elements with their places. Tolerant: what is never closed ends with its parent; scripts and styles are text. */
import type { Problem, Source } from './node.ts'

export interface Attribute {
  readonly value: string
  readonly at: number
}

export interface Element {
  /** Lower case in HTML; as written, without its prefix, in XML. */
  readonly name: string
  readonly attributes: ReadonlyMap<string, Attribute>
  readonly children: readonly Element[]
  /** Its own text, children's left out. */
  readonly text: string
  readonly at: number
  /** Where its first text begins, or its own place. */
  readonly textAt: number
}

export interface Markup {
  readonly elements: readonly Element[]
  readonly comments: readonly { readonly text: string; readonly at: number }[]
  readonly problems: readonly Problem[]
}

const ELEMENTS_MAX = 100_000
const DEPTH_MAX = 200
const VOID = /^(area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)$/
const RAW = /^(script|style|textarea|title)$/

interface Building {
  name: string
  attributes: Map<string, Attribute>
  children: Building[]
  text: string
  at: number
  textAt: number
}

/** Never throws. Entities of text are left as written, except the five of XML. */
export function readMarkup(src: Source, language: 'html' | 'xml'): Markup {
  const { text } = src
  const problems: Problem[] = []
  const comments: { text: string; at: number }[] = []
  const root: Building = { name: '', attributes: new Map(), children: [], text: '', at: 0, textAt: 0 }
  const open: Building[] = [root]
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  let count = 0
  const add = (from: number, to: number) => {
    const top = open.at(-1)!
    if (to <= from) return
    const part = text.slice(from, to)
    if (top.text === '' && part.trim() !== '') top.textAt = from + (part.length - part.trimStart().length)
    if (top.text.length < 1_000_000) top.text += unescaped(part)
  }
  while (at < text.length) {
    const next = text.indexOf('<', at)
    if (next < 0) {
      add(at, text.length)
      break
    }
    add(at, next)
    if (text.startsWith('<!--', next)) {
      const end = text.indexOf('-->', next + 4)
      comments.push({ text: text.slice(next + 4, end < 0 ? text.length : end), at: next })
      at = end < 0 ? text.length : end + 3
    } else if (text.startsWith('<![CDATA[', next)) {
      const end = text.indexOf(']]>', next)
      const to = end < 0 ? text.length : end
      const top = open.at(-1)!
      if (top.text.trim() === '') top.textAt = next + 9
      top.text += text.slice(next + 9, to)
      at = end < 0 ? text.length : end + 3
    } else if (text[next + 1] === '!' || text[next + 1] === '?') {
      const end = text.indexOf('>', next)
      at = end < 0 ? text.length : end + 1
    } else if (text[next + 1] === '/') {
      const end = text.indexOf('>', next)
      const name = named(text.slice(next + 2, end < 0 ? text.length : Math.min(end, next + 120)).trim(), language)
      const index = open.findLastIndex((element) => element.name === name)
      if (index > 0) open.length = index
      at = end < 0 ? text.length : end + 1
    } else {
      const tag = startTag(text, next, language)
      if (!tag) {
        add(next, next + 1)
        at = next + 1
        continue
      }
      if (++count > ELEMENTS_MAX) {
        problems.push({
          says: 'The file has more than 100,000 elements; the rest was not read.',
          ...src.lines.placeOf(next),
        })
        break
      }
      const { element, end, closed } = tag
      open.at(-1)!.children.push(element)
      at = end
      if (closed || (language === 'html' && VOID.test(element.name))) continue
      if (language === 'html' && RAW.test(element.name)) {
        const close = indexOfClose(text, at, element.name)
        open.push(element)
        add(at, close)
        open.pop()
        at = close
      } else if (open.length < DEPTH_MAX) open.push(element)
    }
  }
  return { elements: root.children, comments: comments.slice(0, 1_000), problems }
}

function named(name: string, language: 'html' | 'xml'): string {
  return language === 'html' ? name.toLowerCase() : name.replace(/^.*:/, '')
}

function indexOfClose(text: string, from: number, name: string): number {
  let at = from
  for (;;) {
    const found = text.indexOf('</', at)
    if (found < 0) return text.length
    if (text.slice(found + 2, found + 2 + name.length).toLowerCase() === name) return found
    at = found + 2
  }
}

const ATTRIBUTE = /\s*([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/y

function startTag(
  text: string,
  from: number,
  language: 'html' | 'xml',
): { element: Building; end: number; closed: boolean } | undefined {
  const name = /^<([A-Za-z_][\w:.-]{0,80})/.exec(text.slice(from, from + 90))?.[1]
  if (!name) return undefined
  const attributes = new Map<string, Attribute>()
  let at = from + 1 + name.length
  for (;;) {
    while (text[at] === ' ' || text[at] === '\n' || text[at] === '\t' || text[at] === '\r') at++
    const char = text[at]
    if (char === undefined) return undefined
    if (char === '>') break
    if (char === '/') {
      at++
      continue
    }
    ATTRIBUTE.lastIndex = at
    const match = ATTRIBUTE.exec(text)
    if (!match || attributes.size > 200) {
      at++
      continue
    }
    const value = match[2] ?? match[3] ?? match[4] ?? ''
    attributes.set(language === 'html' ? match[1]!.toLowerCase() : match[1]!.replace(/^.*:/, ''), {
      value: unescaped(value),
      at: match.index + match[0].length - match[0].trimStart().length,
    })
    at = ATTRIBUTE.lastIndex
  }
  const element: Building = { name: named(name, language), attributes, children: [], text: '', at: from, textAt: from }
  return { element, end: at + 1, closed: text[at - 1] === '/' }
}

function unescaped(text: string): string {
  if (!text.includes('&')) return text
  const plain: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&', nbsp: ' ' }
  return text.replace(/&(lt|gt|quot|apos|amp|nbsp);/g, (_, name: string) => plain[name]!)
}

/** Every element in and below these, parents first. */
export function* elementsWithin(elements: readonly Element[]): Generator<Element> {
  for (const element of elements) {
    yield element
    yield* elementsWithin(element.children)
  }
}

/** The words that a reader sees: text of all elements but scripts and styles. */
export function visibleText(elements: readonly Element[]): string {
  const parts: string[] = []
  for (const element of elementsWithin(elements))
    if (!/^(script|style|template|noscript)$/.test(element.name) && element.text.trim()) parts.push(element.text.trim())
  return parts.join('\n')
}
