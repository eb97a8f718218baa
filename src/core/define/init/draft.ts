/**
 * A first service.yaml: what was seen, with the place where it was seen; what people answered; and every other decision as
 * a question. Nothing is invented: a value that nobody gave stands as a question, and `holdfast define` goes on asking.
 */
import { DETECTORS } from '../schema/failure.ts'
import {
  type Answers,
  componentsIn,
  DATA_KIND,
  dependenciesIn,
  idOf,
  idsOf,
  PEAK,
  type Question,
  questionsOf,
  STEP,
  seenAnswers,
  seenOf,
  WHOM,
} from './questions.ts'
import type { Sight } from './survey.ts'

export interface Draft {
  readonly text: string
  readonly questions: readonly Question[]
}

/** The draft. `sights` and `answers` come from outside; every value is written as quoted text or a checked number. */
export function draftOf(sights: readonly Sight[], answers: Answers): Draft {
  const questions = questionsOf(sights, answers)
  const wrong = new Set(questions.map((question) => question.key))
  const told = Object.entries(answers).filter(([key]) => !wrong.has(key))
  const given: Answers = { ...seenAnswers(sights), ...Object.fromEntries(told) }
  const open = new Map(questions.map((question) => [question.key, question]))
  const ask = (key: string, indent: string): string[] => {
    const question = open.get(key)
    if (!question) return []
    return [
      `${indent}# QUESTION ${key}: ${question.asks} For example: ${question.example}`,
      ...(question.hint ? [`${indent}#   ${question.hint}`] : []),
    ]
  }
  const value = (key: string, name: string, indent: string): string[] =>
    given[key] === undefined ? ask(key, indent) : [`${indent}${name}: ${quoted(given[key])}${whereOf(sights, key)}`]
  const lines = [
    '# yaml-language-server: $schema=node_modules/holdfast/schema/service.schema.json',
    '# First draft by `holdfast init`. Each value was seen where its comment says, or answered by a person. Each QUESTION is open:',
    '# `holdfast define` finds it until somebody answers.',
    'service:',
    ...value('service.id', 'id', '  '),
    ...value('service.name', 'name', '  '),
    ...value('service.phase', 'phase', '  '),
    ...languageLines(sights),
    '',
    ...journeyLines(given, ask),
    '',
    ...modeLines(given, ask),
    '',
    ...runtimeLines(sights, given, ask),
    ...migrationLines(sights, given, ask),
    ...dependencyLines(sights, given, ask),
    ...gateLines(sights),
    ...toolingLines(sights),
    '',
    ...dataLines(given, ask),
    ...peakLines(given, ask),
    '',
    ...oncallLines(given, ask),
    '',
    'comms:',
    ...(given['comms.phone'] !== undefined && given['comms.hours'] !== undefined
      ? [`  contact: { phone: ${quoted(given['comms.phone'])}, hours: ${quoted(given['comms.hours'])} }`]
      : [...ask('comms.phone', '  '), ...ask('comms.hours', '  ')]),
    ...(given['comms.mustSay'] === undefined
      ? ask('comms.mustSay', '  ')
      : [
          `  mustSay: [${given['comms.mustSay']
            .split(';')
            .map((part) => part.trim())
            .filter(Boolean)
            .slice(0, 20)
            .map(quoted)
            .join(', ')}]`,
        ]),
    '  audiences:',
    '    - { id: citizens, channels: [banner, unavailable-page] }',
  ]
  return { text: `${lines.join('\n')}\n`, questions }
}

type Ask = (key: string, indent: string) => string[]

