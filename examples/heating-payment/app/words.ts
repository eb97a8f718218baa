import type { Status } from './applications.ts'
import type { ColdSpell } from './rules.ts'

/** 2500 is "£25.00", 5000 is "£50.00". */
export function moneyOf(pence: number): string {
  return `£${(pence / 100).toFixed(2)}`
}

/** "2026-11-02" is "2 November 2026". */
export function dateOf(day: string): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`))
}

const receivedFormat = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'long',
  timeStyle: 'short',
  timeZone: 'Europe/London',
})

/** "23 November 2026 at 05:30", London time. */
export function momentOf(at: Date): string {
  return receivedFormat.format(at)
}

/** Today in London, as a day: "2026-11-23". */
export function todayOf(now: number): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/London' }).format(now)
}

export function decisionOf(status: Status): string {
  switch (status.outcome) {
    case 'paid':
      return `You will get ${moneyOf(status.amountPence)}.`
    case 'waiting':
      return 'You qualify, and will be paid when a cold spell comes.'
    case 'refused':
      return 'You do not qualify for this payment.'
  }
}

export function nextOf(status: Status): string {
  switch (status.outcome) {
    case 'paid':
      return 'We will pay the money into your account within 14 working days.'
    case 'waiting':
      return 'You do not need to apply again this winter. We look at the weather in your area every day.'
    case 'refused':
      return 'You can apply again if your circumstances change.'
  }
}

export function tagOf(status: Status): { text: string; classes: string } {
  switch (status.outcome) {
    case 'paid':
      return { text: 'Approved', classes: 'govuk-tag--green' }
    case 'waiting':
      return { text: 'Waiting for cold weather', classes: 'govuk-tag--blue' }
    case 'refused':
      return { text: 'Not approved', classes: 'govuk-tag--grey' }
  }
}

/** What we know about the weather in the citizen's area, on the page where they check their answers. */
export function spellsSay(area: string, spells: readonly ColdSpell[]): string {
  const last = spells.at(-1)
  if (!last) return `There has been no cold spell in the ${area} postcode area this winter. You can still apply.`
  return `The last cold spell in the ${area} postcode area was from ${dateOf(last.firstDay)} to ${dateOf(last.lastDay)}.`
}
