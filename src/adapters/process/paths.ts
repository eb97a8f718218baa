import { createHash } from 'node:crypto'
import { mkdirSync, statSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { OpsError } from '../../core/errors.ts'

/** Longest path of a unix socket, in bytes, on the systems we run on: 104 on macOS and BSD, 108 on Linux, less the final zero. */
const SOCKET_MAX = 103

/** Where the supervisor of a state folder keeps its things. */
export interface Paths {
  readonly folder: string
  readonly socket: string
  readonly lock: string
  readonly journal: string
  readonly logs: string
}

/**
 * Paths under `<state>/supervisor`, made with mode 0700. When the state folder's path is too long for a socket, the socket
 * stands in a private folder under the system's temporary folder, always the same for the same state folder.
 */
export function pathsOf(state: string): Paths {
  const folder = join(state, 'supervisor')
  const logs = join(folder, 'logs')
  mkdirSync(logs, { recursive: true, mode: 0o700 })
  const near = join(folder, 'supervisor.sock')
  const socket = Buffer.byteLength(near) <= SOCKET_MAX ? near : join(privateFolder(state), 'supervisor.sock')
  return { folder, socket, lock: join(folder, 'lock'), journal: join(folder, 'releases.json'), logs }
}

function privateFolder(state: string): string {
  const { uid } = userInfo()
  const folder = join(tmpdir(), `holdfast-${uid}-${createHash('sha256').update(state).digest('hex').slice(0, 16)}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = statSync(folder)
  if (uid >= 0 && (found.uid !== uid || (found.mode & 0o077) !== 0)) {
    throw new OpsError('SOCKET_FOLDER', {
      message: `${folder} belongs to somebody else or is open to others.`,
      fix: 'Remove it, or use --state with a shorter path.',
    })
  }
  return folder
}
