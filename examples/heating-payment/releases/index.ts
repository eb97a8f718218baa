import type { Release } from '../app/release.ts'
import { r1 } from './r1/release.ts'
import { r2 } from './r2/release.ts'
import { r3 } from './r3/release.ts'
import { r4 } from './r4/release.ts'
import { r5 } from './r5/release.ts'
import { r6 } from './r6/release.ts'

/** Every release by name. */
export const RELEASES: Readonly<Record<string, Release>> = { r1, r2, r3, r4, r5, r6 }
