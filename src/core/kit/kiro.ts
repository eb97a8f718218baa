/**
 * Kiro files that really load (engine 1.x): steering with front matter as the first bytes, a v1 hook in JSON whose matcher is made
 * from this repository, an agent that may only read, and four specs. Always-on text stays under 1,000 tokens, at four characters a token.
 */
import type { Service } from '../define/schema.ts'
import { type KitFile, render, single } from './file.ts'
import { deploymentFiles, globsOf } from './glob.ts'
import { hookFiles } from './hooks.ts'
import { isOurs, windowCommand } from './pipelines/way.ts'
import { pipelineFiles } from './pipelines.ts'
import { journeysOf, ladderWords, lower, modesOf, runbookPath, type Source, webOf } from './source.ts'
import { specFiles } from './specs.ts'

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
        fileMatchPattern: globsOf(deploymentFiles(source)),
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
      '.kiro/steering/release-readiness.md',
      [['deployment'], ['failureModes'], ['slis']],
      readinessSteering(service),
      front({ inclusion: 'manual', description: `Is a release of "${service.service.name}" ready to go out?` }),
    ),
    single(
      'kiro',
      '.kiro/agents/ops-analyst.md',
      [['service'], ['failureModes']],
      agentText(source),
      agentFront(source),
    ),
    ...hookFiles(source, legacy),
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
    'Before all else: citizens are served during releases, faults are seen before they are reported, anybody can recover, compliance runs by itself.',
    `Ask \`${windowCommand(service).replace(' --release NAME', '')}\` before a release.`,
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
    `- Watched by journey, not by server.${tooling.logs ? ` Logs: ${tooling.logs}.` : ''}${tooling.pager ? ` Pages: ${tooling.pager}.` : ''}`,
    `- Compliance: ${complianceWords(service)}; ${isOurs(service) ? 'every decision is logged (`holdfast prove log`)' : 'the pipeline keeps the evidence of each release'}.`,
  ].join('\n')
}

/** What of accessibility, security and data protection this service has said it checks. */
function complianceWords(service: Service): string {
  const has = (...kinds: string[]) => service.deployment.gates.some((gate) => kinds.includes(gate.kind))
  const triggers = service.data.dpia?.triggers.length ?? 0
  return [
    has('accessibility') ? 'WCAG 2.2 AA' : 'no accessibility gate',
    has('scan') ? 'dependency scan' : 'no dependency scan',
    has('secrets') ? 'secrets scan' : 'no secrets scan',
    triggers > 0 ? `${triggers} DPIA triggers (\`ops/docs/dpia-screening.md\`)` : 'no DPIA trigger',
  ].join(', ')
}

function structureText(source: Source): string {
  const { service } = source
  const deploying = deploymentFiles(source)
  return [
    '# Structure',
    '',
    '- `service.yaml`: the definition; all else follows from it (`holdfast define`).',
    `- Deployment: ${deploying
      .slice(0, 6)
      .map((path) => `\`${path}\``)
      .join(', ')}${deploying.length > 6 ? ` and ${deploying.length - 6} more` : ''}.`,
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

/** Loaded by hand, as `/release-readiness`: how to answer, and what no machine can. */
export function readinessSteering(service: Service): string {
  const { deployment, oncall } = service
  return [
    `# Is a release of "${service.service.name}" ready?`,
    '',
    'Answer each point with yes, no or “cannot tell”, and say where you saw it. A check that did not run is a no. Never say “ready” while one is open.',
    '',
    '## Ask the tools',
    '',
    ...(isOurs(service)
      ? ['- `holdfast deploy plan --release NAME`: window, gates, approvals, time to a verdict, worst harm.']
      : ['- `holdfast deploy window`: is the window open, and when is the next one?']),
    '- `holdfast check .`: what in the configuration would hurt citizens.',
    '- `holdfast check alerts ops/alerts`: can each alert fire, and how many citizens later?',
    '- `holdfast kit --check --out .`: does the kit still say what `service.yaml` says?',
    isOurs(service)
      ? '- `holdfast prove log`: when was a release last taken back, and how long did it take?'
      : '- The runs of the rollback pipeline: when was a release last taken back, and how long did it take?',
    '',
    '## Gates of this service',
    '',
    ...deployment.gates.map((gate) => `- ${gate.name ?? gate.id}${gate.pass ? `: ${gate.pass}` : ''}`),
    '',
    '## What only people can tell',
    '',
    `- Was the way back rehearsed in the last ${deployment.rollback.drillEveryDays} days, within ${deployment.rollback.maxMinutes} minutes, by somebody other than the author?`,
    ...modesOf(service).map(
      (mode) => `- Has a stranger followed \`${runbookPath(mode)}\` (${mode.name})? Would a gate have caught it?`,
    ),
    `- Do ${oncall.ladder.map((rung) => `the ${rung.role}`).join(' and ')} know that a release goes out?`,
    `- Are the words for ${service.comms.audiences.map((audience) => audience.name ?? audience.id).join(', ') || 'citizens'} read and still true (\`ops/comms\`)?`,
    '',
    'The boxes, as far as they can be computed: `ops/docs/readiness.md`.',
  ].join('\n')
}

/** Tokens of one deployment file that the analyst carries with it; a longer one it opens itself, by the path that its prompt names. */
const RESOURCE_TOKENS_MAX = 1_500

function agentFront(source: Source): string {
  // The worst failure mode's runbook shows the form; the others are read when they are asked about.
  const small = pipelineFiles(source).filter((file) => render(file).length / 4 <= RESOURCE_TOKENS_MAX)
  const paths = [
    'ops/alerts/thresholds.md',
    ...modesOf(source.service).slice(0, 1).map(runbookPath),
    ...small.slice(0, 1).map((file) => file.path),
  ]
  const resources = paths.map((path) => `file://${path}`)
  const description = `Finds gaps in how "${source.service.service.name}" is deployed, watched and recovered. Reads deployment files, alerts and runbooks only.`
  // Tools allow reading alone; the rules say so once more, for versions that give an agent more than it asks for.
  const denied = ['fs_write', 'shell', 'web_fetch'].map((capability) => ({ capability, effect: 'deny' }))
  return `---\n${[
    'name: ops-analyst',
    `description: ${JSON.stringify(description)}`,
    'tools: ["read"]',
    `permissions: ${JSON.stringify({ rules: denied })}`,
    `resources: ${JSON.stringify(resources)}`,
  ].join('\n')}\n---\n`
}

export function agentText(source: Source): string {
  const { service } = source
  const deploying = deploymentFiles(source)
  return [
    `You find gaps in how "${service.service.name}" is deployed, watched and recovered. You read; you change nothing.`,
    '',
    `Look only at deployment files (${deploying
      .slice(0, 6)
      .map((path) => `\`${path}\``)
      .join(
        ', ',
      )}${deploying.length > 6 ? ` and ${deploying.length - 6} more` : ''}), \`ops/alerts\` and \`ops/runbooks\`. Run nothing; ask a person to run \`holdfast check\` and read its findings.`,
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

/** Files loaded in every Kiro session, for the budget of tokens. */
export function alwaysOn(files: readonly KitFile[]): readonly KitFile[] {
  return files.filter((file) => file.head?.includes('inclusion: always'))
}
