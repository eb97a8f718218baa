import type { Problem } from './formats/node.ts'

/** One file of a repository, read whole. `path` is relative to the root, with forward slashes. */
export interface TreeFile {
  readonly path: string
  readonly text: string
}

/** What was read of a repository. `problems` are the limits that were met while reading: each becomes a finding. */
export interface Tree {
  readonly files: readonly TreeFile[]
  readonly problems: readonly (Problem & { readonly file: string })[]
  /** Paths of all files that were seen, also of those that no rule reads; absent when only `files` are known. */
  readonly paths?: readonly string[]
  /** What the code says about names that migrations take away; absent when nobody looked. */
  readonly uses?: CodeUses
}

/** A line of code, outside migrations and documents, that holds a name which a migration drops or renames. */
export interface CodeUse {
  readonly word: string
  readonly file: string
  readonly line: number
  /** The line itself, cut at 200 characters. */
  readonly text: string
}

/** Where the running release (its git tag), or else the files at hand, still use a name. */
export interface CodeUses {
  /** The tag of the last release; absent when the working files were searched. */
  readonly release?: string
  /** Migration files that the last release already contained, and so has applied. */
  readonly applied: readonly string[]
  /** True when there was any code to search. */
  readonly searched: boolean
  readonly uses: readonly CodeUse[]
}

/** Every path that is known of the tree. */
export function pathsOf(tree: Tree): readonly string[] {
  return tree.paths ?? tree.files.map((file) => file.path)
}

/** Folders that never hold a service's own configuration. */
export const SKIPPED_FOLDERS: ReadonlySet<string> = new Set([
  '.git',
  'node_modules',
  'vendor',
  'dist',
  'build',
  'target',
  'coverage',
  '.terraform',
  '.venv',
  'venv',
  '__pycache__',
  '.holdfast',
  '.next',
  '.gradle',
  '.idea',
])

/** Bounds on what is read. Chosen so that a whole run stays under a few seconds and 300 MB on two cores. */
export const LIMITS = {
  /** A larger file is a finding, and is not read. CloudFormation itself refuses templates over 1 MB. */
  fileBytesMax: 4_000_000,
  /** Files that may be looked at by name. */
  filesSeenMax: 200_000,
  /** Files that may be read. */
  filesReadMax: 20_000,
  totalBytesMax: 256_000_000,
  depthMax: 40,
  /** Names that are remembered of files that are not read: enough to try a matcher on. */
  pathsMax: 50_000,
} as const
