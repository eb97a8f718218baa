/**
 * Hooks for agents. All run one command, which reads the event and decides what to do: it judges a saved deployment file, tells the
 * agent what stands when a turn begins, and stops a shell command that would deploy while an error stands. The command writes only its
 * own report below the state folder, so no hook can set another off. A hook is advice; the pipeline runs the same check as a gate.
 */
import { type KitFile, single } from './file.ts'
import { deploymentFiles, globsOf, hookMatcher } from './glob.ts'
import type { Source } from './source.ts'

/** `--no-install`: the version that the repository has locked, or none; never one from the network. */
export const HOOK_COMMAND = 'npx --no-install holdfast check --hook'
const HOOK_SECONDS = 30

export function hookFiles(source: Source, legacy: boolean): KitFile[] {
  const name = source.service.service.name
  const action = { type: 'command', command: HOOK_COMMAND }
  const validator = {
    version: 'v1',
    hooks: [
      {
        name: 'deployment-validator',
        description: `Checks what would hurt citizens of "${name}" whenever a deployment file is saved. Made by holdfast kit for Kiro 1.x.`,
        trigger: 'PostFileSave',
        matcher: hookMatcher(source),
        action,
        timeout: HOOK_SECONDS,
      },
      {
        // What a save hook prints reaches nobody, so the next turn of the agent brings it.
        name: 'deployment-validator-report',
        description:
          'Tells the agent which findings stand, once for each state of them. Made by holdfast kit for Kiro 1.x.',
        trigger: 'UserPromptSubmit',
        action,
        timeout: HOOK_SECONDS,
      },
    ],
  }
  const guard = {
    version: 'v1',
    hooks: [
      {
        name: 'release-guard',
        description: `Stops a command that deploys "${name}" while a deployment file has an error that would keep a bad release from being taken back. Made by holdfast kit for Kiro 1.x.`,
        trigger: 'PreToolUse',
        matcher: 'shell',
        action,
        timeout: HOOK_SECONDS,
      },
    ],
  }
  const from = [
    ['tooling', 'pipeline'],
    ['service', 'name'],
  ]
  return [
    single('kiro', '.kiro/hooks/deployment-validator.json', from, `${JSON.stringify(validator, null, 2)}\n`),
    single('kiro', '.kiro/hooks/release-guard.json', [['service', 'name']], `${JSON.stringify(guard, null, 2)}\n`),
    ...(legacy ? [legacyHook(source)] : []),
    single('kiro', '.kiro/settings/mcp.json', [['service', 'id']], mcpText('mcpServers')),
    single('kiro', '.kiroignore', [['service', 'id']], ignoreText()),
  ]
}

/** For Kiro 0.x, which reads globs and knows no command that gets the file: it checks everything. */
function legacyHook(source: Source): KitFile {
  const hook = {
    name: 'deployment-validator',
    version: '1',
    when: { type: 'fileEdited', patterns: globsOf(deploymentFiles(source)) },
    // biome-ignore lint/suspicious/noThenProperty: the format of Kiro 0.x says "then".
    then: { type: 'runCommand', command: 'npx --no-install holdfast check . --format text' },
  }
  return single(
    'kiro',
    '.kiro/hooks/deployment-validator.kiro.hook',
    [['tooling', 'pipeline']],
    `${JSON.stringify(hook, null, 2)}\n`,
  )
}

/** The server of `holdfast mcp`, for a client that keeps its servers under this key. Pinned by the repository's lock file. */
export function mcpText(key: 'mcpServers' | 'servers'): string {
  const server = { command: 'npx', args: ['--no-install', 'holdfast', 'mcp'] }
  const holdfast = key === 'servers' ? { type: 'stdio', ...server } : server
  return `${JSON.stringify({ [key]: { holdfast } }, null, 2)}\n`
}

/** What an agent has no need to read: secrets, what is built or installed, and copies of what it can read better elsewhere. */
function ignoreText(): string {
  return [
    '# Secrets have no place in an agent’s context.',
    '.env',
    '.env.*',
    '*.pem',
    '*.key',
    '*.tfstate',
    '*.tfstate.*',
    '*.tfvars',
    '# What is installed, built or measured fills the context and says nothing.',
    'node_modules/',
    'dist/',
    'coverage/',
    '.holdfast/',
    '# Made from the runbooks beside it, and three times as long.',
    'ops/runbooks/offline.html',
  ].join('\n')
}
