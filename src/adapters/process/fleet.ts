/**
 * The releases under one supervisor.
 *
 *   start ──► starting ── all ready ──► running ──► stopping ──► gone
 *                │ one died, or time over                ▲
 *                └───────────────────────────────────────┘  (and the start is answered with why and the log's end)
 *
 * A running release may get more replicas (joining: those that fail leave again, the others stay) and lose some (leaving).
 */
import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import { durationOf } from '../../core/time.ts'
import type { Instance, NotStarted, ReleaseSpec, Started } from '../../ports/runtime.ts'
import { type Refused, refused } from '../../ports/unreachable.ts'
import { bodyOf } from './body.ts'
import { type Journal, type ReleaseRecord, type ReplicaRecord, readJournal, writeJournal } from './journal.ts'
import { logFileOf, sizeOf, tailOf, turnLogs } from './log.ts'
import type { Paths } from './paths.ts'
import { newReplica, note, type Replica } from './replica.ts'

/** Bytes of log that a failed start tells. */
const TAIL_MAX = 4_096
/** Log files are looked at this often, in ms. */
const LOGS_MS = 1_000
/** Failed starts that are remembered, so that an answer that got lost can be asked for again. */
const FAILURES_MAX = 50

/** No answer yet: ask again. */
export const PENDING = 'pending'

export interface Fleet {
  /** Waits up to `waitMs`. `attempt` names one wish to start: after it failed, the same attempt gets the same answer. */
  start(spec: ReleaseSpec, attempt: string, waitMs: number): Promise<Started | NotStarted | Refused | typeof PENDING>
  stop(release: string, epoch: number, waitMs: number): Promise<'stopped' | Refused | typeof PENDING>
  /** Stops these replicas of a release; the others go on. */
  stopReplicas(
    release: string,
    instances: readonly string[],
    epoch: number,
    waitMs: number,
  ): Promise<'stopped' | Refused | typeof PENDING>
  instances(release?: string): readonly Instance[]
  logs(release: string, bytesMax: number): string
  /** Takes over what an earlier supervisor left running, and starts again what has died meanwhile. */
  recover(): Promise<void>
  /** Stops every release; for the end of a demonstration. */
  stopAll(): Promise<void>
}

interface Held {
  readonly record: ReleaseRecord
  replicas: readonly Replica[]
  stopped?: Promise<void>
}

/** Those that were not told to leave. */
function staying({ replicas }: Held): readonly Replica[] {
  return replicas.filter(({ record }) => !record.leaving)
}

function newRecord(release: string): ReplicaRecord {
  return { id: `${release}-${randomUUID().slice(0, 8)}`, port: 0, token: '', startedAt: Date.now(), restarts: 0 }
}

