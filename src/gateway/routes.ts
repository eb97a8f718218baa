/**
 * Finds the journey step that a request attempts. Routes are compiled into a tree of path segments, so a request costs as many
 * steps as its path has segments, however many routes there are. A literal segment wins over `:name`, which wins over `*`.
 */
import type { StepMatch } from '../ports/traffic.ts'

interface Node {
  readonly literal: Map<string, Node>
  named?: Node
  /** Steps whose route ends here, by method. */
  readonly here: Map<string, StepMatch>
  /** Steps whose route ends in `*` here, by method. */
  readonly rest: Map<string, StepMatch>
}

export interface Routes {
  /** The step, or undefined for a request that is no part of a journey. `path` may carry a query; it is not looked at. */
  match(method: string, path: string): StepMatch | undefined
  /** The step whose route this is, by whatever method: a form's empty page belongs to the step that sends it. */
  page(path: string): StepMatch | undefined
}

/** Longer paths are no journey step: nobody's route has so many segments, and the walk stays bounded. */
const SEGMENTS_MAX = 64

export function compileRoutes(steps: readonly StepMatch[]): Routes {
  const root = node()
  for (const step of steps) {
    const segments = segmentsOf(step.route)
    const open = segments.at(-1) === '*'
    let at = root
    for (const segment of open ? segments.slice(0, -1) : segments) at = childOf(at, segment)
    const ends = open ? at.rest : at.here
    // The first of two equal routes wins; the definition's checks report the second.
    if (!ends.has(step.method)) ends.set(step.method, step)
  }
  return {
    match(method, path) {
      const segments = segmentsOf(pathOf(path))
      return segments.length > SEGMENTS_MAX ? undefined : walk(root, segments, 0, (steps) => steps.get(method))
    },
    page(path) {
      const segments = segmentsOf(pathOf(path))
      return segments.length > SEGMENTS_MAX ? undefined : walk(root, segments, 0, firstOf)
    },
  }
}

/** The path of a request target, without query and fragment. */
export function pathOf(target: string): string {
  const end = target.search(/[?#]/)
  return end < 0 ? target : target.slice(0, end)
}

function node(): Node {
  return { literal: new Map(), here: new Map(), rest: new Map() }
}

function childOf(at: Node, segment: string): Node {
  if (segment.startsWith(':')) {
    at.named ??= node()
    return at.named
  }
  let child = at.literal.get(segment)
  if (!child) {
    child = node()
    at.literal.set(segment, child)
  }
  return child
}

// Each call goes one segment deeper along a branch that exists in the tree, so the walk visits no more nodes than routes have.
function walk(at: Node, segments: readonly string[], depth: number, pick: Pick): StepMatch | undefined {
  if (depth === segments.length) return pick(at.here) ?? pick(at.rest)
  const literal = at.literal.get(segments[depth]!)
  const found = literal && walk(literal, segments, depth + 1, pick)
  if (found) return found
  const named = at.named && walk(at.named, segments, depth + 1, pick)
  return named ?? pick(at.rest)
}

type Pick = (steps: ReadonlyMap<string, StepMatch>) => StepMatch | undefined

function firstOf(steps: ReadonlyMap<string, StepMatch>): StepMatch | undefined {
  for (const step of steps.values()) return step
  return undefined
}

/** `/a//b/` is ["a", "b"]: services treat these alike, and so does the count. Escapes are undone where they can be. */
function segmentsOf(path: string): string[] {
  const segments = path.split('/').filter((segment) => segment !== '')
  return path.includes('%') ? segments.map(decoded) : segments
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
