/**
 * How two answers to the same request differ, after what may differ was left out. JSON is compared value by value, anything else as
 * text, line by line. Answers come from releases under trial: bounded in size, depth and number of differences, and never a throw.
 */
import { isWithin, type Part, textOfPlace } from './place.ts'

export interface Answered {
  readonly status: number
  /** Media type without parameters, lower case; '' when the answer has none. */
  readonly type: string
  /** Where the answer sends the citizen; '' when it does not. */
  readonly location: string
  /** Null: longer than what is kept, so it was not compared. */
  readonly body: string | null
}

/** Kinds of text that differ between two right answers: looked for anywhere, in text and in values. */
export type VolatileKind = 'uuid' | 'timestamp' | 'token'

/** What may differ between two right answers: one place, the value of one form field, or every text of a kind. */
export interface Ignored {
  readonly place?: readonly Part[]
  /** Name of an input or meta element in a page. */
  readonly field?: string
  readonly kind?: VolatileKind
}

// Patterns are ours, not the manifest's: one that backtracks would let a page stop the comparison.
const VOLATILE: Readonly<Record<VolatileKind, RegExp>> = {
  uuid: /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi,
  timestamp: /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?/g,
  token: /[A-Za-z0-9_-]{32,512}/g,
}

export interface Normal {
  readonly ignored: readonly Ignored[]
  /** Numbers that are no further apart are the same, e.g. 0.005 where one side rounds. */
  readonly tolerance: number
}

export interface Difference {
  /** `$.award`, `status`, `location`, or `line 12`. */
  readonly at: string
  readonly place: readonly (string | number)[] | null
  readonly before: unknown
  readonly after: unknown
}

export type Compared =
  | { readonly kind: 'same' }
  | { readonly kind: 'different'; readonly differences: readonly Difference[]; readonly more: boolean }
  | { readonly kind: 'cannot-tell'; readonly why: string }

const DIFFERENCES_MAX = 50
const DEPTH_MAX = 40
const LINES_MAX = 5_000

export function compareAnswers(before: Answered, after: Answered, normal: Normal): Compared {
  const found = new Found()
  if (before.status !== after.status) found.add('status', null, before.status, after.status)
  const [from, to] = [cleaned(before.location, normal), cleaned(after.location, normal)]
  if (from !== to) found.add('location', null, from, to)
  if (before.body === null || after.body === null) {
    if (before.body !== after.body) return { kind: 'cannot-tell', why: 'one answer is too long to keep' }
    return found.size > 0 ? found.result() : { kind: 'cannot-tell', why: 'both answers are too long to keep' }
  }
  const [left, right] = [jsonOf(before), jsonOf(after)]
  if (left && right) values(left.value, right.value, [], normal, found)
  else texts(cleaned(before.body, normal), cleaned(after.body, normal), found)
  return found.result()
}

class Found {
  readonly #list: Difference[] = []
  #more = false

  get size(): number {
    return this.#list.length
  }

  add(at: string, place: Difference['place'], before: unknown, after: unknown): void {
    if (this.#list.length >= DIFFERENCES_MAX) this.#more = true
    else this.#list.push({ at, place, before, after })
  }

  result(): Compared {
    if (this.#list.length === 0) return { kind: 'same' }
    return { kind: 'different', differences: this.#list, more: this.#more }
  }
}

function jsonOf({ type, body }: Answered): { value: unknown } | undefined {
  if (type !== 'application/json' && !type.endsWith('+json')) return undefined
  try {
    return { value: JSON.parse(body ?? '') }
  } catch {
    return undefined
  }
}

function values(before: unknown, after: unknown, place: (string | number)[], normal: Normal, found: Found): void {
  if (normal.ignored.some((one) => one.place && isWithin(one.place, place))) return
  if (isSame(before, after, normal)) return
  if (place.length >= DEPTH_MAX)
    return found.add(textOfPlace(place), place, 'deeper than compared', 'deeper than compared')
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let i = 0; i < Math.max(before.length, after.length); i++)
      values(before[i], after[i], [...place, i], normal, found)
    return
  }
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      values(before[key], after[key], [...place, key], normal, found)
    return
  }
  found.add(textOfPlace(place), place, before, after)
}

