/** What `holdfast init` asks: whatever no repository says, how an answer must look, and which answers are none. */

import { nearest } from '../../words.ts'
import { DETECTORS } from '../schema/failure.ts'
import { CHANNELS } from '../schema/people.ts'
import { COMPONENT_KINDS, RUNTIMES } from '../schema/runtime.ts'
import {
  type Answers,
  fits,
  GATES,
  GATES_OF_PIPELINE,
  GATES_WITH_COMMAND,
  GATES_WITH_REPORT,
  INFRASTRUCTURES,
  idOf,
  idsOf,
  METRICS,
  NONE,
  PHASES,
  PIPELINES,
  partsOf,
  stepsOf,
  TAKES,
} from './answers.ts'
import { type Component, componentsOf, dependenciesIn, platformsIn, seenOf } from './components.ts'
import type { Sight } from './sight.ts'

export interface Question {
  /** How it is answered: `--answer 'service.name=…'`. */
  readonly key: string
  readonly asks: string
  readonly example: string
  /** What was seen that may help. */
  readonly hint?: string
  /** What an answer must look like to be written down. */
  readonly takes: RegExp
}

/** The questions that no repository answers. Answered ones are left out of the result. */
export function questionsOf(sights: readonly Sight[], answers: Answers): readonly Question[] {
  const seen = seenAnswers(sights)
  return allQuestions(sights, answers).filter(
    ({ key, takes }) => !fits(takes, answers[key]) && (answers[key] !== undefined || seen[key] === undefined),
  )
}

/** An answer that cannot be taken, and why. */
export interface Refused {
  readonly key: string
  readonly says: string
}

/** Answers that cannot be taken: nobody asked, or it is not what was asked for. */
export function refusedOf(sights: readonly Sight[], answers: Answers): readonly Refused[] {
  const asked = new Map(allQuestions(sights, answers).map((question) => [question.key, question]))
  return Object.entries(answers).flatMap(([key, answer]) => {
    const question = asked.get(key)
    if (question) return fits(question.takes, answer) ? [] : [{ key, says: refusal(question, answer) }]
    const near = nearest(key, [...asked.keys()])
    const opens = /^(journey|step|mode|dependency|gate|component)\./.exec(key)?.[1]
    const first = opens && !near ? ` It is asked once ${OPENED_BY[opens]!} names it.` : ''
    return [{ key, says: `Nothing is asked that is called ${key}.${near ? ` Did you mean ${near}?` : first}` }]
  })
}

const OPENED_BY: Readonly<Record<string, string>> = {
  journey: '"journeys"',
  step: '"journey.….steps"',
  mode: '"failureModes"',
  dependency: '"dependencies"',
  gate: '"deployment.gates"',
  component: '"runtime.components"',
}

/** Why an answer is none. */
export function refusal(question: Question, answer: string): string {
  return `"${answer}" does not answer ${question.key}: ${question.asks} For example: ${question.example}`
}

/** Answers that the repository itself gives. */
export function seenAnswers(sights: readonly Sight[]): Answers {
  const name = sights.find((sight) => sight.what === 'name' && TAKES.id.test(sight.value))
  return name ? { 'service.id': name.value } : {}
}

function question(key: string, asks: string, example: string, takes: RegExp, hint?: string): Question {
  return { key, asks, example, takes, ...(hint ? { hint } : {}) }
}

function allQuestions(sights: readonly Sight[], answers: Answers): readonly Question[] {
  const journeys = idsOf(answers.journeys)
  const routes = routesHint(sights)
  return [
    question('service.id', 'What is the service called in files and labels?', 'heating-payment', TAKES.id),
    question('service.name', 'What do citizens call it?', 'Apply for a heating payment', TAKES.text),
    question('service.phase', `Which phase is it in: ${listed(PHASES)}?`, 'live', TAKES.phase),
    question(
      'journeys',
      'Which two or three journeys harm people when they fail, worst first? Short names.',
      'apply,status',
      TAKES.ids,
      routes,
    ),
    ...journeys.flatMap((id) => journeyQuestions(id, answers, routes)),
    question(
      'failureModes',
      'Which failures hurt people most, worst first, at most five? Short names.',
      'submissions-fail,accepted-never-processed',
      TAKES.ids,
    ),
    ...idsOf(answers.failureModes).flatMap((id) => modeQuestions(id, journeys)),
    ...runtimeQuestions(sights, answers),
    ...dependencyQuestions(sights, answers),
    ...gateQuestions(sights, answers),
    ...toolingQuestions(sights, answers),
    ...peopleQuestions(sights, answers),
  ]
}

