/** Rotas without gaps, ladders that reach somebody, and messages people can understand. */
import type { Service } from '../schema.ts'
import type { Fault } from '../structure.ts'

type Part = Partial<Service>

export function rotaGaps(service: Part): Fault[] {
  const { oncall } = service
  if (!oncall) return []
  const faults: Fault[] = []
  const used = new Set(oncall.ladder.map((rung) => rung.rota))
  oncall.rotas.forEach((rota, i) => {
    const people = new Set(rota.people)
    if (oncall.cover === 'always' && people.size < 2 && used.has(rota.id))
      faults.push({
        rule: 'rota-gap',
        path: ['oncall', 'rotas', i, 'people'],
        says: `Somebody is promised always, and the rota "${rota.id}" has one person: nobody is on duty when they sleep, travel or are ill.`,
        fix: 'Add a second person, or say the hours under "cover".',
      })
  })
  if (Array.isArray(oncall.cover) && oncall.outOfHours === undefined) {
    const severe = (service.failureModes ?? []).filter((mode) => mode.severityFloor === 'P1')
    const names = severe.map((mode) => mode.id).join(', ')
    if (severe.length > 0)
      faults.push({
        rule: 'rota-gap',
        path: ['oncall', 'cover'],
        says: `Outside of the cover nobody is on call, and it is not said what happens then to ${names}, which ${severe.length === 1 ? 'is' : 'are'} P1 at any hour.`,
        fix: 'Add outOfHours: what the service does by itself, and who looks first in the morning.',
      })
  }
  if (oncall.ladder.length > 0 && Math.min(...oncall.ladder.map((rung) => rung.afterMinutes)) > 0)
    faults.push({
      rule: 'rota-gap',
      path: ['oncall', 'ladder', 0, 'afterMinutes'],
      says: 'Nobody is woken in the first minutes of a page.',
      fix: 'Write afterMinutes: 0 on the first rung.',
    })
  return faults
}

export function ladder(service: Part): Fault[] {
  const { oncall } = service
  if (!oncall) return []
  const faults: Fault[] = []
  const targets = new Set<string>()
  oncall.ladder.forEach((rung, i) => {
    const path = ['oncall', 'ladder', i]
    const nobody = (says: string, fix: string) => faults.push({ rule: 'escalation-reaches-nobody', path, says, fix })
    const rota = oncall.rotas.find((known) => known.id === rung.rota)
    if (rung.to === undefined && rung.rota === undefined)
      nobody(`The rung "${rung.role}" says neither whom nor which rota.`, 'Add "to" (an address) or "rota".')
    else if (rung.to === undefined && rung.route === 'webhook')
      nobody(`The rung "${rung.role}" calls a webhook without a name.`, 'Add "to": the webhook’s name in the settings.')
    else if (rung.to !== undefined && rung.route === 'email' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(rung.to))
      nobody(`"${rung.to}" is not an e-mail address.`, 'Write an address, or use route: webhook.')
    else if (rung.to === undefined && rota) {
      const silent = [...new Set([...rota.people, ...rota.fixed.flatMap((plan) => plan.people)])].filter(
        (id) => !oncall.people.find((person) => person.id === id)?.email,
      )
      if (silent.length > 0)
        nobody(
          `On the rota "${rota.id}", ${silent.join(', ')} ${silent.length === 1 ? 'has' : 'have'} no address, so the page goes nowhere.`,
          'Add their e-mail under oncall.people.',
        )
    }
    const before = oncall.ladder[i - 1]
    if (before && rung.afterMinutes < before.afterMinutes)
      nobody(
        `The rung "${rung.role}" is woken after ${rung.afterMinutes} minutes, before the one above it (${before.afterMinutes}).`,
        'Order the rungs by their minutes.',
      )
    targets.add(`${rung.to ?? `rota ${rung.rota}`}`)
  })
  const last = Math.max(...oncall.ladder.map((rung) => rung.afterMinutes), 0)
  if (targets.size === 1 || (oncall.ladder.length > 1 && last === 0))
    faults.push({
      rule: 'escalation-reaches-nobody',
      path: ['oncall', 'ladder'],
      says:
        targets.size === 1
          ? 'Every rung reaches the same place: if it sleeps, nobody comes.'
          : 'All rungs are woken at once, and nobody after them.',
      fix: 'Add a rung for somebody else, some minutes later.',
    })
  return faults
}

