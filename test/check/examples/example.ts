/** Example files of a format, and what its reader makes of them: values and places, as lines that a person can check. */
import type { Format } from '../../../src/core/check/detect.ts'
import { type Node, type Spot, spotOf } from '../../../src/core/check/formats/node.ts'
import { field } from '../../../src/core/check/models/cloud.ts'
import type { World } from '../../../src/core/check/world.ts'

export interface FormatExample {
  readonly format: Format
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  read(world: World): readonly string[]
  readonly gives: readonly string[]
}

/** `stack.yaml:7:3`. */
export function place({ file, line, col }: Spot): string {
  return `${file}:${line}:${col}`
}

/** A node's text and place; "open" when its file does not decide it. */
export function shown(node: Node | undefined): string {
  if (!node) return 'absent'
  const words = node.kind === 'scalar' ? node.text : node.kind === 'opaque' ? 'open' : node.kind
  return `${words} at ${place(spotOf(node))}${node.soft ? ', by default' : ''}`
}

/** A field of the resource with this id. */
export function value(world: World, id: string, path: string): string {
  const resource = world.cloud.find((one) => one.id === id)
  return resource ? shown(field(resource, path)) : `there is no ${id}`
}
