import { alertSources } from './alerts.ts'
import { cloud } from './cloud.ts'
import type { FormatExample } from './example.ts'
import { kubernetes } from './kubernetes.ts'
import { migrations } from './migrations.ts'
import { pipelines } from './pipelines.ts'

/** One row or more for each format of the list. */
export const EXAMPLES: readonly FormatExample[] = [
  ...alertSources,
  ...cloud,
  ...kubernetes,
  ...migrations,
  ...pipelines,
]
