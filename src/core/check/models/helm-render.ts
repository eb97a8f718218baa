/**
 * Renders a chart's templates to nodes: the subset of Go templates, sprig and Helm that gives the same answer everywhere. Nothing is
 * executed; steps, depth and size are bounded; what cannot be rendered is an answer that names its line.
 */
import { type GoTemplate, type Operand, type Pipe, parseGoTemplate, type TemplateNode } from '../formats/gotemplate.ts'
import { type Entry, type Node, type Problem, type Source, type Spot, spotOf } from '../formats/node.ts'
import { linesOf } from '../formats/position.ts'
import { readYaml } from '../formats/yaml.ts'
import { callFunction, isFunction, Unrendered } from './helm-functions.ts'
import {
  type Here,
  isNil,
  isTrue,
  listOf,
  nodeOf,
  type Piece,
  piecesOf,
  printed,
  scalarOf,
  type Text,
  textOf,
  type Value,
} from './helm-value.ts'

const STEPS_MAX = 400_000
const OUTPUT_MAX = 4_000_000
const DEPTH_MAX = 60

/** A named template, and the file that defines it. */
export interface Named {
  readonly nodes: readonly TemplateNode[]
  readonly src: Source
}

export type Rendering =
  | { readonly documents: readonly Node[]; readonly problems: readonly Problem[] }
  | { readonly at: Spot; readonly says: string }

/** Steps and bytes that all templates of a chart share, so that a hostile chart ends soon. */
export interface Budget {
  steps: number
  bytes: number
}

export function newBudget(): Budget {
  return { steps: STEPS_MAX, bytes: OUTPUT_MAX }
}

/** Renders one file. `root` is what `$` and `.` are at its start: Values, Release, Chart, Capabilities, Files, Template. */
export function renderTemplate(
  template: GoTemplate,
  src: Source,
  root: Node,
  named: ReadonlyMap<string, Named>,
  budget: Budget,
): Rendering {
  if (template.problem)
    return { at: { file: src.file, ...src.lines.placeOf(template.problem.at) }, says: template.problem.says }
  const machine = new Machine(named, budget, src)
  try {
    const out: Piece[] = []
    machine.run(template.body, { dot: root, vars: new Scope(undefined, '$', root), src, depth: 0 }, out)
    return parsedPieces(out, src)
  } catch (thrown) {
    if (!(thrown instanceof Unrendered)) throw thrown
    return { at: spotOf(machine.where), says: `We cannot render ${thrown.message}.` }
  }
}

class Scope {
  private readonly parent: Scope | undefined
  private readonly values = new Map<string, Value>()

  constructor(parent: Scope | undefined, name?: string, value?: Value) {
    this.parent = parent
    if (name !== undefined && value !== undefined) this.values.set(name, value)
  }

  get(name: string): Value | undefined {
    return this.values.get(name) ?? this.parent?.get(name)
  }

  declare(name: string, value: Value): void {
    this.values.set(name, value)
  }

  assign(name: string, value: Value): void {
    if (this.values.has(name) || !this.parent) this.values.set(name, value)
    else this.parent.assign(name, value)
  }
}

interface Frame {
  readonly dot: Value
  readonly vars: Scope
  readonly src: Source
  readonly depth: number
  /** Set for text made by tpl: everything in it stands where it was made. */
  readonly origin?: Here
}

type Signal = 'break' | 'continue' | undefined

class Machine {
  where: Here
  private readonly named: ReadonlyMap<string, Named>
  private readonly budget: Budget

  constructor(named: ReadonlyMap<string, Named>, budget: Budget, src: Source) {
    this.named = named
    this.budget = budget
    this.where = { src, at: 0 }
  }

  run(nodes: readonly TemplateNode[], frame: Frame, out: Piece[]): Signal {
    if (frame.depth > DEPTH_MAX) throw new Unrendered('templates that call each other without end')
    for (const node of nodes) {
      if (--this.budget.steps < 0) throw new Unrendered('a template of that many steps')
      const signal = this.step(node, frame, out)
      if (signal) return signal
    }
    return undefined
  }

