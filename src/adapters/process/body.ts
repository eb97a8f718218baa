/** What a replica is made of: a process of this machine, or the first process of a container. Both have a pid and carry our token. */
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import type { Identified, ReleaseSpec } from '../../ports/runtime.ts'
import { containerBody } from '../podman/container.ts'
import { argvOf } from './argv.ts'
import { digestOfFolder } from './folder-digest.ts'
import type { ReplicaRecord } from './journal.ts'
import { TOKEN } from './life.ts'
import { openLog } from './log.ts'

/** Of our own environment a release gets only these; everything else it needs is in its spec. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH', 'NODE_EXTRA_CA_CERTS']

export interface Body {
  /** Digest of what a start would run. */
  identify(spec: ReleaseSpec): Promise<Identified>
  /**
   * Starts it on the record's port and with the record's token, and gives its pid; undefined: it could not be started, which is told
   * through `ended`, as is its end where the system tells us of it. `digest`: what it really runs, where that is known only now.
   */
  start(
    spec: ReleaseSpec,
    record: ReplicaRecord,
    logFile: string,
    ended: (why: string) => void,
  ): Promise<{ readonly pid: number | undefined; readonly digest?: Identified }>
  /** True: its end is not told, so it is to be looked at now and then. */
  readonly watched: boolean
  /** How one that is gone has ended. */
  epitaph(spec: ReleaseSpec, record: ReplicaRecord): Promise<string>
  /** Clears away what is left of one that is gone. */
  clear(spec: ReleaseSpec, record: ReplicaRecord): Promise<void>
}

export function bodyOf({ container }: Pick<ReleaseSpec, 'container'>): Body {
  return container ? containerBody : processBody
}

const processBody: Body = {
  watched: false,
  identify: ({ folder }) => digestOfFolder(folder),
  async start(spec, record, logFile, ended) {
    const [command = '', ...args] = argvOf(spec, record)
    const ours = Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
    const log = openLog(logFile)
    try {
      const child = spawn(command, args, {
        cwd: spec.folder,
        env: { ...ours, ...spec.env, PORT: String(record.port), [TOKEN]: record.token },
        // A process group of its own, which lives on when we die, and which can be ended as a whole.
        detached: true,
        stdio: ['ignore', log, log],
      })
      child.on('error', (error) => ended(`${spec.command[0]} could not be started: ${error.message}`))
      child.on('exit', (code, signal) => ended(signal ? `ended by ${signal}` : `ended with exit code ${code}`))
      return { pid: child.pid }
    } finally {
      closeSync(log)
    }
  },
  epitaph: async () => 'ended while the supervisor was not its parent',
  clear: async () => {},
}
