/**
 * Kiro files that really load (engine 1.x): steering with front matter as the first bytes, a v1 hook in JSON whose matcher is made
 * from this repository, an agent that may only read, and four specs. Always-on text stays under 1,000 tokens, at four characters a token.
 */
import type { Service } from '../define/schema.ts'
import { type KitFile, single } from './file.ts'
import { matcherOf } from './glob.ts'
import { journeysOf, ladderWords, lower, modesOf, runbookPath, type Source, webOf } from './source.ts'
import { specFiles } from './specs.ts'

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

export function kiroFiles(source: Source, legacy: boolean): KitFile[] {
  const { service } = source
  return [
    single(
      'kiro',
      '.kiro/steering/product.md',
      [['service'], ['journeys'], ['peaks']],
      productText(service),
      front({ inclusion: 'always' }),
    ),
    single(
      'kiro',
      '.kiro/steering/tech.md',
      [['runtime'], ['tooling'], ['deployment']],
      techText(service),
      front({ inclusion: 'always' }),
    ),
    single(
      'kiro',
      '.kiro/steering/structure.md',
      [['runtime', 'components'], ['artefacts']],
      structureText(source),
      front({ inclusion: 'always' }),
    ),
    single(
      'kiro',
      '.kiro/steering/ops-failure-modes.md',
      [['failureModes']],
      modesText(service),
      front({ inclusion: 'always' }),
    ),
    single(
      'kiro',
      '.kiro/steering/deployments.md',
      [['deployment'], ['migrations']],
      deploymentText(service),
      front({
        inclusion: 'fileMatch',
        fileMatchPattern: deploymentFiles(source).map((path) => (path.includes('/') ? path : `**/${path}`)),
      }),
    ),
    single(
      'kiro',
      '.kiro/steering/incident-comms.md',
      [['comms']],
      commsText(service),
      front({
        inclusion: 'auto',
        name: 'incident-comms',
        description: `What to tell whom when "${service.service.name}" fails.`,
      }),
    ),
    single(
      'kiro',
      '.kiro/agents/ops-analyst.md',
      [['service'], ['failureModes']],
      agentText(service),
      agentFront(source),
    ),
    hookFile(source),
    ...(legacy ? [legacyHook(source)] : []),
    ...specFiles(source),
  ]
}

/** Front matter, the first bytes of the file: a blank line before it would load the file as always-on. */
function front(values: Readonly<Record<string, string | readonly string[]>>): string {
  return `---\n${Object.entries(values)
    .map(
      ([name, value]) =>
        `${name}: ${typeof value === 'string' && /^[a-zA-Z-]+$/.test(value) ? value : JSON.stringify(value)}`,
    )
    .join('\n')}\n---\n`
}

export function productText(service: Service): string {
  return [
    '# Product',
    '',
    `"${service.service.name}" (${service.service.phase}). In order of harm:`,
    ...service.journeys.map(
      (journey) =>
        `- ${journey.name}: ${journey.harmClass}, back within ${journey.tolerance.recoverMinutes} min. If it fails, ${lower(journey.harmIfFails)}.`,
    ),
    '',
    `Peaks: ${service.peaks.map((peak) => `${peak.name ?? peak.id}${peak.times > 1 ? ` ×${peak.times}` : ''}${peak.freeze ? ', no releases' : ''}`).join('; ') || 'none known'}.`,
    'Ask `holdfast deploy plan` before a release.',
  ].join('\n')
}

export function techText(service: Service): string {
  const web = webOf(service)
  const { deployment, tooling, migrations } = service
  return [
    '# Technology',
    '',
    `- Runs on ${service.runtime.kind}; ${service.runtime.components.map((component) => `${component.id} (${component.kind})`).join(', ')}.`,
    `- Pipeline: ${tooling.pipeline}. Infrastructure: ${tooling.infrastructure}. Metrics: ${tooling.metrics}.${tooling.traces ? ` Traces: ${tooling.traces}.` : ''}`,
    `- Releases: ${[deployment.strategy, ...deployment.followedBy].join(', then ')}; back within ${deployment.rollback.maxMinutes} min.`,
    ...(web
      ? [
          `- ${web.id}: ready at ${web.ready}; requests up to ${web.requestSecondsMax} s, stop budget ${web.stopSecondsMax} s.`,
        ]
      : []),
    ...(migrations
      ? [`- Schema changes in ${migrations.folder}: ${migrations.policy}, never when a replica starts.`]
      : []),
    `- Gates: ${deployment.gates.map((gate) => gate.id).join(', ')}.`,
  ].join('\n')
}

