/** Ids are unique, what is named exists, and no secret stands in the file. */
import { nearest } from '../../words.ts'
import type { Service } from '../schema.ts'
import type { Fault } from '../structure.ts'
import { nameOf } from '../structure.ts'
import type { Path } from '../yaml.ts'

type Part = Partial<Service>

/** Words that may stand where the id of a calendar may. */
const DAY_WORDS = ['every-day', 'working-days']

export function duplicateIds(service: Part): Fault[] {
  const faults: Fault[] = []
  visit(service, [], (value, path) => {
    if (!Array.isArray(value)) return
    const seen = new Set<string>()
    value.forEach((item: unknown, i) => {
      const id = (item as { id?: unknown } | null)?.id
      if (typeof id !== 'string') return
      if (seen.has(id))
        faults.push({
          rule: 'duplicate-id',
          path: [...path, i, 'id'],
          says: `${nameOf(path)} has two elements called "${id}".`,
          fix: 'Give one of them another id.',
        })
      seen.add(id)
    })
  })
  return faults
}

/** Shapes that only secrets have. Deliberately few: a false alarm here stops a team. */
const SECRETS: readonly { readonly what: string; readonly shape: RegExp }[] = [
  { what: 'an address with a password in it', shape: /[a-z]+:\/\/[^\s/:@]+:[^\s/@]{3,}@/i },
  { what: 'a private key', shape: /-----BEGIN [A-Z ]*PRIVATE KEY-----/ },
  { what: 'an AWS access key', shape: /\b(AKIA|ASIA)[A-Z0-9]{16}\b/ },
  {
    what: 'a token',
    shape: /\b(ghp_[A-Za-z0-9]{36}|github_pat_\w{22,}|xox[abp]-[\w-]{20,}|eyJ[\w-]{20,}\.[\w-]{20,}\.)/,
  },
  { what: 'a password', shape: /\b(password|passwd|secret|api[_-]?key)\s*[=:]\s*[^\s$"'{]{6,}/i },
]

export function secrets(service: Part): Fault[] {
  const faults: Fault[] = []
  visit(service, [], (value, path) => {
    if (typeof value !== 'string') return
    const found = SECRETS.find((secret) => secret.shape.test(value))
    if (found)
      faults.push({
        rule: 'secret-in-definition',
        path,
        says: `${nameOf(path)} looks like ${found.what}.`,
        fix: 'Change the secret now, keep it outside, and write only the NAME of the environment variable here.',
      })
  })
  return faults
}

export function references(service: Part): Fault[] {
  const faults: Fault[] = []
  const ids = (items: readonly { id: string }[] | undefined) => items?.map((item) => item.id)
  const journeys = ids(service.journeys)
  const slis = ids(service.slis)
  const peaks = ids(service.peaks)
  const calendars = service.calendars && [...service.calendars.map((calendar) => calendar.id), 'bank-holidays']
  const components = service.runtime && ids(service.runtime.components)
  const dependencies = ids(service.dependencies)
  const audiences = service.comms && ids(service.comms.audiences)
  const modes = service.failureModes && service.deferred && [...ids(service.failureModes)!, ...ids(service.deferred)!]
  /** `known` is undefined when its section is malformed: then nothing can be said. */
  const must = (path: Path, name: string | undefined, known: readonly string[] | undefined, what: string) => {
    if (name === undefined || !known || known.includes(name)) return
    const near = nearest(name, known)
    faults.push({
      rule: 'unknown-reference',
      path,
      says: `${nameOf(path)} names the ${what} "${name}", and there is none.${near ? ` Did you mean "${near}"?` : ''}`,
      fix: near
        ? `Write "${near}".`
        : known.length > 0
          ? `Use one of ${known.join(', ')}, or add it.`
          : `Add the ${what}.`,
    })
  }
  const each = (path: Path, names: readonly string[] | undefined, known: readonly string[] | undefined, what: string) =>
    names?.forEach((name, i) => void must([...path, i], name, known, what))
  const days = (path: Path, word: string | undefined) =>
    must(
      path,
      word !== undefined && DAY_WORDS.includes(word) ? undefined : word,
      calendars && [...calendars, ...DAY_WORDS],
      'calendar',
    )

  service.failureModes?.forEach((mode, i) => {
    const at = ['failureModes', i]
    each([...at, 'journeys'], mode.journeys, journeys, 'journey')
    each([...at, 'components'], mode.components, components, 'component')
    must([...at, 'dependsOn'], mode.dependsOn, dependencies, 'dependency')
    must([...at, 'detect', 'sli'], mode.detect.sli, slis, 'indicator')
    each([...at, 'act', 'notify'], mode.act.notify, audiences, 'audience')
  })
  service.journeys?.forEach((journey, i) => {
    each(['journeys', i, 'severityRises', 'when'], journey.severityRises?.when, peaks, 'peak')
    days(['journeys', i, 'doneBy', 'days'], journey.doneBy?.days)
    must(['journeys', i, 'legalClock', 'calendar'], journey.legalClock?.calendar, calendars, 'calendar')
    each(['journeys', i, 'legalClock', 'rules'], journey.legalClock?.rules, ids(service.deadlines), 'deadline')
  })
  service.slis?.forEach((sli, i) => {
    must(['slis', i, 'journey'], sli.journey, journeys, 'journey')
    const journey = service.journeys?.find((known) => known.id === sli.journey)
    if (journey && journey.steps.length > 0) must(['slis', i, 'step'], sli.step, ids(journey.steps), 'step')
    if (sli.kind === 'by-time') days(['slis', i, 'days'], sli.days)
    days(['slis', i, 'coreHours', 'days'], sli.coreHours?.days)
  })
  service.peaks?.forEach((peak, i) => void must(['peaks', i, 'calendar'], peak.calendar, calendars, 'calendar'))
  service.calendars?.forEach(
    (calendar, i) => void must(['calendars', i, 'derivedFrom'], calendar.derivedFrom, calendars, 'calendar'),
  )
  service.dependencies?.forEach(
    (dependency, i) => void each(['dependencies', i, 'journeys'], dependency.journeys, journeys, 'journey'),
  )
  service.artefacts?.forEach(
    (artefact, i) => void must(['artefacts', i, 'component'], artefact.component, components, 'component'),
  )
  service.runtime?.components.forEach(
    (component, i) => void days(['runtime', 'components', i, 'schedule', 'days'], component.schedule?.days),
  )
  const { deployment } = service
  deployment?.gates.forEach(
    (gate, i) => void each(['deployment', 'gates', i, 'catches'], gate.catches, modes, 'failure mode'),
  )
  each(['deployment', 'windows', 'deny'], deployment?.windows.deny, peaks, 'peak')
  each(['deployment', 'rollback', 'automaticFor'], deployment?.rollback.automaticFor, slis, 'indicator')
  deployment?.windows.allow.forEach(
    (window, i) => void must(['deployment', 'windows', 'allow', i, 'calendar'], window.calendar, calendars, 'calendar'),
  )
  deployment?.byArtefact.forEach(
    (row, i) =>
      void must(['deployment', 'byArtefact', i, 'artefact'], row.artefact, ids(service.artefacts), 'artefact'),
  )
  const { oncall } = service
  oncall?.rotas.forEach((rota, i) => {
    each(['oncall', 'rotas', i, 'people'], rota.people, ids(oncall.people), 'person')
    rota.fixed.forEach(
      (plan, j) => void each(['oncall', 'rotas', i, 'fixed', j, 'people'], plan.people, ids(oncall.people), 'person'),
    )
  })
  oncall?.ladder.forEach((rung, i) => void must(['oncall', 'ladder', i, 'rota'], rung.rota, ids(oncall.rotas), 'rota'))
  oncall?.extra.forEach((row, i) => void must(['oncall', 'extra', i, 'peak'], row.peak, peaks, 'peak'))
  if (Array.isArray(oncall?.cover))
    oncall.cover.forEach((row, i) => void days(['oncall', 'cover', i, 'days'], row.days))
  service.comms?.audiences.forEach(
    (audience, i) => void each(['comms', 'audiences', i, 'failureModes'], audience.failureModes, modes, 'failure mode'),
  )
  service.tenants?.known.forEach(
    (tenant, i) => void each(['tenants', 'known', i, 'peaks'], tenant.peaks, peaks, 'peak'),
  )
  return faults
}

/** A note about a value that is not there any more. Lists are named by id: `journeys.apply.demand`. */
export function sourcesOfNothing(service: Part): Fault[] {
  return (service.sources ?? []).flatMap((source, i): Fault[] => {
    const [first] = source.about.split('.')
    // A malformed section cannot be searched.
    if (first !== undefined && !(first in service)) return first in EMPTY ? [] : [nothing(source.about, i)]
    return reachable(service, source.about.split('.')) ? [] : [nothing(source.about, i)]
  })
}

const EMPTY = {
  service: 1,
  tenants: 1,
  journeys: 1,
  failureModes: 1,
  deferred: 1,
  deployment: 1,
  artefacts: 1,
  runtime: 1,
  migrations: 1,
  dependencies: 1,
  data: 1,
  slis: 1,
  harmBudget: 1,
  watch: 1,
  peaks: 1,
  calendars: 1,
  deadlines: 1,
  oncall: 1,
  comms: 1,
  respond: 1,
  tooling: 1,
  environments: 1,
}

function nothing(about: string, i: number): Fault {
  return {
    rule: 'source-of-nothing',
    path: ['sources', i, 'about'],
    says: `"${about}" is not a value of this definition.`,
    fix: 'Name the value by its keys, and elements of lists by their id: journeys.apply.demand.',
  }
}

function reachable(from: unknown, names: readonly string[]): boolean {
  let at = from
  for (const name of names) {
    if (at === null || typeof at !== 'object') return false
    at = Array.isArray(at)
      ? at.find(
          (item: { id?: string; name?: string; artefact?: string }) =>
            item?.id === name || item?.name === name || item?.artefact === name,
        )
      : (at as Record<string, unknown>)[name]
    if (at === undefined) return false
  }
  return true
}

function visit(value: unknown, path: Path, see: (value: unknown, path: Path) => void): void {
  see(value, path)
  if (value === null || typeof value !== 'object') return
  if (Array.isArray(value)) value.forEach((item, i) => void visit(item, [...path, i], see))
  else for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key], see)
}
