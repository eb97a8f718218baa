/** How an answer must look to be written down, and what is read out of it. */

import { DETECTORS } from '../schema/failure.ts'
import { HARM_CLASSES } from '../schema/journey.ts'
import { CHANNELS } from '../schema/people.ts'
import { COMPONENT_KINDS, RUNTIMES } from '../schema/runtime.ts'

/** What people told, by the key of the question. */
export type Answers = Readonly<Record<string, string>>

export const NONE = 'none'
export const PHASES = ['alpha', 'beta', 'live', 'retiring'] as const
export const PIPELINES = ['github-actions', 'codepipeline', 'jenkins', 'other'] as const
export const INFRASTRUCTURES = ['cloudformation', 'terraform', 'cdk', 'none', 'other'] as const
export const METRICS = ['holdfast', 'prometheus', 'cloudwatch', 'other'] as const
/** Gates by the word they are answered with, as they stand in a definition. */
export const GATES: Readonly<Record<string, { readonly id: string; readonly kind: string }>> = {
  unit: { id: 'unit', kind: 'command' },
  accessibility: { id: 'accessibility', kind: 'accessibility' },
  scan: { id: 'dependency-scan', kind: 'scan' },
  secrets: { id: 'secrets', kind: 'secrets' },
  load: { id: 'load', kind: 'load' },
  migration: { id: 'migration', kind: 'migration' },
  journeys: { id: 'journeys', kind: 'journeys' },
  drill: { id: 'drill', kind: 'drill' },
  alerts: { id: 'alerts', kind: 'alerts' },
}
/** Gates that run a command; a definition without it refuses every release. */
export const GATES_WITH_COMMAND: ReadonlySet<string> = new Set(['unit', 'load'])
/** The same where Holdfast itself deploys and asks, or the pipeline of the kit does. */
export const GATES_WITH_REPORT: ReadonlySet<string> = new Set(['accessibility', 'scan', 'secrets'])
/** The same where a platform moves the releases, and the pipeline of the kit is all that asks. */
export const GATES_OF_PIPELINE: ReadonlySet<string> = new Set(['journeys', 'drill'])

const id = '[a-z][a-z0-9]*(?:-[a-z0-9]+)*'
const text = '[^\\n]{1,600}'
const step = '(?:GET|POST|PUT|PATCH|DELETE)\\s+\\/[^\\s,?#*]*\\*?'
const time = '(?:[01]\\d|2[0-3]):[0-5]\\d'

const list = (item: string, max: number, sign = ',') =>
  new RegExp(`^\\s*${item}(?:\\s*${sign}\\s*${item}){0,${max - 1}}\\s*$`)
const oneOf = (values: readonly string[]) => `(?:${values.join('|')})`
const whole = (pattern: string) => new RegExp(`^${pattern}$`)
const orNone = (pattern: RegExp) => new RegExp(`^${NONE}$|${pattern.source}`)

/** Forms of answers. Each keeps out what could not stand in a definition, or would stand there as something else. */
export const TAKES = {
  text: whole(text),
  id: new RegExp(`^(?=.{1,63}$)${id}$`),
  ids: list(id, 5),
  idsOrNone: orNone(list(id, 20)),
  phase: whole(oneOf(PHASES)),
  harm: whole(oneOf(HARM_CLASSES)),
  runtime: whole(oneOf(RUNTIMES)),
  kind: whole(oneOf(COMPONENT_KINDS)),
  components: list(`${id}\\s+${oneOf(COMPONENT_KINDS)}`, 20),
  detector: whole(oneOf(DETECTORS)),
  count: whole('[1-9]\\d{0,2}'),
  seconds: whole('[1-9]\\d{0,4}'),
  milliseconds: whole('[1-9]\\d{0,5}'),
  path: /^\/[\w./-]{0,199}$/,
  steps: list(step, 30),
  demand: list('\\d{1,6}(?:\\.\\d{1,3})?', 3),
  times: list(time, 24),
  gates: orNone(list(oneOf(Object.keys(GATES)), 9)),
  // An argv and no shell: what would need one belongs into a script.
  command: /^[^\s|&;<>$`"'\\]+(?: [^\s|&;<>$`"'\\]+){0,29}$/,
  folder: /^(?!\/)(?!.*\.\.)[\w./-]{1,200}$/,
  pipeline: whole(oneOf(PIPELINES)),
  infrastructure: whole(oneOf(INFRASTRUCTURES)),
  metrics: whole(oneOf(METRICS)),
  channels: list(oneOf(CHANNELS), CHANNELS.length),
  languages: list('[a-z]{2}', 10),
  cover: new RegExp(`^always$|^${time}-(?:${time}|24:00)(?:\\s.*)?$`),
  whom: /^\s*[^,\n]+,\s*[^\s,@]+@[^\s,@]+\s*$/,
  texts: list('[^;\\n]{1,300}', 12, ';'),
  data: orNone(list('[^,;\\n]+?\\s+P\\d+[DWMY]', 30)),
  peaks: orNone(
    list(
      `${id}\\s+(?:\\d{4}-\\d{2}-\\d{2}|FREQ=(?:YEARLY|MONTHLY|WEEKLY|DAILY)(?:;[A-Z]+=[A-Z0-9,+-]+)*)(?:\\s+${time}-(?:${time}|24:00))?`,
      20,
      '\\/',
    ),
  ),
} as const

/** True when an answer can be written down. */
export function fits(takes: RegExp, answer: string | undefined): boolean {
  if (answer === undefined || answer.length > 4_000 || answer.trim() === '' || !takes.test(answer.trim())) return false
  // Three figures, and no fewer.
  return takes !== TAKES.demand || answer.split(',').length === 3
}

/** Parts between commas, or between another sign. */
export function partsOf(answer: string | undefined, sign = ','): string[] {
  return (answer ?? '')
    .split(sign)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** Ids of an answer, each once; none for "none". */
export function idsOf(answer: string | undefined, max = 5): string[] {
  return [...new Set(partsOf(answer))].filter((part) => part !== NONE && TAKES.id.test(part)).slice(0, max)
}

export interface StepAnswer {
  readonly id: string
  readonly method: string
  readonly route: string
}

/** The steps of an answer, each with an id of its own. */
export function stepsOf(answer: string | undefined): readonly StepAnswer[] {
  const used = new Set<string>()
  return partsOf(answer).flatMap((part) => {
    const [method, route] = part.split(/\s+/)
    if (!method || !route) return []
    const words = route.split('/').filter((word) => word !== '' && !word.startsWith(':'))
    const base = idOf(words.at(-1) ?? '', 'start')
    let own = base
    for (let n = 2; used.has(own); n++) own = `${base}-${n}`
    used.add(own)
    return [{ id: own, method: method.toUpperCase(), route }]
  })
}

/** An id made from a name: `SubmitFunction` is "submit-function". `otherwise` when nothing of it can be used. */
export function idOf(name: string, otherwise = 'component'): string {
  const made = name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 60)
    .replace(/-+$/, '')
  return TAKES.id.test(made) ? made : otherwise
}