function isSame(before: unknown, after: unknown, normal: Normal): boolean {
  if (Object.is(before, after)) return true
  if (typeof before === 'string' && typeof after === 'string') return cleaned(before, normal) === cleaned(after, normal)
  return typeof before === 'number' && typeof after === 'number' && Math.abs(before - after) <= normal.tolerance
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/**
 * Line by line. A line that came or went makes no difference of those below it: what both begin and end with is left out, and where
 * the rest is short enough, so is the longest row of lines that both have.
 */
function texts(before: string, after: string, found: Found): void {
  if (before === after) return
  const [left, right] = [linesOf(before), linesOf(after)]
  let head = 0
  while (head < left.length && head < right.length && left[head] === right[head]) head++
  let tail = 0
  const most = Math.min(left.length, right.length) - head
  while (tail < most && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail++
  const [from, to] = [left.slice(head, left.length - tail), right.slice(head, right.length - tail)]
  for (const [start, gone, come] of hunksOf(from, to)) {
    for (let i = 0; i < Math.max(gone.length, come.length); i++)
      found.add(`line ${head + start + i + 1}`, null, gone[i], come[i])
  }
  if (found.size === 0) found.add(`below line ${LINES_MAX}`, null, 'longer than compared', 'longer than compared')
}

/** Of both middles: a hundred lines each cost 10,000 steps, well under a millisecond. */
const STEPS_MAX = 40_000

type Hunk = readonly [start: number, gone: readonly string[], come: readonly string[]]

/** Runs of lines that differ, with the line of `from` at which each begins. */
function hunksOf(from: readonly string[], to: readonly string[]): Hunk[] {
  if (from.length * to.length > STEPS_MAX) return [[0, from, to]]
  const common = commonRows(from, to)
  const hunks: Hunk[] = []
  let [i, j] = [0, 0]
  while (i < from.length || j < to.length) {
    const [start, startTo] = [i, j]
    while (i < from.length || j < to.length) {
      if (i < from.length && j < to.length && from[i] === to[j]) break
      if (j >= to.length || (i < from.length && common[i + 1]![j]! >= common[i]![j + 1]!)) i++
      else j++
    }
    if (i > start || j > startTo) hunks.push([start, from.slice(start, i), to.slice(startTo, j)])
    while (i < from.length && j < to.length && from[i] === to[j]) [i, j] = [i + 1, j + 1]
  }
  return hunks
}

/** `[i][j]`: how many lines the rests from there on have in common, in order. */
function commonRows(from: readonly string[], to: readonly string[]): Uint16Array[] {
  const rows = Array.from({ length: from.length + 1 }, () => new Uint16Array(to.length + 1))
  for (let i = from.length - 1; i >= 0; i--) {
    for (let j = to.length - 1; j >= 0; j--)
      rows[i]![j] = from[i] === to[j] ? rows[i + 1]![j + 1]! + 1 : Math.max(rows[i + 1]![j]!, rows[i]![j + 1]!)
  }
  return rows
}

function linesOf(text: string): string[] {
  return text
    .split('\n', LINES_MAX)
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** Text without what may differ. */
function cleaned(text: string, { ignored }: Normal): string {
  return ignored.reduce((rest, { field, kind }) => {
    const plain = kind ? rest.replaceAll(VOLATILE[kind], kind) : rest
    return field === undefined ? plain : withoutField(plain, field)
  }, text)
}

const TAG = /<(?:input|meta)\b[^<>]{0,2000}>/gi

function withoutField(html: string, field: string): string {
  const named = new RegExp(`\\bname\\s{0,5}=\\s{0,5}["']?${escaped(field)}["'\\s/>]`)
  return html.replaceAll(TAG, (tag) => (named.test(tag) ? `<${field}>` : tag))
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
