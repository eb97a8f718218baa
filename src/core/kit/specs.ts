/**
 * The playbook's four specifications: requirements in EARS, design, and tasks of 30 to 60 minutes with a done criterion. Each failure
 * mode can be followed: requirement → task → alert → runbook → gate.
 */
import type { Service } from '../define/schema.ts'
import { alertsFor } from './alerts.ts'
import type { KitFile } from './file.ts'
import { modesOf, runbookPath, type Source } from './source.ts'
import { compliance } from './specs/compliance.ts'
import { monitoring } from './specs/monitoring.ts'
import { pipeline } from './specs/pipeline.ts'
import { runbooks } from './specs/runbooks.ts'
import { filesOf, taskNumber } from './specs/spec.ts'

export function specFiles({ service }: Source): KitFile[] {
  return [pipeline(service), runbooks(service), monitoring(service), compliance(service)].flatMap((spec) =>
    filesOf(service, spec),
  )
}

/** Failure mode → requirement, task, alert, runbook, gate: the trace an auditor follows. */
export function traceText(service: Service): string {
  const [inPipeline, inRunbooks, inMonitoring] = [pipeline(service), runbooks(service), monitoring(service)]
  return [
    `# From failure mode to test: ${service.service.name}`,
    '',
    '| failure mode | journeys | requirement | task | alert | its test | runbook | gates |',
    '|---|---|---|---|---|---|---|---|',
    ...modesOf(service).map((mode, i) => {
      const requirements = [`incident-runbooks ${i + 1}.1`, `monitoring 2.${i + 1}`, `deployment-pipeline 3.${i + 1}`]
      const tasks = [
        taskNumber(inRunbooks, mode.name, 0),
        taskNumber(inMonitoring, 'Detectors', i),
        taskNumber(inPipeline, 'Failure modes', i),
      ]
      const gates = service.deployment.gates.filter((gate) => gate.catches.includes(mode.id)).map((gate) => gate.id)
      const cells = [
        `${mode.rank}. ${mode.name}`,
        mode.journeys.join(', '),
        requirements.join(', '),
        tasks.join(', '),
        alertsFor(service, mode).join(', ') || 'none',
        `ops/alerts/${service.service.id}.test.yml`,
        runbookPath(mode),
        gates.join(', ') || 'none can',
      ]
      return `| ${cells.join(' | ')} |`
    }),
  ].join('\n')
}
