/** Accessibility, security, data protection and evidence. */
import type { Gate, Service } from '../../define/schema.ts'
import { isOurs } from '../pipelines/way.ts'
import { durationWords, lower } from '../source.ts'
import { chunksOf, type Spec, type Task } from './spec.ts'

export function compliance(service: Service): Spec {
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
      `IF a change means "${trigger}", THEN THE pipeline SHALL stop until the impact assessment has been looked at again.`,
  )
  const ours = isOurs(service)
  const kept = ours ? 'the pack' : 'the evidence'
  const pack = ours ? 'holdfast prove pack' : 'Fetch the evidence of the newest release from the pipeline'
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
          `WHEN a release is decided upon, THE ${ours ? 'log' : 'pipeline'} SHALL hold who, what, when and why before it takes effect.`,
          ours
            ? 'WHEN an auditor asks, THE team SHALL hand over a pack that `holdfast prove verify` accepts.'
            : 'WHEN an auditor asks, THE team SHALL hand over the evidence that the pipeline keeps, and the trail of the platform beside it.',
          `IF a release went out without ${ours ? 'an entry in `holdfast prove log`' : 'a run of the pipeline'}, THEN the monthly comparison with the trail of the platform SHALL name it.`,
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
        tasks: [
          ...checkTasks('accessibility', accessibility, 1, kept),
          ...checkTasks('scan, and one of kind secrets', security, 2, kept),
        ],
      },
      {
        group: 'Data',
        tasks: [
          ...chunksOf(data.dpia?.triggers ?? []).map((triggers) => ({
            title: `Ask about ${triggers.map((trigger) => `"${trigger}"`).join(', ')} in the review of every change`,
            details: [
              'Template of a pull request: one question each',
              'Answer: yes, or no with the role that decided it',
            ],
            done: 'a change without the answers cannot be merged',
            meets: triggers.map((trigger) => `3.${data.dpia!.triggers.indexOf(trigger) + 1}`),
          })),
          ...chunksOf(personal).map((kinds) => ({
            title: `Show that ${kinds.map((kind) => `"${kind.name}"`).join(', ')} is deleted in time`,
            details: kinds.map(
              (kind) =>
                `${kind.name}: the oldest record is younger than ${durationWords(kind.retention ?? 'the time that is allowed')}`,
            ),
            done: 'a query shows the oldest record of each, and runs by itself every week',
            meets: kinds.map((kind) => `3.${dpia.length + personal.indexOf(kind) + 1}`),
          })),
          {
            title: `Search the newest ${ours ? 'evidence pack' : 'evidence'} for data about people`,
            details: [pack, `Look for: ${personal.map((kind) => kind.name).join(', ') || 'names and addresses'}`],
            done: 'nothing is found, and somebody other than the author has looked',
            meets: [`3.${dpia.length + personal.length + 1}`],
          },
        ],
      },
      {
        group: 'Evidence',
        tasks: [
          {
            title: `Have ${ours ? 'a pack' : 'the evidence of one release'} verified by somebody outside of the team`,
            details: ours
              ? [pack, 'holdfast prove verify']
              : [pack, 'Find the same release in the trail of the platform'],
            done: ours
              ? 'they need nothing but the pack and the public key'
              : 'they follow one release from its reason to what the platform ran, without asking anybody',
            meets: ['4.1', '4.2', '4.3'],
          },
        ],
      },
    ],
  }
}

/** One task for each gate of a subject, or the one that brings the missing gate. `requirement`: its number; `kept`: what holds its report. */
function checkTasks(kind: string, gates: readonly Gate[], requirement: number, kept: string): readonly Task[] {
  if (gates.length === 0)
    return [
      {
        title: `Add a gate of kind ${kind} to service.yaml`,
        details: ['Name its command under run and its report under report', 'Make the kit again: holdfast kit --out .'],
        done: 'a broken sample makes the pipeline stop',
        meets: [`${requirement}.1`],
      },
    ]
  return gates.map((gate, i) => ({
    title: `Keep the report of "${gate.id}" with each release`,
    details: [gate.report ? `Report: ${gate.report}` : 'Let it write a report, and name it under `report`'],
    done: `${kept} of a release holds it, and a missing report stops the release`,
    meets: [`${requirement}.${i + 1}`],
  }))
}
