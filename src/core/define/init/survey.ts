/**
 * What can be seen of a service in its repository, each with the place where it was seen. Readers look for shapes that mean
 * one thing only; what they cannot tell stays a question for people.
 */
import type { TreeFile } from '../../check/tree.ts'
import { type Path, readYaml } from '../yaml.ts'
import { routesIn } from './routes.ts'

export const SIGHTS = [
  'name',
  'component',
  'command',
  'image',
  'replicas',
  'ready',
  'stop-seconds',
  'memory-mb',
  'platform',
  'pipeline',
  'infrastructure',
  'migrations',
  'migrate-on-start',
  'database',
  'queue',
  'dependency',
  'schedule',
  'route',
  'alert',
  'runbook',
  'gate',
  'deploy',
  'language',
  'secret-env',
] as const

/** `of`: the component or job it belongs to, when there is one. */
export interface Sight {
  readonly what: (typeof SIGHTS)[number]
  readonly value: string
  readonly of?: string
  readonly file: string
  readonly line: number
}

type See = (what: Sight['what'], value: string, line: number, of?: string) => void

/** Files that `survey` reads, by path. Tests and examples speak of other services. */
export function surveyed(path: string): boolean {
  if (/(^|\/)(tests?|spec|fixtures?|examples?|__tests__|node_modules|docs\/adr)\//i.test(path))
    return /(^|\/)runbooks?\//i.test(path)
  return (
    /\.(ya?ml|json|tf|sql|md|xml|gradle|kts|txt|toml)$/i.test(path) ||
    /(^|\/)(Dockerfile[^/]*|Jenkinsfile[^/]*|Gemfile|Pipfile|Procfile)$/.test(path) ||
    /\.(js|mjs|cjs|ts|py|rb|java|kt)$/.test(path)
  )
}

/** Sights that stand in a definition as numbers: what is none, such as a parameter, is not seen. */
const NUMBERS: ReadonlySet<Sight['what']> = new Set(['replicas', 'stop-seconds', 'memory-mb'])

/** Containers that stand beside a service, and test doubles: none of them serves a citizen. */
const SIDECAR =
  /(^|[/_-])(xray-daemon|istio-proxy|envoy|linkerd-proxy|fluent-?bit|fluentd|datadog-agent|otel-collector|opentelemetry-collector|cloudwatch-agent|log[-_]router|mailhog|mailpit|mailcatcher|localstack|wiremock|adminer|pgadmin4?)([:@/]|$)/i

/** Everything seen, in the order of files. Never throws. */
export function survey(files: readonly TreeFile[]): readonly Sight[] {
  const sights: Sight[] = []
  for (const file of files) {
    const see: See = (what, value, line, of) => {
      if (NUMBERS.has(what) && !/^[1-9]\d{0,5}$/.test(value)) return
      if (sights.length < 5_000 && value.length <= 500)
        sights.push({ what, value, file: file.path, line, ...(of === undefined ? {} : { of }) })
    }
    for (const { when, read } of READERS) if (when.test(file.path)) read(file, see)
  }
  return dedupe(sights)
}

function dedupe(sights: readonly Sight[]): readonly Sight[] {
  const seen = new Set<string>()
  return sights.filter((sight) => {
    const key = `${sight.what} ${sight.of ?? ''} ${sight.value}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

const READERS: readonly { readonly when: RegExp; read(file: TreeFile, see: See): void }[] = [
  { when: /(^|\/)package\.json$/, read: packageJson },
  {
    when: /(^|\/)(requirements[^/]*\.txt|Pipfile|pyproject\.toml|Gemfile|pom\.xml|build\.gradle(\.kts)?)$/,
    read: manifest,
  },
  { when: /^(pyproject\.toml|pom\.xml|settings\.gradle(\.kts)?)$/, read: projectName },
  { when: /(^|\/)Dockerfile[^/]*$/, read: dockerfile },
  { when: /(^|\/)Procfile$/, read: procfile },
  { when: /(^|\/)(docker-)?compose[^/]*\.ya?ml$/, read: compose },
  { when: /^\.github\/workflows\/[^/]+\.ya?ml$/, read: workflow },
  { when: /(^|\/)Jenkinsfile[^/]*$/, read: jenkinsfile },
  {
    when: /(^|\/)(buildspec|appspec)[^/]*\.(ya?ml|json)$/,
    read: (file, see) => {
      see('pipeline', 'codepipeline', 1)
      eachLine(file, (text, line) => gatesIn(text, line, see))
    },
  },
  {
    when: /^(\.gitlab-ci|azure-pipelines[^/]*|bitbucket-pipelines|\.circleci\/config)\.ya?ml$/,
    read: (file, see) => {
      see('pipeline', 'other', 1)
      eachLine(file, (text, line) => gatesIn(text, line, see))
    },
  },
  { when: /\.tf$/, read: terraform },
  { when: /\.(ya?ml|json)$/, read: documents },
  {
    when: /(^|\/)(migrations?|migrate|versions|changelog)\/.*\.(sql|rb|py|js|ts|xml|ya?ml)$/,
    read: (file, see) =>
      see('migrations', file.path.replace(/((^|\/)(migrations?|migrate|versions|changelog))\/.*$/, '$1'), 1),
  },
  { when: /(^|\/)(runbooks?\/.*\.md|[^/]*runbook[^/]*\.md)$/i, read: (file, see) => see('runbook', file.path, 1) },
  { when: /(^|\/)(locales?|i18n|translations)\/(.*\/)?cy[./_-]/, read: (_, see) => see('language', 'cy', 1) },
  {
    when: /\.(js|mjs|cjs|ts|py|rb|java|kt)$/,
    read: (file, see) => {
      for (const route of routesIn(file)) see('route', `${route.method} ${route.path}`, route.line)
    },
  },
]

/** Words of a command line or a step that show a gate. */
const GATES: readonly { readonly gate: string; readonly shows: RegExp }[] = [
  {
    gate: 'unit',
    shows:
      /\b(npm (run )?test|npm t\b|yarn test|pytest|rspec|rails test|mvn (-\S+ )*(test|verify)|gradlew? (test|check|build)|go test|jest|vitest)\b/,
  },
  { gate: 'accessibility', shows: /\b(axe|pa11y|lighthouse|wave-cli)\b/i },
  {
    gate: 'scan',
    shows:
      /\b(npm audit|snyk|trivy|grype|dependency-check|dependency-review|codeql|bundle[- ]audit|pip-audit|osv-scanner|dependabot)\b/i,
  },
  { gate: 'secrets', shows: /\b(gitleaks|trufflehog|detect-secrets|git-secrets)\b/i },
  { gate: 'load', shows: /\b(k6|gatling|artillery|locust|jmeter)\b/i },
]

const DEPLOYS =
  /\b(kubectl (apply|set image|rollout)|helm (upgrade|install)|terraform apply|cdk deploy|sam deploy|serverless deploy|ecs (update-service|deploy)|aws deploy create-deployment|cf push|kamal deploy|holdfast deploy)\b|amazon-ecs-deploy-task-definition|deploy-cloudformation/

function gatesIn(text: string, line: number, see: See): void {
  for (const { gate, shows } of GATES) if (shows.test(text)) see('gate', gate, line)
  if (DEPLOYS.test(text)) see('deploy', text.match(DEPLOYS)![0], line)
}

/** Packages that show a dependency outside of the service. */
const SUPPLIERS: readonly { readonly package: RegExp; readonly what: Sight['what']; readonly value: string }[] = [
  {
    package: /^(pg|postgres|psycopg2?(-binary)?|knex|@prisma\/client|sequelize|typeorm)$|postgresql/,
    what: 'database',
    value: 'postgres',
  },
  { package: /^(mysql2?|mysqlclient|mysql-connector.*)$/, what: 'database', value: 'mysql' },
  { package: /^(mongodb|mongoose|pymongo|mongoid)$/, what: 'database', value: 'mongodb' },
  { package: /^(redis|ioredis|sidekiq|celery|bullmq?|rq)$/, what: 'queue', value: 'redis' },
  { package: /^(amqplib|pika|bunny)$/, what: 'queue', value: 'rabbitmq' },
  { package: /client-sqs|aws-sdk-sqs/, what: 'queue', value: 'sqs' },
  {
    package:
      /^(notifications-node-client|notifications-python-client|notifications-ruby-client)$|notifications-java-client/,
    what: 'dependency',
    value: 'govuk-notify',
  },
  { package: /govuk-?one-?login|passport-govuk/, what: 'dependency', value: 'one-login' },
  { package: /govuk-?pay/, what: 'dependency', value: 'govuk-pay' },
]

function supplier(name: string, line: number, see: See): void {
  for (const known of SUPPLIERS) if (known.package.test(name)) see(known.what, known.value, line)
}

function packageJson(file: TreeFile, see: See): void {
  const read = readYaml(file.text)
  const value = read.value as
    | { name?: unknown; scripts?: Record<string, unknown>; dependencies?: Record<string, unknown> }
    | null
    | undefined
  if (!value || typeof value !== 'object') return
  if (typeof value.name === 'string' && !file.path.includes('/'))
    see('name', value.name.replace(/^@[^/]+\//, ''), read.placeOf(['name']).line)
  for (const [name, run] of entriesOf(value.scripts)) {
    if (typeof run !== 'string') continue
    const { line } = read.keyPlaceOf(['scripts', name])
    if (name === 'start') see('command', run, line, 'web')
    if (name === 'start' && /migrat/.test(run)) see('migrate-on-start', run, line)
    gatesIn(`${run} ${name === 'test' ? 'npm test' : ''}`, line, see)
  }
  for (const [name] of entriesOf(value.dependencies)) supplier(name, read.keyPlaceOf(['dependencies', name]).line, see)
}

function manifest(file: TreeFile, see: See): void {
  file.text.split('\n').forEach((text, i) => {
    const names = text.match(/[A-Za-z][\w@/.-]+/g) ?? []
    for (const name of names.slice(0, 20)) supplier(name.toLowerCase().replace(/[=<>~!].*$/, ''), i + 1, see)
  })
}

/** Name of the project, where its own manifest says it; that of its parent or of a plugin is none. */
function projectName(file: TreeFile, see: See): void {
  const found = /\.xml$/.test(file.path)
    ? file.text
        .replace(/<(parent|dependencies|build|profiles)>[\s\S]*?<\/\1>/g, blank)
        .match(/<artifactId>([\w.-]+)<\/artifactId>/)
    : file.text.match(/^(?:rootProject\.)?name\s*=\s*['"]([\w.-]+)['"]/m)
  if (found) see('name', found[1]!, file.text.slice(0, found.index).split('\n').length)
}

/** As many lines and signs as before, so that places stay. */
function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}

function eachLine(file: TreeFile, look: (text: string, line: number) => void): void {
  file.text.split('\n').forEach((text, i) => void look(text, i + 1))
}

function dockerfile(file: TreeFile, see: See): void {
  file.text.split('\n').forEach((text, i) => {
    const found = text.match(/^\s*(CMD|ENTRYPOINT|HEALTHCHECK|FROM)\s+(.+)$/i)
    if (!found) return
    const [, word, rest] = found as unknown as [string, string, string]
    if (/CMD|ENTRYPOINT/i.test(word)) {
      see('command', argvOf(rest), i + 1, 'web')
      if (/migrat/.test(rest)) see('migrate-on-start', rest.trim(), i + 1)
    }
    const path = rest.match(/https?:\/\/[^/\s"']+(\/[\w./-]*)/)
    if (/HEALTHCHECK/i.test(word) && path) see('ready', path[1]!, i + 1, 'web')
  })
}

function argvOf(text: string): string {
  const list = readYaml(text.trim()).value
  return Array.isArray(list) ? list.join(' ') : text.trim()
}

function procfile(file: TreeFile, see: See): void {
  file.text.split('\n').forEach((text, i) => {
    const found = text.match(/^(\w[\w-]*):\s*(.+)$/)
    // `release` is a step before the release, not something that runs on.
    if (!found || found[1] === 'release') return
    see('component', found[1] === 'web' ? 'web' : 'worker', i + 1, found[1])
    see('command', found[2]!, i + 1, found[1])
  })
}

function jenkinsfile(file: TreeFile, see: See): void {
  see('pipeline', 'jenkins', 1)
  eachLine(file, (text, line) => gatesIn(text, line, see))
}

function terraform(file: TreeFile, see: See): void {
  see('infrastructure', 'terraform', 1)
  let inHealthCheck = false
  file.text.split('\n').forEach((text, i) => {
    const found = text.match(/^\s*resource\s+"(\w+)"\s+"([\w-]+)"/)
    if (found) resource(found[1]!, found[2]!, i + 1, see)
    const count = text.match(/^\s*(?:desired_count|desired_capacity)\s*=\s*(\d+)/)
    if (count) see('replicas', count[1]!, i + 1)
    const path = inHealthCheck ? text.match(/^\s*path\s*=\s*"(\/[\w./-]*)"/) : null
    if (path) see('ready', path[1]!, i + 1)
    if (/^\s*health_check\s*\{/.test(text)) inHealthCheck = true
    else if (/^\s*\}/.test(text)) inHealthCheck = false
  })
}

/** Kinds of resources, of Terraform and of CloudFormation alike. */
const RESOURCES: readonly { readonly kind: RegExp; readonly what: Sight['what']; readonly value: string }[] = [
  { kind: /^(aws_ecs_service|AWS::ECS::Service)$/, what: 'platform', value: 'ecs' },
  {
    kind: /^(aws_lambda_function|AWS::Lambda::Function|AWS::Serverless::Function)$/,
    what: 'platform',
    value: 'lambda',
  },
  { kind: /^(aws_autoscaling_group|AWS::AutoScaling::AutoScalingGroup)$/, what: 'platform', value: 'ec2' },
  { kind: /^(aws_db_instance|aws_rds_cluster|AWS::RDS::DB(Instance|Cluster))$/, what: 'database', value: 'rds' },
  { kind: /^(aws_sqs_queue|AWS::SQS::Queue)$/, what: 'queue', value: 'sqs' },
  {
    kind: /^(aws_cloudwatch_metric_alarm|AWS::CloudWatch::Alarm|AWS::CloudWatch::CompositeAlarm)$/,
    what: 'alert',
    value: '',
  },
  { kind: /^(aws_codepipeline|AWS::CodePipeline::Pipeline)$/, what: 'pipeline', value: 'codepipeline' },
]

function resource(kind: string, name: string, line: number, see: See): void {
  for (const known of RESOURCES)
    if (known.kind.test(kind)) see(known.what, known.value || name, line, known.what === 'platform' ? name : undefined)
}

type Doc = Record<string, unknown>

function compose(file: TreeFile, see: See): void {
  const read = readYaml(file.text)
  for (const [name, service] of entriesOf((read.value as Doc | null)?.services)) {
    if (service === null || typeof service !== 'object') continue
    if (sidecar(name, (service as Doc).image)) continue
    const at = (...path: Path) => read.keyPlaceOf(['services', name, ...path]).line
    const { image, healthcheck, stop_grace_period: stop, deploy } = service as Doc
    const store =
      typeof image === 'string' ? image.match(/(?:^|\/)(postgres|mysql|mariadb|mongo|redis|rabbitmq)/)?.[1] : undefined
    if (store) see(store === 'redis' || store === 'rabbitmq' ? 'queue' : 'database', store, at('image'), name)
    else see('component', isWorker(name) ? 'worker' : 'web', at(), name)
    const path = JSON.stringify(healthcheck ?? '').match(/https?:\/\/[^/\s"']+(\/[\w./-]*)/)
    if (path) see('ready', path[1]!, at('healthcheck'), name)
    const span = typeof stop === 'string' ? stop.match(/^(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?$/) : null
    if (span) {
      const [hours, minutes, seconds] = span.slice(1).map((part) => Number(part ?? 0)) as [number, number, number]
      see('stop-seconds', String(hours * 3_600 + minutes * 60 + seconds), at('stop_grace_period'), name)
    }
    const replicas = (deploy as { replicas?: unknown } | undefined)?.replicas
    if (typeof replicas === 'number') see('replicas', String(replicas), at('deploy', 'replicas'), name)
  }
}

function workflow(file: TreeFile, see: See): void {
  const read = readYaml(file.text)
  see('pipeline', 'github-actions', 1)
  for (const [job, body] of entriesOf((read.value as Doc | null)?.jobs)) {
    const steps = (body as Doc | null)?.steps
    if (!Array.isArray(steps)) continue
    steps.forEach((step: unknown, i) => {
      const { run, uses, name } = (step ?? {}) as Doc
      gatesIn(
        [run, uses, name].filter((part) => typeof part === 'string').join('\n'),
        read.placeOf(['jobs', job, 'steps', i]).line,
        see,
      )
    })
  }
}

/** Kubernetes, ECS, CloudFormation and Prometheus: known by what is in them, not by their names. */
function documents(file: TreeFile, see: See): void {
  if (/(^|\/)package(-lock)?\.json$/.test(file.path) || file.text.length > 1_000_000) return
  const parts = file.path.endsWith('.json') ? [{ text: file.text, line: 0 }] : splitDocuments(file.text)
  for (const part of parts) {
    if (!/apiVersion:|containerDefinitions|AWS::|desiredCount|groups:/.test(part.text)) continue
    const read = readYaml(part.text, { foreignTags: true })
    const value = read.value
    if (value === null || typeof value !== 'object' || Array.isArray(value)) continue
    const at = (path: Path) => read.keyPlaceOf(path).line + part.line
    kubernetes(value as Doc, at, see)
    ecs(value as Doc, at, see)
    cloudformation(value as Doc, at, see)
    prometheus(value as Doc, at, see)
  }
}

function splitDocuments(text: string): { text: string; line: number }[] {
  const parts: { text: string; line: number }[] = []
  let line = 0
  for (const part of text.split(/^---\s*$/m)) {
    parts.push({ text: part, line })
    line += part.split('\n').length - 1
  }
  return parts
}

function kubernetes(doc: Doc, at: (path: Path) => number, see: See): void {
  const { name } = docOf(doc.metadata)
  if (typeof doc.kind !== 'string' || typeof name !== 'string') return
  if (!['Deployment', 'StatefulSet', 'CronJob'].includes(doc.kind)) return
  see('platform', 'kubernetes', at(['kind']), name)
  const spec = docOf(doc.spec)
  if (doc.kind === 'CronJob' && typeof spec.schedule === 'string') {
    see('component', 'scheduled', at(['kind']), name)
    see('schedule', spec.schedule, at(['spec', 'schedule']), name)
    return
  }
  see('component', isWorker(name) ? 'worker' : 'web', at(['kind']), name)
  if (typeof spec.replicas === 'number') see('replicas', String(spec.replicas), at(['spec', 'replicas']), name)
  const pod = docOf(docOf(spec.template).spec)
  const path = ['spec', 'template', 'spec']
  if (typeof pod.terminationGracePeriodSeconds === 'number')
    see('stop-seconds', String(pod.terminationGracePeriodSeconds), at([...path, 'terminationGracePeriodSeconds']), name)
  const containers = docsOf(pod.containers)
  containers.forEach((container, i) => {
    if (sidecar(container.name, container.image)) return
    const probe = ((container.readinessProbe as Doc | undefined)?.httpGet as Doc | undefined)?.path
    if (typeof probe === 'string') see('ready', probe, at([...path, 'containers', i, 'readinessProbe']), name)
    if (typeof container.image === 'string')
      see('image', container.image, at([...path, 'containers', i, 'image']), name)
    const env = docsOf(container.env)
    env.forEach((variable, j) => {
      if ((variable.valueFrom as Doc | undefined)?.secretKeyRef && typeof variable.name === 'string')
        see('secret-env', variable.name, at([...path, 'containers', i, 'env', j]), name)
    })
  })
}

function ecs(doc: Doc, at: (path: Path) => number, see: See): void {
  const containers = doc.containerDefinitions
  if (Array.isArray(containers)) {
    see('platform', 'ecs', at(['containerDefinitions']))
    docsOf(containers).forEach((container, i) => {
      if (sidecar(container.name, container.image)) return
      const name = typeof container.name === 'string' ? container.name : `container-${i + 1}`
      see('component', isWorker(name) ? 'worker' : 'web', at(['containerDefinitions', i, 'name']), name)
      if (typeof container.image === 'string')
        see('image', container.image, at(['containerDefinitions', i, 'image']), name)
      if (typeof container.stopTimeout === 'number')
        see('stop-seconds', String(container.stopTimeout), at(['containerDefinitions', i, 'stopTimeout']), name)
      if (typeof container.memory === 'number')
        see('memory-mb', String(container.memory), at(['containerDefinitions', i, 'memory']), name)
      const path = JSON.stringify(container.healthCheck ?? '').match(/https?:\/\/[^/\s"'\\]+(\/[\w./-]*)/)
      if (path) see('ready', path[1]!, at(['containerDefinitions', i, 'healthCheck']), name)
      const secrets = docsOf(container.secrets)
      secrets.forEach((secret, j) => {
        if (typeof secret.name === 'string')
          see('secret-env', secret.name, at(['containerDefinitions', i, 'secrets', j]), name)
      })
    })
  }
  if (typeof doc.desiredCount === 'number') see('replicas', String(doc.desiredCount), at(['desiredCount']))
}

function cloudformation(doc: Doc, at: (path: Path) => number, see: See): void {
  const resources = entriesOf(doc.Resources)
  if (resources.some(([, body]) => String((body as Doc | null)?.Type).startsWith('AWS::')))
    see('infrastructure', 'cloudformation', at(['Resources']))
  for (const [name, body] of resources) {
    const type = String((body as Doc | null)?.Type)
    resource(type, name, at(['Resources', name]), see)
    const properties = docOf((body as Doc | null)?.Properties)
    const seeing = (what: Sight['what'], key: string) => {
      const value = properties[key]
      if (typeof value === 'string' || typeof value === 'number')
        see(what, String(value), at(['Resources', name, 'Properties', key]))
    }
    if (type === 'AWS::ECS::Service') seeing('replicas', 'DesiredCount')
    if (type === 'AWS::ElasticLoadBalancingV2::TargetGroup') seeing('ready', 'HealthCheckPath')
    if (type === 'AWS::ECS::TaskDefinition')
      docsOf(properties.ContainerDefinitions).forEach((container, i) => {
        const line = at(['Resources', name, 'Properties', 'ContainerDefinitions', i])
        if (typeof container.Name !== 'string' || sidecar(container.Name, container.Image)) return
        see('component', isWorker(container.Name) ? 'worker' : 'web', line, container.Name)
        if (typeof container.Image === 'string') see('image', container.Image, line, container.Name)
        if (typeof container.StopTimeout === 'number')
          see('stop-seconds', String(container.StopTimeout), line, container.Name)
      })
  }
}

/** A file of rules, or the same inside of the operator's PrometheusRule. */
function prometheus(doc: Doc, at: (path: Path) => number, see: See): void {
  const inside = doc.kind === 'PrometheusRule' ? ['spec'] : []
  const { groups } = doc.kind === 'PrometheusRule' ? docOf(doc.spec) : doc
  docsOf(groups).forEach((group, i) => {
    docsOf(group.rules).forEach((rule, j) => {
      if (typeof rule.alert === 'string') see('alert', rule.alert, at([...inside, 'groups', i, 'rules', j]))
    })
  })
}

function sidecar(name: unknown, image: unknown): boolean {
  return [name, image].some((text) => typeof text === 'string' && SIDECAR.test(text))
}

function isWorker(name: string): boolean {
  return /work|job|queue|render|consumer|router/.test(name)
}

/** Lists of anything, as documents; what is none becomes an empty one. */
function docsOf(value: unknown): Doc[] {
  return Array.isArray(value) ? value.map(docOf) : []
}

function docOf(value: unknown): Doc {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Doc) : {}
}

function entriesOf(value: unknown): [string, unknown][] {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : []
}
