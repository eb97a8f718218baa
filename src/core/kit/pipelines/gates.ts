/** What runs before production in any pipeline: the gates, the window, the deployment, its evidence; and how long each may take. */
import type { Component, Gate, Service } from '../../define/schema.ts'
import { CANARY_LEAST, ECS_BAKE_MAX, ownOf, strategyOf } from '../infra/ecs.ts'
import { CODEDEPLOY_WARM_MAX } from '../infra/ec2.ts'
import { canaryMinutes } from '../infra/lambda.ts'
import { HOLDFAST, word } from './release.ts'
import { schemaMinutes } from './schema.ts'
import { siteBakeMinutes } from './site.ts'
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
export type PipelineGate = Pick<Gate, 'id' | 'kind' | 'run' | 'report' | 'pass' | 'secondsMax' | 'secretEnv'> & {
  readonly files?: readonly string[]
}

/** Kinds that a pipeline of a platform has in another place: the check of the whole tree reads migrations, and people approve by name. */
const ELSEWHERE: ReadonlySet<Gate['kind']> = new Set(['migration', 'approval'])

/**
 * Gates that the pipeline runs; the others are run by Holdfast at the start of the deployment. Where a platform moves the releases nobody
 * does that: a gate without a command stops the release there and says so.
 */
export function pipelineGates(service: Service): readonly PipelineGate[] {
  const without = isOurs(service) ? RUN_BY_HOLDFAST : ELSEWHERE
  const own = service.deployment.gates.filter((gate) => gate.run !== undefined || !without.has(gate.kind))
  const absent = ASKED.filter(({ kind }) => !own.some((gate) => gate.kind === kind))
  return [...own, ...absent.map(({ kind, id }): PipelineGate => ({ id, kind, secondsMax: 60, secretEnv: [] }))]
}

export function shellOf(gate: PipelineGate): string {
  if (gate.run) return gate.run.map(word).join(' ')
  if (gate.kind === 'alerts') return `${HOLDFAST} check alerts ${(gate.files ?? []).map(word).join(' ') || '.'}`
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

interface Span {
  readonly says: string
  readonly minutes: number
}

/** How long a deployment may take: from the schema and the first citizen to the end of its bake. */
export function deployMinutes(service: Service): { readonly minutes: number; readonly says: string } {
  const parts = isOurs(service) ? ourSpans(service) : platformSpans(service)
  const all = parts.filter(({ minutes }) => minutes > 0)
  const minutes = Math.ceil(all.reduce((sum, part) => sum + part.minutes, 0))
  return { minutes, says: `${all.map((part) => part.says).join(' + ')} = ${minutes} min` }
}

function ourSpans({ deployment }: Service): Span[] {
  const { people, waitHours } = deployment.approvals
  const asked = people > 0 ? [{ says: `${waitHours * 60} for people to agree`, minutes: waitHours * 60 }] : []
  const spans = [deployment.strategy, ...deployment.followedBy].map((strategy): Span => {
    switch (strategy) {
      case 'canary':
        return { says: `bake ${deployment.canary.bakeMinutes}`, minutes: deployment.canary.bakeMinutes }
      case 'blue-green':
        return { says: `watch ${deployment.blueGreen.bakeMinutes}`, minutes: deployment.blueGreen.bakeMinutes }
      case 'rolling':
        return { says: `watch ${deployment.rolling.bakeMinutes}`, minutes: deployment.rolling.bakeMinutes }
      case 'shadow':
        return { says: `shadow ${deployment.shadow.minutesMin}`, minutes: deployment.shadow.minutesMin }
    }
  })
  return [...asked, ...spans, { says: `${EVIDENCE_MINUTES} for the evidence to come`, minutes: EVIDENCE_MINUTES }]
}

/** The platform says that it is done when its bake is over, whatever the definition's own strategy would take. */
function platformSpans(service: Service): Span[] {
  const schema = schemaMinutes(service)
  const bake = Math.max(0, ...service.runtime.components.map((component) => bakeOf(service, component)))
  const { maxMinutes } = service.deployment.rollback
  const replace =
    service.runtime.kind === 'kubernetes'
      ? { says: `${maxMinutes} until its pods serve, and as long to go back`, minutes: 2 * maxMinutes }
      : { says: `${REPLACE_MINUTES} to replace what runs`, minutes: REPLACE_MINUTES }
  return [
    { says: `schema ${schema / 2} + proof ${schema / 2}`, minutes: schema },
    replace,
    { says: `bake ${bake}`, minutes: bake },
  ]
}

/** Minutes for which the infrastructure of this kit watches or keeps what was there before, by platform. */
function bakeOf(service: Service, component: Component): number {
  const { deployment, runtime } = service
  const own = ownOf(service, component)
  const warm = own?.blueGreen?.keepWarmMinutes ?? deployment.blueGreen.keepWarmMinutes
  const strategy = strategyOf(service, component)
  if (component.kind === 'static') return siteBakeMinutes(service, component)
  if (runtime.kind === 'lambda') return component.kind === 'scheduled' ? 0 : canaryMinutes(service)
  if (component.kind !== 'web' || strategy === 'ROLLING' || runtime.kind === 'kubernetes') return 0
  if (strategy === 'BLUE_GREEN') return Math.min(runtime.kind === 'ecs' ? ECS_BAKE_MAX : CODEDEPLOY_WARM_MAX, warm)
  if (runtime.kind !== 'ecs') return 0
  const minutes = deployment.canary.bakeMinutes
  return Math.min(ECS_BAKE_MAX, Math.max(CANARY_LEAST, minutes)) + Math.min(ECS_BAKE_MAX, minutes)
}
