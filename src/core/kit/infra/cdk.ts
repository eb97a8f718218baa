/** The model as a typed CDK stack: one construct a resource, with the same logical ids as the CloudFormation template. */
import { regionOf } from './stack.ts'
import { camel, isSpecial, type Parameter, type Props, pascal, type Resource, type Stack, type Value } from './model.ts'

/** CloudFormation's service name to the module of aws-cdk-lib and what we call it. */
const MODULES: Readonly<Record<string, readonly [string, string]>> = {
  ApplicationSignals: ['aws_applicationsignals', 'signals'],
  AutoScaling: ['aws_autoscaling', 'autoscaling'],
  CloudFront: ['aws_cloudfront', 'cloudfront'],
  CloudTrail: ['aws_cloudtrail', 'cloudtrail'],
  CloudWatch: ['aws_cloudwatch', 'cloudwatch'],
  CodeDeploy: ['aws_codedeploy', 'codedeploy'],
  EC2: ['aws_ec2', 'ec2'],
  ECR: ['aws_ecr', 'ecr'],
  ECS: ['aws_ecs', 'ecs'],
  ElasticLoadBalancingV2: ['aws_elasticloadbalancingv2', 'elb'],
  Lambda: ['aws_lambda', 'lambda'],
  Logs: ['aws_logs', 'logs'],
  S3: ['aws_s3', 's3'],
  Scheduler: ['aws_scheduler', 'scheduler'],
  XRay: ['aws_xray', 'xray'],
}

export function cdkStackText(stack: Stack): string {
  const kinds = new Map(stack.parameters.map((parameter) => [parameter.name, parameter]))
  const used = [...new Set(stack.resources.map((resource) => serviceOf(resource)))].sort()
  const pseudo = JSON.stringify(stack.resources).includes('"ref","id":"AWS::') ? ['Aws'] : []
  const names = [
    ...(stack.parameters.length > 0 ? ['CfnParameter'] : []),
    ...(stack.resources.some(({ keep }) => keep) ? ['CfnDeletionPolicy'] : []),
    ...pseudo,
    'Stack',
    'type StackProps',
  ]
  return [
    'import {',
    ...[...names, ...used.map((service) => MODULES[service]!.join(' as '))].sort(byName).map((name) => `  ${name},`),
    "} from 'aws-cdk-lib'",
    "import type { Construct } from 'constructs'",
    '',
    ...(stack.notes
      ? ['/**', ` * ${stack.description}`, ...stack.notes.map((note) => ` * ${note}`), ' */']
      : [`/** ${stack.description} */`]),
    `export class ${pascal(stack.name)}Stack extends Stack {`,
    '  constructor(scope: Construct, id: string, props?: StackProps) {',
    `    super(scope, id, { description: ${text(stack.description)}, ...props })`,
    ...stack.parameters.flatMap(parameterLines),
    ...stack.resources.flatMap((resource) => resourceLines(resource, stack, kinds)),
    '  }',
    '}',
  ].join('\n')
}

/** The program that `cdk` runs: the stacks in the order in which they are set up. */
export function cdkAppText(stacks: readonly Stack[]): string {
  return [
    "import { App } from 'aws-cdk-lib'",
    ...stacks.map((stack) => `import { ${pascal(stack.name)}Stack } from './${stack.name}-stack'`),
    '',
    'const app = new App()',
    ...stacks.map((stack) => {
      const region = regionOf(stack)
      return `new ${pascal(stack.name)}Stack(app, ${text(stack.name)}${region ? `, { env: { region: ${text(region)} } }` : ''})`
    }),
  ].join('\n')
}

function byName(a: string, b: string): number {
  const plain = (name: string) => name.replace(/^type /, '').toLowerCase()
  return plain(a) < plain(b) ? -1 : 1
}

function serviceOf({ type }: Resource): string {
  return type.split('::')[1]!
}

function parameterLines({ name, type, says, value, pattern }: Parameter): string[] {
  const options = [
    `type: ${text(type)}`,
    `description: ${text(says)}`,
    ...(value === undefined ? [] : [`default: ${typeof value === 'string' ? text(value) : value}`]),
    ...(pattern === undefined ? [] : [`allowedPattern: ${text(pattern)}`]),
  ]
  return [`    const ${camel(name)} = new CfnParameter(this, ${text(name)}, { ${options.join(', ')} })`]
}

type Kinds = ReadonlyMap<string, Parameter>