function structureText(source: Source): string {
  const { service } = source
  return [
    '# Structure',
    '',
    '- `service.yaml`: the definition; all else follows from it (`holdfast define`).',
    `- Deployment: ${deploymentFiles(source)
      .slice(0, 6)
      .map((path) => `\`${path}\``)
      .join(', ')}.`,
    '- `ops/runbooks/`, `ops/alerts/`, `ops/comms/`, `ops/docs/`: made by `holdfast kit`; edit only outside of its marks.',
    ...(service.artefacts.length > 0
      ? [`- Deployed apart: ${service.artefacts.map((artefact) => artefact.id).join(', ')}.`]
      : []),
  ].join('\n')
}

function modesText(service: Service): string {
  return [
    '# Failure modes, worst first',
    '',
    ...modesOf(service).map(
      (mode) =>
        `${mode.rank}. ${mode.name}${mode.silent ? ' (silent)' : ''}. First: ${lower(mode.act.first.says)}. \`${runbookPath(mode)}\``,
    ),
    '',
    'Others wait in `deferred`.',
  ].join('\n')
}

export function deploymentText(service: Service): string {
  const { rollback, inFlight, windows, approvals } = service.deployment
  const web = webOf(service)
  const sum = Object.values(rollback.budget).reduce((total, minutes) => total + minutes, 0)
  return [
    '# When you change how this is deployed',
    '',
    `- Back in ${rollback.maxMinutes} minutes: ${
      Object.entries(rollback.budget)
        .map(([part, minutes]) => `${part} ${minutes}`)
        .join(' + ') || 'no budget stated'
    }${sum > 0 ? ` = ${sum} min` : ''}; rehearsed every ${rollback.drillEveryDays} days.`,
    ...(web
      ? [
          `- No citizen cut off: request ${web.requestSecondsMax} s ≤ drain ${web.drainSeconds ?? web.requestSecondsMax} s ≤ stop ${web.stopSecondsMax} s. Keep this order.`,
          `- \`${web.ready}\` must try: ${web.readyChecks.join('; ') || 'what a citizen needs'}.`,
        ]
      : []),
    `- In flight: ${Object.entries(inFlight)
      .map(([what, how]) => `${what} ${how}`)
      .join('; ')}.`,
    `- Windows: ${windows.allow.map((window) => `${window.id}${window.local ? ` ${window.local}` : ''}`).join('; ') || 'any time'}; closed for ${[...new Set([...service.peaks.filter((peak) => peak.freeze).map((peak) => peak.id), ...windows.deny])].join(', ') || 'nothing'}.`,
    `- Approvals: ${approvals.people} inside the window, ${windows.emergency.approvers} outside; never one’s own.`,
    ...(service.migrations
      ? [
          `- Migrations: ${service.migrations.policy}; lock time-out ${service.migrations.lockTimeoutMs} ms; both releases must work on the new schema.`,
        ]
      : []),
    '- After a change run `holdfast check`. A finding that says “cannot tell” needs the file or fact it names.',
  ].join('\n')
}

function commsText(service: Service): string {
  const { comms } = service
  return [
    '# Words in an incident',
    '',
    `First public words within ${comms.firstPublicMinutes} minutes; a person approves them. Say: ${comms.mustSay.join('; ')}.`,
    `Help for citizens, the same everywhere: ${comms.contact.phone}, ${comms.contact.hours}.`,
    ...comms.audiences.map(
      (audience) =>
        `- ${audience.name ?? audience.id}: ${audience.channels.join(', ')}${audience.withinMinutes ? ` within ${audience.withinMinutes} min` : ''}${audience.when ? `, ${audience.when}` : ''}`,
    ),
    'Never: component names, error codes, “technical difficulties”, a promise about deadlines that nobody approved.',
  ].join('\n')
}

function agentFront(source: Source): string {
  // The worst failure mode's runbook shows the form; the others are read when they are asked about.
  const paths = [
    'ops/alerts/thresholds.md',
    ...modesOf(source.service).slice(0, 1).map(runbookPath),
    ...source.deploymentFiles.slice(0, 2),
  ]
  const resources = paths.map((path) => `file://${path}`)
  return `---\nname: ops-analyst\ndescription: ${JSON.stringify(`Finds gaps in how "${source.service.service.name}" is deployed, watched and recovered. Reads deployment files, alerts and runbooks only.`)}\ntools: ["read"]\nresources: ${JSON.stringify(resources)}\n---\n`
}

