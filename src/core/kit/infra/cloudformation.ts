/** The model as a CloudFormation template in YAML, the reason of each number above it. */
import { isSpecial, type Parameter, type Props, type Resource, type Stack, type Value } from './model.ts'

export function cloudformationText(stack: Stack): string {
  return [
    ...(stack.notes ?? []).map((note) => `# ${note}`),
    "AWSTemplateFormatVersion: '2010-09-09'",
    `Description: ${quoted(stack.description)}`,
    ...(stack.parameters.length > 0 ? ['Parameters:', ...stack.parameters.flatMap(parameterLines)] : []),
    'Resources:',
    ...stack.resources.flatMap(resourceLines),
  ].join('\n')
}

function parameterLines({ name, type, says, value, pattern }: Parameter): string[] {
  const props = {
    Type: type,
    Description: says,
    ...(value === undefined ? {} : { Default: value }),
    ...(pattern === undefined ? {} : { AllowedPattern: pattern }),
  }
  return propLines({ [name]: props }, 2)
}

function resourceLines({ id, type, props, why = [], keep, dependsOn, update }: Resource): string[] {
  return [
    ...why.map((line) => `  # ${line}`),
    `  ${id}:`,
    `    Type: ${type}`,
    ...(dependsOn ? [`    DependsOn: [${dependsOn.join(', ')}]`] : []),
    ...(keep ? ['    DeletionPolicy: Retain', '    UpdateReplacePolicy: Retain'] : []),
    ...(update ? ['    UpdatePolicy:', ...propLines(update, 6)] : []),
    '    Properties:',
    ...propLines(props, 6),
  ]
}

function propLines(props: Props, indent: number): string[] {
  return Object.entries(props).flatMap(([key, value]) => entryLines(`${keyText(key)}:`, value, indent))
}

/** `head` is "Key:" or "-"; what follows stands on its line when it is short, below it otherwise. */
function entryLines(head: string, value: Value, indent: number): string[] {
  const pad = ' '.repeat(indent)
  if (isSpecial(value) && value.$ === 'noted') return [`${pad}# ${value.why}`, ...entryLines(head, value.value, indent)]
  if (isSpecial(value) && value.$ === 'raw') return entryLines(head, value.value, indent)
  if (typeof value === 'string' && value.includes('\n'))
    return [`${pad}${head} |`, ...value.split('\n').map((line) => (line === '' ? '' : `${pad}  ${line}`))]
  const short = flow(value)
  if (short !== undefined) return [`${pad}${head} ${short}`]
  if (Array.isArray(value)) {
    const lines = (value as readonly Value[]).flatMap((item) => itemLines(item, indent + 2))
    return [`${pad}${head}`, ...lines]
  }
  return [`${pad}${head}`, ...propLines(value as Props, indent + 2)]
}

/** A list's map begins on the line of its dash. */
function itemLines(item: Value, indent: number): string[] {
  const pad = ' '.repeat(indent)
  if (isSpecial(item) && item.$ === 'noted') return [`${pad}# ${item.why}`, ...itemLines(item.value, indent)]
  const short = flow(item)
  if (short !== undefined) return [`${pad}- ${short}`]
  if (Array.isArray(item))
    return [`${pad}-`, ...(item as readonly Value[]).flatMap((one) => itemLines(one, indent + 2))]
  const lines = propLines(item as Props, indent + 2)
  // The comment of a first key stays above its dash.
  const first = lines.findIndex((line) => !line.trimStart().startsWith('#'))
  return [
    ...lines.slice(0, first).map((line) => line.slice(2)),
    `${pad}- ${lines[first]!.trimStart()}`,
    ...lines.slice(first + 1),
  ]
}

/** One line, or undefined when the value needs several: a note within, or more than a line holds. */
function flow(value: Value): string | undefined {
  if (typeof value === 'string') return value.includes('\n') ? undefined : quoted(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (isSpecial(value)) {
    if (value.$ === 'ref') return value.id.includes('::') ? `{ Ref: "${value.id}" }` : `{ Ref: ${value.id} }`
    if (value.$ === 'att') return `{ "Fn::GetAtt": [${value.id}, ${value.name}] }`
    if (value.$ === 'join') return `{ "Fn::Sub": ${quoted(value.parts.map(subPart).join(''))} }`
    return undefined
  }
  if (Array.isArray(value)) {
    const items = (value as readonly Value[]).map(flow)
    if (items.includes(undefined)) return undefined
    const text = `[${items.join(', ')}]`
    return text.length <= 110 ? text : undefined
  }
  const entries = Object.entries(value as Props).map(([key, inner]) => [key, flow(inner)] as const)
  if (entries.length === 0 || entries.some(([, text]) => text === undefined)) return undefined
  const text = `{ ${entries.map(([key, inner]) => `${keyText(key)}: ${inner}`).join(', ')} }`
  return text.length <= 110 ? text : undefined
}

function subPart(part: Value): string {
  if (isSpecial(part)) {
    if (part.$ === 'ref') return `\${${part.id}}`
    if (part.$ === 'att') return `\${${part.id}.${part.name}}`
  }
  return String(part).replaceAll('${', '${!')
}

function keyText(key: string): string {
  return /^[A-Za-z][\w-]*$/.test(key) ? key : quoted(key)
}

/** Plain where YAML reads it as it stands, else as JSON, which is YAML too. */
function quoted(text: string): string {
  const plain =
    /^[A-Za-z/][\w./:@-]*( [A-Za-z0-9/][\w./@-]*)*$/.test(text) &&
    !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text) &&
    !/:$/.test(text)
  return plain ? text : JSON.stringify(text)
}
