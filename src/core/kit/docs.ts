/** Papers that people agree on: how releases go out and why, who is on call, what is asked afterwards, what needs a DPIA, what is ready. */
import type { Service } from '../define/schema.ts'
import { reviewOf } from '../respond/review.ts'
import { alertsFor, alertsOf, jobOf, ONCALL_GUIDE } from './alerts.ts'
import { audiencesOf } from './comms.ts'
import { dpiaFiles } from './dpia.ts'
import { type KitFile, single } from './file.ts'
import { SETUP, setupText } from './pipelines/setup.ts'
import { backCommand, byItself, emergencyCommands, isOurs, wayOf } from './pipelines/way.ts'
import { readinessText } from './readiness.ts'
import { alertName, escalationRole, lower, modesOf, runbookPath, type Source, sentence, webOf } from './source.ts'
import { traceText } from './specs.ts'
import { retryMinutes } from './unavailable.ts'

export function docFiles(source: Source): KitFile[] {
  const { service } = source
  return [
    single(
      'docs',
      'ops/docs/deployment-procedure.md',
      [['deployment'], ['migrations'], ['artefacts']],
      procedureText(service),
    ),
    single('docs', 'ops/docs/on-call.md', [['oncall'], ['comms', 'audiences'], ['dependencies']], oncallText(service)),
    single(
      'docs',
      'ops/docs/post-incident-review.md',
      [['respond'], ['journeys'], ['harmBudget']],
      reviewOf(service).text,
    ),
    ...dpiaFiles(service),
    single(
      'docs',
      'ops/docs/readiness.md',
      [['deployment'], ['failureModes'], ['slis'], ['oncall']],
      readinessText(source),
    ),
    single(
      'docs',
      SETUP,
      [['tooling'], ['environments'], ['deployment', 'approvals'], ['deployment', 'windows'], ['runtime']],
      setupText(service),
    ),
    single('docs', 'ops/docs/trace.md', [['failureModes'], ['deployment', 'gates']], traceText(service)),
  ]
}

export function procedureText(service: Service): string {
  const { deployment, migrations } = service
  const { rollback, approvals, windows } = deployment
  const web = webOf(service)
  const sum = Object.values(rollback.budget).reduce((total, minutes) => total + minutes, 0)
  const tolerance = Math.min(...service.journeys.map((journey) => journey.tolerance.recoverMinutes))
  const emergency = emergencyCommands(service)
  const afterwards = wayOf(service).schema !== undefined
  return [
    `# How "${service.service.name}" is deployed, and why so`,
    '',
    '## Before',
    '',
    ...deployment.gates.map(
      (gate) =>
        `- [ ] ${gate.name ?? gate.id}${gate.pass ? `: ${gate.pass}` : gate.kind === 'command' ? '' : ` (${gate.kind})`}${gate.every ? ` (${gate.every})` : ''}`,
    ),
    `- [ ] Approved by ${approvals.people === 0 ? 'the review of the change' : `${approvals.people} other ${approvals.people === 1 ? 'person' : 'people'}`}${approvals.roles.length > 0 ? ` (${approvals.roles.join(', ')})` : ''}; never by its author alone.`,
    `- [ ] In a window: ${windows.allow.map((window) => `${window.id.replaceAll('-', ' ')}${window.local ? ` ${window.local}` : ''}`).join('; ') || 'any time without a freeze'}.`,
    `- [ ] The way back was rehearsed in the last ${rollback.drillEveryDays} days${rollback.drillNote ? ` (${rollback.drillNote})` : ''}.`,
    '',
    '## Release',
    '',
    ...strategyLines(service),
    ...(migrations
      ? [
          `Schema changes from \`${migrations.folder}\` go first, as a step of their own (${migrations.policy}): at most ${migrations.lockTimeoutMs} ms for a lock, ${migrations.minutesMax} minutes in all. Both releases work on the new schema.${afterwards ? ` What only the old one needed goes by the schema pipeline, ${migrations.contractAfterMinutes} minutes after the new one serves alone at the earliest; no release that needs it may return then.` : ''}`,
        ]
      : []),
    ...(web
      ? [
          `Requests under way end in peace: a request takes up to ${web.requestSecondsMax} s, the balancer waits ${web.drainSeconds ?? web.requestSecondsMax} s, and a replica is stopped after ${web.stopSecondsMax} s. ${web.ready} answers only when ${web.readyChecks.join(' and ') || 'a citizen can be served'}.`,
        ]
      : []),
    ...Object.entries(deployment.inFlight).map(([what, how]) => `- ${what}: ${how}`),
    ...(deployment.verifyAfter.length > 0 ? ['', `Right after: ${deployment.verifyAfter.join('; ')}.`] : []),
    '',
    '## Back',
    '',
    `\`${backCommand(service)}\`. ${byItself(service)}`,
    ...(sum > 0
      ? [
          `${Object.entries(rollback.budget)
            .map(([part, minutes]) => `${part} ${minutes}`)
            .join(' + ')} = ${sum} minutes; ${rollback.maxMinutes} are promised.`,
        ]
      : []),
    ...(rollback.workSince ? [sentence(`Work done since: ${rollback.workSince}`)] : []),
    ...service.artefacts.map(
      (artefact) =>
        `- ${artefact.id} (${artefact.version}): ${lower(artefact.rollback)}${artefact.rollbackMinutes === undefined ? '' : `, ${artefact.rollbackMinutes} min`}${artefact.pinned ? `; ${artefact.pinned}` : ''}${artefact.approvals.length > 0 ? `; agreed by ${artefact.approvals.join(', ')}` : ''}`,
    ),
    '',
    '## Why these numbers',
    '',
    `- ${rollback.maxMinutes} minutes: the tightest journey must work again within ${tolerance}, because ${lower(service.journeys.toSorted((a, b) => a.tolerance.recoverMinutes - b.tolerance.recoverMinutes)[0]!.harmIfFails)}.`,
    ...(isOurs(service)
      ? [
          `- A good release is taken back by mistake in at most ${deployment.alpha * 100} % of cases; that is the price of acting after a handful of failures.`,
        ]
      : []),
    ...service.peaks
      .filter((peak) => peak.freeze || windows.deny.includes(peak.id))
      .map(
        (peak) =>
          `- Closed for ${lower(peak.name ?? peak.id)}${peak.local ? ` ${peak.local}` : ''}: ${peak.times > 1 ? `${peak.times} times the usual demand` : 'a fault would hurt most then'}${peak.except.length > 0 ? `; except ${peak.except.join(', ')}` : ''}.`,
      ),
    `- Outside of the window ${windows.emergency.approvers} people agree, with a reason that is recorded: \`${emergency.agreed}\`. When nobody can be asked: \`${emergency.glass}\`, which is loud.${isOurs(service) ? '' : ' The release pipeline takes the same two reasons, and the names of those who agreed from its own record.'}`,
    ...service.sources
      .filter((source) => source.kind === 'assumption')
      .map(
        (source) =>
          `- Assumed, not known: ${source.says}${source.replaceWith ? `; to be replaced by ${source.replaceWith}` : ''}.`,
      ),
  ].join('\n')
}

