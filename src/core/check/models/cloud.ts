/**
 * AWS resources from CloudFormation, SAM, Terraform and ECS JSON under one set of names, so that a rule is written once.
 * Field names are compared without case and underscores: `DeploymentConfiguration`, `deploymentConfiguration` and
 * `deployment_configuration` are one. A block of Terraform (a list of one) is read as the map inside it.
 */

import type { HclFile } from '../formats/hcl.ts'
import { readJson } from '../formats/json.ts'
import {
  fields,
  isOpaque,
  items,
  type MapNode,
  type Node,
  type Source,
  type Spot,
  spotOf,
  text,
} from '../formats/node.ts'
import { linesOf } from '../formats/position.ts'

const TYPES: Readonly<Record<string, CloudType>> = {
  'AWS::ECS::Service': 'ecs-service',
  aws_ecs_service: 'ecs-service',
  'AWS::ECS::TaskDefinition': 'ecs-task',
  aws_ecs_task_definition: 'ecs-task',
  'AWS::ElasticLoadBalancingV2::TargetGroup': 'target-group',
  aws_lb_target_group: 'target-group',
  aws_alb_target_group: 'target-group',
  'AWS::ElasticLoadBalancingV2::LoadBalancer': 'load-balancer',
  aws_lb: 'load-balancer',
  aws_alb: 'load-balancer',
  'AWS::CodeDeploy::DeploymentGroup': 'codedeploy-group',
  aws_codedeploy_deployment_group: 'codedeploy-group',
  'AWS::AutoScaling::AutoScalingGroup': 'scaling-group',
  aws_autoscaling_group: 'scaling-group',
  'AWS::Lambda::Function': 'lambda',
  'AWS::Serverless::Function': 'lambda',
  aws_lambda_function: 'lambda',
  'AWS::CloudWatch::Alarm': 'alarm',
  aws_cloudwatch_metric_alarm: 'alarm',
  'AWS::RDS::DBInstance': 'stateful',
  'AWS::RDS::DBCluster': 'stateful',
  'AWS::DynamoDB::Table': 'stateful',
  'AWS::S3::Bucket': 'stateful',
  'AWS::EFS::FileSystem': 'stateful',
  aws_db_instance: 'stateful',
  aws_rds_cluster: 'stateful',
  aws_dynamodb_table: 'stateful',
  aws_efs_file_system: 'stateful',
  'AWS::ECR::Repository': 'registry',
  aws_ecr_repository: 'registry',
  aws_ecr_lifecycle_policy: 'registry-policy',
  'AWS::SQS::Queue': 'queue',
  aws_sqs_queue: 'queue',
  'AWS::CloudTrail::Trail': 'trail',
  aws_cloudtrail: 'trail',
  'AWS::CodePipeline::Pipeline': 'codepipeline',
  aws_codepipeline: 'codepipeline',
  'AWS::Events::Rule': 'event-rule',
  aws_cloudwatch_event_rule: 'event-rule',
  'AWS::Scheduler::Schedule': 'schedule',
  aws_scheduler_schedule: 'schedule',
  'AWS::Logs::LogGroup': 'log-group',
  aws_cloudwatch_log_group: 'log-group',
}

export type CloudType =
  | 'ecs-service'
  | 'ecs-task'
  | 'target-group'
  | 'load-balancer'
  | 'codedeploy-group'
  | 'scaling-group'
  | 'lambda'
  | 'alarm'
  | 'stateful'
  | 'registry'
  | 'registry-policy'
  | 'queue'
  | 'trail'
  | 'codepipeline'
  | 'event-rule'
  | 'schedule'
  | 'log-group'
  | 'other'

export interface Resource {
  readonly type: CloudType
  /** The type as the file writes it. */
  readonly written: string
  /** The logical id (CloudFormation) or name (Terraform). */
  readonly id: string
  readonly from: 'cloudformation' | 'terraform' | 'ecs'
  readonly body: Node
  /** CloudFormation's attributes beside Properties (DeletionPolicy, UpdatePolicy …), or Terraform's body again. */
  readonly whole: Node
  readonly at: Spot
  readonly src: Source
  /** Gives the value behind a parameter, variable or local where the files decide it; else the node itself. */
  resolve(node: Node): Node
}

function canonical(key: string): string {
  return key.replace(/[_-]/g, '').toLowerCase()
}

/**
 * The resolved value at a dotted path, the first alternative that exists: `field(service, 'DesiredCount')`,
 * `field(group, 'DeploymentStyle.DeploymentOption', 'deployment_style.deployment_option')`.
 */
export function field(resource: Resource, ...paths: readonly string[]): Node | undefined {
  for (const path of paths) {
    const found = descend(resource, resource.body, path)
    if (found) return found
  }
  return undefined
}

