/**
 * A replica as a container: `podman run -d`, after which its first process is watched, signalled and adopted like any other replica's,
 * without asking podman again. It has no capabilities, a read-only root, a bounded /tmp, and writes straight into the release's log
 * (log driver "passthrough"), so that nothing between it and the log can die. Podman has no daemon: conmon, a small process a container,
 * keeps it, and outlives us.
 */
import { execFile, spawn } from 'node:child_process'
import { closeSync, readFileSync } from 'node:fs'
import type { ContainerSpec, Identified, ReleaseSpec } from '../../ports/runtime.ts'
import { argvOf } from '../process/argv.ts'
import type { Body } from '../process/body.ts'
import type { ReplicaRecord } from '../process/journal.ts'
import { TOKEN } from '../process/life.ts'
import { openLog } from '../process/log.ts'

/** For everything but a start, in ms; an `inspect` takes about 90. */
const ASK_MS = 10_000
const ANSWER_MAX = 1_048_576
/** Files and processes that a replica may have open, where the machine's own limits do not say less. */
const FILES = 65_536
const PROCESSES = 4_096
/** Names that podman itself reads: a release's values for them go on its command line instead. */
const PODMANS_OWN = /^(PATH|HOME|TMPDIR|USER|XDG_.*|CONTAINER.*|REGISTRY.*|STORAGE_.*|.*_PROXY|.*_proxy)$/

export const containerBody: Body = {
  watched: true,
  identify: (spec) => identifyImage(spec.container!),
  async start(spec, record, logFile, ended) {
    const container = spec.container!
    const log = openLog(logFile)
    try {
      const code = await run(container, spec, record, log)
      if (code !== undefined) {
        ended(code)
        return { pid: undefined }
      }
    } finally {
      closeSync(log)
    }
    const [pid, image] = await inspect(container, record, '{{.State.Pid}} {{.Image}}')
    if (!(Number(pid) > 0)) {
      ended(await epitaphOf(spec, record))
      return { pid: undefined }
    }
    return { pid: Number(pid), digest: digestOf(image) }
  },
  epitaph: epitaphOf,
  async clear({ container }, record) {
    // Also one that was just being started when it was told to stop.
    await ask(container!, ['rm', '--force', '--time', '0', '--ignore', nameOf(record)])
  },
}

/** The digest of the image that is on this machine; podman does not have to fetch it to answer. */
export async function identifyImage(container: ContainerSpec): Promise<Identified> {
  const answer = await ask(container, ['image', 'inspect', '--format', '{{.Id}}', container.image])
  if ('failed' in answer) {
    return {
      why: `the image ${container.image} is not on this machine yet, or podman cannot be asked: ${answer.failed}.`,
    }
  }
  return digestOf(answer.text.trim())
}

async function epitaphOf({ container }: ReleaseSpec, record: ReplicaRecord): Promise<string> {
  const [code, oom] = await inspect(container!, record, '{{.State.ExitCode}} {{.State.OOMKilled}}')
  if (code === undefined) return 'ended, and podman does not say how'
  return oom === 'true' ? 'was ended because it used more memory than it may' : `ended with exit code ${code}`
}

/** Undefined: it runs. Else why not; podman's own words are in the log. */
function run(
  container: ContainerSpec,
  spec: ReleaseSpec,
  record: ReplicaRecord,
  log: number,
): Promise<string | undefined> {
  const [program = 'podman', ...options] = engineOf(container)
  return new Promise((told) => {
    const child = spawn(program, [...options, ...runArgs(spec, container, record)], {
      env: { ...process.env, ...inherited(spec), PORT: String(record.port), [TOKEN]: record.token },
      stdio: ['ignore', log, log],
    })
    const deadline = setTimeout(() => child.kill('SIGKILL'), spec.startMsMax)
    child.on('error', (error) => {
      clearTimeout(deadline)
      told(`could not be started, because ${program} could not: ${error.message}`)
    })
    child.on('exit', (code, signal) => {
      clearTimeout(deadline)
      told(code === 0 ? undefined : `could not be started (podman ended with ${signal ?? `exit code ${code}`})`)
    })
  })
}

