/** The questions as data: one row a field. Pages, validation, the summary of answers and the example's citizens read these rows. */
import type { Day } from './rules.ts'

export interface Choice {
  readonly value: string
  readonly text: string
  /** "None of these": cannot stand beside another choice. */
  readonly alone?: boolean
}

interface Base {
  readonly name: string
  readonly label: string
  /** What the summary of answers calls it, where that differs from the label. */
  readonly short?: string
  readonly hint?: string
}

export interface TextField extends Base {
  readonly kind: 'text'
  readonly optional?: boolean
  readonly autocomplete?: string
  /** Characters that fit the box: 2, 3, 4, 5, 10, 20; absent: full width. */
  readonly width?: number
  readonly numeric?: boolean
  /** Brings what people type into the form we keep: "ne1 4lp" to "NE1 4LP". */
  readonly tidy?: (typed: string) => string
  /** What is wrong with it, for the citizen; undefined: nothing. Never called with ''. */
  readonly check?: (value: string) => string | undefined
  /** Said when it is empty and must not be. */
  readonly missing?: string
  readonly secret?: boolean
}

export interface DateField extends Base {
  readonly kind: 'date'
  readonly missing: string
}

export interface ChoicesField extends Base {
  readonly kind: 'choices'
  readonly choices: readonly Choice[]
  readonly missing: string
}

export type Field = TextField | DateField | ChoicesField

/** One page of the form. `step` is its name in the journey and in its path, /apply/<step>. */
export interface Page {
  readonly step: string
  readonly title: string
  readonly fields: readonly Field[]
}

/** What the citizen has told us so far. Choices are lists, all else is text; dates are days. */
export type Answers = Readonly<Record<string, string | readonly string[]>>

export interface Mistake {
  readonly field: string
  /** Where the link of the error summary jumps to. */
  readonly anchor: string
  readonly says: string
}

/** No answer of ours is longer, in characters. */
const TEXT_MAX = 100

const POSTCODE = /^([A-Z]{1,2})(\d[A-Z\d]?) (\d[A-Z]{2})$/

/** "ne14lp" is "NE1 4LP". What is no postcode comes back trimmed and in capitals. */
export function tidyPostcode(typed: string): string {
  const packed = typed.toUpperCase().replace(/[^A-Z0-9]/g, '')
  return packed.length >= 5 && packed.length <= 7
    ? `${packed.slice(0, -3)} ${packed.slice(-3)}`
    : typed.trim().toUpperCase()
}

/** The postcode area, "NE" of "NE1 4LP"; '' for what is no postcode. */
export function areaOf(postcode: string): string {
  return POSTCODE.exec(postcode)?.[1] ?? ''
}

export const ABOUT_YOU: Page = {
  step: 'about-you',
  title: 'About you',
  fields: [
    {
      kind: 'text',
      name: 'fullName',
      label: 'Full name',
      autocomplete: 'name',
      missing: 'Enter your full name',
    },
    {
      kind: 'date',
      name: 'born',
      label: 'Date of birth',
      hint: 'For example, 27 3 1958',
      missing: 'Enter your date of birth',
    },
    {
      kind: 'choices',
      name: 'benefits',
      label: 'Which of these do you get?',
      short: 'Benefits',
      hint: 'Select all that apply',
      missing: 'Select the benefits that you get, or ‘None of these’',
      choices: [
        { value: 'pension-credit', text: 'Pension Credit' },
        { value: 'universal-credit', text: 'Universal Credit' },
        { value: 'income-support', text: 'Income Support' },
        { value: 'jobseekers', text: 'Income-based Jobseeker’s Allowance' },
        { value: 'employment-support', text: 'Income-related Employment and Support Allowance' },
        { value: 'mortgage-interest', text: 'Support for Mortgage Interest' },
        { value: 'none', text: 'None of these', alone: true },
      ],
    },
  ],
}

export const YOUR_HOME: Page = {
  step: 'your-home',
  title: 'Your home',
  fields: [
    {
      kind: 'text',
      name: 'addressLine',
      label: 'Address line 1',
      autocomplete: 'address-line1',
      missing: 'Enter address line 1, typically the building and street',
    },
    {
      kind: 'text',
      name: 'town',
      label: 'Town or city',
      autocomplete: 'address-level2',
      width: 20,
      missing: 'Enter town or city',
    },
    {
      kind: 'text',
      name: 'postcode',
      label: 'Postcode',
      autocomplete: 'postal-code',
      width: 10,
      tidy: tidyPostcode,
      check: (value) => (POSTCODE.test(value) ? undefined : 'Enter a full UK postcode, like NE1 4LP'),
      missing: 'Enter postcode',
    },
    {
      kind: 'choices',
      name: 'household',
      label: 'Which of these are true for your home?',
      short: 'Home',
      hint: 'Select all that apply',
      missing: 'Select what is true for your home, or ‘None of these’',
      choices: [
        { value: 'child-under-5', text: 'A child under 5 lives here' },
        { value: 'disabled', text: 'A disabled person lives here' },
        { value: 'care-home', text: 'It is a care home' },
        { value: 'none', text: 'None of these', alone: true },
      ],
    },
  ],
}