function routesHint(sights: readonly Sight[]): string | undefined {
  const routes = sights.filter((sight) => sight.what === 'route').map((sight) => sight.value)
  if (routes.length === 0) return undefined
  return `routes seen: ${routes.slice(0, 12).join(', ')}${routes.length > 12 ? ` and ${routes.length - 12} more` : ''}`
}

function journeyQuestions(id: string, answers: Answers, routes: string | undefined): Question[] {
  const key = (what: string) => `journey.${id}.${what}`
  return [
    question(key('name'), `What is the citizen doing in "${id}"?`, 'Apply for a payment', TAKES.text),
    question(key('harm'), `What happens to people when "${id}" fails?`, 'no money for heating', TAKES.text),
    question(
      key('harmClass'),
      'Which kind of harm is that: safety, money-stops, rights-lost, delay or confusion?',
      'money-stops',
      TAKES.harm,
    ),
    question(key('recoverMinutes'), `Within how many minutes must "${id}" work again?`, '15', TAKES.seconds),
    question(
      key('demand'),
      `How many begin "${id}" in a minute: by day, in the worst peak, and at night?`,
      '6, 36, 0.5',
      TAKES.demand,
    ),
    question(
      key('steps'),
      `Which requests are the steps of "${id}", in order?`,
      'POST /apply/submit, GET /apply/confirmation',
      TAKES.steps,
      routes,
    ),
    ...stepsOf(fits(TAKES.steps, answers[key('steps')]) ? answers[key('steps')] : '').flatMap((step) => [
      question(
        `step.${id}.${step.id}.limitMs`,
        `After how many milliseconds do people give up on ${step.method} ${step.route}?`,
        '3000',
        TAKES.milliseconds,
      ),
      question(
        `step.${id}.${step.id}.marker`,
        `Which text stands on the page only when ${step.method} ${step.route} worked? "${NONE}" when it only leads on.`,
        'Application received',
        TAKES.text,
      ),
    ]),
  ]
}

/** What a failure mode needs before somebody who is woken can act on it. */
function modeQuestions(id: string, journeys: readonly string[]): Question[] {
  const key = (what: string) => `mode.${id}.${what}`
  return [
    question(key('name'), `What is "${id}" called on a page at 3am?`, 'Submissions fail', TAKES.text),
    question(key('journeys'), `Which journeys does "${id}" break?`, journeys.join(',') || 'apply', TAKES.ids),
    question(key('sees'), `What do citizens see of "${id}"?`, 'the problem page after Submit', TAKES.text),
    question(key('detect'), `How is "${id}" noticed: ${DETECTORS.join(', ')}?`, 'ratio', TAKES.detector),
    question(
      key('confirm'),
      `How does the person on call tell that "${id}" is real?`,
      'send the test application',
      TAKES.text,
    ),
    question(
      key('first'),
      `What is the one safe thing to do about "${id}", by anybody, at once?`,
      'take the newest release back',
      TAKES.text,
    ),
    question(key('undo'), `How is what was done first about "${id}" taken back?`, 'deploy it again', TAKES.text),
    question(key('degrade'), `What do citizens still get during "${id}"?`, 'applications by phone', TAKES.text),
  ]
}

/** The kind of the platform, where one was seen or told. */
export function runtimeOf(sights: readonly Sight[], answers: Answers): string | undefined {
  const told = answers['runtime.kind']?.trim()
  const seen = platformsIn(sights)
  if (seen.length === 1) return seen[0]!.value
  return fits(TAKES.runtime, told) ? told : undefined
}

