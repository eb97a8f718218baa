/** HAProxy configuration: sections with their lines. */
import type { Source, Spot } from './node.ts'

export interface HaproxyLine {
  /** The first word: `timeout`, `server`, `option`. */
  readonly name: string
  readonly args: readonly string[]
  readonly at: Spot
}

export interface HaproxySection {
  readonly kind: string
  readonly name: string
  readonly at: Spot
  readonly lines: readonly HaproxyLine[]
}

const SECTION =
  /^(global|defaults|frontend|backend|listen|peers|resolvers|userlist|mailers|program|ring|cache|http-errors)\b/

/** Never throws: what stands before the first section is left out, as HAProxy itself would refuse it. */
export function readHaproxy(src: Source): readonly HaproxySection[] {
  const sections: { kind: string; name: string; at: Spot; lines: HaproxyLine[] }[] = []
  for (const [index, raw] of src.text.split('\n', 50_000).entries()) {
    const line = raw.replace(/(^|\s)#.*$/, '').trim()
    if (!line) continue
    const words = line.split(/\s+/)
    const at: Spot = { file: src.file, line: index + 1, col: raw.search(/\S/) + 1 }
    if (SECTION.test(line)) sections.push({ kind: words[0]!, name: words[1] ?? '', at, lines: [] })
    else sections.at(-1)?.lines.push({ name: words[0]!, args: words.slice(1), at })
  }
  return sections
}
