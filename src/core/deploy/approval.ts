/**
 * Two pairs of eyes: who may agree to a release, what they agreed to, and for how long. Nobody agrees to their own request, nobody twice,
 * and an agreement is to one plan: its hash is what was approved.
 *
 * Holdfast knows people by name only. In the console it is the name of the one-time link or the one typed at sign-in, on the command
 * line the account's or the one given with --by. Each approval says which, so that a reader of the log can judge what it is worth.
 */
import { createHash } from 'node:crypto'
import type { Service } from '../define/schema.ts'
import { canonicalJson } from '../json.ts'
import { HOUR, type Instant } from '../time.ts'
import { listOf } from '../words.ts'
import type { DeploymentPlan } from './deployment.ts'

export interface Approver {
  readonly id: string
  readonly name: string
}

export interface ApprovalPlan {
  /** People who must agree, besides the one who asked; above 0. */
  readonly people: number
  /** Roles that the definition asks for; none: any. */
  readonly roles: readonly string[]
  /** People of the definition who hold one of the roles; none: the definition names nobody, so anybody else may agree. */
  readonly may: readonly Approver[]
  /** All names of the definition, so that "asha" and "Asha P" are one person. */
  readonly known: readonly Approver[]
  /** How long the deployment waits, in ms. */
  readonly waitMs: number
  /** How long an agreement holds while the others are waited for, in ms. */
  readonly validMs: number
}

export interface Approval {
  readonly who: string
  readonly at: Instant
  readonly why: string
  /** Hash of the plan that was agreed to. */
  readonly plan: string
  /** How the name was established. */
  readonly how: string
}

/** The wish to agree, as it arrives from outside. */
export interface Agreement {
  readonly who: string
  readonly why: string
  readonly plan: string
  readonly how: string
}

/**
 * Absent: nobody needs to agree. A gate of kind "approval" asks for one person at least. An artefact that names roles of its own asks for
 * as many people as roles, each of whom holds one of them.
 */
export function approvalOf(service: Service, artefact?: string): ApprovalPlan | undefined {
  const { people, roles, waitHours, validHours } = service.deployment.approvals
  const own = service.artefacts.find(({ id }) => id === artefact)?.approvals ?? []
  if (own.length > 0) return planOf(service, Math.max(people, own.length), own, waitHours, validHours)
  const asked = service.deployment.gates.some(({ kind }) => kind === 'approval') ? Math.max(1, people) : people
  return asked === 0 ? undefined : planOf(service, asked, roles, waitHours, validHours)
}

/** Outside of the window, where the definition lets people agree to that. */
export function emergencyApprovalOf(service: Service, artefact?: string): ApprovalPlan {
  const { waitHours, validHours } = service.deployment.approvals
  const inside = approvalOf(service, artefact)
  const asked = Math.max(inside?.people ?? 0, service.deployment.windows.emergency.approvers)
  return planOf(service, asked, inside?.roles ?? service.deployment.approvals.roles, waitHours, validHours)
}

function planOf(
  service: Service,
  people: number,
  roles: readonly string[],
  waitHours: number,
  validHours: number,
): ApprovalPlan {
  const known = service.oncall.people.map(({ id, name }) => ({ id, name }))
  const holds = (held: readonly string[]) => roles.some((role) => held.includes(role))
  const may = service.oncall.people.filter((one) => roles.length === 0 || holds(one.roles))
  return {
    people,
    roles,
    // Where no role is asked for, the people on the rotas are no list of approvers: a colleague off the rota may agree as well.
    may: roles.length === 0 ? [] : may.map(({ id, name }) => ({ id, name })),
    known,
    waitMs: waitHours * HOUR,
    validMs: validHours * HOUR,
  }
}

/** What is agreed to: everything that was frozen at the start, so that no other release, schema step or gate hides behind it. */
export function planHash(plan: DeploymentPlan): string {
  return createHash('sha256').update(canonicalJson(plan)).digest('hex')
}