  private step(node: TemplateNode, frame: Frame, out: Piece[]): Signal {
    if (node.kind === 'text') {
      this.put(out, { text: node.text, ...(frame.origin ?? { src: frame.src, at: node.at }), exact: !frame.origin })
      return undefined
    }
    this.where = frame.origin ?? { src: frame.src, at: node.at }
    switch (node.kind) {
      case 'action': {
        const value = this.pipe(node.pipe, frame)
        if (node.pipe.names.length === 0) for (const piece of piecesOf(value)) this.put(out, piece)
        return undefined
      }
      case 'if': {
        const inner = this.inner(frame)
        return this.run(isTrue(this.pipe(node.pipe, inner)) ? node.body : node.otherwise, inner, out)
      }
      case 'with': {
        const inner = this.inner(frame)
        const value = this.pipe(node.pipe, inner)
        return isTrue(value) ? this.run(node.body, { ...inner, dot: value }, out) : this.run(node.otherwise, inner, out)
      }
      case 'range':
        return this.range(node, frame, out)
      case 'template': {
        const dot = node.pipe ? this.pipe(node.pipe, frame) : scalarOf(null, this.where)
        for (const piece of this.include(node.name, dot, frame).pieces) this.put(out, piece)
        return undefined
      }
      case 'break':
      case 'continue':
        return node.kind
    }
  }

  private put(out: Piece[], piece: Piece): void {
    this.budget.bytes -= piece.text.length
    if (this.budget.bytes < 0) throw new Unrendered('more than 4 MB of output')
    if (piece.text !== '') out.push(piece)
  }

  private inner(frame: Frame): Frame {
    return { ...frame, vars: new Scope(frame.vars), depth: frame.depth + 1 }
  }

  private range(node: Extract<TemplateNode, { body: unknown }>, frame: Frame, out: Piece[]): Signal {
    const outer = this.inner(frame)
    const over = this.pipe({ ...node.pipe, names: [] }, outer)
    const pairs = this.pairs(over)
    if (pairs.length === 0) return this.run(node.otherwise, outer, out)
    const { names } = node.pipe
    for (const [key, value] of pairs) {
      const inner = this.inner(outer)
      if (names.length === 1) inner.vars.declare(names[0]!, value)
      if (names.length > 1) {
        inner.vars.declare(names[0]!, key)
        inner.vars.declare(names[1]!, value)
      }
      if (this.run(node.body, { ...inner, dot: value }, out) === 'break') break
    }
    return undefined
  }

  private pairs(over: Value): readonly (readonly [Value, Value])[] {
    if (over.kind === 'list') return over.items.map((item, i) => [scalarOf(i, this.where), item] as const)
    if (over.kind === 'map')
      return [...over.entries.keys()].sort().map((key) => {
        const { value } = over.entries.get(key)!
        return [scalarOf(key, value, value.soft), value] as const
      })
    if (over.kind === 'scalar' && typeof over.value === 'number')
      return Array.from({ length: Math.max(0, Math.min(1_000, over.value)) }, (_, i) => {
        const index = scalarOf(i, this.where)
        return [index, index] as const
      })
    if (over.kind === 'scalar' && !isTrue(over)) return []
    throw new Unrendered('a range over a single value')
  }

  private include(name: string, dot: Value, frame: Frame): Text {
    const found = this.named.get(name)
    if (!found) throw new Unrendered(`the template "${name.slice(0, 80)}", which is not in this tree`)
    const { where } = this
    const out: Piece[] = []
    this.run(found.nodes, { dot, vars: new Scope(undefined, '$', dot), src: found.src, depth: frame.depth + 1 }, out)
    this.where = where
    return { kind: 'text', pieces: out }
  }

  private pipe(pipe: Pipe, frame: Frame): Value {
    let value: Value | undefined
    for (const command of pipe.commands) value = this.command(command, frame, value)
    const result = value!
    for (const name of pipe.names.slice(-1)) {
      if (pipe.declares) frame.vars.declare(name, result)
      else frame.vars.assign(name, result)
    }
    return result
  }

