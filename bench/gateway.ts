/**
 * Requests a second and waiting times through the gateway, beside asking the release directly, a plain node:http proxy, and
 * HAProxy and nginx where they are installed. All in one run, in turns, because only the ratios mean anything: this machine may
 * be busy with other things.
 *
 *   npm run build && node --import tsx bench/gateway.ts [--connections 64] [--seconds 3] [--rounds 3] [--warm 6] [--dist dist]
 *
 * The gateway runs from the build where there is one, as it does for its users; tsx makes its sources slower.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { TrafficConfig } from '../src/ports/traffic.ts'
import { isUnreachable } from '../src/ports/unreachable.ts'
import type { LoadResult } from './load.ts'

const PAGE = `<!doctype html><title>Apply</title><h1>Apply for a payment</h1><p>${'Words that fill a page. '.repeat(80)}</p>`
const HERE = fileURLToPath(import.meta.url)

const role = process.argv[2]
if (role === 'release') await release()
else if (role === 'plain') await plainProxy(Number(process.argv[3]))
else await bench()

async function release(): Promise<void> {
  const server = createServer((_, res) => {
    res.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(PAGE) })
    res.end(PAGE)
  })
  await tell(server)
}

/** The least that node:http needs to proxy: what our gateway is measured against. */
async function plainProxy(port: number): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const server = createServer((req, res) => {
    const { method, url: path, headers } = req
    const upstream = request({ agent, host: '127.0.0.1', port, method: method!, path: path!, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    upstream.on('error', () => res.destroy())
    req.pipe(upstream)
  })
  await tell(server)
}

async function tell(server: ReturnType<typeof createServer>): Promise<void> {
  server.listen(0, '127.0.0.1', 1_024)
  await once(server, 'listening')
  process.send?.((server.address() as AddressInfo).port)
}

async function child(args: readonly string[]): Promise<{ port: number; stop: ChildProcess }> {
  const stop = spawn(process.execPath, ['--import', 'tsx', HERE, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [port] = (await once(stop, 'message')) as [number]
  return { port, stop }
}

async function bench(): Promise<void> {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '64' },
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
      warm: { type: 'string', default: '6' },
      dist: { type: 'string', default: 'dist' },
    },
  })
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const running: ChildProcess[] = []
  const backend = await child(['release'])
  const plain = await child(['plain', String(backend.port)])
  running.push(backend.stop, plain.stop)
  const { startGateway } = await adapter(values.dist)
  const gateway = await startGateway({ listen: '127.0.0.1:0', state: join(folder, 'gateway') })
  await gateway.traffic.apply(configOf(backend.port))
  const status = await gateway.traffic.status()
  if (isUnreachable(status)) throw new Error(status.why)
  const targets: Target[] = [
    { name: 'direct', port: backend.port, pids: [] },
    { name: 'plain node:http proxy', port: plain.port, pids: [plain.stop.pid ?? 0] },
    { name: 'Holdfast gateway', port: gateway.port, pids: [status.pid, ...status.workers.map(({ pid }) => pid)] },
  ]
  for (const other of [await haproxy(folder, backend.port), await nginx(folder, backend.port)]) {
    if (typeof other === 'string') console.log(other)
    else {
      targets.push({ name: other.name, port: other.port, pids: pidsBelow(other.stop.pid ?? 0) })
      running.push(other.stop)
    }
  }
  const results = new Map<string, Turn[]>(targets.map(({ name }) => [name, []]))
  try {
    // Code runs several times faster once it is compiled, and a shared machine takes seconds to get there.
    for (const target of targets) await load(target.port, values.connections, values.warm)
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const target of targets) results.get(target.name)?.push(await turn(target, values))
    }
  } finally {
    await gateway.traffic.stop()
    for (const each of running) each.kill('SIGTERM')
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 })
  }
  print(results, values)
}

async function adapter(dist: string): Promise<typeof import('../src/adapters/gateway/traffic.ts')> {
  const built = resolve(dist, 'src/adapters/gateway/traffic.js')
  const from = existsSync(built)
    ? pathToFileURL(built).href
    : new URL('../src/adapters/gateway/traffic.ts', import.meta.url).href
  console.log(`The gateway runs from ${fileURLToPath(from)}`)
  return import(from)
}

interface Target {
  readonly name: string
  readonly port: number
  /** Processes whose processor time counts as the proxy's. */
  readonly pids: readonly number[]
}

interface Turn extends LoadResult {
  /** Processor time that the proxy spent on one request, in microseconds; 0 where there is none, or no /proc to ask. */
  readonly cpuUs: number
}

async function turn(target: Target, values: { connections: string; seconds: string }): Promise<Turn> {
  const before = cpuMs(target.pids)
  const result = await load(target.port, values.connections, values.seconds)
  return { ...result, cpuUs: ((cpuMs(target.pids) - before) * 1_000) / result.requests }
}

// Fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms (proc(5)); the name in field 2 may hold spaces.
function cpuMs(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    const stat = readOr(`/proc/${pid}/stat`)
      .replace(/^.*\) /, '')
      .split(' ')
    ticks += Number(stat[11] ?? 0) + Number(stat[12] ?? 0)
  }
  return ticks * 10
}

function pidsBelow(pid: number): number[] {
  const children = readOr(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
  return [pid, ...children]
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function configOf(port: number): TrafficConfig {
  return {
    epoch: 1,
    version: 1,
    stable: { release: 'r1', backends: [{ id: 'a', host: '127.0.0.1', port }] },
    weight: 0,
    generation: 1,
    steps: [
      {
        journey: 'apply',
        step: 'start',
        method: 'GET',
        route: '/',
        okStatus: [200],
        marker: 'Apply for a payment',
        limitMs: 60_000,
      },
    ],
    probe: { header: 'x-probe', secret: 'bench' },
    healthPath: '/',
  }
}

async function load(port: number, connections: string, seconds: string): Promise<LoadResult> {
  const file = fileURLToPath(new URL('./load.ts', import.meta.url))
  const args = ['--import', 'tsx', file, String(port), connections, seconds, '/']
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  process_.stdout.on('data', (chunk) => {
    text += chunk
  })
  await once(process_, 'close')
  return JSON.parse(text)
}

function print(results: Map<string, Turn[]>, { connections, seconds, rounds }: Record<string, string>): void {
  const medianOf = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
  const median = (name: string, of: keyof Turn) => medianOf(results.get(name)!.map((result) => result[of]))
  const plain = results.get('plain node:http proxy')!
  // Each turn is compared with the plain proxy's turn of the same round: both met the same neighbours on this machine.
  const ratio = (name: string, of: keyof Turn) =>
    medianOf(results.get(name)!.map((result, round) => result[of] / plain[round]![of]))
  console.log(
    `\n${connections} kept connections, ${seconds} s a turn, median of ${rounds} turns, ${cpus().length} cores shared with the load\n`,
  )
  console.log('target                  requests/s   of plain   p50 ms   p99 ms   CPU us   of plain   wrong   spread')
  for (const [name, each] of results) {
    const rates = each.map(({ perSecond }) => perSecond)
    const rate = median(name, 'perSecond')
    const spread = ((Math.max(...rates) - Math.min(...rates)) / rate) * 100
    const cells = [
      name.padEnd(22),
      rate.toFixed(0).padStart(11),
      `${ratio(name, 'perSecond').toFixed(2)} x`.padStart(10),
      median(name, 'p50Ms').toFixed(1).padStart(8),
      median(name, 'p99Ms').toFixed(1).padStart(8),
      median(name, 'cpuUs') > 0 ? median(name, 'cpuUs').toFixed(0).padStart(8) : '-'.padStart(8),
      median(name, 'cpuUs') > 0 ? `${ratio(name, 'cpuUs').toFixed(2)} x`.padStart(10) : '-'.padStart(10),
      String(each.reduce((sum, { wrong }) => sum + wrong, 0)).padStart(7),
      `${spread.toFixed(0)} %`.padStart(8),
    ]
    console.log(cells.join(' '))
  }
  console.log(
    '\nPromise: the gateway reaches at least 0.70 x plain node:http proxying, with seats, units and marker search on.',
  )
}

interface Other {
  readonly name: string
  readonly port: number
  readonly stop: ChildProcess
}

async function haproxy(folder: string, backend: number): Promise<Other | string> {
  if (!isInstalled('haproxy')) return 'HAProxy is not installed: left out (apt-get install haproxy).'
  const port = await freePort()
  const file = join(folder, 'haproxy.cfg')
  await writeFile(
    file,
    `global
  maxconn 2000
  nbthread 1
defaults
  mode http
  timeout connect 3s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  http-reuse always
  server s1 127.0.0.1:${backend}
`,
  )
  return up('HAProxy, 1 thread', port, spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' }))
}

async function nginx(folder: string, backend: number): Promise<Other | string> {
  if (!isInstalled('nginx')) return 'nginx is not installed: left out (apt-get install nginx).'
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  await writeFile(
    file,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit;
events { worker_connections 2000; }
http {
  access_log off;
  keepalive_requests 10000000;
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream u { server 127.0.0.1:${backend}; keepalive 64; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  )
  return up('nginx, 1 worker', port, spawn('nginx', ['-c', file, '-e', 'stderr'], { stdio: 'ignore' }))
}

async function up(name: string, port: number, stop: ChildProcess): Promise<Other | string> {
  for (let i = 0; i < 200; i++) {
    if (stop.exitCode !== null) return `${name} did not start: left out.`
    if (await accepts(port)) return { name, port, stop }
    await new Promise((next) => setTimeout(next, 25))
  }
  stop.kill()
  return `${name} did not listen: left out.`
}

function accepts(port: number): Promise<boolean> {
  return new Promise((told) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      told(true)
    })
    socket.once('error', () => told(false))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
