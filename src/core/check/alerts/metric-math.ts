/** CloudWatch's metric math over data points: arithmetic, comparisons, IF, FILL and the plain functions. All else is Unsupported. */
import type { Points } from './cloud-metrics.ts'
import { Unsupported } from './series.ts'

type Value = Points | number

const TOKEN = /\s+|(?<number>\d+(?:\.\d+)?)|(?<name>[A-Za-z_]\w*)|(?<mark>>=|<=|==|!=|&&|\|\||[-+*/^()[\],<>])/y
const DEPTH_MAX = 40

/** The points of an expression. `of` gives the points of another query by its id; `ids` are those of all metrics, for METRICS(). */
export function metricMath(source: string, ids: readonly string[], of: (id: string) => Points, n: number): Points {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  if (source.length > 2_048) throw new Unsupported('metric math of that length')
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(source)
    if (!match) throw new Unsupported(`the expression "${source.slice(at, at + 30)}"`)
    const text = match.groups?.number ?? match.groups?.name ?? match.groups?.mark
    if (text !== undefined) tokens.push(text)
  }
  const parser = new MathParser(tokens, ids, of, n)
  const value = parser.expression(0, 0)
  if (!parser.done) throw new Unsupported(`the expression "${source.slice(0, 60)}"`)
  if (Array.isArray(value)) return value as Points
  return new Array<number>(n).fill(value as number)
}

const POWER: Readonly<Record<string, number>> = {
  OR: 1,
  '||': 1,
  AND: 2,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 4,
  '>': 4,
  '<=': 4,
  '>=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '^': 7,
}

const APPLY: Readonly<Record<string, (a: number, b: number) => number | undefined>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  // A division by zero has no data point.
  '/': (a, b) => (b === 0 ? undefined : a / b),
  '^': (a, b) => a ** b,
  '<': (a, b) => Number(a < b),
  '>': (a, b) => Number(a > b),
  '<=': (a, b) => Number(a <= b),
  '>=': (a, b) => Number(a >= b),
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
  AND: (a, b) => Number(a !== 0 && b !== 0),
  '&&': (a, b) => Number(a !== 0 && b !== 0),
  OR: (a, b) => Number(a !== 0 || b !== 0),
  '||': (a, b) => Number(a !== 0 || b !== 0),
}

class MathParser {
  private readonly tokens: readonly string[]
  private readonly ids: readonly string[]
  private readonly of: (id: string) => Points
  private readonly n: number
  private i = 0

  constructor(tokens: readonly string[], ids: readonly string[], of: (id: string) => Points, n: number) {
    this.tokens = tokens
    this.ids = ids
    this.of = of
    this.n = n
  }

  get done(): boolean {
    return this.i >= this.tokens.length
  }

  private take(text: string): boolean {
    if (this.tokens[this.i] !== text) return false
    this.i++
    return true
  }

  private need(text: string): void {
    if (!this.take(text)) throw new Unsupported(`metric math without a ${text}`)
  }

  expression(least: number, depth: number): Value {
    if (depth > DEPTH_MAX) throw new Unsupported('metric math nested that deep')
    let left = this.primary(depth)
    for (;;) {
      const op = this.tokens[this.i]
      const power = op === undefined ? undefined : POWER[op]
      if (op === undefined || power === undefined || power <= least) return left
      this.i++
      const right = this.expression(power, depth + 1)
      left = this.both(left, right, APPLY[op]!)
    }
  }

  private both(a: Value, b: Value, apply: (a: number, b: number) => number | undefined): Value {
    if (typeof a === 'number' && typeof b === 'number') return apply(a, b) ?? 0
    return Array.from({ length: this.n }, (_, i) => {
      const x = typeof a === 'number' ? a : a[i]
      const y = typeof b === 'number' ? b : b[i]
      return x === undefined || y === undefined ? undefined : apply(x, y)
    })
  }

  private primary(depth: number): Value {
    const token = this.tokens[this.i++]
    if (token === undefined) throw new Unsupported('metric math that ends too early')
    if (token === '(') {
      const inner = this.expression(0, depth + 1)
      this.need(')')
      return inner
    }
    if (token === '-') return this.both(0, this.expression(6, depth + 1), APPLY['-']!)
    if (/^\d/.test(token)) return Number(token)
    if (!/^[A-Za-z_]/.test(token)) throw new Unsupported(`metric math with "${token}"`)
    if (!this.take('(')) return this.of(token)
    return this.call(token.toUpperCase(), this.args(depth))
  }

  /** Arguments; a list in square brackets counts as several. */
  private args(depth: number): readonly Value[] {
    const args: Value[] = []
    while (!this.take(')')) {
      if (this.take('[')) {
        while (!this.take(']')) {
          args.push(this.expression(0, depth + 1))
          if (!this.take(',') && this.tokens[this.i] !== ']') throw new Unsupported('metric math with a broken list')
        }
      } else if (
        this.tokens[this.i]?.toUpperCase() === 'METRICS' &&
        this.tokens[this.i + 1] === '(' &&
        this.tokens[this.i + 2] === ')'
      ) {
        this.i += 3
        args.push(...this.ids.map((id) => this.of(id)))
      } else if (/^(REPEAT|LINEAR)$/.test(this.tokens[this.i] ?? ''))
        throw new Unsupported(`FILL with ${this.tokens[this.i]}`)
      else args.push(this.expression(0, depth + 1))
      if (!this.take(',') && this.tokens[this.i] !== ')') throw new Unsupported('metric math with broken arguments')
    }
    return args
  }

  private call(name: string, args: readonly Value[]): Value {
    const at = (value: Value | undefined, i: number) => (typeof value === 'number' ? value : value?.[i])
    const each = (make: (i: number) => number | undefined): Points => Array.from({ length: this.n }, (_, i) => make(i))
    switch (name) {
      case 'FILL':
        return each((i) => at(args[0], i) ?? at(args[1], i))
      case 'IF':
        return each((i) => {
          const test = at(args[0], i)
          return test === undefined ? undefined : test !== 0 ? at(args[1], i) : at(args[2], i)
        })
      case 'SUM':
      case 'AVG':
      case 'MAX':
      case 'MIN':
        return each((i) => {
          const there = args.map((arg) => at(arg, i)).filter((value) => value !== undefined)
          if (there.length === 0) return undefined
          const sum = there.reduce((a, b) => a + b, 0)
          return name === 'SUM'
            ? sum
            : name === 'AVG'
              ? sum / there.length
              : name === 'MAX'
                ? Math.max(...there)
                : Math.min(...there)
        })
      case 'ABS':
      case 'CEIL':
      case 'FLOOR':
        return each((i) => {
          const value = at(args[0], i)
          const how = { ABS: Math.abs, CEIL: Math.ceil, FLOOR: Math.floor }[name]
          return value === undefined ? undefined : how(value)
        })
      default:
        throw new Unsupported(`the function ${name} of metric math`)
    }
  }
}
