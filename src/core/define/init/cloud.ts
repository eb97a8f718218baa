/**
 * What runs in ECS, Lambda and EC2, from Terraform, CloudFormation, SAM, CDK output and ECS JSON alike; and in Kubernetes, from
 * manifests, overlays and charts. Read through the same models as `holdfast check`, so that both see one thing.
 */
import { child, fields, isOpaque, items, type Node, type Spot, spotOf, text } from '../../check/formats/node.ts'
import { alertRules } from '../../check/models/alert.ts'
import { containersOf, field, fieldOf, type Resource } from '../../check/models/cloud.ts'
import { type EcsService, ecsServices } from '../../check/models/ecs.ts'
import { isStore, type KubeObject, mainContainer, serves, workloads } from '../../check/models/kube.ts'
import type { World } from '../../check/world.ts'
import { askedPath, type Book, isSidecar, migrates, type Sight, storeOf, UNKNOWN_KIND } from './sight.ts'

const PLATFORMS: Readonly<Partial<Record<Resource['type'], string>>> = {
  'ecs-service': 'ecs',
  'ecs-task': 'ecs',
  lambda: 'lambda',
  'scaling-group': 'ec2',
}

/** Everything that the cloud's descriptions say. */
export function cloudSights(world: World, book: Book): void {
  const { cloud } = world
  const cdk = world.documents('cdk-manifest').length > 0
  for (const resource of cloud) {
    const { type, at, id } = resource
    if (resource.from === 'terraform') book.see('infrastructure', 'terraform', at)
    if (resource.from === 'cloudformation')
      book.see('infrastructure', cdk || resource.construct ? 'cdk' : 'cloudformation', at)
    const platform = PLATFORMS[type]
    if (platform) book.see('platform', platform, at)
    if (type === 'lambda') lambda(resource, book)
    if (type === 'queue') book.see('queue', 'sqs', at)
    if (type === 'alarm' || type === 'composite-alarm') book.see('alert', id, at)
    if (type === 'codepipeline') book.see('pipeline', 'codepipeline', at)
    if (type === 'ecs-task') task(resource, cloud, book)
    database(resource, book)
  }
  services(cloud, book)
  for (const { says, at } of world.unseen) book.note(says, at)
  for (const alert of alertRules(world).alerts) book.see('alert', alert.name, alert.at)
}

/** A function, with what sets it off where SAM says so. */
function lambda(resource: Resource, book: Book): void {
  book.see('component', 'function', resource.at, resource.id)
  for (const [, event] of fields(field(resource, 'Events'))) {
    const type = text(fieldOf(resource, event, 'Type'))
    const path = fieldOf(resource, event, 'Properties.Path')
    const method = text(fieldOf(resource, event, 'Properties.Method'))?.toUpperCase()
    const cron = fieldOf(resource, event, 'Properties.Schedule')
    if (/^Schedule(V2)?$/.test(type ?? '')) value(book, 'schedule', cron, resource.id)
    if (!path || !method || !/^(Api|HttpApi)$/.test(type ?? '')) continue
    const written = text(path)
    // A REST API is served under its stage, or under a path of its domain.
    if (type === 'Api' || written === undefined || !/^(GET|POST|PUT|PATCH|DELETE)$/.test(method))
      book.leave(
        type === 'Api' ? 'a stage or domain stands before the paths of its API' : 'its path or method is open',
        spotOf(path),
      )
    else book.see('route', `${method} ${written.replace(/\{(\w+)\+?\}/g, ':$1')}`, spotOf(path))
  }
}

function database(resource: Resource, book: Book): void {
  if (/^(aws_db_instance|aws_rds_cluster|AWS::RDS::DB(Instance|Cluster))$/.test(resource.written))
    book.see('database', text(field(resource, 'Engine')) ?? 'rds', resource.at)
  if (/^(aws_dynamodb_table|AWS::DynamoDB::(Global)?Table|AWS::Serverless::SimpleTable)$/.test(resource.written))
    book.see('database', 'dynamodb', resource.at)
}

interface Container {
  readonly name: string
  readonly node: Node
  readonly at: Spot
}

