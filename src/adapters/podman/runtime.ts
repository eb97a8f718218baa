/**
 * Releases as containers of this machine. The supervisor (src/adapters/process) keeps them as it keeps processes: fence, ready answers,
 * restarts with back-off, stop budget, logs, adoption after its own death.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import type { Identified, Runtime } from '../../ports/runtime.ts'
import { processRuntime } from '../process/runtime.ts'
import { identifyImage } from './container.ts'

export interface PodmanOptions {
  /** The supervisor's socket. */
  readonly socket: string
  /** Podman with its own options, as argv; default: `podmanEngine()`. */
  readonly engine?: readonly string[]
}

/** Runs releases as containers, through the supervisor that listens on `socket`. A release without an image is not started. */
export function podmanRuntime({ socket, engine = podmanEngine() }: PodmanOptions): Runtime {
  const runtime = processRuntime({ socket })
  const none: Identified = { why: 'the release names no image.' }
  return {
    ...runtime,
    start: async (spec) => {
      if (!spec.container) {
        const why = `Release ${spec.release} names no image, and this service runs as containers.`
        return { started: false, why, logTail: '' }
      }
      return runtime.start({ ...spec, container: { engine, ...spec.container } })
    },
    identify: async ({ container }) => (container ? identifyImage({ engine, ...container }) : none),
  }
}

/**
 * Podman with the options that this machine needs. HOLDFAST_PODMAN replaces it, as words: `podman --root /data/containers`.
 * Without systemd, podman has to make control groups itself. crun refuses machines where both versions of control groups are mounted.
 */
export function podmanEngine(env: Readonly<Record<string, string | undefined>> = process.env): readonly string[] {
  const words = env.HOLDFAST_PODMAN?.split(/\s+/).filter((word) => word !== '')
  if (words && words.length > 0) return words
  const isHybrid = existsSync('/sys/fs/cgroup/unified') || !existsSync('/sys/fs/cgroup/cgroup.controllers')
  return [
    'podman',
    ...(existsSync('/run/systemd/system') ? [] : ['--cgroup-manager', 'cgroupfs']),
    ...(isHybrid && onPath('runc', env.PATH) ? ['--runtime', 'runc'] : []),
  ]
}

/** Why containers cannot be run here; undefined: they can. Starts none. */
export function whyNoPodman(engine: readonly string[] = podmanEngine()): string | undefined {
  if (process.platform !== 'linux') return 'containers of this machine need Linux'
  const [program = 'podman', ...options] = engine
  try {
    const text = execFileSync(program, [...options, 'info', '--format', '{{.Store.GraphDriverName}}'], {
      encoding: 'utf8',
      timeout: 20_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // Copies every layer for every container: it works, at 100 MB a replica.
    return text.trim() === '' ? 'podman does not say how it keeps images' : undefined
  } catch (thrown) {
    const hint = isRoot() ? '' : ' (not root: podman then needs user namespaces and subordinate ids)'
    return `podman cannot be used: ${messageOf(thrown).trim().split('\n').at(-1)}${hint}`
  }
}

function isRoot(): boolean {
  return /^Uid:\s+0\b/m.test(readFileSync('/proc/self/status', 'utf8'))
}

function onPath(program: string, path = ''): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
