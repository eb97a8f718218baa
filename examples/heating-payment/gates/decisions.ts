/**
 * A gate of this service, as a command: worked examples of the regulation, each with the decision that a caseworker came to by hand.
 * Exit code 0: the program decides every one of them the same way.
 */
import { type ColdSpell, decide, type Household } from '../app/rules.ts'

const TODAY = '2026-11-23'
const ONE: readonly ColdSpell[] = [{ firstDay: '2026-11-12', lastDay: '2026-11-18' }]
const TWO: readonly ColdSpell[] = [{ firstDay: '2026-11-02', lastDay: '2026-11-08' }, ...ONE]

const pensioner: Household = { born: '1950-01-01', benefits: ['pension-credit'], household: ['none'], area: 'NE' }
const family: Household = {
  ...pensioner,
  born: '1990-01-01',
  benefits: ['universal-credit'],
  household: ['child-under-5'],
}

const EXAMPLES: readonly (readonly [says: string, home: Household, spells: readonly ColdSpell[], decision: string])[] =
  [
    ['Pension Credit and one cold spell', pensioner, ONE, 'paid 2500'],
    ['two cold spells pay twice', pensioner, TWO, 'paid 5000'],
    ['no cold spell yet', pensioner, [], 'waiting 0'],
    ['Universal Credit with a young child', family, ONE, 'paid 2500'],
    ['Universal Credit with a disabled person', { ...family, household: ['disabled'] }, ONE, 'paid 2500'],
    ['Universal Credit alone', { ...family, household: ['none'] }, ONE, 'refused 0'],
    ['no benefit', { ...family, benefits: ['none'] }, ONE, 'refused 0'],
  ]

const different = EXAMPLES.flatMap(([says, home, spells, wanted]) => {
  const { outcome, amountPence } = decide(home, spells, TODAY)
  const came = `${outcome} ${amountPence}`
  return came === wanted ? [] : [`${says}: ${came}, not ${wanted}`]
})
for (const line of different) console.log(line)
console.log(
  `${different.length} of ${EXAMPLES.length} worked examples differ in release ${process.env.HOLDFAST_RELEASE ?? '?'}.`,
)
process.exitCode = different.length === 0 ? 0 : 1
