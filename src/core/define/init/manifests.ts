/** Files that are read by their name: manifests of packages, Dockerfiles, compose, pipelines. */
import { isNotProduction } from '../../check/detect.ts'
import type { TreeFile } from '../../check/tree.ts'
import { type Path, readYaml } from '../yaml.ts'
import { askedPath, isSidecar, migrates, type Sight, storeOf, UNKNOWN_KIND } from './sight.ts'

export type See = (what: Sight['what'], value: string, line: number, of?: string) => void

export interface Reader {
  readonly when: RegExp
  /** True for what a developer's machine is told: where a platform's own files speak, they are believed instead. */
  readonly local?: true
  read(file: TreeFile, see: See): void
}

export const READERS: readonly Reader[] = [
  { when: /(^|\/)package\.json$/, read: packageJson },
  {
    when: /(^|\/)(requirements[^/]*\.txt|Pipfile|pyproject\.toml|Gemfile|pom\.xml|build\.gradle(\.kts)?|go\.mod)$/,
    read: manifest,
  },
  { when: /^(pyproject\.toml|pom\.xml|settings\.gradle(\.kts)?|go\.mod)$/, read: projectName },
  { when: /(^|\/)Dockerfile[^/]*$/, read: dockerfile },
  { when: /(^|\/)Procfile$/, local: true, read: procfile },
  { when: /(^|\/)(docker-)?compose[^/]*\.ya?ml$/, local: true, read: compose },
  { when: /^\.github\/workflows\/[^/]+\.ya?ml$/, read: workflow },
  { when: /(^|\/)Jenkinsfile[^/]*$/, read: pipeline('jenkins') },
  { when: /(^|\/)(buildspec|appspec)[^/]*\.(ya?ml|json)$/, read: pipeline('codepipeline') },
  {
    when: /^(\.gitlab-ci|azure-pipelines[^/]*|bitbucket-pipelines|\.circleci\/config)\.ya?ml$/,
    read: pipeline('other'),
  },
  {
    when: /\.tf$/,
    read: (file, see) =>
      /^\s*(resource|module|data|terraform|provider)\b/m.test(file.text) && see('infrastructure', 'terraform', 1),
  },
  {
    when: /(^|\/)(migrations?|migrate|versions|changelog)\/.*\.(sql|rb|py|js|ts|xml|ya?ml)$/,
    read: (file, see) => {
      if (!/(^|\/)__init__\.py$/.test(file.path))
        see('migrations', file.path.replace(/((^|\/)(migrations?|migrate|versions|changelog))\/.*$/, '$1'), 1)
    },
  },
  { when: /(^|\/)(runbooks?\/.*\.md|[^/]*runbook[^/]*\.md)$/i, read: (file, see) => see('runbook', file.path, 1) },
  { when: /(^|\/)(locales?|i18n|translations)\/(.*\/)?cy[./_-]/, read: (_, see) => see('language', 'cy', 1) },
]

/** Words of a command line or a step that show a gate. */
const GATES: readonly { readonly gate: string; readonly shows: RegExp }[] = [
  {
    gate: 'unit',
    shows:
      /\b(npm (run )?test|npm t\b|yarn (run )?test|pnpm (run )?test|pytest|manage\.py test|tox\b|rspec|rails test|rake test|mvnw? (-\S+ )*(test|verify)|gradlew? (-\S+ )*(test|check|build)|go test|cargo test|dotnet test|phpunit|make (test|check)|jest|vitest)\b/,
  },
  { gate: 'accessibility', shows: /\b(axe|pa11y|a11y|lighthouse|lhci|wave-cli)\b/i },
  {
    gate: 'scan',
    shows:
      /\b((npm|yarn|pnpm|cargo) audit|govulncheck|safety check|snyk|trivy|grype|dependency-check|dependency-review|codeql|bundle[- ]audit|pip-audit|osv-scanner|dependabot)\b/i,
  },
  { gate: 'secrets', shows: /\b(gitleaks|trufflehog|detect-secrets|git-secrets)\b/i },
  { gate: 'load', shows: /\b(k6|gatling|artillery|locust|jmeter)\b/i },
]

const PIPELINE_FILES =
  /^\.github\/workflows\/[^/]+\.ya?ml$|(^|\/)Jenkinsfile[^/]*$|(^|\/)buildspec[^/]*\.ya?ml$|^(\.gitlab-ci|azure-pipelines[^/]*|bitbucket-pipelines|\.circleci\/config)\.ya?ml$/

