/** `next_safe_window`: may a release go out at this moment, and if not, when? In London time, from the peaks and windows of the definition. */
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import type { Service } from '../core/define/schema.ts'
import { windowAnswer } from '../core/define/window.ts'
import { isoOf, MINUTE } from '../core/time.ts'
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
  unknown: z
    .array(z.string())
    .describe('Peaks and windows whose calendar has no days here, or none that is still to come'),
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
  const { lines, ...answer } = windowAnswer(service, at, takesMs)
  return answered(answer, lines)
}
