/** What a deployment that hurts citizens tells the people who respond: the incident, in citizens' words, with its runbook. */
import type { Spawn } from '../machine.ts'
import { type IncidentDetails, openIncident } from '../respond/incident.ts'
import type { Instant } from '../time.ts'
import { plural } from '../words.ts'
import type { DeploymentState } from './deployment.ts'
import { ringHarm } from './rings.ts'

/** What responding needs from the definition, frozen with the plan. */
export interface IncidentPlan {
  readonly ladder: IncidentDetails['ladder']
  readonly fallback: IncidentDetails['fallback']
  readonly comms: IncidentDetails['comms']
  readonly severity: IncidentDetails['severity']
  readonly severityRule: string
  /** By "journey/step": what a citizen cannot do ("send their application") and the runbook for it. */
  readonly steps: Readonly<
    Record<string, { readonly cannot: string; readonly runbook: string | null; readonly slowRunbook: string | null }>
  >
}

/** The release is being taken back on evidence or by a person. Harm goes on until traffic is confirmed on the old release. */
export function harmIncident(state: DeploymentState, because: string, now: Instant): Spawn {
  const { plan, measured } = state
  const rings = plan.rings ? ` By ring: ${ringHarm(state)}.` : ''
  const said = `${plural(measured.canaryFailed, 'citizen')} could not ${cannot(state)} on release ${plan.next.release}.${rings}`
  const says =
    measured.canaryFailed > 0
      ? `${said} It is being taken back.`
      : `Release ${plan.next.release} is being taken back: ${because}`
  return openIncident({ ...common(state, now), id: harmIncidentId(plan.id), says, ongoing: true }, now)
}

export function unconfirmedIncidentId(deployment: string): string {
  return `inc-${deployment}-unconfirmed`
}

export function harmIncidentId(deployment: string): string {
  return `inc-${deployment}`
}

/** Traffic could not be confirmed on the old release: harm may go on, and only a person can tell. */
export function unconfirmedIncident(state: DeploymentState, why: string, now: Instant): Spawn {
  const { plan } = state
  const backends = plan.previous?.backends.map(({ host, port }) => `${host}:${port}`).join(', ')
  const manualStep =
    `Send all traffic to release ${plan.previous?.release} (${backends}) by hand: restart the gateway, or point the ` +
    `balancer at those addresses. Then run: holdfast deploy status ${plan.id}`
  const details = { ...common(state, now), id: unconfirmedIncidentId(plan.id), says: why, manualStep, ongoing: true }
  return openIncident({ ...details, severity: 'P1', severityRule: 'P1 because a rollback is not confirmed.' }, now)
}

/** A promotion of which nothing is seen any more. The releases serve as they were last told; whether well, nobody knows. */
export function blindIncident(state: DeploymentState, why: string, now: Instant): Spawn {
  const { plan } = state
  const manualStep = `Look at the balancer in front of ${plan.serviceName}, then run: holdfast deploy status ${plan.id}`
  return openIncident({ ...common(state, now), id: `inc-${plan.id}-blind`, says: why, manualStep, ongoing: true }, now)
}

/** The new release fails citizens when the old one is stopped already: a person decides, because going back takes a start. */
export function lateIncident(state: DeploymentState, why: string, now: Instant): Spawn {
  const { plan } = state
  const manualStep = plan.contract?.length
    ? `Release ${plan.previous?.release} cannot serve any more, because the schema was contracted. Repair forward: holdfast deploy start --release NAME`
    : `Start the earlier release again: holdfast deploy start --release ${plan.previous?.release ?? 'NAME'} --reason "${plan.next.release} fails"`
  return openIncident({ ...common(state, now), id: `inc-${plan.id}-late`, says: why, manualStep, ongoing: true }, now)
}

/** The old shape of the database could not be removed. Nobody is hurt by it; it must not be forgotten. */
export function contractIncident(state: DeploymentState, why: string, now: Instant): Spawn {
  const { plan } = state
  const manualStep = `Read why, mend the file, and deploy it with the next release: holdfast deploy status ${plan.id}`
  const details = { ...common(state, now), id: `inc-${plan.id}-contract`, says: why, manualStep, ongoing: false }
  return openIncident({ ...details, severity: 'P4', severityRule: 'P4 because no citizen notices.' }, now)
}

/** The old release serves everybody with fewer replicas than it should have. */
export function capacityIncident(state: DeploymentState, why: string, now: Instant): Spawn {
  const { plan } = state
  const manualStep = `Start the missing replicas: holdfast serve (starts release ${plan.previous?.release} again), or by your runtime.`
  return openIncident(
    { ...common(state, now), id: `inc-${plan.id}-capacity`, says: why, manualStep, ongoing: true },
    now,
  )
}

/** The schema change broke the running release. Expand steps cannot be undone by themselves. */
export function schemaIncident(state: DeploymentState, why: string, now: Instant): Spawn {
  const { plan } = state
  const files = plan.migrations.map(({ file }) => file).join(', ')
  const manualStep = `Undo ${files} by hand, or repair what they broke for release ${plan.previous?.release}.`
  const details = { ...common(state, now), id: `inc-${plan.id}-schema`, says: why, manualStep, ongoing: true }
  return openIncident({ ...details, severity: 'P1', severityRule: 'P1 because the running release fails.' }, now)
}

function common(state: DeploymentState, now: Instant) {
  const { plan, measured, worst } = state
  const { ladder, fallback, comms, severity, severityRule } = plan.incident
  const words = worst ? plan.incident.steps[`${worst.journey}/${worst.step}`] : undefined
  const runbook = worst?.slow ? (words?.slowRunbook ?? words?.runbook) : words?.runbook
  return {
    service: plan.service,
    openedBy: plan.id,
    trigger: { kind: 'deployment', id: plan.id } as const,
    severity,
    severityRule,
    ...(worst ? { journey: worst.journey, step: worst.step } : {}),
    faultStartedAt: measured.firstFailedAt ?? now,
    detectedAt: now,
    harmed: measured.canaryFailed,
    ...(runbook ? { runbook } : {}),
    ladder,
    fallback,
    comms: { ...comms, facts: { ...comms.facts, cannot: cannot(state) } },
  }
}

function cannot(state: DeploymentState): string {
  const { worst, plan } = state
  return (worst && plan.incident.steps[`${worst.journey}/${worst.step}`]?.cannot) ?? plan.incident.comms.facts.cannot
}
