/**
 * Reads YAML as data with the place of every key and value. The text may be hostile: size, depth and the number of values
 * (aliases unfolded) are bounded, and what two YAML readers would understand differently is reported.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'

export const YAML_BYTES_MAX = 1024 * 1024
export const YAML_DEPTH_MAX = 32
export const YAML_VALUES_MAX = 20_000

export interface Place {
  readonly line: number
  readonly col: number
}

export type Path = readonly (string | number)[]

/** What is wrong with the text itself. `rule` is a row of rules.ts. */
export interface YamlFault {
  readonly rule: 'yaml-syntax' | 'too-large' | 'duplicate-key' | 'yaml-trap'
  readonly place: Place
  readonly says: string
  readonly fix: string
}

export interface YamlRead {
  /** Undefined when the text could not be read at all. */
  readonly value: unknown
  readonly faults: readonly YamlFault[]
  /** Place of the value at this path, or of the nearest thing around it that exists. */
  placeOf(path: Path): Place
  /** Place of the key that leads to the value at this path. */
  keyPlaceOf(path: Path): Place
}

class TooMuch extends Error {}

/**
 * Never throws. `foreignTags`: a file of another tool may have tags of its own (`!Sub`); what they stand for is not known here
 * and reads as null. In a definition a tag is a fault.
 */
export function readYaml(text: string, { foreignTags = false }: { readonly foreignTags?: boolean } = {}): YamlRead {
  const start: Place = { line: 1, col: 1 }
  if (text.length > YAML_BYTES_MAX)
    return unreadable({
      rule: 'too-large',
      place: start,
      says: `The file is larger than ${YAML_BYTES_MAX / 1024} KiB.`,
      fix: 'A definition has a few hundred lines. Is this the right file?',
    })
  const lines = new LineCounter()
  try {
    return readDocument(text, lines, foreignTags)
  } catch (thrown) {
    // The parser recurses: text nested thousands of levels deep exhausts its stack.
    if (!(thrown instanceof RangeError || thrown instanceof TooMuch)) throw thrown
    return unreadable({
      rule: 'too-large',
      place: start,
      says: `The file nests deeper than ${YAML_DEPTH_MAX} levels or unfolds to more than ${countOf(YAML_VALUES_MAX)} values.`,
      fix: 'Write the values out, without aliases that contain aliases.',
    })
  }
}

function countOf(n: number): string {
  return n.toLocaleString('en-GB')
}

function unreadable(...faults: YamlFault[]): YamlRead {
  const start = { line: 1, col: 1 }
  return { value: undefined, faults, placeOf: () => start, keyPlaceOf: () => start }
}

function readDocument(text: string, lines: LineCounter, foreignTags: boolean): YamlRead {
  // The parser's own check of duplicate keys is quadratic; ours is below.
  const doc = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    prettyErrors: false,
    strict: true,
    version: '1.2',
    logLevel: 'silent',
  })
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.max(0, offset))
    return { line: Math.max(1, line), col: Math.max(1, col) }
  }
  const warnings = doc.warnings.filter(({ code }) => !(foreignTags && code === 'TAG_RESOLVE_FAILED'))
  const broken = [...doc.errors, ...warnings].slice(0, 20)
  if (broken.length > 0)
    return unreadable(
      ...broken.map(
        (fault): YamlFault => ({
          rule: 'yaml-syntax',
          place: at(fault.pos[0]),
          says: `This is not YAML that every reader understands alike: ${fault.message.split('\n')[0]}`,
          fix: 'Look at the indentation and quotes around here; text with ":", "#" or "," inside belongs in quotes.',
        }),
      ),
    )
  const walk = new Walk(text, at)
  const value = doc.contents === null ? null : walk.valueOf(doc.contents as Node, [], 0)
  const nearestOf = (places: ReadonlyMap<string, Place>, path: Path): Place => {
    for (let length = path.length; length >= 0; length--) {
      const found = places.get(keyOf(path.slice(0, length)))
      if (found) return found
    }
    return { line: 1, col: 1 }
  }
  return {
    value,
    faults: walk.faults,
    placeOf: (path) => nearestOf(walk.values, path),
    keyPlaceOf: (path) => walk.keys.get(keyOf(path)) ?? nearestOf(walk.values, path),
  }
}

function keyOf(path: Path): string {
  return JSON.stringify(path)
}

