/** Asks git which files would be lost if they were written over. */
import { spawnSync } from 'node:child_process'

/**
 * Files below `root` whose present content git does not hold: changed, staged, or never added. Undefined outside a repository, where
 * nothing is held.
 */
export function unsavedIn(root: string, files: readonly string[]): ReadonlySet<string> | undefined {
  if (git(root, ['rev-parse', '--is-inside-work-tree'])?.trim() !== 'true') return undefined
  const held = listed(git(root, ['ls-files', '-z', '--', '.']))
  const changed = listed(git(root, ['diff', '--name-only', '--relative', '--no-ext-diff', '-z', 'HEAD', '--', '.']))
  return new Set(files.filter((file) => !held.has(file) || changed.has(file)))
}

function listed(printed: string | undefined): ReadonlySet<string> {
  return new Set((printed ?? '').split('\0'))
}

function git(root: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('git', ['-c', 'core.fsmonitor=false', '-C', root, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
    maxBuffer: 64_000_000,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, GIT_CONFIG_NOSYSTEM: '1', GIT_OPTIONAL_LOCKS: '0', GIT_EXTERNAL_DIFF: '' },
  })
  return status === 0 ? stdout : undefined
}
