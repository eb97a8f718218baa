import { ABOUT_YOU, type Page } from '../../app/questions.ts'
import type { Release } from '../../app/release.ts'
import { r1 } from '../r1/release.ts'

const ABOUT_YOU_WITH_PHONE: Page = {
  ...ABOUT_YOU,
  fields: [
    ...ABOUT_YOU.fields,
    {
      kind: 'text',
      name: 'phone',
      label: 'UK telephone number (optional)',
      short: 'Telephone number',
      hint: 'We will only call if there is a problem with your application',
      autocomplete: 'tel',
      width: 20,
      optional: true,
      check: (value) =>
        /^\+?[\d ()-]{10,20}$/.test(value) ? undefined : 'Enter a phone number, like 01632 960 001 or +44 808 157 0192',
    },
  ],
}

/** Asks for a phone number. The column comes with a migration that the release before it does not notice. */
export const r2: Release = {
  ...r1,
  name: 'r2',
  says: 'Asks for a phone number.',
  needs: [...r1.needs, 'applications.contact_phone'],
  pages: r1.pages.map((page) => (page.step === 'about-you' ? ABOUT_YOU_WITH_PHONE : page)),
  columns: (answers) => ({ contact_phone: (answers.phone as string | undefined) || null }),
}
