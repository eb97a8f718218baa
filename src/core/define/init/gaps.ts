/**
 * The gaps that would hurt citizens most, worst first, each with what was seen or sought. First what the files show to be harmful,
 * then what they should hold and do not, then what nobody has said: a fault that is there harms before one that may be.
 */
import { plural } from '../../words.ts'
import type { Answers } from './answers.ts'
import { componentsOf } from './components.ts'
import { type Question, questionsOf } from './questions.ts'
import type { Sight } from './sight.ts'

export interface Gap {
  readonly id: string
  readonly says: string
  readonly harm: string
  readonly fix: string
  /** Where it was seen; absent when it is something that was sought and not found, or that nobody has said. */
  readonly at?: string
}

interface Known {
  readonly sights: readonly Sight[]
  readonly answers: Answers
  readonly open: ReadonlyMap<string, Question>
}

type Rule = (known: Known) => Gap | undefined

const all = (known: Known, what: Sight['what']) => known.sights.filter((sight) => sight.what === what)
const at = (sight: Sight) => `${sight.file}:${sight.line}`

/** In order of harm. A rule speaks only of what it can know from the files and the answers. */
const RULES: readonly Rule[] = [
  (known) => {
    const boot = all(known, 'migrate-on-start')[0]
    if (!boot) return undefined
    return {
      id: 'migrate-on-start',
      at: at(boot),
      says: `Replicas change the database when they start: ${boot.value}`,
      harm: 'Replicas race, a slow change keeps every replica from starting, and a rollback starts the change again.',
      fix: 'Apply migrations as a step of their own, before traffic.',
    }
  },
  (known) => {
    const web = webs(known).find(({ id }) => known.open.has(`component.${id}.ready`))
    if (!web?.at) return undefined
    return {
      id: 'no-readiness',
      at: at(web.at),
      says: `No readiness check of ${web.id} was found.`,
      harm: 'A new replica gets citizens before it can serve them: each deployment shows errors.',
      fix: 'Add a path that answers 200 only when the database answers, and let the balancer ask it.',
    }
  },
  (known) => {
    const deploy = all(known, 'deploy')[0]
    if (!deploy || all(known, 'alert').length > 0) return undefined
    return {
      id: 'no-alerts',
      at: at(deploy),
      says: `It is deployed (${deploy.value}), and no alert was found.`,
      harm: 'Citizens are the monitoring: a bad release stays until enough of them complain.',
      fix: 'holdfast kit --only alerts',
    }
  },
  (known) => {
    const serving = new Set(webs(known).map(({ at: sight }) => sight?.of))
    const one = all(known, 'replicas').find(
      (sight) => sight.value === '1' && (sight.of === undefined || serving.has(sight.of)),
    )
    if (!one) return undefined
    return {
      id: 'single-replica',
      at: at(one),
      says: `${one.of ?? 'The service'} runs as one replica.`,
      harm: 'When it dies or is replaced, every citizen sees an error.',
      fix: 'Run two or more.',
    }
  },
  (known) => {
    const alerts = all(known, 'alert')
    if (alerts.length === 0 || all(known, 'runbook').length > 0) return undefined
    return {
      id: 'no-runbooks',
      at: at(alerts[0]!),
      says: `${plural(alerts.length, 'alert')} and no runbook were found.`,
      harm: 'Whoever is woken at 3am has to find out alone what to do, while citizens wait.',
      fix: 'holdfast kit --only runbooks',
    }
  },
  (known) => missingGate(known, 'unit', 'no test', 'Faults that a machine finds in seconds are found by citizens.'),
  (known) =>
    missingGate(known, 'scan', 'no scan of dependencies', 'A known hole is shipped to where citizens’ data is.'),
  (known) =>
    missingGate(
      known,
      'accessibility',
      'no accessibility check',
      'People who use a screen reader or a keyboard are shut out, and nobody notices.',
    ),
  (known) => {
    const latest = all(known, 'image').find((sight) => /:latest$|^[^:@$]+$/.test(sight.value))
    if (!latest) return undefined
    return {
      id: 'image-not-pinned',
      at: at(latest),
      says: `${latest.of ?? 'The service'} runs ${latest.value}: nobody can say which release that is.`,
      harm: 'Going back to the release before is guesswork while citizens wait.',
      fix: 'Deploy images by digest.',
    }
  },
  (known) => {
    const found = componentsOf(known.sights, known.answers).find(({ id }) =>
      known.open.has(`component.${id}.stopSeconds`),
    )
    if (!found?.at) return undefined
    return {
      id: 'stop-budget-unknown',
      says: `Nothing says how long a replica of ${found.id} may finish requests before it is stopped.`,
      harm: 'Platform defaults of 10 to 30 seconds cut citizens off in the middle of a slow request.',
      fix: 'Set the stop time-out above the slowest request.',
    }
  },
  // What follows can be said of any repository: it comes when nothing worse is known.
  (known) =>
    unsaid(
      known,
      'oncall.first',
      'Nothing says who is woken when it fails.',
      'A failure at night lasts until somebody comes to work and reads what citizens wrote.',
    ),
  (known) =>
    unsaid(
      known,
      'failureModes',
      'Nothing says how it fails, nor the first safe thing to do.',
      'Whoever is woken tries things out on citizens: there is neither alert nor runbook for what nobody has named.',
    ),
  (known) =>
    unsaid(
      known,
      'journeys',
      'Nothing says which journeys harm people when they fail.',
      'Machines are watched instead of citizens: a service that is up and accepts nothing looks healthy.',
    ),
  (known) => {
    if (all(known, 'pipeline').length > 0 || all(known, 'deploy').length > 0) return undefined
    return {
      id: 'no-pipeline',
      says: 'Nothing that builds, tests or deploys a release was found.',
      harm: 'Releases are made by hand: a bad one reaches citizens unchecked, and going back depends on one person.',
      fix: 'holdfast kit --only pipelines',
    }
  },
  (known) =>
    unsaid(
      known,
      'comms.phone',
      'Nothing says where citizens turn when it fails.',
      'People with a deadline or no money have no other way, and do not learn of one.',
    ),
  (known) =>
    unsaid(
      known,
      'peaks',
      'Nothing says when most people come.',
      'A release goes out in the hour in which a fault hurts most of them.',
    ),
  (known) =>
    unsaid(
      known,
      'data.kinds',
      'Nothing says which personal data it holds.',
      'A leak is found late, told late, and nobody knows whom to tell.',
    ),
]