function runtimeQuestions(sights: readonly Sight[], answers: Answers): Question[] {
  const platforms = platformsIn(sights)
  const where = platforms.map((sight) => `${sight.value} (${sight.file}:${sight.line})`).join(', ')
  const runtime = runtimeOf(sights, answers)
  const deploy = sights.find((sight) => sight.what === 'deploy')
  const found: Question[] = []
  if (platforms.length !== 1)
    found.push(
      question(
        'runtime.kind',
        `What runs ${platforms.length > 1 ? 'most of ' : ''}it: ${listed(RUNTIMES)}?`,
        'ecs',
        TAKES.runtime,
        where ? `seen: ${where}` : deploy && `it is deployed with ${deploy.value} (${deploy.file}:${deploy.line})`,
      ),
    )
  if (!sights.some((sight) => sight.what === 'component'))
    found.push(
      question(
        'runtime.components',
        `What runs? A short name and a kind each, the kind one of ${COMPONENT_KINDS.join(', ')}.`,
        'web web, mailer worker',
        TAKES.components,
        commandsHint(sights),
      ),
    )
  for (const component of componentsOf(sights, answers)) found.push(...componentQuestions(component, sights, runtime))
  if (sights.some((sight) => sight.what === 'migrations'))
    found.push(
      question(
        'migrations.tool',
        'What applies schema changes? It must not be each replica when it starts.',
        'flyway',
        TAKES.text,
      ),
    )
  return found
}

function commandsHint(sights: readonly Sight[]): string | undefined {
  const found = sights.filter((sight) => sight.what === 'command').slice(0, 5)
  if (found.length === 0) return undefined
  return `commands seen: ${found.map((sight) => `${sight.value} (${sight.file}:${sight.line})`).join(', ')}`
}

function componentQuestions(component: Component, sights: readonly Sight[], runtime: string | undefined): Question[] {
  const { id, kind, at } = component
  const key = (what: string) => `component.${id}.${what}`
  const unseen = (what: Sight['what']) => seenOf(sights, what, id) === undefined
  const runs = sights.find((sight) => sight.what === 'command' && sight.of !== undefined && idOf(sight.of) === id)
  const serves = kind === 'web'
  const managed = runtime === 'lambda' || runtime === 'static'
  const found: (Question | false)[] = [
    at !== undefined &&
      component.told &&
      question(
        key('kind'),
        `What is "${id}": ${listed(COMPONENT_KINDS)}?`,
        'worker',
        TAKES.kind,
        `seen in ${at.file}:${at.line}; nothing there opens a port, and a name is no proof${runs ? `; it runs ${runs.value} (${runs.file}:${runs.line})` : ''}`,
      ),
    runtime === 'process' &&
      serves &&
      question(
        key('command'),
        `Which command starts "${id}" in the folder of its release?`,
        'node server.js',
        TAKES.command,
        commandsHint(sights),
      ),
    (runtime === 'process' || runtime === 'podman') &&
      serves &&
      question(key('releases'), `Which folder holds one folder for each release of "${id}"?`, 'releases', TAKES.folder),
    serves && unseen('replicas') && !managed && question(key('replicas'), `How many of "${id}" run?`, '2', TAKES.count),
    serves &&
      unseen('ready') &&
      question(
        key('ready'),
        `Which path of "${id}" answers 200 only when it can serve a citizen?`,
        '/health/ready',
        TAKES.path,
      ),
    (serves || kind === 'worker') &&
      unseen('stop-seconds') &&
      question(
        key('stopSeconds'),
        `How many seconds may "${id}" finish its work before it is stopped?`,
        '95',
        TAKES.seconds,
      ),
    serves &&
      question(
        key('requestSeconds'),
        `How many seconds does the slowest request of "${id}" take?`,
        '30',
        TAKES.seconds,
      ),
    kind === 'worker' &&
      question(key('jobSeconds'), `How many seconds does the longest job of "${id}" take?`, '90', TAKES.seconds),
    kind === 'scheduled' &&
      question(
        key('runs'),
        `At which wall times in London does "${id}" run?`,
        '04:00, 06:00',
        TAKES.times,
        scheduleHint(sights, id),
      ),
  ]
  return found.filter((each) => each !== false)
}

