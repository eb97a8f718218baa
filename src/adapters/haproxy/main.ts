/**
 * The program that steers HAProxy:
 *
 *   node … adapters/haproxy/main --listen HOST:PORT --control PATH --state FOLDER [--haproxy PROGRAM] [--metrics HOST:PORT]
 *     [--settle-ms N] [--tune JSON]
 *
 * It speaks the gateway's control protocol (src/gateway/control.ts). HAProxy is a process apart and serves on when this one dies; the
 * next one finds it. SIGTERM and SIGINT let requests finish and end both. Exit codes: 0 stopped, 2 wrong usage, 3 port taken, state
 * unreadable or no usable HAProxy.
 */
import { isIP } from 'node:net'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { EXIT, messageOf, OpsError } from '../../core/errors.ts'
import { LEDGER_LIMITS } from '../../core/traffic/ledger.ts'
import { type Control, openControl } from '../../gateway/control.ts'
import { Disk } from '../../gateway/disk.ts'
import { WORKER_OPTIONS } from '../../gateway/messages.ts'
import { type Metrics, openMetrics } from '../../gateway/metrics.ts'
import type { WorkerOptions } from '../../ports/gateway.ts'
import { portFor } from '../process/port.ts'
import { Driver } from './driver.ts'
import { usableHaproxy } from './life.ts'

interface Options {
  readonly host: string
  readonly port: number
  readonly control: string
  readonly state: string
  readonly haproxy: string
  /** Where Prometheus reads what was counted; undefined: nowhere. */
  readonly metrics: string | undefined
  readonly settleMs: number
  readonly tune: WorkerOptions
}

async function run(args: readonly string[]): Promise<void> {
  const { host, port, control, state, haproxy, metrics: metricsAt, settleMs, tune } = read(args)
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  await usableHaproxy(haproxy)
  let opened: Control | undefined
  let driver: Driver | undefined
  let metrics: Metrics | undefined
  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    opened?.close()
    metrics?.close()
    if (driver) void driver.stop().then(() => process.exit(EXIT.done))
    else process.exit(EXIT.done)
  }
  opened = await openControl(control, stop)
  // Read only now that nobody else writes there.
  const disk = new Disk(state)
  const sockets = dirname(control)
  driver = new Driver({
    disk,
    folder: state,
    host,
    port: port === 0 ? await portFor(0) : port,
    binary: haproxy,
    // Two letters: HAProxy appends its own to a path, and the whole must fit into the system's 107 bytes.
    sockets: { master: join(sockets, 'hm'), stats: join(sockets, 'hs'), log: join(sockets, 'hl') },
    options: tune,
    settleMs,
    say,
  })
  opened.steer(driver)
  try {
    await driver.start()
  } catch (thrown) {
    stopping = true
    driver.kill()
    opened.close()
    throw cannotServe(host, port, messageOf(thrown))
  }
  if (metricsAt !== undefined)
    metrics = openMetrics({ listen: metricsAt, steered: driver, config: () => disk.config, say })
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // Whoever started us may have gone, and with them the other end of these.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  process.stdout.write(`${JSON.stringify({ serving: true, host, port: driver.port, pid: process.pid })}\n`)
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
  const haproxy = values.haproxy ?? 'haproxy'
  const { metrics } = values
  return {
    host,
    port,
    control: values.control,
    state: values.state,
    haproxy,
    metrics,
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
        haproxy: text,
        metrics: text,
        'settle-ms': text,
        tune: text,
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

function cannotServe(host: string, port: number, why: string): OpsError {
  const taken = /Address already in use|cannot bind socket/i.test(why)
  return new OpsError(taken ? 'PORT_TAKEN' : 'HAPROXY_DEAD', {
    message: taken ? `HAProxy cannot listen on ${host}:${port}: another program has that port.` : why,
    fix: taken
      ? `stop that program (ss -ltnp 'sport = :${port}' names it), or choose another port with --listen`
      : 'read haproxy.log in its state folder; haproxy -c -f haproxy.cfg there says what is wrong',
  })
}

function usage(message: string): OpsError {
  return new OpsError('USAGE', {
    message: `HAProxy cannot be steered: ${message}.`,
    fix: 'adapters/haproxy/main --listen 127.0.0.1:8080 --control .holdfast/gateway.sock --state .holdfast/haproxy',
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