/** Gates that a pipeline runs through a script of a package.json: `npm run a11y`. */
export function scriptGates(files: readonly TreeFile[], see: (gate: string, file: string, line: number) => void): void {
  const scripts = new Map<string, Set<string>>()
  for (const file of files.filter(({ path }) => /(^|\/)package\.json$/.test(path)))
    for (const [name, run] of entriesOf(docOf(readYaml(file.text).value).scripts)) {
      if (typeof run !== 'string') continue
      const known = scripts.get(name) ?? new Set()
      for (const { gate, shows } of GATES) if (shows.test(run)) known.add(gate)
      scripts.set(name, known)
    }
  for (const file of files.filter(({ path }) => PIPELINE_FILES.test(path)))
    eachLine(file, (text, line) => {
      for (const [, name] of text.slice(0, 2_000).matchAll(/\b(?:npm|yarn|pnpm)\s+(?:run(?:-script)?\s+)?([\w:.-]+)/g))
        for (const gate of scripts.get(name!) ?? []) see(gate, file.path, line)
    })
}

const DEPLOYS =
  /\b(kubectl (apply|set image|rollout)|helm (upgrade|install)|terraform apply|cdk deploy|sam deploy|serverless deploy|ecs (update-service|deploy)|aws deploy create-deployment|aws s3 sync|cf push|kamal deploy|holdfast deploy)\b|amazon-ecs-deploy-task-definition|deploy-cloudformation|actions\/deploy-pages/

function gatesIn(text: string, line: number, see: See): void {
  for (const { gate, shows } of GATES) if (shows.test(text)) see('gate', gate, line)
  if (DEPLOYS.test(text)) see('deploy', text.match(DEPLOYS)![0], line)
}

