import { FIRST, type Release } from '../../app/release.ts'

export const r1: Release = FIRST
