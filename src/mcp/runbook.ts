/** `runbook_step`: one step at a time, as the person on call reads it. It is only read out; nothing is run and nothing is written down. */
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  inputResponse,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import * as z from 'zod'
import type { FailureMode, Service } from '../core/define/schema.ts'
import { runbookText } from '../core/kit/runbooks.ts'
import { modesOf, runbookPlaces } from '../core/kit/source.ts'
import { type IfNot, parseRunbook, type Runbook, type RunbookStep } from '../core/respond/runbook.ts'
import { listOf, nearest } from '../core/words.ts'
import { answered, cannotTell, clipped, common, READ_ONLY } from './answer.ts'
import type { Desk, Known } from './desk.ts'

const ID = z.string().min(1).max(80)

const input = z.object({
  runbook: ID.optional().describe(
    'The runbook’s id, which is that of its failure mode. Absent: the person is asked what citizens see',
  ),
  step: ID.optional().describe('The step’s id. Absent: the first step'),
})

const step = z.object({
  id: z.string(),
  title: z.string(),
  why: z.string(),
  run: z.string().optional().describe('A command for a person to run; never run it yourself'),
  ui: z.string().optional().describe('The exact label to press on a screen'),
  expect: z.string(),
  ifNot: z.string(),
  minutes: z.number().optional(),
  changes: z.string(),
  undo: z.string().optional(),
  warn: z.string().optional(),
  approve: z.string().optional().describe('Role that has to agree first'),
})

const output = z.object({
  ...common,
  runbook: z.string().optional(),
  title: z.string().optional(),
  source: z.string().optional().describe('The file it was read from, or "service.yaml"'),
  number: z.number().int().optional().describe('Place of the step, from 1'),
  of: z.number().int().optional(),
  step: step.optional(),
  next: z.string().optional().describe('Id of the step that follows when this one shows what it should'),
  inputs: z.array(z.object({ name: z.string(), where: z.string(), sample: z.string() })).optional(),
  known: z.array(z.object({ id: z.string(), citizenSees: z.string() })).optional(),
})

export function registerRunbook(server: McpServer, desk: Desk): void {
  server.registerTool(
    'runbook_step',
    {
      title: 'Read a runbook step',
      description:
        'One step of a runbook: what to run or press, what to expect, what if not, how long, how to undo it. Reads only: a person runs it.',
      inputSchema: input,
      outputSchema: output,
      annotations: READ_ONLY,
    },
    (asked, ctx) => stepAsked(server, desk, asked, ctx),
  )
}

function stepAsked(server: McpServer, desk: Desk, asked: z.output<typeof input>, ctx: ServerContext) {
  const definition = desk.definition()
  if (!definition.known) return cannotTell(definition)
  const { service } = definition.value
  if (asked.runbook !== undefined) return stepOf(desk, service, asked.runbook, asked.step)
  const answer = inputResponse(ctx.mcpReq.inputResponses, 'seen')
  if (answer.kind === 'missing' && canAsk(server, ctx)) return askWhatIsSeen(service)
  const chosen = acceptedContent(ctx.mcpReq.inputResponses, 'seen', z.object({ runbook: ID }))
  return chosen ? stepOf(desk, service, chosen.runbook, asked.step) : whichOne(service)
}

/** Whether the person behind the client can be asked: declared with the request (2026) or at the beginning (2025). */
function canAsk(server: McpServer, ctx: ServerContext): boolean {
  const envelope = ctx.mcpReq.envelope as Readonly<Record<string, unknown>> | undefined
  const declared = envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities()
  return (declared as { elicitation?: unknown } | undefined)?.elicitation !== undefined
}

function askWhatIsSeen(service: Service) {
  return inputRequired({
    inputRequests: {
      seen: inputRequired.elicit({
        message: `What do citizens of "${service.service.name}" see?`,
        requestedSchema: {
          type: 'object',
          properties: {
            runbook: {
              type: 'string',
              title: 'What citizens see',
              oneOf: modesOf(service).map((mode) => ({ const: mode.id, title: clipped(mode.citizenSees, 200) })),
            },
          },
          required: ['runbook'],
        },
      }),
    },
  })
}

function knownOf(service: Service) {
  return modesOf(service).map(({ id, citizenSees }) => ({ id, citizenSees }))
}

function whichOne(service: Service) {
  const known = knownOf(service)
  return answered(
    {
      verdict: 'cannot-tell' as const,
      says: 'It is not said which runbook is meant.',
      needs: `runbook, one of ${listOf(known.map(({ id }) => id))}`,
      known,
    },
    known.map(({ id, citizenSees }) => `- ${id}: citizens see ${citizenSees}`),
  )
}

