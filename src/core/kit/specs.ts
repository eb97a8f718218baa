/**
 * The playbook's four specifications: requirements in EARS, design, and tasks of 30 to 60 minutes with a done criterion. Each failure
 * mode can be followed: requirement → task → alert → runbook → gate.
 */
import { createHash } from 'node:crypto'
import type { FailureMode, Service } from '../define/schema.ts'
import { alertsFor } from './alerts.ts'
import { type KitFile, single } from './file.ts'
import {
  durationWords,
  journeysOf,
  lower,
  modesOf,
  pathOf,
  runbookPath,
  type Source,
  stepsOf,
  webOf,
} from './source.ts'

interface Requirement {
  readonly title: string
  readonly story: string
  /** EARS: each has one SHALL. */
  readonly criteria: readonly string[]
}

interface Task {
  readonly title: string
  readonly details: readonly string[]
  readonly done: string
  /** Numbers of requirements, as "1.2". */
  readonly meets: readonly string[]
}

interface Spec {
  readonly folder: string
  readonly title: string
  readonly requirements: readonly Requirement[]
  readonly design: readonly string[]
  readonly tasks: readonly { readonly group: string; readonly tasks: readonly Task[] }[]
}

export function specFiles({ service }: Source): KitFile[] {
  return [pipeline(service), runbooks(service), monitoring(service), compliance(service)].flatMap((spec) =>
    filesOf(service, spec),
  )
}

function filesOf(service: Service, spec: Spec): KitFile[] {
  const folder = `.kiro/specs/${spec.folder}`
  const from = [['deployment'], ['failureModes'], ['journeys']]
  const hex = createHash('sha256').update(`${service.service.id}/${spec.folder}`).digest('hex')
  const specId = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  return [
    single('kiro', `${folder}/requirements.md`, from, requirementsText(service, spec)),
    single('kiro', `${folder}/design.md`, from, [`# Design: ${spec.title}`, '', ...spec.design].join('\n')),
    single('kiro', `${folder}/tasks.md`, from, tasksText(spec)),
    single(
      'kiro',
      `${folder}/.config.kiro`,
      [['service', 'id']],
      `${JSON.stringify({ specId, workflowType: 'requirements-first', specType: 'feature' })}\n`,
    ),
  ]
}

function requirementsText(service: Service, spec: Spec): string {
  return [
    `# Requirements: ${spec.title}`,
    '',
    '## Introduction',
    '',
    `For "${service.service.name}". Numbers come from \`service.yaml\`.`,
    '',
    '## Requirements',
    ...spec.requirements.flatMap((requirement, i) => [
      '',
      `### Requirement ${i + 1}: ${requirement.title}`,
      '',
      `**User Story:** ${requirement.story}`,
      '',
      '#### Acceptance Criteria',
      '',
      ...requirement.criteria.map((criterion, j) => `${j + 1}. ${criterion}`),
    ]),
  ].join('\n')
}

function tasksText(spec: Spec): string {
  return [
    `# Tasks: ${spec.title}`,
    '',
    ...spec.tasks.flatMap(({ group, tasks }, i) => [
      `- [ ] ${i + 1}. ${group}`,
      ...tasks.flatMap((task, j) => [
        `  - [ ] ${i + 1}.${j + 1} ${task.title}`,
        ...task.details.map((detail) => `    - ${detail}`),
        `    - Done when: ${task.done}`,
        `    - _Requirements: ${task.meets.join(', ')}_`,
      ]),
    ]),
  ].join('\n')
}

