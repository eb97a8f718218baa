/** The whole kit of a service: made only from its definition and its repository, the same bytes every time. */
import type { Service } from '../define/schema.ts'
import { nameOf } from '../define/structure.ts'
import type { Path, Place } from '../define/yaml.ts'
import { agentFiles } from './agents.ts'
import { alertFiles } from './alerts.ts'
import { cloudwatchFiles } from './cloudwatch.ts'
import { commsFiles } from './comms.ts'
import { dashboardFiles } from './dashboards.ts'
import { decidingFiles, isPaper } from './deciding.ts'
import { docFiles } from './docs.ts'
import { digestOf, type KitFile, PARTS, type Part, render } from './file.ts'
import { infrastructureFiles } from './infrastructure.ts'
import { kiroFiles } from './kiro.ts'
import { offlineFile } from './offline.ts'
import { pipelineFiles } from './pipelines.ts'
import { runbookFiles } from './runbooks.ts'
import type { Source } from './source.ts'

export interface KitOptions {
  readonly only?: readonly Part[]
  /** Also the hook format of Kiro 0.x. */
  readonly legacy?: boolean
}

export const MANIFEST = 'ops/kit-manifest.json'

/** Characters from which on a file is read when it is asked for, not at the beginning of every conversation: about 2,250 tokens. */
const LONG = 9_000

/** What the kit is made from. `repository`: files with their text, as far as they may say how the service is deployed. */
export function sourceOf(
  service: Service,
  repository: readonly { readonly path: string; readonly text: string }[],
): Source {
  // Our own pipeline and infrastructure decide deployments too; counting them always keeps the second run the same as the first.
  const bare = { service, deploymentFiles: [], files: [] }
  const made = [...pipelineFiles(bare), ...infrastructureFiles(bare)]
  const own = made.map((file) => file.path)
  const lengths = new Map([
    ...repository.map((file) => [file.path, file.text.length] as const),
    ...made.map((file) => [file.path, render(file).length] as const),
  ])
  const found = decidingFiles(repository)
  const sorted = (paths: readonly string[]) => [...new Set(paths)].sort()
  return {
    service,
    deploymentFiles: sorted([...found, ...own]),
    long: sorted([...found, ...own].filter((path) => lengths.get(path)! > LONG)),
    files: sorted([
      ...repository.map((file) => file.path).filter((path) => !isPaper(path) && !path.startsWith('.kiro/')),
      ...own,
    ]),
  }
}

export function makeKit(source: Source, options: KitOptions = {}): readonly KitFile[] {
  const wanted = new Set<Part>(options.only ?? PARTS)
  const makers: Readonly<Record<Part, () => readonly KitFile[]>> = {
    kiro: () => kiroFiles(source, options.legacy === true),
    agents: () => agentFiles(source),
    runbooks: () => {
      const runbooks = runbookFiles(source)
      return [...runbooks, offlineFile(source.service, runbooks)]
    },
    alerts: () => [...alertFiles(source), ...cloudwatchFiles(source)],
    dashboards: () => dashboardFiles(source),
    comms: () => commsFiles(source),
    docs: () => docFiles(source),
    pipelines: () => pipelineFiles(source),
    infrastructure: () => infrastructureFiles(source),
  }
  return PARTS.filter((part) => wanted.has(part)).flatMap((part) => makers[part]())
}

export interface ManifestFile {
  readonly path: string
  readonly part: Part
  /** SHA-256 of what we made, without what people wrote around it: a file that differs has something of theirs. */
  readonly digest: string
  readonly passages: readonly {
    readonly id: string
    readonly from: readonly { readonly field: string; readonly line: number }[]
  }[]
}

export interface Manifest {
  readonly service: string
  readonly definition: string
  readonly files: readonly ManifestFile[]
}

/** Which line of the definition each passage came from. */
export function manifestOf(
  service: Service,
  definition: string,
  files: readonly KitFile[],
  placeOf: (path: Path) => Place,
): Manifest {
  return {
    service: service.service.id,
    definition,
    files: files.map((file) => ({
      path: file.path,
      part: file.part,
      digest: digestOf(render(file)),
      passages: file.passages.map((passage) => ({
        id: passage.id,
        from: passage.from.map((path) => ({ field: nameOf(path), line: placeOf(path).line })),
      })),
    })),
  }
}

/** A manifest read back from disk, or undefined when it is none of ours. Hostile text gives undefined. */
export function readManifest(text: string | undefined): Manifest | undefined {
  if (text === undefined || text.length > 5_000_000) return undefined
  try {
    const value = JSON.parse(text) as Manifest
    const sound =
      Array.isArray(value?.files) &&
      value.files.every(
        (file) =>
          typeof file?.path === 'string' &&
          typeof file.digest === 'string' &&
          Array.isArray(file.passages) &&
          file.passages.every((passage: { readonly id?: unknown } | null) => typeof passage?.id === 'string') &&
          PARTS.includes(file.part) &&
          !file.path.startsWith('/') &&
          !file.path.split(/[\\/]/).includes('..'),
      )
    return sound ? value : undefined
  } catch {
    return undefined
  }
}
