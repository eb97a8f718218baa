import type { Release } from '../../app/release.ts'
import { r2 } from '../r2/release.ts'

/** Needs a setting that nobody has made yet, so it stops before it listens. */
export const r5: Release = {
  ...r2,
  name: 'r5',
  says: 'Takes the rates from the benefits register.',
  settings: ['BENEFITS_REGISTER_URL'],
}
