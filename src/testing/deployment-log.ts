/** What the log says of one deployment that went by the book and was taken back: for tests of claims, packs and pages. */
import type { Json } from '../core/json.ts'
import type { Entry } from '../core/machine.ts'

export const DEPLOYMENT = 'dep-r3-0001'
export const INCIDENT = `inc-${DEPLOYMENT}`

/** Oldest first. Moments inside are relative to `from`. */
export function takenBackLog(from: number): Entry[] {
  const of = (kind: string, why: string, data: Record<string, Json> = {}, who = 'holdfast'): Entry => ({
    kind,
    subject: DEPLOYMENT,
    who,
    why,
    data: { deployment: DEPLOYMENT, release: 'r3', previous: 'r2', ...data },
  })
  const ofIncident = (kind: string, why: string, data: Record<string, Json> = {}, who = 'holdfast'): Entry => ({
    kind,
    subject: INCIDENT,
    who,
    why,
    data: { incident: INCIDENT, service: 'heating-payment', trigger: { kind: 'deployment', id: DEPLOYMENT }, ...data },
  })
  const counts = { evidence: 1240, canarySessions: 41, canaryFailed: 3, stableSessions: 1950, stableFailed: 2 }
  const draft = { draft: 'citizens-resolved', version: 1 }
  return [
    of(
      'deployment.requested',
      'asha asked for release r3: payment file in fixed width',
      { reason: 'payment file in fixed width', approvals: 1 },
      'asha',
    ),
    of('approval.given', 'ben approved release r3.', {}, 'ben'),
    of('gate.result', '212 unit tests passed.', { gate: 'unit', passed: true }),
    of('gate.result', 'Nothing of high severity is known.', { gate: 'dependency-scan', passed: true }),
    of('schema.expanded', 'The schema was widened.', { applied: ['0003_contact_phone.sql'] }),
    of('release.started', 'Release r3 is ready on 2 replicas.', { replicas: 2 }),
    of('verified', 'A synthetic citizen completed 7 steps in private.', { steps: 7 }),
    of('weight.changed', 'Release r3 meets its first citizens: 5 % of new sessions.', { weight: 0.05, before: 0 }),
    of('weight.changed', 'Nothing is worse so far.', { weight: 0.1, before: 0.05, ...counts }),
    of(
      'evidence.proof',
      'Evidence 1,240 : 1 that release r3 is worse: 3 of 41 submissions failed, against 2 of 1,950.',
      counts,
    ),
    of('rollback.decided', 'Evidence 1,240 : 1 that release r3 is worse.', { weight: 0.1 }),
    ofIncident('incident.opened', 'P2: 3 citizens could not send their application.', { severity: 'P2', harmed: 3 }),
    ofIncident('page.due', 'The on-call is paged by webhook.', { role: 'on-call', route: 'webhook' }),
    ofIncident('page.accepted', 'The page was taken by the next system.', { role: 'on-call', route: 'webhook' }),
    of('rollback.confirmed', 'Every citizen is on r2 again.', { decidedAt: from, appliedAt: from + 400 }),
    ofIncident('incident.acked', 'carys took the incident.', {}, 'carys'),
    ofIncident('comms.approved', 'carys read and approved the words.', draft, 'carys'),
    ofIncident('comms.published', 'citizens-resolved is published.', draft),
    of('finished', 'Release r3 was taken back.', { failedByDeployment: 0 }),
  ]
}
