/** The model as Terraform: blocks made by the table in terraform-types.ts, written here with their comments. */
import { isSpecial, type Parameter, type Props, snake, type Stack, type Value } from './model.ts'
import type { Block, Body } from './terraform-blocks.ts'
import { ATTRIBUTES, blocksOf, REFERENCES } from './terraform-types.ts'

const PROVIDER = '>= 6.20, < 7'

export function terraformText(stack: Stack, region: string | undefined): string {
  const types = new Map(stack.resources.map((resource) => [resource.id, resource.type]))
  const write = new Writer(stack, types)
  const blocks = stack.resources.flatMap((resource) =>
    blocksOf(resource).map((block) => write.block(block, resource.why ?? [])),
  )
  const needs = (name: string) => blocks.some((lines) => lines.some((line) => line.includes(name)))
  return [
    ...(stack.notes ?? []).map((note) => `# ${note}`),
    'terraform {',
    '  required_version = ">= 1.9"',
    '  required_providers {',
    `    aws = { source = "hashicorp/aws", version = "${PROVIDER}" }`,
    '  }',
    '}',
    ...(region ? ['', 'provider "aws" {', `  region = ${quoted(region)}`, '}'] : []),
    ...(needs('data.aws_region.current') ? ['', 'data "aws_region" "current" {}'] : []),
    ...(needs('data.aws_caller_identity.current') ? ['', 'data "aws_caller_identity" "current" {}'] : []),
    ...stack.parameters.flatMap(variableLines),
    ...blocks.flatMap((lines) => ['', ...lines]),
  ].join('\n')
}

function variableLines({ name, type, says, value, pattern }: Parameter): string[] {
  const kind = type === 'Number' ? 'number' : type.startsWith('List<') ? 'list(string)' : 'string'
  return [
    '',
    `variable "${snake(name)}" {`,
    ...aligned([
      ['type', kind],
      ['description', quoted(says)],
      ...(value === undefined
        ? []
        : [['default', typeof value === 'string' ? quoted(value) : String(value)] as [string, string]]),
    ]).map((line) => `  ${line}`),
    ...(pattern === undefined
      ? []
      : [
          '  validation {',
          ...aligned([
            ['condition', `can(regex(${quoted(`^${pattern}$`)}, var.${snake(name)}))`],
            ['error_message', quoted(`${says}: ${pattern}`)],
          ]).map((line) => `    ${line}`),
          '  }',
        ]),
    '}',
  ]
}

class Writer {
  private readonly parameters: ReadonlySet<string>
  private readonly types: ReadonlyMap<string, string>

  constructor(stack: Stack, types: ReadonlyMap<string, string>) {
    this.parameters = new Set(stack.parameters.map(({ name }) => name))
    this.types = types
  }

  block({ type, id, body }: Block, why: readonly string[]): string[] {
    return [...why.map((line) => `# ${line}`), `resource "${type}" "${snake(id)}" {`, ...this.body(body, 2), '}']
  }

  /** Attributes of one run are aligned as `terraform fmt` does; a comment or a value of several lines ends a run. */
  private body(body: Body, indent: number): string[] {
    const pad = ' '.repeat(indent)
    const lines: string[] = []
    let run: [string, string][] = []
    const flush = () => {
      lines.push(...aligned(run).map((line) => pad + line))
      run = []
    }
    for (const [key, entry] of body) {
      if (typeof entry === 'object' && 'block' in (entry as object)) {
        flush()
        lines.push(`${pad}${key} {`, ...this.body((entry as { block: Body }).block, indent + 2), `${pad}}`)
        continue
      }
      if (typeof entry === 'object' && 'code' in (entry as object)) {
        run.push([key, (entry as { code: string }).code])
        continue
      }
      let value = entry as Value
      if (isSpecial(value) && value.$ === 'noted') {
        flush()
        lines.push(`${pad}# ${value.why}`)
        value = value.value
      }
      const text = this.expression(value, indent)
      if (text.includes('\n')) {
        flush()
        lines.push(`${pad}${key} = ${text}`)
      } else run.push([key, text])
    }
    flush()
    return lines
  }

  private expression(value: Value, indent: number): string {
    if (typeof value === 'string') return quoted(value)
    if (typeof value === 'number' || typeof value === 'boolean') return String(value)
    if (Array.isArray(value)) return this.list(value as readonly Value[], indent)
    if (isSpecial(value)) return this.special(value, indent)
    return this.map(value as Props, indent)
  }

  private list(items: readonly Value[], indent: number): string {
    const texts = items.map((item) => this.expression(item, indent + 2))
    const noted = items.some((item) => isSpecial(item) && item.$ === 'noted')
    const line = `[${texts.join(', ')}]`
    if (!noted && !line.includes('\n') && line.length <= 100) return line
    const pad = ' '.repeat(indent + 2)
    const lines = items.flatMap((item, i) => [
      ...(isSpecial(item) && item.$ === 'noted' ? [`${pad}# ${item.why}`] : []),
      `${pad}${texts[i]},`,
    ])
    return ['[', ...lines, `${' '.repeat(indent)}]`].join('\n')
  }

  private map(props: Props, indent: number): string {
    const entries = Object.entries(props)
    if (entries.length === 0) return '{}'
    const body: Body = entries.map(([key, value]) => [/^[A-Za-z_][\w-]*$/.test(key) ? key : quoted(key), value])
    return ['{', ...this.body(body, indent + 2), `${' '.repeat(indent)}}`].join('\n')
  }

  private special(value: Extract<Value, { $: string }>, indent: number): string {
    switch (value.$) {
      case 'ref':
        return this.reference(value.id)
      case 'att':
        return this.attribute(value.id, value.name)
      case 'join':
        return `"${value.parts.map((part) => (isSpecial(part) ? `\${${this.expression(part, indent)}}` : quoted(String(part)).slice(1, -1))).join('')}"`
      case 'noted':
        return this.expression(value.value, indent)
      case 'raw':
        return `jsonencode(${this.expression(value.value, indent)})`
    }
  }

  private reference(id: string): string {
    if (id === 'AWS::Region') return 'data.aws_region.current.region'
    if (id === 'AWS::AccountId') return 'data.aws_caller_identity.current.account_id'
    if (this.parameters.has(id)) return `var.${snake(id)}`
    const [type, attribute] = REFERENCES[this.types.get(id)!]!
    return `${type}.${snake(id)}.${attribute}`
  }

  private attribute(id: string, name: string): string {
    const type = this.types.get(id)!
    return `${REFERENCES[type]![0]}.${snake(id)}.${ATTRIBUTES[`${type}.${name}`]!}`
  }
}

function aligned(run: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...run.map(([key]) => key.length))
  return run.map(([key, text]) => `${key.padEnd(width)} = ${text}`)
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll('${', '$${').replaceAll('%{', '%%{')
}
