import type { Case } from './case.ts'
import { data } from './data.ts'
import { operations } from './operations.ts'
import { pipelines } from './pipelines.ts'
import { runtime } from './runtime.ts'
import { traps } from './traps.ts'

/** Every labelled repository. */
export const CASES: readonly Case[] = [...pipelines, ...runtime, ...data, ...traps, ...operations]
