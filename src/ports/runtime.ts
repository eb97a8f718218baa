import type { Instant } from '../core/time.ts'
import type { Refused, Unreachable } from './unreachable.ts'

/** How a replica runs as a container. */
export interface ContainerSpec {
  /** With its digest: "registry.example.gov.uk/web@sha256:…". A tag may be another image tomorrow. */
  readonly image: string
  /** Memory it may use, in MB; more, and it is ended. Absent: no limit. */
  readonly memoryMb?: number
  /** Share of processors, e.g. 1.5. Absent: no limit. */
  readonly cpus?: number
  /** "host" (default): it listens on the machine's loopback. "published": on a network of its own, with its port on loopback. */
  readonly network?: 'host' | 'published'
  /** Folders of this machine that it sees; read-only unless said. */
  readonly mounts?: readonly { readonly from: string; readonly to: string; readonly readOnly?: boolean }[]
  /** Paths beside /tmp that it may write to, each a memory file system of 64 MB that ends with it. */
  readonly writable?: readonly string[]
  /** User in the container; absent: the image's. */
  readonly user?: string
  /** The container engine with its options, as argv; the driver fills it in. */
  readonly engine?: readonly string[]
}

export interface ReleaseSpec {
  readonly epoch: number
  readonly service: string
  /** Name of the release, e.g. "r3"; the same name again is the same release. */
  readonly release: string
  readonly replicas: number
  /** argv, never a shell string. `{port}` and `{release}` are replaced in each element. */
  readonly command: readonly string[]
  readonly folder: string
  /** Added to the environment; `PORT` is always set. Values with secrets stay out of logs. */
  readonly env: Readonly<Record<string, string>>
  readonly readyPath: string
  /** How long a replica may take until its first ready answer, in ms. */
  readonly startMsMax: number
  /** From SIGTERM to SIGKILL, in ms: at least the slowest request. */
  readonly stopMsMax: number
  /** Absent: replicas are processes in `folder`. Present: containers; an empty `command` then means the image's own. */
  readonly container?: ContainerSpec
}

export interface Instance {
  readonly id: string
  readonly release: string
  readonly host: string
  readonly port: number
  readonly pid?: number
  readonly ready: boolean
  readonly restarts: number
  readonly startedAt: Instant
  /**
   * What this replica was started from, byte for byte: `sha256:<hex>`. For processes a digest over the release's folder at the moment
   * of the start; for containers the image's own digest as the engine knows it (podman: `Image` of `inspect`, with `sha256:` before it),
   * never the tag that was asked for. Absent: the driver cannot tell.
   */
  readonly digest?: string
  /** Why `digest` is absent, to follow "cannot tell, because ". */
  readonly digestWhy?: string
}

/** What a start would run, before anything is started; `why` follows "cannot tell, because ". */
export type Identified = { readonly digest: string } | { readonly why: string }

export interface Started {
  readonly started: true
  readonly instances: readonly Instance[]
}

/** The release did not become ready. Whatever had been started of it is stopped again. */
export interface NotStarted {
  readonly started: false
  readonly why: string
  /** The last lines it wrote, at most 4 KiB. May hold anything: show it to the team only. */
  readonly logTail: string
}

/**
 * Runtime starts and stops releases. Implementations:
 * - MUST treat starting a release that runs, and stopping one that does not, as done.
 * - MUST refuse an epoch lower than the highest obeyed.
 * - MUST leave releases running when the engine dies, and find them again.
 * - MUST restart a replica that died by itself, with back-off, until the release is stopped.
 * - MUST give a stopped replica SIGTERM and the whole stop budget before SIGKILL.
 * - that have `stopReplicas` MUST also start what is missing when a release that runs is started with more replicas than it has; those
 *   that run stay as they are, and when a new one fails only the new ones are stopped again. Without it, rolling is refused.
 * - MUST report as a replica's digest what that replica really runs, looked at when it was started, and never what was asked for.
 */
export interface Runtime {
  start(spec: ReleaseSpec): Promise<Started | NotStarted | Refused | Unreachable>
  /**
   * The digest that replicas started now would report: it goes into the plan, people agree to it, and a start that reports another one
   * is refused. A driver without it cannot tell, and everything that rests on it says so.
   */
  identify?(
    release: Pick<ReleaseSpec, 'release' | 'folder' | 'command' | 'container'>,
  ): Promise<Identified | Unreachable>
  instances(release?: string): Promise<readonly Instance[] | Unreachable>
  stop(release: string, epoch: number): Promise<'stopped' | Refused | Unreachable>
  /** Stops these replicas of a release and leaves the others; those that are gone already are done. The last ones are stopped by `stop`. */
  stopReplicas?(
    release: string,
    instances: readonly string[],
    epoch: number,
  ): Promise<'stopped' | Refused | Unreachable>
  /** The last lines a release wrote, at most `bytesMax` (default 4,096). */
  logs(release: string, bytesMax?: number): Promise<string | Unreachable>
}
