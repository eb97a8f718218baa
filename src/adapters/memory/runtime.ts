/** Releases that run in memory only, for simulation and tests. What a release does is scripted, and nothing is left to chance. */
import { createHash } from 'node:crypto'
import type { Instant } from '../../core/time.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Instance, ReleaseSpec, Runtime } from '../../ports/runtime.ts'
import { refused, unreachable } from '../../ports/unreachable.ts'

/** How a release behaves. The default is ready at once, and gone at once when told to stop. */
export interface Behaviour {
  /** Time until the first ready answer, in ms; Infinity: never. */
  readonly startMs?: number
  /** What it writes before it dies at its start. */
  readonly diesSaying?: string
  /** Time it needs after SIGTERM, in ms; Infinity: it ignores the signal. */
  readonly stopMs?: number
  /** What its replicas really are, when that is not what was asked for. */
  readonly digest?: string
}

export interface MemoryRuntime extends Runtime {
  /** From now on the release behaves so. */
  behave(release: string, behaviour: Behaviour): void
  /** A replica dies by itself; back-off and restart follow. */
  crash(instance: string): void
  /** False: nobody can reach the runtime, while releases run on. */
  reach(reachable: boolean): void
}

export interface MemoryRuntimeOptions {
  readonly clock: Clock
  /** Lets time pass, while a release starts or stops. Default: none passes. */
  readonly wait?: (ms: number) => Promise<void>
}

interface Running {
  readonly id: string
  readonly port: number
  restarts: number
  startedAt: Instant
  /** Down until then, after a crash. */
  downUntil: Instant
}

interface Release {
  readonly spec: ReleaseSpec
  readonly replicas: Running[]
}

/** As the process adapter: 0.25 s, doubled with each death, 30 s at most. */
const BACKOFF_MS = 250
const BACKOFF_MS_MAX = 30_000
const LOG_MAX = 65_536
const FIRST_PORT = 20_000

/** The name stands for the bytes. */
function digestOf(release: string): string {
  let digest = digests.get(release)
  if (digest === undefined) {
    digest = `sha256:${createHash('sha256').update(release).digest('hex')}`
    if (digests.size < DIGESTS_MAX) digests.set(release, digest)
  }
  return digest
}

// A simulation asks for the same few names at every tick of every world.
const digests = new Map<string, string>()
const DIGESTS_MAX = 1_000

export function memoryRuntime({ clock, wait = async () => {} }: MemoryRuntimeOptions): MemoryRuntime {
  const behaviours = new Map<string, Behaviour>()
  const releases = new Map<string, Release>()
  const written = new Map<string, string>()
  let epochSeen = 0
  let reachable = true
  let made = 0

  const away = () => unreachable('The runtime in memory was told to be out of reach.')
  const obeys = (epoch: number) => {
    epochSeen = Math.max(epochSeen, epoch)
    return epoch === epochSeen
  }
  const write = (release: string, line: string) =>
    written.set(release, `${written.get(release) ?? ''}${line}\n`.slice(-LOG_MAX))
  const tail = (release: string, bytesMax: number) =>
    bytesMax === 0 ? '' : (written.get(release) ?? '').slice(-bytesMax)

  const instancesOf = ({ spec, replicas }: Release): readonly Instance[] =>
    replicas.map(({ id, port, restarts, startedAt, downUntil }) => ({
      id,
      release: spec.release,
      host: '127.0.0.1',
      port,
      ready: clock.now() >= downUntil,
      restarts,
      startedAt,
      digest: behaviours.get(spec.release)?.digest ?? digestOf(spec.release),
    }))

  const notStarted = (release: string, why: string) => ({ started: false as const, why, logTail: tail(release, 4_096) })

  return {
    async start(spec) {
      if (!reachable) return away()
      if (!obeys(spec.epoch)) return refused(epochSeen)
      const known = releases.get(spec.release)
      if (known && known.replicas.length >= spec.replicas) return { started: true, instances: instancesOf(known) }
      const { diesSaying, startMs = 0 } = behaviours.get(spec.release) ?? {}
      if (diesSaying !== undefined) {
        write(spec.release, diesSaying)
        return notStarted(spec.release, `A replica of ${spec.release} died before it was ready.`)
      }
      await wait(Math.min(startMs, spec.startMsMax))
      if (startMs > spec.startMsMax) {
        return notStarted(spec.release, `${spec.release} was not ready within ${spec.startMsMax} ms.`)
      }
      // Somebody else may have started it while time passed.
      const meanwhile = releases.get(spec.release)
      const there = meanwhile?.replicas ?? []
      const replicas = Array.from({ length: Math.max(0, spec.replicas - there.length) }, (): Running => {
        made++
        const startedAt = clock.now()
        return { id: `${spec.release}-${made}`, port: FIRST_PORT + made, restarts: 0, startedAt, downUntil: startedAt }
      })
      const release = { spec: meanwhile?.spec ?? spec, replicas: [...there, ...replicas] }
      releases.set(spec.release, release)
      write(spec.release, 'started')
      return { started: true, instances: instancesOf(release) }
    },
    async instances(wanted) {
      if (!reachable) return away()
      return [...releases.values()]
        .filter(({ spec }) => wanted === undefined || spec.release === wanted)
        .flatMap(instancesOf)
    },
    async identify({ release }) {
      return reachable ? { digest: digestOf(release) } : away()
    },
    async stop(name, epoch) {
      if (!reachable) return away()
      if (!obeys(epoch)) return refused(epochSeen)
      const release = releases.get(name)
      if (!release) return 'stopped'
      const { stopMs = 0 } = behaviours.get(name) ?? {}
      await wait(Math.min(stopMs, release.spec.stopMsMax))
      write(name, stopMs <= release.spec.stopMsMax ? 'finished' : 'killed')
      releases.delete(name)
      return 'stopped'
    },
    async stopReplicas(name, instances, epoch) {
      if (!reachable) return away()
      if (!obeys(epoch)) return refused(epochSeen)
      const release = releases.get(name)
      if (!release) return 'stopped'
      const left = release.replicas.filter(({ id }) => !instances.includes(id))
      if (left.length === release.replicas.length) return 'stopped'
      const { stopMs = 0 } = behaviours.get(name) ?? {}
      await wait(Math.min(stopMs, release.spec.stopMsMax))
      write(name, stopMs <= release.spec.stopMsMax ? 'finished' : 'killed')
      release.replicas.splice(
        0,
        release.replicas.length,
        ...release.replicas.filter(({ id }) => !instances.includes(id)),
      )
      return 'stopped'
    },
    async logs(release, bytesMax = 4_096) {
      return reachable ? tail(release, bytesMax) : away()
    },
    behave: (release, behaviour) => void behaviours.set(release, behaviour),
    crash(instance) {
      const replica = [...releases.values()].flatMap((one) => one.replicas).find(({ id }) => id === instance)
      if (!replica) return
      replica.downUntil = clock.now() + Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** replica.restarts)
      replica.startedAt = replica.downUntil
      replica.restarts++
    },
    reach: (yes) => {
      reachable = yes
    },
  }
}
