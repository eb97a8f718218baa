/** What `holdfast init` asks: whatever no repository says, how an answer must look, and which answers are none. */
import { nearest } from '../../words.ts'
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
  /** What an answer must look like to be written down; without it any text will do. */
  readonly takes?: RegExp
}

const ID = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
/** At most five ids, separated by commas. */
const IDS = /^\s*[a-z][a-z0-9]*(-[a-z0-9]+)*(\s*,\s*[a-z][a-z0-9]*(-[a-z0-9]+)*){0,4}\s*$/
const KINDS = ['process', 'podman', 'ecs', 'kubernetes', 'lambda', 'ec2', 'static', 'other']
const HARMS = ['safety', 'money-stops', 'rights-lost', 'delay', 'confusion']
const PHASES = ['alpha', 'beta', 'live', 'retiring']
export const DATA_KIND = /^(.+?)\s+(P\d+[DWMY])$/
export const PEAK = /^([a-z][a-z0-9-]*)\s+(FREQ=\S+)(?:\s+(\d{2}:\d{2}-\d{2}:\d{2}))?$/
export const WHOM = /^\s*(.+?),\s*(\S+@\S+)\s*$/
export const STEP = /^(GET|POST|PUT|PATCH|DELETE)\s+(\/\S*)$/i
const STEPS = /^\s*(GET|POST|PUT|PATCH|DELETE)\s+\/[^\s,]*(\s*,\s*(GET|POST|PUT|PATCH|DELETE)\s+\/[^\s,]*)*\s*$/i
const SECONDS = /^[1-9]\d{0,4}$/
const PATH = /^\/[\w./-]*$/

const oneOf = (values: readonly string[]) => new RegExp(`^(${values.join('|')})$`)

/** The questions that no repository answers. Answered ones are left out of the result. */
export function questionsOf(sights: readonly Sight[], answers: Answers): readonly Question[] {
  const seen = seenAnswers(sights)
  return allQuestions(sights, answers).filter(
    ({ key, takes }) => !fits(takes, answers[key]) && (answers[key] !== undefined || seen[key] === undefined),
  )
}

function fits(takes: RegExp | undefined, answer: string | undefined): boolean {
  return answer !== undefined && answer.trim() !== '' && (takes === undefined || takes.test(answer.trim()))
}

/** Why answers cannot be taken, in a sentence each: nobody asked, or it is not what was asked for. */
export function refusedOf(sights: readonly Sight[], answers: Answers): readonly string[] {
  const asked = new Map(allQuestions(sights, answers).map((question) => [question.key, question]))
  return Object.entries(answers).flatMap(([key, answer]) => {
    const question = asked.get(key)
    if (question) {
      return fits(question.takes, answer)
        ? []
        : [`"${answer}" does not answer ${key}: ${question.asks} For example: ${question.example}`]
    }
    const near = nearest(key, [...asked.keys()])
    return [`Nothing is asked that is called ${key}.${near ? ` Did you mean ${near}?` : ''}`]
  })
}