function pipeline(service: Service): Spec {
  const { deployment } = service
  const web = webOf(service)
  const modes = modesOf(service)
  const gates = deployment.gates
  const strategy = [deployment.strategy, ...deployment.followedBy].join(', then ')
  return {
    folder: 'deployment-pipeline',
    title: `deployment pipeline of ${service.service.name}`,
    requirements: [
      {
        title: 'Gates before citizens',
        story: `As a citizen, I want releases to be tried before I meet them, so that I can ${lower(service.journeys[0]!.name)}.`,
        criteria: gates.map(
          (gate) =>
            `WHEN a release is proposed, THE pipeline SHALL run "${gate.id}"${gate.pass ? ` and pass it only when ${lower(gate.pass)}` : ''}.`,
        ),
      },
      {
        title: 'A gate that did not run has failed',
        story: 'As an auditor, I want absence of evidence to stop a release, so that “pass” means that it ran.',
        criteria: ['IF a gate could not run, THEN THE pipeline SHALL stop the release.'],
      },
      {
        title: 'Failure modes are tried for',
        story:
          'As the service owner, I want gates to look for the failures that this service is likely to have, so that citizens do not find them.',
        criteria: modes.map(
          (mode) =>
            `WHEN the gates have run, THE pipeline SHALL have tried for "${mode.name}"${catching(service, mode)}.`,
        ),
      },
      {
        title: 'Release and way back',
        story:
          'As the person on call, I want a bad release to go back by itself, so that nobody has to decide it at 3am.',
        criteria: [
          `WHEN the gates have passed, THE pipeline SHALL release by ${strategy}.`,
          `IF the evidence shows that the new release is worse, THEN THE pipeline SHALL bring the old one back within ${deployment.rollback.maxMinutes} minutes.`,
          ...(web
            ? [
                `WHILE a replica of ${web.id} is being stopped, THE platform SHALL let its requests finish for up to ${web.stopSecondsMax} seconds.`,
              ]
            : []),
          `WHERE ${deployment.rollback.drillEveryDays} days have passed since the last rehearsal of the way back, THE pipeline SHALL refuse a release.`,
        ],
      },
      {
        title: 'Windows',
        story: 'As a citizen, I want no release while most people depend on the service, so that a fault hurts few.',
        criteria: [
          ...service.peaks
            .filter((peak) => peak.freeze)
            .map(
              (peak) =>
                `WHILE "${peak.name ?? peak.id}" lasts, THE pipeline SHALL refuse a release${peak.except.length > 0 ? ` except ${peak.except.join(', ')}` : ''}.`,
            ),
          `IF a release must go out in a closed window, THEN THE pipeline SHALL ask ${deployment.windows.emergency.approvers} people for their approval and a reason.`,
        ],
      },
    ],
    design: [
      `Release: ${strategy}. Falsely taken back: at most ${deployment.alpha * 100} % of good releases.`,
      `Rollback: ${
        Object.entries(deployment.rollback.budget)
          .map(([part, minutes]) => `${part} ${minutes} min`)
          .join(' + ') || 'see service.yaml'
      }; promised ${deployment.rollback.maxMinutes} min. By itself for: ${deployment.rollback.automaticFor.join(', ') || 'the verdict on journeys'}.`,
      ...service.artefacts.map(
        (artefact) =>
          `- ${artefact.id}: ${artefact.version}; back by ${lower(artefact.rollback)}${artefact.rollbackMinutes === undefined ? '' : ` in ${artefact.rollbackMinutes} min`}.`,
      ),
      ...(service.migrations
        ? [
            `Schema: ${service.migrations.policy} in ${service.migrations.folder}, before traffic, never when a replica starts.`,
          ]
        : []),
      'Rationale: evidence, not time, decides; the old release stays warm until the bake ends; each decision is logged with its reason.',
    ],
    tasks: [
      {
        group: 'Gates',
        tasks: gates.map((gate, i) => ({
          title: `Run the gate "${gate.id}" in the pipeline before production`,
          details: [
            gate.run ? `Command: ${gate.run.join(' ')}` : `Kind: ${gate.kind}; take its report as evidence`,
            'Make the production job depend on it',
          ],
          done: gate.pass ?? 'a broken sample makes the pipeline stop',
          meets: [`1.${i + 1}`, '2.1'],
        })),
      },
      {
        group: 'Failure modes',
        tasks: modes.map((mode, i) => ({
          title: `Prove that the pipeline would notice "${mode.name}"`,
          details: [
            `Break it on purpose in a test environment: ${mode.citizenSees}`,
            `Alert expected: ${alertsFor(service, mode)[0] ?? 'see ops/alerts'}`,
          ],
          done: `a release with this fault does not reach citizens, or "${mode.id}" is seen by its detector (${mode.detect.kind})`,
          meets: [`3.${i + 1}`],
        })),
      },
      {
        group: 'Way back',
        tasks: [
          {
            title: 'Rehearse the rollback with two people',
            details: [
              'Deploy a release to the rehearsal environment',
              'Take it back: holdfast deploy rollback --reason "rehearsal of the way back"',
              'The second person is not the author of the release',
            ],
            done: `holdfast prove log shows that it was confirmed, under ${deployment.rollback.maxMinutes} minutes after it was decided`,
            meets: ['4.1', '4.2', ...(web ? ['4.3', '4.4'] : ['4.3'])],
          },
          {
            title: 'Close the window in each peak',
            details: [`Peaks: ${service.peaks.map((peak) => peak.id).join(', ') || 'none'}`],
            done: 'holdfast deploy plan says no during each of them',
            meets: service.peaks
              .filter((peak) => peak.freeze)
              .map((_, i) => `5.${i + 1}`)
              .concat(`5.${service.peaks.filter((peak) => peak.freeze).length + 1}`),
          },
        ],
      },
    ],
  }
}

