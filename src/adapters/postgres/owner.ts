/**
 * PostgreSQL refuses to run as root. When we are root, the server runs as another user, who must be able to reach its programs and
 * its data.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { EXIT, OpsError } from '../../core/errors.ts'

export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** Null: the server runs as whoever we are. */
export function serverUser(): ServerUser | null {
  if (process.getuid?.() !== 0) return null
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const row = users.find((columns) => columns[0] === name)
    if (row) return { uid: Number(row[2]), gid: Number(row[3]) }
  }
  throw new OpsError('STORE_USER', {
    message: 'PostgreSQL does not run as root, and this machine has neither a user "postgres" nor "nobody".',
    fix: 'Run Holdfast as an ordinary user, or set DATABASE_URL.',
    exit: EXIT.unreachable,
  })
}

/** Can the user read and run the file, or go into the folder, through every folder on the way to it? */
export function reachable(path: string, user: ServerUser | null): boolean {
  if (!user) return true
  let at: string
  try {
    at = realpathSync(path)
  } catch {
    return false
  }
  if (!allowed(at, user, statSync(at).isDirectory() ? 0o1 : 0o5)) return false
  while (at !== dirname(at)) {
    at = dirname(at)
    if (!allowed(at, user, 0o1)) return false
  }
  return true
}

/** `bits` as in the last digit of a mode: 4 read, 1 execute or go through. */
function allowed(path: string, user: ServerUser, bits: number): boolean {
  const { uid, gid, mode } = statSync(path)
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0
  return ((mode >> shift) & bits) === bits
}

/** Where root keeps programs that the server's user must reach, when npm put them where it cannot go. */
export const SHARED = '/var/lib/holdfast'

/**
 * Under folders that are closed to its user (/root/…) the server cannot go to its data by name. We open the directory for it, as
 * descriptor 3: Linux's link to an open descriptor leads there without going through the folders above.
 */
export const OPENED = { fd: 3, path: '/proc/self/fd/3' }

/** Does the server's user need the directory opened for it? Throws STORE_FORBIDDEN where the system has no such link. */
export function needsOpened(data: string, user: ServerUser | null): boolean {
  if (reachable(dirname(data), user)) return false
  if (process.platform === 'linux' && existsSync('/proc/self/fd')) return true
  throw new OpsError('STORE_FORBIDDEN', {
    message: `We are root, and the database's own user cannot go to ${data}.`,
    fix: 'Choose a folder with --state that everybody may go through, or run as an ordinary user, or set DATABASE_URL.',
    exit: EXIT.unreachable,
  })
}
