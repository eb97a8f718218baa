/** Where the money goes. `rollNumber` is '' for accounts that have none. */
export interface Bank {
  readonly accountName: string
  readonly sortCode: string
  readonly accountNumber: string
  readonly rollNumber: string
}

/** One line of the payment file: sort code, account number filled up to 8 digits, reference for the receiving side. */
export function paymentLine(bank: Bank): string {
  return [bank.sortCode, bank.accountNumber.padStart(8, '0'), bank.rollNumber || 'HEATING PAYMENT'].join(';')
}