/** At most five together: a task must fit into an hour. */
function chunksOf<T>(list: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / 5) }, (_, i) => list.slice(i * 5, i * 5 + 5))
}

function catching(service: Service, mode: FailureMode): string {
  const gates = service.deployment.gates.filter((gate) => gate.catches.includes(mode.id))
  return gates.length > 0
    ? ` with ${gates.map((gate) => `"${gate.id}"`).join(' and ')}`
    : ', or say in the evidence that no gate can'
}

function runbooks(service: Service): Spec {
  const modes = modesOf(service)
  return {
    folder: 'incident-runbooks',
    title: `runbooks of ${service.service.name}`,
    requirements: modes.map((mode) => ({
      title: mode.name,
      story: `As somebody on call for the first time, I want to know what to do when ${lower(mode.name)}, because citizens see ${mode.citizenSees}.`,
      criteria: [
        `WHEN ${alertsFor(service, mode)[0] ?? 'its alert'} fires, THE page SHALL link ${runbookPath(mode)}.`,
        `WHEN the runbook is opened, THE first screen SHALL say how to tell that it is real: ${lower(mode.confirm[0]!.says)}.`,
        `WHEN it is real, THE runbook SHALL give one safe action: ${lower(mode.act.first.says)}.`,
        `IF a step does not show what it should, THEN THE runbook SHALL name who is woken within ${service.oncall.acknowledgeMinutes} minutes.`,
        `WHILE it lasts, THE service SHALL still give citizens this: ${lower(mode.degrade)}.`,
      ],
    })),
    design: [
      'Each runbook is Markdown with typed steps: why, command or label, expected, if not, minutes, changes, undo. `holdfast respond` walks through them and logs each result.',
      ...modes.map(
        (mode) =>
          `- ${mode.id} → ${runbookPath(mode)} → ${alertsFor(service, mode).join(', ') || 'no alert of its own'}; minutes of the first action: ${mode.act.first.minutes}.`,
      ),
    ],
    tasks: modes.map((mode, i) => ({
      group: mode.name,
      tasks: [
        {
          title: `Run each command of ${runbookPath(mode)} from a bare shell`,
          details: [
            `${mode.confirm.length + 1 + mode.act.then.length} steps against a test environment`,
            'Correct in service.yaml what did not show what it should',
          ],
          done: 'every step shows what it expects, with the date and the name of who ran it',
          meets: [`${i + 1}.2`, `${i + 1}.3`],
        },
        {
          title: `Let somebody who is not the author follow "${mode.name}" with a stopwatch`,
          details: ['Note where they stop for more than a minute'],
          done: `they finish within ${Math.min(...journeysOf(service, mode).map((journey) => journey.tolerance.recoverMinutes))} minutes and ask nobody`,
          meets: [`${i + 1}.1`, `${i + 1}.4`, `${i + 1}.5`],
        },
      ],
    })),
  }
}

