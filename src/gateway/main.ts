/**
 * The gateway's own program:
 *
 *   node … gateway/main --listen HOST:PORT --control PATH --state FOLDER [--metrics HOST:PORT] [--settle-ms N] [--tune JSON]
 *
 * It serves the last configuration that it was given until it is given another, and needs neither engine nor database for it.
 * SIGHUP puts a new worker in place of the present one; SIGTERM and SIGINT let requests finish and end it. Tells its parent
 * that it serves by one line of JSON on stdout. Exit codes: 0 stopped, 2 wrong usage, 3 port taken or state unreadable.
 */
import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { EXIT, messageOf, OpsError } from '../core/errors.ts'
import { LEDGER_LIMITS } from '../core/traffic/ledger.ts'
import type { WorkerOptions } from '../ports/gateway.ts'
import { type Control, openControl } from './control.ts'
import { Disk } from './disk.ts'
import { WORKER_OPTIONS } from './messages.ts'
import { type Metrics, openMetrics } from './metrics.ts'
import { Primary } from './primary.ts'
import { bindSocket, cannotListen, inheritSocket, type Listening } from './socket.ts'

interface Options {
  readonly host: string
  readonly port: number
  readonly fd: number | undefined
  readonly control: string
  readonly state: string
  /** Where Prometheus reads what was counted; undefined: nowhere. */
  readonly metrics: string | undefined
  readonly settleMs: number
  readonly tune: WorkerOptions
}

/** A gateway that has just been told to stop may hold its port for a moment longer than its control socket. */
async function bindPatiently(host: string, port: number): Promise<Listening> {
  for (let tries = 1; ; tries++) {
    try {
      return bindSocket(host, port)
    } catch (thrown) {
      if (tries === 20 || !(thrown instanceof OpsError && thrown.code === 'PORT_TAKEN')) throw thrown
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function run(args: readonly string[]): Promise<void> {
  const options = read(args)
  const { host, port, fd, settleMs, tune } = options
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  const socket = fd === undefined ? await bindPatiently(host, port) : inheritSocket(fd)
  let control: Control | undefined
  let metrics: Metrics | undefined
  let primary: Primary | undefined
  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    control?.close()
    metrics?.close()
    if (primary) void primary.stop().then(() => process.exit(EXIT.done))
    else process.exit(EXIT.done)
  }
  control = await openControl(options.control, stop)
  // Read only now that nobody else writes there.
  const disk = new Disk(options.state)
  primary = new Primary({
    disk,
    socket,
    // A worker passes these on, should it have to start a new primary.
    args: withoutInherited(args),
    options: tune,
    settleMs,
    say,
  })
  control.steer(primary)
  try {
    await primary.start()
  } catch (thrown) {
    stopping = true
    primary.kill()
    control.close()
    throw cannotListen(host, port, messageOf(thrown))
  }
  if (options.metrics !== undefined)
    metrics = openMetrics({ listen: options.metrics, steered: primary, config: () => disk.config, say })
  process.on('SIGHUP', () => {
    primary?.swap().catch((thrown) => process.stderr.write(`The old worker serves on: ${messageOf(thrown)}\n`))
  })
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // Whoever started us may have gone, and with them the other end of these.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  process.stdout.write(`${JSON.stringify({ serving: true, host, port: primary.port, pid: process.pid })}\n`)
  // Whoever started us may have been killed meanwhile: a word that nobody hears must not be our end.
  if (process.connected) process.send?.({ serving: true }, undefined, undefined, () => {})
}

function read(args: readonly string[]): Options {
  const { values } = parse(args)
  const listen = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(values.listen ?? '')
  const named = listen?.[1] ?? listen?.[2] ?? ''
  const host = named === 'localhost' ? '127.0.0.1' : named
  const port = Number(listen?.[3] ?? Number.NaN)
  if (isIP(host) === 0 || !(port <= 65_535))
    throw usage(`--listen needs an IP address and a port, not "${values.listen ?? ''}"`)
  if (!values.control || !values.state) throw usage('--control and --state are needed')
  const settleMs = Number(values['settle-ms'] ?? LEDGER_LIMITS.settleMs)
  if (!(settleMs >= 0 && settleMs <= 600_000)) throw usage('--settle-ms must be from 0 to 600000')
  const fd = values['listen-fd'] === undefined ? undefined : Number(values['listen-fd'])
  return {
    host,
    port,
    fd,
    control: values.control,
    state: values.state,
    metrics: values.metrics,
    settleMs,
    tune: tuned(values.tune),
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        listen: text,
        control: text,
        state: text,
        metrics: text,
        'settle-ms': text,
        tune: text,
        'listen-fd': text,
      },
    })
  } catch (thrown) {
    throw usage(messageOf(thrown))
  }
}

function tuned(json: string | undefined): WorkerOptions {
  let given: unknown
  try {
    given = JSON.parse(json ?? '{}')
  } catch {
    throw usage('--tune must be JSON')
  }
  const options: Record<string, number> = { ...WORKER_OPTIONS }
  for (const [name, value] of Object.entries(given as Record<string, unknown>)) {
    if (!(name in options) || typeof value !== 'number' || !(value >= 0)) throw usage(`--tune has a wrong "${name}"`)
    options[name] = value
  }
  return options as unknown as WorkerOptions
}

function withoutInherited(args: readonly string[]): string[] {
  const at = args.indexOf('--listen-fd')
  return at < 0 ? [...args] : [...args.slice(0, at), ...args.slice(at + 2)]
}

function usage(message: string): OpsError {
  return new OpsError('USAGE', {
    message: `The gateway cannot start: ${message}.`,
    fix: 'gateway/main --listen 127.0.0.1:8080 --control .holdfast/gateway.sock --state .holdfast/gateway',
    exit: EXIT.usage,
  })
}

run(process.argv.slice(2)).catch((thrown) => {
  if (thrown instanceof OpsError) {
    process.stderr.write(`${thrown.message}\nTry: ${thrown.fix}  [${thrown.code}]\n`)
    process.exit(thrown.exit === EXIT.no ? EXIT.unreachable : thrown.exit)
  }
  process.stderr.write(
    `This is a fault of Holdfast: ${thrown instanceof Error ? thrown.stack : String(thrown)}  [OUR_BUG]\n`,
  )
  process.exit(EXIT.bug)
})
