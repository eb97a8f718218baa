/**
 * A first service.yaml: what was seen, with the place where it was seen; what people answered; and every other decision as
 * a question. Nothing is invented: a value that nobody gave stands as a question, and `holdfast define` goes on asking.
 */
import { DETECTORS } from '../schema/failure.ts'
import type { Sight } from './survey.ts'

/** What people told, by the key of the question. */
export type Answers = Readonly<Record<string, string>>

export interface Question {
  /** How it is answered: `--answer 'service.name=…'`. */
  readonly key: string
  readonly asks: string
  readonly example: string
  /** What was seen that may help. */
  readonly hint?: string
}

export interface Draft {
  readonly text: string
  readonly questions: readonly Question[]
}

const ID = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

/** The questions that no repository answers. Answered ones are left out of the result. */
export function questionsOf(sights: readonly Sight[], answers: Answers): readonly Question[] {
  const routes = sights.filter((sight) => sight.what === 'route').map((sight) => sight.value)
  const hint =
    routes.length > 0 ? `routes seen: ${routes.slice(0, 12).join(', ')}${routes.length > 12 ? ' …' : ''}` : undefined
  const journeys = idsOf(answers.journeys)
  const modes = idsOf(answers.failureModes)
  const webs = componentsIn(sights).flatMap(({ name, self }) => (self.value === 'web' ? [name] : []))
  const all: Question[] = [
    { key: 'service.id', asks: 'What is the service called in files and labels?', example: 'heating-payment' },
    { key: 'service.name', asks: 'What do citizens call it?', example: 'Apply for a heating payment' },
    { key: 'service.phase', asks: 'Which phase is it in: alpha, beta, live or retiring?', example: 'live' },
    {
      key: 'journeys',
      asks: 'Which two or three journeys harm people when they fail, worst first? Short names.',
      example: 'apply,status',
      ...(hint ? { hint } : {}),
    },
    ...journeys.flatMap((id): Question[] => [
      { key: `journey.${id}.name`, asks: `What is the citizen doing in "${id}"?`, example: 'Apply for a payment' },
      {
        key: `journey.${id}.harm`,
        asks: `What happens to people when "${id}" fails?`,
        example: 'no money for heating',
      },
      {
        key: `journey.${id}.harmClass`,
        asks: `Which kind of harm is that: safety, money-stops, rights-lost, delay or confusion?`,
        example: 'money-stops',
      },
      { key: `journey.${id}.recoverMinutes`, asks: `Within how many minutes must "${id}" work again?`, example: '15' },
      {
        key: `journey.${id}.steps`,
        asks: `Which requests are its steps, in order?`,
        example: 'POST /apply/submit, GET /apply/confirmation',
        ...(hint ? { hint } : {}),
      },
    ]),
    {
      key: 'failureModes',
      asks: 'Which failures hurt people most, worst first, at most five? Short names.',
      example: 'submissions-fail,accepted-never-processed',
    },
    ...modes.flatMap((id): Question[] => modeQuestions(id, journeys)),
    ...webs.flatMap((id): Question[] => [
      ...(seenOf(sights, 'ready', id)
        ? []
        : [
            {
              key: `component.${id}.ready`,
              asks: `Which path of "${id}" answers 200 only when it can serve a citizen?`,
              example: '/health/ready',
            },
          ]),
      ...(seenOf(sights, 'stop-seconds', id)
        ? []
        : [
            {
              key: `component.${id}.stopSeconds`,
              asks: `How many seconds may "${id}" finish its work before it is stopped?`,
              example: '65',
            },
          ]),
      {
        key: `component.${id}.requestSeconds`,
        asks: `How many seconds does the slowest request of "${id}" take?`,
        example: '30',
      },
    ]),
    ...dependenciesIn(sights).map(
      (sight): Question => ({
        key: `dependency.${idOf(sight.value)}.fallback`,
        asks: `What do citizens get without ${sight.value}?`,
        example: 'the reference on screen; the message follows',
      }),
    ),
    {
      key: 'oncall.cover',
      asks: 'When can somebody be woken: always, or hours such as 08:00-18:00 on working days?',
      example: 'always',
    },
    {
      key: 'oncall.first',
      asks: 'Which role is woken first, and at which address?',
      example: 'primary on call, duty@example.gov.uk',
    },
    {
      key: 'oncall.then',
      asks: 'Which role is woken when nobody answers for ten minutes, and at which address?',
      example: 'head of service, head@example.gov.uk',
    },
    { key: 'comms.phone', asks: 'Which number do citizens call when the service fails?', example: '0808 157 0100' },
    { key: 'comms.hours', asks: 'When is it answered?', example: 'Monday to Friday, 8am to 6pm' },
    {
      key: 'comms.mustSay',
      asks: 'What do citizens ask first when it fails? Separated by semicolons.',
      example: 'whether their payment is late; what happens to answers already given',
    },
    {
      key: 'data.kinds',
      asks: 'Which personal data is held, and how long is each kept?',
      example: 'identity P2Y, bank details P90D',
    },
    {
      key: 'peaks',
      asks: 'When do most people come: which days and hours?',
      example: 'last-day FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=31 16:00-24:00',
    },
  ]
  const seen = seenAnswers(sights)
  return all.filter((question) => answers[question.key] === undefined && seen[question.key] === undefined)
}