function journeyLines(given: Answers, ask: Ask): string[] {
  const ids = idsOf(given.journeys)
  if (ids.length === 0) return [...ask('journeys', ''), 'journeys: []']
  return [
    'journeys:',
    ...ids.flatMap((id) => {
      const of = (what: string) => given[`journey.${id}.${what}`]
      const minutes = Number(of('recoverMinutes'))
      return [
        `  - id: ${id}`,
        ...(of('name') === undefined ? ask(`journey.${id}.name`, '    ') : [`    name: ${quoted(of('name')!)}`]),
        ...(of('harm') === undefined ? ask(`journey.${id}.harm`, '    ') : [`    harmIfFails: ${quoted(of('harm')!)}`]),
        ...(of('harmClass') === undefined
          ? ask(`journey.${id}.harmClass`, '    ')
          : [`    harmClass: ${quoted(of('harmClass')!)}`]),
        ...(minutes > 0
          ? [`    tolerance: { recoverMinutes: ${minutes} }`]
          : ask(`journey.${id}.recoverMinutes`, '    ')),
        ...(of('steps') === undefined ? ask(`journey.${id}.steps`, '    ') : stepLines(of('steps')!)),
      ]
    }),
  ]
}

function stepLines(text: string): string[] {
  const steps = text
    .split(',')
    .map((part) => part.trim().match(STEP))
    .filter((found) => found !== null)
  const used = new Set<string>()
  return [
    '    steps:',
    ...steps.map(([, method, path]) => {
      const base =
        path!
          .split('/')
          .filter((part) => part !== '' && !part.startsWith(':'))
          .at(-1)
          ?.toLowerCase()
          .replace(/[^a-z0-9]+/g, '-')
          .replace(/^[^a-z]+|-+$/g, '') || 'start'
      let id = base
      for (let n = 2; used.has(id); n++) id = `${base}-${n}`
      used.add(id)
      return `      - { id: ${id}, name: ${quoted(`${method!.toUpperCase()} ${path}`)}, method: ${method!.toUpperCase()}, route: ${quoted(path!)} } # QUESTION: after how many ms do people give up (limitMs), and which text shows that it worked (marker)?`
    }),
  ]
}

function modeLines(given: Answers, ask: Ask): string[] {
  const ids = idsOf(given.failureModes)
  if (ids.length === 0)
    return [
      ...ask('failureModes', ''),
      '#   Think of: submissions fail; somebody is refused wrongly; pages are slow; the database is down; accepted but never processed.',
    ]
  return [
    'failureModes:',
    ...ids.flatMap((id, i) => {
      const key = (what: string) => `mode.${id}.${what}`
      const value = (what: string, name: string, indent = '    ') =>
        given[key(what)] === undefined ? ask(key(what), indent) : [`${indent}${name}: ${quoted(given[key(what)]!)}`]
      const journeys = idsOf(given[key('journeys')])
      const detector = given[key('detect')]
      return [
        `  - id: ${id}`,
        ...value('name', 'name'),
        `    rank: ${i + 1}`,
        ...(journeys.length > 0 ? [`    journeys: [${journeys.join(', ')}]`] : ask(key('journeys'), '    ')),
        ...value('sees', 'citizenSees'),
        ...(detector !== undefined && DETECTORS.includes(detector as never)
          ? [`    detect: { kind: ${detector} }`]
          : ask(key('detect'), '    ')),
        ...(given[key('confirm')] === undefined
          ? ask(key('confirm'), '    ')
          : [`    confirm: [${quoted(given[key('confirm')]!)}]`]),
        '    act:',
        ...value('first', 'first', '      '),
        ...value('undo', 'undo', '      '),
        ...value('degrade', 'degrade'),
      ]
    }),
  ]
}

