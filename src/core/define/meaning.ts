/** Everything about a definition that no single field can tell. Each file of meaning/ has the rules of one subject. */
import { dpia, fallbacks, retention } from './meaning/data.ts'
import {
  breakingMigrations,
  components,
  gates,
  requestsCut,
  rungs,
  shadowSample,
  trafficCannot,
} from './meaning/deploying.ts'
import { journeyless, ranks, slowFirstAction, tooMany, unknownInputs, unseen } from './meaning/failures.ts'
import { duplicateIds, references, secrets, sourcesOfNothing } from './meaning/names.ts'
import { budgets, pageBudget, recovery } from './meaning/objectives.ts'
import { approvers, ladder, languages, mustSay, pagesOutsideCover, rotaGaps } from './meaning/people.ts'
import {
  clockChange,
  impossibleDates,
  neverOpen,
  peakTimes,
  schedules,
  uncheckedCalendars,
  zone,
} from './meaning/time.ts'
import type { Service } from './schema.ts'
import type { Fault } from './structure.ts'

/** A rule looks at the sections that are well formed; what it needs and does not get, it leaves to the schema's findings. */
export type MeaningRule = (service: Partial<Service>) => readonly Fault[]

const RULES: readonly MeaningRule[] = [
  duplicateIds,
  references,
  secrets,
  sourcesOfNothing,
  tooMany,
  ranks,
  journeyless,
  unseen,
  slowFirstAction,
  unknownInputs,
  zone,
  peakTimes,
  impossibleDates,
  clockChange,
  schedules,
  neverOpen,
  uncheckedCalendars,
  rotaGaps,
  ladder,
  approvers,
  pagesOutsideCover,
  languages,
  mustSay,
  budgets,
  recovery,
  pageBudget,
  requestsCut,
  components,
  rungs,
  shadowSample,
  trafficCannot,
  breakingMigrations,
  gates,
  fallbacks,
  retention,
  dpia,
]

export function meaningFaults(service: Partial<Service>): readonly Fault[] {
  return RULES.flatMap((rule) => rule(service))
}
