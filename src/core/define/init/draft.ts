/**
 * A first service.yaml: what was seen, with the place where it was seen; what people answered; and every other decision as
 * a question. Nothing is invented: a value that nobody gave stands as a question, and `holdfast define` goes on asking.
 */
import { type Answers, GATES, idOf, idsOf, NONE, partsOf, type StepAnswer, stepsOf } from './answers.ts'
import { type Component, componentsOf, dependenciesIn, placeOf, platformsIn, seenAt, seenOf } from './components.ts'
import { dependencyIds, gatesOf, type Question, questionsOf, seenAnswers } from './questions.ts'
import type { Sight } from './sight.ts'

export interface Draft {
  readonly text: string
  readonly questions: readonly Question[]
}

/** The draft. `sights` and `answers` come from outside; every value is written as quoted text or a checked number. */
export function draftOf(sights: readonly Sight[], answers: Answers): Draft {
  const questions = questionsOf(sights, answers)
  const wrong = new Set(questions.map((question) => question.key))
  const told = Object.entries(answers).flatMap(([key, answer]) => (wrong.has(key) ? [] : [[key, answer.trim()]]))
  const given: Answers = { ...seenAnswers(sights), ...Object.fromEntries(told) }
  const writer = new Writer(sights, given, new Map(questions.map((question) => [question.key, question])))
  return { text: `${writer.lines().join('\n')}\n`, questions }
}

class Writer {
  private readonly sights: readonly Sight[]
  private readonly given: Answers
  private readonly open: ReadonlyMap<string, Question>

  constructor(sights: readonly Sight[], given: Answers, open: ReadonlyMap<string, Question>) {
    this.sights = sights
    this.given = given
    this.open = open
  }

  lines(): string[] {
    const name = this.sights.find((sight) => sight.what === 'name' && sight.value === this.given['service.id'])
    const welsh = this.sights.find((sight) => sight.what === 'language')
    return [
      '# yaml-language-server: $schema=node_modules/holdfast/schema/service.schema.json',
      '# First draft by `holdfast init`. Each value was seen where its comment says, or answered by a person. Each QUESTION is open:',
      '# `holdfast define` finds it until somebody answers.',
      'service:',
      ...this.value('service.id', 'id', '  ', name && seenAt(name)),
      ...this.value('service.name', 'name', '  '),
      ...this.value('service.phase', 'phase', '  '),
      ...(welsh ? [`  languages: [en, ${welsh.value}] # ${seenAt(welsh)}`] : []),
      '',
      ...this.journeys(),
      '',
      ...this.modes(),
      '',
      ...this.runtime(),
      ...this.migrations(),
      ...this.dependencies(),
      ...this.gates(),
      ...this.tooling(),
      '',
      ...this.data(),
      ...this.peaks(),
      '',
      ...this.oncall(),
      '',
      ...this.comms(),
    ]
  }

  private ask(key: string, indent: string): string[] {
    const question = this.open.get(key)
    if (!question) return []
    return [
      `${indent}# QUESTION ${key}: ${oneLine(question.asks)} For example: ${question.example}`,
      ...(question.hint ? [`${indent}#   ${oneLine(question.hint)}`] : []),
    ]
  }

  /** A field with its answer, or its question. */
  private field(key: string, indent: string, write: (answer: string) => string): string[] {
    const answer = this.given[key]
    return answer === undefined ? this.ask(key, indent) : [`${indent}${write(answer)}`]
  }