/** The containers of a task that serve or work; a name that is computed is told by the resource that it stands in. */
function namedContainers(task: Resource): readonly Container[] {
  const listed = (containersOf(task) ?? []).filter((node) => node.kind === 'map')
  return listed.flatMap((node, i): Container[] => {
    const name = text(fieldOf(task, node, 'Name'))
    if (isSidecar(name, text(fieldOf(task, node, 'Image')))) return []
    const at = spotOf(fieldOf(task, node, 'Name') ?? node)
    return [{ name: name ?? (listed.length === 1 ? task.id : `${task.id}-${i + 1}`), node, at }]
  })
}

function task(resource: Resource, cloud: readonly Resource[], book: Book): void {
  const written = containersOf(resource)
  const unread = field(resource, 'ContainerDefinitions')
  if (!written && unread)
    book.note(`The containers of ${resource.id} are decided elsewhere: ${shown(unread)}`, spotOf(unread))
  for (const node of written ?? [])
    if (node.kind !== 'map')
      book.note(`A container of ${resource.id} is decided elsewhere: ${shown(node)}`, spotOf(node))
  const balanced = ecsServices(cloud).some((service) => service.task === resource && service.hasLoadBalancer)
  const containers = namedContainers(resource)
  for (const { name, node, at } of containers) {
    const of = (key: string) => fieldOf(resource, node, key)
    const store = storeOf(text(of('Image')))
    if (store) {
      book.see(store.what, store.value, at, name)
      continue
    }
    const mapped = of('PortMappings')
    if (isOpaque(mapped)) value(book, 'port', mapped, name)
    const ports = (isOpaque(mapped) ? [] : items(mapped)).map((port) => fieldOf(resource, port, 'ContainerPort'))
    const open = ports.length > 0 || (balanced && containers.length === 1)
    book.see('component', open ? 'web' : UNKNOWN_KIND, open && ports[0] ? spotOf(ports[0]) : at, name)
    for (const port of ports) value(book, 'port', port, name)
    value(book, 'image', of('Image'), name)
    value(book, 'stop-seconds', of('StopTimeout'), name)
    value(book, 'memory-mb', of('Memory'), name)
    names(book, 'secret-env', resource, of('Secrets'), name)
    names(book, 'env', resource, of('Environment'), name)
    const command = [of('EntryPoint'), of('Command')].flatMap(words).join(' ')
    if (command) book.see('command', command, spotOf(of('Command') ?? of('EntryPoint') ?? node), name)
    if (migrates(command)) book.see('migrate-on-start', command, spotOf(of('Command') ?? node), name)
    const health = fieldOf(resource, of('HealthCheck'), 'Command')
    const path = askedPath(words(health).join(' '))
    if (health && path) book.see('ready', path, spotOf(health), name)
  }
}

/** A value, or that it is decided elsewhere. */
function value(book: Book, what: Sight['what'], node: Node | undefined, of: string): void {
  if (!node) return
  // A number may be written as 060.
  const written = node.kind === 'scalar' && typeof node.value === 'number' ? String(node.value) : text(node)
  if (written !== undefined) book.see(what, written, spotOf(node), of, node.soft === true)
  else if (isOpaque(node)) book.see('undecided', `${what}: ${shown(node)}`, spotOf(node), of)
}

function names(book: Book, what: Sight['what'], resource: Resource, list: Node | undefined, of: string): void {
  if (isOpaque(list)) return book.see('undecided', `${what}: ${shown(list)}`, spotOf(list), of)
  for (const item of items(list)) {
    const name = fieldOf(resource, item, 'Name')
    if (text(name) !== undefined) book.see(what, text(name)!, spotOf(name!), of)
  }
}

function words(node: Node | undefined): readonly string[] {
  return items(node).flatMap((item) => text(item) ?? (isOpaque(item) ? item.text : []))
}

function shown(node: Node): string {
  const written = isOpaque(node) ? node.text : (text(node) ?? `a ${node.kind}`)
  return written.replace(/\s+/g, ' ').trim().slice(0, 120)
}

/** What a service says of the containers that it runs: how many, and what its balancer asks for. */
function services(cloud: readonly Resource[], book: Book): void {
  const all = ecsServices(cloud)
  for (const service of all) {
    const of = ownerOf(service, all)
    if (of === undefined) continue
    const { desired } = service
    if (desired.known && desired.said) book.see('replicas', String(desired.value), desired.at, of.name, desired.soft)
    else if (!desired.known) book.see('undecided', `replicas: ${desired.text}`, desired.at, of.name)
    health(service.targetGroup, book, of.name)
  }
  const groups = cloud.filter(({ type }) => type === 'target-group')
  // One that no service names, as with CodeDeploy, is asked for whatever runs.
  if (groups.length === 1 && !all.some(({ targetGroup }) => targetGroup)) health(groups[0], book, undefined)
  for (const scaling of cloud.filter(({ type }) => type === 'scaling-group')) {
    const desired = field(scaling, 'DesiredCapacity', 'desired_capacity')
    if (text(desired) !== undefined) book.see('replicas', text(desired)!, spotOf(desired!), undefined, desired!.soft)
  }
}

