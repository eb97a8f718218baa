/** One requirement for each failure mode: alert, first screen, one safe action, who is woken, what citizens still get. */
import type { Service } from '../../define/schema.ts'
import { alertsFor } from '../alerts.ts'
import { journeysOf, lower, modesOf, runbookPath } from '../source.ts'
import type { Spec } from './spec.ts'

export function runbooks(service: Service): Spec {
  const modes = modesOf(service)
  return {
    folder: 'incident-runbooks',
    title: `runbooks of ${service.service.name}`,
    requirements: modes.map((mode) => ({
      title: mode.name,
      story: `As somebody on call for the first time, I want to know what to do about "${mode.name}", because citizens then see: ${mode.citizenSees}.`,
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
