/** Turns what the schema says of a value into sentences a team can act on: one fault for each thing that is wrong. */
import type * as z from 'zod'
import { nearest } from '../words.ts'
import { fieldAt, fieldPathOf, fields, namesUnder } from './fields.ts'
import type { DefineRuleId } from './rules.ts'
import type { Path } from './yaml.ts'

/** One thing that is wrong. `onKey`: point at the key, not at its value. */
export interface Fault {
  readonly rule: DefineRuleId
  readonly path: Path
  readonly onKey?: boolean
  readonly says: string
  readonly fix: string
  readonly arithmetic?: string
}

type Issue = z.core.$ZodIssue

/** `input` is what was checked, `under` its path in the file. */
export function faultsOf(issues: readonly Issue[], input: unknown, under: Path): Fault[] {
  return issues.flatMap((issue) => {
    const path = [...under, ...(issue.path as (string | number)[])]
    return faultsOfIssue(issue, path, valueAt(input, issue.path as Path))
  })
}

function faultsOfIssue(issue: Issue, path: Path, value: unknown): Fault[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key))
    case 'invalid_union':
      return union(issue, path, value)
    case 'invalid_type':
      return [value === undefined ? missing(path) : wrongType(path, value, issue.expected)]
    case 'invalid_value':
      return [value === undefined ? missing(path) : wrongValue(path, value, issue.values.map(String))]
    case 'invalid_format':
      return [badFormat(path, value, issue.message)]
    case 'too_small':
    case 'too_big':
      return [outOfRange(path, value, issue)]
    case 'custom':
      return [badFormat(path, value, issue.message)]
    case 'invalid_key':
      return [
        {
          rule: 'bad-format',
          path,
          onKey: true,
          says: `${quoted(path.at(-1))} cannot be a name here.`,
          fix: `Use ${issue.issues[0]?.message ?? 'another name'}.`,
        },
      ]
    default:
      return [{ rule: 'wrong-type', path, says: `${nameOf(path)}: ${issue.message}`, fix: exampleOf(path) }]
  }
}

/** A union reports every branch. The branch that fits the shape of the value tells what is wrong with it. */
function union(issue: Issue & { code: 'invalid_union' }, path: Path, value: unknown): Fault[] {
  const discriminator = (issue as { discriminator?: string }).discriminator
  if (discriminator) {
    const field = fieldAt([...path, discriminator])
    return [wrongValue([...path, discriminator], valueAt(value, [discriminator]), (field?.values ?? []).map(String))]
  }
  if (value === undefined) return [missing(path)]
  const branches = issue.errors.filter(
    (branch) => !branch.some((inner) => inner.path.length === 0 && inner.code === 'invalid_type'),
  )
  const best = branches.toSorted((a, b) => a.length - b.length)[0]
  return best ? faultsOf(best, value, path) : [wrongType(path, value, fieldAt(path)?.type ?? 'another kind of value')]
}

function unknownKey(path: Path, key: string): Fault {
  const known = namesUnder(path)
  const near = nearest(key, known)
  const elsewhere = [...fields().keys()].find((field) => field.endsWith(`.${key}`))
  const where = path.length === 0 ? 'at the top' : `in ${nameOf(path)}`
  const hint = near
    ? `Did you mean "${near}"?`
    : elsewhere
      ? `"${key}" belongs to ${elsewhere.slice(0, -key.length - 1)}.`
      : `Known here: ${known.join(', ') || 'nothing'}.`
  return {
    rule: 'unknown-key',
    path: [...path, key],
    onKey: true,
    says: `There is no "${key}" ${where}. ${hint}`,
    fix: near ? `Write "${near}".` : `Remove "${key}", or move it to where it belongs.`,
  }
}

function missing(path: Path): Fault {
  const field = fieldAt(path)
  const parent = path.slice(0, -1)
  return {
    rule: 'missing',
    path,
    onKey: true,
    says: `${nameOf(parent) || 'The definition'} does not say "${path.at(-1)}"${field?.description ? `: ${lower(field.description)}` : '.'}`,
    fix: exampleOf(path),
  }
}

function requiredUnder(path: Path): readonly string[] {
  return namesUnder(path).filter((name) => fieldAt([...path, name])?.required)
}

const UNITS: readonly { readonly ending: RegExp; readonly unit: string; readonly ms: number }[] = [
  { ending: /Ms(Max|Min)?$|^(rttMs)$/, unit: 'milliseconds', ms: 1 },
  { ending: /Seconds(Max|Min)?$/, unit: 'seconds', ms: 1_000 },
  { ending: /Minutes(Max|Min)?$|PerMinute$/, unit: 'minutes', ms: 60_000 },
  { ending: /Hours$/, unit: 'hours', ms: 3_600_000 },
  { ending: /Days$/, unit: 'days', ms: 86_400_000 },
]