export function fieldOf(resource: Resource, from: Node | undefined, path: string): Node | undefined {
  return from && descend(resource, from, path)
}

function descend(resource: Resource, from: Node, path: string): Node | undefined {
  let here: Node | undefined = resource.resolve(from)
  for (const step of path.split('.')) {
    if (here?.kind === 'list' && here.items.length === 1) here = resource.resolve(here.items[0]!)
    if (here?.kind === 'opaque') return here
    if (here?.kind !== 'map') return undefined
    const wanted = canonical(step)
    let next: Node | undefined
    for (const [key, entry] of here.entries) {
      if (canonical(key) === wanted) next = entry.value
    }
    if (!next) return undefined
    here = resource.resolve(next)
  }
  return here?.kind === 'scalar' && here.value === null ? undefined : here
}

/** Where a field stands, or the resource's own place when it is absent. */
export function fieldSpot(resource: Resource, node: Node | undefined): Spot {
  return node ? spotOf(node) : resource.at
}

/** What a reference points at: a resource's id, also inside a longer expression (`aws_lb.main.arn`, `!Ref Web`, `!GetAtt Web.Arn`). */
export function referenceOf(
  resource: Resource,
  node: Node | undefined,
  all: readonly Resource[],
): Resource | undefined {
  if (!node) return undefined
  const words =
    node.kind === 'opaque'
      ? `${node.text} ${text(node.arg) ?? ''}`
      : node.kind === 'map'
        ? intrinsicText(node)
        : (text(node) ?? '')
  return all.find((other) => other.from === resource.from && other !== resource && mentions(words, other))
}

function mentions(words: string, other: Resource): boolean {
  const name = other.from === 'terraform' ? `${other.written}.${other.id}` : other.id
  const found = words.indexOf(name)
  return found >= 0 && !/[\w-]/.test(words[found + name.length] ?? ' ') && !/[\w-]/.test(words[found - 1] ?? ' ')
}

function intrinsicText(node: MapNode): string {
  return [...node.entries]
    .map(
      ([key, { value }]) =>
        `${key} ${
          text(value) ??
          items(value)
            .map((item) => text(item) ?? '')
            .join('.')
        }`,
    )
    .join(' ')
}

// ── CloudFormation ────────────────────────────────────────────────────────────────────────────────────────────────────

export function templateResources(root: Node, src: Source): readonly Resource[] {
  if (root.kind !== 'map') return []
  const parameters = new Map(fields(root.entries.get('Parameters')?.value))
  const resolve = (node: Node) => resolveIntrinsic(node, parameters)
  const list = root.entries.get('Resources')?.value
  if (list?.kind !== 'map') return []
  return [...list.entries].flatMap(([id, { keyAt, value }]) => {
    if (value.kind !== 'map') return []
    const written = text(value.entries.get('Type')?.value) ?? ''
    const body = value.entries.get('Properties')?.value ?? value
    const at = { file: src.file, ...src.lines.placeOf(keyAt) }
    return [
      {
        type: TYPES[written] ?? 'other',
        written,
        id,
        from: 'cloudformation' as const,
        body,
        whole: value,
        at,
        src,
        resolve,
      },
    ]
  })
}

/** `Ref` to a parameter with a default is that default, softly; `Fn::If` and the rest stay opaque. */
function resolveIntrinsic(node: Node, parameters: ReadonlyMap<string, Node>): Node {
  const call = intrinsicOf(node)
  if (!call) return node
  const name = call.name === 'Ref' ? text(call.arg) : undefined
  const parameter = name === undefined ? undefined : parameters.get(name)
  const value = parameter?.kind === 'map' ? parameter.entries.get('Default')?.value : undefined
  if (value?.kind === 'scalar') return { ...value, soft: true }
  if (call.name === 'Fn::Sub' && call.arg.kind === 'scalar' && !call.arg.text.includes('${')) return call.arg
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
  return name === 'Ref' || name.startsWith('Fn::') ? { name, arg: entry.value } : undefined
}

// ── Terraform ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Module {
  readonly file: HclFile
  readonly src: Source
}

/**
 * Resources of all .tf files. Variables take their value from a production .tfvars of the tree, else from their default, softly;
 * a module's own variables stay opaque when its caller sets them.
 */
export function terraformResources(modules: readonly Module[], tfvars: readonly Module[]): readonly Resource[] {
  const folders = new Map<string, Module[]>()
  for (const module of modules) {
    const folder = folderOf(module.src.file)
    folders.set(folder, [...(folders.get(folder) ?? []), module])
  }
  return [...folders].flatMap(([folder, files]) => folderResources(folder, files, tfvars))
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}

