/** A line diff for people: what goes, what comes, and a little of what stays around it. */

const CELLS_MAX = 400_000
const AROUND = 2

/** Lines prefixed with "-", "+" or " ". Very long files are shown as all old, then all new. */
export function diffOf(before: string, after: string): readonly string[] {
  const a = linesOf(before)
  const b = linesOf(after)
  if (a.length * b.length > CELLS_MAX) return [...a.map((line) => `-${line}`), ...b.map((line) => `+${line}`)]
  const marked = walk(a, b, table(a, b))
  const near = marked.map((_, i) =>
    marked.slice(Math.max(0, i - AROUND), i + AROUND + 1).some((line) => line[0] !== ' '),
  )
  return marked.filter((_, i) => near[i])
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

/** Longest common runs: cell (i, j) counts the lines that a from i and b from j share. */
function table(a: readonly string[], b: readonly string[]): Uint32Array {
  const width = b.length + 1
  const cells = new Uint32Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      cells[i * width + j] =
        a[i] === b[j]
          ? cells[(i + 1) * width + j + 1]! + 1
          : Math.max(cells[(i + 1) * width + j]!, cells[i * width + j + 1]!)
  return cells
}

function walk(a: readonly string[], b: readonly string[], cells: Uint32Array): readonly string[] {
  const width = b.length + 1
  const out: string[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push(` ${a[i]}`)
      i++
      j++
    } else if (i < a.length && (j >= b.length || cells[(i + 1) * width + j]! >= cells[i * width + j + 1]!))
      out.push(`-${a[i++]}`)
    else out.push(`+${b[j++]}`)
  }
  return out
}