function runtimeLines(sights: readonly Sight[], given: Answers, ask: Ask): string[] {
  const platform = sights.find((sight) => sight.what === 'platform')
  const stores = sights.filter((sight) => sight.what === 'database')
  const found = componentsIn(sights)
  const lines = [
    'runtime:',
    platform
      ? `  kind: ${platform.value} # ${at(platform)}`
      : given['runtime.kind'] === undefined
        ? ask('runtime.kind', '  ').join('\n')
        : `  kind: ${given['runtime.kind'].trim()}`,
  ]
  const store = stores[0]
  if (found.length === 0) lines.push('  # QUESTION runtime.components: what runs? Nothing that I know was found.')
  lines.push(found.length === 0 && !store ? '  components: []' : '  components:')
  for (const { name, self } of found) {
    const mine = (what: Sight['what']) => seenOf(sights, what, name)
    lines.push(`    - id: ${name} # ${at(self)}`, `      kind: ${self.value}`)
    const field = (what: Sight['what'], key: string, plain = false) => {
      const sight = mine(what)
      if (sight) lines.push(`      ${key}: ${plain ? sight.value : quoted(sight.value)} # ${at(sight)}`)
      return sight
    }
    if (self.value === 'scheduled') {
      const cron = mine('schedule')
      lines.push(
        `      # QUESTION: at which wall times in London does it run?${cron ? ` Its cron line is "${cron.value}" in UTC unless the cluster says otherwise (${at(cron)}).` : ''}`,
      )
      continue
    }
    field('image', 'image')
    field('replicas', 'replicas', true)
    const answered = (what: string, key: string, wanted: RegExp) => {
      const answer = given[`component.${name}.${what}`]
      if (answer !== undefined && wanted.test(answer))
        lines.push(`      ${key}: ${/^\d/.test(answer) ? answer : quoted(answer)}`)
      else lines.push(...ask(`component.${name}.${what}`, '      '))
    }
    if (!field('ready', 'ready') && self.value === 'web') answered('ready', 'ready', /^\/[\w./-]*$/)
    if (!field('stop-seconds', 'stopSecondsMax', true)) {
      if (self.value === 'web') answered('stopSeconds', 'stopSecondsMax', /^\d{1,5}$/)
      else lines.push('      # QUESTION: how long may it finish its work after SIGTERM (stopSecondsMax)?')
    }
    if (self.value === 'web') answered('requestSeconds', 'requestSecondsMax', /^\d{1,5}$/)
    field('memory-mb', 'memoryMb', true)
    const secrets = [
      ...new Set(
        sights
          .filter(
            (sight) =>
              sight.what === 'secret-env' && idOf(sight.of ?? 'web') === name && /^[A-Z][A-Z0-9_]*$/.test(sight.value),
          )
          .map((sight) => sight.value),
      ),
    ]
    if (secrets.length > 0) lines.push(`      secretEnv: [${secrets.join(', ')}]`)
  }
  if (store) lines.push(`    - { id: database, kind: database, engine: ${quoted(store.value)} } # ${at(store)}`)
  return lines
}

function migrationLines(sights: readonly Sight[], given: Answers, ask: Ask): string[] {
  const found = sights.find((sight) => sight.what === 'migrations')
  if (!found) return []
  return [
    'migrations:',
    `  folder: ${quoted(found.value)} # ${at(found)}`,
    ...(given['migrations.tool'] === undefined
      ? ask('migrations.tool', '  ')
      : [`  tool: ${quoted(given['migrations.tool'])}`]),
  ]
}

function dependencyLines(sights: readonly Sight[], given: Answers, ask: Ask): string[] {
  const found = dependenciesIn(sights)
  if (found.length === 0)
    return ['# QUESTION dependencies: which systems of others does it need, and what happens without each?']
  return [
    'dependencies:',
    ...found.flatMap((sight) => {
      const key = `dependency.${idOf(sight.value)}.fallback`
      const fallback = given[key] === undefined ? '' : `, fallback: ${quoted(given[key])}`
      const told = given[`dependency.${idOf(sight.value)}.owner`]
      // The shared platforms that are known by their package are run by the Government Digital Service.
      const owner = sight.what !== 'queue' ? ', owner: GDS' : told === undefined ? '' : `, owner: ${quoted(told)}`
      return [
        ...ask(`dependency.${idOf(sight.value)}.owner`, '  '),
        ...ask(key, '  '),
        `  - { id: ${idOf(sight.value)}${owner}, kind: ${sight.what === 'queue' ? 'queue' : 'shared platform'}${fallback} } # ${at(sight)}`,
      ]
    }),
  ]
}

