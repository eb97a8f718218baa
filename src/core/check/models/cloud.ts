/**
 * AWS resources from CloudFormation, SAM, Terraform and ECS JSON under one set of names, so that a rule is written once.
 * Field names are compared without case and underscores: `DeploymentConfiguration`, `deploymentConfiguration` and
 * `deployment_configuration` are one. A block of Terraform (a list of one) is read as the map inside it.
 */

import { readJson } from '../formats/json.ts'
import {
  isOpaque,
  items,
  type MapNode,
  type Node,
  type OpaqueNode,
  type Source,
  type Spot,
  spotOf,
  text,
} from '../formats/node.ts'
import { linesOf } from '../formats/position.ts'
import { readYaml } from '../formats/yaml.ts'

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
  'AWS::AutoScaling::LifecycleHook': 'lifecycle-hook',
  aws_autoscaling_lifecycle_hook: 'lifecycle-hook',
  'AWS::AutoScaling::ScalingPolicy': 'scaling-policy',
  aws_autoscaling_policy: 'scaling-policy',
  'AWS::EC2::LaunchTemplate': 'launch-template',
  aws_launch_template: 'launch-template',
  'AWS::Lambda::Function': 'lambda',
  'AWS::Serverless::Function': 'lambda',
  'AWS::Lambda::Alias': 'lambda-alias',
  aws_lambda_alias: 'lambda-alias',
  'AWS::Serverless::Api': 'api',
  'AWS::Serverless::HttpApi': 'api',
  'AWS::ApiGateway::RestApi': 'api',
  'AWS::ApiGatewayV2::Api': 'api',
  aws_api_gateway_rest_api: 'api',
  aws_apigatewayv2_api: 'api',
  aws_lambda_function: 'lambda',
  'AWS::CloudWatch::Alarm': 'alarm',
  aws_cloudwatch_metric_alarm: 'alarm',
  'AWS::CloudWatch::CompositeAlarm': 'composite-alarm',
  aws_cloudwatch_composite_alarm: 'composite-alarm',
  'AWS::CloudWatch::AnomalyDetector': 'anomaly-detector',
  'AWS::Logs::MetricFilter': 'metric-filter',
  aws_cloudwatch_log_metric_filter: 'metric-filter',
  'AWS::RDS::DBInstance': 'stateful',
  'AWS::RDS::DBCluster': 'stateful',
  'AWS::DynamoDB::Table': 'stateful',
  'AWS::DynamoDB::GlobalTable': 'stateful',
  'AWS::Serverless::SimpleTable': 'stateful',
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
  | 'composite-alarm'
  | 'anomaly-detector'
  | 'metric-filter'
  | 'lambda-alias'
  | 'api'
  | 'lifecycle-hook'
  | 'scaling-policy'
  | 'launch-template'
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
  readonly from: 'cloudformation' | 'terraform' | 'ecs' | 'aws-cli'
  readonly body: Node
  /** CloudFormation's attributes beside Properties (DeletionPolicy, UpdatePolicy …), or Terraform's body again. */
  readonly whole: Node
  readonly at: Spot
  readonly src: Source
  /** The module path (Terraform) or stack (CloudFormation) that names are looked up in; '' or absent for the root. */
  readonly scope?: string
  /** What a Terraform plan will do to it: `['create']`, `['delete', 'create']`, `['no-op']`; absent outside plans. */
  readonly actions?: readonly string[]
  /** The construct path that made it, where CDK says so. */
  readonly construct?: string
  /** Gives the value behind a parameter, variable or local where the files decide it; else the node itself. */
  resolve(node: Node): Node
}