function folderResources(folder: string, files: readonly Module[], tfvars: readonly Module[]): readonly Resource[] {
  const blocks = files.flatMap((module) => module.file.blocks)
  const near = tfvars.filter(
    (module) => folder === '' || module.src.file.startsWith(`${folder}/`) || folderOf(module.src.file) === folder,
  )
  const production = near.find(
    (module) => /prod|live/i.test(module.src.file) && !/non-?prod|pre-?prod/i.test(module.src.file),
  )
  const chosen = production ?? (near.length === 1 ? near[0] : undefined)
  const variables = new Map<string, Node>()
  for (const block of blocks) {
    const value = block.type === 'variable' ? block.body.entries.get('default')?.value : undefined
    // With several environments and none for production, a default decides nothing.
    if (value && !(near.length > 1 && !production)) variables.set(block.labels[0] ?? '', { ...value, soft: true })
  }
  for (const [name, value] of fields(chosen?.file.attributes)) variables.set(name, value)
  const locals = new Map(blocks.filter((block) => block.type === 'locals').flatMap((block) => fields(block.body)))
  const resolve = (node: Node) => resolveReference(node, variables, locals, 0)
  return blocks.flatMap((block) => {
    if (block.type !== 'resource') return []
    const [written = '', id = ''] = block.labels
    const at = { file: block.src.file, ...block.src.lines.placeOf(block.at) }
    return [
      {
        type: TYPES[written] ?? 'other',
        written,
        id,
        from: 'terraform' as const,
        body: block.body,
        whole: block.body,
        at,
        src: block.src,
        resolve,
      },
    ]
  })
}

function resolveReference(
  node: Node,
  variables: ReadonlyMap<string, Node>,
  locals: ReadonlyMap<string, Node>,
  depth: number,
): Node {
  if (node.kind !== 'opaque' || node.call !== 'reference' || depth > 5) return node
  const match = /^(var|local)\.([\w-]+)$/.exec(node.text)
  const value = match && (match[1] === 'var' ? variables : locals).get(match[2]!)
  return value ? resolveReference(value, variables, locals, depth + 1) : node
}

// ── ECS JSON, and container definitions wherever they are ─────────────────────────────────────────────────────────────

/** A task definition or service as the AWS command line takes it. */
export function ecsResources(root: Node, src: Source): readonly Resource[] {
  if (root.kind !== 'map') return []
  const inner = root.entries.get('taskDefinition')?.value
  const body = inner?.kind === 'map' ? inner : root
  const services = items(root.entries.get('services')?.value).filter((node): node is MapNode => node.kind === 'map')
  const of = (type: CloudType, node: MapNode): Resource => ({
    type,
    written: type,
    id: text(node.entries.get('family')?.value) ?? text(node.entries.get('serviceName')?.value) ?? src.file,
    from: 'ecs',
    body: node,
    whole: node,
    at: spotOf(node),
    src,
    resolve: (value) => value,
  })
  if (body.kind === 'map' && body.entries.has('containerDefinitions')) return [of('ecs-task', body)]
  if (services.length > 0) return services.map((node) => of('ecs-service', node))
  return root.entries.has('deploymentConfiguration') || root.entries.has('serviceName') ? [of('ecs-service', root)] : []
}

/** The container definitions of a task: a list, `jsonencode([...])`, or JSON in a string or heredoc. */
export function containersOf(task: Resource): readonly Node[] | undefined {
  const node = field(task, 'ContainerDefinitions')
  if (!node) return []
  if (node.kind === 'list') return node.items.map((item) => task.resolve(item))
  if (isOpaque(node) && node.call === 'jsonencode')
    return items(node.arg?.kind === 'list' ? node.arg.items[0] : node.arg)
  const written = isOpaque(node) && node.call === 'template' ? text(node.arg) : text(node)
  if (written === undefined || !written.trimStart().startsWith('[')) return undefined
  return readEmbedded(written, node)
}

/** JSON inside another file: offsets are kept by reading it in place, interpolations become strings. */
function readEmbedded(written: string, node: Node): readonly Node[] | undefined {
  const start = node.src.text.indexOf(written, node.at)
  if (start < 0) return undefined
  const blanked =
    node.src.text.slice(0, start).replace(/[^\n]/g, ' ') +
    written.replace(/\$\{[^}\n"]*\}/g, (part) => '0'.padEnd(part.length, ' '))
  const src: Source = { file: node.src.file, text: blanked, lines: linesOf(blanked) }
  const { root, problems } = readJson(src)
  return root?.kind === 'list' && problems.length === 0 ? root.items : undefined
}