  private value(key: string, name: string, indent: string, where?: string): string[] {
    return this.field(key, indent, (answer) => `${name}: ${quoted(answer)}${where ? ` # ${where}` : ''}`)
  }

  private journeys(): string[] {
    const ids = idsOf(this.given.journeys)
    if (ids.length === 0) return [...this.ask('journeys', ''), 'journeys: []']
    return ['journeys:', ...ids.flatMap((id) => this.journey(id))]
  }

  private journey(id: string): string[] {
    const key = (what: string) => `journey.${id}.${what}`
    const steps = stepsOf(this.given[key('steps')])
    return [
      `  - id: ${id}`,
      ...this.value(key('name'), 'name', '    '),
      ...this.value(key('harm'), 'harmIfFails', '    '),
      ...this.value(key('harmClass'), 'harmClass', '    '),
      ...this.field(key('recoverMinutes'), '    ', (minutes) => `tolerance: { recoverMinutes: ${minutes} }`),
      ...this.field(key('demand'), '    ', (answer) => {
        const [normal, peak, night] = partsOf(answer)
        return `demand: { normalPerMinute: ${normal}, peakPerMinute: ${peak}, nightPerMinute: ${night}, source: answered when this was drafted }`
      }),
      ...(steps.length === 0
        ? this.ask(key('steps'), '    ')
        : ['    steps:', ...steps.flatMap((step) => this.step(id, step))]),
    ]
  }

  private step(journey: string, { id, method, route }: StepAnswer): string[] {
    const key = (what: string) => `step.${journey}.${id}.${what}`
    const limit = this.given[key('limitMs')]
    const marker = this.given[key('marker')]
    const fields = [
      `id: ${id}`,
      `name: ${quoted(`${method} ${route}`)}`,
      `method: ${method}`,
      `route: ${quoted(route)}`,
      ...(limit === undefined ? [] : [`limitMs: ${limit}`]),
      ...(marker === undefined || marker === NONE ? [] : [`marker: ${quoted(marker)}`]),
    ]
    return [
      ...this.ask(key('limitMs'), '      '),
      ...this.ask(key('marker'), '      '),
      `      - { ${fields.join(', ')} }`,
    ]
  }

  private modes(): string[] {
    const ids = idsOf(this.given.failureModes)
    if (ids.length === 0)
      return [
        ...this.ask('failureModes', ''),
        '#   Think of: submissions fail; somebody is refused wrongly; pages are slow; the database is down; accepted but never processed.',
      ]
    return [
      'failureModes:',
      ...ids.flatMap((id, i) => {
        const key = (what: string) => `mode.${id}.${what}`
        return [
          `  - id: ${id}`,
          ...this.value(key('name'), 'name', '    '),
          `    rank: ${i + 1}`,
          ...this.field(key('journeys'), '    ', (answer) => `journeys: [${idsOf(answer).join(', ')}]`),
          ...this.value(key('sees'), 'citizenSees', '    '),
          ...this.field(key('detect'), '    ', (kind) => `detect: { kind: ${kind} }`),
          ...this.field(key('confirm'), '    ', (answer) => `confirm: [${quoted(answer)}]`),
          '    act:',
          ...this.value(key('first'), 'first', '      '),
          ...this.value(key('undo'), 'undo', '      '),
          ...this.value(key('degrade'), 'degrade', '    '),
        ]
      }),
    ]
  }

  private runtime(): string[] {
    const [platform, ...others] = platformsIn(this.sights)
    const found = componentsOf(this.sights, this.given)
    const store = this.sights.find((sight) => sight.what === 'database')
    const asStore = store && !found.some(({ id }) => id === 'database') ? store : undefined
    return [
      'runtime:',
      ...(platform && others.length === 0
        ? [`  kind: ${platform.value} # ${seenAt(platform)}`]
        : this.field('runtime.kind', '  ', (kind) => `kind: ${kind}`)),
      ...this.ask('runtime.components', '  '),
      found.length === 0 && !asStore ? '  components: []' : '  components:',
      ...found.flatMap((component) => this.component(component)),
      ...(asStore
        ? [`    - { id: database, kind: database, engine: ${quoted(asStore.value)} } # ${seenAt(asStore)}`]
        : []),
    ]
  }

  private component(component: Component): string[] {
    const { id, kind, at, told } = component
    const key = (what: string) => `component.${id}.${what}`
    const indent = '      '
    const seen = (what: Sight['what'], name: string, plain = false): string[] | undefined => {
      const sight = seenOf(this.sights, what, id)
      return sight && [`${indent}${name}: ${plain ? sight.value : quoted(sight.value)} # ${seenAt(sight)}`]
    }
    const number = (what: string, name: string) => this.field(key(what), indent, (answer) => `${name}: ${answer}`)
    return [
      `    - id: ${id}${at ? ` # ${at.of !== undefined && at.of !== id ? `${oneLine(at.of)}, ` : ''}${seenAt(at)}` : ''}`,
      ...(kind
        ? [`${indent}kind: ${kind}${at && !told ? ` # ${shows(kind, at)}` : ''}`]
        : this.ask(key('kind'), indent)),
      ...this.facts(id, indent),
      ...this.field(key('command'), indent, (answer) => `command: [${answer.split(' ').map(quoted).join(', ')}]`),
      ...this.value(key('releases'), 'releases', indent),
      ...this.image(id, indent),
      ...(seen('replicas', 'replicas', true) ?? number('replicas', 'replicas')),
      ...(kind === 'web' ? (seen('ready', 'ready') ?? this.value(key('ready'), 'ready', indent)) : []),
      ...(seen('stop-seconds', 'stopSecondsMax', true) ?? number('stopSeconds', 'stopSecondsMax')),
      ...number('requestSeconds', 'requestSecondsMax'),
      ...number('jobSeconds', 'jobSecondsMax'),
      ...this.field(key('runs'), indent, (times) => `schedule: { local: [${partsOf(times).map(quoted).join(', ')}] }`),
      ...(seen('memory-mb', 'memoryMb', true) ?? []),
      ...this.secrets(id, indent),
    ]
  }

  /** The repository of its image: which release runs is a digest, and no part of the definition. */
  private image(id: string, indent: string): string[] {
    const sight = seenOf(this.sights, 'image', id)
    const repository = sight?.value.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
    return sight && repository
      ? [`${indent}image: ${quoted(repository)} # ${oneLine(sight.value)}, ${seenAt(sight)}`]
      : []
  }

  /** What was seen of a component and has no field, or is decided elsewhere: for whoever goes on writing. */
  private facts(id: string, indent: string): string[] {
    const own = this.sights.filter((sight) => sight.of !== undefined && idOf(sight.of) === id)
    const ports = own.filter((sight) => sight.what === 'port')
    const env = own.filter((sight) => sight.what === 'env')
    return [
      ...ports.slice(0, 5).map((port) => `${indent}# listens at ${oneLine(port.value)}, ${seenAt(port)}`),
      ...(env.length > 0
        ? [
            `${indent}# gets ${env
              .slice(0, 30)
              .map((each) => oneLine(each.value))
              .join(', ')}, ${seenAt(env[0]!)}`,
          ]
        : []),
      ...own
        .filter((sight) => sight.what === 'undecided')
        .slice(0, 20)
        .map((sight) => `${indent}# decided elsewhere: ${oneLine(sight.value)}, ${seenAt(sight)}`),
    ]
  }

  private secrets(id: string, indent: string): string[] {
    const own = this.sights.filter(
      (sight) =>
        sight.what === 'secret-env' && idOf(sight.of ?? '') === id && /^[A-Z][A-Z0-9_]{0,79}$/.test(sight.value),
    )
    const names = [...new Set(own.map((sight) => sight.value))].slice(0, 50)
    return names.length > 0 ? [`${indent}secretEnv: [${names.join(', ')}] # ${seenAt(own[0]!)}`] : []
  }

  private migrations(): string[] {
    const [found, ...others] = this.sights.filter((sight) => sight.what === 'migrations')
    if (!found) return []
    return [
      'migrations:',
      `  folder: ${quoted(found.value)} # ${seenAt(found)}${
        others.length > 0
          ? `; also ${others
              .slice(0, 10)
              .map((each) => oneLine(each.value))
              .join(', ')}`
          : ''
      }`,
      ...this.value('migrations.tool', 'tool', '  '),
    ]
  }

  private dependencies(): string[] {
    const ids = dependencyIds(this.sights, this.given)
    const ask = this.ask('dependencies', '')
    if (ids.length === 0) return ask.length > 0 ? ask : ['dependencies: []']
    return [...ask, 'dependencies:', ...ids.flatMap((id) => this.dependency(id))]
  }

  private dependency(id: string): string[] {
    const sight = dependenciesIn(this.sights).find((each) => idOf(each.value) === id)
    const key = (what: string) => `dependency.${id}.${what}`
    const shared = sight?.what === 'dependency'
    return [
      `  - id: ${id}${sight ? ` # ${seenAt(sight)}` : ''}`,
      // The shared platforms that are known by their package are run by the Government Digital Service.
      ...(shared ? ['    owner: GDS'] : this.value(key('owner'), 'owner', '    ')),
      ...(sight ? [`    kind: ${shared ? 'shared platform' : 'queue'}`] : this.value(key('kind'), 'kind', '    ')),
      ...this.value(key('fallback'), 'fallback', '    '),
    ]
  }

  private gates(): string[] {
    const found = gatesOf(this.sights, this.given)
    const ask = this.ask('deployment.gates', '')
    if (found.length === 0) return ask.length > 0 ? ask : ['deployment:', '  gates: []']
    return [...ask, 'deployment:', '  gates:', ...found.flatMap((gate) => this.gate(gate))]
  }

  private gate(gate: string): string[] {
    const sight = this.sights.find((each) => each.what === 'gate' && each.value === gate)
    const { id, kind } = GATES[gate]!
    return [
      `    - id: ${id}${sight ? ` # ${seenAt(sight)}` : ''}`,
      ...(kind === 'command' ? [] : [`      kind: ${kind}`]),
      ...this.field(`gate.${gate}.run`, '      ', (answer) => `run: [${answer.split(' ').map(quoted).join(', ')}]`),
      ...this.value(`gate.${gate}.pass`, 'pass', '      '),
    ]
  }

  private tooling(): string[] {
    const pipeline = this.sights.find((sight) => sight.what === 'pipeline')
    const infrastructure = this.sights.find((sight) => sight.what === 'infrastructure')
    const lines = [
      ...(pipeline
        ? [`  pipeline: ${pipeline.value} # ${seenAt(pipeline)}`]
        : this.field('tooling.pipeline', '  ', (tool) => `pipeline: ${tool}`)),
      ...(infrastructure
        ? [`  infrastructure: ${infrastructure.value} # ${seenAt(infrastructure)}`]
        : this.field('tooling.infrastructure', '  ', (tool) => `infrastructure: ${tool}`)),
      ...this.field('tooling.metrics', '  ', (tool) => `metrics: ${tool}`),
    ]
    return lines.some((line) => !line.trim().startsWith('#')) ? ['tooling:', ...lines] : lines
  }

  private data(): string[] {
    const answer = this.given['data.kinds']
    if (answer === undefined) return this.ask('data.kinds', '')
    if (answer === NONE) return ['data:', '  kinds: []']
    const kinds = partsOf(answer).map((part) => part.match(/^(.+?)\s+(P\d+[DWMY])$/)!)
    return [
      'data:',
      '  kinds:',
      ...kinds.map(([, name, retention]) => `    - { name: ${quoted(name!)}, retention: ${retention} }`),
      ...this.field(
        'data.triggers',
        '  ',
        (triggers) => `dpia: { triggers: [${partsOf(triggers, ';').map(quoted).join(', ')}] }`,
      ),
    ]
  }

  private peaks(): string[] {
    const answer = this.given.peaks
    if (answer === undefined) return this.ask('peaks', '')
    if (answer === NONE) return ['peaks: []']
    const peaks = partsOf(answer, '/').map((part) => part.split(/\s+/))
    return [
      'peaks:',
      ...peaks.map(([id, days, local]) => {
        const when = days!.startsWith('FREQ') ? `rrule: ${quoted(days!)}` : `dates: [${quoted(days!)}]`
        return `  - { id: ${id}, ${when}${local ? `, local: ${quoted(local)}` : ''} }`
      }),
    ]
  }

  private oncall(): string[] {
    const rung = (key: string, minutes: number) =>
      this.field(key, '    ', (answer) => {
        const [role, to] = partsOf(answer)
        return `- { role: ${quoted(role!)}, route: email, to: ${quoted(to!)}, afterMinutes: ${minutes} }`
      })
    return [
      'oncall:',
      ...this.field('oncall.cover', '  ', (cover) => {
        const hours = cover.match(/^\d{2}:\d{2}-\d{2}:\d{2}/)?.[0]
        return hours ? `cover: [{ days: working-days, local: "${hours}" }]` : 'cover: always'
      }),
      '  ladder:',
      ...rung('oncall.first', 0),
      ...rung('oncall.then', 10),
    ]
  }

  private comms(): string[] {
    const { 'comms.phone': phone, 'comms.hours': hours } = this.given
    return [
      'comms:',
      ...(phone === undefined && hours === undefined
        ? [...this.ask('comms.phone', '  '), ...this.ask('comms.hours', '  ')]
        : ['  contact:', ...this.value('comms.phone', 'phone', '    '), ...this.value('comms.hours', 'hours', '    ')]),
      ...this.field('comms.mustSay', '  ', (answer) => `mustSay: [${partsOf(answer, ';').map(quoted).join(', ')}]`),
      '  audiences:',
      '    - id: citizens',
      ...this.field('comms.channels', '      ', (answer) => `channels: [${partsOf(answer).join(', ')}]`),
      ...this.field('comms.languages', '      ', (answer) => `languages: [${partsOf(answer).map(quoted).join(', ')}]`),
    ]
  }
}

/** Why a component is held to be what it is. */
function shows(kind: string, at: Sight): string {
  const why = kind === 'web' ? 'it takes requests' : kind === 'scheduled' ? 'it runs by the clock' : `it is a ${kind}`
  return `${why}: ${placeOf(at)}`
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
}

/** JSON is YAML: whatever the text holds, it stays one quoted value. */
function quoted(text: string): string {
  return JSON.stringify(oneLine(text))
}
