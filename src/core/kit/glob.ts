/** Matchers of hooks are regular expressions, patterns of steering files are globs; both are made from the repository's real files. */
import type { Source } from './source.ts'

/** Used when the repository has no deployment file yet: the places where the usual tools look for theirs. */
export const USUAL_DEPLOYMENT_FILES: Readonly<Record<string, readonly string[]>> = {
  'github-actions': ['.github/workflows/release.yml'],
  codepipeline: ['buildspec.yml', 'appspec.yml'],
  jenkins: ['Jenkinsfile'],
  other: ['deploy/pipeline.yml'],
}

/** Files that decide how this service is deployed. */
export function deploymentFiles(source: Source): readonly string[] {
  return source.deploymentFiles.length > 0
    ? source.deploymentFiles
    : USUAL_DEPLOYMENT_FILES[source.service.tooling.pipeline]!
}

/** The regular expression of the hook: this repository's deployment files, and nothing that the kit writes. */
export function hookMatcher(source: Source): string {
  return matcherOf(deploymentFiles(source), source.files)
}

/** Patterns for steering files and instructions, which are globs from the root of the workspace. Signs of globs in a name match any sign. */
export function globsOf(paths: readonly string[]): readonly string[] {
  return paths.map((path) => (path.includes('/') ? '' : '**/') + path.replace(/[*?[\]{}()!@+|]/g, '?'))
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
