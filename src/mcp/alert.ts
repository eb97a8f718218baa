/** `explain_alert`: why this threshold, what citizens notice, whether the alert can fire at all, and which runbook follows. */
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import type { Proof } from '../core/check/alerts/prove.ts'
import { mayMatter } from '../core/check/detect.ts'
import type { Service } from '../core/define/schema.ts'
import { type Alert, alertsOf, runbookOfJourney } from '../core/kit/alerts.ts'
import { thresholdOf } from '../core/kit/numbers.ts'
import { ladderWords, lower, modesOf, runbookPath } from '../core/kit/source.ts'
import { listOf, nearest } from '../core/words.ts'
import { answered, cannotTell, clipped, common, READ_ONLY } from './answer.ts'
import type { Desk } from './desk.ts'

const NAMES_MAX = 40

const input = z.object({
  alert: z.string().min(1).max(200).describe('Name of the alert, as the page or the rules file writes it'),
})

const output = z.object({
  ...common,
  alert: z.string().optional(),
  pages: z.boolean().optional().describe('False: a ticket'),
  expr: z.string().optional(),
  forMinutes: z.number().optional(),
  arithmetic: z.array(z.string()).optional().describe('How the threshold follows from citizens'),
  firstComplaint: z
    .array(z.object({ demand: z.string(), perMinute: z.number(), minutes: z.number().nullable() }))
    .optional()
    .describe('When the first complaint of a total failure is expected; null: never'),
  failureModes: z.array(z.object({ id: z.string(), name: z.string(), citizenSees: z.string() })).optional(),
  runbook: z.string().optional(),
  canFire: z
    .object({ verdict: z.enum(['fires', 'never', 'always', 'latches', 'unknown']), why: z.string(), at: z.string() })
    .optional()
    .describe('The rule that stands in the repository, tried on made-up faults'),
  known: z.array(z.string()).optional().describe('Alerts that there are, when this one is not known'),
})

export function registerAlert(server: McpServer, desk: Desk): void {
  server.registerTool(
    'explain_alert',
    {
      title: 'Explain an alert',
      description:
        'What an alert means for citizens, how its threshold was derived, whether it can fire, and which runbook to open. For alerts of service.yaml and for any Prometheus alert in the repository.',
      inputSchema: input,
      outputSchema: output,
      annotations: READ_ONLY,
    },
    async ({ alert: name }) => {
      const definition = desk.definition()
      const proof = await proofOf(desk, name, definition.known ? definition.value.service : undefined)
      if (!definition.known) return proof ? proofOnly(name, proof) : cannotTell(definition)
      const { service } = definition.value
      const alert = alertsOf(service).find((one) => one.name === name) ?? alertOfMode(service, name)
      if (alert) return explained(service, alert, proof)
      return proof ? proofOnly(name, proof) : notKnown(service, name)
    },
  )
}

/** The id of a failure mode is as good a name as that of its alert. */
function alertOfMode(service: Service, name: string): Alert | undefined {
  const mode = service.failureModes.find(({ id }) => id === name)
  if (!mode) return undefined
  const alerts = alertsOf(service)
  return (
    alerts.find((one) => one.mode === mode.id) ??
    alerts.find((one) => one.runbook === runbookPath(mode) && one.page) ??
    alerts.find((one) => one.journey !== undefined && runbookOfJourney(service, one.journey) === runbookPath(mode))
  )
}

