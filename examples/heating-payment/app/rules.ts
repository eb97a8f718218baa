/**
 * The decision: who gets a cold weather heating payment, how much, and why. Pure: the same household, cold spells and day
 * always give the same decision. The rules are an example's, modelled on the shape of the United Kingdom's scheme; they are
 * not its law.
 *
 *   person ──► old enough? ──► qualifying benefit? ──► (some benefits) somebody at risk at home? ──► not in a care home?
 *                 │ no              │ no                        │ no                                    │ no
 *                 ▼                 ▼                           ▼                                       ▼
 *              refused           refused                     refused                                 refused
 *   all yes ──► cold spell in the area?  yes: paid £25 for each   no: waiting, paid by itself when one comes
 */

/** Benefits that qualify by themselves. */
export const SURE_BENEFITS = ['pension-credit', 'mortgage-interest'] as const
/** Benefits that qualify when a young child or a disabled person lives in the home. */
export const CONDITIONAL_BENEFITS = ['universal-credit', 'income-support', 'jobseekers', 'employment-support'] as const
/** What lives in the home that makes cold dangerous. */
export const AT_RISK = ['child-under-5', 'disabled'] as const

/** £25 for each spell of seven days, in pence. */
export const PAYMENT_PENCE = 2_500
/** Years a person must have lived to apply. */
export const AGE_MIN = 16
/** State pension age of the example, in years: from here on we point people to Pension Credit. */
export const PENSION_AGE = 66

/** A calendar day, "2026-11-23". Days as strings compare in order, and have no time zone to get wrong. */
export type Day = string

export interface Household {
  readonly born: Day
  readonly benefits: readonly string[]
  /** Who lives in the home: child-under-5, disabled, care-home, none. */
  readonly household: readonly string[]
  /** Letters at the front of the postcode: "NE". */
  readonly area: string
}

export interface ColdSpell {
  readonly firstDay: Day
  readonly lastDay: Day
}

/** One rule's part in the decision, in words for the citizen. */
export interface Reason {
  readonly rule: 'age' | 'benefit' | 'at-risk' | 'care-home' | 'cold-spell'
  readonly met: boolean
  readonly says: string
}

export interface Decision {
  readonly outcome: 'paid' | 'waiting' | 'refused'
  readonly amountPence: number
  readonly reasons: readonly Reason[]
}

/** Decides, and says why. Every rule that was looked at is in `reasons`, in the order in which it was looked at. */
export function decide(home: Household, spells: readonly ColdSpell[], today: Day): Decision {
  const reasons: Reason[] = []
  for (const rule of [age, benefit, atRisk, careHome]) {
    const reason = rule(home, today)
    if (!reason) continue
    reasons.push(reason)
    if (!reason.met) return { outcome: 'refused', amountPence: 0, reasons }
  }
  const past = spells.filter((spell) => spell.firstDay <= today)
  reasons.push(coldSpell(home.area, past.length))
  if (past.length === 0) return { outcome: 'waiting', amountPence: 0, reasons }
  return { outcome: 'paid', amountPence: past.length * PAYMENT_PENCE, reasons }
}

/** Whole years between two days; a person born on 29 February has their birthday on 1 March in other years. */
export function yearsBetween(born: Day, today: Day): number {
  const years = Number(today.slice(0, 4)) - Number(born.slice(0, 4))
  return today.slice(5) < born.slice(5) ? years - 1 : years
}

function age(home: Household, today: Day): Reason {
  const met = yearsBetween(home.born, today) >= AGE_MIN
  return { rule: 'age', met, says: met ? `You are ${AGE_MIN} or over.` : `You must be ${AGE_MIN} or over to apply.` }
}

function benefit(home: Household, today: Day): Reason {
  const met = has(home.benefits, SURE_BENEFITS) || has(home.benefits, CONDITIONAL_BENEFITS)
  if (met) return { rule: 'benefit', met, says: 'You get a benefit that qualifies.' }
  const pointer = yearsBetween(home.born, today) >= PENSION_AGE ? ' You may be able to get Pension Credit.' : ''
  return { rule: 'benefit', met, says: `You do not get a benefit that qualifies.${pointer}` }
}

function atRisk(home: Household): Reason | undefined {
  if (has(home.benefits, SURE_BENEFITS)) return undefined
  const met = has(home.household, AT_RISK)
  return {
    rule: 'at-risk',
    met,
    says: met
      ? 'A child under 5 or a disabled person lives in your home.'
      : 'With the benefit you get, a child under 5 or a disabled person must live in your home.',
  }
}

function careHome(home: Household): Reason {
  const met = !home.household.includes('care-home')
  return {
    rule: 'care-home',
    met,
    says: met ? 'You do not live in a care home.' : 'People who live in a care home cannot get this payment.',
  }
}

function coldSpell(area: string, spells: number): Reason {
  if (spells === 0) {
    return {
      rule: 'cold-spell',
      met: false,
      says: `There has been no cold spell in the ${area} postcode area this winter.`,
    }
  }
  const count = spells === 1 ? 'one cold spell' : `${spells} cold spells`
  return { rule: 'cold-spell', met: true, says: `There has been ${count} in the ${area} postcode area this winter.` }
}

function has(given: readonly string[], wanted: readonly string[]): boolean {
  return given.some((value) => wanted.includes(value))
}