function strategyLines(service: Service): string[] {
  const { deployment } = service
  const lines = [deployment.strategy, ...deployment.followedBy].map((strategy) => {
    if (strategy === 'canary') {
      const { canary } = deployment
      if (canary.cohorts.length > 0)
        return [
          'Canary by group:',
          ...canary.cohorts.map(
            (cohort) =>
              `- ${cohort.says}: at least ${cohort.holdMinutes} minutes${cohort.evidence.map((need) => ` and ${need.count} ${need.what}`).join('')}${cohort.expectedMinutes ? `, which takes about ${cohort.expectedMinutes} minutes` : ''}`,
          ),
        ].join('\n')
      return `Canary: ${canary.rungs.map((rung) => `${Number((rung * 100).toFixed(1))} %`).join(' → ')} of new sessions, each step on evidence; ${canary.holdBack * 100} % stay on the old release for ${canary.bakeMinutes} minutes as a live comparison.`
    }
    if (strategy === 'blue-green')
      return `Blue-green: ${deployment.blueGreen.verifyRuns} synthetic journeys on the new release before any citizen; watched for ${deployment.blueGreen.bakeMinutes} minutes; the old one stays warm for ${deployment.blueGreen.keepWarmMinutes} minutes${deployment.blueGreen.cutOver ? `; ${deployment.blueGreen.cutOver}` : ''}.`
    if (strategy === 'shadow')
      return `Shadow: ${deployment.shadow.copies}, for at least ${deployment.shadow.minutesMin} minutes${deployment.shadow.sampleMin ? ` and ${deployment.shadow.sampleMin} comparisons` : ''}; at most ${deployment.shadow.unintendedShareMax * 100} % may differ without an explanation${deployment.shadow.intended ? ` in ${deployment.shadow.intended}` : ''}. Too little compared does not pass.`
    return `Rolling: ${deployment.rolling.batchShare * 100} % of replicas at a time${deployment.rolling.readOnlyMinutesMax ? `; read-only for at most ${deployment.rolling.readOnlyMinutesMax} minutes` : ''}.`
  })
  return [
    ...lines,
    ...deployment.byArtefact.map(
      (row) =>
        `- ${row.artefact}: ${[row.strategy, ...row.followedBy].join(', then ')}${row.evidence.length > 0 ? ` (${row.evidence.join('; ')})` : ''}`,
    ),
  ]
}

