import type { Bank } from '../../app/payment.ts'
import type { Release } from '../../app/release.ts'
import { r2 } from '../r2/release.ts'

/**
 * The fixed-width payment file that the bank asked for. The fault: it takes a building society's roll number for a number.
 * Most have letters ("D/1047-3"), BigInt throws, and the one citizen in five who is paid into a building society cannot submit.
 */
export function fixedWidthLine(bank: Bank): string {
  const roll = bank.rollNumber === '' ? 0n : BigInt(bank.rollNumber.replace(/[ ./-]/g, ''))
  return `${bank.sortCode}${bank.accountNumber.padStart(8, '0')}${roll.toString().padStart(18, '0')}`
}

export const r3: Release = {
  ...r2,
  name: 'r3',
  says: 'Writes the payment file in fixed width.',
  paymentLine: fixedWidthLine,
}
