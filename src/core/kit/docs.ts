/** Papers that people agree on: how releases go out and why, who is on call, what is asked afterwards, what needs a DPIA, what is ready. */
import type { Service } from '../define/schema.ts'
import { reviewOf } from '../respond/review.ts'
import { alertsFor } from './alerts.ts'
import { audiencesOf } from './comms.ts'
import { dpiaFiles } from './dpia.ts'
import { type KitFile, single } from './file.ts'
import { owedBy } from './measures.ts'
import { backCommand, isOurs } from './pipelines/way.ts'
import {
  journeysOf,
  ladderWords,
  lower,
  modesOf,
  runbookPath,
  type Source,
  sentence,
  stepsOf,
  webOf,
} from './source.ts'
import { traceText } from './specs.ts'
import { retryMinutes, untranslated } from './unavailable.ts'

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
    single('docs', 'ops/docs/trace.md', [['failureModes'], ['deployment', 'gates']], traceText(service)),
  ]
}

export function procedureText(service: Service): string {
  const { deployment, migrations } = service
  const { rollback, approvals, windows } = deployment
  const web = webOf(service)
  const sum = Object.values(rollback.budget).reduce((total, minutes) => total + minutes, 0)
  const tolerance = Math.min(...service.journeys.map((journey) => journey.tolerance.recoverMinutes))
  return [
    `# How "${service.service.name}" is deployed, and why so`,
    '',
    '## Before',
    '',
    ...deployment.gates.map(
      (gate) =>
        `- [ ] ${gate.name ?? gate.id}${gate.pass ? `: ${gate.pass}` : ''}${gate.every ? ` (${gate.every})` : ''}`,
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
          `Schema changes from \`${migrations.folder}\` go first, as a step of their own (${migrations.policy}): at most ${migrations.lockTimeoutMs} ms for a lock, ${migrations.minutesMax} minutes in all. Both releases work on the new schema.`,
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
    `\`${backCommand(service)}\`. By itself for: ${rollback.automaticFor.join(', ') || (isOurs(service) ? 'the verdict on journeys' : 'what its platform watches (ops/infrastructure)')}.`,
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
          `- Closed for ${peak.name ?? peak.id}${peak.local ? ` ${peak.local}` : ''}: ${peak.times > 1 ? `${peak.times} times the usual demand` : 'a fault would hurt most then'}${peak.except.length > 0 ? `; except ${peak.except.join(', ')}` : ''}.`,
      ),
    `- Outside of the window ${windows.emergency.approvers} people agree, with a reason that is recorded.`,
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
        `- Nothing heard of ${beat.what} for ${beat.withinMinutes} minutes: see that it runs, and until then look by hand for what it looks for.`,
    ),
    '- Telemetry lost: open the service yourself and walk through the first journey; restart the collection of metrics; nothing you see on a dashboard is true until then.',
    '',
    '## Systems of others',
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

/** Where somebody finds when the way back was last taken. */
function rehearsals(service: Service): string {
  return isOurs(service) ? 'holdfast prove log' : 'the runs of the rollback pipeline'
}

interface Box {
  readonly says: string
  /** Undefined: only a person can tell. */
  readonly holds: boolean | undefined
  readonly evidence: string
}

/** The playbook's quality checkpoints, each computed as far as the definition tells. */
export function readinessText({ service, deploymentFiles }: Source): string {
  const groups = boxes(service, deploymentFiles)
  const all = groups.flatMap((group) => group.boxes)
  const count = (holds: boolean | undefined) => all.filter((box) => box.holds === holds).length
  return [
    `# Is "${service.service.name}" ready?`,
    '',
    `${count(true)} yes, ${count(false)} no, ${count(undefined)} that only people can tell.`,
    ...groups.flatMap((group) => [
      '',
      `## ${group.title}`,
      '',
      ...group.boxes.map(
        (box) =>
          `- [${box.holds ? 'x' : ' '}] ${box.says}: ${box.holds === undefined ? 'needs a person' : box.holds ? 'yes' : 'no'}. ${sentence(box.evidence)}`,
      ),
    ]),
  ].join('\n')
}

/** Nobody can tell from here whether a translation is right; that there is none, can be told. */
function languageBoxes(service: Service): readonly Box[] {
  const others = service.service.languages.filter((language) => language !== 'en')
  if (others.length === 0) return []
  const missing = untranslated(service)
  return [
    {
      says: `Citizens are told in ${others.join(', ')} as well`,
      holds: missing.length > 0 ? false : undefined,
      evidence:
        missing.length > 0
          ? `ops/pages/unavailable.html has no words in ${missing.join(', ')} (comms.unavailable in service.yaml), and the messages in ops/comms wait for a translator`
          : 'the page has a translator’s words; the messages in ops/comms wait for theirs',
    },
  ]
}

function boxes(
  service: Service,
  files: readonly string[],
): readonly { readonly title: string; readonly boxes: readonly Box[] }[] {
  const modes = modesOf(service)
  const { deployment, oncall, comms } = service
  const kinds = new Set(deployment.gates.map((gate) => gate.kind))
  const web = webOf(service)
  const uncaught = modes.filter((mode) => !deployment.gates.some((gate) => gate.catches.includes(mode.id)))
  const sum = Object.values(deployment.rollback.budget).reduce((total, minutes) => total + minutes, 0)
  const owed = owedBy(service)
  const demanded = service.journeys.filter((journey) => journey.demand)
  return [
    {
      title: 'Specifications',
      boxes: [
        {
          says: 'The pipeline specification covers gates and the way back',
          holds: deployment.gates.length > 0,
          evidence: `${deployment.gates.length} gates in .kiro/specs/deployment-pipeline${files.length > 0 ? `, and ${files.join(', ')}` : ''}`,
        },
        {
          says: 'There is a runbook for each failure mode',
          holds: modes.length > 0,
          evidence: modes.map((mode) => runbookPath(mode)).join(', ') || 'no failure mode is defined',
        },
        {
          says: 'Objectives stand on journeys',
          holds: service.slis.some((sli) => sli.journey !== undefined),
          evidence:
            service.slis
              .filter((sli) => sli.journey !== undefined)
              .map((sli) => sli.id)
              .join(', ') || 'no indicator names a journey',
        },
        {
          says: 'Compliance covers accessibility, security and audit',
          holds: (kinds.has('accessibility') || stepsOf(service).length === 0) && kinds.has('scan'),
          evidence: [...kinds].join(', ') || 'no gate',
        },
      ],
    },
    {
      title: 'Specific to this service',
      boxes: [
        {
          says: 'Gates look for the failures this service is likely to have',
          holds: uncaught.length === 0 && modes.length > 0,
          evidence:
            uncaught.length === 0
              ? 'each failure mode is named by a gate'
              : `no gate names ${uncaught.map((mode) => mode.id).join(', ')}`,
        },
        {
          says: 'Runbooks name this service’s components and dependencies',
          holds: modes.every((mode) => mode.components.length > 0 || mode.dependsOn !== undefined),
          evidence: `${modes.filter((mode) => mode.components.length > 0 || mode.dependsOn !== undefined).length} of ${modes.length} name theirs`,
        },
        {
          says: 'Thresholds come from harm to citizens',
          holds: demanded.length > 0,
          evidence:
            demanded.length > 0
              ? `ops/alerts/thresholds.md derives them for ${demanded.map((journey) => journey.id).join(', ')}`
              : 'no journey states its demand',
        },
        {
          says: 'Checks match the data that is held',
          holds: service.data.dpia !== undefined || !service.data.kinds.some((kind) => kind.personal),
          evidence: service.data.dpia
            ? `${service.data.dpia.triggers.length} triggers of an impact assessment`
            : 'no trigger is stated',
        },
      ],
    },
    {
      title: 'Operation',
      boxes: [
        {
          says: 'The way back was tried and takes at most 15 minutes',
          holds: sum > 15 ? false : undefined,
          evidence: `planned ${sum} minutes; the last measured rehearsal is in ${rehearsals(service)}`,
        },
        {
          says: 'Health checks try what a citizen needs',
          holds: web ? web.readyChecks.length > 0 : undefined,
          evidence: web
            ? `${web.ready}: ${web.readyChecks.join(', ') || 'it is not said what it tries'}`
            : 'there is no web component',
        },
        {
          says: 'Alerts fire before citizens notice',
          holds: undefined,
          evidence:
            'ops/alerts/thresholds.md states when the first complaint is expected; holdfast check alerts proves each can fire',
        },
        {
          says: 'What the alerts rest on is measured',
          holds: owed.length === 0 ? true : undefined,
          evidence:
            owed.length === 0
              ? 'no alert needs a number of the service’s own'
              : `whoever runs the service looks that it exports ${owed.map(({ metric, value }) => `${metric} of ${value}`).join(', ')} (ops/alerts/metrics.md); nobody is watched by the alerts on a number that is missing`,
        },
        {
          says: 'Rota and escalation are written down and agreed',
          holds: oncall.rotas.length > 0 ? undefined : false,
          evidence: ladderWords(service),
        },
      ],
    },
    {
      title: 'Papers for the person on call',
      boxes: [
        {
          says: 'A stranger can follow the runbooks',
          holds: undefined,
          evidence: 'a person who is not the author follows each with a stopwatch (.kiro/specs/incident-runbooks)',
        },
        {
          says: 'Decision points are clear',
          holds: modes.every((mode) => mode.confirm.length > 0),
          evidence: 'each runbook says how to tell that it is real, what to do first and who is next',
        },
        {
          says: 'Recovery was verified by somebody other than the author',
          holds: undefined,
          evidence: `whoever took part in the last rehearsal writes it down; ${rehearsals(service)} shows when it was`,
        },
        { says: 'The review template is there', holds: true, evidence: 'ops/docs/post-incident-review.md' },
      ],
    },
    {
      title: 'Citizens',
      boxes: [
        {
          says: 'Deployment was tried under realistic load',
          holds: kinds.has('load') ? undefined : false,
          evidence: kinds.has('load')
            ? `gate ${deployment.gates
                .filter((gate) => gate.kind === 'load')
                .map((gate) => gate.id)
                .join(', ')}`
            : 'there is no load gate',
        },
        {
          says: 'Messages are ready for each audience',
          holds: comms.audiences.length > 0 && comms.mustSay.length > 0,
          evidence: comms.audiences.map((audience) => audience.id).join(', '),
        },
        ...languageBoxes(service),
        {
          says: 'Recovery is promised before citizens are harmed',
          holds: service.journeys.every(
            (journey) =>
              journey.tolerance.harmAfterMinutes === undefined ||
              journey.tolerance.recoverMinutes <= journey.tolerance.harmAfterMinutes,
          ),
          evidence: service.journeys
            .map(
              (journey) =>
                `${journey.id} ${journey.tolerance.recoverMinutes} min${journey.tolerance.harmAfterMinutes === undefined ? '' : `, harm after ${journey.tolerance.harmAfterMinutes}`}`,
            )
            .join('; '),
        },
        {
          says: 'Dashboards show citizens first',
          holds: stepsOf(service).length > 0,
          evidence: `${stepsOf(service).length} steps are counted; journeys: ${modes.flatMap((mode) => journeysOf(service, mode)).length > 0 ? service.journeys.map((journey) => journey.id).join(', ') : 'none'}`,
        },
      ],
    },
  ]
}
