/**
 * One replica: a process that is kept running.
 *
 *   launch ──► starting ──► ready ◄──► not ready
 *                 │           │
 *                 └── died ───┴──► waits (0.25 s, 0.5 s, … 30 s) ──► launch again on the same port
 *   stop, in any state: SIGTERM ──► whole stop budget ──► SIGKILL to whatever is left
 */
import { randomUUID } from 'node:crypto'
import http from 'node:http'
import { messageOf } from '../../core/errors.ts'
import type { Identified, Instance, ReleaseSpec } from '../../ports/runtime.ts'
import { bodyOf } from './body.ts'
import type { ReplicaRecord } from './journal.ts'
import { findByToken, identityOf, isAlive, isGroupAlive, signalGroup } from './life.ts'
import { portFor } from './port.ts'

/** Readiness is asked this often until the first yes, then ten times less often, in ms. */
const PROBE_MS = 100
const PROBE_READY_MS = 1_000
/** A readiness answer that takes longer is a no, in ms. */
const PROBE_LIMIT_MS = 1_000
/** Life of processes that are not our children (adopted ones) is looked at this often, in ms. */
const LIFE_MS = 250
const STOP_LOOK_MS = 50
/** First wait before a restart; it doubles with each death, in ms. */
const BACKOFF_MS = 250
const BACKOFF_MS_MAX = 30_000
/** A replica that lived this long starts its waits anew, in ms. */
const SETTLED_MS = 60_000

export interface ReplicaHooks {
  /** The record changed: write it down before going on. */
  readonly save: () => void
  /** It died by itself. `why` is for the team. Returns true when it shall be started again. */
  readonly died: (why: string) => boolean
  readonly ready: () => void
}

export interface Replica {
  readonly record: ReplicaRecord
  instance(): Instance
  isReady(): boolean
  /** Starts the process, or takes over the one that the record names. */
  begin(): Promise<void>
  /** SIGTERM, the whole budget, then SIGKILL. Settles when nothing of it is left. */
  stop(): Promise<void>
}

export function newReplica(spec: ReleaseSpec, record: ReplicaRecord, logFile: string, hooks: ReplicaHooks): Replica {
  let ready = false
  let stopping: Promise<void> | undefined
  let deaths = 0
  let timers: NodeJS.Timeout[] = []
  // Rises with each launch and with the stop: what an older life still has to say is not heard.
  let life = 0
  let launching: Promise<void> = Promise.resolve()
  const body = bodyOf(spec)

  const later = (ms: number, run: () => void) => {
    timers.push(setTimeout(run, ms))
  }
  const clearTimers = () => {
    for (const timer of timers) clearTimeout(timer)
    timers = []
  }

  const launch = (): Promise<void> => {
    launching = launchNow()
    return launching
  }

  const launchNow = async (): Promise<void> => {
    const mine = ++life
    clearTimers()
    ready = false
    const port = await portFor(record.port)
    if (mine !== life) return
    Object.assign(record, { port, token: randomUUID(), startedAt: Date.now() })
    delete record.pid
    delete record.identity
    hooks.save()
    const { pid, digest } = await body.start(spec, record, logFile, (why) => dead(mine, why))
    if (pid === undefined) return
    record.pid = pid
    const identity = identityOf(pid)
    if (identity) record.identity = identity
    if (digest) note(record, digest)
    hooks.save()
    if (body.watched) watch(mine, pid, identity ?? '')
    void probe(mine)
  }

  const watch = (mine: number, pid: number, identity: string) => {
    if (mine !== life) return
    if (isAlive(pid, identity)) later(LIFE_MS, () => watch(mine, pid, identity))
    else void body.epitaph(spec, record).then((why) => dead(mine, why))
  }

  const adopt = async (pid: number, identity: string): Promise<void> => {
    const mine = ++life
    record.pid = pid
    record.identity = identity
    hooks.save()
    watch(mine, pid, identity)
    // Whoever asks the new supervisor must not hear "not ready" only because nobody has looked yet.
    await probe(mine)
  }

  const probe = async (mine: number): Promise<void> => {
    if (mine !== life) return
    const yes = await askReady(record.port, spec.readyPath)
    if (mine !== life) return
    const first = yes && !ready
    ready = yes
    if (first) hooks.ready()
    later(ready ? PROBE_READY_MS : PROBE_MS, () => void probe(mine))
  }

  const dead = (mine: number, why: string) => {
    if (mine !== life || stopping) return
    life++
    clearTimers()
    ready = false
    // What it had started would keep the port.
    if (record.pid !== undefined) signalGroup(record.pid, record.token, 'SIGKILL')
    delete record.pid
    delete record.identity
    deaths = Date.now() - record.startedAt > SETTLED_MS ? 1 : deaths + 1
    if (!hooks.died(why)) return hooks.save()
    record.restarts++
    hooks.save()
    later(Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** (deaths - 1)), relaunch)
  }

  const relaunch = () => {
    // It may find another folder than it did at first. The restart does not wait for that. A container's start says it by itself.
    if (!body.watched) {
      void body.identify(spec).then((identified) => {
        note(record, identified)
        hooks.save()
      })
    }
    launch().catch((thrown) => dead(life, messageOf(thrown)))
  }

  const stopNow = async () => {
    life++
    clearTimers()
    ready = false
    // A container takes a moment to be there, and must not come after its own end.
    await launching.catch(() => {})
    await endProcesses()
    await body.clear(spec, record)
  }

  const endProcesses = async () => {
    const { token } = record
    const pid = record.pid ?? (token === '' ? undefined : findByToken(token))
    if (pid === undefined) return
    signalGroup(pid, token, 'SIGTERM')
    const deadline = Date.now() + spec.stopMsMax
    while (isGroupAlive(pid, token)) {
      if (Date.now() >= deadline) signalGroup(pid, token, 'SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, STOP_LOOK_MS))
    }
  }

  return {
    record,
    isReady: () => ready,
    instance: () => ({
      id: record.id,
      release: spec.release,
      host: '127.0.0.1',
      port: record.port,
      ...(record.pid !== undefined && { pid: record.pid }),
      ready,
      restarts: record.restarts,
      startedAt: record.startedAt,
      ...(record.digest !== undefined && { digest: record.digest }),
      ...(record.digestWhy !== undefined && { digestWhy: record.digestWhy }),
    }),
    begin: async () => {
      const { pid, identity } = record
      if (pid !== undefined && identity !== undefined && isAlive(pid, identity)) return adopt(pid, identity)
      // Killed between the start and the note of it: the token says which process is ours.
      const found = record.token === '' ? undefined : findByToken(record.token)
      const foundIdentity = found === undefined ? undefined : identityOf(found)
      if (found !== undefined && foundIdentity !== undefined) return adopt(found, foundIdentity)
      if (pid !== undefined) record.restarts++
      await launch()
    },
    stop: () => {
      stopping ??= stopNow()
      return stopping
    },
  }
}

/** Keeps what a replica was started from. */
export function note(record: ReplicaRecord, identified: Identified): void {
  delete record.digest
  delete record.digestWhy
  Object.assign(record, 'why' in identified ? { digestWhy: identified.why } : identified)
}

function askReady(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, path, agent: false, timeout: PROBE_LIMIT_MS }, (response) => {
      response.resume()
      resolve((response.statusCode ?? 500) < 300)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}