export function openFleet(paths: Paths): Fleet {
  const journal: Journal = readJournal(paths.journal)
  const held = new Map<string, Held>()
  const failures = new Map<string, NotStarted>()
  const changes = new EventEmitter().setMaxListeners(0)
  const save = () => writeJournal(paths.journal, journal)
  const changed = () => changes.emit('change')
  setInterval(() => turnLogs(paths.logs), LOGS_MS).unref()

  const obeys = (epoch: number): boolean => {
    if (epoch < journal.epoch) return false
    if (epoch > journal.epoch) {
      journal.epoch = epoch
      save()
    }
    return true
  }

  const hold = (record: ReleaseRecord): Held => {
    const mine: Held = { record, replicas: [] }
    mine.replicas = record.replicas.map((replica) => replicaOf(mine, replica))
    held.set(record.spec.release, mine)
    if (record.phase === 'starting') void watchStart(mine)
    for (const { joining } of record.replicas) if (joining) void watchJoin(mine, joining.attempt, joining.until)
    return mine
  }

  const replicaOf = (of: Held, replica: ReplicaRecord): Replica => {
    const { record } = of
    const { spec } = record
    const logFile = logFileOf(paths.logs, spec.release)
    let tries = 0
    return newReplica(spec, replica, logFile, {
      save,
      died: (why) => {
        const { joining } = replica
        if (record.phase !== 'starting' && !joining) return record.phase === 'running'
        // Somebody else took the port between our look and its start; that is not the release's fault.
        const tail = tailOf(logFile, TAIL_MAX, joining?.logFrom ?? record.logFrom)
        if (tail.includes('EADDRINUSE') && tries++ === 0) return true
        const says = `A replica of ${spec.release} ${why} before it was ready.`
        if (joining) failJoin(of, joining.attempt, says)
        else fail(of, says)
        return false
      },
      ready: () => {
        if (record.phase === 'starting' && of.replicas.every((each) => each.isReady())) {
          record.phase = 'running'
          save()
        }
        const joining = of.replicas.filter((each) => each.record.joining)
        if (joining.length > 0 && joining.every((each) => each.isReady())) {
          for (const each of joining) delete each.record.joining
          save()
        }
        changed()
      },
    })
  }

  /** More replicas beside those that run. */
  const join = (of: Held, count: number, attempt: string): void => {
    const { record } = of
    const { spec } = record
    const joining = {
      attempt,
      until: Date.now() + spec.startMsMax,
      logFrom: sizeOf(logFileOf(paths.logs, spec.release)),
    }
    const records = Array.from({ length: count }, () => ({ ...newRecord(spec.release), joining }))
    record.replicas = [...record.replicas, ...records]
    save()
    const joined = records.map((each) => replicaOf(of, each))
    of.replicas = [...of.replicas, ...joined]
    void watchJoin(of, attempt, joining.until)
    void bodyOf(spec)
      .identify(spec)
      .then(async (identified) => {
        for (const each of records) note(each, identified)
        const failed = (thrown: unknown) => failJoin(of, attempt, `A replica of ${spec.release}: ${messageOf(thrown)}.`)
        if (record.phase === 'running') await Promise.all(joined.map((each) => each.begin().catch(failed)))
      })
  }

  const watchJoin = async (of: Held, attempt: string, until: number) => {
    await pause(Math.max(0, until - Date.now()), undefined, { ref: false })
    const late = of.replicas.filter(({ record }) => record.joining?.attempt === attempt)
    if (late.length === 0) return
    const { release, readyPath, startMsMax } = of.record.spec
    const limit = durationOf(startMsMax)
    failJoin(of, attempt, `${late.length} more replicas of ${release} did not answer ${readyPath} within ${limit}.`)
  }

  const failJoin = (of: Held, attempt: string, why: string) => {
    const joining = of.replicas.filter(({ record }) => record.joining?.attempt === attempt && !record.leaving)
    if (joining.length === 0) return
    const logFrom = joining[0]!.record.joining!.logFrom
    const logTail = tailOf(logFileOf(paths.logs, of.record.spec.release), TAIL_MAX, logFrom)
    void leave(of, joining).then(() => remember(attempt, { started: false, why, logTail }))
  }

  /** Settles when nothing is left of these replicas. */
  const leave = async (of: Held, leaving: readonly Replica[]): Promise<void> => {
    for (const { record } of leaving) record.leaving = true
    save()
    await Promise.all(leaving.map((replica) => replica.stop()))
    of.replicas = of.replicas.filter((each) => !leaving.includes(each))
    of.record.replicas = of.replicas.map(({ record }) => record)
    save()
    changed()
  }

  const watchStart = async (of: Held) => {
    const { record } = of
    await pause(Math.max(0, record.readyUntil - Date.now()), undefined, { ref: false })
    if (record.phase !== 'starting') return
    const late = of.replicas.filter((replica) => !replica.isReady()).length
    const limit = durationOf(record.spec.startMsMax)
    fail(
      of,
      `${late} of ${of.replicas.length} replicas of ${record.spec.release} did not answer ${record.spec.readyPath} within ${limit}.`,
    )
  }

  const fail = (of: Held, why: string) => {
    const { record } = of
    if (record.phase !== 'starting') return
    const logTail = tailOf(logFileOf(paths.logs, record.spec.release), TAIL_MAX, record.logFrom)
    void end(of).then(() => remember(record.attempt, { started: false, why, logTail }))
  }

  const remember = (attempt: string, failure: NotStarted) => {
    const oldest = failures.size >= FAILURES_MAX ? failures.keys().next().value : undefined
    if (oldest !== undefined) failures.delete(oldest)
    failures.set(attempt, failure)
    changed()
  }

  const end = (of: Held): Promise<void> => {
    of.stopped ??= (async () => {
      of.record.phase = 'stopping'
      save()
      await Promise.all(of.replicas.map((replica) => replica.stop()))
      delete journal.releases[of.record.spec.release]
      held.delete(of.record.spec.release)
      save()
      changed()
    })()
    return of.stopped
  }

  const begin = (spec: ReleaseSpec, attempt: string) => {
    const replicas = Array.from({ length: spec.replicas }, () => newRecord(spec.release))
    const record: ReleaseRecord = {
      spec,
      phase: 'starting',
      readyUntil: Date.now() + spec.startMsMax,
      logFrom: sizeOf(logFileOf(paths.logs, spec.release)),
      attempt,
      replicas,
    }
    journal.releases[spec.release] = record
    save()
    const of = hold(record)
    // Before any replica runs, so that what one writes into its folder does not change what the next one is said to be.
    void bodyOf(spec)
      .identify(spec)
      .then((identified) => {
        for (const replica of replicas) note(replica, identified)
        if (record.phase === 'starting') void launch(of)
      })
  }

  const launch = async (of: Held): Promise<void> => {
    const begun = staying(of).map((replica) =>
      replica.begin().catch((thrown) => fail(of, `A replica of ${of.record.spec.release}: ${messageOf(thrown)}.`)),
    )
    await Promise.all(begun)
  }

  const start: Fleet['start'] = async (spec, attempt, waitMs) => {
    if (!obeys(spec.epoch)) return refused(journal.epoch)
    const answer = () => {
      const failure = failures.get(attempt)
      if (failure) return failure
      const of = held.get(spec.release)
      if (!of) begin(spec, attempt)
      else if (of.record.phase === 'running') {
        const there = staying(of)
        const isJoining = there.some(({ record }) => record.joining)
        if (!isJoining && there.length >= spec.replicas)
          return { started: true as const, instances: there.map((one) => one.instance()) }
        if (!isJoining) join(of, spec.replicas - there.length, attempt)
      }
      return undefined
    }
    return waitFor(answer, waitMs)
  }

  const stop: Fleet['stop'] = async (release, epoch, waitMs) => {
    if (!obeys(epoch)) return refused(journal.epoch)
    const of = held.get(release)
    if (!of) return 'stopped'
    if (of.record.phase === 'starting') fail(of, `${release} was stopped while it started.`)
    void end(of)
    return waitFor(() => (held.get(release) === of ? undefined : ('stopped' as const)), waitMs)
  }

  const stopReplicas: Fleet['stopReplicas'] = async (release, instances, epoch, waitMs) => {
    if (!obeys(epoch)) return refused(journal.epoch)
    const of = held.get(release)
    if (!of || of.record.phase === 'stopping') return 'stopped'
    const named = (each: Replica) => instances.includes(each.record.id)
    const leaving = staying(of).filter(named)
    if (leaving.length > 0) void leave(of, leaving)
    return waitFor(() => (of.replicas.some(named) ? undefined : ('stopped' as const)), waitMs)
  }

  const waitFor = async <T>(answer: () => T | undefined, waitMs: number): Promise<T | typeof PENDING> => {
    const over = AbortSignal.timeout(waitMs)
    for (;;) {
      const now = answer()
      if (now !== undefined) return now
      if (over.aborted) return PENDING
      await once(changes, 'change', { signal: over }).catch(() => undefined)
    }
  }

  return {
    start,
    stop,
    stopReplicas,
    instances: (release) =>
      [...held.values()]
        .filter((of) => release === undefined || of.record.spec.release === release)
        .flatMap((of) => staying(of).map((replica) => replica.instance())),
    logs: (release, bytesMax) => tailOf(logFileOf(paths.logs, release), bytesMax),
    recover: async () => {
      const all = Object.values(journal.releases).map((record) => ({ record, of: hold(record) }))
      for (const { record, of } of all) {
        if (record.phase === 'stopping') void end(of)
        else
          void leave(
            of,
            of.replicas.filter((replica) => replica.record.leaving),
          )
      }
      await Promise.all(all.map(({ record, of }) => (record.phase === 'stopping' ? undefined : launch(of))))
    },
    stopAll: async () => {
      await Promise.all([...held.values()].map(end))
    },
  }
}
