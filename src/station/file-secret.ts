import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A secret of 24 random bytes as hex that stays in the state folder, readable by its owner only; made when first asked for. */
export function fileSecret(state: string, name: string): string {
  mkdirSync(state, { recursive: true })
  const file = join(state, `${name}.key`)
  try {
    writeFileSync(file, randomBytes(24).toString('hex'), { flag: 'wx', mode: 0o600 })
  } catch {
    // It is there already.
  }
  return readFileSync(file, 'utf8').trim()
}
