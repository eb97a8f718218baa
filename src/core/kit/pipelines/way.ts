/**
 * How a release reaches citizens, and how it goes back. Holdfast itself moves them where it runs the releases (processes, containers on
 * our own machines). Elsewhere the platform does, by the infrastructure of this kit: then the pipeline calls two scripts, and Holdfast
 * says whether the window is open.
 */
import type { Service } from '../../define/schema.ts'
import { platformScripts } from './platform.ts'
import { environmentOption, EVIDENCE, HOLDFAST } from './release.ts'

export interface Script {
  readonly path: string
  readonly text: string
}

export interface Way {
  /** Holdfast moves citizens itself. */
  readonly ours: boolean
  /** What "release" means on this platform, for the person who starts it. */
  readonly release: string
  /** Asks for the window, before anything is built. The arguments are shell words. */
  readonly plan: (release: string, by: string) => string
  readonly start: (release: string, reason: string, by: string) => string
  readonly evidence: readonly string[]
  /** `release`: the one that served before, where the platform has to be told. */
  readonly back: (release: string, reason: string, by: string) => string
  readonly backNeedsRelease: boolean
  readonly status: string | undefined
  /** Credentials that the platform's own tools need. */
  readonly tools: 'none' | 'aws' | 'kubectl'
  /** The scripts look for packages in the bucket that CODE_BUCKET names. */
  readonly needsBucket: boolean
  readonly scripts: readonly Script[]
}

export const DEPLOY_SCRIPT = 'ops/pipeline/deploy.sh'
export const BACK_SCRIPT = 'ops/pipeline/rollback.sh'

/** Runtimes whose releases Holdfast starts, watches and stops. */
export function isOurs(service: Service): boolean {
  return service.runtime.kind === 'process' || service.runtime.kind === 'podman'
}

export function wayOf(service: Service): Way {
  return isOurs(service) ? ourWay(service) : platformWay(service)
}

function ourWay(service: Service): Way {
  const environment = environmentOption(service)
  return {
    ours: true,
    release: 'The release to deploy',
    plan: (release, by) => `${HOLDFAST} deploy plan --release ${release} --by ${by}${environment}`,
    start: (release, reason, by) =>
      `${HOLDFAST} deploy start --release ${release} --reason ${reason} --by ${by}${environment} --json > deployment.json`,
    evidence: EVIDENCE,
    back: (_release, reason, by) => `${HOLDFAST} deploy rollback --reason ${reason} --by ${by}`,
    backNeedsRelease: false,
    status: `${HOLDFAST} deploy status`,
    tools: 'none',
    needsBucket: false,
    scripts: [],
  }
}

function platformWay(service: Service): Way {
  const { release, deploy, back, backNeedsRelease, tools } = platformScripts(service)
  return {
    ours: false,
    release,
    plan: () => `${HOLDFAST} deploy window`,
    start: (name) => `bash ${DEPLOY_SCRIPT} ${name}`,
    evidence: [],
    back: (name) => `bash ${BACK_SCRIPT} ${name}`,
    backNeedsRelease,
    status: undefined,
    tools,
    needsBucket: deploy.some((line) => line.includes('CODE_BUCKET')),
    scripts: [
      { path: DEPLOY_SCRIPT, text: deploy.join('\n') },
      { path: BACK_SCRIPT, text: back.join('\n') },
    ],
  }
}

/** The way back in one command, as people type it. */
export function backCommand(service: Service): string {
  const way = wayOf(service)
  return way.ours ? 'holdfast deploy rollback --reason "…"' : `bash ${BACK_SCRIPT}${way.backNeedsRelease ? ' "…"' : ''}`
}

/** The question "may I deploy now?", as people type it. */
export function windowCommand(service: Service): string {
  return isOurs(service) ? 'holdfast deploy plan --release NAME' : 'holdfast deploy window'
}
