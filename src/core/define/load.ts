/** From the text of service.yaml to a Service, or to everything that is wrong with it, at once. */
import type { Finding } from '../errors.ts'
import { listOf, plural } from '../words.ts'
import { meaningFaults } from './meaning.ts'
import { type DefineRuleId, ruleOf } from './rules.ts'
import { type Service, serviceSchema } from './schema.ts'
import { type Fault, faultsOf } from './structure.ts'
import { type Place, readYaml, type YamlRead } from './yaml.ts'

export interface Loaded {
  /** Present only when no finding is an error. */
  readonly service?: Service
  /** In the order of the file. */
  readonly findings: readonly Finding[]
  /** Line and column of a value, for what is generated from it: `placeOf(['journeys', 0, 'steps'])`. */
  placeOf(path: readonly (string | number)[]): Place
}

/** Reads a definition. Never throws; `file` is only used in the findings. */
export function loadService(text: string, file: string): Loaded {
  const read = readYaml(text)
  const findings: Finding[] = read.faults.map((fault) =>
    findingOf(file, fault.rule, fault.place, fault.says, fault.fix),
  )
  if (read.value === undefined) return { findings, placeOf: read.placeOf }
  findings.push(...openQuestions(file, text))
  const { service, faults } = check(read.value)
  findings.push(...faults.map((fault) => located(file, read, fault)))
  findings.sort((a, b) => a.line - b.line || a.col - b.col || (a.rule < b.rule ? -1 : 1))
  const wrong = findings.some((finding) => finding.severity === 'error')
  return { ...(service && !wrong ? { service } : {}), findings, placeOf: read.placeOf }
}

/** Questions of `holdfast init` that still stand in its draft: one finding for all of them, at the first. */
function openQuestions(file: string, text: string): Finding[] {
  const open = text.split('\n').flatMap((line, i) => {
    const found = line.match(/^(\s*)# QUESTION ([\w.-]{1,200}):/)
    return found ? [{ line: i + 1, col: found[1]!.length + 1, key: found[2]! }] : []
  })
  const [first] = open
  if (!first) return []
  const shown = open.slice(0, 6).map(({ key, line }) => `${key} (line ${line})`)
  const more = open.length > shown.length ? [`${open.length - shown.length} more`] : []
  return [
    findingOf(
      file,
      'question-open',
      { line: first.line, col: first.col },
      `${plural(open.length, 'question')} of the draft ${open.length === 1 ? 'is' : 'are'} open: ${listOf([...shown, ...more])}.`,
      'Write the value there, or decide for its default, and take the question away.',
    ),
  ]
}

/**
 * Checks the shape, then the meaning. Sections are checked one by one, so that a slip in one does not hide what is wrong
 * with the others.
 */
function check(value: unknown): { service?: Service; faults: readonly Fault[] } {
  const whole = serviceSchema.safeParse(value)
  if (whole.success) return { service: whole.data, faults: meaningFaults(whole.data) }
  const faults = faultsOf(whole.error.issues, value, [])
  return { faults: [...faults, ...meaningFaults(soundSections(value))] }
}

function soundSections(value: unknown): Partial<Service> {
  const sound: Record<string, unknown> = {}
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return sound
  for (const [name, schema] of Object.entries(serviceSchema.shape)) {
    const parsed = schema.safeParse((value as Record<string, unknown>)[name])
    if (parsed.success) sound[name] = parsed.data
  }
  return sound
}

function located(file: string, read: YamlRead, fault: Fault): Finding {
  const place = fault.onKey ? read.keyPlaceOf(fault.path) : read.placeOf(fault.path)
  const finding = findingOf(file, fault.rule, place, fault.says, fault.fix)
  return fault.arithmetic === undefined ? finding : { ...finding, arithmetic: fault.arithmetic }
}

function findingOf(file: string, id: DefineRuleId, place: Place, says: string, fix: string): Finding {
  const rule = ruleOf(id)
  return {
    rule: id,
    verdict: 'fail',
    severity: rule.severity,
    file,
    ...place,
    says,
    harm: rule.harm,
    fix,
    cites: rule.cites,
  }
}
