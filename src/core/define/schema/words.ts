/**
 * The small kinds of value that the definition is made of. Each refuses what people really type by mistake, and every
 * field of the schema is described through `says`, so that the reference page and the editor can explain it.
 */
import * as z from 'zod'

declare module 'zod' {
  interface GlobalMeta {
    /** Where a default or a limit comes from. */
    'x-source'?: string
  }
}

/** Describes a field: what it means (with unit and range), one example, and the source of its default or limit. */
export function says<T extends z.ZodType>(schema: T, description: string, example: unknown, source?: string): T {
  return schema.meta({ description, examples: [example], ...(source === undefined ? {} : { 'x-source': source }) }) as T
}

/** Lower case words joined by hyphens: used in file names, labels and links. */
export const id = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'lower case words joined by hyphens, such as "apply-online"')
  .max(63)

/** One line for people. */
export const line = z
  .string()
  .min(1)
  .max(600)
  .refine((text) => text.trim() === text && !text.includes('\n'), 'one line, without spaces at its ends')

/** A count or an amount of time, never negative. */
export const amount = z.number().min(0).max(1e9)
export const positive = z.number().gt(0).max(1e9)
export const whole = z.number().int().min(0).max(1e9)
export const share = z.number().min(0).max(1)
export const percent = z.number().gt(0).max(100)

/** Wall time in the service's zone. Quoted in YAML, because older readers take 10:30 for the number 630. */
export const wallTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a wall time such as "09:30", quoted')

/** From and to, wall time; a span that ends at or before its start runs past midnight. "24:00" ends the day. */
export const wallSpan = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'a span such as "08:00-22:00", quoted')

/** A calendar day. Whether the day exists is the rule `impossible-date`'s to say. */
export const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'a date such as "2027-03-31", quoted')

/** ISO 8601 duration in whole years, months, weeks or days, or hours and minutes. */
export const isoDuration = z
  .string()
  .regex(/^P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?)?$/, 'a duration such as "P90D", "P2Y" or "PT4H"')

/** Name of an environment variable. Secrets never stand in the definition, only where to find them. */
export const envName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]*$/, 'the NAME of an environment variable, such as DATABASE_URL; never its value')
  .max(80)

/** Path inside the repository, with forward slashes; nothing outside of it. */
export const repoPath = z
  .string()
  .min(1)
  .max(300)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..') && !path.includes('\\'), {
    message: 'a path inside the repository, with forward slashes',
  })

/** Path of a request, as the router knows it: `:name` matches one segment, a trailing `*` the rest. */
export const route = z
  .string()
  .max(300)
  .regex(/^\/(?!.*[?#\s])[^*]*\*?$/, 'a path such as "/apply/:id/answers", without query; "*" only at the end')

/** Recurrence after RFC 5545, without DTSTART and in wall time of the service's zone. */
export const rrule = z
  .string()
  .max(300)
  .regex(
    /^FREQ=(YEARLY|MONTHLY|WEEKLY|DAILY)(;[A-Z]+=[A-Z0-9,+\-:]+)*$/,
    'a recurrence such as "FREQ=WEEKLY;BYDAY=MO,TU"',
  )

export const severity = z.enum(['P1', 'P2', 'P3', 'P4'])
export const language = z.string().regex(/^[a-z]{2}$/, 'a two-letter language code such as "en" or "cy"')

/** A list that may be left out; bounded, because the file comes from outside. */
export function listOf<T extends z.ZodType>(item: T, max = 200) {
  return z.array(item).max(max)
}
