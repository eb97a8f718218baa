/** Whether a server lives on a data directory. Process numbers are used again and the dead may stay as zombies, so we look closely. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { EXIT, OpsError } from '../../core/errors.ts'

/** The server's lock file, postmaster.pid; undefined: there is none. */
export function readLock(data: string): string | undefined {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8')
  } catch {
    return undefined
  }
}

/** The process number in its first line. */
export function pidOf(data: string): number | null {
  const pid = Number(readLock(data)?.split('\n')[0])
  return Number.isSafeInteger(pid) && pid > 1 ? pid : null
}

/**
 * `gone`: no process of a server on this data directory is left. Only Linux can tell; elsewhere PostgreSQL judges its lock file by
 * itself, and we say `unknown`.
 */
export function lifeOf(data: string): 'alive' | 'gone' | 'unknown' {
  if (process.platform !== 'linux' || !existsSync('/proc/self/stat')) return 'unknown'
  for (const pid of readdirSync('/proc')) {
    // A server's processes all stand in their data directory. A zombie stands nowhere.
    if (/^\d+$/.test(pid) && standsIn(pid) === data) return 'alive'
  }
  return 'gone'
}

function standsIn(pid: string): string {
  try {
    // Not a person's shell that happens to stand there.
    if (readFileSync(`/proc/${pid}/comm`, 'utf8') !== 'postgres\n') return ''
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

const LAUNCH_MS_MAX = 60_000

/**
 * Of several launchers on one data directory, one works and the others wait. The lock is a name in Linux's abstract socket space,
 * because the kernel frees it when its holder dies. Elsewhere PostgreSQL's own lock and atomic renames must do.
 */
export async function alone<T>(data: string, work: () => Promise<T>): Promise<T> {
  if (process.platform !== 'linux') return work()
  const name = `\0holdfast-${createHash('sha256').update(data).digest('hex').slice(0, 32)}`
  const until = Date.now() + LAUNCH_MS_MAX
  let lock = await take(name)
  while (!lock) {
    if (Date.now() > until) {
      throw new OpsError('STORE_BUSY', {
        message: `Another process has been starting the database in ${data} for a minute and has not finished.`,
        fix: 'Look for a stopped or hanging holdfast process, end it, and try again.',
        exit: EXIT.unreachable,
      })
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
    lock = await take(name)
  }
  try {
    return await work()
  } finally {
    await new Promise((resolve) => lock!.close(resolve))
  }
}

async function take(name: string): Promise<net.Server | null> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.destroy())
    server.on('error', (thrown: NodeJS.ErrnoException) =>
      thrown.code === 'EADDRINUSE' ? resolve(null) : reject(thrown),
    )
    server.listen(name, () => resolve(server))
  })
}