/** Packages that show a dependency outside of the service. */
const SUPPLIERS: readonly { readonly package: RegExp; readonly what: Sight['what']; readonly value: string }[] = [
  {
    package: /^(pg|postgres|psycopg2?(-binary)?|asyncpg|@prisma\/adapter-pg)$|postgresql|\/lib\/pq$|jackc\/pgx/,
    what: 'database',
    value: 'postgres',
  },
  {
    package: /^(mysql2?|mysqlclient|pymysql|mysql-connector.*)$|go-sql-driver\/mysql/,
    what: 'database',
    value: 'mysql',
  },
  { package: /^(mongodb|mongoose|pymongo|mongoid)$|mongo-driver/, what: 'database', value: 'mongodb' },
  { package: /^(redis|ioredis|sidekiq|bullmq?|rq)$|\/go-redis\b/, what: 'queue', value: 'redis' },
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
  const value = docOf(read.value)
  if (typeof value.name === 'string' && !file.path.includes('/'))
    see('name', value.name.replace(/^@[^/]+\//, ''), read.placeOf(['name']).line)
  for (const [name, run] of entriesOf(value.scripts)) {
    if (typeof run !== 'string') continue
    const { line } = read.keyPlaceOf(['scripts', name])
    if (name === 'start') see('command', run, line)
    if (/^(pre)?start$/.test(name) && migrates(run)) see('migrate-on-start', run, line)
    // A script that is there is a gate only where a pipeline runs it; `test` is what pipelines run.
    if (name === 'test' && !/no test specified/.test(run)) see('gate', 'unit', line)
    gatesIn(run, line, see)
  }
  for (const [name] of entriesOf(value.dependencies)) supplier(name, read.keyPlaceOf(['dependencies', name]).line, see)
}

function manifest(file: TreeFile, see: See): void {
  eachLine(file, (text, line) => {
    if (/^\s*(#|<!--)/.test(text)) return
    const names = text.slice(0, 1_000).match(/[A-Za-z][\w@/.-]+/g) ?? []
    for (const name of names.slice(0, 20)) supplier(name.toLowerCase().replace(/[=<>~!].*$/, ''), line, see)
  })
}

/** Name of the project, where its own manifest says it; that of its parent or of a plugin is none. */
function projectName(file: TreeFile, see: See): void {
  const found = /\.xml$/.test(file.path)
    ? file.text
        .replace(/<(parent|dependencies|build|profiles)>[\s\S]*?<\/\1>/g, blank)
        .match(/<artifactId>([\w.-]+)<\/artifactId>/)
    : /\.mod$/.test(file.path)
      ? file.text.match(/^module\s+(?:[^\s/]+\/)*?([\w.-]+?)(?:\/v\d+)?\s*$/m)
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
  eachLine(file, (text, line) => {
    const found = text.match(/^\s*(CMD|ENTRYPOINT|HEALTHCHECK|EXPOSE)\s+(.+)$/i)
    if (!found) return
    const [, word, rest] = found as unknown as [string, string, string]
    if (/CMD|ENTRYPOINT/i.test(word)) {
      see('command', argvOf(rest), line)
      if (migrates(rest)) see('migrate-on-start', rest.trim(), line)
    }
    if (/EXPOSE/i.test(word) && /^\d+/.test(rest)) see('port', rest.match(/^\d+/)![0], line)
    const path = askedPath(rest)
    if (/HEALTHCHECK/i.test(word) && path) see('ready', path, line)
  })
}

function argvOf(text: string): string {
  const list = readYaml(text.trim()).value
  return Array.isArray(list) ? list.join(' ') : text.trim()
}

/** Platforms that read a Procfile send requests to `web` alone. */
function procfile(file: TreeFile, see: See): void {
  eachLine(file, (text, line) => {
    const found = text.match(/^(\w[\w-]*):\s*(.+)$/)
    if (!found) return
    const [, name, command] = found as unknown as [string, string, string]
    // `release` is a step before the release, not something that runs on.
    if (name === 'release') return
    see('component', name === 'web' ? 'web' : UNKNOWN_KIND, line, name)
    see('command', command, line, name)
    if (migrates(command)) see('migrate-on-start', command, line, name)
  })
}

function pipeline(tool: string): Reader['read'] {
  return (file, see) => {
    see('pipeline', tool, 1)
    eachLine(file, (text, line) => /^\s*(#|\/\/)/.test(text) || gatesIn(text, line, see))
  }
}

type Doc = Record<string, unknown>

function compose(file: TreeFile, see: See): void {
  if (isNotProduction(file.path) || /override/.test(file.path)) return
  const read = readYaml(file.text)
  for (const [name, service] of entriesOf(docOf(read.value).services)) {
    const { image, healthcheck, stop_grace_period: stop, deploy, ports, expose, command } = docOf(service)
    if (isSidecar(name, typeof image === 'string' ? image : undefined)) continue
    const at = (...path: Path) => read.keyPlaceOf(['services', name, ...path]).line
    const store = storeOf(typeof image === 'string' ? image : undefined)
    if (store) {
      see(store.what, store.value, at('image'), name)
      continue
    }
    const open = ports ? 'ports' : expose ? 'expose' : undefined
    see('component', open ? 'web' : UNKNOWN_KIND, open ? at(open) : at(), name)
    const path = askedPath(JSON.stringify(healthcheck ?? ''))
    if (path) see('ready', path, at('healthcheck'), name)
    const span = typeof stop === 'string' ? stop.match(/^(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?$/) : null
    if (span) {
      const [hours, minutes, seconds] = span.slice(1).map((part) => Number(part ?? 0)) as [number, number, number]
      see('stop-seconds', String(hours * 3_600 + minutes * 60 + seconds), at('stop_grace_period'), name)
    }
    const replicas = docOf(deploy).replicas
    if (typeof replicas === 'number') see('replicas', String(replicas), at('deploy', 'replicas'), name)
    const words = Array.isArray(command) ? command.join(' ') : typeof command === 'string' ? command : ''
    if (words) see('command', words.replace(/\s+/g, ' ').trim(), at('command'), name)
    if (migrates(words)) see('migrate-on-start', words.replace(/\s+/g, ' ').trim(), at('command'), name)
  }
}

function workflow(file: TreeFile, see: See): void {
  const read = readYaml(file.text)
  see('pipeline', 'github-actions', 1)
  for (const [job, body] of entriesOf(docOf(read.value).jobs)) {
    const { steps } = docOf(body)
    if (!Array.isArray(steps)) continue
    steps.forEach((step: unknown, i) => {
      const { run, uses, name } = docOf(step)
      gatesIn(
        [run, uses, name].filter((part) => typeof part === 'string').join('\n'),
        read.placeOf(['jobs', job, 'steps', i]).line,
        see,
      )
    })
  }
}

function docOf(value: unknown): Doc {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Doc) : {}
}

function entriesOf(value: unknown): [string, unknown][] {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : []
}
