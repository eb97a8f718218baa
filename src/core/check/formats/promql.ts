/** PromQL as a tree. The grammar of Prometheus 2 and 3 without native-histogram functions; what is not understood is an error value. */

export type Matching = { readonly on: boolean; readonly labels: readonly string[]; readonly group?: 'left' | 'right' }

export type Promql =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | {
      readonly kind: 'selector'
      readonly metric: string
      readonly matchers: readonly Matcher[]
      /** Seconds, for a range selector. */
      readonly range?: number
      readonly offset?: number
      /** Looked at one fixed moment (`@`), whatever the time of the query. */
      readonly fixed?: boolean
    }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Promql[] }
  | {
      readonly kind: 'aggregate'
      readonly op: string
      readonly by?: readonly string[]
      readonly without?: readonly string[]
      readonly param?: Promql
      readonly of: Promql
    }
  | {
      readonly kind: 'binary'
      readonly op: string
      readonly left: Promql
      readonly right: Promql
      readonly bool: boolean
      readonly matching?: Matching
    }
  | { readonly kind: 'negate'; readonly of: Promql }
  | {
      readonly kind: 'subquery'
      readonly of: Promql
      readonly range: number
      readonly step?: number
      readonly offset?: number
      readonly fixed?: boolean
    }

export interface Matcher {
  readonly label: string
  readonly op: '=' | '!=' | '=~' | '!~'
  readonly value: string
}

const LENGTH_MAX = 20_000
const DEPTH_MAX = 60

/** Parses an expression, or says why not. Never throws. Grafana's `$__rate_interval` and Sloth's `{{.window}}` count as 5 minutes. */
export function parsePromql(source: string): { readonly expr: Promql } | { readonly problem: string } {
  if (source.length > LENGTH_MAX) return { problem: 'The expression is longer than 20,000 characters.' }
  const text = source.replace(/\$__(?:rate_)?interval|\{\{\s*\.window\s*\}\}/g, '5m')
  try {
    const parser = new Parser(tokens(text))
    const expr = parser.expression(0, 0)
    parser.end()
    return { expr }
  } catch (thrown) {
    return { problem: thrown instanceof Unread ? thrown.message : 'The expression could not be read.' }
  }
}

class Unread extends Error {}

interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'duration' | 'mark'
  readonly text: string
}

const TOKEN =
  /\s+|#[^\n]*|(?<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)|(?<duration>(?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+)(?![\w.])|(?<number>0x[\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?<name>(?:[A-Za-z_]|:(?=[A-Za-z_]))[\w:]*)|(?<mark>=~|!~|!=|==|>=|<=|[-+*/%^(){}[\],=<>@:])/y

function tokens(text: string): readonly Token[] {
  const found: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (!match) throw new Unread(`"${text.slice(at, at + 20)}" is not PromQL.`)
    for (const kind of ['string', 'duration', 'number', 'name', 'mark'] as const) {
      const value = match.groups?.[kind]
      if (value !== undefined) found.push({ kind, text: value })
    }
  }
  return found
}

/** "1h30m" in seconds. */
export function durationSeconds(text: string): number {
  const units: Readonly<Record<string, number>> = {
    ms: 0.001,
    s: 1,
    m: 60,
    h: 3_600,
    d: 86_400,
    w: 604_800,
    y: 31_536_000,
  }
  let total = 0
  for (const match of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)) total += Number(match[1]) * units[match[2]!]!
  return total
}

const BINDING: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
}

const AGGREGATES = new Set([
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'quantile',
  'count_values',
])
const WITH_PARAM = new Set(['topk', 'bottomk', 'quantile', 'count_values'])

class Parser {
  private readonly list: readonly Token[]
  private at = 0
  constructor(list: readonly Token[]) {
    this.list = list
  }

  end(): undefined {
    const rest = this.list[this.at]
    if (rest) throw new Unread(`"${rest.text}" was not expected here.`)
  }

  private peek(): string | undefined {
    const token = this.list[this.at]
    return token && (token.kind === 'string' ? undefined : token.text)
  }

  private take(text: string): boolean {
    if (this.peek() !== text) return false
    this.at++
    return true
  }

  private need(text: string): undefined {
    if (!this.take(text))
      throw new Unread(`"${text}" was expected${this.peek() ? ` before "${this.peek()}"` : ' at the end'}.`)
  }

  expression(least: number, depth: number): Promql {
    if (depth > DEPTH_MAX) throw new Unread('The expression is nested too deep.')
    let left = this.unary(depth)
    for (;;) {
      const op = this.peek()?.toLowerCase()
      const strength = op === undefined ? undefined : BINDING[op]
      if (op === undefined || strength === undefined || strength < least) return left
      this.at++
      const bool = this.take('bool')
      const matching = this.matching()
      const right = this.expression(op === '^' ? strength : strength + 1, depth + 1)
      left = { kind: 'binary', op, left, right, bool, ...(matching ? { matching } : {}) }
    }
  }

  private matching(): Matching | undefined {
    const word = this.peek()
    if (word !== 'on' && word !== 'ignoring') return undefined
    this.at++
    const labels = this.labels()
    const group = this.peek()
    if (group !== 'group_left' && group !== 'group_right') return { on: word === 'on', labels }
    this.at++
    if (this.peek() === '(') this.labels()
    return { on: word === 'on', labels, group: group === 'group_left' ? 'left' : 'right' }
  }

  private labels(): readonly string[] {
    const labels: string[] = []
    this.need('(')
    while (!this.take(')')) {
      const name = this.list[this.at++]
      if (name?.kind !== 'name') throw new Unread('A label was expected.')
      labels.push(name.text)
      this.take(',')
    }
    return labels
  }