export const BANK_DETAILS: Page = {
  step: 'bank-details',
  title: 'Bank or building society details',
  fields: [
    { kind: 'text', name: 'accountName', label: 'Name on the account', missing: 'Enter the name on the account' },
    {
      kind: 'text',
      name: 'sortCode',
      label: 'Sort code',
      hint: 'Must be 6 digits long',
      width: 5,
      numeric: true,
      tidy: digitsOf,
      check: (value) => (/^\d{6}$/.test(value) ? undefined : 'Enter a valid sort code like 309430'),
      missing: 'Enter a sort code',
    },
    {
      kind: 'text',
      name: 'accountNumber',
      label: 'Account number',
      hint: 'Must be between 6 and 8 digits long',
      width: 10,
      numeric: true,
      secret: true,
      tidy: digitsOf,
      check: (value) => (/^\d{6,8}$/.test(value) ? undefined : 'Account number must be between 6 and 8 digits'),
      missing: 'Enter an account number',
    },
    {
      kind: 'text',
      name: 'rollNumber',
      label: 'Building society roll number (if you have one)',
      short: 'Roll number',
      hint: 'You can find it on your card, statement or passbook',
      width: 10,
      optional: true,
      secret: true,
      check: (value) =>
        /^[A-Za-z0-9 ./-]{1,18}$/.test(value)
          ? undefined
          : 'Building society roll number must be 18 characters or fewer, and only letters, numbers, hyphens, spaces, slashes and full stops',
    },
  ],
}

/** Reads a posted page. Answers hold what is right and, for showing it again, what is wrong as it was typed. */
export function readPage(
  page: Page,
  body: Readonly<Record<string, unknown>>,
  today: Day,
): { answers: Answers; mistakes: readonly Mistake[] } {
  const answers: Record<string, string | readonly string[]> = {}
  const mistakes: Mistake[] = []
  for (const field of page.fields) {
    if (field.kind === 'text') readText(field, body, answers, mistakes)
    else if (field.kind === 'date') readDate(field, body, answers, mistakes, today)
    else readChoices(field, body, answers, mistakes)
  }
  return { answers, mistakes }
}

/** True when everything that the page must have was answered. A draft of another release may have more. */
export function isAnswered(page: Page, answers: Answers): boolean {
  return page.fields.every((field) => (field.kind === 'text' && field.optional) || answers[field.name] !== undefined)
}

type Body = Readonly<Record<string, unknown>>
type Into = Record<string, string | readonly string[]>

function readText(field: TextField, body: Body, answers: Into, mistakes: Mistake[]): void {
  const typed = textOf(body[field.name])
  const value = field.tidy ? field.tidy(typed) : typed
  answers[field.name] = value
  const wrong = wrongWith(field, value)
  if (wrong) mistakes.push({ field: field.name, anchor: field.name, says: wrong })
}

function wrongWith(field: TextField, value: string): string | undefined {
  if (value === '') return field.optional ? undefined : (field.missing ?? 'Enter an answer')
  if (value.length > TEXT_MAX) return `${field.label} must be ${TEXT_MAX} characters or fewer`
  return field.check?.(value)
}

function readDate(field: DateField, body: Body, answers: Into, mistakes: Mistake[], today: Day): void {
  const [day, month, year] = ['day', 'month', 'year'].map((part) => textOf(body[`${field.name}-${part}`]).slice(0, 4))
  const value = dayOf(day!, month!, year!)
  answers[field.name] = value ?? `${year}/${month}/${day}`
  const anchor = `${field.name}-day`
  if (!day && !month && !year) mistakes.push({ field: field.name, anchor, says: field.missing })
  else if (!value) mistakes.push({ field: field.name, anchor, says: `${field.label} must be a real date` })
  else if (value >= today) mistakes.push({ field: field.name, anchor, says: `${field.label} must be in the past` })
  else if (value < '1900-01-01')
    mistakes.push({ field: field.name, anchor, says: `${field.label} must be after 31 December 1899` })
}

/** The parts of a date as they were typed, for showing them again. */
export function datePartsOf(value: string): { day: string; month: string; year: string } {
  const [year = '', month = '', day = ''] = value.split(/[-/]/)
  const plain = value.includes('-')
  return { day: plain ? String(Number(day)) : day, month: plain ? String(Number(month)) : month, year }
}

function dayOf(day: string, month: string, year: string): Day | undefined {
  if (!/^\d{1,2}$/.test(day) || !/^\d{1,2}$/.test(month) || !/^\d{4}$/.test(year)) return undefined
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  const same = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day)
  return same ? date.toISOString().slice(0, 10) : undefined
}

function readChoices(field: ChoicesField, body: Body, answers: Into, mistakes: Mistake[]): void {
  const given = [body[field.name]].flat().map(textOf)
  const chosen = field.choices.filter((choice) => given.includes(choice.value))
  answers[field.name] = chosen.map((choice) => choice.value)
  if (chosen.length === 0) mistakes.push({ field: field.name, anchor: field.name, says: field.missing })
  else if (chosen.length > 1 && chosen.some((choice) => choice.alone)) {
    const alone = chosen.find((choice) => choice.alone)!
    mistakes.push({ field: field.name, anchor: field.name, says: `Select what applies, or select ‘${alone.text}’` })
  }
}

function digitsOf(typed: string): string {
  return typed.replace(/[ \-–]/g, '')
}

/** Text of a form value, whatever a hostile client sent; control characters become spaces. */
function textOf(value: unknown): string {
  if (typeof value !== 'string') return ''
  return value
    .slice(0, 1_000)
    .replace(/[\u0000-\u001f\u007f]/g, ' ')
    .trim()
}
