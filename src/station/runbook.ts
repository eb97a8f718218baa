/** The runbook of an incident, from wherever it stands: where the definition says, in the team's folder, or in the kit's. */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { loadService } from '../core/define/load.ts'
import { runbookPlaces } from '../core/kit/source.ts'

export interface FoundRunbook {
  /** Relative to the folder of the definition. */
  readonly path: string
  readonly text: string
}

/** Null: none of the places has it. A definition that is missing or wrong only costs the place that it would have named. */
export async function findRunbook(serviceFile: string, id: string): Promise<FoundRunbook | null> {
  const definition = await readFile(serviceFile, 'utf8').catch(() => '')
  const { service } = loadService(definition, serviceFile)
  for (const path of runbookPlaces(service, id)) {
    const text = await readFile(join(dirname(serviceFile), path), 'utf8').catch(() => null)
    if (text !== null) return { path, text }
  }
  return null
}
