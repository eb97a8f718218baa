/** A document inside another file's text: a patch in a block scalar, rules in a ConfigMap. Its places are those of the outer file. */
import type { ScalarNode, Source } from './node.ts'
import { type Lines, linesOf } from './position.ts'

/** The text of a scalar as a source of its own. Exact for block scalars; for quoted text each line is its outer line. */
export function embeddedSource(node: ScalarNode): Source {
  const { src } = node
  const head = src.lines.placeOf(node.at)
  const isBlock = src.text[node.at] === '|' || src.text[node.at] === '>'
  const first = isBlock ? head.line + 1 : head.line
  const indent = isBlock ? indentOf(src, first) : head.col - 1
  const inner = linesOf(node.text)
  const lines: Lines = {
    count: inner.count,
    startOf: (line) => inner.startOf(line),
    placeOf(offset) {
      const { line, col } = inner.placeOf(offset)
      return { line: Math.min(first + line - 1, src.lines.count), col: col + (isBlock || line === 1 ? indent : 0) }
    },
  }
  return { file: src.file, text: node.text, lines }
}

/** The indentation of the first line from this one that holds anything. */
function indentOf(src: Source, line: number): number {
  for (let here = line; here < line + 20 && here <= src.lines.count; here++) {
    const start = src.lines.startOf(here)
    const text = src.text.slice(start, start + 400)
    const spaces = /^ */.exec(text)![0].length
    if (text[spaces] !== '\n' && text[spaces] !== '\r' && text[spaces] !== undefined) return spaces
  }
  return 0
}
