/** Journeys are measured, each failure mode is noticed, and silence is a failure. */
import type { Service } from '../../define/schema.ts'
import { alertsFor } from '../alerts.ts'
import { owedBy } from '../measures.ts'
import { isOurs } from '../pipelines/way.ts'
import { modesOf, stepsOf } from '../source.ts'
import { chunksOf, type Spec } from './spec.ts'

export function monitoring(service: Service): Spec {
  const modes = modesOf(service)
  const { harmBudget } = service
  const counted = stepsOf(service)
  const ours = isOurs(service)
  // A heartbeat that is missing pages by itself.
  const numbers = owedBy(service).filter(({ label }) => label === 'sli')
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
            `WHEN "${mode.name}" happens, THE monitoring SHALL fire ${alertsFor(service, mode)[0] ?? mode.id} before more than ${harmBudget.citizens} citizens are harmed.`,
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
          ...numbers.map(
            ({ metric, value, alerts }) =>
              `IF nobody exports ${metric} of ${value}, THEN THE monitoring SHALL open a ticket that says that ${alerts[0]} cannot fire.`,
          ),
        ],
      },
    ],
    design: [
      `Thresholds are derived in \`ops/alerts/thresholds.md\`; rules and their tests stand beside it. ${service.slis.length > 0 ? 'Objectives:' : 'Nothing is promised in numbers: the definition has no indicators (`slis`).'}`,
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
            title: `${ours ? 'Find at the gateway' : 'Export'} journey_step_total and journey_step_bad_total for ${steps.length < journey.steps.length ? `"${steps[0]!.id}" to "${steps.at(-1)!.id}" of ` : ''}"${journey.name}"`,
            details: steps.map((step) =>
              `${step.id}: ${step.method} ${step.route ?? ''} within ${step.limitMs} ms`.trim(),
            ),
            done: ours
              ? 'both stand at 0 when `holdfast serve` has begun, and rise once per citizen, not per retry'
              : 'both counters stand at 0 after a restart and rise once per citizen, not per retry',
            meets: counted.flatMap((each, i) =>
              each.journey.id === journey.id && steps.includes(each.step) ? [`1.${i + 1}`] : [],
            ),
          })),
      },
      ...(numbers.length === 0
        ? []
        : [
            {
              group: 'Numbers that only the service has',
              tasks: chunksOf(numbers).map((some) => ({
                title: `Export ${some.map(({ value }) => `"${value}"`).join(', ')} as ops/alerts/metrics.md says`,
                details: some.map(({ metric, label, value, says }) => `${metric}{${label}="${value}"}: ${says}`),
                done: 'each is there after a restart, and the ticket about it has closed',
                meets: some.map((one) => `3.${service.watch.silence.length + 2 + numbers.indexOf(one)}`),
              })),
            },
          ]),
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