function explained(service: Service, alert: Alert, proof: Proof | undefined) {
  const modes = modesOf(service).filter(
    (mode) => mode.id === alert.mode || (alert.runbook !== undefined && runbookPath(mode) === alert.runbook),
  )
  const journey = service.journeys.find(({ id }) => id === alert.journey)
  const threshold = journey && alert.step ? thresholdOf(service, journey, alert.step) : undefined
  const firstComplaint = threshold?.demands.map(({ name, perMinute, complaintMinutes }) => ({
    demand: name,
    perMinute,
    minutes: Number.isFinite(complaintMinutes) ? complaintMinutes : null,
  }))
  return answered(
    {
      verdict: 'yes' as const,
      says: `${alert.name} ${alert.page ? 'wakes somebody' : 'opens a ticket'}: ${alert.summary}.`,
      alert: alert.name,
      pages: alert.page,
      expr: alert.expr,
      forMinutes: alert.forMinutes,
      arithmetic: [...alert.arithmetic],
      ...(firstComplaint ? { firstComplaint } : {}),
      failureModes: modes.map(({ id, name, citizenSees }) => ({ id, name, citizenSees })),
      ...(alert.runbook ? { runbook: alert.runbook } : {}),
      ...(proof ? { canFire: canFireOf(proof) } : {}),
    },
    [
      `Expression: ${alert.expr}${alert.forMinutes > 0 ? `, for ${alert.forMinutes} min` : ''}`,
      ...alert.arithmetic.map((line) => `- ${line}`),
      ...(firstComplaint ?? []).map(
        ({ demand, perMinute, minutes }) =>
          `- ${demand}, ${perMinute} attempts a minute: first complaint ${minutes === null ? 'never' : `after ${minutes} min`}`,
      ),
      ...(journey ? [`If the journey "${journey.name}" fails, ${lower(journey.harmIfFails)}.`] : []),
      ...modes.map((mode) => `Failure mode ${mode.rank}, ${mode.name}: citizens see ${mode.citizenSees}.`),
      alert.runbook ? `Runbook: ${alert.runbook}` : 'It names no runbook: that is a gap.',
      `Woken: ${ladderWords(service)}.`,
      proof
        ? `Tried on made-up faults (${proof.at.file}:${proof.at.line}): ${proof.verdict}. ${proof.why}`
        : 'Whether it can fire is not told: the rule is not in a file of this repository. Make it with: holdfast kit --only alerts --out .',
    ],
  )
}

function canFireOf({ verdict, why, at }: Proof) {
  return { verdict, why: clipped(why, 600), at: `${at.file}:${at.line}` }
}

function proofOnly(name: string, proof: Proof) {
  return answered(
    {
      verdict: 'cannot-tell' as const,
      says: `${name} stands in ${proof.at.file}, but service.yaml does not say which harm to citizens it stands for.`,
      needs: 'a failure mode or journey in service.yaml that this alert belongs to',
      alert: name,
      expr: clipped(proof.expr, 2_000),
      canFire: canFireOf(proof),
    },
    [
      `Expression: ${proof.expr}`,
      `Tried on made-up faults (${proof.at.file}:${proof.at.line}): ${proof.verdict}. ${proof.why}`,
    ],
  )
}

function notKnown(service: Service, name: string) {
  const known = alertsOf(service).map((one) => one.name)
  const meant = nearest(name, known)
  const shown = known.slice(0, NAMES_MAX)
  return answered({
    verdict: 'cannot-tell' as const,
    says: `Neither service.yaml nor a rules file of this repository has an alert "${clipped(name, 80)}".${meant ? ` Did you mean ${meant}?` : ''}`,
    needs: `the name of an alert: ${listOf(shown)}`,
    known: shown,
  })
}

/** The rule of this name in the repository, tried on faults at the demand of the definition. */
async function proofOf(desk: Desk, name: string, service: Service | undefined): Promise<Proof | undefined> {
  const tree = desk.tree((path) => mayMatter(path) && /\.(ya?ml|json)$/.test(path))
  const files = tree.files.filter(({ text }) => text.includes(name) && text.includes('alert'))
  if (files.length === 0) return undefined
  const rates = (service?.journeys ?? []).flatMap(({ demand }) => (demand ? [demand] : []))
  const demand =
    rates.length > 0
      ? {
          low: Math.max(0.1, Math.min(...rates.map(({ nightPerMinute }) => nightPerMinute))),
          peak: Math.max(1, ...rates.map(({ peakPerMinute }) => peakPerMinute)),
        }
      : undefined
  const [{ proveAlerts }, { worldOf }] = await Promise.all([
    import('../core/check/alerts/prove.ts'),
    import('../core/check/world.ts'),
  ])
  // Other rules of the same file stay, because an alert may rest on what they record.
  const world = worldOf({ ...tree, files: files.slice(0, 5) }, desk.now())
  return proveAlerts(world, demand, undefined, name)[0]
}