export function agentText(service: Service): string {
  return [
    `You find gaps in how "${service.service.name}" is deployed, watched and recovered. You read; you change nothing.`,
    '',
    'Look only at deployment files, `ops/alerts` and `ops/runbooks`. Run nothing; ask a person to run `holdfast check` and read its findings.',
    '',
    '## Ask of every deployment',
    `- What happens to requests in flight? Here: ${Object.entries(service.deployment.inFlight)
      .map(([what, how]) => `${what} ${how}`)
      .join('; ')}.`,
    ...(service.migrations
      ? [
          `- Does the running release work on the new schema (${service.migrations.folder}, ${service.migrations.policy})?`,
        ]
      : []),
    ...service.dependencies.map(
      (dependency) =>
        `- ${dependency.id} (${dependency.owner}): ${dependency.fallback ? `without it, ${lower(dependency.fallback)}` : (dependency.withoutIt ?? 'used as a trigger only')}.`,
    ),
    `- Is the way back rehearsed? Every ${service.deployment.rollback.drillEveryDays} days, within ${service.deployment.rollback.maxMinutes} minutes.`,
    '',
    '## Ask of every incident',
    ...modesOf(service).map(
      (mode) =>
        `- ${mode.name}: citizens see ${mode.citizenSees}. Confirm: ${lower(mode.confirm[0]!.says)}. First: ${lower(mode.act.first.says)}. Harm: ${journeysOf(service, mode)[0]?.harmClass ?? 'unknown'}.`,
    ),
    `- Who is woken: ${ladderWords(service)}.`,
    '',
    '## Say so when',
    '- a threshold is not derived from citizens (`ops/alerts/thresholds.md` shows how),',
    '- a step needs knowledge that only one person has,',
    '- a recovery has never been rehearsed,',
    '- a check is “not run”, which is never “passed”.',
  ].join('\n')
}

export function hookMatcher(source: Source): string {
  return matcherOf(deploymentFiles(source), source.files)
}

function hookFile(source: Source): KitFile {
  const hook = {
    version: 'v1',
    hooks: [
      {
        name: 'deployment-validator',
        description: `Checks what would hurt citizens of "${source.service.service.name}" whenever a deployment file is saved. Made by holdfast kit for Kiro 1.x.`,
        trigger: 'PostFileSave',
        matcher: hookMatcher(source),
        action: { type: 'command', command: 'npx --no-install holdfast check . --format text' },
        timeout: 30,
      },
    ],
  }
  return single(
    'kiro',
    '.kiro/hooks/deployment-validator.json',
    [['tooling', 'pipeline']],
    `${JSON.stringify(hook, null, 2)}\n`,
  )
}

/** For Kiro 0.x, which reads globs and knows no command that gets the file. */
function legacyHook(source: Source): KitFile {
  const hook = {
    name: 'deployment-validator',
    version: '1',
    when: { type: 'fileEdited', patterns: [...deploymentFiles(source)] },
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

/** AGENTS.md, CLAUDE.md and Copilot instructions, from one source. */
export function agentFiles({ service }: Source): KitFile[] {
  const text = [
    `# Working on "${service.service.name}"`,
    '',
    'Citizens depend on this. Read `service.yaml` first: it is the source of alerts, runbooks and messages.',
    '- After changing deployment files run `npx holdfast check .`; after changing the definition, `npx holdfast define` and `npx holdfast kit --out .`.',
    `- Never make the stop budget shorter than a request${webOf(service) ? ` (${webOf(service)!.requestSecondsMax} s)` : ''}, and never apply migrations when a replica starts.`,
    `- A release must be back within ${service.deployment.rollback.maxMinutes} minutes.`,
    `- Failure modes, worst first: ${modesOf(service)
      .map((mode) => mode.id)
      .join(', ')}. Others wait under \`deferred\`.`,
    '- A check that did not run has failed.',
  ].join('\n')
  const from = [['service'], ['failureModes'], ['deployment', 'rollback']]
  return [
    single('agents', 'AGENTS.md', from, text),
    single('agents', 'CLAUDE.md', from, text),
    single('agents', '.github/copilot-instructions.md', from, text),
    single(
      'agents',
      '.claude/agents/ops-analyst.md',
      [['service'], ['failureModes']],
      agentText(service),
      `---\nname: ops-analyst\ndescription: ${JSON.stringify(`Finds gaps in how "${service.service.name}" is deployed, watched and recovered.`)}\ntools: Read, Grep, Glob\n---\n`,
    ),
  ]
}

/** Files loaded in every Kiro session, for the budget of tokens. */
export function alwaysOn(files: readonly KitFile[]): readonly KitFile[] {
  return files.filter((file) => file.head?.includes('inclusion: always'))
}