/** One walk over the tree: builds the value, remembers places, and notices traps. */
class Walk {
  readonly values = new Map<string, Place>()
  readonly keys = new Map<string, Place>()
  readonly faults: YamlFault[] = []
  private readonly anchors = new Map<string, Node>()
  private readonly text: string
  private readonly at: (offset: number) => Place
  private count = 0

  constructor(text: string, at: (offset: number) => Place) {
    this.text = text
    this.at = at
  }

  valueOf(node: Node, path: Path, depth: number): unknown {
    if (++this.count > YAML_VALUES_MAX || depth > YAML_DEPTH_MAX) throw new TooMuch()
    const place = this.at(node.range?.[0] ?? 0)
    if (!this.values.has(keyOf(path))) this.values.set(keyOf(path), place)
    if (isAlias(node)) return this.aliasOf(node.source, place, path, depth)
    let value: unknown
    if (node.tag?.startsWith('!')) value = null
    else if (isMap(node)) value = this.mapOf(node.items as Pair[], node.flow === true, path, depth)
    else if (isSeq(node)) value = node.items.map((item, i) => this.valueOf(item as Node, [...path, i], depth + 1))
    else if (isScalar(node)) value = this.scalarOf(node, place)
    const anchor = (node as { anchor?: string }).anchor
    // Known only once it is complete, so that an alias inside its own anchor is a fault and not a circle.
    if (anchor) this.anchors.set(anchor, node)
    return value
  }

  private aliasOf(name: string, place: Place, path: Path, depth: number): unknown {
    const target = this.anchors.get(name)
    if (target) return this.valueOf(target, path, depth)
    this.fault('yaml-syntax', place, `Nothing above is called &${name}.`, 'Write the value out.')
    return undefined
  }

  private mapOf(items: readonly Pair[], flow: boolean, path: Path, depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {}
    const seen = new Set<string>()
    for (const pair of items) {
      const key = isScalar(pair.key) ? pair.key : undefined
      const place = this.at((pair.key as Node | null)?.range?.[0] ?? 0)
      if (!key || key.value === null) {
        this.fault(
          'yaml-trap',
          place,
          'A key is empty or not a simple word.',
          'A comma inside text needs quotes around it.',
        )
        continue
      }
      const name = String(key.value)
      if (seen.has(name)) {
        this.fault('duplicate-key', place, `"${name}" stands here twice; the first is lost.`, 'Keep one of them.')
        continue
      }
      seen.add(name)
      if (flow && pair.value === null) {
        const fix = 'A comma inside text needs quotes around it.'
        this.fault('yaml-trap', place, `"${name}" is a key without a value.`, fix)
        continue
      }
      if (typeof key.value === 'string' && key.type === 'PLAIN' && /^(yes|no|on|off|y|n)$/i.test(name))
        this.fault(
          'yaml-trap',
          place,
          `Older YAML readers take the key ${name} for true or false.`,
          `Write "${name}" in quotes.`,
        )
      const inner = [...path, name]
      this.keys.set(keyOf(inner), place)
      const value = pair.value === null ? null : this.valueOf(pair.value as Node, inner, depth + 1)
      Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true })
    }
    return map
  }

  private scalarOf(node: { value: unknown; type?: unknown; range?: readonly number[] | null }, place: Place): unknown {
    if (node.type !== 'PLAIN') return node.value
    const source = this.text.slice(node.range?.[0] ?? 0, node.range?.[1] ?? 0)
    if (typeof node.value === 'string' && /^(yes|no|on|off|y|n)$/i.test(source))
      this.fault(
        'yaml-trap',
        place,
        `Older YAML readers take ${source} for true or false.`,
        `Write "${source}", or true or false.`,
      )
    else if (/^[-+]?\d{1,3}(:[0-5]?\d)+$/.test(source))
      this.fault('yaml-trap', place, `Older YAML readers take ${source} for a number.`, `Write "${source}" in quotes.`)
    else if (typeof node.value === 'number' && /^0\d/.test(source))
      this.fault(
        'yaml-trap',
        place,
        `${source} is read as the number ${node.value}: its leading 0 is lost.`,
        `Write "${source}" in quotes.`,
      )
    return node.value
  }

  private fault(rule: YamlFault['rule'], place: Place, says: string, fix: string): void {
    if (this.faults.length < 100) this.faults.push({ rule, place, says, fix })
  }
}
