/** The functions of Go templates, sprig and Helm that give the same answer everywhere. All others make their template unrendered. */
import { createHash } from 'node:crypto'
import { readJson } from '../formats/json.ts'
import type { Node, Source } from '../formats/node.ts'
import { linesOf } from '../formats/position.ts'
import { readYaml } from '../formats/yaml.ts'
import {
  coalesced,
  type Here,
  indented,
  isNil,
  isTrue,
  listOf,
  mapOf,
  nodeOf,
  type Piece,
  piecesOf,
  plainOf,
  printed,
  scalarOf,
  sliced,
  type Text,
  textOf,
  trimmed,
  type Value,
  yamlPieces,
} from './helm-value.ts'

/** Rendering stops here: `says` names what we cannot do, for a cannot-tell. */
export class Unrendered extends Error {}

type Fn = (args: readonly Value[], here: Here) => Value

const LENGTH_MAX = 500_000

/** Calls a function by name; "must" variants are the plain ones. Throws Unrendered for one that is not known. */
export function callFunction(name: string, args: readonly Value[], here: Here): Value {
  const fn = FUNCTIONS.get(name) ?? (name.startsWith('must') ? FUNCTIONS.get(lowerFirst(name.slice(4))) : undefined)
  if (!fn) throw new Unrendered(`the function ${name}`)
  return fn(args, here)
}

export function isFunction(name: string): boolean {
  return FUNCTIONS.has(name) || (name.startsWith('must') && FUNCTIONS.has(lowerFirst(name.slice(4))))
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}

function need(args: readonly Value[], index: number): Value {
  const value = args[index]
  if (!value) throw new Unrendered('a function with too few arguments')
  return value
}

const str = (args: readonly Value[], index: number): string => printed(need(args, index))

function num(args: readonly Value[], index: number): number {
  const value = need(args, index)
  const read =
    value.kind === 'scalar' && typeof value.value === 'boolean' ? Number(value.value) : Number(printed(value) || 0)
  return Number.isFinite(read) ? read : 0
}

function list(args: readonly Value[], index: number): readonly Node[] {
  const value = need(args, index)
  if (value.kind === 'list') return value.items
  if (isNil(value)) return []
  throw new Unrendered('a list function on something else')
}

function entries(args: readonly Value[], index: number): readonly (readonly [string, Node])[] {
  const value = need(args, index)
  if (value.kind === 'map') return [...value.entries].map(([key, entry]) => [key, entry.value] as const)
  if (isNil(value)) return []
  throw new Unrendered('a map function on something else')
}

const words = (make: (...text: string[]) => string): Fn => {
  return (args, here) =>
    scalarOf(
      bounded(make(...args.map(printed))),
      args.at(-1) && 'src' in args.at(-1)! ? (args.at(-1) as Node) : here,
      softOf(args),
    )
}
const whole = (make: (...numbers: number[]) => number): Fn => {
  return (args, here) => {
    const value = make(...args.map((_, index) => Math.trunc(num(args, index))))
    return scalarOf(Number.isFinite(value) ? value : 0, placeOf(args, here), softOf(args))
  }
}
const real = (make: (...numbers: number[]) => number): Fn => {
  return (args, here) => {
    const value = make(...args.map((_, index) => num(args, index)))
    return scalarOf(Number.isFinite(value) ? value : 0, placeOf(args, here), softOf(args))
  }
}
const asks = (make: (args: readonly Value[]) => boolean): Fn => {
  return (args, here) => scalarOf(make(args), here, softOf(args))
}

function softOf(args: readonly Value[]): boolean {
  return args.some((arg) => (arg.kind === 'text' ? arg.pieces.some((piece) => piece.soft) : arg.soft === true))
}

/** The place of the last argument that has one of its own: in pipes, the value that is worked on. */
function placeOf(args: readonly Value[], here: Here): Here {
  const last = args.at(-1)
  return last && last.kind !== 'text' ? last : here
}

function bounded(text: string): string {
  if (text.length > LENGTH_MAX) throw new Unrendered('a text longer than 500,000 characters')
  return text
}

const PIECES_MAX = 20_000

function rich(pieces: readonly Piece[]): Text {
  let length = 0
  for (const piece of pieces) length += piece.text.length
  if (pieces.length > PIECES_MAX || length > LENGTH_MAX) throw new Unrendered('a text longer than 500,000 characters')
  return { kind: 'text', pieces }
}

