/** Matchers of hooks are regular expressions, patterns of steering files are globs; both are made from the repository's real files. */

/** Paths whose name alone says that they decide how the service is deployed. */
const DEPLOYMENT = [
  /^\.github\/workflows\/[^/]+\.ya?ml$/,
  /(^|\/)(buildspec|appspec)[^/]*\.(ya?ml|json)$/,
  /(^|\/)Jenkinsfile[^/]*$/,
  /(^|\/)\.gitlab-ci\.ya?ml$/,
  /(^|\/)Dockerfile[^/]*$/,
  /(^|\/)(docker-)?compose[^/]*\.ya?ml$/,
]
const NOT_OURS = /(^|\/)(tests?|spec|fixtures?|samples?|node_modules|docs)\//i
/** What makes a file one that deploys, by its content. */
const DEPLOYS =
  /\b(kubectl (apply|set image|rollout)|helm (upgrade|install)|terraform apply|cdk deploy|sam deploy|serverless deploy|update-service|create-deployment|cf push|kamal deploy|holdfast deploy)\b|environment:\s*['"]?(prod|production|live|staging|preprod)|apiVersion:\s*apps\/v1|AWS::(ECS|CodeDeploy|Lambda|AutoScaling)::|containerDefinitions|resource\s+"aws_(ecs|lambda|autoscaling|codedeploy)_/

/** Whether a file decides how releases reach citizens. Workflows count only when they deploy, or when a release could depend on them. */
export function decidesDeployment(path: string, text: string): boolean {
  // The definition speaks of deployments, and `holdfast define` looks after it.
  if (NOT_OURS.test(path) || path.startsWith('ops/') || /(^|\/)service\.yaml$/.test(path)) return false
  if (/^\.github\/workflows\//.test(path)) return DEPLOYS.test(text) || /workflow_call|\buses:\s*\.\//.test(text)
  if (DEPLOYMENT.some((known) => known.test(path))) return true
  return /\.(ya?ml|json|tf|sh)$/.test(path) && DEPLOYS.test(text)
}

/**
 * One regular expression that matches exactly these paths, relative or absolute. A folder is folded to "every file with this
 * ending" when all of its tracked files with the ending are listed.
 */
export function matcherOf(paths: readonly string[], all: readonly string[]): string {
  const listed = new Set(paths)
  const folded = new Set<string>()
  for (const path of [...paths].sort()) {
    const found = path.match(/^(.+)\/[^/]+(\.[A-Za-z0-9]+)$/)
    const siblings = found
      ? all.filter(
          (other) =>
            other.startsWith(`${found[1]}/`) &&
            other.endsWith(found[2]!) &&
            !other.slice(found[1]!.length + 1).includes('/'),
        )
      : []
    folded.add(
      found && siblings.length > 1 && siblings.every((other) => listed.has(other))
        ? `${literal(found[1]!)}/[^/]+${literal(found[2]!)}`
        : literal(path),
    )
  }
  return `(^|/)(?:${[...folded].join('|')})$`
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** Share of matched files that are wanted, and share of wanted files that are matched. */
export function measure(
  matcher: string,
  wanted: readonly string[],
  all: readonly string[],
): { precision: number; recall: number } {
  const pattern = new RegExp(matcher)
  const hit = all.filter((path) => pattern.test(path))
  const right = hit.filter((path) => wanted.includes(path)).length
  return {
    precision: hit.length === 0 ? 1 : right / hit.length,
    recall: wanted.length === 0 ? 1 : wanted.filter((path) => pattern.test(path)).length / wanted.length,
  }
}