/** Our type for a type as CloudFormation or Terraform writes it. */
export function typeOf(written: string): CloudType {
  return Object.hasOwn(TYPES, written) ? TYPES[written]! : 'other'
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
  const named = all.filter((other) => other.from === resource.from && other !== resource && mentions(words, other))
  return named.find((other) => (other.scope ?? '') === (resource.scope ?? '')) ?? named[0]
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

/**
 * The container definitions of a task: a list, `jsonencode([...])`, or JSON in a string, a heredoc or a file that `file()` names.
 * Undefined when the files do not decide them.
 */
export function containersOf(task: Resource): readonly Node[] | undefined {
  const node = field(task, 'ContainerDefinitions')
  if (!node) return []
  if (node.kind === 'list') return node.items.map((item) => task.resolve(item))
  if (isOpaque(node) && node.call === 'jsonencode') {
    const given = node.arg?.kind === 'list' ? node.arg.items[0] : node.arg
    const list = given && joined(task, given)
    return list?.kind === 'list' ? list.items.map((item) => task.resolve(item)) : undefined
  }
  const written = isOpaque(node) && node.call === 'template' ? text(node.arg) : text(node)
  if (written === undefined || !written.trimStart().startsWith('[')) return undefined
  return readEmbedded(written, node, isOpaque(node) ? node.given : undefined)
}

/** `concat([a], [b])` is known item by item, also when a container in it is decided elsewhere. */
function joined(task: Resource, given: Node): Node {
  const node = task.resolve(given)
  if (!isOpaque(node) || node.arg?.kind !== 'list') return node
  if (/^(yaml|json)decode$/.test(node.call)) return decoded(task, node)
  if (node.call !== 'concat') return node
  const lists = node.arg.items.map((item) => task.resolve(item))
  const all = lists.flatMap((list) => (list.kind === 'list' ? list.items : [list]))
  return { kind: 'list', items: all, src: node.src, at: node.at }
}

/** `yamldecode(file("containers.yml"))`, when the file lies in the tree. */
function decoded(task: Resource, node: OpaqueNode): Node {
  const file = items(node.arg)[0]
  const content = file && task.resolve(file)
  if (content?.kind !== 'scalar' || content.src.text !== content.text) return node
  const root = node.call === 'jsondecode' ? readJson(content.src).root : readYaml(content.src).documents[0]
  return root ?? node
}

/** JSON inside another text: offsets are kept by reading it in place; whatever an interpolation decides is opaque. */
function readEmbedded(written: string, node: Node, given: MapNode | undefined): readonly Node[] | undefined {
  const whole = node.src.text
  const start = whole.indexOf(written, node.at)
  if (start < 0) return undefined
  const blanked =
    whole.slice(0, start).replace(/[^\n]/g, ' ') +
    written.replace(/\$\{[^}\n"]*\}/g, (part) => '0'.padEnd(part.length, ' '))
  const src: Source = { file: node.src.file, text: blanked, lines: linesOf(blanked) }
  const { root, problems } = readJson(src)
  return root?.kind === 'list' && problems.length === 0
    ? root.items.map((item) => undecided(item, whole, given))
    : undefined
}

/** The same node, with opaque ones where the text has an interpolation instead of a value. */
function undecided(node: Node, whole: string, given: MapNode | undefined): Node {
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => undecided(item, whole, given)) }
  if (node.kind === 'map') {
    const entries = [...node.entries].map(
      ([key, { keyAt, value }]) => [key, { keyAt, value: undecided(value, whole, given) }] as const,
    )
    return { ...node, entries: new Map(entries) }
  }
  const token = /^"(?:[^"\\]|\\.)*"|^[^\s,\]}]+(?:[^\n"}]*\})?/.exec(whole.slice(node.at, node.at + 4_000))?.[0] ?? ''
  if (node.kind !== 'scalar' || !token.includes('${')) return node
  const written = token.replace(/^"|"$/g, '')
  const known = filled(written, given)
  const number = !token.startsWith('"')
  if (!known || (number && !/^-?\d{1,15}(\.\d{1,9})?$/.test(known.text)))
    return { kind: 'opaque', text: written, call: 'template', src: node.src, at: node.at }
  const value = number ? Number(known.text) : known.text
  return { ...node, text: known.text, value, ...(known.soft ? { soft: true } : {}) }
}

/** The text with what templatefile() puts into it; undefined when any of it is decided elsewhere. */
function filled(
  written: string,
  given: MapNode | undefined,
): { readonly text: string; readonly soft: boolean } | undefined {
  let soft = false
  let known = given !== undefined
  const value = written.replace(/\$\{\s*([^}]*?)\s*\}/g, (_, name: string) => {
    const node = given?.entries.get(name)?.value
    if (node?.kind !== 'scalar' || node.value === null) known = false
    soft ||= node?.soft === true
    return node?.kind === 'scalar' ? node.text : ''
  })
  return known ? { text: value, soft } : undefined
}
