/** Dependencies that may fail, and data about people that may not be kept for ever. */
import { listOf } from '../../words.ts'
import type { Service } from '../schema.ts'
import type { Fault } from '../structure.ts'

type Part = Partial<Service>

/** Kinds of harm for which "it is down" is no answer. */
const CRITICAL = ['safety', 'money-stops', 'rights-lost']

export function fallbacks(service: Part): Fault[] {
  const { journeys, dependencies } = service
  if (!journeys || !dependencies) return []
  return dependencies.flatMap((dependency, i): Fault[] => {
    if (dependency.fallback !== undefined || dependency.withoutIt !== undefined || dependency.triggerOnly) return []
    const named = [
      ...dependency.journeys,
      ...(service.failureModes ?? [])
        .filter((mode) => mode.dependsOn === dependency.id)
        .flatMap((mode) => mode.journeys),
    ]
    // Not saying which journeys need it means that all may.
    const needed = journeys.filter(
      (journey) => (named.length === 0 || named.includes(journey.id)) && CRITICAL.includes(journey.harmClass),
    )
    if (needed.length === 0) return []
    return [
      {
        rule: 'no-fallback',
        path: ['dependencies', i],
        says: `"${dependency.id}" (${dependency.owner}) has no fallback, and ${listOf(needed.map((journey) => `"${journey.id}"`))} needs it: ${needed[0]!.harmIfFails}.`,
        fix: 'Add fallback: what the service does without it; or withoutIt: what citizens are told.',
      },
    ]
  })
}

export function retention(service: Part): Fault[] {
  return (service.data?.kinds ?? []).flatMap((kind, i): Fault[] =>
    !kind.personal || kind.retention !== undefined
      ? []
      : [
          {
            rule: 'personal-data-without-retention',
            path: ['data', 'kinds', i],
            says: `It is not said how long "${kind.name}" is kept.`,
            fix: 'Add retention: "P90D" and, if it matters, retentionFrom.',
          },
        ],
  )
}

export function dpia(service: Part): Fault[] {
  const { data } = service
  if (!data || data.dpia || !data.kinds.some((kind) => kind.personal)) return []
  return [
    {
      rule: 'dpia-missing',
      path: ['data'],
      says: `The service holds ${listOf(data.kinds.filter((kind) => kind.personal).map((kind) => kind.name))}, and nothing says which changes call for a new impact assessment.`,
      fix: 'Add dpia: { last: "…", triggers: [new recipient, new data category] }',
    },
  ]
}