  private unary(depth: number): Promql {
    if (this.take('-')) {
      const of = this.expression(BINDING['^']!, depth + 1)
      return of.kind === 'number' ? { kind: 'number', value: -of.value } : { kind: 'negate', of }
    }
    if (this.take('+')) return this.unary(depth + 1)
    return this.suffixed(this.primary(depth))
  }

  private suffixed(start: Promql): Promql {
    let expr = start
    for (;;) {
      if (this.take('[')) {
        const range = this.duration()
        if (this.take(':')) {
          const step = this.peek() === ']' ? undefined : this.duration()
          this.need(']')
          expr = { kind: 'subquery', of: expr, range, ...(step === undefined ? {} : { step }) }
        } else {
          this.need(']')
          if (expr.kind !== 'selector') throw new Unread('A range needs a selector.')
          expr = { ...expr, range }
        }
      } else if (this.take('offset')) {
        const negative = this.take('-')
        const offset = this.duration() * (negative ? -1 : 1)
        if (expr.kind === 'selector' || expr.kind === 'subquery') expr = { ...expr, offset }
      } else if (this.take('@')) {
        this.at++
        if (this.take('(')) this.need(')')
        if (expr.kind === 'selector' || expr.kind === 'subquery') expr = { ...expr, fixed: true }
      } else return expr
    }
  }

  private duration(): number {
    const token = this.list[this.at++]
    if (token?.kind === 'duration') return durationSeconds(token.text)
    if (token?.kind === 'number') return Number(token.text)
    throw new Unread('A duration was expected.')
  }

  private primary(depth: number): Promql {
    const token = this.list[this.at++]
    if (!token) throw new Unread('The expression ends too early.')
    if (token.kind === 'number') return { kind: 'number', value: Number(token.text) }
    if (token.kind === 'string') return { kind: 'string', value: unquoted(token.text) }
    if (token.text === '(') {
      const inner = this.expression(0, depth + 1)
      this.need(')')
      return inner
    }
    if (token.text === '{') return { kind: 'selector', ...named(this.matchers()) }
    if (token.kind !== 'name') throw new Unread(`"${token.text}" was not expected here.`)
    if (/^(inf|nan)$/i.test(token.text))
      return { kind: 'number', value: token.text.toLowerCase() === 'inf' ? Number.POSITIVE_INFINITY : Number.NaN }
    if (AGGREGATES.has(token.text) && ['(', 'by', 'without'].includes(this.peek() ?? ''))
      return this.aggregate(token.text, depth)
    if (this.take('(')) return { kind: 'call', name: token.text, args: this.args(depth) }
    const matchers = this.take('{') ? this.matchers() : []
    return { kind: 'selector', metric: token.text, matchers }
  }

  private args(depth: number): readonly Promql[] {
    const args: Promql[] = []
    while (!this.take(')')) {
      args.push(this.expression(0, depth + 1))
      if (!this.take(',') && this.peek() !== ')') throw new Unread('A comma or ) was expected.')
    }
    return args
  }

  private aggregate(op: string, depth: number): Promql {
    let grouping = this.grouping()
    this.need('(')
    const args = this.args(depth)
    grouping = { ...grouping, ...this.grouping() }
    const of = args.at(-1)
    if (!of) throw new Unread(`${op} of nothing.`)
    return {
      kind: 'aggregate',
      op,
      of,
      ...(WITH_PARAM.has(op) && args.length > 1 ? { param: args[0]! } : {}),
      ...grouping,
    }
  }

  private grouping(): { by?: readonly string[]; without?: readonly string[] } {
    if (this.take('by')) return { by: this.labels() }
    if (this.take('without')) return { without: this.labels() }
    return {}
  }

  private matchers(): readonly Matcher[] {
    const matchers: Matcher[] = []
    while (!this.take('}')) {
      const label = this.list[this.at++]
      if (label?.kind === 'string') {
        matchers.push({ label: '__name__', op: '=', value: unquoted(label.text) })
      } else {
        const op = this.list[this.at++]?.text
        const value = this.list[this.at++]
        if (
          label?.kind !== 'name' ||
          value?.kind !== 'string' ||
          (op !== '=' && op !== '!=' && op !== '=~' && op !== '!~')
        )
          throw new Unread('A label matcher was expected.')
        matchers.push({ label: label.text, op, value: unquoted(value.text) })
      }
      this.take(',')
    }
    return matchers
  }
}

function named(matchers: readonly Matcher[]): { metric: string; matchers: readonly Matcher[] } {
  const name = matchers.find((matcher) => matcher.label === '__name__' && matcher.op === '=')
  return { metric: name?.value ?? '', matchers: matchers.filter((matcher) => matcher !== name) }
}

function unquoted(text: string): string {
  const inner = text.slice(1, -1)
  return text[0] === '`'
    ? inner
    : inner.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char === 't' ? '\t' : char))
}

/** Every expression in and below this one, parents first. */
export function* promqlWithin(expr: Promql): Generator<Promql> {
  yield expr
  if (expr.kind === 'call') for (const arg of expr.args) yield* promqlWithin(arg)
  else if (expr.kind === 'aggregate') {
    if (expr.param) yield* promqlWithin(expr.param)
    yield* promqlWithin(expr.of)
  } else if (expr.kind === 'binary') {
    yield* promqlWithin(expr.left)
    yield* promqlWithin(expr.right)
  } else if (expr.kind === 'negate' || expr.kind === 'subquery') yield* promqlWithin(expr.of)
}