function monitoring(service: Service): Spec {
  const modes = modesOf(service)
  const { harmBudget } = service
  const counted = stepsOf(service)
  return {
    folder: 'monitoring',
    title: `monitoring of ${service.service.name}`,
    requirements: [
      {
        title: 'Journeys are measured, not servers',
        story:
          'As the service owner, I want to know how citizens are doing, so that a green dashboard means something.',
        criteria: counted.map(
          ({ journey, step }) =>
            `WHEN a citizen attempts "${step.name}" in "${journey.name}", THE service SHALL count it as good only when the answer is right and comes within ${step.limitMs} ms.`,
        ),
      },
      {
        title: 'Each failure mode is noticed',
        story: 'As the person on call, I want to be woken by harm to citizens, so that I read every page.',
        criteria: modes.map(
          (mode) =>
            `WHEN ${lower(mode.name)}, THE monitoring SHALL fire ${alertsFor(service, mode)[0] ?? mode.id} before ${harmBudget.citizens} more citizens are harmed than the budget allows.`,
        ),
      },
      {
        title: 'Silence is a failure',
        story: 'As the person on call, I want lost measurements to say so, so that quiet never means well by mistake.',
        criteria: [
          ...service.watch.silence.map(
            (beat) =>
              `IF nothing is heard of ${beat.what} for ${beat.withinMinutes} minutes, THEN THE monitoring SHALL page.`,
          ),
          'IF the metrics themselves are lost, THEN THE monitoring SHALL say so in words of its own.',
        ],
      },
    ],
    design: [
      'Thresholds are derived in `ops/alerts/thresholds.md`; rules and their tests stand beside it. Objectives:',
      ...service.slis.map(
        (sli) =>
          `- ${sli.id} (${sli.kind})${'targetPercent' in sli && sli.targetPercent !== undefined ? `: ${sli.targetPercent} % in ${'window' in sli ? sli.window : ''}` : ''}${sli.pages ? '' : ', shown only'}`,
      ),
      'Dashboards show, in this order: citizens harmed now, journeys by step, failure modes, release under way; servers come last.',
    ],
    tasks: [
      {
        group: 'Counters',
        tasks: service.journeys
          .flatMap((journey) => chunksOf(journey.steps).map((steps) => ({ journey, steps })))
          .map(({ journey, steps }) => ({
            title: `Export journey_step_total and journey_step_bad_total for ${steps.length < journey.steps.length ? `"${steps[0]!.id}" to "${steps.at(-1)!.id}" of ` : ''}"${journey.name}"`,
            details: steps.map((step) =>
              `${step.id}: ${step.method} ${step.route ?? ''} within ${step.limitMs} ms`.trim(),
            ),
            done: 'both counters stand at 0 after a restart and rise once per citizen, not per retry',
            meets: counted.flatMap((each, i) =>
              each.journey.id === journey.id && steps.includes(each.step) ? [`1.${i + 1}`] : [],
            ),
          })),
      },
      {
        group: 'Detectors',
        tasks: modes.map((mode, i) => ({
          title: `Fire ${alertsFor(service, mode)[0] ?? mode.id} on purpose`,
          details: [
            `Detector: ${mode.detect.kind}${mode.detect.breach ? `, ${mode.detect.breach}` : ''}`,
            `promtool test rules ops/alerts/${service.service.id}.test.yml`,
          ],
          done: 'the page arrives with its runbook, and clears by itself when the fault is gone',
          meets: [`2.${i + 1}`],
        })),
      },
      {
        group: 'Silence',
        tasks: [
          ...chunksOf(service.watch.silence).map((beats) => ({
            title: `Stop ${beats.map((beat) => `"${beat.id}"`).join(', ')} once in a test environment`,
            details: beats.map((beat) => `${beat.what}: a page within ${beat.withinMinutes} minutes`),
            done: 'each silence pages, and none reads as healthy',
            meets: beats.map((beat) => `3.${service.watch.silence.indexOf(beat) + 1}`),
          })),
          {
            title: 'Stop the collection of metrics once in a test environment',
            details: ['Alert expected: TelemetryLost'],
            done: 'the page says that nobody can see how citizens are doing, and no dashboard reads as healthy',
            meets: [`3.${service.watch.silence.length + 1}`],
          },
        ],
      },
    ],
  }
}

