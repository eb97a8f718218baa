/**
 * Parts of a service that are released by themselves: a rule set, a template, a data set. A replica is one release of the application
 * with one release of each part; the application finds a part's folder in the environment variable that the definition names. So a new
 * rule set is tried exactly as a new application is: replicas with it beside replicas without, citizens seated by a coin.
 */
import type { Artefact, Service } from '../define/schema.ts'
import { EXIT, OpsError } from '../errors.ts'

/** What one deployment changes, when that is not the application. */
export interface PartPlan {
  /** The artefact's id in the definition. */
  readonly artefact: string
  readonly name: string
  /** Its release, as its folder is called. */
  readonly release: string
  readonly folder: string
  /** SHA-256 over the names and contents of its files; null: nobody could tell. */
  readonly digest: string | null
  /** Variable in which a replica finds the folder. */
  readonly env: string
}

type Deployment = Service['deployment']
export type Strategy = Deployment['strategy']

/** How one artefact reaches citizens: its own figures where it has some, else the service's. */
export interface Figures {
  readonly strategy: Strategy
  readonly followedBy: readonly Strategy[]
  readonly canary: Deployment['canary']
  readonly blueGreen: Deployment['blueGreen']
  readonly rolling: Deployment['rolling']
  readonly shadow: Deployment['shadow']
}

/** The artefact that is the application: the one that names the web component and no folder of its own. */
export function applicationArtefact(service: Service, component: string): Artefact | undefined {
  return service.artefacts.find((each) => each.component === component && each.releases === undefined)
}

/** The figures for an artefact; undefined: for the application. Pure. */
export function figuresOf(service: Service, component: string, artefact?: string): Figures {
  const id = artefact ?? applicationArtefact(service, component)?.id
  const own = id === undefined ? undefined : service.deployment.byArtefact.find((row) => row.artefact === id)
  const { strategy, followedBy, canary, blueGreen, rolling, shadow } = service.deployment
  return {
    strategy: own?.strategy ?? strategy,
    followedBy: own ? own.followedBy : followedBy,
    canary: own?.canary ?? canary,
    blueGreen: own?.blueGreen ?? blueGreen,
    rolling: own?.rolling ?? rolling,
    shadow: own?.shadow ?? shadow,
  }
}

/** The artefact of this name, which can be deployed by itself. Throws an OpsError that names those that can. */
export function partNamed(
  service: Service,
  name: string,
): Artefact & { readonly releases: string; readonly env: string } {
  const found = service.artefacts.find(({ id }) => id === name)
  if (found?.releases !== undefined && found.env !== undefined)
    return { ...found, releases: found.releases, env: found.env }
  const able = service.artefacts.filter(({ releases, env }) => releases !== undefined && env !== undefined)
  const known = able.map(({ id }) => id).join(', ') || 'none yet'
  throw new OpsError('ARTEFACT_UNKNOWN', {
    message: found
      ? `The definition does not say where releases of ${name} are, or how a replica is told which one it has.`
      : `The definition has no artefact "${name}". Those that can be deployed by themselves: ${known}.`,
    fix: found
      ? `Give the artefact releases: FOLDER and env: VARIABLE.`
      : `holdfast deploy start --artefact ${able[0]?.id ?? 'NAME'} --release NAME`,
    exit: EXIT.usage,
  })
}

/**
 * The name of a replica's release: the application's, and each part's that is not empty: "r2", "r2.rule-set-v7". The runtime and the
 * traffic layer know releases by this name, so the same application with another rule set is another release to them.
 */
export function compositeName(application: string, parts: Readonly<Record<string, string>>): string {
  const named = Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1))
  return [application, ...named.map(([id, release]) => `${id}-${release}`)].join('.')
}

/** Longest name that runtimes take (adapters/process/protocol.ts). */
export const RELEASE_NAME_MAX = 64