/** Agreements that nobody can give: a release then waits until it is refused, at the hour when it was needed. */
export function approvers({ oncall, deployment }: Part): Fault[] {
  if (!oncall || !deployment) return []
  const { people, roles } = deployment.approvals
  // Where no role is asked for, anybody else may agree; where nobody's roles are written down, no name can be told from another.
  if (roles.length === 0 || oncall.people.every((person) => person.roles.length === 0)) return []
  const may = oncall.people.filter((person) => person.roles.some((role) => roles.includes(role)))
  const asked = deployment.gates.some(({ kind }) => kind === 'approval') ? Math.max(1, people) : people
  const urgent = Math.max(asked, deployment.windows.emergency.approvers)
  const fault = (says: string, fix: string): Fault[] => [
    { rule: 'approvals-impossible', path: ['deployment', 'approvals'], says, fix },
  ]
  const role = roles.join('" or "')
  if (may.length === 0)
    return fault(
      `Approvals are for people with the role "${role}", and nobody under oncall.people has it: who agrees cannot be checked.`,
      `Give people roles: [${roles[0]}], or change the role.`,
    )
  const names = may.map(({ name }) => name).join(', ')
  const who = `Only ${names} ${may.length === 1 ? 'has' : 'have'} the role "${role}"`
  // Nobody agrees to their own release, so whoever of them asks for one is not counted.
  const asks = may.find((person) => person.roles.includes('deployer'))
  const left = may.length - (asks ? 1 : 0)
  const when =
    asks && left < may.length
      ? `, and when ${asks.name} asks for a release ${left === 0 ? 'nobody is left' : `only ${left} ${left === 1 ? 'is' : 'are'} left`}`
      : ''
  if (left < asked)
    return fault(
      `${who}${when}; ${asked} must agree to each release, never to their own.`,
      'Give the role to more people, or ask for fewer.',
    )
  if (left < urgent)
    return fault(
      `${who}${when}; outside of the window ${urgent} must agree, so an urgent release can only break the glass.`,
      'Give the role to more people, or write windows: { emergency: { approvers: 1 } }.',
    )
  return []
}

/** A time at which the service itself wants to wake somebody must lie inside the cover. */
export function pagesOutsideCover(service: Part): Fault[] {
  const { oncall } = service
  if (!oncall || !Array.isArray(oncall.cover)) return []
  const cover = oncall.cover
  const covered = (wall: string) =>
    cover.some(({ local }) => {
      const [from, to] = local.split('-') as [string, string]
      return to > from ? wall >= from && wall < to : wall >= from || wall < to
    })
  return (service.failureModes ?? []).flatMap((mode, i) =>
    mode.detect.pageAt.flatMap((wall, j): Fault[] =>
      covered(wall)
        ? []
        : [
            {
              rule: 'page-outside-cover',
              path: ['failureModes', i, 'detect', 'pageAt', j],
              says: `"${mode.id}" tells somebody at ${wall}, and the cover is ${cover.map((hours) => hours.local).join(', ')}.`,
              fix: 'Let the service act by itself at that time, or widen the cover.',
            },
          ],
    ),
  )
}

export function languages(service: Part): Fault[] {
  const { comms } = service
  const spoken = service.service?.languages
  if (!comms || !spoken) return []
  const reached = new Set(comms.audiences.flatMap((audience) => audience.languages))
  return spoken.flatMap((language, i): Fault[] =>
    reached.has(language)
      ? []
      : [
          {
            rule: 'language-not-spoken',
            path: ['service', 'languages', i],
            says: `The service is offered in "${language}", and no audience gets messages in it.`,
            fix: `Add "${language}" to the languages of the citizens’ audience.`,
          },
        ],
  )
}

export function mustSay(service: Part): Fault[] {
  if (!service.comms || service.comms.mustSay.length > 0) return []
  return [
    {
      rule: 'nothing-must-be-said',
      path: ['comms'],
      says: 'It is not said what every message must answer.',
      fix: 'Add mustSay: what citizens of this service ask first when it fails.',
    },
  ]
}
