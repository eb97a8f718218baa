/** What runs before production in any pipeline: the gates, the window, the deployment, its evidence; and how long each may take. */
import type { Gate, Service } from '../../define/schema.ts'
import { word } from './release.ts'
import { isOurs } from './way.ts'

/** Kinds that Holdfast runs itself when a deployment starts. */
const RUN_BY_HOLDFAST: ReadonlySet<Gate['kind']> = new Set([
  'journeys',
  'shadow',
  'drill',
  'alerts',
  'approval',
  'migration',
])

/** Minutes around a gate for a machine to start, fetch the source and install. */
export const AROUND_MINUTES = 5

/** The playbook asks for these before production. A definition without one gets a gate that stops the release and says so. */
const ASKED: readonly { readonly kind: Gate['kind']; readonly id: string; readonly what: string }[] = [
  { kind: 'command', id: 'tests', what: 'the tests' },
  { kind: 'scan', id: 'security-scan', what: 'the security scan' },
  { kind: 'accessibility', id: 'accessibility', what: 'the accessibility check' },
]

/** As much of a gate as a pipeline needs. */
export type PipelineGate = Pick<Gate, 'id' | 'kind' | 'run' | 'report' | 'pass' | 'secondsMax' | 'secretEnv'>

/** Gates that the pipeline runs; the others are run by Holdfast at the start of the deployment. */
export function pipelineGates(service: Service): readonly PipelineGate[] {
  const own = service.deployment.gates.filter((gate) => gate.run !== undefined || !RUN_BY_HOLDFAST.has(gate.kind))
  const absent = ASKED.filter(({ kind }) => !own.some((gate) => gate.kind === kind))
  return [...own, ...absent.map(({ kind, id }): PipelineGate => ({ id, kind, secondsMax: 60, secretEnv: [] }))]
}

export function shellOf(gate: PipelineGate): string {
  if (gate.run) return gate.run.map(word).join(' ')
  const asked = ASKED.find((one) => one.id === gate.id && one.kind === gate.kind)
  const says = asked
    ? `Nothing says how ${asked.what} of this service is run: add a gate of kind ${gate.kind} with run to service.yaml.`
    : `Nothing says how the gate ${gate.id} is run: add run to it in service.yaml.`
  return `echo "${says} A gate that did not run has failed." && exit 1`
}

/** What a gate's own tool needs first, where its name says so. */
export function preparationOf(gate: PipelineGate): string | undefined {
  const tool = gate.run?.[0]
  if (tool === 'npm' || tool === 'npx') return 'npm ci'
  return tool === 'bundle' ? 'bundle install' : undefined
}

export function minutesOf(gate: PipelineGate): number {
  return Math.max(1, Math.ceil(gate.secondsMax / 60))
}

/** What a platform needs besides its bake: new replicas beside the old ones, checks, drains. Assumed; a slower one is a finding anyway. */
const REPLACE_MINUTES = 30
/** Until the evidence for a verdict has come, at the demand of a quiet hour. */
const EVIDENCE_MINUTES = 60

/** How long a deployment may take: from the first citizen to the end of its bake, and what comes before it. */
export function deployMinutes(service: Service): { readonly minutes: number; readonly says: string } {
  const { deployment } = service
  const ours = isOurs(service)
  // A cluster is done when its pods serve: it does not bake.
  const strategies = service.runtime.kind === 'kubernetes' ? [] : [deployment.strategy, ...deployment.followedBy]
  const parts = strategies.flatMap((strategy) => {
    switch (strategy) {
      case 'canary':
        return [{ says: `bake ${deployment.canary.bakeMinutes}`, minutes: deployment.canary.bakeMinutes }]
      case 'blue-green':
        return [{ says: `watch ${deployment.blueGreen.bakeMinutes}`, minutes: deployment.blueGreen.bakeMinutes }]
      case 'rolling':
        return [{ says: `watch ${deployment.rolling.bakeMinutes}`, minutes: deployment.rolling.bakeMinutes }]
      case 'shadow':
        // Where the platform moves releases, the shadow has been run before, as a gate.
        return ours ? [{ says: `shadow ${deployment.shadow.minutesMin}`, minutes: deployment.shadow.minutesMin }] : []
    }
  })
  const rest = ours
    ? { says: `${EVIDENCE_MINUTES} for the evidence to come`, minutes: EVIDENCE_MINUTES }
    : { says: `${REPLACE_MINUTES} to replace what runs`, minutes: REPLACE_MINUTES }
  const all = [...parts, rest]
  const minutes = Math.ceil(all.reduce((sum, part) => sum + part.minutes, 0))
  return { minutes, says: `${all.map((part) => part.says).join(' + ')} = ${minutes} min` }
}