function allQuestions(sights: readonly Sight[], answers: Answers): readonly Question[] {
  const routes = sights.filter((sight) => sight.what === 'route').map((sight) => sight.value)
  const hint =
    routes.length > 0 ? `routes seen: ${routes.slice(0, 12).join(', ')}${routes.length > 12 ? ' …' : ''}` : undefined
  const journeys = idsOf(answers.journeys)
  const modes = idsOf(answers.failureModes)
  const webs = componentsIn(sights).flatMap(({ name, self }) => (self.value === 'web' ? [name] : []))
  const all: Question[] = [
    {
      key: 'service.id',
      asks: 'What is the service called in files and labels?',
      example: 'heating-payment',
      takes: ID,
    },
    { key: 'service.name', asks: 'What do citizens call it?', example: 'Apply for a heating payment' },
    {
      key: 'service.phase',
      asks: 'Which phase is it in: alpha, beta, live or retiring?',
      example: 'live',
      takes: oneOf(PHASES),
    },
    {
      key: 'journeys',
      asks: 'Which two or three journeys harm people when they fail, worst first? Short names.',
      example: 'apply,status',
      takes: IDS,
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
        takes: oneOf(HARMS),
      },
      {
        key: `journey.${id}.recoverMinutes`,
        asks: `Within how many minutes must "${id}" work again?`,
        example: '15',
        takes: SECONDS,
      },
      {
        key: `journey.${id}.steps`,
        asks: `Which requests are its steps, in order?`,
        example: 'POST /apply/submit, GET /apply/confirmation',
        takes: STEPS,
        ...(hint ? { hint } : {}),
      },
    ]),
    {
      key: 'failureModes',
      asks: 'Which failures hurt people most, worst first, at most five? Short names.',
      example: 'submissions-fail,accepted-never-processed',
      takes: IDS,
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
              takes: PATH,
            },
          ]),
      ...(seenOf(sights, 'stop-seconds', id)
        ? []
        : [
            {
              key: `component.${id}.stopSeconds`,
              asks: `How many seconds may "${id}" finish its work before it is stopped?`,
              example: '65',
              takes: SECONDS,
            },
          ]),
      {
        key: `component.${id}.requestSeconds`,
        asks: `How many seconds does the slowest request of "${id}" take?`,
        example: '30',
        takes: SECONDS,
      },
    ]),
    ...(sights.some((sight) => sight.what === 'platform')
      ? []
      : [
          {
            key: 'runtime.kind',
            asks: `What runs it: ${KINDS.join(', ')}?`,
            example: 'ecs',
            takes: oneOf(KINDS),
          },
        ]),
    ...(sights.some((sight) => sight.what === 'migrations')
      ? [
          {
            key: 'migrations.tool',
            asks: 'What applies schema changes? It must not be each replica when it starts.',
            example: 'flyway',
          },
        ]
      : []),
    ...dependenciesIn(sights).flatMap((sight): Question[] => [
      ...(sight.what === 'queue'
        ? [{ key: `dependency.${idOf(sight.value)}.owner`, asks: `Who runs ${sight.value}?`, example: 'us' }]
        : []),
      {
        key: `dependency.${idOf(sight.value)}.fallback`,
        asks: `What do citizens get without ${sight.value}?`,
        example: 'the reference on screen; the message follows',
      },
    ]),
    {
      key: 'oncall.cover',
      asks: 'When can somebody be woken: always, or hours such as 08:00-18:00 on working days?',
      example: 'always',
      takes: /^always$|\b\d{2}:\d{2}-\d{2}:\d{2}\b/,
    },
    {
      key: 'oncall.first',
      asks: 'Which role is woken first, and at which address?',
      example: 'primary on call, duty@example.gov.uk',
      takes: WHOM,
    },
    {
      key: 'oncall.then',
      asks: 'Which role is woken when nobody answers for ten minutes, and at which address?',
      example: 'head of service, head@example.gov.uk',
      takes: WHOM,
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
      takes: /^[^,]+?\s+P\d+[DWMY](\s*,\s*[^,]+?\s+P\d+[DWMY])*$/,
    },
    {
      key: 'peaks',
      asks: 'When do most people come: which days and hours?',
      example: 'last-day FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=31 16:00-24:00',
      takes: PEAK,
    },
  ]
  return all
}

/** What a failure mode needs before somebody who is woken can act on it. */
function modeQuestions(id: string, journeys: readonly string[]): Question[] {
  return [
    { key: `mode.${id}.name`, asks: `What is "${id}" called on a page at 3am?`, example: 'Submissions fail' },
    {
      key: `mode.${id}.journeys`,
      asks: `Which journeys does "${id}" break?`,
      example: journeys.join(',') || 'apply',
      takes: IDS,
    },
    { key: `mode.${id}.sees`, asks: `What do citizens see of "${id}"?`, example: 'the problem page after Submit' },
    {
      key: `mode.${id}.detect`,
      asks: `How is "${id}" noticed: ${DETECTORS.join(', ')}?`,
      example: 'ratio',
      takes: oneOf(DETECTORS),
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

export function componentsIn(sights: readonly Sight[]): readonly Seen[] {
  const components = sights.filter((sight) => sight.what === 'component')
  const names = [...new Set(components.map((sight) => idOf(sight.of ?? 'web')))]
  return names.map((name) => ({ name, self: components.find((sight) => idOf(sight.of ?? 'web') === name)! }))
}

/** What was seen of a component, or of all of them. */
export function seenOf(sights: readonly Sight[], what: Sight['what'], name: string): Sight | undefined {
  return sights.find((sight) => sight.what === what && (sight.of === undefined || idOf(sight.of) === name))
}

export function dependenciesIn(sights: readonly Sight[]): readonly Sight[] {
  return sights.filter((sight) => sight.what === 'dependency' || (sight.what === 'queue' && sight.value !== 'sqs'))
}

/** Answers that the repository itself gives. */
export function seenAnswers(sights: readonly Sight[]): Answers {
  const name = sights.find((sight) => sight.what === 'name' && ID.test(sight.value))
  return name ? { 'service.id': name.value } : {}
}

export function idsOf(text: string | undefined): string[] {
  return [...new Set((text ?? '').split(',').map((part) => part.trim()))].filter((id) => ID.test(id)).slice(0, 5)
}

export function idOf(name: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
  return ID.test(id) ? id : 'web'
}