export function nameOf({ id }: Pick<ReplicaRecord, 'id'>): string {
  return `holdfast-${id}`
}

/** `podman run` and everything after it. Values of settings are passed by name only: a command line can be read by everybody. */
export function runArgs(spec: ReleaseSpec, container: ContainerSpec, record: ReplicaRecord): string[] {
  const { memoryMb, cpus, mounts = [], network = 'host', user, writable = [] } = container
  const settings = Object.entries(spec.env).map(([name, value]) => (PODMANS_OWN.test(name) ? `${name}=${value}` : name))
  const limits = hardLimits()
  return [
    ...['run', '--detach', '--replace', '--name', nameOf(record), '--pull', 'missing', '--restart', 'no'],
    ...['--label', `holdfast.service=${spec.service}`, '--label', `holdfast.release=${spec.release}`],
    ...['--log-driver', 'passthrough', '--no-healthcheck', '--sdnotify', 'ignore'],
    ...(network === 'host' ? ['--network', 'host'] : ['--publish', `127.0.0.1:${record.port}:${record.port}`]),
    ...['--stop-timeout', String(Math.ceil(spec.stopMsMax / 1_000))],
    ...['--read-only', '--tmpfs', '/tmp:rw,size=64m,mode=1777'],
    ...writable.flatMap((path) => ['--tmpfs', `${path}:rw,size=64m`]),
    ...['--cap-drop', 'all', '--security-opt', 'no-new-privileges'],
    ...[
      '--ulimit',
      `nofile=${limits.files}:${limits.files}`,
      '--ulimit',
      `nproc=${limits.processes}:${limits.processes}`,
    ],
    ...(memoryMb === undefined ? [] : ['--memory', `${memoryMb}m`, '--memory-swap', `${memoryMb}m`]),
    ...(cpus === undefined ? [] : ['--cpus', String(cpus)]),
    ...(user === undefined ? [] : ['--user', user]),
    ...mounts.flatMap(({ from, to, readOnly = true }) => ['--volume', `${from}:${to}:${readOnly ? 'ro' : 'rw'}`]),
    ...['PORT', TOKEN, ...settings].flatMap((name) => ['--env', name]),
    container.image,
    ...argvOf(spec, record),
  ]
}

function inherited({ env }: ReleaseSpec): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !PODMANS_OWN.test(name)))
}

/** Podman asks for more than a machine with low hard limits may give, and then no container starts at all. */
function hardLimits(): { readonly files: number; readonly processes: number } {
  const text = readFileSync('/proc/self/limits', 'utf8')
  const hard = (name: string, most: number) => {
    const found = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, 'm').exec(text)
    return found ? Math.min(most, Number(found[1])) : most
  }
  return { files: hard('Max open files', FILES), processes: hard('Max processes', PROCESSES) }
}

async function inspect(
  container: ContainerSpec,
  record: ReplicaRecord,
  format: string,
): Promise<(string | undefined)[]> {
  const answer = await ask(container, ['container', 'inspect', '--format', format, nameOf(record)])
  return 'failed' in answer ? [] : answer.text.trim().split(' ')
}

function digestOf(id: string | undefined): Identified {
  const hex = /^(?:sha256:)?([0-9a-f]{64})$/.exec(id ?? '')?.[1]
  return hex ? { digest: `sha256:${hex}` } : { why: 'podman does not say which image the container runs.' }
}

function ask(container: ContainerSpec, args: readonly string[]): Promise<{ text: string } | { failed: string }> {
  const [program = 'podman', ...options] = engineOf(container)
  return new Promise((told) => {
    const limits = { timeout: ASK_MS, maxBuffer: ANSWER_MAX }
    execFile(program, [...options, ...args], limits, (error, text, said) => {
      if (!error) told({ text })
      else told({ failed: (said.trim().split('\n').at(-1) || error.message).slice(0, 300) })
    })
  })
}

function engineOf({ engine = ['podman'] }: ContainerSpec): readonly string[] {
  return [...engine, '--log-level', 'error']
}
