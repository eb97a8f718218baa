/** Traffic through Holdfast's own gateway, a process apart (src/gateway/), spoken to over its control socket. */
import { spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { EXIT, messageOf, OpsError } from '../../core/errors.ts'
import { entry } from '../../entry.ts'
import type { GatewayStatus, WorkerOptions } from '../../ports/gateway.ts'
import type { CountsAnswer, Traffic } from '../../ports/traffic.ts'
import { isUnreachable, refused, type Unreachable, unreachable } from '../../ports/unreachable.ts'

export { probeValue } from '../../core/traffic/visitor.ts'

export interface GatewayTraffic extends Traffic {
  /** More than the port asks for: process ids, the port it listens on, its workers. */
  status(): Promise<GatewayStatus | Unreachable>
  /** As `counts`, but waits up to `waitMs` for the first batch, so that a failure is heard of at once. */
  countsSoon(afterSeq: number, waitMs: number): Promise<CountsAnswer | Unreachable>
  /** Replaces the worker by a fresh one without a citizen noticing; gives its process id. */
  swap(): Promise<number | Unreachable>
  /** Lets requests finish and ends the gateway. */
  stop(): Promise<'stopping' | Unreachable>
}

interface Said {
  readonly status: number
  readonly body: unknown
}

/**
 * Talks to the gateway whose control socket is at `control`, or to another proxy that is steered the same way (`who`, for messages).
 * Never throws: what goes wrong is an Unreachable.
 */
export function gatewayTraffic(options: {
  readonly control: string
  readonly timeoutMs?: number
  readonly who?: string
}): GatewayTraffic {
  const { control, timeoutMs = 5_000, who = 'The gateway' } = options
  const ask = (method: string, path: string, body?: unknown, patienceMs = timeoutMs) =>
    speak(control, method, path, body, patienceMs)
  const told = async <Word>(what: string, answer: Promise<Said>, word: (body: never) => Word) => {
    try {
      const { status, body } = await answer
      if (status === 200) return word(body as never)
      if (status === 409) return refused((body as { epochSeen: number }).epochSeen)
      const { why, reasons } = body as { why?: string; reasons?: readonly string[] }
      return unreachable(
        `${who} was asked to ${what} and answered ${status}: ${why ?? reasons?.join('; ') ?? 'no reason'}`,
      )
    } catch (thrown) {
      return unreachable(`${who} at ${control} was asked to ${what}, and did not answer: ${messageOf(thrown)}.`)
    }
  }
  const read = async <Word>(what: string, path: string, patienceMs?: number) => {
    const answer = await told(what, ask('GET', path, undefined, patienceMs), (body: Word) => body)
    // Reading is never refused for an epoch.
    return answer as Word | Unreachable
  }
  return {
    apply: (config) =>
      told(`apply configuration ${config.version}`, ask('PUT', '/config', config), () => 'applied' as const),
    status: () => read<GatewayStatus>('tell its status', '/status'),
    counts: (afterSeq) => read<CountsAnswer>('tell its counts', `/counts?after=${afterSeq}`),
    countsSoon: (afterSeq, waitMs) =>
      read<CountsAnswer>('tell its counts', `/counts?after=${afterSeq}&wait=${waitMs}`, waitMs + timeoutMs),
    closeUpgraded: (arm, overMs, epoch) =>
      told(
        `close the ${arm} release's websockets`,
        ask('POST', '/close-upgraded', { arm, overMs, epoch }),
        () => 'closing' as const,
      ),
    swap: async () => {
      const answer = await told(
        'replace its worker',
        ask('POST', '/swap', {}, 30_000),
        (body: { pid: number }) => body.pid,
      )
      return answer as number | Unreachable
    },
    stop: async () => {
      const answer = await told('stop', ask('POST', '/stop', {}), () => 'stopping' as const)
      return answer as 'stopping' | Unreachable
    },
  }
}

function speak(control: string, method: string, path: string, body: unknown, patienceMs: number): Promise<Said> {
  return new Promise((said, fails) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers =
      text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const asked = request({ socketPath: control, method, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', fails)
      answer.on('end', () => {
        clearTimeout(deadline)
        try {
          said({ status: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) })
        } catch {
          fails(new Error('its answer was not JSON'))
        }
      })
    })
    const deadline = setTimeout(() => asked.destroy(new Error(`nothing within ${patienceMs / 1_000} s`)), patienceMs)
    asked.on('error', (error) => {
      clearTimeout(deadline)
      fails(error)
    })
    asked.end(text)
  })
}

