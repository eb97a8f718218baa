/** Everything about a definition that no single field can tell. Each file of meaning/ has the rules of one subject. */
import type { Service } from './schema.ts'
import type { Fault } from './structure.ts'

/** A rule looks at the sections that are well formed; what it needs and does not get, it leaves to the schema's findings. */
export type MeaningRule = (service: Partial<Service>) => readonly Fault[]

const RULES: readonly MeaningRule[] = []

export function meaningFaults(service: Partial<Service>): readonly Fault[] {
  return RULES.flatMap((rule) => rule(service))
}
