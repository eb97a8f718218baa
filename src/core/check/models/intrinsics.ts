/** CloudFormation's intrinsic functions, as far as parameters, mappings and conditions of the tree decide them. */
import { fields, items, type Node, type ScalarNode, text } from '../formats/node.ts'

export interface TemplateScope {
  readonly parameters: ReadonlyMap<string, Node>
  readonly mappings: Node | undefined
  readonly conditions: ReadonlyMap<string, Node>
  /** Values from a parameter file for production, a parent stack or samconfig; they decide, where defaults only suggest. */
  readonly given: ReadonlyMap<string, Node>
  /** True when several parameter files fit and none is for production: defaults decide nothing then. */
  readonly undecided: boolean
}

const DEPTH_MAX = 20

/** The value of a node, `Fn::If` and the rest followed; a node that nothing decides becomes opaque. Never throws. */
export function resolveIntrinsic(node: Node, scope: TemplateScope, depth = 0): Node {
  const call = intrinsicOf(node)
  if (!call || depth > DEPTH_MAX) return node
  const value = decided(call, node, scope, depth)
  if (value) return value
  return {
    kind: 'opaque',
    call: call.name,
    arg: call.arg,
    text: `${call.name} ${text(call.arg) ?? ''}`.trim(),
    src: node.src,
    at: node.at,
  }
}

function intrinsicOf(node: Node): { name: string; arg: Node } | undefined {
  if (node.kind === 'opaque') return node.arg ? { name: node.call, arg: node.arg } : undefined
  if (node.kind !== 'map' || node.entries.size !== 1) return undefined
  const [name, entry] = [...node.entries][0]!
  return name === 'Ref' || name === 'Condition' || name.startsWith('Fn::') ? { name, arg: entry.value } : undefined
}

function decided(call: { name: string; arg: Node }, node: Node, scope: TemplateScope, depth: number): Node | undefined {
  const inner = (part: Node | undefined) => part && resolveIntrinsic(part, scope, depth + 1)
  const args = items(call.arg)
  switch (call.name) {
    case 'Ref':
      return referred(text(call.arg) ?? '', node, scope)
    case 'Fn::If': {
      const holds = conditionHolds(text(args[0]) ?? '', scope, depth + 1)
      const chosen = holds && inner(args[holds.value ? 1 : 2])
      return chosen && holds.soft ? { ...chosen, soft: true } : chosen
    }
    case 'Fn::FindInMap': {
      let here: Node | undefined = scope.mappings
      let soft = false
      for (const arg of args.slice(0, 3)) {
        const key = inner(arg)
        soft ||= key?.soft === true
        const name = text(key)
        here = name !== undefined && here?.kind === 'map' ? here.entries.get(name)?.value : undefined
      }
      return here && soft ? { ...here, soft: true } : here
    }
    case 'Fn::Select': {
      const index = Number(text(inner(args[0])))
      const list = inner(args[1])
      return list?.kind === 'list' ? inner(list.items[index]) : undefined
    }
    case 'Fn::Join': {
      const list = inner(args[1])
      const parts = (list?.kind === 'list' ? list.items : []).map((part) => inner(part))
      const glue = text(args[0])
      if (glue === undefined || parts.length === 0 || parts.some((part) => part?.kind !== 'scalar')) return undefined
      return joined(parts as ScalarNode[], glue, node)
    }
    case 'Fn::Sub':
      return substituted(call.arg, node, scope, depth)
    default:
      return undefined
  }
}

function joined(parts: readonly ScalarNode[], glue: string, at: Node): Node {
  const value = parts.map((part) => part.text).join(glue)
  const soft = parts.some((part) => part.soft)
  return { kind: 'scalar', value, text: value, src: at.src, at: at.at, ...(soft ? { soft } : {}) }
}

function referred(name: string, at: Node, scope: TemplateScope): Node | undefined {
  if (name === 'AWS::NoValue') return { kind: 'scalar', value: null, text: '', src: at.src, at: at.at }
  const given = scope.given.get(name)
  if (given) return given
  const parameter = scope.parameters.get(name)
  const value = parameter?.kind === 'map' ? parameter.entries.get('Default')?.value : undefined
  return value?.kind === 'scalar' && !scope.undecided ? { ...value, soft: true } : undefined
}

function substituted(arg: Node, at: Node, scope: TemplateScope, depth: number): Node | undefined {
  const [first, own] = arg.kind === 'list' ? arg.items : [arg]
  const raw = text(first)
  if (raw === undefined) return undefined
  let soft = false
  let known = true
  const value = raw.replace(/\$\{(!?)([\w:.]{1,120})\}/g, (part, literal: string, name: string) => {
    if (literal) return `\${${name}}`
    const local = own?.kind === 'map' ? own.entries.get(name)?.value : undefined
    const found = local ? resolveIntrinsic(local, scope, depth + 1) : referred(name, at, scope)
    soft ||= found?.soft === true
    if (found?.kind !== 'scalar' || found.value === null) known = false
    return found?.kind === 'scalar' ? found.text : part
  })
  if (!known || value.length > 20_000) return undefined
  return { kind: 'scalar', value, text: value, src: at.src, at: at.at, ...(soft ? { soft } : {}) }
}

/** Whether a named condition holds; undefined when the files do not decide it. `soft` when a default decided. */
export function conditionHolds(
  name: string,
  scope: TemplateScope,
  depth = 0,
): { readonly value: boolean; readonly soft: boolean } | undefined {
  const node = scope.conditions.get(name)
  return node && depth < DEPTH_MAX ? holds(node, scope, depth + 1) : undefined
}

function holds(node: Node, scope: TemplateScope, depth: number): { value: boolean; soft: boolean } | undefined {
  if (depth > DEPTH_MAX) return undefined
  const call = intrinsicOf(node)
  if (!call) return undefined
  const args = items(call.arg)
  switch (call.name) {
    case 'Condition':
      return conditionHolds(text(call.arg) ?? '', scope, depth + 1)
    case 'Fn::Equals': {
      const [a, b] = args.map((arg) => resolveIntrinsic(arg, scope, depth + 1))
      if (a?.kind !== 'scalar' || b?.kind !== 'scalar') return undefined
      return { value: a.text === b.text, soft: a.soft === true || b.soft === true }
    }
    case 'Fn::Not': {
      const inner = args[0] && holds(args[0], scope, depth + 1)
      return inner && { value: !inner.value, soft: inner.soft }
    }
    case 'Fn::And':
    case 'Fn::Or': {
      const decisive = call.name === 'Fn::Or'
      const all = args.map((arg) => holds(arg, scope, depth + 1))
      const one =
        all.find((found) => found?.value === decisive && !found.soft) ?? all.find((found) => found?.value === decisive)
      if (one) return one
      return all.every((found) => found !== undefined) && all.length > 0
        ? { value: !decisive, soft: all.some((found) => found!.soft) }
        : undefined
    }
    default:
      return undefined
  }
}

/** Parameters, mappings and conditions of a template. */
export function scopeOf(root: Node, given: ReadonlyMap<string, Node>, undecided: boolean): TemplateScope {
  const part = (name: string) => (root.kind === 'map' ? root.entries.get(name)?.value : undefined)
  return {
    parameters: new Map(fields(part('Parameters'))),
    mappings: part('Mappings'),
    conditions: new Map(fields(part('Conditions'))),
    given,
    undecided,
  }
}
