/**
 * What the running release still uses. Asks git for the newest release tag that the working copy builds on, which migrations it
 * already held, and where its code names what a pending migration takes away. Without git or a tag, the code at hand is searched.
 */
import { spawnSync } from 'node:child_process'
import { isMigrationFile } from '../../core/check/detect.ts'
import type { CodeUse, CodeUses, Tree } from '../../core/check/tree.ts'

const LINES_MAX = 2_000
const TIMEOUT_MS = 20_000
// Code, configuration of object mappers and templates; not documents, migrations, lock files or tests.
const CODE = [
  '*.js',
  '*.mjs',
  '*.cjs',
  '*.ts',
  '*.tsx',
  '*.py',
  '*.rb',
  '*.java',
  '*.kt',
  '*.go',
  '*.cs',
  '*.php',
  '*.ex',
  '*.rs',
  '*.scala',
  '*.prisma',
  '*.xml',
  '*.erb',
  '*.graphql',
]
const NOT_CODE = [
  ':(exclude,glob)**/node_modules/**',
  ':(exclude,glob)**/*migrat*/**',
  ':(exclude,glob)**/test/**',
  ':(exclude,glob)**/tests/**',
  ':(exclude,glob)**/spec/**',
]

/** Adds `uses` to a tree for the names that its pending migrations take away. Gives the tree back unchanged outside git. */
export function withUses(
  tree: Tree,
  root: string,
  names: readonly { readonly table: string; readonly word: string }[],
): Tree {
  const release = releaseOf(root)
  const words = [...new Set(names.flatMap(({ table, word }) => [word, table]))].filter((word) =>
    /^\w{2,80}$/.test(word),
  )
  if (words.length === 0)
    return release === undefined
      ? tree
      : { ...tree, uses: { release, applied: appliedIn(root, release), searched: false, uses: [] } }
  const found = grep(root, release, words)
  if (!found) return tree
  const uses: CodeUses = {
    ...(release === undefined ? {} : { release }),
    applied: release === undefined ? [] : appliedIn(root, release),
    searched: hasCode(root, release),
    uses: found,
  }
  return { ...tree, uses }
}

/** The newest tag below the working copy, or undefined. Only a tag says that something was released. */
function releaseOf(root: string): string | undefined {
  const tag = git(root, ['describe', '--tags', '--abbrev=0'])?.trim()
  return tag && /^[\w./-]{1,200}$/.test(tag) && !tag.startsWith('-') ? tag : undefined
}

/**
 * Files below `root` that differ from where the working copy left `ref` (its merge base), and new files; undefined when git cannot
 * say. Paths are relative to `root`.
 */
export function changedSince(root: string, ref: string): ReadonlySet<string> | undefined {
  if (!/^[\w./@{}~^-]{1,200}$/.test(ref) || ref.startsWith('-')) return undefined
  const base = git(root, ['merge-base', ref, 'HEAD'])?.trim() ?? ''
  if (!/^[0-9a-f]{40,64}$/.test(base)) return undefined
  const changed = git(root, ['diff', '--name-only', '--relative', '--no-ext-diff', base, '--', '.'])
  const added = git(root, ['ls-files', '--others', '--exclude-standard', '--', '.'])
  if (changed === undefined || added === undefined) return undefined
  return new Set(`${changed}\n${added}`.split('\n').filter(Boolean))
}

function appliedIn(root: string, release: string): readonly string[] {
  return (git(root, ['ls-tree', '-r', '--name-only', release, '--', '.']) ?? '').split('\n').filter(isMigrationFile)
}

function hasCode(root: string, release: string | undefined): boolean {
  const listed =
    release === undefined
      ? git(root, ['ls-files', '--', ...CODE, ...NOT_CODE])
      : git(root, ['ls-tree', '-r', '--name-only', release, '--', '.'])
  return (listed ?? '').split('\n').some((file) => CODE.some((pattern) => file.endsWith(pattern.slice(1))))
}

function grep(root: string, release: string | undefined, words: readonly string[]): readonly CodeUse[] | undefined {
  const patterns = words.flatMap((word) => ['-e', word])
  const args = [
    'grep',
    '-n',
    '-w',
    '-i',
    '-F',
    '-I',
    '--no-color',
    ...patterns,
    ...(release === undefined ? [] : [release]),
    '--',
    ...CODE,
    ...NOT_CODE,
  ]
  const printed = git(root, args, 1)
  if (printed === undefined) return undefined
  return printed
    .split('\n', LINES_MAX)
    .filter(Boolean)
    .flatMap((line) => usesIn(release === undefined ? line : line.slice(release.length + 1), words))
}

function usesIn(line: string, words: readonly string[]): readonly CodeUse[] {
  const match = /^([^:\n]+):(\d+):(.*)$/.exec(line)
  if (!match) return []
  const text = match[3]!.slice(0, 2_000)
  const present = new Set((text.match(/\w+/g) ?? []).map((word) => word.toLowerCase()))
  return words
    .filter((word) => present.has(word.toLowerCase()))
    .map((word) => ({ word, file: match[1]!, line: Number(match[2]), text: text.trim().slice(0, 200) }))
}

/** Output of git, or undefined when there is no git, no repository, or it failed. `also` is another exit code that is no failure. */
function git(root: string, args: readonly string[], also = 0): string | undefined {
  const { status, stdout } = spawnSync('git', ['-c', 'core.fsmonitor=false', '-C', root, ...args], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    maxBuffer: 64_000_000,
    stdio: ['ignore', 'pipe', 'ignore'],
    // A repository's own configuration must not make git run programs.
    env: { ...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_OPTIONAL_LOCKS: '0', GIT_EXTERNAL_DIFF: '', GIT_PAGER: 'cat' },
  })
  return status === 0 || status === also ? (stdout ?? '') : undefined
}
