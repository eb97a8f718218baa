import { budgets } from './budgets.ts'
import type { Case } from './case.ts'
import { data } from './data.ts'
import { operations } from './operations.ts'
import { pipelines } from './pipelines.ts'
import { runtime } from './runtime.ts'
import { targets } from './targets.ts'
import { traps } from './traps.ts'

/** Every labelled repository. */
export const CASES: readonly Case[] = [
  ...pipelines,
  ...runtime,
  ...data,
  ...targets,
  ...budgets,
  ...traps,
  ...operations,
]