function webs(known: Known) {
  return componentsOf(known.sights, known.answers).filter(({ kind }) => kind === 'web')
}

function missingGate(known: Known, gate: string, says: string, harm: string): Gap | undefined {
  const pipeline = all(known, 'pipeline')[0]
  // A script that no pipeline runs stops no release.
  const runs = all(known, 'gate').some((sight) => sight.value === gate && !/(^|\/)package\.json$/.test(sight.file))
  if (!pipeline || runs) return undefined
  return {
    id: `no-${gate}-gate`,
    at: at(pipeline),
    says: `The pipeline has ${says} that I recognise.`,
    harm,
    fix: 'Add it before the step that deploys.',
  }
}

function unsaid(known: Known, key: string, says: string, harm: string): Gap | undefined {
  const question = known.open.get(key)
  if (!question) return undefined
  return {
    id: `unsaid-${key.replace('.', '-')}`,
    says,
    harm,
    fix: `Answer it, for example: --answer '${key}=${question.example}'`,
  }
}

/** At most `max`, worst first; fewer only where fewer are left. */
export function gapsOf(sights: readonly Sight[], answers: Answers, max = 3): readonly Gap[] {
  const open = new Map(questionsOf(sights, answers).map((question) => [question.key, question]))
  return RULES.flatMap((rule) => rule({ sights, answers, open }) ?? []).slice(0, max)
}