function wrapped(value: Value, before: string, after: string): Value {
  const pieces = piecesOf(value)
  const first = pieces[0]
  if (!first) return value
  const edge = { src: first.src, at: first.at, exact: false, ...(first.soft ? { soft: true } : {}) }
  return rich([{ ...edge, text: before }, ...pieces, { ...edge, text: after }])
}

function same(a: Value, b: Value): boolean {
  if (a.kind === 'scalar' && b.kind === 'scalar' && typeof a.value === typeof b.value) return a.value === b.value
  return JSON.stringify(plainOf(a)) === JSON.stringify(plainOf(b))
}

function compared(args: readonly Value[]): number {
  const [a, b] = [need(args, 0), need(args, 1)]
  if (a.kind === 'scalar' && b.kind === 'scalar' && typeof a.value === 'number' && typeof b.value === 'number')
    return a.value - b.value
  const [x, y] = [printed(a), printed(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

function kindOf(value: Value): string {
  if (value.kind === 'text') return 'string'
  if (value.kind === 'map') return 'map'
  if (value.kind === 'list') return 'slice'
  if (value.kind === 'opaque' || value.value === null) return 'invalid'
  const type = typeof value.value
  return type === 'number'
    ? Number.isInteger(value.value)
      ? 'float64'
      : 'float64'
    : type === 'boolean'
      ? 'bool'
      : 'string'
}

/** Only patterns that cannot backtrack for long are run. */
function pattern(source: string): RegExp {
  if (source.length > 200 || /[*+}]\)?[*+{]|\([^)]*[*+|][^)]*\)[*+{]/.test(source))
    throw new Unrendered('a pattern of that kind')
  try {
    return new RegExp(
      source.replace(/\[\[:(?:alnum):\]\]/g, '[A-Za-z0-9]').replace(/\(\?i\)/, ''),
      source.includes('(?i)') ? 'i' : '',
    )
  } catch {
    throw new Unrendered('a pattern of that kind')
  }
}

function embedded(text: string, here: Here, json: boolean): Node {
  const src: Source = { file: here.src.file, text, lines: linesOf(text) }
  const root = json ? readJson(src).root : readYaml(src).documents[0]
  return root ? moved(root, here, 0) : mapOf([], here)
}

/** Values read from a text stand where the text was made. */
function moved(node: Node, here: Here, depth: number): Node {
  const base = { src: here.src, at: here.at }
  if (depth > 60) return { ...node, ...base }
  if (node.kind === 'map')
    return mapOf(
      [...node.entries].map(([key, { value }]) => [key, moved(value, here, depth + 1)] as const),
      here,
    )
  if (node.kind === 'list')
    return listOf(
      node.items.map((item) => moved(item, here, depth + 1)),
      here,
    )
  return { ...node, ...base }
}

function merged(args: readonly Value[], here: Here, overwrite: boolean): Value {
  const nodes = args.map((arg) => nodeOf(arg, here)).filter((node) => node.kind === 'map')
  const ordered = overwrite ? nodes : [...nodes].reverse()
  return ordered.reduce<Node>((base, over) => coalesced(base, over), mapOf([], here))
}

function formatted(args: readonly Value[], here: Here): Value {
  const form = str(args, 0)
  let next = 1
  let from = 0
  const out: Piece[] = []
  const own = (text: string): Piece => ({ text, src: here.src, at: here.at, exact: false })
  for (const verb of form.matchAll(/%(?:([-+0 #]*)(\d*)(?:\.(\d+))?)([vsdqtfgx%])/g)) {
    if (verb.index > from) out.push(own(form.slice(from, verb.index)))
    from = verb.index + verb[0].length
    if (verb[4] === '%') {
      out.push(own('%'))
      continue
    }
    const value = args[next++]
    if (!value) throw new Unrendered('a printf with too few arguments')
    if (verb[4] === 'v' || (verb[4] === 's' && !verb[2])) for (const piece of piecesOf(value)) out.push(piece)
    else {
      const raw = printed(value)
      const shown =
        verb[4] === 'q'
          ? JSON.stringify(raw)
          : verb[4] === 'f' || verb[4] === 'g'
            ? Number(raw).toFixed(verb[3] === undefined ? 6 : Math.min(20, Number(verb[3])))
            : verb[4] === 'x'
              ? Number(raw).toString(16)
              : raw
      const width = Math.min(200, Number(verb[2] || 0))
      out.push(
        own(verb[1]!.includes('-') ? shown.padEnd(width) : shown.padStart(width, verb[1]!.includes('0') ? '0' : ' ')),
      )
    }
  }
  if (from < form.length) out.push(own(form.slice(from)))
  return rich(out)
}

const semver = (text: string) =>
  /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?/
    .exec(text.trim())
    ?.slice(1)
    .map((part) => Number(part ?? 0))

/** Masterminds' constraints, without ranges by hyphen. Pre-releases count as their release, as charts expect with a trailing "-0". */
function satisfies(constraint: string, version: string): boolean {
  const have = semver(version)
  if (!have) throw new Unrendered(`the version ${version.slice(0, 40)}`)
  return constraint.split('||').some((any) =>
    (any.match(/(?:[<>=!~^]+\s*)?v?[\dxX*][\w.*+-]*/g) ?? []).every((part) => {
      const [, op = '', text = ''] = /^([<>=!~^]*)\s*(.*)$/.exec(part)!
      const want = semver(text.replace(/[xX*]/g, '0'))
      if (!want) throw new Unrendered(`the version range ${constraint.slice(0, 40)}`)
      const order = have[0]! - want[0]! || have[1]! - want[1]! || have[2]! - want[2]!
      if (op === '>=') return order >= 0
      if (op === '>') return order > 0
      if (op === '<=') return order <= 0
      if (op === '<') return order < 0
      if (op === '!=') return order !== 0
      if (op === '^') return order >= 0 && have[0] === want[0]
      if (op === '~') return order >= 0 && have[0] === want[0] && have[1] === want[1]
      return order === 0
    }),
  )
}

const constant: Readonly<Record<string, string>> = {
  // Dice and clocks: no rule of ours depends on the value, only on its being a string.
  randAlphaNum: 'random',
  randAlpha: 'random',
  randNumeric: '0',
  randAscii: 'random',
  uuidv4: '00000000-0000-4000-8000-000000000000',
}

const TABLE: Readonly<Record<string, Fn>> = {
  default: (args) => (args.length > 1 && isTrue(need(args, 1)) ? need(args, 1) : need(args, 0)),
  coalesce: (args, here) => args.find(isTrue) ?? scalarOf(null, here),
  ternary: (args) => (isTrue(need(args, 2)) ? need(args, 0) : need(args, 1)),
  required: (args) => {
    const value = need(args, 1)
    if (isNil(value) || (value.kind === 'scalar' && value.value === ''))
      throw new Unrendered(`a required value ("${str(args, 0).slice(0, 80)}")`)
    return value
  },
  fail: (args) => {
    throw new Unrendered(`a chart that refuses these values ("${str(args, 0).slice(0, 80)}")`)
  },
  empty: asks((args) => !isTrue(need(args, 0))),
  not: asks((args) => !isTrue(need(args, 0))),
  and: (args) => args.find((arg) => !isTrue(arg)) ?? need(args, args.length - 1),
  or: (args) => args.find(isTrue) ?? need(args, args.length - 1),
  eq: asks((args) => args.slice(1).some((arg) => same(need(args, 0), arg))),
  ne: asks((args) => !same(need(args, 0), need(args, 1))),
  lt: asks((args) => compared(args) < 0),
  le: asks((args) => compared(args) <= 0),
  gt: asks((args) => compared(args) > 0),
  ge: asks((args) => compared(args) >= 0),
  quote: (args) => wrapped(scalarEscaped(need(args, 0)), '"', '"'),
  squote: (args) => wrapped(need(args, 0), "'", "'"),
  print: (args) => rich(args.flatMap(piecesOf)),
  println: (args, here) => rich([...args.flatMap(piecesOf), { text: '\n', src: here.src, at: here.at, exact: false }]),
  printf: formatted,
  cat: words((...parts) => parts.filter((part) => part !== '').join(' ')),
  toString: (args: readonly Value[]) => rich(piecesOf(need(args, 0))),
  toYaml: (args, here) => rich(yamlPieces(need(args, 0), here)),
  toJson: (args, here) => scalarOf(JSON.stringify(plainOf(need(args, 0))), placeOf(args, here), softOf(args)),
  fromYaml: (args, here) => embedded(str(args, 0), here, false),
  fromYamlArray: (args, here) => embedded(str(args, 0), here, false),
  fromJson: (args, here) => embedded(str(args, 0), here, true),
  fromJsonArray: (args, here) => embedded(str(args, 0), here, true),
  indent: (args) => rich(indented(piecesOf(need(args, 1)), num(args, 0), true)),
  nindent: (args, here) =>
    rich([
      { text: '\n', src: here.src, at: here.at, exact: false },
      ...indented(piecesOf(need(args, 1)), num(args, 0), true),
    ]),
  trim: (args) => rich(trimmed(piecesOf(need(args, 0)))),
  trimSuffix: (args) => {
    const pieces = piecesOf(need(args, 1))
    const text = textOf(pieces)
    const suffix = str(args, 0)
    return suffix !== '' && text.endsWith(suffix) ? rich(sliced(pieces, 0, text.length - suffix.length)) : need(args, 1)
  },
  trimPrefix: (args) => {
    const pieces = piecesOf(need(args, 1))
    const text = textOf(pieces)
    const prefix = str(args, 0)
    return prefix !== '' && text.startsWith(prefix) ? rich(sliced(pieces, prefix.length, text.length)) : need(args, 1)
  },
  trunc: (args) => {
    const pieces = piecesOf(need(args, 1))
    const size = num(args, 0)
    const length = textOf(pieces).length
    return rich(size < 0 ? sliced(pieces, Math.max(0, length + size), length) : sliced(pieces, 0, size))
  },
  substr: (args) => rich(sliced(piecesOf(need(args, 2)), num(args, 0), num(args, 1) < 0 ? LENGTH_MAX : num(args, 1))),
  trimAll: words((cut, text) => {
    let [from, to] = [0, text!.length]
    while (from < to && cut!.includes(text![from]!)) from++
    while (to > from && cut!.includes(text![to - 1]!)) to--
    return text!.slice(from, to)
  }),
  nospace: words((text) => text!.replace(/\s+/g, '')),
  lower: words((text) => text!.toLowerCase()),
  upper: words((text) => text!.toUpperCase()),
  title: words((text) => text!.replace(/(^|\s)\S/g, (match) => match.toUpperCase())),
  untitle: words((text) => text!.replace(/(^|\s)\S/g, (match) => match.toLowerCase())),
  kebabcase: words((text) =>
    text!
      .replace(/([a-z\d])([A-Z])/g, '$1-$2')
      .replace(/[\s_]+/g, '-')
      .toLowerCase(),
  ),
  snakecase: words((text) =>
    text!
      .replace(/([a-z\d])([A-Z])/g, '$1_$2')
      .replace(/[\s-]+/g, '_')
      .toLowerCase(),
  ),
  camelcase: words((text) => text!.replace(/(?:^|[-_\s]+)(\w)/g, (_, letter: string) => letter.toUpperCase())),
  replace: words((from, to, text) => (from ? text!.split(from).join(to) : text!)),
  repeat: words((count, text) => bounded(text!.repeat(Math.max(0, Math.min(Number(count), 10_000))))),
  contains: asks((args) => str(args, 1).includes(str(args, 0))),
  hasPrefix: asks((args) => str(args, 1).startsWith(str(args, 0))),
  hasSuffix: asks((args) => str(args, 1).endsWith(str(args, 0))),
  b64enc: words((text) => Buffer.from(text!).toString('base64')),
  b64dec: words((text) => Buffer.from(text!, 'base64').toString('utf8')),
  sha256sum: words((text) => createHash('sha256').update(text!).digest('hex')),
  sha1sum: words((text) => createHash('sha1').update(text!).digest('hex')),
  adler32sum: words((text) => String(text!.length)),
  regexMatch: asks((args) => pattern(str(args, 0)).test(str(args, 1).slice(0, 2_000))),
  regexReplaceAll: words((source, text, to) =>
    text!.slice(0, 20_000).replace(new RegExp(pattern(source!), 'g'), to!.replace(/\$\{(\d)\}/g, '$$$1')),
  ),
  regexReplaceAllLiteral: words((source, text, to) =>
    text!.slice(0, 20_000).replace(new RegExp(pattern(source!), 'g'), () => to!),
  ),
  regexFind: words((source, text) => pattern(source!).exec(text!.slice(0, 20_000))?.[0] ?? ''),
  split: (args, here) =>
    mapOf(
      str(args, 1)
        .split(str(args, 0))
        .slice(0, 5_000)
        .map((part, i) => [`_${i}`, scalarOf(part, here)] as const),
      here,
    ),
  splitList: (args, here) =>
    listOf(
      str(args, 1)
        .split(str(args, 0))
        .slice(0, 5_000)
        .map((part) => scalarOf(part, here)),
      here,
    ),
  join: (args, here) => scalarOf(list(args, 1).map(printed).join(str(args, 0)), placeOf(args, here), softOf(args)),
  toStrings: (args, here) =>
    listOf(
      list(args, 0).map((item) => scalarOf(printed(item), item)),
      here,
    ),
  int: whole((n) => n!),
  int64: whole((n) => n!),
  atoi: whole((n) => n!),
  float64: real((n) => n!),
  toDecimal: whole((n) => Number.parseInt(String(n), 8)),
  add: whole((...all) => all.reduce((a, b) => a + b, 0)),
  add1: whole((n) => n! + 1),
  addf: real((...all) => all.reduce((a, b) => a + b, 0)),
  sub: whole((a, b) => a! - b!),
  subf: real((a, b) => a! - b!),
  mul: whole((...all) => all.reduce((a, b) => a * b, 1)),
  mulf: real((...all) => all.reduce((a, b) => a * b, 1)),
  div: whole((a, b) => Math.trunc(a! / b!)),
  divf: real((a, b) => a! / b!),
  mod: whole((a, b) => a! % b!),
  max: whole((...all) => Math.max(...all)),
  min: whole((...all) => Math.min(...all)),
  floor: real((n) => Math.floor(n!)),
  ceil: real((n) => Math.ceil(n!)),
  round: real((n, places) => Number(n!.toFixed(Math.max(0, Math.min(10, places ?? 0))))),
  len: (args, here) => {
    const value = need(args, 0)
    const size =
      value.kind === 'list' ? value.items.length : value.kind === 'map' ? value.entries.size : printed(value).length
    return scalarOf(size, here)
  },
  list: (args, here) =>
    listOf(
      args.map((arg) => nodeOf(arg, here)),
      here,
    ),
  tuple: (args, here) =>
    listOf(
      args.map((arg) => nodeOf(arg, here)),
      here,
    ),
  until: (args, here) =>
    listOf(
      Array.from({ length: Math.max(0, Math.min(1_000, num(args, 0))) }, (_, i) => scalarOf(i, here)),
      here,
    ),
  untilStep: (args, here) => {
    const [from, to, step] = [num(args, 0), num(args, 1), num(args, 2)]
    const size = step === 0 ? 0 : Math.max(0, Math.min(1_000, Math.ceil((to - from) / step)))
    return listOf(
      Array.from({ length: size }, (_, i) => scalarOf(from + i * step, here)),
      here,
    )
  },
  first: (args, here) => list(args, 0)[0] ?? scalarOf(null, here),
  last: (args, here) => list(args, 0).at(-1) ?? scalarOf(null, here),
  rest: (args, here) => listOf(list(args, 0).slice(1), here),
  initial: (args, here) => listOf(list(args, 0).slice(0, -1), here),
  append: (args, here) => listOf([...list(args, 0), nodeOf(need(args, 1), here)], here),
  prepend: (args, here) => listOf([nodeOf(need(args, 1), here), ...list(args, 0)], here),
  concat: (args, here) =>
    listOf(
      args.flatMap((_, i) => list(args, i)),
      here,
    ),
  reverse: (args, here) => listOf([...list(args, 0)].reverse(), here),
  compact: (args, here) => listOf(list(args, 0).filter(isTrue), here),
  uniq: (args, here) =>
    listOf([...new Map(list(args, 0).map((item) => [JSON.stringify(plainOf(item)), item])).values()], here),
  sortAlpha: (args, here) =>
    listOf(
      [...list(args, 0)].sort((a, b) => (printed(a) < printed(b) ? -1 : 1)),
      here,
    ),
  has: asks((args) => list(args, 1).some((item) => same(item, need(args, 0)))),
  without: (args, here) =>
    listOf(
      list(args, 0).filter((item) => !args.slice(1).some((arg) => same(item, arg))),
      here,
    ),
  slice: (args, here) => {
    const value = need(args, 0)
    const to = args.length > 2 ? num(args, 2) : undefined
    if (value.kind === 'list') return listOf(value.items.slice(num(args, 1), to), here)
    return scalarOf(printed(value).slice(num(args, 1), to), here)
  },
  index: (args, here) =>
    args.slice(1).reduce<Value>(
      (of, key) => {
        if (of.kind === 'map') return of.entries.get(printed(key))?.value ?? scalarOf(null, here)
        if (of.kind === 'list') return of.items[Number(printed(key))] ?? unindexed()
        return isNil(of) ? of : unindexed()
      },
      need(args, 0),
    ),
  dict: (args, here) =>
    mapOf(
      Array.from(
        { length: Math.ceil(args.length / 2) },
        (_, i) => [str(args, i * 2), args[i * 2 + 1] ? nodeOf(args[i * 2 + 1]!, here) : scalarOf('', here)] as const,
      ),
      here,
    ),
  get: (args, here) => new Map(entries(args, 0)).get(str(args, 1)) ?? scalarOf('', here),
  hasKey: asks((args) => entries(args, 0).some(([key]) => key === str(args, 1))),
  keys: (args, here) =>
    listOf(
      args.flatMap((_, i) => entries(args, i).map(([key, value]) => scalarOf(key, value))),
      here,
    ),
  values: (args, here) =>
    listOf(
      entries(args, 0).map(([, value]) => value),
      here,
    ),
  pick: (args, here) =>
    mapOf(
      entries(args, 0).filter(([key]) => args.slice(1).some((arg) => printed(arg) === key)),
      here,
    ),
  omit: (args, here) =>
    mapOf(
      entries(args, 0).filter(([key]) => !args.slice(1).some((arg) => printed(arg) === key)),
      here,
    ),
  pluck: (args, here) =>
    listOf(
      args.slice(1).flatMap((_, i) => new Map(entries(args, i + 1)).get(str(args, 0)) ?? []),
      here,
    ),
  dig: (args, here) => {
    let of: Value = need(args, args.length - 1)
    for (const key of args.slice(0, -2))
      of = of.kind === 'map' ? (of.entries.get(printed(key))?.value ?? scalarOf(null, here)) : scalarOf(null, here)
    return isNil(of) ? need(args, args.length - 2) : of
  },
  merge: (args, here) => merged(args, here, false),
  mergeOverwrite: (args, here) => merged(args, here, true),
  deepCopy: (args) => need(args, 0),
  kindOf: (args, here) => scalarOf(kindOf(need(args, 0)), here),
  kindIs: asks((args) => str(args, 0) === kindOf(need(args, 1))),
  typeOf: (args, here) => scalarOf(typeName(need(args, 0)), here),
  typeIs: asks((args) => str(args, 0) === typeName(need(args, 1))),
  typeIsLike: asks((args) => str(args, 0).replace(/^\*/, '') === typeName(need(args, 1))),
  semverCompare: asks((args) => satisfies(str(args, 0), str(args, 1))),
  // Without a cluster, Helm's own lookup gives an empty map too ("helm template").
  lookup: (_, here) => mapOf([], here),
  htmlEscape: words((text) => text!.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)),
  urlquery: words((text) => encodeURIComponent(text!)),
}

function unindexed(): never {
  throw new Unrendered('an index outside its list')
}

function typeName(value: Value): string {
  const kind = kindOf(value)
  return kind === 'map' ? 'map[string]interface {}' : kind === 'slice' ? '[]interface {}' : kind
}

function scalarEscaped(value: Value): Value {
  const text = printed(value)
  if (!/["\\\n\t]/.test(text)) return value
  const first = piecesOf(value)[0]!
  return rich([{ ...first, text: JSON.stringify(text).slice(1, -1), exact: false }])
}

const FUNCTIONS: ReadonlyMap<string, Fn> = new Map([
  ...Object.entries(TABLE),
  ...Object.entries(constant).map(
    ([name, text]) => [name, (_: readonly Value[], here: Here) => scalarOf(text, here)] as const,
  ),
])
