import type { Release } from '../../app/release.ts'
import { r2 } from '../r2/release.ts'

/** Drops a column in the release that stops using it, while the release before it still writes it. To be refused. */
export const r6: Release = {
  ...r2,
  name: 'r6',
  says: 'Keeps the town in the address line.',
  needs: r2.needs.filter((column) => column !== 'applications.town'),
  leavesOut: ['town'],
}