function scheduleHint(sights: readonly Sight[], id: string): string | undefined {
  const cron = seenOf(sights, 'schedule', id)
  return (
    cron && `its cron line is "${cron.value}", in UTC unless the cluster says otherwise (${cron.file}:${cron.line})`
  )
}

/** Dependencies that were seen, then those that people named. */
export function dependencyIds(sights: readonly Sight[], answers: Answers): readonly string[] {
  const seen = dependenciesIn(sights).map((sight) => idOf(sight.value))
  const told = fits(TAKES.idsOrNone, answers.dependencies) ? idsOf(answers.dependencies, 20) : []
  return [...new Set([...seen, ...told])]
}

function dependencyQuestions(sights: readonly Sight[], answers: Answers): Question[] {
  const seen = dependenciesIn(sights)
  const known = seen.map((sight) => `${sight.value} (${sight.file}:${sight.line})`).join(', ')
  return [
    question(
      'dependencies',
      `Which ${known ? 'further ' : ''}systems of others does it need? Short names, or "${NONE}".`,
      'payments,case-system',
      TAKES.idsOrNone,
      known && `seen: ${known}`,
    ),
    ...dependencyIds(sights, answers).flatMap((id) => {
      const sight = seen.find((each) => idOf(each.value) === id)
      const key = (what: string) => `dependency.${id}.${what}`
      const found: (Question | false)[] = [
        // The shared platforms that are known by their package have a known owner.
        sight?.what !== 'dependency' && question(key('owner'), `Who runs ${id}?`, 'HM Treasury', TAKES.text),
        !sight && question(key('kind'), `How is ${id} used?`, 'batch file', TAKES.text),
        question(
          key('fallback'),
          `What do citizens get without ${id}?`,
          'the reference on screen; the message follows',
          TAKES.text,
        ),
      ]
      return found.filter((each) => each !== false)
    }),
  ]
}

/** Words of gates that were seen, then those that people named. */
export function gatesOf(sights: readonly Sight[], answers: Answers): readonly string[] {
  const seen = sights.filter((sight) => sight.what === 'gate').map((sight) => sight.value)
  const told = fits(TAKES.gates, answers['deployment.gates']) ? partsOf(answers['deployment.gates']) : []
  return [...new Set([...seen, ...told])].filter((gate) => Object.hasOwn(GATES, gate))
}

/** Gates without which `holdfast define` warns. */
const NEEDED: ReadonlySet<string> = new Set(['unit', 'accessibility', 'scan', 'secrets', 'journeys'])

function gateQuestions(sights: readonly Sight[], answers: Answers): Question[] {
  const seen = sights.filter((sight) => sight.what === 'gate')
  const kinds = [...new Set(seen.map((sight) => sight.value))]
  const left = Object.keys(GATES).filter((gate) => !kinds.includes(gate))
  const migrates = sights.some((sight) => sight.what === 'migrations')
  const runtime = runtimeOf(sights, answers)
  const here = runtime === 'process' || runtime === 'podman'
  const pipeline = sights.find((sight) => sight.what === 'pipeline')?.value ?? answers['tooling.pipeline']?.trim()
  const byPipeline = runtime !== undefined && !here && pipeline !== 'other'
  const needsCommand = (gate: string) =>
    GATES_WITH_COMMAND.has(gate) ||
    ((here || byPipeline) && GATES_WITH_REPORT.has(gate)) ||
    (byPipeline && GATES_OF_PIPELINE.has(gate))
  return [
    question(
      'deployment.gates',
      `What ${kinds.length > 0 ? 'else ' : ''}must pass before a release? Of ${left.join(', ')}; or "${NONE}".`,
      left.filter((gate) => NEEDED.has(gate) || (gate === 'migration' && migrates)).join(','),
      TAKES.gates,
      kinds.length > 0 ? `seen: ${kinds.map((kind) => `${kind} (${whereOf(seen, kind)})`).join(', ')}` : undefined,
    ),
    ...gatesOf(sights, answers).flatMap((gate) => [
      ...(needsCommand(gate)
        ? [
            question(
              `gate.${gate}.run`,
              `Which command runs the gate "${gate}"? Its exit code 0 passes.`,
              'npm test',
              TAKES.command,
              kinds.includes(gate) ? `seen in ${whereOf(seen, gate)}` : undefined,
            ),
          ]
        : []),
      question(
        `gate.${gate}.pass`,
        `What does passing the gate "${gate}" mean, in a number?`,
        '0 failures',
        TAKES.text,
      ),
    ]),
  ]
}