export function oncallText(service: Service): string {
  const { oncall } = service
  return [
    `# On call for "${service.service.name}"`,
    '',
    '## Who is woken',
    '',
    '| after | role | route | to |',
    '|---|---|---|---|',
    ...oncall.ladder.map(
      (rung) => `| ${rung.afterMinutes} min | ${rung.role} | ${rung.route} | ${rung.to ?? `rota "${rung.rota}"`} |`,
    ),
    '',
    `Acknowledge within ${oncall.acknowledgeMinutes} minutes, or the next one is woken. ${oncall.cover === 'always' ? 'Somebody is on call at every hour.' : `Cover: ${oncall.cover.map((hours) => `${hours.days} ${hours.local}`).join('; ')}. ${sentence(`Outside of it: ${oncall.outOfHours ?? 'nobody is on call'}`)}`}`,
    ...oncall.rotas.map(
      (rota) =>
        `- Rota "${rota.id}": ${rota.people.map((id) => oncall.people.find((person) => person.id === id)?.name ?? id).join(' → ')}, ${rota.shiftDays} days each, handed over at ${rota.handover}, since ${rota.from}.`,
    ),
    ...oncall.extra.map((extra) => `- During ${extra.peak}: ${extra.role} too.`),
    ...(oncall.twoPersons.length > 0 ? [`- Always two people: ${oncall.twoPersons.join(', ')}.`] : []),
    `The pager itself is tried every ${oncall.drillEveryDays} days.`,
    '',
    '## What can wake you',
    '',
    ...modesOf(service).map(
      (mode) => `- ${alertsFor(service, mode).join(', ') || mode.id}: ${mode.citizenSees} → \`${runbookPath(mode)}\``,
    ),
    ...service.watch.silence.map(
      (beat) =>
        `- Silent${alertName(beat.id)}: nothing was heard of ${beat.what} for ${beat.withinMinutes} minutes. See that it runs; until then somebody looks by hand for what it looks for.`,
    ),
    ...withoutRunbook(service),
    '',
    '## Systems it depends on',
    '',
    ...service.dependencies.map(
      (dependency) =>
        `- ${dependency.name ?? dependency.id} (${dependency.owner}): ${dependency.fallback ?? dependency.withoutIt ?? 'a trigger only'}${dependency.contact ? `. Call: ${dependency.contact}` : ''}${dependency.accountRef ? `. They ask for ${dependency.accountRef}` : ''}${dependency.cutOff ? `. Too late after ${dependency.cutOff}` : ''}`,
    ),
    '',
    '## Who is told',
    '',
    ...audiencesOf(service).map((line) => `- ${line}`),
    '',
    '## Closing the service on purpose',
    '',
    `\`holdfast respond page --back MOMENT --out unavailable.html\` writes the page with day and time; \`ops/pages/unavailable.html\` is for when nobody knows yet. Serve it with status 503 and Retry-After (${retryMinutes(service) * 60} s, or the moment), never with 200 or a redirect, and open the service again before the time that it names.`,
  ].join('\n')
}

/** What can wake somebody without a failure mode of its own, and what to do then. */
function withoutRunbook(service: Service): string[] {
  const names = new Set(
    alertsOf(service).flatMap(({ name, runbook, page }) => (page && runbook === ONCALL_GUIDE ? [name] : [])),
  )
  const production = service.environments.find(({ kind }) => kind === 'production')
  const at = service.service.publicUrl ?? production?.url ?? 'its public address'
  const source = isOurs(service)
    ? 'See that `holdfast serve` runs'
    : service.tooling.metrics === 'cloudwatch'
      ? 'See that the CloudWatch agent runs with `ops/alerts/cloudwatch-agent.json`'
      : `See that Prometheus scrapes the job "${jobOf(service)}" (\`ops/alerts/prometheus.yml\`)`
  const others = alertsOf(service).flatMap(({ name, journey, indicator, summary }) => {
    const known = names.has(name) ? service.journeys.find(({ id }) => id === journey) : undefined
    if (!known) return []
    return [{ name, what: indicator ? summary : `"${known.name}" fails, and no failure mode explains it` }]
  })
  return [
    ...(names.has('TelemetryLost')
      ? [
          `- TelemetryLost: open ${at} and walk through "${service.journeys[0]!.name}" yourself. ${source}; nothing you see on a dashboard is true until then.`,
        ]
      : []),
    ...(names.has('NobodyWalks')
      ? [
          `- NobodyWalks: ${isOurs(service) ? 'see that `holdfast serve --walk` runs' : 'see that whatever walks through the journeys runs'}; until then walk through them yourself every hour.`,
        ]
      : []),
    ...others.map(
      ({ name, what }) =>
        `- ${name}: ${what}. Walk through it yourself at ${at}; when it fails for you, take the newest release back (\`${backCommand(service)}\`) if one went out today, and wake the ${escalationRole(service)}.`,
    ),
  ]
}
