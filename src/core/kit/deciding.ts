/**
 * Which files of a repository decide how its releases reach citizens: pipelines, containers, infrastructure, and what they call. Told by
 * content first, because names mislead both ways: `ci.yml` deploys, `deployment.md` does not. What deploying files call counts as well.
 */

export interface RepositoryFile {
  readonly path: string
  readonly text: string
}

/** Folders whose files serve tests, examples, documents or other people's code. */
const NOT_OURS =
  /(^|\/)(tests?|__tests__|specs?|fixtures?|samples?|examples?|testdata|node_modules|vendor|docs?|adr|decisions|\.terraform|cdk\.out)\//i
/** What the kit writes for people to read, and for telemetry: it says how the service is deployed and decides nothing. */
const PAPERS = /^ops\/(alerts|comms|dashboards|docs|pages|runbooks)\/|^ops\/kit-manifest\.json$/
/** Files for one person's machine, never for citizens. */
const LOCAL =
  /(^|\/)((docker-)?compose\.(dev|local|test|ci|override)[^/]*|[^/]*\.(local|dev|test)\.ya?ml|kind[-.]?(cluster|config)?\.ya?ml|skaffold\.ya?ml|Dockerfile\.(dev|test|local))$/i

/** Paths that by their name alone have no other purpose. */
const BY_NAME = [
  /(^|\/)(buildspec|appspec)[^/]*\.(ya?ml|json)$/,
  /(^|\/)Jenkinsfile[^/]*$/,
  /^\.gitlab-ci\.ya?ml$/,
  /^(azure-pipelines|bitbucket-pipelines)[^/]*\.ya?ml$/,
  /^\.circleci\/config\.ya?ml$/,
  /(^|\/)(Dockerfile|Containerfile)(\.[\w-]+)?$/,
  /(^|\/)(docker-)?compose[^/]*\.ya?ml$/,
  /(^|\/)Procfile$/,
  /(^|\/)(kustomization|Chart|helmfile|serverless)\.ya?ml$/,
  /(^|\/)samconfig\.toml$/,
  /(^|\/)cdk\.json$/,
  /(^|\/)config\/deploy([./][\w./-]*)?\.(ya?ml|rb)$/,
  /\.tf$/,
  /\.tfvars(\.json)?$/,
]

/** Commands, actions and objects that bring a release out. */
const DEPLOYS =
  /\b(kubectl (apply|set image|rollout|patch)|helm (upgrade|install)|helmfile (apply|sync)|argocd app sync|terraform apply|terragrunt (run-all )?apply|tofu apply|pulumi up|cdk deploy|sam deploy|serverless deploy|sls deploy|ecs (update-service|deploy)|update-service|create-deployment|update-function-code|cf push|kamal deploy|cap production deploy|gcloud run deploy|az webapp deploy\w*|flyctl deploy|ansible-playbook|holdfast deploy)\b|amazon-ecs-deploy-task-definition|deploy-cloudformation|cloudformation deploy/