export interface StartGateway {
  /** Address for citizens: "127.0.0.1:8080"; port 0 takes a free one. */
  readonly listen: string
  /** Folder for its state; also holds `gateway.log`. */
  readonly state: string
  /** Path of the control socket; default: `gateway.sock` in the state folder. At most 103 bytes. */
  readonly control?: string
  /** Address at which Prometheus reads what was counted, e.g. "127.0.0.1:9464"; absent: nowhere. */
  readonly metrics?: string
  /** How long a unit stays open without failure before it counts as ok, in ms; default 2,000. */
  readonly settleMs?: number
  readonly tune?: Partial<WorkerOptions>
}

export interface Gateway {
  readonly traffic: GatewayTraffic
  readonly control: string
  readonly port: number
  readonly pid: number
  /** True when it was running already. */
  readonly adopted: boolean
}

const START_MS_MAX = 30_000
const STATUS_MS_MAX = 5_000

/**
 * Gives the gateway of this state folder: the one that runs, else a new one, in a process of its own that outlives this one.
 * Throws OpsError PORT_TAKEN, CONTROL_PATH, GATEWAY_STATE or GATEWAY_DEAD.
 */
export function startGateway(options: StartGateway): Promise<Gateway> {
  return startSteered(options, { program: 'gateway/main', who: 'The gateway', args: [] })
}

/** A program of ours that speaks the gateway's control protocol. */
export interface SteeredProgram {
  /** As `entry` takes it. */
  readonly program: string
  /** How messages name it. */
  readonly who: string
  /** More arguments for it. */
  readonly args: readonly string[]
}

/** As `startGateway`, for another proxy that is steered in the gateway's way. */
export async function startSteered(
  options: StartGateway,
  { program, who, args: own }: SteeredProgram,
): Promise<Gateway> {
  const { listen, state, control = join(state, 'gateway.sock'), metrics, settleMs, tune } = options
  const traffic = gatewayTraffic({ control, who })
  const living = await adopted(control)
  if (living) return { traffic, control, ...living, adopted: true }
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const logFile = join(state, 'gateway.log')
  const log = openSync(logFile, 'a', 0o600)
  const logStart = fstatSync(log).size
  const { command, args } = entry(program)
  const more = [
    ...own,
    ...(metrics === undefined ? [] : ['--metrics', metrics]),
    ...(settleMs === undefined ? [] : ['--settle-ms', String(settleMs)]),
    ...(tune === undefined ? [] : ['--tune', JSON.stringify(tune)]),
  ]
  const child = spawn(command, [...args, '--listen', listen, '--control', control, '--state', state, ...more], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  const served = new Promise<void>((serves, fails) => {
    let late = ''
    const deadline = setTimeout(() => {
      late = `it did not serve within ${START_MS_MAX / 1_000} s, and was ended. Is this machine overloaded?`
      child.kill('SIGKILL')
    }, START_MS_MAX)
    child.once('message', () => {
      clearTimeout(deadline)
      serves()
    })
    child.once('error', fails)
    child.once('close', () => {
      clearTimeout(deadline)
      fails(explained(who, readFileSync(logFile).subarray(logStart).toString('utf8').trim() || late, logFile))
    })
  })
  try {
    await served
  } catch (thrown) {
    // Another engine may have started it in the same moment.
    const rival = await adopted(control)
    if (!rival) throw thrown
    return { traffic, control, ...rival, adopted: true }
  }
  child.removeAllListeners('close')
  child.disconnect()
  child.unref()
  const status = await traffic.status()
  if (isUnreachable(status)) throw explained(who, status.why, logFile)
  return { traffic, control, port: status.port, pid: status.pid, adopted: false }
}

/** The gateway that runs, once it serves; undefined when there is none. One that is starting, or late, is there. */
async function adopted(control: string): Promise<{ port: number; pid: number } | undefined> {
  for (const until = Date.now() + START_MS_MAX; Date.now() < until; ) {
    try {
      const { status, body } = await speak(control, 'GET', '/status', undefined, STATUS_MS_MAX)
      const { port, pid } = body as GatewayStatus
      if (status === 200 && port > 0) return { port, pid }
    } catch (thrown) {
      if (NOBODY.has((thrown as NodeJS.ErrnoException).code ?? '')) return undefined
    }
    await new Promise((next) => setTimeout(next, 20))
  }
  return undefined
}

/** No socket; or one that a killed process left behind. */
const NOBODY = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR'])

/** The dying gateway's own words, when it had any. */
function explained(who: string, remarks: string, log: string): OpsError {
  const said = /^(.*)\nTry: (.*) {2}\[([A-Z_]+)\]$/m.exec(remarks)
  if (said) return new OpsError(said[3]!, { message: said[1]!, fix: said[2]!, exit: EXIT.unreachable })
  return new OpsError('GATEWAY_DEAD', {
    message: `${who} did not start: ${remarks.trim() || 'it said nothing'}`,
    fix: `read ${log}`,
    exit: EXIT.unreachable,
  })
}
