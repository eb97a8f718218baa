/**
 * Bank holidays of the three divisions of the United Kingdom, as data: some are moved or added by proclamation, so no
 * formula is right for ever. Source: https://www.gov.uk/bank-holidays (Open Government Licence), substitute days included.
 */
export type Division = 'england-and-wales' | 'scotland' | 'northern-ireland'

/** First and last day the table speaks of, and when somebody must compare it with the source. */
export const BANK_HOLIDAYS_FROM = '2026-07-01'
export const BANK_HOLIDAYS_TO = '2028-12-31'
export const BANK_HOLIDAYS_VERIFY_BY = '2027-03-31'

const SHARED = [
  '2026-12-25 2026-12-28',
  '2027-01-01 2027-03-26 2027-05-03 2027-05-31 2027-12-27 2027-12-28',
  '2028-01-03 2028-04-14 2028-05-01 2028-05-29 2028-12-25 2028-12-26',
]
const EASTER_MONDAY_AND_SUMMER = ['2026-08-31 2027-03-29 2027-08-30 2028-04-17 2028-08-28']

export const BANK_HOLIDAYS: Readonly<Record<Division, readonly string[]>> = {
  'england-and-wales': daysOf(SHARED, EASTER_MONDAY_AND_SUMMER),
  // 2 January, the first Monday of August and St Andrew's Day.
  scotland: daysOf(SHARED, ['2026-08-03 2026-11-30 2027-01-04 2027-08-02 2027-11-30 2028-01-04 2028-08-07 2028-11-30']),
  // St Patrick's Day and the Battle of the Boyne.
  'northern-ireland': daysOf(SHARED, EASTER_MONDAY_AND_SUMMER, [
    '2026-07-13 2027-03-17 2027-07-12 2028-03-17 2028-07-12',
  ]),
}

function daysOf(...rows: readonly (readonly string[])[]): readonly string[] {
  return rows
    .flat()
    .flatMap((row) => row.split(' '))
    .sort()
}