/** What a failure mode needs before somebody who is woken can act on it. */
function modeQuestions(id: string, journeys: readonly string[]): Question[] {
  return [
    { key: `mode.${id}.name`, asks: `What is "${id}" called on a page at 3am?`, example: 'Submissions fail' },
    { key: `mode.${id}.journeys`, asks: `Which journeys does "${id}" break?`, example: journeys.join(',') || 'apply' },
    { key: `mode.${id}.sees`, asks: `What do citizens see of "${id}"?`, example: 'the problem page after Submit' },
    {
      key: `mode.${id}.detect`,
      asks: `How is "${id}" noticed: ${DETECTORS.join(', ')}?`,
      example: 'ratio',
    },
    {
      key: `mode.${id}.confirm`,
      asks: `How does the person on call tell that "${id}" is real?`,
      example: 'send the test application',
    },
    {
      key: `mode.${id}.first`,
      asks: `What is the one safe thing to do about "${id}", by anybody, at once?`,
      example: 'take the newest release back',
    },
    { key: `mode.${id}.undo`, asks: 'How is that taken back?', example: 'deploy it again' },
    { key: `mode.${id}.degrade`, asks: `What do citizens still get during "${id}"?`, example: 'applications by phone' },
  ]
}

interface Seen {
  readonly name: string
  readonly self: Sight
}

function componentsIn(sights: readonly Sight[]): readonly Seen[] {
  const components = sights.filter((sight) => sight.what === 'component')
  const names = [...new Set(components.map((sight) => idOf(sight.of ?? 'web')))]
  return names.map((name) => ({ name, self: components.find((sight) => idOf(sight.of ?? 'web') === name)! }))
}

/** What was seen of a component, or of all of them. */
function seenOf(sights: readonly Sight[], what: Sight['what'], name: string): Sight | undefined {
  return sights.find((sight) => sight.what === what && (sight.of === undefined || idOf(sight.of) === name))
}

function dependenciesIn(sights: readonly Sight[]): readonly Sight[] {
  return sights.filter((sight) => sight.what === 'dependency' || (sight.what === 'queue' && sight.value !== 'sqs'))
}

/** Answers that the repository itself gives. */
function seenAnswers(sights: readonly Sight[]): Answers {
  const name = sights.find((sight) => sight.what === 'name' && ID.test(sight.value))
  return name ? { 'service.id': name.value } : {}
}

/** The draft. `sights` and `answers` come from outside; every value is written as quoted text or a checked number. */
export function draftOf(sights: readonly Sight[], answers: Answers): Draft {
  const questions = questionsOf(sights, answers)
  const given = { ...seenAnswers(sights), ...answers }
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
    ...migrationLines(sights),
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
    .map((part) => part.trim().match(/^(GET|POST|PUT|PATCH|DELETE)\s+(\/\S*)$/i))
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
      : '  # QUESTION runtime.kind: what runs it: process, podman, ecs, kubernetes, lambda, ec2, static or other?',
    '  components:',
  ]
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
  if (found.length === 0)
    lines.push(
      '    # QUESTION runtime.components: what runs? Nothing that I know was found.',
      '    - { id: web, kind: web }',
    )
  const store = stores[0]
  if (store) lines.push(`    - { id: database, kind: database, engine: ${quoted(store.value)} } # ${at(store)}`)
  return lines
}

function migrationLines(sights: readonly Sight[]): string[] {
  const found = sights.find((sight) => sight.what === 'migrations')
  if (!found) return []
  return [
    'migrations:',
    `  folder: ${quoted(found.value)} # ${at(found)}`,
    '  # QUESTION migrations.tool: what applies them? It must not be each replica when it starts.',
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
      const owner = sight.what === 'queue' ? 'us' : 'GDS'
      return [
        ...ask(key, '  '),
        `  - { id: ${idOf(sight.value)}, owner: ${owner}, kind: ${sight.what === 'queue' ? 'queue' : 'shared platform'}${fallback} } # ${at(sight)}`,
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
    const found = part.trim().match(/^(.+?)\s+(P\d+[DWMY])$/)
    return found ? [`    - { name: ${quoted(found[1]!)}, retention: ${found[2]} }`] : []
  })
  return kinds.length === 0 ? ask('data.kinds', '') : ['data:', '  kinds:', ...kinds]
}

function peakLines(given: Answers, ask: Ask): string[] {
  const found = (given.peaks ?? '').trim().match(/^([a-z][a-z0-9-]*)\s+(FREQ=\S+)(?:\s+(\d{2}:\d{2}-\d{2}:\d{2}))?$/)
  if (!found) return ask('peaks', '')
  return ['peaks:', `  - { id: ${found[1]}, rrule: ${quoted(found[2]!)}${found[3] ? `, local: "${found[3]}"` : ''} }`]
}

function oncallLines(given: Answers, ask: Ask): string[] {
  const cover = given['oncall.cover']
  const hours = cover?.match(/\d{2}:\d{2}-\d{2}:\d{2}/)?.[0]
  const rung = (key: string, minutes: number): string[] => {
    const found = given[key]?.match(/^(.+?),\s*(\S+@\S+)$/)
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

function idsOf(text: string | undefined): string[] {
  return [...new Set((text ?? '').split(',').map((part) => part.trim()))].filter((id) => ID.test(id)).slice(0, 5)
}

function idOf(name: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
  return ID.test(id) ? id : 'web'
}

/** JSON is YAML: whatever the text holds, it stays one quoted value. */
function quoted(text: string): string {
  return JSON.stringify(text.replace(/\s+/g, ' ').trim())
}