/** A runbook as it stands in the repository, else as the definition makes it. Also what `runbook://` reads. */
export function runbookAt(desk: Desk, service: Service, id: string): Known<{ text: string; source: string }> {
  const mode = service.failureModes.find((one) => one.id === id || one.name === id)
  if (!mode) {
    const ids = modesOf(service).map((one) => one.id)
    const meant = nearest(id, ids)
    return {
      known: false,
      why: `There is no runbook "${clipped(id, 80)}".${meant ? ` Did you mean ${meant}?` : ''}`,
      needs: `one of ${listOf(ids)}`,
    }
  }
  for (const source of runbookPlaces(service, mode.id)) {
    const text = desk.file(source)
    if (text !== undefined) return { known: true, value: { text, source } }
  }
  // A runbook that the team wrote itself cannot be made up from the definition.
  if (mode.runbook !== undefined)
    return { known: false, why: `service.yaml names ${mode.runbook}, and it is not there.`, needs: mode.runbook }
  return { known: true, value: { text: runbookText(service, mode), source: 'service.yaml' } }
}

function stepOf(desk: Desk, service: Service, id: string, stepId: string | undefined) {
  const found = runbookAt(desk, service, id)
  if (!found.known)
    return answered({ verdict: 'cannot-tell' as const, says: found.why, needs: found.needs, known: knownOf(service) })
  const book = parseRunbook(found.value.text, found.value.source)
  const index = stepId === undefined ? 0 : book.steps.findIndex((one) => one.id === stepId)
  const at = book.steps[index]
  if (!at) {
    const ids = book.steps.map((one) => one.id)
    return answered({
      verdict: 'cannot-tell' as const,
      says:
        ids.length === 0
          ? `${found.value.source} has no steps that can be followed.`
          : `The runbook ${id} has no step "${clipped(stepId ?? '', 80)}".`,
      needs: ids.length === 0 ? 'a runbook with ```step blocks' : `one of ${listOf(ids.slice(0, 60))}`,
      runbook: id,
    })
  }
  return readOut({
    id,
    book,
    source: found.value.source,
    index,
    mode: service.failureModes.find((one) => one.id === id),
  })
}

interface Place {
  readonly id: string
  readonly book: Runbook
  readonly source: string
  readonly index: number
  readonly mode: FailureMode | undefined
}

function readOut({ id, book, source, index, mode }: Place) {
  const at = book.steps[index]!
  const following = book.steps[index + 1]
  const data = stepData(at)
  return answered(
    {
      verdict: 'yes' as const,
      says: `Step ${index + 1} of ${book.steps.length} of "${book.title}": ${at.title || at.id}.`,
      runbook: id,
      title: book.title,
      source,
      number: index + 1,
      of: book.steps.length,
      step: data,
      ...(following ? { next: following.id } : {}),
      inputs: book.inputs.map((one) => ({ ...one })),
    },
    [
      ...(index === 0 ? ['', clipped(book.firstScreen, 3_000), ''] : []),
      at.run === null ? `Press: ${at.ui ?? ''}` : `A person runs: ${at.run}`,
      ...book.inputs
        .filter(({ name }) => at.run?.includes(name))
        .map(({ name, where, sample }) => `  ${name}: ${where}, such as ${sample}`),
      `Expect: ${at.expect}`,
      `If not: ${data.ifNot}`,
      `Changes: ${at.changes}${at.undo === null ? '' : `. To undo: ${at.undo}`}`,
      ...(at.warn === null ? [] : [`Warning: ${at.warn}`]),
      ...(at.approve === null ? [] : [`Only after the ${at.approve} has agreed.`]),
      ...(at.minutes === null ? [] : [`Takes ${at.minutes} min.`]),
      following ? `Then: ${following.id}` : 'This is the last step.',
      ...(mode?.act.persons === 2 ? ['Two people must agree to the first action.'] : []),
      `Read from ${source}; nothing was run. To follow it with a record: holdfast respond runbook next`,
    ],
  )
}

function stepData(at: RunbookStep): z.output<typeof step> {
  const maybe = (name: 'run' | 'ui' | 'undo' | 'warn' | 'approve') => (at[name] === null ? {} : { [name]: at[name] })
  return {
    id: at.id,
    title: at.title,
    why: at.why,
    ...maybe('run'),
    ...maybe('ui'),
    expect: at.expect,
    ifNot: ifNotWords(at.ifNot),
    ...(at.minutes === null ? {} : { minutes: at.minutes }),
    changes: at.changes,
    ...maybe('undo'),
    ...maybe('warn'),
    ...maybe('approve'),
  }
}

function ifNotWords(ifNot: IfNot): string {
  switch (ifNot.kind) {
    case 'go':
      return `go to step ${ifNot.step}`
    case 'escalate':
      return `wake the ${ifNot.role}`
    case 'none':
      return 'the runbook does not say: wake the next person on the ladder'
  }
}
