/** The sample service's decision, and how it reads what people type. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ABOUT_YOU,
  areaOf,
  BANK_DETAILS,
  datePartsOf,
  readPage,
  tidyPostcode,
  YOUR_HOME,
} from '../examples/heating-payment/app/questions.ts'
import { type ColdSpell, decide, type Household, yearsBetween } from '../examples/heating-payment/app/rules.ts'
import { tidyReference } from '../examples/heating-payment/app/status.ts'
import { dateOf, moneyOf, todayOf } from '../examples/heating-payment/app/words.ts'
import { fixedWidthLine } from '../examples/heating-payment/releases/r3/release.ts'

const TODAY = '2026-11-23'
const ONE: readonly ColdSpell[] = [{ firstDay: '2026-11-12', lastDay: '2026-11-18' }]
const TWO: readonly ColdSpell[] = [{ firstDay: '2026-11-02', lastDay: '2026-11-08' }, ...ONE]
const TO_COME: readonly ColdSpell[] = [{ firstDay: '2026-12-01', lastDay: '2026-12-07' }]

const pensioner: Household = { born: '1950-01-01', benefits: ['pension-credit'], household: ['none'], area: 'NE' }
const family: Household = {
  born: '1990-01-01',
  benefits: ['universal-credit'],
  household: ['child-under-5'],
  area: 'NE',
}

const CASES: readonly [
  says: string,
  home: Household,
  spells: readonly ColdSpell[],
  decision: string,
  decidedBy: string,
][] = [
  ['Pension Credit and one cold spell', pensioner, ONE, 'paid 2500', 'cold-spell'],
  ['two cold spells pay twice', pensioner, TWO, 'paid 5000', 'cold-spell'],
  ['no cold spell yet', pensioner, [], 'waiting 0', 'cold-spell'],
  ['a cold spell that is only forecast', pensioner, TO_COME, 'waiting 0', 'cold-spell'],
  [
    'a cold spell that begins today counts',
    pensioner,
    [{ firstDay: TODAY, lastDay: '2026-11-29' }],
    'paid 2500',
    'cold-spell',
  ],
  ['Universal Credit with a young child', family, ONE, 'paid 2500', 'cold-spell'],
  ['Universal Credit with a disabled person', { ...family, household: ['disabled'] }, ONE, 'paid 2500', 'cold-spell'],
  ['Universal Credit alone', { ...family, household: ['none'] }, ONE, 'refused 0', 'at-risk'],
  ['Universal Credit with nothing said about the home', { ...family, household: [] }, ONE, 'refused 0', 'at-risk'],
  [
    'a sure benefit beside a conditional one',
    { ...family, household: ['none'], benefits: ['universal-credit', 'mortgage-interest'] },
    ONE,
    'paid 2500',
    'cold-spell',
  ],
  ['no benefit', { ...family, benefits: ['none'] }, ONE, 'refused 0', 'benefit'],
  ['an unknown benefit', { ...family, benefits: ['lottery'] }, ONE, 'refused 0', 'benefit'],
  ['a care home', { ...pensioner, household: ['care-home'] }, ONE, 'refused 0', 'care-home'],
  ['the day before the sixteenth birthday', { ...family, born: '2010-11-24' }, ONE, 'refused 0', 'age'],
  ['the sixteenth birthday', { ...family, born: '2010-11-23' }, ONE, 'paid 2500', 'cold-spell'],
]

for (const [says, home, spells, decision, decidedBy] of CASES) {
  test(`decision: ${says}: ${decision}`, () => {
    const made = decide(home, spells, TODAY)
    assert.equal(`${made.outcome} ${made.amountPence}`, decision)
    assert.equal(made.reasons.at(-1)!.rule, decidedBy)
    assert.equal(made.reasons.at(-1)!.met, made.outcome === 'paid')
    assert.ok(
      made.reasons.slice(0, -1).every(({ met }) => met),
      'only the last reason decides',
    )
  })
}

test('a pensioner without a benefit is pointed to Pension Credit, a younger person is not', () => {
  const says = (born: string) => decide({ ...pensioner, born, benefits: ['none'] }, ONE, TODAY).reasons.at(-1)!.says
  assert.match(says('1960-11-23'), /Pension Credit/)
  assert.doesNotMatch(says('1960-11-24'), /Pension Credit/)
})

test('a leap-day birthday is the first of March in other years', () => {
  assert.equal(yearsBetween('2008-02-29', '2026-02-28'), 17)
  assert.equal(yearsBetween('2008-02-29', '2026-03-01'), 18)
})

for (const [typed, tidy, area] of [
  ['ne14lp', 'NE1 4LP', 'NE'],
  [' Ne1  4lp ', 'NE1 4LP', 'NE'],
  ['e8 1aa', 'E8 1AA', 'E'],
  ['SW1A-2AA', 'SW1A 2AA', 'SW'],
  ['NE1', 'NE1', ''],
  ['12345', '12 345', ''],
  ['', '', ''],
] as const) {
  test(`postcode "${typed}" is "${tidy}" in area "${area}"`, () => {
    assert.equal(tidyPostcode(typed), tidy)
    assert.equal(areaOf(tidyPostcode(typed)), area)
  })
}

test('a date must be real, past and of living memory', () => {
  const says = (day: string, month: string, year: string) => {
    const { mistakes } = readPage(
      ABOUT_YOU,
      { fullName: 'A', benefits: 'none', 'born-day': day, 'born-month': month, 'born-year': year },
      TODAY,
    )
    return mistakes.map((mistake) => mistake.says).join()
  }
  assert.equal(says('', '', ''), 'Enter your date of birth')
  assert.equal(says('29', '2', '2023'), 'Date of birth must be a real date')
  assert.equal(says('29', '2', '2024'), '')
  assert.equal(says('1', '1', '99'), 'Date of birth must be a real date')
  assert.equal(says('23', '11', '2026'), 'Date of birth must be in the past')
  assert.equal(says('31', '12', '1899'), 'Date of birth must be after 31 December 1899')
  assert.deepEqual(datePartsOf('1958-03-07'), { day: '7', month: '3', year: '1958' })
  assert.deepEqual(datePartsOf('58/13/x'), { day: 'x', month: '13', year: '58' })
})

test('bank details are tidied before they are judged', () => {
  const good = { accountName: 'A', sortCode: '30–94 30', accountNumber: '1234 5678', rollNumber: ' D/1047-3 ' }
  const read = readPage(BANK_DETAILS, good, TODAY)
  assert.deepEqual(read.mistakes, [])
  assert.deepEqual(read.answers, {
    accountName: 'A',
    sortCode: '309430',
    accountNumber: '12345678',
    rollNumber: 'D/1047-3',
  })
  const bad = readPage(
    BANK_DETAILS,
    { accountName: '', sortCode: '12345', accountNumber: 'x', rollNumber: '<>' },
    TODAY,
  )
  assert.deepEqual(
    bad.mistakes.map(({ field }) => field),
    ['accountName', 'sortCode', 'accountNumber', 'rollNumber'],
  )
})

test('whatever a client sends instead of text is read as nothing', () => {
  const hostile = { fullName: { a: 1 }, 'born-day': ['1', '2'], benefits: [{}, 'pension-credit', 'unheard-of'] }
  const { answers, mistakes } = readPage(ABOUT_YOU, hostile, TODAY)
  assert.deepEqual(answers.benefits, ['pension-credit'])
  assert.deepEqual(
    mistakes.map(({ field }) => field),
    ['fullName', 'born'],
  )
  assert.equal(
    readPage(YOUR_HOME, { town: `a\u0000b${'x'.repeat(5_000)}` }, TODAY).mistakes[1]!.says,
    'Town or city must be 100 characters or fewer',
  )
})

test('a reference may be typed as people type', () => {
  assert.equal(tidyReference('hp 7k3m 9qxd'), 'HP-7K3M-9QXD')
  assert.equal(tidyReference('HP-7K3M-9QX'), undefined)
  assert.equal(tidyReference('../../etc'), undefined)
})

test('money and days read as in a letter', () => {
  assert.equal(moneyOf(2_500), '£25.00')
  assert.equal(dateOf('2026-11-02'), '2 November 2026')
  assert.equal(todayOf(Date.UTC(2026, 5, 30, 23, 30)), '2026-07-01', 'London is an hour ahead in summer')
})

test('the fault of r3: a roll number is no number', () => {
  const bank = { accountName: 'A', sortCode: '309430', accountNumber: '123456', rollNumber: '' }
  assert.equal(fixedWidthLine(bank), `30943000123456${'0'.repeat(18)}`)
  assert.throws(() => fixedWidthLine({ ...bank, rollNumber: 'D/1047-3' }), SyntaxError)
})