/** The first characters, for people: enough to see that two are not the same. */
export function shortHash(hash: string): string {
  return hash.slice(0, 12)
}

/** One person, however the name was typed. */
export function personOf(name: string, known: readonly Approver[]): string {
  const tidy = tidied(name)
  const found = known.find((one) => tidied(one.id) === tidy || tidied(one.name) === tidy)
  return found ? `id:${found.id}` : tidy
}

function tidied(name: string): string {
  return name
    .normalize('NFKC')
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .toLowerCase()
}

/** The approval that this wish makes, or why it makes none. */
export function judgeAgreement(
  plan: DeploymentPlan,
  given: readonly Approval[],
  wish: Agreement,
  now: Instant,
): { readonly approval: Approval } | { readonly why: string } {
  const { approval, next, requestedBy } = plan
  if (!approval) return { why: 'This deployment asks for nobody’s approval.' }
  const who = wish.who.trim()
  const person = personOf(who, approval.known)
  if (person === '' || person === 'holdfast') return { why: 'An approval needs the name of a person.' }
  if (person === personOf(requestedBy, approval.known)) {
    return { why: `${who} asked for release ${next.release} and cannot approve it: somebody else must agree.` }
  }
  if (given.some((one) => personOf(one.who, approval.known) === person)) {
    return { why: `${who} has approved release ${next.release} already; each person counts once.` }
  }
  if (approval.may.length > 0 && !approval.may.some(({ id }) => `id:${id}` === person)) {
    return { why: `${who} is not among those who may approve: ${whoMay(plan)}.` }
  }
  if (wish.plan !== planHash(plan)) {
    return { why: `${who} approved another plan than the one that waits. Read it again, and approve that.` }
  }
  return { approval: { who, at: now, why: wish.why, plan: wish.plan, how: wish.how } }
}

/** How many people are still missing. */
export function missingApprovals(plan: DeploymentPlan, given: readonly Approval[]): number {
  return Math.max(0, (plan.approval?.people ?? 0) - given.length)
}

/** "Ben T or Carys M", or what the definition says instead of names. Never the one who asked, nor those who have agreed already. */
export function whoMay(
  { approval, requestedBy }: Pick<DeploymentPlan, 'approval' | 'requestedBy'>,
  given: readonly Approval[] = [],
): string {
  if (!approval) return 'nobody needs to'
  const gone = [requestedBy, ...given.map(({ who }) => who)]
  const keys = gone.map((name) => personOf(name, approval.known))
  const others = approval.may.filter(({ id }) => !keys.includes(`id:${id}`))
  if (approval.may.length > 0) {
    return others.length > 0
      ? listOf(others.map(({ name }) => name)).replace(/ and ([^,]*)$/, ' or $1')
      : 'nobody whom the definition names is left'
  }
  const role = approval.roles.length > 0 ? ` who holds the role ${listOf(approval.roles)}` : ''
  return `anybody${role} but ${listOf(gone).replace(/ and ([^,]*)$/, ' or $1')}`
}

const NUMBERS = ['Nobody', 'One', 'Two', 'Three'] as const

/** "ben has agreed. One more person must: Carys M." */
export function approvalWords(plan: DeploymentPlan, given: readonly Approval[]): string {
  if (!plan.approval) return 'Nobody besides the one who asked needs to agree.'
  const missing = missingApprovals(plan, given)
  const have =
    given.length > 0 ? `${listOf(given.map(({ who }) => who))} ${given.length === 1 ? 'has' : 'have'} agreed` : ''
  if (missing === 0) return `${have}, and nobody else needs to.`
  const more = given.length > 0 ? ' more' : ''
  const people = `${NUMBERS[missing] ?? missing}${more} ${missing === 1 ? 'person' : 'people'}`
  return `${have || 'Nobody has agreed yet'}. ${people} must: ${whoMay(plan, given)}.`
}