const PRODUCTION = /environment:\s*(\n\s+name:\s*)?['"]?(prod|production|live|staging|preprod)\b/
/** An action or workflow whose name says that it deploys; publishing a page of documents is none. */
const CALLS_DEPLOY = /uses:\s*['"]?(?!actions\/(deploy-pages|upload-pages))[\w./@-]*deploy[\w./@-]*/i
const KUBERNETES = /^apiVersion:\s*\S+[\s\S]*^kind:\s*(?!Cluster\b|CustomResourceDefinition\b)\w+/m
const CLOUD = /AWS::\w+::\w+|"?containerDefinitions"?\s*:|AWSTemplateFormatVersion|AWS::Serverless|"?desiredCount"?\s*:/
const CDK = /from ['"]aws-cdk-lib|require\(['"]aws-cdk-lib|from aws_cdk\b|import aws_cdk\b/

/** Bytes of one file that are looked at; what deploys stands near the top of every real pipeline. */
const LOOKED_AT = 200_000

/** Files that may decide it, before their text is read: for whoever lists a repository. */
export function mayDecide(path: string): boolean {
  return (
    /\.(ya?ml|json|tf|tfvars|toml|sh|groovy)$/.test(path) ||
    /(^|\/)(Dockerfile|Containerfile|Jenkinsfile|Makefile|Procfile)[^/]*$/.test(path) ||
    /(^|\/)(bin|scripts?|ci|deploy|ops|hack)\/[^/.]+$/.test(path) ||
    /(^|\/)(config\/deploy|Capfile)[^/]*/.test(path) ||
    /(^|\/)(cdk|infra|infrastructure|stacks|lib|bin)\/[^.]*\.(ts|py)$/.test(path)
  )
}

/** One file by itself; what others call is told by `decidingFiles`. */
export function decidesDeployment(path: string, text: string): boolean {
  // The definition speaks of deployments, and `holdfast define` looks after it.
  if (NOT_OURS.test(path) || LOCAL.test(path) || isPaper(path) || isNever(path)) return false
  const body = text.slice(0, LOOKED_AT)
  if (/^\.github\/(workflows|actions)\//.test(path))
    return /\.ya?ml$/.test(path) && (DEPLOYS.test(body) || PRODUCTION.test(body) || CALLS_DEPLOY.test(body))
  if (BY_NAME.some((known) => known.test(path))) return true
  if (/\.(ts|py)$/.test(path)) return CDK.test(body)
  if (/(^|\/)Makefile[^/]*$|\.(sh|groovy)$/.test(path) || !/\.[^/]+$/.test(path)) return DEPLOYS.test(body)
  return /\.(ya?ml|json)$/.test(path) && (DEPLOYS.test(body) || KUBERNETES.test(body) || CLOUD.test(body))
}

/** Never a deployment file, whatever its text: it names commands without running them, or another tool writes it. */
function isNever(path: string): boolean {
  return (
    /(^|\/)service\.yaml$/.test(path) ||
    /(^|\/)(package(-lock)?|composer|tsconfig[^/]*|renovate|lerna|nx)\.json$/.test(path) ||
    /(^|\/)(pnpm-lock|\.?golangci|mkdocs|\.pre-commit-config|dependabot|openapi[^/]*|swagger[^/]*)\.ya?ml$/.test(
      path,
    ) ||
    /(^|\/)\.(kiro|claude|vscode|cursor|agents|idea)\//.test(path) ||
    /\.md$/.test(path)
  )
}

export function isPaper(path: string): boolean {
  return PAPERS.test(path)
}

/** All of them: those that decide by themselves, and those that they call. `files` may be any part of the repository. */
export function decidingFiles(files: readonly RepositoryFile[]): readonly string[] {
  const ours = files.filter(({ path }) => !NOT_OURS.test(path) && !isNever(path) && !isPaper(path))
  const deciding = new Set(ours.filter(({ path, text }) => decidesDeployment(path, text)).map(({ path }) => path))
  addCharts(ours, deciding)
  // References lead from file to file: a workflow to an action, the action to a script. Each pass adds at least one, or it is over.
  for (let before = -1; before !== deciding.size; ) {
    before = deciding.size
    for (const file of ours) {
      if (deciding.has(file.path)) {
        for (const named of ours) if (!deciding.has(named.path) && calls(file, named)) deciding.add(named.path)
      } else if (
        isWorkflow(file.path) &&
        ours.some((other) => deciding.has(other.path) && brings(other) && calls(file, other))
      )
        deciding.add(file.path)
    }
  }
  return [...deciding].sort()
}

/** Whoever runs this brings a release out: a workflow, or a script that deploys. A Dockerfile may also be named by a linter. */
function brings({ path, text }: RepositoryFile): boolean {
  return isWorkflow(path) || ((/\.sh$/.test(path) || !/\.[^/]+$/.test(path)) && DEPLOYS.test(text.slice(0, LOOKED_AT)))
}

function isWorkflow(path: string): boolean {
  return /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path)
}

/** All of a Helm chart: its values and templates are what is deployed. */
function addCharts(files: readonly RepositoryFile[], deciding: Set<string>): void {
  const charts = files.flatMap(({ path }) =>
    /(^|\/)Chart\.ya?ml$/.test(path) ? [path.replace(/Chart\.ya?ml$/, '')] : [],
  )
  for (const { path } of files)
    if (
      charts.some(
        (chart) =>
          path.startsWith(chart) &&
          /^(values[^/]*\.ya?ml|templates\/[^.]+\.(ya?ml|tpl))$/.test(path.slice(chart.length)),
      )
    )
      deciding.add(path)
}

/** Whether one file runs, includes or reads the other when it deploys. */
function calls(from: RepositoryFile, to: RepositoryFile): boolean {
  const { path } = to
  const text = from.text.slice(0, LOOKED_AT)
  if (/^\.github\/actions\//.test(path)) {
    const folder = path.replace(/\/action\.ya?ml$/, '')
    return folder !== path && named(text, `./${folder}`)
  }
  if (isWorkflow(path)) return isWorkflow(from.path) && named(text, `./${path}`)
  if (/(^|\/)Makefile$/.test(path)) return /(^|[\s;&"'])make\s+[\w-]*(deploy|release|rollback|ship|publish)/m.test(text)
  if (/^vars\/(\w+)\.groovy$/.test(path))
    return new RegExp(`\\b${/^vars\/(\w+)/.exec(path)![1]}\\b`).test(text) && /Jenkinsfile/.test(from.path)
  // Scripts, playbooks and values are named by their path, from the root or from the folder of the one that calls.
  if (!/\.(sh|ya?ml|json|groovy|toml)$/.test(path) && /\.[^/]+$/.test(path)) return false
  if (!/[./]/.test(path)) return false
  const beside = from.path.includes('/') ? relativeTo(from.path, path) : undefined
  return named(text, path) || (beside !== undefined && named(text, beside))
}

function relativeTo(from: string, path: string): string | undefined {
  const folder = from.slice(0, from.lastIndexOf('/') + 1)
  const inner = path.startsWith(folder) ? path.slice(folder.length) : undefined
  // A bare file name is named everywhere; only what stands in a folder below is surely meant.
  return inner?.includes('/') ? inner : undefined
}

/** The path as a word of its own. */
function named(text: string, path: string): boolean {
  for (let at = text.indexOf(path); at >= 0; at = text.indexOf(path, at + 1)) {
    const before = text[at - 1] ?? ' '
    const after = text[at + path.length] ?? ' '
    if (!/[\w-]/.test(before) && !/[\w.-]/.test(after)) return true
  }
  return false
}
