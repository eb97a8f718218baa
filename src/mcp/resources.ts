/** `service://definition` and `runbook://{id}`, as they stand at the moment they are read. */
import { type McpServer, ResourceTemplate } from '@modelcontextprotocol/server'
import { modesOf } from '../core/kit/source.ts'
import { clipped } from './answer.ts'
import type { Desk, Known } from './desk.ts'
import { runbookAt } from './runbook.ts'

/** Characters of one resource: a definition of the largest example has 15,000. */
const CHARACTERS_MAX = 100_000

export function registerResources(server: McpServer, desk: Desk): void {
  server.registerResource(
    'definition',
    'service://definition',
    {
      title: 'Definition of the service',
      description: 'service.yaml: journeys, failure modes by harm, peaks, dependencies, rota, messages.',
      mimeType: 'application/yaml',
    },
    (uri) => contentsOf(uri.href, 'application/yaml', textOf(desk)),
  )
  server.registerResource(
    'runbook',
    new ResourceTemplate('runbook://{id}', {
      list: () => ({
        resources: modesIn(desk).map(({ id, name, citizenSees }) => ({
          uri: `runbook://${id}`,
          name: id,
          title: name,
          description: `Citizens see: ${clipped(citizenSees, 200)}`,
          mimeType: 'text/markdown',
        })),
      }),
      complete: {
        id: (typed) =>
          modesIn(desk)
            .map(({ id }) => id)
            .filter((id) => id.startsWith(typed)),
      },
    }),
    { title: 'Runbook', description: 'A whole runbook, by the id of its failure mode.', mimeType: 'text/markdown' },
    (uri, { id }) => contentsOf(uri.href, 'text/markdown', runbookOf(desk, String(id))),
  )
}

function modesIn(desk: Desk) {
  const definition = desk.definition()
  return definition.known ? modesOf(definition.value.service) : []
}

/** A definition with errors is still what stands there, and whoever reads it may want to mend it. */
function textOf(desk: Desk): Known<string> {
  const definition = desk.definition()
  return definition.known ? { known: true, value: definition.value.text } : definition
}

function runbookOf(desk: Desk, id: string): Known<string> {
  const definition = desk.definition()
  if (!definition.known) return definition
  const found = runbookAt(desk, definition.value.service, id)
  return found.known ? { known: true, value: found.value.text } : found
}

function contentsOf(uri: string, mimeType: string, text: Known<string>) {
  if (text.known) return { contents: [{ uri, mimeType, text: clipped(text.value, CHARACTERS_MAX) }] }
  return {
    contents: [{ uri, mimeType: 'text/plain', text: `Cannot tell: ${text.why}\nNeeded to tell: ${text.needs}` }],
  }
}
