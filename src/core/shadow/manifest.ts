/**
 * The manifest of intended differences: what a new release shall answer otherwise, and why that is lawful. Without it every lawful
 * change looks like a fault; with it a change that nobody intended cannot hide among those that somebody did.
 */
import * as z from 'zod'
import { readYaml } from '../define/yaml.ts'
import type { Finding } from '../errors.ts'
import type { Compared, Difference, Ignored, Normal } from './compare.ts'
import { isWithin, type Part, parsePlace } from './place.ts'

const line = z.string().trim().min(1).max(300)
const id = z.string().regex(/^[a-z0-9][a-z0-9-]{0,60}$/, 'a name in lower case, e.g. uprating-2026')
const place = z
  .string()
  .refine((text) => parsePlace(text) !== undefined, 'a place such as $.award.amount or $.lines[*].sum')
  .transform((text) => parsePlace(text)!)
const scalar = z.union([z.string().max(300), z.number(), z.boolean(), z.null()])

const change = z.union([
  z.strictObject({ times: z.number().gt(0).max(1_000), round: z.number().gt(0).max(1_000).default(0.01) }),
  z.strictObject({ plus: z.number(), round: z.number().gt(0).max(1_000).default(0.01) }),
  z.strictObject({ from: scalar, to: scalar }),
  z.strictObject({ to: scalar }),
  z.literal('any'),
])

const schema = z.strictObject({
  ignore: z
    .array(
      z.union([
        z.strictObject({ place, why: line }),
        z.strictObject({ field: z.string().regex(/^[\w.-]{1,60}$/), why: line }),
        z.strictObject({ kind: z.enum(['uuid', 'timestamp', 'token']), why: line }),
      ]),
    )
    .max(100)
    .default([]),
  cohorts: z
    .array(
      z.union([
        z.strictObject({ id, place, equals: scalar }),
        z.strictObject({ id, place, from: z.number().default(-Infinity), below: z.number().default(Infinity) }),
      ]),
    )
    .max(16)
    .default([]),
  worseOff: z.strictObject({ place, when: z.enum(['lower', 'higher']) }).optional(),
  intended: z
    .array(
      z.strictObject({
        id,
        says: line,
        legal: line,
        at: z.union([z.enum(['status', 'location', 'text']), place]),
        change,
        steps: z.array(line).max(50).optional(),
        cohort: id.optional(),
        expectedMin: z.number().int().min(0).max(1e6).default(1),
      }),
    )
    .max(200)
    .default([]),
})

export type Manifest = z.infer<typeof schema>
export type Intended = Manifest['intended'][number]
type Cohort = Manifest['cohorts'][number]

export const NO_MANIFEST: Manifest = schema.parse({})

/** Reads a manifest, or tells everything that is wrong with it. Never throws. */
export function loadManifest(
  text: string,
  file: string,
): { readonly manifest?: Manifest; readonly findings: readonly Finding[] } {
  const read = readYaml(text)
  const faults = read.faults.map(({ place: at, says, fix }) => findingOf(file, at, says, fix))
  if (read.value === undefined) return { findings: faults }
  const parsed = schema.safeParse(read.value ?? {})
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => {
      const path = issue.path as (string | number)[]
      const says = `${path.join('.') || 'The manifest'}: ${issue.message}.`
      return findingOf(file, read.placeOf(path), says, 'Write it as docs/how-to/compare-in-the-shadow.md shows.')
    })
    return { findings: [...faults, ...wrong] }
  }
  const manifest = parsed.data
  const known = new Set(manifest.cohorts.map((cohort) => cohort.id))
  const strangers = manifest.intended.flatMap((one, i) => {
    if (one.cohort === undefined || known.has(one.cohort)) return []
    const says = `The intended difference ${one.id} names the cohort "${one.cohort}", which is not under cohorts.`
    return [
      findingOf(
        file,
        read.placeOf(['intended', i, 'cohort']),
        says,
        'Name one of the cohorts, or leave it out for everybody.',
      ),
    ]
  })
  const findings = [...faults, ...strangers]
  return findings.length > 0 ? { findings } : { manifest, findings }
}