  private command(command: readonly Operand[], frame: Frame, piped: Value | undefined): Value {
    if (--this.budget.steps < 0) throw new Unrendered('a template of that many steps')
    const [first, ...rest] = command
    if (first!.kind === 'function') return this.call(first!.name, rest, frame, piped)
    const args = () => [...rest.map((operand) => this.operand(operand, frame)), ...(piped ? [piped] : [])]
    const method = this.method(first!, args)
    if (method) return method
    if (rest.length > 0 || piped) throw new Unrendered('a call of something that is no function')
    return this.operand(first!, frame)
  }

  private call(name: string, rest: readonly Operand[], frame: Frame, piped: Value | undefined): Value {
    // `and` and `or` look at no more arguments than they must.
    if (name === 'and' || name === 'or') {
      let last: Value | undefined
      for (const operand of rest) {
        last = this.operand(operand, frame)
        if (isTrue(last) === (name === 'or')) return last
      }
      return piped ?? last ?? scalarOf(false, this.where)
    }
    const args = rest.map((operand) => this.operand(operand, frame))
    if (piped) args.push(piped)
    if (name === 'include')
      return this.include(printed(args[0] ?? scalarOf('', this.where)), args[1] ?? frame.dot, frame)
    if (name === 'tpl') return this.tpl(args, frame)
    if (name === 'set' || name === 'unset') return this.change(name, args)
    if (/^from(Yaml|Json)/.test(name) && args[0]?.kind === 'opaque') throw new Unrendered(`the file ${args[0].text}`)
    if (!isFunction(name)) throw new Unrendered(`the function ${name}`)
    return callFunction(name, args, this.where)
  }

  private tpl(args: readonly Value[], frame: Frame): Text {
    const text = printed(args[0] ?? scalarOf('', this.where))
    const dot = args[1] ?? frame.dot
    const [piece] = args[0] ? piecesOf(args[0]) : []
    const origin = piece ? { src: piece.src, at: piece.at } : this.where
    const template = parseGoTemplate(text)
    if (template.problem) throw new Unrendered(`a text that tpl is given (${template.problem.says.slice(0, 80)})`)
    const out: Piece[] = []
    this.run(
      template.body,
      { dot, vars: new Scope(undefined, '$', dot), src: frame.src, depth: frame.depth + 1, origin },
      out,
    )
    return { kind: 'text', pieces: out }
  }

  /** `set` and `unset` change the map they are given; values are copied before a chart is rendered. */
  private change(name: 'set' | 'unset', args: readonly Value[]): Value {
    const [map, key, value] = args
    if (map?.kind !== 'map' || !key) throw new Unrendered(`${name} on something that is no map`)
    const entries = map.entries as Map<string, Entry>
    if (name === 'unset') entries.delete(printed(key))
    else
      entries.set(printed(key), {
        keyAt: this.where.at,
        value: nodeOf(value ?? scalarOf(null, this.where), this.where),
      })
    return map
  }

  private operand(operand: Operand, frame: Frame): Value {
    switch (operand.kind) {
      case 'string':
      case 'number':
      case 'word':
        return scalarOf(operand.value, this.where)
      case 'field':
        return this.method(operand, () => []) ?? this.member(frame.dot, operand.path)
      case 'variable': {
        const value = frame.vars.get(operand.name)
        if (!value) throw new Unrendered(`the variable ${operand.name}`)
        return this.method(operand, () => []) ?? this.member(value, operand.path)
      }
      case 'group':
        return this.member(this.pipe(operand.pipe, { ...frame, vars: new Scope(frame.vars) }), operand.path)
      case 'function':
        return this.call(operand.name, [], frame, undefined)
    }
  }

  private member(of: Value, path: readonly string[]): Value {
    let here = of
    for (const [i, key] of path.entries()) {
      if (here.kind === 'map') here = here.entries.get(key)?.value ?? scalarOf(null, this.where)
      else if (isNil(here))
        throw new Unrendered(`.${path.slice(0, i + 1).join('.')}, because .${path.slice(0, i).join('.')} has no value`)
      else if (here.kind === 'opaque') return here
      else throw new Unrendered(`.${path.slice(0, i + 1).join('.')} of a single value`)
    }
    return here
  }