function ownerOf(service: EcsService, all: readonly EcsService[]): { readonly name: string | undefined } | undefined {
  const containers = service.task ? namedContainers(service.task) : []
  const named = text(
    fieldOf(service.resource, items(field(service.resource, 'LoadBalancers', 'load_balancer'))[0], 'ContainerName'),
  )
  const one = containers.find(({ name }) => name === named) ?? (containers.length === 1 ? containers[0] : undefined)
  if (one) return { name: one.name }
  // With one service, what it says holds for whatever runs.
  return all.length === 1 ? { name: undefined } : undefined
}

function health(group: Resource | undefined, book: Book, of: string | undefined): void {
  const path = group && field(group, 'HealthCheckPath', 'health_check.path')
  if (!path) return
  const written = text(path)
  if (written?.startsWith('/')) book.see('ready', written, spotOf(path), of, path.soft === true)
  else if (isOpaque(path)) book.see('undecided', `ready: ${shown(path)}`, spotOf(path), of)
}

/** Everything that Kubernetes is told. Environments of rehearsals decide nothing where production is there. */
export function kubernetesSights(world: World, book: Book): void {
  const production = world.kube.filter((object) => object.production)
  const objects = production.length > 0 ? production : world.kube
  const seen = new Set<string>()
  const once = (object: KubeObject) => {
    const key = `${object.kind} ${object.name}`
    if (object.name === '' || seen.has(key)) return false
    seen.add(key)
    return true
  }
  // A chart's objects are named at their installation; what stands after that name is the chart's own.
  const named = (object: KubeObject, main?: Node) =>
    object.name.replace(/^release-name-?/, '') || text(child(main, 'name')) || object.name
  for (const object of objects.filter(({ kind }) => kind === 'CronJob').filter(once)) {
    const place = object.at
    const name = named(object)
    book.see('platform', 'kubernetes', place)
    book.see('component', 'scheduled', place, name)
    value(book, 'schedule', child(object.node, 'spec', 'schedule'), name)
  }
  for (const workload of workloads(objects).filter(({ object }) => once(object))) {
    const { object, spec, pod } = workload
    const main = mainContainer(workload)
    const name = named(object, main)
    const place = object.at
    book.see('platform', 'kubernetes', place)
    const store = isStore(workload) ? storeOf(text(child(main, 'image'))) : undefined
    if (isStore(workload)) {
      if (store) book.see(store.what, store.value, place, name)
      continue
    }
    const port = items(child(main, 'ports'))[0]
    const shows = child(port, 'containerPort') ?? child(main, 'readinessProbe') ?? child(main, 'livenessProbe')
    book.see(
      'component',
      serves(workload) ? 'web' : UNKNOWN_KIND,
      serves(workload) && shows ? spotOf(shows) : place,
      name,
    )
    value(book, 'port', child(port, 'containerPort'), name)
    value(book, 'replicas', child(spec, 'replicas'), name)
    value(book, 'stop-seconds', child(pod, 'terminationGracePeriodSeconds'), name)
    value(book, 'image', child(main, 'image'), name)
    value(book, 'ready', child(main, 'readinessProbe', 'httpGet', 'path'), name)
    for (const variable of items(child(main, 'env'))) {
      const key = child(variable, 'name')
      if (text(key) === undefined) continue
      book.see(child(variable, 'valueFrom', 'secretKeyRef') ? 'secret-env' : 'env', text(key)!, spotOf(key!), name)
    }
    const runs = [child(main, 'command'), child(main, 'args')].flatMap(words).join(' ')
    if (runs) book.see('command', runs, spotOf(child(main, 'command') ?? child(main, 'args')!), name)
    for (const container of [...items(child(pod, 'initContainers')), ...workload.containers]) {
      const command = [child(container, 'command'), child(container, 'args')].flatMap(words).join(' ')
      if (migrates(command)) book.see('migrate-on-start', command, spotOf(container), name)
    }
  }
}
