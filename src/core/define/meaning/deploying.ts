/** Releases that start, prove themselves and let go of citizens' requests. */
import { countOf } from '../../words.ts'
import type { Service } from '../schema.ts'
import type { Fault } from '../structure.ts'
import type { Path } from '../yaml.ts'

type Part = Partial<Service>

export function requestsCut(service: Part): Fault[] {
  return (service.runtime?.components ?? []).flatMap((component, i): Fault[] => {
    if (component.kind !== 'web' && component.kind !== 'worker') return []
    const work = component.kind === 'worker' ? component.jobSecondsMax : component.requestSecondsMax
    if (work === undefined) return []
    const what = component.kind === 'worker' ? 'job' : 'request'
    // A worker that hands its job back on SIGTERM needs only the time to do so.
    if (component.kind === 'worker' && component.onStop?.includes('requeue')) return []
    const faults: Fault[] = []
    const cut = (name: 'stopSecondsMax' | 'drainSeconds', seconds: number) =>
      faults.push({
        rule: 'stop-cuts-requests',
        path: ['runtime', 'components', i, name],
        says: `"${component.id}" has ${seconds} s in ${name}, and its slowest ${what} takes ${work} s.`,
        fix: `Write ${name}: ${work + 5}`,
        arithmetic: `${seconds} < ${work}`,
      })
    if (component.stopSecondsMax < work) cut('stopSecondsMax', component.stopSecondsMax)
    if (component.drainSeconds !== undefined && component.drainSeconds < work)
      cut('drainSeconds', component.drainSeconds)
    return faults
  })
}

export function components(service: Part): Fault[] {
  const runtime = service.runtime
  if (!runtime) return []
  return runtime.components.flatMap((component, i): Fault[] => {
    const path = ['runtime', 'components', i]
    const faults: Fault[] = []
    if (
      runtime.kind === 'process' &&
      component.kind === 'web' &&
      (component.command === undefined || component.releases === undefined)
    )
      faults.push({
        rule: 'component-cannot-start',
        path,
        says: `"${component.id}" runs as processes, and it is not said ${component.command ? 'where its releases are' : 'how it is started'}.`,
        fix: component.command
          ? 'Add releases: the folder with one folder for each release.'
          : 'Add command: [node, server.js]',
      })
    if (component.kind === 'scheduled' && !component.schedule)
      faults.push({
        rule: 'component-cannot-start',
        path,
        says: `"${component.id}" is scheduled, and it is not said when.`,
        fix: 'Add schedule: { local: ["04:00"] }',
      })
    if (component.kind === 'web' && component.replicas < 2 && runtime.kind !== 'lambda' && runtime.kind !== 'static')
      faults.push({
        rule: 'single-replica',
        path: [...path, 'replicas'],
        says: `"${component.id}" has one replica.`,
        fix: 'Write replicas: 2 or more.',
      })
    return faults
  })
}

export function rungs(service: Part): Fault[] {
  const deployment = service.deployment
  if (!deployment) return []
  const at = (canary: { rungs: readonly number[]; holdBack: number }, path: Path): Fault[] => {
    const shown = canary.rungs.map((rung) => `${Number((rung * 100).toFixed(2))} %`).join(', ')
    const rising = canary.rungs.every((rung, i) => rung > (canary.rungs[i - 1] ?? 0))
    if (!rising)
      return [
        {
          rule: 'rungs-not-rising',
          path: [...path, 'rungs'],
          says: `The rungs do not rise: ${shown}.`,
          fix: 'Order them from small to large, each once, above 0.',
        },
      ]
    const top = canary.rungs.at(-1)!
    if (top + canary.holdBack <= 1.000_001) return []
    return [
      {
        rule: 'rungs-not-rising',
        path: [...path, 'rungs'],
        says: `The last rung is ${Number((top * 100).toFixed(2))} %, and ${Number((canary.holdBack * 100).toFixed(2))} % stay on the old release.`,
        fix: `End at ${Number((1 - canary.holdBack).toFixed(4))}.`,
        arithmetic: `${top} + ${canary.holdBack} > 1`,
      },
    ]
  }
  return [
    ...(deployment.canary.cohorts.length > 0 ? [] : at(deployment.canary, ['deployment', 'canary'])),
    ...deployment.byArtefact.flatMap((row, i) =>
      row.canary && row.canary.cohorts.length === 0 ? at(row.canary, ['deployment', 'byArtefact', i, 'canary']) : [],
    ),
  ]
}

/** HAProxy neither copies requests nor tells tenants apart. */
export function trafficCannot({ runtime, deployment }: Part): Fault[] {
  if (runtime?.traffic !== 'haproxy' || !deployment) return []
  const { strategy, followedBy, canary } = deployment
  const wants =
    strategy === 'shadow' || followedBy.includes('shadow')
      ? 'shadow, which needs copies of requests'
      : canary.cohorts.some(({ tenants }) => tenants)
        ? 'cohorts of tenants'
        : undefined
  if (wants === undefined) return []
  return [
    {
      rule: 'traffic-cannot',
      path: ['runtime', 'traffic'],
      says: `The deployment asks for ${wants}; HAProxy cannot do that.`,
      fix: 'Write traffic: gateway, or choose another strategy.',
    },
  ]
}

