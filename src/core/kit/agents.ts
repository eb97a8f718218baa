/** The same few rules for every coding agent, from one source: AGENTS.md, Claude Code and GitHub Copilot. */
import type { Service } from '../define/schema.ts'
import { type KitFile, single } from './file.ts'
import { deploymentFiles, globsOf } from './glob.ts'
import { HOOK_COMMAND, mcpText } from './hooks.ts'
import { agentText, deploymentText, readinessSteering } from './kiro.ts'
import { modesOf, type Source, webOf } from './source.ts'

export function agentFiles(source: Source): KitFile[] {
  const { service } = source
  const text = rulesText(service)
  const from = [['service'], ['failureModes'], ['deployment', 'rollback']]
  const deploying = [['deployment'], ['migrations']]
  const analyst = `Finds gaps in how "${service.service.name}" is deployed, watched and recovered.`
  const ready = `Is a release of "${service.service.name}" ready to go out?`
  return [
    single('agents', 'AGENTS.md', from, text),
    // Claude Code
    single('agents', 'CLAUDE.md', from, text),
    single(
      'agents',
      '.claude/agents/ops-analyst.md',
      from,
      agentText(source),
      front({ name: 'ops-analyst', description: analyst, tools: 'Read, Grep, Glob' }),
    ),
    single(
      'agents',
      '.claude/commands/release-readiness.md',
      deploying,
      readinessSteering(service),
      front({ description: ready }),
    ),
    single('agents', '.claude/settings.json', [['service', 'id']], claudeSettings()),
    single('agents', '.mcp.json', [['service', 'id']], mcpText('mcpServers')),
    // GitHub Copilot
    single('agents', '.github/copilot-instructions.md', from, text),
    single(
      'agents',
      '.github/instructions/deployments.instructions.md',
      deploying,
      deploymentText(service),
      front({ applyTo: globsOf(deploymentFiles(source)).join(',') }),
    ),
    single(
      'agents',
      '.github/agents/ops-analyst.agent.md',
      from,
      agentText(source),
      `---\nname: ops-analyst\ndescription: ${JSON.stringify(analyst)}\ntools: ["read", "search"]\n---\n`,
    ),
    single('agents', '.vscode/mcp.json', [['service', 'id']], mcpText('servers')),
  ]
}

function rulesText(service: Service): string {
  const web = webOf(service)
  return [
    `# Working on "${service.service.name}"`,
    '',
    'Citizens depend on this. Read `service.yaml` first: it is the source of alerts, runbooks and messages.',
    '- After changing deployment files run `npx holdfast check .`; after changing the definition, `npx holdfast define` and `npx holdfast kit --out .`.',
    `- Never make the stop budget shorter than a request${web ? ` (${web.requestSecondsMax} s)` : ''}, and never apply migrations when a replica starts.`,
    `- A release must be back within ${service.deployment.rollback.maxMinutes} minutes.`,
    `- Failure modes, worst first: ${modesOf(service)
      .map((mode) => mode.id)
      .join(', ')}. Others wait under \`deferred\`.`,
    '- A check that did not run has failed.',
  ].join('\n')
}

/** Claude Code brings what a hook says on standard error with exit code 2 to the agent, so the same command serves. */
function claudeSettings(): string {
  const hooks = [{ type: 'command', command: HOOK_COMMAND, timeout: 30 }]
  return `${JSON.stringify(
    {
      hooks: {
        PostToolUse: [{ matcher: 'Edit|Write', hooks }],
        UserPromptSubmit: [{ hooks }],
        PreToolUse: [{ matcher: 'Bash', hooks }],
      },
    },
    null,
    2,
  )}\n`
}

function front(values: Readonly<Record<string, string>>): string {
  return `---\n${Object.entries(values)
    .map(([name, value]) => `${name}: ${/^[A-Za-z][\w, -]*$/.test(value) ? value : JSON.stringify(value)}`)
    .join('\n')}\n---\n`
}
