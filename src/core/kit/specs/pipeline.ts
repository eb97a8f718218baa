/** Gates, failure modes that are tried for, the way back, and windows. */
import type { FailureMode, Service } from '../../define/schema.ts'
import { alertsFor } from '../alerts.ts'
import { byItself, isOurs } from '../pipelines/way.ts'
import { lower, modesOf, webOf } from '../source.ts'
import type { Spec } from './spec.ts'

export function pipeline(service: Service): Spec {
  const { deployment } = service
  const web = webOf(service)
  const modes = modesOf(service)
  const gates = deployment.gates
  const ours = isOurs(service)
  // Nothing else looks at the date of the last rehearsal.
  const refuses = ours && gates.some((gate) => gate.kind === 'drill' && gate.run === undefined)
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
          'As the person on call, I want a bad release to go back, by itself wherever it can, so that little is left to decide at 3am.',
        criteria: [
          `WHEN the gates have passed, THE pipeline SHALL release by ${strategy}.`,
          `IF ${ours ? 'the evidence shows' : 'the platform or a person finds'} that the new release is worse, THEN THE pipeline SHALL bring the old one back within ${deployment.rollback.maxMinutes} minutes.`,
          ...(web
            ? [
                `WHILE a replica of ${web.id} is being stopped, THE platform SHALL let its requests finish for up to ${web.stopSecondsMax} seconds.`,
              ]
            : []),
          `IF ${deployment.rollback.drillEveryDays} days have passed since the last rehearsal of the way back, THEN THE ${refuses ? 'pipeline SHALL refuse a release' : 'team SHALL rehearse it before the next release'}.`,
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
      `Release: ${strategy}.${ours ? ` Falsely taken back: at most ${deployment.alpha * 100} % of good releases.` : ''}`,
      `Rollback: ${
        Object.entries(deployment.rollback.budget)
          .map(([part, minutes]) => `${part} ${minutes} min`)
          .join(' + ') || 'see service.yaml'
      }; promised ${deployment.rollback.maxMinutes} min. ${byItself(service)}`,
      ...service.artefacts.map(
        (artefact) =>
          `- ${artefact.id}: ${artefact.version}; back by ${lower(artefact.rollback)}${artefact.rollbackMinutes === undefined ? '' : ` in ${artefact.rollbackMinutes} min`}.`,
      ),
      ...(service.migrations
        ? [
            `Schema: ${service.migrations.policy} in ${service.migrations.folder}, before traffic, never when a replica starts.`,
          ]
        : []),
      ours
        ? 'Rationale: evidence, not time, decides; the old release stays warm until the bake ends; each decision is logged with its reason.'
        : 'Rationale: gates look for harm before citizens meet it; who asked for a release, who agreed and why is kept with each run of the pipeline.',
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
              ...(isOurs(service)
                ? [
                    'One person runs: holdfast rehearse rollback --times 3 --fault total,20%,slow (a sandbox; no citizen meets it)',
                  ]
                : [
                    'Deploy a release to a rehearsal environment',
                    'Take it back with the rollback pipeline, and write down when it was decided and when it was done',
                  ]),
              'The second person reads the result, and is not the author of the release',
            ],
            done: isOurs(service)
              ? `holdfast prove log shows drill.passed, and each drill under ${deployment.rollback.maxMinutes} minutes`
              : `the run of the rollback pipeline ended well, under ${deployment.rollback.maxMinutes} minutes after it was decided`,
            meets: ['4.1', '4.2', ...(web ? ['4.3', '4.4'] : ['4.3'])],
          },
          {
            title: 'Close the window in each peak',
            details: [`Peaks: ${service.peaks.map((peak) => peak.id).join(', ') || 'none'}`],
            done: 'holdfast deploy window --at MOMENT says no during each of them',
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

function catching(service: Service, mode: FailureMode): string {
  const gates = service.deployment.gates.filter((gate) => gate.catches.includes(mode.id))
  return gates.length > 0
    ? ` with ${gates.map((gate) => `"${gate.id}"`).join(' and ')}`
    : ', or say in the evidence that no gate can'
}
