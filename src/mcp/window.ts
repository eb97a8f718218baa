/** `next_safe_window`: may a release go out at this moment, and if not, when? In London time, from the peaks and windows of the definition. */
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { mayDeploy } from '../core/define/calendar.ts'
import type { Service } from '../core/define/schema.ts'
import { isoOf, londonOf, MINUTE } from '../core/time.ts'
import { listOf } from '../core/words.ts'
import { answered, common, READ_ONLY } from './answer.ts'
import type { Desk } from './desk.ts'

const input = z.object({
  at: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('The moment to ask about, ISO 8601 with zone, such as 2026-12-01T10:00:00Z. Absent: now'),
  minutes: z.number().min(0).max(1_440).optional().describe('How long the release needs, in minutes, 0 to 1,440'),
})

const output = z.object({
  ...common,
  at: z.string().describe('The moment that was asked about'),
  until: z.string().optional().describe('Until when the window stays open'),
  next: z.string().optional().describe('When the next window opens'),
  because: z.array(z.string()).describe('Peaks that close the window'),
  unknown: z.array(z.string()).describe('Peaks and windows whose calendar has no days here'),
  announced: z
    .array(z.string())
    .describe('Peaks that begin with an event somebody has to notice; they are not in the answer'),
})

export function registerWindow(server: McpServer, desk: Desk): void {
  server.registerTool(
    'next_safe_window',
    {
      title: 'Next safe deployment window',
      description:
        'May a release go out now or at a given moment, and when is the next window? From the peaks, freezes and windows of service.yaml, in London time.',
      inputSchema: input,
      outputSchema: output,
      annotations: READ_ONLY,
    },
    ({ at, minutes }) => {
      const definition = desk.definition()
      const moment = at === undefined ? desk.now() : Date.parse(at)
      const none = { at: isoOf(moment), because: [], unknown: [], announced: [] }
      if (!definition.known)
        return answered({ verdict: 'cannot-tell' as const, says: definition.why, needs: definition.needs, ...none })
      return windowAt(definition.value.service, moment, (minutes ?? 0) * MINUTE)
    },
  )
}

function windowAt(service: Service, at: number, takesMs: number) {
  const answer = mayDeploy(service, at, {}, takesMs)
  const announced = service.peaks
    .filter((peak) => (peak.event ?? peak.follows) !== undefined)
    .map((peak) => peak.name ?? peak.id)
  const data = {
    at: isoOf(at),
    because: answer.open ? [] : [...answer.because],
    unknown: [...answer.unknown],
    announced,
    ...(answer.open && answer.until !== undefined ? { until: isoOf(answer.until) } : {}),
    ...(!answer.open && answer.next !== undefined ? { next: isoOf(answer.next) } : {}),
  }
  const lines = [
    `Asked for ${londonOf(at)}.`,
    ...(announced.length > 0
      ? [`Not looked at, because a person has to notice that it begins: ${listOf(announced)}.`]
      : []),
    `Inside a window ${service.deployment.approvals.people} approval(s) are needed; in a closed one ${service.deployment.windows.emergency.approvers}, and a reason that is recorded.`,
  ]
  // A window that may be closed by a calendar nobody can read is not open.
  if (answer.open && answer.unknown.length > 0)
    return answered(
      { ...data, verdict: 'cannot-tell' as const, says: answer.why, needs: `the days of ${listOf(answer.unknown)}` },
      lines,
    )
  return answered({ ...data, verdict: answer.open ? ('yes' as const) : ('no' as const), says: answer.why }, lines)
}
