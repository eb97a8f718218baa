/** Which format a file is in: first by its path, so that most of a repository is never opened, then by its first kilobytes. */

export const FORMATS = [
  'github-workflow',
  'github-action',
  'jenkinsfile',
  'codepipeline',
  'buildspec',
  'appspec',
  'jenkins-library',
  'ecs',
  'cloudformation',
  'cfn-parameters',
  'samconfig',
  'cdk-manifest',
  'terraform',
  'tfvars',
  'terraform-plan',
  'kubernetes',
  'kustomization',
  'helm',
  'helm-template',
  'helm-values',
  'compose',
  'dockerfile',
  'sql',
  'migration-code',
  'liquibase',
  'prometheus',
  'alertmanager',
  'slo',
  'grafana-alerts',
  'grafana-dashboard',
  'cloudwatch',
  'nginx',
  'haproxy',
  'kiro',
  'runbook',
  'incident-report',
  'unavailable-page',
  'package-json',
  'node-server',
] as const
export type Format = (typeof FORMATS)[number]

type Sniff = (start: string) => Format | undefined

// Rails, Alembic, Django, and the numbered files of Knex, Sequelize and TypeORM.
const CODE_MIGRATION =
  /(^|\/)(db\/migrate\/\d+_\w+\.rb|(alembic|migrations)\/versions\/\w+\.py|migrations\/\d{4}_\w+\.py|migrations?\/\d{8,}[\w-]*\.[cm]?[jt]s)$/

