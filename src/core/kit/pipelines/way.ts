/**
 * How a release reaches citizens, and how it goes back. Holdfast itself moves them where it runs the releases (processes, containers on
 * our own machines). Elsewhere the platform does, by the infrastructure of this kit: then the pipeline calls two scripts, and Holdfast
 * says whether the window is open.
 */
import type { Service } from '../../define/schema.ts'
import { sliOf } from '../source.ts'
import { COMMON_SCRIPT } from './common.ts'
import { platformScripts } from './platform.ts'
import { environmentOption, EVIDENCE, HOLDFAST } from './release.ts'
import { afterwardsMinutes, SCHEMA_SCRIPT } from './schema.ts'

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
  /** Variables with the buckets in which the scripts look for packages and publish files. */
  readonly buckets: readonly string[]
  /** What is left of a schema change when the rollback window has closed; undefined: nothing, or Holdfast does it. */
  readonly schema: { readonly run: (release: string) => string; readonly minutes: number } | undefined
  /** Names of what replicas, schema steps and gates get from outside when Holdfast starts them; it reads each as SERVICE_NAME. */
  readonly serviceEnv: readonly string[]
  /** Variable with the address of the database for the steps of the schema. */
  readonly databaseEnv: string | undefined
  /** People who must agree before production: always, and in a closed window; counted from the pipeline's own record. */
  readonly people: number
  readonly emergencyPeople: number
  readonly scripts: readonly Script[]
}

/** In a closed window the question is left to the deployment itself when somebody gave a reason: it counts who agreed. */
const UNLESS_TOLD = '|| test -n "$EMERGENCY$BREAK_GLASS"'

function serviceEnvOf({ runtime, migrations, deployment }: Service): readonly string[] {
  const names = [
    ...runtime.components.filter(({ kind }) => kind === 'web').flatMap(({ secretEnv }) => secretEnv),
    ...(migrations ? [migrations.databaseEnv] : []),
    ...deployment.gates.flatMap(({ secretEnv }) => secretEnv),
  ]
  return [...new Set(names)]
}

function peopleOf({ deployment }: Service): Pick<Way, 'people' | 'emergencyPeople'> {
  return { people: deployment.approvals.people, emergencyPeople: deployment.windows.emergency.approvers }
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
    plan: (release, by) => `${HOLDFAST} deploy plan --release ${release} --by ${by}${environment} ${UNLESS_TOLD}`,
    start: (release, reason, by) =>
      `${HOLDFAST} deploy start --release ${release} --reason ${reason} --by ${by}${environment} \${EMERGENCY:+--emergency "$EMERGENCY"} \${BREAK_GLASS:+--break-glass "$BREAK_GLASS"} --json > deployment.json`,
    evidence: EVIDENCE,
    back: (_release, reason, by) => `${HOLDFAST} deploy rollback --reason ${reason} --by ${by}`,
    backNeedsRelease: false,
    status: `${HOLDFAST} deploy status`,
    tools: 'none',
    buckets: [],
    schema: undefined,
    serviceEnv: serviceEnvOf(service),
    databaseEnv: undefined,
    ...peopleOf(service),
    scripts: [],
  }
}

function platformWay(service: Service): Way {
  const { release, deploy, back, common, schema, afterwards, backNeedsRelease, tools } = platformScripts(service)
  const script = (path: string, lines: readonly string[]) =>
    lines.length > 0 ? [{ path, text: lines.join('\n') }] : []
  return {
    ours: false,
    release,
    plan: () => `${HOLDFAST} deploy window ${UNLESS_TOLD}`,
    start: (name) => `bash ${DEPLOY_SCRIPT} ${name}`,
    evidence: [],
    back: (name) => `bash ${BACK_SCRIPT} ${name}`,
    backNeedsRelease,
    status: undefined,
    tools,
    buckets: [...new Set([...deploy.join('\n').matchAll(/\$\{(\w+_BUCKET):/g)].map(([, name]) => name!))],
    schema: afterwards
      ? { run: (name) => `bash ${SCHEMA_SCRIPT} contract ${name}`, minutes: afterwardsMinutes(service) }
      : undefined,
    serviceEnv: [],
    databaseEnv: schema.length > 0 ? service.migrations?.databaseEnv : undefined,
    ...peopleOf(service),
    scripts: [
      ...script(COMMON_SCRIPT, common),
      ...script(SCHEMA_SCRIPT, schema),
      ...script(DEPLOY_SCRIPT, deploy),
      ...script(BACK_SCRIPT, back),
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

/** How a release goes out in a closed window, as people type it: with more people, and with nobody. */
export function emergencyCommands(service: Service): { readonly agreed: string; readonly glass: string } {
  if (isOurs(service))
    return {
      agreed: 'holdfast deploy start --release NAME --emergency "WHY"',
      glass: 'holdfast deploy start --release NAME --break-glass "WHY"',
    }
  const run = `bash ${DEPLOY_SCRIPT} NAME`
  return { agreed: `EMERGENCY="WHY" AGREED="THEM" ${run}`, glass: `BREAK_GLASS="WHY" ${run}` }
}

/** What really takes a release back without anybody: what is counted at journey steps, or what a platform watches; the rest wakes somebody. */
export function byItself(service: Service): string {
  const wanted = service.deployment.rollback.automaticFor
  const counted = wanted.filter((id) => {
    const sli = sliOf(service, id)
    return (sli?.kind === 'ratio' || sli?.kind === 'latency') && sli.step !== undefined
  })
  const ours = isOurs(service)
  const others = ours ? wanted.filter((id) => !counted.includes(id)) : wanted
  return [
    ours
      ? `By itself while a release is under way or in its bake: the verdict on journeys${counted.length > 0 ? ` (${counted.join(', ')})` : ''}.`
      : 'By itself: what its platform watches (`ops/infrastructure`, `ops/pipeline`).',
    ...(others.length > 0 ? [`For ${others.join(', ')} an alert wakes somebody, who takes it back.`] : []),
  ].join(' ')
}
