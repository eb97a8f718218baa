/** Failure modes: at most five, ranked by harm, each tied to a journey and to a way of noticing it. */
import { plural } from '../../words.ts'
import { SILENT_DETECTORS } from '../schema/failure.ts'
import { HARM_CLASSES } from '../schema/journey.ts'
import type { Action, FailureMode, Journey, Service } from '../schema.ts'
import type { Fault } from '../structure.ts'

type Part = Partial<Service>

export const FAILURE_MODES_MAX = 5

/** Failure modes in order of harm to citizens: worst journey first, then the team's own rank. */
export function byHarm(modes: readonly FailureMode[], journeys: readonly Journey[]): readonly FailureMode[] {
  const harm = (mode: FailureMode) =>
    Math.min(
      ...mode.journeys.map((id) =>
        HARM_CLASSES.indexOf(journeys.find((journey) => journey.id === id)?.harmClass ?? 'confusion'),
      ),
      HARM_CLASSES.length,
    )
  return [...modes].sort((a, b) => harm(a) - harm(b) || a.rank - b.rank)
}

export function tooMany(service: Part): Fault[] {
  const modes = service.failureModes ?? []
  if (modes.length <= FAILURE_MODES_MAX) return []
  const backlog = byHarm(modes, service.journeys ?? []).slice(FAILURE_MODES_MAX)
  const first = backlog[0]!
  return [
    {
      rule: 'too-many-failure-modes',
      path: ['failureModes', modes.indexOf(first)],
      says: `There are ${plural(modes.length, 'failure mode')}; five can be rehearsed and known by heart. By harm to citizens, ${backlog.map((mode) => mode.id).join(', ')} ${backlog.length === 1 ? 'comes' : 'come'} last.`,
      fix: `Move ${backlog.map((mode) => mode.id).join(', ')} to "deferred", each with the reason why it may wait.`,
    },
  ]
}

export function ranks(service: Part): Fault[] {
  const modes = service.failureModes ?? []
  if (modes.length === 0 || modes.length > FAILURE_MODES_MAX) return []
  const seen = new Set<number>()
  return modes.flatMap((mode, i): Fault[] => {
    const wrong = seen.has(mode.rank) || mode.rank > modes.length
    seen.add(mode.rank)
    if (!wrong) return []
    return [
      {
        rule: 'failure-mode-ranks',
        path: ['failureModes', i, 'rank'],
        says: `"${mode.id}" has rank ${mode.rank}; the ${plural(modes.length, 'failure mode')} must have the ranks 1 to ${modes.length}, each once.`,
        fix: 'Order them by what they do to citizens; 1 is the worst.',
      },
    ]
  })
}

export function journeyless(service: Part): Fault[] {
  const without = (service.failureModes ?? []).flatMap((mode, i): Fault[] =>
    mode.journeys.length > 0
      ? []
      : [
          {
            rule: 'failure-mode-without-journey',
            path: ['failureModes', i, 'journeys'],
            says: `"${mode.id}" breaks no journey.`,
            fix: 'Name the journeys that citizens cannot finish because of it. If there is none, remove it.',
          },
        ],
  )
  if (!service.journeys || !service.failureModes || !service.deferred) return without
  const covered = new Set([...service.failureModes, ...service.deferred].flatMap((mode) => mode.journeys))
  const bare = service.journeys.flatMap((journey, i): Fault[] =>
    covered.has(journey.id)
      ? []
      : [
          {
            rule: 'journey-without-failure-mode',
            path: ['journeys', i],
            says: `No failure mode breaks "${journey.id}", whose failure means: ${journey.harmIfFails}.`,
            fix: 'Add the failure mode that would hurt most here, or say under "deferred" why it may wait.',
          },
        ],
  )
  return [...without, ...bare]
}

export function unseen(service: Part): Fault[] {
  return (service.failureModes ?? []).flatMap((mode, i): Fault[] =>
    !mode.silent || SILENT_DETECTORS.includes(mode.detect.kind)
      ? []
      : [
          {
            rule: 'silent-failure-unseen',
            path: ['failureModes', i, 'detect', 'kind'],
            says: `"${mode.id}" shows no error to anybody, and is looked for by ${mode.detect.kind}, which needs errors.`,
            fix: `Compare or recompute something instead: ${SILENT_DETECTORS.slice(0, 4).join(', ')} …`,
          },
        ],
  )
}

export function slowFirstAction(service: Part): Fault[] {
  return (service.failureModes ?? []).flatMap((mode, i): Fault[] => {
    const promised = Math.min(
      ...(service.journeys ?? [])
        .filter((journey) => mode.journeys.includes(journey.id))
        .map((journey) => journey.tolerance.recoverMinutes),
    )
    const takes = mode.act.first.minutes
    if (takes <= promised) return []
    return [
      {
        rule: 'first-action-needs-more-time',
        path: ['failureModes', i, 'act', 'first'],
        says: `The first action of "${mode.id}" takes ${takes} minutes; its journey must work again within ${promised}.`,
        fix: 'Find a first action that is quicker, even if it only keeps people from harm.',
        arithmetic: `${takes} > ${promised}`,
      },
    ]
  })
}

/** Names of the variables in a command: `${FEED:?}`, `$FEED`. */
export function variablesIn(command: string): readonly string[] {
  return [...new Set([...command.matchAll(/\$\{?([A-Z][A-Z0-9_]*)/g)].map((found) => found[1]!))]
}

/** Every action of a failure mode with its place: confirmation, first action, further actions. */
export function actionsOf(
  mode: FailureMode,
): readonly { readonly action: Action; readonly path: readonly (string | number)[] }[] {
  return [
    ...mode.confirm.map((action, i) => ({ action, path: ['confirm', i] })),
    { action: mode.act.first, path: ['act', 'first'] },
    ...mode.act.then.map((action, i) => ({ action, path: ['act', 'then', i] })),
  ]
}

export function unknownInputs(service: Part): Fault[] {
  return (service.failureModes ?? []).flatMap((mode, i) =>
    actionsOf(mode).flatMap(({ action, path }): Fault[] => {
      const unknown = variablesIn(action.run ?? '').filter((name) => !mode.inputs.some((input) => input.name === name))
      if (unknown.length === 0) return []
      return [
        {
          rule: 'command-input-unknown',
          path: ['failureModes', i, ...path],
          says: `A command of "${mode.id}" needs ${unknown.join(', ')}, and it is not said where that is found.`,
          fix: `Add inputs: [{ name: ${unknown[0]}, where: …, sample: … }] to the failure mode.`,
        },
      ]
    }),
  )
}