  /** What Helm's own objects can do: `.Capabilities.APIVersions.Has`, `.Files.Get` and its like. */
  private method(operand: Operand, args: () => readonly Value[]): Value | undefined {
    if (operand.kind !== 'field' && operand.kind !== 'variable') return undefined
    const { path } = operand
    const [owner, name] = path.slice(-2)
    if (owner === 'APIVersions' && name === 'Has')
      return scalarOf(BUILT_IN.test(printed(args()[0] ?? scalarOf('', this.where))), this.where)
    if (path.includes('Files') && /^(Get|GetBytes|Glob|Lines|AsConfig|AsSecrets)$/.test(name ?? '')) {
      const asked = args().map(printed).join(' ')
      if (name === 'Lines') return listOf([], this.where)
      return {
        kind: 'opaque',
        text: `.Files.${name} ${asked}`.slice(0, 120),
        call: 'Files',
        src: this.where.src,
        at: this.where.at,
      }
    }
    return undefined
  }
}

// What every cluster serves; "helm template" answers the same without one.
const BUILT_IN =
  /^(v1|(apps|batch|policy|autoscaling|networking\.k8s\.io|rbac\.authorization\.k8s\.io|storage\.k8s\.io|coordination\.k8s\.io|discovery\.k8s\.io|scheduling\.k8s\.io|admissionregistration\.k8s\.io|apiextensions\.k8s\.io)\/v1|autoscaling\/v2)(\/\w+)?$/

interface Home extends Here {
  readonly soft: boolean
  /** Of the piece of text that stands there. */
  readonly length: number
}

/** Reads the rendered text as YAML, and puts every node back to the place its text came from. */
function parsedPieces(pieces: readonly Piece[], src: Source): Rendering {
  const text = textOf(pieces)
  if (text.trim() === '') return { documents: [], problems: [] }
  const starts: number[] = []
  let total = 0
  for (const piece of pieces) {
    starts.push(total)
    total += piece.text.length
  }
  const home = (offset: number): Home => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    const piece = pieces[low]!
    return {
      src: piece.src,
      at: piece.exact ? piece.at + (offset - starts[low]!) : piece.at,
      soft: piece.soft === true,
      length: piece.text.length,
    }
  }
  const rendered: Source = { file: src.file, text, lines: linesOf(text) }
  const file = readYaml(rendered)
  const problems = file.problems.map(({ says, line, col }) => {
    const at = home(rendered.lines.startOf(line) + col - 1)
    return { says: `What this template renders is not YAML: ${says}`, ...at.src.lines.placeOf(at.at) }
  })
  return { documents: file.documents.map((node) => rehomed(node, text, home)), problems }
}

function rehomed(node: Node, text: string, home: (offset: number) => Home): Node {
  const first = home(node.at)
  // A quoted scalar begins with a quote of the template; its content says where it comes from.
  const quote = node.kind === 'scalar' && /["']/.test(text[node.at] ?? '')
  const inside = quote ? home(node.at + 1) : first
  const alone = node.kind === 'scalar' && inside.length === node.text.length
  const place = quote && alone && inside.src !== first.src ? inside : first
  const base = { src: place.src, at: place.at, ...(first.soft || inside.soft ? { soft: true } : {}) }
  if (node.kind === 'map') {
    const entries = new Map<string, Entry>()
    for (const [key, entry] of node.entries) {
      const value = rehomed(entry.value, text, home)
      const keyAt = home(entry.keyAt)
      entries.set(key, { keyAt: keyAt.src === value.src ? keyAt.at : value.at, value })
    }
    return { ...node, ...base, entries }
  }
  if (node.kind === 'list') return { ...node, ...base, items: node.items.map((item) => rehomed(item, text, home)) }
  return { ...node, ...base }
}