/** "3s" where milliseconds are wanted, "PT10M" where minutes are, "99.9 %" where a number is. */
function wrongUnit(path: Path, value: unknown): Fault | undefined {
  if (typeof value !== 'string') return undefined
  const name = String(path.findLast((part) => typeof part === 'string') ?? '')
  const written = value.trim().match(/^(\d+(?:\.\d+)?)\s*(ms|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)$/i)
  const unit = UNITS.find((known) => known.ending.test(name))
  if (unit) {
    const ms = written ? Number(written[1]) * msOf(written[2]!) : isoMsOf(value)
    const meant = ms === undefined ? '' : ` ${value} is ${round(ms / unit.ms)}.`
    return {
      rule: 'wrong-unit',
      path,
      says: `${nameOf(path)} is a number of ${unit.unit}; ${quoted(value)} is text.${meant}`,
      fix: ms === undefined ? exampleOf(path) : `Write ${name}: ${round(ms / unit.ms)}`,
    }
  }
  const percent = value.trim().match(/^(\d+(?:\.\d+)?)\s*%$/)
  if (!percent) return undefined
  const asShare = (fieldAt(path)?.maximum ?? 100) <= 1
  const meant = asShare ? round(Number(percent[1]) / 100) : Number(percent[1])
  return {
    rule: 'wrong-unit',
    path,
    says: `${nameOf(path)} is a ${asShare ? 'share from 0 to 1' : 'number in percent'}; ${quoted(value)} is text.`,
    fix: `Write ${name}: ${meant}`,
  }
}

function msOf(unit: string): number {
  const u = unit.toLowerCase()
  if (u === 'ms') return 1
  if (u.startsWith('s')) return 1_000
  if (u === 'm' || u.startsWith('min')) return 60_000
  return u.startsWith('h') ? 3_600_000 : 86_400_000
}

function isoMsOf(text: string): number | undefined {
  const found = text.match(/^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/)
  if (!found || text.length < 3) return undefined
  const [days, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0))
  return days! * 86_400_000 + hours! * 3_600_000 + minutes! * 60_000 + seconds! * 1_000
}

function round(n: number): number {
  return Number(n.toPrecision(6))
}

function wrongType(path: Path, value: unknown, expected: string): Fault {
  const unit = expected === 'number' || expected === 'int' ? wrongUnit(path, value) : undefined
  if (unit) return unit
  const required = value === null ? requiredUnder(path) : []
  if (required.length > 0)
    return {
      rule: 'missing',
      path,
      onKey: true,
      says: `${nameOf(path)} is empty; it must say ${required.map((name) => `"${name}"`).join(', ')}.`,
      fix: exampleOf(path),
    }
  const quotes =
    expected === 'string' && (typeof value === 'number' || typeof value === 'boolean') ? ' Put it in quotes.' : ''
  return {
    rule: 'wrong-type',
    path,
    says: `${nameOf(path)} must be ${articled(expected)}, and is ${kindOf(value)}.${quotes}`,
    fix: exampleOf(path),
  }
}

function wrongValue(path: Path, value: unknown, values: readonly string[]): Fault {
  if (value === undefined) return missing(path)
  const near = nearest(String(value), values)
  return {
    rule: 'wrong-value',
    path,
    says: `${nameOf(path)} cannot be ${quoted(value)}.${near ? ` Did you mean "${near}"?` : ''}`,
    fix: `Use ${values.length === 1 ? '' : 'one of '}${values.join(', ')}.`,
  }
}

function badFormat(path: Path, value: unknown, message: string): Fault {
  const wanted = message.startsWith('Invalid') ? 'another form' : message
  if (typeof value === 'string' && /\d(Z|\s*(UTC|GMT))\b/i.test(value))
    return {
      rule: 'peak-in-utc',
      path,
      says: `${nameOf(path)} is ${quoted(value)}, a time in UTC. Citizens live by wall time, which is an hour later all summer.`,
      fix: `Write the wall time, without zone: ${exampleOf(path)}`,
    }
  return {
    rule: 'bad-format',
    path,
    says: `${nameOf(path)} is ${quoted(value)}, and must be ${wanted}.`,
    fix: exampleOf(path),
  }
}

function outOfRange(path: Path, value: unknown, issue: Issue & { code: 'too_small' | 'too_big' }): Fault {
  const bound = issue.code === 'too_big' ? issue.maximum : issue.minimum
  const side = issue.code === 'too_big' ? 'at most' : issue.inclusive === false ? 'more than' : 'at least'
  const size =
    typeof value === 'string'
      ? `has ${value.length} characters, and may have`
      : Array.isArray(value)
        ? `has ${value.length} elements, and must have`
        : `is ${quoted(value)}, and must be`
  return { rule: 'out-of-range', path, says: `${nameOf(path)} ${size} ${side} ${bound}.`, fix: exampleOf(path) }
}

/** "journeys[apply].steps[submit].limitMs": lists by position, because ids may be what is wrong. */
export function nameOf(path: Path): string {
  let text = ''
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`
  return text
}

function exampleOf(path: Path): string {
  const field = fieldAt(path)
  if (field?.example === undefined) return `See docs/reference/service-yaml.md, ${fieldPathOf(path)}.`
  const example = JSON.stringify(field.example)
  return `For example ${String(path.at(-1))}: ${example.length > 160 ? `${example.slice(0, 160)}…` : example}`
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const part of path) {
    if (at === null || typeof at !== 'object') return undefined
    at = (at as Record<string | number, unknown>)[part]
  }
  return at
}

function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a section of keys'
  return `the ${typeof value} ${quoted(value)}`
}

function articled(expected: string): string {
  const names: Record<string, string> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a section of keys',
    record: 'a section of keys',
  }
  return names[expected] ?? expected
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