/** With no difference seen, a share below p is proven (one-sided 95 %) by −ln(0.05) / p comparisons. */
export function shadowSample(service: Part): Fault[] {
  const deployment = service.deployment
  if (!deployment) return []
  const at = (shadow: { unintendedShareMax: number; sampleMin?: number | undefined }, path: Path): Fault[] => {
    if (shadow.unintendedShareMax === 0) return []
    const needed = Math.ceil(-Math.log(0.05) / shadow.unintendedShareMax)
    if ((shadow.sampleMin ?? 0) >= needed) return []
    return [
      {
        rule: 'shadow-cannot-prove',
        path: [...path, 'sampleMin'],
        says: `${shadow.sampleMin === undefined ? 'No sample size is given' : `${countOf(shadow.sampleMin)} comparisons are too few`}: even without a single difference they cannot show that fewer than ${Number((shadow.unintendedShareMax * 100).toPrecision(3))} % differ.`,
        fix: `Write sampleMin: ${needed}`,
        arithmetic: `−ln(0.05) / ${shadow.unintendedShareMax} = ${countOf(needed)}`,
      },
    ]
  }
  const main =
    deployment.strategy === 'shadow' || deployment.followedBy.includes('shadow')
      ? at(deployment.shadow, ['deployment', 'shadow'])
      : []
  return [
    ...main,
    ...deployment.byArtefact.flatMap((row, i) =>
      row.shadow ? at(row.shadow, ['deployment', 'byArtefact', i, 'shadow']) : [],
    ),
  ]
}

export function breakingMigrations(service: Part): Fault[] {
  if (service.migrations?.policy !== 'breaking-allowed' || !service.deployment) return []
  return [
    {
      rule: 'breaking-migration',
      path: ['migrations', 'policy'],
      says: `Migrations may break the running release, and with ${service.deployment.strategy} both releases run at the same time.`,
      fix: 'Write policy: expand-contract; remove what is old in a later release.',
    },
  ]
}

/** Gates that every service needs (playbook: quality gates), by the kinds and words that show them. */
const NEEDED: readonly { readonly what: string; readonly is: (gate: { id: string; kind: string }) => boolean }[] = [
  { what: 'unit tests', is: (gate) => gate.kind === 'command' && /unit|test|propert|table/.test(gate.id) },
  { what: 'a scan of dependencies', is: (gate) => gate.kind === 'scan' },
  { what: 'a check that no secret is in the repository', is: (gate) => gate.kind === 'secrets' },
]

/** Kinds for which there is nothing to ask unless a command or a report is named; those of the second row, where Holdfast deploys itself. */
const NEEDS_COMMAND: ReadonlySet<string> = new Set(['command', 'load', 'data'])
const NEEDS_REPORT: ReadonlySet<string> = new Set(['scan', 'accessibility', 'secrets', 'shadow'])
/** Kinds that the kit's pipeline runs by itself where a platform moves the releases: Holdfast checks the tree, and people agree by name. */
const RUN_BY_PIPELINE: ReadonlySet<string> = new Set(['migration', 'approval', 'alerts'])

/** A gate that could not run has failed: said here, and not first at night by a deployment that refuses. */
function idleGates({ deployment, runtime, tooling }: Part): Fault[] {
  if (!deployment) return []
  const deploysHere = runtime?.kind === 'process' || runtime?.kind === 'podman'
  const inShadow = [deployment, ...deployment.byArtefact].some(({ strategy }) => strategy === 'shadow')
  const byPipeline = runtime !== undefined && !deploysHere && tooling !== undefined && tooling.pipeline !== 'other'
  return deployment.gates.flatMap((gate, i): Fault[] => {
    if (gate.run !== undefined) return []
    if (byPipeline && !RUN_BY_PIPELINE.has(gate.kind)) return [stopsPipeline(gate, i)]
    if (gate.report !== undefined) return []
    const reports = deploysHere && NEEDS_REPORT.has(gate.kind) && !(gate.kind === 'shadow' && inShadow)
    if (!NEEDS_COMMAND.has(gate.kind) && !reports) return []
    const report = gate.kind === 'shadow' ? '' : reports ? ', or report: FILE that your pipeline writes' : ''
    return [
      {
        rule: 'gate-without-command',
        path: ['deployment', 'gates', i],
        says: `Nothing says how the gate "${gate.id}" (${gate.kind}) is run. A gate that could not run has failed, so every release is refused.`,
        fix:
          gate.kind === 'shadow'
            ? 'Write strategy: shadow, or add run: [npm, run, …].'
            : `Add run: [npm, run, …]${report}, or give it a kind that Holdfast runs itself.`,
      },
    ]
  })
}

/** Where a platform moves the releases nobody reads reports or walks journeys before one: the kit's pipeline runs commands. */
function stopsPipeline(gate: { readonly id: string; readonly kind: string }, i: number): Fault {
  return {
    rule: 'gate-without-command',
    path: ['deployment', 'gates', i],
    says: `Nothing says how the gate "${gate.id}" (${gate.kind}) is run. A gate that could not run has failed, so the pipeline of the kit stops every release there.`,
    fix: 'Add run: [npm, run, …] with an exit code that fails it, or write pipeline: other under tooling when yours is not of the kit.',
  }
}

export function gates(service: Part): Fault[] {
  const deployment = service.deployment
  if (!deployment) return []
  const missing = NEEDED.filter((need) => !deployment.gates.some(need.is)).map((need) => need.what)
  const pages = service.journeys?.some((journey) => journey.steps.length > 0) ?? false
  if (pages && !deployment.gates.some((gate) => gate.kind === 'accessibility')) missing.push('an accessibility check')
  if (service.migrations && !deployment.gates.some((gate) => gate.kind === 'migration'))
    missing.push('a check of migrations against the running release')
  const absent: Fault[] =
    missing.length === 0
      ? []
      : [
          {
            rule: 'gates-missing',
            path: ['deployment', 'gates'],
            says: `Nothing here is ${missing.join(', or ')}.`,
            fix: 'Add these gates; a gate that could not run has failed.',
          },
        ]
  return [...absent, ...idleGates(service)]
}