const byPath: readonly (readonly [RegExp, Format | Sniff])[] = [
  // Programs and documents about these files are not these files.
  [
    /(^|\/)[\w.-]*(dockerfile|containerfile|jenkinsfile)[\w.-]*\.([cm]?[jt]sx?|py|rb|go|java|md|txt|lock|html)$/i,
    () => undefined,
  ],
  [/(^|\/)\.github\/workflows\/[^/]+\.ya?ml$/, 'github-workflow'],
  [/(^|\/)action\.ya?ml$/, 'github-action'],
  [/(^|\/)(Jenkinsfile([._-][\w.-]+)?|[\w.-]+\.jenkinsfile)$/i, 'jenkinsfile'],
  [/(^|\/)\.kiro\//, 'kiro'],
  [/\.kiro\.hook$/, 'kiro'],
  // What other agents read first; Kiro reads AGENTS.md as well.
  [/(^|\/)(AGENTS|CLAUDE)\.md$|^\.github\/copilot-instructions\.md$/, 'kiro'],
  [/(^|\/)([\w.-]+[._-])?buildspec([._-][\w.-]+)?\.ya?ml$/i, 'buildspec'],
  [/(^|\/)([\w.-]+[._-])?appspec([._-][\w.-]+)?\.(ya?ml|json)$/i, 'appspec'],
  [/(^|\/)([\w.-]+\.)?(docker-)?compose([._-][\w.-]+)?\.ya?ml$/i, 'compose'],
  [/(^|\/)((Docker|Container)file([._-][\w.-]+)?|[\w.-]+\.(docker|container)file)$/i, 'dockerfile'],
  [/(^|\/)vars\/[\w.-]+\.groovy$/, 'jenkins-library'],
  [/\.tfvars(\.json)?$/, 'tfvars'],
  [/(^|\/)samconfig\.toml$/, 'samconfig'],
  // Beside templates and manifest, a CDK application's output holds the code it uploads.
  [/(^|\/)cdk\.out\/.*asset\.[\w.-]+(\/|$)|(^|\/)cdk\.out\/(tree|cdk|[\w.-]+\.assets)\.json$/, () => undefined],
  [/(^|\/)cdk\.out\/(.*\/)?manifest\.json$/, 'cdk-manifest'],
  [/\.tf$/, 'terraform'],
  // Read because `templatefile()` may name it; by itself it is nothing.
  [/\.(json|ya?ml)\.(tpl|tmpl|tftpl)$|\.tftpl$/, () => undefined],
  [/(^|\/)kustomization\.ya?ml$/, 'kustomization'],
  [/(^|\/)Chart\.ya?ml$/, 'helm'],
  [/(^|\/)templates\/[^\n]*\.(ya?ml|tpl)$/, sniffTemplate],
  [/(^|\/)(values[\w.-]*|[\w.-]+[.-]values|values\/[\w./-]+)\.ya?ml$/, 'helm-values'],
  [/\.sql$/i, sniffSql],
  [CODE_MIGRATION, 'migration-code'],
  [/(^|\/)([\w.-]*nginx[\w.-]*\.conf(\.template)?|nginx\/[\w./-]+\.conf(\.template)?)$/i, 'nginx'],
  [/(^|\/)[\w.-]*haproxy[\w.-]*\.(cfg|conf)$/i, 'haproxy'],
  [/(^|\/)[\w.-]*(unavailable|maintenance|shutter|503|sorry)[\w.-]*\.html?$/i, 'unavailable-page'],
  [/(^|\/)(runbooks?|playbooks?)\/[^\n]*\.md$|(^|\/)[\w.-]*runbook[\w.-]*\.md$/i, 'runbook'],
  [
    /(^|\/)(incidents?|post-?mortems?|incident-reports?)\/[^\n]*\.md$|(^|\/)[\w.-]*(postmortem|incident-report|incident-review)[\w.-]*\.md$/i,
    'incident-report',
  ],
  [/(^|\/)package\.json$/, 'package-json'],
  [/(^|\/)(server|app|index|main|www)\.[cm]?[jt]s$/, sniffServer],
  [/(^|\/)(package-lock|tsconfig[\w.]*|composer|pnpm-lock|yarn)\.(json|ya?ml|lock)$/, () => undefined],
  [/(^|\/)[^\n]*(changelog|changeset|liquibase|migrat)[^\n]*\.xml$/i, sniffChangelog],
  [/\.ya?ml$/, sniffYaml],
  [/\.(json|template)$/, sniffJson],
]

/** True when the path alone does not rule the file out: only then is it read. */
export function mayMatter(path: string): boolean {
  return byPath.some(([pattern]) => pattern.test(path))
}

/** The format of a file, or undefined when no rule of ours reads it. */
export function formatOf(path: string, text: string): Format | undefined {
  for (const [pattern, format] of byPath) {
    if (!pattern.test(path)) continue
    return typeof format === 'string' ? format : sniffOf(format, path, text)
  }
  return undefined
}

function sniffOf(sniff: Sniff, path: string, text: string): Format | undefined {
  if (sniff === sniffSql) return isMigrationPath(path) ? 'sql' : undefined
  // Big templates name their format in the first or, when sorted by key, in a later kilobyte.
  return sniff(text.length > 65_536 ? text.slice(0, 65_536) : text)
}

/** Flyway, Prisma, dbmate, goose, golang-migrate, Liquibase and plain numbered files; not dumps, seeds or queries. */
export function isMigrationPath(path: string): boolean {
  if (/(^|\/)(seeds?|fixtures|queries|dumps?)\//i.test(path)) return false
  const name = path.slice(path.lastIndexOf('/') + 1)
  return (
    /(^|\/)[\w.-]*(migrat|flyway|liquibase|changelog)[\w.-]*\//i.test(path) ||
    /^[VUR]?\d*[\d._]*__.+\.sql$/i.test(name) ||
    /^\d{3,}[._-].+\.sql$/.test(name) ||
    /\.(up|down)\.sql$/i.test(name)
  )
}

/** A file below a templates folder with actions in it; without any it is what it is. */
function sniffTemplate(start: string): Format | undefined {
  return start.includes('{{') ? 'helm-template' : sniffYaml(start)
}

/** A migration in a file of its own, in SQL or code. A Liquibase changelog grows, so that it is applied only in part. */
export function isMigrationFile(path: string): boolean {
  return CODE_MIGRATION.test(path) || (path.endsWith('.sql') && isMigrationPath(path))
}

function sniffChangelog(start: string): Format | undefined {
  return /<(\w+:)?databaseChangeLog\b/.test(start) ? 'liquibase' : undefined
}

function sniffSql(): Format | undefined {
  return 'sql'
}

function sniffServer(start: string): Format | undefined {
  return /\b(createServer|\.listen)\s*\(/.test(start) ? 'node-server' : undefined
}

function sniffYaml(start: string): Format | undefined {
  if (/\bAWS::[A-Z]\w+::\w+/.test(start) && /^["']?Resources["']?\s*:/m.test(start)) return 'cloudformation'
  if (/^apiVersion:/m.test(start) && /^kind:/m.test(start)) return sniffKind(start)
  // A JSON patch of Kustomize.
  if (/^- op: *\w+/m.test(start) && /^ +path: *["']?\//m.test(start)) return 'kubernetes'
  if (/^version:\s*["']?prometheus\/v1/m.test(start) && /^slos:/m.test(start)) return 'slo'
  if (/^groups:/m.test(start) && /\bdatasourceUid:/.test(start)) return 'grafana-alerts'
  if (/^groups:/m.test(start) && /\bexpr:/.test(start)) return 'prometheus'
  if (/^databaseChangeLog:/m.test(start)) return 'liquibase'
  if (/^route:/m.test(start) && /^receivers:/m.test(start)) return 'alertmanager'
  if (/\bcontainerDefinitions:/.test(start)) return 'ecs'
  return undefined
}

function sniffKind(start: string): Format {
  if (/^apiVersion:\s*["']?(openslo(\.com)?\/|sloth\.slok\.dev\/|pyrra\.dev\/)/m.test(start)) return 'slo'
  if (/^kind:\s*["']?Kustomization\b/m.test(start) && /kustomize\.config/.test(start)) return 'kustomization'
  return 'kubernetes'
}

function sniffJson(start: string): Format | undefined {
  if (/"Resources"\s*:/.test(start) && /"AWS::[A-Z]\w+::\w+"/.test(start)) return 'cloudformation'
  if (/"containerDefinitions"\s*:/.test(start)) return 'ecs'
  if (/"databaseChangeLog"\s*:\s*\[/.test(start)) return 'liquibase'
  if (/"groups"\s*:/.test(start) && /"datasourceUid"\s*:/.test(start)) return 'grafana-alerts'
  if (/"panels"\s*:\s*\[/.test(start) && /"(schemaVersion|gridPos|templating)"\s*:/.test(start))
    return 'grafana-dashboard'
  if (
    /"(MetricAlarms|CompositeAlarms)"\s*:\s*\[|"ComparisonOperator"\s*:/.test(start) &&
    !/"Resources"\s*:/.test(start)
  )
    return 'cloudwatch'
  // Sorted by key, the version stands after everything else.
  if (/"(planned_values|resource_changes)"\s*:/.test(start) && /"(terraform|format)_version"\s*:/.test(start))
    return 'terraform-plan'
  if (/^\s*\[\s*\{\s*"ParameterKey"\s*:|^\s*\{\s*"Parameters"\s*:\s*\{/.test(start) && !/"Resources"\s*:/.test(start))
    return 'cfn-parameters'
  if (/"deploymentConfiguration"\s*:/.test(start) && /"(serviceName|cluster|taskDefinition)"\s*:/.test(start))
    return 'ecs'
  if (/"pipeline"\s*:/.test(start) && /"stages"\s*:/.test(start) && /"actionTypeId"/.test(start)) return 'codepipeline'
  if (/"apiVersion"\s*:/.test(start) && /"kind"\s*:/.test(start)) return 'kubernetes'
  if (/^Resources\s*:/m.test(start) && /\bAWS::/.test(start)) return 'cloudformation'
  return undefined
}

// A file for a rehearsal environment may be as small as the team likes; only production decides.
const NOT_PRODUCTION =
  /(^|[/._-])(dev|devel|development|test|tests|testing|staging|stage|stg|preprod|pre-prod|nonprod|non-prod|qa|uat|sandbox|integration|local|demo|review|preview|ephemeral|ci|e2e|examples?|samples?|fixtures?|__tests__|testdata)([/._-]|$)/i

/** True for files that plainly belong to an environment other than production, and for tests and samples. */
export function isNotProduction(path: string): boolean {
  return NOT_PRODUCTION.test(path) && !/(^|[/._-])(prod|production|live)([/._-]|$)/i.test(path)
}