function compliance(service: Service): Spec {
  const { deployment, data } = service
  const kindsOf = (...kinds: string[]) => deployment.gates.filter((gate) => kinds.includes(gate.kind))
  const accessibility = kindsOf('accessibility')
  const security = kindsOf('scan', 'secrets')
  const personal = data.kinds.filter((kind) => kind.personal)
  const accessCriteria =
    accessibility.length > 0
      ? accessibility.map(
          (gate) =>
            `WHEN a release is proposed, THE pipeline SHALL run "${gate.id}"${gate.pass ? `: ${lower(gate.pass)}` : ''}.`,
        )
      : ['WHEN a release is proposed, THE pipeline SHALL check each page against WCAG 2.2 AA.']
  const securityCriteria =
    security.length > 0
      ? security.map(
          (gate) =>
            `WHEN a release is proposed, THE pipeline SHALL run "${gate.id}"${gate.pass ? `: ${lower(gate.pass)}` : ''}.`,
        )
      : ['WHEN a release is proposed, THE pipeline SHALL scan dependencies and secrets.']
  const dpia = (data.dpia?.triggers ?? []).map(
    (trigger) =>
      `IF a change brings ${/^(a|the|new) /.test(trigger) ? trigger : `a ${trigger}`}, THEN THE pipeline SHALL stop until the impact assessment has been looked at again.`,
  )
  return {
    folder: 'compliance',
    title: `compliance of ${service.service.name}`,
    requirements: [
      {
        title: 'Accessibility',
        story: 'As somebody with a screen reader, I want every release to work for me, so that I am not shut out.',
        criteria: accessCriteria,
      },
      {
        title: 'Security',
        story: 'As a citizen, I want known holes closed before my data passes through them.',
        criteria: securityCriteria,
      },
      {
        title: 'Data protection',
        story: `As a citizen, I want what is known about me (${personal.map((kind) => kind.name).join(', ') || 'nothing'}) to be used only as I was told.`,
        criteria: [
          ...dpia,
          ...personal.map(
            (kind) =>
              `WHEN ${durationWords(kind.retention ?? 'the time')} have passed${kind.retentionFrom ? ` since ${kind.retentionFrom}` : ''}, THE service SHALL delete ${kind.name}.`,
          ),
          'WHEN a release is made, THE evidence SHALL hold no data about people.',
        ],
      },
      {
        title: 'Evidence',
        story:
          'As an auditor, I want to follow one release from proposal to citizens, so that I can see that the procedure was kept.',
        criteria: [
          'WHEN a release is decided upon, THE log SHALL hold who, what, when and why before it takes effect.',
          'WHEN an auditor asks, THE team SHALL hand over a pack that `holdfast prove verify` accepts.',
          'IF a release went out without an entry in `holdfast prove log`, THEN the monthly comparison with the trail of the platform SHALL name it.',
        ],
      },
    ],
    design: [
      `Accessibility: ${accessibility.map((gate) => gate.id).join(', ') || 'no gate yet'}. Security: ${security.map((gate) => gate.id).join(', ') || 'no gate yet'}.`,
      `Data: ${data.kinds.map((kind) => `${kind.name}${kind.special ? ' (special category)' : ''}${kind.retention ? ` ${kind.retention}` : ''}`).join('; ') || 'none'}. We are ${data.role}.`,
      ...(data.automatedDecisions
        ? [`Automated decisions: a person looks again by ${lower(data.automatedDecisions.humanReview)}.`]
        : []),
      'A change of policy is a change of `service.yaml`; the kit is made again and its diff reviewed, so that every generated check follows.',
    ],
    tasks: [
      {
        group: 'Checks',
        tasks: [...accessibility, ...security].map((gate, i) => ({
          title: `Keep the report of "${gate.id}" with each release`,
          details: [gate.report ? `Report: ${gate.report}` : 'Let it write a report, and name it under `report`'],
          done: 'the pack of a release holds it, and a missing report stops the release',
          meets: [i < accessibility.length ? `1.${i + 1}` : `2.${i - accessibility.length + 1}`],
        })),
      },
      {
        group: 'Data',
        tasks: [
          {
            title: 'Walk through the triggers of the impact assessment',
            details: (data.dpia?.triggers ?? ['none stated']).slice(0, 6),
            done: 'each has a place in the pull request template where somebody answers it',
            meets: Array.from({ length: Math.max(1, dpia.length) }, (_, i) => `3.${i + 1}`),
          },
        ],
      },
      {
        group: 'Evidence',
        tasks: [
          {
            title: 'Have a pack verified by somebody outside of the team',
            details: ['holdfast prove pack', 'holdfast prove verify'],
            done: 'they need nothing but the pack and the public key',
            meets: ['4.1', '4.2', '4.3'],
          },
        ],
      },
    ],
  }
}

/** Failure mode → requirement, task, alert, runbook, gate: the trace an auditor follows. */
export function traceText(service: Service): string {
  return [
    `# From failure mode to test: ${service.service.name}`,
    '',
    '| failure mode | journeys | requirement | task | alert | runbook | gates |',
    '|---|---|---|---|---|---|---|',
    ...modesOf(service).map(
      (mode, i) =>
        `| ${mode.rank}. ${mode.name} | ${mode.journeys.join(', ')} | incident-runbooks ${i + 1}, monitoring 2.${i + 1}, deployment-pipeline 3.${i + 1} | incident-runbooks ${i + 1}.1, monitoring 2.${i + 1} | ${alertsFor(service, mode).join(', ') || 'none'} | ${runbookPath(mode)} | ${
          service.deployment.gates
            .filter((gate) => gate.catches.includes(mode.id))
            .map((gate) => gate.id)
            .join(', ') || 'none can'
        } |`,
    ),
  ].join('\n')
}

export function tracePaths(service: Service) {
  return modesOf(service).map((mode) => pathOf(service, 'failureModes', mode.id))
}
