/** What planning a strategy needs to know of this place: what runs and how it was started, free memory, declared queries, parts in force. */
import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { digestOfFolder } from '../adapters/process/folder-digest.ts'
import { judgeSql } from '../core/check/formats/sql-effects.ts'
import type { Service } from '../core/define/schema.ts'
import { applicationOf, fixWords, forwardFix } from '../core/deploy/contract.ts'
import type { DeploymentState, NamedQuery } from '../core/deploy/deployment.ts'
import { figuresOf, partNamed } from '../core/deploy/parts.ts'
import { webComponent } from '../core/deploy/plan.ts'
import type { StrategyWish } from '../core/deploy/strategy.ts'
import { EXIT, OpsError } from '../core/errors.ts'
import { loadManifest } from '../core/shadow/manifest.ts'
import type { World } from '../engine/world.ts'
import type { Store } from '../ports/store.ts'
import { isUnreachable } from '../ports/unreachable.ts'
import { settledDeployments } from './deploy.ts'

const HISTORY_MAX = 200
const QUERY_FILES_MAX = 200
const QUERY_BYTES_MAX = 256 * 1_024

export type Found = Pick<
  StrategyWish,
  'part' | 'application' | 'parts' | 'previousPlan' | 'singleReplicas' | 'memoryFreeMb' | 'queries' | 'manifest'
>

/** `artefact`: what is deployed instead of the application. Throws OpsError when it cannot be deployed by itself, or has no such release. */
export async function strategyWish(
  store: Store,
  world: World,
  service: Service,
  root: string,
  wanted: { readonly release: string; readonly artefact?: string | undefined; readonly serving: string | null },
): Promise<Found> {
  const past = await pastDeployments(store, service.service.id)
  const serving = past.find(({ plan }) => plan.next.release === wanted.serving)?.plan
  const application = serving ? applicationOf(serving) : undefined
  const next = wanted.artefact === undefined ? wanted.release : (application ?? '')
  const [old, ours] = await Promise.all([
    application === undefined ? [] : declaredQueries(service, root, application),
    declaredQueries(service, root, next),
  ])
  return {
    ...(wanted.artefact === undefined ? {} : { part: await partOf(service, root, wanted.artefact, wanted.release) }),
    ...(application === undefined ? {} : { application }),
    ...(serving?.parts ? { parts: serving.parts } : {}),
    ...(serving ? { previousPlan: serving.next } : {}),
    singleReplicas: world.runtime.stopReplicas !== undefined,
    memoryFreeMb: freemem() / 1_048_576,
    ...manifestOf(service, root, wanted.artefact),
    ...(old.length + ours.length > 0 ? { queries: { old, next: ours } } : {}),
  }
}

/**
 * Why this release of the application cannot serve any more, with the way forward; null: nothing speaks against it. A release whose every
 * declared statement the database still takes may serve.
 */
export async function cannotReturn(
  store: Store,
  world: World,
  service: Service,
  root: string,
  release: string,
): Promise<string | null> {
  const fix = forwardFix(await pastDeployments(store, service.service.id), release)
  if (!fix) return null
  const queries = await declaredQueries(service, root, release)
  if (queries.length > 0 && world.schema) {
    const prepared = await world.schema.prepare(queries)
    if (!isUnreachable(prepared) && prepared.broken.length === 0) return null
  }
  return fixWords(fix)
}

/** The manifest of intended differences. One that is missing or wrong is refused before anything moves. */
function manifestOf(service: Service, root: string, artefact: string | undefined): { readonly manifest?: string } {
  const { strategy, shadow } = figuresOf(service, webComponent(service).id, artefact)
  if (strategy !== 'shadow' || shadow.intended === undefined) return {}
  let manifest: string
  try {
    manifest = readFileSync(join(root, shadow.intended), 'utf8')
  } catch {
    throw new OpsError('NO_MANIFEST', {
      message: `The manifest of intended differences cannot be read: ${shadow.intended}.`,
      fix: 'Write it (docs/how-to/compare-in-the-shadow.md); one without entries says that nothing may differ.',
      exit: EXIT.usage,
    })
  }
  const [first] = loadManifest(manifest, shadow.intended).findings
  if (!first) return { manifest }
  throw new OpsError('MANIFEST_WRONG', {
    message: `${first.file}:${first.line}:${first.col} ${first.says}`,
    fix: first.fix,
    exit: EXIT.usage,
  })
}

function pastDeployments(store: Store, service: string): Promise<readonly DeploymentState[]> {
  return settledDeployments(store, service, HISTORY_MAX)
}

async function partOf(service: Service, root: string, artefact: string, release: string) {
  const { releases } = partNamed(service, artefact)
  const folder = join(root, releases, release)
  const identified = await digestOfFolder(folder)
  if ('digest' in identified) return { artefact, digest: identified.digest }
  throw new OpsError('NO_SUCH_RELEASE', {
    message: `There is no release ${release} of ${artefact} in ${folder}: ${identified.why}`,
    fix: `ls ${join(root, releases)}`,
    exit: EXIT.usage,
  })
}

/** Statements that a release says it sends: each of every .sql file in its folder of queries. None declared: an empty list. */
export async function declaredQueries(service: Service, root: string, release: string): Promise<NamedQuery[]> {
  const folder = service.migrations?.queries
  if (folder === undefined || release === '') return []
  const path = join(root, webComponent(service).releases ?? 'releases', release, folder)
  const names = (await readdir(path).catch(() => [])).filter((name) => name.endsWith('.sql')).sort()
  const found: NamedQuery[] = []
  for (const name of names.slice(0, QUERY_FILES_MAX)) {
    const sql = await readFile(join(path, name), 'utf8')
    if (sql.length > QUERY_BYTES_MAX) {
      throw new OpsError('QUERIES_TOO_LARGE', {
        message: `${name} is larger than ${QUERY_BYTES_MAX / 1_024} KiB.`,
        fix: 'Split it: one file for each part of the service.',
        exit: EXIT.usage,
      })
    }
    judgeSql(sql).file.statements.forEach(({ offset, end }, i, all) => {
      found.push({ name: all.length === 1 ? name : `${name}, statement ${i + 1}`, sql: sql.slice(offset, end) })
    })
  }
  return found
}