const GATE_LINES: Readonly<Record<string, string>> = {
  unit: '{ id: unit }',
  accessibility: '{ id: accessibility, kind: accessibility }',
  scan: '{ id: dependency-scan, kind: scan }',
  secrets: '{ id: secrets, kind: secrets }',
  load: '{ id: load, kind: load }',
}

function gateLines(sights: readonly Sight[]): string[] {
  const found = sights.filter((sight) => sight.what === 'gate')
  const kinds = [...new Set(found.map((sight) => sight.value))]
  if (kinds.length === 0) return ['# QUESTION deployment.gates: what must pass before a release?']
  return [
    'deployment:',
    '  gates:',
    ...kinds.map(
      (kind) =>
        `    - ${GATE_LINES[kind]} # ${at(found.find((sight) => sight.value === kind)!)}. QUESTION: what does passing mean, in a number?`,
    ),
  ]
}

function toolingLines(sights: readonly Sight[]): string[] {
  const pipeline = sights.find((sight) => sight.what === 'pipeline')
  const infrastructure = sights.find((sight) => sight.what === 'infrastructure')
  if (!pipeline && !infrastructure) return []
  return [
    'tooling:',
    ...(pipeline ? [`  pipeline: ${pipeline.value} # ${at(pipeline)}`] : []),
    ...(infrastructure ? [`  infrastructure: ${infrastructure.value} # ${at(infrastructure)}`] : []),
  ]
}

function languageLines(sights: readonly Sight[]): string[] {
  const welsh = sights.find((sight) => sight.what === 'language')
  return welsh ? [`  languages: [en, ${welsh.value}] # ${at(welsh)}`] : []
}

function dataLines(given: Answers, ask: Ask): string[] {
  const kinds = (given['data.kinds'] ?? '').split(',').flatMap((part) => {
    const found = part.trim().match(DATA_KIND)
    return found ? [`    - { name: ${quoted(found[1]!)}, retention: ${found[2]} }`] : []
  })
  return kinds.length === 0 ? ask('data.kinds', '') : ['data:', '  kinds:', ...kinds]
}

function peakLines(given: Answers, ask: Ask): string[] {
  const found = (given.peaks ?? '').trim().match(PEAK)
  if (!found) return ask('peaks', '')
  return ['peaks:', `  - { id: ${found[1]}, rrule: ${quoted(found[2]!)}${found[3] ? `, local: "${found[3]}"` : ''} }`]
}

function oncallLines(given: Answers, ask: Ask): string[] {
  const cover = given['oncall.cover']
  const hours = cover?.match(/\d{2}:\d{2}-\d{2}:\d{2}/)?.[0]
  const rung = (key: string, minutes: number): string[] => {
    const found = given[key]?.match(WHOM)
    return found
      ? [`    - { role: ${quoted(found[1]!)}, route: email, to: ${quoted(found[2]!)}, afterMinutes: ${minutes} }`]
      : ask(key, '    ')
  }
  return [
    'oncall:',
    ...(cover === undefined
      ? ask('oncall.cover', '  ')
      : [hours ? `  cover: [{ days: working-days, local: "${hours}" }]` : '  cover: always']),
    '  ladder:',
    ...rung('oncall.first', 0),
    ...rung('oncall.then', 10),
  ]
}

function whereOf(sights: readonly Sight[], key: string): string {
  const sight = key === 'service.id' ? sights.find((seen) => seen.what === 'name') : undefined
  return sight ? ` # ${at(sight)}` : ''
}

function at(sight: Sight): string {
  return `seen in ${sight.file}:${sight.line}`
}

/** JSON is YAML: whatever the text holds, it stays one quoted value. */
function quoted(text: string): string {
  return JSON.stringify(text.replace(/\s+/g, ' ').trim())
}
