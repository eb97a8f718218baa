/**
 * What the supervisor must not forget when it is killed: the highest epoch it obeyed, and which processes are its own.
 * Written whole, then renamed over the old one, so that a reader never sees half of it.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import type { Instant } from '../../core/time.ts'
import type { ReleaseSpec } from '../../ports/runtime.ts'

export interface ReplicaRecord {
  readonly id: string
  port: number
  /** Random word in the environment of the process, written before it is started. */
  token: string
  /** Absent: not running, or killed between the start and the note of it; the token then finds it. */
  pid?: number
  /** What tells the process from a later one with the same pid. */
  identity?: string
  startedAt: Instant
  restarts: number
  /** Digest of the release's folder when the process was started, or why there is none. */
  digest?: string
  digestWhy?: string
  /** Started beside others that run already, and not ready yet. */
  joining?: { readonly attempt: string; readonly until: Instant; readonly logFrom: number }
  /** Being stopped while others of the release go on. */
  leaving?: boolean
}

export interface ReleaseRecord {
  readonly spec: ReleaseSpec
  phase: 'starting' | 'running' | 'stopping'
  /** While starting: the moment until which every replica must be ready. */
  readonly readyUntil: Instant
  /** While starting: size of the log when it began. */
  readonly logFrom: number
  readonly attempt: string
  replicas: readonly ReplicaRecord[]
}

export interface Journal {
  epoch: number
  readonly releases: Record<string, ReleaseRecord>
}

/** The journal of a state folder; an empty one when there is none yet. A broken one throws: guessing would lose processes. */
export function readJournal(file: string): Journal {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return { epoch: 0, releases: {} }
    throw thrown
  }
  return JSON.parse(text) as Journal
}

export function writeJournal(file: string, journal: Journal): void {
  const next = `${file}.next`
  // 0600: the environment of a release may hold secrets.
  const handle = openSync(next, 'w', 0o600)
  try {
    writeSync(handle, JSON.stringify(journal))
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(next, file)
}