/** Platforms whose infrastructure the kit can write in the team's own tool. */
const DESCRIBED: ReadonlySet<string> = new Set(['ecs', 'lambda', 'ec2', 'static'])

/** What decides in which languages the kit speaks. */
function toolingQuestions(sights: readonly Sight[], answers: Answers): Question[] {
  const seen = (what: Sight['what']) => sights.some((sight) => sight.what === what)
  const found: Question[] = []
  if (!seen('pipeline'))
    found.push(
      question('tooling.pipeline', `What runs your pipeline: ${listed(PIPELINES)}?`, 'github-actions', TAKES.pipeline),
    )
  if (!seen('infrastructure') && DESCRIBED.has(runtimeOf(sights, answers) ?? ''))
    found.push(
      question(
        'tooling.infrastructure',
        `What describes your infrastructure: ${listed(INFRASTRUCTURES)}?`,
        'terraform',
        TAKES.infrastructure,
      ),
    )
  found.push(question('tooling.metrics', `What watches metrics: ${listed(METRICS)}?`, 'prometheus', TAKES.metrics))
  return found
}

function whereOf(seen: readonly Sight[], kind: string): string {
  const sight = seen.find((each) => each.value === kind)
  return sight ? `${sight.file}:${sight.line}` : ''
}

function peopleQuestions(sights: readonly Sight[], answers: Answers): Question[] {
  const data = fits(TAKES.data, answers['data.kinds']) && answers['data.kinds']!.trim() !== NONE
  return [
    question(
      'oncall.cover',
      'When can somebody be woken: always, or hours such as 08:00-18:00 on working days?',
      'always',
      TAKES.cover,
    ),
    question(
      'oncall.first',
      'Which role is woken first, and at which address?',
      'primary on call, duty@example.gov.uk',
      TAKES.whom,
    ),
    question(
      'oncall.then',
      'Which role is woken when nobody answers for ten minutes, and at which address?',
      'head of service, head@example.gov.uk',
      TAKES.whom,
    ),
    question('comms.phone', 'Which number do citizens call when the service fails?', '0808 157 0100', TAKES.text),
    question('comms.hours', 'When is it answered?', 'Monday to Friday, 8am to 6pm', TAKES.text),
    question(
      'comms.mustSay',
      'What do citizens ask first when it fails? Separated by semicolons.',
      'whether their payment is late; what happens to answers already given',
      TAKES.texts,
    ),
    question(
      'comms.channels',
      `How are citizens told when it fails? Of ${CHANNELS.join(', ')}.`,
      'banner, unavailable-page',
      TAKES.channels,
    ),
    ...(sights.some((sight) => sight.what === 'language')
      ? [question('comms.languages', 'In which languages are citizens told?', 'en, cy', TAKES.languages)]
      : []),
    question(
      'data.kinds',
      `Which personal data is held, and how long is each kept? Or "${NONE}".`,
      'identity P2Y, bank details P90D',
      TAKES.data,
    ),
    ...(data
      ? [
          question(
            'data.triggers',
            'Which changes call for a new data protection impact assessment? Separated by semicolons.',
            'new recipient; new data category',
            TAKES.texts,
          ),
        ]
      : []),
    question(
      'peaks',
      `When do most people come: a short name with days, and hours? Several are separated by "/". Or "${NONE}".`,
      'last-day FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=31 16:00-24:00 / closing 2027-03-31',
      TAKES.peaks,
    ),
  ]
}

function listed(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
