/** A place in a file, counted from 1, as editors count. Columns count UTF-16 units, as JavaScript strings do. */
export interface Place {
  readonly line: number
  readonly col: number
}

/** Turns offsets into places. Built once for a file; each question is a binary search. */
export interface Lines {
  placeOf(offset: number): Place
  /** The offset at which a line starts; lines outside the file are clamped. */
  startOf(line: number): number
  readonly count: number
}

/** `linesOf('a\nb').placeOf(2)` is line 2, column 1. LF, CRLF and lone CR all end a line. */
export function linesOf(text: string): Lines {
  const starts = [0]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 10 || (code === 13 && text.charCodeAt(at + 1) !== 10)) starts.push(at + 1)
  }
  return {
    count: starts.length,
    startOf: (line) => starts[Math.min(Math.max(line, 1), starts.length) - 1]!,
    placeOf(offset) {
      let low = 0
      let high = starts.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if (starts[middle]! <= offset) low = middle
        else high = middle - 1
      }
      return { line: low + 1, col: Math.max(0, offset - starts[low]!) + 1 }
    },
  }
}
