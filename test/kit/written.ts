/** Everything for AWS that the kit writes, over all examples, runtimes and tools: what the schemas of AWS are held against. */
import { parse } from 'yaml'
import { cloudwatchFiles } from '../../src/core/kit/cloudwatch.ts'
import { render } from '../../src/core/kit/file.ts'
import { cloudformationText } from '../../src/core/kit/infra/cloudformation.ts'
import { bare, isSpecial, type Stack, type Value } from '../../src/core/kit/infra/model.ts'
import { infrastructureOf } from '../../src/core/kit/infra/stack.ts'
import type { Body } from '../../src/core/kit/infra/terraform-blocks.ts'
import { blocksOf } from '../../src/core/kit/infra/terraform-types.ts'
import { codePipeline } from '../../src/core/kit/pipelines/codepipeline.ts'
import { EXAMPLES, on, SHAPES } from './world.ts'

export interface Written {
  readonly where: string
  readonly id: string
  readonly Type: string
  readonly Properties?: unknown
}

/** All stacks of each shape of infrastructure. */
export const STACKS: readonly (readonly [string, Stack])[] = [...SHAPES].flatMap(([name, service]) => {
  const { lasting, releases, site } = infrastructureOf(service)!
  return [
    [`${name}: what lasts`, lasting] as const,
    [name, releases] as const,
    ...(site ? [[`${name}: its site`, site] as const] : []),
  ]
})

/** Every resource of every CloudFormation template. */
export function allTemplates(): readonly Written[] {
  const texts = [
    ...STACKS.map(([name, stack]) => [name, cloudformationText(stack)] as const),
    ...[...EXAMPLES].map(([name, service]) => [`${name}: pipeline`, codePipeline(service)] as const),
    ...[...EXAMPLES.keys()].flatMap((name) => {
      const service = on(name, { tooling: { metrics: 'cloudwatch' } })
      const files = cloudwatchFiles({ service, deploymentFiles: [], files: [] })
      return [[`${name}: alarms`, render(files.find(({ path }) => path.endsWith('.alarms.yml'))!)] as const]
    }),
  ]
  return texts.flatMap(([where, text]) =>
    Object.entries((parse(text) as { Resources: Record<string, Omit<Written, 'where' | 'id'>> }).Resources).map(
      ([id, one]) => ({ where, id, ...one }),
    ),
  )
}

export interface WrittenBlock {
  readonly where: string
  readonly id: string
  readonly type: string
  readonly body: WrittenBody
}

/** What stands under each name: nested blocks, or the value of an attribute (undefined for an expression). */
export type WrittenBody = ReadonlyMap<
  string,
  readonly ({ readonly block: WrittenBody } | { readonly value: unknown })[]
>

/** Every resource of Terraform. */
export function allBlocks(): readonly WrittenBlock[] {
  return STACKS.flatMap(([where, stack]) =>
    stack.resources.flatMap((resource) =>
      blocksOf(resource).map(({ type, id, body }) => ({ where, id, type, body: bodyOf(body) })),
    ),
  )
}

/** Terraform's own, in every resource. */
const META = new Set(['lifecycle', 'depends_on'])

function bodyOf(body: Body): WrittenBody {
  const entries = new Map<string, ({ block: WrittenBody } | { value: unknown })[]>()
  for (const [name, entry] of body) {
    if (META.has(name)) continue
    const list = entries.get(name) ?? []
    entries.set(name, list)
    if (typeof entry === 'object' && 'block' in (entry as object))
      list.push({ block: bodyOf((entry as { block: Body }).block) })
    else if (typeof entry === 'object' && 'code' in (entry as object)) list.push({ value: undefined })
    else list.push({ value: literal(entry as Value) })
  }
  return entries
}

/** A value without its notes; undefined where only Terraform knows it. */
function literal(value: Value): unknown {
  const inner = bare(value)
  if (isSpecial(inner)) return undefined
  if (Array.isArray(inner)) return (inner as readonly Value[]).map(literal)
  return inner
}
