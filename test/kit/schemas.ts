/**
 * Every property that AWS's own schemas know, for the resource types that the kit writes. `aws-cloudformation.json` and
 * `aws-terraform.json` beside this file hold them with their source and version. This program writes both anew from the published
 * packages `@aws-cdk/aws-service-spec` (made from CloudFormation's resource schemas) and `@cdktf/provider-aws` (made from the schema of
 * HashiCorp's AWS provider), unpacked somewhere:
 *
 *     node --import tsx test/kit/schemas.ts SERVICE_SPEC_FOLDER PROVIDER_FOLDER
 *
 * Names are kept at every level that the kit writes into; what lies below others is left out, so that the files stay readable.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Schemas, Shape, Shapes } from './shapes.ts'
import { allBlocks, allTemplates, type WrittenBody } from './written.ts'

const beside = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** Which names the kit writes, level by level; lists count as their items. */
type Used = Map<string, Used>

function use(used: Used, value: unknown): void {
  if (Array.isArray(value)) for (const item of value) use(used, item)
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      const below = used.get(key) ?? new Map()
      used.set(key, below)
      use(below, inner)
    }
}

function useBody(used: Used, body: WrittenBody): void {
  for (const [name, entries] of body) {
    const below = used.get(name) ?? new Map()
    used.set(name, below)
    for (const entry of entries) if ('block' in entry) useBody(below, entry.block)
  }
}

interface SpecType {
  readonly type: string
  readonly reference?: { readonly $ref: string }
  readonly element?: SpecType
  readonly types?: readonly SpecType[]
  readonly allowedValues?: readonly unknown[]
}

interface SpecEntity {
  readonly $id: string
  readonly cloudFormationType?: string
  readonly attributes?: object
  readonly properties: Readonly<Record<string, { readonly type: SpecType; readonly required?: boolean }>>
}

function cloudFormation(folder: string): Schemas {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const { schema } = JSON.parse(gunzipSync(readFileSync(join(folder, 'db.json.gz'))).toString('utf8'))
  const definitions = new Map((schema.typeDefinition.entities as SpecEntity[]).map((one) => [one.$id, one]))
  const shapeOf = (type: SpecType, used: Used): Shape => {
    switch (type.type) {
      case 'ref': {
        const definition = definitions.get(type.reference!.$ref)!
        return used.size === 0 ? 'json' : propertiesOf(definition.properties, used)
      }
      case 'array':
        return [shapeOf(type.element!, used)]
      case 'tag':
        return 'json'
      case 'map':
        return 'map'
      case 'union': {
        const shapes = type.types!.map((one) => shapeOf(one, used))
        const structured = shapes.find((shape) => typeof shape !== 'string')
        return structured ?? [...new Set(shapes as string[])].join('|')
      }
      default:
        return type.allowedValues && type.allowedValues.length <= 40 ? `=${type.allowedValues.join('|')}` : type.type
    }
  }
  const propertiesOf = (properties: SpecEntity['properties'], used: Used): Shapes =>
    Object.fromEntries(
      Object.entries(properties).map(([name, { type, required }]) => [
        required ? `${name}!` : name,
        shapeOf(type, used.get(name) ?? new Map()),
      ]),
    )
  const used: Used = new Map()
  for (const { Type, Properties } of allTemplates()) use(used, { [Type]: Properties ?? {} })
  const entities = schema.resource.entities as SpecEntity[]
  return {
    source: `@aws-cdk/aws-service-spec ${version}`,
    types: Object.fromEntries(
      [...used.keys()].sort().map((type) => {
        const entity = entities.find((one) => one.cloudFormationType === type)
        if (!entity) throw new Error(`the specification has no ${type}`)
        return [
          type,
          {
            properties: propertiesOf(entity.properties, used.get(type)!),
            attributes: Object.keys(entity.attributes ?? {}),
          },
        ]
      }),
    ),
  }
}

/** The package is generated code of one form; what a block holds stands in its conversion to HCL, what is required in its interface. */
function terraform(folder: string): Schemas {
  const { version, cdktf } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const used: Used = new Map()
  for (const { type, body } of allBlocks()) useBody(used, new Map([[type, [{ block: body }]]]))
  return {
    source: `@cdktf/provider-aws ${version}, of hashicorp/aws ${cdktf.provider.version}`,
    types: Object.fromEntries([...used.keys()].sort().map((type) => [type, resourceOf(folder, type, used.get(type)!)])),
  }
}

function resourceOf(folder: string, type: string, used: Used): Schemas['types'][string] {
  const name = type.replace(/^aws_/, '').replaceAll('_', '-')
  const code = readFileSync(join(folder, 'lib', name, 'index.js'), 'utf8')
  const declared = readFileSync(join(folder, 'lib', name, 'index.d.ts'), 'utf8')
  const required = new Set<string>()
  for (const [, owner, body] of declared.matchAll(/export interface (\w+)[^{]*\{\n([\s\S]*?)\n\}/g))
    for (const [, attribute] of body!.matchAll(/#(\w+) \w+#\1\}(?:(?!\*\/)[\s\S])*\*\/\s+readonly \w+:/g))
      required.add(`${owner}#${attribute}`)
  const bodies = new Map(
    [...code.matchAll(/function (\w+)ToHclTerraform\(struct\) \{([\s\S]*?)\n\}/g)].map(([, block, body]) => [
      block!,
      body!,
    ]),
  )
  const own = /synthesizeHclAttributes\(\) \{([\s\S]*?)\n {4}\}/.exec(code)![1]!
  const owner = /class (\w+) extends cdktf\.TerraformResource/.exec(code)![1]!
  const shape = (block: string, body: string, level: Used): Shapes =>
    Object.fromEntries(
      [
        ...body.matchAll(
          /^ +(\w+): \{\s+value: (.*),\s+isBlock: (true|false),\s+type: "(\w+)",\s+storageClassType: "(\w+)"/gm,
        ),
      ].map(([, key, value, isBlock, , kind]) => {
        const must = required.has(`${block}#${key}`) ? `${key}!` : key!
        if (isBlock === 'false') return [must, kind!.replace(/^[A-Z]\w*$/, 'object')]
        const inner = /(\w+)ToHclTerraform/.exec(value!)![1]!
        const below = level.get(key!) ?? new Map()
        return [
          must,
          [
            below.size === 0
              ? 'json'
              : shape(`${inner.charAt(0).toUpperCase()}${inner.slice(1)}`, bodies.get(inner)!, below),
          ],
        ]
      }),
    )
  const last = code.slice(code.indexOf(`class ${owner} extends`))
  return {
    properties: shape(`${owner}Config`, own, used),
    attributes: [...new Set([...last.matchAll(/get\w+Attribute\('(\w+)'\)/g)].map(([, attribute]) => attribute!))],
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [spec, provider] = process.argv.slice(2)
  writeFileSync(beside('aws-cloudformation.json'), `${JSON.stringify(cloudFormation(spec!), null, 1)}\n`)
  writeFileSync(beside('aws-terraform.json'), `${JSON.stringify(terraform(provider!), null, 1)}\n`)
}