function findingOf(file: string, at: { line: number; col: number }, says: string, fix: string): Finding {
  return {
    rule: 'shadow-manifest',
    verdict: 'fail',
    severity: 'error',
    file,
    line: at.line,
    col: at.col,
    says,
    harm: 'A change that nobody intended could pass for one that somebody did.',
    fix,
    cites: 'facts on delivery: every difference explained, every expected one present',
  }
}

/** What is left out before two answers are compared. `tolerance`: largest difference of figures that is none. */
export function normalOf({ ignore }: Manifest, tolerance: number): Normal {
  return { ignored: ignore.map(({ why: _, ...what }): Ignored => what), tolerance }
}

/** The cohort of a case, from the running release's answer; '' when none fits. */
export function cohortOf({ cohorts }: Manifest, body: unknown): string {
  return cohorts.find((cohort) => isIn(cohort, valueAt(body, cohort.place)))?.id ?? ''
}

function isIn(cohort: Cohort, value: unknown): boolean {
  if ('equals' in cohort) return value === cohort.equals
  return typeof value === 'number' && value >= cohort.from && value < cohort.below
}

function valueAt(value: unknown, path: readonly Part[]): unknown {
  let here = value
  for (const part of path) {
    if (here === null || typeof here !== 'object') return undefined
    if (typeof part === 'symbol') here = Object.values(here)[0]
    else here = Object.hasOwn(here, part) ? (here as Record<string | number, unknown>)[part] : undefined
  }
  return here
}

/** Ids of the intended differences that explain all of these; null: at least one is explained by none. */
export function explain(
  { intended }: Manifest,
  { differences, more }: Extract<Compared, { kind: 'different' }>,
  step: string,
  cohort: string,
): readonly string[] | null {
  const ids = new Set<string>()
  // What was not kept stands behind the last that was. Lines of a page may all be explained at once; values are looked at one by one.
  const last = differences[differences.length - 1]
  const any = intended.filter(({ at, change }) => at === 'text' && change === 'any')
  if (more && last && !any.some((one) => fits(one, last, step, cohort))) return null
  for (const difference of differences) {
    const found = intended.find((one) => fits(one, difference, step, cohort))
    if (!found) return null
    ids.add(found.id)
  }
  return [...ids]
}

function fits(one: Intended, { at, place: where, before, after }: Difference, step: string, cohort: string): boolean {
  if (one.steps && !one.steps.includes(step)) return false
  if (one.cohort !== undefined && one.cohort !== cohort) return false
  const here =
    typeof one.at === 'string'
      ? one.at === 'text'
        ? where === null && at.includes('line')
        : at === one.at
      : where !== null && isWithin(one.at, where)
  return here && isChange(one.change, before, after)
}

function isChange(wanted: Intended['change'], before: unknown, after: unknown): boolean {
  if (wanted === 'any') return true
  if ('to' in wanted) return after === wanted.to && (!('from' in wanted) || before === wanted.from)
  if (typeof before !== 'number' || typeof after !== 'number') return false
  const exact = 'times' in wanted ? before * wanted.times : before + wanted.plus
  // Rounding to the step, either way: a regulation says which, and half a step is no difference for the gate.
  return Math.abs(after - exact) <= wanted.round + 1e-9
}

/** True when the citizen of this case would be worse off: such a difference weighs double. */
export function isWorseOff({ worseOff }: Manifest, differences: readonly Difference[]): boolean {
  if (!worseOff) return false
  return differences.some(({ place: where, before, after }) => {
    if (where === null || !isWithin(worseOff.place, where)) return false
    if (typeof before !== 'number' || typeof after !== 'number') return false
    return worseOff.when === 'lower' ? after < before : after > before
  })
}
