/** The gaps in a repository that would hurt citizens most, worst first, each with what was seen or sought. */
import { plural } from '../../words.ts'
import type { Sight } from './survey.ts'

export interface Gap {
  readonly id: string
  readonly says: string
  readonly harm: string
  readonly fix: string
  /** Where it was seen; absent when it is something that was sought and not found. */
  readonly at?: string
}

type Rule = (sights: readonly Sight[]) => Gap | undefined

const all = (sights: readonly Sight[], what: Sight['what']) => sights.filter((sight) => sight.what === what)
const at = (sight: Sight) => `${sight.file}:${sight.line}`

/** In order of harm. A rule speaks only of what it can know from the files. */
const RULES: readonly Rule[] = [
  (sights) => {
    const boot = all(sights, 'migrate-on-start')[0]
    if (!boot) return undefined
    return {
      id: 'migrate-on-start',
      at: at(boot),
      says: `Replicas change the database when they start: ${boot.value}`,
      harm: 'Replicas race, a slow change keeps every replica from starting, and a rollback starts the change again.',
      fix: 'Apply migrations as a step of their own, before traffic.',
    }
  },
  (sights) => {
    const webs = all(sights, 'component').filter((sight) => sight.value === 'web')
    if (webs.length === 0 || all(sights, 'ready').length > 0) return undefined
    return {
      id: 'no-readiness',
      at: at(webs[0]!),
      says: 'No readiness check was found.',
      harm: 'A new replica gets citizens before it can serve them: each deployment shows errors.',
      fix: 'Add a path that answers 200 only when the database answers, and let the balancer ask it.',
    }
  },
  (sights) => {
    const deploy = all(sights, 'deploy')[0]
    if (!deploy || all(sights, 'alert').length > 0) return undefined
    return {
      id: 'no-alerts',
      at: at(deploy),
      says: `It is deployed (${deploy.value}), and no alert was found.`,
      harm: 'Citizens are the monitoring: a bad release stays until enough of them complain.',
      fix: 'holdfast kit --only alerts',
    }
  },
  (sights) => {
    const one = all(sights, 'replicas').find((sight) => Number(sight.value) === 1)
    if (!one) return undefined
    return {
      id: 'single-replica',
      at: at(one),
      says: `${one.of ?? 'The service'} runs as one replica.`,
      harm: 'When it dies or is replaced, every citizen sees an error.',
      fix: 'Run two or more.',
    }
  },
  (sights) => {
    const alerts = all(sights, 'alert')
    if (alerts.length === 0 || all(sights, 'runbook').length > 0) return undefined
    return {
      id: 'no-runbooks',
      at: at(alerts[0]!),
      says: `${plural(alerts.length, 'alert')} and no runbook were found.`,
      harm: 'Whoever is woken at 3am has to find out alone what to do, while citizens wait.',
      fix: 'holdfast kit --only runbooks',
    }
  },
  (sights) => missingGate(sights, 'unit', 'no test', 'Faults that a machine finds in seconds are found by citizens.'),
  (sights) =>
    missingGate(sights, 'scan', 'no scan of dependencies', 'A known hole is shipped to where citizens’ data is.'),
  (sights) =>
    missingGate(
      sights,
      'accessibility',
      'no accessibility check',
      'People who use a screen reader or a keyboard are shut out, and nobody notices.',
    ),
  (sights) => {
    const latest = all(sights, 'image').find((sight) => /:latest$|^[^:@]+$/.test(sight.value))
    if (!latest) return undefined
    return {
      id: 'image-not-pinned',
      at: at(latest),
      says: `${latest.of ?? 'The service'} runs ${latest.value}: nobody can say which release that is.`,
      harm: 'Going back to the release before is guesswork while citizens wait.',
      fix: 'Deploy images by digest.',
    }
  },
  (sights) => {
    if (all(sights, 'component').length === 0 || all(sights, 'stop-seconds').length > 0) return undefined
    return {
      id: 'stop-budget-unknown',
      says: 'Nothing says how long a replica may finish requests before it is stopped.',
      harm: 'Platform defaults of 10 to 30 seconds cut citizens off in the middle of a slow request.',
      fix: 'Set the stop time-out above the slowest request.',
    }
  },
]

function missingGate(sights: readonly Sight[], gate: string, says: string, harm: string): Gap | undefined {
  const pipeline = all(sights, 'pipeline')[0]
  if (!pipeline || all(sights, 'gate').some((sight) => sight.value === gate)) return undefined
  return {
    id: `no-${gate}-gate`,
    at: at(pipeline),
    says: `The pipeline has ${says} that I recognise.`,
    harm,
    fix: 'Add it before the step that deploys.',
  }
}

/** At most `max`, worst first. */
export function gapsOf(sights: readonly Sight[], max = 3): readonly Gap[] {
  return RULES.flatMap((rule) => rule(sights) ?? []).slice(0, max)
}
