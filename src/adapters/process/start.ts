import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { OpsError } from '../../core/errors.ts'
import { entry } from '../../entry.ts'
import { isUnreachable } from '../../ports/unreachable.ts'
import { ask, pingSupervisor } from './client.ts'
import { openLog, tailOf } from './log.ts'
import { pathsOf } from './paths.ts'

export interface Supervisor {
  /** For `processRuntime`. */
  readonly socket: string
  readonly pid: number
}

/** A new supervisor that has not answered by then has failed, in ms. On a busy machine a start takes seconds. */
const START_MS = 30_000
const LOOK_MS = 50
/** Stopping every release may take as long as their budgets, in ms. */
const STOP_ALL_MS = 3_600_000

/**
 * The supervisor of a state folder (an absolute path): the one that runs, or a new one, detached from this process so that it
 * outlives it. Throws OpsError SUPERVISOR_NOT_STARTED.
 */
export async function startSupervisor({ state }: { readonly state: string }): Promise<Supervisor> {
  const { socket, folder } = pathsOf(state)
  const running = await pingSupervisor(socket)
  if (running !== undefined) return { socket, pid: running }
  const logFile = join(folder, 'supervisor.log')
  const log = openLog(logFile)
  const { command, args } = entry('adapters/process/supervisor')
  const child = spawn(command, [...args, '--state', state], { detached: true, stdio: ['ignore', log, log] })
  child.on('error', () => {})
  child.unref()
  closeSync(log)
  const until = Date.now() + START_MS
  while (Date.now() < until) {
    const pid = await pingSupervisor(socket)
    if (pid !== undefined) return { socket, pid }
    await pause(LOOK_MS)
  }
  throw new OpsError('SUPERVISOR_NOT_STARTED', {
    message: `The process supervisor did not answer on ${socket}. Its last words: ${tailOf(logFile, 500).trim() || 'none'}`,
    fix: `Look into ${logFile}.`,
  })
}

/** Stops every release of the state folder, each with its whole budget, and then the supervisor. When none runs, nothing happens. */
export async function stopSupervisor({ state }: { readonly state: string }): Promise<void> {
  const { socket } = pathsOf(state)
  if (isUnreachable(await ask(socket, '/stop-all', {}, STOP_ALL_MS))) return
  await ask(socket, '/quit', {})
  while ((await pingSupervisor(socket)) !== undefined) await pause(LOOK_MS)
}
