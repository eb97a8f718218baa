/** What the kit is made from: the definition, and the names of the repository's files. */
import type { Component, FailureMode, Journey, JourneyStep, Service, Sli } from '../define/schema.ts'
import type { Path } from '../define/yaml.ts'

export interface Source {
  readonly service: Service
  /** Files of the repository that decide how it is deployed, by path; empty when there is none at hand. */
  readonly deploymentFiles: readonly string[]
  /** Those of them that are too long for an agent to read at the beginning of every conversation. */
  readonly long?: readonly string[]
  /** All files of the repository, for the precision of matchers. */
  readonly files: readonly string[]
}

/** Failure modes by rank. */
export function modesOf(service: Service): readonly FailureMode[] {
  return [...service.failureModes].sort((a, b) => a.rank - b.rank)
}

export function journeysOf(service: Service, mode: FailureMode): readonly Journey[] {
  return service.journeys.filter((journey) => mode.journeys.includes(journey.id))
}

/** Every step of every journey that has a route. */
export function stepsOf(service: Service): readonly { readonly journey: Journey; readonly step: JourneyStep }[] {
  return service.journeys.flatMap((journey) => journey.steps.map((step) => ({ journey, step })))
}

export function sliOf(service: Service, id: string | undefined): Sli | undefined {
  return service.slis.find((sli) => sli.id === id)
}

export function webOf(service: Service): Component | undefined {
  return service.runtime.components.find((component) => component.kind === 'web')
}

/** Path of an element of a list in the definition, for the manifest. */
export function pathOf(
  service: Service,
  list: 'journeys' | 'failureModes' | 'slis' | 'dependencies' | 'peaks',
  id: string,
): Path {
  return [list, (service[list] as readonly { id: string }[]).findIndex((item) => item.id === id)]
}

/** The ladder of who is woken, in words: "primary on call (at once), head of service (after 10 min)". */
export function ladderWords(service: Service): string {
  return service.oncall.ladder
    .map((rung) => `${rung.role} (${rung.afterMinutes === 0 ? 'at once' : `after ${rung.afterMinutes} min`})`)
    .join(', ')
}

/** A role as a word without spaces, as steps of a runbook name it. */
export function roleId(role: string): string {
  return role
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60)
}

/** The first rung after the one that is woken at once: who to escalate to. */
export function escalationRole(service: Service): string {
  const { ladder } = service.oncall
  return (ladder.find((rung) => rung.afterMinutes > 0) ?? ladder.at(-1)!).role
}

export function runbookPath(mode: FailureMode): string {
  return mode.runbook ?? `ops/runbooks/${mode.id}.md`
}

/** Where a runbook may stand, by the id of its failure mode: where the definition says, in the team's own folder, in the kit's. */
export function runbookPlaces(service: Service | undefined, id: string): readonly string[] {
  const own = service?.failureModes.find((mode) => mode.id === id)?.runbook
  // An id names a file here, and it may have come from a database or a person.
  const named = /^[a-z0-9][a-z0-9-]{0,80}$/.test(id) ? [`runbooks/${id}.md`, `ops/runbooks/${id}.md`] : []
  return own === undefined ? named : [own, ...named]
}

/** Name of the alert of a failure mode, in the camel case that Prometheus rules use. */
export function alertName(id: string): string {
  return id
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

/** What citizens do instead while the service fails, with when that holds; undefined when no journey has another way. */
export function insteadOf(service: Service): string | undefined {
  const other = service.journeys.find((journey) => journey.fallbackChannel)?.fallbackChannel
  if (!other) return undefined
  return sentence(other.when && other.when !== 'always' ? `When ${other.when}: ${other.says}` : other.says)
}

/** First letter small, for the middle of a sentence; names and abbreviations stay. */
export function lower(text: string): string {
  return /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}

/** Ends with a full stop and begins with a capital, unless it begins with an id, a path or a command. */
export function sentence(text: string): string {
  const first = /^[a-z]+[ ’']/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text
  return /[.!?]$/.test(first) ? first : `${first}.`
}

/** "P2Y" is "2 years", "P90D" is "90 days". */
export function durationWords(iso: string): string {
  const units: Readonly<Record<string, string>> = { Y: 'year', M: 'month', W: 'week', D: 'day', H: 'hour' }
  const parts = [...iso.matchAll(/(\d+)([YMWDH])/g)].map(([, n, unit]) => `${n} ${units[unit!]}${n === '1' ? '' : 's'}`)
  return parts.length > 0 ? parts.join(' and ') : iso
}