function resourceLines(
  { id, type, props, why = [], keep, dependsOn, update }: Resource,
  stack: Stack,
  kinds: Kinds,
): string[] {
  const [, service, kind] = type.split('::')
  const name = camel(id)
  const refersTo = stack.resources.some(
    (other) =>
      other.dependsOn?.includes(id) ||
      refersInside(other.props, id) ||
      (other.update && refersInside(other.update, id)),
  )
  const named = refersTo || keep || dependsOn || update
  return [
    '',
    ...why.map((line) => `    // ${line}`),
    `    ${named ? `const ${name} = ` : ''}new ${MODULES[service!]![1]}.Cfn${kind}(this, ${text(id)}, {`,
    ...propLines(props, 6, kinds),
    '    })',
    ...(keep
      ? [
          `    ${name}.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN`,
          `    ${name}.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN`,
        ]
      : []),
    ...(update ? [`    ${name}.cfnOptions.updatePolicy = {`, ...propLines(update, 6, kinds), '    }'] : []),
    ...(dependsOn ?? []).map((other) => `    ${name}.addResourceDependency(${camel(other)})`),
  ]
}

function refersInside(value: Value, id: string): boolean {
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return (value as readonly Value[]).some((item) => refersInside(item, id))
  if (isSpecial(value)) {
    if (value.$ === 'ref' || value.$ === 'att') return value.id === id
    return value.$ === 'join' ? value.parts.some((part) => refersInside(part, id)) : refersInside(value.value, id)
  }
  return Object.values(value as Props).some((item) => refersInside(item, id))
}

function propLines(props: Props, indent: number, kinds: Kinds, raw = false): string[] {
  return Object.entries(props).flatMap(([key, value]) =>
    entryLines(`${keyText(raw ? key : member(key))}: `, value, indent, kinds, raw),
  )
}

function entryLines(head: string, value: Value, indent: number, kinds: Kinds, raw: boolean): string[] {
  const pad = ' '.repeat(indent)
  if (isSpecial(value) && value.$ === 'noted')
    return [`${pad}// ${value.why}`, ...entryLines(head, value.value, indent, kinds, raw)]
  if (isSpecial(value) && value.$ === 'raw') return entryLines(head, value.value, indent, kinds, true)
  const short = flow(value, kinds, raw)
  if (short !== undefined) return [`${pad}${head}${short},`]
  if (Array.isArray(value))
    return [
      `${pad}${head}[`,
      ...(value as readonly Value[]).flatMap((item) => entryLines('', item, indent + 2, kinds, raw)),
      `${pad}],`,
    ]
  return [`${pad}${head}{`, ...propLines(value as Props, indent + 2, kinds, raw), `${pad}},`]
}

function flow(value: Value, kinds: Kinds, raw: boolean): string | undefined {
  if (typeof value === 'string') return text(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (isSpecial(value)) return special(value, kinds)
  if (Array.isArray(value)) {
    const items = (value as readonly Value[]).map((item) => flow(item, kinds, raw))
    if (items.includes(undefined)) return undefined
    const line = `[${items.join(', ')}]`
    return line.length <= 90 ? line : undefined
  }
  const entries = Object.entries(value as Props).map(
    ([key, inner]) => [raw ? key : member(key), flow(inner, kinds, raw)] as const,
  )
  if (entries.some(([, inner]) => inner === undefined)) return undefined
  const line = `{ ${entries.map(([key, inner]) => `${keyText(key)}: ${inner}`).join(', ')} }`
  return line.length <= 80 ? line : undefined
}

function special(value: Extract<Value, { $: string }>, kinds: Kinds): string | undefined {
  if (value.$ === 'ref') return reference(value.id, kinds)
  if (value.$ === 'att') return `${camel(value.id)}.attr${value.name}`
  if (value.$ === 'join')
    return `\`${value.parts.map((part) => (isSpecial(part) ? `\${${special(part, kinds)}}` : inTemplate(String(part)))).join('')}\``
  return undefined
}

function reference(id: string, kinds: Kinds): string {
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::Region': 'Aws.REGION',
    'AWS::AccountId': 'Aws.ACCOUNT_ID',
    'AWS::StackName': 'Aws.STACK_NAME',
  }
  if (pseudo[id]) return pseudo[id]
  const parameter = kinds.get(id)
  if (!parameter) return `${camel(id)}.ref`
  const as =
    parameter.type === 'Number' ? 'valueAsNumber' : parameter.type.startsWith('List<') ? 'valueAsList' : 'valueAsString'
  return `${camel(id)}.${as}`
}

/** Names of properties as aws-cdk-lib has them: "VPCZoneIdentifier" is vpcZoneIdentifier, "TargetGroupARNs" is targetGroupArns. */
export function member(key: string): string {
  return key
    .replace(/([A-Z]{2,})s$/, (_, word: string) => `${word.charAt(0)}${word.slice(1).toLowerCase()}s`)
    .replace(/([A-Z]+\d*)(?=[A-Z][a-z]|$)/g, (word) => word.charAt(0) + word.slice(1).toLowerCase())
    .replace(/^[A-Z]/, (letter) => letter.toLowerCase())
}

function keyText(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : text(key)
}

function text(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
}

function inTemplate(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')
}
