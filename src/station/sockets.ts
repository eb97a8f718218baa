import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Longest path a unix socket may have everywhere we run: 104 bytes on macOS with its closing zero. */
const PATH_MAX = 103

/** Where a socket of this state folder lives: inside it, or in a private folder with a short name when its path is too long. */
export function socketPath(state: string, name: string): string {
  const inside = join(state, `${name}.sock`)
  if (Buffer.byteLength(inside) <= PATH_MAX) return inside
  const folder = join(tmpdir(), `holdfast-${createHash('sha256').update(state).digest('hex').slice(0, 12)}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return join(folder, `${name}.sock`)
}
